"""Words people change: one at once or proposed for a second person, with every return it holds replayed."""

from __future__ import annotations

from uuid import uuid4

import msgspec

from counterfoil.core.causes import WORD_MISSING
from counterfoil.core.mapping import MapKind
from counterfoil.flow.mend import AT_ONCE_S, carry_on, foresee, start_run
from counterfoil.flow.world import World
from counterfoil.ports.actions import ActionError
from counterfoil.ports.desk import REASON_MAX, Fix, Foreseen, Mended
from counterfoil.store import log, mappings
from counterfoil.store.database import Row, Transaction
from counterfoil.store.mappings import Scope, WordChange

STREAM = "system/mappings"
WORD_MAX = 200

_CAUSE_KINDS = {kind: problem for problem, kind in WORD_MISSING.items()}


class Words:
    """Mending causes and changing words, over a running world (see `ports/desk.py`)."""

    def __init__(self, world: World) -> None:
        self._world = world

    def foresee(self, brand: str, cause: str, fix: Fix | None, rows: int) -> tuple[Foreseen, ...]:
        """What a fix would do to each return of a cause."""
        if fix is not None:
            _check(self._world, fix)
        return foresee(self._world, brand, cause, fix, rows)

    def mend(self, cause: str, fix: Fix, by: str, reason: str) -> Mended:
        """Change a word and replay every return the cause holds."""
        return self._change(fix, by, reason, "console", cause)

    def change_word(self, fix: Fix, by: str, reason: str, source: str) -> Mended:
        """Change one word; returns it holds are looked at again."""
        kind = _CAUSE_KINDS.get(fix.kind)
        return self._change(fix, by, reason, source, f"{kind}:{fix.word}" if kind else "")

    def replay(self, brand: str, cause: str, by: str, reason: str) -> int:
        """Decide again, and try refused steps again, for every return a cause holds; the run's id."""
        with self._world.database.write() as tx:
            run_id = start_run(self._world, tx, brand=brand, cause=cause, by=by, reason=reason, change_id=None)
            _audit(tx, "CauseReplayed.v1", by, {"brand": brand, "cause": cause, "run": run_id, "reason": reason})
        carry_on(self._world, run_id, AT_ONCE_S)
        return run_id

    def decide_change(self, change_id: int, by: str, *, confirmed: bool) -> Mended:
        """Confirm or refuse what somebody else proposed. The proposer may not confirm, whatever their role."""
        with self._world.database.write() as tx:
            row = _change_row(tx, change_id)
            if row["state"] != "proposed":
                raise ActionError(f"This change is decided already ({row['decided_by']}: {row['state']}).")
            if confirmed and row["by_whom"] == by:
                raise ActionError("You proposed this change yourself; another person has to confirm it.")
            if not mappings.decide(tx, row, by=by, confirmed=confirmed):
                raise ActionError("Somebody else decided this change a moment ago.")
            name = "MappingConfirmed.v1" if confirmed else "MappingRefused.v1"
            _audit(tx, name, by, {"change": change_id})
            run_id = self._replay_of(tx, row, by) if confirmed else None
        if run_id is not None:
            carry_on(self._world, run_id, AT_ONCE_S)
        return Mended(change_id=change_id, proposed=False, run_id=run_id)

    def undo_change(self, change_id: int, by: str, reason: str) -> Mended:
        """Give a word back the meaning it had before a change."""
        with self._world.database.read() as tx:
            row = tx.one("mapping_change_peek", id=change_id)
        if row is None or row["state"] != "in_force":
            raise ActionError("Only a change that is in force can be taken back.")
        key = {"brand": row["brand"], "portal": row["portal"], "kind": row["kind"], "word": row["word"]}
        with self._world.database.read() as tx:
            now = tx.one("mapping_word", **key)
        if (now["meaning"] if now else None) != row["meaning"]:
            raise ActionError("The word was changed again since; take the newest change back first.")
        fix = Fix(
            brand=row["brand"],
            portal=row["portal"],
            kind=MapKind(row["kind"]),
            word=row["word"],
            meaning=row["meaning_before"],
        )
        mended = self._change(fix, by, reason, "undo", "")
        with self._world.database.write() as tx:
            tx.run("run_undone", change_id=mended.change_id, undone=change_id)
        return mended

    def _change(self, fix: Fix, by: str, reason: str, source: str, cause: str) -> Mended:
        if not reason.strip():
            raise ActionError("Say in a few words why; whoever reads the history next year needs it.")
        _check(self._world, fix)
        scope = Scope(fix.brand, fix.portal)
        change = WordChange(kind=fix.kind, word=fix.word, meaning=fix.meaning)
        with self._world.database.write() as tx:
            _not_pending(tx, scope, fix)
            put = mappings.put(tx, scope, change, by=by, because=reason[:REASON_MAX], source=source, replay=cause)
            proposed = put["state"] == "proposed"
            what = {"change": put["id"], "kind": fix.kind.value, "word": fix.word, "meaning": fix.meaning}
            _audit(tx, "MappingProposed.v1" if proposed else "MappingChanged.v1", by, {**what, "reason": reason})
            row = {"id": put["id"], "brand": fix.brand, "replay": cause, "because": reason}
            run_id = None if proposed else self._replay_of(tx, row, by)
        if run_id is not None:
            carry_on(self._world, run_id, AT_ONCE_S)
        return Mended(change_id=put["id"], proposed=proposed, run_id=run_id)

    def _replay_of(self, tx: Transaction, row: Row, by: str) -> int | None:
        """The run over what a change sets free, in the change's own transaction."""
        cause = row["replay"]
        if not cause or not tx.rows("cause_cases", brand=row["brand"], cause=cause, rows=1):
            return None
        reason = str(row["because"])
        return start_run(self._world, tx, brand=row["brand"], cause=cause, by=by, reason=reason, change_id=row["id"])


def _check(world: World, fix: Fix) -> None:
    """A word that can be stored, for a setup that exists."""
    if (fix.brand, fix.portal) not in world.setups:
        raise ActionError(f"There is no setup for brand {fix.brand!r} and portal {fix.portal!r}.")
    if not fix.word.strip():
        raise ActionError("The word is empty.")
    for text in (fix.word, fix.meaning or ""):
        if len(text) > WORD_MAX or "\0" in text:
            raise ActionError(f"A word has at most {WORD_MAX} signs, all of which can be printed.")
    if fix.meaning is not None and not fix.meaning.strip() and fix.kind is not MapKind.DEPOT:
        raise ActionError("Give the code the ERP uses. Only a depot may stay empty: then the unit is written off.")


def _not_pending(tx: Transaction, scope: Scope, fix: Fix) -> None:
    waiting = tx.one("mapping_proposed_word", **scope.row, kind=fix.kind.value, word=fix.word)
    if waiting is not None:
        raise ActionError(
            f"{waiting['by_whom']} has proposed “{waiting['meaning']}” for this word; confirm or refuse that first."
        )


def _change_row(tx: Transaction, change_id: int) -> Row:
    row = tx.one("mapping_change", id=change_id)
    if row is None:
        raise ActionError("There is no such change.")
    return row


def _audit(tx: Transaction, name: str, by: str, what: dict[str, object]) -> None:
    payload = msgspec.json.encode({"type": name, **what}).decode()
    log.note(tx, stream=STREAM, key=uuid4().hex, name=name, actor=f"person:{by}", payload=payload)
