"""The files and columns of the file contract §1: what each column holds and what can be proven without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["id", "text", "code", "money", "whole", "date"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `kind` says how it is read; `needed` whether the file can be used without it.

    An id identifies and may not be damaged; a code is short text such as a currency. Money is named without its
    `_minor` suffix here and accepted in both forms.
    """

    name: str
    kind: Kind
    needed: bool = False
    blank: bool = True  # whether a row may leave it empty


@dataclass(frozen=True, slots=True)
class Contract:
    """One file of the contract; the first column is the record's own id."""

    name: str
    columns: tuple[Column, ...]

    @property
    def key(self) -> str:
        """The column that identifies a record."""
        return self.columns[0].name


def _key(name: str) -> Column:
    return Column(name, "id", needed=True, blank=False)


def _must(name: str, kind: Kind) -> Column:
    return Column(name, kind, needed=True, blank=False)


_STORE = Column("store_id", "text", needed=True)

CONTRACTS: dict[str, Contract] = {
    contract.name: contract
    for contract in (
        Contract(
            "portal_refunds",
            (
                _key("refund_id"),
                Column("portal", "code"),
                _STORE,
                Column("return_id", "id"),
                Column("order_no", "id"),
                Column("gateway_txn_id", "id"),
                Column("method", "code"),
                _must("currency", "code"),
                Column("base_currency", "code"),
                _must("amount", "money"),
                Column("items", "money"),
                Column("discount", "money"),
                Column("tax", "money"),
                Column("shipping", "money"),
                Column("n_lines", "whole"),
                _must("refund_date", "date"),
                Column("refunded_at", "whole"),
            ),
        ),
        Contract(
            "gateway_refunds",
            (
                _key("gateway_txn_id"),
                _STORE,
                Column("gateway", "code"),
                Column("line_type", "code"),
                Column("payout_id", "code"),
                Column("reference", "id", needed=True),
                Column("order_no", "id"),
                Column("tender", "code"),
                _must("currency", "code"),
                _must("amount", "money"),
                _must("created_date", "date"),
                Column("payout_date", "date"),
            ),
        ),
        Contract(
            "erp_credit_notes",
            (
                _key("credit_note_id"),
                Column("erp", "code"),
                _STORE,
                Column("external_id", "id", needed=True),
                Column("order_no", "id"),
                _must("currency", "code"),
                _must("amount", "money"),
                _must("posted_date", "date"),
                Column("period", "code"),
            ),
        ),
        Contract(
            "portal_return_lines",
            (
                _key("return_line_id"),
                _must("return_id", "id"),
                Column("order_no", "id"),
                _STORE,
                _must("sku", "id"),
                _must("qty", "whole"),
                Column("unit_price", "money"),
                Column("currency", "code"),
                _must("authorised_date", "date"),
                Column("warehouse", "code"),
            ),
        ),
        Contract(
            "warehouse_receipts",
            (
                _key("receipt_id"),
                Column("rma_ref", "id", needed=True),
                _STORE,
                Column("warehouse", "code"),
                _must("sku", "id"),
                _must("qty_received", "whole"),
                _must("received_date", "date"),
            ),
        ),
        Contract(
            "erp_stock_movements",
            (
                _key("movement_id"),
                Column("erp", "code"),
                Column("external_id", "id", needed=True),
                _STORE,
                Column("warehouse", "code"),
                _must("sku", "id"),
                Column("movement_type", "code"),
                _must("qty", "whole"),
                _must("posted_date", "date"),
            ),
        ),
        Contract(
            "fx_rates",
            (
                _must("from_currency", "code"),
                _must("to_currency", "code"),
                _must("rate_date", "date"),
                _must("minor_rate_e6", "whole"),
            ),
        ),
    )
}
