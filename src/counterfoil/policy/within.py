"""Contradictions between the settings of one policy."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.core.policy import (
    AmountAuthority,
    Approval,
    CreditDocument,
    CreditOrder,
    Posting,
    RefundExecutor,
    RefundGate,
)
from counterfoil.policy.clashes import Clash, Setting, Subject

_EARLY = (RefundGate.INSTANT, RefundGate.CARRIER_SCAN)
_BY_THEMSELVES = (RefundExecutor.PORTAL_ITSELF, RefundExecutor.COUNTERPARTY)
_GATES = ("refund_needs_receipt", "refund_needs_inspection", "refund_needs_acceptance")


def credit_before_money_nobody_holds(subject: Subject) -> Iterator[Clash]:
    """D2 with D10: who pays on its own events does not wait for a credit note."""
    if subject.credit_order is CreditOrder.CREDIT_THEN_REFUND and subject.refund_executor in _BY_THEMSELVES:
        yield Clash(
            code="credit_first_of_money_nobody_holds",
            sentence="The credit is to come before the money, but whoever pays does not wait for us.",
            settings=(subject.axis("credit_order"), subject.axis("refund_executor")),
            fact=f"with {subject.refund_executor.value} the money leaves on its own events",
            cure='Set credit_order = "refund_then_credit", or refund_executor = "portal".',
        )


def early_without_cover(subject: Subject) -> Iterator[Clash]:
    """D3: a gate looser than the receipt needs a stated cover."""
    if subject.refund_gate in _EARLY and subject.cover is None and not subject.refund_cover:
        yield Clash(
            code="early_gate_without_cover",
            sentence="Money would leave before the goods come, and nothing says what covers it.",
            settings=(subject.axis("refund_gate"), subject.axis("refund_cover")),
            fact=f"{subject.refund_gate.value} is looser than the receipt",
            cure="Write a [cover]: a value cap, categories, customer tiers or a counterparty that pays.",
        )


def cover_without_payer(subject: Subject) -> Iterator[Clash]:
    """D3: an instant refund covered by a counterparty is paid by the counterparty."""
    named = subject.cover is not None and subject.cover.counterparty is not None
    if named and subject.refund_executor is not RefundExecutor.COUNTERPARTY and subject.own("refund_executor"):
        yield Clash(
            code="counterparty_covers_but_does_not_pay",
            sentence="A counterparty is to cover early refunds, but somebody else pays them.",
            settings=(subject.at(("cover", "counterparty")), subject.axis("refund_executor")),
            fact="a cover by a counterparty holds only for money it pays itself",
            cure='Set refund_executor = "counterparty", or cover early refunds in another way.',
        )


def threshold_without_approval(subject: Subject) -> Iterator[Clash]:
    """D4: a threshold is read only by the approval that asks for it."""
    amount = subject.approval_threshold is not None
    if subject.approval is Approval.ABOVE_THRESHOLD and not amount and not subject.approvals:
        yield Clash(
            code="approval_without_threshold",
            sentence="Refunds above a threshold are to be approved, but there is no threshold.",
            settings=(subject.axis("approval"), subject.at(("thresholds",))),
            fact="neither thresholds.approval_above nor an [[approval]] rule is written",
            cure='Write approval_above = "250.00 GBP" under [thresholds].',
        )
    if subject.approval is not Approval.ABOVE_THRESHOLD and amount and subject.own("approval"):
        yield Clash(
            code="threshold_nobody_reads",
            sentence="A threshold is written, but approval does not ask for it.",
            settings=(subject.at(("thresholds", "approval_above")), subject.axis("approval")),
            fact=f"approval is {subject.approval.value}",
            cure='Set approval = "above_threshold", or remove the threshold.',
        )


def tolerance_without_a_home(subject: Subject) -> Iterator[Clash]:
    """D5: a tolerated difference goes to a nominated account."""
    within = subject.amount_authority is AmountAuthority.PORTAL_WITHIN_TOLERANCE
    if within and not subject.tolerance:
        yield Clash(
            code="tolerance_missing",
            sentence="The portal's figure is to stand within a tolerance, but there is none.",
            settings=(subject.axis("amount_authority"), subject.at(("thresholds",))),
            fact="thresholds.tolerance is not written",
            cure='Write tolerance = "0.05 GBP" under [thresholds], or set amount_authority = "erp".',
        )
    elif within and not subject.rounding_account:
        yield Clash(
            code="rounding_account_missing",
            sentence="A difference is tolerated, but no account takes it.",
            settings=(subject.axis("amount_authority"), subject.at(("thresholds", "tolerance"))),
            fact="rounding_account is not set",
            cure="Set rounding_account to the account finance nominated.",
        )


def review_after_the_money(subject: Subject) -> Iterator[Clash]:
    """R76: damage is found by the inspection, so a refund that does not wait for it cannot wait for the review."""
    if subject.damaged_needs_review and subject.refund_gate is not RefundGate.RECEIPT_INSPECTION:
        yield Clash(
            code="review_after_the_money",
            sentence="Damaged goods are to be reviewed before the refund, but the refund does not wait for inspection.",
            settings=(subject.axis("damaged_needs_review"), subject.axis("refund_gate")),
            fact="damage is found by the inspection",
            cure='Set refund_gate = "receipt+inspection", or damaged_needs_review = false.',
        )


def cycle_longer_than_the_promise(subject: Subject) -> Iterator[Clash]:
    """D9 with R93: a credit that waits for its cycle is late before it could be posted."""
    if subject.money_posting is Posting.CYCLE and subject.money_cycle_hours > subject.credit_within_hours:
        yield Clash(
            code="cycle_longer_than_promise",
            sentence="Credit notes wait longer for their cycle than the time they must be posted in.",
            settings=(subject.axis("money_cycle_hours"), subject.axis("credit_within_hours")),
            fact=f"a cycle of {subject.money_cycle_hours} hours against {subject.credit_within_hours} hours allowed",
            cure="Shorten the cycle, or allow at least as many hours.",
        )


def cash_refund_pays_twice(subject: Subject) -> Iterator[Clash]:
    """D11 with D2: a cash refund is itself the payment, so it cannot come before one."""
    if (
        subject.credit_document is CreditDocument.CASH_REFUND
        and subject.credit_order is CreditOrder.CREDIT_THEN_REFUND
        and subject.refund_executor is not RefundExecutor.ERP
    ):
        yield Clash(
            code="cash_refund_and_payment",
            sentence="The document pays the customer, and then somebody else pays them again.",
            settings=(subject.axis("credit_document"), subject.axis("refund_executor")),
            fact="a cash refund is itself the payment",
            cure='Set credit_document = "credit_memo", or credit_order = "refund_then_credit".',
        )


def people_who_cannot_be_enough(subject: Subject) -> Iterator[Clash]:
    """D4: a rule that names a gate names one that exists, and that the policy has."""
    for number, rule in enumerate(subject.approvals):
        where = subject.at(("approval", number))
        named = subject.at(("approval", number, "waives_gate"))
        if rule.waives_gate is not None and rule.waives_gate not in _GATES:
            yield _gate_clash(named, where, f"there is no gate {rule.waives_gate!r} that people may waive")
        elif rule.waives_gate == "refund_needs_inspection" and subject.refund_gate in (*_EARLY, RefundGate.RECEIPT):
            yield _gate_clash(named, subject.axis("refund_gate"), "the refund does not wait for the inspection anyway")


def _gate_clash(named: Setting, other: Setting, fact: str) -> Clash:
    return Clash(
        code="waives_no_gate",
        sentence="An approval is to waive a gate that is not there.",
        settings=(named, other),
        fact=fact,
        cure=f"Name one of {', '.join(_GATES)} that the policy has, or leave waives_gate out.",
    )


def law_shut_out(subject: Subject) -> Iterator[Clash]:
    """The deadline of a chosen country against hours that cannot fit into it."""
    if subject.legal is None or subject.refund_gate is not RefundGate.RECEIPT_INSPECTION:
        return
    for rule in subject.legal.rules:
        if rule.counts_from == "notice" and subject.inspect_within_hours >= 24 * rule.days:
            yield Clash(
                code="inspection_longer_than_the_law",
                sentence="The inspection may take longer than the law gives for paying back.",
                settings=(subject.axis("inspect_within_hours"), subject.at(("legal", "countries"))),
                fact=f"{rule.country} gives {rule.days} days from the notice ({rule.source}; have it checked)",
                cure=f"Inspect within less than {24 * rule.days} hours.",
            )


def goods_leave_unapproved(subject: Subject) -> Iterator[Clash]:
    """D12 with D4: goods that ship at once leave before anybody could say no."""
    always = subject.approval is Approval.ALWAYS
    if always and subject.exchange_release.value == "on_confirm":
        yield Clash(
            code="exchange_leaves_unapproved",
            sentence="Every refund is to be approved, but an exchange ships before anybody could.",
            settings=(subject.axis("approval"), subject.axis("exchange_release")),
            fact="an exchange released on confirmation ships when the customer chooses it",
            cure='Set exchange_release = "on_receipt" or stricter.',
        )


CHECKS = (
    credit_before_money_nobody_holds,
    early_without_cover,
    cover_without_payer,
    threshold_without_approval,
    tolerance_without_a_home,
    review_after_the_money,
    cycle_longer_than_the_promise,
    cash_refund_pays_twice,
    people_who_cannot_be_enough,
    law_shut_out,
    goods_leave_unapproved,
)
