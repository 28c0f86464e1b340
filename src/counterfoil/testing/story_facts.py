"""From the words of a story to facts: what a system answered, and what the warehouse's message says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from counterfoil.core.case import Step
from counterfoil.core.chargebacks import ChargebackState
from counterfoil.core.events import (
    ChargebackMoved,
    PortalInspected,
    RefundMoved,
    RefundReported,
    RefundState,
    RestockSignalled,
    StoreCreditIssued,
)
from counterfoil.core.inner_events import StepDone, StepRefused
from counterfoil.core.orders import Payment, SoldOrder
from counterfoil.core.receipts import FoundUnits, Inspection, Receipt, ReceiptKind, ReceiptLine
from counterfoil.core.returns import PortalReturn
from counterfoil.ports.outcomes import Done, Outcome, Refused
from counterfoil.testing.story_portal import PORTAL
from counterfoil.testing.story_stage import Parcel
from counterfoil.testing.story_world import WAREHOUSE, Item

PROVIDER_CLEARING = "provider_clearing"


def outcome_fact(step: Step, outcome: Outcome, now: str) -> StepDone | StepRefused:
    """What became of a step, as the fact the shell would make of it."""
    if isinstance(outcome, Refused):
        return StepRefused(
            key=f"refused:{step.step}:{step.edition}",
            occurred_at=now,
            step=step.step,
            edition=step.edition,
            kind=outcome.kind,
            message=outcome.message,
            owner=outcome.owner,
        )
    assert isinstance(outcome, Done)
    return StepDone(
        key=f"done:{step.step}:{step.edition}",
        occurred_at=now,
        step=step.step,
        edition=step.edition,
        ref=outcome.ref,
        number=outcome.number,
        total=outcome.total,
        lines=outcome.lines,
        order=outcome.order,
        stock=outcome.stock,
    )


def receipt_of(parcel: Parcel, rma: str | None, order_name: str, now: str) -> Receipt:
    """The canonical message of a parcel (warehouse sheet §2)."""
    undoing = parcel.kind is ReceiptKind.REVERSED
    return Receipt(
        event_id=f"evt-{parcel.receipt}-{parcel.kind}-{parcel.revision}",
        event_type=parcel.kind,
        occurred_at=now,
        source="leeds-wms",
        warehouse_code=WAREHOUSE,
        receipt_id=f"{parcel.receipt}-R" if undoing else parcel.receipt,
        revision=parcel.revision,
        reverses_receipt_id=parcel.receipt if undoing else None,
        rma_number=rma,
        order_number=order_name,
        received_at=now,
        lines=receipt_lines(parcel),
    )


def receipt_lines(parcel: Parcel) -> tuple[ReceiptLine, ...]:
    """One line for each SKU, its units by what was found of them."""
    inspected = parcel.kind is ReceiptKind.INSPECTED
    by_sku: dict[str, list[Item]] = {}
    for item in parcel.items:
        by_sku.setdefault(item.sku, []).append(item)
    return tuple(
        ReceiptLine(
            line_id=str(place),
            sku=sku,
            received_quantity=sum(item.quantity for item in found),
            rejected_quantity=sum(item.quantity for item in found if item.rejected) if inspected else 0,
            inspection_status=Inspection.PASSED if inspected else Inspection.PENDING,
            dispositions=tuple(
                FoundUnits(quantity=item.quantity, condition="new", disposition=item.disposition)
                for item in found
                if inspected and item.disposition is not None
            ),
        )
        for place, (sku, found) in enumerate(by_sku.items(), start=1)
    )


def money_fact(
    ref: str, refund_ref: str, gateway: str, amount: int, state: RefundState, order: SoldOrder, now: str
) -> RefundMoved:
    """Money of one refund, as the shop tells it."""
    return RefundMoved(
        key=f"moved/{ref}/{state}",
        occurred_at=now,
        source="shop",
        ref=f"shop-{ref}",
        refund_ref=refund_ref,
        order_ref=order.order_ref,
        amount=amount,
        currency=order.currency,
        status=state,
        gateway=gateway,
    )


def dispute_fact(verb: str, amount: int, order: SoldOrder, now: str) -> ChargebackMoved:
    """The customer's bank speaks: "disputed", "won" or "lost". There is one dispute in a story."""
    return ChargebackMoved(
        key=f"dispute/{verb}",
        occurred_at=now,
        source="shop",
        ref="dp-1",
        order_ref=order.order_ref,
        amount=amount,
        currency=order.currency,
        status=ChargebackState.OPENED if verb == "disputed" else ChargebackState(verb),
    )


def store_credit_fact(card: str, return_id: str, amount: int, currency: str, now: str) -> StoreCreditIssued:
    """The portal issues a gift card for a return."""
    return StoreCreditIssued(
        key=card,
        occurred_at=now,
        portal=PORTAL,
        return_id=return_id,
        gift_card_id=card,
        issued=amount,
        currency=currency,
    )


def reported_fact(return_id: str, ref: str, gateway: str, amount: int, currency: str) -> RefundReported:
    """The portal names a refund of the shop as a return's."""
    return RefundReported(
        key=f"reported/{ref}",
        portal=PORTAL,
        return_id=return_id,
        ref=ref,
        gateway=gateway,
        amount=amount,
        currency=currency,
    )


def portal_words(
    shown: PortalReturn, what: str, items: tuple[Item, ...]
) -> Iterator[PortalInspected | RestockSignalled]:
    """What the portal says of goods: a disposition for each of its lines ("inspects"), or that they are restocked."""
    if what == "restocks":
        units = sum(item.quantity for item in items)
        key = f"restock/{shown.return_id}/{units}"
        yield RestockSignalled(key=key, portal=shown.portal, return_id=shown.return_id, quantity=units)
        return
    for item in items:
        line = next(line for line in shown.lines if line.sku == item.sku)
        yield PortalInspected(
            key=f"inspected/{line.line_id}/{item.disposition}",
            portal=shown.portal,
            return_id=shown.return_id,
            line_id=line.line_id,
            disposition=item.disposition,
        )


def provider_pays(order: SoldOrder, name: str, payments: Sequence[Payment], at: str) -> list[RefundMoved]:
    """The portal's provider pays the customer out of its own pocket, against its clearing account."""
    return [
        RefundMoved(
            key=f"funded/{name}/{place}",
            occurred_at=at,
            source="provider",
            ref=f"provider-{name}-{place}",
            order_ref=order.order_ref,
            amount=payment.amount,
            currency=order.currency,
            status=RefundState.CONFIRMED,
            gateway=PROVIDER_CLEARING,
            funded_by="provider",
        )
        for place, payment in enumerate(payments, start=1)
    ]
