"""Whose fact is it? How refunds and parcels find their return (warehouse sheet §3.2, R45, R85).

A wrong match is worse than an open item: a refund belongs to a return when the portal names it, or when it is another
source's word for money the return knows, not because it is for the same order; a parcel known only by its order belongs to the return that expects such an item.
"""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.core.case import Reception, ReturnCase, receipt_key
from counterfoil.core.events import (
    ChargebackMoved,
    OutsideFact,
    RefundMoved,
    ReturnFact,
    ReturnRef,
    StoreCreditIssued,
    WarehouseReported,
)
from counterfoil.core.receipts import Receipt
from counterfoil.core.same_money import awaited_by
from counterfoil.store.cases import Key

_OPEN = (Reception.EXPECTED, Reception.IN_TRANSIT, Reception.LOST)


def keys_of(fact: OutsideFact) -> tuple[Key, ...]:
    """The references a fact carries, most telling first."""
    found: tuple[tuple[str, str | None], ...]
    match fact:
        case ChargebackMoved():
            named = (fact.order_ref or "").lstrip("#") or None
            found = (("order", fact.order_ref), ("order_name", named))
        case ReturnFact():
            return (("return", fact.portal_return.return_id),)
        case ReturnRef():
            return (("return", fact.return_id),)
        case StoreCreditIssued():
            found = (("return", fact.return_id), ("order", fact.order_ref))
        case RefundMoved():
            found = (
                ("refund", fact.refund_ref),
                ("money", fact.ref),
                ("payment", fact.payment_ref),
                ("order", fact.order_ref),
                ("order_name", (fact.order_ref or "").lstrip("#") or None),
            )
        case WarehouseReported():
            return _receipt_keys(fact.receipt)
        case _:
            return ()
    return tuple((kind, value) for kind, value in found if value)


def _receipt_keys(receipt: Receipt) -> tuple[Key, ...]:
    order = receipt.order_number.lstrip("#") if receipt.order_number else None
    undone = receipt.reverses_receipt_id
    found = (
        ("receipt", receipt_key(receipt.source, undone) if undone else None),
        ("receipt", receipt_key(receipt.source, receipt.receipt_id)),
        ("rma", receipt.rma_number),
        ("return", receipt.rma_number),
        ("tracking", receipt.tracking_number),
        ("tracking", receipt.bag_barcode),
        ("order_name", order),
        ("order", order),
    )
    return tuple((kind, value) for kind, value in found if value)


def belongs(case: ReturnCase, fact: OutsideFact) -> bool:
    """Whether a waiting fact that shares a reference with this return is really this return's."""
    match fact:
        case RefundMoved():
            named = {refund.refund_ref for refund in case.refunds if refund.refund_ref}
            money = {ref for refund in case.refunds for ref in (refund.ref, *refund.also)}
            known = fact.refund_ref in named or fact.ref in money or fact.ref in case.adopted_refunds
            return known or awaited_by(case, fact) or _paid_elsewhere(case, fact)
        case WarehouseReported():
            return parcel_belongs(case, fact.receipt)
        case ReturnRef():
            return (fact.portal, fact.return_id) == (case.case.portal, case.case.return_id)
        case StoreCreditIssued():
            return fact.return_id == case.case.return_id
        case ChargebackMoved():
            return _order_of_chargeback(case, fact)
    return False


def _order_of_chargeback(case: ReturnCase, fact: ChargebackMoved) -> bool:
    """A dispute is about a payment, so it concerns every return of the order."""
    if fact.order_ref is None:
        return False
    return fact.order_ref == case.case.order_ref or fact.order_ref.lstrip("#") == (case.case.order_name or "").lstrip(
        "#"
    )


def _paid_elsewhere(case: ReturnCase, fact: RefundMoved) -> bool:
    """The payment we asked for from the ERP or the gateway: on this order, of exactly the agreed amount, once.

    No portal knows of it, so nobody else can name it.
    """
    if not case.pays_from or case.credit is None or case.money_out:
        return False
    return fact.order_ref == case.case.order_ref and fact.amount == case.credit.total_gross


def parcel_belongs(case: ReturnCase, receipt: Receipt) -> bool:
    """By receipt, RMA number or tracking; by order number only when this return expects one of its items."""
    if any(counted.key == receipt_key(receipt.source, receipt.receipt_id) for counted in case.receipts):
        return True
    undone = receipt.reverses_receipt_id
    if undone and any(counted.key == receipt_key(receipt.source, undone) for counted in case.receipts):
        return True
    rma = {case.case.return_id, *((case.rma.number, case.rma.ref) if case.rma else ())}
    if receipt.rma_number is not None and receipt.rma_number in rma:
        return True
    if case.tracking is not None and case.tracking in (receipt.tracking_number, receipt.bag_barcode):
        return True
    return _expects(case, receipt) and _same_order(case, receipt)


def _same_order(case: ReturnCase, receipt: Receipt) -> bool:
    if receipt.order_number is None:
        return False
    wanted = receipt.order_number.lstrip("#")
    names = {case.case.order_ref, (case.case.order_name or "").lstrip("#")}
    if case.erp_order is not None:
        names.add(case.erp_order.number)
    return wanted in names


def _expects(case: ReturnCase, receipt: Receipt) -> bool:
    came = {(line.sku or "").casefold() for line in receipt.lines}
    return any((unit.sku or "").casefold() in came and unit.reception in _OPEN for unit in case.units)


def best(candidates: Sequence[ReturnCase], fact: WarehouseReported) -> ReturnCase | None:
    """The one return a parcel belongs to; None when it cannot be told."""
    fitting = [case for case in candidates if parcel_belongs(case, fact.receipt)]
    if len(fitting) > 1:
        fitting = [case for case in fitting if _expects(case, fact.receipt)] or fitting
    return fitting[0] if len(fitting) == 1 else None
