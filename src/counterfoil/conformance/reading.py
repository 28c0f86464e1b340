"""Suites that only read: every fixture is understood or explained, and what cannot be read is refused with a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

import msgspec

from counterfoil.conformance.evidence import Evidence, Situation
from counterfoil.conformance.sayings import refuses, says_something
from counterfoil.conformance.shelf import PLAIN, SHELF, huge
from counterfoil.conformance.verdict import Verdict, judged, not_applicable
from counterfoil.ports.translation import Kind
from counterfoil.ports.vendors import Delivery

FIXTURES, UNREADABLE = "fixtures", "unreadable input"


def fixtures(evidence: Evidence) -> Verdict:
    """Every fixture becomes facts, an answer, a finding or a stated reason, the same each time, and has its origin."""
    wrongs = [] if evidence.situations else ["there is no payload in fixtures/"]
    wrongs += _without_papers(evidence)
    for one in evidence.situations:
        wrongs += _of_fixture(evidence, one)
    return judged(
        FIXTURES,
        wrongs,
        f"{len(evidence.situations)} payloads read or explained",
        "Put one payload for each situation into fixtures/, name each in fixtures/PROVENANCE.md with the part of the "
        "vendor's documentation it restates, and fill in translate.py until every one of them is read or explained.",
    )


def _without_papers(evidence: Evidence) -> list[str]:
    papers = evidence.folder / "PROVENANCE.md"
    if not papers.exists():
        return ["fixtures/PROVENANCE.md is missing"]
    told = papers.read_text()
    patterns = re.findall(r"[`|, ]([A-Za-z0-9_*.-]+)", told)
    missing = [
        f"{one.name} is not named in fixtures/PROVENANCE.md"
        for one in evidence.situations
        if not any(fnmatchcase(name, pattern) for pattern in patterns for name in _names(one.name))
    ]
    return missing + ([] if (evidence.folder.parent / "NOTES.md").exists() else ["NOTES.md is missing"])


def _names(name: str) -> tuple[str, ...]:
    """`closed_period_400.json` may stand in the papers as `closed_period_400` or `closed_period`."""
    stem = name.rsplit(".", 1)[0]
    return name, stem, stem.rsplit("_", 1)[0] if stem[-3:].isdecimal() else stem


def _of_fixture(evidence: Evidence, one: Situation) -> list[str]:
    try:
        found = evidence.read(one)
        again = evidence.spec.translate(one.delivery)
        msgspec.json.encode(found)
    except Exception as error:
        return [f"{one.name}: translate raised {type(error).__name__}: {error}"]
    if found != again:
        return [f"{one.name} is read differently the second time"]
    if one.unreadable:
        sound = found.kind is Kind.UNREADABLE and any(problem.message for problem in found.problems)
        return [] if sound else [f"{one.name} must be unreadable with a sentence, but is read as {found.kind.value}"]
    if found.kind is Kind.UNREADABLE and one.is_webhook:
        why = found.problems[0].message if found.problems else "without a sentence"
        return [f"{one.name} cannot be read: {why}"]
    if not says_something(found):
        return [f"{one.name} is read as nothing: no fact, no answer, no finding, no reason"]
    return []


def unreadable(evidence: Evidence) -> Verdict:
    """The awkward shelf and every fixture cut in half: no crash, no fact, and a sentence that says why."""
    doors = _doors(evidence)
    if not doors:
        return not_applicable(UNREADABLE, "it neither sends us anything nor answers")
    wrongs, tried = [], 0
    if not any(found.kind is not Kind.UNREADABLE for _, found in evidence.readable()):
        wrongs.append("no fixture can be read, so refusing proves nothing yet")
    for name, body in (*SHELF.items(), *huge()):
        for status in doors:
            wrongs += _refused(evidence, f"{name}{_by(status)}", Delivery(body=body, status=status))
            tried += 1
    for one in evidence.situations:
        if one.delivery.body.strip() and not one.unreadable and evidence.read(one).kind is not Kind.UNREADABLE:
            wrongs += _cut(evidence, one)
            tried += 1
    wrongs += _limit(evidence)
    return judged(
        UNREADABLE,
        wrongs,
        f"{tried} bodies refused with a sentence",
        "Read with adapterkit.parse, catch UnreadableError, and answer with Kind.UNREADABLE and a finding that says "
        "what cannot be read and where. Never return a fact from a body you did not understand to its end.",
    )


def _doors(evidence: Evidence) -> tuple[int | None, ...]:
    """How bodies come in: by webhook (no status), or as the answer to a call."""
    asked = evidence.spec.build is not None
    return ((None,) if evidence.spec.hook is not None else ()) + ((200,) if asked else ())


def _by(status: int | None) -> str:
    return "" if status is None else f" (answer {status})"


def _refused(evidence: Evidence, name: str, delivery: Delivery) -> list[str]:
    hook = evidence.spec.hook
    try:
        if hook is not None and delivery.status is None:
            verdict = hook.verify(delivery, ("example",))
            hook.refuse(delivery, verdict)
            hook.delivery_key(delivery)
        found = evidence.spec.translate(delivery)
    except Exception as error:
        return [f"{name} raised {type(error).__name__}"]
    if refuses(found):
        return []
    answered = found.answer is not None and found.answer.result == "ok" and not found.events and not found.returns
    if delivery.status is not None and answered and any(delivery.body == SHELF[plain] for plain in PLAIN):
        return []  # the status said yes, and nothing was taken from the body
    return [f"{name} is read as {found.kind.value} instead of being refused"]


def _cut(evidence: Evidence, one: Situation) -> list[str]:
    """Half a body must never be taken for a whole one. A refusal's body may be lost: its status says enough."""
    body = one.delivery.body
    half = msgspec.structs.replace(one.delivery, body=body[: len(body) // 2])
    try:
        found = evidence.spec.translate(half)
    except Exception as error:
        return [f"{one.name} cut in half raised {type(error).__name__}"]
    if refuses(found) or (one.delivery.status or 0) >= 300:
        return []
    return [f"{one.name} cut in half is read as {found.kind.value}"]


def _limit(evidence: Evidence) -> Iterable[str]:
    hook = evidence.spec.hook
    if hook is not None and hook.limit_bytes >= 50 * 1024 * 1024:
        yield f"the hook takes bodies of {hook.limit_bytes} bytes; 50 MB must be refused before they are read"
