"""Verification cycles of stock (R59, D9): a movement waits for the end of the cycle it was inspected in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def cycle_end(moment: str, hours: int) -> str:
    """The first end of a cycle after a moment, RFC 3339 in UTC; cycles are counted from midnight UTC."""
    length = timedelta(hours=hours)
    passed = (datetime.fromisoformat(moment) - _EPOCH) // length
    return (_EPOCH + (passed + 1) * length).strftime("%Y-%m-%dT%H:%M:%SZ")
