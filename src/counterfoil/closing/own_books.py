"""Portal, gateway and warehouse as they told us, as rows of the file contract (reconcile-files.md §1).

The portal's side is the portal's own list of refunds, the gateway's side the movements that shop and gateways told,
each under the reference its sender gave it; that we connected them is not used to connect them again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from counterfoil.core.case import ReturnCase
from counterfoil.core.events import RefundMoved, RefundState, WarehouseReported
from counterfoil.core.receipts import Receipt, ReceiptKind
from counterfoil.core.returns import Disposition, Stage
from counterfoil.store.cases import all_cases, decode_fact
from counterfoil.store.database import Transaction

Row = dict[str, Any]
Rows = dict[str, list[Row]]

BACK_TO_CUSTOMER = "returned_to_customer"


@dataclass
class Books:
    """Rows by file of the contract; `returns` says which return a left-hand record belongs to."""

    rows: Rows = field(default_factory=lambda: defaultdict(list))
    returns: dict[str, str] = field(default_factory=dict)
    receipts_of: dict[tuple[str, str], Counter[tuple[str, str]]] = field(default_factory=dict)
    refunds_of: dict[str, list[str]] = field(default_factory=dict)
    brands: dict[str, str] = field(default_factory=dict)

    def add(self, file: str, row: Row) -> None:
        """One more record."""
        self.rows[file].append(row)


def read(tx: Transaction) -> Books:
    """Everything our store knows, each return once."""
    books = Books()
    for case, _ in all_cases(tx):
        if case.portal_return is not None:
            _refunds(books, case)
            _lines(books, case)
        _movements(books, case)
        _receipts(books, case)
    _loose(books, tx)
    return books


# --- money ----------------------------------------------------------------------------------------------------------


def _refunds(books: Books, case: ReturnCase) -> None:
    """What the portal says it paid: its own list of refunds, else the tenders of a return it has processed."""
    shown = case.portal_return
    assert shown is not None, "only returns the portal showed have refunds of the portal"
    listed: Counter[str] = Counter()
    for refund in shown.refunds:
        listed[refund.ref or shown.return_id] += refund.amount
    if not listed and shown.stage is Stage.PROCESSED and shown.tenders.refund:
        listed[shown.return_id] = shown.tenders.refund
    for ref, amount in listed.items():
        _refund(books, case, ref, amount, "original_payment")
    adopted = _adopted(case)
    for moved in case.refunds:
        if moved.ref in adopted:
            _refund(books, case, moved.ref, moved.amount, "original_payment")
    if shown.stage is Stage.PROCESSED and shown.tenders.store_credit:
        _refund(books, case, f"{shown.return_id}-credit", shown.tenders.store_credit, "store_credit")
    if shown.stage is Stage.PROCESSED and shown.tenders.exchange_used:
        _refund(books, case, f"{shown.return_id}-exchange", shown.tenders.exchange_used, "store_credit")


def _adopted(case: ReturnCase) -> set[str]:
    """Refunds made outside the portal that a person assigned to this return, unless the portal lists them after all (R85)."""
    shown = case.portal_return
    named = {refund.ref for refund in shown.refunds} if shown is not None else set()
    if shown is None or (not named and shown.stage is Stage.PROCESSED and shown.tenders.refund):
        return set()  # the portal's own total, without a reference, stands for them
    confirmed = {
        refund.ref
        for refund in case.refunds
        if refund.status is RefundState.CONFIRMED and refund.refund_ref not in named
    }
    return confirmed & set(case.adopted_refunds)


def _refund(books: Books, case: ReturnCase, ref: str, amount: int, method: str) -> None:
    if not amount:
        return
    day = _day(case.first_refund_at or case.processed_at or case.authorised_at)
    record = f"{case.case.portal}:{ref}"
    books.returns[record] = case.case_id
    books.refunds_of.setdefault(case.case_id, []).append(record)
    books.add(
        "portal_refunds",
        {
            "refund_id": record,
            "portal": case.case.portal,
            "store_id": case.case.brand,
            "return_id": case.case.return_id,
            "order_no": case.case.order_name or case.case.order_ref or "",
            "gateway_txn_id": "",
            "method": method,
            "currency": case.currency,
            "base_currency": case.currency,
            "amount_minor": amount,
            "shipping_minor": (case.portal_return.tenders.shipping_refunded or 0) if case.portal_return else 0,
            "refund_date": day,
        },
    )


def _movements(books: Books, case: ReturnCase) -> None:
    """Money that left, as shop and gateways tell it."""
    for refund in case.refunds:
        issued = refund.store_credit and refund.source == case.case.portal  # a liability: no gateway knows of it
        if refund.status is not RefundState.CONFIRMED or refund.reported_only or issued:
            continue
        own = refund.ref if refund.ref in _adopted(case) else refund.refund_ref or case.case.return_id
        reference = f"{case.case.portal}:{own}"
        books.add("gateway_refunds", _line(case.case.brand, refund.ref, reference, refund, case.case.order_name))


def _line(brand: str, ref: str, reference: str, refund: Any, order_name: str | None) -> Row:
    return {
        "gateway_txn_id": ref,
        "store_id": brand,
        "gateway": refund.funded_by or refund.gateway or refund.source,  # a provider's own money never left the shop's
        "line_type": "refund",
        "reference": reference,
        "order_no": order_name or "",
        "tender": refund.gateway or "",
        "currency": refund.currency,
        "amount_minor": refund.amount,
        "created_date": _day(getattr(refund, "at", None) or getattr(refund, "occurred_at", None)),
    }


# --- units ----------------------------------------------------------------------------------------------------------


def _lines(books: Books, case: ReturnCase) -> None:
    """What the portal authorised, by line."""
    shown = case.portal_return
    if shown is None or case.authorised_at is None or case.stage in (Stage.CANCELLED, Stage.EXPIRED):
        return
    asked: Counter[tuple[str, str]] = Counter()
    for unit in case.units:
        asked[unit.line_id, unit.sku or "?"] += 1
    for (line_id, sku), quantity in asked.items():
        record = f"{case.case.portal}:{case.case.return_id}:{line_id}"
        books.returns[record] = case.case_id
        books.add(
            "portal_return_lines",
            {
                "return_line_id": record,
                "return_id": f"{case.case.portal}:{case.case.return_id}",
                "order_no": case.case.order_name or "",
                "store_id": case.case.brand,
                "sku": sku,
                "qty": quantity,
                "currency": case.currency,
                "authorised_date": _day(case.authorised_at),
            },
        )


def _receipts(books: Books, case: ReturnCase) -> None:
    """What the warehouse counted, by receipt and SKU, and what it sent back to the customer."""
    rma = f"{case.case.portal}:{case.case.return_id}"
    for counted in case.receipts:
        if not counted.reversed:
            _receipt(books, counted.receipt, case.case.brand, rma, case.case_id)
    for step in case.named("ReceiveStock"):
        covered: Counter[tuple[str, str]] = Counter()
        for unit in case.units:
            if unit.unit_id in step.units and unit.receipt is not None:
                covered[unit.receipt.rpartition("/")[0], unit.sku or "?"] += 1
        books.receipts_of[case.case_id, step.step] = covered


def _receipt(books: Books, receipt: Receipt, brand: str, rma: str, case_id: str | None) -> None:
    counts: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for line in receipt.lines:
        sku = line.sku or line.barcode or "?"
        counts[sku] += line.received_quantity
        back = sum(x.quantity for x in line.dispositions if x.disposition is Disposition.RETURN_TO_CUSTOMER)
        refused[sku] += max(back, line.rejected_quantity)
    day = _day(receipt.received_at or receipt.occurred_at)
    for sku, quantity in counts.items():
        if not quantity:
            continue
        record = f"{receipt.source}/{receipt.receipt_id}:{sku}"
        if case_id is not None:
            books.returns[record] = case_id
        common = {"store_id": brand, "warehouse": receipt.warehouse_code, "sku": sku}
        row = {**common, "receipt_id": record, "rma_ref": rma, "qty_received": quantity, "received_date": day}
        books.add("warehouse_receipts", row)
        if refused[sku]:
            left = {"movement_id": f"back:{record}", "erp": "", "external_id": record, "qty": refused[sku]}
            books.add("erp_stock_movements", {**common, **left, "movement_type": BACK_TO_CUSTOMER, "posted_date": day})


# --- what belongs to no return --------------------------------------------------------------------------------------


def _loose(books: Books, tx: Transaction) -> None:
    """Refunds and parcels nobody claimed: the first are outside the portal (R85), the second blind (R45)."""
    for brand, fact in _waiting(tx):
        match fact:
            case RefundMoved(status=RefundState.CONFIRMED):
                books.add("gateway_refunds", _line(brand, fact.ref, fact.refund_ref or fact.ref, fact, fact.order_ref))
            case WarehouseReported() if fact.receipt.event_type in (ReceiptKind.RECEIVED, ReceiptKind.INSPECTED):
                _receipt(books, fact.receipt, brand, fact.receipt.rma_number or "", None)


def _waiting(tx: Transaction) -> Iterable[tuple[str, Any]]:
    newest: dict[tuple[str, str], tuple[str, Any]] = {}
    for row in _pages(tx):
        fact = decode_fact(row["fact"])
        name = f"{fact.receipt.source}/{fact.receipt.receipt_id}" if isinstance(fact, WarehouseReported) else fact.key
        newest[row["brand"], name] = (row["brand"], fact)  # a later revision of a receipt replaces
    return newest.values()


def _pages(tx: Transaction) -> Iterator[dict[str, Any]]:
    last = 0
    while True:
        page = tx.rows("loose_waiting_after", last=last)
        yield from page
        if not page:
            return
        last = page[-1]["id"]


def _day(moment: str | None) -> str:
    return (moment or "1970-01-01")[:10]
