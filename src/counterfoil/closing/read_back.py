"""What the ERP really holds, asked of the ERP (R142): credit notes and receipts as rows of the file contract.

Our own note of a document's number only says which return it was made for; its amount, its units and whether it is
there at all are the ERP's. A document we know nothing of is a record without a left side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import cast

import structlog

from counterfoil.closing.own_books import Books
from counterfoil.flow.world import Connection, World
from counterfoil.ports.capabilities import Cap
from counterfoil.ports.vendors import ErpClient, ErpDocument, Family
from counterfoil.store.database import Transaction

_log = structlog.get_logger("counterfoil.read_back")

DEAD = frozenset(
    {"cancelled", "voided", "rejected", "draft", "deleted"}
)  # statuses that stand for nothing in the books


def read(world: World, books: Books, since: str, until: str) -> list[str]:
    """Add the ERPs' documents dated in [since, until] to the books; a sentence for every ERP that could not be read."""
    trouble = []
    for connection in world.connections.values():
        if connection.family is not Family.ERP or Cap.READ_BACK not in connection.can():
            continue
        try:
            _one(world, connection, books, since, until)
        except Exception as error:
            _log.warning("read_back_failed", connection=connection.name, error=repr(error))
            trouble.append(f"{connection.name} could not be read back: {error}")
    return trouble


def _one(world: World, connection: Connection, books: Books, since: str, until: str) -> None:
    client = cast(ErpClient, connection.client)
    with world.database.read() as tx:
        for document in client.documents("credit_note", since, until):
            _credit(tx, connection, books, document)
        for document in client.documents("receipt", since, until):
            _receipt(tx, connection, books, document)


def _credit(tx: Transaction, connection: Connection, books: Books, document: ErpDocument) -> None:
    if (document.status or "").lower() in DEAD or document.amount is None:
        return
    known = tx.one("document_by_ref", connection=connection.name, ref=document.ref)
    made_for = books.refunds_of.get(known["case_id"], []) if known is not None else []
    books.add(
        "erp_credit_notes",
        {
            "credit_note_id": f"{connection.name}:{document.number}",
            "erp": connection.name,
            "store_id": connection.brand,
            "external_id": made_for[0] if len(made_for) == 1 else "",
            "order_no": _order_no(tx, known["case_id"]) if known is not None else document.order_number or "",
            "currency": document.currency or "",
            "amount_minor": document.amount,
            "posted_date": document.dated or "",
        },
    )


def _order_no(tx: Transaction, case_id: str) -> str:
    row = tx.one("case_get", case_id=case_id)
    return (row["order_name"] or row["order_ref"] or "") if row is not None else ""


def _receipt(tx: Transaction, connection: Connection, books: Books, document: ErpDocument) -> None:
    if (document.status or "").lower() in DEAD or not document.units:
        return
    known = tx.one("document_by_ref", connection=connection.name, ref=document.ref)
    covered = books.receipts_of.get((known["case_id"], known["step"])) if known is not None else None
    for place, (receipt, sku, quantity) in enumerate(_shares(covered, document)):
        books.add(
            "erp_stock_movements",
            {
                "movement_id": f"{connection.name}:{document.number}:{place}",
                "erp": connection.name,
                "external_id": f"{receipt}:{sku}" if receipt else document.external_ref or "",
                "store_id": connection.brand,
                "warehouse": "",
                "sku": sku,
                "movement_type": "return_receipt",
                "qty": quantity,
                "posted_date": document.dated or "",
            },
        )


def _shares(covered: Counter[tuple[str, str]] | None, document: ErpDocument) -> Iterator[tuple[str | None, str, int]]:
    """(warehouse receipt, SKU, units) of an ERP receipt: the ERP's SKUs and units, our receipt's name."""
    held: Counter[str] = Counter()
    for line in document.lines:
        held[line.sku] += line.quantity
    if covered is None:
        for sku, quantity in (held or Counter({"?": document.units or 0})).items():
            yield None, sku, quantity
        return
    left = held or None
    spare = (document.units or 0) - sum(covered.values())
    for place, ((receipt, sku), quantity) in enumerate(sorted(covered.items())):
        if left is None:  # the ERP names no SKUs: its total decides, what is over or short shows on the first
            yield receipt, sku, quantity + (spare if place == 0 else 0)
            continue
        taken = min(quantity, left[sku])
        left[sku] -= taken
        yield receipt, sku, taken
    for sku, quantity in (left or {}).items():
        if quantity:
            yield None, sku, quantity
