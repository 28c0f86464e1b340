"""Reading the answer files of the file drop: `ACK_…` and `RESP_…`, as CSV and as XML (Prima sheet §6). Pure.

A file without its trailer is incomplete: nothing of it may be applied, because the writer may still be writing.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from lxml import etree

from counterfoil.adapterkit.parse import UnreadableError
from counterfoil.adapterkit.xml import attributes, decode_xml, local_name, parse_xml_text
from counterfoil.erps.prima.answers import Part, findings, folded, refused_part
from counterfoil.erps.prima.errors import sentence
from counterfoil.ports.translation import Answer, Finding

_ACK_COLUMNS = ("original_name", "status", "code", "message", "received_at")
_DOCUMENT_COLUMNS = ("external_ref", "status", "erp_number", "code", "message", "total_gross")
_LINE_COLUMNS = ("external_ref", "line_no", "code", "message")
_HEAD_COLUMNS = ("type", "interface", "seq", "created", "company", "version")
_COLUMNS = {"A": _ACK_COLUMNS, "D": _DOCUMENT_COLUMNS, "E": _LINE_COLUMNS, "FH": _HEAD_COLUMNS, "FT": ("documents",)}
_ANSWERS = ("ACK", "RESP")

Row = Mapping[str, str]


class AnswerFile(msgspec.Struct, frozen=True, kw_only=True):
    """One answer file as read: rows of documents and of their lines. `complete` is false without a fitting trailer."""

    type: str
    seq: str
    rows: tuple[Row, ...] = ()
    line_rows: tuple[Row, ...] = ()
    complete: bool = False
    doubt: str | None = None


def read_csv(body: bytes) -> AnswerFile:
    """Read the CSV form (§6.2). Raises UnreadableError when it is not an answer file at all."""
    records = list(_records(_text(body)))
    head = next((row for kind, row in records if kind == "FH"), None)
    if head is None or not records or records[0][0] != "FH":
        raise UnreadableError("the file does not begin with an FH row")
    _must_be_answer(head["type"])
    strange = next((kind for kind, _ in records[:-1] if kind not in _COLUMNS), None)  # a last one may be half written
    if strange is not None:
        raise UnreadableError(f"{strange[:20]!r} is not a record of an answer file")
    trailer = records[-1][1] if records[-1][0] == "FT" else None
    rows = tuple(row for kind, row in records if kind in ("A", "D"))
    return _checked(
        AnswerFile(
            type=head["type"].upper(),
            seq=head["seq"],
            rows=rows,
            line_rows=tuple(row for kind, row in records if kind == "E"),
        ),
        trailer["documents"] if trailer is not None else None,
    )


def _text(body: bytes) -> str:
    for encoding in ("utf-8-sig", "windows-1252"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableError("the file is neither UTF-8 nor windows-1252")


def _records(text: str) -> Iterator[tuple[str, Row]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            kind = cells[0].strip().upper()
            columns = _COLUMNS.get(kind, ())
            values = [cell.strip() for cell in cells[1:]]
            yield kind, dict(zip(columns, values + [""] * len(columns), strict=False))
    except csv.Error:
        # An open quote at the end of a file that is still being written: there is no trailer then, so it is incomplete.
        return


def read_xml_form(body: bytes) -> AnswerFile:
    """Read the XML form (§6.2). Raises UnreadableError when it is not an answer file, or carries a DTD."""
    text = decode_xml(body, fallback="windows-1252")
    if unfinished_xml(text):
        return AnswerFile(type="", seq="", doubt="the closing PrimaFile tag is missing")
    return read_xml_root(parse_xml_text(text))


def unfinished_xml(text: str) -> bool:
    """Whether this is an answer file whose end has not been written yet; a DTD is refused before anything else."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return False
    start = re.search(r"<PrimaFile[\s>]", text, re.IGNORECASE)
    return start is not None and re.search(r"</PrimaFile\s*>", text, re.IGNORECASE) is None


def read_xml_root(root: etree._Element) -> AnswerFile:
    """The answer file under a parsed `PrimaFile` element."""
    head = attributes(root)
    _must_be_answer(head.get("type", ""))
    documents = [child for child in root if local_name(child).lower() == "document"]
    trailer = next((attributes(child) for child in root if local_name(child).lower() == "trailer"), None)
    return _checked(
        AnswerFile(
            type=head.get("type", "").upper(),
            seq=head.get("seq", ""),
            rows=tuple(_named(attributes(document)) for document in documents),
            line_rows=tuple(row for document in documents for row in _lines(document)),
        ),
        trailer.get("documents", "") if trailer is not None else None,
    )


def _named(found: Mapping[str, str]) -> Row:
    """Attributes under the names of the columns, whether written external_ref or externalRef."""
    plain = {name.replace("_", ""): value.strip() for name, value in found.items()}
    known = {*_ACK_COLUMNS, *_DOCUMENT_COLUMNS, *_LINE_COLUMNS}
    return {name: plain.get(name.replace("_", ""), "") for name in known}


def _lines(document: etree._Element) -> Iterator[Row]:
    ref = _named(attributes(document))["external_ref"]
    for child in document:
        row = dict(_named(attributes(child)))
        row["external_ref"] = row["external_ref"] or ref
        yield row


def _must_be_answer(kind: str) -> None:
    if kind.upper() not in _ANSWERS:
        raise UnreadableError(f"the file is of type {kind[:20]!r}, not ACK or RESP")


def _checked(file: AnswerFile, counted: str | None) -> AnswerFile:
    """Whether the trailer is there and counts the A or D rows right (§6.3)."""
    if counted is None:
        return msgspec.structs.replace(file, doubt="the trailer is missing")
    if counted != str(len(file.rows)):
        doubt = f"the trailer counts {counted[:20] or 'nothing'}, the file holds {len(file.rows)}"
        return msgspec.structs.replace(file, doubt=doubt)
    return msgspec.structs.replace(file, complete=True)


def answer(file: AnswerFile) -> tuple[Answer, tuple[Finding, ...]]:
    """What an answer file means; an incomplete one says to wait and read it again."""
    if not file.complete:
        message = f"The answer file is not complete ({file.doubt}); wait and read it again."
        return Answer(result="incomplete", retryable=True, message=message), ()
    if not file.rows:
        return Answer(result="ignored", retryable=False, message="The answer file names no document."), ()
    parts = [_acknowledged(row) if file.type == "ACK" else _responded(row, file.line_rows) for row in file.rows]
    return folded(parts), findings(parts)


def _acknowledged(row: Row) -> Part:
    name, status = row["original_name"] or None, row["status"].upper()
    if status == "ACCEPTED":
        return Part(ref=name, result="accepted", message=f"Prima accepted the file {name}.")
    if status == "REJECTED":
        told = sentence(row["message"]) or f"Prima refused the file {name}; nothing of it was applied."
        return refused_part(name, row["code"] or None, told)
    raise UnreadableError(f"the status {row['status'][:20]!r} of file {name} is not known")


def _responded(row: Row, line_rows: Sequence[Row]) -> Part:
    ref, number, status = row["external_ref"] or None, row["erp_number"] or None, row["status"].upper()
    code, told = row["code"] or None, sentence(row["message"])
    match status:
        case "CREATED":
            return Part(ref=ref, result="created", erp_number=number, message=told or f"Prima made {number}.")
        case "DUPLICATE":
            message = told or f"Prima already holds {ref} as {number}."
            return Part(ref=ref, result="duplicate", erp_number=number, code=code, message=message, then="read_back")
        case "HELD":
            message = told or f"Prima holds {ref} until a person there releases it."
            return Part(ref=ref, result="accepted", erp_number=number, code=code, message=message)
        case "REJECTED":
            line = next((line for line in line_rows if line["external_ref"] == ref and line["code"]), None)
            code = code or (line["code"] if line else None)
            told = told or (sentence(line["message"]) if line else "")
            return refused_part(ref, code, told)
    raise UnreadableError(f"the status {row['status'][:20]!r} of document {ref} is not known")
