"""A list as a file: CSV that no spreadsheet runs as a formula, and JSON. Same address, same rows."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse

ROWS_MAX = 10_000
"""The most rows one file holds; the answer names the address of the next one."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe_cell(value: object, amount: bool = False) -> str:
    """A cell's text; one that a spreadsheet could run gets an apostrophe in front. Our own amounts stay figures."""
    text = "" if value is None else str(value)
    if not amount and text.startswith(FORMULA_STARTS):
        return f"'{text}"
    return text


def as_csv(name: str, rows: Sequence[dict[str, Any]], columns: Sequence[str], amounts: frozenset[str]) -> HttpResponse:
    """A CSV file with a header line, UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([safe_cell(row[column], column in amounts) for column in columns] for row in rows)
    answer = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def as_json(name: str, rows: Sequence[dict[str, Any]], sentence: str, following: str | None) -> HttpResponse:
    """A JSON document: what was asked in words, the rows, and the address of the next ones or null."""
    body = json.dumps({"list": sentence, name: list(rows), "next": following}, ensure_ascii=False, indent=1)
    return HttpResponse(body + "\n", content_type="application/json; charset=utf-8")
