"""Adyen's settlement details report: bytes of the CSV file in, rows with exact amounts out (sheet §10). Pure.

One row per movement; amounts are decimals in major units, in separate debit and credit columns. A line of type
`Refunded` is the final word on a refund. A row that cannot be read is told by its number and left out.
"""

from __future__ import annotations

import re

import msgspec

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.adapterkit.table import BadRow, read_table
from counterfoil.core.events import RefundMoved, RefundState

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


class SettlementReport(msgspec.Struct, frozen=True, kw_only=True):
    """A whole file. It proves a batch only when `bad` is empty."""

    rows: tuple[SettledRow, ...] = ()
    bad: tuple[BadRow, ...] = ()


def read_settlement_report(body: bytes) -> SettlementReport:
    """Read a whole file. Raises UnreadableError when it is no such table: not UTF-8, no header, a column missing."""
    rows, bad = read_table(body, REQUIRED, _row, _column, only_required_once=True)
    return SettlementReport(rows=rows, bad=bad)


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


def _column(heading: str) -> str:
    """`Gross Debit (GC)` and `gross debit` are one column, `gross_debit`."""
    return _NOT_A_WORD.sub("_", _BRACKETS.sub("", heading).lower()).strip("_")


def _row(number: int, line: Fields) -> SettledRow:
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
