"""What the scorecard reads: returns that were under way or touched in its weeks, exceptions, proofs."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.store.database import Row, Transaction

PAGE = 500


def returns_since(tx: Transaction, since_ms: int) -> Iterator[Row]:
    """Every return that is under way, or was touched since a moment, once."""
    yield from tx.rows("scorecard_silent", since_ms=since_ms)
    after_ms, after_id = since_ms - 1, ""
    while True:
        page = tx.rows("scorecard_touched", after_ms=after_ms, after_id=after_id, limit=PAGE)
        yield from (row for row in page if row["updated_ms"] >= since_ms)
        if len(page) < PAGE:
            return
        after_ms, after_id = page[-1]["updated_ms"], page[-1]["case_id"]


def queued_since(tx: Transaction, since_ms: int) -> frozenset[str]:
    """Returns that had an exception opened since a moment."""
    return frozenset(row["case_id"] for row in tx.rows("scorecard_queued", since_ms=since_ms))


def proofs_between(tx: Transaction, first: str, last: str) -> list[Row]:
    """Proofs of these days, oldest first."""
    return tx.rows("scorecard_proofs", first=first, last=last)
