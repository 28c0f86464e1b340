"""Discount and tax to lines in bulk: millions of lines in one statement, to the unit what core.money.allocate gives.

For loading histories and for checking what an ERP has split; single returns use the core's own function.
"""

from __future__ import annotations

import duckdb

from counterfoil.reconcile.statements import statement


def allocation(run: duckdb.DuckDBPyConnection, lines: str) -> str:
    """A query of (document, line, part) over the named table of (document, line, total, weight), all whole numbers.

    The parts of a document sum to its total exactly, whatever the order of its rows. Raises ValueError in one sentence for
    a negative weight, because shares of it mean nothing.
    """
    row = run.execute(f"select document, line from {lines} where weight < 0 order by all limit 1").fetchone()
    if row is not None:
        raise ValueError(f"document {row[0]} line {row[1]} has a negative weight; correct it before splitting over it")
    return statement("allocation", {"lines": lines})
