"""Credits and refunds that settle other documents: the `apply` sublist (NetSuite sheet §4.3, §4.4)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from counterfoil.erps.netsuite.sim.account import Account
from counterfoil.erps.netsuite.sim.book import Line, Record
from counterfoil.erps.netsuite.sim.errors import bad_value, needs_value, refusal, user_error
from counterfoil.erps.netsuite.sim.statuses import applied_to, own_applications
from counterfoil.erps.netsuite.sim.values import ZERO, plain, ref_id, reference, truth

_SETTLED = {"customerRefund": "creditMemo", "creditMemo": "invoice"}


def open_amount(account: Account, document: Record, besides: str | None = None) -> Decimal:
    """What is not yet settled of a credit memo or an invoice, not counting the document called `besides`."""
    used = applied_to(account, document, besides)
    total: Decimal = document.fields.get("total", ZERO)
    paid: Decimal = document.fields.get("_paid", ZERO)
    return total - used - (own_applications(document) if document.kind == "creditMemo" else paid)


def complete_applications(account: Account, record: Record, new: bool) -> None:
    """Fill in amounts and labels of `apply` lines; a new credit applies itself when autoApply says so."""
    if record.kind == "creditMemo" and new:
        _auto_apply(account, record)
    for line in record.lists.get("apply", []):
        _complete_line(account, record, line)
    if record.kind == "customerRefund":
        record.fields["total"] = own_applications(record)


def _complete_line(account: Account, record: Record, line: Line) -> None:
    line.setdefault("apply", False)
    document = account.book.transaction(ref_id(line.get("doc")))
    if document is None:
        return
    left = open_amount(account, document, besides=record.id)
    if line["apply"]:
        line.setdefault("amount", left)
    line["due"], line["total"] = left, document.fields.get("total", ZERO)
    line["refNum"], line["type"] = document.fields.get("tranId"), document.schema.title


def _auto_apply(account: Account, memo: Record) -> None:
    """An auto-applied credit settles the customer's open invoices and leaves nothing to refund (sheet §4.3)."""
    wanted = memo.fields.setdefault("autoApply", account.preferences.auto_apply_default)
    if not wanted or memo.lists.get("apply"):
        return
    left: Decimal = memo.fields.get("total", ZERO)
    for invoice in account.book.all("invoice"):
        due = open_amount(account, invoice)
        if left <= 0 or due <= 0 or not _same_party(memo, invoice):
            continue
        share = min(left, due)
        line = {"doc": reference(invoice.id, invoice.label), "apply": True, "amount": share}
        memo.lists.setdefault("apply", []).append(line)
        left -= share


def _same_party(one: Record, other: Record) -> bool:
    """Same customer and same currency."""
    customer = one.ref("customer") or one.ref("entity")
    return customer == other.ref("entity") and one.ref("currency") == other.ref("currency")


def check_applications(account: Account, record: Record) -> None:
    """Refuse an application to the wrong document, of nothing, or of more than is open."""
    wanted = _SETTLED.get(record.kind)
    if wanted is None:
        return
    applied = [line for line in record.lists.get("apply", []) if line.get("apply")]
    if record.kind == "customerRefund" and not applied:
        raise user_error("You must apply the refund to at least one transaction.")
    for number, line in enumerate(applied):
        _check_line(account, record, line, wanted, f"apply.items[{number}]")
    if record.kind == "creditMemo" and own_applications(record) > record.fields.get("total", ZERO):
        raise user_error("The amount applied is greater than the total of the credit.")


def _check_line(account: Account, record: Record, line: dict[str, Any], wanted: str, path: str) -> None:
    document = account.book.transaction(ref_id(line.get("doc")))
    if document is None:
        raise needs_value("Apply: Doc")
    if document.kind != wanted or not _same_party(record, document):
        found = bad_value(document.id, "doc", f"{path}.doc")
        raise refusal(400, found.text, found.code, path=f"{path}.doc")
    amount, left = line.get("amount", ZERO), open_amount(account, document, besides=record.id)
    if amount <= 0:
        raise user_error(f"The amount applied to {document.label} must be greater than zero.")
    if amount > left:
        raise user_error(f"The amount {plain(amount)} is more than the {plain(left)} that remains on {document.label}.")


def note_payment(account: Account, record: Record) -> None:
    """Note money that NetSuite would send itself: a card option without SAVE_ONLY (sheet §4.4, `I`)."""
    if record.kind not in {"customerRefund", "cashRefund"} or record.ref("handlingMode") == "SAVE_ONLY":
        return
    option = account.book.get("paymentMethod", record.ref("paymentOption") or record.ref("paymentMethod") or "")
    if option is not None and truth(option.fields.get("creditCard", False)):
        payment = {"record": record.kind, "id": record.id, "amount": record.fields.get("total", ZERO)}
        account.payments.append({**payment, "paymentOption": option.id})
