"""Orders of the simulated shop: filling in what a world left out, and what units and shipping are worth.

Orders are kept in the REST shape webhooks use (shop sheet §3), so that a world can hold real-looking bodies. Every
amount exists in two books, the shop's and the customer's (presentment); nothing is converted between them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from counterfoil.gateways.shopify.sim.money import to_minor, to_text, unit_share
from counterfoil.gateways.shopify.sim.wire import gid, stamp

Json = dict[str, Any]
BOOKS = ("shop", "presentment")


class Ids:
    """Numbers for new records, one series per kind, the same on every run."""

    _FIRST: ClassVar[dict[str, int]] = {
        "order": 5_600_000_000_001,
        "order_number": 1001,
        "line": 13_800_000_000_001,
        "shipping": 4_400_000_000_001,
        "refund": 900_000_000_001,
        "refund_line": 710_000_000_001,
        "refund_shipping": 720_000_000_001,
        "adjustment": 730_000_000_001,
        "transaction": 6_700_000_000_001,
        "tender": 480_000_000_001,
        "webhook": 1_200_000_000_001,
        "product": 8_100_000_000_001,
        "variant": 44_100_000_000_001,
    }

    def __init__(self) -> None:
        self._count: dict[str, int] = defaultdict(int)

    def next(self, kind: str) -> int:
        """The next number of a kind."""
        self._count[kind] += 1
        return self._FIRST[kind] + self._count[kind] - 1


@dataclass(frozen=True, slots=True)
class Share:
    """What some units of a line are worth in one book, in minor units: after discounts, and the tax on it."""

    net: int
    tax: int

    def value(self, taxes_included: bool) -> int:
        """The money these units stand for."""
        return self.net if taxes_included else self.net + self.tax


def currency(order: Json, book: str) -> str:
    """ISO currency of a book of this order."""
    return str(order["currency"] if book == "shop" else order["presentment_currency"])


def minor(order: Json, node: Json, field: str, book: str) -> int:
    """An amount of a node (line, allocation, tax line …) in one book, in minor units."""
    return to_minor(node[f"{field}_set"][f"{book}_money"]["amount"], currency(order, book))


def bag(order: Json, amounts: dict[str, int]) -> Json:
    """A `*_set` of both books from minor units."""
    return {
        f"{book}_money": {
            "amount": to_text(amounts[book], currency(order, book)),
            "currency_code": currency(order, book),
        }
        for book in BOOKS
    }


def line_of(order: Json, line_item_id: Any) -> Json | None:
    """The order line with this id, given as number or text."""
    return next((line for line in order["line_items"] if str(line["id"]) == str(line_item_id)), None)


def line_share(order: Json, line: Json, book: str, first: int, count: int) -> Share:
    """What units `first` … `first + count - 1` of a line are worth: net and each tax line are split on their own."""
    quantity = line["quantity"]
    discount = sum(minor(order, part, "amount", book) for part in line["discount_allocations"])
    net = minor(order, line, "price", book) * quantity - discount
    taxes = [minor(order, tax, "price", book) for tax in line["tax_lines"]]
    return Share(unit_share(net, quantity, first, count), sum(unit_share(tax, quantity, first, count) for tax in taxes))


def shipping_share(order: Json, line: Json, book: str) -> Share:
    """What a shipping line is worth after its discounts, and its tax."""
    discount = sum(minor(order, part, "amount", book) for part in line["discount_allocations"])
    tax = sum(minor(order, part, "price", book) for part in line["tax_lines"])
    return Share(minor(order, line, "price", book) - discount, tax)


def order_value(order: Json, book: str) -> int:
    """What the whole order costs, from its lines and shipping."""
    shares = [line_share(order, line, book, 1, line["quantity"]) for line in order["line_items"]]
    shares += [shipping_share(order, line, book) for line in order["shipping_lines"]]
    return sum(share.value(order["taxes_included"]) for share in shares)


def complete(raw: Json, ids: Ids, now: datetime, shop_currency: str) -> Json:
    """The order with everything the sheet lists filled in. Raises ValueError for what cannot be guessed."""
    number = raw.get("order_number") or ids.next("order_number")
    order_id = int(raw.get("id") or ids.next("order"))
    book_currency = raw.get("currency") or shop_currency
    order: Json = {
        "id": order_id,
        "admin_graphql_api_id": gid("Order", order_id),
        "name": f"#{number}",
        "order_number": number,
        "currency": book_currency,
        "presentment_currency": book_currency,
        "taxes_included": False,
        "created_at": stamp(now),
        "updated_at": raw.get("created_at") or stamp(now),
        "processed_at": raw.get("created_at") or stamp(now),
        "cancelled_at": None,
        "closed_at": None,
        "financial_status": "paid",
        "fulfillment_status": "fulfilled",
        "email": "robin@example.com",
        "tags": "",
        "note": None,
        "note_attributes": [],
        "source_name": "web",
        "discount_applications": [],
        "discount_codes": [],
        "customer": {
            "id": 7_000_000_000_001,
            "email": "robin@example.com",
            "first_name": "Robin",
            "last_name": "Example",
        },
        "shipping_address": dict(_ADDRESS),
        "billing_address": dict(_ADDRESS),
        "test": False,
        **raw,
    }
    order["id"] = order_id
    order["line_items"] = [_complete_line(order, dict(line), ids) for line in raw.get("line_items", [])]
    order["shipping_lines"] = [_complete_shipping(order, dict(line), ids) for line in raw.get("shipping_lines", [])]
    order["refunds"] = []
    order.pop("transactions", None)
    order.pop("payments", None)
    _total(order)
    return order


_ADDRESS = {
    "name": "Robin Example",
    "address1": "1 Example Street",
    "address2": None,
    "city": "Leeds",
    "zip": "LS1 1AA",
    "province": None,
    "country": "United Kingdom",
    "country_code": "GB",
    "phone": None,
}


def _complete_line(order: Json, line: Json, ids: Ids) -> Json:
    filled: Json = {
        "id": line.get("id") or ids.next("line"),
        "variant_id": line.get("variant_id") or ids.next("variant"),
        "product_id": line.get("product_id") or ids.next("product"),
        "sku": "",
        "title": line.get("sku") or "Example article",
        "quantity": 1,
        "price": "0.00",
        "gift_card": False,
        "requires_shipping": True,
        "taxable": True,
        "fulfillable_quantity": 0,
        "fulfillment_status": "fulfilled",
        "properties": [],
        "total_discount": to_text(0, order["currency"]),
        "discount_allocations": [],
        "tax_lines": [],
        "duties": [],
        **line,
    }
    filled["current_quantity"] = filled["quantity"]
    filled.setdefault("name", filled["title"])
    filled["admin_graphql_api_id"] = gid("LineItem", filled["id"])
    _with_set(order, filled, "price")
    _complete_parts(order, filled)
    for duty in filled["duties"]:
        duty.setdefault("tax_lines", [])
        _with_set(order, duty, "price")
    return filled


def _complete_shipping(order: Json, line: Json, ids: Ids) -> Json:
    filled: Json = {
        "id": line.get("id") or ids.next("shipping"),
        "code": "standard",
        "title": "Standard delivery",
        "price": "0.00",
        "discount_allocations": [],
        "tax_lines": [],
        **line,
    }
    _with_set(order, filled, "price")
    _complete_parts(order, filled)
    net = {book: shipping_share(order, filled, book).net for book in BOOKS}
    filled["discounted_price"] = to_text(net["shop"], order["currency"])
    filled["discounted_price_set"] = bag(order, net)
    return filled


def _complete_parts(order: Json, line: Json) -> None:
    for allocation in line["discount_allocations"]:
        allocation.setdefault("discount_application_index", 0)
        _with_set(order, allocation, "amount")
    for tax in line["tax_lines"]:
        tax.setdefault("title", "VAT")
        _with_set(order, tax, "price")


def _with_set(order: Json, node: Json, field: str) -> None:
    """Give a plain amount its two books. Only a one-currency order can do without the `*_set` in the world."""
    if f"{field}_set" in node:
        node.setdefault(field, node[f"{field}_set"]["shop_money"]["amount"])
        return
    if order["currency"] != order["presentment_currency"]:
        raise ValueError(f"order {order['name']}: {field!r} needs a {field}_set, its books have different currencies")
    amount = to_minor(node[field], order["currency"])
    node[f"{field}_set"] = bag(order, dict.fromkeys(BOOKS, amount))
    node[field] = to_text(amount, order["currency"])


def _total(order: Json) -> None:
    """The order's totals and their `current_*` twins, unless the world states them."""
    figures = {book: _figures(order, book) for book in BOOKS}
    one_currency = order["currency"] == order["presentment_currency"]
    for name in figures["shop"]:
        for key in (name, f"current_{name}"):
            amounts = {book: figures[book][name] for book in BOOKS}
            if one_currency and key in order:
                amounts = dict.fromkeys(BOOKS, to_minor(order[key], order["currency"]))
            order.setdefault(key, to_text(amounts["shop"], order["currency"]))
            order.setdefault(f"{key}_set", bag(order, amounts))


def _figures(order: Json, book: str) -> dict[str, int]:
    lines = [(line, line_share(order, line, book, 1, line["quantity"])) for line in order["line_items"]]
    shipping = [shipping_share(order, line, book) for line in order["shipping_lines"]]
    gross = sum(minor(order, line, "price", book) * line["quantity"] for line, _ in lines)
    nodes = [*order["line_items"], *order["shipping_lines"]]
    return {
        "subtotal_price": sum(share.net for _, share in lines),
        "total_line_items_price": gross,
        "total_discounts": sum(minor(order, part, "amount", book) for n in nodes for part in n["discount_allocations"]),
        "total_tax": sum(share.tax for _, share in lines) + sum(share.tax for share in shipping),
        "total_price": order_value(order, book),
    }


def remaining_units(line: Json) -> int:
    """Units of a line no refund has taken yet."""
    return int(line["current_quantity"])


def retotal(order: Json) -> None:
    """Bring the `current_*` figures in line with the units that are left (they fall as refunds happen, §3)."""
    for name in ("subtotal_price", "total_tax", "total_price"):
        left = {book: _left(order, book)[name] for book in BOOKS}
        order[f"current_{name}"] = to_text(left["shop"], order["currency"])
        order[f"current_{name}_set"] = bag(order, left)


def _left(order: Json, book: str) -> dict[str, int]:
    shares = []
    for line in order["line_items"]:
        left = remaining_units(line)
        shares.append(line_share(order, line, book, line["quantity"] - left + 1, left) if left else Share(0, 0))
    shipping = [shipping_share(order, line, book) for line in order["shipping_lines"]]
    included = order["taxes_included"]
    return {
        "subtotal_price": sum(share.net for share in shares),
        "total_tax": sum(share.tax for share in [*shares, *shipping]),
        "total_price": sum(share.value(included) for share in [*shares, *shipping]),
    }
