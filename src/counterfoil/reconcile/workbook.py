"""`report.xlsx`: the summary and the open items as sheets, the same bytes for the same run."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import xlsxwriter  # type: ignore[import-untyped]  # the package has no annotations

from counterfoil.core.reconcile.classes import CLASSES
from counterfoil.core.reconcile.legs import Leg
from counterfoil.reconcile.summary import Json, amount

ROWS_MAX = 5_000  # per leg, the largest first; all of them are in classes.parquet
ITEM_HEADINGS = ("Left", "Right", "Class", "Reason", "Difference", "Unit", "Days", "Bucket", "Owner", "Why")


def write_workbook(run: duckdb.DuckDBPyConnection, path: Path, summary: Json, legs: list[Leg]) -> None:
    """Write the workbook; amounts are numbers with all their digits, ids stay text."""
    book = xlsxwriter.Workbook(
        str(path),
        {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    stamp = datetime.fromisoformat(f"{summary['as_of']}T00:00:00")
    book.set_properties({"title": "Reconciliation", "created": stamp})
    bold = book.add_format({"bold": True})
    _figures(book, summary, bold)
    _identities(book, summary, bold)
    _problems(book, summary, bold)
    for leg in legs:
        _items(run, book, leg, bold)
    book.close()


def _sheet(book: xlsxwriter.Workbook, name: str, headings: tuple[str, ...], widths: tuple[int, ...], bold: Any) -> Any:
    sheet = book.add_worksheet(name)
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
    sheet.freeze_panes(1, 0)
    for column, heading in enumerate(headings):
        sheet.write_string(0, column, heading, bold)
    return sheet


def _put(sheet: Any, row: int, values: tuple[Any, ...]) -> None:
    for column, value in enumerate(values):
        if value is None or value == "":
            continue
        if isinstance(value, Decimal | int):
            sheet.write_number(row, column, value)
        else:
            sheet.write_string(row, column, str(value)[:32_000])


def _number(value: str | int) -> Decimal:
    return Decimal(value)


def _figures(book: xlsxwriter.Workbook, summary: Json, bold: Any) -> None:
    headings = ("Leg", "Currency", "What", "Records", "Amount", "Difference")
    sheet = _sheet(book, "Summary", headings, (22, 10, 26, 12, 18, 18), bold)
    row = 0
    for name, leg in summary["legs"].items():
        for figures in leg.get("by_currency", ()):
            unit = figures["currency"] or "units"
            lines = [(what, figures[what], None) for what in ("left", "right", "not_expected", "matched")]
            lines += [(kind, figures["classes"][kind], figures["classes"][kind]["difference"]) for kind in CLASSES]
            for what, values, difference in lines:
                row += 1
                moved = None if difference is None else _number(difference)
                _put(sheet, row, (name, unit, what, values["records"], _number(values["amount"]), moved))
            for reason, values in figures["reasons"].items():
                row += 1
                _put(
                    sheet, row, (name, unit, f"reason {reason}", values["records"], None, _number(values["difference"]))
                )


def _identities(book: xlsxwriter.Workbook, summary: Json, bold: Any) -> None:
    sheet = _sheet(book, "Sums", ("Sum", "Total", "Parts", "Difference"), (34, 18, 90, 14), bold)
    row = 0
    for leg in summary["legs"].values():
        for figures in leg.get("by_currency", ()):
            for identity in figures["identities"]:
                row += 1
                parts = " + ".join(f"{part} {value}" for part, value in identity["parts"].items())
                _put(sheet, row, (identity["name"], _number(identity["total"]), parts, _number(identity["difference"])))


def _problems(book: xlsxwriter.Workbook, summary: Json, bold: Any) -> None:
    sheet = _sheet(book, "Files", ("File", "What"), (28, 120), bold)
    lines = [(problem["file"], problem["message"]) for problem in summary["problems"]]
    for row, line in enumerate(lines + [("", note) for note in summary["notes"]], start=1):
        _put(sheet, row, line)


def _items(run: duckdb.DuckDBPyConnection, book: xlsxwriter.Workbook, leg: Leg, bold: Any) -> None:
    sheet = _sheet(book, leg.name, ITEM_HEADINGS, (24, 24, 15, 14, 14, 12, 8, 9, 12, 90), bold)
    found = run.execute(
        "select left_id, right_id, class, reason, variance, unit, age_days, bucket, owner, why "
        f"from classes_{leg.name} order by abs(variance) desc, left_id, right_id limit {ROWS_MAX}"
    )
    row = 0
    while batch := found.fetchmany(5_000):
        for left, right, kind, reason, variance, unit, *rest in batch:
            row += 1
            moved = Decimal(amount(variance, unit)) if leg.money else variance
            _put(sheet, row, (left, right, kind, reason, moved, unit, *rest))
