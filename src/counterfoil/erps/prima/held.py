"""What a record Prima holds says about the document we asked for. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.core.problems import Owner
from counterfoil.erps.prima.compare import differences
from counterfoil.erps.prima.exchanges import ON_HOLD
from counterfoil.erps.prima.records import Document, Record
from counterfoil.erps.prima.transports import Exists
from counterfoil.ports.outcomes import Refused, Unknown
from counterfoil.ports.vendors import ErpDocument, ErpDocumentLine

_DATED = {Document.RETURN: "authorised_at", Document.RECEIPT: "received_at", Document.CREDIT: "credit_date"}


def reads_as(name: str, word: str) -> Callable[[Fields], bool]:
    """Whether a field holds a word, in any case."""
    return lambda held: shown(held, name).lower() == word


def released(order: Fields) -> bool:
    """An order that has a state, and neither waits nor was withdrawn."""
    return status_of(order) not in {"", "cancelled", *ON_HOLD}


def status_of(held: Fields) -> str:
    """The record's state in lower case, empty when it shows none."""
    return shown(held, "status").lower()


def shown(held: Fields, name: str) -> str:
    """A field as text whatever it holds: for messages and words, never for amounts."""
    value = held.data.get(name)
    return str(value) if isinstance(value, str | int) else ""


def total_of(sent: Record, stored: Fields) -> int:
    """The gross total Prima shows. Raises UnreadableError when it shows none: then nothing is proven (§5)."""
    total = stored.amount("total_gross", str(sent["currency"]))
    if total is None:
        raise UnreadableError("total_gross is missing")
    return total


def contradiction(number: str, sent: Record, stored: Fields) -> Refused | None:
    """The refusal when Prima holds something else under our reference; None when it agrees."""
    found = differences(sent, stored.data)
    if not found:
        return None
    money = any(phrase.startswith("total_") for phrase in found)
    return Refused(
        kind="totals_mismatch" if money else "document_differs",
        owner=Owner.FINANCE if money or "credit_number" in stored else Owner.INTEGRATION,
        message=f"Prima holds {number} with other content than asked for ({'; '.join(found[:3])}).",
        detail="; ".join(found),
        ref=number,
        number=number,
    )


def several(asked: str, rows: Sequence[Fields]) -> str:
    """A sentence about orders that share a reference."""
    numbers = ", ".join(str(row.data.get("order_number", "?")) for row in rows[:5])
    return f"Prima holds {len(rows)} sales orders for {asked} ({numbers}); a person must say which."


def unreadable(trouble: UnreadableError, number: str) -> Refused:
    """A record that cannot be read exactly is nobody's guess."""
    message = f"Prima's record {number or 'without a number'} could not be read exactly: {trouble}."
    return Refused(
        kind="unreadable_erp_record",
        owner=Owner.INTEGRATION,
        message=message,
        ref=number or None,
        number=number or None,
    )


def vanished(refused: Exists, ref: str) -> Unknown:
    """Prima says the document exists, but a look finds none: perhaps it is not shown yet, so look again later."""
    return Unknown(message=f"Prima says {ref} exists but does not show it.", detail=refused.detail, code=refused.code)


def draft_gone(number: str) -> Refused:
    """The draft we were to post is not there."""
    return Refused(
        kind="credit_note_not_found", owner=Owner.FINANCE, message=f"The draft credit note {number} is not in Prima."
    )


def cancelled(document: Document, number: str) -> Refused:
    """A document somebody cancelled in Prima is not made a second time behind their back."""
    credit = document is Document.CREDIT
    kinds = {Document.CREDIT: "credit_note_cancelled", Document.ORDER: "document_differs"}
    return Refused(
        kind=kinds.get(document, "return_closed_in_erp"),
        owner=Owner.FINANCE if credit else Owner.OPS,
        message=f"{number} was cancelled in Prima.",
        ref=number,
        number=number,
    )


def erp_document(kind: str, document: Document, row: Fields) -> ErpDocument:
    """A record for reconciliation. Raises UnreadableError for a number, amount or quantity that cannot be read."""
    number = row.need(document.number_field)
    currency = row.text("currency")
    amount = row.amount("total_gross", currency) if currency else None
    dated = row.text(_DATED[document])
    rows = list(row.each("lines"))
    units = [line.whole("quantity") for line in rows]
    return ErpDocument(
        kind=kind,
        ref=number,
        number=number,
        external_ref=row.text("external_ref"),
        currency=currency,
        amount=amount,
        units=sum(unit for unit in units if unit is not None) if units and None not in units else None,
        dated=dated[:10] if dated else None,
        status=status_of(row) or None,
        order_number=row.text("order_number"),
        rma_ref=row.text("return_number") if document is not Document.RETURN else None,
        lines=_received(rows) if document is Document.RECEIPT else (),
    )


def _received(rows: Sequence[Fields]) -> tuple[ErpDocumentLine, ...]:
    """Units by SKU and depot. Nothing when one line names no SKU or quantity: half a list would look like a shortage."""
    told = [(row.text("sku"), row.whole("quantity"), row.text("depot")) for row in rows]
    lines = [ErpDocumentLine(sku=sku, quantity=n, depot=depot) for sku, n, depot in told if sku and n is not None]
    return tuple(lines) if len(lines) == len(told) else ()
