"""From the open gate to both legs of the settlement pair (R73–R93): credit agreed, refund released, credit posted.

Which leg comes first is the policy's (D2). With `credit_then_refund` an ERP that can hold a draft agrees to the value
before money moves and the draft is posted once the money is confirmed; one that cannot posts before the release.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from counterfoil.core import ceiling, exchange, funding
from counterfoil.core.case import Acceptance, Reception, ReturnCase, Step, StepState
from counterfoil.core.clock import opened_by_law
from counterfoil.core.commands import DraftCreditNote, PostCreditNote, RecordRefund, ReleaseRefund
from counterfoil.core.consent import wanted
from counterfoil.core.cover import covered_early
from counterfoil.core.credit.note import (
    CannotValueError,
    ReturnValue,
    credited_units,
    money_due,
    promised,
    promised_money,
    value_return,
    with_rounding,
)
from counterfoil.core.documents import CreditNote
from counterfoil.core.events import RefundState
from counterfoil.core.look import Finding, Look, Request, Wait, hours_after
from counterfoil.core.money import to_text
from counterfoil.core.phrases import number_of
from counterfoil.core.plan.cycle import posted
from counterfoil.core.plan.pay import pay_elsewhere, pays_from
from counterfoil.core.policy import CreditOrder, RefundExecutor
from counterfoil.core.problems import Problem
from counterfoil.core.returns import Stage
from counterfoil.core.rules.gate import RULES, Answer, failed, gate
from counterfoil.core.rules.verdict import Hold, Pass, Person
from counterfoil.core.units import booked

_ABOUT_PAYING = ("refund_equals_value", "refund_not_disputed", "refund_within_order", "refund_needs_approval")

# When the money has already moved, what the portal promised no longer matters: the credit is checked against the money.
_WITHOUT_PROMISE = tuple(rule for rule in RULES if rule[0] not in _ABOUT_PAYING)


def settle(look: Look) -> Iterator[Finding]:
    """Everything that concerns money."""
    yield from _alarms(look)
    if look.case.stage in (Stage.CANCELLED, Stage.EXPIRED) and not funding.owed_by_merchant(look.case):
        return
    if look.policy.credit_order is CreditOrder.CREDIT_THEN_REFUND:
        yield from _credit_first(look)
    else:
        yield from _refund_first(look)
    yield from _record(look)


def credit_step(case: ReturnCase) -> Step | None:
    """The posted credit note's step, done or not."""
    return case.steps.get("credit-1")


# --- the gate -------------------------------------------------------------------------------------------------------


def _gate_findings(answers: tuple[Answer, ...]) -> Iterator[Finding]:
    """The last answer is the one that holds, if any does."""
    last = answers[-1]
    match last.verdict:
        case Hold(opens_when, until):
            yield Wait(rule=last.rule, reason=f"the refund waits until {opens_when}", until=until)
        case Person(problem):
            yield problem


def _opened(answers: tuple[Answer, ...]) -> bool:
    return all(isinstance(answer.verdict, Pass) for answer in answers)


def _reasons(answers: tuple[Answer, ...]) -> str:
    return "; ".join(answer.verdict.because for answer in answers if isinstance(answer.verdict, Pass))


# --- credit, then refund --------------------------------------------------------------------------------------------


def _credit_first(look: Look) -> Iterator[Finding]:
    case = look.case
    drafts = "draft_credit" in look.agreement.erp_can
    first = look.step("credit-draft-1" if drafts else "credit-1")
    if first is None:
        yield from _open_credit(look, drafts)
        return
    if first.state is not StepState.DONE:
        yield Wait(rule="credit_agreed_first", reason="the ERP has not agreed to the credit's value yet")
        return
    yield from _release(look)
    if drafts and look.step("credit-1") is None:
        yield from _post_draft(look, first)
    elif not drafts or case.done("credit-1") is not None:
        yield from _money_follows(look)


def _open_credit(look: Look, drafts: bool) -> Iterator[Finding]:
    """Through the gate to a credit the ERP agrees to (R84)."""
    answers = gate(look)
    if not _opened(answers):
        yield from _gate_findings(answers)
        return
    value = value_return(look)
    assert value is not None, "the rule refund_equals_value waits for the order"
    note = with_rounding(value, _due(look, value))
    if not note.lines:
        if opened_by_law(look) is not None:  # the money is due although there is nothing to credit yet
            yield from _release(look)
        yield Wait(rule="credit_agreed_first", reason="no accepted unit is left to credit")
        return
    if drafts:
        yield _request_draft(look, value, note, _reasons(answers))
    else:
        yield from posted(look, _request_credit(look, value, note, _reasons(answers), None))


def _due(look: Look, value: ReturnValue) -> int:
    """What the credit has to come to: what was given back is a fact; then the portal's figure where the rule lets it."""
    due = exchange.given_back(look.case) if look.case.money_out else promised(look.case)
    if due is None:
        return value.total
    return due if value.tolerates(due - value.total) or _accepted(look.case) else value.total


def _accepted(case: ReturnCase) -> bool:
    return "refund_value_differs" in case.accepted_differences


def _request_draft(look: Look, value: ReturnValue, note: CreditNote, because: str) -> Request:
    case = look.case
    assert case.rma is not None and case.rma.document is not None and case.erp_order is not None
    command = DraftCreditNote(
        case=case.case,
        step="credit-draft-1",
        rma=case.rma.document,
        order=case.erp_order,
        credit=note,
        credit_date=look.now[:10],
    )
    return Request(
        command=command,
        rule="credit_agreed_first",
        because=because,
        amount=note.total_gross,
        units=tuple(claim.unit_id for claim in value.claims),
        claims=value.claims,
        credit=note,
        pays_from=pays_from(look),
    )


def _request_credit(
    look: Look, value: ReturnValue | None, note: CreditNote, because: str, draft: Step | None
) -> Request:
    case = look.case
    assert case.rma is not None and case.rma.document is not None and case.erp_order is not None
    refs = tuple(refund.ref for refund in case.confirmed)
    command = PostCreditNote(
        case=case.case,
        step="credit-1",
        rma=case.rma.document,
        order=case.erp_order,
        credit=replace(note, refund_refs=refs),
        credit_date=look.now[:10],
        draft=draft.document if draft is not None else None,
        post_in_open_period=case.may_post_later,
    )
    return Request(
        command=command,
        rule="credit_against_the_order",
        because=because,
        amount=note.total_gross,
        units=tuple(claim.unit_id for claim in value.claims) if value else (),
        claims=value.claims if value else (),
        credit=note,
        pays_from=pays_from(look),
    )


def _release(look: Look) -> Iterator[Finding]:
    """Let the portal pay, once, or ask for the payment where it is made; when money moved already, say so."""
    case = look.case
    ours = look.policy.refund_executor is RefundExecutor.PORTAL
    if case.money_out or look.step("release-1") is not None or not (ours or pays_from(look)):
        return
    if ours and case.stage is Stage.PROCESSED:
        return
    answers = gate(look)  # asked again: between the draft and now goods, figures and people may have changed
    if not _opened(answers):
        yield from _gate_findings(answers)
        return
    if not ours:
        yield from pay_elsewhere(look)
        return
    if "release" not in look.agreement.portal_can:
        yield Problem(kind="release_by_hand", message="Every gate is open; the refund must be released in the portal.")
        return
    rma = case.rma.number if case.rma else ""
    yield Request(
        command=ReleaseRefund(case=case.case, step="release-1", note=f"RMA {rma}"),
        rule="refund_released_through_the_gate",
        because=f"the ERP agreed to the credit; {_reasons(answers)}",
        amount=case.credit.total_gross if case.credit else None,
    )


def _post_draft(look: Look, draft: Step) -> Iterator[Finding]:
    """Post once the money is confirmed and equals the draft (R87)."""
    case = look.case
    assert case.credit is not None
    due = money_due(case)
    if due and not case.money_out:
        yield from _await_money(look)
        return
    difference = case.money_out - due
    if difference == 0 or "refund_differs_from_credit" in case.accepted_differences:
        paid = to_text(case.money_out, case.currency)
        because = f"{paid} {case.currency} is confirmed, as much as the draft says" if due else "nothing was to be paid"
        yield from posted(look, _request_credit(look, None, case.credit, because, draft))
        return
    yield from _differs(look, due)


def _money_follows(look: Look) -> Iterator[Finding]:
    """The credit is posted; the money has to match it (R93, invariant 3)."""
    case = look.case
    due = money_due(case) + funding.borne(case)
    if case.money_out == due or "refund_differs_from_credit" in case.accepted_differences:
        return
    if not case.money_out:
        yield from _await_money(look)
    else:
        yield from _differs(look, due)


def _await_money(look: Look) -> Iterator[Finding]:
    case = look.case
    agreed = look.step("credit-draft-1") or credit_step(case)
    since = (agreed.at if agreed else None) or look.now
    until = hours_after(since, look.policy.credit_within_hours)
    if look.now < until:
        yield Wait(rule="pair_closes_in_time", reason="the refund is confirmed by the shop or the gateway", until=until)
        return
    amount = money_due(case)
    yield Problem(
        kind="credit_without_refund",
        message=f"The credit was agreed on {since[:10]}, but no refund is confirmed.",
        amount=amount,
        currency=case.currency,
    )


def _differs(look: Look, due: int) -> Iterator[Finding]:
    """Less may still be on its way; more never is right."""
    case = look.case
    difference = case.money_out - due
    if difference < 0 and any(r.status in (RefundState.PENDING, RefundState.PROVISIONAL) for r in case.refunds):
        yield Wait(rule="pair_closes_in_time", reason="the rest of the refund is confirmed")
        return
    paid, credited = to_text(case.money_out, case.currency), to_text(due, case.currency)
    yield Problem(
        kind="refund_differs_from_credit",
        message=f"{paid} {case.currency} was refunded, the credit says {credited}{_besides(case)}.",
        amount=abs(difference),
        currency=case.currency,
    )


def _besides(case: ReturnCase) -> str:
    value = exchange.value_used(case)
    return f" besides {to_text(value, case.currency)} used for new goods" if value else ""


# --- refund, then credit --------------------------------------------------------------------------------------------


def _refund_first(look: Look) -> Iterator[Finding]:
    """The portal pays on its own events; the credit follows the confirmed money and the goods (R87, R88)."""
    case = look.case
    if look.step("credit-1") is not None:
        if case.done("credit-1") is not None:
            yield from _money_follows(look)
        return
    if not case.money_out:
        yield from _refund_opens(look)
    if not (case.money_out or _nothing_to_pay(case)):
        yield Wait(rule="credit_follows_refund", reason="the refund is confirmed by the shop or the gateway")
        return
    answers = gate(look, _WITHOUT_PROMISE)
    if not _opened(answers):
        yield from _gate_findings(answers)
        return
    if case.rma is not None:
        yield from _credit_what_was_paid(look, _reasons(answers))


def _refund_opens(look: Look) -> Iterator[Finding]:
    """Where we hold the gate, the money is let go once it opens; a portal or counterparty that pays needs no word."""
    if look.policy.refund_executor in (RefundExecutor.PORTAL_ITSELF, RefundExecutor.COUNTERPARTY):
        return
    answers = gate(look)
    if _opened(answers):
        yield from _release(look)
    else:
        yield from _gate_findings(answers)


def _nothing_to_pay(case: ReturnCase) -> bool:
    """Whether everything went into new goods: an even exchange pays nothing out, and is credited all the same."""
    return exchange.value_used(case) > 0 and not promised_money(case)


def _credit_what_was_paid(look: Look, because: str) -> Iterator[Finding]:
    case = look.case
    try:
        value = value_return(look)
    except CannotValueError as error:
        yield Problem(kind="value_unknown", message=str(error), currency=case.currency)
        return
    here = [unit for unit in case.units if unit.reception is Reception.RECEIVED]
    undecided = [unit for unit in here if unit.acceptance is Acceptance.UNDECIDED]
    unbooked = [unit for unit in credited_units(case) if not booked(case, unit)]
    if value is None or not value.note.lines or unbooked or undecided:
        yield Wait(rule="credit_follows_refund", reason="what came is inspected and booked")
        return
    given_back = exchange.given_back(case) - funding.covered(case, value.total)
    difference = given_back - value.total
    still_coming = given_back < (promised(case) or 0)
    if difference and still_coming:
        yield Wait(rule="credit_follows_refund", reason="the rest of the refund is confirmed")
        return
    if value.tolerates(difference) or _accepted(case):
        note = with_rounding(value, given_back)
        yield from posted(look, _request_credit(look, value, note, because, None))
        return
    paid, worth = to_text(given_back, case.currency), to_text(value.total, case.currency)
    yield Problem(
        kind="refund_value_differs",
        message=f"{paid} {case.currency} was given back; by the original order the accepted units are worth {worth}.",
        amount=abs(difference),
        currency=case.currency,
    )


# --- afterwards -----------------------------------------------------------------------------------------------------


def _record(look: Look) -> Iterator[Finding]:
    """Tell the ERP of the money paid against the credit, once for each refund, where it keeps such a record."""
    case = look.case
    credit = case.done("credit-1")
    if credit is None or "record_refund" not in look.agreement.erp_can or case.erp_order is None:
        return
    document = credit.document
    for number, refund in enumerate(case.refunds, start=1):
        step = f"refund-record-{number}"
        payable = refund.status is RefundState.CONFIRMED and not refund.reported_only and not refund.store_credit
        if not payable or document is None or look.step(step) is not None:
            continue
        yield Request(
            command=RecordRefund(
                case=case.case,
                step=step,
                credit=document,
                order=case.erp_order,
                amount=refund.amount,
                currency=refund.currency,
                refund_ref=refund.ref,
                tender=refund.gateway,
                funded_by=refund.funded_by,
                paid_on=(refund.at or look.now)[:10],
                post_in_open_period=case.may_post_later,
            ),
            rule="money_recorded_against_the_credit",
            because=f"{to_text(refund.amount, refund.currency)} {refund.currency} was paid through "
            f"{refund.gateway or refund.source}",
            amount=refund.amount,
        )


def _alarms(look: Look) -> Iterator[Finding]:
    """What must be seen whatever the order of things."""
    case = look.case
    awaited = [unit for unit in case.units if unit.reception is not Reception.RECEIVED]
    loose = covered_early(look)
    if case.money_out and awaited and not loose and "short_receipt" not in case.accepted_differences:
        message = (
            f"{to_text(case.money_out, case.currency)} {case.currency} was refunded while {len(awaited)} of "
            f"{number_of(len(case.units), 'unit')} had not come."
        )
        yield Problem(
            kind="refund_before_receipt",
            message=message,
            amount=case.money_out,
            currency=case.currency,
            units=len(awaited),
        )
    for refund in case.refunds:
        if refund.status in (RefundState.REVERSED, RefundState.FAILED) and credit_step(case) is not None:
            amount = to_text(refund.amount, refund.currency)
            yield Problem(
                kind="refund_reversed_after_credit",
                subject=refund.ref,
                message=f"The refund of {amount} {refund.currency} came back, but its credit note stands.",
                amount=refund.amount,
                currency=refund.currency,
            )
    if case.processing_failure and case.stage is not Stage.PROCESSED:
        yield Problem(kind="processing_failed", message=f"The portal could not process it: {case.processing_failure}.")
    yield from _careful(look, "refund_within_order", _too_much)
    yield from _beside_chargeback(look)
    yield from _processed_unasked(look)
    yield from _careful(look, "refund_needs_approval", _unapproved)
    yield from _credit_overdue(look)


def _careful(look: Look, rule: str, alarm: Callable[[Look], Iterator[Finding]]) -> Iterator[Finding]:
    """An alarm that asks the same as a rule; when it breaks, that is told and nothing else is stopped by it."""
    try:
        found = tuple(alarm(look))
    except Exception as error:
        found = (failed(rule, error),)
    yield from found


def _too_much(look: Look) -> Iterator[Finding]:
    """More has left than the order was worth, whoever let it go."""
    if not look.case.money_out:
        return
    over = ceiling.excess(look, asked=False)
    if over is not None:
        yield Problem(
            kind="refund_exceeds_order",
            subject="left",
            message=over.sentence,
            amount=over.amount,
            currency=look.case.currency,
        )


def _beside_chargeback(look: Look) -> Iterator[Finding]:
    """A refund of a disputed payment is evidence: the bank has to hear of it, or the customer is paid twice."""
    case = look.case
    if not case.confirmed or "refund_beside_chargeback" in case.accepted_differences:
        return
    paid = ", ".join(
        f"{to_text(r.amount, r.currency)} {r.currency} on {(r.at or 'an unknown day')[:10]} ({r.ref})"
        for r in case.confirmed
    )
    for chargeback in case.chargebacks:
        if chargeback.gone:
            amount = to_text(chargeback.amount, chargeback.currency)
            yield Problem(
                kind="refund_beside_chargeback",
                subject=chargeback.ref,
                message=f"Dispute {chargeback.ref} over {amount} {chargeback.currency} is {chargeback.status.value}, "
                f"and this return refunded {paid}: evidence for the bank.",
                amount=min(chargeback.amount, case.money_out),
                currency=chargeback.currency,
            )


def _processed_unasked(look: Look) -> Iterator[Finding]:
    """D10: with us holding the gate, the portal's own automatic processing must be off."""
    case = look.case
    ours = look.policy.refund_executor is RefundExecutor.PORTAL
    unasked = case.stage is Stage.PROCESSED and look.step("release-1") is None and case.money_out
    if ours and unasked and "processed_without_release" not in case.accepted_differences:
        yield Problem(
            kind="processed_without_release",
            message="The portal paid without our release; its automatic processing must be off.",
            amount=case.money_out,
            currency=case.currency,
        )


def _unapproved(look: Look) -> Iterator[Finding]:
    """Money that left without our release, and without the people the policy names."""
    case = look.case
    if not case.money_out or look.step("release-1") is not None:
        return
    if "refund_without_approval" in case.accepted_differences:
        return
    missing = next((wish for wish in wanted(look) if not wish.met), None)
    if missing is not None:
        paid = to_text(case.money_out, case.currency)
        yield Problem(
            kind="refund_without_approval",
            message=f"{paid} {case.currency} left before {' or '.join(missing.approvers)} agreed ({missing.because}).",
            amount=case.money_out,
            currency=case.currency,
        )


def _credit_overdue(look: Look) -> Iterator[Finding]:
    """R93: money left, and no credit note is posted within the agreed hours."""
    case = look.case
    if not funding.owed_by_merchant(case) or case.first_refund_at is None or case.done("credit-1") is not None:
        return
    due = hours_after(funding.owed_since(case) or look.now, look.policy.credit_within_hours)
    if look.now < due:
        yield Wait(rule="pair_closes_in_time", reason="the credit note is posted", until=due)
        return
    yield Problem(
        kind="refund_without_credit",
        message=f"{to_text(case.money_out, case.currency)} {case.currency} left on {case.first_refund_at[:10]}; "
        f"no credit note is posted.",
        amount=case.money_out,
        currency=case.currency,
    )
