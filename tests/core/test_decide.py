"""Decisions: every exception the core can name, the moments at which time alone changes something, and what follows."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from scenes import after, kinds, look_after, requested, waits, with_case, with_policy

import counterfoil.core
from counterfoil.core.case import Reception, Step, StepState, UnexpectedUnits
from counterfoil.core.decide import decide
from counterfoil.core.look import Ledger, Look, hours_after
from counterfoil.core.policy import ApprovalRule, RmaOn
from counterfoil.core.returns import LabelStatus, ReturnLine, Stage
from counterfoil.testing.stories import play, read_stories
from counterfoil.testing.story_core import CoreStage

ONE = "the portal authorises 1 x A"
CAME = "the warehouse receives 1 x A sellable"
STORIES = Path(__file__).parents[1] / "stories"


def without(look: Look, side: str, *abilities: str) -> Look:
    """The same look at systems that cannot do these things."""
    agreement = look.agreement
    kept = {side: frozenset(getattr(agreement, side)) - set(abilities)}
    return replace(look, agreement=replace(agreement, **kept))


def step(name: str, kind: str, state: StepState = StepState.REFUSED, **more: Any) -> Step:
    return Step(step=name, name=kind, state=state, message="no", **more)


# --- every kind can be raised


@cache
def scenes() -> dict[str, Look]:
    """One scene for each exception that no story tells of."""
    asked, came = look_after(ONE), look_after(ONE, CAME)
    shown = asked.case.portal_return
    assert shown is not None
    no_rma = with_case(asked, steps={}, rma_lines=())
    unposted = with_case(came, units=tuple(replace(unit, posted_by=None) for unit in came.case.units), rma_lines=())
    counted = look_after(ONE, "the warehouse counts 1 x A").case.receipts[0]
    reversed_ = tuple(replace(one, reversed=True) for one in came.case.receipts)
    uncredited = tuple(replace(unit, credited_by=None) for unit in came.case.units)
    refused = step("rma-1", "OpenReturnAuthorisation")
    money = look_after(ONE, CAME, given="and the portal-led policy")
    paid = after(ONE, CAME, "the portal processes the return", given="and the portal-led policy").case("R1").refunds
    held = look_after(f"{ONE}, exchanging for 1 x C at 20.00")
    swapped = with_case(held, units=tuple(replace(u, reception=Reception.RECEIVED) for u in held.case.units))
    return {
        "return_without_lines": with_case(no_rma, units=()),
        "currency_differs": with_case(no_rma, currency="EUR"),
        "withdraw_rma_by_hand": without(with_case(asked, stage=Stage.CANCELLED), "erp_can", "cancel_return"),
        "unit_not_on_rma": unposted,
        "disposition_sum": with_case(asked, receipts=(replace(counted, bad_sum="line 1"),)),
        "receipt_conflict": with_case(asked, receipts=(replace(counted, conflict="twice"),)),
        "disposition_changed_after_booking": with_case(came, disposition_changed="unit 1"),
        "reverse_receipt_by_hand": without(
            with_case(came, receipts=reversed_, units=uncredited), "erp_can", "reverse_receipt"
        ),
        "release_by_hand": without(
            with_case(
                came,
                steps={k: s for k, s in came.case.steps.items() if k != "release-1"},
                refunds=(),
                stage=Stage.AUTHORISED,
            ),
            "portal_can",
            "release",
        ),
        "value_unknown": replace(
            with_case(money, refunds=paid),
            ledger=Ledger(taken={money.case.units[0].order_line_ref or "": 2}),
        ),
        "refund_exceeds_order": replace(with_case(money, refunds=paid), ledger=Ledger(money_out=6000)),
        "refund_differs_from_credit": with_case(came, refunds=(replace(came.case.refunds[0], amount=2100),)),
        "exchange_by_hand": without(
            with_case(
                money, refunds=paid, portal_return=replace(shown, tenders=replace(shown.tenders, exchange_used=1))
            ),
            "erp_can",
            "create_exchange",
        ),
        "release_exchange_by_hand": without(swapped, "erp_can", "release_exchange"),
        "erp_refused": with_case(asked, steps={"rma-1": refused}),
        "gate_failed": with_case(money, refunds=paid, order=replace(_order(money), shipping=(None,))),  # type: ignore[arg-type]
        "refund_without_approval": with_policy(
            with_case(money, refunds=paid), approvals=(ApprovalRule(value_above=1, currency="GBP"),)
        ),
        "restock_without_movement": with_case(asked, restocked_at="2026-10-01T08:00:00Z"),
        "duplicate_return": replace(no_rma, ledger=Ledger(elsewhere={asked.case.units[0].order_line_ref or "": 2})),
    }


def _order(look: Look) -> Any:
    assert look.case.order is not None
    return look.case.order


@pytest.mark.parametrize("kind", sorted(scenes()))
def test_this_exception_is_raised_where_its_cause_holds(kind: str) -> None:
    assert kind in kinds(scenes()[kind])


def test_every_exception_the_core_names_is_raised_by_a_scene_or_a_story() -> None:
    raised = set(scenes())
    for story in read_stories(STORIES):
        for sentence in story.sentences:
            raised |= set(sentence.text.replace(",", " ").split())
    assert sorted(named_in_core() - raised) == []


def named_in_core() -> set[str]:
    """Kinds written where the core makes a problem."""
    folder = Path(counterfoil.core.__file__).parent
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Problem":
                found |= {
                    word.value.value
                    for word in node.keywords
                    if word.arg == "kind" and isinstance(word.value, ast.Constant)
                }
    return found


@pytest.mark.parametrize(
    "kind",
    [
        "over_receipt",
        "wrong_item",
        "short_receipt",
        "receipt_conflict",
        "disposition_changed_after_booking",
        "return_changed_after_rma",
        "processed_without_release",
        "refund_before_receipt",
    ],
)
def test_an_accepted_exception_does_not_come_back(kind: str) -> None:
    came = look_after(ONE, CAME, "the warehouse closes the return")
    receipts = (replace(came.case.receipts[0], conflict="twice"),)
    extra = tuple(UnexpectedUnits(receipt="r/1/1", kind=k, sku="Z", quantity=1) for k in ("over_receipt", "wrong_item"))
    look = with_case(
        came, receipts=receipts, unexpected=extra, disposition_changed="x", changed_after_rma="y", receiving_closed=True
    )
    accepted = {kind: "robin: seen"} if kind != "refund_before_receipt" else {"short_receipt": "robin: seen"}
    assert kind not in kinds(with_case(look, accepted_differences=accepted))


# --- time


@pytest.mark.parametrize(("hours", "alarmed"), [(0, False), (47, False), (48, True), (49, True)])
def test_goods_that_are_not_inspected_are_an_exception_after_48_hours(hours: int, alarmed: bool) -> None:
    look = look_after(ONE, "the warehouse counts 1 x A", f"{hours} hours pass")
    assert ("received_not_inspected" in kinds(look)) is alarmed


@pytest.mark.parametrize(("hours", "alarmed"), [(0, False), (23, False), (24, True), (25, True)])
def test_money_without_a_credit_is_an_exception_after_24_hours(hours: int, alarmed: bool) -> None:
    scene = (ONE, "the portal processes the return", f"{hours} hours pass")
    assert ("refund_without_credit" in kinds(look_after(*scene, given="and the portal-led policy"))) is alarmed


@pytest.mark.parametrize(("hours", "alarmed"), [(0, False), (23, False), (24, True)])
@pytest.mark.parametrize("drafts", [True, False])
def test_a_credit_without_money_is_an_exception_after_24_hours(hours: int, alarmed: bool, drafts: bool) -> None:
    scene = ("the shop holds its refunds back", ONE, CAME, f"{hours} hours pass")
    assert ("credit_without_refund" in kinds(look_after(*scene, drafts=drafts))) is alarmed


def test_a_second_before_the_deadline_is_before_it() -> None:
    look = look_after(ONE, "the warehouse counts 1 x A")
    due = hours_after(look.case.first_receipt_at or "", 48)
    assert "received_not_inspected" in kinds(replace(look, now=due))
    before = due.replace("08:00:00Z", "07:59:59Z")
    assert before != due and "received_not_inspected" not in kinds(replace(look, now=before))


def test_a_decision_says_when_to_look_again() -> None:
    look = look_after(ONE, "the warehouse counts 1 x A")
    assert decide(look).look_again_at == hours_after(look.case.first_receipt_at or "", 48)
    assert decide(look_after(ONE)).look_again_at is None


@pytest.mark.parametrize(
    ("moment", "hours", "later"),
    [
        ("2026-11-09T08:00:00Z", 24, "2026-11-10T08:00:00Z"),
        ("2026-12-31T23:30:00Z", 1, "2027-01-01T00:30:00Z"),
        ("2026-11-09T08:00:00Z", 0, "2026-11-09T08:00:00Z"),
    ],
)
def test_hours_are_counted_on_the_wall(moment: str, hours: int, later: str) -> None:
    assert hours_after(moment, hours) == later


# --- the RMA


@pytest.mark.parametrize(
    ("rma_on", "status", "asked"),
    [
        (RmaOn.REQUESTED, None, True),
        (RmaOn.AUTHORISED, None, True),
        (RmaOn.IN_TRANSIT, None, False),
        (RmaOn.IN_TRANSIT, LabelStatus.PENDING, False),
        (RmaOn.IN_TRANSIT, LabelStatus.IN_TRANSIT, True),
        (RmaOn.IN_TRANSIT, LabelStatus.DELIVERED, True),
        (RmaOn.FINALISED, LabelStatus.DELIVERED, False),
    ],
)
def test_the_rma_is_made_at_the_agreed_moment(rma_on: RmaOn, status: LabelStatus | None, asked: bool) -> None:
    look = with_case(look_after(ONE), steps={}, label_status=status)
    assert ("OpenReturnAuthorisation" in requested(with_policy(look, rma_on=rma_on))) is asked


def test_a_request_in_review_asks_for_nothing_unless_the_policy_says_so() -> None:
    look = look_after("the portal is asked for 1 x A")
    assert requested(look) == [] and waits(look)[0] == "rma_when_agreed"
    assert set(requested(with_policy(look, rma_on=RmaOn.REQUESTED))) == {"FetchOrder", "FindSalesOrder"}


def test_every_reason_an_rma_cannot_be_made_is_named_at_once() -> None:
    asked = look_after("the portal authorises 1 x A because “Bees”")
    units = tuple(replace(unit, order_line_ref="none", sku="Q") for unit in asked.case.units)
    found = kinds(with_case(asked, units=units, currency="EUR"))
    assert found == {"reason_not_mapped", "sku_not_found", "currency_differs"}


def test_units_of_one_line_for_two_reasons_are_two_rma_lines() -> None:
    look = look_after("the portal authorises 2 x A")
    first, second = look.case.units
    split = with_case(look, steps={}, units=(first, replace(second, reason="Too large")))
    (request,) = [request for request in decide(split).requests if request.rma_lines]
    assert [(line.quantity, line.reason_code) for line in request.rma_lines] == [(1, "SIZE-SMALL"), (1, "SIZE-LARGE")]


def test_an_ended_return_withdraws_its_rma_once() -> None:
    look = with_case(look_after(ONE), stage=Stage.CANCELLED)
    assert requested(look) == ["CancelReturnAuthorisation"]
    done = {**look.case.steps, "rma-cancel-1": step("rma-cancel-1", "CancelReturnAuthorisation", StepState.REQUESTED)}
    assert requested(with_case(look, steps=done)) == []


@pytest.mark.parametrize("elsewhere", [0, 1, 2])
def test_a_unit_can_be_returned_as_often_as_it_was_sold(elsewhere: int) -> None:
    look = with_case(look_after(ONE), steps={})
    line = look.case.units[0].order_line_ref or ""
    assert ("duplicate_return" in kinds(replace(look, ledger=Ledger(elsewhere={line: elsewhere})))) is (elsewhere == 2)


def test_new_tracking_is_kept_on_the_rma_where_the_erp_can() -> None:
    stage = after(ONE, "the parcel is in transit", drafts=False)
    assert "tracking-TRK-R1" in stage.case("R1").steps
    assert "tracking-TRK-R1" not in after(ONE, "the parcel is in transit").case("R1").steps


# --- progress


@pytest.mark.parametrize(
    ("sentences", "progress"),
    [
        ((ONE,), "open"),
        ((ONE, CAME), "finished"),
        ((ONE, "the portal cancels the return"), "cancelled"),
        (("the portal authorises 2 x A", CAME), "open"),
        ((ONE, "the warehouse counts 1 x A", "the portal cancels the return"), "open"),
    ],
)
def test_a_return_is_open_until_nothing_is_left_to_do(sentences: tuple[str, ...], progress: str) -> None:
    assert decide(look_after(*sentences)).progress == progress


def test_a_step_under_way_keeps_the_return_open() -> None:
    look = look_after(ONE, CAME)
    pending = {**look.case.steps, "note-1": replace(look.case.steps["note-1"], state=StepState.REQUESTED)}
    assert decide(with_case(look, steps=pending)).progress == "open"


def test_a_decision_asked_again_asks_for_nothing_more() -> None:
    for sentences in ((ONE,), (ONE, CAME), (ONE, "the portal cancels the return")):
        assert requested(look_after(*sentences)) == []


def test_the_same_look_gives_the_same_decision() -> None:
    look = with_case(look_after(ONE), steps={})
    assert decide(look) == decide(look)


def test_commands_are_named_by_return_and_step_alone() -> None:
    look = with_case(look_after(ONE), steps={})
    keys = {request.command.key for request in decide(look).requests}
    assert keys == {"north/portal/1001-R1/rma-1"}


def test_what_a_return_is_worth_is_known_before_anything_is_credited() -> None:
    waiting = look_after(ONE, CAME, given="and the portal-led policy")
    assert decide(waiting).value == 2000
    assert decide(look_after(ONE)).value is None


# --- telling the portal


def test_the_portal_hears_of_an_inspection_only_when_it_is_complete() -> None:
    assert after("the portal authorises 2 x A", CAME).told("inspection") == 0
    assert after("the portal authorises 2 x A", "the warehouse receives 2 x A sellable").told("inspection") == 1


def test_a_portal_that_cannot_take_notes_or_grades_gets_none() -> None:
    look = look_after(ONE, CAME)
    silent = {name: one for name, one in look.case.steps.items() if name not in ("note-1", "inspection-1")}
    assert set(requested(with_case(look, steps=silent))) == {"SendNote", "ReportInspection"}
    assert requested(without(with_case(look, steps=silent), "portal_can", "notes", "grading")) == []


def test_no_story_ever_pays_twice_or_credits_twice() -> None:
    for story in read_stories(STORIES):
        stage = CoreStage(story.given)
        play(story, stage)
        for case in stage.cases():
            names = [one.name for one in case.steps.values()]
            assert names.count("ReleaseRefund") <= 1 and names.count("PostCreditNote") <= 1


def test_a_line_of_the_portal_without_a_reference_is_found_by_its_sku() -> None:
    look = look_after(ONE)
    units = tuple(replace(unit, order_line_ref=None) for unit in look.case.units)
    assert "OpenReturnAuthorisation" in requested(with_case(look, steps={}, units=units))


def test_lines_of_the_portal_default_to_one_unit() -> None:
    assert ReturnLine(line_id="1").qty == 1
