"""What must hold in every simulated world, judged by what the outside systems hold and not by our own books alone.

Each promise looks at a week and names what is broken: (invariant, sentence). Some hold at any moment, some only once
everything has come to rest. The six invariants of requirements §1b are looked at through `core/invariants.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from counterfoil.core.money import to_minor
from counterfoil.demo.goods import CURRENCY, order_total
from counterfoil.demo.stage import Stage
from counterfoil.flow.invariants import check
from counterfoil.simulate.house import House
from counterfoil.simulate.weather import Weather
from counterfoil.store import log
from counterfoil.store.cases import all_cases

Json = dict[str, Any]
Broken = tuple[str, str]


class World(Protocol):
    """What a promise may look at."""

    stage: Stage
    house: House
    weather: Weather
    at_rest: bool

    def summary(self) -> Json:
        """The demonstration's summary."""
        ...


Promise = Callable[[Any], Iterator[Broken]]


def one_document_a_reference(world: World) -> Iterator[Broken]:
    """Invariant 6 (R66, R81): nothing was posted twice, whatever was repeated or lost."""
    made = world.stage.sims[world.stage.erp].state()["documents"]
    for kind, rows in made.items():
        references = Counter(str(row.get("external_ref") or row.get("externalId") or "") for row in rows)
        for reference, count in references.items():
            if reference and count > 1:
                yield "replay", f"{count} documents of kind {kind} carry the reference {reference}"


def never_more_than_was_paid(world: World) -> Iterator[Broken]:
    """Invariant 2 (R81): what the shop refunded on an order is never more than its customer paid."""
    shop = world.stage.sims["shopify"].state()
    out: Counter[str] = Counter()
    for row in shop["transactions"]:
        if row["kind"] == "refund" and row["status"] == "success":
            out[str(row["order_id"])] += to_minor(str(row["amount"]), CURRENCY)
    paid = {str(order["id"]): order_total(order) for order in world.stage.orders}
    for order, amount in out.items():
        if amount > paid.get(order, 0):
            yield "money", f"order {order} was refunded {amount} of {paid.get(order, 0)} minor units"


def refunded_is_credited(world: World) -> Iterator[Broken]:
    """Invariant 3 (R93): at rest, what left and what was credited differ only by what stands in the exceptions.

    That is what was paid on open returns, and what may have been paid where an exception says that no confirmation came.
    """
    if not world.at_rest:
        return
    money = world.summary()["money"][CURRENCY]
    paid = to_minor(money["paid_on_open_returns"], CURRENCY)
    over = to_minor(money["difference"], CURRENCY) - paid
    if not 0 <= over <= _perhaps_paid(world):
        said = f"refunded {money['refunded']}, credited {money['credited']}"
        yield "pairing", f"{said}, {money['paid_on_open_returns']} on open returns"


def _perhaps_paid(world: World) -> int:
    """Agreed credits whose refund nobody confirmed, where people are told so."""
    with world.house.world.database.read() as tx:
        asked = "select case_id from problems where state = 'open' and kind = 'credit_without_refund'"
        told = {row["case_id"] for row in tx.query(asked, {})}
        return sum(
            case.credit.total_gross
            for case, progress in all_cases(tx)
            if progress == "open" and case.case_id in told and case.credit is not None
        )


def units_are_somewhere(world: World) -> Iterator[Broken]:
    """Invariant 1 (R66): returned = received + open, and the ERP booked what we call booked."""
    if not world.at_rest:
        return
    units = world.summary()["units"]
    if units["returned"] != units["received"] + units["open"]:
        yield "units", f"{units['returned']} units returned, {units['received']} received, {units['open']} open"
    places = units["sellable"] + units["held"] + units["written_off"] + units["refused"] + units["awaiting_inspection"]
    if places != units["received"]:
        yield "units", f"{units['received']} units received, but {places} are in a place"


def open_means_explained(world: World) -> Iterator[Broken]:
    """R132: at rest, a return that is open is open for a stated reason or because its parcel has not come."""
    if not world.at_rest:
        return
    with world.house.world.database.read() as tx:
        rows = tx.query("select distinct case_id from problems where state = 'open' and case_id is not null", {})
        explained = {row["case_id"] for row in rows}
        for case, progress in all_cases(tx):
            waiting = any(unit.reception.value in ("expected", "in_transit") for unit in case.units)
            if progress == "open" and case.case_id not in explained and not waiting:
                yield "silence", f"{case.case_id} is open and nobody is told why"


def the_log_is_whole(world: World) -> Iterator[Broken]:
    """R158: every chain and every seal verifies."""
    if world.at_rest:
        for fault in log.verify(world.house.world.database).faults:
            yield "log", fault


AT_REST_ONLY = frozenset({3})  # pairing has deadlines, and the job that looks at them may not have run yet


def the_six_hold(world: World) -> Iterator[Broken]:
    """The six invariants over everything stored, at any moment; at rest also against the ERP's own documents."""
    for broken in check(world.house.world, read_back=world.at_rest):
        if world.at_rest or broken.invariant not in AT_REST_ONLY:
            yield f"invariant {broken.invariant}", f"{broken.where}: {broken.sentence}"


PROMISES: tuple[Promise, ...] = (
    the_six_hold,
    one_document_a_reference,
    never_more_than_was_paid,
    refunded_is_credited,
    units_are_somewhere,
    open_means_explained,
    the_log_is_whole,
)
