"""The order in the shape of webhooks and REST, read into both books (shop sheet §3).

Allocated discounts are taken as the shop gives them, for the full ordered quantity; `total_discount` is ignored, as
the sheet warns. An order read by GraphQL passes through here too, put into this shape by `graph.py` first.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.adapterkit.signing import digest
from counterfoil.core.credit.pricing import NOTHING, Books, Pair
from counterfoil.core.events import OrderSeen
from counterfoil.core.orders import Payment, SoldLine, SoldOrder, SoldShipping
from counterfoil.gateways.shopify.books import Currencies, need_pair, order_currencies, pair, total
from counterfoil.gateways.shopify.bundles import recipe_of


def read_order(order: Fields) -> Books:
    """One order in the shop's book and in the customer's. Raises UnreadableError with the field and the reason."""
    currencies = order_currencies(order)
    included = order.flag("taxes_included")
    if included is None:
        raise UnreadableError(f"{order.where('taxes_included')} is missing")
    lines = [_line(line, currencies) for line in order.each("line_items")]
    refs = [shop.line_ref for shop, _ in lines]
    if len(set(refs)) != len(refs):
        raise UnreadableError(f"{order.where('line_items')} names one line twice")
    shipping = [_shipping(line, i, currencies) for i, line in enumerate(order.each("shipping_lines"))]
    payments = _payments(order, currencies)

    def book(currency: str, side: int) -> SoldOrder:
        return SoldOrder(
            order_ref=order.need("id"),
            name=order.text("name") or f"#{order.text('order_number') or order.need('id')}",
            currency=currency,
            taxes_included=included,
            lines=tuple(line[side] for line in lines),
            shipping=tuple(part[side] for part in shipping),
            # payments are made in the customer's currency, so only that book can hold them
            payments=payments if side or currencies.shop == currencies.presentment else (),
            placed_at=order.moment("processed_at") or order.moment("created_at"),
            country=_country(order),
            customer=_customer(order),
            address_mismatch=_address_mismatch(order),
            customer_tags=_customer_tags(order),
        )

    return Books(shop=book(currencies.shop, 0), presentment=book(currencies.presentment, 1))


def _line(line: Fields, currencies: Currencies) -> tuple[SoldLine, SoldLine]:
    quantity = line.whole("quantity")
    if quantity is None or quantity < 0:
        raise UnreadableError(f"{line.where('quantity')} is {quantity!r} where a count is due")
    price = need_pair(line, "price", currencies)
    discount = total(line, "discount_allocations", "amount", currencies)
    taxes = [need_pair(tax, "price", currencies) for tax in line.each("tax_lines")]

    def book(side: Callable[[Pair], int], currency: str) -> SoldLine:
        return SoldLine(
            line_ref=line.need("id"),
            sku=line.text("sku"),
            quantity=quantity,
            gross=side(price) * quantity,
            discount=side(discount),
            taxes=tuple(side(tax) for tax in taxes),
            title=line.text("title") or "",
            gift_card=line.flag("gift_card") or False,
            components=recipe_of(line, currency),
        )

    return book(_shop, currencies.shop), book(_presentment, currencies.presentment)


def _shipping(line: Fields, index: int, currencies: Currencies) -> tuple[SoldShipping, SoldShipping]:
    price = need_pair(line, "price", currencies)
    discount = _shipping_discount(line, price, currencies)
    tax = total(line, "tax_lines", "price", currencies)

    def book(side: Callable[[Pair], int]) -> SoldShipping:
        return SoldShipping(
            ref=line.text("id") or f"shipping-{index + 1}", price=side(price), discount=side(discount), tax=side(tax)
        )

    return book(_shop), book(_presentment)


def _shipping_discount(line: Fields, price: Pair, currencies: Currencies) -> Pair:
    """What was taken off a shipping charge: its allocations; without any list of them, what its own prices show."""
    if line.raw("discount_allocations") is not None:
        return total(line, "discount_allocations", "amount", currencies)
    discounted = pair(line, "discounted_price", currencies)
    return NOTHING if discounted is None else price - discounted


def shipping_charge(line: Fields, currencies: Currencies) -> tuple[Pair, Pair]:
    """A shipping line as (price less its discounts, its tax)."""
    price = need_pair(line, "price", currencies)
    return price - _shipping_discount(line, price, currencies), total(line, "tax_lines", "price", currencies)


def _payments(order: Fields, currencies: Currencies) -> tuple[Payment, ...]:
    """Money taken, per gateway, where the body lists transactions (an API read does, a webhook does not)."""
    taken: dict[str, int] = {}
    for row in order.each("transactions"):
        paid = row.text("kind") in ("sale", "capture") and row.text("status") == "success"
        if paid and row.text("currency") in (None, currencies.presentment):
            gateway = row.text("gateway") or "unknown"
            taken[gateway] = taken.get(gateway, 0) + (row.amount("amount", currencies.presentment) or 0)
    return tuple(Payment(gateway=gateway, amount=amount) for gateway, amount in taken.items())


def _country(order: Fields) -> str | None:
    for name in ("shipping_address", "billing_address"):
        address = order.child(name)
        code = address.text("country_code") if address else None
        if code:
            return code
    return None


def _customer(order: Fields) -> str | None:
    """A pseudonym of the shop's customer number. Names, mail addresses and the number itself go no further."""
    customer = order.child("customer")
    number = customer.text("id") if customer else None
    return digest("shopify customer", number)[:32] if number else None


def _address_mismatch(order: Fields) -> bool | None:
    """Whether goods went elsewhere than the bill (R86), by postal code and country; the addresses go no further."""
    places = []
    for name in ("shipping_address", "billing_address"):
        address = order.child(name)
        country = address.text("country_code") if address else None
        code = address.text("zip") if address else None
        if country is None or code is None:
            return None
        places.append((country.upper(), "".join(code.split()).upper()))
    return places[0] != places[1]


def _customer_tags(order: Fields) -> tuple[str, ...]:
    """The shop's own words for the customer, such as "vip"; a webhook lists them in one text."""
    customer = order.child("customer")
    said = (customer.text("tags") if customer else None) or ""
    return tuple(tag.strip() for tag in said.split(",") if tag.strip())


def _shop(amounts: Pair) -> int:
    return amounts.shop


def _presentment(amounts: Pair) -> int:
    return amounts.presentment


def order_seen(order: Fields) -> OrderSeen:
    """The order as a fact. Its key changes with what was sold, and is the same by webhook and by API.

    Payments, the customer with its tags and the country are left out of the key: a webhook does not tell the first, the
    API only tells the others to apps that may see personal data.
    """
    books = read_order(order)
    sold = [
        msgspec.structs.replace(book, payments=(), country=None, customer_tags=(), customer=None, address_mismatch=None)
        for book in (books.shop, books.presentment)
    ]
    content = digest(*(msgspec.json.encode(book) for book in sold))
    return OrderSeen(
        key=f"shopify/order/{books.shop.order_ref}/{content[:32]}",
        occurred_at=order.moment("updated_at") or order.moment("created_at"),
        order=books.shop,
        presentment=None if books.shop.currency == books.presentment.currency else books.presentment,
    )
