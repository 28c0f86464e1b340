"""The worker: it keeps slots for every connection, a relay that wakes those with work, and the clock's jobs.

Slots carry the outside system's concurrency cap: a connection with two slots never has more than two calls under way,
over all machines. Drains are bounded; the relay wakes a slot again while there is work.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from counterfoil.closing.nightly import nightly_if_due
from counterfoil.flow.deliver import deliver_one
from counterfoil.flow.look_again import (
    blind_parcels,
    failing_signatures,
    look_again,
    look_at_troubled,
    release_leases,
    unclaimed,
)
from counterfoil.flow.mend import carry_on_all
from counterfoil.flow.notify import digest, gather, send_due
from counterfoil.flow.poll import poll
from counterfoil.flow.translate import read_inbox
from counterfoil.flow.vocabulary import seed_mappings, watch_reasons
from counterfoil.flow.world import World
from counterfoil.ports.engine import Engine
from counterfoil.store.database import now_ms
from counterfoil.store.log import seal
from counterfoil.store.mappings import count_sightings
from counterfoil.store.problems import fold, wake_rested

TICK_S = 0.1
WAKE_FLAG_MS = 5_000  # after this a wake-up counts as lost and is sent again
DRAIN_S, DRAIN_COMMANDS = 4.0, 200
BEAT_S, DEAD_AFTER_S = 2.0, 12.0
PROOF_LOOK_S = 900  # how often it is looked whether today's proof is still to do

_log = structlog.get_logger("counterfoil.worker")


class Worker:
    """One worker of the world, on an engine."""

    def __init__(
        self, world: World, engine: Engine, poll_every_s: int = 300, drain_commands: int | None = None
    ) -> None:
        self._world = world
        self._engine = engine
        self._poll_every_s = poll_every_s
        self._drain_commands = drain_commands
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Register slots, start the engine, begin waking."""
        self.prepare()
        for name, body in (("relay", self._relay), ("beat", self._beat), ("settings", self._settings_changed)):
            thread = threading.Thread(target=body, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def prepare(self) -> None:
        """All of `start` but the threads, for whoever calls `due` and `drain` in a thread of their own."""
        self.register()
        seed_mappings(self._world)
        self._engine.schedule("look-again", 10, lambda: look_again(self._world))
        self._engine.schedule("unclaimed-refunds", 600, lambda: unclaimed(self._world))
        self._engine.schedule("blind-parcels", 60, lambda: blind_parcels(self._world))
        self._engine.schedule("signatures", 15, lambda: failing_signatures(self._world))
        self._engine.schedule("rested", 20, lambda: wake_rested(self._world.database))
        self._engine.schedule("totals", 5, lambda: fold(self._world.database))
        self._engine.schedule("words-seen", 10, lambda: count_sightings(self._world.database))
        self._engine.schedule("reasons", 900, lambda: watch_reasons(self._world))
        self._engine.schedule("runs", 3, lambda: carry_on_all(self._world))
        self._engine.schedule("notices", 10, lambda: gather(self._world))
        self._engine.schedule("digest", 300, lambda: digest(self._world))
        self._engine.schedule("send", 10, lambda: send_due(self._world))
        self._engine.schedule("seal", 60, lambda: seal(self._world.database))
        self._engine.schedule("nightly-proof", PROOF_LOOK_S, lambda: nightly_if_due(self._world))
        self._engine.schedule("poll", self._poll_every_s, lambda: poll(self._world))
        self._beat_once()
        self._engine.start(self.drain)

    def stop(self) -> None:
        """Let drains finish and stop."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=10)
        self._engine.stop()

    def drain(self, slot: str) -> None:
        """Work off one slot until nothing is due, or its time is up."""
        name, _, work = slot.rpartition(":")
        connection = self._world.connections.get(name)
        until = time.monotonic() + DRAIN_S
        one: Callable[[], object]
        if connection is None:
            return
        one = (
            (lambda: read_inbox(self._world, connection))
            if work == "inbox"
            else (lambda: deliver_one(self._world, connection))
        )
        for _ in range(self._drain_commands or DRAIN_COMMANDS):
            if self._stopping.is_set() or time.monotonic() > until or not one():
                break
        with self._world.database.write() as tx:
            tx.run("slot_clear", slot=slot)

    def register(self) -> None:
        """Make connections and their slots known to the database."""
        with self._world.database.write() as tx:
            for connection in self._world.connections.values():
                tx.run(
                    "connection_put",
                    name=connection.name,
                    brand=connection.brand,
                    vendor=connection.vendor,
                    family=connection.family.value,
                    slots=connection.slots,
                )
                if connection.spec.hook is not None:
                    tx.run("slot_put", slot=f"{connection.name}:inbox", connection=connection.name, work="inbox")
                if connection.spec.build is not None:
                    for k in range(connection.slots):
                        tx.run("slot_put", slot=f"{connection.name}:{k}", connection=connection.name, work="commands")
                    tx.run("slots_drop", connection=connection.name, work="commands", keep=connection.slots)

    def _relay(self) -> None:
        while not self._stopping.wait(TICK_S):
            try:
                for slot in self.due():
                    self._engine.wake(slot)
            except Exception as error:
                _log.warning("relay_failed", error=repr(error))
                self._stopping.wait(1.0)

    def due(self) -> list[str]:
        """Flag and name the slots to wake now; the flags are committed before the engine hears of them."""
        release_leases(self._world)
        now = now_ms()
        with self._world.database.read() as tx:
            wanted = [(row["connection"], "inbox", 1) for row in tx.rows("inboxes_waiting")]
            wanted += [(row["connection"], "commands", row["ready"]) for row in tx.rows("connections_due", now=now)]
        if not wanted:
            return []
        slots: list[str] = []
        with self._world.database.write() as tx:
            for connection, work, number in wanted:
                rows = tx.rows(
                    "slots_wake",
                    connection=connection,
                    work=work,
                    wanted=number,
                    now=now,
                    until=now + WAKE_FLAG_MS,
                )
                slots += [row["slot"] for row in rows]
        return slots

    def _beat_once(self) -> None:
        with self._world.database.write() as tx:
            tx.run("worker_beat", worker=self._world.worker, now=now_ms())

    def _beat(self) -> None:
        while not self._stopping.wait(BEAT_S):
            try:
                self._beat_once()
            except Exception as error:
                _log.warning("beat_failed", error=repr(error))

    def _settings_changed(self) -> None:
        """A start may bring new mappings or policies: look again at what is stuck."""
        try:
            look_at_troubled(self._world)
        except Exception as error:
            _log.warning("look_again_failed", error=repr(error))


def dead_workers(world: World) -> Callable[[], list[str]]:
    """Workers whose heartbeat stopped, for engines that must bring their wake-ups back."""

    def find() -> list[str]:
        with world.database.read() as tx:
            rows = tx.rows("workers_dead", before=now_ms() - int(DEAD_AFTER_S * 1000))
        return [row["worker"] for row in rows]

    return find
