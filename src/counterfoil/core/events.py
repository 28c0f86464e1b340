"""Facts, in the past tense. Each is stored under its explicit, versioned tag, never under an import path.

`key` identifies the fact: the same delivery twice, or the same fact by webhook and by polling, has the same key,
and a key is applied once. `occurred_at` is RFC 3339 in UTC, the moment the outside world names, or None.
`order_ref` and the other references say which return a fact belongs to; finding the return is `flow/`'s work.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from counterfoil.core.chargebacks import ChargebackState
from counterfoil.core.orders import SoldOrder
from counterfoil.core.receipts import Receipt
from counterfoil.core.returns import LabelStatus, PortalReturn


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """What every fact has."""

    key: str
    occurred_at: str | None = None


# --- from the portal ------------------------------------------------------------------------------------------------


class ReturnFact(Fact, frozen=True, kw_only=True):
    """A fact that carries the whole return as the portal showed it."""

    portal_return: PortalReturn


class ReturnRequested(ReturnFact, frozen=True, kw_only=True, tag="ReturnRequested.v1"):
    """The customer asked; the portal wants a person to look (in review)."""


class ReturnAuthorised(ReturnFact, frozen=True, kw_only=True, tag="ReturnAuthorised.v1"):
    """The portal allows the return (R43). Sent again under a new key when its lines were edited."""


class ReturnProcessed(ReturnFact, frozen=True, kw_only=True, tag="ReturnProcessed.v1"):
    """The portal carried out the outcome, or closed the return by hand. Says nothing about money having moved."""


class ReturnCancelled(ReturnFact, frozen=True, kw_only=True, tag="ReturnCancelled.v1"):
    """The portal withdrew the return."""


class ReturnExpired(ReturnFact, frozen=True, kw_only=True, tag="ReturnExpired.v1"):
    """The label was never used in time."""


PortalFact = ReturnRequested | ReturnAuthorised | ReturnProcessed | ReturnCancelled | ReturnExpired
"""Every fact that carries the whole return."""


class ReturnRef(Fact, frozen=True, kw_only=True):
    """A fact that only names its return."""

    portal: str
    return_id: str


class ProcessingFailed(ReturnRef, frozen=True, kw_only=True, tag="ProcessingFailed.v1"):
    """The portal could not carry out the outcome it had queued."""

    reason: str


class LabelMoved(ReturnRef, frozen=True, kw_only=True, tag="LabelMoved.v1"):
    """The carrier scanned the parcel, or a label was made (R49)."""

    label_status: LabelStatus | None
    tracking: str | None = None
    carrier: str | None = None


class RestockSignalled(ReturnRef, frozen=True, kw_only=True, tag="RestockSignalled.v1"):
    """The portal asked for stock to be raised. Kept as a fact; never moves stock by itself (R52)."""

    quantity: int = 0


class RefundReported(ReturnRef, frozen=True, kw_only=True, tag="RefundReported.v1"):
    """The portal says money moved: weak evidence, to be confirmed by shop or gateway (shop sheet §11)."""

    ref: str | None
    gateway: str | None
    amount: int
    currency: str


class StoreCreditIssued(Fact, frozen=True, kw_only=True, tag="StoreCreditIssued.v1"):
    """A gift card or store credit exists: a liability, with no bank line. `bonus` is the merchant's own cost."""

    portal: str
    return_id: str | None
    gift_card_id: str | None
    order_ref: str | None = None
    issued: int
    bonus: int = 0
    currency: str


class PortalInspected(ReturnRef, frozen=True, kw_only=True, tag="PortalInspected.v1"):
    """A grade or disposition appeared in the portal. Kept apart from what the warehouse found (D7)."""

    line_id: str
    disposition: str | None = None
    grade: str | None = None


# --- from the shop and the gateways ---------------------------------------------------------------------------------


class OrderSeen(Fact, frozen=True, kw_only=True, tag="OrderSeen.v1"):
    """The original order as the shop shows it, in both books (presentment None when there is only one)."""

    order: SoldOrder
    presentment: SoldOrder | None = None


class RefundState(StrEnum):
    """How sure we are that money left (shop sheet §11)."""

    CONFIRMED = "confirmed"
    PROVISIONAL = "provisional"
    PENDING = "pending"
    FAILED = "failed"
    REVERSED = "reversed"


class RefundedUnits(msgspec.Struct, frozen=True, kw_only=True):
    """Units of an order line a shop refund consumed, whether or not money moved (ATTR-1 rule 5)."""

    order_line_ref: str
    quantity: int


class RefundMoved(Fact, frozen=True, kw_only=True, tag="RefundMoved.v1"):
    """Money of one refund, on one gateway, as shop or gateway tell it. `amount` is positive.

    `ref` identifies the movement across sources (the gateway's own reference where known); `refund_ref` is the
    shop's refund record, which portals quote.
    """

    source: str
    ref: str
    order_ref: str | None
    amount: int
    currency: str
    status: RefundState
    refund_ref: str | None = None
    payment_ref: str | None = None
    gateway: str | None = None
    units: tuple[RefundedUnits, ...] = ()
    shipping: int = 0
    funded_by: str | None = None  # the provider whose own money it was; `gateway` is then its clearing tender


class ChargebackMoved(Fact, frozen=True, kw_only=True, tag="ChargebackMoved.v1"):
    """The customer's bank takes money of a payment back, or gives it back (R85). `amount` is positive, in minor units.

    `ref` identifies the dispute at its gateway over all its tellings; `order_ref` is the order's id or printed name.
    """

    source: str
    ref: str
    order_ref: str | None
    amount: int
    currency: str
    status: ChargebackState
    payment_ref: str | None = None
    gateway: str | None = None
    reason: str | None = None


# --- from the warehouse ---------------------------------------------------------------------------------------------


class WarehouseReported(Fact, frozen=True, kw_only=True, tag="WarehouseReported.v1"):
    """A canonical warehouse message: counted, inspected, reversed or closed (`receipt.event_type`)."""

    receipt: Receipt


OutsideFact = (
    ReturnRequested
    | ReturnAuthorised
    | ReturnProcessed
    | ReturnCancelled
    | ReturnExpired
    | ProcessingFailed
    | LabelMoved
    | RestockSignalled
    | RefundReported
    | StoreCreditIssued
    | PortalInspected
    | OrderSeen
    | RefundMoved
    | WarehouseReported
    | ChargebackMoved
)
