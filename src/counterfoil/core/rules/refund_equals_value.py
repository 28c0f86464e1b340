"""The portal may pay what the goods are worth by the original order, no more and no less (R82, R83, D5)."""

from __future__ import annotations

from counterfoil.core.case import Reception, Unit
from counterfoil.core.clock import opened_by_law
from counterfoil.core.cover import outside_cover
from counterfoil.core.credit.note import CannotValueError, awaited_units, promised, value_return
from counterfoil.core.look import Look
from counterfoil.core.money import to_text
from counterfoil.core.policy import RefundGate
from counterfoil.core.problems import Problem
from counterfoil.core.rules.verdict import Hold, Pass, Person, Verdict


def judge(look: Look) -> Verdict:
    """Open when the portal's figure and ours agree within the rule, or finance accepted the difference."""
    case = look.case
    try:
        value = value_return(look, _early(look))
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


def _early(look: Look) -> tuple[Unit, ...] | None:
    """The units to value when money goes before the inspection; None: those that were accepted, as usual."""
    case = look.case
    gate_is_loose = look.policy.refund_gate is not RefundGate.RECEIPT_INSPECTION and outside_cover(look) is None
    if not gate_is_loose and opened_by_law(look) is None:
        return None
    if case.money_out or all(unit.reception is Reception.RECEIVED and unit.disposition for unit in case.units):
        return None
    return awaited_units(case)
