"""Words as files: CSV and XLSX out, and in. A bad row is named by number and column with its cure; good rows wait."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import python_calamine
import xlsxwriter  # type: ignore[import-untyped]
from django.http import HttpResponse

from counterfoil.core.mapping import MapKind
from counterfoil.flow.words import WORD_MAX
from counterfoil.web.exports import FORMULA_STARTS

FILE_MAX = 2_000_000
ROWS_MAX = 5_000
COLUMNS = ("word", "meaning")
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class FileError(ValueError):
    """The whole file cannot be read; the message says what to do."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row that cannot be used: its number as a spreadsheet shows it, the column, what is wrong, the cure."""

    row: int
    column: str
    wrong: str
    cure: str


@dataclass(frozen=True, slots=True)
class Words:
    """A file as read: (row, word, meaning) of the good rows, and the bad ones."""

    good: tuple[tuple[int, str, str], ...]
    bad: tuple[BadRow, ...]


def read(name: str, data: bytes, kind: MapKind) -> Words:
    """A file's words. Raises FileError when nothing of it can be used."""
    if len(data) > FILE_MAX:
        raise FileError(f"{name} is larger than {FILE_MAX // 1_000_000} MB; split it.")
    rows = _xlsx(name, data) if data.startswith(b"PK\x03\x04") else _csv(name, data)
    if not rows:
        raise FileError(f"{name} is empty.")
    header = [str(cell).strip().casefold() for cell in rows[0]]
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise FileError(
            f"{name}, row 1: there is no column “{missing[0]}”. The first row names {' and '.join(COLUMNS)}."
        )
    if len(rows) > ROWS_MAX + 1:
        raise FileError(f"{name} has more than {ROWS_MAX:,} rows; split it.")
    places = {column: header.index(column) for column in COLUMNS}
    return _sorted_out(rows[1:], places, kind)


def _sorted_out(rows: Sequence[Sequence[object]], places: dict[str, int], kind: MapKind) -> Words:
    good: dict[str, tuple[int, str, str]] = {}
    bad: list[BadRow] = []
    for number, row in enumerate(rows, start=2):
        cells = {column: _cell(row, place) for column, place in places.items()}
        if not any(cells.values()):
            continue
        wrong = _wrong(cells, kind)
        if wrong is None and cells["word"] in good and good[cells["word"]][2] != cells["meaning"]:
            first = good[cells["word"]]
            wrong = ("meaning", f"“{cells['word']}” means “{first[2]}” in row {first[0]}", "Leave one of the two rows.")
        if wrong is not None:
            bad.append(BadRow(number, *wrong))
        else:
            good.setdefault(cells["word"], (number, cells["word"], cells["meaning"]))
    return Words(tuple(good.values()), tuple(bad))


def _wrong(cells: dict[str, str], kind: MapKind) -> tuple[str, str, str] | None:
    """(column, what is wrong, cure) of a row, or None."""
    if not cells["word"]:
        return "word", "it is empty", "Write the word the other system uses."
    if not cells["meaning"] and kind is not MapKind.DEPOT:
        return "meaning", "it is empty", "Write the code the ERP uses, or leave the row out."
    for column, text in cells.items():
        if len(text) > WORD_MAX:
            return column, f"it has {len(text)} signs", f"At most {WORD_MAX} fit."
        if any(ord(sign) < 32 for sign in text):
            return column, "it holds a line break or another sign that cannot be seen", "Write it on one line."
    return None


def _cell(row: Sequence[object], place: int) -> str:
    """A cell's text; the apostrophe our exports put before formulas is taken off again."""
    value = row[place] if place < len(row) else ""
    if isinstance(value, float) and value.is_integer():  # a spreadsheet keeps 1001 as 1001.0
        value = int(value)
    text = str(value).strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA_STARTS) else text


def _csv(name: str, data: bytes) -> list[list[str]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileError(f"{name} is neither XLSX nor UTF-8 text; save it as “CSV UTF-8”.") from None
    first = text.partition("\n")[0]
    separator = ";" if first.count(";") > first.count(",") else "\t" if "\t" in first else ","
    try:
        return list(csv.reader(io.StringIO(text), delimiter=separator, strict=True))
    except csv.Error as error:
        raise FileError(f"{name} is no CSV file we can read ({error}); save it again as “CSV UTF-8”.") from None


def _xlsx(name: str, data: bytes) -> list[list[object]]:
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        return [list(row) for row in book.get_sheet_by_index(0).to_python(skip_empty_area=False)]
    except Exception as error:  # the reader has no family of errors of its own
        raise FileError(f"{name} is no workbook we can read ({error}); save it again as XLSX.") from None


def as_xlsx(name: str, rows: Iterable[Sequence[str]], columns: Sequence[str]) -> HttpResponse:
    """A workbook whose cells are all text: nothing in it is run as a formula."""
    data = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(data, options) as book:
        sheet = book.add_worksheet("words")
        sheet.write_row(0, 0, columns, book.add_format({"bold": True}))
        for place, row in enumerate(rows, start=1):
            for column, text in enumerate(row):
                sheet.write_string(place, column, text)
        sheet.freeze_panes(1, 0)
    answer = HttpResponse(data.getvalue(), content_type=XLSX_TYPE)
    answer["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    return answer
