"""Writing what a run found: the same bytes for the same files, whatever the order of their rows or the threads."""

from __future__ import annotations

from pathlib import Path

import duckdb

from counterfoil.reconcile.engine import Fields, Proof
from counterfoil.reconcile.files import literal
from counterfoil.reconcile.statements import statement

EDGE_COLUMNS = "leg, left_id, right_id, rule, class, allocated, why, standing"
CLASS_COLUMNS = "leg, left_id, right_id, class, reason, variance, age_days, bucket, owner, why, unit, amount"
NO_EDGES = (
    "select ''::varchar as leg, ''::varchar as left_id, ''::varchar as right_id, ''::varchar as rule, ''::varchar as class, "
    "0::bigint as allocated, ''::varchar as why, ''::varchar as standing where false"
)
NO_CLASSES = (
    "select ''::varchar as leg, ''::varchar as left_id, ''::varchar as right_id, ''::varchar as class, ''::varchar as reason, "
    "0::bigint as variance, 0::bigint as age_days, ''::varchar as bucket, ''::varchar as owner, ''::varchar as why, "
    "''::varchar as unit, 0::bigint as amount where false"
)


def edges_view(proofs: list[Proof]) -> str:
    """The query that gives every edge in the order it is written: legs in order, records by id."""
    return " union all ".join([f"({_edges(proof.fields)})" for proof in proofs] or [NO_EDGES])


def classes_view(proofs: list[Proof]) -> str:
    """The query that gives every record that is not plainly matched, likewise in order."""
    return " union all ".join([f"({_classes(proof.fields)})" for proof in proofs] or [NO_CLASSES])


def write_rows(run: duckdb.DuckDBPyConnection, out: Path, proofs: list[Proof], *, csv: bool) -> None:
    """`edges` and `classes`, legs in order and records by id within a leg."""
    run.execute("set preserve_insertion_order=true")  # the order asked for is the order written
    threads = _threads(run)
    try:
        run.execute(f"set threads={max(2, threads)}")  # a single thread cuts row groups in other places than several
        for name, query in (("edges", edges_view(proofs)), ("classes", classes_view(proofs))):
            _copy(run, query, out / f"{name}.parquet", "format parquet")
            if csv:
                again = f"select * from read_parquet({literal(str(out / name) + '.parquet')})"
                _copy(run, again, out / f"{name}.csv", "format csv, header")
    finally:
        run.execute(f"set threads={threads}")
        run.execute("set preserve_insertion_order=false")


def _threads(run: duckdb.DuckDBPyConnection) -> int:
    row = run.execute("select current_setting('threads')").fetchone()
    return int(row[0]) if row else 2


def _edges(fields: Fields) -> str:
    return f"select {EDGE_COLUMNS} from ({statement('write_order', fields)})"


def _classes(fields: Fields) -> str:
    return f"select {CLASS_COLUMNS} from {fields['classes']} order by left_id nulls last, right_id nulls last"


def _copy(run: duckdb.DuckDBPyConnection, query: str, path: Path, options: str) -> None:
    """Write beside and rename, so that a stopped run leaves no half file under the name."""
    part = path.with_name(path.name + ".part")
    run.execute(f"copy ({query}) to {literal(str(part))} ({options})")
    part.replace(path)


def allocated_in(run: duckdb.DuckDBPyConnection, out: Path) -> dict[str, int]:
    """Per leg what the written edges allocate, read back for the last identity."""
    query = f"select leg, sum(allocated)::bigint from read_parquet({literal(str(out / 'edges.parquet'))}) group by leg"
    return {str(leg): int(total) for leg, total in run.execute(query).fetchall()}
