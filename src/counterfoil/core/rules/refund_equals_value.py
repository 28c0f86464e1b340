"""The portal may pay what the goods are worth by the original order, no more and no less (R82, R83, D5)."""

from __future__ import annotations

from counterfoil.core.credit.note import CannotValueError, promised, value_return
from counterfoil.core.look import Look
from counterfoil.core.money import to_text
from counterfoil.core.problems import Problem
from counterfoil.core.rules.verdict import Hold, Pass, Person, Verdict


def judge(look: Look) -> Verdict:
    """Open when the portal's figure and ours agree within the rule, or finance accepted the difference."""
    case = look.case
    try:
        value = value_return(look)
    except CannotValueError as error:
        return Person(Problem(kind="value_unknown", message=f"{error}", currency=case.currency))
    if value is None:
        return Hold("the original order is known")
    due = promised(case)
    if due is None:
        return Pass("the portal states no amount; the money is checked when it moves")
    difference = due - value.total
    if value.tolerates(difference):
        return Pass(f"portal and order agree on {to_text(due, case.currency)} {case.currency}")
    if "refund_value_differs" in case.accepted_differences:
        return Pass(f"finance accepted the difference: {case.accepted_differences['refund_value_differs']}")
    ours, theirs = to_text(value.total, case.currency), to_text(due, case.currency)
    message = (
        f"The portal wants to pay {theirs} {case.currency}; by the original order the accepted units are worth "
        f"{ours} ({to_text(difference, case.currency)} difference)."
    )
    problem = Problem(kind="refund_value_differs", message=message, amount=abs(difference), currency=case.currency)
    return Person(problem)
