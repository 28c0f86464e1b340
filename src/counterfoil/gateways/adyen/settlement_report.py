"""Adyen's settlement details report: bytes of the CSV file in, rows with exact amounts out (sheet §10). Pure.

One row per movement; amounts are decimals in major units, in separate debit and credit columns. A line of type
`Refunded` is the final word on a refund. A row that cannot be read is told by its number and left out.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence

import msgspec

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.core.events import RefundMoved, RefundState

ROWS_MAX = 1_000_000
REQUIRED = ("psp_reference", "type", "modification_reference", "gross_currency", "gross_debit", "gross_credit")
_FINAL = {"refunded": RefundState.CONFIRMED, "refundedreversed": RefundState.REVERSED}
_BRACKETS = re.compile(r"\([^)]*\)")
_NOT_A_WORD = re.compile(r"[^a-z0-9]+")


class SettledRow(msgspec.Struct, frozen=True, kw_only=True):
    """One movement; `gross` and `net` are signed minor units of their currencies, credit positive.

    None means that both the debit and the credit cell are empty. `row` counts lines of the table, the header being 1.
    """

    row: int
    type: str
    psp_reference: str  # the payment
    modification_reference: str | None  # the refund
    merchant_reference: str | None = None
    merchant_account: str | None = None
    payment_method: str | None = None
    created: str | None = None
    gross_currency: str | None = None
    gross: int | None = None
    net_currency: str | None = None
    net: int | None = None
    batch: str | None = None


class BadRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row that could not be taken, and why."""

    row: int
    message: str


class SettlementReport(msgspec.Struct, frozen=True, kw_only=True):
    """A whole file. It proves a batch only when `bad` is empty."""

    rows: tuple[SettledRow, ...] = ()
    bad: tuple[BadRow, ...] = ()


def read_settlement_report(body: bytes) -> SettlementReport:
    """Read a whole file. Raises UnreadableError when it is no such table: not UTF-8, no header, a column missing."""
    header, lines = _table(body)
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise UnreadableError(f"the file has no column {', '.join(missing)}")
    rows: list[SettledRow] = []
    bad: list[BadRow] = []
    for number, cells in lines:
        try:
            if len(cells) != len(header):
                raise UnreadableError(f"the row has {len(cells)} cells, the header {len(header)}")
            rows.append(_row(number, dict(zip(header, cells, strict=True))))
        except UnreadableError as error:
            bad.append(BadRow(row=number, message=str(error)))
    return SettlementReport(rows=tuple(rows), bad=tuple(bad))


def settled_refund(row: SettledRow) -> RefundMoved | None:
    """The refund a row settles, or takes back, as a fact that makes the provisional one final; None for other rows."""
    state = _FINAL.get(row.type.lower())
    if state is None or row.gross is None or row.gross_currency is None or row.modification_reference is None:
        return None
    return RefundMoved(
        key=f"adyen/settled/{row.modification_reference}/{state}",
        occurred_at=row.created,
        source="adyen",
        ref=row.modification_reference,
        order_ref=row.merchant_reference,
        amount=abs(row.gross),
        currency=row.gross_currency,
        status=state,
        payment_ref=row.psp_reference,
        gateway="adyen",
    )


def _table(body: bytes) -> tuple[list[str], list[tuple[int, Sequence[str]]]]:
    try:
        reader = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        header = [_column(name) for name in next(reader, [])]
        lines: list[tuple[int, Sequence[str]]] = [
            (number, cells) for number, cells in enumerate(reader, 2) if any(cell.strip() for cell in cells)
        ]
    except UnicodeDecodeError as error:
        raise UnreadableError(f"the file is not UTF-8 (byte {error.start})") from None
    except csv.Error as error:
        raise UnreadableError(f"the file is not CSV: {error}") from None
    twice = next((name for name in header if name in REQUIRED and header.count(name) > 1), None)
    if twice is not None:
        raise UnreadableError(f"the column {twice!r} appears twice")
    if len(lines) > ROWS_MAX:
        raise UnreadableError(f"the file holds more than {ROWS_MAX} rows; split it")
    return header, lines


def _column(heading: str) -> str:
    """`Gross Debit (GC)` and `gross debit` are one column, `gross_debit`."""
    return _NOT_A_WORD.sub("_", _BRACKETS.sub("", heading).lower()).strip("_")


def _row(number: int, cells: Mapping[str, str]) -> SettledRow:
    line = Fields(cells)
    row = SettledRow(
        row=number,
        type=line.need("type"),
        psp_reference=line.text("psp_reference") or "",
        modification_reference=line.text("modification_reference"),
        merchant_reference=line.text("merchant_reference"),
        merchant_account=line.text("merchant_account"),
        payment_method=line.text("payment_method"),
        created=line.moment("creation_date"),
        gross_currency=_currency(line, "gross_currency"),
        gross=_signed(line, "gross"),
        net_currency=_currency(line, "net_currency"),
        net=_signed(line, "net"),
        batch=line.text("batch_number"),
    )
    state = _FINAL.get(row.type.lower())
    if state is None:
        return row
    if row.gross is None or row.modification_reference is None:
        raise UnreadableError(f"a {row.type} row needs a modification reference and a gross amount")
    if (row.gross < 0) is not (state is RefundState.CONFIRMED):
        raise UnreadableError(f"a {row.type} row stands on the wrong side: {row.gross} {row.gross_currency}")
    return row


def _currency(line: Fields, name: str) -> str | None:
    text = line.text(name)
    return text.upper() if text else None


def _signed(line: Fields, side: str) -> int | None:
    """Credit less debit of `gross` or `net`, None when both cells are empty."""
    debit, credit = line.text(f"{side}_debit"), line.text(f"{side}_credit")
    if debit is None and credit is None:
        return None
    currency = line.need(f"{side}_currency").upper()
    return (line.amount(f"{side}_credit", currency) or 0) - (line.amount(f"{side}_debit", currency) or 0)
