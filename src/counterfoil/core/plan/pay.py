"""Who pays when it is not the portal (D10): the payment a person starts in the ERP or at the gateway.

We hold the gate and say when it is open, for what amount, and until when; nobody is asked to pay while it is shut.
The money is believed when shop or gateway confirm it, whoever started it.
"""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.core.credit.note import money_due, promised_money
from counterfoil.core.look import Finding, Look
from counterfoil.core.money import to_text
from counterfoil.core.policy import RefundExecutor
from counterfoil.core.problems import Problem

_PLACES = {RefundExecutor.ERP: "the ERP", RefundExecutor.GATEWAY: "the payment gateway"}


def pays_from(look: Look) -> str:
    """Where the money is paid, `erp` or `gateway`; "" when the portal or somebody else pays."""
    executor = look.policy.refund_executor
    return executor.value if executor in _PLACES else ""


def pay_elsewhere(look: Look) -> Iterator[Finding]:
    """The exception that asks for the payment, until money is confirmed; nothing for other executors."""
    case = look.case
    place = _PLACES.get(look.policy.refund_executor)
    amount = money_due(case) if case.credit is not None else promised_money(case)
    if place is None or case.money_out or amount == 0:
        return
    said = f"{to_text(amount, case.currency)} {case.currency}" if amount is not None else "what is due"
    yield Problem(
        kind="refund_due_elsewhere",
        message=f"Every gate is open: pay {said} to the customer from {place}, once.",
        amount=amount,
        currency=case.currency,
    )
