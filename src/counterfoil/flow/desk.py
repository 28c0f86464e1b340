"""What people do with one exception besides mending it: take it, discuss it, let it rest, close it, open it again.

Each action is one transaction: the row (only if it has not moved on), its history, the totals, and the audit log.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from uuid import uuid4

import msgspec

from counterfoil.flow.edit import Edits
from counterfoil.flow.words import Words
from counterfoil.ports.actions import ActionError
from counterfoil.ports.desk import COMMENT_MAX, REASON_MAX
from counterfoil.store import log, problems
from counterfoil.store.database import Row, Transaction, now_ms

STREAM = "system/problems"
SNOOZE_MAX_MS = 60 * 86_400_000
MENTION = re.compile(r"(?<![\w@])@([\w][\w.+-]{0,149})")


class Desk(Words, Edits):
    """The desk over a running world (see `ports/desk.py` for what each action means)."""

    def assign(self, problem_id: int, version: int, to: str | None, by: str) -> None:
        """Give an exception to a person, or back to the team (None)."""
        with self._world.database.write() as tx:
            row = _open_row(tx, problem_id)
            if tx.run("problem_assign", id=problem_id, version=version, assignee=to, now=now_ms()) != 1:
                raise _moved_on(tx, row)
            problems.told(tx, problem_id, by, "assigned", f"to {to}" if to else "back to the team")
            _audit(tx, "ProblemAssigned.v1", by, {"problem": problem_id, "to": to})

    def comment(self, problem_id: int, text: str, by: str, known_people: frozenset[str]) -> None:
        """Say something; people named with @ are told."""
        said = text.strip()
        if not said:
            raise ActionError("The comment is empty.")
        if len(said) > COMMENT_MAX:
            raise ActionError(
                f"The comment has {len(said):,} characters; {COMMENT_MAX:,} fit. Put the long text into a file and "
                "name where it is."
            )
        if "\0" in said:
            raise ActionError("The comment holds a sign that cannot be stored.")
        with self._world.database.write() as tx:
            _row(tx, problem_id)
            entry = problems.told(tx, problem_id, by, "commented", said)
            tx.run("problem_touch", id=problem_id, now=now_ms())
            for who in sorted(set(MENTION.findall(said)) & known_people - {by}):
                tx.run("mention_put", who=who, history_id=entry, problem_id=problem_id, now=now_ms())
            _audit(tx, "ProblemCommented.v1", by, {"problem": problem_id, "text": said})

    def snooze(self, problem_id: int, version: int, until_ms: int, condition: str | None, by: str) -> None:
        """Let an exception rest until a moment, or until something happens if that is sooner."""
        now = now_ms()
        if not now < until_ms <= now + SNOOZE_MAX_MS:
            raise ActionError("An exception can rest until a moment within the next sixty days.")
        if condition not in (None, problems.GOODS, problems.NEWS) and not condition.startswith(problems.CONNECTION):
            raise ActionError("An exception can rest for goods, for news, or for a connection that works again.")
        with self._world.database.write() as tx:
            row = _open_row(tx, problem_id)
            if condition in (problems.GOODS, problems.NEWS) and row["case_id"] is None:
                raise ActionError("This exception belongs to no return, so no news of one can wake it.")
            words = _resting_words(until_ms, condition)
            if not problems.snooze(tx, row, version, until_ms, condition, by, words):
                raise _moved_on(tx, row)
            _audit(tx, "ProblemSnoozed.v1", by, {"problem": problem_id, "until_ms": until_ms, "for": condition})

    def wake(self, problem_id: int, by: str) -> None:
        """End a rest early."""
        with self._world.database.write() as tx:
            if not problems.wake(tx, _open_row(tx, problem_id), by, "taken up again"):
                raise ActionError("This exception is not resting.")
            _audit(tx, "ProblemWoken.v1", by, {"problem": problem_id})

    def close(self, problem_id: int, version: int, by: str, reason: str) -> None:
        """Close an exception by hand."""
        _needs_reason(reason, "Closing")
        with self._world.database.write() as tx:
            row = _open_row(tx, problem_id)
            if row["version"] != version or not problems.end(tx, row, state="resolved", by=by, because=reason):
                raise _moved_on(tx, row)
            _audit(tx, "ProblemResolved.v1", by, {"problem": problem_id, "reason": reason})

    def reopen(self, problem_id: int, version: int, by: str, reason: str) -> None:
        """Open a closed exception again, marked as returned."""
        _needs_reason(reason, "Opening it again")
        with self._world.database.write() as tx:
            row = _row(tx, problem_id)
            if row["state"] == "open":
                raise ActionError("This exception is open already.")
            name = {"brand": row["brand"], "case_id": row["case_id"] or "", "kind": row["kind"]}
            if tx.one("problem_opened", **name, subject=row["subject"]) is not None:
                raise ActionError("The same trouble is open already as a newer exception.")
            if not problems.reopen(tx, row, version, by, reason):
                raise _moved_on(tx, row)
            _audit(tx, "ProblemReopened.v1", by, {"problem": problem_id, "reason": reason})

    def seen(self, problem_id: int, by: str) -> None:
        """The person has looked at an exception: mentions of them are read."""
        with self._world.database.write() as tx:
            tx.run("mentions_seen", who=by, problem_id=problem_id, now=now_ms())

    def raw_delivery(self, delivery_id: int, by: str) -> tuple[dict[str, str], bytes]:
        """Headers and bytes of a delivery; that somebody looked is written into the log first."""
        with self._world.database.write() as tx:
            row = tx.one("delivery_get", id=delivery_id)
            if row is None:
                raise ActionError("There is no such delivery.")
            _audit(tx, "DeliverySeen.v1", by, {"delivery": delivery_id}, "system/deliveries")
        try:
            body = self._world.vault.open(row["body"], row["body_key"])
        except Exception as error:  # erased with its key, or kept under another master key
            raise ActionError("The bytes of this delivery cannot be opened any more; their key is gone.") from error
        return msgspec.json.decode(row["headers"], type=dict[str, str]), body


def _row(tx: Transaction, problem_id: int) -> Row:
    row = tx.one("problem_hold", id=problem_id)
    if row is None:
        raise ActionError("There is no such exception.")
    return row


def _open_row(tx: Transaction, problem_id: int) -> Row:
    row = _row(tx, problem_id)
    if row["state"] != "open":
        by = row["closed_by"] or "counterfoil"
        raise ActionError(f"{by} closed this exception meanwhile ({row['closed_because']}). Nothing was done.")
    return row


def _moved_on(tx: Transaction, row: Row) -> ActionError:
    """Somebody was quicker: who did what."""
    last = tx.rows("history_last", problem_id=row["id"])
    what = f"{last[0]['by_whom']} {last[0]['what']} it meanwhile" if last else "it changed meanwhile"
    return ActionError(f"Nothing was done: {what}. Look at it as it is now, then decide again.")


def _needs_reason(reason: str, what: str) -> None:
    if not reason.strip():
        raise ActionError(f"{what} needs a reason; the auditor reads it.")
    if len(reason) > REASON_MAX:
        raise ActionError(f"The reason has {len(reason):,} characters; {REASON_MAX} fit.")


def _resting_words(until_ms: int, condition: str | None) -> str:
    found = {None: "", problems.GOODS: " or until goods come", problems.NEWS: " or until there is news of the return"}
    what = found.get(condition, f" or until {(condition or '').removeprefix(problems.CONNECTION)} works again")
    return f"until {datetime.fromtimestamp(until_ms // 1000, UTC):%Y-%m-%d %H:%M} UTC{what}"


def _audit(tx: Transaction, name: str, by: str, what: dict[str, object], stream: str = STREAM) -> None:
    payload = msgspec.json.encode({"type": name, **what}).decode()
    log.note(tx, stream=stream, key=uuid4().hex, name=name, actor=f"person:{by}", payload=payload)
