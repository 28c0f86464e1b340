"""The same facts twice and in other orders, through the core's own state: what must not change is compared."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from counterfoil.core.case import ReturnCase, Unit
from counterfoil.core.commands import CaseRef
from counterfoil.core.events import OutsideFact, RefundMoved, RefundState, ReturnFact, WarehouseReported
from counterfoil.core.evolve import evolve, new_case
from counterfoil.core.returns import Stage
from counterfoil.ports.translation import Translation

SHUFFLES = 6
UNITS_PER_LINE_MAX = 50

Told = Sequence[tuple[str, Translation]]
Fingerprint = tuple[object, ...]


def repeated_wrongs(name: str, found: Translation) -> Iterator[str]:
    """Facts taken in twice although their keys were lost on the way: money and units must not double."""
    case = _start(found.events)
    once = _after(case, found.events)
    twice = _after(once, found.events)
    if _money(once) != _money(twice) or _units(once) != _units(twice):
        yield f"{name}: its facts taken in twice count twice"


def order_wrongs(told: Told) -> tuple[int, list[str]]:
    """How many orders were tried, and which ended in different states."""
    groups: dict[tuple[str, ...], list[tuple[str, OutsideFact]]] = {}
    for name, found in told:
        for event in found.events:
            groups.setdefault(_subject(event), []).append((name, event))
    numbers = random.Random(11)
    tried, wrongs = 0, []
    for subject, facts in groups.items():
        once = list({event.key: (name, event) for name, event in facts}.values())
        if len(once) < 2:
            continue
        ends = {}
        for number in range(SHUFFLES):
            order = list(reversed(once)) if number == 1 else numbers.sample(once, len(once)) if number else once
            case = _after(_start([event for _, event in once]), [event for _, event in order])
            ends[_print(case, [event for _, event in once])] = [name for name, _ in order]
            tried += 1
        if len(ends) > 1:
            wrongs.append(f"{' '.join(subject)}: {_difference(ends)}")
    return tried, wrongs


def _difference(ends: dict[Fingerprint, list[str]]) -> str:
    (first, one), (second, other) = list(ends.items())[:2]
    part = next(f"{a!r} or {b!r}" for a, b in zip(first, second, strict=True) if a != b)
    return f"it ends as {part}, by the order of {one[-1]} and {other[-1]}"


def _subject(event: OutsideFact) -> tuple[str, ...]:
    match event:
        case ReturnFact():
            return ("return", event.portal_return.return_id)
        case WarehouseReported():
            return ("receipt", event.receipt.source, event.receipt.reverses_receipt_id or event.receipt.receipt_id)
        case RefundMoved():
            return ("refund", event.ref)
    return ("return", str(getattr(event, "return_id", "") or event.key))


def _start(facts: Sequence[OutsideFact]) -> ReturnCase:
    """A case that could have these facts: of the return they show, or one that expects whatever the parcels hold."""
    shown = next((fact for fact in facts if isinstance(fact, ReturnFact)), None)
    if shown is not None:
        return new_case("acme", shown.portal_return)
    ref = CaseRef(brand="acme", portal="portal", return_id="1")
    return ReturnCase(case=ref, currency="GBP", stage=Stage.AUTHORISED, units=tuple(_expected(facts)))


def _expected(facts: Sequence[OutsideFact]) -> Iterator[Unit]:
    most: dict[str, int] = {}
    for fact in facts:
        if isinstance(fact, WarehouseReported):
            for line in fact.receipt.lines:
                sku = line.sku or line.barcode or ""
                most[sku] = min(UNITS_PER_LINE_MAX, max(most.get(sku, 0), line.received_quantity))
    for sku, count in most.items():
        for number in range(1, count + 1):
            yield Unit(unit_id=f"{sku}#{number}", line_id=sku, order_line_ref=None, sku=sku)


def _after(case: ReturnCase, facts: Sequence[OutsideFact]) -> ReturnCase:
    for fact in facts:
        case = evolve(case, fact)
    return case


def _print(case: ReturnCase, facts: Sequence[OutsideFact]) -> Fingerprint:
    """What must be the same in every order.

    Two endings of one return, or two contents of one receipt, contradict each other; there the first holds and a
    person is asked, so order may matter.
    """
    ends = {fact.portal_return.stage for fact in facts if isinstance(fact, ReturnFact)}
    stage = None if sum(stage.final for stage in ends) > 1 else case.stage
    torn = len({(f.receipt.revision, f.receipt.lines) for f in facts if isinstance(f, WarehouseReported)}) > len(
        {f.receipt.revision for f in facts if isinstance(f, WarehouseReported)}
    )
    torn = torn or _same_edit(facts)
    newest = None if torn else case.portal_return and case.portal_return.state
    return stage, newest, _money(case), None if torn else _units(case)


def _same_edit(facts: Sequence[OutsideFact]) -> bool:
    """Two different snapshots of one moment: neither is newer."""
    shown = {fact.portal_return.edited_at: fact.portal_return.lines for fact in facts if isinstance(fact, ReturnFact)}
    if all(not isinstance(f, ReturnFact) or shown[f.portal_return.edited_at] == f.portal_return.lines for f in facts):
        return False
    moments = [fact.portal_return.edited_at for fact in facts if isinstance(fact, ReturnFact)]
    return len(set(moments)) < len(moments) or None in moments


def _money(case: ReturnCase) -> tuple[object, ...]:
    """Each movement with how far it is; failed and reversed both mean that the customer has nothing."""
    gone = (RefundState.FAILED, RefundState.REVERSED)
    return tuple(sorted((r.ref, r.amount, "gone" if r.status in gone else r.status.value) for r in case.refunds))


def _units(case: ReturnCase) -> tuple[object, ...]:
    """How many units are where, whichever unit it is."""
    return tuple(sorted((unit.sku or "", unit.reception.value, str(unit.disposition or "")) for unit in case.units))
