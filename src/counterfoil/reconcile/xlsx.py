"""The first sheet of an .xlsx workbook as rows of text, read exactly as stored and without a spreadsheet program."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from counterfoil.reconcile.problems import UnusableError

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_CELL = re.compile(r"([A-Z]{1,3})\d+")
_SIZE_MAX = 2_000_000_000  # unpacked bytes of one part; more is a bomb or no export


def rows(path: Path) -> Iterator[list[str]]:
    """Each row's cells as text, blanks as "". Raises UnusableError when the file is no workbook or was cut off."""
    try:
        with zipfile.ZipFile(path) as book:
            shared = _shared(book)
            yield from _sheet(book, _first_sheet(book), shared)
    except (zipfile.BadZipFile, EOFError):
        raise UnusableError(f"{path.name} is no readable workbook; it may be cut off: export it again") from None
    except (KeyError, IndexError, etree.XMLSyntaxError):
        raise UnusableError(f"{path.name} is no workbook that can be read here; save it as CSV (UTF-8)") from None


def _first_sheet(book: zipfile.ZipFile) -> str:
    sheets = [name for name in book.namelist() if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", name)]
    return min(sheets, key=lambda name: int("".join(filter(str.isdigit, name.rsplit("/", 1)[1]))))


def _events(book: zipfile.ZipFile, part: str, tag: str) -> Iterator[etree._Element]:
    if book.getinfo(part).file_size > _SIZE_MAX:
        raise UnusableError(f"{part} of the workbook is larger than can be read; save it as CSV (UTF-8)")
    with book.open(part) as stream:
        for _, element in etree.iterparse(stream, tag=_MAIN + tag, resolve_entities=False, no_network=True):
            yield element
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]


def _shared(book: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in book.namelist():
        return []
    return [_texts(item) for item in _events(book, "xl/sharedStrings.xml", "si")]


def _texts(element: etree._Element) -> str:
    return "".join(node.text or "" for node in element.iter(_MAIN + "t"))


def _sheet(book: zipfile.ZipFile, part: str, shared: list[str]) -> Iterator[list[str]]:
    at = 1
    for row in _events(book, part, "row"):
        number = int(row.get("r") or at)
        yield from ([] for _ in range(min(number - at, 100_000)))
        cells: list[str] = []
        for cell in row.iter(_MAIN + "c"):
            column = _column(cell.get("r"), len(cells))
            cells += [""] * (column - len(cells)) + [_value(cell, shared)]
        yield cells
        at = number + 1


def _column(reference: str | None, default: int) -> int:
    found = _CELL.fullmatch(reference or "")
    if found is None:
        return default
    number = 0
    for letter in found.group(1):
        number = number * 26 + ord(letter) - 64
    return number - 1


def _value(cell: etree._Element, shared: list[str]) -> str:
    kind = cell.get("t")
    if kind == "inlineStr":
        return _texts(cell)
    value = cell.find(_MAIN + "v")
    text = (value.text if value is not None else None) or ""
    if kind == "s":
        return shared[int(text)]
    return _number(text) if kind in (None, "n") and text else text


def _number(text: str) -> str:
    """A number as the sheet shows it: 15 digits at most, since beyond them it is the file's own rounding noise."""
    digits = text.lstrip("-").replace(".", "").lstrip("0")
    if len(digits) <= 15 or "E" in text.upper():
        return text
    return f"{float(text):.15g}"
