"""No refund while the customer's bank is taking the same money back (R79, R85)."""

from __future__ import annotations

from counterfoil.core.chargebacks import ChargebackState
from counterfoil.core.look import Look
from counterfoil.core.money import to_text
from counterfoil.core.problems import Problem
from counterfoil.core.rules.verdict import Pass, Person, Verdict


def judge(look: Look) -> Verdict:
    """Open unless a dispute of this order's payment is open; finance may accept, and the ceiling still counts it."""
    case = look.case
    still_open = [one for one in case.chargebacks if one.status is ChargebackState.OPENED]
    if not still_open:
        return Pass("no dispute of the payment is open")
    if not look.policy.chargeback_stops_refund:
        return Pass("a dispute is open; the policy does not stop for it")
    accepted = case.accepted_differences.get("refund_on_disputed_payment")
    if accepted is not None:
        return Pass(f"a dispute is open; {accepted}")
    amount = sum(one.amount for one in still_open)
    names = ", ".join(one.ref for one in still_open)
    message = (
        f"The customer's bank disputes {to_text(amount, still_open[0].currency)} {still_open[0].currency} of this "
        f"order ({names}); a refund now would pay the customer twice."
    )
    kind = "refund_on_disputed_payment"
    return Person(Problem(kind=kind, message=message, amount=amount, currency=still_open[0].currency))
