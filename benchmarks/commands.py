"""Commands per second through our jobs, beside two plain loops over the same tables, in one run.

    python benchmarks/commands.py [--rounds 5] [--returns 150] [--kind sqlite|postgresql]

* `floor`: a hand-written loop with the two durable transitions of a command (claim; end and promote), nothing else.
* `loop`: the same threads call `flow.deliver.deliver_one`: the same transitions, and the outcome goes through `advance`,
  which decides what follows. No engine.
* `engine`: our worker on DBOS: relay, slots and wake-ups around the same `deliver_one`.

The goal (at least 0.8 ×) is about the engine: `engine` over `loop`, the same durable transitions with and without it.
`engine` over `floor` also holds what deciding costs. The adapter answers every command at once. Each measurement is a
process of its own on a fresh copy of one prepared database; the rate is taken between the first and the last command.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from commands_floor import run_floor
from ground import KINDS, Spread, machine, new_database, postgres, scratch, spread

from counterfoil.core.commands import AnyCommand, FetchOrder, FindSalesOrder, OpenReturnAuthorisation
from counterfoil.core.documents import DocumentLine
from counterfoil.flow.deliver import deliver_one
from counterfoil.flow.route import route
from counterfoil.flow.world import World
from counterfoil.jobs.dbos_engine import DbosEngine
from counterfoil.jobs.worker import Worker, dead_workers
from counterfoil.ports.outcomes import Done, Outcome
from counterfoil.ports.vendors import Client, Family, Probe
from counterfoil.store.database import Database, open_database
from counterfoil.store.migrate import migrate
from counterfoil.testing import outside as fakes
from counterfoil.testing.builders import PORTAL, erp_order, order_seen, parcel, portal_return, shown, sold_order
from counterfoil.testing.outside import Outside
from counterfoil.testing.road import BRAND, make_world

WAYS = ("floor", "loop", "engine")
SLOTS = 4  # of each connection; the loops have as many threads
GOAL = 0.8
PATIENCE_S = 180


class AtOnce:
    """A client of any system: everything it is asked for has just been done."""

    def perform(self, command: AnyCommand) -> Outcome:
        """Answer from the command alone."""
        order = sold_order(command.case.order_ref or "", command.case.order_name or "")
        match command:
            case FetchOrder():
                return Done(facts=(order_seen(order),))
            case FindSalesOrder():
                held = erp_order(order)
                return Done(ref=held.ref, number=held.number, order=held)
            case OpenReturnAuthorisation():
                lines = tuple(DocumentLine(line_no=line.line_no, erp_line=str(line.line_no)) for line in command.lines)
                return Done(ref=command.key, number=command.key, lines=lines)
        return Done(ref=command.key, number=command.key)

    def find(self, command: AnyCommand) -> Outcome | None:
        """Nothing is ever left unknown here."""
        return None

    def probe(self) -> Probe:
        """All is well."""
        return Probe(ok=True)

    def close(self) -> None:
        """Nothing to release."""


def _client(config: Any) -> Client:
    return AtOnce()


def world_on(database: Database) -> World:
    """One brand whose portal, shop and ERP answer at once."""
    families = {
        "portal": (PORTAL, Family.PORTAL),
        "shop": ("acme-shop", Family.GATEWAY),
        "erp": ("acme-erp", Family.ERP),
    }
    specs = {name: replace(fakes.spec(*kind), build=_client) for name, kind in families.items()}
    world = make_world(database, Outside(), specs=specs, worker=f"bench-{os.getpid()}")
    for connection in world.connections.values():
        connection.slots = SLOTS
    return world


def prepare(database: Database, returns: int) -> None:
    """Returns that are authorised, with parcels that came first: each has one command ready and others to follow."""
    migrate(database)
    world = world_on(database)
    for number in range(returns):
        order = sold_order(f"9{number:06}", f"#{number}")
        seen = portal_return(f"R{number}", order, (("L1", 2), ("L2", 1)), tracking=f"T{number}")
        came = parcel(f"P{number}", (("SHIRT-M", 2), ("SCARF", 1)), tracking=f"T{number}")
        with database.write() as tx:
            route(world, tx, BRAND, (came, shown(seen)), actor="benchmark")


def finished(database: Database) -> dict[str, Any]:
    """How many commands are done and how long they took from the first to the last."""
    sql = "select count(*) as n, min(finished_ms) as first, max(finished_ms) as last from commands where state = 'done'"
    with database.read() as tx:
        row = tx.query(sql, {})[0]
        assert (tx.one("commands_open") or {})["open"] == 0
        dead = tx.query("select count(*) as n from commands where state = 'dead'", {})[0]["n"]
    assert dead == 0, f"{dead} commands were refused"
    return {"commands": row["n"], "rate": (row["n"] - 1) * 1000 / max(1, row["last"] - row["first"])}


def wait_until_done(database: Database) -> None:
    """Look now and then until no command is open."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        time.sleep(0.05)
        with database.read() as tx:
            if (tx.one("commands_open") or {})["open"] == 0:
                return
    raise TimeoutError("commands are still open")


def in_threads(names: list[str], one: Callable[[str], bool], database: Database) -> None:
    """Call `one(connection)` in a thread for each slot until nothing is left."""
    stop = threading.Event()

    def work(name: str) -> None:
        while not stop.is_set():
            if not one(name):
                stop.wait(0.002)

    threads = [threading.Thread(target=work, args=(name,)) for name in names for _ in range(SLOTS)]
    for thread in threads:
        thread.start()
    try:
        wait_until_done(database)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def measure(way: str, url: str, folder: Path) -> dict[str, Any]:
    """Work one prepared database off in this process."""
    database = open_database(url)
    world = world_on(database)
    callable_ones = [name for name, connection in world.connections.items() if connection.spec.build is _client]
    began = time.process_time()
    if way == "floor":
        run_floor(url, callable_ones, lambda names, one: in_threads(names, one, database))
    elif way == "loop":
        in_threads(callable_ones, lambda name: deliver_one(world, world.connections[name]), database)
    else:
        engine_url = f"sqlite:///{folder / f'engine-{os.getpid()}.sqlite3'}" if url.startswith("sqlite") else url
        slots = sum(connection.slots + 1 for connection in world.connections.values())
        engine = DbosEngine(engine_url, world.worker, dead_workers(world), concurrency=max(4, min(32, slots)))
        worker = Worker(world, engine)
        worker.start()
        began = time.process_time()
        wait_until_done(database)
    used = time.process_time() - began
    found = finished(database)
    return {**found, "cpu_us": used / found["commands"] * 1e6}


class Copies:
    """Fresh copies of the prepared databases of one kind."""

    def __init__(self, kind: str, folder: Path, stack: ExitStack, returns: int) -> None:
        self.folder = folder
        self._server = stack.enter_context(postgres(folder)) if kind == "postgresql" else ""
        self._number = 0
        prepared = self._new("prepared")
        database = open_database(prepared)
        prepare(database, returns)
        database.close()
        self._flat(prepared)

    def _new(self, name: str, template: str = "template1") -> str:
        if self._server:
            return new_database(self._server, name, template)
        path = self.folder / f"{name}.sqlite3"
        if template != "template1":
            shutil.copy(self.folder / f"{template}.sqlite3", path)
        return f"sqlite:///{path}"

    def _flat(self, prepared: str) -> None:
        """For the floor: the commands that follow are there from the start, waiting behind the first of their return."""
        done = self._new("done", "prepared")
        _child("loop", done, self.folder)
        source, target = open_database(done), open_database(self._new("flat", "prepared"))
        with source.read() as tx:
            commands = tx.query("select * from commands order by id", {})
        seen: set[str] = set()
        with target.write() as tx:
            tx.query("delete from commands", {})
            for row in commands:
                wanted = ("command_key", "edition", "case_id", "connection", "name", "body", "created_ms")
                state = "waiting" if row["case_id"] in seen else "ready"
                seen.add(row["case_id"])
                values = {name: row[name] for name in wanted}
                tx.run(
                    "command_put",
                    **{k: v for k, v in values.items() if k != "created_ms"},
                    state=state,
                    now=row["created_ms"],
                    maybe_sent=0,
                )
        source.close()
        target.close()

    def take(self, way: str) -> str:
        """The address of a fresh copy for one measurement."""
        self._number += 1
        return self._new(f"run{self._number}", "flat" if way == "floor" else "prepared")


def _child(way: str, url: str, folder: Path) -> dict[str, Any]:
    words = [sys.executable, __file__, "--run", way, "--url", url, "--folder", str(folder)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, timeout=PATIENCE_S + 60)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(kind: str, rounds: int, returns: int) -> dict[str, list[dict[str, Any]]]:
    """Every way on its own copy, in turn; each round begins with another one."""
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    with ExitStack() as stack:
        copies = Copies(kind, stack.enter_context(scratch()), stack, returns)
        for number in range(rounds):
            turn = number % len(WAYS)
            for way in (*WAYS[turn:], *WAYS[:turn]):
                found[way].append(_child(way, copies.take(way), copies.folder))
    return found


def report(kind: str, found: dict[str, list[dict[str, Any]]]) -> bool:
    """Print ratios first; whether the goal holds by its median."""

    def ratio(over: str, under: str) -> Spread:
        return spread([a["rate"] / b["rate"] for a, b in zip(found[over], found[under], strict=True)])

    engine = ratio("engine", "loop")
    good = engine.middle >= GOAL
    count = found["engine"][0]["commands"]
    print(f"\n{kind}: median (lowest–highest) of {len(found['engine'])} interleaved rounds of {count:,} commands")
    print(
        f"  engine / loop    {engine.show()}   the engine's own cost; goal ≥ {GOAL}   {'held' if good else 'NOT HELD'}"
    )
    print(f"  engine / floor   {ratio('engine', 'floor').show()}   with what deciding costs")
    print(f"  loop / floor     {ratio('loop', 'floor').show()}   deciding alone")
    print(f"  {'':8}{'commands/s':>26}{'CPU µs/command':>26}")
    for way in WAYS:
        rate, cpu = (spread([one[name] for one in found[way]]) for name in ("rate", "cpu_us"))
        print(f"  {way:8}{rate.show(0):>26}{cpu.show(0):>26}")
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description="Commands per second with and without an engine.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--returns", type=int, default=150)
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument("--run", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        print(json.dumps(measure(given.run, given.url, given.folder)), flush=True)
        os._exit(0)  # the measurement is over; engine and pools need not be wound down
    print(machine())
    held = [report(kind, compare(kind, given.rounds, given.returns)) for kind in given.kind or KINDS]
    return 0 if all(held) else 1


if __name__ == "__main__":
    raise SystemExit(main())
