"""The shop's dispute as a fact: how far the customer's bank is (topics `disputes/create`, `disputes/update`). Pure."""

from __future__ import annotations

from counterfoil.adapterkit.parse import Fields
from counterfoil.core.chargebacks import ChargebackState
from counterfoil.core.events import ChargebackMoved

SOURCE = "shopify"

ENDS = {
    "won": ChargebackState.WON,
    "charge_refunded": ChargebackState.WON,  # the refund ended it; the bank takes nothing besides
    "lost": ChargebackState.LOST,
    "accepted": ChargebackState.LOST,
}
"""Statuses that end a dispute; any other, known or not, counts as open."""


def chargeback_moved(dispute: Fields) -> ChargebackMoved | None:
    """A dispute as a fact; None when it names no amount, which then only a person can judge.

    Raises UnreadableError for an amount that cannot be read.
    """
    currency = (dispute.text("currency") or "").upper()
    amount = dispute.amount("amount", currency) if currency else None
    ref = dispute.text("id")
    if amount is None or ref is None:
        return None
    status = ENDS.get((dispute.text("status") or "").lower(), ChargebackState.OPENED)
    ended = status is not ChargebackState.OPENED
    return ChargebackMoved(
        key=f"shopify/dispute/{ref}/{status}",
        occurred_at=(dispute.moment("finalized_on") if ended else None) or dispute.moment("initiated_at"),
        source=SOURCE,
        ref=ref,
        order_ref=dispute.text("order_id"),
        amount=abs(amount),
        currency=currency,
        status=status,
        reason=dispute.text("reason"),
    )
