"""Our side of Loop's limit of 300 requests a minute for each key (Loop sheet §2)."""

from __future__ import annotations

import threading
from collections.abc import Callable

REQUESTS_PER_MINUTE = 280.0
BURST = 20.0  # together with the rate this stays at 300 in any minute, however Loop counts it


class Pace:
    """A token bucket over time, shared by the threads of one client. The clock gives seconds and never goes back."""

    def __init__(
        self, clock: Callable[[], float], per_minute: float = REQUESTS_PER_MINUTE, burst: float = BURST
    ) -> None:
        self._clock = clock
        self._per_s = per_minute / 60
        self._burst = burst
        self._tokens = burst
        self._counted_at = clock()
        self._lock = threading.Lock()

    def reserve(self, patience_s: float) -> float:
        """Take one request's place in the line and say in how many seconds it may be sent.

        An answer above `patience_s` reserves nothing: the caller has to come back after that time.
        """
        with self._lock:
            now = self._clock()
            self._tokens = min(self._burst, self._tokens + (now - self._counted_at) * self._per_s)
            self._counted_at = now
            wait_s = max(0.0, (1 - self._tokens) / self._per_s)
            if wait_s <= patience_s:
                self._tokens -= 1
            return wait_s
