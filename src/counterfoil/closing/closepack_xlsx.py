"""The close pack as a workbook: a summary that links to one sheet a figure, the same bytes for the same pack."""

from __future__ import annotations

import io
from datetime import datetime
from decimal import Decimal
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]  # the package has no annotations

from counterfoil.closing.closepack import Figure, Pack

ROWS_MAX = 1_000_000  # what a sheet holds
TEXT_MAX = 32_000
HEADINGS = ("Return", "Order", "Document", "Currency", "Amount", "Units", "Since", "Days", "Why")
WIDTHS = (30, 14, 20, 10, 16, 8, 12, 8, 90)


class _Book:
    """A workbook under way, with its three formats."""

    def __init__(self, title: str, created: datetime) -> None:
        self.bytes = io.BytesIO()
        options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self.book = xlsxwriter.Workbook(self.bytes, options)
        self.book.set_properties({"title": title, "author": "Counterfoil", "created": created})
        self.bold = self.book.add_format({"bold": True, "bottom": 1})
        self.link = self.book.add_format({"underline": 1, "font_color": "#1F5F5B"})
        self.soft = self.book.add_format({"font_color": "#66615A", "text_wrap": True, "valign": "top"})
        self.amounts = {digits: self.book.add_format({"num_format": _number_format(digits)}) for digits in range(5)}

    def sheet(self, name: str, headings: tuple[str, ...], widths: tuple[int, ...], *, at: int = 0) -> Any:
        sheet = self.book.add_worksheet(name)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(at)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        sheet.freeze_panes(at + 1, 0)
        for column, heading in enumerate(headings):
            sheet.write_string(at, column, heading, self.bold)
        return sheet

    def put(self, sheet: Any, row: int, values: tuple[Any, ...]) -> None:
        for column, value in enumerate(values):
            if isinstance(value, Decimal):
                digits = max(0, -int(value.as_tuple().exponent))
                sheet.write_number(row, column, value, self.amounts[digits])
            elif isinstance(value, int):
                sheet.write_number(row, column, value)
            elif value:
                sheet.write_string(row, column, str(value)[:TEXT_MAX])


def _number_format(digits: int) -> str:
    return "#,##0" + ("." + "0" * digits if digits else "")


def workbook(pack: Pack) -> bytes:
    """The file. Amounts are numbers with all their digits; an unknown one is the word, never a nought."""
    made = _Book(f"Close pack {pack.period}", datetime.fromisoformat(pack.cut_off).replace(tzinfo=None))
    _summary(made, pack)
    _entries(made, pack)
    for figure in pack.figures:
        _figure(made, figure)
    _signs(made, pack)
    made.book.close()
    return made.bytes.getvalue()


def _decimal(text: str | None) -> Decimal | str:
    return "unknown" if text is None else Decimal(text) if text else ""


def _summary(made: _Book, pack: Pack) -> None:
    headings = ("Figure", "Currency", "Amount", "Rows", "Units", "Of unknown value", "Meaning")
    sheet = made.sheet("Figures", headings, (30, 10, 18, 9, 9, 16, 100), at=2)
    sheet.write_string(0, 0, f"Close pack {pack.period}, as of {pack.cut_off}, {pack.state}", made.bold)
    row = 3
    for figure in pack.figures:
        sheet.write_url(row, 0, f"internal:'{figure.title}'!A1", made.link, figure.title)
        sheet.write_string(row, 6, figure.meaning, made.soft)
        for total in figure.totals:
            values = ("", total.currency, _decimal(total.amount), total.records, total.units, total.unknown or "")
            made.put(sheet, row, values)
            row += 1
        if not figure.totals:
            made.put(sheet, row, ("", "", "none", 0, 0))
            row += 1


def _entries(made: _Book, pack: Pack) -> None:
    headings = ("Entry", "Account", "Debit", "Credit", "Currency", "Dated", "Reversed on", "Why")
    sheet = made.sheet("Proposed entries", headings, (36, 40, 16, 16, 10, 12, 12, 90))
    row = 0
    for entry in pack.entries:
        for account, debit, credit in entry.bookings:
            row += 1
            dates = (pack.last_day, pack.reverses_on)
            made.put(
                sheet, row, (entry.name, account, _decimal(debit), _decimal(credit), entry.currency, *dates, entry.why)
            )


def _figure(made: _Book, figure: Figure) -> None:
    sheet = made.sheet(figure.title, HEADINGS, WIDTHS)
    for number, row in enumerate(figure.rows[:ROWS_MAX], start=1):
        amount = _decimal(row.amount)
        made.put(
            sheet,
            number,
            (row.return_, row.order, row.document, row.currency, amount, row.units, row.since, row.days, row.why),
        )
    sheet.autofilter(0, 0, max(1, len(figure.rows)), len(HEADINGS) - 1)


def _signs(made: _Book, pack: Pack) -> None:
    sheet = made.sheet("Evidence", ("What", "Who", "When", "Value"), (28, 28, 24, 80))
    lines: list[tuple[Any, ...]] = [
        (f"signed as {s.role}", s.signed_by, s.signed_at, s.figures_hash) for s in pack.signoffs
    ]
    lines.append(("figures and entries", "", "", pack.figures_hash))
    lines.append(("head of the log's seals", "", "", pack.log_head or "no seal yet"))
    lines.append(("newest log entry used", "", "", pack.last_entry))
    lines += [
        ("policy in force", f"{p.brand}/{p.portal}", "", f"{p.policy} {p.version}, mapping {p.mapping_version}")
        for p in pack.policies
    ]
    lines += [("closed-period rule", "", "", sentence) for sentence in pack.closed_period_rule]
    lines += [("after the lock", late.by, late.told_at, f"{late.fact} of {late.return_}") for late in pack.after_lock]
    for row, line in enumerate(lines, start=1):
        made.put(sheet, row, line)
