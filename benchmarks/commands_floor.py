"""The floor of `commands.py`: claim a command, end it and promote the next of its return. Two commits, no decisions."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable

LEASE_MS = 120_000
Run = Callable[[list[str], Callable[[str], bool]], None]

_CLAIM = """
update commands set state = 'doing', attempts = attempts + 1, lease_until_ms = {now} + 120000
where id = (select id from commands where connection = {name} and state = 'ready' and due_ms <= {now}
            order by due_ms, id limit 1 {lock})
returning id, case_id, attempts
"""
_END = "update commands set state = 'done', finished_ms = {now} where id = {id} and attempts = {attempts}"
_PROMOTE = """
update commands set state = 'ready', due_ms = {now}
where id = (select id from commands where case_id = {case} and state = 'waiting' order by id limit 1)
"""


def run_floor(url: str, names: list[str], run: Run) -> None:
    """Work the table off; `run(names, one)` calls `one` from many threads until nothing is left."""
    run(names, _sqlite(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else _postgres(url))


def now_ms() -> int:
    """The wall clock in milliseconds."""
    return time.time_ns() // 1_000_000


def _sqlite(path: str) -> Callable[[str], bool]:
    """One connection under one lock, as a single writer needs it."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode=wal", "synchronous=full", "wal_autocheckpoint=0"):
        connection.execute(f"pragma {pragma}").fetchall()
    lock = threading.Lock()
    marks = {"now": ":now", "name": ":name", "id": ":id", "attempts": ":attempts", "case": ":case", "lock": ""}
    claim, end, promote = (text.format(**marks) for text in (_CLAIM, _END, _PROMOTE))

    def one(name: str) -> bool:
        with lock:
            found = connection.execute(claim, {"now": now_ms(), "name": name}).fetchall()
        if not found:
            return False
        number, case, attempts = found[0]
        with lock:
            values = {"now": now_ms(), "id": number, "attempts": attempts, "case": case}
            connection.execute("begin immediate")
            if connection.execute(end, values).rowcount == 1:
                connection.execute(promote, values)
            connection.execute("commit")
        return True

    return one


def _postgres(url: str) -> Callable[[str], bool]:
    """A connection for each thread; ending and promoting are one statement."""
    import psycopg

    own = threading.local()
    marks = {name: f"%({name})s" for name in ("now", "name", "id", "attempts", "case")}
    claim = _CLAIM.format(**marks, lock="for update skip locked").encode()
    end = (
        f"with ended as ({_END.format(**marks)} returning 1) {_PROMOTE.format(**marks)} and exists (select from ended)"
    )

    def one(name: str) -> bool:
        if not hasattr(own, "connection"):
            own.connection = psycopg.connect(url, autocommit=True)
        found = own.connection.execute(claim, {"now": now_ms(), "name": name}).fetchone()
        if found is None:
            return False
        number, case, attempts = found
        values = {"now": now_ms(), "id": number, "attempts": attempts, "case": case}
        own.connection.execute(end.encode(), values)
        return True

    return one
