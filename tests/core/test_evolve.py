"""State moves: facts in any order and more than once lead to the same case."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from scenes import after

from counterfoil.core.case import Reception, ReturnCase, StepState
from counterfoil.core.events import (
    LabelMoved,
    OrderSeen,
    RefundMoved,
    RefundReported,
    RefundState,
    RestockSignalled,
    ReturnAuthorised,
    ReturnCancelled,
    ReturnProcessed,
    StoreCreditIssued,
    WarehouseReported,
)
from counterfoil.core.evolve import evolve, new_case
from counterfoil.core.inner_events import (
    DifferenceAccepted,
    RetryAsked,
    StepDone,
    StepRefused,
    StepRequested,
    StepSettled,
)
from counterfoil.core.receipts import ReceiptKind
from counterfoil.core.returns import LabelStatus, PortalReturn, Stage
from counterfoil.testing.story_facts import receipt_of
from counterfoil.testing.story_stage import Parcel
from counterfoil.testing.story_words import items

STAGE = after("the portal authorises 2 x A, 1 x B")
SHOWN = STAGE.desk.papers["R1"].shown
START = evolve(
    new_case("north", SHOWN), ReturnAuthorised(key="a", occurred_at="2026-11-09T08:00:00Z", portal_return=SHOWN)
)
ID = SHOWN.return_id


def at(hour: int) -> str:
    return f"2026-11-10T{hour:02d}:00:00Z"


def label(status: LabelStatus, hour: int) -> LabelMoved:
    return LabelMoved(
        key=f"l-{status}", occurred_at=at(hour), portal="portal", return_id=ID, label_status=status, tracking="TRK"
    )


def parcel(name: str, kind: ReceiptKind, revision: int, found: str, hour: int) -> WarehouseReported:
    receipt = receipt_of(Parcel(kind=kind, receipt=name, revision=revision, items=items(found)), ID, "#1001", at(hour))
    return WarehouseReported(key=f"{name}-{kind}-{revision}", occurred_at=at(hour), receipt=receipt)


def moved(state: RefundState, hour: int, amount: int = 7500) -> RefundMoved:
    return RefundMoved(
        key=f"m-{state}",
        occurred_at=at(hour),
        source="shop",
        ref="re_1",
        refund_ref="881",
        order_ref=SHOWN.order_ref,
        amount=amount,
        currency="GBP",
        status=state,
        gateway="card",
    )


REPORTED = RefundReported(
    key="r", portal="portal", return_id=ID, ref="881", gateway="card", amount=7500, currency="GBP"
)
FACTS: tuple[Any, ...] = (
    label(LabelStatus.IN_TRANSIT, 1),
    label(LabelStatus.DELIVERED, 2),
    parcel("GR-1", ReceiptKind.RECEIVED, 1, "2 x A", 3),
    parcel("GR-1", ReceiptKind.INSPECTED, 2, "1 x A sellable, 1 x A damaged", 4),
    parcel("GR-2", ReceiptKind.INSPECTED, 1, "1 x B sellable", 5),
    REPORTED,
    moved(RefundState.PENDING, 6),
    moved(RefundState.CONFIRMED, 7),
    OrderSeen(key="o", order=STAGE.order),
    ReturnProcessed(key="p", occurred_at=at(8), portal_return=replace(SHOWN, stage=Stage.PROCESSED, state="closed")),
)


def settled(case: ReturnCase) -> ReturnCase:
    """The case with what has no order of its own put into one."""
    return replace(
        case,
        receipts=tuple(sorted(case.receipts, key=lambda one: one.key)),
        refunds=tuple(sorted(case.refunds, key=lambda one: one.ref)),
    )


def told(*facts: Any, case: ReturnCase = START) -> ReturnCase:
    for fact in facts:
        case = evolve(case, fact)
    return case


@settings(max_examples=60, deadline=None)
@given(st.permutations(FACTS), st.lists(st.sampled_from(FACTS), max_size=4))
def test_facts_in_any_order_and_repeated_lead_to_the_same_case(order: list[Any], repeats: list[Any]) -> None:
    assert settled(told(*order, *repeats)) == settled(told(*FACTS))


# --- the portal's view


@pytest.mark.parametrize(
    ("first", "second", "stays"),
    [
        (Stage.REQUESTED, Stage.AUTHORISED, Stage.AUTHORISED),
        (Stage.AUTHORISED, Stage.REQUESTED, Stage.AUTHORISED),
        (Stage.AUTHORISED, Stage.PROCESSED, Stage.PROCESSED),
        (Stage.PROCESSED, Stage.CANCELLED, Stage.PROCESSED),
        (Stage.CANCELLED, Stage.PROCESSED, Stage.CANCELLED),
        (Stage.EXPIRED, Stage.PROCESSED, Stage.PROCESSED),
        (Stage.EXPIRED, Stage.AUTHORISED, Stage.EXPIRED),
    ],
)
def test_a_stage_only_moves_forward_and_a_final_one_stays(first: Stage, second: Stage, stays: Stage) -> None:
    case = new_case("north", SHOWN)
    for place, stage in enumerate((first, second)):
        case = evolve(case, ReturnAuthorised(key=str(place), portal_return=replace(SHOWN, stage=stage)))
    assert case.stage is stays


def edit(hour: int, *line_ids: str) -> PortalReturn:
    return replace(
        SHOWN, edited_at=at(hour), lines=tuple(line for line in SHOWN.lines if not line_ids or line.line_id in line_ids)
    )


def test_an_older_edit_never_replaces_a_newer_one() -> None:
    newer = ReturnAuthorised(key="2", portal_return=edit(2, "R1-1"))
    older = ReturnAuthorised(key="1", portal_return=edit(1))
    assert told(newer, older).units == told(older, newer).units
    assert len(told(newer, older).units) == 2


def test_a_view_without_lines_keeps_the_lines_that_are_known() -> None:
    bare = ReturnAuthorised(key="2", portal_return=replace(SHOWN, edited_at=at(3), lines=()))
    assert told(bare).units == START.units


def test_a_unit_that_came_is_never_dropped_by_an_edit() -> None:
    came = told(FACTS[3], ReturnAuthorised(key="2", portal_return=edit(9, "R1-2")))
    assert sorted(unit.unit_id for unit in came.units) == ["R1-1#1", "R1-1#2", "R1-2#1"]


def test_a_cancelled_return_keeps_what_it_knew() -> None:
    gone = told(ReturnCancelled(key="c", portal_return=replace(SHOWN, stage=Stage.CANCELLED, lines=())))
    assert gone.stage is Stage.CANCELLED and gone.units == START.units


# --- parcels on their way


def test_a_parcel_only_moves_forward() -> None:
    case = told(label(LabelStatus.DELIVERED, 2), label(LabelStatus.IN_TRANSIT, 1))
    assert case.label_status is LabelStatus.DELIVERED
    assert {unit.reception for unit in case.units} == {Reception.IN_TRANSIT}


def test_a_label_that_was_only_made_moves_nothing() -> None:
    case = told(label(LabelStatus.PENDING, 1))
    assert case.tracking == "TRK" and {unit.reception for unit in case.units} == {Reception.EXPECTED}


def test_a_portals_restock_signal_never_moves_stock() -> None:
    case = told(RestockSignalled(key="s", portal="portal", return_id=ID, quantity=3))
    assert len(case.restocked) == 1 and case.units == START.units


# --- money


def test_a_refund_reported_and_confirmed_is_one_refund() -> None:
    for order in ((REPORTED, moved(RefundState.CONFIRMED, 7)), (moved(RefundState.CONFIRMED, 7), REPORTED)):
        case = told(*order)
        assert len(case.refunds) == 1 and case.money_out == 7500


def test_the_first_refund_dates_from_the_confirmation_even_after_a_report() -> None:
    assert told(REPORTED, moved(RefundState.CONFIRMED, 7)).first_refund_at == at(7)
    assert told(REPORTED).first_refund_at is None


def test_the_first_refund_is_the_earliest_whatever_comes_first() -> None:
    early = replace(moved(RefundState.CONFIRMED, 3), ref="re_0", refund_ref="880")
    late = moved(RefundState.CONFIRMED, 7)
    assert told(late, early).first_refund_at == told(early, late).first_refund_at == at(3)


@pytest.mark.parametrize(
    ("states", "money"),
    [
        ((RefundState.PENDING,), 0),
        ((RefundState.PROVISIONAL,), 0),
        ((RefundState.PENDING, RefundState.CONFIRMED), 7500),
        ((RefundState.CONFIRMED, RefundState.PENDING), 7500),
        ((RefundState.CONFIRMED, RefundState.REVERSED), 0),
        ((RefundState.REVERSED, RefundState.CONFIRMED), 0),
        ((RefundState.PENDING, RefundState.FAILED), 0),
    ],
)
def test_only_confirmed_money_counts_and_states_move_forward(states: tuple[RefundState, ...], money: int) -> None:
    assert told(*(moved(state, 6) for state in states)).money_out == money


def test_two_gateways_of_one_shop_refund_are_two_movements() -> None:
    card = moved(RefundState.CONFIRMED, 7, 5000)
    voucher = replace(card, key="v", ref="re_2", gateway="gift_card", amount=2500)
    reports = [replace(REPORTED, key=key, gateway=gateway) for key, gateway in (("r1", "card"), ("r2", "gift_card"))]
    case = told(*reports, card, voucher)
    assert len(case.refunds) == 2 and case.money_out == 7500
    assert [refund.store_credit for refund in case.refunds] == [False, True]


def test_the_merchants_bonus_on_a_gift_card_is_not_the_customers_money() -> None:
    card = StoreCreditIssued(
        key="g", portal="portal", return_id=ID, gift_card_id="g", issued=8000, bonus=500, currency="GBP"
    )
    case = told(card)
    assert case.money_out == 7500 and case.refunds[0].store_credit


# --- our own steps


def requested(edition: int = 1, name: str = "ReceiveStock") -> StepRequested:
    return StepRequested(
        key=f"q{edition}", step="receipt-1", name=name, edition=edition, rule="r", because="b", units=("R1-1#1",)
    )


REFUSED = StepRefused(key="x", step="receipt-1", edition=1, kind="period_closed", message="closed")
DONE = StepDone(key="d", step="receipt-1", edition=1, ref="7", number="GRN7")


def test_a_step_that_is_done_stays_done() -> None:
    case = told(requested(), DONE, REFUSED)
    assert case.steps["receipt-1"].state is StepState.DONE


def test_an_answer_to_an_earlier_edition_is_not_an_answer_to_this_one() -> None:
    case = told(requested(), REFUSED, RetryAsked(key="t", step="receipt-1", by="robin"), requested(2), REFUSED)
    assert case.steps["receipt-1"].state is StepState.REQUESTED


def test_an_answer_to_a_step_nobody_asked_for_changes_nothing() -> None:
    assert told(DONE) == START and told(REFUSED) == START


def test_a_retry_frees_the_step_and_its_units_and_remembers_the_edition() -> None:
    waiting = told(requested())
    assert waiting.units[0].posted_by == "receipt-1"
    again = told(REFUSED, RetryAsked(key="t", step="receipt-1", by="robin"), case=waiting)
    assert "receipt-1" not in again.steps and again.editions == {"receipt-1": 1}
    assert again.units[0].posted_by is None


def test_agreeing_to_a_later_period_asks_again_for_what_the_closed_one_stopped() -> None:
    refused = told(requested(), REFUSED)
    agreed = DifferenceAccepted(key="x", kind="period_closed", by="robin", reason="December is fine")
    again = told(agreed, case=refused)
    assert again.may_post_later and again.editions == {"receipt-1": 1} and again.units[0].posted_by is None
    other = told(DifferenceAccepted(key="y", kind="short_receipt", by="robin", reason="kept one"), case=refused)
    assert "receipt-1" in other.steps and not other.may_post_later


def test_only_a_refused_step_can_be_tried_again() -> None:
    waiting = told(requested())
    assert told(RetryAsked(key="t", step="receipt-1", by="robin"), case=waiting) == waiting


def test_a_step_settled_by_hand_carries_the_persons_document() -> None:
    settled_fact = StepSettled(key="s", step="receipt-1", by="robin", reason="typed in", number="GRN-9")
    step = told(requested(), REFUSED, settled_fact).steps["receipt-1"]
    assert step.state is StepState.DONE and step.document is not None
    assert step.document.number == "GRN-9" and "robin" in step.message


def test_a_reversed_receipt_expects_its_units_again() -> None:
    came = told(FACTS[4], requested())
    undo = StepRequested(
        key="u", step="undo-receipt-1", name="ReverseReceipt", edition=1, rule="r", because="b", units=("R1-2#1",)
    )
    undone = told(undo, StepDone(key="ud", step="undo-receipt-1", edition=1), case=came)
    unit = next(unit for unit in undone.units if unit.unit_id == "R1-2#1")
    assert (unit.reception, unit.receipt, unit.posted_by) == (Reception.EXPECTED, None, None)


def test_an_order_read_again_after_the_credit_does_not_change_what_was_credited() -> None:
    finished = after("the portal authorises 1 x A", "the warehouse receives 1 x A sellable").case("R1")
    other = replace(STAGE.order, lines=())
    assert evolve(finished, OrderSeen(key="again", order=other)).order == finished.order


def test_what_a_person_accepts_is_kept_with_name_and_reason() -> None:
    case = told(DifferenceAccepted(key="x", kind="short_receipt", by="robin", reason="kept one"))
    assert case.accepted_differences == {"short_receipt": "robin: kept one"}
