"""The inbox: deliveries become durable in groups, and only then is the sender answered.

One commit a request would cost the disk's latency each time; a writer thread takes what has gathered meanwhile and
commits it at once (engine.md §3.1). A group also costs one statement and one wake-up of the event loop, however many
deliveries it holds; benchmarks/hook_cost.py shows what that is worth.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from typing import Any

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from counterfoil.store.database import Database, PostgresDatabase, Transaction, now_ms
from counterfoil.store.vault import Vault

GROUP_MAX = 256  # deliveries in one commit
QUEUE_MAX = 10_000  # deliveries waiting for the disk; beyond it senders are told to come back
WRITERS = {"sqlite": 1, "postgresql": 2}
KEY_BYTES, NONCE_BYTES = 32, 12  # as the vault has them: AES-256 in Galois counter mode
FRESH_EVERY_MS = 1_000  # how often a connection's freshness is written; every group would fight for its row


class InboxFullError(RuntimeError):
    """More deliveries wait for the disk than the inbox holds; the sender must come back."""


class Kept(msgspec.Struct, frozen=True, gc=False):
    """One delivery to keep, still in clear."""

    connection: str
    delivery_key: str
    signature: str
    headers: dict[str, str]
    body: bytes
    state: str = "new"
    note: str | None = None


Key = tuple[str, str]  # connection, delivery key
Answer = Future[bool] | asyncio.Future[bool]
Item = tuple[Kept, int, Answer]


class Inbox:
    """Keeps deliveries. The future of each is True for a new delivery, False for a repeat."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._waiting: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._fresh_ms: dict[str, int] = {}
        self._threads = [
            threading.Thread(target=self._write, name=f"inbox-{n}", daemon=True)
            for n in range(WRITERS[database.dialect])
        ]
        for thread in self._threads:
            thread.start()

    def put(self, kept: Kept) -> Future[bool]:
        """Queue one delivery from a thread. Raises InboxFullError at once when the disk cannot keep up."""
        future: Future[bool] = Future()
        future.set_running_or_notify_cancel()  # nobody can take it back: the writer must be able to answer
        self._queue(kept, future)
        return future

    def keep(self, kept: Kept) -> asyncio.Future[bool]:
        """The same from an event loop. All answers of a group wake the loop once."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue(kept, future)
        return future

    def _queue(self, kept: Kept, answer: Answer) -> None:
        if self._waiting.qsize() >= QUEUE_MAX:
            raise InboxFullError("the inbox is full")
        self._waiting.put((kept, now_ms(), answer))

    def close(self) -> None:
        """Write what is waiting and stop."""
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join(timeout=30)

    def _write(self) -> None:
        while True:
            group = [self._waiting.get()]
            while len(group) < GROUP_MAX and group[-1] is not None:
                try:
                    group.append(self._waiting.get_nowait())
                except queue.Empty:
                    break
            items = [item for item in group if item is not None]
            if items:
                self._commit(items)
            if len(items) < len(group):  # the notice to stop comes last
                return

    def _commit(self, items: list[Item]) -> None:
        error: Exception | None = None
        fresh: set[Key] = set()
        try:
            sealed = _seal_all(self._vault, [kept.body for kept, _, _ in items])
            rows = [_row(kept, arrived, *parts) for (kept, arrived, _), parts in zip(items, sealed, strict=True)]
            with _group(self._database) as tx:
                put = _put_sqlite if tx.dialect == "sqlite" else _put_postgres
                fresh = put(tx, rows)
                stamped = self._stamp(tx, {kept.connection for kept, _, _ in items})
            self._fresh_ms.update(stamped)
        except Exception as problem:  # nothing is known to be kept: every sender of the group must come again
            error = problem
        _answer([(answer, _first(fresh, kept)) for kept, _, answer in items], error)

    def _stamp(self, tx: Transaction, connections: set[str]) -> dict[str, int]:
        """Note freshness where the last note is old enough; what to remember once the group is committed."""
        now = now_ms()
        due = [name for name in sorted(connections) if now - self._fresh_ms.get(name, 0) >= FRESH_EVERY_MS]
        for name in due:
            tx.run("connection_delivered", connection=name, now=now)
        return dict.fromkeys(due, now)


def keep_at_once(database: Database, vault: Vault, kept: Kept) -> bool:
    """Keep one delivery in the caller's thread, in a transaction of its own. False for a repeat."""
    (parts,) = _seal_all(vault, [kept.body])
    rows = [_row(kept, now_ms(), *parts)]
    with database.write() as tx:
        fresh = _put_sqlite(tx, rows) if tx.dialect == "sqlite" else _put_postgres(tx, rows)
        tx.run("connection_delivered", connection=kept.connection, now=now_ms())
    return bool(fresh)


@contextlib.contextmanager
def _group(database: Database) -> Iterator[Transaction]:
    """Where a group is written. On PostgreSQL its one statement is a transaction of its own.

    A `begin` and a `commit` around it would be two more exchanges, at eight deliveries a group half of its cost.
    """
    if isinstance(database, PostgresDatabase):
        with database._pool.connection() as connection:
            yield Transaction(connection, database.dialect)
    else:
        with database.write() as tx:
            yield tx


def _row(kept: Kept, arrived_ms: int, body: bytes, body_key: bytes) -> dict[str, Any]:
    return {
        "connection": kept.connection,
        "delivery_key": kept.delivery_key,
        "arrived_ms": arrived_ms,
        "signature": kept.signature,
        "headers": msgspec.json.encode(kept.headers).decode(),
        "body": body,
        "body_key": body_key,
        "size_bytes": len(kept.body),
        "state": kept.state,
        "note": kept.note,
    }


def _seal_all(vault: Vault, bodies: list[bytes]) -> list[tuple[bytes, bytes]]:
    """What `Vault.seal` gives for each body, with the randomness of the whole group drawn at once.

    Each draw gives up the interpreter's lock, and this thread would queue for it again three times a delivery.
    """
    wrap = vault._master.encrypt
    size = KEY_BYTES + 2 * NONCE_BYTES
    drawn = os.urandom(size * len(bodies))
    sealed = []
    for at, body in zip(range(0, len(drawn), size), bodies, strict=True):
        key, nonces = drawn[at : at + KEY_BYTES], drawn[at + KEY_BYTES : at + size]
        first, second = nonces[:NONCE_BYTES], nonces[NONCE_BYTES:]
        sealed.append((first + AESGCM(key).encrypt(first, body, None), second + wrap(second, key, None)))
    return sealed


def _first(fresh: set[Key], kept: Kept) -> bool:
    """Whether this delivery is the one that was stored under its key; a repeat in the same group is not."""
    key = (kept.connection, kept.delivery_key)
    if key not in fresh:
        return False
    fresh.discard(key)
    return True


def _put_sqlite(tx: Transaction, rows: list[dict[str, Any]]) -> set[Key]:
    """Insert what is new; its keys. Nobody writes in between, because this process alone holds the write lock."""
    new: dict[Key, dict[str, Any]] = {}
    for row in rows:
        new.setdefault((row["connection"], row["delivery_key"]), row)
    for connection in {connection for connection, _ in new}:
        keys = msgspec.json.encode([key for name, key in new if name == connection]).decode()
        for found in tx.rows("deliveries_known", connection=connection, keys=keys):
            del new[connection, found["delivery_key"]]
    tx.many("delivery_add", list(new.values()))
    return set(new)


def _put_postgres(tx: Transaction, rows: list[dict[str, Any]]) -> set[Key]:
    """Insert what is new with one statement; its keys.

    The driver takes longer over ten arrays than the server over the insert, so the group goes as two values: a JSON
    list, and all sealed bytes in one piece with the places where each begins (PostgreSQL counts from one).
    """
    pieces: list[bytes] = []
    at = 1
    for row in rows:
        body, key = row.pop("body"), row.pop("body_key")
        pieces += (body, key)
        row["body_at"], row["key_at"] = at, at + len(body)
        at = row["ends_at"] = row["key_at"] + len(key)
    stored = tx.rows("deliveries_put", rows=msgspec.json.encode(rows).decode(), sealed=b"".join(pieces))
    return {(row["connection"], row["delivery_key"]) for row in stored}


def _answer(answers: Iterable[tuple[Answer, bool]], error: Exception | None) -> None:
    """Give every future its answer: those of threads here, those of an event loop there, with one wake-up a loop."""
    loops: dict[asyncio.AbstractEventLoop, list[tuple[Answer, bool]]] = {}
    for answer, new in answers:
        if isinstance(answer, Future):
            _settle([(answer, new)], error)
        else:
            loops.setdefault(answer.get_loop(), []).append((answer, new))
    for loop, group in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
            loop.call_soon_threadsafe(_settle, group, error)


def _settle(answers: list[tuple[Answer, bool]], error: Exception | None) -> None:
    for answer, new in answers:
        if answer.done():  # its request was cut off; the delivery is kept all the same
            continue
        if error is None:
            answer.set_result(new)
        else:
            answer.set_exception(error)
