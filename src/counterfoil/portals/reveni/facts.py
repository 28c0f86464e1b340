"""From one return to the facts it states, with keys that are equal whenever the same thing is seen again.

Only a whole return states facts. A thin event and a row of the list are believed for their ids alone (Reveni sheet §3),
so every fact comes from the details of a return, and a webhook and a poll give the same keys.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from counterfoil.adapterkit.signing import digest
from counterfoil.core.events import (
    LabelMoved,
    OutsideFact,
    PortalInspected,
    RefundMoved,
    RefundReported,
    RefundState,
    ReturnAuthorised,
    ReturnCancelled,
    ReturnProcessed,
    StoreCreditIssued,
)
from counterfoil.portals.reveni.items import Item
from counterfoil.portals.reveni.mapping import Move, PaidBy, RefundStep, ReveniMapping
from counterfoil.portals.reveni.money import Payment
from counterfoil.portals.reveni.snapshot import PORTAL, Seen, gateway_of, reference_of


def facts_of(seen: Seen, mapping: ReveniMapping) -> tuple[OutsideFact, ...]:
    """Everything one view of a return states, each fact once; nothing for a row of the list."""
    if not seen.whole:
        return ()
    return once([*_stage(seen), *_money(seen, mapping), *_label(seen), *_inspections(seen)])


def once(facts: Iterable[OutsideFact]) -> tuple[OutsideFact, ...]:
    """The facts in order, the first of each key."""
    by_key: dict[str, OutsideFact] = {}
    for fact in facts:
        by_key.setdefault(fact.key, fact)
    return tuple(by_key.values())


# --- where the return is --------------------------------------------------------------------------------------------


def _stage(seen: Seen) -> Iterator[OutsideFact]:
    """Where the return is. An unknown status, or one whose meaning is not published, must not move it."""
    of, shown = (f"{PORTAL}/{seen.return_id}", seen.portal_return)
    match seen.move:
        case Move.AUTHORISED:
            key = f"{of}/authorised/{_content(seen)}"
            yield ReturnAuthorised(key=key, occurred_at=shown.created_at, portal_return=shown)
        case Move.PROCESSED:
            yield ReturnProcessed(key=f"{of}/processed/{_content(seen)}", portal_return=shown)
        case Move.REJECTED | Move.CANCELLED:
            yield ReturnCancelled(key=f"{of}/cancelled", portal_return=shown)


def _content(seen: Seen) -> str:
    """The identity of what is returned and what it comes to: an edit or a verdict changes it, another look does not."""
    summary = seen.summary
    figures = (summary.currency, summary.products, summary.new_products, summary.fees, summary.bonuses)
    sums = "\x1f".join(str(figure) for figure in (*figures, summary.shipping, summary.total))
    return digest(sums, *sorted(_words(item) for item in seen.items))[:16]


def _words(item: Item) -> str:
    swap = (item.swap.sku, item.swap.quantity, item.swap.price) if item.swap else ()
    words = (item.item_id, item.sku, item.quantity, item.price, item.reason, item.parts, swap)
    return "\x1f".join(str(word) for word in words)


# --- money ----------------------------------------------------------------------------------------------------------


def _money(seen: Seen, mapping: ReveniMapping) -> Iterator[OutsideFact]:
    """What every refund states. Two refunds alike in everything Reveni says are two.

    A refund the shop makes is told again when its number in the shop appears, since only that leads to its
    confirmation; store credit is final at once and keeps Reveni's own number.
    """
    times: Counter[str] = Counter()
    bonus = seen.summary.bonuses or 0 if seen.summary.currency == seen.portal_return.currency else 0
    for payment in seen.payments:
        credit = payment.paid_by is PaidBy.STORE_CREDIT
        named = (payment.refund_id if credit else None) or reference_of(payment) or "-"
        identity = f"{named}/{payment.amount}{payment.currency}"
        times[identity] += 1
        again = f"/{times[identity]}" if times[identity] > 1 else ""
        key = f"{PORTAL}/{seen.return_id}/refund/{identity}{again}"
        if credit and payment.issued:
            granted = min(bonus, payment.amount or 0)
            bonus -= granted
            yield _store_credit(seen, payment, key, granted)
            continue
        yield from _reported(seen, payment, mapping, key)
        yield from _funded(seen, payment, mapping, key)


def _store_credit(seen: Seen, payment: Payment, key: str, bonus: int) -> StoreCreditIssued:
    """Store credit, with the extra that Reveni's sum names as bonus (sheet §5)."""
    return StoreCreditIssued(
        key=key,
        occurred_at=payment.at,
        portal=PORTAL,
        return_id=seen.return_id,
        gift_card_id=reference_of(payment),
        order_ref=seen.portal_return.order_ref,
        issued=payment.amount or 0,
        bonus=bonus,
        currency=payment.currency,
    )


def _reported(seen: Seen, payment: Payment, mapping: ReveniMapping, key: str) -> Iterator[RefundReported]:
    if payment.moved:
        yield RefundReported(
            key=key,
            occurred_at=payment.at,
            portal=PORTAL,
            return_id=seen.return_id,
            ref=reference_of(payment),
            gateway=gateway_of(payment, mapping),
            amount=payment.amount or 0,
            currency=payment.currency,
        )


def _funded(seen: Seen, payment: Payment, mapping: ReveniMapping, key: str) -> Iterator[RefundMoved]:
    """A refund out of Reveni's own pocket: nobody but Reveni can confirm it, and it stands in no gateway (sheet §5)."""
    state = {RefundStep.ISSUED: RefundState.CONFIRMED, RefundStep.FAILED: RefundState.FAILED}.get(
        payment.step or RefundStep.PENDING
    )
    if payment.paid_by is not PaidBy.PROVIDER or payment.refund_id is None or state is None or not payment.amount:
        return
    yield RefundMoved(
        key=f"{key}/{state.value}",
        occurred_at=payment.at,
        source=PORTAL,
        ref=f"{PORTAL}:{payment.refund_id}",
        order_ref=seen.portal_return.order_ref,
        amount=abs(payment.amount),
        currency=payment.currency,
        status=state,
        refund_ref=payment.refund_id,
        gateway=mapping.clearing,
        funded_by=PORTAL,
    )


# --- parcel and verdict ---------------------------------------------------------------------------------------------


def _label(seen: Seen) -> Iterator[LabelMoved]:
    shown = seen.portal_return
    if shown.label_status is None and shown.tracking is None:
        return
    yield LabelMoved(
        key=f"{PORTAL}/{seen.return_id}/label/{shown.tracking or '-'}/{shown.label_status or '-'}",
        portal=PORTAL,
        return_id=seen.return_id,
        label_status=shown.label_status,
        tracking=shown.tracking,
        carrier=shown.carrier,
    )


def _inspections(seen: Seen) -> Iterator[PortalInspected]:
    """What was decided, a fact for each part of a row."""
    for item in seen.items:
        for disposition, units in item.parts:
            yield PortalInspected(
                key=f"{PORTAL}/{seen.return_id}/inspected/{item.item_id}/{disposition}/{units}",
                portal=PORTAL,
                return_id=seen.return_id,
                line_id=item.item_id,
                disposition=disposition,
            )
