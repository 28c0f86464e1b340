"""How a return comes to be: the customer's choice of units, priced from the order Loop read from the shop.

Loop's per-unit money is its own: every unit carries its piece of the line's net and of each tax line, and the units of
a line are used up in order, across all returns of that line.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import count
from typing import Any

from counterfoil.portals.loop.sim.money import minor_of, of_unit, proportion
from counterfoil.portals.loop.sim.records import BOOKS, ExchangeLine, Json, Label, Line, LineMoney, Return, zero

OUTCOMES = ("refund", "store_credit", "exchange")


class Numbers:
    """Ids of returns, lines, exchange lines and shipments, the same on every run."""

    def __init__(self, first: int) -> None:
        self.returns = count(first)
        # eighteen digits, above 2^53, as Loop's ids can be (§1.10)
        self.lines = count(200_000_000_000_000_001)
        self.exchanges = count(61_000_001)
        self.shipments = count(7_100_001)
        self.gift_cards = count(550_900_001)
        self.refunds = count(880_000_000_001)


def parse_time(text: str) -> datetime:
    """Any of Loop's forms of a time (§5.6); without a zone it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def create(given: Json, order: Json, earlier: Iterable[Return], numbers: Numbers, now: datetime, style: str) -> Return:
    """A return from the control path's body and the order it is about; `earlier` are that order's other returns.

    Raises ValueError with a sentence.
    """
    created = parse_time(given["created_at"]) if given.get("created_at") else now
    outcome = given.get("outcome", "refund")
    if outcome not in OUTCOMES:
        raise ValueError(f"unknown outcome {outcome!r}; one of {', '.join(OUTCOMES)}")
    number = int(given.get("id") or next(numbers.returns))
    currency = str(order.get("currency", "GBP"))
    currencies = {"shop": currency, "presentment": str(order.get("presentment_currency") or currency)}
    made = Return(number, _loop_order_id(order), order, currencies, created, created, outcome)
    made.lines = _take(given.get("lines", []), order, list(earlier), numbers, created, style, currencies)
    _extras(made, given)
    _shipping(made, given)
    made.fee = _both(made, given.get("handling_fee", "0"))
    exchange = given.get("exchange") or []
    for item in exchange if isinstance(exchange, list) else [exchange]:
        _exchange(made, item, numbers)
    if made.outcome == "exchange" and not made.exchanges:
        raise ValueError("an exchange needs an `exchange` item")
    made.label = Label(updated_at=created, shipment_id=next(numbers.shipments))
    made.settle()
    return made


def _extras(made: Return, given: Json) -> None:
    made.state = "review" if given.get("review") else "open"
    made.gateways = list(given.get("refund_split") or [])
    made.overrides = dict(given.get("overrides") or {})
    made.reshop = bool(given.get("reshop"))
    made.is_gift = bool(given.get("is_gift_return"))
    made.rest_to = given.get("rest_to", "refund")
    made.destination_id = given.get("destination_id")
    made.bonus = minor_of(given.get("bonus", "0"), made.currencies["shop"])


def _loop_order_id(order: Json) -> int:
    """Loop's own number for the shop's order: another number, but the same every time."""
    digits = "".join(c for c in str(order["id"]) if c.isdigit()) or "0"
    return 30_000_000 + int(digits) % 10_000_000


def _amount(node: Json, name: str, book: str, currencies: dict[str, str]) -> int:
    """An amount of the shop's body in one book; a plain amount counts for both."""
    bag = node.get(f"{name}_set")
    text = bag[f"{book}_money"]["amount"] if bag else node.get(name, "0")
    return minor_of(text, currencies[book])


def _take(
    wanted: list[Json],
    order: Json,
    earlier: list[Return],
    numbers: Numbers,
    now: datetime,
    style: str,
    currencies: dict[str, str],
) -> list[Line]:
    """One Loop line per unit, from the first units of each order line that are still free."""
    lines: list[Line] = []
    for item in wanted:
        source = _order_line(order, item)
        free = _free_units(source, earlier, lines)
        quantity = int(item.get("quantity", 1))
        if quantity < 1 or quantity > len(free):
            raise ValueError(f"line item {source['id']}: {len(free)} units can be returned, not {quantity}")
        for unit in free[:quantity]:
            money = {book: _unit_money(order, source, unit, book, currencies, style) for book in BOOKS}
            lines.append(
                Line(
                    id=next(numbers.lines),
                    order_line=str(source["id"]),
                    unit=unit,
                    sku=str(source.get("sku") or ""),
                    money=money,
                    reason=item.get("reason", "Too small"),
                    parent_reason=item.get("parent_reason", "Size"),
                    comment=item.get("comment", "N/A"),
                    product_id=str(source.get("product_id") or 0),
                    variant_id=str(source.get("variant_id") or 0),
                    title=str(source.get("title") or source.get("sku") or ""),
                    barcode=str(source.get("barcode") or ""),
                    returned_at=now,
                )
            )
    if not lines:
        raise ValueError("a return needs at least one line")
    return lines


def _order_line(order: Json, item: Json) -> Json:
    for line in order["line_items"]:
        if str(line["id"]) == str(item.get("line_item_id")) or (item.get("sku") and line.get("sku") == item["sku"]):
            return dict(line)
    raise ValueError(f"line item {item.get('line_item_id') or item.get('sku')} is not on order {order['id']}")


def _free_units(source: Json, earlier: list[Return], lines: list[Line]) -> list[int]:
    """Units nobody returns or has been refunded for. Refunds made in the shop, past Loop, used the first free ones."""
    quantity = int(source["quantity"])
    same = [
        line
        for known in earlier
        if known.state not in ("cancelled", "expired")
        for line in known.active
        if line.order_line == str(source["id"])
    ]
    held = {line.unit for line in [*same, *[new for new in lines if new.order_line == str(source["id"])]]}
    gone = quantity - int(source.get("current_quantity", quantity))
    outside = max(0, gone - sum(line.in_shop for line in same))
    return [unit for unit in range(1, quantity + 1) if unit not in held][outside:]


def _unit_money(order: Json, source: Json, unit: int, book: str, currencies: dict[str, str], style: str) -> LineMoney:
    """Price, discount and tax of one unit.

    In a tax-included shop the price is shown without the tax, so that price - discount + tax is what the unit costs
    (§12 leaves this open; `tax_included_prices: "gross"` shows the shelf price and the tax inside it instead).
    """
    quantity = int(source["quantity"])
    price = _amount(source, "price", book, currencies)
    discounts = sum(_amount(part, "amount", book, currencies) for part in source.get("discount_allocations", []))
    net = of_unit(price * quantity - discounts, quantity, unit)
    taxes = [_amount(tax, "price", book, currencies) for tax in source.get("tax_lines", [])]
    tax = sum(of_unit(amount, quantity, unit) for amount in taxes)
    if order.get("taxes_included") and style == "net":
        return LineMoney(price - tax, price - net, tax)
    if order.get("taxes_included"):
        return LineMoney(price, price - net, 0)
    return LineMoney(price, price - net, tax)


def _both(made: Return, value: Any) -> dict[str, int]:
    """An amount of the shop's currency in both books, at the rate of the returned lines."""
    amount = minor_of(value or "0", made.currencies["shop"])
    if made.currencies["shop"] == made.currencies["presentment"]:
        return dict.fromkeys(BOOKS, amount)
    worth = {book: sum(line.money[book].value for line in made.lines) for book in BOOKS}
    return {"shop": amount, "presentment": proportion(amount, worth["presentment"], worth["shop"])}


def _shipping(made: Return, given: Json) -> None:
    """The shipping given back, its tax taken out of it in the proportion of the order's own shipping."""
    asked = _both(made, given.get("refund_shipping", "0"))
    if not asked["shop"]:
        return
    made.shipping, made.shipping_tax = zero(), zero()
    for book in BOOKS:
        net, tax = 0, 0
        for line in made.order.get("shipping_lines", []):
            parts = line.get("discount_allocations", [])
            net += _amount(line, "price", book, made.currencies)
            net -= sum(_amount(part, "amount", book, made.currencies) for part in parts)
            tax += sum(_amount(part, "price", book, made.currencies) for part in line.get("tax_lines", []))
        worth = net if made.order.get("taxes_included") else net + tax
        made.shipping_tax[book] = proportion(asked[book], tax, worth)
        made.shipping[book] = asked[book] - made.shipping_tax[book]


def _exchange(made: Return, item: Json, numbers: Numbers) -> None:
    """Add the new items of an exchange, one line each."""
    price, discount = _both(made, item["price"]), _both(made, item.get("discount", "0"))
    tax = _both(made, item.get("tax", "0"))
    for _ in range(int(item.get("quantity", 1))):
        made.exchanges.append(
            ExchangeLine(
                id=next(numbers.exchanges),
                sku=item["sku"],
                money={book: LineMoney(price[book], discount[book], tax[book]) for book in BOOKS},
                product_id=str(item.get("product_id", "0")),
                variant_id=str(item.get("variant_id", "0")),
                title=str(item.get("title", item["sku"])),
                out_of_stock=bool(item.get("out_of_stock")),
                resolution=item.get("out_of_stock_resolution", "refund") if item.get("out_of_stock") else None,
            )
        )
    made.native = made.native or bool(item.get("native"))


def ready_made(given: Json, numbers: Numbers, now: datetime, currency: str) -> Return:
    """A return of the world that is written as Loop shows it, with `line_items`. Raises ValueError, KeyError."""
    unit = str(given.get("currency", currency))
    order = {
        "id": given.get("provider_order_id", "0"),
        "name": given.get("order_name", "#1001"),
        "currency": unit,
        "email": given.get("customer", "robin@example.com"),
        "line_items": [],
    }
    created = parse_time(given["created_at"]) if given.get("created_at") else now
    number = int(given.get("id") or next(numbers.returns))
    updated = parse_time(given["updated_at"]) if given.get("updated_at") else created
    made = Return(number, _loop_order_id(order), order, dict.fromkeys(BOOKS, unit), created, updated)
    made.outcome = given.get("outcome", "exchange" if given.get("exchanges") else "refund")
    for position, row in enumerate(given["line_items"], 1):
        amounts = [minor_of(row.get(name) or "0", unit) for name in ("price", "discount", "tax")]
        line = Line(
            id=int(row.get("line_item_id") or next(numbers.lines)),
            order_line=str(row.get("provider_line_item_id", position)),
            unit=int(row.get("unit", position)),
            sku=str(row.get("sku", "")),
            money={book: LineMoney(*amounts) for book in BOOKS},
            reason=row.get("return_reason", "Too small"),
            parent_reason=row.get("parent_return_reason"),
            title=row.get("title", ""),
            returned_at=created,
        )
        made.lines.append(line)
    for item in given.get("exchanges", []):
        _exchange(made, item, numbers)
    _extras(made, given)
    made.fee = _both(made, given.get("handling_fee", "0"))
    made.shipping = _both(made, given.get("refund_shipping_total", given.get("refund_shipping", "0")))
    made.shipping_tax = _both(made, given.get("refund_shipping_tax_total", "0"))
    made.label = Label(
        status=given.get("label_status", "new"),
        carrier=given.get("carrier", "N/A"),
        tracking_number=str(given.get("tracking_number", "N/A")),
        updated_at=created,
        shipment_id=next(numbers.shipments),
    )
    made.refunds = list(given.get("refunds", []))
    made.settle()
    made.state = given.get("state", made.state)
    return made
