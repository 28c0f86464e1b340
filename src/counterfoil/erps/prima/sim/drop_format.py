"""The files of the file drop (sheet §6): reading ours in CSV or XML, writing the ERP's answers in the same form."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from decimal import Decimal

from counterfoil.erps.prima.sim.xmltext import Node, NotXml, attribute, children, local, parse

NAME = re.compile(r"(?P<type>[A-Z]+)_(?P<interface>.+)_(?P<stamp>\d{8}T\d{6}Z)_(?P<seq>\d{8})\.(?P<ext>csv|xml)\Z")

_ANSWERS = {
    "A": ("original_name", "status", "code", "message", "received_at"),
    "D": ("external_ref", "status", "erp_number", "code", "message", "total_gross"),
    "E": ("external_ref", "line_no", "code", "message"),
}
_FILE_HEADER = ("type", "interface", "file_seq", "created_at", "company", "format_version")

# Columns after the record type, by record and file type (sheet §6.2).
COLUMNS: dict[tuple[str, str], tuple[str, ...]] = {
    ("H", "SRET"): (
        "external_ref",
        "order_number",
        "customer_code",
        "portal_ref",
        "authorised_at",
        "tracking_number",
    ),
    ("L", "SRET"): ("line_no", "order_line_no", "sku", "quantity", "reason_code", "expected_depot"),
    ("H", "GRN"): ("external_ref", "return_number", "received_at", "warehouse_ref"),
    ("L", "GRN"): (
        "line_no",
        "return_line_no",
        "sku",
        "quantity",
        "depot",
        "location",
        "disposition_code",
        "lot",
        "serials",
    ),
    ("H", "SCRN"): (
        "external_ref",
        "order_number",
        "return_number",
        "credit_date",
        "currency",
        "total_net",
        "total_tax",
        "total_gross",
        "refund_refs",
    ),
    ("L", "SCRN"): ("line_no", "order_line_no", "sku", "quantity", "net", "tax_code", "tax", "gross"),
    ("C", "SCRN"): ("charge_code", "net", "tax_code", "tax", "gross"),
    ("H", "SORD"): (
        "external_ref",
        "order_type",
        "original_order_number",
        "return_number",
        "credit_number",
        "customer_code",
        "currency",
        "name",
        "addr1",
        "addr2",
        "town",
        "county",
        "postcode",
        "country",
        "email",
        "phone",
    ),
    ("L", "SORD"): ("line_no", "sku", "quantity", "unit_price", "tax_code", "depot"),
}
TYPES = ("SRET", "GRN", "SCRN", "SORD")


class FileRefused(Exception):
    """The whole file is refused: an ACK code of sheet §6.3 and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(slots=True)
class Document:
    """One document of a file: its header row, lines and charges by column name."""

    header: dict[str, str]
    lines: list[dict[str, str]] = field(default_factory=list)
    charges: list[dict[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class InFile:
    """A file that could be read."""

    type: str
    interface: str
    seq: int
    company: str
    documents: list[Document] = field(default_factory=list)


def read_file(name: str, content: bytes, encoding: str = "utf-8") -> InFile:
    """Read and check one file. Raises FileRefused with the first code that fits."""
    match = NAME.match(name)
    if match is None:
        raise FileRefused("BAD_FORMAT", "the name is not TYPE_interface_time_seq.ext")
    if match["type"] not in TYPES:
        raise FileRefused("UNKNOWN_TYPE", f"type {match['type']} is not known")
    found, trailer = (_read_csv if match["ext"] == "csv" else _read_xml)(match["type"], content, encoding)
    if (found.type, found.interface, found.seq) != (match["type"], match["interface"], int(match["seq"])):
        raise FileRefused("BAD_FORMAT", "name and file header disagree")
    _check_trailer(found, trailer)
    return found


def _read_csv(kind: str, content: bytes, encoding: str) -> tuple[InFile, tuple[str, ...]]:
    try:
        text = content.decode("utf-8-sig" if encoding.lower() in {"utf-8", "utf8"} else encoding)
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileRefused("BAD_FORMAT", f"not CSV in {encoding}") from error
    if not rows or rows[0][0] != "FH":
        raise FileRefused("BAD_FORMAT" if rows else "TRUNCATED", "the file does not begin with FH")
    if rows[-1][0] != "FT":
        raise FileRefused("TRUNCATED", "the file has no FT")
    header = _named(_FILE_HEADER, rows[0])
    if header["format_version"] != "1" or not header["file_seq"].isdecimal():
        raise FileRefused("BAD_FORMAT", "format version or sequence in FH")
    found = InFile(header["type"], header["interface"], int(header["file_seq"]), header["company"])
    for row in rows[1:-1]:
        _add_row(found, kind, row)
    if len(rows[-1]) != 4:
        raise FileRefused("BAD_FORMAT", "FT does not have its three columns")
    return found, tuple(rows[-1][1:])


def _add_row(found: InFile, kind: str, row: list[str]) -> None:
    columns = COLUMNS.get((row[0], kind))
    if columns is None or (row[0] != "H" and not found.documents):
        raise FileRefused("BAD_FORMAT", f"record {row[0]!r} cannot stand here")
    values = _named(columns, row)
    if row[0] == "H":
        found.documents.append(Document(values))
    else:
        (found.documents[-1].lines if row[0] == "L" else found.documents[-1].charges).append(values)


def _named(columns: tuple[str, ...], row: list[str]) -> dict[str, str]:
    if len(row) != len(columns) + 1:
        raise FileRefused("BAD_FORMAT", f"record {row[0]} has {len(row) - 1} columns, not {len(columns)}")
    return dict(zip(columns, (value.strip() for value in row[1:]), strict=True))


def _read_xml(kind: str, content: bytes, encoding: str) -> tuple[InFile, tuple[str, ...]]:
    """The XML form; it names its own encoding, so the CSV setting does not apply."""
    try:
        root = parse(content)
    except NotXml as error:
        code = "TRUNCATED" if b"</PrimaFile>" not in content else "BAD_FORMAT"
        raise FileRefused(code, f"not XML: {error}") from error
    seq = attribute(root, "seq")
    if local(root.tag) != "PrimaFile" or attribute(root, "version") != "1" or not seq.isdecimal():
        raise FileRefused("BAD_FORMAT", "not a PrimaFile of version 1")
    found = InFile(attribute(root, "type"), attribute(root, "interface"), int(seq), attribute(root, "company"))
    for item in children(root, "Document"):
        document = Document({name: attribute(item, name) for name in COLUMNS["H", kind]})
        document.lines = [{n: attribute(row, n) for n in COLUMNS["L", kind]} for row in children(item, "Line")]
        columns = COLUMNS.get(("C", kind), ())
        document.charges = [{n: attribute(row, n) for n in columns} for row in children(item, "Charge")]
        found.documents.append(document)
    trailer = next(children(root, "Trailer"), None)
    if trailer is None:
        raise FileRefused("TRUNCATED", "the file has no Trailer")
    return found, tuple(attribute(trailer, name) for name in ("documents", "lines", "controlTotal"))


def _check_trailer(found: InFile, trailer: tuple[str, ...]) -> None:
    """Counts and control total agree with what was read (sheet §6.2 FT)."""
    rows = [row for document in found.documents for row in [*document.lines, *document.charges]]
    if trailer[:2] != (str(len(found.documents)), str(len(rows))):
        raise FileRefused("BAD_COUNT", f"{len(found.documents)} documents and {len(rows)} lines were read")
    name = "gross" if found.type == "SCRN" else "quantity"
    total = sum((_number(row[name]) for row in rows), Decimal(0))
    if _number(trailer[2]) != total:
        raise FileRefused("BAD_CONTROL_TOTAL", f"the sum of {name} is {total}")


def _number(text: str) -> Decimal:
    if not re.fullmatch(r"-?[0-9]{1,13}(\.[0-9]{1,6})?", text):
        raise FileRefused("BAD_FORMAT", f"{text!r} is not a number")
    return Decimal(text)


@dataclass(frozen=True, slots=True)
class AnswerFile:
    """An ACK or RESP to be written: rows of A, D and E, each with its values by name."""

    type: str
    interface: str
    seq: int
    created_at: str
    company: str
    rows: tuple[tuple[str, dict[str, str]], ...]

    def render(self, ext: str, encoding: str, trailer: bool = True) -> bytes:
        """As CSV or XML; without its trailer it is incomplete."""
        return self._xml(trailer) if ext == "xml" else self._csv(trailer).encode(encoding, "replace")

    @property
    def _documents(self) -> int:
        return sum(1 for record, _ in self.rows if record in {"A", "D"})

    def _csv(self, trailer: bool) -> str:
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(["FH", self.type, self.interface, self.seq, self.created_at, self.company, "1"])
        for record, values in self.rows:
            writer.writerow([record, *(values.get(name, "") for name in _ANSWERS[record])])
        if trailer:
            writer.writerow(["FT", self._documents])
        return out.getvalue()

    def _xml(self, trailer: bool) -> bytes:
        """A and D rows are `Document`, E rows are `Line` under the document they belong to."""
        head = {"type": self.type, "interface": self.interface, "seq": str(self.seq), "created": self.created_at}
        root = Node("PrimaFile", {**head, "company": self.company, "version": "1"})
        for record, values in self.rows:
            node = Node("Line" if record == "E" else "Document", {n: values.get(n, "") for n in _ANSWERS[record]})
            (root.children[-1] if record == "E" else root).children.append(node)
        if trailer:
            root.children.append(Node("Trailer", {"documents": str(self._documents)}))
        return ('<?xml version="1.0" encoding="UTF-8"?>\n' + root.render()).encode()
