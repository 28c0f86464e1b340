"""Runs of the proof and what the newest one found open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from counterfoil.store.database import Row, Transaction

Json = dict[str, Any]


class KeptRun(msgspec.Struct, frozen=True, kw_only=True):
    """A finished run, as it is kept."""

    as_of: str
    since: str
    started_ms: int
    finished_ms: int
    balanced: bool
    open_records: int
    summary: Json
    trouble: tuple[str, ...] = ()


def keep(tx: Transaction, run: KeptRun, items: Iterable[Mapping[str, Any]]) -> int:
    """Keep the run and make the open items equal to what it found; the run's number."""
    row = tx.one(
        "proof_run_put",
        as_of=run.as_of,
        since=run.since,
        started_ms=run.started_ms,
        finished_ms=run.finished_ms,
        balanced=int(run.balanced),
        open_records=run.open_records,
        summary=msgspec.json.encode(run.summary).decode(),
        trouble=msgspec.json.encode(run.trouble).decode(),
    )
    assert row is not None, "a row that was just written has a number"
    number = int(row["id"])
    tx.many("proof_item_put", [{**item, "run_id": number, "first_as_of": run.as_of} for item in items])
    tx.run("proof_items_drop", run_id=number)
    return number


TURN_MS = 4 * 3600 * 1000  # a run that died is tried again after so long


def take_turn(tx: Transaction, worker: str, now: int) -> bool:
    """Whether this worker does the run of the day; of several that ask, one."""
    return tx.run("proof_turn", worker=worker, now=now, until=now + TURN_MS) == 1


def last(tx: Transaction) -> Row | None:
    """The newest run, or None before the first."""
    return tx.one("proof_run_last")


def items(tx: Transaction) -> list[Row]:
    """Everything the newest run found open."""
    return tx.rows("proof_items_all")


def before(tx: Transaction) -> list[Row]:
    """What is kept as open until the next run replaces it."""
    return tx.rows("proof_items_before")


def told(run: Row) -> Row:
    """A run with its summary and its troubles as they were written."""
    return {**run, "summary": msgspec.json.decode(run["summary"]), "trouble": msgspec.json.decode(run["trouble"])}
