"""Edges where one wrong comparison would go unnoticed: repeated answers, thin views, twin lines, late money."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from scenes import after, look_after, requested, waits, with_case, with_policy

from counterfoil.core.commands import RecordRefund
from counterfoil.core.credit.note import value_return
from counterfoil.core.decide import decide
from counterfoil.core.events import RefundMoved, RefundState, ReturnAuthorised
from counterfoil.core.evolve import evolve
from counterfoil.core.inner_events import StepDone, StepRequested, StepSettled
from counterfoil.core.look import Look
from counterfoil.core.mapping import Mapping
from counterfoil.core.policy import RefundExecutor
from counterfoil.core.returns import Stage, Tenders
from counterfoil.core.units import booked, erp_line, sold_line

ONE, CAME = "the portal authorises 1 x A", "the warehouse receives 1 x A sellable"
LED = "and the portal-led policy"
TWINS = "given order 1001 in GBP, tax included\n  A  1 x 20.00\n  A  2 x 15.00\n"


def problem(look: Look, kind: str) -> Any:
    return next(found for found in decide(look).problems if found.kind == kind)


# --- answers


def test_a_second_answer_does_not_replace_the_first() -> None:
    case = after(ONE).case("R1")
    again = evolve(case, StepDone(key="again", step="rma-1", edition=1, ref="other", number="SR999"))
    assert again == case


def test_an_answer_to_an_older_edition_does_not_end_the_newer() -> None:
    case = after(ONE).case("R1")
    asked = StepRequested(key="q", step="receipt-1", name="ReceiveStock", edition=2, rule="r", because="b")
    waiting = evolve(case, asked)
    assert evolve(waiting, StepDone(key="old", step="receipt-1", edition=1, ref="1")) == waiting


def test_a_person_who_names_no_document_leaves_the_one_the_erp_named() -> None:
    case = after(ONE, given="").case("R1")
    refused = replace(case.steps["rma-1"], state="refused", ref="77", number="SR77")
    case = replace(case, steps={**case.steps, "rma-1": refused})
    settled = evolve(case, StepSettled(key="s", step="rma-1", by="robin", reason="it is right")).steps["rma-1"]
    assert (settled.ref, settled.number) == ("77", "SR77")


# --- views


def test_a_later_view_of_the_same_edit_is_the_newer_one() -> None:
    stage = after(ONE)
    shown = stage.desk.papers["R1"].shown
    richer = replace(shown, tenders=Tenders(refund=2000, fee_withheld=5), country="GB")
    seen = evolve(stage.case("R1"), ReturnAuthorised(key="2", portal_return=richer)).portal_return
    assert seen is not None and seen.tenders.fee_withheld == 5 and seen.country == "GB"


def test_refunded_shipping_is_kept_from_a_view_that_shows_it_while_the_refund_is_the_same() -> None:
    stage = after("the portal authorises 1 x A, with 4.95 of the shipping")
    shown = stage.desk.papers["R1"].shown
    for refund, kept in ((2495, 495), (2000, None)):
        thin = replace(shown, tenders=Tenders(refund=refund))
        seen = evolve(stage.case("R1"), ReturnAuthorised(key="2", portal_return=thin)).portal_return
        assert seen is not None and seen.tenders.shipping_refunded == kept
    zero = replace(shown, tenders=Tenders(refund=2495, shipping_refunded=0))
    seen = evolve(stage.case("R1"), ReturnAuthorised(key="3", portal_return=zero)).portal_return
    assert seen is not None and seen.tenders.shipping_refunded == 0


def test_shipping_a_view_leaves_out_is_seen_by_what_the_refund_exceeds_its_lines() -> None:
    look = look_after("the portal authorises 1 x A, with 4.95 of the shipping", CAME)
    shown = look.case.portal_return
    assert shown is not None
    thin = with_case(look, portal_return=replace(shown, tenders=Tenders(refund=2495)))
    value = value_return(thin)
    assert value is not None and [charge.gross for charge in value.note.charges] == [495]
    unsaid = replace(
        shown, tenders=Tenders(refund=2495), lines=tuple(replace(x, cash_refund=None) for x in shown.lines)
    )
    value = value_return(with_case(look, portal_return=unsaid))
    assert value is not None and value.note.charges == ()


# --- money


def test_a_confirmation_without_the_shops_number_keeps_the_one_known() -> None:
    case = after(ONE).case("R1")
    pending = RefundMoved(
        key="1",
        source="shop",
        ref="re_1",
        order_ref=None,
        amount=2000,
        currency="GBP",
        status=RefundState.PENDING,
        refund_ref="881",
        gateway="card",
    )
    confirmed = replace(pending, key="2", status=RefundState.CONFIRMED, refund_ref=None, gateway=None)
    (refund,) = evolve(evolve(case, pending), confirmed).refunds
    assert (refund.refund_ref, refund.gateway, refund.status) == ("881", "card", RefundState.CONFIRMED)


def test_money_beyond_the_posted_credit_is_an_exception_of_that_difference() -> None:
    stage = after(
        ONE, CAME, "the portal processes the return", "the shop confirms another 5.00 for the return", given=LED
    )
    assert problem(stage.look("R1"), "refund_differs_from_credit").amount == 500


def test_money_that_differs_from_the_draft_holds_its_posting() -> None:
    look = look_after("the shop holds its refunds back", ONE, CAME)
    less = tuple(
        replace(refund, status=RefundState.CONFIRMED, amount=1900, reported_only=False) for refund in look.case.refunds
    )
    assert problem(with_case(look, refunds=less), "refund_differs_from_credit").amount == 100
    assert "PostCreditNote" not in requested(with_case(look, refunds=less))
    exact = tuple(replace(refund, amount=2000) for refund in less)
    assert "PostCreditNote" in requested(with_case(look, refunds=exact))


def test_money_is_recorded_in_the_erp_on_the_day_it_moved() -> None:
    look = look_after(ONE, CAME, "48 hours pass", drafts=False)
    steps = {name: step for name, step in look.case.steps.items() if step.name != "RecordRefund"}
    (request,) = decide(with_case(look, steps=steps)).requests
    assert isinstance(request.command, RecordRefund)
    assert request.command.paid_on == "2026-11-09" < look.now[:10]


def test_nothing_is_released_where_somebody_else_pays() -> None:
    look = look_after("the shop holds its refunds back", ONE, CAME)
    steps = {name: step for name, step in look.case.steps.items() if name != "release-1"}
    bare = with_case(look, steps=steps, refunds=(), stage=Stage.AUTHORISED)
    assert requested(bare) == ["ReleaseRefund"]
    assert requested(with_policy(bare, refund_executor=RefundExecutor.ERP)) == []


def test_an_ended_return_waits_for_no_money_unless_some_has_left() -> None:
    ended = look_after(ONE, "the portal cancels the return", given=LED)
    assert waits(ended) == []
    paid = after(ONE, "the portal processes the return", given=LED).case("R1").refunds
    assert "pair_closes_in_time" not in waits(ended)
    assert waits(with_case(ended, refunds=paid)) != []


# --- lines


def test_a_unit_belongs_to_the_line_it_names_and_only_without_one_to_its_sku() -> None:
    case = after("the portal authorises 1 x A", order=TWINS).case("R1")
    assert case.order is not None
    first, second = case.order.lines
    unit = case.units[0]
    assert sold_line(case, replace(unit, order_line_ref=second.line_ref)) == second
    assert sold_line(case, replace(unit, order_line_ref=None)) is None  # two lines have this SKU
    alone = replace(case, order=replace(case.order, lines=(first,)))
    assert sold_line(alone, replace(unit, order_line_ref="unknown")) == first
    assert sold_line(alone, replace(unit, order_line_ref=None, sku="B")) is None


def test_twin_lines_correspond_in_order_or_to_one_line_that_holds_them_all() -> None:
    case = after("the portal authorises 1 x A", order=TWINS).case("R1")
    assert case.order is not None and case.erp_order is not None
    first, second = case.order.lines
    found = [erp_line(case, line, Mapping()) for line in (first, second)]
    assert [line.erp_line for line in found if line] == ["1", "2"]
    for quantity, holds in ((2, False), (3, True), (4, True)):
        whole = replace(case.erp_order, lines=(replace(case.erp_order.lines[0], quantity=quantity),))
        assert (erp_line(replace(case, erp_order=whole), second, Mapping()) is not None) is holds


def test_the_shops_own_reference_in_the_erp_goes_before_the_sku() -> None:
    case = after("the portal authorises 1 x A", order=TWINS).case("R1")
    assert case.order is not None and case.erp_order is not None
    one, two = case.erp_order.lines
    crossed = replace(case.erp_order, lines=(one, replace(two, shop_line_ref=case.order.lines[0].line_ref)))
    found = erp_line(replace(case, erp_order=crossed), case.order.lines[0], Mapping())
    assert found is not None and found.erp_line == two.erp_line


def test_a_unit_is_booked_once_the_erp_has_said_so() -> None:
    case = after(ONE, CAME).case("R1")
    unit = case.units[0]
    assert booked(case, unit)
    assert not booked(case, replace(unit, posted_by=None))
    assert not booked(case, replace(unit, posted_by="receipt-9"))
