"""Value that goes into an exchange is credited once the exchange order stands, and never refunded as well (R111)."""

from __future__ import annotations

from counterfoil.core import exchange
from counterfoil.core.look import Look
from counterfoil.core.problems import Problem
from counterfoil.core.rules.verdict import Hold, Pass, Person, Verdict


def judge(look: Look) -> Verdict:
    """Open without an exchange, and once its order stands in the ERP, a person made it, or it was given up."""
    case = look.case
    if not exchange.wants(case):
        return Pass("no exchange is involved")
    if exchange.by_hand(case):
        return Pass("a person takes care of the exchange order")
    if exchange.given_up(case):
        return Pass(f"the exchange was given up: {exchange.why_given_up(case)}")
    order = exchange.standing(case)
    if order is not None:
        return Pass(f"exchange order {order.number} stands in the ERP")
    if "create_exchange" not in look.agreement.erp_can:
        lines = len(exchange.wanted(case))
        message = f"{lines} exchange lines: the exchange order has to be made in the ERP by hand."
        return Person(Problem(kind=exchange.BY_HAND, message=message, units=lines))
    return Hold("the exchange order is made in the ERP")
