"""Refund transactions and tender transactions as facts: the same money has the same key, whoever tells it (§11)."""

from __future__ import annotations

from collections import Counter

import msgspec

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.core.events import RefundMoved, RefundState
from counterfoil.gateways.shopify.refunds import Moved, Refund, Settled, settle

SOURCE = "shopify"


def money_key(order_ref: str | None, ref: str, state: RefundState) -> str:
    """The key of one movement in one state: order and gateway reference, which refund and tender have in common."""
    return f"shopify/refund/{order_ref or '-'}/{ref}/{state}"


def movement(moved: Moved, ref: str | None = None) -> RefundMoved:
    """A refund transaction as a fact, known by the gateway's reference, or by its own id where there is none."""
    known_as = ref or moved.reference or moved.transaction
    return RefundMoved(
        key=money_key(moved.order_ref, known_as, moved.state),
        occurred_at=moved.at,
        source=SOURCE,
        ref=known_as,
        order_ref=moved.order_ref,
        amount=moved.amount,
        currency=moved.currency,
        status=moved.state,
        payment_ref=moved.parent,
        gateway=moved.gateway,
    )


def movements(refund: Refund, settled: Settled) -> tuple[RefundMoved, ...]:
    """One fact per refund transaction. Units and shipping ride on the first that did not fail, never on two.

    Two transactions of one refund that quote one reference are told apart by their own ids.
    """
    quoted = Counter(row.reference for row in refund.moved)
    carrier = next((i for i, row in enumerate(refund.moved) if row.state is not RefundState.FAILED), 0)
    shipping = settled.shipping.presentment if settled.shipping else 0
    facts = []
    for i, row in enumerate(refund.moved):
        fact = movement(row, row.transaction if quoted[row.reference] > 1 else None)
        facts.append(
            msgspec.structs.replace(
                fact,
                occurred_at=fact.occurred_at or refund.at,
                refund_ref=refund.ref,
                units=refund.units if i == carrier else (),
                shipping=shipping if i == carrier else 0,
            )
        )
    return tuple(facts)


def settled_unaided(refund: Refund) -> Settled:
    """Refunded shipping and the identity from the body alone, which does not say whether prices contain the tax.

    The reading that balances is the right one; without any, the identity is only broken when both could be checked.
    """
    readings = [settle(refund, included) for included in (True, False)]
    return next((reading for reading in readings if reading.balances), readings[0])


def tender_movement(tender: Fields) -> RefundMoved | None:
    """A tender transaction with a negative amount as a fact; None for money taken.

    Raises UnreadableError for what cannot be read, and for a tender without the gateway's reference, which could
    not be told from the refund transaction of the same money.
    """
    currency = tender.need("currency").upper()
    amount = tender.amount("amount", currency)
    if amount is None:
        raise UnreadableError(f"{tender.where('amount')} is missing")
    if amount >= 0:
        return None
    ref, order_ref = tender.need("remote_reference"), tender.text("order_id")
    return RefundMoved(
        key=money_key(order_ref, ref, RefundState.CONFIRMED),
        occurred_at=tender.moment("processed_at"),
        source=SOURCE,
        ref=ref,
        order_ref=order_ref,
        amount=-amount,
        currency=currency,
        status=RefundState.CONFIRMED,
    )
