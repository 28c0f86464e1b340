"""Bring a database to the current schema: numbered `.sql` files, each applied once and remembered.

A file's name says whether it runs before or after the new code (`0002_pre_…`, `0002_post_…`); a test proves that all
of them together equal `schema.sql`, which is what a new database gets at once.
"""

from __future__ import annotations

from importlib.resources import files

from counterfoil.store.database import Database, now_ms
from counterfoil.store.sql import bound, ddl

_LEDGER = "create table if not exists schema_migrations (name text primary key, applied_ms bigint not null)"


def migrations() -> list[tuple[str, str]]:
    """(name, text) of every migration, in order."""
    folder = files("counterfoil.store").joinpath("migrations")
    found = sorted((item for item in folder.iterdir() if item.name.endswith(".sql")), key=lambda item: item.name)
    return [(item.name.removesuffix(".sql"), item.read_text("utf-8")) for item in found]


def schema_text() -> str:
    """The current schema, as one text."""
    return files("counterfoil.store").joinpath("schema.sql").read_text("utf-8")


def pending(database: Database) -> list[str]:
    """Names of migrations this database has not seen."""
    database.script(_LEDGER)
    with database.read() as tx:
        seen = {row["name"] for row in tx.query("select name from schema_migrations", {})}
    return [name for name, _ in migrations() if name not in seen]


def migrate(database: Database) -> list[str]:
    """Apply what is pending; the names applied. Running it twice does nothing the second time."""
    waiting = set(pending(database))
    applied = []
    for name, text in migrations():
        if name not in waiting:
            continue
        stamp = f"insert into schema_migrations (name, applied_ms) values ('{name}', {now_ms()})"
        database.script(ddl(text, database.dialect) + ";\n" + bound(stamp, database.dialect))
        applied.append(name)
    return applied
