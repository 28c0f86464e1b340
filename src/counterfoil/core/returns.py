"""A return as the portal describes it, in our words: the normalised form every portal is translated into.

Amounts are integers of minor units of `currency`; None means the portal did not say (never zero).
Field meanings follow the published contract of `counterfoil translate`.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Stage(StrEnum):
    """How far the portal has taken a return."""

    REQUESTED = "requested"  # a person at the portal still has to look
    AUTHORISED = "authorised"
    PROCESSED = "processed"  # the portal has carried out the outcome, or closed it by hand
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def final(self) -> bool:
        """Whether the portal promises no further move."""
        return self in (Stage.PROCESSED, Stage.CANCELLED)


class LabelStatus(StrEnum):
    """Where the parcel is, as the carrier tells the portal."""

    PENDING = "pending"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    EXPIRED = "expired"
    ERROR = "error"


class Disposition(StrEnum):
    """What the inspector decided should happen to a unit (warehouse sheet §2.3)."""

    SELLABLE = "sellable"
    QUARANTINE = "quarantine"
    REFURBISH = "refurbish"
    DAMAGED = "damaged"
    DISPOSE = "dispose"
    DONATE = "donate"
    RETURN_TO_VENDOR = "return_to_vendor"
    MISSING = "missing"
    RETURN_TO_CUSTOMER = "return_to_customer"


class ReturnLine(msgspec.Struct, frozen=True, kw_only=True):
    """One returned line. `line_value` is what the goods were worth; `cash_refund` only the cash share of it."""

    line_id: str
    order_line_ref: str | None = None
    sku: str | None = None
    qty: int = 1
    gross: int | None = None
    discount: int | None = None
    tax: int | None = None
    line_value: int | None = None
    cash_refund: int | None = None
    line_outcome: str | None = None
    reason: str | None = None
    reason_parent: str | None = None
    disposition: Disposition | None = None
    grade: str | None = None


class ExchangeLine(msgspec.Struct, frozen=True, kw_only=True):
    """New goods the customer chose instead of money. `total` is for all `qty` units, tax included.

    `order_ref` is the shop's order they go out with, None while there is none; `order_name` may be that of a draft.
    """

    exchange_id: str
    sku: str | None = None
    qty: int = 1
    total: int | None = None
    order_ref: str | None = None
    order_name: str | None = None
    out_of_stock: bool = False


class Tenders(msgspec.Struct, frozen=True, kw_only=True):
    """How the portal says the return's value is paid out, kept apart (R34, R77).

    The upsell is the customer's own money on top of it, for dearer new goods.
    """

    refund: int | None = None
    store_credit: int | None = None
    exchange_used: int | None = None
    upsell_collected: int | None = None
    upsell_due: int | None = None  # billed to the customer and not paid yet
    fee_withheld: int | None = None
    shipping_refunded: int | None = None


class PortalRefund(msgspec.Struct, frozen=True, kw_only=True):
    """Money the portal says has really moved. Weak evidence until the shop or the gateway confirms it."""

    gateway: str | None
    amount: int
    currency: str
    ref: str | None = None


class PortalReturn(msgspec.Struct, frozen=True, kw_only=True):
    """One return, as one portal shows it at one moment."""

    portal: str
    return_id: str
    state: str  # the portal's own word, lower case
    stage: Stage
    order_ref: str | None
    order_name: str | None
    currency: str
    created_at: str | None = None
    edited_at: str | None = None
    lines: tuple[ReturnLine, ...] = ()
    exchange_lines: tuple[ExchangeLine, ...] = ()
    tenders: Tenders = Tenders()
    refunds: tuple[PortalRefund, ...] = ()
    label_status: LabelStatus | None = None
    tracking: str | None = None
    carrier: str | None = None
    country: str | None = None
    instant: bool | None = None  # paid before the goods came; None: the portal does not say
    decide_by: str | None = None  # accept or reject an instant return by then, or its cover ends
