"""What NetSuite can promise of the replacement items, location by location (NetSuite sheet §12 Q3; R109, R114)."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from counterfoil.adapterkit.parse import UnreadableError
from counterfoil.core.commands import CheckStock
from counterfoil.core.documents import StockLevel
from counterfoil.core.problems import Owner
from counterfoil.erps.netsuite import wire
from counterfoil.erps.netsuite.auth import StoppedError
from counterfoil.erps.netsuite.config import NetSuiteConfig
from counterfoil.erps.netsuite.orders import COLUMN
from counterfoil.erps.netsuite.post import Desk
from counterfoil.ports.outcomes import Done, Outcome, Refused

COUNTED = frozenset({"InvtPart", "Assembly"})
NEVER_SHORT = 1_000_000  # units; what is not counted (services, charges) is never what an exchange waits for

Levels = dict[str, dict[str, int]]  # item -> location -> units available


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One item: its id, and its type as SuiteQL names it."""

    ref: str
    sku: str
    type: str
    inactive: bool


def check_stock(desk: Desk, command: CheckStock) -> Outcome:
    """What can be promised of each SKU at each depot, and over all of them."""
    items = items_named(desk, command.skus)
    gone = [sku for sku in command.skus if sku not in items or items[sku].inactive]
    if gone:
        told = f"NetSuite has no active item for {', '.join(gone)}."
        return Refused(message=told, kind="sku_not_found", owner=Owner.OPS)
    config = desk.config.serving(command.order.company)
    kits = {item.ref: members_of(desk, item.ref) for item in items.values() if item.type == "Kit"}
    wanted = {item.ref for item in items.values() if item.type in COUNTED}
    wanted |= {member for members in kits.values() for member in members}
    levels = _levels(desk, sorted(wanted, key=int))
    stock = [level for item in items.values() for level in _of_item(config, item, kits.get(item.ref), levels)]
    return Done(stock=tuple(stock), message=f"NetSuite was asked for {len(items)} items.")


def items_named(desk: Desk, skus: Iterable[str]) -> dict[str, Item]:
    """The items with these SKUs. Raises StoppedError when two items share one."""
    wanted = tuple(dict.fromkeys(skus))
    column = desk.config.sku_field
    if not COLUMN.fullmatch(column):
        told = f"{column!r} is not a SuiteQL column."
        raise StoppedError(Refused(message=told, kind="configuration_rejected", owner=Owner.INTEGRATION))
    if not wanted:
        return {}
    chosen = "" if column in ("itemid", "id") else f", {column}"
    # Sub-items carry their parents' names in front (§12), so the own part is compared as well.
    fits = " OR ".join([f"{column} IN ({wire.quoted(wanted)})", *(f"{column} LIKE {_own(sku)}" for sku in wanted)])
    rows = desk.session.rows(f"SELECT id, itemid, itemtype, isinactive{chosen} FROM item WHERE {fits} ORDER BY id")
    found: dict[str, Item] = {}
    for row in rows:
        sku = (row.text(column) or "").rpartition(" : ")[2]
        item = Item(ref=row.need("id"), sku=sku, type=row.need("itemtype"), inactive=bool(row.flag("isinactive")))
        if sku not in wanted or (sku in found and item.inactive):
            continue
        if sku in found and not found[sku].inactive:
            told = f"Two items of NetSuite have the SKU {sku}: {found[sku].ref} and {item.ref}."
            raise StoppedError(Refused(message=told, kind="sku_not_found", owner=Owner.OPS))
        found[sku] = item
    return found


def _own(sku: str) -> str:
    return wire.quoted([f"% : {sku}"])


def members_of(desk: Desk, kit: str) -> dict[str, int]:
    """A kit's members as it is defined now, item to units in each kit (§10)."""
    record = desk.session.read(f"{wire.RECORDS}/kitItem/{kit}", params=wire.EXPANDED, missing="sku_not_found")
    members: dict[str, int] = {}
    for row in wire.sublist(record, "member"):
        item = wire.reference(row, "item")
        if item is None:
            raise UnreadableError(f"{row.where('item')} is missing")
        members[item] = members.get(item, 0) + wire.quantity(row, "quantity")
    return members


def _levels(desk: Desk, items: list[str]) -> Levels:
    if not items:
        return {}
    rows = desk.session.rows(
        "SELECT item, location, SUM(quantityavailable) AS available FROM inventorybalance "
        f"WHERE item IN ({wire.whole_ids(items)}) GROUP BY item, location ORDER BY item, location"
    )
    levels: Levels = {}
    for row in rows:
        units = int(row.need("available").split(".", 1)[0])  # a part of a unit cannot be promised
        levels.setdefault(row.need("item"), {})[row.text("location") or ""] = units
    return levels


def _of_item(config: NetSuiteConfig, item: Item, members: dict[str, int] | None, levels: Levels) -> list[StockLevel]:
    """The promise at each mapped depot, then over all of them; a location nobody mapped is not sold from."""
    if members is None and item.type not in COUNTED:
        return [StockLevel(sku=item.sku, available=NEVER_SHORT)]
    needed = {item.ref: 1} if members is None else members
    depots = {depot: place for depot, place in config.locations.items() if "/" not in depot and depot != "write_off"}
    places = depots or {"": ""}
    found = []
    for depot, place in places.items():
        units = min((_held(levels.get(each, {}), place) // number for each, number in needed.items()), default=0)
        found.append(StockLevel(sku=item.sku, available=max(units, 0), depot=depot or None))
    if depots:
        found.append(StockLevel(sku=item.sku, available=_over_all(depots, found)))
    return found


def _held(by_place: dict[str, int], place: str) -> int:
    return by_place.get(place, 0) if place else sum(by_place.values())


def _over_all(depots: dict[str, str], levels: list[StockLevel]) -> int:
    """The sum over the depots; two depots at one location are counted once."""
    by_place = {depots[level.depot]: level.available for level in levels if level.depot is not None}
    return sum(by_place.values())
