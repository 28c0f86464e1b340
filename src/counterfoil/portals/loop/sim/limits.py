"""The request limit of the simulated Loop: so many per key in a sliding minute (Loop sheet §2)."""

from __future__ import annotations

import time
from collections import deque

MINUTE_S = 60.0


class PerMinute:
    """Counts requests of each key over the last sixty seconds of the real clock."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._seen: dict[str, deque[float]] = {}

    def allows(self, key: str) -> bool:
        """Count one request; False when it is over the limit."""
        now = time.monotonic()
        seen = self._seen.setdefault(key, deque())
        while seen and seen[0] <= now - MINUTE_S:
            seen.popleft()
        if len(seen) >= self.limit:
            return False
        seen.append(now)
        return True
