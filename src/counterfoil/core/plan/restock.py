"""The portal said goods are back on the shelf: then a receipt in the ERP must follow, or it is phantom stock (R47, R68)."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.core.case import StepState
from counterfoil.core.look import Finding, Look, Wait, hours_after
from counterfoil.core.problems import Problem


def restock(look: Look) -> Iterator[Finding]:
    """A restock signal without a movement of stock within the hours goods may wait for their inspection."""
    case = look.case
    booked = any(step.state is StepState.DONE for step in case.named("ReceiveStock"))
    if case.restocked_at is None or booked:
        return
    due = hours_after(case.restocked_at, look.policy.inspect_within_hours)
    if look.now < due:
        yield Wait(rule="restock_has_movement", reason="the receipt of restocked goods is booked", until=due)
        return
    yield Problem(
        kind="restock_without_movement",
        message=f"The portal marked goods as restocked on {case.restocked_at[:10]}; "
        "no receipt in the ERP stands behind them.",
        units=len(case.units),
    )
