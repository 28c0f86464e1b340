"""From one RMA to the facts it states, with keys that are equal whenever the same fact is seen again.

ReturnGO gives no event id and its clocks do not order anything (ReturnGO sheet §5, T11): a key is the return's id and
what the RMA says about the fact, after reading, never a time. Only the whole RMA states facts; an event's body and a
list row are believed for their ids alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from counterfoil.adapterkit.signing import digest
from counterfoil.core.events import (
    LabelMoved,
    OutsideFact,
    PortalInspected,
    ProcessingFailed,
    RefundReported,
    ReturnAuthorised,
    ReturnCancelled,
    ReturnProcessed,
    ReturnRequested,
    StoreCreditIssued,
)
from counterfoil.core.returns import LabelStatus, PortalReturn, Stage
from counterfoil.portals.returngo.config import ReturnGOMapping
from counterfoil.portals.returngo.payouts import STORE_CREDIT, Payouts, failed, of_kind
from counterfoil.portals.returngo.snapshot import gateway, moved
from counterfoil.portals.returngo.wire import Parcel, Rma
from counterfoil.portals.returngo.words import ARRIVED, LABEL_STATUSES, PORTAL, STAGES


def facts_of(rma: Rma, seen: PortalReturn, money: Payouts, mapping: ReturnGOMapping) -> tuple[OutsideFact, ...]:
    """Everything an RMA states, each fact once. `seen` is its snapshot with one line for each unit."""
    found: list[OutsideFact] = [
        *_stage(rma, seen),
        *_labels(rma, mapping),
        *_inspections(seen, rma),
        *_refunds(rma, mapping),
        *_credits(rma, money, mapping),
        *_failures(rma, mapping),
    ]
    return once(found)


def once(facts: Iterable[OutsideFact]) -> tuple[OutsideFact, ...]:
    """The facts in order, the first of each key."""
    by_key: dict[str, OutsideFact] = {}
    for fact in facts:
        by_key.setdefault(fact.key, fact)
    return tuple(by_key.values())


def _stage(rma: Rma, seen: PortalReturn) -> Iterator[OutsideFact]:
    """The stage the return is in; nothing for a status we do not know, which must not move the return."""
    if rma.status not in STAGES:
        return
    of, content = f"{PORTAL}/{rma.rma_id}", _content(rma, seen)
    match seen.stage:
        case Stage.REQUESTED:
            yield ReturnRequested(
                key=f"{of}/requested/{content}", occurred_at=_event_at(rma, "RMA_CREATED"), portal_return=seen
            )
        case Stage.AUTHORISED:
            at = _event_at(rma, "RMA_APPROVED")
            yield ReturnAuthorised(key=f"{of}/authorised/{content}", occurred_at=at, portal_return=seen)
        case Stage.PROCESSED:
            yield ReturnProcessed(key=f"{of}/processed/{content}", portal_return=seen)
        case Stage.CANCELLED:
            yield ReturnCancelled(key=f"{of}/cancelled", portal_return=seen)


def _event_at(rma: Rma, name: str) -> str | None:
    return next((event.at for event in rma.events if event.name == name), None)


def _content(rma: Rma, seen: PortalReturn) -> str:
    """The identity of what a stage shows: units, money, exchange, status, approvals (a reopened return has several).

    The snapshot grows while its stage stays (transactions and inspection come late), so its content is in the key.
    """
    lines = sorted(repr((line.line_id, line.order_line_ref, line.sku, *_worth(line))) for line in seen.lines)
    exchange = [repr((one.exchange_id, one.sku, one.total, one.order_ref)) for one in seen.exchange_lines]
    whole = (seen.state, seen.currency, seen.tenders, [(one.ref, one.amount) for one in seen.refunds], rma.approvals)
    return digest(*lines, *exchange, repr(whole))[:16]


def _worth(line: object) -> tuple[object, ...]:
    return tuple(
        getattr(line, name) for name in ("line_value", "tax", "cash_refund", "line_outcome", "reason", "disposition")
    )


# --- goods ----------------------------------------------------------------------------------------------------------


def _labels(rma: Rma, mapping: ReturnGOMapping) -> Iterator[LabelMoved]:
    """What each parcel says; and the arrival, where only the RMA's own status tells it (T4)."""
    for parcel in rma.parcels:
        status = LABEL_STATUSES.get(parcel.status)
        if status is not None:
            yield _label(rma, parcel, status, mapping)
    if rma.arrived and not any(parcel.status in ARRIVED for parcel in rma.parcels):
        only = rma.parcels[0] if len(rma.parcels) == 1 else None
        yield _label(rma, only, LabelStatus.DELIVERED, mapping)


def _label(rma: Rma, parcel: Parcel | None, status: LabelStatus, mapping: ReturnGOMapping) -> LabelMoved:
    name = (parcel.tracking or parcel.shipment_id) if parcel else None
    return LabelMoved(
        key=f"{PORTAL}/{rma.rma_id}/label/{name or '-'}/{status}",
        occurred_at=_received_at(rma, mapping) if status is LabelStatus.DELIVERED else None,
        portal=PORTAL,
        return_id=rma.rma_id,
        label_status=status,
        tracking=parcel.tracking if parcel else None,
        carrier=parcel.carrier if parcel else None,
    )


def _received_at(rma: Rma, mapping: ReturnGOMapping) -> str | None:
    """When the goods came: no event tells it, a comment of the timeline does (T3)."""
    wanted = mapping.received_comment.casefold()
    return next((one.at for one in rma.comments if wanted and one.name.casefold() == wanted), None)


def _inspections(seen: PortalReturn, rma: Rma) -> Iterator[PortalInspected]:
    looked_at = {unit.unit_id: unit.validation.at for unit in rma.units}
    for line in seen.lines:
        if line.disposition is not None:
            yield PortalInspected(
                key=f"{PORTAL}/{rma.rma_id}/inspected/{line.line_id}/{line.disposition}/-",
                occurred_at=looked_at[line.line_id],
                portal=PORTAL,
                return_id=rma.rma_id,
                line_id=line.line_id,
                disposition=line.disposition,
            )


# --- money ----------------------------------------------------------------------------------------------------------


def _refunds(rma: Rma, mapping: ReturnGOMapping) -> Iterator[RefundReported]:
    """Refunds that succeeded. A second transaction of one platform refund is a new amount of it, not a new refund."""
    for one in moved(rma, mapping):
        identity = one.ref or f"transaction-{one.id}"
        yield RefundReported(
            key=f"{PORTAL}/{rma.rma_id}/refund/{identity}/{one.amount.minor}{one.amount.currency}",
            occurred_at=one.at,
            portal=PORTAL,
            return_id=rma.rma_id,
            ref=one.ref,
            gateway=gateway(one, mapping),
            amount=one.amount.minor,
            currency=one.amount.currency,
        )


def _credits(rma: Rma, money: Payouts, mapping: ReturnGOMapping) -> Iterator[StoreCreditIssued]:
    for one in of_kind(rma, mapping, STORE_CREDIT, succeeded=True):
        yield StoreCreditIssued(
            key=f"{PORTAL}/{rma.rma_id}/storecredit/{one.id}",
            occurred_at=one.at,
            portal=PORTAL,
            return_id=rma.rma_id,
            gift_card_id=one.ref or f"transaction-{one.id}",
            order_ref=rma.order_ref,
            issued=one.amount.minor,
            bonus=money.bonuses.get(one.id, 0),
            currency=one.amount.currency,
        )


def _failures(rma: Rma, mapping: ReturnGOMapping) -> Iterator[ProcessingFailed]:
    """A payout that failed and was not made good: kept as a fact, never as money (T8)."""
    for one in failed(rma, mapping):
        yield ProcessingFailed(
            key=f"{PORTAL}/{rma.rma_id}/processing_failed/{one.id}",
            occurred_at=one.at,
            portal=PORTAL,
            return_id=rma.rma_id,
            reason=f"the transaction {one.id} ({one.type}) over {one.amount} failed",
        )
