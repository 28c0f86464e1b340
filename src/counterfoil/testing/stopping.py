"""A process that stops at a chosen place: before or after the n-th commit or call. What was durable stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from counterfoil.core.commands import AnyCommand
from counterfoil.ports.outcomes import Outcome
from counterfoil.ports.vendors import Client, Probe
from counterfoil.store.database import Database, Transaction
from counterfoil.store.sql import Dialect


class ProcessStopped(BaseException):
    """The process ends here. No exception handler of the product may see it as an error, so it is not one."""


class Stop:
    """Counts the boundaries a run passes and stops it at number `at` (1-based; 0 never)."""

    def __init__(self, at: int = 0) -> None:
        self.at = at
        self.passed: list[str] = []

    def boundary(self, name: str) -> None:
        """Pass a boundary, or stop there."""
        self.passed.append(name)
        if len(self.passed) == self.at:
            raise ProcessStopped(name)


class StoppingDatabase:
    """A database whose commits are boundaries."""

    def __init__(self, inner: Database, stop: Stop) -> None:
        self._inner = inner
        self._stop = stop
        self.dialect: Dialect = inner.dialect
        self.address = inner.address

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Stopping before the commit takes everything back; after it, nothing."""
        with self._inner.write() as tx:
            yield tx
            self._stop.boundary("before a commit")
        self._stop.boundary("after a commit")

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Reading changes nothing, so it is no boundary."""
        with self._inner.read() as tx:
            yield tx

    def script(self, sql: str) -> None:
        """As the inner one."""
        self._inner.script(sql)

    def close(self) -> None:
        """As the inner one."""
        self._inner.close()


class StoppingClient:
    """A client whose calls are boundaries: before nothing happened, after it did and nobody here knows."""

    def __init__(self, inner: Client, stop: Stop) -> None:
        self._inner = inner
        self._stop = stop

    def perform(self, command: AnyCommand) -> Outcome:
        """Perhaps stop, call, perhaps stop."""
        self._stop.boundary(f"before {type(command).__name__}")
        outcome = self._inner.perform(command)
        self._stop.boundary(f"after {type(command).__name__}")
        return outcome

    def find(self, command: AnyCommand) -> Outcome | None:
        """Looking changes nothing outside; stopping after it is one boundary."""
        outcome = self._inner.find(command)
        self._stop.boundary(f"after looking for {type(command).__name__}")
        return outcome

    def probe(self) -> Probe:
        """As the inner one."""
        return self._inner.probe()

    def close(self) -> None:
        """As the inner one."""
        self._inner.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
