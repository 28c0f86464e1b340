"""What comes back in the week, and in what state: every choice drawn from the seed, troubles included."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import cycle
from typing import Any

from counterfoil.core.money import to_text
from counterfoil.demo.goods import CURRENCY, PRODUCTS, line_money
from counterfoil.demo.portals import PlayedPortal

Json = dict[str, Any]

REASONS = (
    ("Too small", 30),
    ("Too large", 24),
    ("Changed my mind", 20),
    ("Not as described", 12),
    ("Arrived damaged", 8),
    ("Wrong item sent", 6),
)
FOUND = (("sellable", 74), ("refurbish", 9), ("quarantine", 6), ("damaged", 8), ("dispose", 3))
CONDITIONS = {
    "sellable": ("new", "A"),
    "refurbish": ("worn", "B"),
    "quarantine": ("unknown", None),
    "damaged": ("damaged", "D"),
    "dispose": ("damaged", "D"),
}

# One trouble each, spread over the week: what a clerk would find on a Monday morning.
TROUBLES = (
    "unmapped_reason",
    "units_rejected",
    "empty_box",
    "wrong_item",
    "not_inspected",
    "value_falsified",
    "blind_parcel",
    "cancelled",
)
NEEDS_LOOP = ("value_falsified", "cancelled")  # what only one simulated portal can be made to do
# Bad luck that leaves nothing to see.
LUCK = ("duplicate", "parcel_first", "forged", "repeated_receipt")


@dataclass
class Trip:
    """One return: what the customer asks for, and what the warehouse finds."""

    number: int
    order: Json
    lines: list[Json]
    found: list[str]
    created_at: str
    outcome: str = "refund"
    fee: str = "0.00"
    refund_shipping: str = "0.00"
    trouble: str | None = None
    luck: str | None = None
    exchange: Json | None = None  # the new item the customer wants instead of money
    parcels: int = 1
    facts: Json = field(default_factory=dict)

    @property
    def units(self) -> int:
        """How many units the customer sends back."""
        return sum(line["quantity"] for line in self.lines)

    def price_of(self, sku: str) -> str:
        """What one unit of an item cost on the order."""
        return str(next(line["price"] for line in self.order["line_items"] if line["sku"] == sku))

    @property
    def tracking(self) -> str:
        """The parcel's tracking number."""
        return f"CFT{self.number:08d}GB"


def trips(orders: list[Json], count: int, seed: int, end: datetime, portal: PlayedPortal) -> list[Trip]:
    """`count` returns over the orders, some orders returned twice, in the order the customers ask."""
    rng = random.Random(f"week-{seed}")
    left = {order["id"]: {line["id"]: line["quantity"] for line in order["line_items"]} for order in orders}
    planned: list[Trip] = []
    while len(planned) < count:
        order = orders[len(planned) % len(orders)] if rng.random() < 0.9 else rng.choice(orders)
        lines = _choose(rng, order, left[order["id"]])
        if lines:
            planned.append(_trip(rng, len(planned) + 1, order, lines, end))
    if not portal.extras:
        for trip in planned:
            trip.outcome, trip.fee, trip.refund_shipping = "refund", "0.00", "0.00"
    _spread(planned, rng, portal)
    _exchange(planned, random.Random(f"exchanges-{seed}"), portal)
    return sorted(planned, key=lambda trip: trip.created_at)


def _choose(rng: random.Random, order: Json, left: dict[int, int]) -> list[Json]:
    """Some units of some lines that are still with the customer."""
    free = [line for line in order["line_items"] if left[line["id"]]]
    chosen = rng.sample(free, min(len(free), rng.choices((1, 2, 3), (72, 22, 6))[0])) if free else []
    reason = rng.choices([name for name, _ in REASONS], [weight for _, weight in REASONS])[0]
    lines = []
    for line in chosen:
        quantity = rng.randint(1, left[line["id"]])
        left[line["id"]] -= quantity
        lines.append({"line_item_id": line["id"], "sku": line["sku"], "quantity": quantity, "reason": reason})
    return lines


def _trip(rng: random.Random, number: int, order: Json, lines: list[Json], end: datetime) -> Trip:
    created = end - timedelta(days=7) + timedelta(seconds=rng.randint(0, 7 * 86_400 - 1))
    names, weights = [name for name, _ in FOUND], [weight for _, weight in FOUND]
    shipping = order["shipping_lines"]
    trip = Trip(
        number=number,
        order=order,
        lines=lines,
        found=rng.choices(names, weights, k=sum(line["quantity"] for line in lines)),
        created_at=created.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    draw = rng.random()
    if draw < 0.10:
        trip.outcome = "store_credit"
    elif draw < 0.18:
        trip.fee = "2.95"
    if shipping and all(line["reason"] == "Arrived damaged" for line in lines) and not order.get("shipping_back"):
        order["shipping_back"] = True
        trip.refund_shipping = "4.95" if order["taxes_included"] else "5.94"
    if trip.units > 1 and rng.random() < 0.25:
        trip.parcels = 2
    return trip


def _spread(planned: list[Trip], rng: random.Random, portal: PlayedPortal) -> None:
    """Troubles on a few returns, bad luck on a few more; the rest of the week is plain."""
    plain = [trip for trip in planned if trip.outcome == "refund" and trip.fee == "0.00" and trip.parcels == 1]
    rng.shuffle(plain)
    possible = [trouble for trouble in TROUBLES if portal.signs or trouble not in NEEDS_LOOP]
    wanted = possible if len(planned) >= 60 else possible[: len(planned) // 10]
    luck = [kind for kind in LUCK if portal.signs or kind != "forged"]
    for trouble in wanted:
        if plain:
            plain.pop().trouble = trouble
    for number, trip in enumerate(plain[: len(planned) // 8]):
        trip.luck = luck[number % len(luck)]


def _exchange(planned: list[Trip], rng: random.Random, portal: PlayedPortal) -> None:
    """A few plain returns of one unit are exchanged: for the same value, for dearer goods, for cheaper ones."""
    plain = [trip for trip in planned if _may_be_exchanged(trip)]
    rng.shuffle(plain)
    for trip, more in zip(plain[: max(1, len(planned) // 15)], cycle(portal.exchanges), strict=False):
        [line] = [line for line in trip.order["line_items"] if line["id"] == trip.lines[0]["line_item_id"]]
        _, _, value = line_money(line, trip.order["taxes_included"])
        price = max(value + more, value // 2)
        sku = rng.choice([sku for sku, _, _ in PRODUCTS if sku != line["sku"]])
        trip.outcome = "exchange"
        trip.exchange = {"sku": sku, "price": to_text(price, CURRENCY)}


def _may_be_exchanged(trip: Trip) -> bool:
    """Nothing else happens to it, and its one unit is a whole order line, so that its value is plain to see."""
    plain = trip.outcome == "refund" and trip.trouble is None and trip.luck is None
    kept = trip.fee == "0.00" and trip.refund_shipping == "0.00"
    whole = trip.units == 1 and any(
        line["id"] == trip.lines[0]["line_item_id"] and line["quantity"] == 1 for line in trip.order["line_items"]
    )
    return plain and kept and whole
