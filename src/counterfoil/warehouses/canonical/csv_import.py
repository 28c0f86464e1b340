"""Warehouse receipts from a CSV file: bytes in, receipts and one result per row out (warehouse sheet §4). Pure.

One row is one disposition of one receipt line. A receipt with a bad row is refused whole; the others go on. The id of
each event is made from its content, so importing the same file twice changes nothing.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

import msgspec

from counterfoil.adapterkit.parse import UnreadableError
from counterfoil.core.receipts import Receipt
from counterfoil.warehouses.canonical.schema import SchemaError, read_receipt
from counterfoil.warehouses.canonical.translate import adds_up

ROWS_MAX = 200_000

_RECEIPT = (
    "event_type",
    "receipt_id",
    "revision",
    "source",
    "warehouse_code",
    "occurred_at",
    "rma_number",
    "order_number",
    "tracking_number",
    "bag_barcode",
    "received_at",
    "inspected_at",
    "inspected_by",
)
_LINE = (
    "line_id",
    "rma_line_ref",
    "sku",
    "barcode",
    "expected_quantity",
    "received_quantity",
    "rejected_quantity",
    "short_quantity",
    "inspection_status",
)
_UNITS = (
    "disposition",
    "disposition_quantity",
    "condition",
    "grade",
    "reason_code",
    "location_code",
    "lot_number",
    "expiry_date",
    "serial_numbers",
    "notes",
)
COLUMNS = (*_RECEIPT, *_LINE, *_UNITS)
REQUIRED = (
    "event_type",
    "receipt_id",
    "source",
    "warehouse_code",
    "occurred_at",
    "line_id",
    "received_quantity",
    "inspection_status",
)
_NUMBERS = (
    "revision",
    "expected_quantity",
    "received_quantity",
    "rejected_quantity",
    "short_quantity",
    "disposition_quantity",
)
_TIMES = ("occurred_at", "received_at", "inspected_at")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

Cells = Mapping[str, str]
Key = tuple[str, str, str]


class RowResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one row; `row` counts lines of the table, the header being row 1."""

    row: int
    receipt_id: str
    status: str  # ACCEPTED, DUPLICATE, REJECTED
    code: str = ""
    message: str = ""


class CsvImport(msgspec.Struct, frozen=True, kw_only=True):
    """What a file gave: receipts to keep, one result per row, and the columns nobody knew."""

    receipts: tuple[Receipt, ...] = ()
    results: tuple[RowResult, ...] = ()
    unknown_columns: tuple[str, ...] = ()


class _Row(msgspec.Struct, frozen=True):
    number: int
    cells: Cells
    beyond: bool = False  # whether it has cells no column names

    @property
    def key(self) -> Key:
        """Rows with the same key form one event; revisions 1, 01 and none are one."""
        revision = self.cells["revision"] or "1"
        return (
            self.cells["source"],
            self.cells["receipt_id"],
            revision.lstrip("0") if revision.isdecimal() else revision,
        )


class _Bad(msgspec.Struct, frozen=True):
    number: int
    code: str
    message: str


def read_file(body: bytes, *, zone: tzinfo = UTC, known: Collection[str] = ()) -> CsvImport:
    """Read a whole file. `zone` is for times without offset, `known` the event ids that are already kept.

    Raises UnreadableError when it is no CSV table at all: not UTF-8, no header, broken quoting, too many rows.
    """
    header, rows = _table(body)
    columns = [name.strip().lower() for name in header]
    twice = next((name for name in columns if name and columns.count(name) > 1), None)
    if twice is not None:
        raise UnreadableError(f"the column {twice!r} appears twice")
    unknown = tuple(name for name in columns if name and name not in COLUMNS)
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        message = f"the file has no column {', '.join(missing)}"
        result = RowResult(row=1, receipt_id="", status="REJECTED", code="MISSING_COLUMN", message=message)
        return CsvImport(results=(result,), unknown_columns=unknown)
    read = [_row(number, columns, cells) for number, cells in rows]
    receipts, results = _receipts(read, zone, known)
    return CsvImport(
        receipts=tuple(receipts),
        results=tuple(sorted(results, key=lambda result: result.row)),
        unknown_columns=unknown,
    )


def _table(body: bytes) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"the file is not UTF-8 (byte {error.start})") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, None)
        if header is None or not any(cell.strip() for cell in header):
            raise UnreadableError("the file has no header row")
        rows = [(number, cells) for number, cells in enumerate(reader, 2) if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise UnreadableError(f"line {reader.line_num} is not CSV: {error}") from None
    if len(rows) > ROWS_MAX:
        raise UnreadableError(f"the file holds more than {ROWS_MAX} rows; split it")
    return header, rows


def _row(number: int, columns: Sequence[str], cells: Sequence[str]) -> _Row:
    named = dict.fromkeys(COLUMNS, "")
    named.update({name: cell.strip() for name, cell in zip(columns, cells, strict=False) if name in named})
    return _Row(number, named, beyond=any(cell.strip() for cell in cells[len(columns) :]))


def _receipts(rows: Sequence[_Row], zone: tzinfo, known: Collection[str]) -> tuple[list[Receipt], list[RowResult]]:
    groups: dict[Key, list[_Row]] = {}
    for row in rows:
        # A row that does not say which receipt it belongs to stands alone: it cannot spoil another.
        key = row.key if row.cells["receipt_id"] and row.cells["source"] else ("", "", f"row {row.number}")
        groups.setdefault(key, []).append(row)
    receipts: list[Receipt] = []
    results: list[RowResult] = []
    for group in groups.values():
        bad = list(_bad_rows(group, zone))
        if bad:
            results += _refused(group, bad)
            continue
        receipt = msgspec.structs.replace(read_receipt(_message(group, zone)), event_id=_event_id(group, zone))
        status = "DUPLICATE" if receipt.event_id in known else "ACCEPTED"
        if status == "ACCEPTED":
            receipts.append(receipt)
        results += [RowResult(row=row.number, receipt_id=receipt.receipt_id, status=status) for row in group]
    return receipts, results


def _refused(group: Sequence[_Row], bad: Sequence[_Bad]) -> Iterator[RowResult]:
    """Every row of a refused receipt: the bad ones with their own reason, the others with the first of these."""
    by_row = {one.number: one for one in reversed(bad)}
    first = bad[0]
    for row in group:
        own = by_row.get(row.number)
        message = own.message if own else f"the receipt is refused because of row {first.number}"
        code = own.code if own else first.code
        receipt_id = row.cells["receipt_id"]
        yield RowResult(row=row.number, receipt_id=receipt_id, status="REJECTED", code=code, message=message)


# --- what is wrong ---------------------------------------------------------------------------------------------------


def _bad_rows(group: Sequence[_Row], zone: tzinfo) -> Iterator[_Bad]:
    """Everything wrong with a receipt: each row by itself, then the rows against each other, then the sums."""
    found = [bad for row in group if (bad := _bad_alone(row, zone)) is not None]
    found = found or list(_conflicts(group, zone))
    yield from found or _bad_together(group, zone)


def _bad_alone(row: _Row, zone: tzinfo) -> _Bad | None:
    if row.beyond:
        return _Bad(row.number, "MISSING_COLUMN", "the row has more cells than the header has columns")
    units = [name for name in ("disposition", "disposition_quantity") if row.cells[name]]
    if len(units) == 1:
        other = "disposition_quantity" if units == ["disposition"] else "disposition"
        return _Bad(row.number, "MISSING_VALUE", f"{other} is missing beside {units[0]}")
    try:
        read_receipt(_message([row], zone))
    except SchemaError as error:
        return _Bad(row.number, error.code, error.message)
    return None


def _conflicts(group: Sequence[_Row], zone: tzinfo) -> Iterator[_Bad]:
    """Cells that must be the same on every row of a receipt, or of a line, and are not (§4)."""
    by_line: dict[str, _Row] = {}
    for row in group:
        first = by_line.setdefault(row.cells["line_id"], row)
        pairs = [(name, group[0]) for name in _RECEIPT if name != "revision"] + [(name, first) for name in _LINE]
        for name, other in pairs:
            mine, theirs = row.cells[name], other.cells[name]
            if _value(name, mine, zone) != _value(name, theirs, zone):
                code = "QTY_CONFLICT" if name in _NUMBERS else "VALUE_CONFLICT"
                yield _Bad(row.number, code, f"{name} is {mine!r}, on row {other.number} it is {theirs!r}")
                break


def _bad_together(group: Sequence[_Row], zone: tzinfo) -> Iterator[_Bad]:
    try:
        receipt = read_receipt(_message(group, zone))
    except SchemaError as error:
        yield _Bad(group[0].number, error.code, error.message)
        return
    for line in receipt.lines:
        if not adds_up(line, receipt.event_type):
            number = next(row.number for row in group if row.cells["line_id"] == line.line_id)
            stated = sum(found.quantity for found in line.dispositions)
            expected = line.received_quantity - line.rejected_quantity
            message = f"line {line.line_id}: dispositions for {stated}, received less rejected is {expected}"
            yield _Bad(number, "DISPOSITION_SUM", message)


# --- rows as the canonical message -----------------------------------------------------------------------------------


def _message(group: Sequence[_Row], zone: tzinfo) -> dict[str, Any]:
    """The rows of one receipt as the message a webhook would carry, for the same strict reading."""
    values = [{name: _value(name, cell, zone) for name, cell in row.cells.items()} for row in group]
    message = {name: values[0][name] for name in _RECEIPT}
    lines: dict[str, dict[str, Any]] = {}
    for value in values:
        if not any(value[name] is not None for name in (*_LINE, *_UNITS)):
            continue  # a `return.closed` row may name no line
        line = lines.setdefault(str(value["line_id"]), {**{name: value[name] for name in _LINE}, "dispositions": []})
        if value["disposition"] is not None:
            units = {name: value[name] for name in _UNITS}
            line["dispositions"].append({**units, "quantity": units.pop("disposition_quantity")})
    return {**message, "schema_version": "1", "event_id": "csv", "lines": list(lines.values())}


def _value(name: str, cell: str, zone: tzinfo) -> Any:
    """A cell as JSON would carry it. What cannot be read stays text, so that the strict reading names it."""
    if not cell:
        return None
    if name in _NUMBERS:
        return int(cell) if cell.isascii() and cell.isdecimal() and len(cell) <= 12 else cell
    if name == "serial_numbers":
        return [serial.strip() for serial in cell.split(";") if serial.strip()]
    return _with_offset(cell, zone) if name in _TIMES else cell


def _with_offset(text: str, zone: tzinfo) -> str:
    """A time with its offset; one without is read in the configured zone (§4)."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    if len(text) <= 10:
        return text  # a bare date is no moment
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)).isoformat()


def _event_id(group: Sequence[_Row], zone: tzinfo) -> str:
    """`csv:` and the hash of the receipt's key and its sorted rows (§4): longer than a webhook's id may be."""
    rows = sorted(msgspec.json.encode([_value(name, row.cells[name], zone) for name in COLUMNS]) for row in group)
    key = "|".join(group[0].key).encode()
    return "csv:" + hashlib.sha256(b"|".join([key, *rows])).hexdigest()


# --- the result file -------------------------------------------------------------------------------------------------


def result_file(results: Sequence[RowResult]) -> bytes:
    """The results as CSV. A cell that a spreadsheet would take for a formula is escaped with an apostrophe (§4)."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["row", "receipt_id", "status", "code", "message"])
    for result in results:
        writer.writerow([result.row, *map(_escaped, (result.receipt_id, result.status, result.code, result.message))])
    return out.getvalue().encode("utf-8")


def _escaped(cell: str) -> str:
    return "'" + cell if cell.startswith(_FORMULA_STARTS) else cell
