"""Everything that leaves an order stays within what it was worth, by payment and by unit as well (invariant 2, R81)."""

from __future__ import annotations

from counterfoil.core import ceiling
from counterfoil.core.look import Look
from counterfoil.core.problems import Problem
from counterfoil.core.rules.verdict import Hold, Pass, Person, Verdict


def judge(look: Look) -> Verdict:
    """Open while what left, what is disputed and what is asked for here fit under the ceiling."""
    if look.case.order is None:
        return Hold("the original order is known")
    over = ceiling.excess(look, asked=True)
    if over is None:
        return Pass("all refunds of this order together stay within what it was worth")
    currency = look.case.order.currency
    return Person(Problem(kind="refund_exceeds_order", message=over.sentence, amount=over.amount, currency=currency))
