"""What returned units are worth, to the last minor unit: rule ATTR-1 (shop sheet §8).

Pure arithmetic on an order as sold. Every value comes with its steps, one sentence each, so that finance can follow
how a figure came about without reading code. Amounts are minor units of the order's currency; the shop book and the
customer's book are two orders and are worked out separately, never converted.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from counterfoil.core.money import allocate, to_text
from counterfoil.core.orders import SoldLine, SoldOrder


class AttributionError(ValueError):
    """A value that cannot be worked out: an unknown line, units that do not exist, a discount beyond the goods."""


class UnitsValue(msgspec.Struct, frozen=True, kw_only=True):
    """What units `first`…`last` of one order line are worth.

    `net` is the sum of the units' nets (containing the tax when the order's prices do), `taxes` the part of each of
    the line's tax lines.
    """

    quantity: int
    net: int
    taxes: tuple[int, ...]
    taxes_included: bool
    steps: tuple[str, ...] = ()

    @property
    def tax(self) -> int:
        """All tax lines together."""
        return sum(self.taxes)

    @property
    def gross(self) -> int:
        """What the customer paid for these units, tax included."""
        return self.net if self.taxes_included else self.net + self.tax

    @property
    def net_ex_tax(self) -> int:
        """Gross less tax."""
        return self.gross - self.tax


class ShippingValue(NamedTuple):
    """What refunded shipping is worth: `gross` contains `tax`."""

    gross: int
    tax: int
    steps: tuple[str, ...] = ()


class Outcome(StrEnum):
    """How the money of a refund compares with what was refunded (shop sheet §8, table)."""

    MATCH = "match"
    MATCH_WITHIN_TOLERANCE = "match_within_tolerance"
    UNDER_REFUND = "under_refund"
    OVER_REFUND = "over_refund"
    UNATTRIBUTED = "unattributed"
    NO_MONEY = "no_money"
    QUANTITY_EXCEEDED = "quantity_exceeded"


# --- goods ----------------------------------------------------------------------------------------------------------


def unit_values(order: SoldOrder, line_ref: str, first: int, last: int) -> UnitsValue:
    """What units `first`…`last` (1-based, both included) of a line are worth (ATTR-1 rules 2, 4 and 5).

    `last == first - 1` means no units and gives zero. Raises AttributionError for a line the order does not have and
    for units beyond its quantity.
    """
    line = order.line(line_ref)
    if line is None:
        raise AttributionError(f"order {order.name} has no line {line_ref}")
    if first < 1 or last < first - 1 or last > line.quantity:
        raise AttributionError(f"line {line_ref} has {line.quantity} units; {first} to {last} cannot be taken")
    value = UnitsValue(
        quantity=last - first + 1,
        net=span_share(line.net, line.quantity, first, last),
        taxes=tuple(span_share(tax, line.quantity, first, last) for tax in line.taxes),
        taxes_included=order.taxes_included,
    )
    return msgspec.structs.replace(value, steps=_unit_steps(order, line, first, last, value))


def span_share(amount: int, quantity: int, first: int, last: int) -> int:
    """What units `first`…`last` of `quantity` carry of `amount`: the sum of their unit shares (ATTR-1 rule 4).

    Worked out from the running totals at both ends, so that a line of a million units costs no more than one of two.
    """
    return _carried(amount, quantity, last) - _carried(amount, quantity, first - 1)


def _carried(amount: int, quantity: int, units: int) -> int:
    """What the first `units` units carry together. Negative amounts mirror positive ones, as in `unit_share`."""
    if units == 0:
        return 0
    if amount < 0:
        return -_carried(-amount, quantity, units)
    base, rest = divmod(amount, quantity)
    return base * units + min(units, rest)


def _unit_steps(order: SoldOrder, line: SoldLine, first: int, last: int, value: UnitsValue) -> tuple[str, ...]:
    def text(amount: int) -> str:
        return to_text(amount, order.currency)

    name = line.sku or line.title or f"line {line.line_ref}"
    if not value.quantity:
        return (f"{name}: no units are left, so nothing is attributed.",)
    inside = "tax inside" if order.taxes_included else "tax on top"
    sold = f"{name}: {line.quantity} sold at {text(line.gross)} less discount {text(line.discount)} is {text(line.net)}"
    units = f"unit {first} of {line.quantity} carries" if first == last else f"units {first} to {last} carry"
    carried = f"{name}: {units} net {text(value.net)} and tax {text(value.tax)}"
    return (
        f"{sold} {order.currency}, {inside} {text(sum(line.taxes))}.",
        f"{carried}, worth {text(value.gross)} {order.currency} to the customer.",
    )


# --- shipping -------------------------------------------------------------------------------------------------------


def shipping_worth(order: SoldOrder) -> tuple[int, int]:
    """The order's shipping as (gross, tax): price less its discounts, plus the tax where prices exclude it."""
    tax = sum(part.tax for part in order.shipping)
    net = sum(part.price - part.discount for part in order.shipping)
    return (net if order.taxes_included else net + tax), tax


def shipping_value(order: SoldOrder, refunded: int, already: int, already_tax: int) -> ShippingValue:
    """What refunding `refunded` of the shipping is worth (ATTR-1 rule 6); `refunded` contains its tax.

    `already` and `already_tax` are what earlier refunds of this order were worth. Attributed is what was refunded,
    capped by what remains. Its tax is rounded half up, never beyond the tax that is left (so that many small refunds
    cannot round their way past the whole); the refund that empties the shipping takes all of it.
    """
    worth, whole_tax = shipping_worth(order)
    remains, tax_left = worth - already, whole_tax - already_tax
    gross = max(0, min(refunded, remains))
    emptied = gross > 0 and gross == remains
    tax = tax_left if emptied else min(half_up(whole_tax * gross, worth), tax_left) if gross else 0
    return ShippingValue(gross, tax, _shipping_steps(order.currency, refunded, remains, gross, tax))


def half_up(numerator: int, denominator: int) -> int:
    """A non-negative fraction rounded to the nearest whole number, halves upwards."""
    return (2 * numerator + denominator) // (2 * denominator)


def _shipping_steps(currency: str, refunded: int, remains: int, gross: int, tax: int) -> tuple[str, ...]:
    def text(amount: int) -> str:
        return to_text(amount, currency)

    if refunded > remains:
        capped = f"Shipping: {text(refunded)} was refunded but only {text(remains)} {currency} remained; capped."
        return (capped, f"Shipping: {text(gross)} {currency} attributed, of which tax {text(tax)}.")
    how = "all that remained, with the tax that was left" if gross == remains else "tax in proportion, rounded half up"
    return (f"Shipping: {text(gross)} {currency} attributed, of which tax {text(tax)} ({how}).",)


# --- discounts that came without a line -----------------------------------------------------------------------------


def spread_order_discount(lines: Sequence[SoldLine], discount: int) -> tuple[SoldLine, ...]:
    """The lines with an order-wide discount spread over them (ATTR-1 rule 3), for orders that only give its total.

    Weights are what each line still costs after its own discounts; leftover minor units go to the largest fractional
    parts, ties to the first line. A line that costs nothing takes no share. Discounts a shop has allocated itself are
    final and must not pass through here. Raises AttributionError when the discount is more than the goods cost.
    """
    weights = [line.net for line in lines]
    if discount < 0 or discount > sum(weights) or any(weight < 0 for weight in weights):
        raise AttributionError(f"a discount of {discount} cannot be spread over lines worth {sum(weights)}")
    shares = allocate(discount, weights)
    return tuple(
        msgspec.structs.replace(line, discount=line.discount + share) for line, share in zip(lines, shares, strict=True)
    )


# --- comparing with the money ---------------------------------------------------------------------------------------


def tolerance(order: SoldOrder, consumed: dict[str, int]) -> int:
    """Minor units the running difference may be off: one for each line refunded in part, none for whole lines."""
    return sum(0 < consumed.get(line.line_ref, 0) < line.quantity for line in order.lines)


def compare(
    *,
    exceeded: bool,
    paid: bool,
    money: int,
    attributable: int,
    lists_nothing: bool,
    difference: int,
    tolerated: int,
) -> Outcome:
    """The outcome of one refund; the first row that fits, in the sheet's order (§8).

    `paid` says whether any refund transaction succeeded, `money` what those moved, `attributable` what this refund is
    worth, `lists_nothing` that it names no goods, shipping or duties. `difference` is the order's running money less
    its running attributable value after this refund.
    """
    if exceeded:
        return Outcome.QUANTITY_EXCEEDED
    if not paid and (attributable > 0 or lists_nothing):
        return Outcome.NO_MONEY
    if money > 0 and lists_nothing and abs(difference) > tolerated:
        return Outcome.UNATTRIBUTED
    if difference == 0:
        return Outcome.MATCH
    if abs(difference) <= tolerated:
        return Outcome.MATCH_WITHIN_TOLERANCE
    return Outcome.UNDER_REFUND if difference < 0 else Outcome.OVER_REFUND
