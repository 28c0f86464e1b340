"""Our side of ReturnGO's 2000 calls a day (ReturnGO sheet §1): the scarce resource, shared out by what a call is for.

Polls stop first, then reads that an event or a person asked for; the last calls of a day belong to writes. The day is
counted in UTC, as the gateway in front of the API counts its quotas; the count starts again with the process, and the
API's own 429 remains the last word.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import StrEnum

DAY_S = 86_400


class Purpose(StrEnum):
    """What a call is for."""

    WRITE = "write"
    READ = "read"
    POLL = "poll"


class Meter:
    """Counts calls of the day. The clock gives unix seconds."""

    def __init__(self, clock: Callable[[], float], per_day: int, *, for_writes: int, for_reads: int) -> None:
        self._clock = clock
        self._per_day = per_day
        kept = min(for_writes, per_day)
        self._kept = {Purpose.WRITE: 0, Purpose.READ: kept, Purpose.POLL: min(kept + for_reads, per_day)}
        self._day = -1
        self._spent = 0
        self._lock = threading.Lock()

    def spend(self, purpose: Purpose) -> float:
        """Take one call and answer 0; or answer in how many seconds there will be one, and take nothing."""
        with self._lock:
            now = self._clock()
            self._turn(now)
            if self._per_day - self._spent > self._kept[purpose]:
                self._spent += 1
                return 0.0
            return DAY_S - now % DAY_S

    def left(self, purpose: Purpose) -> int:
        """How many calls of the day there are for a purpose."""
        with self._lock:
            self._turn(self._clock())
            return max(0, self._per_day - self._spent - self._kept[purpose])

    def _turn(self, now: float) -> None:
        """A clock that goes back does not give the day's calls back."""
        day = int(now // DAY_S)
        if day > self._day:
            self._day, self._spent = day, 0
