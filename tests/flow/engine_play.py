"""One engine put through its paces in a process of its own; the library behind it may keep process-wide state.

`engine_play.py KIND URL contract` prints what it saw as JSON; `… work DOMAIN OUT STOP_AFTER` carries commands of a
real database on that engine and writes a line for each; with STOP_AFTER it ends without a word after so many.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from counterfoil.core.commands import AnyCommand
from counterfoil.jobs.worker import Worker, dead_workers
from counterfoil.ports.engine import Engine
from counterfoil.ports.outcomes import Done, Outcome
from counterfoil.store.database import open_database
from counterfoil.testing.outside import Outside
from counterfoil.testing.road import make_world

PATIENCE_S = 25


def engine(kind: str, url: str, worker: str, dead: Any = list) -> Engine:
    if kind == "procrastinate":
        from counterfoil.jobs.procrastinate_engine import ProcrastinateEngine

        return ProcrastinateEngine(url, worker, concurrency=4)
    from counterfoil.jobs.dbos_engine import DbosEngine

    return DbosEngine(url, worker, dead, concurrency=4)


def until(condition: Any) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def contract(kind: str, url: str) -> dict[str, Any]:
    runs: Counter[str] = Counter()
    now: Counter[str] = Counter()
    most: Counter[str] = Counter()
    together, lock = [0], threading.Lock()
    ticks: list[float] = []

    def drain(slot: str) -> None:
        with lock:
            now[slot] += 1
            most[slot] = max(most[slot], now[slot])
            together[0] = max(together[0], sum(now.values()))
        time.sleep(0.15 if slot != "quick" else 0)
        with lock:
            now[slot] -= 1
            runs[slot] += 1
        if slot == "breaks":
            raise ZeroDivisionError("a mistake of ours")

    found: dict[str, Any] = {}
    carrier = engine(kind, url, "w1")
    carrier.schedule("tick", 1, lambda: ticks.append(time.monotonic()))
    carrier.start(drain)
    found["healthy"] = carrier.health().ok
    carrier.wake("quick")
    found["runs"] = until(lambda: runs["quick"] >= 1)
    for _ in range(6):
        for slot in ("a", "b", "c"):
            carrier.wake(slot)
    found["repeats"] = until(lambda: all(runs[slot] for slot in "abc"))
    carrier.wake("breaks")
    until(lambda: runs["breaks"])
    carrier.wake("breaks")
    found["after a break"] = until(lambda: runs["breaks"] >= 2)
    found["ticks"] = until(lambda: len(ticks) >= 1)
    carrier.wake("last")
    until(lambda: now["last"] == 1)
    carrier.stop()
    found["finished before stopping"] = runs["last"] == 1
    found["most at once of one slot"] = max(most.values())
    found["most at once"] = together[0]
    at_stop = sum(runs.values())
    time.sleep(0.5)
    found["quiet after stopping"] = sum(runs.values()) == at_stop
    return found


def work(kind: str, url: str, domain: str, out: str, stop_after: int) -> dict[str, Any]:
    outside = Outside()
    database = open_database(domain)
    world = make_world(database, outside, worker=f"{kind}-{os.getpid()}")
    written, lock = [0], threading.Lock()

    class Writes:
        """Makes a line for each command; the file is the outside world, and it survives."""

        def perform(self, command: AnyCommand) -> Outcome:
            with lock:
                if stop_after and written[0] >= stop_after:
                    time.sleep(60)
                with Path(out).open("a") as file:
                    file.write(command.key + "\n")
                written[0] += 1
                if written[0] == stop_after:
                    os._exit(9)
            return Done(ref=command.key)

        def find(self, command: AnyCommand) -> Outcome | None:
            lines = Path(out).read_text().splitlines() if Path(out).exists() else []
            return Done(ref=command.key) if command.key in lines else None

        def close(self) -> None:
            """Nothing to release."""

    world.connections["erp"]._client = Writes()  # type: ignore[assignment]
    worker = Worker(world, engine(kind, url, world.worker, dead_workers(world)), poll_every_s=3600)
    with database.write() as tx:  # a restart's clock has moved on: the lease of what was under way is over
        tx.query("update commands set lease_until_ms = 1 where state = 'doing'", {})
        tx.query("update slots set queued_until_ms = 0", {})
    worker.start()

    def through() -> bool:
        with database.read() as tx:
            return (tx.one("commands_open") or {"open": 1})["open"] == 0

    settled = until(through)
    worker.stop()
    database.close()
    return {"settled": settled}


if __name__ == "__main__":
    kind, url, what, *rest = sys.argv[1:]
    result = contract(kind, url) if what == "contract" else work(kind, url, rest[0], rest[1], int(rest[2]))
    print(json.dumps(result), flush=True)
    os._exit(0)
