"""Applying one document of a file: the same rules as over REST, answered as D and E rows (sheet §6.3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from counterfoil.erps.prima.sim.books import Books
from counterfoil.erps.prima.sim.credits import draft_credit, post_credit
from counterfoil.erps.prima.sim.drop_format import Document
from counterfoil.erps.prima.sim.exchanges import create_exchange
from counterfoil.erps.prima.sim.fields import Record
from counterfoil.erps.prima.sim.ledger import Ledger
from counterfoil.erps.prima.sim.receipts import receive
from counterfoil.erps.prima.sim.refusals import Refusal
from counterfoil.erps.prima.sim.returns import open_return

Rows = list[tuple[str, dict[str, str]]]

_DATES = ("authorised_at", "received_at", "credit_date")
_BRITISH_DATE = re.compile(r"(\d\d)/(\d\d)/(\d{4})")
_LINE_FIELD = re.compile(r"lines\[(\d+)\]")


def apply(books: Books, kind: str, document: Document) -> Rows:
    """Create the document, or say why not. A known `external_ref` is a DUPLICATE with its number."""
    ledger, create = _handler(books, kind)
    reference = document.header.get("external_ref", "")
    known = ledger.by_ref(reference) if reference else None
    if known is not None:
        return [_row(reference, "DUPLICATE", ledger, known, kind, "DUPLICATE_REF")]
    try:
        _scheduled(books, kind, reference)
        record = create(books, _values(books, document))
        if kind == "SCRN":
            post_credit(books, record)
    except Refusal as refusal:
        return _rejected(document, reference, refusal)
    return [_row(reference, "CREATED", ledger, record, kind)]


def _handler(books: Books, kind: str) -> tuple[Ledger, Callable[[Books, Record], Record]]:
    return {
        "SRET": (books.returns, open_return),
        "GRN": (books.receipts, receive),
        "SCRN": (books.credits, draft_credit),
        "SORD": (books.orders, create_exchange),
    }[kind]


def _scheduled(books: Books, kind: str, reference: str) -> None:
    """Refuse a document that a test wants refused: by its reference, or the next of its kind."""
    refused = books.switches.reject_document
    code = refused.get(reference) or refused.get("*") or books.switches.take_refusal(f"FILE {kind}", after_commit=False)
    if code:
        raise Refusal(code, "scheduled by a test")


def _values(books: Books, document: Document) -> Record:
    """The rows as a record of sheet §4: empty columns are absent, lists are split at `;`."""
    values: Record = {name: value for name, value in document.header.items() if value}
    if "refund_refs" in values:
        values["refund_refs"] = _split(values["refund_refs"])
    if books.switches.date_format == "dd/mm/yyyy":
        values.update({name: _iso(values[name]) for name in _DATES if name in values})
    values["lines"] = [_line(row) for row in document.lines]
    if document.charges:
        values["charges"] = [{**row, "code": row["charge_code"]} for row in document.charges]
    return values


def _line(row: dict[str, str]) -> dict[str, Any]:
    line: dict[str, Any] = {name: value for name, value in row.items() if value}
    if "serials" in line:
        line["serials"] = _split(line["serials"])
    return line


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


def _iso(text: str) -> str:
    match = _BRITISH_DATE.match(text)
    return f"{match[3]}-{match[2]}-{match[1]}{text[10:]}" if match else text


def _row(
    reference: str, status: str, ledger: Ledger, record: Record, kind: str, code: str = ""
) -> tuple[str, dict[str, str]]:
    total = record["total_gross"] if kind == "SCRN" else ""
    number = str(record[ledger.number_field])
    values = {"external_ref": reference, "status": status, "erp_number": number, "code": code, "total_gross": total}
    return "D", values


def _rejected(document: Document, reference: str, refusal: Refusal) -> Rows:
    """The refusal, and an E row when it is about a line."""
    why = {"external_ref": reference, "code": refusal.code, "message": refusal.message}
    rows: Rows = [("D", {**why, "status": "REJECTED"})]
    match = _LINE_FIELD.match(refusal.field or "")
    if match is not None:
        row = document.lines[int(match[1])]
        rows.append(("E", {**why, "line_no": row.get("line_no") or str(int(match[1]) + 1)}))
    return rows
