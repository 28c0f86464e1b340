"""One database, SQLite or PostgreSQL, behind four verbs: write, read, and within them run and rows.

SQLite is for one process. Python's SQLite may carry a fault that can corrupt a write-ahead log when a commit overlaps
a second checkpoint, so automatic checkpoints are off and one lock is held for every write transaction and for our own
checkpoints.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from counterfoil.store.sql import Dialect, statement

Params = Mapping[str, Any]
Row = dict[str, Any]

CHECKPOINT_EVERY_COMMITS = 512
BUSY_TIMEOUT_MS = 10_000


class StoreError(RuntimeError):
    """The database cannot be used as asked; the message says why and what to do."""


class Transaction:
    """Statements by name (see `queries/`), within one transaction or one read snapshot."""

    def __init__(self, connection: Any, dialect: Dialect) -> None:
        self._connection = connection
        self.dialect = dialect

    def rows(self, name: str, /, **params: Any) -> list[Row]:
        """All rows of a named statement, as dictionaries."""
        return self.query(statement(name, self.dialect), params)

    def one(self, name: str, /, **params: Any) -> Row | None:
        """The first row of a named statement, or None."""
        found = self.rows(name, **params)
        return found[0] if found else None

    def run(self, name: str, /, **params: Any) -> int:
        """Run a named statement; the number of rows it touched."""
        return int(self._connection.execute(statement(name, self.dialect), params).rowcount)

    def many(self, name: str, batch: Sequence[Params]) -> None:
        """Run a named statement once for each set of parameters."""
        if not batch:
            return
        sql = statement(name, self.dialect)
        if self.dialect == "sqlite":
            self._connection.executemany(sql, batch)
        else:
            with self._connection.cursor() as cursor:
                cursor.executemany(sql, batch)

    def query(self, sql: str, params: Params) -> list[Row]:
        """Rows of a statement built at run time (lists with filters); parameters are always bound."""
        cursor = self._connection.execute(sql, params)
        if cursor.description is None:
            return []
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


class Database(Protocol):
    """What the rest of the store needs of a database."""

    dialect: Dialect
    address: str

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that commits at the end of the block, or not at all."""
        ...

    @contextmanager
    def whole(self) -> Iterator[Transaction]:
        """A transaction that every `write` and `read` of this thread within the block becomes a part of.

        A part that fails is undone by itself; the block commits all the others, or nothing.
        """
        ...

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A consistent view for reading."""
        ...

    def script(self, sql: str) -> None:
        """Run DDL statements."""
        ...

    def close(self) -> None:
        """Release everything."""
        ...


class SqliteDatabase:
    """The embedded database: a file, one process, one writer."""

    dialect: Dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.address = f"sqlite:///{path}"
        self._path = path
        self._lock = threading.RLock()
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._commits = 0
        self._writer = self._connect()
        if self._writer.execute("pragma journal_mode=wal").fetchone()[0] != "wal":
            raise StoreError(f"{path} cannot use a write-ahead log; put it on a local disk")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False
        )
        connection.execute("pragma synchronous=full")
        connection.execute("pragma wal_autocheckpoint=0")
        connection.execute("pragma foreign_keys=on")
        connection.execute("pragma temp_store=memory")
        connection.execute("pragma cache_size=-32000")
        return connection

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """One writer at a time in the process; the lock covers the commit and any checkpoint."""
        whole: Transaction | None = getattr(self._local, "whole", None)
        if whole is not None:
            with self._part():
                yield whole
            return
        with self._lock:
            self._writer.execute("begin immediate")
            try:
                yield Transaction(self._writer, self.dialect)
            except BaseException:
                self._writer.execute("rollback")
                raise
            self._writer.execute("commit")
            self._commits += 1
            if self._commits % CHECKPOINT_EVERY_COMMITS == 0:
                self._writer.execute("pragma wal_checkpoint(passive)").fetchall()

    @contextmanager
    def whole(self) -> Iterator[Transaction]:
        """One transaction for all that this thread writes and reads within the block."""
        with self.write() as tx:
            self._local.whole = tx
            try:
                yield tx
            finally:
                self._local.whole = None

    @contextmanager
    def _part(self) -> Iterator[None]:
        self._writer.execute("savepoint part")
        try:
            yield
        except BaseException:
            self._writer.execute("rollback to part")
            self._writer.execute("release part")
            raise
        self._writer.execute("release part")

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A snapshot on this thread's own connection."""
        whole: Transaction | None = getattr(self._local, "whole", None)
        if whole is not None:
            yield whole
            return
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
            connection.execute("pragma query_only=on")
            with self._lock:
                self._readers.append(connection)
        if connection.in_transaction:  # a read within a read shares the snapshot
            yield Transaction(connection, self.dialect)
            return
        connection.execute("begin")
        try:
            yield Transaction(connection, self.dialect)
        finally:
            connection.execute("commit")

    def script(self, sql: str) -> None:
        """Run DDL statements in one transaction."""
        with self._lock:
            try:
                self._writer.executescript(f"begin immediate; {sql}; commit;")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("rollback")
                raise

    def close(self) -> None:
        """Checkpoint and close every connection."""
        with self._lock:
            for connection in self._readers:
                connection.close()
            self._readers.clear()
            self._writer.execute("pragma wal_checkpoint(truncate)").fetchall()
            self._writer.close()


class PostgresDatabase:
    """The production database: a pool of connections, many processes and machines."""

    dialect: Dialect = "postgresql"

    def __init__(self, url: str, size_max: int = 20) -> None:
        try:
            from psycopg_pool import ConnectionPool
        except ImportError as error:  # pragma: no cover - the driver is part of the base set
            raise StoreError("PostgreSQL needs the package psycopg[binary,pool]") from error
        self.address = url.rsplit("@", maxsplit=1)[-1]
        self._local = threading.local()
        self._pool = ConnectionPool(
            url, min_size=1, max_size=size_max, open=True, timeout=30, kwargs={"autocommit": True}, name="counterfoil"
        )

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction on a pooled connection."""
        whole: tuple[Any, Transaction] | None = getattr(self._local, "whole", None)
        if whole is not None:
            with whole[0].transaction():  # a savepoint
                yield whole[1]
            return
        with self._pool.connection() as connection, connection.transaction():
            yield Transaction(connection, self.dialect)

    @contextmanager
    def whole(self) -> Iterator[Transaction]:
        """One transaction for all that this thread writes and reads within the block."""
        with self._pool.connection() as connection, connection.transaction():
            tx = Transaction(connection, self.dialect)
            self._local.whole = (connection, tx)
            try:
                yield tx
            finally:
                self._local.whole = None

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A repeatable-read snapshot."""
        whole: tuple[Any, Transaction] | None = getattr(self._local, "whole", None)
        if whole is not None:
            yield whole[1]
            return
        with self._pool.connection() as connection, connection.transaction():
            connection.execute("set transaction isolation level repeatable read read only")
            yield Transaction(connection, self.dialect)

    def script(self, sql: str) -> None:
        """Run DDL statements in one transaction."""
        with self._pool.connection() as connection, connection.transaction():
            connection.execute(sql.encode())

    def close(self) -> None:
        """Close the pool."""
        self._pool.close()


def open_database(url: str) -> SqliteDatabase | PostgresDatabase:
    """Open `sqlite:///path` or `postgresql://…`. Raises StoreError with a sentence for anything else."""
    if url.startswith("sqlite:///"):
        return SqliteDatabase(Path(url.removeprefix("sqlite:///")))
    if url.startswith(("postgresql://", "postgres://")):
        return PostgresDatabase(url)
    raise StoreError(f"{url.split(':', 1)[0]!r} is not a database we know: use sqlite:///FILE or postgresql://…")


def now_ms() -> int:
    """The wall clock in milliseconds; stores stamp rows with it."""
    return time.time_ns() // 1_000_000
