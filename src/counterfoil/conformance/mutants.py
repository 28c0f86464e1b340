"""Damaged payloads: every fixture, changed in one or a few places, must be answered and must not lie about money.

The mutator knows shapes: it swaps types, removes and repeats keys, writes numbers as text and text as numbers, nulls,
nests, stretches and negates; it cuts bodies, spoils bytes, headers and statuses. A mutant is one seed, so a finding
can be shown again.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from counterfoil.adapterkit.parse import UnreadableError, read_json
from counterfoil.conformance.evidence import Evidence, Situation, gather
from counterfoil.conformance.sayings import amounts, says_something
from counterfoil.core.events import OutsideFact, ReturnFact
from counterfoil.core.evolve import evolve, new_case
from counterfoil.ports.translation import Translation
from counterfoil.ports.vendors import Delivery, VendorSpec

FINDINGS_SHOWN = 20
_ZEROES = re.compile(r"^[-+]?0*\.?0*(e[-+]?\d+)?$", re.IGNORECASE)
_STATUSES = (100, 200, 201, 202, 204, 301, 400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 599)
_HUGE = 10**30
_TEXTS = (
    "",
    " ",
    "N/A",
    "null",
    "true",
    "Zoë\u202egnirts\u0000",
    "\U0001f4a9" * 3,
    "=1+1",
    "../../etc/hostname",
    "9" * 400,
    "1e400",
    "NaN",
    "1,234.56",
    "12.345",
    "-12.34",
    "٣٤",
    "x" * 70_000,
    "<b>&amp;</b>",
    "2026-13-45T99:99:99Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
)
_VALUES: tuple[Any, ...] = (None, True, False, -1, 7, _HUGE, -_HUGE, Decimal("0.001"), Decimal("-9.99"), [], {}, [[]])


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """How many mutants were tried on a vendor, and what they found."""

    vendor: str
    mutants: int
    found: int
    findings: tuple[str, ...]


@dataclass(frozen=True)
class Mutant:
    """One damaged delivery. `damaged` is the path of the field that was spoilt, when it was a single field."""

    source: Situation
    delivery: Delivery
    what: str
    damaged: str = ""


def campaign(spec: VendorSpec, count: int, *, seed: int, evidence: Evidence | None = None) -> Campaign:
    """Try so many mutants. Findings are sentences that name the fixture and the damage."""
    held = evidence or gather(spec)
    sources = [one for one in held.situations if one.delivery.body.strip()]
    findings: dict[str, str] = {}
    found = 0
    for number in range(count if sources else 0):
        mutant = breed(sources[number % len(sources)], random.Random(f"{seed}/{spec.name}/{number}"))
        for wrong in wrongs(held, mutant):
            found += 1
            findings.setdefault(re.sub(r"\d+", "#", wrong)[:160], f"{mutant.source.name}: {mutant.what}: {wrong}")
    shown = tuple(list(findings.values())[:FINDINGS_SHOWN])
    return Campaign(vendor=spec.name, mutants=count if sources else 0, found=found, findings=shown)


# --- breeding -------------------------------------------------------------------------------------------------------


def breed(source: Situation, numbers: random.Random) -> Mutant:
    """One mutant of a fixture."""
    try:
        value = read_json(source.delivery.body)
    except UnreadableError:
        value = None
    tree = isinstance(value, dict | list) and bool(value)
    roll = numbers.random()
    if tree and roll < 0.72:
        return _in_the_tree(source, value, numbers)
    if tree and roll < 0.78:
        return _key_twice(source, value, numbers)
    if not tree and roll < 0.7:
        return _in_the_text(source, numbers)
    if roll < 0.92:
        return _in_the_bytes(source, numbers)
    return _around(source, numbers)


def _in_the_tree(source: Situation, value: Any, numbers: random.Random) -> Mutant:
    """One to three fields changed; with one, its path is remembered."""
    told: list[str] = []
    places: list[str] = []
    for _ in range(numbers.choice((1, 1, 1, 2, 3))):
        spots = list(_spots(value, ""))
        if not spots:
            break
        holder, key, path = numbers.choice(spots)
        what = _change(holder, key, numbers)
        told.append(f"{path} {what}")
        places.append(path)
    body = _dump(value)
    single = places[0] if len(places) == 1 else ""
    return Mutant(source, msgspec.structs.replace(source.delivery, body=body), ", ".join(told), single)


def _spots(value: Any, path: str) -> list[tuple[Any, Any, str]]:
    """Every place a value stands in: its holder, its key there, its path."""
    found: list[tuple[Any, Any, str]] = []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        below = f"{path}.{key}" if path else str(key)
        found.append((value, key, below))
        found += _spots(inner, below)
    return found


def _change(holder: Any, key: Any, numbers: random.Random) -> str:
    value = holder[key]
    kinds: list[Callable[[], str]] = [
        lambda: _set(holder, key, numbers.choice(_VALUES)),
        lambda: _set(holder, key, numbers.choice(_TEXTS)),
        lambda: _set(holder, key, _other_typing(value)),
        lambda: _set(holder, key, _bent(value, numbers)),
        lambda: _set(holder, key, {"nested": value}),
        lambda: _set(holder, key, [value, value]),
        lambda: _removed(holder, key),
    ]
    if isinstance(holder, list):
        kinds.append(lambda: _repeated(holder, key))
    return numbers.choice(kinds)()


def _set(holder: Any, key: Any, value: Any) -> str:
    holder[key] = deepcopy(value)  # so that a later change strikes one place
    return f"became {str(value)[:40]!r}"


def _removed(holder: Any, key: Any) -> str:
    del holder[key]
    return "was removed"


def _repeated(holder: list[Any], key: int) -> str:
    holder.insert(key, deepcopy(holder[key]))
    return "was repeated"


def _other_typing(value: Any) -> Any:
    """A number as text, a text as number, a truth value as a number; zero stays what it was."""
    match value:
        case bool():
            return int(value) or "false"
        case int() | Decimal():
            return str(value)
        case str():
            try:
                number = Decimal(value)
            except ArithmeticError:
                return value.upper()
            return number if number.is_finite() else value.upper()
    return str(value)


def _bent(value: Any, numbers: random.Random) -> Any:
    """The same kind of value, stretched: huge, negative, too fine, oddly written."""
    match value:
        case bool():
            return not value
        case int():
            return numbers.choice((-value - 1, value * 10**18 + 1, Decimal(value) + Decimal("0.0001")))
        case Decimal():
            return numbers.choice((-value - 1, value * 10**18 + 1, value + Decimal("0.00001")))
        case str():
            return numbers.choice((f"{value} ", f"-{value}", f"{value}€", f"\u00a0{value}", value[::-1], value * 40))
        case list():
            return value * 30
        case dict():
            return {str(key).upper(): inner for key, inner in value.items()}
    return "something"


def _dump(value: Any) -> bytes:
    """JSON again, with Decimals as bare numbers."""
    text = json.dumps(value, ensure_ascii=False, default=lambda number: f"\ue000{number}\ue001")
    return re.sub('"\ue000([^\ue001]*)\ue001"', r"\1", text).encode("utf-8", "surrogatepass")


def _key_twice(source: Situation, value: Any, numbers: random.Random) -> Mutant:
    """A payload that says two things."""
    spots = [spot for spot in _spots(value, "") if isinstance(spot[0], dict)]
    if not spots:
        return _in_the_bytes(source, numbers)
    holder, key, path = numbers.choice(spots)
    holder[f"{key}\ue002"] = deepcopy(numbers.choice((holder[key], numbers.choice(_VALUES))))
    body = _dump(value).replace("\ue002".encode(), b"")
    return Mutant(source, msgspec.structs.replace(source.delivery, body=body), f"{path} stands there twice")


def _in_the_text(source: Situation, numbers: random.Random) -> Mutant:
    """XML, CSV and the like: one element or cell changed, dropped or repeated."""
    text = source.delivery.body.decode("utf-8", "replace")
    words = list(re.finditer(r"[^<>,;\n\"=]+", text))
    if not words:
        return _in_the_bytes(source, numbers)
    word = numbers.choice(words)
    other = numbers.choice((*_TEXTS, "", word[0] * 2, word[0][::-1], f"-{word[0]}", "7"))
    changed = text[: word.start()] + other + text[word.end() :]
    lines = text.splitlines(keepends=True)
    if numbers.random() < 0.3 and len(lines) > 1:
        place = numbers.randrange(len(lines))
        lines[place : place + 1] = numbers.choice(([], [lines[place]] * 2))
        changed = "".join(lines)
    body = changed.encode("utf-8", "surrogatepass")
    return Mutant(
        source, msgspec.structs.replace(source.delivery, body=body), f"{word[0][:30]!r} became {other[:30]!r}"
    )


def _in_the_bytes(source: Situation, numbers: random.Random) -> Mutant:
    body = source.delivery.body
    place = numbers.randrange(len(body))
    match numbers.randrange(5):
        case 0:
            changed, what = body[:place], f"cut off at byte {place}"
        case 1:
            changed, what = body[:place] + bytes([numbers.randrange(256)]) + body[place + 1 :], f"byte {place} changed"
        case 2:
            end = min(len(body), place + numbers.randrange(1, 60))
            changed, what = body[:place] + body[end:], f"bytes {place} to {end} dropped"
        case 3:
            changed, what = body[:place] + body[place:][:200] + body[place:], f"bytes after {place} doubled"
        case _:
            changed, what = b"\xef\xbb\xbf" + body, "a byte order mark in front"
    return Mutant(source, msgspec.structs.replace(source.delivery, body=changed), what)


def _around(source: Situation, numbers: random.Random) -> Mutant:
    """Headers and status spoilt, the body left alone."""
    delivery = source.delivery
    if delivery.status is not None and numbers.random() < 0.6:
        status = numbers.choice(_STATUSES)
        return Mutant(source, msgspec.structs.replace(delivery, status=status), f"status {status}")
    headers = dict(delivery.headers)
    name = numbers.choice([*headers, "retry-after", "content-type", "location", "x-unexpected"])
    headers[name] = numbers.choice(_TEXTS)
    return Mutant(source, msgspec.structs.replace(delivery, headers=headers), f"header {name} spoilt")


# --- judging --------------------------------------------------------------------------------------------------------


def wrongs(evidence: Evidence, mutant: Mutant) -> Sequence[str]:
    """What is wrong with how a mutant was taken: a crash, silence, what cannot be kept, or money that became zero."""
    try:
        found = _taken(evidence.spec, mutant.delivery)
    except Exception as error:
        return [f"{type(error).__name__}: {error}"[:200]]
    if not says_something(found):
        return [f"it is read as {found.kind.value} and says nothing"]
    try:
        _kept(found)
    except Exception as error:
        return [f"its facts cannot be kept: {type(error).__name__}: {error}"[:200]]
    return _vanished(evidence, mutant, found)


def _taken(spec: VendorSpec, delivery: Delivery) -> Translation:
    """The hook's part and the translation, as the road does them."""
    if spec.hook is not None and delivery.status is None:
        verdict = spec.hook.verify(delivery, ("example",))
        spec.hook.refuse(delivery, verdict)
        spec.hook.delivery_key(delivery)
        if spec.hook.verify_each is not None:
            spec.hook.verify_each(delivery, ("00",))
    return spec.translate(delivery)


def _kept(found: Translation) -> None:
    """Facts go into the log and come back, and the case takes them in."""
    kept = msgspec.json.decode(msgspec.json.encode(found.events), type=tuple[OutsideFact, ...])
    if kept != found.events:
        raise ValueError("a fact comes back from the log as another")
    shown = next((fact for fact in found.events if isinstance(fact, ReturnFact)), None)
    if shown is None:
        return
    case = new_case("acme", shown.portal_return)
    for fact in found.events:
        case = evolve(case, fact)


def _vanished(evidence: Evidence, mutant: Mutant, found: Translation) -> list[str]:
    """An amount that was there and is 0 now, although no zero was written: the worst way to misread."""
    if not mutant.damaged or "was removed" in mutant.what or "became '[]'" in mutant.what:
        return _removed_money(evidence, mutant, found)
    before = amounts(evidence.read(mutant.source))
    after = amounts(found)
    if any(value and not before.get(name) for name, value in after.items()):
        return []  # it is read as another amount under another name (a sum that changed its sign), not as nothing
    return [f"{name} was {value} and is read as 0" for name, value in before.items() if value and after.get(name) == 0]


def _removed_money(evidence: Evidence, mutant: Mutant, found: Translation) -> list[str]:
    """A field that was taken away is unknown; only what it was one part of may shrink, and then not to nothing."""
    if not mutant.damaged or not _is_amount(mutant):
        return []
    before, after = amounts(evidence.read(mutant.source)), amounts(found)
    return [
        f"{name} was {value}, its field is gone, and it is read as 0"
        for name, value in before.items()
        if value and after.get(name) == 0
    ]


def _is_amount(mutant: Mutant) -> bool:
    """Whether a figure was removed, rather than a whole line or list with what it was worth."""
    try:
        value = read_json(mutant.source.delivery.body)
        for key in mutant.damaged.split("."):
            value = value[int(key)] if isinstance(value, list) else value[key]
    except (KeyError, ValueError, TypeError, IndexError):
        return False
    return isinstance(value, int | Decimal | str) and not isinstance(value, bool) and not _ZEROES.match(str(value))
