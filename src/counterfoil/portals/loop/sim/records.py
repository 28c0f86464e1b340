"""What the simulated Loop keeps of a return, and how its money is worked out (Loop sheet §4, §8)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from counterfoil.portals.loop.sim.money import divide

Json = dict[str, Any]
BOOKS = ("shop", "presentment")
FINAL = ("closed", "cancelled", "expired")


def zero() -> dict[str, int]:
    """Nothing, in both books."""
    return dict.fromkeys(BOOKS, 0)


@dataclass(slots=True)
class LineMoney:
    """One unit in one book, minor units. Its value is price - discount + tax (§4.2)."""

    price: int
    discount: int
    tax: int

    @property
    def value(self) -> int:
        """What the unit is worth."""
        return self.price - self.discount + self.tax


@dataclass(slots=True)
class Line:
    """One returned unit (§1.6)."""

    id: int
    order_line: str
    unit: int
    sku: str
    money: dict[str, LineMoney]
    reason: str
    parent_reason: str | None = None
    comment: str = "N/A"
    product_id: str = "0"
    variant_id: str = "0"
    title: str = ""
    barcode: str = ""
    returned_at: datetime | None = None
    condition: Json | None = None
    disposition: Json | None = None
    refund: dict[str, int] = field(default_factory=zero)
    removed: bool = False
    in_shop: bool = False  # the shop's refund has taken this unit


@dataclass(slots=True)
class ExchangeLine:
    """One new item (§4.3), in minor units of both books."""

    id: int
    sku: str
    money: dict[str, LineMoney]
    product_id: str = "0"
    variant_id: str = "0"
    title: str = ""
    out_of_stock: bool = False
    resolution: str | None = None
    order_id: str | None = None
    order_name: str | None = None


@dataclass(slots=True)
class Label:
    """The shipping label and where the parcel is (§5.3)."""

    status: str = "new"
    carrier: str = "N/A"
    tracking_number: str = "N/A"
    updated_at: datetime | None = None
    rate: int = 1093
    shipment_id: int = 0


@dataclass(slots=True)
class Tenders:
    """How the value of a return goes back, in one book, minor units."""

    refund: int = 0
    gift_card: int = 0
    exchange_used: int = 0
    exchange_total: int = 0
    upsell: int = 0
    fee: int = 0


@dataclass(slots=True)
class Return:
    """One return."""

    id: int
    loop_order_id: int
    order: Json  # the shop's order as it was read
    currencies: dict[str, str]
    created_at: datetime
    updated_at: datetime
    outcome: str = "refund"
    state: str = "open"
    edited_at: datetime | None = None
    closed_at: datetime | None = None
    lines: list[Line] = field(default_factory=list)
    exchanges: list[ExchangeLine] = field(default_factory=list)
    fee: dict[str, int] = field(default_factory=zero)
    shipping: dict[str, int] = field(default_factory=zero)
    shipping_tax: dict[str, int] = field(default_factory=zero)
    tenders: dict[str, Tenders] = field(default_factory=lambda: {book: Tenders() for book in BOOKS})
    label: Label = field(default_factory=Label)
    refunds: list[Json] = field(default_factory=list)
    gateways: list[Any] = field(default_factory=list)
    gift_card_id: str | None = None
    bonus: int = 0
    notes: list[Json] = field(default_factory=list)
    overrides: Json = field(default_factory=dict)
    details: Json = field(default_factory=dict)
    native: bool = False
    rest_to: str = "refund"
    reshop: bool = False
    queued: bool = False
    is_gift: bool = False
    destination_id: Any = None

    @property
    def active(self) -> list[Line]:
        """The lines that were not removed."""
        return [line for line in self.lines if not line.removed]

    @property
    def in_stock(self) -> list[ExchangeLine]:
        """The new items that can be sent; the value of the others goes back another way."""
        return [item for item in self.exchanges if not item.out_of_stock]

    @property
    def provider_order_id(self) -> str:
        """The shop's order id."""
        return str(self.order["id"])

    def settle(self) -> None:
        """Work out where the value goes, and each line's cash share. Keeps both identities of §8 in both books."""
        for book in BOOKS:
            self.tenders[book] = self._settle(book)

    def _settle(self, book: str) -> Tenders:
        lines = self.active
        values = [line.money[book].value for line in lines]
        fee = min(self.fee[book], sum(values))
        credit = sum(values) - fee
        exchanged = sum(item.money[book].value for item in self.in_stock)
        used = min(credit, exchanged)
        rest = credit - used
        by_card = self.rest_to == "store_credit" or any(item.resolution == "gift_card" for item in self.exchanges)
        as_credit = self.outcome == "store_credit" or (bool(self.exchanges) and by_card)
        cash = 0 if as_credit else rest
        for line, share in zip(lines, divide(cash, values), strict=True):
            line.refund[book] = share
        return Tenders(
            refund=cash + self.shipping[book] + self.shipping_tax[book],
            gift_card=rest if as_credit else 0,
            exchange_used=used,
            exchange_total=exchanged,
            upsell=exchanged - used,
            fee=fee,
        )

    def outcome_words(self) -> str:
        """The return-level outcome of the list, a hint only (§5.2)."""
        tenders = self.tenders["shop"]
        words = []
        if self.exchanges:
            words.append("upsell" if tenders.upsell else "exchange")
        if tenders.refund:
            words.append("refund")
        if tenders.gift_card:
            words.append("credit")
        return "+".join(words) or "refund"
