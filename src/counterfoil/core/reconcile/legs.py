"""The four legs of the proof: which two records must agree, by what, and who owns a difference (file contract §2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Owner = Literal["ops", "finance", "cx", "integration"]


@dataclass(frozen=True, slots=True)
class Leg:
    """One comparison of two systems' records.

    `late_after_days` is the default number of days the right-hand record may take; `owners` says whose desk a record
    goes to when only the left or only the right one is there. Money legs compare minor units per currency, the others
    compare units per SKU.
    """

    name: str
    left_file: str
    right_file: str
    left_word: str
    right_word: str
    money: bool
    late_after_days: int
    owner_missing_right: Owner
    owner_missing_left: Owner
    owner_variance: Owner


LEGS: tuple[Leg, ...] = (
    Leg(
        name="refund_gateway",
        left_file="portal_refunds",
        right_file="gateway_refunds",
        left_word="portal refund",
        right_word="gateway line",
        money=True,
        late_after_days=7,
        owner_missing_right="cx",
        owner_missing_left="finance",
        owner_variance="finance",
    ),
    Leg(
        name="refund_credit_note",
        left_file="portal_refunds",
        right_file="erp_credit_notes",
        left_word="portal refund",
        right_word="credit note",
        money=True,
        late_after_days=3,
        owner_missing_right="finance",
        owner_missing_left="finance",
        owner_variance="finance",
    ),
    Leg(
        name="line_receipt",
        left_file="portal_return_lines",
        right_file="warehouse_receipts",
        left_word="return line",
        right_word="receipt",
        money=False,
        late_after_days=21,
        owner_missing_right="ops",
        owner_missing_left="ops",
        owner_variance="ops",
    ),
    Leg(
        name="receipt_stock",
        left_file="warehouse_receipts",
        right_file="erp_stock_movements",
        left_word="receipt",
        right_word="stock movement",
        money=False,
        late_after_days=2,
        owner_missing_right="integration",
        owner_missing_left="ops",
        owner_variance="ops",
    ),
)
BY_NAME = {leg.name: leg for leg in LEGS}

# A refund by one of these methods need not show at the gateway, because no money left through it (file contract §1,
# `method`); where a shop's gateway export does carry them, the run finds out from the files.
WITHOUT_GATEWAY = frozenset({"store_credit", "exchange", "gift_card", "store credit", "gift card", "none"})
WITHOUT_CREDIT_NOTE = frozenset({"exchange", "none"})

# Lines of a gateway export that are no refunds, and stock movements that bring nothing back.
NOT_REFUNDS = frozenset(
    {
        "charge",
        "sale",
        "payment",
        "capture",
        "authorization",
        "authorisation",
        "fee",
        "chargeback",
        "dispute",
        "reserve",
    }
)
NOT_RETURNS = frozenset({"sale", "shipment", "fulfilment", "fulfillment", "issue", "transfer_out", "purchase"})


def without_right(leg: str) -> frozenset[str]:
    """The refund methods that need no right-hand record on this leg."""
    return {"refund_gateway": WITHOUT_GATEWAY, "refund_credit_note": WITHOUT_CREDIT_NOTE}.get(leg, frozenset())
