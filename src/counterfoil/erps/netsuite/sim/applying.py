"""Credits and refunds that settle other documents: the `apply` sublist (NetSuite sheet §4.3, §4.4)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from counterfoil.erps.netsuite.sim.account import Account
from counterfoil.erps.netsuite.sim.book import Line, Record
from counterfoil.erps.netsuite.sim.errors import bad_value, needs_value, refusal, user_error
from counterfoil.erps.netsuite.sim.statuses import applied_to, own_applications, taken_of_deposit
from counterfoil.erps.netsuite.sim.values import ZERO, plain, ref_id, reference, truth

_SETTLED = {"customerRefund": "creditMemo", "creditMemo": "invoice", "depositApplication": "invoice"}


def open_amount(account: Account, document: Record, besides: str | None = None) -> Decimal:
    """What is not yet settled of a credit memo, an invoice or a deposit, not counting the one called `besides`."""
    if document.kind == "customerDeposit":
        held: Decimal = document.fields.get("payment", ZERO)
        return held - taken_of_deposit(account, document)
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
    for line in record.lists.get("deposit", []):
        _complete_line(account, record, line)
    if record.kind == "customerDeposit":
        _complete_deposit(record)
    if record.kind in {"customerRefund", "depositApplication"}:
        record.fields["total"] = own_applications(record) + from_deposits(record)


def _complete_deposit(deposit: Record) -> None:
    """A deposit's total is its payment; it belongs to the sales order it was taken for."""
    deposit.fields["total"] = deposit.fields.get("payment", ZERO)
    if deposit.fields.get("salesOrder") and not deposit.fields.get("createdFrom"):
        deposit.fields["createdFrom"] = deposit.fields["salesOrder"]


def from_deposits(record: Record) -> Decimal:
    """What a refund pays out of deposits."""
    return sum((line.get("amount", ZERO) for line in record.lists.get("deposit", []) if line.get("apply")), ZERO)


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
    return customer == (other.ref("entity") or other.ref("customer")) and one.ref("currency") == other.ref("currency")


def check_applications(account: Account, record: Record) -> None:
    """Refuse an application to the wrong document, of nothing, or of more than is open."""
    wanted = _SETTLED.get(record.kind)
    if wanted is None:
        return
    applied = [line for line in record.lists.get("apply", []) if line.get("apply")]
    drawn = [line for line in record.lists.get("deposit", []) if line.get("apply")]
    for number, line in enumerate(drawn):
        _check_line(account, record, line, "customerDeposit", f"deposit.items[{number}]")
    if record.kind == "customerRefund" and not applied and not drawn:
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


def draw_deposits(account: Account, refund: Record) -> Iterator[Record]:
    """The deposit applications a new refund makes: on reading they stand in `apply`, `deposit` is empty (§4.4)."""
    for line in refund.lists.get("deposit", []):
        deposit = account.book.transaction(ref_id(line.get("doc")))
        if line.get("apply") and deposit is not None:
            names = ("customer", "currency", "subsidiary", "tranDate", "postingPeriod")
            fields = {name: refund.fields[name] for name in names if refund.fields.get(name) is not None}
            origin = reference(deposit.id, deposit.label)
            fields |= {"deposit": origin, "createdFrom": origin, "total": line["amount"], "_refund": refund.id}
            application = Record("depositApplication", account.book.next_id("depositApplication"), fields)
            application.made = refund.made
            application.fields["tranId"] = account.book.next_number("depositApplication")
            line["_application"] = application.id
            yield application


def note_payment(account: Account, record: Record) -> None:
    """Note money that NetSuite would send itself: a card option without SAVE_ONLY (sheet §4.4, `I`)."""
    if record.kind not in {"customerRefund", "cashRefund"} or record.ref("handlingMode") == "SAVE_ONLY":
        return
    option = account.book.get("paymentMethod", record.ref("paymentOption") or record.ref("paymentMethod") or "")
    if option is not None and truth(option.fields.get("creditCard", False)):
        payment = {"record": record.kind, "id": record.id, "amount": record.fields.get("total", ZERO)}
        account.payments.append({**payment, "paymentOption": option.id})
