"""Money waits for the inspection, and for the ERP to have booked what was found (R62, R73, R80)."""

from __future__ import annotations

from counterfoil.core.case import Acceptance, Reception
from counterfoil.core.clock import opened_by_law
from counterfoil.core.cover import outside_cover
from counterfoil.core.look import Look
from counterfoil.core.phrases import number_of
from counterfoil.core.policy import RefundGate
from counterfoil.core.rules.verdict import Hold, Pass, Verdict
from counterfoil.core.units import bookable, booked


def judge(look: Look) -> Verdict:
    """Open when every unit that came is inspected and booked; looser gates (D3) do not ask."""
    case = look.case
    uncovered = outside_cover(look)
    if look.policy.refund_gate is not RefundGate.RECEIPT_INSPECTION and uncovered is None:
        return Pass("the policy does not wait for inspection")
    due = opened_by_law(look)
    if due is not None:
        return Pass(due)
    here = [unit for unit in case.units if unit.reception is Reception.RECEIVED]
    undecided = [unit for unit in here if unit.acceptance is Acceptance.UNDECIDED]
    if undecided:
        return Hold(f"the inspection of {number_of(len(undecided), 'unit')} is done")
    unbooked = [unit for unit in here if bookable(unit) and not booked(case, unit)]
    if unbooked:
        return Hold(f"the ERP has booked the receipt of {number_of(len(unbooked), 'unit')}")
    return Pass("everything that came is inspected and booked")
