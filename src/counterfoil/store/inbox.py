"""The inbox: deliveries become durable in groups, and only then is the sender answered.

One commit a request would cost the disk's latency each time; a writer thread takes what has gathered meanwhile and
commits it at once (engine.md §3.1).
"""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from typing import Any

import msgspec

from counterfoil.store.database import Database, now_ms
from counterfoil.store.vault import Vault

GROUP_MAX = 256  # deliveries in one commit
QUEUE_MAX = 10_000  # deliveries waiting for the disk; beyond it senders are told to come back
WRITERS = {"sqlite": 1, "postgresql": 2}


class InboxFullError(RuntimeError):
    """More deliveries wait for the disk than the inbox holds; the sender must come back."""


class Kept(msgspec.Struct, frozen=True):
    """One delivery to keep, still in clear."""

    connection: str
    delivery_key: str
    signature: str
    headers: dict[str, str]
    body: bytes
    state: str = "new"
    note: str | None = None


class Inbox:
    """Keeps deliveries. `put` gives a future that is True for a new delivery, False for a repeat."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._waiting: queue.Queue[tuple[Kept, int, Future[bool]] | None] = queue.Queue(QUEUE_MAX)
        self._threads = [
            threading.Thread(target=self._write, name=f"inbox-{n}", daemon=True)
            for n in range(WRITERS[database.dialect])
        ]
        for thread in self._threads:
            thread.start()

    def put(self, kept: Kept) -> Future[bool]:
        """Queue one delivery. Raises InboxFullError at once when the disk cannot keep up."""
        future: Future[bool] = Future()
        try:
            self._waiting.put_nowait((kept, now_ms(), future))
        except queue.Full:
            raise InboxFullError("the inbox is full") from None
        return future

    def close(self) -> None:
        """Write what is waiting and stop."""
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join(timeout=30)

    def _write(self) -> None:
        while True:
            group = [self._waiting.get()]
            while len(group) < GROUP_MAX:
                try:
                    group.append(self._waiting.get_nowait())
                except queue.Empty:
                    break
            items = [item for item in group if item is not None]
            if items:
                self._commit(items)
            if len(items) < len(group):
                for _ in range(len(group) - len(items) - 1):
                    self._waiting.put(None)  # another writer's notice
                return

    def _commit(self, items: list[tuple[Kept, int, Future[bool]]]) -> None:
        try:
            fresh = []
            with self._database.write() as tx:
                for kept, arrived, _ in items:
                    fresh.append(tx.one("delivery_put", **self._row(kept, arrived)) is not None)
                for connection in {kept.connection for kept, _, _ in items}:
                    tx.run("connection_delivered", connection=connection, now=now_ms())
        except Exception as error:  # nothing was kept: every sender of the group must hear so
            for _, _, future in items:
                future.set_exception(error)
            return
        for (_, _, future), new in zip(items, fresh, strict=True):
            future.set_result(new)

    def _row(self, kept: Kept, arrived_ms: int) -> dict[str, Any]:
        body, key = self._vault.seal(kept.body)
        return {
            "connection": kept.connection,
            "delivery_key": kept.delivery_key,
            "arrived_ms": arrived_ms,
            "signature": kept.signature,
            "headers": msgspec.json.encode(kept.headers).decode(),
            "body": body,
            "body_key": key,
            "size_bytes": len(kept.body),
            "state": kept.state,
            "note": kept.note,
        }
