"""One thing that leaves an order, or is owed to leave: what the refund ceiling adds up."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class MovementKind(StrEnum):
    """In which way value leaves."""

    REFUND = "refund"
    STORE_CREDIT = "store_credit"
    EXCHANGE = "exchange"
    OUTSIDE = "outside"  # refunded past the portal (R85)
    OWED = "owed"  # a posted credit not yet paid out


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """`amount` is positive, in minor units; `tender` the gateway; `units` (order line, how many) where it names them."""

    ref: str
    kind: MovementKind
    amount: int
    tender: str | None = None
    units: tuple[tuple[str, int], ...] = ()
