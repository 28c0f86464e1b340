"""What each system holds about a return: the portal's return, the shop's order and refunds, the ERP's documents.

A number is a link wherever the vendor has a page for people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from counterfoil.core.case import ReturnCase
from counterfoil.core.money import Money
from counterfoil.store.database import Row
from counterfoil.web.system import ConnectionFacts
from counterfoil.web.timeline import web_address
from counterfoil.web.words import DOCUMENT


@dataclass(frozen=True, slots=True)
class Paper:
    """One line of the documents table. `url` is None where there is nothing to open."""

    title: str
    number: str
    place: str
    url: str | None = None
    amount: Money | None = None


def papers(case: ReturnCase, documents: Sequence[Row], connections: Sequence[ConnectionFacts]) -> list[Paper]:
    """Every record of this return in every system."""
    portal = _of(connections, case.case.brand, "portal", case.case.portal)
    shop = _of(connections, case.case.brand, "gateway")
    erp = _of(connections, case.case.brand, "erp")
    found = [Paper("Return", case.case.return_id, _name(portal), _link(portal, "return", case.case.return_id))]
    if case.case.order_ref:
        name = case.case.order_name or case.case.order_ref
        found.append(Paper("Order", name, _name(shop), _link(shop, "order", case.case.order_ref)))
    if case.erp_order is not None:
        order = case.erp_order
        found.append(Paper("Sales order", order.number, _name(erp), _link(erp, "sales_order", order.ref)))
    found += [_document(row) for row in documents]
    for refund in case.confirmed:
        title = "Store credit" if refund.store_credit else "Refund"
        number = refund.refund_ref or refund.ref
        amount = Money(refund.amount, refund.currency)
        found.append(Paper(title, number, refund.gateway or refund.source, _link(shop, "refund", number), amount))
    return found


def _document(row: Row) -> Paper:
    total = row["total_minor"]
    amount = Money(total, row["currency"]) if total is not None and row["currency"] else None
    title = DOCUMENT.get(row["kind"], str(row["kind"]).replace("_", " "))
    return Paper(title, row["number"], row["connection"], web_address(row["url"]), amount)


def _of(
    connections: Sequence[ConnectionFacts], brand: str, family: str, vendor: str | None = None
) -> ConnectionFacts | None:
    fitting = [c for c in connections if c.brand == brand and c.family == family and vendor in (None, c.vendor)]
    return fitting[0] if fitting else None


def _name(connection: ConnectionFacts | None) -> str:
    return connection.name if connection is not None else "–"


def _link(connection: ConnectionFacts | None, kind: str, ref: str) -> str | None:
    return web_address(connection.link(kind, ref)) if connection is not None else None
