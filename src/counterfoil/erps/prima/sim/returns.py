"""Sales returns (sheet §4 SalesReturn): opening, cancelling, and the state that receipts and credits move."""

from __future__ import annotations

from decimal import Decimal

from counterfoil.erps.prima.sim.books import Books
from counterfoil.erps.prima.sim.fields import Body, Record, dec, plain
from counterfoil.erps.prima.sim.refusals import Refusal
from counterfoil.erps.prima.sim.stock import Units, add_units, exceeds


def open_return(books: Books, values: Record) -> Record:
    """Authorise a return. What is returned over all returns of an order line stays within what was despatched."""
    body = Body(values)
    reference = body.reference()
    books.check_new(books.returns, reference)
    order = books.order(body.text("order_number"))
    books.check_customer(body.maybe("customer_code"), "customer_code", order)
    lines: list[Record] = []
    for place, row in enumerate(body.rows("lines"), start=1):
        lines.append(_line(books, order, row, place, lines))
    return books.keep(
        books.returns,
        {
            "return_number": "",
            "external_ref": reference,
            "portal_ref": body.maybe("portal_ref"),
            "order_number": order["order_number"],
            "customer_code": body.maybe("customer_code") or order.get("customer_code"),
            "status": "authorised",
            "tracking_number": body.maybe("tracking_number"),
            "authorised_at": body.moment("authorised_at") or books.now(),
            "lines": lines,
        },
    )


def _line(books: Books, order: Record, row: Body, place: int, before: list[Record]) -> Record:
    sku, quantity = row.text("sku"), row.quantity()
    line_no = row.whole("line_no", place)
    if any(line["line_no"] == line_no for line in before):
        raise Refusal("MALFORMED", f"line {line_no} is there twice", row.where("line_no"))
    books.check_sku(sku, row.where("sku"))
    order_line = books.order_line(order, row.whole("order_line_no"), row.where("order_line_no"))
    check_sku_of_line(books, order_line, sku, row.where("sku"))
    books.check_code("reason_codes", row.maybe("reason_code"), row.where("reason_code"), needed=True)
    books.check_code("depots", row.maybe("expected_depot"), row.where("expected_depot"))
    line_asked = [line for line in before if line["order_line_no"] == order_line["line_no"]]
    asked = add_units(returned_units(books, line_asked), books.units(sku, quantity))
    earlier = returned_units(books, _lines_returned(books, order, order_line["line_no"]))
    if exceeds(add_units(earlier, asked), despatched_units(books, order_line)):
        limit = order_line["despatched_quantity"]
        message = f"more than the {limit} despatched on order line {order_line['line_no']}, all returns together"
        raise Refusal("QTY_EXCEEDS_DESPATCHED", message, row.where("quantity"))
    return {
        "line_no": line_no,
        "order_line_no": order_line["line_no"],
        "sku": sku,
        "quantity": plain(quantity),
        "reason_code": row.maybe("reason_code"),
        "expected_depot": row.maybe("expected_depot"),
        "received_quantity": "0",
    }


def check_sku_of_line(books: Books, order_line: Record, sku: str, where: str) -> None:
    """Refuse a SKU that is neither the order line's nor one of its components."""
    if sku != order_line["sku"] and sku not in books.units(str(order_line["sku"]), Decimal(1)):
        raise Refusal("UNKNOWN_SKU", f"{sku!r} is not on order line {order_line['line_no']}", where)


def despatched_units(books: Books, order_line: Record) -> Units:
    """What left the house on an order line."""
    return books.units(str(order_line["sku"]), dec(order_line.get("despatched_quantity")))


def returned_units(books: Books, lines: list[Record]) -> Units:
    """What lines of returns, or of credits, ask for."""
    total: Units = {}
    for line in lines:
        total = add_units(total, books.units(line["sku"], dec(line["quantity"])))
    return total


def _lines_returned(books: Books, order: Record, line_no: int) -> list[Record]:
    return [
        line
        for record in books.returns.of_parent(order["order_number"])
        if record["status"] != "cancelled"
        for line in record["lines"]
        if line["order_line_no"] == line_no
    ]


def lines_credited(books: Books, order_number: str, line_no: int | None = None) -> list[Record]:
    """Lines of the order's credit notes, drafts included, cancelled ones not; `return_number` added to each."""
    return [
        {**line, "return_number": credit["return_number"], "credit_status": credit["status"]}
        for credit in books.credits.of_parent(order_number)
        if credit["status"] != "cancelled"
        for line in credit["lines"]
        if line_no is None or line["order_line_no"] == line_no
    ]


def check_open(record: Record, where: str = "return_number") -> None:
    """Refuse work on a return that is closed or cancelled."""
    if record["status"] in {"closed", "cancelled"}:
        raise Refusal("RETURN_CLOSED", f"sales return {record['return_number']} is {record['status']}", where)


def cancel_return(books: Books, record: Record) -> Record:
    """Cancel a return nothing has been booked against; its units may be returned again."""
    check_open(record)
    credited = any(c["status"] != "cancelled" for c in _credits_of(books, record))
    if record["status"] != "authorised" or credited:
        message = f"sales return {record['return_number']} has receipts or credits and cannot be cancelled"
        raise Refusal("RETURN_CLOSED", message, "return_number")
    record["status"] = "cancelled"
    return books.touch(books.returns, record)


def close_return(books: Books, record: Record) -> Record:
    """A person in the ERP closes a return; nothing more can be received on it."""
    check_open(record)
    record["status"] = "closed"
    return books.touch(books.returns, record)


def _credits_of(books: Books, record: Record) -> list[Record]:
    notes = books.credits.of_parent(record["order_number"])
    return [note for note in notes if note["return_number"] == record["return_number"]]


def refresh(books: Books, record: Record) -> None:
    """Move the return's state: part received, received, and closed once all of it is received and credited."""
    if record["status"] in {"closed", "cancelled"}:
        return
    before = record["status"]
    if all(dec(line["received_quantity"]) >= dec(line["quantity"]) for line in record["lines"]):
        posted = [
            line
            for line in lines_credited(books, record["order_number"])
            if line["return_number"] == record["return_number"] and line["credit_status"] == "posted"
        ]
        credited = returned_units(books, posted)
        record["status"] = "received" if exceeds(returned_units(books, record["lines"]), credited) else "closed"
    elif any(dec(line["received_quantity"]) > 0 for line in record["lines"]):
        record["status"] = "part_received"
    if record["status"] != before:
        books.touch(books.returns, record)
