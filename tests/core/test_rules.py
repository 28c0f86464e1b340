"""Each rule of the refund gate: when it passes, when it holds, and when a person must look."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from scenes import after, kinds, look_after, requested, with_case, with_policy

from counterfoil.core.case import Acceptance, Reception
from counterfoil.core.look import Ledger, Look
from counterfoil.core.plan import settle as settle_module
from counterfoil.core.policy import RefundGate
from counterfoil.core.returns import ExchangeLine, LabelStatus, Stage, Tenders
from counterfoil.core.rules import (
    exchange_is_carried,
    gate,
    refund_equals_value,
    refund_needs_acceptance,
    refund_needs_inspection,
    refund_needs_receipt,
    refund_within_order,
    return_is_authorised,
)
from counterfoil.core.rules.verdict import Hold, Pass, Person, Verdict

ASKED = "the portal authorises 2 x A"
ONE_CAME = "the warehouse receives 1 x A sellable"
BOTH_CAME = "the warehouse receives 2 x A sellable"


def problem(verdict: Verdict) -> str:
    assert isinstance(verdict, Person), verdict
    return verdict.problem.kind


def tenders(look: Look, **changes: Any) -> Look:
    shown = look.case.portal_return
    assert shown is not None
    return with_case(look, portal_return=replace(shown, tenders=Tenders(**{"shipping_refunded": 0, **changes})))


# --- return_is_authorised


@pytest.mark.parametrize("stage", list(Stage))
def test_return_is_authorised_passes_what_the_portal_allowed_and_did_not_end(stage: Stage) -> None:
    verdict = return_is_authorised.judge(with_case(look_after(ASKED), stage=stage))
    assert isinstance(verdict, Pass) is (stage in (Stage.AUTHORISED, Stage.PROCESSED))
    assert isinstance(verdict, Pass | Hold)


# --- refund_needs_receipt


def test_refund_needs_receipt_holds_until_every_unit_is_here() -> None:
    some = refund_needs_receipt.judge(look_after(ASKED, ONE_CAME))
    assert isinstance(some, Hold) and "1" in some.opens_when
    assert isinstance(refund_needs_receipt.judge(look_after(ASKED, BOTH_CAME)), Pass)


def test_refund_needs_receipt_lets_what_came_go_on_when_the_rest_is_given_up() -> None:
    accepted = {"short_receipt": "ops: kept"}
    assert isinstance(
        refund_needs_receipt.judge(with_case(look_after(ASKED, ONE_CAME), accepted_differences=accepted)), Pass
    )
    nothing = refund_needs_receipt.judge(with_case(look_after(ASKED), accepted_differences=accepted))
    assert isinstance(nothing, Hold)


@pytest.mark.parametrize(
    ("status", "passes"),
    [(None, False), (LabelStatus.PENDING, False), (LabelStatus.IN_TRANSIT, True), (LabelStatus.DELIVERED, True)],
)
def test_refund_needs_receipt_takes_the_carriers_word_where_the_policy_does(
    status: LabelStatus | None, passes: bool
) -> None:
    look = with_policy(with_case(look_after(ASKED), label_status=status), refund_gate=RefundGate.CARRIER_SCAN)
    assert isinstance(refund_needs_receipt.judge(look), Pass) is passes


def test_refund_needs_receipt_does_not_ask_where_the_policy_pays_at_once() -> None:
    look = with_policy(look_after(ASKED), refund_gate=RefundGate.INSTANT)
    assert isinstance(refund_needs_receipt.judge(look), Pass)


# --- refund_needs_inspection


def test_refund_needs_inspection_holds_while_units_are_only_counted() -> None:
    verdict = refund_needs_inspection.judge(look_after(ASKED, "the warehouse counts 2 x A"))
    assert isinstance(verdict, Hold) and "2 units" in verdict.opens_when


def test_refund_needs_inspection_holds_until_the_erp_has_booked_what_was_found() -> None:
    look = look_after(ASKED, BOTH_CAME)
    assert isinstance(refund_needs_inspection.judge(look), Pass)
    unbooked = with_case(look, units=tuple(replace(unit, posted_by=None) for unit in look.case.units))
    verdict = refund_needs_inspection.judge(unbooked)
    assert isinstance(verdict, Hold) and "booked" in verdict.opens_when


def test_refund_needs_inspection_is_not_asked_by_looser_gates() -> None:
    look = look_after(ASKED, "the warehouse counts 2 x A")
    assert isinstance(refund_needs_inspection.judge(with_policy(look, refund_gate=RefundGate.RECEIPT)), Pass)


# --- refund_needs_acceptance


def test_refund_needs_acceptance_wants_a_person_for_refused_units() -> None:
    look = look_after(ASKED, "the warehouse receives 1 x A sellable, 1 x A rejected")
    assert problem(refund_needs_acceptance.judge(look)) == "units_rejected"
    accepted = with_case(look, accepted_differences={"units_rejected": "cx: told the customer"})
    assert isinstance(refund_needs_acceptance.judge(accepted), Pass)


def test_refund_needs_acceptance_asks_about_damage_only_where_the_policy_does() -> None:
    look = look_after(ASKED, "the warehouse receives 2 x A damaged")
    assert isinstance(refund_needs_acceptance.judge(look), Pass)
    strict = with_policy(look, damaged_needs_review=True)
    assert problem(refund_needs_acceptance.judge(strict)) == "damaged_units"
    seen = with_case(strict, accepted_differences={"damaged_units": "finance: the carrier's fault"})
    assert isinstance(refund_needs_acceptance.judge(seen), Pass)


def test_refund_needs_acceptance_ignores_refused_units_that_are_not_here() -> None:
    look = look_after(ASKED, BOTH_CAME)
    first, second = look.case.units
    gone = replace(first, acceptance=Acceptance.REJECTED, reception=Reception.LOST)
    assert isinstance(refund_needs_acceptance.judge(with_case(look, units=(gone, second))), Pass)


# --- exchange_is_carried


def test_exchange_is_carried_wants_a_person_where_the_erp_cannot_make_the_order() -> None:
    look = look_after(ASKED, given="and an ERP that cannot make exchange orders")
    shown = look.case.portal_return
    assert shown is not None and isinstance(exchange_is_carried.judge(look), Pass)
    lines = (ExchangeLine(exchange_id="X-1", sku="B", total=3500),)
    swapped = with_case(look, portal_return=replace(shown, exchange_lines=lines))
    assert problem(exchange_is_carried.judge(swapped)) == "exchange_by_hand"
    assert problem(exchange_is_carried.judge(tenders(look, refund=0, exchange_used=4000))) == "exchange_by_hand"
    cared = with_case(swapped, accepted_differences={"exchange_by_hand": "ops: made as SO99"})
    assert isinstance(exchange_is_carried.judge(cared), Pass)


def test_exchange_is_carried_holds_until_the_order_stands_and_again_once_it_is_withdrawn() -> None:
    asked = "the portal authorises 1 x A, exchanging for 1 x B at 20.00"
    assert isinstance(exchange_is_carried.judge(look_after(asked)), Pass)
    missing = look_after(asked, given="and the ERP has 0 x B in stock")
    assert isinstance(exchange_is_carried.judge(missing), Hold)
    freed = look_after(asked, "337 hours pass")
    assert isinstance(exchange_is_carried.judge(freed), Hold)
    given_up = with_case(freed, accepted_differences={"exchange_unavailable": "cx: takes the money"})
    assert isinstance(exchange_is_carried.judge(given_up), Pass)


# --- refund_equals_value


@pytest.mark.parametrize(
    ("promised", "passes"), [(1998, False), (1999, True), (2000, True), (2001, True), (2002, False)]
)
def test_refund_equals_value_forgives_one_minor_unit_on_a_partial_line(promised: int, passes: bool) -> None:
    look = tenders(look_after("the portal authorises 1 x A", ONE_CAME), refund=promised)
    verdict = refund_equals_value.judge(with_case(look, units=_unclaimed(look)))
    assert isinstance(verdict, Pass) is passes


@pytest.mark.parametrize(("promised", "passes"), [(3999, False), (4000, True), (4001, False)])
def test_refund_equals_value_forgives_nothing_on_a_whole_line(promised: int, passes: bool) -> None:
    look = tenders(look_after(ASKED, BOTH_CAME), refund=promised)
    verdict = refund_equals_value.judge(with_case(look, units=_unclaimed(look)))
    assert isinstance(verdict, Pass) is passes


@pytest.mark.parametrize(("earlier", "promised", "passes"), [(-1, 4001, True), (1, 3999, True), (-1, 3999, False)])
def test_refund_equals_value_lets_the_last_return_even_out_what_the_first_rounded(
    earlier: int, promised: int, passes: bool
) -> None:
    look = tenders(look_after(ASKED, BOTH_CAME), refund=promised)
    look = replace(with_case(look, units=_unclaimed(look)), ledger=Ledger(rounding=earlier))
    assert isinstance(refund_equals_value.judge(look), Pass) is passes


def test_refund_equals_value_counts_store_credit_as_paid() -> None:
    look = look_after("the portal authorises 1 x A", ONE_CAME)
    look = with_case(look, units=_unclaimed(look))
    assert isinstance(refund_equals_value.judge(tenders(look, refund=500, store_credit=1500)), Pass)
    assert problem(refund_equals_value.judge(tenders(look, refund=2000, store_credit=1500))) == "refund_value_differs"


def test_refund_equals_value_says_both_figures_and_the_difference() -> None:
    look = tenders(look_after("the portal authorises 1 x A", ONE_CAME), refund=2500)
    verdict = refund_equals_value.judge(with_case(look, units=_unclaimed(look)))
    assert isinstance(verdict, Person)
    assert verdict.problem.amount == 500
    assert "25.00" in verdict.problem.message and "20.00" in verdict.problem.message


def test_refund_equals_value_waits_for_the_order_and_passes_without_a_promise() -> None:
    look = look_after("the portal authorises 1 x A", ONE_CAME)
    look = with_case(look, units=_unclaimed(look))
    assert isinstance(refund_equals_value.judge(with_case(look, order=None)), Hold)
    assert isinstance(refund_equals_value.judge(tenders(look)), Pass)


def test_refund_equals_value_cannot_value_what_is_credited_already() -> None:
    look = look_after("the portal authorises 1 x A", ONE_CAME)
    line = look.case.units[0].order_line_ref or ""
    taken = replace(with_case(look, units=_unclaimed(look)), ledger=Ledger(taken={line: 2}))
    assert problem(refund_equals_value.judge(taken)) == "value_unknown"


def _unclaimed(look: Look) -> Any:
    return tuple(replace(unit, order_unit=None, credited_by=None) for unit in look.case.units)


# --- refund_within_order: the order is worth 79.95


@pytest.mark.parametrize(("elsewhere", "passes"), [(0, True), (3995, True), (3996, False), (7995, False)])
def test_refund_within_order_counts_what_left_on_other_returns(elsewhere: int, passes: bool) -> None:
    look = replace(look_after(ASKED), ledger=Ledger(money_out=elsewhere))
    verdict = refund_within_order.judge(look)
    assert isinstance(verdict, Pass) is passes
    if not passes:
        assert problem(verdict) == "refund_exceeds_order"
        assert isinstance(verdict, Person) and verdict.problem.amount == elsewhere + 4000 - 7995


def test_refund_within_order_adds_tax_where_prices_exclude_it() -> None:
    order = "given order 1002 in GBP, tax excluded\n  A  1 x 10.00, tax 20%\n  shipping 5.00, tax 20%\n"
    look = look_after("the portal authorises 1 x A", order=order)
    assert isinstance(refund_within_order.judge(replace(look, ledger=Ledger(money_out=600))), Pass)
    assert isinstance(refund_within_order.judge(replace(look, ledger=Ledger(money_out=601))), Person)


def test_refund_within_order_waits_for_the_order() -> None:
    assert isinstance(refund_within_order.judge(with_case(look_after(ASKED), order=None)), Hold)


# --- the gate as a whole


def test_the_gate_stops_at_the_first_rule_that_does_not_pass() -> None:
    answers = gate.gate(look_after(ASKED, ONE_CAME))
    assert [answer.rule for answer in answers] == ["return_is_authorised", "refund_needs_receipt"]


@pytest.mark.parametrize("name", [name for name, _ in gate.RULES])
def test_an_error_in_any_rule_holds_the_refund_and_tells_a_person(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(look: Look) -> Verdict:
        raise ZeroDivisionError("a mistake of ours")

    rules = tuple((rule, broken if rule == name else judge) for rule, judge in gate.RULES)
    monkeypatch.setattr(settle_module, "gate", lambda look, _rules=None: gate.gate(look, rules))
    stage = after(ASKED, BOTH_CAME)
    assert stage.documents("credit note") == () and stage.refunded() == 0 and stage.told("release") == 0
    found = [found for found in _problems(stage) if found.kind == "gate_failed"]
    assert [problem.subject for problem in found] == [name]
    assert "a mistake of ours" in found[0].message


def _problems(stage: Any) -> Any:
    return stage._decisions["R1"].problems


def test_a_shut_gate_asks_for_no_money_and_no_credit() -> None:
    look = look_after(ASKED, "the warehouse receives 1 x A sellable, 1 x A rejected")
    assert requested(look) == []
    assert kinds(look) == {"units_rejected"}
