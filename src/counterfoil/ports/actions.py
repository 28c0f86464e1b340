"""What people may do to a return, a problem or a connection: the port between the two front doors and the flow.

The console and the command line call it; `flow/resolve.py` carries it out, and writes who did it and why to the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from counterfoil.core.consent import Wanted


class ActionError(RuntimeError):
    """The action cannot be carried out; the message is one sentence for the person who asked."""


class Actions(Protocol):
    """Every action raises `ActionError` when it cannot be done. `by` is the user name that goes into the log."""

    def retry(self, case_id: str, step: str, by: str, reason: str) -> None:
        """Ask for a refused step again, after its cause was mended."""
        ...

    def settle(self, case_id: str, step: str, by: str, reason: str, number: str) -> None:
        """Record that a person did the step in the other system; `number` is the document they made there."""
        ...

    def accept(self, case_id: str, kind: str, by: str, reason: str) -> None:
        """Accept a problem of this kind on this return as it is."""
        ...

    def wanted(self, case_id: str) -> tuple[Wanted, ...]:
        """Approvals the return needs now, with the people who have given theirs (R75, R76)."""
        ...

    def answer(
        self, case_id: str, rule: str, amount: int, by: str, roles: Sequence[str], reason: str, *, agreed: bool
    ) -> None:
        """Agree to the return's money, or refuse it, for one approval rule.

        `amount` is what the person was shown, in minor units: when the return has moved on meanwhile, nobody has agreed
        to anything. `roles` are the person's own, as the door knows them. Giving the same answer twice gives it once.
        """
        ...

    def adopt_refund(self, case_id: str, ref: str, by: str, reason: str) -> None:
        """Say that a refund made outside the portal was for this return (R85); the return then settles."""
        ...

    def resolve_problem(self, problem_id: int, by: str, reason: str) -> None:
        """Close a problem by hand; it comes back when a later look finds the same trouble."""
        ...

    def pause(self, connection: str, by: str, reason: str) -> None:
        """Stop sending to a connection. What arrives is still stored."""
        ...

    def resume(self, connection: str, by: str) -> None:
        """Carry on where a paused connection stopped."""
        ...

    def requeue_delivery(self, delivery_id: int, by: str) -> None:
        """Read a quarantined delivery again."""
        ...
