"""What a person should know about an RMA that could be read: reopened, unknown words, unclear money, odd inspection."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.core.money import to_text
from counterfoil.core.problems import Owner
from counterfoil.core.returns import Stage
from counterfoil.portals.returngo.config import ReturnGOMapping
from counterfoil.portals.returngo.payouts import Payouts, failed, kind_of
from counterfoil.portals.returngo.snapshot import outcome
from counterfoil.portals.returngo.wire import Rma, UnitRow
from counterfoil.portals.returngo.words import LABEL_CANCELLED, LABEL_STATUSES, STAGES, condition
from counterfoil.ports.translation import Finding

_TRANSACTION_STATES = frozenset({"requested", "success", "failed"})


def doubts(rma: Rma, money: Payouts, mapping: ReturnGOMapping) -> Iterator[Finding]:
    """Every finding about one RMA; the return is translated all the same."""
    yield from _reopened(rma)
    yield from _words(rma, mapping)
    for unit in rma.units:
        yield from _inspection(rma, unit, mapping)
    yield from _money(rma, money)
    yield from _failures(rma, mapping)


def _reopened(rma: Rma) -> Iterator[Finding]:
    """Back to Pending after an approval: an exception with a human decision (§4, §7)."""
    if STAGES.get(rma.status) is Stage.REQUESTED and rma.approvals:
        message = f"Return {rma.rma_id} was approved and then opened again; decide it in ReturnGO."
        yield Finding(kind="return_reopened", owner=Owner.CX, message=message, subject=rma.rma_id)


def _words(rma: Rma, mapping: ReturnGOMapping) -> Iterator[Finding]:
    if rma.status not in STAGES:
        said = f"is in the status {rma.status!r}, which we do not know" if rma.status else "does not say its status"
        yield _word(rma, "status", f"{said}; it was not moved")
    for parcel in rma.parcels:
        if parcel.status and parcel.status not in LABEL_STATUSES and parcel.status != LABEL_CANCELLED:
            yield _word(rma, f"shipment {parcel.shipment_id}", f"has a shipment in the status {parcel.status!r}")
    for word in sorted({unit.resolution or "" for unit in rma.units if outcome(unit, mapping) is None}):
        yield _word(rma, f"resolution {word}", f"has items with the resolution {word!r}; their outcome is unknown")
    for one in rma.transactions:
        if kind_of(one, mapping) is None or one.status not in _TRANSACTION_STATES:
            said = f"has the transaction {one.id} of type {one.type!r} in the status {one.status!r}; it is not counted"
            yield _word(rma, f"transaction {one.id}", said)


def _word(rma: Rma, where: str, said: str) -> Finding:
    message = f"Return {rma.rma_id} {said}."
    return Finding(
        kind="unknown_portal_word", owner=Owner.INTEGRATION, message=message, subject=f"{rma.rma_id} {where}"
    )


def _inspection(rma: Rma, unit: UnitRow, mapping: ReturnGOMapping) -> Iterator[Finding]:
    """A reason our table has no word for, or answers that are no answer (§4)."""
    seen = unit.validation
    if not seen.looked:
        return
    what, subject = (unit.sku or unit.unit_id, f"{rma.rma_id} {unit.unit_id}")
    if seen.returned is None or (seen.returned and seen.restockable is None):
        message = f"Return {rma.rma_id}: {what} was inspected, but whether it can be restocked is not said."
        yield Finding(kind="inspection_incomplete", owner=Owner.OPS, message=message, subject=subject)
    elif seen.returned and not seen.restockable and condition(mapping.conditions, seen.reason) is None:
        taken = f"taken as {mapping.other_condition}" if mapping.other_condition else "left undecided"
        why = f"because of {seen.reason!r}" if seen.reason else "without a reason"
        message = f"Return {rma.rma_id}: {what} cannot be restocked {why}; the mapping has no word for it, {taken}."
        yield Finding(kind="condition_not_mapped", owner=Owner.OPS, message=message, subject=subject)


def _money(rma: Rma, money: Payouts) -> Iterator[Finding]:
    if rma.moneyless:
        message = f"Return {rma.rma_id} has amounts without a currency; they are left unknown."
        yield Finding(kind="currency_missing", owner=Owner.INTEGRATION, message=message, subject=rma.rma_id)
    strange = sorted({one.amount.currency for one in rma.transactions} - {rma.currency})
    if strange:
        message = f"Return {rma.rma_id} is in {rma.currency}, but has transactions in {', '.join(strange)}."
        yield _broken(rma, message)
    if money.gap:
        by = f"{to_text(abs(money.gap), rma.currency)} {rma.currency}"
        way = "less" if money.gap > 0 else "more"
        message = f"Return {rma.rma_id}: what is paid out is {by} {way} than its items, fees and bonus come to."
        yield _broken(rma, message)
    if rma.cancellation_fee:
        message = (
            f"Return {rma.rma_id} has a cancellation fee; ReturnGO names no currency for it and it is not counted."
        )
        yield Finding(kind="portal_fee_unclear", owner=Owner.FINANCE, message=message, subject=rma.rma_id)


def _broken(rma: Rma, message: str) -> Finding:
    return Finding(kind="money_identity_broken", owner=Owner.FINANCE, message=message, subject=rma.rma_id)


def _failures(rma: Rma, mapping: ReturnGOMapping) -> Iterator[Finding]:
    for one in failed(rma, mapping):
        message = f"Return {rma.rma_id}: ReturnGO could not pay {one.amount} ({one.type}); nothing was posted for it."
        yield Finding(kind="processing_failed", owner=Owner.CX, message=message, subject=f"{rma.rma_id} {one.id}")
