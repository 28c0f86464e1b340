"""A simulator's clock: it starts where the world says and runs with real time; a test may move it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any


def parse_time(text: str) -> datetime:
    """An ISO 8601 moment; without a zone it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class Clock:
    """Says what time it is in the simulated world."""

    def __init__(self, start: str | None = None) -> None:
        self._at = time.monotonic()
        self._start = parse_time(start) if start else datetime.now(UTC)

    def now(self) -> datetime:
        """The moment, in UTC."""
        return self._start + timedelta(seconds=time.monotonic() - self._at)

    def move(self, given: Mapping[str, Any]) -> datetime:
        """Set it to `now`, or move it on by `forward_days`; answers the new time. Raises ValueError, KeyError."""
        if "forward_days" in given:
            self._start += timedelta(days=int(given["forward_days"]))
        else:
            self._at, self._start = time.monotonic(), parse_time(given["now"])
        return self.now()
