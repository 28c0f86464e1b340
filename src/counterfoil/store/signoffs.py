"""Sign-offs of a period, what was signed, and the log as the close reads it."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.store.database import Row, Transaction

PAGE = 2_000


def candidates(tx: Transaction, cut_ms: int) -> list[str]:
    """Returns that are not finished, or were touched since the cut-off."""
    return [row["case_id"] for row in tx.rows("close_candidates", cut_ms=cut_ms)]


def stream(tx: Transaction, case_id: str, boundary: int) -> list[Row]:
    """A return's log up to an entry, in order."""
    return tx.rows("close_stream", stream=case_id, boundary=boundary)


def newest_entry(tx: Transaction) -> int:
    """The number of the newest log entry, 0 when there is none."""
    row = tx.one("close_newest_entry")
    return int((row or {}).get("last_id") or 0)


def entries_after(tx: Transaction, last: int) -> Iterator[Row]:
    """Every log entry after a number, a page at a time."""
    while True:
        page = tx.rows("log_after", last=last, limit=PAGE)
        yield from page
        if len(page) < PAGE:
            return
        last = page[-1]["id"]


def of_period(tx: Transaction, period: str) -> dict[str, Row]:
    """The sign-offs of a period by role."""
    return {row["role"]: row for row in tx.rows("signoffs_of_period", period=period)}


def newest(tx: Transaction, limit: int) -> list[Row]:
    """The sign-offs of the newest periods, without what was signed."""
    return tx.rows("signoffs_newest", limit=limit)


def lock(tx: Transaction, period: str) -> None:
    """From here on nobody else signs this period until the transaction ends."""
    tx.rows("order_lock", lock=f"close/{period}")


def put(tx: Transaction, row: Row) -> bool:
    """Keep a sign-off; a preparer may sign again, a reviewer's stays. Whether it was written."""
    return tx.run("signoff_put", **row) == 1
