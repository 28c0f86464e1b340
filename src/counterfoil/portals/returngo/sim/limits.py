"""The scarce resource of ReturnGO: 2000 calls a day and 100 a second per key, by default (ReturnGO sheet §1)."""

from __future__ import annotations

import time
from collections import deque
from datetime import date


class Quota:
    """Counts calls of the account: by calendar day of the simulated clock (inferred), by second of the real one."""

    def __init__(self) -> None:
        self.today = 0
        self.refused = 0
        self._day: date | None = None
        self._recent: deque[float] = deque()

    def allows(self, day: date, per_day: int, per_second: int) -> bool:
        """Count one call; False when it is over a limit."""
        if day != self._day:
            self._day, self.today = day, 0
        now = time.monotonic()
        while self._recent and self._recent[0] <= now - 1.0:
            self._recent.popleft()
        if self.today >= per_day or len(self._recent) >= per_second:
            self.refused += 1
            return False
        self.today += 1
        self._recent.append(now)
        return True
