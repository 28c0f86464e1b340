"""Reading other systems' CSV exports: a header, numbered rows, and each bad row told by its number.

A file that is no such table is refused whole; a row that cannot be read is left out and told, never zero.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import msgspec

from counterfoil.adapterkit.parse import Fields, UnreadableError

ROWS_MAX = 1_000_000
Row = TypeVar("Row")


class BadRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row that could not be taken, and why. The header is row 1."""

    row: int
    message: str


def read_table(
    body: bytes,
    required: Sequence[str],
    take: Callable[[int, Fields], Row],
    column: Callable[[str], str] = lambda heading: heading.strip().lower(),
    *,
    only_required_once: bool = False,
) -> tuple[tuple[Row, ...], tuple[BadRow, ...]]:
    """Every row as `take(number, cells)` reads it, and the rows it refused with UnreadableError.

    `column` gives a heading its plain name. Raises UnreadableError when the body is no such table: not UTF-8, not
    CSV, a required column missing or twice (any column twice, unless `only_required_once`), too many rows.
    """
    header, lines = _cells(body, column)
    missing = [name for name in required if name not in header]
    twice = [
        name for name in header if name and header.count(name) > 1 and (name in required or not only_required_once)
    ]
    if twice:
        raise UnreadableError(f"the column {twice[0]!r} appears twice")
    if missing:
        raise UnreadableError(f"the file has no column {', '.join(missing)}")
    rows: list[Row] = []
    bad: list[BadRow] = []
    for number, cells in lines:
        try:
            rows.append(take(number, Fields(_named(header, cells))))
        except UnreadableError as error:
            bad.append(BadRow(row=number, message=str(error)))
    return tuple(rows), tuple(bad)


def _named(header: Sequence[str], cells: Sequence[str]) -> Mapping[str, str]:
    if len(cells) != len(header):
        raise UnreadableError(f"the row has {len(cells)} cells, the header {len(header)}")
    return dict(zip(header, cells, strict=True))


def _cells(body: bytes, column: Callable[[str], str]) -> tuple[list[str], list[tuple[int, Sequence[str]]]]:
    try:
        reader = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        header = [column(name) for name in next(reader, [])]
        lines: list[tuple[int, Sequence[str]]] = [
            (number, cells) for number, cells in enumerate(reader, 2) if any(cell.strip() for cell in cells)
        ]
    except UnicodeDecodeError as error:
        raise UnreadableError(f"the file is not UTF-8 (byte {error.start})") from None
    except csv.Error as error:
        raise UnreadableError(f"the file is not CSV: {error}") from None
    if len(lines) > ROWS_MAX:
        raise UnreadableError(f"the file holds more than {ROWS_MAX} rows; split it")
    return header, lines
