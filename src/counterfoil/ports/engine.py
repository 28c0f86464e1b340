"""The engine port: five methods. An engine only carries wake-ups; our tables own the work (engine.md §4).

A lost wake-up costs a moment, because the relay asks again; an engine may lose everything it has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

Drain = Callable[[str], None]
"""Work off one slot, for a bounded time."""


class EngineHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the engine carries wake-ups, and what stands in its way."""

    ok: bool
    message: str = ""


class Engine(Protocol):
    """Carries "slot X: go and look for work" to one worker at a time, over all machines."""

    def start(self, drain: Drain) -> None:
        """Begin carrying; `drain` runs at most once at a time for each slot."""
        ...

    def wake(self, slot: str) -> None:
        """Ask for one run of a slot. May be repeated; may be lost."""
        ...

    def schedule(self, name: str, every_s: int, job: Callable[[], object]) -> None:
        """Run a job about every so many seconds, on one machine at a time. Call before `start`."""
        ...

    def health(self) -> EngineHealth:
        """A quick look."""
        ...

    def stop(self) -> None:
        """Finish what runs and stop."""
        ...
