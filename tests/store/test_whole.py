"""Several writes as one: all of them or none, on both databases."""

from __future__ import annotations

from typing import Any

import pytest


def put(tx: Any, name: str) -> None:
    tx.query(f"insert into workers (worker, started_ms, beat_ms) values ('{name}', 1, 1)", {})


def names(database: Any) -> list[str]:
    with database.read() as tx:
        return [row["worker"] for row in tx.query("select worker from workers order by worker", {})]


def test_parts_are_kept_together_and_seen_within(databases: Any) -> None:
    database = databases.fresh()
    with database.whole():
        with database.write() as tx:
            put(tx, "one")
        assert names(database) == ["one"]
        with pytest.raises(RuntimeError), database.write() as tx:
            put(tx, "undone")
            raise RuntimeError
        with database.write() as tx:
            put(tx, "two")
    assert names(database) == ["one", "two"]
    database.close()


def test_a_whole_that_fails_keeps_no_part(databases: Any) -> None:
    database = databases.fresh()
    with pytest.raises(RuntimeError), database.whole():
        with database.write() as tx:
            put(tx, "one")
        raise RuntimeError
    assert names(database) == []
    with database.write() as tx:
        put(tx, "after")
    assert names(database) == ["after"]
    database.close()
