"""Refunds of the simulated shop: what a request takes from the order, and both versions of the body (sheet §4, §8).

The shop works out subtotal and tax of the refunded units itself; the money is what the request says. When the two
differ the refund gets a discrepancy: positive when the customer got less than the lines say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from counterfoil.gateways.shopify.sim.money import BadAmount, round_half_up, share_out, to_minor, to_text
from counterfoil.gateways.shopify.sim.orders import (
    BOOKS,
    Ids,
    Json,
    Share,
    bag,
    currency,
    line_of,
    line_share,
    minor,
    order_value,
    remaining_units,
    shipping_share,
)
from counterfoil.gateways.shopify.sim.wire import gid

OLD_VERSION = "2024-07"  # the last body with shipping as a negative adjustment is the one before 2024-10
RESTOCK_TYPES = ("no_restock", "cancel", "return", "legacy_restock")
NO_MONEY = {"shop": 0, "presentment": 0}


class Refusal(ValueError):
    """The shop refuses the refund; `field` is the part of the request it complains about (422)."""

    def __init__(self, about: str, message: str) -> None:
        super().__init__(message)
        self.field = about


@dataclass(slots=True)
class RefundedLine:
    """Some units of one order line, given back."""

    id: int
    line_item_id: int
    quantity: int
    restock_type: str
    location_id: int | None
    shares: dict[str, Share]


@dataclass(slots=True)
class RefundedShipping:
    """A part of one shipping line: the whole value given back, and the tax inside that value."""

    id: int
    shipping_line_id: int
    value: dict[str, int]
    tax: dict[str, int]


@dataclass(slots=True)
class Adjustment:
    """A difference between the lines and the money."""

    id: int
    reason: str
    amounts: dict[str, int]


@dataclass(slots=True)
class Refund:
    """One refund as the shop keeps it; `render` writes the body of either version."""

    id: int
    order_id: int
    created_at: str
    note: str | None
    user_id: int | None
    lines: list[RefundedLine] = field(default_factory=list)
    shipping: list[RefundedShipping] = field(default_factory=list)
    duties: list[tuple[int, dict[str, int]]] = field(default_factory=list)
    adjustments: list[Adjustment] = field(default_factory=list)
    transactions: list[Json] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Tender:
    """One transaction the request wants made, in minor units of the customer's currency."""

    parent: Json
    amount: int


def plan(order: Json, request: Json, earlier: list[Refund], transactions: list[Json], ids: Ids, now: str) -> Refund:
    """The refund a request asks for, without its transactions. Changes nothing yet. Raises Refusal."""
    user_id = request.get("user_id")
    refund = Refund(ids.next("refund"), order["id"], request.get("created_at") or now, request.get("note"), user_id)
    refund.lines = _lines(order, request.get("refund_line_items") or [], ids)
    refund.shipping = _shipping(order, request.get("shipping") or {}, earlier, ids)
    refund.duties = _duties(order, request.get("duties") or [])
    wanted = tenders(order, request.get("transactions") or [], transactions)
    if not (refund.lines or refund.shipping or refund.duties or wanted):
        raise Refusal("base", "there is nothing to refund in this request")
    return refund


def _lines(order: Json, wanted: list[Json], ids: Ids) -> list[RefundedLine]:
    lines: list[RefundedLine] = []
    taken: dict[int, int] = {}
    for item in wanted:
        line = line_of(order, item.get("line_item_id"))
        quantity = item.get("quantity")
        if line is None:
            raise Refusal("refund_line_items", f"line item {item.get('line_item_id')} is not on this order")
        if not isinstance(quantity, int) or isinstance(quantity, bool) or quantity < 1:
            raise Refusal("refund_line_items", f"quantity {quantity!r} is not a count")
        restock = item.get("restock_type", "no_restock")
        if restock not in RESTOCK_TYPES:
            raise Refusal("refund_line_items", f"restock type {restock!r} is not known")
        before = taken.get(line["id"], 0)
        if quantity > remaining_units(line) - before:
            raise Refusal("refund_line_items", f"line item {line['id']} has fewer units left than {quantity}")
        taken[line["id"]] = before + quantity
        first = line["quantity"] - remaining_units(line) + before + 1
        shares = {book: line_share(order, line, book, first, quantity) for book in BOOKS}
        number = ids.next("refund_line")
        lines.append(RefundedLine(number, line["id"], quantity, restock, item.get("location_id"), shares))
    return lines


def _shipping(order: Json, wanted: Json, earlier: list[Refund], ids: Ids) -> list[RefundedShipping]:
    """Shipping given back: `amount` is money in the customer's currency, tax inside; it empties lines in order."""
    lines = [(line, *_shipping_left(order, line, earlier)) for line in order["shipping_lines"]]
    left = sum(value["presentment"] for _, value, _ in lines)
    if wanted.get("amount") is not None:
        amount = _amount(wanted["amount"], order, "shipping")
    else:
        amount = left if wanted.get("full_refund") else 0
    if amount > left:
        raise Refusal("shipping", "more shipping than is left to refund")
    parts: list[RefundedShipping] = []
    for line, value, tax in lines:
        part = min(amount, value["presentment"])
        if part > 0:
            parts.append(_shipping_part(order, line, part, value, tax, ids))
            amount -= part
    return parts


def _shipping_left(order: Json, line: Json, earlier: list[Refund]) -> tuple[dict[str, int], dict[str, int]]:
    """Value and tax of a shipping line that no refund has given back yet, per book."""
    value, tax = {}, {}
    gone = [part for refund in earlier for part in refund.shipping if part.shipping_line_id == line["id"]]
    for book in BOOKS:
        share = shipping_share(order, line, book)
        value[book] = share.value(order["taxes_included"]) - sum(part.value[book] for part in gone)
        tax[book] = share.tax - sum(part.tax[book] for part in gone)
    return value, tax


def _shipping_part(
    order: Json, line: Json, amount: int, left: dict[str, int], tax_left: dict[str, int], ids: Ids
) -> RefundedShipping:
    """One part; the refund that empties the line takes the tax that is left (ATTR-1 rule 6)."""
    if amount == left["presentment"]:
        return RefundedShipping(ids.next("refund_shipping"), line["id"], dict(left), dict(tax_left))
    value, tax = {}, {}
    whole = {book: shipping_share(order, line, book) for book in BOOKS}
    worth = {book: whole[book].value(order["taxes_included"]) for book in BOOKS}
    for book in BOOKS:
        value[book] = amount if book == "presentment" else round_half_up(amount * worth[book], worth["presentment"])
        tax[book] = min(tax_left[book], round_half_up(whole[book].tax * value[book], worth[book]))
    return RefundedShipping(ids.next("refund_shipping"), line["id"], value, tax)


def _duties(order: Json, wanted: list[Json]) -> list[tuple[int, dict[str, int]]]:
    """Duties given back. Only whole ones: how the shop prorates a duty is not known."""
    known = {str(duty["id"]): duty for line in order["line_items"] for duty in line["duties"]}
    duties = []
    for item in wanted:
        duty = known.get(str(item.get("duty_id")))
        if duty is None or item.get("refund_type", "FULL") != "FULL":
            raise Refusal("duties", f"duty {item.get('duty_id')} cannot be refunded that way")
        duties.append((duty["id"], {book: minor(order, duty, "price", book) for book in BOOKS}))
    return duties


def tenders(order: Json, wanted: list[Json], transactions: list[Json]) -> list[Tender]:
    """The transactions a request names, each with the payment it goes back to. Raises Refusal."""
    left = {id(parent): amount for parent, amount in refundable(order, transactions)}
    found: list[Tender] = []
    for item in wanted:
        amount = _amount(item.get("amount"), order, "transactions")
        if amount == 0:
            continue
        parent = _parent(item, transactions, left)
        if parent is None:
            raise Refusal("transactions", f"there is no payment of {item.get('gateway') or 'any gateway'} to refund")
        if amount > left[id(parent)]:
            raise Refusal("transactions", f"more than is left of payment {parent['id']}")
        left[id(parent)] -= amount
        found.append(Tender(parent, amount))
    return found


def refundable(order: Json, transactions: list[Json]) -> list[tuple[Json, int]]:
    """Every payment of the order with what can still go back to it, in minor units of the customer's currency."""
    unit = currency(order, "presentment")
    left = []
    for parent in transactions:
        if parent["kind"] not in ("sale", "capture") or parent["status"] != "success":
            continue
        back = [
            to_minor(t["amount"], unit)
            for t in transactions
            if t["kind"] == "refund" and t["parent_id"] == parent["id"] and t["status"] in ("success", "pending")
        ]
        left.append((parent, to_minor(parent["amount"], unit) - sum(back)))
    return left


def _parent(item: Json, transactions: list[Json], left: dict[int, int]) -> Json | None:
    payments = [t for t in transactions if id(t) in left]
    if item.get("parent_id") is not None:
        return next((t for t in payments if str(t["id"]) == str(item["parent_id"])), None)
    fits = [t for t in payments if item.get("gateway") in (None, t["gateway"])]
    return next((t for t in fits if left[id(t)] > 0), fits[0] if fits else None)


def _amount(value: Any, order: Json, about: str) -> int:
    try:
        amount = to_minor(value, currency(order, "presentment"))
    except BadAmount as problem:
        raise Refusal(about, str(problem)) from None
    if amount < 0:
        raise Refusal(about, "an amount is negative")
    return amount


def take_units(order: Json, refund: Refund) -> None:
    """Take the refunded units off the order's lines."""
    for part in refund.lines:
        line = line_of(order, part.line_item_id)
        assert line is not None, "a planned refund names only lines of its order"
        line["current_quantity"] -= part.quantity


def worth(order: Json, refund: Refund) -> dict[str, int]:
    """What lines, shipping and duties of a refund come to, per book."""
    included = order["taxes_included"]
    return {
        book: sum(part.shares[book].value(included) for part in refund.lines)
        + sum(part.value[book] for part in refund.shipping)
        + sum(duty[book] for _, duty in refund.duties)
        for book in BOOKS
    }


def in_shop_book(order: Json, amount: int, value: dict[str, int]) -> int:
    """An amount of the customer's money in the shop's currency, at the rate of the refund, else of the order."""
    if order["currency"] == order["presentment_currency"]:
        return amount
    if amount == value["presentment"]:
        return value["shop"]
    return round_half_up(amount * order_value(order, "shop"), order_value(order, "presentment") or 1)


def settle(order: Json, refund: Refund, ids: Ids) -> None:
    """Write the differences between the lines and the money into the adjustments (sign: sheet §4)."""
    unit = currency(order, "presentment")
    value = worth(order, refund)
    moved = sum(to_minor(t["amount"], unit) for t in refund.transactions if t["status"] == "success")
    waiting = sum(to_minor(t["amount"], unit) for t in refund.transactions if t["status"] == "pending")
    shop_total = in_shop_book(order, moved + waiting, value)
    shop_waiting = in_shop_book(order, waiting, value)
    final = {"presentment": value["presentment"] - moved - waiting, "shop": value["shop"] - shop_total}
    for reason, amounts in (
        ("Refund discrepancy", final),
        ("Pending refund discrepancy", {"presentment": waiting, "shop": shop_waiting}),
    ):
        if any(amounts.values()):
            refund.adjustments.append(Adjustment(ids.next("adjustment"), reason, amounts))


def clear_pending(order: Json, refund: Refund, transaction: Json, ids: Ids) -> None:
    """Cancel a pending discrepancy out: the money has moved after all."""
    amount = to_minor(transaction["amount"], currency(order, "presentment"))
    amounts = {"presentment": -amount, "shop": -in_shop_book(order, amount, worth(order, refund))}
    refund.adjustments.append(Adjustment(ids.next("adjustment"), "Pending refund discrepancy", amounts))


def spread(order: Json, transactions: list[Json], amount: int) -> list[Json]:
    """Request transactions that give an amount back over all payments, in proportion to what is left of them."""
    payments = refundable(order, transactions)
    parts = share_out(amount, [left for _, left in payments])
    unit = currency(order, "presentment")
    return [
        {"parent_id": parent["id"], "gateway": parent["gateway"], "kind": "refund", "amount": to_text(part, unit)}
        for (parent, _), part in zip(payments, parts, strict=True)
        if part
    ]


def render(order: Json, refund: Refund, version: str, number_amounts: bool = True) -> Json:
    """The refund's REST body. Up to 2024-07 shipping is a negative adjustment, later a line of its own (§4)."""
    old = version <= OLD_VERSION
    body: Json = {
        "id": refund.id,
        "admin_graphql_api_id": gid("Refund", refund.id),
        "order_id": refund.order_id,
        "created_at": refund.created_at,
        "processed_at": refund.created_at,
        "note": refund.note,
        "user_id": refund.user_id,
        "restock": any(part.restock_type != "no_restock" for part in refund.lines),
        "return": None,
        "duties": [{"duty_id": number, "amount_set": bag(order, amounts)} for number, amounts in refund.duties],
        "refund_duties": [{"duty_id": number, "refund_type": "FULL"} for number, _ in refund.duties],
        "total_duties_set": bag(order, {book: sum(duty[book] for _, duty in refund.duties) for book in BOOKS}),
        "additional_fees": [],
        "refund_line_items": [_render_line(order, part, number_amounts) for part in refund.lines],
        "order_adjustments": [_render_adjustment(order, refund, part) for part in refund.adjustments],
        "transactions": [wire_transaction(row) for row in refund.transactions],
    }
    if old:
        body["order_adjustments"] = [_old_shipping(order, refund, p) for p in refund.shipping] + body[
            "order_adjustments"
        ]
    else:
        body["refund_shipping_lines"] = [_render_shipping(order, part) for part in refund.shipping]
    return body


def wire_transaction(row: Json) -> Json:
    """A transaction as REST shows it: one amount, in the transaction's own currency."""
    return {name: value for name, value in row.items() if name != "amount_set"}


def _render_line(order: Json, part: RefundedLine, number_amounts: bool) -> Json:
    unit = order["currency"]
    net, tax = to_text(part.shares["shop"].net, unit), to_text(part.shares["shop"].tax, unit)
    return {
        "id": part.id,
        "line_item_id": part.line_item_id,
        "line_item": line_of(order, part.line_item_id),
        "quantity": part.quantity,
        "restock_type": part.restock_type,
        "location_id": part.location_id,
        # JSON numbers in public examples of this body, unlike every other amount
        "subtotal": Decimal(net) if number_amounts else net,
        "total_tax": Decimal(tax) if number_amounts else tax,
        "subtotal_set": bag(order, {book: part.shares[book].net for book in BOOKS}),
        "total_tax_set": bag(order, {book: part.shares[book].tax for book in BOOKS}),
    }


def _render_adjustment(order: Json, refund: Refund, part: Adjustment) -> Json:
    return {
        "id": part.id,
        "order_id": refund.order_id,
        "refund_id": refund.id,
        "amount": to_text(part.amounts["shop"], order["currency"]),
        "tax_amount": to_text(0, order["currency"]),
        "kind": "refund_discrepancy",
        "reason": part.reason,
        "amount_set": bag(order, part.amounts),
        "tax_amount_set": bag(order, NO_MONEY),
    }


def _old_shipping(order: Json, refund: Refund, part: RefundedShipping) -> Json:
    net = {book: part.tax[book] - part.value[book] for book in BOOKS}
    tax = {book: -part.tax[book] for book in BOOKS}
    return {
        "id": part.id,
        "order_id": refund.order_id,
        "refund_id": refund.id,
        "amount": to_text(net["shop"], order["currency"]),
        "tax_amount": to_text(tax["shop"], order["currency"]),
        "kind": "shipping_refund",
        "reason": "Shipping refund",
        "amount_set": bag(order, net),
        "tax_amount_set": bag(order, tax),
    }


def _render_shipping(order: Json, part: RefundedShipping) -> Json:
    """The new form. It has no tax of its own in REST; in a tax-included shop we let the subtotal contain it (§4)."""
    return {
        "id": part.id,
        "shipping_line_id": part.shipping_line_id,
        "shipping_line": next(line for line in order["shipping_lines"] if line["id"] == part.shipping_line_id),
        "subtotal_amount_set": bag(order, shipping_subtotal(order, part)),
    }


def shipping_subtotal(order: Json, part: RefundedShipping) -> dict[str, int]:
    """What a refunded shipping line states as its subtotal, per book."""
    if order["taxes_included"]:
        return part.value
    return {book: part.value[book] - part.tax[book] for book in BOOKS}
