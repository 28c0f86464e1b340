"""RequestTypes for documents nobody has published: only what the world's `request_types` names is served (inferred).

The world gives each RequestType a deed: `return.make`, `return.read`, `return.cancel`, `receipt.make`, `receipt.read`,
`credit.make`, `credit.read`, `credit.post`, `order.read`, `order.release`, `order.cancel`. Attributes are the field
names of sheet §4 in capitals (`OrderNumber`), our reference is `TPGUID`; lines and charges are elements.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

from counterfoil.erps.prima.sim.books import Books
from counterfoil.erps.prima.sim.credits import draft_credit, post_credit
from counterfoil.erps.prima.sim.exchanges import cancel_order, release
from counterfoil.erps.prima.sim.fields import Record
from counterfoil.erps.prima.sim.ledger import Ledger
from counterfoil.erps.prima.sim.receipts import receive
from counterfoil.erps.prima.sim.refusals import STATUS, Refusal
from counterfoil.erps.prima.sim.returns import cancel_return, open_return
from counterfoil.erps.prima.sim.xmltext import Node, attribute, children

_LISTS = ("serials", "refund_refs")
_HEADS = [
    "external_ref",
    "order_number",
    "customer_code",
    "portal_ref",
    "authorised_at",
    "tracking_number",
    "return_number",
    "received_at",
    "warehouse_ref",
    "credit_date",
    "currency",
    "total_net",
    "total_tax",
    "total_gross",
    "refund_refs",
]
_ROWS = [
    "line_no",
    "order_line_no",
    "return_line_no",
    "sku",
    "quantity",
    "reason_code",
    "expected_depot",
    "depot",
    "location",
    "disposition_code",
    "lot",
    "serials",
    "net",
    "tax_code",
    "tax",
    "gross",
    "code",
]


def number_of(code: str) -> str:
    """The `E:n` this Prima gives a code of sheet §5: 900 and its place in the table; a known reference is E:21."""
    return "E:21" if code == "DUPLICATE_REF" else f"E:{900 + list(STATUS).index(code)}" if code in STATUS else "E:899"


def declared(books: Books, deed: str, data: ET.Element) -> list[Node]:
    """Do it, and answer with the documents it is about. Raises Refusal."""
    kind, _, verb = deed.partition(".")
    ledger = {"return": books.returns, "receipt": books.receipts, "credit": books.credits, "order": books.orders}[kind]
    if verb == "read":
        return [_node(record) for record in _asked(ledger, data)]
    if verb == "make":
        _scheduled(books, _target(ledger))
        makers: dict[str, Callable[[Books, Record], Record]] = {
            "return": open_return,
            "receipt": receive,
            "credit": draft_credit,
        }
        made = _node(makers[kind](books, _values(data)))
        if books.switches.take_refusal(_target(ledger), after_commit=True) is not None:
            raise AnswerLost
        return [made]
    return [_node(_changed(books, ledger, deed, data))]


class AnswerLost(Exception):
    """The document was made, and a test wants nobody to hear of it."""


def _target(ledger: Ledger) -> str:
    return f"POST {ledger.name.replace('_', '-')}"


def _scheduled(books: Books, target: str) -> None:
    code = books.switches.take_refusal(target, after_commit=False)
    if code is not None:
        raise Refusal(code, "scheduled by a test")


def _changed(books: Books, ledger: Ledger, deed: str, data: ET.Element) -> Record:
    number = attribute(data, _wire(ledger.number_field))
    if number not in ledger.records:
        raise Refusal("NOT_FOUND", f"{ledger.name.replace('_', ' ')} {number!r} does not exist")
    deeds = {
        "return.cancel": cancel_return,
        "credit.post": post_credit,
        "order.release": release,
        "order.cancel": cancel_order,
    }
    return deeds[deed](books, ledger.records[number])


def _asked(ledger: Ledger, data: ET.Element) -> list[Record]:
    """The documents that carry what is asked for; every given attribute must fit."""
    names = {*ledger.ref_fields, ledger.number_field, ledger.parent_field, "return_number"}
    wanted = {name: attribute(data, _wire(name)) for name in names if attribute(data, _wire(name))}
    if not wanted:
        raise Refusal("MALFORMED", "nothing to look for")
    return [row for row in ledger.records.values() if all(str(row.get(n) or "") == v for n, v in wanted.items())]


def _wire(name: str) -> str:
    return "TPGUID" if name == "external_ref" else "".join(part.capitalize() for part in name.split("_"))


def _values(data: ET.Element) -> Record:
    values = _scalars(data, _HEADS)
    values["lines"] = [_scalars(row, _ROWS) for row in children(data, "Line")]
    charges = [_scalars(row, _ROWS) for row in children(data, "Charge")]
    return {**values, "charges": charges} if charges else values


def _scalars(element: ET.Element, names: list[str]) -> Record:
    found: Record = {name: attribute(element, _wire(name)) for name in names if attribute(element, _wire(name))}
    return {name: text.split(";") if name in _LISTS else text for name, text in found.items()}


def _node(record: Record) -> Node:
    """A document as `Data`, its lines as `Line` and its charges as `Charge`."""
    parts = [Node("Line", _texts(row)) for row in record.get("lines") or []]
    parts += [Node("Charge", _texts(row)) for row in record.get("charges") or []]
    return Node("Data", {**_texts(record.get("delivery") or {}), **_texts(record)}, parts)


def _texts(record: Record) -> dict[str, str]:
    return {_wire(name): _text(value) for name, value in record.items() if isinstance(value, str | int | bool | None)}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return "" if value is None else str(value)
