"""Quantity on hand: what receipts, shipments and adjustments move (NetSuite sheet §4.2, §4.7, §10)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from counterfoil.erps.netsuite.sim.account import Account
from counterfoil.erps.netsuite.sim.book import Line, Record
from counterfoil.erps.netsuite.sim.quantities import units
from counterfoil.erps.netsuite.sim.values import ZERO, as_decimal, ref_id, truth

Place = tuple[str, str, str, str]  # item, location, bin, inventory status
_STOCKED = frozenset({"InvtPart", "Assembly"})


def move(account: Account, record: Record, sign: int = 1) -> None:
    """Book what a record moves; `sign` -1 takes it back (deletion, or before a change)."""
    for place, quantity in movements(account, record):
        account.stock[place] = account.stock.get(place, ZERO) + sign * quantity


def movements(account: Account, record: Record) -> Iterator[tuple[Place, Decimal]]:
    """Where a record puts or takes goods."""
    if record.kind == "inventoryAdjustment":
        for line in record.lists.get("inventory", []):
            yield from _spread(record, line, line.get("adjustQtyBy", ZERO), ref_id(record.fields.get("adjLocation")))
        return
    sign = _direction(account, record)
    if sign == 0:
        return
    for line in [*record.lines, *record.parts]:
        if line.get("itemType") in _STOCKED and _restocked(account, record, line):
            yield from _spread(record, line, sign * units(line), record.ref("location"))


def _direction(account: Account, record: Record) -> int:
    """+1 for goods coming in, -1 for goods going out, 0 for paper."""
    if record.kind == "itemFulfillment":
        return -1
    if record.kind == "itemReceipt":
        return 1
    from_return = record.fields.get("_source") == "returnAuthorization"
    refund_is_receipt = record.kind in {"creditMemo", "cashRefund"} and not account.preferences.advanced_receiving
    return 1 if from_return and refund_is_receipt else 0


def _restocked(account: Account, record: Record, line: Line) -> bool:
    """Restock Returned Items off: the goods are written off and never reach the shelf (sheet §4.2)."""
    if record.kind != "itemReceipt":
        return True
    return bool(line.get("restock", account.preferences.restock_returned_items))


def _spread(record: Record, line: Line, quantity: Decimal, default: str | None) -> Iterator[tuple[Place, Decimal]]:
    item, location = str(ref_id(line.get("item"))), ref_id(line.get("location")) or default or ""
    details = assignments(line)
    if not details:
        yield (item, location, "", ""), quantity
    for detail in details:
        place = (item, location, ref_id(detail.get("binNumber")) or "", ref_id(detail.get("inventoryStatus")) or "")
        share = as_decimal(detail.get("quantity")) or ZERO
        yield place, share if quantity >= 0 else -abs(share)


def assignments(line: Line) -> list[dict[str, Any]]:
    """The entries of a line's inventory detail, if it has one."""
    detail = line.get("inventoryDetail")
    inner = detail.get("inventoryAssignment") if isinstance(detail, dict) else None
    items = inner.get("items") if isinstance(inner, dict) else None
    return [entry for entry in items if isinstance(entry, dict)] if isinstance(items, list) else []


def available(account: Account, place: Place, promised: dict[tuple[str, str], Decimal]) -> Decimal:
    """On hand less what orders hold, nothing where the inventory status says that it cannot be sold.

    `promised` is used up as it is served: what one shelf covers is not taken from the next one again.
    """
    status = account.book.get("inventoryStatus", place[3])
    if status is not None and not truth(status.fields.get("inventoryAvailable", True)):
        return ZERO
    on_hand, spot = account.stock[place], place[:2]
    held = min(on_hand, promised.get(spot, ZERO))
    promised[spot] = promised.get(spot, ZERO) - held
    return on_hand - held


def committed(account: Account) -> dict[tuple[str, str], Decimal]:
    """What approved orders hold and have not shipped, by item and location; an order pending approval holds nothing."""
    held: dict[tuple[str, str], Decimal] = {}
    for order in account.book.all("salesOrder"):
        if order.ref("status") not in {"B", "D", "E"}:
            continue
        closed = {line["line"] for line in order.lines if line.get("isClosed")}
        for line in [*order.lines, *order.parts]:
            if line.get("itemType") not in _STOCKED or line["line"] in closed or line.get("kitMemberOf") in closed:
                continue
            spot = (str(ref_id(line.get("item"))), ref_id(line.get("location")) or order.ref("location") or "")
            held[spot] = held.get(spot, ZERO) + max(units(line) - line.get("quantityFulfilled", ZERO), ZERO)
    return held
