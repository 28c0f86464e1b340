"""Writing the files of the drop: one document each, as CSV or XML, with counts and control total (Prima sheet §6.2)."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from lxml import etree

from counterfoil.erps.prima.config import PrimaConfig
from counterfoil.erps.prima.records import CannotSay, Document

Rows = Sequence[Mapping[str, Any]]

# Columns after the record type, in order (§6.2).
_HEADS: Mapping[Document, str] = {
    Document.RETURN: "external_ref order_number customer_code portal_ref authorised_at tracking_number",
    Document.RECEIPT: "external_ref return_number received_at warehouse_ref",
    Document.CREDIT: "external_ref order_number return_number credit_date currency total_net total_tax total_gross "
    "refund_refs",
    Document.ORDER: "external_ref order_type original_order_number return_number credit_number customer_code currency "
    "name addr1 addr2 town county postcode country email phone",
}
_LINES: Mapping[Document, str] = {
    Document.RETURN: "line_no order_line_no sku quantity reason_code expected_depot",
    Document.RECEIPT: "line_no return_line_no sku quantity depot location disposition_code lot serials",
    Document.CREDIT: "line_no order_line_no sku quantity net tax_code tax gross",
    Document.ORDER: "line_no sku quantity unit_price tax_code depot",
}
_CHARGES = "charge_code net tax_code tax gross"
_DATES = ("authorised_at", "received_at", "credit_date")  # written as days, YYYY-MM-DD


class OutFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file for the ERP: what it is about, and the number it carries."""

    document: Document
    record: Mapping[str, Any]
    seq: int
    created_at: str  # RFC 3339 in UTC

    def name(self, config: PrimaConfig) -> str:
        """`{TYPE}_{interface}_{time}_{seq}.{ext}` (§6.1)."""
        stamp = self.created_at.replace("-", "").replace(":", "")
        return f"{self.document.type}_{config.interface}_{stamp}_{self.seq:08d}.{config.file_format}"

    def content(self, config: PrimaConfig) -> bytes:
        """The bytes. Raises CannotSay for characters the agreed encoding does not have."""
        return self._xml(config) if config.file_format == "xml" else self._csv(config)

    def _head(self, config: PrimaConfig) -> list[str]:
        return [self.document.type, config.interface, str(self.seq), self.created_at, config.company, "1"]

    def _trailer(self) -> list[str]:
        """Documents, lines with charges, control total: quantities, or the gross of a credit note."""
        rows = [*self.record.get("lines", ()), *self.record.get("charges", ())]
        name = "gross" if self.document is Document.CREDIT else "quantity"
        total = sum((Decimal(str(row[name])) for row in rows), Decimal(0))
        return ["1", str(len(rows)), f"{total:.2f}"]

    def _csv(self, config: PrimaConfig) -> bytes:
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(["FH", *self._head(config)])
        writer.writerow(["H", *_values(self.record, _HEADS[self.document]).values()])
        for row in self.record.get("lines", ()):
            writer.writerow(["L", *_values(row, _LINES[self.document]).values()])
        for row in self.record.get("charges", ()):
            writer.writerow(["C", *_values(row, _CHARGES).values()])
        writer.writerow(["FT", *self._trailer()])
        try:
            return out.getvalue().encode(config.file_encoding)
        except UnicodeEncodeError as error:
            strange = out.getvalue()[error.start : error.start + 1]
            message = f"The character {strange!r} cannot be written in {config.file_encoding}."
            raise CannotSay("field_rejected", message) from error

    def _xml(self, config: PrimaConfig) -> bytes:
        names = ("type", "interface", "seq", "created", "company", "version")
        root = etree.Element("PrimaFile", dict(zip(names, self._head(config), strict=True)))
        document = etree.SubElement(root, "Document", _values(self.record, _HEADS[self.document]))
        for row in self.record.get("lines", ()):
            etree.SubElement(document, "Line", _values(row, _LINES[self.document]))
        for row in self.record.get("charges", ()):
            etree.SubElement(document, "Charge", _values(row, _CHARGES))
        documents, lines, total = self._trailer()
        etree.SubElement(root, "Trailer", {"documents": documents, "lines": lines, "controlTotal": total})
        written: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
        return written


def _values(record: Mapping[str, Any], columns: str) -> dict[str, str]:
    """The columns in order; what is not known is empty. Line breaks would end a record early and become spaces."""
    found = {}
    for name in columns.split():
        value = record.get("code" if name == "charge_code" else name)
        text = ";".join(value) if isinstance(value, list) else "" if value is None else str(value)
        found[name] = " ".join((text[:10] if name in _DATES else text).split())
    return found
