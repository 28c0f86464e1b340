"""Customer refunds: the money that was already paid out, recorded against its credit memo (NetSuite sheet §4.4).

The portal or the shop has paid: the refund is saved only (`SAVE_ONLY`) so that NetSuite does not pay again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from counterfoil.adapterkit.parse import Fields
from counterfoil.core.commands import RecordRefund
from counterfoil.core.money import to_text
from counterfoil.core.problems import Owner
from counterfoil.erps.netsuite import deposits, periods, wire
from counterfoil.erps.netsuite.config import NetSuiteConfig
from counterfoil.erps.netsuite.orders import currency_of
from counterfoil.erps.netsuite.post import Desk, Plan, already, differs
from counterfoil.ports.outcomes import Done, Outcome, Refused

RECORD = "customerRefund"


def record_refund(desk: Desk, command: RecordRefund) -> Outcome:
    """Record the payment; where the account has no transform from credit memos, as a refund of its own (§6)."""
    if command.order.billing == "cash_sale":
        return in_cash_refund()
    if deposits.pays(desk.config, command.order):
        return in_deposit_refund()
    account = account_of(desk.config, command)
    if not account:
        told = "No account for refunds is configured, and a customer refund needs one."
        return Refused(message=told, kind="configuration_rejected", owner=Owner.INTEGRATION)
    memo = desk.session.record("creditMemo", command.credit.ref, missing="credit_not_found")
    obstacle = trouble(desk, command, memo)
    if obstacle is not None:
        found = desk.peek(bare_plan(desk, command))
        return already(found) if found is not None else obstacle
    outcome = desk.deliver(plan_refund(desk, command), or_else=plan_standalone(desk, command, memo))
    return periods.explained(desk, outcome, RECORD, command.paid_on)


def find_refund(desk: Desk, command: RecordRefund) -> Outcome | None:
    """What an earlier attempt recorded."""
    if command.order.billing == "cash_sale":
        return in_cash_refund()
    if deposits.pays(desk.config, command.order):
        return in_deposit_refund()
    return desk.lookup(bare_plan(desk, command))


def in_cash_refund() -> Done:
    """Nothing to make: the cash refund is the refund (§4.5)."""
    return Done(message="The cash refund already records the payment; NetSuite has no further document for it.")


def in_deposit_refund() -> Done:
    """Nothing to make: the refund of the deposit is the credit and the payment in one."""
    return Done(message="The refund of the customer's deposit already records the payment.")


def account_of(config: NetSuiteConfig, command: RecordRefund) -> str:
    """The account the money left from, by tender."""
    return config.refund_accounts.get(command.tender or "", config.refund_account)


def trouble(desk: Desk, command: RecordRefund, memo: Fields) -> Outcome | None:
    """Why the credit memo cannot be refunded so, if so."""
    number, currency = (memo.text("tranId") or memo.text("id"), currency_of(desk.config, memo))
    if currency != command.currency:
        told = f"The refund is in {command.currency}, the credit memo {number} in {currency}."
        return Refused(message=told, kind="credit_currency_differs", owner=Owner.FINANCE, ref=memo.text("id"))
    left = wire.total_of(memo, currency, "amountRemaining")
    if wire.letter(memo, "status", wire.CREDIT_STATUSES) == "V":
        told = f"Credit memo {number} was voided in NetSuite."
        return Refused(message=told, kind="credit_not_found", owner=Owner.FINANCE, ref=memo.text("id"))
    if left is not None and left < command.amount:
        told = (
            f"Credit memo {number} has {to_text(left, currency)} {currency} left, "
            f"but {to_text(command.amount, currency)} were refunded."
        )
        return Refused(message=told, kind="credit_already_applied", owner=Owner.FINANCE, ref=memo.text("id"))
    return None


def bare_plan(desk: Desk, command: RecordRefund) -> Plan:
    """How the refund is recognised, without what would be sent."""
    return Plan(
        record_type=RECORD,
        external_id=wire.external_id_of(command),
        path=f"{wire.RECORDS}/creditMemo/{command.credit.ref}/!transform/{RECORD}",
        body={},
        check=lambda record: check_refund(desk, command, record),
    )


def plan_refund(desk: Desk, command: RecordRefund) -> Plan:
    """The transform of the credit memo."""
    return replace(bare_plan(desk, command), body=_body(desk, command))


def plan_standalone(desk: Desk, command: RecordRefund, memo: Fields) -> Plan:
    """The same refund made by itself and applied to the credit memo."""
    customer = wire.reference(memo, "entity") or command.order.customer or ""
    body = {"customer": wire.ref(customer), **_body(desk, command)}
    return replace(bare_plan(desk, command), path=f"{wire.RECORDS}/{RECORD}", body=body)


def _body(desk: Desk, command: RecordRefund) -> dict[str, Any]:
    config, tender = desk.config, command.tender or ""
    memo = f"{tender} {command.refund_ref}, order {command.order.number}".strip()
    option = config.payment_options.get(tender, config.payment_option)
    apply = {
        "doc": wire.ref(command.credit.ref),
        "apply": True,
        "amount": wire.amount(command.amount, command.currency),
    }
    body: dict[str, Any] = {
        "externalId": wire.external_id_of(command),
        "account": wire.ref(account_of(config, command)),
        "handlingMode": wire.ref("SAVE_ONLY"),
        **periods.dated(desk, RECORD, command.paid_on, memo, later=command.post_in_open_period),
        "apply": {"items": [apply]},
    }
    if option:
        body["paymentOption"] = wire.ref(option)
    return body


def check_refund(desk: Desk, command: RecordRefund, record: Fields) -> Outcome:
    """Whether a refund is the one asked for: this amount, applied to this credit memo alone."""
    total = wire.total_of(record, command.currency, "total")
    if total != command.amount:
        shown = "no total" if total is None else to_text(total, command.currency)
        told = f"it shows {shown} instead of {to_text(command.amount, command.currency)} {command.currency}"
        return differs(record, told, kind="totals_mismatch")
    applied = {wire.reference(row, "doc") for row in wire.sublist(record, "apply") if row.flag("apply") is not False}
    if applied - {command.credit.ref} or (applied == set() and record.child("apply") is not None):
        return differs(record, f"it is not applied to {command.credit.number}")
    record_id = record.need("id")
    return Done(ref=record_id, number=record.text("tranId") or record_id, total=total, url=desk.url(record_id))
