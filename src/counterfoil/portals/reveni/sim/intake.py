"""How a return comes to be: the shopper's choice of units, priced from the order Reveni read from the shop."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import count, groupby
from typing import Any

from counterfoil.portals.reveni.sim.records import FREED, METHODS, Json, Return, Row, Wanted
from counterfoil.simkit.amounts import minor_of, proportion
from counterfoil.simkit.clock import parse_time
from counterfoil.simkit.purchases import Bought, Hold, take

OUTCOMES = {"refund": None, "store_credit": "store_credit", "bank_transfer": "bank_transfer", "exchange": None}


class Ids:
    """Ids of 32 hexadecimal characters without dashes (§1), the same on every run of a seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._counts: dict[str, Iterator[int]] = {}

    def new(self, kind: str) -> str:
        """The next id of a kind."""
        return self.of(kind, str(self.number(kind)))

    def of(self, kind: str, name: str) -> str:
        """The id of something that has a name elsewhere, always the same."""
        return hashlib.sha256(f"{self._seed}/{kind}/{name}".encode()).hexdigest()[:32]

    def number(self, kind: str) -> int:
        """The next number of a kind, from 1."""
        return next(self._counts.setdefault(kind, count(1)))


def create(given: Json, order: Json, earlier: Iterable[Return], ids: Ids, now: datetime, settings: Json) -> Return:
    """A return from the control path's body and its order; `earlier` are that order's others. Raises ValueError."""
    created = parse_time(given["created_at"]) if given.get("created_at") else now
    instant = bool(given.get("instant", settings["instant"]))
    number = str(given.get("id") or ids.new("return"))
    made = Return(number, order, ids.of("order", str(order["id"])), created, created, instant, "")
    made.method = _method(given, settings, instant)
    made.sandbox = bool(given.get("sandbox"))
    made.withhold = bool(given.get("withhold", settings["withhold"]))
    made.fees = _minor(made, given.get("handling_fee") or given.get("fees"))
    made.bonuses = _minor(made, given.get("bonus") or given.get("bonuses"))
    made.shipping = _minor(made, given.get("refund_shipping"))
    if given.get("tracking_number") or given.get("carrier"):
        made.delivery = delivery(given)
    holds = [hold for known in earlier if known.status not in FREED for hold in holds_of(known)]
    made.rows = _rows(made, given, holds, ids, settings)
    return made


def _method(given: Json, settings: Json, instant: bool) -> str:
    outcome = given.get("outcome", "refund")
    if outcome not in OUTCOMES:
        raise ValueError(f"unknown outcome {outcome!r}; one of {', '.join(OUTCOMES)}")
    method = given.get("method") or OUTCOMES[outcome] or settings["refund_method"]
    return checked_method(method, instant)


def checked_method(method: str, instant: bool) -> str:
    """A refund method the mode allows. Raises ValueError: bank transfers are for instant returns only (§4)."""
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; one of {', '.join(METHODS)}")
    if method == "bank_transfer" and not instant:
        raise ValueError("a bank transfer is offered for instant returns only")
    return method


def _minor(made: Return, value: Any) -> int:
    return minor_of(value or "0", made.currency)


def delivery(given: Json) -> Json:
    """How the goods travel."""
    number = given.get("tracking_number")
    return {
        "method": given.get("delivery_method", "carrier"),
        "carrier": given.get("carrier"),
        "tracking_number": None if number is None else str(number),
        "tracking_url": f"https://track.example.com/{number}" if number else None,
        "label_url": given.get("label_url", "https://labels.example.com/l/1.pdf"),
        "status": given.get("status", "pending"),
    }


def holds_of(made: Return) -> list[Hold]:
    """The order's units a return has taken; rejected ones stay with it."""
    units = [unit for row in made.rows for unit in row.units]
    return [Hold(unit.order_line, unit.unit, (unit.order_line, unit.unit) in made.told_shop) for unit in units]


def _rows(made: Return, given: Json, holds: list[Hold], ids: Ids, settings: Json) -> list[Row]:
    """A row per line of the request; units that were not paid the same make rows of their own."""
    rows: list[Row] = []
    for item in given.get("lines", []):
        units = take(made.order, item, holds)
        holds += [Hold(unit.order_line, unit.unit, in_shop=False) for unit in units]
        wanted = _wanted(made, item, given)
        rows += [_row(item, part, wanted, ids) for part in _parts(units, settings["uneven_units"])]
    if not rows:
        raise ValueError("a return needs at least one line")
    return rows


def _parts(units: list[Bought], uneven: str) -> list[list[Bought]]:
    if uneven == "rounded":
        return [units]
    return [list(part) for _, part in groupby(units, key=paid)]


def paid(unit: Bought) -> int:
    """What the shopper paid for a unit, tax inside."""
    return unit.money["presentment"].gross


def _row(item: Json, units: list[Bought], wanted: Wanted | None, ids: Ids) -> Row:
    total = sum(paid(unit) for unit in units)
    price = proportion(total, 1, len(units))
    reason = item.get("reason", "Too small")
    return Row(ids.new("item"), units, price, total, reason, item.get("comment"), wanted)


def _wanted(made: Return, item: Json, given: Json) -> Wanted | None:
    """What a line is exchanged for; every line decides for itself (§4). Raises ValueError."""
    asked = item.get("exchange")
    if asked is None and item.get("outcome", given.get("outcome")) == "exchange":
        asked = given.get("exchange")
        asked = asked[0] if isinstance(asked, list) and asked else asked
        if not asked:
            raise ValueError("an exchange needs an `exchange` item")
    if not asked:
        return None
    return Wanted(
        asked["sku"], _minor(made, asked["price"]), str(asked.get("variant_id", "0")), asked.get("title", asked["sku"])
    )
