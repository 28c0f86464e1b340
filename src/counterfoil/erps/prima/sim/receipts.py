"""Stock receipts (sheet §4 StockReceipt, the GRN): goods against an open return, into a depot."""

from __future__ import annotations

from counterfoil.erps.prima.sim.books import Books
from counterfoil.erps.prima.sim.credits import raise_credit
from counterfoil.erps.prima.sim.fields import Body, Record, day_of, dec, plain
from counterfoil.erps.prima.sim.refusals import Refusal
from counterfoil.erps.prima.sim.returns import check_open, refresh


def receive(books: Books, values: Record) -> Record:
    """Book goods in. Nothing moves unless every line passes."""
    body = Body(values)
    reference = body.reference()
    books.check_new(books.receipts, reference)
    parent = books.sales_return(body.text("return_number"))
    check_open(parent)
    received_at = body.moment("received_at") or books.now()
    if books.switches.period_covers_receipts:
        books.check_period(day_of(received_at), "received_at")
    lines: list[Record] = []
    for place, row in enumerate(body.rows("lines"), start=1):
        lines.append(_line(books, parent, row, place, lines))
    record = books.keep(
        books.receipts,
        {
            "receipt_number": "",
            "external_ref": reference,
            "return_number": parent["return_number"],
            "received_at": received_at,
            "warehouse_ref": body.maybe("warehouse_ref"),
            "lines": lines,
        },
    )
    _move(books, parent, lines)
    if books.switches.return_raises_credit and parent["status"] == "received":
        raise_credit(books, parent)
    return record


def _line(books: Books, parent: Record, row: Body, place: int, before: list[Record]) -> Record:
    sku, quantity = row.text("sku"), row.quantity()
    books.check_sku(sku, row.where("sku"))
    return_line = _return_line(parent, row.whole("return_line_no"), row.where("return_line_no"))
    if sku != return_line["sku"]:
        raise Refusal("UNKNOWN_SKU", f"{sku!r} is not on return line {return_line['line_no']}", row.where("sku"))
    books.check_code("depots", row.text("depot"), row.where("depot"), needed=True)
    here = sum(dec(line["quantity"]) for line in before if line["return_line_no"] == return_line["line_no"])
    if dec(return_line["received_quantity"]) + here + quantity > dec(return_line["quantity"]):
        message = f"more than the {return_line['quantity']} authorised on return line {return_line['line_no']}"
        raise Refusal("QTY_EXCEEDS_AUTHORISED", message, row.where("quantity"))
    return {
        "line_no": row.whole("line_no", place),
        "return_line_no": return_line["line_no"],
        "sku": sku,
        "quantity": plain(quantity),
        "depot": row.text("depot"),
        "location": row.maybe("location"),
        "disposition_code": row.maybe("disposition_code"),
        "lot": row.maybe("lot"),
        "serials": row.texts("serials"),
    }


def _return_line(parent: Record, line_no: int, where: str) -> Record:
    for line in parent["lines"]:
        if line["line_no"] == line_no:
            return dict(line)
    message = f"sales return {parent['return_number']} authorises nothing on line {line_no}"
    raise Refusal("QTY_EXCEEDS_AUTHORISED", message, where)


def _move(books: Books, parent: Record, lines: list[Record]) -> None:
    """Raise stock in the depot named, and count the units on the return."""
    for line in lines:
        books.stock.receive(books.units(line["sku"], dec(line["quantity"])), line["depot"])
        for return_line in parent["lines"]:
            if return_line["line_no"] == line["return_line_no"]:
                return_line["received_quantity"] = plain(dec(return_line["received_quantity"]) + dec(line["quantity"]))
    books.touch(books.returns, parent)
    refresh(books, parent)
