"""The only time there is: it stands still until somebody moves it, for our side and, apart, for the outside world."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from unittest.mock import patch

import time_machine

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class Clock:
    """Moves everybody's time. `back` puts only our own clock back, as a machine whose time was corrected."""

    def __init__(self) -> None:
        self._passed = 0.0
        self._ours_behind = 0.0
        self._machine: time_machine.Traveller | None = None

    def monotonic(self) -> float:
        """Seconds since the start; never goes back."""
        return self._passed

    def advance(self, seconds: float) -> None:
        """Let time pass, on both sides."""
        self._passed += seconds
        self._show(self._ours_behind)

    def back(self, seconds: float) -> None:
        """Our own clock is put back."""
        self._ours_behind += seconds
        self._show(self._ours_behind)

    @property
    def is_back(self) -> bool:
        """Whether our own clock is behind."""
        return self._ours_behind > 0

    def corrected(self) -> None:
        """Our own clock is right again."""
        self._ours_behind = 0.0
        self._show(0.0)

    @contextmanager
    def theirs(self) -> Iterator[None]:
        """Inside, the wall clock is that of the outside world."""
        if not self._ours_behind:
            yield
            return
        self._show(0.0)
        try:
            yield
        finally:
            self._show(self._ours_behind)

    @contextmanager
    def ruling(self, seed: str) -> Iterator[None]:
        """Inside, this clock and this seed answer for the process: time, sleeping and randomness."""
        drawn = random.Random(f"bytes-{seed}")
        random.seed(f"process-{seed}")
        with (
            time_machine.travel(START, tick=False) as machine,
            patch.object(time, "monotonic", self.monotonic),
            patch.object(time, "sleep", self.advance),
            patch.object(os, "urandom", drawn.randbytes),
        ):
            self._machine = machine
            try:
                yield
            finally:
                self._machine = None

    def _show(self, behind: float) -> None:
        if self._machine is not None:
            self._machine.move_to(START.timestamp() + self._passed - behind)
