"""Returns as they stood at an instant: the log replayed up to it, never today's state.

A fact counts from the moment the outside world names (`occurred_at`), else from the moment we logged it; so a receipt
of the 31st that was told on the 1st belongs to the old month. `boundary` is the newest log entry that may be used.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from counterfoil.closing.closepack_period import moment_ms
from counterfoil.core.case import ReturnCase
from counterfoil.core.events import OutsideFact, ReturnFact, WarehouseReported
from counterfoil.core.evolve import evolve, new_case
from counterfoil.core.inner_events import AnyFact
from counterfoil.store import signoffs
from counterfoil.store.cases import decode_fact
from counterfoil.store.database import Row, Transaction

AFTER_LOCK_DAYS = 100  # how long after the lock late facts of a period are looked for
DAY_MS = 86_400_000


class _Moment(msgspec.Struct):
    """The only part of a fact that says when."""

    occurred_at: str | None = None


_moment = msgspec.json.Decoder(_Moment)


def effective_ms(occurred_at: str | None, at_ms: int) -> int:
    """When a fact counts."""
    told = moment_ms(occurred_at)
    return at_ms if told is None else told


def standing(tx: Transaction, cut_ms: int, boundary: int) -> Iterator[ReturnCase]:
    """Every return that may have been unfinished at the cut-off, as it stood then.

    What was finished before and never touched again has nothing left to say and is not read.
    """
    for case_id in signoffs.candidates(tx, cut_ms):
        case = as_of(case_id, signoffs.stream(tx, case_id, boundary), cut_ms)
        if case is not None:
            yield case


def as_of(case_id: str, entries: list[Row], cut_ms: int) -> ReturnCase | None:
    """One return from its log; None when nothing of it had happened yet."""
    facts = [(decode_fact(row["payload"]), int(row["at_ms"])) for row in entries]
    first = next((fact for fact, _ in facts if isinstance(fact, ReturnFact)), None)
    told = [fact for fact, at_ms in facts if effective_ms(fact.occurred_at, at_ms) < cut_ms]
    if first is None or not any(isinstance(fact, OutsideFact) for fact in told):
        return None
    case = new_case(case_id.split("/", 1)[0], first.portal_return)
    for fact in told:
        case = evolve(case, fact)
    return case


def loose(tx: Transaction, cut_ms: int) -> Iterator[tuple[str, AnyFact]]:
    """(brand, fact) of what belongs to no return and had happened by the cut-off; of a receipt its newest word."""
    found: dict[tuple[str, str], AnyFact] = {}
    for row in tx.rows("close_loose"):
        fact = decode_fact(row["fact"])
        if effective_ms(fact.occurred_at, row["arrived_ms"]) >= cut_ms:
            continue
        key = fact.key
        if isinstance(fact, WarehouseReported):
            key = f"{fact.receipt.source}/{fact.receipt.receipt_id}"
        found[row["brand"], key] = fact
    for (brand, _), fact in found.items():
        yield brand, fact


def after_lock(tx: Transaction, cut_ms: int, boundary: int, locked_ms: int) -> Iterator[Row]:
    """Log entries about the period that came once it was locked, oldest first."""
    for row in signoffs.entries_after(tx, boundary):
        if row["at_ms"] > locked_ms + AFTER_LOCK_DAYS * DAY_MS:
            return
        if row["stream"].startswith("system/"):
            continue
        if effective_ms(_moment.decode(row["payload"]).occurred_at, row["at_ms"]) < cut_ms:
            yield row
