"""The numbered migrations together give exactly the schema a new database gets, on both databases."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from counterfoil.store import sql
from counterfoil.store.database import Database, SqliteDatabase, StoreError, open_database
from counterfoil.store.migrate import migrate, migrations, pending, schema_text


def catalogue(database: Database) -> list[dict[str, Any]]:
    """What the database itself says it consists of, without the ledger of migrations."""
    questions = {
        "sqlite": [
            """select type, name, tbl_name, sql from sqlite_master
               where name not like '%schema_migrations%' and type <> 'table'""",
            """select m.name as table_name, c.* from sqlite_master m, pragma_table_xinfo(m.name) c
               where m.type = 'table' and m.name not like '%schema_migrations%'""",
        ],
        "postgresql": [
            """select table_name, column_name, data_type, column_default, is_nullable, is_identity, ordinal_position
               from information_schema.columns
               where table_schema = 'public' and table_name <> 'schema_migrations'""",
            "select indexname, indexdef from pg_indexes where schemaname = 'public' and tablename <> 'schema_migrations'",
            """select conname, pg_get_constraintdef(oid) as def from pg_constraint
               where connamespace = 'public'::regnamespace and conrelid <> 'schema_migrations'::regclass""",
        ],
    }
    with database.read() as tx:
        found = [row for question in questions[database.dialect] for row in tx.query(question, {})]
    return sorted(found, key=str)


def test_the_migrations_give_the_schema(databases: Any) -> None:
    migrated, made = databases.fresh(migrated=False), databases.fresh(migrated=False)
    migrate(migrated)
    pending(made)  # makes the ledger, which both sides leave out
    made.script(sql.ddl(schema_text(), made.dialect))
    found = catalogue(migrated)
    assert found == catalogue(made)
    assert len(found) > 30
    migrated.close()
    made.close()


def test_a_column_more_would_show(databases: Any) -> None:
    database = databases.fresh()
    before = catalogue(database)
    database.script("alter table workers add column nickname text")
    assert catalogue(database) != before
    database.close()


def test_migrating_twice_does_nothing_the_second_time(databases: Any) -> None:
    database = databases.fresh(migrated=False)
    assert migrate(database) == [name for name, _ in migrations()]
    assert migrate(database) == []
    assert pending(database) == []
    database.close()


def test_a_migration_that_breaks_leaves_nothing_behind(databases: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    database = databases.fresh(migrated=False)
    broken = [("0001_pre_broken", "create table half (id integer); create table half (id integer)")]
    monkeypatch.setattr("counterfoil.store.migrate.migrations", lambda: broken)
    with pytest.raises(Exception, match="half"):
        migrate(database)
    assert pending(database) == ["0001_pre_broken"]
    with database.write() as tx:
        tx.query("create table half (id integer)", {})
    database.close()


def test_every_statement_is_understood_by_its_databases(database: Database) -> None:
    """Preparing a statement checks its tables and columns."""
    names = sorted({name for name, dialect in sql._library() if dialect in (None, database.dialect)})
    assert len(names) > 50
    with database.write() as tx:
        for number, name in enumerate(names):
            text = sql.statement(name, database.dialect)
            if database.dialect == "sqlite":
                words = re.findall(r"(?<![:\w]):([a-z_]\w*)", text)
                tx.query(f"explain {text}", dict.fromkeys(words, 1))
                continue
            words = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", text)))
            for place, word in enumerate(words, start=1):
                text = text.replace(f"%({word})s", f"${place}")
            kinds = ", ".join("bigint" if word in ("limit", "now", "until", "before") else "unknown" for word in words)
            declared = f"({kinds})" if words else ""
            tx.query(f"prepare p{number} {declared} as {text.replace('%%', '%')}", None)  # type: ignore[arg-type]


def test_an_address_of_another_kind_is_refused_with_a_sentence() -> None:
    with pytest.raises(StoreError, match="'mysql' is not a database we know"):
        open_database("mysql://localhost/counterfoil")


def test_a_write_that_breaks_is_taken_back_whole(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as tx:
        tx.run("worker_beat", worker="w1", now=1)
        raise ZeroDivisionError
    with database.read() as tx:
        assert tx.query("select * from workers", {}) == []


def test_a_reader_keeps_its_view_while_others_write(database: Database) -> None:
    with database.read() as reader:
        assert reader.query("select * from workers", {}) == []
        with database.write() as tx:
            tx.run("worker_beat", worker="w1", now=1)
        assert reader.query("select * from workers", {}) == []
    with database.read() as reader:
        assert len(reader.query("select * from workers", {})) == 1


def test_a_reader_of_the_embedded_database_cannot_write(sqlite_databases: Any) -> None:
    database = sqlite_databases.fresh()
    with database.read() as tx, pytest.raises(Exception, match="readonly"):
        tx.query("delete from workers", {})
    database.close()


def test_the_embedded_database_survives_its_own_checkpoints(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "one.sqlite3")
    migrate(database)
    database._writer.execute("pragma synchronous=off")
    for number in range(600):  # past CHECKPOINT_EVERY_COMMITS
        with database.write() as tx:
            tx.run("worker_beat", worker=f"w{number}", now=1)
    database.close()
    again = SqliteDatabase(tmp_path / "one.sqlite3")
    with again.read() as tx:
        assert tx.query("select count(*) as n from workers", {}) == [{"n": 600}]
    again.close()
