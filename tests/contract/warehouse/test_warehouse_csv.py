"""Receipts from CSV files: what is accepted, what is refused row by row, and that a second import changes nothing."""

from __future__ import annotations

import csv
import io
import re
from zoneinfo import ZoneInfo

import pytest

from counterfoil.adapterkit.parse import UnreadableError
from counterfoil.core.returns import Disposition
from counterfoil.warehouses.canonical.csv_import import COLUMNS, CsvImport, RowResult, read_file, result_file
from counterfoil.warehouses.canonical.translate import of_receipt

ROW = {
    "event_type": "return.inspected",
    "receipt_id": "GR-88",
    "source": "acme-3pl",
    "warehouse_code": "LEEDS",
    "occurred_at": "2026-03-02T10:15:00Z",
    "rma_number": "RMA-1",
    "line_id": "1",
    "sku": "TEE-BLK-M",
    "received_quantity": "2",
    "inspection_status": "passed",
    "disposition": "sellable",
    "disposition_quantity": "1",
    "condition": "new",
}
DAMAGED = {**ROW, "disposition": "damaged", "condition": "damaged"}


def table(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS, newline: str = "\r\n") -> bytes:
    """Rows as a file."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, restval="", lineterminator=newline, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def statuses(found: CsvImport) -> list[tuple[int, str, str]]:
    """Row, status and code of each result."""
    return [(result.row, result.status, result.code) for result in found.results]


def refused(*rows: dict[str, str]) -> list[tuple[int, str, str]]:
    """The results of a file nothing of which may be accepted."""
    found = read_file(table(*rows))
    assert found.receipts == ()
    return statuses(found)


def test_the_rows_of_a_receipt_form_one_event() -> None:
    found = read_file(table(ROW, DAMAGED))
    [receipt] = found.receipts
    [line] = receipt.lines
    assert line.received_quantity == 2
    assert [units.disposition for units in line.dispositions] == [Disposition.SELLABLE, Disposition.DAMAGED]
    assert statuses(found) == [(2, "ACCEPTED", ""), (3, "ACCEPTED", "")]
    assert of_receipt(receipt).problems == ()


def test_the_event_id_is_the_content_s_whatever_the_order_and_the_shape_of_the_file() -> None:
    first = read_file(table(ROW, DAMAGED)).receipts[0].event_id
    assert re.fullmatch(r"csv:[0-9a-f]{64}", first)
    columns = tuple(reversed(COLUMNS))
    assert read_file(table(DAMAGED, ROW, columns=columns, newline="\n")).receipts[0].event_id == first
    assert read_file(table({**ROW, "revision": "1"}, {**DAMAGED, "revision": "1"})).receipts[0].revision == 1
    other = read_file(table(ROW, {**DAMAGED, "reason_code": "STAIN"})).receipts[0].event_id
    assert other != first


def test_a_file_imported_twice_changes_nothing() -> None:
    first = read_file(table(ROW, DAMAGED))
    again = read_file(table(ROW, DAMAGED), known={receipt.event_id for receipt in first.receipts})
    assert again.receipts == ()
    assert statuses(again) == [(2, "DUPLICATE", ""), (3, "DUPLICATE", "")]


def test_names_may_be_in_any_case_and_order_and_unknown_columns_are_reported() -> None:
    rows = [{**ROW, "shelf": "7"}, {**DAMAGED, "shelf": "8"}]
    columns = ("shelf", *reversed(COLUMNS))
    head, rest = table(*rows, columns=columns).split(b"\r\n", 1)
    found = read_file(b"\xef\xbb\xbf" + head.upper() + b"\r\n" + rest)
    assert len(found.receipts) == 1
    assert found.unknown_columns == ("shelf",)


def test_a_receipt_with_one_bad_row_is_refused_whole_and_the_others_go_on() -> None:
    good = [{**ROW, "receipt_id": "GR-89"}, {**DAMAGED, "receipt_id": "GR-89"}]
    found = read_file(table(ROW, {**DAMAGED, "condition": "fine"}, *good))
    assert [receipt.receipt_id for receipt in found.receipts] == ["GR-89"]
    assert statuses(found) == [
        (2, "REJECTED", "BAD_ENUM"),
        (3, "REJECTED", "BAD_ENUM"),
        (4, "ACCEPTED", ""),
        (5, "ACCEPTED", ""),
    ]
    assert "row 3" in found.results[0].message
    assert "condition" in found.results[1].message


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"event_type": "lost"}, "BAD_ENUM"),
        ({"warehouse_code": ""}, "MISSING_VALUE"),
        ({"receipt_id": ""}, "MISSING_VALUE"),
        ({"line_id": ""}, "MISSING_VALUE"),
        ({"occurred_at": "02/03/2026"}, "BAD_DATE"),
        ({"occurred_at": "2026-03-02"}, "BAD_DATE"),
        ({"expiry_date": "2026-02-30"}, "BAD_DATE"),
        ({"received_quantity": "1.0"}, "BAD_NUMBER"),
        ({"received_quantity": "-1"}, "BAD_NUMBER"),
        ({"received_quantity": ""}, "MISSING_VALUE"),
        ({"revision": "0"}, "BAD_NUMBER"),
        ({"rma_number": ""}, "NO_REFERENCE"),
        ({"sku": ""}, "MISSING_VALUE"),
        ({"condition": ""}, "MISSING_VALUE"),
        ({"disposition": ""}, "MISSING_VALUE"),
        ({"disposition_quantity": ""}, "MISSING_VALUE"),
        ({"disposition_quantity": "0"}, "BAD_NUMBER"),
        ({"disposition": "sold"}, "BAD_ENUM"),
        ({"disposition_quantity": "2"}, "DISPOSITION_SUM"),
    ],
)
def test_a_bad_row_is_refused_with_its_code(changes: dict[str, str], code: str) -> None:
    assert refused({**ROW, "received_quantity": "1", **changes}) == [(2, "REJECTED", code)]


def test_a_line_whose_received_quantity_changes_between_rows_is_refused() -> None:
    assert refused(ROW, {**DAMAGED, "received_quantity": "3"}) == [
        (2, "REJECTED", "QTY_CONFLICT"),
        (3, "REJECTED", "QTY_CONFLICT"),
    ]


def test_rows_of_one_receipt_may_not_contradict_each_other() -> None:
    assert refused(ROW, {**DAMAGED, "warehouse_code": "YORK"})[1] == (3, "REJECTED", "VALUE_CONFLICT")


def test_dispositions_must_add_up_over_the_rows_of_a_line() -> None:
    assert refused(ROW) == [(2, "REJECTED", "DISPOSITION_SUM")]
    assert len(read_file(table({**ROW, "rejected_quantity": "1"})).receipts) == 1


def test_a_missing_column_refuses_the_file_in_one_line() -> None:
    columns = tuple(name for name in COLUMNS if name not in ("line_id", "source"))
    found = read_file(table(ROW, columns=columns))
    assert statuses(found) == [(1, "REJECTED", "MISSING_COLUMN")]
    assert "line_id" in found.results[0].message
    assert "source" in found.results[0].message


def test_a_cell_without_a_column_is_not_dropped_in_silence() -> None:
    body = table(ROW, DAMAGED).rstrip() + b",surplus\r\n"
    assert statuses(read_file(body))[1] == (3, "REJECTED", "MISSING_COLUMN")


def test_times_without_an_offset_are_read_in_the_configured_zone() -> None:
    rows = [{**row, "occurred_at": "2026-07-02 10:15:00"} for row in (ROW, DAMAGED)]
    assert read_file(table(*rows)).receipts[0].occurred_at == "2026-07-02T10:15:00Z"
    assert read_file(table(*rows), zone=ZoneInfo("Europe/London")).receipts[0].occurred_at == "2026-07-02T09:15:00Z"


def test_a_closing_row_needs_no_line() -> None:
    row = {name: ROW[name] for name in ("receipt_id", "source", "warehouse_code", "occurred_at", "rma_number")}
    [receipt] = read_file(table({**row, "event_type": "return.closed"})).receipts
    assert receipt.lines == ()


def test_serial_numbers_are_split_and_quoted_cells_are_read_whole() -> None:
    row = {**ROW, "received_quantity": "1", "serial_numbers": "S1", "notes": 'torn, "badly"\r\nat the hem'}
    units = read_file(table(row)).receipts[0].lines[0].dispositions[0]
    assert units.serial_numbers == ("S1",)
    assert units.notes == 'torn, "badly"\r\nat the hem'


def test_a_cell_that_looks_like_a_formula_is_data_and_is_escaped_in_the_result_file() -> None:
    row = {**ROW, "receipt_id": "=2+3", "received_quantity": "1"}
    [receipt] = read_file(table(row)).receipts
    assert receipt.receipt_id == "=2+3"
    written = list(csv.reader(io.StringIO(result_file(read_file(table(row)).results).decode())))
    assert written == [["row", "receipt_id", "status", "code", "message"], ["2", "'=2+3", "ACCEPTED", "", ""]]


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_every_formula_sign_is_escaped(start: str) -> None:
    written = result_file([RowResult(row=2, receipt_id=f"{start}1", status="ACCEPTED")]).decode()
    assert f"2,'{start}1,ACCEPTED" in written


@pytest.mark.parametrize("body", [b"", b"\r\n", b"\xff\xfe", b'event_type\r\n"open', b"source,SOURCE\r\n1,2"])
def test_what_is_no_table_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        read_file(body)


def test_blank_lines_are_passed_over_but_counted() -> None:
    body = table(ROW, DAMAGED).replace(b"\r\nreturn", b"\r\n\r\nreturn")
    assert [result.row for result in read_file(body).results] == [3, 5]
