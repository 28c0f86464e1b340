"""What receiving a webhook costs beside the least it can cost: rate and CPU, ours over the floor, in one run.

    python benchmarks/hook_cost.py [--rounds 7] [--seconds 2] [--kind sqlite|postgresql]

Two servers run at once on one core and are loaded in turn from the other core (floor, ours, ours, floor, …), each on
its own fresh database. Goals (libraries: hook cost): rate at least 0.8 × and CPU at most 1.25 × of the floor.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ground import KINDS, cpu_s, machine, new_database, postgres, scratch, spread
from hook_servers import FLOOR_PATH, OUR_PATH

HERE = Path(__file__).parent
RATE_GOAL, CPU_GOAL = 0.8, 1.25


@dataclass
class Server:
    """One of the two, and what was measured of it."""

    name: str
    path: str
    url: str
    port: int
    pid: int
    sent: int = 0
    rate: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)

    def load(self, seconds: float, core: int, *, keep: bool = True) -> None:
        """Load it once and note the figures."""
        before = cpu_s(self.pid)
        found = _load(self.port, self.path, seconds, self.sent, core)
        used = cpu_s(self.pid) - before
        assert not found["refused"], found["refused"]
        self.sent += found["answers"]
        if not keep:
            return
        self.rate.append(found["rate"])
        self.cpu_us.append(used / found["answers"] * 1e6)
        self.busy.append(found["rate"] * used / found["answers"])
        self.p50_ms.append(found["p50_ms"])
        self.p99_ms.append(found["p99_ms"])


def _load(port: int, path: str, seconds: float, first: int, core: int) -> dict[str, Any]:
    words = ["--port", str(port), "--path", path, "--seconds", str(seconds), "--first", str(first), "--core", str(core)]
    done = subprocess.run(
        [sys.executable, str(HERE / "hook_load.py"), *words],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=seconds + 60,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@contextmanager
def serving(name: str, path: str, url: str, folder: Path, core: int) -> Iterator[Server]:
    """Start one server on the given core and stop it in the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, str(HERE / "hook_servers.py"), name, url, str(port), str(folder), str(core)]
    )
    try:
        _wait_for(port, process)
        yield Server(name, path, url, port, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        assert process.poll() is None, "the server ended; its message stands above"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("the server does not listen")


def rows(server: Server) -> int:
    """How many deliveries its database holds."""
    table = "floor" if server.name == "floor" else "deliveries"
    if server.url.startswith("sqlite:///"):
        import sqlite3

        with sqlite3.connect(server.url.removeprefix("sqlite:///")) as found:
            return int(found.execute(f"select count(*) from {table}").fetchone()[0])
    import psycopg

    with psycopg.connect(server.url) as connection:
        row = connection.execute(f"select count(*) from {table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def compare(kind: str, rounds: int, seconds: float) -> tuple[Server, Server]:
    """Floor and ours on one kind of database, in turn, each round starting with the other one."""
    cores = sorted(os.sched_getaffinity(0))
    serve, send = cores[0], cores[-1]
    with ExitStack() as stack:
        folder = stack.enter_context(scratch())
        if kind == "sqlite":
            urls = [f"sqlite:///{folder / name}.sqlite3" for name in ("floor", "hooks")]
        else:
            address = stack.enter_context(postgres(folder, {send}))
            urls = [new_database(address, name) for name in ("floor", "hooks")]
        floor = stack.enter_context(serving("floor", FLOOR_PATH, urls[0], folder, serve))
        ours = stack.enter_context(serving("hooks", OUR_PATH, urls[1], folder, serve))
        for server in (floor, ours):
            server.load(1.0, send, keep=False)
        for number in range(rounds):
            for server in (floor, ours) if number % 2 == 0 else (ours, floor):
                server.load(seconds, send)
        for server in (floor, ours):
            assert rows(server) == server.sent, f"{server.name}: {server.sent} answered, {rows(server)} kept"
    return floor, ours


def report(kind: str, floor: Server, ours: Server) -> bool:
    """Print ratios first; whether both goals hold by their medians."""
    rate = spread([a / b for a, b in zip(ours.rate, floor.rate, strict=True)])
    cpu = spread([a / b for a, b in zip(ours.cpu_us, floor.cpu_us, strict=True)])
    good = rate.middle >= RATE_GOAL and cpu.middle <= CPU_GOAL
    print(f"\n{kind}: median (lowest–highest) of {len(ours.rate)} interleaved rounds")
    print(f"  rate, ours / floor   {rate.show()}   goal ≥ {RATE_GOAL}")
    print(f"  CPU,  ours / floor   {cpu.show()}   goal ≤ {CPU_GOAL}   {'held' if good else 'NOT HELD'}")
    print(f"  {'':8}{'requests/s':>26}{'CPU µs/request':>24}{'p50 ms':>20}{'p99 ms':>22}{'core busy':>12}")
    for server in (floor, ours):
        figures = (
            f"{spread(server.rate).show(0):>26}{spread(server.cpu_us).show(1):>24}"
            f"{spread(server.p50_ms).show():>20}{spread(server.p99_ms).show(1):>22}{spread(server.busy).middle:>12.0%}"
        )
        print(f"  {server.name:8}{figures}")
    print(f"  kept: every answered delivery is in the database ({floor.sent:,} and {ours.sent:,})")
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description="Hook cost: ours beside the floor.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--kind", choices=KINDS, action="append")
    given = parser.parse_args()
    print(machine())
    held = [report(kind, *compare(kind, given.rounds, given.seconds)) for kind in given.kind or KINDS]
    return 0 if all(held) else 1


if __name__ == "__main__":
    raise SystemExit(main())
