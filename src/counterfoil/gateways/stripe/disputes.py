"""Stripe's dispute object as a fact: how far the customer's bank is, under one key however we hear of it. Pure."""

from __future__ import annotations

from counterfoil.adapterkit.parse import Fields
from counterfoil.core.chargebacks import ChargebackState
from counterfoil.core.events import ChargebackMoved
from counterfoil.gateways.stripe.refunds import SOURCE, amount, moment, order_ref

ENDS = {
    "won": ChargebackState.WON,
    "warning_closed": ChargebackState.WON,  # an inquiry that took no money
    "prevented": ChargebackState.WON,
    "lost": ChargebackState.LOST,
}
"""Statuses that end a dispute; any other, known or not, counts as open (payments sheet §9 names none of them)."""


def chargeback_moved(dispute: Fields, at: str | None = None) -> ChargebackMoved:
    """A dispute as a fact; `at` is the event's moment. Raises UnreadableError for what cannot be read."""
    ref, currency = dispute.need("id"), dispute.need("currency").upper()
    status = ENDS.get(dispute.text("status") or "", ChargebackState.OPENED)
    return ChargebackMoved(
        key=f"stripe/dispute/{ref}/{status}",
        occurred_at=at or moment(dispute, "created"),
        source=SOURCE,
        ref=ref,
        order_ref=order_ref(dispute),
        amount=amount(dispute, "amount", currency),
        currency=currency,
        status=status,
        payment_ref=dispute.text("payment_intent") or dispute.text("charge"),
        gateway=SOURCE,
        reason=dispute.text("reason"),
    )
