"""The strict reading of one canonical warehouse message: warehouse sheet §2.1 and §2.2, field by field. Pure.

A breach names its code, its path and a sentence, for the sender's 400 answer and for the rows of a CSV import.
Dispositions that do not add up are no breach: the sender cannot mend them by sending again (§2).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlsplit

from counterfoil.adapterkit.parse import utc
from counterfoil.core.receipts import FoundUnits, Inspection, Receipt, ReceiptKind, ReceiptLine
from counterfoil.core.returns import Disposition

CONDITIONS = ("new", "like_new", "good", "worn", "damaged", "defective", "wrong_item", "incomplete", "unknown")
GRADES = ("A", "B", "C", "D")
ID_LENGTH_MAX = 64
TEXT_LENGTH_MAX = 255  # the sheet names no limit for the other short texts
NOTES_LENGTH_MAX = 2000
IMAGES_MAX = 10
LINES_MAX = 10_000
QUANTITY_MAX = 1_000_000_000  # beyond it a quantity is a slip of the keyboard

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_REFERENCES = ("rma_number", "order_number", "tracking_number", "bag_barcode")

Word = TypeVar("Word", bound=StrEnum)


class SchemaError(ValueError):
    """A message that breaks the schema: `code` such as MISSING_VALUE, `path` such as `lines[0].sku`."""

    def __init__(self, code: str, path: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.path = path
        self.message = message


class Node:
    """One JSON object of the message, and where it stands in it."""

    __slots__ = ("data", "path")

    def __init__(self, data: Any, path: str = "") -> None:
        if not isinstance(data, Mapping):
            raise SchemaError("BAD_TYPE", path, f"{path or 'the message'} must be an object")
        self.data = data
        self.path = path

    def at(self, name: str) -> str:
        """The path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def text(self, name: str, limit: int = TEXT_LENGTH_MAX) -> str | None:
        """A string, None when absent, null or blank. Numbers are not strings here: an id has one spelling."""
        value = self.data.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise SchemaError("BAD_TYPE", self.at(name), f"{self.at(name)} must be a string")
        value = value.strip()
        if len(value) > limit:
            raise SchemaError("TOO_LONG", self.at(name), f"{self.at(name)} is longer than {limit} characters")
        if _CONTROL.search(value):
            raise SchemaError("BAD_TEXT", self.at(name), f"{self.at(name)} holds a control character")
        return value or None

    def need(self, name: str, limit: int = TEXT_LENGTH_MAX) -> str:
        """A string that must be there."""
        value = self.text(name, limit)
        if value is None:
            raise SchemaError("MISSING_VALUE", self.at(name), f"{self.at(name)} is missing")
        return value

    def word(self, name: str, words: type[Word]) -> Word:
        """One word of an enumeration, that must be there."""
        value = self.need(name)
        try:
            return words(value)
        except ValueError:
            raise self._bad_word(name, [word.value for word in words]) from None

    def one_of(self, name: str, words: Sequence[str]) -> str | None:
        """One of some words, or None."""
        value = self.text(name)
        if value is not None and value not in words:
            raise self._bad_word(name, words)
        return value

    def _bad_word(self, name: str, words: Sequence[str]) -> SchemaError:
        return SchemaError("BAD_ENUM", self.at(name), f"{self.at(name)} must be one of {', '.join(words)}")

    def quantity(self, name: str, least: int = 0) -> int | None:
        """A whole number of units, None when absent or null. 2.0 and "2" are not whole numbers here (§2.2)."""
        value = self.data.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= QUANTITY_MAX:
            raise SchemaError("BAD_NUMBER", self.at(name), f"{self.at(name)} must be a whole number from {least}")
        return value

    def need_quantity(self, name: str, least: int = 0) -> int:
        """A whole number that must be there."""
        value = self.quantity(name, least)
        if value is None:
            raise SchemaError("MISSING_VALUE", self.at(name), f"{self.at(name)} is missing")
        return value

    def moment(self, name: str) -> str | None:
        """An RFC 3339 time with its offset, in UTC to the second, or None."""
        value = self.text(name)
        if value is None:
            return None
        try:
            if _MOMENT.fullmatch(value):
                return utc(value.upper())
        except (ValueError, OverflowError):
            pass
        raise SchemaError("BAD_DATE", self.at(name), f"{self.at(name)} must be an RFC 3339 time with an offset")

    def day(self, name: str) -> str | None:
        """A date `YYYY-MM-DD`, or None."""
        value = self.text(name)
        if value is None:
            return None
        try:
            if len(value) == 10:
                return date.fromisoformat(value).isoformat()
        except ValueError:
            pass
        raise SchemaError("BAD_DATE", self.at(name), f"{self.at(name)} must be a date YYYY-MM-DD")

    def items(self, name: str, limit: int) -> list[Any]:
        """A list, empty when absent or null."""
        value = self.data.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise SchemaError("BAD_TYPE", self.at(name), f"{self.at(name)} must be a list")
        if len(value) > limit:
            raise SchemaError("TOO_LONG", self.at(name), f"{self.at(name)} holds more than {limit} entries")
        return value

    def nodes(self, name: str) -> Iterator[Node]:
        """The objects of a list."""
        for i, item in enumerate(self.items(name, LINES_MAX)):
            yield Node(item, f"{self.at(name)}[{i}]")

    def texts(self, name: str, limit: int, length: int = TEXT_LENGTH_MAX) -> tuple[str, ...]:
        """The strings of a list."""
        entries = {f"{name}[{i}]": item for i, item in enumerate(self.items(name, limit))}
        node = Node(entries, self.path)
        return tuple(node.need(entry, length) for entry in entries)


def read_receipt(message: Any) -> Receipt:
    """The whole message, checked. Raises SchemaError for the first breach found."""
    node = Node(message)
    kind = node.word("event_type", ReceiptKind)
    version = node.need("schema_version")
    if version != "1":
        raise SchemaError("BAD_ENUM", "schema_version", 'schema_version must be "1"')
    receipt = Receipt(
        event_id=node.need("event_id", ID_LENGTH_MAX),
        event_type=kind,
        occurred_at=_needed_moment(node, "occurred_at"),
        source=node.need("source"),
        warehouse_code=node.need("warehouse_code"),
        receipt_id=node.need("receipt_id", ID_LENGTH_MAX),
        schema_version=version,
        revision=_or(node.quantity("revision", 1), 1),
        reverses_receipt_id=_reversed_receipt(node, kind),
        rma_number=node.text("rma_number"),
        order_number=node.text("order_number"),
        tracking_number=node.text("tracking_number"),
        bag_barcode=node.text("bag_barcode"),
        received_at=node.moment("received_at"),
        inspected_at=node.moment("inspected_at"),
        inspected_by=node.text("inspected_by"),
        lines=_lines(node, kind),
    )
    if not any(getattr(receipt, name) for name in _REFERENCES):
        raise SchemaError("NO_REFERENCE", "rma_number", "one of rma_number, order_number, tracking_number is needed")
    return receipt


def _needed_moment(node: Node, name: str) -> str:
    node.need(name)
    return node.moment(name) or ""


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _reversed_receipt(node: Node, kind: ReceiptKind) -> str | None:
    if kind is ReceiptKind.REVERSED:
        return node.need("reverses_receipt_id", ID_LENGTH_MAX)
    return node.text("reverses_receipt_id", ID_LENGTH_MAX)


def _lines(node: Node, kind: ReceiptKind) -> tuple[ReceiptLine, ...]:
    lines = tuple(_line(child) for child in node.nodes("lines"))
    if not lines and kind is not ReceiptKind.CLOSED:
        raise SchemaError("MISSING_VALUE", "lines", "lines must hold at least one line")
    seen: set[str] = set()
    for i, line in enumerate(lines):
        if line.line_id in seen:
            raise SchemaError("DUPLICATE_LINE", f"lines[{i}].line_id", f"line_id {line.line_id} appears twice")
        seen.add(line.line_id)
    return lines


def _line(node: Node) -> ReceiptLine:
    sku, barcode = node.text("sku"), node.text("barcode")
    line = ReceiptLine(
        line_id=node.need("line_id"),
        received_quantity=node.need_quantity("received_quantity"),
        inspection_status=node.word("inspection_status", Inspection),
        rma_line_ref=node.text("rma_line_ref"),
        sku=sku,
        barcode=barcode,
        expected_quantity=node.quantity("expected_quantity"),
        rejected_quantity=_or(node.quantity("rejected_quantity"), 0),
        short_quantity=node.quantity("short_quantity"),
        oversupply_quantity=node.quantity("oversupply_quantity"),
        dispositions=tuple(_found_units(child) for child in node.nodes("dispositions")),
    )
    if sku is None and barcode is None:
        raise SchemaError("MISSING_VALUE", node.at("sku"), f"{node.at('sku')} or barcode is needed")
    return line


def _found_units(node: Node) -> FoundUnits:
    condition = node.one_of("condition", CONDITIONS)
    if condition is None:
        raise SchemaError("MISSING_VALUE", node.at("condition"), f"{node.at('condition')} is missing")
    return FoundUnits(
        quantity=node.need_quantity("quantity", 1),
        condition=condition,
        disposition=node.word("disposition", Disposition),
        grade=node.one_of("grade", GRADES),
        reason_code=node.text("reason_code"),
        location_code=node.text("location_code"),
        lot_number=node.text("lot_number"),
        expiry_date=node.day("expiry_date"),
        serial_numbers=node.texts("serial_numbers", LINES_MAX),
        notes=node.text("notes", NOTES_LENGTH_MAX),
        image_urls=_image_urls(node),
    )


def _image_urls(node: Node) -> tuple[str, ...]:
    urls = node.texts("image_urls", IMAGES_MAX, NOTES_LENGTH_MAX)
    for i, url in enumerate(urls):
        path = f"{node.at('image_urls')}[{i}]"
        try:
            good = urlsplit(url).scheme in ("http", "https")
        except ValueError:
            good = False
        if not good:
            raise SchemaError("BAD_URL", path, f"{path} must be an http or https address")
    return urls
