"""The limits of the simulated shop: a leaky bucket for REST, a bucket of cost points for GraphQL (shop sheet §1)."""

from __future__ import annotations

import time


class Bucket:
    """Points that are used up by requests and come back with time (seconds of the real clock)."""

    def __init__(self, size: int, restore_per_s: float) -> None:
        self.size = size
        self.restore_per_s = restore_per_s
        self._points = float(size)  # points are not money
        self._at = time.monotonic()

    @property
    def available(self) -> int:
        """Whole points there are now."""
        now = time.monotonic()
        self._points = min(float(self.size), self._points + (now - self._at) * self.restore_per_s)
        self._at = now
        return int(self._points)

    def take(self, points: int) -> bool:
        """Use points up; False (and nothing used) when there are too few."""
        if self.available < points:
            return False
        self._points -= points
        return True
