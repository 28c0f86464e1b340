"""The order manager behind the SOAP layer (sheet §2.2 to §2.5): a Request document in, a Result document out."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import date
from decimal import Decimal

from counterfoil.erps.prima.sim.books import Books
from counterfoil.erps.prima.sim.declared import declared, number_of
from counterfoil.erps.prima.sim.fields import Record
from counterfoil.erps.prima.sim.order_entry import product_of, take_order
from counterfoil.erps.prima.sim.refusals import Refusal
from counterfoil.erps.prima.sim.sku import matrix_of
from counterfoil.erps.prima.sim.xmltext import Node, NotXml, attribute, children, latin_document, local, parse

# Phrases by which the recorded answers are recognised (sheet §2.5).
SAX_FAILURE = "The XML may be Invalid or may contain invalid characters. SAX parser error"
STACK_TRACE = "DEV MODE trace: om/handler.p line 1; wsa/gateway.p line 1"

# Our status words and the three the sheet has seen.
_STATUS_WORDS = {"despatched": "Despatched", "part_despatched": "Part Despatched", "cancelled": "Cancelled"}


def answer(books: Books, document: str, company: str | None) -> bytes:
    """The Result document. `company` is None for the operation that does not name one."""
    switches = books.switches
    trace = f"\n{STACK_TRACE}" if switches.dev_mode else ""
    try:
        request = _read(document)
    except NotXml as error:
        return latin_document(_result(books, "", "ERROR", f"{SAX_FAILURE}: {error}{trace}"), switches.name_case)
    kind = attribute(request, "RequestType")
    if company is not None and company != (books.company or company):
        message = f"Company {company} does not exist{trace}"
        return latin_document(_result(books, kind, "ERROR", message), switches.name_case)
    match kind:
        case "NewOrder" | "MultiNewOrder":
            result = _new_orders(books, request, kind, trace)
        case "OrderStatus":
            result = _order_status(books, request, kind, trace)
        case "ProductAvailableToSell":
            result = _range(books, request, kind)
        case "MultiAvailableToSell":
            result = _named(books, request, kind)
        case _ if kind in books.request_types:
            result = _declared(books, request, kind, trace)
        case _:
            result = _result(books, kind, "ERROR", f"The RequestType {kind} is not known{trace}")
    return latin_document(result, switches.name_case)


def _read(document: str) -> ET.Element:
    """The Request element. One character outside ISO-8859-1 loses the whole request (sheet §2.1)."""
    try:
        content = document.encode("iso-8859-1")
    except UnicodeEncodeError as error:
        raise NotXml("invalid character") from error
    root = parse(content, encoding="iso-8859-1")
    if local(root.tag).lower() != "request":
        raise NotXml("no Request element")
    return root


def _result(books: Books, kind: str, status: str | None = None, error: str | None = None) -> Node:
    attributes = {"Company": books.company, "RequestType": kind}
    if status is not None:
        attributes["RequestStatus"] = status
    if error is not None:
        attributes["Error"] = error
    return Node("Result", attributes)


def _new_orders(books: Books, request: ET.Element, kind: str, trace: str) -> Node:
    """Each Data is an order of its own: one may fail while the next is taken."""
    at_root = books.switches.status_at == "root"
    result = _result(books, kind)
    failed = []
    for data in children(request, "Data"):
        outcome = take_order(books, data)
        row = Node("Data", dict(outcome.echo))
        result.children.append(row)
        status = "ERROR" if outcome.messages else "OK"
        if not at_root:
            row.attributes = {**row.attributes, "RequestStatus": status}
        if outcome.messages:
            text = "\n".join(outcome.messages) + trace
            error = Node("RequestError", {"UniqueID": outcome.echo["UniqueID"], "Error": text})
            (result if at_root else row).children.append(error)
            failed.append(text)
    if at_root:
        result.attributes = {**result.attributes, "RequestStatus": "ERROR" if failed else "OK"}
        if failed:
            result.attributes = {**result.attributes, "Error": failed[0]}
    return result


def _declared(books: Books, request: ET.Element, kind: str, trace: str) -> Node:
    """A RequestType that only this world has (`request_types`): nothing of the kind is public."""
    result = _result(books, kind)
    for data in children(request, "Data"):
        try:
            rows = declared(books, books.request_types[kind], data)
        except Refusal as refusal:
            unique = attribute(data, "UniqueId")
            text = f"({number_of(refusal.code)}) {refusal.code} {refusal.message}{trace}"
            error = Node("RequestError", {"UniqueID": unique, "Error": text})
            row = Node("Data", {"UniqueID": unique, "RequestStatus": "ERROR"}, [error])
            result.children.append(row)
            continue
        for row in rows:
            row.attributes = {**row.attributes, "UniqueID": attribute(data, "UniqueId"), "RequestStatus": "OK"}
            result.children.append(row)
        if not rows:
            result.attributes = {**result.attributes, "RequestStatus": "OK"}
    return result


def _order_status(books: Books, request: ET.Element, kind: str, trace: str) -> Node:
    result = _result(books, kind)
    for data in children(request, "Data"):
        number = attribute(data, "OrderNumber")
        order = books.orders.records.get(number)
        if order is None:
            error = Node("RequestError", {"Error": f"No Sales Order Header with Order Number {number}{trace}"})
            row = Node("Data", {"OrderNumber": number, "OrderStatus": "", "RequestStatus": "ERROR"}, [error])
        else:
            status = status_word(str(order.get("status", "")))
            row = Node("Data", {"OrderNumber": number, "OrderStatus": status, "RequestStatus": "OK"})
        result.children.append(row)
    return result


def status_word(status: str) -> str:
    """An order's state in Prima's words; those the sheet has not seen are ours with capitals."""
    key = status.strip().lower().replace(" ", "_")
    return _STATUS_WORDS.get(key, key.replace("_", " ").title())


def _stock_row(name: str, product: Record, quantity: Decimal) -> Node:
    matrix = matrix_of(product)
    codes = {f"MtrxCode{place}": code for place, code in enumerate(matrix[1:], start=1)}
    row = {"Product": matrix[0], **codes, "AvailableQuantity": str(int(quantity))}
    return Node(name, {**row, "AvailableDate": _date(str(product.get("available_date") or ""))})


def _date(text: str) -> str:
    """A date as `dd/mm/yyyy`, or nothing."""
    return date.fromisoformat(text).strftime("%d/%m/%Y") if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else text


def _available(books: Books, product: Record, totals: dict[str, Decimal]) -> Decimal:
    """What can be sold of a product; of a bundle as many as its scarcest component allows."""
    units = books.units(str(product["sku"]), Decimal(1))
    return min(totals.get(sku, Decimal(0)) // each for sku, each in units.items())


def _range(books: Books, request: ET.Element, kind: str) -> Node:
    """Stock of every product from one code to another; both empty means everything."""
    result, totals = _result(books, kind, "OK"), books.stock.availability()
    for data in children(request, "Data"):
        start, end = attribute(data, "ProductFrom"), attribute(data, "ProductTo")
        for product in sorted(books.products.values(), key=matrix_of):
            if start <= matrix_of(product)[0] and (not end or matrix_of(product)[0] <= end):
                result.children.append(_stock_row("sku", product, _available(books, product, totals)))
    return result


def _named(books: Books, request: ET.Element, kind: str) -> Node:
    """Stock of named SKUs; one that does not exist has no row."""
    result, totals = _result(books, kind, "OK"), books.stock.availability()
    for data in children(request, "Data"):
        for row in children(data, "sku"):
            product = product_of(books, row)
            if product is not None:
                result.children.append(_stock_row("SKU", product, _available(books, product, totals)))
    return result
