"""From raw columns to the contract's values: one view `src_<file>` per export, checked, with bad rows set aside.

Money is BIGINT minor units, dates are day numbers since 1970, text is never null. A view over Parquet stays a view, so
that the engine reads a large file's columns only where it needs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from counterfoil.core.money import MoneyError, exponent
from counterfoil.reconcile.columns import CONTRACTS, Column, Contract
from counterfoil.reconcile.files import Raw, column_list, literal, missing_columns, open_raw
from counterfoil.reconcile.mapping import FileMapping
from counterfoil.reconcile.parse import Check, Reading, quoted, reading
from counterfoil.reconcile.problems import Findings, UnusableError


@dataclass(frozen=True, slots=True)
class Source:
    """An export that can be used: its view, its file's name, its rows and how many were set aside."""

    name: str
    file: str
    view: str
    rows: int
    set_aside: int
    last_day: int | None
    first_row: int  # what the spreadsheet's row is more than `rn`


def read_source(
    run: duckdb.DuckDBPyConnection, name: str, path: Path, mapping: FileMapping, findings: Findings
) -> Source:
    """Open and check one export. Raises UnusableError with one sentence when nothing of it can be used."""
    return _source(run, CONTRACTS[name], open_raw(run, name, path, findings), mapping, findings)


def _source(
    run: duckdb.DuckDBPyConnection, contract: Contract, raw: Raw, mapping: FileMapping, findings: Findings
) -> Source:
    raw = _meant(raw, mapping)
    readings = _readings(run, contract, raw, mapping, findings)
    checks = tuple(check for item in readings.values() for check in item.checks)
    rows, bad = _inspect(run, raw, checks, findings)
    where = " or ".join(f"coalesce({check.condition}, false)" for check in bad if check.sets_aside)
    values = ", ".join(f"{item.expression} as {name}" for name, item in readings.items())
    view = f"src_{contract.name}"
    query = f"select {raw.record} as rn, {values} from {raw.relation}"
    _replace(run, view, query + (f" where not ({where})" if where else ""))
    kept = _number(run, f"select count(*) from {view}") if where else rows
    if rows == 0:
        findings.note(f"{raw.path.name} has no rows; if that month was not empty, export it again")
    if rows and not kept:
        raise UnusableError(f"{raw.path.name} has no row that can be used: correct what is said about it above")
    day = next((column.name for column in contract.columns if column.kind == "date"), None)
    last = run.execute(f"select max({day}) from {view}").fetchone() if day else None
    first = 0 if raw.record == raw.row else 2
    return Source(contract.name, raw.path.name, view, kept, rows - kept, last[0] if last else None, first)


def _meant(raw: Raw, mapping: FileMapping) -> Raw:
    """The rows the mapping means; the others of the export are about something else and are no fault."""
    conditions = []
    for column, values in sorted(mapping.only.items()):
        heading = mapping.columns.get(column, column)
        if heading in raw.types:
            listed = ", ".join(literal(value) for value in values)
            conditions.append(f"{quoted(heading)}::varchar in ({listed})")
    if not conditions:
        return raw
    relation = f"(select * from {raw.relation} where {' and '.join(conditions)})"
    return Raw(raw.path, relation, raw.record, raw.row, raw.types)


def _replace(run: duckdb.DuckDBPyConnection, view: str, query: str) -> None:
    """Text is parsed once, into a table; Parquet of the right types stays where it is."""
    run.execute(f"drop view if exists {view}")
    if "read_parquet(" in query:
        run.execute(f"create temp view {view} as {query}")
        return
    run.execute(f"create or replace temp table parsed_{view} as {query}")
    run.execute(f"create temp view {view} as select * from parsed_{view}")
    run.execute(f"drop table if exists raw_{view.removeprefix('src_')}")


def _number(run: duckdb.DuckDBPyConnection, query: str) -> int:
    row = run.execute(query).fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def _readings(
    run: duckdb.DuckDBPyConnection, contract: Contract, raw: Raw, mapping: FileMapping, findings: Findings
) -> dict[str, Reading]:
    """How each contract column is read from this file; a column that is not there reads as blank."""
    readings: dict[str, Reading] = {}
    absent: list[str] = []
    for column in contract.columns:
        heading, minor = _heading(column, raw, mapping)
        if heading is not None:
            power = _power(run, contract, raw, mapping, findings) if column.kind == "money" and not minor else "1"
            readings[column.name] = reading(column, heading, raw.types[heading], minor=minor, power=power)
        elif column.name in mapping.constants:
            readings[column.name] = Reading(_constant(column, mapping.constants[column.name]), ())
        else:
            absent.append(f"{column.name}_minor" if column.kind == "money" else column.name)
            readings[column.name] = Reading(_blank(column), ())
    _complain_absent(contract, raw, absent, findings)
    return readings


def _heading(column: Column, raw: Raw, mapping: FileMapping) -> tuple[str | None, bool]:
    names = [(f"{column.name}_minor", True), (column.name, False)] if column.kind == "money" else [(column.name, False)]
    for name, minor in names:
        heading = mapping.columns.get(name, name)
        if not missing_columns(raw, [heading]):
            return heading, minor
    return None, False


def _constant(column: Column, value: str) -> str:
    if column.kind == "whole":
        return f"{int(value)}::bigint" if value.lstrip("-").isdigit() else "0::bigint"
    return literal(value.upper() if column.name.endswith("currency") else value)


def _blank(column: Column) -> str:
    if column.name == "base_currency":
        return "upper(trim(currency))"
    return {"money": "0::bigint", "whole": "null::bigint", "date": "null::int"}.get(column.kind, "''")


def _complain_absent(contract: Contract, raw: Raw, absent: list[str], findings: Findings) -> None:
    needed = {f"{c.name}_minor" if c.kind == "money" else c.name for c in contract.columns if c.needed}
    lacking = [name for name in absent if name in needed]
    if lacking:
        raise UnusableError(
            f"{raw.path.name} has no column {' and no column '.join(lacking)} in row 1 (it has {column_list(raw)}): "
            "add it to the export, or name it in a mapping file"
        )
    if absent:
        findings.complain(
            raw.path.name,
            f"{raw.path.name} has no column {', '.join(absent)} in row 1: it was proven without; add what is missing to "
            "the export, or name it in a mapping file",
        )


def _power(
    run: duckdb.DuckDBPyConnection, contract: Contract, raw: Raw, mapping: FileMapping, findings: Findings
) -> str:
    """Ten to the digits of the row's currency, for amounts in major units. An unknown currency reads as no amount."""
    heading = mapping.columns.get("currency", "currency")
    if "currency" in mapping.constants and heading not in raw.types:
        codes, text = [mapping.constants["currency"].upper()], literal(mapping.constants["currency"].upper())
    elif heading in raw.types:
        text = f"upper(trim({quoted(heading)}::varchar))"
        codes = [
            str(row[0]) for row in run.execute(f"select distinct {text} from {raw.relation} order by 1").fetchall()
        ]
    else:
        return "100"
    cases = []
    for code in codes:
        try:
            cases.append(f"when {literal(code)} then {10 ** exponent(code)}")
        except MoneyError as error:
            findings.complain(raw.path.name, f"{raw.path.name}: {error}; correct the currency of these rows")
    return f"(case {text} {' '.join(cases)} end)" if cases else "null"


def _inspect(
    run: duckdb.DuckDBPyConnection, raw: Raw, checks: tuple[Check, ...], findings: Findings
) -> tuple[int, list[Check]]:
    """Count the rows and what is wrong with them; one sentence per fault with its first row.

    A good file costs one scan, of the columns whose ranges leave room for doubt; only when something is wrong a second
    one counts each fault.
    """
    checks = tuple(c for c in checks if c.column not in raw.ranges or not c.ruled_out(raw.ranges[c.column]))
    rows = raw.rows if raw.rows is not None else _number(run, f"select count(*) from {raw.relation}")
    faults = " or ".join(f"({check.condition})" for check in checks)
    if not faults or run.execute(f"select 1 from {raw.relation} where {faults} limit 1").fetchone() is None:
        return rows, []
    parts = [f"count(*) filter ({check.condition}), min({raw.row}) filter ({check.condition})" for check in checks]
    found = run.execute(f"select {', '.join(parts)} from {raw.relation}").fetchone()
    assert found is not None, "an aggregate always gives a row"
    bad = []
    for at, check in enumerate(checks):
        count, row = found[2 * at], found[2 * at + 1]
        if count:
            bad.append(check)
            findings.complain(raw.path.name, _sentence(run, raw, check, count, row), rows=count)
    return rows, bad


def _sentence(run: duckdb.DuckDBPyConnection, raw: Raw, check: Check, count: int, row: int) -> str:
    shown = run.execute(f"select {check.shown} from {raw.relation} where {raw.row} = {row}").fetchone()
    value = "" if shown is None or shown[0] in (None, "") else f" {str(shown[0])[:40]!r}"
    what = (
        f"{count} such row{'' if count == 1 else 's'} {'was' if count == 1 else 'were'} set aside"
        if check.sets_aside
        else (f"{count} such value{'' if count == 1 else 's'} {'was' if count == 1 else 'were'} read as blank")
    )
    return f"{raw.path.name} row {row}: {check.column}{value} {check.fault} ({what}); {check.cure}"


def drop_repeats(run: duckdb.DuckDBPyConnection, source: Source, findings: Findings) -> Source:
    """Count each record once when an export holds ids twice; the first row in the order of their content is kept."""
    key = CONTRACTS[source.name].key
    twice = run.execute(
        f"select count(*), sum(n - 1)::bigint, min(first), sum(alike)::bigint from (select count(*) as n, min(rn) as first, "
        f"(count(distinct {_content(source)}) = 1)::int as alike from {source.view} group by {key} having count(*) > 1)"
    ).fetchone()
    if twice is None or not twice[0]:
        return source
    records, extra, row, alike = (int(value) for value in twice)
    sample = run.execute(f"select {key} from {source.view} where rn = {row}").fetchone()
    how = "row for row" if alike == records else "with different content"
    findings.complain(
        source.file,
        f"{source.file} row {row + source.first_row}: {key} {sample[0] if sample else ''!r} is in the file more than once, as are "
        f"{records - 1} others ({how}); each was counted once: load the export once",
        rows=extra,
    )
    run.execute(
        f"create or replace temp table once_{source.view} as select * exclude (place) from (select *, row_number() over "
        f"(partition by {key} order by {_content(source)}, rn) as place from {source.view}) where place = 1"
    )
    run.execute(f"drop view {source.view}")
    run.execute(f"create temp view {source.view} as select * from once_{source.view}")
    return Source(
        source.name, source.file, source.view, source.rows - extra, source.set_aside, source.last_day, source.first_row
    )


def _content(source: Source) -> str:
    columns = (column.name for column in CONTRACTS[source.name].columns)
    return "concat_ws(chr(31), " + ", ".join(f"{name}::varchar" for name in columns) + ")"
