"""Stripe's payout reconciliation report: bytes of the CSV file in, rows with exact amounts out (sheet §9). Pure.

Amounts in the file are decimals in major units, refunds negative. A row that cannot be read, or whose parts do not
add up, is told by its number and left out: it never becomes zero.
"""

from __future__ import annotations

import msgspec

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.adapterkit.table import BadRow, read_table
from counterfoil.core.money import to_text

REQUIRED = ("balance_transaction_id", "created", "currency", "gross", "fee", "net", "reporting_category")


class BalanceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One balance transaction of a payout; amounts are signed minor units of `currency`, `created` RFC 3339 in UTC.

    `customer_facing_amount` is what the customer saw, in a currency of its own. `row` counts lines of the table, the
    header being row 1.
    """

    row: int
    balance_transaction_id: str
    created: str
    currency: str
    gross: int
    fee: int
    net: int
    category: str  # Stripe's reporting_category: charge, refund, dispute, …
    source_id: str | None = None
    charge_id: str | None = None
    payment_intent_id: str | None = None
    customer_facing_amount: int | None = None
    customer_facing_currency: str | None = None
    payout_id: str | None = None
    payout_effective_at: str | None = None
    description: str | None = None


class PayoutReport(msgspec.Struct, frozen=True, kw_only=True):
    """A whole file. It proves a payout only when `bad` is empty."""

    rows: tuple[BalanceRow, ...] = ()
    bad: tuple[BadRow, ...] = ()

    @property
    def refunds(self) -> tuple[BalanceRow, ...]:
        """The rows of refunds and of refunds that came back."""
        return tuple(row for row in self.rows if row.category in ("refund", "refund_failure"))


def read_payout_report(body: bytes) -> PayoutReport:
    """Read a whole file. Raises UnreadableError when it is no such table: not UTF-8, no header, a column missing."""
    rows, bad = read_table(body, REQUIRED, _row)
    return PayoutReport(rows=rows, bad=bad)


def _row(number: int, line: Fields) -> BalanceRow:
    currency = line.need("currency").upper()
    seen_in = line.text("customer_facing_currency")
    seen_in = seen_in.upper() if seen_in else None
    row = BalanceRow(
        row=number,
        balance_transaction_id=line.need("balance_transaction_id"),
        created=_moment(line, "created"),
        currency=currency,
        gross=_amount(line, "gross", currency),
        fee=_amount(line, "fee", currency),
        net=_amount(line, "net", currency),
        category=line.need("reporting_category"),
        source_id=line.text("source_id"),
        charge_id=line.text("charge_id"),
        payment_intent_id=line.text("payment_intent_id"),
        customer_facing_amount=line.amount("customer_facing_amount", seen_in) if seen_in else None,
        customer_facing_currency=seen_in,
        payout_id=line.text("automatic_payout_id"),
        payout_effective_at=line.moment("automatic_payout_effective_at"),
        description=line.text("description"),
    )
    if row.gross - row.fee != row.net:
        told = to_text(row.net, currency)
        raise UnreadableError(f"gross less fee is {to_text(row.gross - row.fee, currency)}, but net is {told}")
    return row


def _amount(line: Fields, name: str, currency: str) -> int:
    line.need(name)
    value = line.amount(name, currency)
    assert value is not None, "a cell that is there is read or refused"
    return value


def _moment(line: Fields, name: str) -> str:
    line.need(name)
    value = line.moment(name)
    assert value is not None, "a cell that is there is read or refused"
    return value
