"""An engine without threads: wake-ups and jobs wait until the test runs them."""

from __future__ import annotations

from collections.abc import Callable

from counterfoil.ports.engine import Drain, EngineHealth


class InlineEngine:
    """Carries wake-ups in the caller's thread. `lose` drops what waits, as an engine whose database is gone."""

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.jobs: dict[str, Callable[[], object]] = {}
        self._drain: Drain | None = None

    def start(self, drain: Drain) -> None:
        """Remember how a slot is worked off."""
        self._drain = drain

    def wake(self, slot: str) -> None:
        """Note the wish; a slot that waits already waits once."""
        if slot not in self.waiting:
            self.waiting.append(slot)

    def schedule(self, name: str, every_s: int, job: Callable[[], object]) -> None:
        """Keep the job for `tick`."""
        self.jobs[name] = job

    def health(self) -> EngineHealth:
        """Whether it was started."""
        return EngineHealth(ok=self._drain is not None, message="" if self._drain else "not started")

    def stop(self) -> None:
        """Forget everything."""
        self._drain = None
        self.waiting.clear()

    def run(self) -> int:
        """Work off every slot that waits; how many."""
        assert self._drain is not None, "the engine is not started"
        going, self.waiting = self.waiting, []
        for slot in going:
            self._drain(slot)
        return len(going)

    def tick(self, name: str) -> object:
        """Run one scheduled job now."""
        return self.jobs[name]()

    def lose(self) -> None:
        """Lose every wake-up."""
        self.waiting.clear()
