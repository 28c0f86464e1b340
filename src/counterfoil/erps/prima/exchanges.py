"""An exchange order as Prima's record (Prima sheet §4 ExchangeOrder): a sales order tied to a return. Pure.

Customer and delivery come from the original order as Prima holds it; nothing personal passes through us.
"""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil.adapterkit.parse import Fields
from counterfoil.core.commands import CreateExchangeOrder
from counterfoil.core.documents import ExchangeItem
from counterfoil.core.money import allocate, to_text
from counterfoil.core.problems import Owner
from counterfoil.erps.prima.config import PrimaConfig
from counterfoil.erps.prima.records import CannotSay, Document, Record, reference

# The delivery party in the columns of a SORD file (§6.2); the other transports use the same names.
DELIVERY = ("name", "addr1", "addr2", "town", "county", "postcode", "country", "email", "phone")
ON_HOLD = frozenset({"on_hold", "on hold", "hold", "held"})


def exchange_order(
    command: CreateExchangeOrder, config: PrimaConfig, original: Fields | None, customer: Fields | None
) -> Record:
    """The order. `original` and `customer` are what Prima holds, None where it cannot be asked.

    Prices include VAT, because an exchange item is worth what it is sold for. Raises CannotSay.
    """
    order_type = command.order_type or config.exchange_order_type
    if not order_type:
        message = (
            "No order type for exchanges is set (exchange_order_type); an exchange is never sent as a plain order."
        )
        raise CannotSay("order_type_rejected", message)
    if command.rma is None:
        message = "Prima ties an exchange order to its sales return, and there is none."
        raise CannotSay("return_not_found_in_erp", message)
    if config.transport == "rest" or config.read_channel == "rest":
        _must_be_there(command, original)
    record: Record = {
        "external_ref": reference(Document.ORDER, command, config),
        "order_type": order_type,
        "original_order_number": command.order.number,
        "return_number": command.rma.number,
        "customer_code": _text(original, "customer_code") or command.order.customer,
        "currency": command.currency,
        "vat_inclusive": True,
        "hold_order": command.held,
        **delivery(original, customer),
        "lines": _lines(command, config),
    }
    if command.shop_order_ref is not None:
        record["external_order_ref"] = command.shop_order_ref
    return {name: value for name, value in record.items() if value is not None}


def _must_be_there(command: CreateExchangeOrder, original: Fields | None) -> None:
    if original is None:
        message = f"The original order {command.order.number} is no longer in Prima, so nothing can be copied from it."
        raise CannotSay("order_not_found", message, Owner.OPS)


def delivery(original: Fields | None, customer: Fields | None) -> Mapping[str, str]:
    """Where the goods go: the original order's delivery party, else the customer's address; whole, never mixed."""
    for held in (_child(original, "delivery"), original, _child(customer, "address"), customer):
        found = {name: text for name in DELIVERY if (text := _text(held, name)) is not None}
        if "addr1" in found or "postcode" in found:
            return found
    return {}


def _child(held: Fields | None, name: str) -> Fields | None:
    value = held.data.get(name) if held is not None else None
    return Fields(value) if isinstance(value, Mapping) else None


def _text(held: Fields | None, name: str) -> str | None:
    value = held.data.get(name) if held is not None else None
    return value.strip() or None if isinstance(value, str) else None


def _lines(command: CreateExchangeOrder, config: PrimaConfig) -> list[Record]:
    parts = [part for item in command.items for part in _priced(item, config)]
    return [
        {
            "line_no": place,
            "sku": item.sku,
            "quantity": str(quantity),
            "unit_price": to_text(price, command.currency),
            **({"depot": item.depot} if item.depot else {}),
        }
        for place, (item, quantity, price) in enumerate(parts, start=1)
    ]


def _priced(item: ExchangeItem, config: PrimaConfig) -> list[tuple[ExchangeItem, int, int]]:
    """(item, quantity, price): units that cannot share the value evenly become two lines a minor unit apart."""
    if config.price_basis == "line":
        return [(item, item.quantity, item.gross)]
    each = allocate(item.gross, [1] * item.quantity)
    return [(item, each.count(price), price) for price in dict.fromkeys(each)]
