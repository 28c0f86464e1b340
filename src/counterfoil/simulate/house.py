"""Our side: the real store, hooks, worker and adapters, which may stop at any commit or call and start again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from counterfoil.bootstrap import build_world
from counterfoil.flow.receive import PREFIX, judged
from counterfoil.flow.world import World
from counterfoil.jobs.worker import Worker
from counterfoil.ports.vendors import Client, Delivery, Reply
from counterfoil.settings import Settings
from counterfoil.simulate.network import Network
from counterfoil.store.database import SqliteDatabase
from counterfoil.store.inbox import keep_at_once
from counterfoil.store.migrate import migrate
from counterfoil.testing.inline import InlineEngine
from counterfoil.testing.stopping import ProcessStopped, Stop, StoppingClient, StoppingDatabase

JOBS = ("look-again", "unclaimed-refunds", "blind-parcels", "signatures", "seal", "poll")


class House:
    """One process of ours after another, on one database."""

    def __init__(self, settings: Settings, network: Network, clock: Any, file: Path) -> None:
        self._settings = settings
        self._network = network
        self._clock = clock
        self._file = file
        self._starts = 0
        self.stop = Stop()
        self.world: World
        self.engine: InlineEngine
        self.worker: Worker
        self.start()
        network.receive = self.receive

    def start(self) -> None:
        """A process starts: nothing of the one before is left but what was committed."""
        self._starts += 1
        self.stop = Stop()
        database = SqliteDatabase(self._file)
        database._writer.execute("pragma synchronous=off")  # what a dying process commits is there; power stays on
        if self._starts == 1:
            migrate(database)
        self.world = build_world(self._settings, StoppingDatabase(database, self.stop))  # type: ignore[arg-type]
        self.world.worker = f"process-{self._starts}"
        for connection in self.world.connections.values():
            if connection.spec.build is not None:
                connection._client = _Named(StoppingClient(connection.client, self.stop), self._network)
        self.engine = InlineEngine()
        self.worker = Worker(self.world, self.engine, drain_commands=1)
        self.worker.prepare()

    def end(self) -> None:
        """The process is gone: sockets and handles with it."""
        for connection in self.world.connections.values():
            connection.close()
        self.world.database.close()

    def stop_at(self, boundaries: int) -> None:
        """Stop at the n-th commit or call from now."""
        self.stop.at = len(self.stop.passed) + boundaries

    def doing(self, step: str, work: Any) -> bool:
        """Do something of ours. False when the process stopped in the middle and a new one took its place."""
        self._network.step = step
        try:
            work()
        except ProcessStopped:
            self._stopped()
            return False
        finally:
            self._network.step = ""
        return True

    def _stopped(self) -> None:
        self.end()
        self.start()

    def slots(self) -> list[str]:
        """Slots with work, flagged as the relay does."""
        self.doing("relay", self._flag)
        return list(self.engine.waiting)

    def _flag(self) -> None:
        for slot in self.worker.due():
            self.engine.wake(slot)

    def drain(self, slot: str) -> None:
        """Work off one command or one page of an inbox."""
        self.engine.waiting.remove(slot)
        self.worker.drain(slot)

    def receive(self, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """What the hook does with a webhook, without its event loop. A process that stops in it says nothing."""
        found, tail = self._addressed(path)
        hook = self.world.connections[found].spec.hook
        assert hook is not None, "only connections with a hook have an address"
        from time import time

        delivery = Delivery(body=body, headers=headers, arrived_at=time(), path_tail=tail)
        kept, refusal = judged(self.world.connections[found], hook, delivery)
        if kept is None:
            return refusal or Reply(status=503)
        try:
            new = keep_at_once(self.world.database, self.world.vault, kept)
        except ProcessStopped:
            self._stopped()
            return Reply(status=0)
        if refusal is not None:
            return refusal
        return hook.accepted(delivery) if new else hook.duplicate(delivery)

    def _addressed(self, path: str) -> tuple[str, str]:
        parts = path.removeprefix(PREFIX).split("/")
        return parts[1], "/".join(parts[2:])


class _Named:
    """A client that tells the network which command it is at, so that faults are counted by step."""

    def __init__(self, inner: Client, network: Network) -> None:
        self._inner = inner
        self._network = network

    def perform(self, command: Any) -> Any:
        self._network.step = type(command).__name__
        return self._inner.perform(command)

    def find(self, command: Any) -> Any:
        self._network.step = f"find {type(command).__name__}"
        return self._inner.find(command)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
