"""What a story starts from: the order as it was sold and what was agreed, before anything happens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from counterfoil.core.credit.attribution import half_up
from counterfoil.core.money import allocate
from counterfoil.core.orders import Payment, SoldComponent, SoldLine, SoldOrder, SoldShipping
from counterfoil.core.policy import PRESETS, ApprovalRule, ExchangeRelease, FlowPolicy
from counterfoil.core.returns import Disposition

REASON = "Too small"
WAREHOUSE = "LEEDS"
REASON_CODES = {"Too small": "SIZE-SMALL", "Too large": "SIZE-LARGE", "Arrived damaged": "DAMAGED"}
DEPOTS = {
    "LEEDS/sellable": "MAIN",
    "LEEDS/refurbish": "RETQ",
    "LEEDS/quarantine": "RETQ",
    "LEEDS/damaged": "DMG",
    "LEEDS/dispose": "",
    "LEEDS/return_to_vendor": "RETQ",
}
QUARANTINE = "RETQ"
CARD, GIFT_CARD = "card", "gift_card"


class GoodsLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the order. `price` and `discount` are minor units, `tax_bp` the tax rate in hundredths of a percent.

    `price` is for one unit, `discount` for the whole line.
    """

    sku: str
    quantity: int
    price: int
    discount: int = 0
    tax_bp: int = 0
    parts: tuple[tuple[int, str], ...] = ()  # a bundle: so many units of a SKU in each


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """So many units of one SKU, asked for or found. `disposition` None: counted, not inspected."""

    quantity: int
    sku: str
    disposition: Disposition | None = None
    rejected: bool = False


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a story lays down first. Amounts are minor units of `currency`."""

    number: str
    currency: str
    tax_included: bool = True
    billing: str = "invoice"  # or "cash sale", "deposit": how an ERP that tells them apart billed the order (R91)
    lines: tuple[GoodsLine, ...] = ()
    shipping: int = 0
    shipping_tax_bp: int = 0
    discount: int = 0  # over all lines, spread by their value
    payments: tuple[Payment, ...] = ()
    preset: str = "controlled"
    damaged_needs_review: bool = False
    approvals: tuple[ApprovalRule, ...] = ()
    without_drafts: bool | None = None  # None: whatever the ERP can
    unmapped_reasons: tuple[str, ...] = ()
    unmapped_depots: tuple[str, ...] = ()
    quarantine: bool = True
    not_in_erp: tuple[str, ...] = ()  # SKUs the ERP's order lacks
    axes: Mapping[str, Any] = {}  # axes of the policy that differ from the preset
    expected: tuple[tuple[str, str], ...] = ()  # reason code and a disposition that agrees with it
    mapped: tuple[tuple[str, str], ...] = ()  # disposition and depot, instead of the usual one
    covered_days: int = 0  # the portal's provider pays at once and covers the refund so long; 0: it does not
    shop_tells_recipes: bool = True
    erp_kits: str = "recipes"  # how the ERP holds bundles: "recipes", "whole" or "apart"
    exchange_release: ExchangeRelease = ExchangeRelease.ON_RECEIPT
    exchange_lease_hours: int = 336
    without_exchanges: bool = False  # an ERP that cannot make exchange orders
    by_hand: tuple[str, ...] = ()  # what the ERP cannot do with an exchange order: "release", "cancel"
    in_stock: tuple[Item, ...] = ()  # what the ERP has of new goods; of what is not named it has plenty

    def policy(self, preset_name: str | None = None) -> FlowPolicy:
        """The policy agreed at the start, over another preset where a portal needs one, with the story's own axes."""
        exchanges = {"exchange_release": self.exchange_release, "exchange_lease_hours": self.exchange_lease_hours}
        values = {**msgspec.to_builtins(PRESETS[preset_name or self.preset]), **exchanges, **self.axes}
        agreed = msgspec.convert(values, FlowPolicy)
        return msgspec.structs.replace(agreed, damaged_needs_review=self.damaged_needs_review, approvals=self.approvals)

    def reasons(self) -> dict[str, str]:
        """The reason codes mapped at the start."""
        return {word: code for word, code in REASON_CODES.items() if word not in self.unmapped_reasons}

    def depots(self) -> dict[str, str]:
        """The depots mapped at the start."""
        known = {word: depot for word, depot in DEPOTS.items() if word.rsplit("/", 1)[1] not in self.unmapped_depots}
        return {**known, **{f"{WAREHOUSE}/{word}": depot for word, depot in self.mapped}}

    def agreeing(self) -> dict[str, tuple[str, ...]]:
        """Which dispositions agree with a reason code, where somebody said so."""
        codes = dict.fromkeys(code for code, _ in self.expected)
        return {code: tuple(found for known, found in self.expected if known == code) for code in codes}


class Swap(msgspec.Struct, frozen=True, kw_only=True):
    """New goods the customer wants instead of money. `price` is for one unit, in minor units, tax included."""

    quantity: int
    sku: str
    price: int


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer asks of the portal. Amounts are minor units; `promises` replaces the portal's own figure."""

    items: tuple[Item, ...]
    reason: str = REASON
    store_credit: bool = False
    fee: int = 0
    shipping: int = 0
    promises: int | None = None
    split: tuple[Payment, ...] = ()
    review: bool = False
    swaps: tuple[Swap, ...] = ()


def tax_of(value: int, tax_bp: int, *, included: bool) -> int:
    """Tax on a value, rounded half up: inside it, or on top."""
    return half_up(value * tax_bp, 10_000 + tax_bp if included else 10_000)


def sold_order(given: Given, order_ref: str) -> SoldOrder:
    """The order as the shop sold it, with the order-wide discount spread by line value."""
    gross = [line.price * line.quantity for line in given.lines]
    left = [value - line.discount for value, line in zip(gross, given.lines, strict=True)]
    shares = allocate(given.discount, left) if given.discount else [0] * len(left)
    lines = []
    for place, (line, value, share) in enumerate(zip(given.lines, gross, shares, strict=True), start=1):
        tax = tax_of(value - line.discount - share, line.tax_bp, included=given.tax_included)
        lines.append(
            SoldLine(
                line_ref=f"{order_ref}{place:02d}",
                sku=line.sku,
                quantity=line.quantity,
                gross=value,
                discount=line.discount + share,
                taxes=(tax,) if line.tax_bp else (),
                title=line.sku,
                components=tuple(SoldComponent(sku=sku, quantity=count) for count, sku in line.parts)
                if given.shop_tells_recipes
                else (),
            )
        )
    order = SoldOrder(
        order_ref=order_ref,
        name=f"#{given.number}",
        currency=given.currency,
        taxes_included=given.tax_included,
        lines=tuple(lines),
        shipping=_shipping(given),
        placed_at="2026-11-02T10:00:00Z",
    )
    payments = given.payments or (Payment(gateway=CARD, amount=worth(order)),)
    return msgspec.structs.replace(order, payments=payments)


def _shipping(given: Given) -> tuple[SoldShipping, ...]:
    if not given.shipping:
        return ()
    tax = tax_of(given.shipping, given.shipping_tax_bp, included=given.tax_included)
    return (SoldShipping(ref="shipping-1", price=given.shipping, tax=tax),)


def worth(order: SoldOrder) -> int:
    """What the customer paid for the order, shipping and tax included."""
    shipping = sum(part.price - part.discount + (0 if order.taxes_included else part.tax) for part in order.shipping)
    return shipping + sum(order.line_value(line) for line in order.lines)
