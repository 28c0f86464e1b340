"""Where a delivery's CPU time goes: each stage of ours and of the floor alone, in one thread, without sockets.

    python benchmarks/hook_stages.py

Lowest of many rounds, in microseconds a delivery, with groups of 16; databases lie where TMPDIR points. The stages
leave out what both servers share: uvicorn, the sockets, and two threads that take turns.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, cast

import uvloop
from ground import machine, new_database, postgres, scratch
from hook_load import SECRET, Deliveries
from hook_servers import FLOOR_PATH, OUR_PATH, Floor, Item, Save, save_postgres, save_sqlite

from counterfoil.catalog import vendor
from counterfoil.flow import receive
from counterfoil.flow.receive import Hooks
from counterfoil.flow.world import Connection
from counterfoil.ports.vendors import Delivery
from counterfoil.store import inbox
from counterfoil.store.database import Database, open_database
from counterfoil.store.inbox import Kept
from counterfoil.store.migrate import migrate
from counterfoil.store.vault import Vault

ROUNDS, DELIVERIES, GROUP = 12, 1_600, 16
Request = tuple[list[tuple[bytes, bytes]], bytes]

best: dict[str, float] = {}


def note(stage: str, took_s: float, deliveries: int) -> None:
    """Keep the lowest figure of a stage."""
    best[stage] = min(best.get(stage, float("inf")), took_s / deliveries * 1e6)


def timed(stage: str, items: list[Any], one: Callable[[Any], Any]) -> list[Any]:
    """Call `one` for each item and note what it took."""
    began = time.thread_time()
    found = [one(item) for item in items]
    note(stage, time.thread_time() - began, len(items))
    return found


class AtOnce:
    """Stands in for an inbox: kept as soon as it is put."""

    def __init__(self) -> None:
        self.kept: list[Kept] = []

    def keep(self, kept: Kept) -> asyncio.Future[bool]:
        """As `Inbox.keep`."""
        self.kept.append(kept)
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        future.set_result(True)
        return future

    def put(self, item: Item) -> None:
        """As the floor's queue."""
        item[3].set_result(None)


def requests(deliveries: Deliveries) -> list[Request]:
    """Headers as the server hands them over, and bodies."""
    found = []
    for _ in range(DELIVERIES):
        head, _, body = deliveries.next().partition(b"\r\n\r\n")
        lines = [line.split(b": ", 1) for line in head.split(b"\r\n")[1:]]
        found.append(([(name, value) for name, value in lines], body))
    return found


async def drive(stage: str, app: Any, path: str, wanted: list[Request]) -> None:
    """Send requests through an application, one after the other."""
    began = time.thread_time()
    for headers, body in wanted:

        async def take(body: bytes = body) -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            assert message.get("status", 200) == 200

        await app({"type": "http", "method": "POST", "path": path, "headers": headers}, take, send)
    note(stage, time.thread_time() - began, len(wanted))


def inside(hook: Any, wanted: list[Request]) -> None:
    """The parts of answering that the floor has not, or has more cheaply."""

    def read(request: Request) -> Delivery:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request[0]}
        return Delivery(body=request[1], headers=headers, arrived_at=time.time())

    deliveries = timed("  headers to text", wanted, read)
    timed("  signature", deliveries, lambda delivery: hook.verify(delivery, (SECRET,)))
    timed("  content key", deliveries, hook.delivery_key)
    timed("  headers worth keeping", deliveries, lambda delivery: receive._worth_keeping(delivery.headers))


def keeping(vault: Vault, databases: dict[str, tuple[Save, Database]], kept: list[Kept]) -> None:
    """Sealing and inserting, a group at a time."""
    groups = [kept[start : start + GROUP] for start in range(0, len(kept), GROUP)]
    per = {"seal": 0.0, "rows": 0.0}
    spent = {name: [0.0, 0.0] for name in databases}
    for group in groups:
        marks = [time.thread_time()]
        sealed = inbox._seal_all(vault, [one.body for one in group])
        marks.append(time.thread_time())
        rows = [inbox._row(one, 1, *parts) for one, parts in zip(group, sealed, strict=True)]
        marks.append(time.thread_time())
        per["seal"] += marks[1] - marks[0]
        per["rows"] += marks[2] - marks[1]
        for name, (save, database) in databases.items():
            items: list[Item] = [(one.delivery_key, 1, one.body, cast("asyncio.Future[None]", None)) for one in group]
            copies = [dict(row) for row in rows]
            spent[name][0] += _spent(save, items)
            spent[name][1] += _spent(_put, database, copies)
    for name, took in per.items():
        note(f"ours: {name}", took, len(kept))
    for name, (floor, ours) in spent.items():
        note(f"floor: insert, {name}", floor, len(kept))
        note(f"ours: insert, {name}", ours, len(kept))


def _spent(action: Callable[..., Any], *values: Any) -> float:
    began = time.thread_time()
    action(*values)
    return time.thread_time() - began


def _put(database: Database, rows: list[dict[str, Any]]) -> None:
    with inbox._group(database) as tx:
        (inbox._put_sqlite if tx.dialect == "sqlite" else inbox._put_postgres)(tx, rows)


async def main() -> None:
    """All stages, round after round."""
    fake, vault = AtOnce(), Vault(os.urandom(32))
    connection = Connection(name="north-loop", brand="north", spec=vendor("loop"), config=None, secrets=(SECRET,))
    ours = Hooks({"north-loop": connection}, fake)  # type: ignore[arg-type]
    with ExitStack() as stack:
        folder = stack.enter_context(scratch())
        server = stack.enter_context(postgres(folder))
        files = [f"{folder}/{name}.sqlite3" for name in ("floor", "ours")]
        urls = [new_database(server, name) for name in ("floor", "ours")]
        databases: dict[str, tuple[Save, Database]] = {
            "SQLite": (save_sqlite(files[0]), open_database(f"sqlite:///{files[1]}")),
            "PostgreSQL": (save_postgres(urls[0]), open_database(urls[1])),
        }
        for _, database in databases.values():
            migrate(database)
            stack.callback(database.close)
        floor = Floor(f"sqlite:///{folder}/idle.sqlite3")
        floor._waiting = fake  # type: ignore[assignment]
        for number in range(ROUNDS):
            wanted = requests(Deliveries("/", number * DELIVERIES))
            fake.kept = []
            await drive("floor: answer", floor, FLOOR_PATH, wanted)
            await drive("ours: answer", ours, OUR_PATH, wanted)
            inside(connection.spec.hook, wanted)
            keeping(vault, databases, fake.kept)
    print(machine())
    for stage, took in best.items():
        print(f"{stage:28}{took:8.1f} µs")


if __name__ == "__main__":
    uvloop.run(main())
