"""Stripe's refund object as a fact: how far its money is, under one key however we hear of it (payments sheet §9)."""

from __future__ import annotations

from datetime import UTC, datetime

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.core.events import RefundMoved, RefundState
from counterfoil.gateways.stripe.amounts import iso_minor

SOURCE = "stripe"

STATES = {
    "succeeded": RefundState.CONFIRMED,
    "pending": RefundState.PENDING,
    "requires_action": RefundState.PENDING,
    "failed": RefundState.FAILED,  # also of money that had left: the case knows that it was confirmed before
    "canceled": RefundState.FAILED,
}

_ORDER_KEYS = ("order_id", "order_ref", "order_number")  # metadata is the shop's own; these names are usual


def refund_moved(refund: Fields, at: str | None = None) -> RefundMoved:
    """A refund as a fact; `at` is the event's moment, without it the refund's own.

    The key is refund and state, so that `refund.created` with `succeeded`, `refund.updated` with `succeeded` and a
    list of refunds tell one fact, and a later failure another. Raises UnreadableError for what cannot be read.
    """
    ref, currency = refund.need("id"), refund.need("currency").upper()
    word = refund.need("status")
    state = STATES.get(word)
    if state is None:
        raise UnreadableError(f"{refund.where('status')} is {word!r}, which is no status of a refund")
    return RefundMoved(
        key=f"stripe/refund/{ref}/{state}",
        occurred_at=at or moment(refund, "created"),
        source=SOURCE,
        ref=ref,
        order_ref=order_ref(refund),
        amount=amount(refund, "amount", currency),
        currency=currency,
        status=state,
        payment_ref=refund.text("payment_intent") or refund.text("charge"),
        gateway=SOURCE,
    )


def amount(record: Fields, name: str, currency: str) -> int:
    """A positive amount in smallest units, as ISO minor units. Money that is missing is unreadable, never zero."""
    value = record.raw(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise UnreadableError(f"{record.where(name)} is {value!r} where a whole number is due")
    if value < 0:
        raise UnreadableError(f"{record.where(name)} is negative")
    return iso_minor(value, currency)


def order_ref(record: Fields) -> str | None:
    """The order a refund or a charge is for, where the shop noted it in the metadata."""
    metadata = record.child("metadata")
    if metadata is None:
        return None
    return next((value for name in _ORDER_KEYS if (value := metadata.text(name))), None)


def moment(record: Fields, name: str) -> str | None:
    """Unix seconds as RFC 3339 in UTC."""
    seconds = record.whole(name)
    if seconds is None:
        return None
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (OverflowError, OSError, ValueError):
        raise UnreadableError(f"{record.where(name)} is {seconds}, which is no moment") from None
