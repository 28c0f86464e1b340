"""Amounts split over lines in bulk: the core's rule, whole and exact, in any order of rows."""

from __future__ import annotations

import random

import duckdb
import pytest

from counterfoil.core.money import allocate
from counterfoil.reconcile.allocation import allocation


def _documents(seed: int) -> dict[int, tuple[int, list[int]]]:
    dice = random.Random(seed)
    found = {
        n: (dice.randrange(-9_000, 90_000), [dice.randrange(0, 12_000) for _ in range(dice.randrange(1, 9))])
        for n in range(400)
    }
    return found | {900: (100, [0, 0, 0]), 901: (-7, [5, 5, 5]), 902: (0, [3, 4]), 903: (1, [1, 1, 1, 1])}


def _table(documents: dict[int, tuple[int, list[int]]], seed: int) -> duckdb.DuckDBPyConnection:
    run = duckdb.connect()
    run.execute("create table lines (document bigint, line bigint, total bigint, weight bigint)")
    rows = [(n, at, total, weight) for n, (total, weights) in documents.items() for at, weight in enumerate(weights)]
    random.Random(seed).shuffle(rows)
    run.execute("insert into lines values " + ", ".join(str(row) for row in rows))
    return run


@pytest.mark.parametrize("order", [1, 2])
def test_bulk_parts_are_the_parts_of_the_core_in_every_order_of_rows(order: int) -> None:
    documents = _documents(11)
    run = _table(documents, order)
    parts: dict[int, list[int]] = {}
    for document, _, part in run.execute(f"{allocation(run, 'lines')} order by all").fetchall():
        parts.setdefault(document, []).append(part)
    assert parts == {n: allocate(total, weights) for n, (total, weights) in documents.items()}


def test_a_product_too_large_is_an_error_and_no_wrong_part() -> None:
    run = _table({1: (9_000_000_000, [9_000_000_000, 1])}, 1)
    with pytest.raises(duckdb.OutOfRangeException):
        run.execute(allocation(run, "lines")).fetchall()


def test_a_negative_weight_is_named() -> None:
    run = _table({7: (100, [5, -1])}, 1)
    with pytest.raises(ValueError, match="document 7 line 1 has a negative weight"):
        allocation(run, "lines")
