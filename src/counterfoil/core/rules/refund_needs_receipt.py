"""Money waits for the goods (R73, R125): every unit has come, or a person decided about those that will not."""

from __future__ import annotations

from counterfoil.core.case import Reception
from counterfoil.core.clock import opened_by_law
from counterfoil.core.cover import outside_cover
from counterfoil.core.look import Look
from counterfoil.core.phrases import number_of
from counterfoil.core.policy import RefundGate
from counterfoil.core.returns import LabelStatus
from counterfoil.core.rules.verdict import Hold, Pass, Verdict


def judge(look: Look) -> Verdict:
    """Open when the fact the policy asks for (D3) is there."""
    case = look.case
    gate = look.policy.refund_gate if outside_cover(look) is None else RefundGate.RECEIPT
    due = opened_by_law(look)
    if due is not None:
        return Pass(due)
    if gate is RefundGate.INSTANT:
        return Pass("the policy refunds at once, under its stated cover")
    if gate is RefundGate.CARRIER_SCAN:
        moving = case.label_status in (LabelStatus.IN_TRANSIT, LabelStatus.DELIVERED)
        return Pass("the carrier has the parcel") if moving else Hold("the carrier scans the parcel")
    absent = [unit for unit in case.units if unit.reception is not Reception.RECEIVED]
    if absent and "short_receipt" not in case.accepted_differences:
        return Hold(f"{number_of(len(absent), 'more unit')} of {len(case.units)} come in")
    if not any(unit.reception is Reception.RECEIVED for unit in case.units):
        return Hold("at least one unit is received")
    return Pass("the goods are here")
