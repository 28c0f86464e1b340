"""The refund in the shape of webhooks and REST, of either version (shop sheet §4), and the transactions on it (§5).

Up to 2024-07 refunded shipping is an order adjustment with negative net and tax; from 2024-10 it is a list of its
own, whose subtotal may or may not contain the tax. Which reading is right is decided by the money identity of §4,
and said in a note; when nothing balances the reading of the shop's own kind of prices is taken and marked so.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.core.credit.attribution import half_up, shipping_worth
from counterfoil.core.credit.pricing import NOTHING, Books, MoneyRow, Pair, RefundRecord
from counterfoil.core.events import RefundedUnits, RefundState
from counterfoil.gateways.shopify.books import Currencies, pair, total
from counterfoil.gateways.shopify.orders import shipping_charge

STATES = {
    "success": RefundState.CONFIRMED,
    "pending": RefundState.PENDING,
    "awaiting_response": RefundState.PENDING,  # GraphQL's word (§5)
    "unknown": RefundState.PENDING,
    "failure": RefundState.FAILED,
    "error": RefundState.FAILED,
}


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """One refund transaction. `reference` is the gateway's own; `amount` is positive, in `currency`."""

    transaction: str
    order_ref: str | None
    gateway: str
    amount: int
    currency: str
    state: RefundState
    reference: str | None = None
    parent: str | None = None
    at: str | None = None


class Shipping(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `refund_shipping_lines`: its subtotal and, where the body says it, its tax.

    `sold` is the shipping line it refunds, as (price less discounts, tax), where the body repeats it.
    """

    subtotal: Pair
    tax: Pair | None
    sold: tuple[Pair, Pair] | None = None


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """One refund, as far as its own body tells. `goods` and `goods_tax` are None where a line has no subtotal."""

    ref: str
    order_ref: str | None
    created_at: str | None
    at: str | None
    units: tuple[RefundedUnits, ...]
    moved: tuple[Moved, ...]
    currency: str | None = None  # the customer's
    goods: Pair | None = NOTHING
    goods_tax: Pair = NOTHING
    old_shipping: Pair | None = None
    shipping: tuple[Shipping, ...] = ()
    duties: Pair | None = None
    discrepancy: Pair = NOTHING


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What refunded shipping comes to, and whether the identity of §4 holds with it (None: it cannot be checked)."""

    shipping: Pair | None
    balances: bool | None
    note: str | None = None


# --- reading the body -----------------------------------------------------------------------------------------------


def read_refund(refund: Fields, currencies: Currencies | None, of_order: str | None = None) -> Refund:
    """One refund body. Without `currencies` no amount in it has one, and only its units are read.

    `of_order` is the order it was found in, for refunds that do not name theirs.
    """
    ref, order_ref = refund.need("id"), refund.text("order_id") or of_order
    base = Refund(
        ref=ref,
        order_ref=order_ref,
        created_at=refund.moment("created_at") or refund.moment("processed_at"),
        at=refund.moment("processed_at") or refund.moment("created_at"),
        units=tuple(_units(line) for line in refund.each("refund_line_items")),
        moved=tuple(_refund_transactions(refund, currencies, order_ref)),
    )
    if currencies is None:
        return msgspec.structs.replace(base, goods=None)
    goods, goods_tax = _goods(refund, currencies)
    old_shipping, discrepancy = _adjustments(refund, currencies)
    return msgspec.structs.replace(
        base,
        currency=currencies.presentment,
        goods=goods,
        goods_tax=goods_tax,
        old_shipping=old_shipping,
        shipping=tuple(_shipping_row(line, currencies) for line in refund.each("refund_shipping_lines")),
        duties=_duties(refund, currencies),
        discrepancy=discrepancy,
    )


def _units(line: Fields) -> RefundedUnits:
    """Units of a line, which are consumed whatever the restock type and even without money (ATTR-1 rule 5)."""
    nested = line.child("line_item")
    ref = line.text("line_item_id") or (nested.text("id") if nested else None)
    quantity = line.whole("quantity")
    if ref is None:
        raise UnreadableError(f"{line.where('line_item_id')} is missing")
    if quantity is None or quantity < 0:
        raise UnreadableError(f"{line.where('quantity')} is {quantity!r} where a count is due")
    return RefundedUnits(order_line_ref=ref, quantity=quantity)


def _goods(refund: Fields, currencies: Currencies) -> tuple[Pair | None, Pair]:
    """Subtotal and tax of all lines, as the shop works them out; only the identity uses them."""
    goods, tax = NOTHING, NOTHING
    for line in refund.each("refund_line_items"):
        subtotal = pair(line, "subtotal", currencies)
        if subtotal is None:
            return None, NOTHING
        goods += subtotal
        tax += pair(line, "total_tax", currencies) or NOTHING
    return goods, tax


def _adjustments(refund: Fields, currencies: Currencies) -> tuple[Pair | None, Pair]:
    """Shipping of old bodies (negative amounts, turned positive), and the discrepancy with its own sign."""
    shipping: Pair | None = None
    discrepancy = NOTHING
    for row in refund.each("order_adjustments"):
        amount = (pair(row, "amount", currencies) or NOTHING) + (pair(row, "tax_amount", currencies) or NOTHING)
        if row.text("kind") == "shipping_refund":
            shipping = (shipping or NOTHING) - amount
        else:
            discrepancy += amount
    return shipping, discrepancy


def _shipping_row(line: Fields, currencies: Currencies) -> Shipping:
    subtotal = pair(line, "subtotal_amount", currencies)
    if subtotal is None:
        raise UnreadableError(f"{line.where('subtotal_amount_set')} is missing")
    sold = line.child("shipping_line")
    return Shipping(
        subtotal=subtotal,
        tax=pair(line, "tax_amount", currencies),
        sold=shipping_charge(sold, currencies) if sold and ("price" in sold or "price_set" in sold) else None,
    )


def _duties(refund: Fields, currencies: Currencies) -> Pair | None:
    """Duties at the listed amount (ATTR-1 rule 7): the refund's total, else the sum of its rows."""
    whole = pair(refund, "total_duties", currencies)
    if whole:
        return whole
    if any("amount_set" in row or "amount" in row for row in refund.each("duties")):
        return total(refund, "duties", "amount", currencies) or None
    return None


def _refund_transactions(refund: Fields, currencies: Currencies | None, order_ref: str | None) -> Iterator[Moved]:
    for row in refund.each("transactions"):
        if (row.text("kind") or "").lower() == "refund":
            yield read_transaction(row, currencies, order_ref)


def read_transaction(row: Fields, currencies: Currencies | None = None, order_ref: str | None = None) -> Moved:
    """One transaction; its amount is in its own currency, which is the customer's in two-currency orders (§5).

    Where it is in the shop's currency all the same and its set gives both, the customer's amount is taken; it is
    never converted.
    """
    currency = (row.text("currency") or (currencies.presentment if currencies else "")).upper()
    if not currency:
        raise UnreadableError(f"{row.where('currency')} is missing")
    both = pair(row, "amount", currencies) if currencies and row.child("amount_set") else None
    if both is not None and currencies is not None:
        amount: int | None = both.presentment
        currency = currencies.presentment
    else:
        amount = row.amount("amount", currency)
    if amount is None:
        raise UnreadableError(f"{row.where('amount')} is missing")
    status = (row.text("status") or "").lower()
    if status not in STATES:
        raise UnreadableError(f"{row.where('status')} is {status!r}, which is no transaction status")
    return Moved(
        transaction=row.need("id"),
        order_ref=row.text("order_id") or order_ref,
        gateway=row.text("gateway") or "unknown",
        amount=abs(amount),
        currency=currency,
        state=STATES[status],
        reference=row.text("authorization"),
        parent=row.text("parent_id"),
        at=row.moment("processed_at") or row.moment("created_at"),
    )


# --- shipping, and the identity -------------------------------------------------------------------------------------


def settle(refund: Refund, included: bool, books: Books | None = None) -> Settled:
    """What the refunded shipping comes to, tax included, by the reading that makes the shop's figures add up (§4).

    The identity is checked in the customer's book, against the money that succeeded, or that is under way.
    """
    readings = list(_readings(refund, included, books))
    if refund.goods is None:
        return Settled(shipping=readings[0][0], balances=None)
    goods = refund.goods if included else refund.goods + refund.goods_tax
    rest = goods + (refund.duties or NOTHING) - refund.discrepancy
    success = sum(row.amount for row in refund.moved if row.state is RefundState.CONFIRMED)
    under_way = sum(row.amount for row in refund.moved if row.state is RefundState.PENDING)
    for money in dict.fromkeys((success, success + under_way)):
        for shipping, words in readings:
            if (rest + (shipping or NOTHING)).presentment == money:
                note = f"Refund {refund.ref}: the figures balance with refunded shipping {words}." if words else None
                return Settled(shipping=shipping, balances=True, note=note)
    if not (refund.moved and _checkable(refund, books)):
        return Settled(shipping=readings[0][0], balances=None)
    note = f"Refund {refund.ref}: the shop's own lines, shipping, duties and discrepancy do not add up to its money."
    return Settled(shipping=readings[0][0], balances=False, note=note)


def _checkable(refund: Refund, books: Books | None) -> bool:
    """Whether the tax of refunded shipping is known, so that figures that do not balance mean something."""
    if any(row.currency != refund.currency for row in refund.moved):
        return False
    return books is not None or all(row.tax is not None or row.sold is not None for row in refund.shipping)


def _readings(refund: Refund, included: bool, books: Books | None) -> Iterator[tuple[Pair | None, str]]:
    """The possible values of the refunded shipping, the likeliest first, each in words."""
    if not refund.shipping:
        yield refund.old_shipping, ""
        return
    net = sum((row.subtotal for row in refund.shipping), refund.old_shipping or NOTHING)
    tax = sum((_tax_of(row, included, books) for row in refund.shipping), NOTHING)
    inside, on_top = (net, "read as containing its tax"), (net + tax, "read as without its tax")
    yield from (inside, on_top) if included else (on_top, inside)
    if tax and any(row.tax is None for row in refund.shipping):
        # the tax is ours, in proportion; the refund that empties the shipping takes what is left, a unit more or less
        for unit in (Pair(1, 1), Pair(-1, -1)):
            yield net + tax + unit, "read as without its tax, to the nearest minor unit"


def _tax_of(row: Shipping, included: bool, books: Books | None) -> Pair:
    """The tax that belongs to a subtotal without tax.

    REST bodies do not say it (GraphQL does); then it is the shipping line's tax in proportion, half up as in ATTR-1
    rule 6, or the order's when the body does not repeat the line.
    """
    if row.tax is not None:
        return row.tax
    if row.sold is not None:
        price, tax = row.sold
    elif books is not None:
        (shop, shop_tax), (theirs, their_tax) = shipping_worth(books.shop), shipping_worth(books.presentment)
        price, tax = Pair(shop, theirs), Pair(shop_tax, their_tax)
        included = True  # what the whole shipping is worth contains its tax
    else:
        return NOTHING
    without = price - tax if included else price
    return Pair(
        _proportion(tax.shop, row.subtotal.shop, without.shop),
        _proportion(tax.presentment, row.subtotal.presentment, without.presentment),
    )


def _proportion(tax: int, part: int, whole: int) -> int:
    return half_up(tax * part, whole) if tax > 0 and whole > 0 and part > 0 else 0


# --- for pricing ----------------------------------------------------------------------------------------------------


def record_of(refund: Refund, books: Books) -> RefundRecord:
    """The refund as pricing wants it. Raises UnreadableError for money that is not in the customer's currency."""
    settled = settle(refund, books.shop.taxes_included, books)
    return RefundRecord(
        ref=refund.ref,
        order_ref=refund.order_ref,
        created_at=refund.created_at,
        units=refund.units,
        shipping=settled.shipping,
        duties=refund.duties,
        money=tuple(money_row(row, books) for row in refund.moved),
        notes=(settled.note,) if settled.note else (),
        balances=settled.balances,
    )


def payment_record(moved: Moved, books: Books) -> RefundRecord:
    """A refund transaction that came by itself, as pricing wants it: money without goods."""
    return RefundRecord(
        ref=moved.transaction,
        order_ref=moved.order_ref,
        created_at=moved.at,
        money=(money_row(moved, books),),
        paid_alone=True,
    )


def money_row(moved: Moved, books: Books) -> MoneyRow:
    """One transaction as pricing wants it: in the customer's currency, or not at all."""
    if moved.currency != books.presentment.currency:
        paid = books.presentment.currency
        raise UnreadableError(f"transaction {moved.transaction} is in {moved.currency}, but the customer paid {paid}")
    return MoneyRow(
        ref=moved.transaction,
        gateway=moved.gateway,
        amount=moved.amount,
        succeeded=moved.state is RefundState.CONFIRMED,
    )
