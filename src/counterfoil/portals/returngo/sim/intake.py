"""How an RMA comes to be: the shopper's choice of units, priced from the order ReturnGO read from the shop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Any

from counterfoil.portals.returngo.sim.records import ENDED, EXCHANGES, REFUNDS, Json, Rma, Unit, Wanted
from counterfoil.simkit.amounts import minor_of
from counterfoil.simkit.clock import parse_time
from counterfoil.simkit.purchases import Bought, Hold, in_both, take


class Numbers:
    """Ids, the same on every run. Transactions are integers, the others text (T10)."""

    def __init__(self, first: int) -> None:
        self.rmas = count(first)
        self.units = count(3_000_001)
        self.shipments = count(700_001)
        self.transactions = count(500_001)
        self.drafts = count(1_180_000_000_001)
        self.draft_names = count(1001)
        self.references = count(920_000_000_001)
        self.webhooks = count(18_986)


def create(given: Json, order: Json, earlier: Iterable[Rma], numbers: Numbers, now: datetime, settings: Json) -> Rma:
    """An RMA from the control path's body and its order; `earlier` are that order's others. Raises ValueError."""
    created = parse_time(given["created_at"]) if given.get("created_at") else now
    made = Rma(int(given.get("id") or next(numbers.rmas)), order, created, created, created)
    made.portal = given.get("portal")
    made.return_method = given.get("return_method") or settings["return_method"]
    made.out_of_policy = bool(given.get("out_of_policy"))
    for name, fee in (("handling_fee", "return_fee"), ("return_fee", "return_fee"), ("shipment_fee", "shipment_fee")):
        if given.get(name):
            setattr(made, fee, _minor(made, given[name]))
    made.bonus = _minor(made, given.get("bonus", "0"))
    made.shipping_refund = _minor(made, given.get("refund_shipping", "0"))
    holds = [hold for known in earlier if known.status not in ENDED for hold in holds_of(known)]
    made.units = _units(made, given, holds, numbers, settings)
    _exchanges(made, given)
    _check(made)
    return made


def holds_of(made: Rma) -> list[Hold]:
    """The order's units an RMA has taken."""
    return [Hold(unit.bought.order_line, unit.bought.unit, unit.in_shop) for unit in made.units]


def _minor(made: Rma, value: Any) -> int:
    """An amount of the customer's currency."""
    return minor_of(value or "0", made.currencies["presentment"])


def _units(made: Rma, given: Json, holds: list[Hold], numbers: Numbers, settings: Json) -> list[Unit]:
    """One row per unit (T2), each with the outcome of its line, else of the whole request."""
    units: list[Unit] = []
    for item in given.get("lines", []):
        outcome = item.get("outcome") or given.get("outcome") or "refund"
        words = settings["resolution_words"]
        if outcome not in words:
            raise ValueError(f"unknown outcome {outcome!r}; one of {', '.join(words)}")
        for bought in take(made.order, item, holds):
            units.append(_unit(made, item, bought, outcome, numbers, settings))
            holds.append(Hold(bought.order_line, bought.unit, in_shop=False))
    if not units:
        raise ValueError("a return needs at least one line")
    return units


def _unit(made: Rma, item: Json, bought: Bought, outcome: str, numbers: Numbers, settings: Json) -> Unit:
    return Unit(
        id=str(next(numbers.units)),
        bought=bought,
        outcome=outcome,
        resolution=item.get("resolution_type") or settings["resolution_words"][outcome],
        reason=item.get("reason", "Does not fit"),
        extended_reason=item.get("extended_reason", " > Too small / tight"),
        auto_approved=bool(settings["auto_approve"]),
        restocking_fee=_minor(made, item.get("restocking_fee", "0")),
        questions=list(item.get("questions") or []),
    )


def _exchanges(made: Rma, given: Json) -> None:
    """A variant exchange is one for one and sits on its unit; a product exchange is any to any and sits on the RMA."""
    asked = given.get("exchange") or []
    wanted = [_wanted(made, item) for item in (asked if isinstance(asked, list) else [asked])]
    variants = [unit for unit in made.units if unit.outcome == "exchange"]
    if any(unit.outcome == "product_exchange" for unit in made.units):
        made.wanted = wanted
        wanted = []
    if variants and not wanted and not made.wanted:
        raise ValueError("an exchange needs an `exchange` item")
    for place, unit in enumerate(variants):
        if wanted:
            unit.wanted = replace(wanted[min(place, len(wanted) - 1)], quantity=1)


def _wanted(made: Rma, item: Json) -> Wanted:
    free = item.get("free_range") or {}
    return Wanted(
        sku=item["sku"],
        price=in_both(made.order, _minor(made, item["price"])),
        quantity=int(item.get("quantity", 1)),
        product_id=str(item.get("product_id", "0")),
        variant_id=str(item.get("variant_id", "0")),
        title=str(item.get("title", item["sku"])),
        method=item.get("price_method", "CatalogPrice"),
        free_range=(_minor(made, free.get("min", "0")), _minor(made, free.get("max", "0"))),
    )


def _check(made: Rma) -> None:
    """One refund type per RMA; a product exchange names its new items (§4)."""
    kinds = {unit.outcome for unit in made.units if unit.outcome in REFUNDS}
    if len(kinds) > 1:
        raise ValueError(f"one refund type per RMA, not {' and '.join(sorted(kinds))}")
    if any(unit.outcome == "product_exchange" for unit in made.units) and not made.wanted:
        raise ValueError("a product exchange needs an `exchange` item")
    if made.bonus and not any(unit.outcome in ("store_credit", "gift_card") for unit in made.units):
        raise ValueError("a bonus goes with store credit or a gift card")
    if any(item.method not in ("PaidPrice", "CatalogPrice") for item in new_items(made)):
        raise ValueError("price_method is PaidPrice or CatalogPrice")


def new_items(made: Rma) -> list[Wanted]:
    """Every item the shopper wants, per unit and for the whole RMA."""
    return [*[unit.wanted for unit in made.units if unit.wanted], *made.wanted]


def exchanging(made: Rma) -> list[Unit]:
    """The units that are exchanged."""
    return [unit for unit in made.units if unit.outcome in EXCHANGES]
