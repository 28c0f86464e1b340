"""Reveni's payloads in our words, fixture by fixture (Reveni sheet §3 to §6)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.adapterkit.parse import read_json
from counterfoil.core.events import (
    LabelMoved,
    PortalInspected,
    RefundMoved,
    RefundReported,
    RefundState,
    ReturnAuthorised,
    ReturnCancelled,
    ReturnProcessed,
    StoreCreditIssued,
)
from counterfoil.core.money import to_minor
from counterfoil.core.problems import Owner
from counterfoil.core.returns import Disposition, LabelStatus, PortalReturn, Stage
from counterfoil.portals import reveni
from counterfoil.portals.reveni import SPEC
from counterfoil.portals.reveni.config import ReveniConfig
from counterfoil.portals.reveni.mapping import Move, ReveniMapping
from counterfoil.ports.translation import Finding, Kind, Translation
from counterfoil.ports.vendors import Delivery

FIXTURES = Path(reveni.__file__).parent / "fixtures"
NAMES = sorted(path.stem for path in FIXTURES.glob("*.json"))
RETURNS = [name for name in NAMES if name.startswith("answer_200_return")]


def body(name: str) -> bytes:
    return (FIXTURES / f"{name}.json").read_bytes()


def status(name: str) -> int | None:
    found = re.match(r"answer_(\d{3})_", name)
    return int(found[1]) if found else None


def read(name: str) -> Translation:
    return SPEC.translate(Delivery(body=body(name), status=status(name)))


def seen(name: str) -> PortalReturn:
    found = read(f"answer_200_return_{name}").portal_return
    assert found is not None
    return found


def changed(name: str, **fields: Any) -> Translation:
    whole = {**msgspec.json.decode(body(f"answer_200_return_{name}")), **fields}
    return SPEC.translate(Delivery(body=msgspec.json.encode(whole), status=200))


def keys(found: Translation) -> set[str]:
    return {event.key for event in found.events}


def kinds(found: Translation) -> list[str]:
    return [problem.kind for problem in found.problems]


def events(name: str, of: type) -> list[Any]:
    return [event for event in read(f"answer_200_return_{name}").events if isinstance(event, of)]


def problem(name: str, kind: str) -> Finding:
    (found,) = [one for one in read(f"answer_200_return_{name}").problems if one.kind == kind]
    return found


# --- every fixture --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("unreadable")])
def test_only_what_is_named_unreadable_is_unreadable(name: str) -> None:
    assert read(name).kind is not Kind.UNREADABLE


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("unreadable")])
def test_what_cannot_be_read_is_a_finding_without_facts(name: str) -> None:
    found = read(name)
    assert (found.kind, kinds(found)) == (Kind.UNREADABLE, ["unreadable_delivery"])
    assert (found.events, found.reread) == ((), ())


# --- thin events (§3) -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "topic"), [("event_return_created", "return.created"), ("event_return_updated", "return.updated")]
)
def test_an_event_only_says_which_return_to_read_again(name: str, topic: str) -> None:
    found = read(name)
    assert (found.kind, found.topic, found.trigger) == (Kind.OTHER, topic, None)
    assert found.ignored_because is not None and "read from Reveni" in found.ignored_because
    assert found.reread == ("7c1e5a90b3d24f6e8a0b1c2d3e4f0001",)
    assert (found.events, found.portal_return, found.problems) == ((), None, ())


def test_nothing_an_event_says_besides_the_id_is_believed() -> None:
    found = read("event_return_updated_with_more")
    assert (found.events, found.reread) == ((), ("7c1e5a90b3d24f6e8a0b1c2d3e4f0010",))


def test_an_id_with_dashes_is_the_same_return() -> None:
    assert read("event_return_updated_dashed_id").reread == read("event_return_updated").reread


def test_an_unknown_topic_about_returns_is_told_and_its_return_read_again() -> None:
    found = read("event_of_an_unknown_return_topic")
    assert (kinds(found), found.reread) == (["unknown_topic"], ("7c1e5a90b3d24f6e8a0b1c2d3e4f0010",))


def test_an_unknown_topic_about_something_else_is_told_and_its_id_not_taken_for_a_return() -> None:
    found = read("event_of_an_unknown_topic")
    assert (found.kind, kinds(found), found.reread) == (Kind.OTHER, ["unknown_topic"], ())


@pytest.mark.parametrize("name", ["event_return_updated", "event_of_an_unknown_topic"])
def test_a_signature_header_is_a_notice_for_whoever_keeps_the_connection(name: str) -> None:
    found = SPEC.translate(Delivery(body=body(name), headers={"x-reveni-signature": "00ff"}))
    (notice,) = [one for one in found.problems if one.kind == "portal_signs_webhooks"]
    assert (notice.owner, notice.subject) == (Owner.INTEGRATION, "x-reveni-signature")
    assert found.reread == read(name).reread


# --- one return in several views ------------------------------------------------------------------------------------


def test_other_field_names_typings_and_spellings_give_the_same_return() -> None:
    assert seen("in_progress_other_names") == seen("in_progress")
    assert read("answer_200_return_in_progress_other_names").events == read("answer_200_return_in_progress").events


def test_a_whole_return_within_a_list_states_the_same_facts() -> None:
    assert read("answer_200_list_page_of_whole_returns").events == read("answer_200_return_in_progress").events


def test_a_row_of_the_list_is_shown_and_read_again() -> None:
    found = read("answer_200_list_page")
    assert (found.kind, found.events, found.problems) == (Kind.LIST_PAGE, (), ())
    assert [(one.return_id[-4:], one.state, one.order_name) for one in found.returns] == [
        ("0001", "in_progress", "EX1001"),
        ("0010", "received", "EX1001"),
    ]
    assert found.reread == tuple(one.return_id for one in found.returns)


def test_a_broken_row_does_not_hide_its_neighbours() -> None:
    found = read("answer_200_list_page_with_a_broken_row")
    assert len(found.returns) == 1
    assert kinds(found) == ["unreadable_delivery", "unreadable_delivery"]


def test_a_number_in_place_of_text_is_the_same_amount() -> None:
    assert read("answer_200_list_page_last").returns[0].tenders.refund == 4000


# --- the return -----------------------------------------------------------------------------------------------------


def test_lines_have_their_quantity_and_what_was_paid_tax_within() -> None:
    tees, cap = seen("in_progress").lines
    assert (tees.line_id, tees.sku, tees.qty, tees.line_value, tees.reason) == (
        "it-1",
        "TEE-BLK-M",
        2,
        4000,
        "Too small",
    )
    assert (cap.gross, cap.discount, cap.tax, cap.line_value, cap.cash_refund) == (1700, 150, 258, 1550, None)
    assert (tees.disposition, tees.line_outcome) == (None, "refund")


def test_the_order_is_the_shops_and_the_times_are_utc() -> None:
    found = seen("in_progress_other_names")
    assert (found.order_ref, found.order_name, found.currency) == ("5600010001", "EX1001", "GBP")
    assert (found.created_at, found.edited_at) == ("2026-11-02T09:15:00Z", "2026-11-02T09:15:00Z")


def test_a_price_without_a_discount_leaves_the_price_before_discount_unknown() -> None:
    (line,) = seen("yen").lines
    assert (line.gross, line.discount, line.line_value) == (None, None, 4800)


@pytest.mark.parametrize(("name", "value"), [("yen", 4800), ("dinar", 12345), ("in_progress", 4000)])
def test_amounts_are_in_the_currencys_own_minor_units(name: str, value: int) -> None:
    assert seen(name).lines[0].line_value == value


def test_a_return_of_which_only_the_seen_fields_are_there_is_read_without_figures() -> None:
    found = seen("only_what_was_seen")
    assert (found.lines[0].sku, found.lines[0].line_value, found.tenders.refund) == ("TEE-BLK-M", None, None)
    assert kinds(read("answer_200_return_only_what_was_seen")) == ["currency_missing"]


@pytest.mark.parametrize(
    ("name", "state", "stage"),
    [
        ("in_progress", "in_progress", Stage.AUTHORISED),
        ("pending", "pending", Stage.AUTHORISED),
        ("shipped", "shipped", Stage.AUTHORISED),
        ("received", "received", Stage.AUTHORISED),
        ("for_review", "for_review", Stage.AUTHORISED),
        ("on_hold", "on_hold", Stage.AUTHORISED),
        ("accepted", "accepted", Stage.PROCESSED),
        ("partially_accepted", "partially_accepted", Stage.PROCESSED),
        ("instant_partly_accepted", "partly_accepted", Stage.PROCESSED),
        ("completed", "completed", Stage.PROCESSED),
        ("rejected", "rejected", Stage.CANCELLED),
        ("cancelled", "cancelled", Stage.CANCELLED),
    ],
)
def test_every_status_has_its_stage(name: str, state: str, stage: Stage) -> None:
    assert (seen(name).state, seen(name).stage) == (state, stage)
    of_stage = (ReturnAuthorised, ReturnProcessed, ReturnCancelled)
    assert [fact.portal_return.stage for fact in events(name, object) if isinstance(fact, of_stage)] == [stage]


@pytest.mark.parametrize("word", ["In Progress", "in-progress", "IN_PROGRESS", " in  progress "])
def test_a_status_is_read_in_any_spelling(word: str) -> None:
    assert keys(changed("in_progress", status=word)) == keys(read("answer_200_return_in_progress"))


@pytest.mark.parametrize(
    ("name", "kind"), [("unknown_status", "unknown_portal_word"), ("expired", "portal_outcome_unclear")]
)
def test_a_status_nobody_explained_moves_nothing_and_is_told(name: str, kind: str) -> None:
    found = read(f"answer_200_return_{name}")
    assert not [fact for fact in found.events if not isinstance(fact, LabelMoved)]
    assert kind in kinds(found)


def test_unknown_words_are_told_one_by_one() -> None:
    found = read("answer_200_return_unknown_status")
    assert [one.subject.split(" ", 1)[1] for one in found.problems] == ["status", "type", "it-1 status"]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("shipped", LabelStatus.IN_TRANSIT),
        ("received", LabelStatus.DELIVERED),
        ("for_review", LabelStatus.DELIVERED),
        ("in_progress", LabelStatus.PENDING),
        ("only_what_was_seen", None),
    ],
)
def test_the_parcel_is_where_status_and_delivery_say(name: str, label: LabelStatus | None) -> None:
    assert seen(name).label_status is label
    assert [fact.label_status for fact in events(name, LabelMoved)] == ([label] if label else [])


def test_moving_towards_the_warehouse_adds_only_the_parcels_moves() -> None:
    shipped, received = (read(f"answer_200_return_{name}") for name in ("shipped", "received"))
    assert {type(fact) for fact in received.events if fact.key not in keys(shipped)} == {LabelMoved}


# --- verdicts -------------------------------------------------------------------------------------------------------


def test_every_reason_to_reject_has_its_disposition() -> None:
    assert [line.disposition for line in seen("partly_accepted_by_rows").lines] == [
        Disposition.SELLABLE,
        Disposition.DAMAGED,
        Disposition.MISSING,
        Disposition.QUARANTINE,
    ]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("accepted_not_for_stock", Disposition.QUARANTINE),
        ("for_review", Disposition.QUARANTINE),
        ("rejected", Disposition.DAMAGED),
        ("accepted", Disposition.SELLABLE),
        ("received", None),
    ],
)
def test_a_verdict_says_where_the_goods_go(name: str, found: Disposition | None) -> None:
    assert seen(name).lines[0].disposition is found


@pytest.mark.parametrize(
    ("name", "parts"),
    [("instant_partly_accepted", ["sellable", "missing"]), ("partially_accepted", ["sellable", "damaged"])],
)
def test_a_row_with_two_answers_carries_none_and_is_told(name: str, parts: list[str]) -> None:
    assert seen(name).lines[0].disposition is None
    assert [fact.disposition for fact in events(name, PortalInspected)] == parts
    assert all(word in problem(name, "line_partly_accepted").message for word in parts)


def test_a_row_of_which_a_part_is_decided_carries_no_answer_yet() -> None:
    assert seen("half_decided").lines[0].disposition is None
    assert [fact.disposition for fact in events("half_decided", PortalInspected)] == ["sellable"]


def test_a_verdict_is_a_new_fact_and_a_second_look_is_not() -> None:
    before, after = (events(name, ReturnAuthorised)[0].key for name in ("received", "for_review"))
    assert before != after
    assert events("accepted", ReturnProcessed)[0].key == events("accepted", ReturnProcessed)[0].key


# --- money (§5) -----------------------------------------------------------------------------------------------------


def test_before_any_refund_the_sum_says_what_will_be_paid_and_fees_are_apart() -> None:
    tenders = seen("in_progress").tenders
    assert (tenders.refund, tenders.store_credit, tenders.fee_withheld, tenders.shipping_refunded) == (
        5155,
        None,
        395,
        0,
    )


def test_a_bank_transfer_is_confirmed_by_reveni_and_stands_in_its_clearing() -> None:
    (reported,) = events("instant_bank_transfer", RefundReported)
    (moved,) = events("instant_bank_transfer", RefundMoved)
    assert (reported.gateway, moved.gateway, moved.source) == ("reveni_clearing", "reveni_clearing", "reveni")
    assert (moved.amount, moved.currency, moved.status) == (4000, "GBP", RefundState.CONFIRMED)
    assert moved.refund_ref == reported.ref is not None
    assert (moved.order_ref, moved.occurred_at) == ("5600010001", "2026-11-02T09:15:04Z")


def test_a_refund_by_the_shop_is_only_reported_under_the_shops_own_number() -> None:
    (reported,) = events("accepted", RefundReported)
    assert (reported.ref, reported.gateway, reported.amount) == ("900700002", None, 4000)
    assert events("accepted", RefundMoved) == []


def test_store_credit_is_a_liability_with_its_bonus_and_no_money_that_moved() -> None:
    (credit,) = events("store_credit_bonus", StoreCreditIssued)
    assert (credit.issued, credit.bonus, credit.gift_card_id) == (4400, 400, "GC-88001")
    found = seen("store_credit_bonus")
    assert (found.refunds, found.tenders.refund, found.tenders.store_credit) == ((), 0, 4400)


def test_what_was_paid_wins_over_the_sum() -> None:
    assert seen("accepted_issued_by_hand").tenders.refund == 3500
    assert seen("accepted_with_adjustment").tenders.refund == 4000
    assert [fact.amount for fact in events("accepted_with_adjustment", RefundReported)] == [3500, 500]


def test_a_withheld_refund_has_not_moved_and_finance_is_told() -> None:
    found = read("answer_200_return_accepted_refund_withheld")
    assert events("accepted_refund_withheld", RefundReported) == []
    assert (found.problems[0].kind, found.problems[0].owner) == ("refund_withheld_in_portal", Owner.FINANCE)


def test_a_failed_bank_transfer_has_not_moved_and_cx_is_told() -> None:
    (moved,) = events("instant_refund_failed", RefundMoved)
    assert (moved.status, seen("instant_refund_failed").refunds) == (RefundState.FAILED, ())
    assert problem("instant_refund_failed", "refund_failed_in_portal").owner is Owner.CX


def test_a_refund_by_an_unknown_method_counts_and_one_of_unknown_status_does_not() -> None:
    assert [fact.amount for fact in events("refund_unknown_words", RefundReported)] == [3000]
    assert kinds(read("answer_200_return_refund_unknown_words")) == ["unknown_portal_word"] * 2


def test_two_refunds_alike_in_every_word_are_two_facts() -> None:
    nameless = {"amount": "10.00", "currency": "GBP", "method": "original_payment_method", "status": "issued"}
    found = changed("accepted", refunds=[nameless, nameless])
    assert len([fact for fact in found.events if isinstance(fact, RefundReported)]) == 2


def test_fees_and_refunded_shipping_are_kept_apart() -> None:
    tenders = seen("shipping_refunded").tenders
    assert (tenders.refund, tenders.fee_withheld, tenders.shipping_refunded) == (4245, 250, 495)
    assert kinds(read("answer_200_return_shipping_refunded")) == []


def test_money_in_another_currency_is_never_converted() -> None:
    found = seen("two_currencies")
    assert (found.tenders.refund, found.refunds[0].amount, found.refunds[0].currency) == (None, 4680, "EUR")
    assert kinds(read("answer_200_return_two_currencies")) == ["currency_differs"]


def test_figures_that_do_not_add_up_go_to_finance() -> None:
    found = read("answer_200_return_figures_do_not_add_up").problems
    assert [(one.kind, one.owner) for one in found] == [("money_identity_broken", Owner.FINANCE)] * 2
    assert "2.00 GBP less" in found[0].message and "1.00 GBP more" in found[1].message


@pytest.mark.parametrize("name", [name for name in RETURNS if not re.search("add_up|charged_otherwise", name)])
def test_its_own_figures_add_up_in_every_other_fixture(name: str) -> None:
    assert "money_identity_broken" not in kinds(read(name))


@pytest.mark.parametrize("name", RETURNS)
def test_what_is_paid_out_equals_what_was_returned_and_paid_on_top(name: str) -> None:
    found = seen(name.removeprefix("answer_200_return_"))
    summary, tenders = read_json(body(name)).get("summary"), found.tenders
    if summary is None or tenders.upsell_collected is None or found.refunds or "add_up" in name or "unknown" in name:
        return
    value, bonus = (to_minor(summary[part], found.currency) for part in ("products", "bonuses"))
    given = (tenders.refund, tenders.store_credit, tenders.exchange_used, tenders.fee_withheld)
    assert sum(part or 0 for part in given) == value + bonus + (tenders.shipping_refunded or 0)


# --- instant returns: window and cover (§4) -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["instant_bank_transfer", "instant_received", "bank_transfer_without_mode"])
def test_an_undecided_instant_return_names_its_deadline_and_the_money_at_stake(name: str) -> None:
    found = problem(name, "decision_due_in_portal")
    assert found.owner is Owner.OPS
    assert "2026-12-02T09:15:00Z" in found.message and "40.00 GBP is at stake" in found.message


def test_an_instant_exchange_puts_the_new_goods_at_stake() -> None:
    assert "40.00 GBP is at stake" in problem("exchange_even", "decision_due_in_portal").message


def test_an_instant_return_without_a_date_still_names_the_days() -> None:
    message = problem("instant_without_date", "decision_due_in_portal").message
    assert "within 30 days" in message and "An amount Reveni does not say" in message


@pytest.mark.parametrize("name", ["in_progress", "instant_accepted", "instant_rejected", "received"])
def test_no_deadline_runs_for_what_is_decided_or_not_instant(name: str) -> None:
    assert "decision_due_in_portal" not in kinds(read(f"answer_200_return_{name}"))


@pytest.mark.parametrize(("name", "amount"), [("instant_rejected", "40.00"), ("instant_partly_accepted", "20.00")])
def test_what_reveni_bears_is_told_to_finance_and_the_refund_stands(name: str, amount: str) -> None:
    found = problem(name, "refund_borne_by_provider")
    assert (found.owner, found.message.startswith(f"{amount} GBP")) == (Owner.FINANCE, True)
    assert [fact.amount for fact in events(name, RefundMoved)] == [4000]


@pytest.mark.parametrize("name", ["instant_accepted", "rejected"])
def test_reveni_bears_nothing_of_what_was_accepted_or_never_paid(name: str) -> None:
    assert kinds(read(f"answer_200_return_{name}")) == []


def test_the_refund_of_an_instant_return_is_one_fact_from_request_to_verdict() -> None:
    told = [
        events(name, RefundMoved)[0].key for name in ("instant_bank_transfer", "instant_received", "instant_rejected")
    ]
    assert len(set(told)) == 1


# --- exchanges (§5, §6) ---------------------------------------------------------------------------------------------


def test_an_even_exchange_moves_no_money() -> None:
    found = seen("exchange_even")
    assert (found.tenders.refund, found.tenders.exchange_used, found.tenders.upsell_collected) == (0, 4000, 0)
    assert (found.refunds, events("exchange_even", RefundReported)) == ((), [])


def test_a_dearer_exchange_names_the_shoppers_surcharge() -> None:
    tenders = seen("exchange_dearer").tenders
    assert (tenders.refund, tenders.exchange_used, tenders.upsell_collected, tenders.fee_withheld) == (
        0,
        3900,
        1300,
        100,
    )


def test_a_cheaper_exchange_pays_the_rest() -> None:
    tenders = seen("exchange_cheaper").tenders
    assert (tenders.refund, tenders.exchange_used, tenders.upsell_collected) == (1000, 3000, 0)


def test_every_new_unit_is_an_exchange_line_of_the_exchange_order() -> None:
    lines = seen("exchange_dearer").exchange_lines
    assert [(line.exchange_id, line.sku, line.total) for line in lines] == [
        ("it-1-1", "TEE-BLK-L", 2600),
        ("it-1-2", "TEE-BLK-L", 2600),
    ]
    assert {(line.order_ref, line.order_name) for line in lines} == {("5600010077", "EX1077")}


def test_every_row_decides_for_itself_whether_it_is_an_exchange() -> None:
    found = seen("mixed")
    assert [line.line_outcome for line in found.lines] == ["exchange", "refund"]
    assert [line.exchange_id for line in found.exchange_lines] == ["it-1"]
    assert kinds(read("answer_200_return_mixed")) == []


def test_a_surcharge_that_was_charged_otherwise_goes_to_finance() -> None:
    assert "3.00 GBP less" in problem("exchange_charged_otherwise", "money_identity_broken").message


# --- answers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "result", "retryable", "then", "kind"),
    [
        ("answer_400_fields", "rejected", False, "park", "field_rejected"),
        ("answer_401_key", "rejected", False, "park", "credentials_rejected"),
        ("answer_403_other_store", "rejected", False, "park", "permission_missing"),
        ("answer_404_return", "not_found", False, "park", "return_not_found_in_portal"),
        ("answer_409_verdict_refused", "rejected", False, "park", "portal_refused"),
        ("answer_422_verdict_refused", "rejected", False, "park", "portal_refused"),
        ("answer_429_slow_down", "retry", True, "resend", None),
        ("answer_500_page_of_html", "retry", True, "read_back", None),
        ("answer_503_empty", "retry", True, "read_back", None),
        ("answer_200_verdict_taken", "ok", False, None, None),
        ("answer_201_webhook", "created", False, None, None),
        ("answer_204_deleted", "ok", False, None, None),
    ],
)
def test_every_answer_says_what_follows(name: str, result: str, retryable: bool, then: str | None, kind: Any) -> None:
    found = read(name)
    assert found.kind is Kind.ANSWER and found.answer is not None
    assert (found.answer.result, found.answer.retryable, found.answer.then) == (result, retryable, then)
    assert kinds(found) == ([kind] if kind else [])


def test_both_shapes_of_an_error_give_its_words_and_its_code() -> None:
    of_code, of_detail = (read(name).answer for name in ("answer_409_verdict_refused", "answer_422_verdict_refused"))
    assert of_code is not None and of_detail is not None
    assert (of_code.primary_code, of_detail.primary_code) == ("already_validated", None)
    assert of_detail.message == "Reveni refused: quantity exceeds what was requested."


def test_a_throttled_call_waits_as_long_as_reveni_says() -> None:
    name = "answer_429_slow_down"
    found = SPEC.translate(Delivery(body=body(name), status=429, headers={"retry-after": "17"})).answer
    assert found is not None and found.after_s == 17.0


def test_no_page_of_html_reaches_a_message() -> None:
    answer = read("answer_500_page_of_html").answer
    assert answer is not None and "<" not in answer.message


def test_half_an_answer_with_200_is_unreadable_and_with_500_a_retry() -> None:
    half = body("answer_200_return_accepted")[:200]
    assert SPEC.translate(Delivery(body=half, status=200)).kind is Kind.UNREADABLE
    assert SPEC.translate(Delivery(body=half, status=503)).kind is Kind.ANSWER


# --- anything -------------------------------------------------------------------------------------------------------

_WORDS = st.sampled_from(
    ["event", "return.updated", "data", "resource_id", "status", "id", "return_items", "GBP", "12.50"]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4) | _WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_WORDS | st.text(max_size=4), inner, max_size=6),
    max_leaves=20,
)


@settings(max_examples=60)
@given(_JSON, st.sampled_from([None, 200, 422, 500]))
def test_no_json_makes_translation_raise(value: object, code: int | None) -> None:
    found = SPEC.translate(Delivery(body=msgspec.json.encode(value), status=code))
    assert msgspec.json.encode(found)


@settings(max_examples=100)
@given(st.sampled_from(["exchange_dearer", "instant_partly_accepted", "store_credit_bonus"]), st.data())
def test_no_single_wrong_field_makes_translation_raise(name: str, data: st.DataObject) -> None:
    whole = msgspec.json.decode(body(f"answer_200_return_{name}"))
    inside = data.draw(st.sampled_from(["return_items", "refunds", "summary", "order", "delivery", None]))
    target = whole if inside is None else whole[inside]
    if isinstance(target, list):
        target = target[0] if target else whole
    target[data.draw(st.sampled_from(sorted(target)))] = data.draw(_JSON)
    found = SPEC.translate(Delivery(body=msgspec.json.encode(whole), status=200))
    assert msgspec.json.encode(found)


@settings(max_examples=60)
@given(st.binary(max_size=60))
def test_no_bytes_make_translation_raise(raw: bytes) -> None:
    assert SPEC.translate(Delivery(body=raw)).vendor == "reveni"


@pytest.mark.parametrize(
    "raw",
    [
        rb'{"event":"return.updated","id":"\ud800","data":{"resource_id":"1"}}',
        b"\xef\xbb\xbf",
        b"[" * 100_000,
        b'{"id":"1","status":"RECEIVED","return_items":[],"currency":"GBP","summary":{"total":1e999999999}}',
        b'{"id":"1","status":"RECEIVED","return_items":[],"created_at":99999999999999999999}',
        b'{"id":"1","status":"RECEIVED","instant":true,"return_items":[],"created_at":"9999-12-31T23:00:00Z"}',
        b'{"id":"1","status":"RECEIVED","return_items":[{"id":"a","quantity":1e15}]}',
        b'{"id":"1","status":"RECEIVED","return_items":[{"id":"a","quantity":1,"exchange":{"quantity":99999999}}]}',
    ],
)
def test_hostile_bodies_give_a_value_that_can_be_stored(raw: bytes) -> None:
    assert msgspec.json.encode(SPEC.translate(Delivery(body=raw)))


def test_an_account_reads_its_returns_by_its_own_names_and_words() -> None:
    own = ReveniMapping(fields={"order_ref": ("purchase.ref",)}, statuses={"at_the_door": Move.PROCESSED})
    config = ReveniConfig(api_key="k", store_id="0" * 32, mapping=own)
    value = {**msgspec.json.decode(body("answer_200_return_in_progress")), "purchase": {"ref": "P7"}}
    delivery = Delivery(body=msgspec.json.encode({**value, "status": "AT_THE_DOOR"}), status=200)
    told, plain = SPEC.reader(config)(delivery).portal_return, SPEC.translate(delivery).portal_return
    assert told is not None and plain is not None
    assert (told.order_ref, told.stage) == ("P7", Stage.PROCESSED)
    assert (plain.order_ref == "P7", plain.stage) == (False, Stage.REQUESTED)
