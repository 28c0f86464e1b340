"""Warehouse receipts from an XLSX workbook: its first sheet, read by the rules of the CSV import (sheet §4). Pure.

Only what a table needs is read: shared and inline texts, numbers, dates and truth values. Macros, links and pictures
are never opened. A workbook is a ZIP archive from outside, so its parts are counted and measured before they are
unpacked, and its XML is parsed with entities off.
"""

from __future__ import annotations

import csv
import io
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from enum import Enum

from lxml import etree

from counterfoil.adapterkit.parse import UnreadableError
from counterfoil.adapterkit.xml import attributes, local_name, read_xml
from counterfoil.warehouses.canonical import csv_import
from counterfoil.warehouses.canonical.csv_import import ROWS_MAX, CsvImport

PARTS_MAX = 2_000
PART_LIMIT_BYTES = 64 * 1024 * 1024  # of one unpacked part: the limit of the XML reader
COLUMNS_MAX = 256

_CELL = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_NOT_SHOWN = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!(?:h+|m+|s+)\])[^\]]*\]', re.IGNORECASE)
_DATE_FORMATS = frozenset(range(14, 18))  # the built-in ones of the file format, and those with a time
_TIME_FORMATS = frozenset((*range(18, 23), *range(45, 48)))
_SECONDS_A_DAY = 86_400


class _Style(Enum):
    """What a cell's format makes of a number."""

    NUMBER = 0
    DATE = 1
    MOMENT = 2


def read_file(body: bytes, *, zone: tzinfo = UTC, known: Collection[str] = ()) -> CsvImport:
    """Read a whole workbook. `zone` is for times without offset, which all dates of a workbook are.

    Row numbers in the results are those of the sheet. Raises UnreadableError when it is no workbook, or holds a value
    that cannot be read exactly.
    """
    rows = first_sheet(body)
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    for row in rows:
        writer.writerow(row or [""])
    return csv_import.read_file(out.getvalue().encode("utf-8"), zone=zone, known=known)


def first_sheet(body: bytes) -> list[list[str]]:
    """Every row of the first sheet, as texts; rows the file leaves out are empty ones."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return _Workbook(archive).first_sheet()
    except UnreadableError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError, struct.error) as error:
        raise UnreadableError(f"the file is no readable workbook: {error}") from None


class _Workbook:
    """One open archive and what its sheets refer to."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._parts = {info.filename.lstrip("/").lower(): info for info in archive.infolist()}
        if len(archive.infolist()) > PARTS_MAX:
            raise UnreadableError(f"the workbook has more than {PARTS_MAX} parts")
        self._book = self._part("xl/workbook.xml")

    def first_sheet(self) -> list[list[str]]:
        """The rows of the sheet that stands first in the workbook's own order."""
        sheet = self._part(self._sheet_path())
        self._texts = self._shared_texts()
        self._styles = self._cell_styles()
        # a workbook's dates have no zone; UTC only stands in until the text is read in the configured one
        self._epoch = datetime(1904, 1, 1, tzinfo=UTC) if self._from_1904() else datetime(1899, 12, 30, tzinfo=UTC)
        rows: list[list[str]] = []
        for row in _children(_only(sheet, "sheetdata"), "row"):
            number = _whole(attributes(row).get("r"), len(rows) + 1)
            if not len(rows) < number <= ROWS_MAX + 1:
                raise UnreadableError(f"row {number} is out of order, or beyond the {ROWS_MAX} rows a file may have")
            rows += [[] for _ in range(number - 1 - len(rows))]
            rows.append(self._row(row, number))
        return rows

    # -- the parts of the archive

    def _part(self, name: str) -> etree._Element:
        found = self._parts.get(name.lower())
        if found is None:
            raise UnreadableError(f"the workbook has no part {name}")
        if found.file_size > PART_LIMIT_BYTES:
            raise UnreadableError(f"the part {name} is longer than {PART_LIMIT_BYTES} bytes")
        with self._archive.open(found) as stream:
            content = stream.read(PART_LIMIT_BYTES + 1)  # what the archive says of its sizes need not be true
        if len(content) > PART_LIMIT_BYTES:
            raise UnreadableError(f"the part {name} is longer than {PART_LIMIT_BYTES} bytes")
        return read_xml(content)

    def _sheet_path(self) -> str:
        sheets = list(_children(_only(self._book, "sheets"), "sheet"))
        if not sheets:
            raise UnreadableError("the workbook has no sheet")
        wanted = attributes(sheets[0]).get("id")
        relations = self._part("xl/_rels/workbook.xml.rels")
        for relation in _children(relations, "relationship"):
            given = attributes(relation)
            if given.get("id") == wanted and given.get("targetmode", "internal").lower() == "internal":
                return posixpath.normpath(posixpath.join("/xl", given.get("target", ""))).lstrip("/")
        raise UnreadableError("the workbook does not say where its first sheet is")

    def _shared_texts(self) -> list[str]:
        if "xl/sharedstrings.xml" not in self._parts:
            return []
        return [_text(item) for item in _children(self._part("xl/sharedStrings.xml"), "si")]

    def _cell_styles(self) -> list[_Style]:
        """For each cell style whether it shows a date."""
        if "xl/styles.xml" not in self._parts:
            return []
        styles = self._part("xl/styles.xml")
        own = {
            attributes(one).get("numfmtid", ""): attributes(one).get("formatcode", "")
            for group in _children(styles, "numfmts")
            for one in _children(group, "numfmt")
        }
        formats = [style for group in _children(styles, "cellxfs") for style in _children(group, "xf")]
        return [_shown_as(attributes(style).get("numfmtid", "0"), own) for style in formats]

    def _from_1904(self) -> bool:
        return any(attributes(p).get("date1904", "0") in ("1", "true") for p in _children(self._book, "workbookpr"))

    # -- the cells

    def _row(self, row: etree._Element, number: int) -> list[str]:
        cells: list[str] = []
        for cell in _children(row, "c"):
            place = attributes(cell).get("r")
            column = _column(place, number) if place else len(cells)
            if not len(cells) <= column < COLUMNS_MAX:
                raise UnreadableError(f"cell {place or number} is out of order, or beyond {COLUMNS_MAX} columns")
            cells += [""] * (column - len(cells))
            cells.append(self._value(cell, place or f"of row {number}"))
        return cells

    def _value(self, cell: etree._Element, place: str) -> str:
        given = attributes(cell)
        kind = given.get("t", "n").lower()
        if kind == "inlinestr":
            return "".join(_text(inline) for inline in _children(cell, "is"))
        value = next((str(one.text or "") for one in _children(cell, "v")), None)
        if value is None:
            if any(True for _ in _children(cell, "f")):
                raise UnreadableError(f"cell {place} is a formula whose result the file does not hold")
            return ""
        match kind:
            case "s":
                return self._shared(value, place)
            case "str":
                return _unescaped(value)
            case "b":
                return "TRUE" if value.strip() == "1" else "FALSE"
            case "e":
                raise UnreadableError(f"cell {place} holds the error {value}")
            case "d":
                return value
        style = _whole(given.get("s"), 0)
        return self._number(value, place, self._styles[style] if style < len(self._styles) else _Style.NUMBER)

    def _shared(self, value: str, place: str) -> str:
        position = _whole(value, -1)
        if not 0 <= position < len(self._texts):
            raise UnreadableError(f"cell {place} refers to a text the workbook does not have")
        return self._texts[position]

    def _number(self, value: str, place: str, style: _Style) -> str:
        try:
            number = Decimal(value.strip())
        except InvalidOperation:
            raise UnreadableError(f"cell {place} holds {value!r} where a number is due") from None
        if not number.is_finite() or abs(number.adjusted()) > 24:
            raise UnreadableError(f"cell {place} holds {value!r}, which is no usable number")
        if style is not _Style.NUMBER:
            return self._moment(number, place, style)
        return str(int(number)) if number == number.to_integral_value() else format(number, "f")

    def _moment(self, days: Decimal, place: str, style: _Style) -> str:
        """A date counted in days, to the second; alone when neither its format nor its value has a time."""
        seconds = int((days * _SECONDS_A_DAY).to_integral_value())
        try:
            moment = (self._epoch + timedelta(seconds=seconds)).replace(tzinfo=None)
        except OverflowError:
            raise UnreadableError(f"cell {place} holds a date outside the calendar") from None
        timed = style is _Style.MOMENT or days != days.to_integral_value()
        return moment.isoformat() if timed else moment.date().isoformat()


def _children(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """Children by name in lower case, whatever their namespace: two editions of the format differ in it."""
    return (child for child in element if local_name(child).lower() == name)


def _only(element: etree._Element, name: str) -> etree._Element:
    found = next(_children(element, name), None)
    if found is None:
        raise UnreadableError(f"the workbook has no {name}")
    return found


def _text(item: etree._Element) -> str:
    """A text, plain or in runs; readings of its characters (phonetic runs) are no part of it."""
    parts = []
    for child in item:
        name = local_name(child)
        if name == "t":
            parts.append(str(child.text or ""))
        elif name == "r":
            parts += [str(run.text or "") for run in _children(child, "t")]
    return _unescaped("".join(parts))


def _unescaped(text: str) -> str:
    """Characters XML cannot hold are written _x000D_ in workbooks; halves of a surrogate pair stay written out."""
    return _ESCAPED.sub(lambda found: _character(found.group(0), int(found.group(1), 16)), text)


def _character(written: str, number: int) -> str:
    return written if 0xD800 <= number <= 0xDFFF else chr(number)


def _column(place: str, row: int) -> int:
    """The column of a cell such as AB12, counted from 0."""
    found = _CELL.fullmatch(place)
    if found is None or int(found.group(2)) != row:
        raise UnreadableError(f"{place!r} is no cell of row {row}")
    total = 0
    for letter in found.group(1):
        total = total * 26 + ord(letter) - ord("A") + 1
    return total - 1


def _whole(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise UnreadableError(f"{text!r} is no number of a row, a style or a text")
    return int(text)


def _shown_as(format_id: str, own: Mapping[str, str]) -> _Style:
    code = own.get(format_id)
    if code is None:
        number = _whole(format_id, 0)
        return _Style.MOMENT if number in _TIME_FORMATS else _Style.DATE if number in _DATE_FORMATS else _Style.NUMBER
    shown = _NOT_SHOWN.sub("", code).lower().split(";")[0]
    if any(letter in "hs" for letter in shown):
        return _Style.MOMENT
    return _Style.DATE if any(letter in "dmy" for letter in shown) else _Style.NUMBER
