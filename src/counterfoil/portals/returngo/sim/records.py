"""What the simulated ReturnGO keeps of an RMA (ReturnGO sheet §3). Amounts are minor units per book."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from counterfoil.simkit.purchases import Books, Bought, currencies_of

Json = dict[str, Any]

NO_SHIPMENT = "No shipment required"
ENDED = ("Rejected", "Canceled")  # their units can be returned again
REFUNDS = ("refund", "store_credit", "gift_card", "bank_transfer")
EXCHANGES = ("exchange", "product_exchange")

# Shipment moves the API accepts; everything else is a 400 (§4, documented).
SHIPMENT_MOVES: dict[str, tuple[str, ...]] = {
    "Pending": ("LabelCreated", "Shipped", "Received", "Canceled", "Validated"),
    "LabelCreated": ("Shipped", "Received", "Canceled", "Validated"),
    "Shipped": ("Received", "Canceled", "Validated"),
    "Canceled": ("Received", "Validated"),
    "Received": ("Validated",),
    "Validated": (),
}


@dataclass(slots=True)
class Wanted:
    """A new item the shopper wants (`ExchangeItem`)."""

    sku: str
    price: Books  # its own shelf price
    quantity: int = 1
    product_id: str = "0"
    variant_id: str = "0"
    title: str = ""
    method: str = "CatalogPrice"
    free_range: tuple[int, int] = (0, 0)


@dataclass(slots=True)
class Validation:
    """What the warehouse answered; before it looked, both answers read false (T1)."""

    at: datetime | None = None
    is_returned: bool = False
    is_restockable: bool = False
    not_returned_reason: str | None = None
    not_restockable_reason: str | None = None
    by: str | None = None


@dataclass(slots=True)
class Unit:
    """One returned unit (`Item`); there is no quantity (T2)."""

    id: str
    bought: Bought
    outcome: str
    resolution: str
    reason: str
    extended_reason: str = ""
    auto_approved: bool = False
    restocking_fee: int = 0
    wanted: Wanted | None = None
    validation: Validation = field(default_factory=Validation)
    questions: list[Json] = field(default_factory=list)
    paid: bool = False  # a successful refund or credit covers it
    in_shop: bool = False  # the shop's refund has taken this unit

    def value(self, book: str) -> int:
        """What was paid for it, tax inside."""
        return self.bought.money[book].gross


@dataclass(slots=True)
class Shipment:
    """A parcel on its way back."""

    id: str
    status: str = "Pending"
    carrier: str | None = None
    tracking_number: str | None = None
    tracking_url: str | None = None
    label_url: str | None = None
    tracked: bool = False


@dataclass(slots=True)
class Transaction:
    """Money, always positive; the type tells the direction."""

    id: int
    kind: str
    type: str
    status: str
    amounts: Books
    units: list[str]
    reference: str
    reference_type: str
    created_at: datetime
    last_updated: datetime
    processor: str = "Shopify"


@dataclass(slots=True)
class ExchangeOrder:
    """A draft order until it is released; until then `order_id` is an empty string (§4)."""

    draft_id: str
    draft_name: str
    type: str = "Exchange"
    order_id: str = ""
    order_name: str = ""


@dataclass(slots=True)
class Rma:
    """One return request."""

    id: int
    order: Json  # the shop's order as it was read
    created_at: datetime
    last_updated: datetime
    touched_at: datetime
    status: str = "Pending"
    portal: str | None = None
    return_method: str = "Ship with any carrier"
    units: list[Unit] = field(default_factory=list)
    wanted: list[Wanted] = field(default_factory=list)  # RMA-level, product exchanges only
    shipments: list[Shipment] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    exchange_orders: list[ExchangeOrder] = field(default_factory=list)
    events: list[Json] = field(default_factory=list)
    comments: list[Json] = field(default_factory=list)  # oldest first; shown newest first
    return_fee: int = 0
    shipment_fee: int = 0
    cancellation_fee: int = 0
    bonus: int = 0
    shipping_refund: int = 0
    out_of_policy: bool = False
    busy: bool = False  # money is being moved in the shop

    @property
    def currencies(self) -> dict[str, str]:
        """ISO currency of each book."""
        return currencies_of(self.order)

    @property
    def order_id(self) -> str:
        """The shop's order id."""
        return str(self.order["id"])

    @property
    def fees(self) -> int:
        """Everything kept back: the RMA's fees once, each item's restocking fee."""
        return self.return_fee + self.shipment_fee + sum(unit.restocking_fee for unit in self.units)

    @property
    def mixed(self) -> bool:
        """Whether refunds and exchanges stand side by side."""
        return len({unit.outcome in EXCHANGES for unit in self.units}) == 2

    @property
    def refund_kind(self) -> str:
        """The one refund type of the RMA; what an exchange leaves over goes to the payment method."""
        return next((unit.outcome for unit in self.units if unit.outcome in REFUNDS), "refund")
