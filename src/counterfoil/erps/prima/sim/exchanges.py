"""Exchange orders (sheet §4 ExchangeOrder): a sales order tied to a return, with its stock reserved."""

from __future__ import annotations

from decimal import Decimal

from counterfoil.erps.prima.sim.books import Books
from counterfoil.erps.prima.sim.fields import Body, Record, dec, plain
from counterfoil.erps.prima.sim.refusals import Refusal
from counterfoil.erps.prima.sim.stock import Units, add_units

_ON_HOLD = {"on_hold", "hold", "held"}
_ADDRESS = ("name", "addr1", "addr2", "town", "county", "postcode", "country", "email", "phone")


def create_exchange(books: Books, values: Record) -> Record:
    """Take an exchange order. It needs the return's number, never its receipt unless policy says so."""
    body = Body(values)
    reference = _reference(books, body)
    parent = books.sales_return(body.maybe("return_number"))
    original = books.order(body.maybe("original_order_number") or parent["order_number"], "original_order_number")
    customer = body.maybe("customer_code") or original.get("customer_code")
    books.check_customer(customer, "customer_code")
    books.check_code("order_types", body.maybe("order_type"), "order_type", needed=True)
    _check_free(books, body, parent, original, customer)
    lines, reserved = _lines(books, body)
    for depot, units in reserved.items():
        books.stock.allocate(units, depot)
    order = {
        "order_number": books.orders.next_number(),
        "external_ref": reference,
        "external_order_ref": body.maybe("external_order_ref") or reference,
        "customer_code": customer,
        "order_type": body.maybe("order_type"),
        "order_date": body.moment("order_date") or books.now()[:10],
        "currency": body.maybe("currency") or original.get("currency"),
        "vat_inclusive": body.flag("vat_inclusive", original.get("vat_inclusive", True) is not False),
        "order_discount": plain(body.amount("order_discount", "0")),
        "delivery_charge": plain(body.amount("delivery_charge", "0")),
        "status": "on_hold" if body.flag("hold_order", False) else "allocated",
        "return_number": parent["return_number"],
        "original_order_number": original["order_number"],
        "credit_number": body.maybe("credit_number"),
        "delivery": {name: body.maybe(name) for name in _ADDRESS if body.given(name)},
        "lines": lines,
    }
    return books.add_order(order)


def _reference(books: Books, body: Body) -> str:
    """The order's own reference: `external_ref`, or `external_order_ref` where only that is sent."""
    reference = body.reference() if body.given("external_ref") else body.text("external_order_ref")
    books.check_new(books.orders, reference)
    return reference


def _check_free(books: Books, body: Body, parent: Record, original: Record, customer: str | None) -> None:
    """The return is alive, nobody holds the order or the customer, and policy does not wait for the goods."""
    if parent["order_number"] != original["order_number"]:
        message = f"{parent['return_number']} is not a return of {original['order_number']}"
        raise Refusal("RETURN_NOT_FOUND", message, "return_number")
    if parent["status"] == "cancelled":
        raise Refusal("RETURN_CLOSED", f"sales return {parent['return_number']} is cancelled", "return_number")
    if books.switches.receipt_before_exchange and parent["status"] not in {"received", "closed"}:
        message = f"sales return {parent['return_number']} has not been received"
        raise Refusal("RETURN_NOT_RECEIVED", message, "return_number")
    held = books.codes["customers"].get(customer or "", {}).get("on_hold")
    if held or str(original.get("status", "")).lower().replace(" ", "_") in _ON_HOLD:
        raise Refusal("ORDER_ON_HOLD", f"sales order {original['order_number']} is on hold", "original_order_number")
    credit = body.maybe("credit_number")
    if credit is not None and credit not in books.credits.records:
        raise Refusal("INVALID_FIELD", f"credit note {credit!r} does not exist", "credit_number")


def _lines(books: Books, body: Body) -> tuple[list[Record], dict[str, Units]]:
    """The lines, each with the depot that serves it, and what is reserved per depot."""
    reserved: dict[str, Units] = {}
    lines = []
    for place, row in enumerate(body.rows("lines"), start=1):
        sku, quantity = row.text("sku"), row.quantity()
        books.check_sku(sku, row.where("sku"))
        books.check_code("depots", row.maybe("depot"), row.where("depot"))
        books.check_code("tax_codes", row.maybe("tax_code"), row.where("tax_code"))
        units = books.units(sku, quantity)
        depot = _serving(books, units, row, reserved)
        if depot is not None:
            reserved[depot] = add_units(reserved.get(depot, {}), units)
        lines.append(_line(row, place, sku, quantity, depot))
    return lines, reserved


def _line(row: Body, place: int, sku: str, quantity: Decimal, depot: str | None) -> Record:
    price, discount = row.amount("unit_price"), row.amount("line_discount", "0")
    return {
        "line_no": row.whole("line_no", place),
        "sku": sku,
        "quantity": plain(quantity),
        "despatched_quantity": "0",
        "unit_price": plain(price),
        "line_discount": plain(discount),
        "tax_code": row.maybe("tax_code"),
        "tax_amount": plain(row.amount("tax_amount", "0")),
        "line_total": plain(row.amount("line_total", plain(quantity * price - discount))),
        "depot": depot,
    }


def _serving(books: Books, units: Units, row: Body, reserved: dict[str, Units]) -> str | None:
    """The depot asked for, or the first sellable one that can serve the line; a world without stock serves all."""
    asked = row.maybe("depot")
    if not books.stock.listed:
        return asked
    for depot in [asked] if asked else books.stock.depots():
        taken = reserved.get(depot, {})
        if all(books.stock.available(s, depot) - taken.get(s, Decimal(0)) >= q for s, q in units.items()):
            return depot
    raise Refusal("STOCK_UNAVAILABLE", f"not enough {row.text('sku')} to sell", row.where("sku"))


def release(books: Books, order: Record) -> Record:
    """Let a held order go on (not in the sheet: inferred, like the cancelling of an order)."""
    if order["status"] != "on_hold":
        raise Refusal("ORDER_NOT_HELD", f"sales order {order['order_number']} is {order['status']}", "order_number")
    order["status"] = "allocated"
    return books.touch(books.orders, order)


def cancel_order(books: Books, order: Record) -> Record:
    """Withdraw an order nothing of which has left; its stock is free again."""
    gone = any(dec(line.get("despatched_quantity")) > 0 for line in order["lines"])
    if gone or order["status"] in {"cancelled", "despatched"}:
        raise Refusal("ORDER_CLOSED", f"sales order {order['order_number']} is {order['status']}", "order_number")
    for line in order["lines"]:
        if line.get("depot") and books.stock.listed:
            units = books.units(line["sku"], dec(line["quantity"]))
            books.stock.allocate({sku: -quantity for sku, quantity in units.items()}, line["depot"])
    order["status"] = "cancelled"
    return books.touch(books.orders, order)


def despatch(books: Books, order: Record) -> Record:
    """A person in the ERP sends an order out: what was reserved leaves the depot."""
    for line in order["lines"]:
        open_quantity = dec(line["quantity"]) - dec(line.get("despatched_quantity"))
        if line.get("depot") and books.stock.listed:
            books.stock.despatch(books.units(line["sku"], open_quantity), line["depot"])
        line["despatched_quantity"] = line["quantity"]
    order["status"] = "despatched"
    return books.touch(books.orders, order)
