"""Shopify Payments' balance transactions as the proof wants them: one row for each refund (sheet §6, inferred). Pure.

Amounts are decimals of the payout's currency, refunds negative. For orders in another currency the sheet says to
compare by `source_order_transaction_id`, which is why that number leads.
"""

from __future__ import annotations

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.adapterkit.table import read_table
from counterfoil.ports.settlements import REFUND, REVERSED, GatewayRefund, RefusedRow, Settlements, line_id

REQUIRED = ("id", "type", "currency", "amount", "source_order_transaction_id")
_LINE_TYPES = {"refund": REFUND, "refund_failure": REVERSED}


def read_settlements(body: bytes, store_id: str) -> Settlements:
    """Every refund line of an export. Raises UnreadableError when the file is no such table."""
    rows, bad = read_table(body, REQUIRED, lambda _number, line: _row(line, store_id))
    return Settlements(
        rows=tuple(row for row in rows if row is not None),
        refused=tuple(RefusedRow(row=one.row, message=one.message) for one in bad),
        passed_over=sum(row is None for row in rows),
    )


def _row(line: Fields, store_id: str) -> GatewayRefund | None:
    kind = _LINE_TYPES.get(line.need("type").lower())
    if kind is None or line.flag("test"):
        return None
    currency = line.need("currency").upper()
    amount = line.amount("amount", currency)
    if amount is None:
        raise UnreadableError("amount is missing")
    if (amount < 0) is not (kind == REFUND):
        raise UnreadableError(f"a {line.text('type')} row stands on the wrong side: {line.text('amount')}")
    moment = line.moment("processed_at")
    return GatewayRefund(
        gateway_txn_id=line_id(line.text("source_order_transaction_id") or line.need("id"), kind),
        store_id=store_id,
        gateway="shopify_payments",
        line_type=kind,
        payout_id=line.text("payout_id"),
        reference=None,  # the report quotes no refund number of ours
        order_no=line.text("source_order_id"),
        tender=None,
        currency=currency,
        amount_minor=-amount,
        created_date=moment[:10] if moment else None,
        payout_date=None,  # the export names the payout, not its day
    )
