"""Adyen's settlement details as the proof wants them: one row for each refund settled or come back (sheet §10). Pure."""

from __future__ import annotations

from counterfoil.gateways.adyen.settlement_report import SettledRow, read_settlement_report
from counterfoil.ports.settlements import REFUND, REVERSED, GatewayRefund, RefusedRow, Settlements, line_id

_LINE_TYPES = {"refunded": REFUND, "refundedreversed": REVERSED}


def read_settlements(body: bytes, store_id: str) -> Settlements:
    """Every refund line of a report. Raises UnreadableError when the file is no settlement report."""
    report = read_settlement_report(body)
    refunds = [row for row in report.rows if row.type.lower() in _LINE_TYPES]
    return Settlements(
        rows=tuple(_row(row, store_id) for row in refunds),
        refused=tuple(RefusedRow(row=bad.row, message=bad.message) for bad in report.bad),
        passed_over=len(report.rows) - len(refunds),
    )


def _row(row: SettledRow, store_id: str) -> GatewayRefund:
    assert row.gross is not None, "the report refuses a refund without an amount"
    assert row.gross_currency is not None and row.modification_reference is not None
    return GatewayRefund(
        gateway_txn_id=line_id(row.modification_reference, _LINE_TYPES[row.type.lower()]),
        store_id=store_id,
        gateway="adyen",
        line_type=_LINE_TYPES[row.type.lower()],
        payout_id=row.batch,
        reference=None,  # the report quotes no refund number of ours
        order_no=row.merchant_reference,
        tender=row.payment_method,
        currency=row.gross_currency,
        amount_minor=-row.gross,
        created_date=row.created[:10] if row.created else None,
        payout_date=None,  # the report names the batch, not the day it reaches the bank
    )
