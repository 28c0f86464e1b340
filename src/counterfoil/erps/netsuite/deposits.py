"""Orders paid by a customer deposit and not billed yet: the credit is a customer refund out of the deposit (R91, D11).

There is no bill a credit memo could stand against, and the money is still the customer's, held as a deposit. The
refund is made from the deposit (NetSuite sheet §4.4, §6) and is the record of the payment as well. Nothing credits the
return authorisation then, so its lines are closed before: nobody can credit the same goods a second time. A deposit
that was applied to an invoice is not met here: such an order is billed by that invoice.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from counterfoil.adapterkit.parse import Fields
from counterfoil.core.commands import PostCreditNote
from counterfoil.core.documents import ErpOrder
from counterfoil.core.money import to_text
from counterfoil.core.problems import Owner
from counterfoil.erps.netsuite import periods, wire
from counterfoil.erps.netsuite.authorisations import patch, read_authorisation
from counterfoil.erps.netsuite.config import NetSuiteConfig
from counterfoil.erps.netsuite.orders import currency_of
from counterfoil.erps.netsuite.post import Desk, Plan, already, differs
from counterfoil.erps.netsuite.wire import quantity
from counterfoil.ports.outcomes import Done, NotYet, Outcome, Refused

RECORD = "customerRefund"
APPROVAL_PAUSE_S = 3600.0


class Deposit(msgspec.Struct, frozen=True, kw_only=True):
    """A deposit of the order. `left` in minor units is what it still holds, None where NetSuite does not say."""

    ref: str
    number: str
    left: int | None


def pays(config: NetSuiteConfig, order: ErpOrder) -> bool:
    """Whether the credit of this order is a refund of its deposit."""
    return order.billing == "deposit" and config.deposit_document == "customer_refund"


def refund_deposit(desk: Desk, command: PostCreditNote) -> Outcome:
    """Close what came back on the RMA, then pay out of the deposit; a repeat after either carries on from there."""
    if command.credit.currency != command.order.currency:
        told = f"The credit is in {command.credit.currency}, the order in {command.order.currency}."
        return Refused(message=told, kind="credit_currency_differs", owner=Owner.FINANCE)
    if not account_of(desk.config):
        told = "No account for refunds is configured, and a customer refund needs one."
        return Refused(message=told, kind="configuration_rejected", owner=Owner.INTEGRATION)
    found = desk.peek(bare_plan(desk, command))
    if found is not None:
        return already(found)
    rma = read_authorisation(desk, command.rma)
    obstacle = trouble(rma, command)
    if obstacle is not None:
        return obstacle
    deposit = choose(deposits_of(desk, command.order), command)
    if isinstance(deposit, Refused):
        return deposit
    refused = _close(desk, command, rma)
    if refused is not None:
        return refused
    outcome = desk.deliver(plan_refund(desk, command, deposit.ref))
    return periods.explained(desk, outcome, RECORD, command.credit_date)


def find_refund(desk: Desk, command: PostCreditNote) -> Outcome | None:
    """What an earlier attempt paid out."""
    return desk.lookup(bare_plan(desk, command))


def account_of(config: NetSuiteConfig) -> str:
    """The account the money left from; the tender is not known here, so that of the connection, else the only one."""
    accounts = set(config.refund_accounts.values())
    return config.refund_account or (accounts.pop() if len(accounts) == 1 else "")


def deposits_of(desk: Desk, order: ErpOrder) -> list[Deposit]:
    """The deposits of an order, oldest first."""
    rows = desk.session.rows(
        "SELECT DISTINCT t.id, t.tranid, t.foreignpaymentamountunused AS unused FROM transaction t "
        "JOIN transactionline l ON l.transaction = t.id "
        f"WHERE l.createdfrom = {wire.whole_ids([order.ref])} AND t.type = 'CustDep' ORDER BY t.id"
    )
    return [
        Deposit(
            ref=row.need("id"),
            number=row.text("tranid") or row.need("id"),
            left=wire.total_of(row, order.currency, "unused"),
        )
        for row in rows
    ]


def choose(deposits: list[Deposit], command: PostCreditNote) -> Deposit | Refused:
    """The oldest deposit that still holds the whole credit."""
    total = command.credit.total_gross
    fitting = (each for each in deposits if each.left is None or each.left >= total)
    found = next(fitting, None)
    if found is not None:
        return found
    held = sum(each.left or 0 for each in deposits)
    currency = command.credit.currency
    return Refused(
        message=f"{to_text(total, currency)} {currency} are to be refunded, but no deposit of {command.order.number} "
        f"holds as much; together they hold {to_text(held, currency)}.",
        kind="credit_already_applied",
        owner=Owner.FINANCE,
    )


def trouble(rma: Fields, command: PostCreditNote) -> Outcome | None:
    """Why the goods of this credit do not count as received, if so. A closed RMA may be our own first half."""
    number = rma.text("tranId") or rma.text("id")
    if wire.letter(rma, "status", wire.RMA_STATUSES) == "A":
        told = f"Return authorisation {number} still waits for approval in NetSuite."
        return NotYet(message=told, after_s=APPROVAL_PAUSE_S)
    if wire.letter(rma, "status", wire.RMA_STATUSES) == "G":
        told = f"Return authorisation {number} is already credited in full."
        return Refused(message=told, kind="already_credited", owner=Owner.FINANCE, ref=rma.text("id"))
    rows = {row.need("line"): row for row in wire.item_lines(rma)}
    for line in command.credit.lines:
        if line.rma_erp_line is None:
            continue
        row = rows.get(line.rma_erp_line)
        if row is None or quantity(row, "quantityReceived") < line.quantity:
            told = f"NetSuite has not received {line.quantity} of {line.sku} on {number}, so it cannot be credited yet."
            return Refused(message=told, kind="return_not_received_in_erp", owner=Owner.OPS, ref=rma.text("id"))
    return None


def _close(desk: Desk, command: PostCreditNote, rma: Fields) -> Outcome | None:
    """Close the credited lines of which everything has come; None when nothing stands open any more."""
    credited = {line.rma_erp_line for line in command.credit.lines}
    rows = [
        {"line": wire.line_key(row.need("line")), "isClosed": True}
        for row in wire.item_lines(rma)
        if row.need("line") in credited
        and not row.flag("isClosed")
        and quantity(row, "quantityReceived") >= quantity(row, "quantity")
    ]
    return patch(desk, command.rma, {"item": {"items": rows}}) if rows else None


def bare_plan(desk: Desk, command: PostCreditNote) -> Plan:
    """How the refund is recognised, without what would be sent."""
    return Plan(
        record_type=RECORD,
        external_id=wire.external_id_of(command),
        path="",
        body={},
        check=lambda record: check_refund(desk, command, record),
    )


def plan_refund(desk: Desk, command: PostCreditNote, deposit: str) -> Plan:
    """The transform of the deposit, paying exactly the credit."""
    config, credit = desk.config, command.credit
    drawn = {"doc": wire.ref(deposit), "apply": True, "amount": wire.amount(credit.total_gross, credit.currency)}
    paid = f", refund {', '.join(credit.refund_refs)}" if credit.refund_refs else ""
    memo = f"Order {command.order.number}, RMA {command.rma.number}, return {command.case.return_id}{paid}"
    body: dict[str, Any] = {
        "externalId": wire.external_id_of(command),
        **periods.dated(desk, RECORD, command.credit_date, memo, later=command.post_in_open_period),
        "account": wire.ref(account_of(config)),
        "handlingMode": wire.ref("SAVE_ONLY"),
        "deposit": {"items": [drawn]},
    }
    if config.payment_option:
        body["paymentOption"] = wire.ref(config.payment_option)
    path = f"{wire.RECORDS}/customerDeposit/{deposit}/!transform/{RECORD}"
    return replace(bare_plan(desk, command), path=path, body=body)


def check_refund(desk: Desk, command: PostCreditNote, record: Fields) -> Outcome:
    """Whether a refund pays exactly this credit, out of deposits alone (they show as Deposit Applications, §4.4)."""
    credit = command.credit
    currency = currency_of(desk.config, record)
    total = wire.total_of(record, currency, "total")
    if currency != credit.currency or total != credit.total_gross:
        shown = "no total" if total is None else f"{to_text(total, currency)} {currency}"
        told = f"it shows {shown} instead of {to_text(credit.total_gross, credit.currency)} {credit.currency}"
        return differs(record, told, kind="totals_mismatch")
    kinds = {wire.reference_name(row, "type") or row.text("type") for row in wire.sublist(record, "apply")}
    if any(kind and "deposit" not in kind.lower() for kind in kinds):
        return differs(record, "it is applied to something else than a deposit")
    record_id = record.need("id")
    return Done(
        ref=record_id,
        number=record.text("tranId") or record_id,
        total=total,
        url=desk.url(record_id),
        message="Paid out of the customer's deposit; the sales order is not billed yet.",
    )
