"""Exceptions as rows: opened and ended by decisions, worked on by people, counted by cause.

Every change is one line of the problem's history and one move of the open totals, in the same transaction. Writers
only append moves, so two workers never wait for each other over a count; `fold` adds them up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import structs

from counterfoil.core.case import Reception, ReturnCase
from counterfoil.core.causes import cause_of, held_by, is_shared
from counterfoil.core.problem_kinds import kind_of
from counterfoil.core.problems import Owner, Problem
from counterfoil.store.database import Database, Row, Transaction, now_ms

HOUR_MS = 3_600_000
FOLD_BATCH = 2_000
US = "counterfoil"

GOODS, NEWS, CONNECTION = "goods", "news", "connection:"
"""What a problem can rest for: goods that come, any news of the return, a connection that works again."""


def sync(
    tx: Transaction, case: ReturnCase, holding: Sequence[Problem], owners: dict[str, Owner], *, news: bool = False
) -> None:
    """Make the open problems of a return equal to those that hold now; what no longer holds ends by itself.

    `owners` names another owner for a problem's subject, where an adapter knew better than the kind. `news` says that
    something happened to the return, which wakes problems that rest for it.
    """
    known = {(row["kind"], row["subject"]): row for row in tx.rows("problems_of_case", case_id=case.case_id)}
    for found in holding:
        amount, currency = held_by(found, case)
        problem = structs.replace(found, amount=amount, currency=currency)
        open_already = known.pop((problem.kind, problem.subject), None)
        if open_already is None:
            put(tx, case.case.brand, problem, case=case, owner=owners.get(problem.subject))
            continue
        _bring_up_to_date(tx, open_already, problem, cause_of(problem, case))
        if open_already["snoozed"] and news:
            _wake_for(tx, open_already, case)
    for row in known.values():
        end(tx, row, state="ended", by=US, because="its cause is gone")


def put(
    tx: Transaction,
    brand: str,
    problem: Problem,
    *,
    case: ReturnCase | None = None,
    case_id: str | None = None,
    owner: Owner | None = None,
    connection: str | None = None,
    delivery_id: int | None = None,
) -> None:
    """Open a problem, or bring the open one up to date. One that was there before is marked as come back."""
    kind, now, cause = kind_of(problem.kind), now_ms(), cause_of(problem, case)
    case_id = case.case_id if case is not None else case_id
    name = {"brand": brand, "case_id": case_id or "", "kind": problem.kind, "subject": problem.subject}
    values = {
        "owner": (owner or kind.owner).value,
        "severity": kind.severity.value,
        "message": problem.message,
        "amount_minor": problem.amount,
        "currency": problem.currency,
        "units": problem.units,
        "came_back": int(tx.one("problem_before", **name) is not None),
        "connection": connection,
        "delivery_id": delivery_id,
        "cause": cause,
        "shared": int(is_shared(cause)),
        "due_ms": now + kind.target_hours * HOUR_MS,
    }
    opened = tx.one("problem_open", **{**name, **values, "case_id": case_id, "now": now})
    if opened is None:
        already = tx.one("problem_opened", **name)
        if already is not None:  # it may have ended a moment ago; then the next look opens it again
            _bring_up_to_date(tx, already, problem, cause)
        return
    _move(tx, {**name, **values, "snoozed": 0}, 1)
    told(tx, opened["id"], US, "opened", "It came back." if values["came_back"] else "")


def _bring_up_to_date(tx: Transaction, row: Row, problem: Problem, cause: str) -> None:
    fresh = {
        "message": problem.message,
        "amount_minor": problem.amount,
        "currency": problem.currency,
        "units": problem.units,
        "cause": cause,
        "shared": int(is_shared(cause)),
    }
    if all(row[name] == value for name, value in fresh.items()):
        return
    if tx.run("problem_change", id=row["id"], now=now_ms(), **fresh) == 1:
        _move(tx, row, -1)
        _move(tx, {**row, **fresh}, 1)
        if row["message"] != problem.message:
            told(tx, row["id"], US, "changed", problem.message)


def end(tx: Transaction, row: Row, *, state: str, by: str, because: str) -> bool:
    """Close an open problem; False when somebody was quicker."""
    if tx.run("problem_end", id=row["id"], state=state, by=by, because=because, now=now_ms()) != 1:
        return False
    _move(tx, row, -1)
    told(tx, row["id"], by, "ended" if state == "ended" else "closed", because)
    return True


def end_loose(tx: Transaction, brand: str, kind: str, subject: str, because: str) -> None:
    """End a problem outside any return."""
    for row in tx.rows("problems_open_loose", brand=brand, kind=kind, subject=subject):
        end(tx, row, state="ended", by=US, because=because)


# --- what people do -------------------------------------------------------------------------------------------------


def snooze(tx: Transaction, row: Row, version: int, until_ms: int, condition: str | None, by: str, words: str) -> bool:
    """Let a problem rest; False when it moved on meanwhile."""
    values = {"id": row["id"], "version": version, "until_ms": until_ms, "condition": condition, "now": now_ms()}
    if tx.run("problem_snooze", **values) != 1:
        return False
    _move(tx, row, -1)
    _move(tx, {**row, "snoozed": 1}, 1)
    told(tx, row["id"], by, "snoozed", words)
    return True


def wake(tx: Transaction, row: Row, by: str, words: str) -> bool:
    """A resting problem is back in the inbox; False when it was not resting."""
    if tx.run("problem_wake", id=row["id"], now=now_ms()) != 1:
        return False
    _move(tx, {**row, "snoozed": 1}, -1)
    _move(tx, {**row, "snoozed": 0}, 1)
    told(tx, row["id"], by, "woke", words)
    return True


def reopen(tx: Transaction, row: Row, version: int, by: str, because: str) -> bool:
    """A closed problem is open again, marked as returned; False when it moved on meanwhile."""
    due_ms = now_ms() + kind_of(row["kind"]).target_hours * HOUR_MS
    if tx.run("problem_reopen", id=row["id"], version=version, due_ms=due_ms, now=now_ms()) != 1:
        return False
    _move(tx, {**row, "snoozed": 0}, 1)
    told(tx, row["id"], by, "reopened", because)
    return True


def told(tx: Transaction, problem_id: int, by: str, what: str, words: str) -> int:
    """One line of a problem's history; its id."""
    row = tx.one("history_put", problem_id=problem_id, by=by, what=what, words=words, now=now_ms())
    assert row is not None
    return int(row["id"])


def wake_rested(database: Database, batch: int = 500) -> int:
    """Bring back what has rested long enough, or waited for a connection that works again; how many."""
    with database.write() as tx:
        woken = 0
        for found in tx.rows("problems_rested", now=now_ms(), limit=batch):
            row = tx.one("problem_hold", id=found["id"])
            woken += row is not None and wake(tx, row, US, "The time it was to rest is over.")
        for condition in [row["snoozed_for"] for row in tx.rows("problems_conditions", limit=100)]:
            name = condition.removeprefix(CONNECTION)
            if tx.one("connection_works", name=name) is None:
                continue
            for found in tx.rows("problems_resting_for", condition=condition, limit=batch):
                row = tx.one("problem_hold", id=found["id"])
                woken += row is not None and wake(tx, row, US, f"{name} works again.")
    return woken


def _wake_for(tx: Transaction, row: Row, case: ReturnCase) -> None:
    if row["snoozed_for"] == NEWS:
        wake(tx, row, US, "There is news of the return.")
    if row["snoozed_for"] == GOODS and any(unit.reception is Reception.RECEIVED for unit in case.units):
        wake(tx, row, US, "Goods have come.")


# --- totals ---------------------------------------------------------------------------------------------------------

_KEY = ("brand", "cause", "kind", "owner", "currency", "snoozed")
_SUMS = ("problems", "priced", "held_minor", "units")


def _move(tx: Transaction, row: dict[str, Any], sign: int) -> None:
    key = {name: row[name] for name in _KEY if name != "currency"}
    sums = {
        "problems": sign,
        "priced": sign * (row["amount_minor"] is not None),
        "held_minor": sign * (row["amount_minor"] or 0),
        "units": sign * row["units"],
    }
    tx.run("move_put", **key, currency=row["currency"] or "", **sums)


def fold(database: Database, batch: int = FOLD_BATCH) -> int:
    """Add moves to the totals; how many moves there were."""
    with database.write() as tx:
        moves = tx.rows("moves_take", limit=batch)
        sums: dict[tuple[Any, ...], list[int]] = {}
        for row in moves:
            total = sums.setdefault(tuple(row[name] for name in _KEY), [0, 0, 0, 0])
            for place, name in enumerate(_SUMS):
                total[place] += row[name]
        for key, total in sorted(sums.items()):  # in a fixed order, so that two folders never wait for each other
            if any(total):
                tx.run("total_add", **dict(zip(_KEY, key, strict=True)), **dict(zip(_SUMS, total, strict=True)))
        if moves:
            tx.run("totals_drop_empty")
    return len(moves)


def open_by_cause(tx: Transaction) -> list[Row]:
    """What is open now, by brand, cause, kind, owner, currency and whether it rests."""
    return tx.rows("causes_open")
