"""Line numbers, kit components, and how the lines of a request meet the lines of a record (sheet §3, §6, §10)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from counterfoil.erps.netsuite.sim.account import Account
from counterfoil.erps.netsuite.sim.book import Line, Record
from counterfoil.erps.netsuite.sim.quantities import units
from counterfoil.erps.netsuite.sim.values import ref_id, reference

RECEIVED_KINDS = frozenset({"itemReceipt", "itemFulfillment"})
_STEP = 3  # line numbers are not sequential: 1, 4, 7 … (sheet §6)


def number_lines(account: Account, record: Record) -> None:
    """Give new lines their `line` and `lineUniqueKey`; numbers once given never change."""
    for name, lines in record.lists.items():
        if name not in {"item", "inventory", "apply", "deposit"}:
            continue
        used = [int(line["line"]) for line in lines if line.get("line") is not None]
        used += [int(part["line"]) for part in record.parts] if name == "item" else []
        for line in lines:
            if line.get("line") is None:
                line["line"] = _next_number(used)
                used.append(line["line"])
            if name == "item" and line.get("lineUniqueKey") is None:
                line["lineUniqueKey"] = account.book.next_line_key()


def _next_number(used: list[int]) -> int:
    number = max(used, default=-2) + 1
    while number % _STEP != 1:
        number += 1
    return number


def merge(current: list[Line], asked: list[Line], key: str | None, replace: bool) -> list[Line]:
    """The lines after a PATCH or PUT (sheet §3).

    A line whose key matches is updated; any other is added, also when the caller meant the same line but sent no
    key. With `replace` the lines nobody mentioned are removed.
    """
    by_key = {str(ref_id(line.get(key))): line for line in current} if key is not None else {}
    touched: dict[int, Line] = {}
    added: list[Line] = []
    for line in asked:
        found = by_key.get(str(ref_id(line.get(key)))) if key is not None and line.get(key) is not None else None
        if found is None:
            added.append(line)
        else:
            touched[id(found)] = overlaid(found, line)
    kept = [touched.get(id(line), line) for line in current if not replace or id(line) in touched]
    return kept + added


def overlaid(base: Line, asked: Line) -> Line:
    """A line with the caller's values over it. A new quantity or rate makes the amount be computed again."""
    merged = {**base, **asked}
    if ("quantity" in asked or "rate" in asked) and "amount" not in asked:
        merged.pop("amount", None)
    if "amount" in asked and "rate" not in asked:
        merged.pop("rate", None)
    if "tax1Amt" in asked:
        merged["_taxSent"] = True
        merged.pop("_taxBasis", None)
    if "item" in asked and ref_id(asked["item"]) != ref_id(base.get("item")):
        merged.pop("itemType", None)
    return {name: value for name, value in merged.items() if value is not None}


def complete_items(account: Account, record: Record) -> None:
    """Fill in the item type and the defaults an item brings to a new line."""
    for line in record.lines:
        line.setdefault("itemType", account.item_type(line))
        item = account.book.item(ref_id(line.get("item")))
        if item is None or record.kind in RECEIVED_KINDS:
            continue
        if line.get("quantity") is None and line["itemType"] != "Discount":
            line["quantity"] = Decimal(1)
        if "rate" not in line and "amount" not in line:
            line["rate"] = item.fields.get("basePrice", Decimal(0))
        if "taxRate1" not in line and "orderDoc" not in line and item.fields.get("_taxRate") is not None:
            line["taxRate1"] = item.fields["_taxRate"]


def explode_kits(account: Account, record: Record) -> None:
    """Write the components of kit lines: hidden ones on orders and credits, visible ones on receipts (sheet §10)."""
    visible = [line for line in record.lines if line.get("kitMemberOf") is not None]
    before = {(part["kitMemberOf"], ref_id(part["item"])): part for part in [*record.parts, *visible]}
    if visible:
        record.lists["item"] = [line for line in record.lines if line.get("kitMemberOf") is None]
    used = [int(line["line"]) for line in record.lines]
    parts: list[Line] = []
    for line in record.lines:
        if line.get("itemType") == "Kit":
            parts += _components(account, record, line, before, used)
    if record.kind not in RECEIVED_KINDS:
        record.parts = parts
        return
    record.lists["item"] = list(_interleaved(record.lines, parts))


def _interleaved(lines: list[Line], parts: list[Line]) -> Iterable[Line]:
    for line in lines:
        yield line
        yield from (part for part in parts if part["kitMemberOf"] == line["line"])


def _components(
    account: Account, record: Record, line: Line, before: dict[tuple[Any, str | None], Line], used: list[int]
) -> list[Line]:
    made: list[Line] = []
    for item_id, each, origin in _definition(account, line):
        old = before.get((line["line"], item_id))
        number = old["line"] if old is not None else _free_after(int(line["line"]), used)
        used.append(number)
        part: Line = {
            "line": number,
            "lineUniqueKey": old["lineUniqueKey"] if old is not None else account.book.next_line_key(),
            "item": reference(item_id, _item_name(account, item_id)),
            "quantity": each * units(line),
            "kitMemberOf": line["line"],
            "location": line.get("location"),
        }
        part["itemType"] = account.item_type(part)
        if origin is not None:
            part |= {"orderDoc": line["orderDoc"], "orderLine": origin}
        if record.kind == "itemReceipt":
            part["itemReceive"] = True
        made.append({name: value for name, value in part.items() if value is not None})
    return made


def _free_after(number: int, used: list[int]) -> int:
    number += 1
    while number in used:
        number += 1
    return number


def _definition(account: Account, line: Line) -> list[tuple[str, Decimal, int | None]]:
    """Component item, quantity per kit and the source's component line.

    A document made from another keeps that document's components; only a new order reads the kit's definition,
    so that a later change of the kit does not change old orders (sheet §10, definition drift).
    """
    source = account.book.transaction(ref_id(line.get("orderDoc")))
    parent = source.line(line.get("orderLine")) if source is not None else None
    if source is not None and parent is not None and source.parts:
        own = [part for part in source.parts if part["kitMemberOf"] == parent["line"]]
        return [(str(ref_id(part["item"])), part["quantity"] / units(parent), part["line"]) for part in own]
    kit = account.book.item(ref_id(line.get("item")))
    members = kit.lists.get("member", []) if kit is not None else []
    return [(str(ref_id(member.get("item"))), units(member), None) for member in members]


def _item_name(account: Account, item_id: str) -> str | None:
    item = account.book.item(item_id)
    return item.label if item is not None else None
