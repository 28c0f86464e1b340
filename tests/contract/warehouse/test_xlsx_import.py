"""Receipts from workbooks: the same receipts as from CSV, dates and numbers exact, hostile archives refused."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import xlsxwriter

from counterfoil.adapterkit.parse import UnreadableError
from counterfoil.core.returns import Disposition
from counterfoil.warehouses.canonical import csv_import, xlsx_import
from counterfoil.warehouses.canonical.csv_import import CsvImport

ROW: dict[str, Any] = {
    "event_type": "return.inspected",
    "receipt_id": "GR-88",
    "source": "acme-3pl",
    "warehouse_code": "LEEDS",
    "occurred_at": "2026-03-02T10:15:00Z",
    "rma_number": "RMA-1",
    "line_id": "1",
    "sku": "TEE-BLK-M",
    "received_quantity": 2,
    "inspection_status": "passed",
    "disposition": "sellable",
    "disposition_quantity": 1,
    "condition": "new",
}
DAMAGED = {**ROW, "disposition": "damaged", "condition": "damaged"}
SHEET = "xl/worksheets/sheet1.xml"


def workbook(*rows: dict[str, Any] | None, **options: Any) -> bytes:
    """Rows as the first of two sheets, written by a program that is not ours; None leaves a row out."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, **options}) as book:
        sheet, moment = book.add_worksheet("receipts"), book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
        day = book.add_format({"num_format": 14})
        book.add_worksheet("notes").write(0, 0, "nothing of this is read")
        columns = list(next(row for row in rows if row))
        sheet.write_row(0, 0, columns)
        for number, row in enumerate(rows, 1):
            for column, value in enumerate((row or {}).values()):
                if isinstance(value, datetime):
                    sheet.write_datetime(number, column, value, moment)
                elif isinstance(value, date):
                    sheet.write_datetime(number, column, value, day)
                elif isinstance(value, str):
                    sheet.write_string(number, column, value)
                else:
                    sheet.write(number, column, value)
    return out.getvalue()


def rebuilt(body: bytes, **parts: str) -> bytes:
    """The archive with some parts replaced; a double underscore stands for the slash, one for the dot."""
    named = {name.replace("__", "/").replace("_xml", ".xml"): text for name, text in parts.items()}
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info.filename, named.get(info.filename) or old.read(info.filename))
    return out.getvalue()


def sheet_of(*cells: str, row: str = '<row r="1">') -> bytes:
    """A workbook whose sheet is one row of cells, as XML."""
    text = f'<worksheet xmlns="urn:x"><sheetData>{row}{"".join(cells)}</row></sheetData></worksheet>'
    return rebuilt(workbook(ROW), xl__worksheets__sheet1_xml=text)


def statuses(found: CsvImport) -> list[tuple[int, str, str]]:
    return [(result.row, result.status, result.code) for result in found.results]


def test_a_workbook_gives_the_receipt_its_csv_twin_gives_down_to_the_event_id() -> None:
    lines = [",".join(ROW), *(",".join(str(value) for value in row.values()) for row in (ROW, DAMAGED))]
    twin = csv_import.read_file("\n".join(lines).encode())
    found = xlsx_import.read_file(workbook(ROW, DAMAGED))
    assert found == twin
    [receipt] = found.receipts
    assert [units.disposition for units in receipt.lines[0].dispositions] == [
        Disposition.SELLABLE,
        Disposition.DAMAGED,
    ]


def test_row_numbers_are_those_of_the_sheet_also_after_rows_left_out() -> None:
    bad = {**ROW, "receipt_id": "GR-89", "disposition": "burnt"}
    found = xlsx_import.read_file(workbook({**ROW, "disposition_quantity": 2}, None, None, bad))
    assert statuses(found) == [(2, "ACCEPTED", ""), (5, "REJECTED", "BAD_ENUM")]


def test_an_import_of_the_same_workbook_twice_changes_nothing() -> None:
    body = workbook(ROW, DAMAGED)
    known = {receipt.event_id for receipt in xlsx_import.read_file(body).receipts}
    again = xlsx_import.read_file(body, known=known)
    assert (again.receipts, {result.status for result in again.results}) == ((), {"DUPLICATE"})


@pytest.mark.parametrize("options", [{}, {"date_1904": True}, {"constant_memory": True}])
def test_dates_of_a_workbook_are_read_in_the_configured_zone(options: dict[str, Any]) -> None:
    full = {**ROW, "disposition_quantity": 2, "expiry_date": date(2027, 1, 31)}
    full["occurred_at"] = datetime.fromisoformat("2026-07-02T10:15:30")
    [receipt] = xlsx_import.read_file(workbook(full, **options), zone=ZoneInfo("Europe/London")).receipts
    assert receipt.occurred_at == "2026-07-02T09:15:30Z"
    assert receipt.lines[0].dispositions[0].expiry_date == "2027-01-31"


def test_midnight_in_a_cell_that_shows_a_time_is_a_moment() -> None:
    full = {**ROW, "disposition_quantity": 2, "occurred_at": datetime.fromisoformat("2026-03-02T00:00:00")}
    [receipt] = xlsx_import.read_file(workbook(full), zone=UTC).receipts
    assert receipt.occurred_at == "2026-03-02T00:00:00Z"


def test_numbers_keep_every_digit_and_a_fraction_of_a_unit_is_refused() -> None:
    assert xlsx_import.first_sheet(sheet_of('<c r="A1"><v>5012345678900</v></c>', '<c r="C1"><v>0.10</v></c>')) == [
        ["5012345678900", "", "0.10"]
    ]
    found = xlsx_import.read_file(workbook({**ROW, "received_quantity": 1.5}))
    assert statuses(found) == [(2, "REJECTED", "BAD_NUMBER")]


def test_texts_in_runs_inline_and_with_escaped_characters_are_read_whole() -> None:
    runs = '<c r="A1" t="inlineStr"><is><r><t>TEE</t></r><r><t>-BLK</t></r><rPh><t>sound</t></rPh></is></c>'
    escaped = '<c r="B1" t="str"><v>a_x0009_b_xD800_</v></c>'
    truth = '<c r="C1" t="b"><v>1</v></c>'
    assert xlsx_import.first_sheet(sheet_of(runs, escaped, truth)) == [["TEE-BLK", "a\tb_xD800_", "TRUE"]]


def test_a_cell_that_starts_like_a_formula_is_data() -> None:
    [receipt] = xlsx_import.read_file(workbook({**ROW, "disposition_quantity": 2, "notes": "=1+1"})).receipts
    assert receipt.lines[0].dispositions[0].notes == "=1+1"


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ('<c r="A1"><f>B1</f></c>', "formula whose result"),
        ('<c r="A1" t="e"><v>#N/A</v></c>', "the error #N/A"),
        ('<c r="A1" t="s"><v>999</v></c>', "a text the workbook does not have"),
        ('<c r="A1"><v>1e999</v></c>', "no usable number"),
        ('<c r="A1"><v>NaN</v></c>', "no usable number"),
        ('<c r="A1"><v>two</v></c>', "where a number is due"),
        ('<c r="A2"><v>2</v></c>', "no cell of row 1"),
        ('<c r="XFD1"><v>2</v></c>', "beyond 256 columns"),
        ('<c r="B1"><v>2</v></c><c r="A1"><v>2</v></c>', "out of order"),
    ],
)
def test_a_cell_that_cannot_be_read_exactly_is_named(cell: str, words: str) -> None:
    with pytest.raises(UnreadableError, match=words):
        xlsx_import.first_sheet(sheet_of(cell))


def test_a_row_far_below_the_others_is_refused_before_it_costs_memory() -> None:
    with pytest.raises(UnreadableError, match="row 900000000"):
        xlsx_import.first_sheet(sheet_of(row='<row r="900000000">'))


def test_a_part_that_unpacks_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_import, "PART_LIMIT_BYTES", 5_000)
    bomb = rebuilt(workbook(ROW), xl__worksheets__sheet1_xml="<a>" + " " * 1_000_000 + "</a>")
    assert len(bomb) < 20_000
    with pytest.raises(UnreadableError, match="longer than 5000 bytes"):
        xlsx_import.first_sheet(bomb)


def test_a_document_type_in_a_part_is_refused() -> None:
    evil = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><worksheet><sheetData>&b;</sheetData></worksheet>'
    with pytest.raises(UnreadableError, match="document type"):
        xlsx_import.first_sheet(rebuilt(workbook(ROW), xl__worksheets__sheet1_xml=evil))


@pytest.mark.parametrize("body", [b"", b"PK\x03\x04", b"receipt_id,sku\n1,2\n", workbook(ROW)[:-200]])
def test_what_is_no_workbook_is_refused_with_a_sentence(body: bytes) -> None:
    with pytest.raises(UnreadableError, match="workbook"):
        xlsx_import.read_file(body)


def test_a_number_format_with_a_colour_or_words_in_it_is_no_date() -> None:
    styles = (
        '<styleSheet><numFmts><numFmt numFmtId="164" formatCode="[Magenta]0.0&quot; days&quot;"/>'
        '<numFmt numFmtId="165" formatCode="[h]:mm"/></numFmts>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>'
    )
    cells = '<c r="A1" s="1"><v>46000</v></c><c r="B1" s="2"><v>46000</v></c>'
    assert xlsx_import.first_sheet(rebuilt(sheet_of(cells), xl__styles_xml=styles)) == [
        ["46000", "2025-12-09T00:00:00"]
    ]
