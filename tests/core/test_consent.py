"""People who agree: which refunds ask for them, whose voice counts, and what makes an agreement void (D4, R75–R77)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from scenes import look_after, with_case, with_policy

from counterfoil.core.approvals import Risk, Terms, Voice
from counterfoil.core.consent import Wanted, name_of, wanted, why_not
from counterfoil.core.look import Look
from counterfoil.core.policy import Approval, ApprovalRule
from counterfoil.core.returns import Disposition, Tenders
from counterfoil.core.rules import gate, refund_needs_approval
from counterfoil.core.rules.verdict import Hold, Pass, Person

CAME = ("the portal authorises 2 x A", "the warehouse receives 2 x A sellable")


def ready(*rules: ApprovalRule, **policy: Any) -> Look:
    """A return worth 40.00 whose money has not left, under these approval rules."""
    look = look_after(*CAME)
    steps = {name: step for name, step in look.case.steps.items() if not name.startswith(("release", "credit"))}
    units = tuple(replace(unit, credited_by=None, order_unit=None) for unit in look.case.units)
    fresh = with_case(look, refunds=(), steps=steps, units=units, credit=None)
    return with_policy(fresh, approvals=rules, **policy)


def only(look: Look) -> Wanted:
    (wish,) = wanted(look)
    return wish


def said(wish: Wanted, by: str, *, agreed: bool = True, roles: tuple[str, ...] = ("finance",)) -> Voice:
    return Voice(rule=wish.rule, terms=wish.terms, by=by, roles=roles, reason="seen", agreed=agreed)


ABOVE_30 = ApprovalRule(value_above=3000, currency="GBP")


def test_refund_needs_approval_asks_nobody_where_no_rule_applies() -> None:
    assert isinstance(refund_needs_approval.judge(ready()), Pass)
    assert isinstance(refund_needs_approval.judge(ready(ApprovalRule(value_above=4000, currency="GBP"))), Pass)


def test_refund_needs_approval_holds_until_enough_different_people_agree() -> None:
    look = ready(replace(ABOVE_30, people=2))
    wish = only(look)
    assert isinstance(refund_needs_approval.judge(look), Hold)
    twice = with_case(look, voices=(said(wish, "Sam"), said(wish, " sam ")))
    assert len(only(twice).given) == 1
    once = with_case(look, voices=(said(wish, "sam"),))
    verdict = refund_needs_approval.judge(once)
    assert isinstance(verdict, Hold) and "1 more person" in verdict.opens_when
    both = with_case(look, voices=(said(wish, "sam"), said(wish, "kim")))
    assert isinstance(refund_needs_approval.judge(both), Pass)


def test_one_refusal_outweighs_every_agreement() -> None:
    look = ready(ABOVE_30)
    voices = (said(only(look), "sam"), said(only(look), "kim", agreed=False))
    verdict = refund_needs_approval.judge(with_case(look, voices=voices))
    assert isinstance(verdict, Person) and verdict.problem.kind == "refund_refused"


@pytest.mark.parametrize(
    "change", [{"amount": 3999}, {"amount": 4001}, {"method": "store_credit"}, {"units": ()}, {"currency": "EUR"}]
)
def test_an_agreement_to_other_terms_is_void(change: dict[str, Any]) -> None:
    look = ready(ABOVE_30)
    wish = only(look)
    other = replace(said(wish, "sam"), terms=replace(wish.terms, **change))
    assert isinstance(refund_needs_approval.judge(with_case(look, voices=(other,))), Hold)


def test_an_amount_changed_after_the_approval_voids_it() -> None:
    look = ready(ABOVE_30)
    agreed = with_case(look, voices=(said(only(look), "sam"),))
    assert isinstance(refund_needs_approval.judge(agreed), Pass)
    shown = agreed.case.portal_return
    assert shown is not None
    dearer = with_case(agreed, portal_return=replace(shown, tenders=Tenders(refund=4100)))
    assert isinstance(refund_needs_approval.judge(dearer), Hold)


def test_who_shaped_the_return_has_no_voice_even_when_they_spoke_first() -> None:
    look = ready(ABOVE_30)
    agreed = with_case(look, voices=(said(only(look), "sam"),), makers=("SAM",))
    assert isinstance(refund_needs_approval.judge(agreed), Hold)
    assert "may not approve it" in why_not(agreed, only(agreed), "Sam", ("finance", "admin"))


def test_a_voice_without_the_role_does_not_count() -> None:
    look = ready(replace(ABOVE_30, approvers=("finance", "admin")))
    agreed = with_case(look, voices=(said(only(look), "kim", roles=("ops", "cx")),))
    assert isinstance(refund_needs_approval.judge(agreed), Hold)
    assert "finance or admin" in why_not(look, only(look), "kim", ("ops",))
    assert why_not(look, only(look), "  ", ("finance",))


def test_a_threshold_of_another_currency_does_not_wave_a_refund_through() -> None:
    euros = ApprovalRule(value_above=900_000, currency="EUR")
    assert "GBP" in only(ready(euros)).because
    assert wanted(ready(euros, ApprovalRule(value_above=5000, currency="GBP"))) == ()


def test_store_credit_and_original_tender_are_asked_for_apart() -> None:
    look = ready(ApprovalRule(method="store_credit", value_above=1500, currency="GBP"))
    assert wanted(look) == ()
    shown = look.case.portal_return
    assert shown is not None
    split = with_case(look, portal_return=replace(shown, tenders=Tenders(refund=2000, store_credit=2000)))
    assert only(split).terms.method == "both"
    assert (
        wanted(with_policy(split, approvals=(ApprovalRule(method="original", value_above=2000, currency="GBP"),))) == ()
    )


RISKY = (
    ("repeat_returns", Risk(earlier_returns=3), Risk(earlier_returns=2)),
    ("address_mismatch", Risk(address_mismatch=True), Risk(address_mismatch=False)),
    ("repeat_returns", None, Risk(earlier_returns=0)),
    ("address_mismatch", Risk(earlier_returns=0), Risk(address_mismatch=False)),
)


@pytest.mark.parametrize(("signal", "holds", "fades"), RISKY)
def test_a_risk_signal_asks_and_so_does_one_that_is_unknown(signal: str, holds: Risk | None, fades: Risk) -> None:
    look = ready(ApprovalRule(risk=(signal,)))
    assert wanted(with_case(look, risk=holds))
    assert wanted(with_case(look, risk=fades)) == ()


def test_high_value_and_damage_are_signals() -> None:
    dear = ApprovalRule(risk=("high_value",))
    assert wanted(ready(dear)) and wanted(ready(dear, high_value_above=3999))
    assert wanted(ready(dear, high_value_above=4000)) == ()
    hurt = ready(ApprovalRule(risk=("damage_claim",)))
    assert wanted(hurt) == ()
    units = tuple(replace(unit, reason="Arrived damaged") for unit in hurt.case.units)
    assert "Arrived damaged" in only(with_case(hurt, units=units)).because
    found = tuple(replace(unit, disposition=Disposition.DAMAGED) for unit in hurt.case.units)
    assert wanted(with_case(hurt, units=found))


def test_categories_countries_and_tiers_narrow_a_rule_and_the_unknown_does_not_escape() -> None:
    rule = ApprovalRule(categories=("watches",))
    look = ready(rule)
    assert "category" in only(look).because
    named = {unit.sku or "": "shirts" for unit in look.case.units}
    assert wanted(replace(look, mapping=replace(look.mapping, categories=named))) == ()
    assert wanted(ready(ApprovalRule(countries=("DE",))))
    assert wanted(ready(ApprovalRule(tiers=("new",))))
    known = with_case(ready(ApprovalRule(tiers=("new",))), risk=Risk(tier="gold"))
    assert wanted(known) == ()


def test_the_older_axis_asks_in_the_same_way() -> None:
    assert only(ready(approval=Approval.ALWAYS)).people == 1
    assert wanted(ready(approval=Approval.ABOVE_THRESHOLD, approval_threshold=4000)) == ()
    assert wanted(ready(approval=Approval.ABOVE_THRESHOLD, approval_threshold=3999))


def test_agreement_opens_a_gate_only_where_the_rule_names_it() -> None:
    hurt = ready(damaged_needs_review=True)
    units = tuple(replace(unit, disposition=Disposition.DAMAGED) for unit in hurt.case.units)
    for waives in (None, "refund_needs_acceptance", "refund_within_order"):
        look = with_policy(with_case(hurt, units=units), approvals=(ApprovalRule(waives_gate=waives),))
        agreed = with_case(look, voices=(said(only(look), "sam"),))
        opened = all(isinstance(answer.verdict, Pass) for answer in gate.gate(agreed))
        assert opened is (waives == "refund_needs_acceptance")
        assert not all(isinstance(answer.verdict, Pass) for answer in gate.gate(look))


def test_a_rule_is_named_by_its_conditions() -> None:
    assert name_of(ApprovalRule()) == "every refund"
    assert name_of(replace(ABOVE_30, tiers=("new", "blocked"))) == "value above 3000 GBP, tier new or blocked"
    assert Terms(amount=1, currency="GBP", method="original") != Terms(amount=1, currency="GBP", method="both")
