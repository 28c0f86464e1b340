"""Telling the shop's bodies apart by their shape, for when no header says the topic, and taking off REST's wrapping."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from counterfoil.adapterkit.parse import Fields, UnreadableError

_WRAPPERS = ("order", "refund", "transaction", "orders", "refunds", "transactions", "webhook", "webhooks")


class Shape(StrEnum):
    """What a body looks like."""

    ORDER = "order"
    REFUND = "refund"
    TRANSACTION = "transaction"
    TENDER = "tender_transaction"
    DISPUTE = "dispute"
    OTHER = "other"


def shape(body: Fields) -> Shape:
    """What a body is, by the fields only that kind has (sheet §3-§5)."""
    names = body.data.keys()
    if "line_items" in names and "currency" in names:
        return Shape.ORDER
    if names & {"refund_line_items", "refund_shipping_lines"} or {"order_id", "transactions"} <= names:
        return Shape.REFUND
    if "remote_reference" in names or {"payment_method", "amount"} <= names:
        return Shape.TENDER
    if {"evidence_due_by"} & names or {"reason", "amount", "type", "status"} <= names:
        return Shape.DISPUTE
    if {"kind", "amount", "status"} <= names:
        return Shape.TRANSACTION
    return Shape.OTHER


def bodies(value: Any) -> list[Fields]:
    """The records of a body: itself, what REST wraps under a kind, or a list of them. Raises UnreadableError."""
    if isinstance(value, Mapping) and len(value) == 1:
        name, inner = next(iter(value.items()))
        if name in _WRAPPERS and isinstance(inner, Mapping | list):
            value = inner
    items = value if isinstance(value, list) else [value]
    for item in items:
        if not isinstance(item, Mapping):
            raise UnreadableError("the body is not a record of the shop")
    return [Fields(item) for item in items]
