"""Random orders returned in random parts: whatever comes back in whatever order, the parts are the whole (idea 13).

Each trial sells an order (bundles, discounts, tax inside or on top, currencies with none, two and three digits), returns
random units of it until nothing or something is left, twice in two different orders of events, and answers with what did
not hold.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from counterfoil.core.bundles import opened
from counterfoil.core.credit.attribution import shipping_value, shipping_worth, spread_order_discount, unit_values
from counterfoil.core.documents import ErpComponent, ErpOrder, ErpOrderLine
from counterfoil.core.orders import SoldComponent, SoldLine, SoldOrder, SoldShipping

CURRENCIES = ("GBP", "EUR", "JPY", "KWD")
LINES_MAX, QUANTITY_MAX, PRICE_MAX = 4, 6, 60_000

Bite = tuple[str, int]
"""Units of one line that come back together: the line's reference and how many."""


class Credited(NamedTuple):
    """What one sequence of partial returns credited: by line, net and each tax; and the order's running gross."""

    lines: dict[str, tuple[int, ...]]
    gross: int


def trial(seed: int) -> list[str]:
    """Everything that did not hold of the order with this seed; empty when all is well."""
    rng = random.Random(seed)
    sold = _order(rng)
    order = opened(sold, _held(sold))
    found = [*_whole(sold, order)]
    bites = list(_bites(rng, order))
    taken = _credit(order, bites)
    rng.shuffle(bites)
    if _credit(order, bites) != taken:
        found.append("the order of the returns changed what is credited")
    worth = sum(order.line_value(line) for line in order.lines)
    left = _credit(order, [*bites, *_rest(order, bites)])
    if not 0 <= taken.gross <= worth:
        found.append(f"{taken.gross} credited on goods worth {worth}")
    if left.gross != worth:
        found.append(f"everything back is worth {left.gross}, the goods {worth}")
    found += [f"line {ref} is not the sum of its units" for ref in _not_whole(order, left)]
    return [f"seed {seed}: {problem}" for problem in (*found, *_shipped(rng, order))]


# --- an order ---------------------------------------------------------------------------------------------------------


def _order(rng: random.Random) -> SoldOrder:
    included = rng.random() < 0.6
    lines = tuple(_line(rng, number, included) for number in range(1, rng.randint(1, LINES_MAX) + 1))
    worth = sum(line.net for line in lines)
    if worth and rng.random() < 0.3:
        lines = spread_order_discount(lines, rng.randint(0, worth))
    postage = rng.randint(0, 2000)
    return SoldOrder(
        order_ref="1",
        name="#1",
        currency=rng.choice(CURRENCIES),
        taxes_included=included,
        lines=lines,
        shipping=(SoldShipping(ref="s", price=postage, tax=postage // 6),),
    )


def _line(rng: random.Random, number: int, included: bool) -> SoldLine:
    quantity = rng.randint(1, QUANTITY_MAX)
    gross = rng.choice((0, rng.randint(1, 20), rng.randint(1, PRICE_MAX))) * quantity
    discount = rng.choice((0, 0, rng.randint(0, gross), gross))
    net = gross - discount
    rate = rng.choice((0, 5, 20, 25))
    tax = net * rate // (100 + rate if included else 100)
    return SoldLine(
        line_ref=f"L{number}",
        sku=f"SKU-{number}",
        quantity=quantity,
        gross=gross,
        discount=discount,
        taxes=(tax,) if rng.random() < 0.8 else (tax // 2, tax - tax // 2),
        components=_recipe(rng, number) if rng.random() < 0.3 else (),
    )


def _recipe(rng: random.Random, number: int) -> tuple[SoldComponent, ...]:
    priced = rng.random() < 0.5
    return tuple(
        SoldComponent(
            sku=f"PART-{number}-{part}",
            quantity=rng.randint(1, 3),
            price=rng.choice((0, rng.randint(1, 5000))) if priced else None,
        )
        for part in range(1, rng.randint(1, 4) + 1)
    )


def _held(sold: SoldOrder) -> ErpOrder:
    """The ERP holds bundles with their recipes."""
    lines = tuple(
        ErpOrderLine(
            erp_line=line.line_ref,
            sku=line.sku or "",
            quantity=line.quantity,
            components=tuple(ErpComponent(sku=part.sku, quantity=part.quantity) for part in line.components),
        )
        for line in sold.lines
    )
    return ErpOrder(ref="1", number="SO1", currency=sold.currency, lines=lines)


# --- what comes back of it --------------------------------------------------------------------------------------------


def _bites(rng: random.Random, order: SoldOrder) -> Iterator[Bite]:
    """Some units of each line, in a few returns."""
    for line in order.lines:
        left = rng.randint(0, line.quantity)
        while left:
            some = rng.randint(1, left)
            yield line.line_ref, some
            left -= some


def _rest(order: SoldOrder, bites: list[Bite]) -> Iterator[Bite]:
    for line in order.lines:
        left = line.quantity - sum(some for ref, some in bites if ref == line.line_ref)
        if left:
            yield line.line_ref, left


def _credit(order: SoldOrder, bites: list[Bite]) -> Credited:
    """Credit bite after bite; each takes the next units of its line (ATTR-1 rule 5)."""
    used: dict[str, int] = {}
    lines: dict[str, tuple[int, ...]] = {}
    gross = 0
    for ref, some in bites:
        first = used.get(ref, 0) + 1
        used[ref] = first + some - 1
        value = unit_values(order, ref, first, used[ref])
        parts = (value.net, *value.taxes)
        known = lines.get(ref, (0,) * len(parts))
        lines[ref] = tuple(a + b for a, b in zip(known, parts, strict=True))
        assert value.net_ex_tax + value.tax == value.gross, "gross is net and tax, always"
        gross += value.gross
    return Credited({ref: lines[ref] for ref in sorted(lines)}, gross)


def _not_whole(order: SoldOrder, credited: Credited) -> list[str]:
    return [line.line_ref for line in order.lines if credited.lines.get(line.line_ref) != (line.net, *line.taxes)]


def _whole(sold: SoldOrder, order: SoldOrder) -> Iterator[str]:
    """A bundle's parts are the bundle: price, discount and every tax."""
    for line in sold.lines:
        parts = [part for part in order.lines if part.part_of is not None and part.part_of.line_ref == line.line_ref]
        if not line.components:
            continue
        sums = tuple(sum(column) for column in zip(*((p.gross, p.discount, *p.taxes) for p in parts), strict=True))
        if sums != (line.gross, line.discount, *line.taxes):
            yield f"the parts of {line.sku} come to {sums}"
        if any(part.net < 0 for part in parts):
            yield f"a part of {line.sku} is worth less than nothing"


def _shipped(rng: random.Random, order: SoldOrder) -> Iterator[str]:
    """Shipping refunded in parts is never worth more than it was, nor its tax."""
    worth, tax = shipping_worth(order)
    paid = paid_tax = 0
    for _ in range(rng.randint(0, 3)):
        value = shipping_value(order, rng.randint(0, worth + 100), paid, paid_tax)
        paid, paid_tax = paid + value.gross, paid_tax + value.tax
    if paid > worth or paid_tax > tax or (paid == worth and paid_tax != tax and paid):
        yield f"shipping of {worth} with tax {tax} was credited as {paid} with tax {paid_tax}"
