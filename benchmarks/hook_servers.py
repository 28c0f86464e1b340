"""The two servers `hook_cost.py` compares: the floor, written here as plainly as possible, and our `Hooks`.

    python benchmarks/hook_servers.py floor sqlite:///FILE 8301 FOLDER CORE
    python benchmarks/hook_servers.py hooks postgresql://… 8302 FOLDER CORE

Both run on the same uvicorn with uvloop and httptools, check the same HMAC, and answer after a group commit, with the
same bytes. The floor keeps signature, moment and body in clear in one table, and knows one path, one secret, no limits.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
import queue
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from hook_load import SECRET

FLOOR_PATH = "/webhooks/floor"
OUR_PATH = "/webhooks/north-loop"
GROUP_MAX = 256
CHECKPOINT_EVERY = 512

Item = tuple[str, int, bytes, asyncio.Future[None]]
Save = Callable[[list[Item]], None]


class Floor:
    """A raw ASGI handler: read, check, keep in a group commit, answer. The least that is durable and signed."""

    def __init__(self, url: str) -> None:
        self._waiting: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        sqlite = url.startswith("sqlite:///")
        for _ in range(1 if sqlite else 2):
            save = save_sqlite(url.removeprefix("sqlite:///")) if sqlite else save_postgres(url)
            threading.Thread(target=self._write, args=(save,), daemon=True).start()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Answer one request."""
        message = await receive()
        body: bytes = message["body"]
        while message.get("more_body"):
            message = await receive()
            body += message["body"]
        given = next((value for name, value in scope["headers"] if name == b"x-loop-signature"), b"")
        wanted = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest())
        status = 404 if scope["path"] != FLOOR_PATH else 401
        if status == 401 and hmac.compare_digest(given, wanted):
            if self._loop is None:
                self._loop = asyncio.get_running_loop()
            kept = self._loop.create_future()
            self._waiting.put((given.decode(), time.time_ns() // 1_000_000, body, kept))
            await kept
            status = 200
        answer = b'{"received":true}' if status == 200 else b"{}"
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def _write(self, save: Save) -> None:
        while True:
            group = [self._waiting.get()]
            while len(group) < GROUP_MAX and not self._waiting.empty():
                try:
                    group.append(self._waiting.get_nowait())
                except queue.Empty:
                    break
            save(group)
            assert self._loop is not None
            self._loop.call_soon_threadsafe(_wake, group)


def _wake(group: list[Item]) -> None:
    for _, _, _, kept in group:
        if not kept.done():
            kept.set_result(None)


def save_sqlite(path: str) -> Save:
    """Keeps a group with one commit, in a write-ahead log that is synced fully."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode=wal", "synchronous=full", "wal_autocheckpoint=0", "cache_size=-32000"):
        connection.execute(f"pragma {pragma}").fetchall()
    connection.execute("create table floor (id integer primary key, k text not null unique, at int, body blob)")
    commits = 0

    def save(group: list[Item]) -> None:
        nonlocal commits
        connection.execute("begin immediate")
        rows = [item[:3] for item in group]
        connection.executemany("insert into floor (k, at, body) values (?, ?, ?) on conflict do nothing", rows)
        connection.execute("commit")
        commits += 1
        if commits % CHECKPOINT_EVERY == 0:
            connection.execute("pragma wal_checkpoint(passive)").fetchall()

    return save


def save_postgres(url: str) -> Save:
    """Keeps a group with one statement and one commit, on a connection of its own."""
    import psycopg

    connection = psycopg.connect(url, autocommit=True)
    connection.execute("select pg_advisory_lock(1)")  # the second writer finds the first one's table
    connection.execute(
        "create table if not exists floor (id bigint generated always as identity primary key, "
        "k text not null unique, at bigint, body bytea)"
    )
    connection.execute("select pg_advisory_unlock(1)")

    def save(group: list[Item]) -> None:  # two values a group: ten times cheaper in this driver than arrays or rows
        pieces, places, start = [], [], 1
        for key, moment, body, _ in group:
            places.append({"k": key, "at": moment, "start": start, "size": len(body)})
            pieces.append(body)
            start += len(body)
        connection.execute(
            "insert into floor (k, at, body) select r.k, r.at, substring(%s::bytea from r.start for r.size) "
            "from json_to_recordset(%s::json) as r (k text, at bigint, start int, size int) on conflict do nothing",
            (b"".join(pieces), msgspec.json.encode(places).decode()),
        )

    return save


def our_app(url: str, folder: Path) -> Any:
    """Our hooks as `counterfoil serve` builds them, with one Loop connection and without the console."""
    from counterfoil.cli.serve import build_service
    from counterfoil.settings import parse

    secrets = [SECRET]
    connection = {
        "name": "north-loop",
        "brand": "north",
        "vendor": "loop",
        "config": {"api_key": "not-used", "webhook_secrets": secrets},
    }
    raw = {"database": url, "data_dir": str(folder), "connection": [connection]}
    service = build_service(parse(raw, "benchmark"), console=False)
    with service.world.database.write() as tx:  # a worker does this when it starts
        tx.run("connection_put", name="north-loop", brand="north", vendor="loop", family="portal", slots=2)
    return service.app


def main() -> None:
    kind, url, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    os.sched_setaffinity(0, {int(sys.argv[5])})
    os.environ.pop("COUNTERFOIL_DATABASE", None)
    app = Floor(url) if kind == "floor" else our_app(url, Path(sys.argv[4]))
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        log_level="warning",
        lifespan="off",
        access_log=False,
        loop="uvloop",
        http="httptools",
    )
    server = uvicorn.Server(config)
    server.run()


if __name__ == "__main__":
    main()
