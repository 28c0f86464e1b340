"""What a portal knows of an order it read from the shop: which units can come back, and what was paid for each.

A portal splits a line's money itself: every unit carries its piece of the line's net and of each tax line, larger
pieces first, and the units of a line are used up in order across all returns. Amounts exist in two books, the shop's
currency and the customer's; nothing is converted between them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from counterfoil.simkit.amounts import minor_of, of_unit, proportion

Json = dict[str, Any]
BOOKS = ("shop", "presentment")
Books = dict[str, int]  # minor units per book


@dataclass(frozen=True, slots=True)
class Paid:
    """The money of one unit in one book, in minor units: shelf price, discount, tax (inside the price or on top)."""

    price: int
    discount: int
    tax: int
    included: bool

    @property
    def net(self) -> int:
        """Price after discount, as the shop shows it."""
        return self.price - self.discount

    @property
    def gross(self) -> int:
        """What the customer paid for the unit, tax inside."""
        return self.net if self.included else self.net + self.tax


@dataclass(frozen=True, slots=True)
class Bought:
    """One unit of an order line; `unit` counts from 1."""

    order_line: str
    unit: int
    sku: str
    title: str
    variant_title: str
    product_id: str
    variant_id: str
    barcode: str
    money: dict[str, Paid]


@dataclass(frozen=True, slots=True)
class Hold:
    """A unit another return has already; `in_shop` when the shop's own refund of it came from that return."""

    order_line: str
    unit: int
    in_shop: bool


def currencies_of(order: Json) -> dict[str, str]:
    """ISO currency of each book; an order that names none is in pounds."""
    shop = str(order.get("currency") or "GBP")
    return {"shop": shop, "presentment": str(order.get("presentment_currency") or shop)}


def order_line(order: Json, item: Json) -> Json:
    """The order line a request names by `line_item_id`, else by `sku`. Raises ValueError."""
    for line in order["line_items"]:
        if str(line["id"]) == str(item.get("line_item_id")):
            return dict(line)
    for line in order["line_items"]:
        if item.get("line_item_id") is None and item.get("sku") and line.get("sku") == item["sku"]:
            return dict(line)
    raise ValueError(f"line item {item.get('line_item_id') or item.get('sku')} is not on order {order['id']}")


def take(order: Json, item: Json, holds: Iterable[Hold]) -> list[Bought]:
    """The first free units of the line a request names. Raises ValueError when fewer are free than it wants."""
    line = order_line(order, item)
    free = _free(line, [hold for hold in holds if hold.order_line == str(line["id"])])
    quantity = int(item.get("quantity", 1))
    if quantity < 1 or quantity > len(free):
        raise ValueError(f"line item {line['id']}: {len(free)} units can be returned, not {quantity}")
    return [_bought(order, line, unit) for unit in free[:quantity]]


def _free(line: Json, holds: list[Hold]) -> list[int]:
    """Units nobody returns or was refunded for. Refunds made in the shop, past the portal, used the first free ones."""
    quantity = int(line["quantity"])
    gone = quantity - int(line.get("current_quantity", quantity))
    outside = max(0, gone - sum(hold.in_shop for hold in holds))
    held = {hold.unit for hold in holds}
    return [unit for unit in range(1, quantity + 1) if unit not in held][outside:]


def _bought(order: Json, line: Json, unit: int) -> Bought:
    return Bought(
        order_line=str(line["id"]),
        unit=unit,
        sku=str(line.get("sku") or ""),
        title=str(line.get("title") or line.get("sku") or ""),
        variant_title=str(line.get("variant_title") or ""),
        product_id=str(line.get("product_id") or 0),
        variant_id=str(line.get("variant_id") or 0),
        barcode=str(line.get("barcode") or ""),
        money={book: _paid(order, line, unit, book) for book in BOOKS},
    )


def _paid(order: Json, line: Json, unit: int, book: str) -> Paid:
    quantity = int(line["quantity"])
    price = _amount(order, line, "price", book)
    discounts = sum(_amount(order, part, "amount", book) for part in line.get("discount_allocations", []))
    net = of_unit(price * quantity - discounts, quantity, unit)
    taxes = [_amount(order, tax, "price", book) for tax in line.get("tax_lines", [])]
    tax = sum(of_unit(amount, quantity, unit) for amount in taxes)
    return Paid(price, price - net, tax, bool(order.get("taxes_included")))


def _amount(order: Json, node: Json, name: str, book: str) -> int:
    """An amount of the shop's body in one book; a plain amount counts for both."""
    bag = node.get(f"{name}_set")
    text = bag[f"{book}_money"]["amount"] if bag else node.get(name, "0")
    return minor_of(text, currencies_of(order)[book])


def shipping_paid(order: Json) -> Books:
    """What the customer paid for delivery, tax inside, per book."""
    worth = dict.fromkeys(BOOKS, 0)
    for book in BOOKS:
        for line in order.get("shipping_lines", []):
            parts = line.get("discount_allocations", [])
            worth[book] += _amount(order, line, "price", book)
            worth[book] -= sum(_amount(order, part, "amount", book) for part in parts)
            if not order.get("taxes_included"):
                worth[book] += sum(_amount(order, tax, "price", book) for tax in line.get("tax_lines", []))
    return worth


def order_worth(order: Json) -> Books:
    """What the whole order cost, delivery and tax inside, per book."""
    worth = shipping_paid(order)
    for line in order["line_items"]:
        for unit in range(1, int(line["quantity"]) + 1):
            for book in BOOKS:
                worth[book] += _paid(order, line, unit, book).gross
    return worth


def in_both(order: Json, amount: int) -> Books:
    """An amount of the customer's currency in both books, at the rate the whole order was paid at."""
    units = currencies_of(order)
    if units["shop"] == units["presentment"]:
        return dict.fromkeys(BOOKS, amount)
    worth = order_worth(order)
    return {"shop": proportion(amount, worth["shop"], worth["presentment"]), "presentment": amount}
