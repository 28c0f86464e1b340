"""Edit and retry: a refused command is changed in words, dates or places and asked for anew; the old one stays."""

from __future__ import annotations

import msgspec

from counterfoil.core.case import StepState
from counterfoil.core.commands import AnyCommand
from counterfoil.core.edits import EditError, Place, StepEdit, edits_of, places
from counterfoil.core.inner_events import RetryAsked
from counterfoil.flow.advance import advance, lock_for, order_of
from counterfoil.flow.world import World
from counterfoil.ports.actions import ActionError
from counterfoil.store import cases
from counterfoil.store.database import Transaction

_command = msgspec.json.Decoder(AnyCommand)


class Edits:
    """Changing a refused command, over a running world (see `ports/desk.py`)."""

    _world: World

    def editable(self, case_id: str, step: str) -> tuple[Place, ...]:
        """What may be changed in a refused step's command."""
        with self._world.database.read() as tx:
            return places(self._refused(tx, case_id, step))

    def edits(self, case_id: str, step: str, wanted: dict[str, str]) -> tuple[StepEdit, ...]:
        """The difference a change would make; nothing is written."""
        with self._world.database.read() as tx:
            return self._difference(tx, case_id, step, wanted)

    def retry_edited(self, case_id: str, step: str, wanted: dict[str, str], by: str, reason: str) -> None:
        """Ask for the step anew with the changes made. The key stays, so a document made before is found."""
        if not reason.strip():
            raise ActionError("Say why it is changed; the auditor reads it.")
        with self._world.database.write() as tx:
            known = cases.peek(tx, case_id)
            if known is None:
                raise ActionError(f"There is no return {case_id}.")
            lock_for(tx, known.case.brand, order_of(tx, case_id))
            edits = self._difference(tx, case_id, step, wanted)
            if not edits:
                raise ActionError("Nothing was changed; to send the same again, choose “Try again”.")
            stored = cases.load(tx, case_id)
            assert stored is not None, "its lock was just taken"
            edition = stored.case.steps[step].edition
            fact = RetryAsked(
                key=f"retry:{step}:{edition}",
                occurred_at=self._world.now(),
                step=step,
                by=by,
                reason=reason,
                edits=edits,
            )
            advance(self._world, tx, case_id, [fact], f"person:{by}")

    def _difference(self, tx: Transaction, case_id: str, step: str, wanted: dict[str, str]) -> tuple[StepEdit, ...]:
        try:
            return edits_of(self._refused(tx, case_id, step), wanted)
        except EditError as error:
            raise ActionError(str(error)) from None

    def _refused(self, tx: Transaction, case_id: str, step: str) -> AnyCommand:
        """The newest command of a refused step."""
        case = cases.peek(tx, case_id)
        found = case.steps.get(step) if case is not None else None
        if found is None or found.state is not StepState.REFUSED:
            raise ActionError("Only a refused step can be changed; this one may have moved on. Load the page again.")
        row = tx.one("command_of_step", case_id=case_id, command_key=f"{case_id}/{step}")
        if row is None:
            raise ActionError("The command of this step is not kept any more.")
        command: AnyCommand = _command.decode(row["body"])
        return command
