"""Exchange orders: a sales order of its own, linked to the return and to the original order (sheet §4.6; R100-R112).

Customer, addresses and the rest are copied from the original order as NetSuite holds it and never leave this module.
NetSuite has no link from an order to a return (§4.6): custom fields carry it where they are configured, the memo
always does. A held order stands at Pending Approval, which commits no stock and ships nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from counterfoil.adapterkit.parse import Fields
from counterfoil.core.commands import CancelExchangeOrder, CreateExchangeOrder, ReleaseExchangeOrder
from counterfoil.core.documents import DocumentLine, DocumentRef, ExchangeItem
from counterfoil.core.money import to_text
from counterfoil.core.problems import Owner
from counterfoil.erps.netsuite import wire
from counterfoil.erps.netsuite.authorisations import depot_not_mapped, location_of
from counterfoil.erps.netsuite.availability import Item, items_named
from counterfoil.erps.netsuite.config import NetSuiteConfig
from counterfoil.erps.netsuite.credits import ROUNDING, Part, fit
from counterfoil.erps.netsuite.errors import Meaning, outcome_of
from counterfoil.erps.netsuite.orders import currency_of
from counterfoil.erps.netsuite.periods import MEMO_MAX
from counterfoil.erps.netsuite.post import Desk, Plan, already, differs
from counterfoil.ports.outcomes import Done, Outcome, Refused

RECORD = "salesOrder"
_ADDRESSES = frozenset({"shippingAddress", "billingAddress"})


# --- making -----------------------------------------------------------------------------------------------------------


def create_order(desk: Desk, command: CreateExchangeOrder) -> Outcome:
    """Make the order, with everything the original has.

    NetSuite adds the tax by its own set-up of items and customer. A preview tells its rates, so that the net we send
    comes to the gross that was sold; without a preview the rates of the original order are taken.
    """
    if command.currency != command.order.currency:
        told = f"The exchange is in {command.currency}, the order {command.order.number} in {command.order.currency}."
        return Refused(message=told, kind="currency_differs", owner=Owner.FINANCE)
    original = desk.session.record(RECORD, command.order.ref, missing="order_not_found")
    desk.saw(RECORD)
    items = items_named(desk, [item.sku for item in command.items if item.item_ref is None])
    plan = plan_order(desk, command, original, items, {})
    if isinstance(plan, Refused):
        return plan
    if any(item.gross for item in command.items):
        shown = desk.preview(plan)
        plan = plan_order(desk, command, original, items, tax_rates(shown if shown is not None else original))
    return plan if isinstance(plan, Refused) else desk.deliver(plan)


def find_order(desk: Desk, command: CreateExchangeOrder) -> Outcome | None:
    """What an earlier attempt made."""
    return desk.lookup(bare_plan(desk, command))


def bare_plan(desk: Desk, command: CreateExchangeOrder) -> Plan:
    """How the order is recognised, without what would be sent."""
    return Plan(
        record_type=RECORD,
        external_id=wire.external_id_of(command),
        path=f"{wire.RECORDS}/{RECORD}",
        body={},
        check=lambda record: check_order(desk, command, record),
    )


def plan_order(
    desk: Desk,
    command: CreateExchangeOrder,
    original: Fields,
    items: Mapping[str, Item],
    rates: Mapping[str, Decimal],
) -> Plan | Refused:
    """The order to be made, or why it cannot be written down."""
    config = desk.config.serving(command.order.company)
    missing = [item.sku for item in command.items if item.item_ref is None and item.sku not in items]
    if missing:
        told = f"NetSuite has no item for {', '.join(missing)}."
        return Refused(message=told, kind="sku_not_found", owner=Owner.OPS)
    head = _head(config, command, original)
    if isinstance(head, Refused):
        return head
    rows: list[dict[str, Any]] = []
    off = 0
    for item in command.items:
        ref = item.item_ref or items[item.sku].ref
        location = location_of(config, item.depot) if item.depot is not None else None
        if item.depot is not None and location is None:
            return depot_not_mapped(item.depot)
        net, missed = net_of(item.gross, rates.get(ref, rates.get("")))
        off += missed
        rows.append(_row(config, item, ref, location, net, command.currency))
    rows += _settlement(config, command, rates, off)
    return replace(bare_plan(desk, command), body={**head, "item": {"items": rows}})


def _head(config: NetSuiteConfig, command: CreateExchangeOrder, original: Fields) -> dict[str, Any] | Refused:
    head: dict[str, Any] = {"externalId": wire.external_id_of(command)}
    for name in config.exchange_copies:
        value = _copied(original.raw(name), address=name in _ADDRESSES)
        if value not in (None, "", {}):
            head[name] = value
    if "entity" not in head:
        told = f"Order {command.order.number} shows no customer to copy."
        return Refused(message=told, kind="customer_not_found", owner=Owner.FINANCE)
    head["orderStatus"] = wire.ref("A" if command.held else "B")
    head["otherRefNum"] = command.shop_order_name or command.shop_order_ref or command.exchange_id
    head["memo"] = _memo(config, command)[:MEMO_MAX]
    if config.exchange_form:
        head["customForm"] = wire.ref(config.exchange_form)
    if config.exchange_origin_field:
        head[config.exchange_origin_field] = wire.ref(command.order.ref)
    if config.exchange_rma_field and command.rma is not None:
        head[config.exchange_rma_field] = wire.ref(command.rma.ref)
    if config.order_type_field and command.order_type is not None:
        own = config.order_types.get(command.order_type)
        if config.order_types and own is None:
            told = f"The order type {command.order_type!r} is not mapped to a value of {config.order_type_field}."
            return Refused(message=told, kind="order_type_rejected", owner=Owner.INTEGRATION)
        head[config.order_type_field] = wire.ref(own) if own else command.order_type
    return head


def _copied(value: Any, *, address: bool) -> Any:
    """A field of the original as it is written again: a reference by its id, an address by its parts."""
    if not isinstance(value, Mapping):
        return value
    if address:
        parts = {name: _copied(part, address=False) for name, part in value.items() if name not in ("links", "id")}
        return {name: part for name, part in parts.items() if part is not None and name != "addrText"}
    return wire.ref(str(value["id"])) if value.get("id") is not None else None


def _memo(config: NetSuiteConfig, command: CreateExchangeOrder) -> str:
    """The links in words, for people and for accounts without fields of their own for them (R103, R104, R112)."""
    said = [f"Exchange {command.exchange_id} for order {command.order.number}", f"return {command.case.return_id}"]
    if command.rma is not None:
        said.append(f"RMA {command.rma.number}")
    if command.order_type is not None and not config.order_type_field:
        said.append(f"type {command.order_type}")
    currency = command.currency
    said.append(f"returned value {to_text(command.carried_over, currency)} {currency}")
    if command.collected:
        said.append(f"paid on top {to_text(command.collected, currency)} {currency}")
    return ", ".join(said)


def tax_rates(record: Fields) -> dict[str, Decimal]:
    """Tax rate by item; under "" that of the document as a whole, else the one rate all its lines share."""
    rates: dict[str, Decimal] = {}
    for row in wire.item_lines(record):
        item, rate = wire.reference(row, "item"), wire.rate(row)
        if item is not None and rate is not None:
            rates[item] = rate
    shared = set(rates.values())
    whole = wire.rate(record, "taxRate") or (shared.pop() if len(shared) == 1 else None)
    return {**rates, "": whole} if whole is not None else rates


def net_of(gross: int, rate: Decimal | None) -> tuple[int, int]:
    """The net that NetSuite's own tax turns into the gross, and what it misses; without a rate the gross itself."""
    if not rate:
        return gross, 0
    net = int((gross * 100 / (100 + rate)).to_integral_value())
    part = Part(rma_line="", line_nos=(), sku="", quantity=1, net=net, tax=gross - net, gross=gross)
    fitted = fit(part, rate)
    return fitted.net, fitted.off or 0


def _row(
    config: NetSuiteConfig, item: ExchangeItem, ref: str, location: str | None, net: int, currency: str
) -> dict[str, Any]:
    row: dict[str, Any] = {"item": wire.ref(ref), "quantity": item.quantity, "amount": wire.amount(net, currency)}
    if net % item.quantity == 0:
        row["rate"] = wire.amount(net // item.quantity, currency)
    if config.custom_price_level:
        row["price"] = wire.ref(config.custom_price_level)
    if location is not None:
        row["location"] = wire.ref(location)
    return row


def _settlement(
    config: NetSuiteConfig, command: CreateExchangeOrder, rates: Mapping[str, Decimal], off: int
) -> list[dict[str, Any]]:
    """The returned value as a line of its own, and a cent NetSuite's tax leaves over; each only where it has an item."""
    found = []
    if config.exchange_credit_item and command.carried_over:
        net, missed = net_of(-_taken(command), rates.get(config.exchange_credit_item))
        off += missed
        found.append((config.exchange_credit_item, net, "Returned value"))
    if off and ROUNDING in config.charge_items:
        found.append((config.charge_items[ROUNDING], off, "Rounding"))
    price = {"price": wire.ref(config.custom_price_level)} if config.custom_price_level else {}
    rows: list[dict[str, Any]] = []
    for item, value, text in found:
        worth = wire.amount(value, command.currency)
        row = {"item": wire.ref(item), "quantity": 1, "description": text, "rate": worth, "amount": worth, **price}
        rows.append(row)
    return rows


def _taken(command: CreateExchangeOrder) -> int:
    """What of the returned value this order uses up: never more than it is worth."""
    return min(command.carried_over, sum(item.gross for item in command.items))


def asked_total(config: NetSuiteConfig, command: CreateExchangeOrder) -> int:
    """What the order must come to, in minor units."""
    worth = sum(item.gross for item in command.items)
    return worth - _taken(command) if config.exchange_credit_item else worth


def check_order(desk: Desk, command: CreateExchangeOrder, record: Fields) -> Outcome:
    """Whether an order is the exchange asked for: this customer, these items and quantities, this value."""
    if wire.reference(record, "entity") != (command.order.customer or wire.reference(record, "entity")):
        return differs(record, "it belongs to another customer")
    currency = currency_of(desk.config, record)
    rows = list(wire.item_lines(record))
    lines: list[DocumentLine] = []
    for item in command.items:
        row = next((each for each in rows if _is_item(item, each)), None)
        if row is None:
            return differs(record, f"{item.quantity} of {item.sku} are not on it")
        rows.remove(row)
        lines.append(DocumentLine(line_no=item.line_no, erp_line=row.need("line")))
    total, asked = wire.total_of(record, currency, "total"), asked_total(desk.config, command)
    if currency != command.currency or total != asked:
        shown = "no total" if total is None else f"{to_text(total, currency)} {currency}"
        told = f"it shows {shown} instead of {to_text(asked, command.currency)} {command.currency}"
        return differs(record, told, kind="totals_mismatch")
    record_id = record.need("id")
    number = record.text("tranId") or record_id
    return Done(ref=record_id, number=number, total=total, url=desk.url(record_id), lines=tuple(lines))


def _is_item(item: ExchangeItem, row: Fields) -> bool:
    same = item.item_ref is None or wire.reference(row, "item") == item.item_ref
    return same and wire.quantity(row, "quantity") == item.quantity


# --- letting it ship, or not ------------------------------------------------------------------------------------------


def release(desk: Desk, command: ReleaseExchangeOrder) -> Outcome:
    """Approve the order; one that is already on its way is released."""
    record = _read(desk, command.exchange)
    state = wire.letter(record, "status", wire.ORDER_STATUSES)
    done = _done(desk, command.exchange)
    if state in ("C", "H") or _closed(record):
        told = f"Exchange order {command.exchange.number} is cancelled or closed in NetSuite and cannot be released."
        return Refused(message=told, kind="order_on_hold", owner=Owner.OPS, ref=command.exchange.ref)
    if state != "A":
        return already(done)
    refused = _patch(desk, command.exchange, {"orderStatus": wire.ref("B")})
    if refused is not None:
        return refused
    after = wire.letter(_read(desk, command.exchange), "status", wire.ORDER_STATUSES)
    return done if after != "A" else differs(record, "it still waits for approval")


def find_released(desk: Desk, command: ReleaseExchangeOrder) -> Outcome | None:
    """Whether an earlier attempt released it."""
    state = wire.letter(_read(desk, command.exchange), "status", wire.ORDER_STATUSES)
    return None if state in ("A", "C", "H", None) else _done(desk, command.exchange)


def cancel(desk: Desk, command: CancelExchangeOrder) -> Outcome:
    """Close every line of an order nothing was shipped of: REST has no other way to withdraw one (§5)."""
    record = _read(desk, command.exchange)
    done = _done(desk, command.exchange)
    if wire.letter(record, "status", wire.ORDER_STATUSES) in ("C", "H") or _closed(record):
        return already(done)
    rows = wire.item_lines(record)
    if any(wire.quantity(row, "quantityFulfilled") or wire.quantity(row, "quantityBilled") for row in rows):
        told = f"Exchange order {command.exchange.number} has shipped or was billed; it cannot be withdrawn."
        return Refused(message=told, kind="document_differs", owner=Owner.OPS, ref=command.exchange.ref)
    closed = [{"line": wire.line_key(row.need("line")), "isClosed": True} for row in rows]
    refused = _patch(desk, command.exchange, {"item": {"items": closed}})
    if refused is not None:
        return refused
    after = _read(desk, command.exchange)
    return done if _closed(after) else differs(after, "its lines are still open")


def find_cancelled(desk: Desk, command: CancelExchangeOrder) -> Outcome | None:
    """Whether an earlier attempt closed it."""
    record = _read(desk, command.exchange)
    gone = wire.letter(record, "status", wire.ORDER_STATUSES) in ("C", "H") or _closed(record)
    return _done(desk, command.exchange) if gone else None


def _read(desk: Desk, exchange: DocumentRef) -> Fields:
    return desk.session.record(RECORD, exchange.ref, missing="record_not_found")


def _done(desk: Desk, exchange: DocumentRef) -> Done:
    return Done(ref=exchange.ref, number=exchange.number, url=desk.url(exchange.ref))


def _closed(record: Fields) -> bool:
    rows = wire.item_lines(record)
    return bool(rows) and all(row.flag("isClosed") for row in rows)


def _patch(desk: Desk, exchange: DocumentRef, body: dict[str, Any]) -> Outcome | None:
    verdict = desk.session.write("PATCH", f"{wire.RECORDS}/{RECORD}/{exchange.ref}", body=body)
    if verdict.meaning in (Meaning.CREATED, Meaning.OK):
        return None
    return outcome_of(verdict, writes=True)
