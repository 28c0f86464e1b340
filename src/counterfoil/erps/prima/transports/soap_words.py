"""Writing requests of the order manager and reading its records (Prima sheet §2). Pure.

Requests are ISO-8859-1 with every other character as a numeric reference; names are read without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lxml import etree

from counterfoil.adapterkit.parse import Fields
from counterfoil.adapterkit.xml import attributes, local_name
from counterfoil.erps.prima.config import PrimaConfig, SoapDocument
from counterfoil.erps.prima.exchanges import DELIVERY
from counterfoil.erps.prima.records import CannotSay, Document

ENCODING = "iso-8859-1"
_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_NAMESPACE = "urn:omlink"
_FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;", "\t": " ", "\n": " ", "\r": " "}

# The name of each document in the settings (sheet §7 `documents`).
NAMES = {
    Document.ORDER: "sales_order",
    Document.RETURN: "sales_return",
    Document.RECEIPT: "stock_receipt",
    Document.CREDIT: "sales_credit_note",
}
# Our field names (sheet §4), for reading what comes back under any spelling.
_FIELDS = [
    "external_ref",
    "external_order_ref",
    "portal_ref",
    "order_number",
    "return_number",
    "receipt_number",
    "credit_number",
    "customer_code",
    "order_type",
    "order_date",
    "currency",
    "vat_inclusive",
    "status",
    "tracking_number",
    "authorised_at",
    "received_at",
    "warehouse_ref",
    "credit_date",
    "total_net",
    "total_tax",
    "total_gross",
    "hold_order",
    "line_no",
    "order_line_no",
    "return_line_no",
    "sku",
    "quantity",
    "despatched_quantity",
    "unit_price",
    "line_discount",
    "tax_code",
    "tax_amount",
    "line_total",
    "depot",
    "expected_depot",
    "reason_code",
    "location",
    "disposition_code",
    "lot",
    "net",
    "tax",
    "gross",
    "code",
    "original_order_number",
    "delivery_charge",
    "order_discount",
    *DELIVERY,
]

Element = tuple[str, Mapping[str, str], Sequence["Element"]]  # name, attributes, children


def render(element: Element) -> str:
    """An element as text. Characters XML 1.0 forbids are left out (sheet §2.1)."""
    name, values, children = element
    pairs = "".join(f' {key}="{_escaped(value)}"' for key, value in values.items())
    inner = "".join(render(child) for child in children)
    return f"<{name}{pairs}>{inner}</{name}>" if inner else f"<{name}{pairs}/>"


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(char, char) for char in _FORBIDDEN.sub("", text))


def request(request_type: str, blocks: Sequence[Element]) -> str:
    """The Request document as text that ISO-8859-1 can carry."""
    text = render(("Request", {"RequestType": request_type}, blocks))
    plain = text.encode(ENCODING, "xmlcharrefreplace").decode(ENCODING)
    return f'<?xml version="1.0" encoding="ISO-8859-1"?>{plain}'


def envelope(document: str, config: PrimaConfig) -> bytes:
    """The document as the one string of a SOAP operation; with a company, the operation that names it (§2.1)."""
    operation = "comwsomhandler" if config.company else "wsomhandler"
    text, company = config.soap_parameters
    parameters = f"<{company}>{_escaped(config.company)}</{company}>" if config.company else ""
    inner = "".join(_ESCAPES.get(char, char) if char in "&<>" else char for char in document)
    call = f'<{operation} xmlns="{_NAMESPACE}">{parameters}<{text}>{inner}</{text}></{operation}>'
    body = f'<soap:Envelope xmlns:soap="{_ENVELOPE}"><soap:Body>{call}</soap:Body></soap:Envelope>'
    return f'<?xml version="1.0" encoding="ISO-8859-1"?>{body}'.encode(ENCODING, "xmlcharrefreplace")


def wire_name(name: str, words: SoapDocument) -> str:
    """Prima's attribute for our field; the third-party id is the one place known to be echoed (sheet §2.3)."""
    if name in words.fields:
        return words.fields[name]
    return "TPGUID" if name == "external_ref" else "".join(part.capitalize() for part in name.split("_"))


def data(record: Mapping[str, Any], words: SoapDocument, unique: str) -> Element:
    """A record of §4 as a Data block: scalars are attributes, lines and charges are elements."""
    values = {"UniqueId": unique, **_scalars(record, words)}
    lines = [("Line", _scalars(row, words), ()) for row in record.get("lines", ())]
    charges = [("Charge", _scalars(row, words), ()) for row in record.get("charges", ())]
    return "Data", values, [*lines, *charges]


def _scalars(record: Mapping[str, Any], words: SoapDocument) -> dict[str, str]:
    found = {}
    for name, value in record.items():
        if isinstance(value, bool):
            found[wire_name(name, words)] = "Yes" if value else "No"
        elif isinstance(value, str | int):
            found[wire_name(name, words)] = str(value)
        elif isinstance(value, list) and all(isinstance(item, str) for item in value) and value:
            found[wire_name(name, words)] = ";".join(value)
    return found


def record_of(block: etree._Element, words: SoapDocument) -> Fields:
    """A Data block as a record of §4; empty attributes are not given. Lines only when the answer shows any."""
    record: dict[str, Any] = _named(block, words)
    for element, group in (("line", "lines"), ("charge", "charges")):
        rows = [_named(child, words) for child in block if local_name(child).lower() == element]
        if rows:
            record[group] = rows
    return Fields(record)


def _named(element: etree._Element, words: SoapDocument) -> dict[str, Any]:
    found = attributes(element)
    plain = {wire_name(name, words).lower(): name for name in _FIELDS}
    return {plain[name]: value.strip() for name, value in found.items() if name in plain and value.strip()}


def blocks_of(result: etree._Element) -> Iterator[etree._Element]:
    """The Data blocks of an answer."""
    return (child for child in result if local_name(child).lower() == "data")


def matrix(sku: str, config: PrimaConfig) -> tuple[str, ...]:
    """Product and matrix codes of a SKU: the table first, then the declared rule (sheet §2.4). Raises CannotSay."""
    if sku in config.sku_table:
        return tuple(config.sku_table[sku])
    match config.sku_rule:
        case "whole":
            return (sku,)
        case "split" if config.sku_separator and sku.count(config.sku_separator) <= 4:
            return tuple(sku.split(config.sku_separator))
    raise CannotSay("sku_not_found", f"{sku} has no product and matrix codes in the connection's SKU table.")


def matrix_values(codes: Sequence[str]) -> dict[str, str]:
    """The attributes that name a product."""
    return {"Product": codes[0], **{f"MtrxCode{place}": code for place, code in enumerate(codes[1:], start=1)}}


# The delivery party of §2.3 for our names of it.
_PARTY = {
    "addr1": "AddrLine1",
    "addr2": "AddrLine2",
    "town": "AddrLine3",
    "county": "AddrLine4",
    "postcode": "PostCode",
    "country": "Country",
    "email": "CustomerEmail",
    "phone": "CustomerPhone",
    "name": "DeliveryFAO",
}


def new_order(record: Mapping[str, Any], config: PrimaConfig, unique: str) -> Element:
    """An exchange order as the Data block of `MultiNewOrder` (§2.3): our reference is its number, so it is made once.

    The return travels as CustomerRef and the original order as WROrdRef1. Raises CannotSay for a SKU without codes.
    """
    values = {
        "UniqueId": unique,
        "TPGUID": record["external_ref"],
        "OrderNumber": record["external_ref"],
        "Customer": record.get("customer_code", ""),
        "CustomerRef": record["return_number"],
        "OrderType": record["order_type"],
        "VatInclusive": "Yes" if record["vat_inclusive"] else "No",
        "HoldOrder": "Yes" if record["hold_order"] else "No",
        "HoldOrderNarrative": f"Exchange for {record['return_number']}" if record["hold_order"] else "",
        "WROrdRef1": record["original_order_number"],
        **{wire: record[name] for name, wire in _PARTY.items() if name in record},
    }
    header = ("OrderHeaderData", {"Currency": record["currency"]}, ())
    return "Data", {name: value for name, value in values.items() if value}, [header, *_order_lines(record, config)]


def _order_lines(record: Mapping[str, Any], config: PrimaConfig) -> Iterator[Element]:
    for line in record["lines"]:
        values = {
            "OrderLine": str(line["line_no"]),
            **matrix_values(matrix(line["sku"], config)),
            "Quantity": line["quantity"],
            "Price": line["unit_price"],
            "LineReference": record["return_number"],
        }
        yield "OrderLineData", {**values, **({"Warehouse": line["depot"]} if "depot" in line else {})}, ()
