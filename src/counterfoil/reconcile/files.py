"""Finding the exports of a folder and opening each as a relation of raw columns, whatever its form.

Before this step there is a folder; after it each file is a DuckDB relation with its own headings and `rn`, the row as a
spreadsheet would number it. The next step (`sources`) reads the values.
"""

from __future__ import annotations

import csv
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from counterfoil.reconcile import xlsx
from counterfoil.reconcile.mapping import FileMapping
from counterfoil.reconcile.parse import Range, quoted
from counterfoil.reconcile.problems import Findings, UnusableError

FORMS = (".parquet", ".csv", ".xlsx")


@dataclass(frozen=True, slots=True)
class Raw:
    """One opened file: the relation to select from, its record number, and its columns with SQL types.

    `record` is a bare column, so that a join on it reaches down into the scan; `row` is the row a spreadsheet shows.
    """

    path: Path
    relation: str
    record: str
    row: str
    types: dict[str, str]
    rows: int | None = None  # when the file says so by itself
    ranges: dict[str, Range] = field(default_factory=dict)


def find(folder: Path, name: str, mapping: FileMapping, findings: Findings) -> Path | None:
    """The export of a contract file, or None when there is none. Two exports of one name are a complaint."""
    if mapping.file is not None:
        path = folder / mapping.file
        if not path.is_file():
            raise UnusableError(f"the mapping names {mapping.file}, which is not in the folder")
        return path
    paths = [path for form in FORMS if (path := folder / f"{name}{form}").is_file()]
    if len(paths) > 1:
        others = ", ".join(path.name for path in paths[1:])
        findings.complain(
            paths[0].name,
            f"{paths[0].name} and {others} are two exports of the same records: only {paths[0].name} was read; "
            "remove the one that is not meant",
        )
    return paths[0] if paths else None


def open_raw(run: duckdb.DuckDBPyConnection, name: str, path: Path, findings: Findings) -> Raw:
    """Open a file. Raises UnusableError with one sentence when nothing of it can be used."""
    if path.stat().st_size == 0:
        raise UnusableError(f"{path.name} is empty, without even a header row: export it again")
    form = path.suffix.lower()
    if form == ".parquet":
        return _parquet(run, path)
    if form == ".xlsx":
        return _workbook(run, name, path, findings)
    return _csv(run, name, path, path, findings)


def literal(text: str) -> str:
    """A string as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def _parquet(run: duckdb.DuckDBPyConnection, path: Path) -> Raw:
    relation = f"read_parquet({literal(str(path))}, file_row_number=true)"
    try:
        described = run.execute(f"describe select * from {relation}").fetchall()
    except duckdb.Error as error:
        raise UnusableError(
            f"{path.name} is no readable Parquet file; it was probably cut off on the way: export it again"
        ) from error
    types = {str(row[0]): str(row[1]) for row in described if row[0] != "file_row_number"}
    rows = run.execute(f"select sum(num_rows)::bigint from parquet_file_metadata({literal(str(path))})").fetchone()
    counted = int(rows[0]) if rows and rows[0] is not None else None
    return Raw(path, relation, "file_row_number", "file_row_number + 2", types, counted, _ranges(run, path))


def _ranges(run: duckdb.DuckDBPyConnection, path: Path) -> dict[str, Range]:
    """The columns' ranges from the footer; a bound is given only when every row group gives it."""
    rows = run.execute(
        "select path_in_schema, case when count(stats_min_value) = count(*) then min(stats_min_value) end, "
        "case when count(stats_max_value) = count(*) then max(stats_max_value) end, "
        "case when count(stats_null_count) = count(*) then sum(stats_null_count)::bigint end "
        f"from parquet_metadata({literal(str(path))}) group by 1"
    ).fetchall()
    return {str(name): Range(least, greatest, nulls) for name, least, greatest, nulls in rows}


def _workbook(run: duckdb.DuckDBPyConnection, name: str, path: Path, findings: Findings) -> Raw:
    with tempfile.TemporaryDirectory(prefix="counterfoil-") as folder:
        copy = Path(folder) / "sheet.csv"
        with copy.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            width = 0
            for row in xlsx.rows(path):
                width = width or len(row)
                writer.writerow((row + [""] * width)[:width] if width else row)
        if not width:
            raise UnusableError(f"{path.name} has an empty first sheet: put the export there")
        return _csv(run, name, path, copy, findings)


def _csv(run: duckdb.DuckDBPyConnection, name: str, path: Path, body: Path, findings: Findings) -> Raw:
    headings, delimiter = _header(path, body)
    columns = ", ".join(f"{literal(heading)}: 'VARCHAR'" for heading in headings)
    table = f"raw_{name}"
    run.execute("drop table if exists csv_rejects; drop table if exists csv_scans")
    try:
        run.execute("set preserve_insertion_order=true")  # row numbers are the file's own
        run.execute(
            f"create or replace temp table {table} as select *, row_number() over () + 1 as rn from read_csv("
            f"{literal(str(body))}, auto_detect=false, header=true, delim={literal(delimiter)}, quote='\"', escape='\"', "
            f"columns={{{columns}}}, ignore_errors=true, store_rejects=true, max_line_size=16000000, "
            "rejects_table='csv_rejects', rejects_scan='csv_scans', rejects_limit=1000)"
        )
    except duckdb.Error as error:
        raise UnusableError(f"{path.name} cannot be read as CSV; save it as CSV (UTF-8) again") from error
    finally:
        run.execute("set preserve_insertion_order=false")
    _rejected(run, path, findings)
    return Raw(path, table, "rn", "rn", dict.fromkeys(headings, "VARCHAR"))


def _header(path: Path, body: Path) -> tuple[list[str], str]:
    with body.open("rb") as stream:
        first = stream.readline(1_000_000)
    if first.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in first:
        raise UnusableError(f"{path.name} is not UTF-8 (it looks like UTF-16): save it as CSV (UTF-8)")
    try:
        line = first.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise UnusableError(f"{path.name} is not UTF-8 in its header row: save it as CSV (UTF-8)") from None
    delimiter = max((",", ";", "\t"), key=line.count)
    headings = next(csv.reader([line], delimiter=delimiter), [])
    if len(set(headings)) != len(headings) or "rn" in headings:
        raise UnusableError(f"{path.name} has a heading twice in row 1: each column needs its own name")
    if not any(heading.strip() for heading in headings):
        raise UnusableError(f"{path.name} has no header row: export it with the column names")
    return headings, delimiter


def _rejected(run: duckdb.DuckDBPyConnection, path: Path, findings: Findings) -> None:
    """Complain of rows that are no rows; a broken last row means the file was cut off and proves nothing."""
    rejects = run.execute(
        "select line, any_value(error_type::varchar), any_value(error_message) from csv_rejects group by line order by line"
    ).fetchall()
    if not rejects:
        return
    line, kind, message = rejects[0]
    if "unicode" in str(message).lower() or str(kind) == "INVALID ENCODING":
        raise UnusableError(f"{path.name} is not UTF-8 in row {line}: save it as CSV (UTF-8)")
    last_line, last_kind, _ = rejects[-1]
    if str(last_kind) in ("MISSING COLUMNS", "UNQUOTED VALUE") and _ends_open(path, int(last_line)):
        raise UnusableError(
            f"{path.name} is cut off in row {last_line}: the rest is missing, so nothing of it was used; export it again"
        )
    findings.complain(
        path.name,
        f"{path.name} row {line}: it does not have the columns of the header ({len(rejects)} such rows were set aside); "
        "export it again, or quote values that hold the separator",
        rows=len(rejects),
    )


def _ends_open(path: Path, line: int) -> bool:
    """Whether the row is the file's last and its line was never ended."""
    if path.suffix.lower() == ".xlsx":
        return False
    with path.open("rb") as stream:
        stream.seek(-1, 2)
        if stream.read(1) in (b"\n", b"\r"):
            return False
    return line > 1


def missing_columns(raw: Raw, headings: list[str]) -> list[str]:
    """The headings a file lacks."""
    return [heading for heading in headings if heading not in raw.types]


def column_list(raw: Raw) -> str:
    """Its columns as SQL."""
    return ", ".join(quoted(name) for name in raw.types)
