"""All refunds of an order together never exceed what the order was worth (invariant 2, R81)."""

from __future__ import annotations

from counterfoil.core.credit.note import promised
from counterfoil.core.look import Look
from counterfoil.core.money import to_text
from counterfoil.core.problems import Problem
from counterfoil.core.rules.verdict import Hold, Pass, Person, Verdict


def judge(look: Look) -> Verdict:
    """Open while what left elsewhere plus what is asked for here fits into the order."""
    case = look.case
    if case.order is None:
        return Hold("the original order is known")
    order = case.order
    worth = sum(order.line_value(line) for line in order.lines)
    for part in order.shipping:
        worth += part.price - part.discount + (0 if order.taxes_included else part.tax)
    asked = max(promised(case) or 0, case.money_out)
    if look.ledger.money_out + asked <= worth:
        return Pass("all refunds of this order together stay within what it was worth")
    message = (
        f"Order {order.name} was worth {to_text(worth, order.currency)}; {to_text(look.ledger.money_out, order.currency)} "
        f"already left elsewhere and {to_text(asked, order.currency)} is asked for here."
    )
    over = look.ledger.money_out + asked - worth
    return Person(Problem(kind="refund_exceeds_order", message=message, amount=over, currency=order.currency))
