"""The inbox: in groups, once each, and nothing that was acknowledged is ever lost (reliability G5)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from counterfoil.store import inbox as module
from counterfoil.store.database import Database, Transaction
from counterfoil.store.inbox import Inbox, InboxFullError, Kept
from counterfoil.store.vault import Vault

VAULT = Vault(bytes(32))
PATIENCE_S = 20


def kept(number: int, connection: str = "portal") -> Kept:
    return Kept(connection, f"key-{number}", "valid", {"content-type": "application/json"}, f"body {number}".encode())


class Held:
    """A database whose writes wait until they are let go, or break."""

    def __init__(self, inner: Database) -> None:
        self._inner = inner
        self.dialect = inner.dialect
        self.gate = threading.Event()
        self.commits = 0
        self.error: Exception | None = None

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        assert self.gate.wait(PATIENCE_S)
        if self.error is not None:
            raise self.error
        with self._inner.write() as tx:
            yield tx
        self.commits += 1


@pytest.fixture
def held(database: Database) -> Iterator[Held]:
    made = Held(database)
    yield made
    made.gate.set()


def stored(database: Database) -> list[dict[str, Any]]:
    with database.read() as tx:
        return tx.query("select * from deliveries order by id", {})


def test_what_is_kept_can_be_opened_again_byte_for_byte(database: Database) -> None:
    inbox = Inbox(database, VAULT)
    body = bytes(range(256))
    assert inbox.put(Kept("portal", "k", "valid", {"a": "b"}, body)).result(PATIENCE_S) is True
    inbox.close()
    (row,) = stored(database)
    assert VAULT.open(row["body"], row["body_key"]) == body
    assert (row["state"], row["signature"], row["headers"], row["size_bytes"]) == ("new", "valid", '{"a":"b"}', 256)
    assert body not in bytes(row["body"])


def test_many_that_wait_for_the_disk_share_a_commit(held: Held, database: Database) -> None:
    inbox = Inbox(held, VAULT)  # type: ignore[arg-type]
    futures = [inbox.put(kept(number)) for number in range(200)]
    held.gate.set()
    assert all(future.result(PATIENCE_S) for future in futures)
    inbox.close()
    assert len(stored(database)) == 200
    assert held.commits <= 8


def test_a_repeat_is_kept_once_and_told_so(database: Database) -> None:
    inbox = Inbox(database, VAULT)
    assert inbox.put(kept(1)).result(PATIENCE_S) is True
    assert inbox.put(kept(1)).result(PATIENCE_S) is False
    assert inbox.put(kept(1, "other")).result(PATIENCE_S) is True
    inbox.close()
    assert len(stored(database)) == 2


def test_repeats_in_one_group_are_told_apart(held: Held, database: Database) -> None:
    inbox = Inbox(held, VAULT)  # type: ignore[arg-type]
    futures = [inbox.put(kept(number % 3)) for number in range(30)]
    held.gate.set()
    assert sum(future.result(PATIENCE_S) for future in futures) == 3
    inbox.close()
    assert len(stored(database)) == 3


def test_a_full_inbox_says_so_at_once(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUEUE_MAX", 5)
    inbox = Inbox(held, VAULT)  # type: ignore[arg-type]
    accepted: list[Future[bool]] = []
    with pytest.raises(InboxFullError):
        accepted.extend(inbox.put(kept(number)) for number in range(2_000))
    assert accepted
    held.gate.set()
    assert all(future.result(PATIENCE_S) for future in accepted)
    inbox.close()


def test_a_disk_that_fails_is_heard_by_every_sender_of_the_group_and_later_ones_are_kept(
    held: Held, database: Database
) -> None:
    inbox = Inbox(held, VAULT)  # type: ignore[arg-type]
    held.error = OSError("no space left")
    futures = [inbox.put(kept(number)) for number in range(10)]
    held.gate.set()
    wait(futures, PATIENCE_S)
    assert all("no space" in str(future.exception()) for future in futures)
    held.error = None
    assert inbox.put(kept(99)).result(PATIENCE_S) is True
    inbox.close()
    assert [row["delivery_key"] for row in stored(database)] == ["key-99"]


def test_closing_writes_what_waits(database: Database) -> None:
    inbox = Inbox(database, VAULT)
    futures = [inbox.put(kept(number)) for number in range(500)]
    inbox.close()
    assert all(future.done() for future in futures)
    assert len(stored(database)) == 500


_CHILD = """
import sys, threading
from counterfoil.store.database import open_database
from counterfoil.store.inbox import Inbox, Kept
from counterfoil.store.vault import Vault
inbox = Inbox(open_database(sys.argv[1]), Vault(bytes(32)))
printing = threading.Lock()
def told(number, future):
    if future.result():
        with printing:
            sys.stdout.write(f"{number}\\n")
            sys.stdout.flush()
number = int(sys.argv[2])
slots = threading.Semaphore(64)
while True:
    slots.acquire()
    number += 1
    future = inbox.put(Kept("portal", f"key-{number}", "valid", {}, b"x" * 1200))
    future.add_done_callback(lambda done, number=number: (told(number, done), slots.release()))
"""


def test_nothing_acknowledged_is_lost_when_the_process_is_killed(databases: Any, tmp_path: Path) -> None:
    url = databases.url()
    acknowledged: set[int] = set()
    for cycle in range(2):
        out = tmp_path / f"acks-{cycle}"
        with out.open("wb") as file:
            child = subprocess.Popen(
                [sys.executable, "-c", _CHILD, url, str(cycle * 1_000_000)], stdout=file, env=dict(os.environ)
            )
            deadline = time.monotonic() + PATIENCE_S
            while out.stat().st_size < 4_000 and time.monotonic() < deadline:
                time.sleep(0.01)
            child.send_signal(signal.SIGKILL)
            child.wait()
        whole = out.read_bytes().rpartition(b"\n")[0]
        acknowledged |= {int(line) for line in whole.splitlines()}
        assert out.stat().st_size >= 4_000, "the child came to nothing"
    database = databases.open(url)
    with database.read() as tx:
        known = {row["delivery_key"] for row in tx.query("select delivery_key from deliveries", {})}
    database.close()
    assert len(acknowledged) > 500
    assert {f"key-{number}" for number in acknowledged} <= known
