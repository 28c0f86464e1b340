"""Suites about what comes to our hook: who may send it, and that a repeat or another order changes nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import msgspec

from counterfoil.conformance.evidence import Evidence, SignedExample, Situation
from counterfoil.conformance.orders import order_wrongs, repeated_wrongs
from counterfoil.conformance.sayings import amounts
from counterfoil.conformance.verdict import Verdict, failed, judged, not_applicable
from counterfoil.ports.translation import Signature
from counterfoil.ports.vendors import Delivery, Family, Hook

SIGNATURES, DUPLICATES, REORDERING = "signatures", "duplicates", "reordering"
LATER_S = 61.0
Believed = tuple[frozenset[str], dict[str, int]]
_TRUSTED = (Signature.VALID, Signature.NOT_SIGNED)
_STRANGERS = ("another invented secret", "00" * 32, "whsec_YW5vdGhlciBpbnZlbnRlZCBzZWNyZXQ=")
_ODD_HEADERS = ("", " ", "Zoë", "v1,", "t=,v1=", "=" * 9000, "\x00", "v1,AAAA v1,BBBB")


def signatures(evidence: Evidence) -> Verdict:
    """What another program signed is trusted, also while a secret is rotated; every forgery is not."""
    hook = evidence.spec.hook
    if hook is None:
        return not_applicable(SIGNATURES, f"{evidence.spec.title} sends us nothing")
    if not evidence.sheet.signed:
        return failed(
            SIGNATURES,
            "there is no signed delivery to try",
            "Sign one fixture with another program than the adapter (openssl dgst -sha256 -hmac …), and write the file, "
            "its headers and the example secret into kit.json under `signed`. For a vendor that signs nothing "
            "give the secret part of the address as `path_tail`.",
        )
    wrongs: list[str] = []
    tried = 0
    for example in evidence.sheet.signed:
        found = list(_of_example(evidence, hook, example))
        tried += len(found)
        wrongs += [wrong for wrong in found if wrong]
    if not hook.signed:
        wrongs += _believed(evidence)
    detail = f"{tried} deliveries tried, {len(evidence.sheet.signed)} of them true"
    cure = "Verify over the raw bytes with adapterkit.signing, under every secret, before anything is parsed."
    return judged(SIGNATURES, wrongs, detail, cure)


def _of_example(evidence: Evidence, hook: Hook, example: SignedExample) -> Iterator[str]:
    """One entry a try: empty when it went as it must."""
    body = evidence.named(example.file).delivery.body
    true = Delivery(body=body, headers=example.headers, arrived_at=example.arrived_at, path_tail=example.path_tail)
    for name, secrets in (
        ("with its secret", example.secrets),
        ("while a new secret is brought in", (*_STRANGERS, *example.secrets)),
    ):
        verdict = _verdict(hook, true, secrets)
        yield "" if verdict in _TRUSTED else f"{example.file}: the true delivery is {verdict} {name}"
        if verdict in _TRUSTED:
            refusal = hook.refuse(true, Signature(verdict))
            yield "" if refusal is None else f"{example.file}: the true delivery is refused {name}"
    forged = [("under another secret", true, _STRANGERS), ("under no secret at all", true, ())]
    forged += [(name, delivery, example.secrets) for name, delivery in _bare(true)]
    for name, delivery, secrets in forged:
        verdict = _verdict(hook, delivery, secrets)
        yield f"{example.file}: {name} it is {verdict}" if verdict in _TRUSTED else ""
    yield from _damaged(evidence, hook, true, example)


def _bare(true: Delivery) -> Iterator[tuple[str, Delivery]]:
    """Without what makes it true. A signature inside the body goes with the body."""
    if true.path_tail:
        yield "at a guessed address", msgspec.structs.replace(true, path_tail="guessed", headers={})
        yield "without the secret address", msgspec.structs.replace(true, path_tail="", headers={})
    elif true.headers:
        yield "without any header", msgspec.structs.replace(true, headers={})
        for odd in _ODD_HEADERS:
            changed = dict.fromkeys(true.headers, odd)
            yield f"with headers of {odd[:12]!r}", msgspec.structs.replace(true, headers=changed)


def _damaged(evidence: Evidence, hook: Hook, true: Delivery, example: SignedExample) -> Iterator[str]:
    """A changed byte is noticed, unless what we believe of the delivery stays the same to the letter."""
    if true.path_tail and not true.headers:
        return  # nothing is signed, so nothing can be noticed; that is why such bodies are not believed
    said = _believes(evidence, true)
    numbers = random.Random(7)
    for place in sorted(numbers.sample(range(len(true.body)), min(150, len(true.body)))):
        body = bytearray(true.body)
        body[place] ^= 1 << numbers.randrange(7)
        other = msgspec.structs.replace(true, body=bytes(body))
        verdict = _verdict(hook, other, example.secrets)
        harmless = verdict not in _TRUSTED or _adds_nothing(_believes(evidence, other), said)
        yield "" if harmless else f"{example.file}: byte {place} changed, and it is still {verdict}"


def _believes(evidence: Evidence, delivery: Delivery) -> Believed:
    found = evidence.spec.translate(delivery)
    return frozenset(event.key for event in found.events), amounts(found)


def _adds_nothing(other: Believed, said: Believed) -> bool:
    """Losing a fact to a damaged field is told and kept; believing another fact or amount is a forgery."""
    return other[0] <= said[0] and other[1].items() <= said[1].items()


def _believed(evidence: Evidence) -> Iterator[str]:
    """Where nothing is signed a body is only believed for its ids."""
    for one in evidence.webhooks:
        if not one.unreadable and evidence.read(one).events:
            yield f"{one.name}: nothing is signed, yet its body is believed as a fact"


def _verdict(hook: Hook, delivery: Delivery, secrets: Sequence[str]) -> str:
    try:
        return hook.verify(delivery, secrets)
    except Exception as error:
        return f"an exception ({type(error).__name__}), which counts as trusted"


def duplicates(evidence: Evidence) -> Verdict:
    """The same delivery again is the same delivery and the same facts, and a fact told twice counts once."""
    if evidence.spec.hook is None:
        return not_applicable(DUPLICATES, "nothing is sent to us; repeats of our own calls: see lost acknowledgement")
    wrongs: list[str] = [] if evidence.webhooks else ["there is no delivery to repeat; put payloads into fixtures/"]
    for one in evidence.webhooks:
        wrongs += _of_repeat(evidence, evidence.spec.hook, one)
    wrongs += _shared_keys(evidence)
    wrongs += [wrong for one, found in evidence.readable() for wrong in repeated_wrongs(one.name, found)]
    return judged(
        DUPLICATES,
        wrongs,
        f"{len(evidence.webhooks)} deliveries repeated",
        "Make delivery_key from the vendor's own id of the delivery, or from its bytes, and each event's key from what "
        "happened (return, state, moment), never from the clock or the time of arrival.",
    )


def _of_repeat(evidence: Evidence, hook: Hook, one: Situation) -> Iterator[str]:
    later = msgspec.structs.replace(one.delivery, arrived_at=one.delivery.arrived_at + LATER_S)
    if hook.delivery_key(later) != hook.delivery_key(one.delivery):
        yield f"{one.name} has another delivery key a minute later"
    first = [event.key for event in evidence.read(one).events]
    if [event.key for event in evidence.spec.translate(later).events] != first:
        yield f"{one.name} gives events of other keys a minute later"
    if len(set(first)) < len(first):
        yield f"{one.name} gives two events of one key"


def _shared_keys(evidence: Evidence) -> Iterator[str]:
    """Two deliveries under one key must say the same: the second is thrown away."""
    seen: dict[str, Situation] = {}
    for one in evidence.webhooks:
        assert evidence.spec.hook is not None, "only vendors with a hook have webhooks"
        first = seen.setdefault(evidence.spec.hook.delivery_key(one.delivery), one)
        if first is not one and _facts(evidence, first) != _facts(evidence, one):
            yield f"{one.name} and {first.name} share a delivery key and say different things"


def _facts(evidence: Evidence, one: Situation) -> list[str]:
    return sorted(event.key for event in evidence.read(one).events)


def reordering(evidence: Evidence) -> Verdict:
    """Facts about one return end in the same state whatever order they come in."""
    if evidence.spec.family is Family.ERP:
        return not_applicable(REORDERING, "it speaks only when it is asked; our calls to it run one after the other")
    tried, wrongs = order_wrongs([(one.name, found) for one, found in evidence.readable()])
    if not tried and evidence.spec.family is Family.PORTAL:
        cure = "Add fixtures of one return at different moments: requested, approved, edited, closed."
        return failed(REORDERING, "no two fixtures tell of the same return", cure)
    if not tried:
        return not_applicable(REORDERING, "no two fixtures tell of the same return")
    return judged(
        REORDERING,
        wrongs,
        f"{tried} orders of facts end alike",
        "Give snapshots the moment of the portal's last edit (edited_at) and receipts a revision that rises, so that "
        "an older one never replaces a newer.",
    )
