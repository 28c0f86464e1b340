"""What a gateway's own report says it paid back: the rows the proof calls `gateway_refunds` (reconcile-files §1)."""

from __future__ import annotations

import msgspec

REFUND, REVERSED = "refund", "refund_reversed"


class GatewayRefund(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the gateway about money given back, under the column names of the file contract.

    `amount_minor` is positive for money paid back to the customer and negative for a refund that came back, in minor
    units of `currency`, the currency the customer was paid in. A refund that came back has a line and an id of its own
    (`line_id`), for the proof counts an id once. Dates are `YYYY-MM-DD` in UTC.
    """

    gateway_txn_id: str
    store_id: str
    gateway: str
    line_type: str  # refund, refund_reversed
    payout_id: str | None
    reference: str | None  # our number of the refund, where the gateway quotes it
    order_no: str | None
    tender: str | None
    currency: str
    amount_minor: int
    created_date: str | None
    payout_date: str | None


def line_id(ref: str, line_type: str) -> str:
    """The id of a line: the gateway's number of the refund, and another one for its reversal."""
    return ref if line_type == REFUND else f"{ref}/reversed"


class RefusedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the report that could not be read, and why. The header is row 1."""

    row: int
    message: str


class Settlements(msgspec.Struct, frozen=True, kw_only=True):
    """A whole report. `passed_over` counts rows about something else; it proves a payout only when `refused` is empty."""

    rows: tuple[GatewayRefund, ...] = ()
    refused: tuple[RefusedRow, ...] = ()
    passed_over: int = 0
