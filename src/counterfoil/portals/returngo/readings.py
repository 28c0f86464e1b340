"""What a poller remembers of the returns it has read: enough to tell what changed, nothing of what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

KEEP_CLOSED_S = 14 * 86_400  # a closed return may still get a transaction


class _Reading(msgspec.Struct):
    row: str = ""  # identity of its list row when it was last read whole
    whole: str = ""
    read_at: float = 0.0  # 0: never, or the reading failed
    still_open: bool = True
    units: tuple[str, ...] = ()


class Readings:
    """The returns of one shop as last read. The clock gives unix seconds. For one thread."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: dict[str, _Reading] = {}
        self._owners: dict[str, str] = {}

    def read_at(self, rma_id: str) -> float:
        """When a return was last read whole; minus one when it never was."""
        known = self._known.get(rma_id)
        return known.read_at if known is not None and known.read_at else -1.0

    def row(self, rma_id: str) -> str:
        """The identity of its list row then."""
        known = self._known.get(rma_id)
        return known.row if known is not None else ""

    def owner(self, unit_id: str) -> str | None:
        """The return a unit belongs to, when it was read."""
        return self._owners.get(unit_id)

    def old(self, age_s: float) -> list[str]:
        """Open returns last read so long ago, the oldest first."""
        now = self._clock()
        found = [
            (known.read_at, rma_id)
            for rma_id, known in self._known.items()
            if known.still_open and now - known.read_at >= age_s
        ]
        return [rma_id for _, rma_id in sorted(found)]

    def keep(self, rma_id: str, *, row: str, whole: str, still_open: bool, units: Iterable[str]) -> bool:
        """Note a reading; whether the return is another than at the one before."""
        before = self._known.get(rma_id)
        reading = _Reading(row=row, whole=whole, read_at=self._clock(), still_open=still_open, units=tuple(units))
        self._known[rma_id] = reading
        self._owners.update(dict.fromkeys(reading.units, rma_id))
        return before is None or before.whole != whole

    def failed(self, rma_id: str) -> None:
        """A reading that failed: the return is as old as can be."""
        self._known.setdefault(rma_id, _Reading()).read_at = 0.0
        self._known[rma_id].still_open = True

    def drop(self, rma_id: str) -> None:
        """Forget a return."""
        known = self._known.pop(rma_id, None)
        for unit_id in known.units if known is not None else ():
            self._owners.pop(unit_id, None)

    def forget_old(self) -> None:
        """Forget returns that are closed for long."""
        now = self._clock()
        for rma_id in [one for one, known in self._known.items() if _past(known, now)]:
            self.drop(rma_id)


def _past(known: _Reading, now: float) -> bool:
    return not known.still_open and now - known.read_at >= KEEP_CLOSED_S
