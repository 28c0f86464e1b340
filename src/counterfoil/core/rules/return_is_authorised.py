"""No money for a return the portal has not authorised, or has withdrawn (R12, R48)."""

from __future__ import annotations

from counterfoil.core.look import Look
from counterfoil.core.returns import Stage
from counterfoil.core.rules.verdict import Hold, Pass, Verdict


def judge(look: Look) -> Verdict:
    """Open once the portal authorised the return and has not ended it."""
    stage = look.case.stage
    if stage is Stage.REQUESTED:
        return Hold("the portal authorises the return")
    if stage in (Stage.CANCELLED, Stage.EXPIRED):
        return Hold(f"the portal reopens the return (it is {stage.value})")
    return Pass("the portal authorised the return")
