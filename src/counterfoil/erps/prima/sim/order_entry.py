"""Taking one order of `NewOrder` and `MultiNewOrder` (sheet §2.3), with the errors that were recorded (§2.5)."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from decimal import Decimal

from counterfoil.erps.prima.sim.books import Books
from counterfoil.erps.prima.sim.fields import Record, plain
from counterfoil.erps.prima.sim.sku import identity
from counterfoil.erps.prima.sim.xmltext import attribute, children

_NUMBER = re.compile(r"-?[0-9]{1,13}(\.[0-9]{1,6})?\Z")
_HEADER = (
    "CustomerRef",
    "WROrdRef1",
    "OrderChannel",
    "OrderType",
    "PaymentTerms",
    "Salesman",
    "HoldOrder",
    "HoldOrderNarrative",
)
_PARTY = ("DeliveryFAO", "AddrLine1", "AddrLine2", "AddrLine3", "AddrLine4", "PostCode", "Country", "CustomerEmail")
_PAYMENT = ("PayMethod", "SubPayMethod", "TranAmount", "PayProvider", "PayAuthRef", "TransactionID", "ExchCreditNo")
_LINE = ("LineReference", "LineNarrative", "Promotion", "Reserve", "DueDate")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is answered about one order: its echo, and messages when it was not taken."""

    echo: dict[str, str]
    messages: list[str]


def product_of(books: Books, row: ET.Element) -> Record | None:
    """The product a row names by `Product` and `MtrxCode1` to `4`."""
    codes = [attribute(row, f"MtrxCode{place}") for place in (1, 2, 3, 4)]
    return books.by_identity.get(identity(attribute(row, "Product"), codes))


def take_order(books: Books, data: ET.Element) -> Outcome:
    """Create the order, or say why not; an order is taken whole or not at all."""
    number = attribute(data, "OrderNumber")
    echo = {
        "UniqueID": attribute(data, "UniqueId"),
        "TPGUID": attribute(data, "TPGUID"),
        "OrderNumber": number,
        "CustomerCode": attribute(data, "Customer"),
        "CustRef": attribute(data, "CustomerRef"),
    }
    messages = _objections(books, data, number)
    if messages:
        return Outcome(echo, messages)
    order = _order(books, data, number)
    books.add_order(order)
    _reserve(books, order["lines"])
    return Outcome({**echo, "CustomerCode": order["customer_code"]}, [])


def _objections(books: Books, data: ET.Element, number: str) -> list[str]:
    """The messages against an order; those of E:194 that merely follow stand before or after the cause."""
    follow = ["(E:194) NO VALID Sales Order Line Details for Line 1"]
    if list(children(data, "OrderChargeData")):
        follow.append("(E:194) NO VALID Sales Order Header Details for Charges")
    if not number:
        return ["(E:194) There were no Valid Order Lines found", *follow]
    if number in books.orders.records:
        return [f"(E:21) Sales Order Header already exists with Order Number equal to {number}", *follow]
    agreed = books.codes["customers"].get(attribute(data, "Customer"), {}).get("vat_inclusive")
    if agreed is not None and (attribute(data, "VatInclusive").lower() == "yes") != bool(agreed):
        return [*follow, "(E:548) Price obtained from the Price Book has a different VAT Incl Prices Value"]
    return _line_objections(books, data)


def _line_objections(books: Books, data: ET.Element) -> list[str]:
    rows = list(children(data, "OrderLineData"))
    bad = [place for place, row in enumerate(rows, start=1) if not _acceptable(books, row)]
    messages = [f"(E:194) NO VALID Sales Order Line Details for Matrix Levels on Line {place}" for place in bad]
    if len(bad) == len(rows):
        messages.insert(0, "(E:194) There were no Valid Order Lines found")
    return messages


def _acceptable(books: Books, row: ET.Element) -> bool:
    """A known product and a quantity above zero; a price, where given, is a number."""
    quantity, price = attribute(row, "Quantity"), attribute(row, "Price") or "0"
    if product_of(books, row) is None or not _NUMBER.match(quantity) or not _NUMBER.match(price):
        return False
    return Decimal(quantity) > 0


def _order(books: Books, data: ET.Element, number: str) -> Record:
    header = next(children(data, "OrderHeaderData"), ET.Element("OrderHeaderData"))
    payments = [_given(row, _PAYMENT) for row in children(data, "OrderPaymentData")]
    held = attribute(data, "HoldOrder").lower() == "yes"
    return {
        "order_number": number,
        "external_order_ref": attribute(data, "TPGUID") or None,
        "customer_code": attribute(data, "Customer") or f"C{len(books.orders.made) + 1:06d}",
        "order_type": attribute(data, "OrderType") or None,
        "order_date": attribute(header, "OrderDate") or books.now()[:10],
        "currency": attribute(header, "Currency") or None,
        "vat_inclusive": attribute(data, "VatInclusive").lower() == "yes",
        "status": "on_hold" if held else "new",
        "return_number": _return_named(books, attribute(data, "CustomerRef")),
        "original_order_number": attribute(data, "WROrdRef1") or None,
        "delivery": _given(data, _PARTY),
        "credit_number": next((row["ExchCreditNo"] for row in payments if "ExchCreditNo" in row), None),
        "header": _given(data, _HEADER),
        "charges": [_given(row, ("Charge", "ChargeValue")) for row in children(data, "OrderChargeData")],
        "payments": payments,
        "lines": [_line(books, row, place) for place, row in enumerate(children(data, "OrderLineData"), start=1)],
    }


def _return_named(books: Books, reference: str) -> str | None:
    """The sales return an order's customer reference names, if it names one."""
    return reference if reference in books.returns.records else None


def _given(element: ET.Element, names: tuple[str, ...]) -> dict[str, str]:
    return {name: attribute(element, name) for name in names if attribute(element, name)}


def _line(books: Books, row: ET.Element, place: int) -> Record:
    product = product_of(books, row)
    assert product is not None, "lines are checked before they are taken"
    line_no = attribute(row, "OrderLine")
    return {
        "line_no": int(line_no) if line_no.isdecimal() else place,
        "sku": str(product["sku"]),
        "quantity": plain(Decimal(attribute(row, "Quantity"))),
        "despatched_quantity": "0",
        "price": attribute(row, "Price") or None,  # per unit or per line is not known (sheet §2.3)
        "depot": attribute(row, "Warehouse") or None,
        **_given(row, _LINE),
    }


def _reserve(books: Books, lines: list[Record]) -> None:
    """Reserve stock in the warehouse named, or the first that is sellable; this interface never refuses for stock."""
    for line in lines:
        sellable = [depot for depot in books.stock.depots() if books.stock.sellable(depot)]
        depot = line["depot"] or next(iter(sellable), None)
        if depot is not None and books.stock.listed:
            line["depot"] = depot
            books.stock.allocate(books.units(line["sku"], Decimal(line["quantity"])), depot)
