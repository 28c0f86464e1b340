"""Stripe's payout report as the proof wants it: one row for each refund that left, or came back (sheet §9). Pure."""

from __future__ import annotations

import re

from counterfoil.gateways.stripe.payout_report import BalanceRow, read_payout_report
from counterfoil.ports.settlements import REFUND, REVERSED, GatewayRefund, RefusedRow, Settlements, line_id

_LINE_TYPES = {"refund": REFUND, "refund_failure": REVERSED}
_ORDER = re.compile(r"#\w[\w-]*")


def read_settlements(body: bytes, store_id: str) -> Settlements:
    """Every refund line of a report. Raises UnreadableError when the file is no payout report."""
    report = read_payout_report(body)
    refunds = report.refunds
    return Settlements(
        rows=tuple(_row(row, store_id) for row in refunds),
        refused=tuple(RefusedRow(row=bad.row, message=bad.message) for bad in report.bad),
        passed_over=len(report.rows) - len(refunds),
    )


def _row(row: BalanceRow, store_id: str) -> GatewayRefund:
    """What the customer saw counts, for that is what shop and portal speak of; the payout may be in another currency."""
    seen = row.customer_facing_amount is not None and row.customer_facing_currency is not None
    amount = row.customer_facing_amount if seen else row.gross
    currency = row.customer_facing_currency if seen else row.currency
    assert amount is not None and currency is not None, "both are there, or the balance's own"
    named = _ORDER.search(row.description or "")
    return GatewayRefund(
        gateway_txn_id=line_id(row.source_id or row.balance_transaction_id, _LINE_TYPES[row.category]),
        store_id=store_id,
        gateway="stripe",
        line_type=_LINE_TYPES[row.category],
        payout_id=row.payout_id,
        reference=None,  # the report quotes no refund number of ours
        order_no=named.group() if named else None,
        tender=None,
        currency=currency,
        amount_minor=-amount,
        created_date=row.created[:10],
        payout_date=row.payout_effective_at[:10] if row.payout_effective_at else None,
    )
