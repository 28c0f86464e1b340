"""Our side of ReturnGO's 2000 calls a day (ReturnGO sheet §1): the scarce resource, shared out by what a call is for.

Polls stop first, then reads that an event or a person asked for; the last calls of a day belong to writes. The day is
counted in UTC, as the gateway in front of the API counts its quotas; the count is kept in the store, shared by all workers
and by the process that follows, and the API's own 429 remains the last word.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import StrEnum

from counterfoil.ports.vendors import Tally

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
        self._tally: Tally = Remembered()
        self._day = -1
        self._lock = threading.Lock()

    def spend(self, purpose: Purpose) -> float:
        """Take one call and answer 0; or answer in how many seconds there will be one, and take nothing."""
        with self._lock:
            now = self._clock()
            if self._per_day - self._spent(now, 1) >= self._kept[purpose]:
                return 0.0
            self._spent(now, -1)
            return DAY_S - now % DAY_S

    def left(self, purpose: Purpose) -> int:
        """How many calls of the day there are for a purpose."""
        with self._lock:
            return max(0, self._per_day - self._spent(self._clock(), 0) - self._kept[purpose])

    def count_with(self, tally: Tally) -> None:
        """Keep the count there; what was counted so far today goes along."""
        with self._lock:
            now = self._clock()
            before, self._tally = self._spent(now, 0), tally
            self._spent(now, before)

    def _spent(self, now: float, count: int) -> int:
        """The day's calls after these. A clock that goes back does not give the day's calls back."""
        self._day = max(self._day, int(now // DAY_S))
        return self._tally.add("calls", self._day, count)


class Remembered:
    """A tally that lasts as long as the process, where nobody keeps it."""

    def __init__(self) -> None:
        self._days: dict[str, tuple[int, int]] = {}

    def add(self, name: str, day: int, count: int) -> int:
        """Count on, and answer how many there are on that day."""
        known, total = self._days.get(name, (day, 0))
        self._days[name] = (max(known, day), (total if day <= known else 0) + count)
        return self._days[name][1]
