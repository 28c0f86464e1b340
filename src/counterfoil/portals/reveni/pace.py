"""Our own limit towards Reveni, which publishes none (Reveni sheet §6): calls evenly spaced, without a burst."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Pace:
    """Turns over time, shared by the threads of one client. The clock gives seconds and never goes back."""

    def __init__(self, clock: Callable[[], float], per_s: float) -> None:
        self._clock = clock
        self._between_s = 1 / per_s
        self._free_at = clock()
        self._lock = threading.Lock()

    def reserve(self, patience_s: float) -> float:
        """Take the next turn and say in how many seconds it comes.

        An answer above `patience_s` reserves nothing: the caller has to come back after that time.
        """
        with self._lock:
            now = self._clock()
            turn = max(now, self._free_at)
            wait_s = turn - now
            if wait_s <= patience_s:
                self._free_at = turn + self._between_s
            return wait_s
