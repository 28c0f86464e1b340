"""A list as a workbook: the same rows as its CSV. Text stays text, so that nothing in it is run as a formula."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]
from django.http import HttpResponse

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TEXT_MAX = 32_000  # a cell of a workbook holds no more
_OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_MADE = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)  # the same bytes for the same rows


def as_xlsx(name: str, rows: Sequence[dict[str, Any]], columns: Sequence[str], figures: frozenset[str]) -> HttpResponse:
    """A workbook with one sheet; columns in `figures` are numbers, exact as long as a spreadsheet can be."""
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, _OPTIONS) as book:
        book.set_properties({"title": name, "created": _MADE})
        sheet = book.add_worksheet(name[:31])
        sheet.write_row(0, 0, columns, book.add_format({"bold": True}))
        for place, row in enumerate(rows, start=1):
            for column, key in enumerate(columns):
                _cell(sheet, place, column, row[key], figure=key in figures)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(1, len(rows)), len(columns) - 1)
    answer = HttpResponse(data.getvalue(), content_type=XLSX_TYPE)
    answer["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    return answer


def _cell(sheet: Any, row: int, column: int, value: object, *, figure: bool) -> None:
    if value is None:
        return
    if figure:
        sheet.write_number(row, column, Decimal(str(value)))
    else:
        sheet.write_string(row, column, str(value)[:TEXT_MAX])
