"""Sales credit notes (sheet §4 SalesCreditNote): a draft whose figures add up, then posted."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from counterfoil.erps.prima.sim.books import Books
from counterfoil.erps.prima.sim.fields import Body, Record, dec, plain
from counterfoil.erps.prima.sim.refusals import Refusal
from counterfoil.erps.prima.sim.returns import (
    check_sku_of_line,
    despatched_units,
    lines_credited,
    refresh,
    returned_units,
)
from counterfoil.erps.prima.sim.stock import Units, add_units, exceeds

PENNY = Decimal("0.01")


@dataclass(slots=True)
class _Sums:
    """Running figures of one credit note while its rows are read."""

    net: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    gross: Decimal = Decimal(0)
    lines: list[Record] = field(default_factory=list)


def draft_credit(books: Books, values: Record) -> Record:
    """Draft a credit note. Raises Refusal with the first thing that is wrong; nothing is kept then."""
    body = Body(values)
    reference = body.reference()
    books.check_new(books.credits, reference)
    order = books.order(body.text("order_number"))
    parent = _parent(books, body, order)
    credit_date = body.day("credit_date")
    books.check_period(date.fromisoformat(credit_date), "credit_date")
    currency = _currency(body, order)
    sums = _Sums()
    charges = [_charge(books, row, sums) for row in body.rows("charges", needed=False)]
    for place, row in enumerate(body.rows("lines", needed=not charges), start=1):
        sums.lines.append(_line(books, order, parent, row, place, sums))
    _check_totals(body, sums)
    gross = body.amount("total_gross") - (PENNY if books.switches.total_off_by_one else 0)
    return books.keep(
        books.credits,
        {
            "credit_number": "",
            "external_ref": reference,
            "order_number": order["order_number"],
            "return_number": parent["return_number"] if parent else None,
            "credit_date": credit_date,
            "currency": currency,
            "status": "draft",
            "lines": sums.lines,
            "charges": charges,
            "total_net": plain(body.amount("total_net")),
            "total_tax": plain(body.amount("total_tax")),
            "total_gross": plain(gross),
            "refund_refs": body.texts("refund_refs"),
        },
    )


def _parent(books: Books, body: Body, order: Record) -> Record | None:
    """The return that is credited; none for a credit without goods, unless policy wants a receipt first."""
    number = body.maybe("return_number")
    if number is None:
        if books.switches.receipt_before_credit:
            raise Refusal("RETURN_NOT_RECEIVED", "a credit needs a received return", "return_number")
        return None
    parent = books.sales_return(number)
    if parent["order_number"] != order["order_number"]:
        raise Refusal("RETURN_NOT_FOUND", f"{number} is not a return of {order['order_number']}", "return_number")
    if parent["status"] == "cancelled":
        raise Refusal("RETURN_CLOSED", f"sales return {number} is cancelled", "return_number")
    return parent


def _currency(body: Body, order: Record) -> str:
    currency = body.text("currency")
    if order.get("currency") and currency != order["currency"]:
        raise Refusal("INVALID_FIELD", f"the order is in {order['currency']}", "currency")
    return currency


def _figures(books: Books, row: Body, sums: _Sums, sign_free: bool) -> Record:
    """Net, tax and gross of one row, which must add up by themselves; added to the sums."""
    net, tax, gross = row.amount("net"), row.amount("tax"), row.amount("gross")
    books.check_code("tax_codes", row.maybe("tax_code"), row.where("tax_code"))
    if not sign_free and min(net, tax, gross) < 0:
        raise Refusal("INVALID_FIELD", "a credit line cannot be negative; use a charge", row.where("gross"))
    if net + tax != gross:
        raise Refusal("TOTALS_MISMATCH", f"{net} and {tax} do not add up to {gross}", row.where("gross"))
    sums.net, sums.tax, sums.gross = sums.net + net, sums.tax + tax, sums.gross + gross
    return {"net": plain(net), "tax_code": row.maybe("tax_code"), "tax": plain(tax), "gross": plain(gross)}


def _charge(books: Books, row: Body, sums: _Sums) -> Record:
    """Delivery given back, or a fee withheld (negative)."""
    return {"code": row.text("code"), **_figures(books, row, sums, sign_free=True)}


def _line(books: Books, order: Record, parent: Record | None, row: Body, place: int, sums: _Sums) -> Record:
    sku, quantity = row.text("sku"), row.quantity(zero=True)
    books.check_sku(sku, row.where("sku"))
    order_line = books.order_line(order, row.whole("order_line_no"), row.where("order_line_no"))
    check_sku_of_line(books, order_line, sku, row.where("sku"))
    line = {
        "line_no": row.whole("line_no", place),
        "order_line_no": order_line["line_no"],
        "sku": sku,
        "quantity": plain(quantity),
        **_figures(books, row, sums, sign_free=False),
    }
    _check_quantity(books, order, order_line, parent, line, row, sums)
    _check_value(books, order, order_line, line, row, sums)
    return line


def _check_quantity(
    books: Books, order: Record, order_line: Record, parent: Record | None, line: Record, row: Body, sums: _Sums
) -> None:
    """Units once credited cannot be credited again, and none beyond what was despatched, authorised, received."""
    number, where = order_line["line_no"], row.where("quantity")
    here = [item for item in sums.lines if item["order_line_no"] == number]
    asked = returned_units(books, [*here, line])
    credited = lines_credited(books, order["order_number"], number)
    _check_limit(asked, returned_units(books, credited), despatched_units(books, order_line), "DESPATCHED", where)
    if parent is None:
        return
    on_return = [item for item in credited if item["return_number"] == parent["return_number"]]
    earlier = returned_units(books, on_return)
    authorised = [item for item in parent["lines"] if item["order_line_no"] == number]
    _check_limit(asked, earlier, returned_units(books, authorised), "AUTHORISED", where)
    received = [{**item, "quantity": item["received_quantity"]} for item in authorised]
    late = exceeds(add_units(asked, earlier), returned_units(books, received))
    if late and books.switches.receipt_before_credit:
        message = f"sales return {parent['return_number']} has not received these units"
        raise Refusal("RETURN_NOT_RECEIVED", message, where)


def _check_limit(asked: Units, earlier: Units, limit: Units, what: str, where: str) -> None:
    """Too many by itself is a quantity error; too many only with earlier credits is a second credit."""
    if exceeds(asked, limit):
        raise Refusal(f"QTY_EXCEEDS_{what}", f"more units than {what.lower()}", where)
    if exceeds(add_units(asked, earlier), limit):
        raise Refusal("ALREADY_CREDITED", "these units have been credited before", where)


def _check_value(books: Books, order: Record, order_line: Record, line: Record, row: Body, sums: _Sums) -> None:
    """All credits of an order line together stay within what the customer paid for the line."""
    limit = line_value(order, order_line)
    if limit is None:
        return
    number = order_line["line_no"]
    here = [item for item in sums.lines if item["order_line_no"] == number]
    total = sum(dec(item["gross"]) for item in [line, *here, *lines_credited(books, order["order_number"], number)])
    if total > limit:
        message = f"credits of {total} exceed the {limit} of order line {number}"
        raise Refusal("CREDIT_EXCEEDS_LINE_VALUE", message, row.where("gross"))


def line_value(order: Record, line: Record) -> Decimal | None:
    """What an order line is worth with tax, or None when the world gives no price.

    `line_total` is read as including tax when the order is VAT-inclusive or when it equals price plus tax.
    """
    priced = line.get("unit_price") is not None
    if not priced and line.get("line_total") is None:
        return None
    tax = dec(line.get("tax_amount"))
    base = dec(line.get("quantity")) * dec(line.get("unit_price")) - dec(line.get("line_discount"))
    total = dec(line.get("line_total"), plain(base))
    if order.get("vat_inclusive", True) or (priced and total == base + tax):
        return total
    return total + tax


def _check_totals(body: Body, sums: _Sums) -> None:
    """Lines and charges add up to the totals, each of the three."""
    for name, expected in (("total_net", sums.net), ("total_tax", sums.tax), ("total_gross", sums.gross)):
        if body.amount(name) != expected:
            raise Refusal("TOTALS_MISMATCH", f"lines and charges add up to {expected}", name)


def post_credit(books: Books, record: Record) -> Record:
    """Post a draft. Refused when it is posted already (read it back) or its date lies in a closed period."""
    if record["status"] == "posted":
        raise Refusal("DUPLICATE_REF", f"{record['credit_number']} is posted already", "credit_number")
    if record["status"] != "draft":
        raise Refusal("CREDIT_CANCELLED", f"{record['credit_number']} is {record['status']}", "credit_number")
    books.check_period(date.fromisoformat(record["credit_date"]), "credit_date")
    record["status"] = "posted"
    record["posted_at"] = books.now()
    books.touch(books.credits, record)
    if record["return_number"]:
        refresh(books, books.returns.records[record["return_number"]])
    return record


def raise_credit(books: Books, parent: Record) -> Record:
    """The credit note Prima makes of a received return by itself: each line at its share of the order line's value."""
    order = books.order(parent["order_number"])
    lines = [_raised_line(books, order, line) for line in parent["lines"]]
    sums = {name: plain(sum((dec(line[name]) for line in lines), Decimal(0))) for name in ("net", "tax", "gross")}
    record = books.keep(
        books.credits,
        {
            "credit_number": "",
            "external_ref": None,
            "order_number": order["order_number"],
            "return_number": parent["return_number"],
            "credit_date": books.now()[:10],
            "currency": order.get("currency"),
            "status": "draft",
            "lines": lines,
            "charges": [],
            "total_net": sums["net"],
            "total_tax": sums["tax"],
            "total_gross": sums["gross"],
            "refund_refs": [],
        },
    )
    return post_credit(books, record)


def _raised_line(books: Books, order: Record, line: Record) -> Record:
    order_line = books.order_line(order, line["order_line_no"], "order_line_no")
    share = dec(line["quantity"]) / dec(order_line["quantity"])
    gross = ((line_value(order, order_line) or Decimal(0)) * share).quantize(PENNY)
    tax = (dec(order_line.get("tax_amount")) * share).quantize(PENNY)
    return {
        "line_no": line["line_no"],
        "order_line_no": line["order_line_no"],
        "sku": line["sku"],
        "quantity": line["quantity"],
        "net": plain(gross - tax),
        "tax_code": order_line.get("tax_code"),
        "tax": plain(tax),
        "gross": plain(gross),
    }


def cancel_credit(books: Books, record: Record) -> Record:
    """A person in the ERP cancels a credit note; its units and value are free again."""
    record["status"] = "cancelled"
    return books.touch(books.credits, record)
