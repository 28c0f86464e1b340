"""Sentences that open a story: the order, and what was agreed. Each writes into the values of `Given`."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from counterfoil.core.money import to_minor
from counterfoil.core.policy import PRESETS, ApprovalRule, ExchangeRelease
from counterfoil.testing.story_words import AMOUNT, ITEMS, NotUnderstoodError, items, number, payments
from counterfoil.testing.story_world import GoodsLine

Values = dict[str, Any]
Write = Callable[[Values, re.Match[str]], None]

_LINE = re.compile(rf"(\S+)\s+(\d+) x {AMOUNT}(?:, discount {AMOUNT})?(?:, tax (\d+(?:\.\d+)?)%)?(?:, of (.+))?")
_SHIPPING = re.compile(rf"shipping {AMOUNT}(?:, tax (\d+(?:\.\d+)?)%)?")
_DISCOUNT = re.compile(rf"discount {AMOUNT} over all lines")
_SHIP_ON = {
    "confirmation": ExchangeRelease.ON_CONFIRM,
    "the carrier's scan": ExchangeRelease.ON_CARRIER_SCAN,
    "receipt": ExchangeRelease.ON_RECEIPT,
    "inspection": ExchangeRelease.ON_INSPECTION,
}
_PAID = re.compile(r"paid (.+)")


def describe(given: Values, line: str) -> None:
    """An indented line of the order. NotUnderstoodError when it is none."""
    currency = given.get("currency")
    if currency is None:
        raise NotUnderstoodError("the order comes first: given order 1001 in GBP, tax included")
    if found := _SHIPPING.fullmatch(line):
        given["shipping"], given["shipping_tax_bp"] = to_minor(found[1], currency), _points(found[2])
    elif found := _DISCOUNT.fullmatch(line):
        given["discount"] = to_minor(found[1], currency)
    elif found := _PAID.fullmatch(line):
        given["payments"] = payments(found[1], currency)
    elif found := _LINE.fullmatch(line):
        goods = GoodsLine(
            sku=found[1],
            quantity=int(found[2]),
            price=to_minor(found[3], currency),
            discount=to_minor(found[4], currency) if found[4] else 0,
            tax_bp=_points(found[5]),
            parts=tuple((item.quantity, item.sku) for item in items(found[6])) if found[6] else (),
        )
        given["lines"] = (*given.get("lines", ()), goods)
    else:
        raise NotUnderstoodError(f"a line of the order is written like A  2 x 20.00, tax 20%, not {line!r}")


def _points(percent: str | None) -> int:
    """A tax rate in hundredths of a percent."""
    return int(Decimal(percent) * 100) if percent else 0


def _order(given: Values, words: re.Match[str]) -> None:
    given["number"], given["currency"] = words[1], words[2]
    given["tax_included"] = words[3] != "excluded"


def _policy(given: Values, words: re.Match[str]) -> None:
    if words[1] not in PRESETS:
        raise NotUnderstoodError(f"{words[1]!r} is no policy; there are {', '.join(PRESETS)}")
    given["preset"] = words[1]


def _billed(given: Values, words: re.Match[str]) -> None:
    given["billing"] = words[1]


def _approval(given: Values, words: re.Match[str]) -> None:
    """`given refunds above 20.00 need two people of finance`, after the order, whose currency it takes."""
    currency = given.get("currency")
    if currency is None:
        raise NotUnderstoodError("the order comes before who approves its refunds")
    rule = ApprovalRule(
        value_above=to_minor(words[2], currency) if words[2] else None,
        currency=currency if words[2] else None,
        method=words[1].replace(" ", "_") if words[1] else None,
        people=number(words[3]),
        approvers=(words[4],),
    )
    given["approvals"] = (*given.get("approvals", ()), rule)


def _axis(given: Values, words: re.Match[str]) -> None:
    value = int(words[2]) if words[2].isdigit() else words[2]
    given["axes"] = {**given.get("axes", {}), words[1]: value}


def _cover(given: Values, words: re.Match[str]) -> None:
    limit = to_minor(words[1], given["currency"])
    terms = {"value_max": limit, "currency": given["currency"]}
    given["axes"] = {**given.get("axes", {}), "refund_cover": "value", "cover": terms}


def _flag(name: str, value: Any) -> Write:
    def write(given: Values, words: re.Match[str]) -> None:
        given[name] = value

    return write


def _more(name: str) -> Write:
    def write(given: Values, words: re.Match[str]) -> None:
        given[name] = (*given.get(name, ()), words[1])

    return write


def _exchanges_ship(given: Values, words: re.Match[str]) -> None:
    given["exchange_release"] = _SHIP_ON[words[1]]


def _lease(given: Values, words: re.Match[str]) -> None:
    given["exchange_lease_hours"] = int(words[1])


def _in_stock(given: Values, words: re.Match[str]) -> None:
    given["in_stock"] = items(words[1])


def _covered(given: Values, words: re.Match[str]) -> None:
    given["covered_days"] = int(words[1])


def _pair(name: str) -> Write:
    def write(given: Values, words: re.Match[str]) -> None:
        given[name] = (*given.get(name, ()), (words[1], words[2]))

    return write


GIVEN: tuple[tuple[str, Write], ...] = (
    (r"order (\d+) in ([A-Z]{3})(?:, tax (included|excluded))?", _order),
    (r"an order billed by (invoice|cash sale|deposit)", _billed),
    (r"the ([a-z-]+) policy", _policy),
    (
        rf"(?:(original|store credit) )?refunds(?: above {AMOUNT})? need (one|two) (?:person|people) of (\w+)",
        _approval,
    ),
    (r"the axis (\w+) is (\S+)", _axis),
    (rf"early refunds are covered up to {AMOUNT}", _cover),
    (r"damaged units need a review", _flag("damaged_needs_review", value=True)),
    (r"an ERP that drafts credit notes", _flag("without_drafts", value=False)),
    (r"an ERP that cannot draft credit notes", _flag("without_drafts", value=True)),
    (r"the reason “(.+)” has no code", _more("unmapped_reasons")),
    (r"(\w+) goods have no depot", _more("unmapped_depots")),
    (r"there is no quarantine depot", _flag("quarantine", value=False)),
    (r"(\S+) is missing from the ERP's order", _more("not_in_erp")),
    (r"the portal's provider pays at once and covers it for (\d+) days", _covered),
    (r"the reason code (\S+) agrees with (\w+) goods", _pair("expected")),
    (r"(\w+) goods are mapped to (\w+) from the start", _pair("mapped")),
    (r"the shop does not tell what is in its bundles", _flag("shop_tells_recipes", value=False)),
    (r"the ERP holds bundles as plain goods", _flag("erp_kits", value="whole")),
    (r"the ERP takes bundles apart", _flag("erp_kits", value="apart")),
    (r"exchanges ship on (confirmation|the carrier's scan|receipt|inspection)", _exchanges_ship),
    (r"exchange goods are kept for (\d+) hours", _lease),
    (r"an ERP that cannot make exchange orders", _flag("without_exchanges", value=True)),
    (r"an ERP that cannot (release|cancel) exchange orders", _more("by_hand")),
    (rf"the ERP has {ITEMS} in stock", _in_stock),
)
