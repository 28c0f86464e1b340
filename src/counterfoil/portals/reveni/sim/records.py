"""What the simulated Reveni keeps of a return (Reveni sheet §4-§6). Amounts are minor units of the order's currency."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from counterfoil.simkit.purchases import Bought, currencies_of

Json = dict[str, Any]

METHODS = ("bank_transfer", "store_credit", "original_payment_method")
STATUSES = (
    *("IN_PROGRESS", "SHIPPED", "RECEIVED", "FOR_REVIEW", "ACCEPTED", "PARTLY_ACCEPTED", "REJECTED", "CANCELLED"),
    *("EXPIRED", "ON_HOLD", "PENDING", "COMPLETED"),  # the last four only have names (§4)
)
FINAL = ("ACCEPTED", "PARTLY_ACCEPTED", "REJECTED", "CANCELLED", "EXPIRED", "COMPLETED")
FREED = ("CANCELLED", "EXPIRED")  # their units can be returned again


@dataclass(slots=True)
class Wanted:
    """The new item for each unit of a row."""

    sku: str
    price: int
    variant_id: str = "0"
    title: str = ""


@dataclass(slots=True)
class Row:
    """Some units of one order line, paid the same (`return_items[]`)."""

    id: str
    units: list[Bought]
    price: int  # of one unit, after discount, tax inside
    total: int  # of all its units; differs from price x quantity only where units are uneven and rounded
    reason: str
    reason_text: str | None = None
    wanted: Wanted | None = None
    accepted: int = 0
    rejected: int = 0
    review: bool = False
    reject_reason: str | None = None
    reject_text: str | None = None
    restock: bool | None = None

    @property
    def quantity(self) -> int:
        """How many units."""
        return len(self.units)

    @property
    def undecided(self) -> int:
        """Units without a verdict."""
        return self.quantity - self.accepted - self.rejected

    def worth(self, count: int) -> int:
        """What the first `count` units were paid."""
        return self.total if count == self.quantity else self.price * count


@dataclass(slots=True)
class Refund:
    """Money for the shopper, in minor units; an adjustment stands beside what the return itself came to."""

    id: str
    amount: int
    method: str
    status: str
    created_at: datetime
    external_id: str | None = None
    adjustment: bool = False


@dataclass(slots=True)
class Return:
    """One return, or transaction as Reveni says."""

    id: str
    order: Json  # the shop's order as it was read
    order_uid: str
    created_at: datetime
    updated_at: datetime
    instant: bool
    method: str
    status: str = "IN_PROGRESS"
    sandbox: bool = False
    rows: list[Row] = field(default_factory=list)
    fees: int = 0
    bonuses: int = 0
    shipping: int = 0
    withhold: bool = False
    refunds: list[Refund] = field(default_factory=list)
    exchange_order: Json | None = None  # {external_id, number, total (minor), status}
    delivery: Json | None = None
    final_at: datetime | None = None
    settled: bool = False  # its refund and new order were made, or nothing was due
    told_shop: set[tuple[str, int]] = field(default_factory=set)  # units the shop's refunds have taken

    @property
    def currency(self) -> str:
        """The order's currency, in which all amounts of the return are."""
        return currencies_of(self.order)["presentment"]

    @property
    def order_id(self) -> str:
        """The shop's order id."""
        return str(self.order["id"])

    @property
    def kind(self) -> str:
        """refund, exchange or mixed."""
        exchanged = {row.wanted is not None for row in self.rows}
        return "mixed" if len(exchanged) == 2 else "exchange" if True in exchanged else "refund"

    @property
    def decided(self) -> bool:
        """Whether any unit has a verdict."""
        return any(row.accepted or row.rejected for row in self.rows)


@dataclass(frozen=True, slots=True)
class Summary:
    """`summary`, minor units: total = products - new_products - fees + bonuses + shipping (§6)."""

    products: int
    new_products: int
    fees: int
    bonuses: int
    shipping: int

    @property
    def total(self) -> int:
        """What the shopper gets; negative is what the shopper pays."""
        return self.products - self.new_products - self.fees + self.bonuses + self.shipping


def summary(made: Return, face_value: bool = False) -> Summary:
    """The breakdown; once there are verdicts it counts accepted units only, unless the face value is asked for."""
    by_verdict = made.decided and not face_value
    counts = [(row, row.accepted if by_verdict else row.quantity) for row in made.rows]
    products = sum(row.worth(count) for row, count in counts)
    new_products = sum(row.wanted.price * count for row, count in counts if row.wanted)
    if not any(count for _, count in counts):
        return Summary(0, 0, 0, 0, 0)
    # A fee is only what can be kept back or charged for new goods.
    fees = made.fees if new_products else min(made.fees, products)
    return Summary(products, new_products, fees, made.bonuses, made.shipping)
