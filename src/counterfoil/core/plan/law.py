"""A warning before the withdrawal deadline of a return, and an exception when it has passed unpaid."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.core.clock import MISSED, NEAR, Clock, accepted, clock_of
from counterfoil.core.look import Finding, Look, Wait
from counterfoil.core.problems import Problem
from counterfoil.core.returns import Stage


def law(look: Look) -> Iterator[Finding]:
    """The warning, or the breach, of a return whose money has not left."""
    case = look.case
    clock = clock_of(look)
    if clock is None or case.money_out or case.stage in (Stage.CANCELLED, Stage.EXPIRED):
        return
    if look.now < clock.warned_from:
        yield Wait(rule="law_before_deadline", reason="the money is paid in time", until=clock.warned_from)
    elif look.now < clock.too_late_from:
        yield Wait(rule="law_before_deadline", reason="the money is paid in time", until=clock.too_late_from)
        if not accepted(look, NEAR):
            yield _problem(NEAR, clock, "must be paid")
    elif not accepted(look, MISSED):
        yield _problem(MISSED, clock, "had to be paid")


def _problem(kind: str, clock: Clock, must: str) -> Problem:
    said = clock.evidence or "nothing shows yet that the goods were sent back"
    message = (
        f"{clock.rule.country}: the money {must} before {clock.too_late_from} ({clock.rule.days} days); {said}. "
        "Have the values checked."
    )
    return Problem(kind=kind, message=message)
