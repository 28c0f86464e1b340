"""Amounts as the shop writes them: a plain figure in the shop's currency, and a `_set` with both books (sheet §3)."""

from __future__ import annotations

from typing import NamedTuple

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.core.credit.pricing import NOTHING, Pair
from counterfoil.core.money import MoneyError, exponent


class Currencies(NamedTuple):
    """The shop's currency and the customer's."""

    shop: str
    presentment: str


def order_currencies(order: Fields) -> Currencies:
    """The two currencies of an order; the customer's is the shop's where nothing says otherwise."""
    shop = _code(order, "currency")
    if shop is None:
        raise UnreadableError(f"{order.where('currency')} is missing")
    named = _code(order, "presentment_currency")
    return Currencies(shop, named or _seen_in(order, "total_price_set", "presentment_money") or shop)


def refund_currencies(refund: Fields) -> Currencies | None:
    """The currencies of a refund, which never says them outright: from its sets, else from its transactions.

    None when no amount in it names a currency.
    """
    shop, presentment = _from_sets(refund)
    moved = next((code for row in refund.each("transactions") if (code := _code(row, "currency"))), None)
    shop, presentment = shop or presentment or moved, presentment or moved or shop
    return Currencies(shop, presentment) if shop and presentment else None


def _from_sets(refund: Fields) -> tuple[str | None, str | None]:
    bags = [(refund, "total_duties_set")]
    bags += [(line, "subtotal_set") for line in refund.each("refund_line_items")]
    bags += [(line, "subtotal_amount_set") for line in refund.each("refund_shipping_lines")]
    bags += [(line, "amount_set") for name in ("order_adjustments", "duties") for line in refund.each(name)]
    found = [tuple(_seen_in(where, name, book) for book in ("shop_money", "presentment_money")) for where, name in bags]
    shop = next((codes[0] for codes in found if codes[0]), None)
    return shop, next((codes[1] for codes in found if codes[1]), None)


def _seen_in(fields: Fields, name: str, book: str) -> str | None:
    bag = fields.child(name)
    money = bag.child(book) if bag else None
    return _code(money, "currency_code") if money else None


def _code(fields: Fields, name: str) -> str | None:
    """A currency code that ISO 4217 knows. Raises UnreadableError for any other."""
    code = fields.text(name)
    if code is None:
        return None
    try:
        exponent(code.upper())
    except MoneyError as error:
        raise UnreadableError(f"{fields.where(name)}: {error}") from None
    return code.upper()


def pair(fields: Fields, name: str, currencies: Currencies) -> Pair | None:
    """An amount in both books: from `{name}_set`, else from the plain field when there is only one currency.

    None when the amount is not there at all. Raises UnreadableError when only one of two books is given, or when a
    set is in other currencies than the order.
    """
    bag = fields.child(f"{name}_set")
    if bag is not None:
        shop = _side(bag, "shop_money", currencies.shop)
        presentment = _side(bag, "presentment_money", currencies.presentment)
        if currencies.shop == currencies.presentment:
            shop, presentment = _either(shop, presentment), _either(presentment, shop)
        if shop is None or presentment is None:
            raise UnreadableError(f"{bag.path} does not give both {currencies.shop} and {currencies.presentment}")
        return Pair(shop, presentment)
    plain = fields.amount(name, currencies.shop)
    if plain is None:
        return None
    if currencies.shop != currencies.presentment:
        given, missing = currencies
        raise UnreadableError(f"{fields.where(name)} is only given in {given}, not in {missing}")
    return Pair(plain, plain)


def _either(first: int | None, second: int | None) -> int | None:
    return second if first is None else first


def _side(bag: Fields, book: str, currency: str) -> int | None:
    money = bag.child(book)
    if money is None:
        return None
    code = _code(money, "currency_code")
    if code not in (None, currency):
        raise UnreadableError(f"{money.path} is in {code} where {currency} is due")
    return money.amount("amount", currency)


def need_pair(fields: Fields, name: str, currencies: Currencies) -> Pair:
    """An amount that must be there."""
    found = pair(fields, name, currencies)
    if found is None:
        raise UnreadableError(f"{fields.where(name)} is missing")
    return found


def total(fields: Fields, list_name: str, name: str, currencies: Currencies) -> Pair:
    """The sum of one amount over the objects of a list; each must have it."""
    return sum((need_pair(item, name, currencies) for item in fields.each(list_name)), NOTHING)
