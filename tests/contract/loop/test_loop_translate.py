"""Loop's payloads in our words, fixture by fixture (Loop sheet §4 to §8)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.core.events import (
    LabelMoved,
    PortalInspected,
    ProcessingFailed,
    RefundReported,
    RestockSignalled,
    ReturnAuthorised,
    ReturnCancelled,
    ReturnExpired,
    ReturnProcessed,
    ReturnRequested,
    StoreCreditIssued,
)
from counterfoil.core.problems import Owner
from counterfoil.core.returns import Disposition, LabelStatus, PortalReturn, Stage
from counterfoil.portals import loop
from counterfoil.portals.loop import SPEC
from counterfoil.ports.translation import Kind, Translation
from counterfoil.ports.vendors import Delivery

FIXTURES = Path(loop.__file__).parent / "fixtures"
NAMES = sorted(path.stem for path in FIXTURES.glob("*.json"))


def body(name: str) -> bytes:
    return (FIXTURES / f"{name}.json").read_bytes()


def status(name: str) -> int | None:
    found = re.match(r"answer_(\d{3})_", name)
    return int(found[1]) if found else None


def read(name: str) -> Translation:
    return SPEC.translate(Delivery(body=body(name), status=status(name)))


def seen(name: str) -> PortalReturn:
    found = read(name).portal_return
    assert found is not None
    return found


def changed(name: str, **fields: Any) -> Translation:
    whole = {**msgspec.json.decode(body(name)), **fields}
    return SPEC.translate(Delivery(body=msgspec.json.encode(whole)))


def keys(found: Translation) -> set[str]:
    return {event.key for event in found.events}


def kinds(found: Translation) -> list[str]:
    return [problem.kind for problem in found.problems]


# --- every fixture --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("unreadable")])
def test_only_what_is_named_unreadable_is_unreadable(name: str) -> None:
    assert read(name).kind is not Kind.UNREADABLE


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("unreadable")])
def test_what_cannot_be_read_is_a_finding_without_facts(name: str) -> None:
    found = read(name)
    assert (found.kind, kinds(found), found.events) == (Kind.UNREADABLE, ["unreadable_delivery"], ())


# --- one return in several views ------------------------------------------------------------------------------------


@pytest.mark.parametrize("other", ["return_created_old_typing", "list_page_bare_array", "answer_200_details_open"])
def test_an_open_return_has_the_same_facts_in_every_view(other: str) -> None:
    assert keys(read("return_created")) == keys(read(other))


@pytest.mark.parametrize("other", ["return_updated_when_closed_numeric_refund", "answer_200_details_closed"])
def test_a_closed_return_has_the_same_facts_in_every_view(other: str) -> None:
    assert keys(read("return_closed")) == keys(read(other))


def test_the_list_row_of_a_closed_return_adds_only_the_inspection() -> None:
    row = {key for key in keys(read("list_page_with_cursor")) if "/37600001/" in key and "/inspected/" not in key}
    assert row == {key for key in keys(read("return_closed")) if "/refund/" not in key}


def test_the_views_agree_on_every_figure() -> None:
    created, details = seen("return_created"), seen("answer_200_details_open")
    assert created.lines == details.lines
    assert created.tenders == details.tenders
    assert (created.return_id, created.order_ref, created.created_at) == ("37600001", "4500000001", details.created_at)


def test_an_edit_of_the_lines_is_a_new_authorisation() -> None:
    before, after = read("return_created").events[0], read("return_updated_lines_edited").events[0]
    assert isinstance(before, ReturnAuthorised)
    assert isinstance(after, ReturnAuthorised)
    assert before.key != after.key
    assert after.occurred_at == "2026-03-03T12:00:00Z"


def test_the_order_of_the_lines_is_no_edit() -> None:
    lines = msgspec.json.decode(body("return_created"))["line_items"]
    assert keys(changed("return_created", line_items=lines[::-1])) == keys(read("return_created"))


def test_eighteen_digit_ids_keep_every_digit() -> None:
    found = seen("return_created_18_digit_ids")
    assert (found.return_id, found.lines[0].line_id) == ("220000000000000019", "200000000000000001")


# --- states, labels, inspection -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "stage", "fact"),
    [
        ("return_created", Stage.AUTHORISED, ReturnAuthorised),
        ("return_updated_in_review", Stage.REQUESTED, ReturnRequested),
        ("return_closed", Stage.PROCESSED, ReturnProcessed),
        ("return_cancelled", Stage.CANCELLED, ReturnCancelled),
        ("return_expired", Stage.EXPIRED, ReturnExpired),
    ],
)
def test_every_state_is_a_stage_and_a_fact(name: str, stage: Stage, fact: type) -> None:
    assert seen(name).stage is stage
    assert isinstance(read(name).events[0], fact)


def test_an_unknown_state_is_shown_and_does_not_move_the_return() -> None:
    found = read("return_created_unknown_state")
    assert seen("return_created_unknown_state").state == "awaiting_drop_off"
    assert kinds(found) == ["unknown_portal_word"]
    assert {type(event) for event in found.events} == {LabelMoved}


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("new", LabelStatus.PENDING),
        ("pre_transit", LabelStatus.PENDING),
        ("pending", LabelStatus.PENDING),
        ("in_transit", LabelStatus.IN_TRANSIT),
        ("out_for_delivery", LabelStatus.IN_TRANSIT),
        ("delivered", LabelStatus.DELIVERED),
        ("error", LabelStatus.ERROR),
        ("failure", LabelStatus.ERROR),
        ("expired", LabelStatus.EXPIRED),
        ("N/A", None),
    ],
)
def test_every_label_status_has_our_word(word: str, status: LabelStatus | None) -> None:
    found = changed("label_updated", label_status=word)
    assert [event.label_status for event in found.events if isinstance(event, LabelMoved)] == [status]
    assert not found.problems


def test_a_label_topic_names_the_return_and_the_parcel() -> None:
    (moved,) = read("label_updated").events
    assert isinstance(moved, LabelMoved)
    assert (moved.return_id, moved.tracking, moved.carrier) == ("37600001", "EX37600001GB", "Example Post")
    assert moved.occurred_at == "2026-03-03T07:00:00Z"


def test_the_label_topic_and_the_return_under_a_label_trigger_tell_the_same_fact() -> None:
    assert keys(read("label_updated")) == keys(read("label_updated_old_typing"))
    assert keys(read("label_updated")) < keys(read("return_under_label_trigger"))


def test_an_older_word_in_the_list_of_labels_does_not_contradict_the_label_of_record() -> None:
    found = [event for event in read("return_under_label_trigger").events if isinstance(event, LabelMoved)]
    assert [event.label_status for event in found] == [LabelStatus.IN_TRANSIT]


def test_without_a_label_of_record_the_latest_label_counts() -> None:
    labels = [
        {"status": "delivered", "updated_at": "2026-03-05 08:00:00", "carrier": "Example Post", "tracking_number": "B"},
        {"status": "new", "updated_at": "2026-03-04T08:00:00Z", "carrier": "Example Post", "tracking_number": "A"},
    ]
    found = changed("return_created_amounts_null_no_label", labels=labels)
    assert found.portal_return is not None
    assert (found.portal_return.label_status, found.portal_return.tracking) == (LabelStatus.DELIVERED, "B")
    assert sum(isinstance(event, LabelMoved) for event in found.events) == 2


def test_a_label_that_says_nothing_is_ignored_with_a_reason() -> None:
    found = read("label_says_nothing")
    assert (found.kind, found.events) == (Kind.LABEL, ())
    assert found.ignored_because


def test_an_inspection_at_loop_is_a_fact_of_its_line() -> None:
    found = [event for event in read("list_page_with_cursor").events if isinstance(event, PortalInspected)]
    assert [(event.line_id, event.disposition, event.grade) for event in found] == [
        ("9100001", Disposition.SELLABLE, "grade_a"),
        ("9100002", Disposition.QUARANTINE, "grade_d"),
    ]


@pytest.mark.parametrize(
    ("outcome", "disposition"),
    [
        ("back_to_stock", Disposition.SELLABLE),
        ("resale_hold", Disposition.QUARANTINE),
        ("recycle", Disposition.DISPOSE),
        ("donate", Disposition.DONATE),
        ("missing", Disposition.MISSING),
    ],
)
def test_every_disposition_outcome_has_our_word(outcome: str, disposition: Disposition) -> None:
    line = msgspec.json.decode(body("return_created"))["line_items"][0]
    found = changed("return_created", line_items=[{**line, "disposition": {"disposition_outcome": outcome}}])
    assert found.portal_return is not None
    assert found.portal_return.lines[0].disposition is disposition


def test_an_unknown_disposition_stays_unknown_and_is_a_finding() -> None:
    line = msgspec.json.decode(body("return_created"))["line_items"][0]
    found = changed("return_created", line_items=[{**line, "disposition": {"disposition_outcome": "auction"}}])
    assert found.portal_return is not None
    assert found.portal_return.lines[0].disposition is None
    assert "unknown_portal_word" in kinds(found)


def test_an_empty_php_array_where_an_object_is_due_reads_as_nothing() -> None:
    line = msgspec.json.decode(body("return_created"))["line_items"][0]
    found = changed("return_created", address=[], line_items=[{**line, "condition": [], "disposition": []}])
    assert found.portal_return is not None
    assert (found.portal_return.country, found.portal_return.lines[0].grade) == (None, None)


# --- money ----------------------------------------------------------------------------------------------------------


def test_the_lines_value_is_not_its_cash_share() -> None:
    lines = seen("return_closed_exchange_and_refund").lines
    assert [(line.line_value, line.cash_refund, line.gross, line.tax) for line in lines] == [
        (7200, 2700, 6000, 1200)
    ] * 2


def test_two_units_of_one_sku_stay_two_lines() -> None:
    assert [(line.line_id, line.sku, line.qty) for line in seen("return_created").lines] == [
        ("9100001", "TEE-BLK-M", 1),
        ("9100002", "TEE-BLK-M", 1),
    ]


def test_the_tenders_are_kept_apart() -> None:
    upsell = seen("return_open_exchange_upsell_instant").tenders
    assert (upsell.exchange_used, upsell.upsell_collected, upsell.refund) == (4800, 1200, 0)
    credit = seen("return_closed_exchange_out_of_stock").tenders
    assert (credit.store_credit, credit.exchange_used) == (4800, 0)
    assert seen("return_created").tenders.fee_withheld == 400


def test_without_the_credit_figure_the_upsell_is_not_part_of_what_the_exchange_used() -> None:
    found = changed("return_open_exchange_upsell_instant", exchange_credit_total=None)
    assert found.portal_return is not None
    assert found.portal_return.tenders.exchange_used == 4800


def test_refunded_shipping_is_its_net_and_its_tax() -> None:
    page = read("list_page_with_cursor").returns
    assert [found.tenders.shipping_refunded for found in page] == [0, 495]


def test_what_loop_does_not_say_is_unknown_and_never_zero() -> None:
    found = seen("return_created_amounts_null_no_label")
    assert (found.tenders.refund, found.tenders.store_credit, found.lines[0].cash_refund) == (None, None, None)
    assert (found.label_status, found.tracking, found.carrier) == (None, None, None)
    assert not read("return_created_amounts_null_no_label").problems


def test_a_line_without_tax_has_no_known_value() -> None:
    line = msgspec.json.decode(body("return_created"))["line_items"][0]
    found = changed("return_created", line_items=[{**line, "tax": None}])
    assert found.portal_return is not None
    assert found.portal_return.lines[0].line_value is None


def test_yen_have_no_minor_digits() -> None:
    assert seen("return_created_yen").lines[0].line_value == 5500


def test_amounts_without_a_currency_stay_unknown_and_are_a_finding() -> None:
    found = read("return_created_without_currency")
    assert seen("return_created_without_currency").tenders.refund is None
    assert kinds(found) == ["currency_missing"]


def test_one_refund_on_two_gateways_is_two_facts() -> None:
    moved = [event for event in read("return_closed_mixed_gateways").events if isinstance(event, RefundReported)]
    assert [(event.ref, event.gateway, event.amount) for event in moved] == [
        ("880000000003", "shopify_payments", 9000),
        ("880000000003", "shopify_store_credit", 3000),
    ]


def test_two_equal_refunds_are_two_facts() -> None:
    entry = {"gateway": "cash", "amount": "1.00", "currency": "GBP", "provider_refund_id": None}
    found = changed("return_closed", refunds=[entry, entry])
    assert sum(isinstance(event, RefundReported) for event in found.events) == 2


def test_a_refund_may_be_in_another_currency_than_the_return() -> None:
    entry = {"gateway": "x", "amount": "1000", "currency": "JPY", "provider_refund_id": 5}
    found = changed("return_closed", refunds=[entry])
    assert found.portal_return is not None
    assert (found.portal_return.refunds[0].amount, found.portal_return.refunds[0].currency) == (1000, "JPY")


@pytest.mark.parametrize("amount", ["12,50", "1e2", "NaN", "12.345", {}, True, "£5"])
def test_an_amount_that_cannot_be_read_sets_the_return_aside(amount: object) -> None:
    found = changed("return_created", refund=amount)
    assert (found.kind, found.events, kinds(found)) == (Kind.UNREADABLE, (), ["unreadable_delivery"])
    assert found.problems[0].subject == "37600001"
    assert (found.topic, found.trigger) == ("return", "return.created")


def test_figures_that_do_not_add_up_go_to_finance_and_the_return_is_still_read() -> None:
    found = read("return_created_figures_do_not_add_up")
    assert [(problem.kind, problem.owner) for problem in found.problems] == [("money_identity_broken", Owner.FINANCE)]
    assert "1.00 GBP more" in found.problems[0].message
    assert isinstance(found.events[0], ReturnAuthorised)


@pytest.mark.parametrize(
    "fields", [{"refund": "49.99"}, {"return_total": "54.01"}, {"upsell": "1.00"}, {"exchange_total": "0.01"}]
)
def test_each_figure_of_the_identities_is_watched(fields: dict[str, str]) -> None:
    assert "money_identity_broken" in kinds(changed("return_created", **fields))


def test_refunded_shipping_that_a_webhook_cannot_name_is_no_mismatch() -> None:
    assert not read("return_closed_shipping_refunded").problems


def test_refunded_shipping_that_is_named_must_fit() -> None:
    found = changed("return_closed_shipping_refunded", refund_shipping_total="4.00", refund_shipping_tax_total="0.83")
    assert kinds(found) == ["money_identity_broken", "money_identity_broken"]


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("return_") and "do_not_add" not in name])
def test_our_own_fixtures_add_up(name: str) -> None:
    assert "money_identity_broken" not in kinds(read(name))


# --- exchanges ------------------------------------------------------------------------------------------------------


def test_the_exchange_order_is_found_on_the_line_and_at_the_top() -> None:
    (line,) = seen("return_closed_exchange_and_refund").exchange_lines
    (whole,) = seen("answer_200_details_exchange_at_top_level").exchange_lines
    assert (line.sku, line.total, line.order_ref, line.order_name) == ("TEE-BLK-L", 9000, "4500000777", "EXC-1001")
    assert (whole.total, whole.order_ref, whole.order_name) == (9000, "4500000777", "EXC-1001")


def test_an_item_out_of_stock_says_so_and_has_no_order() -> None:
    (line,) = seen("return_closed_exchange_out_of_stock").exchange_lines
    assert (line.out_of_stock, line.order_ref) == (True, None)


def test_another_choice_of_new_goods_is_a_new_fact_and_the_same_choice_is_not() -> None:
    name = "return_open_exchange_upsell_instant"
    first = msgspec.json.decode(body(name))
    swapped = [{**line, "sku": "OTHER-1"} for line in first["exchanges"]]
    ordered = [{**line, "exchange_order_id": "4500000999"} for line in first["exchanges"]]
    assert keys(changed(name, exchanges=first["exchanges"])) == keys(read(name))
    assert keys(changed(name, exchanges=swapped)) != keys(read(name)) != keys(changed(name, exchanges=ordered))


def test_an_exchange_order_can_exist_before_the_goods_move() -> None:
    found = seen("return_open_exchange_upsell_instant")
    assert (found.stage, found.label_status) == (Stage.AUTHORISED, LabelStatus.PENDING)
    assert found.exchange_lines[0].order_ref == "4500000778"


# --- the other topics -----------------------------------------------------------------------------------------------


def test_a_restock_wish_is_a_fact_with_the_same_key_in_both_typings() -> None:
    (fact,) = read("restock_requested").events
    assert isinstance(fact, RestockSignalled)
    assert (fact.return_id, fact.quantity) == ("37600001", 2)
    assert keys(read("restock_requested")) == keys(read("restock_requested_old_typing"))


def test_a_gift_card_keeps_its_bonus_apart() -> None:
    found = read("giftcard_requested_with_bonus")
    (fact,) = found.events
    assert isinstance(fact, StoreCreditIssued)
    assert found.gift_card is not None
    assert (found.gift_card.issued, found.gift_card.subtotal, found.gift_card.tax) == (5300, 4000, 800)
    assert (fact.issued, fact.bonus, fact.order_ref, fact.return_id) == (5300, 500, "4500000001", "37600007")


def test_a_gift_card_without_an_id_is_still_a_fact() -> None:
    found = read("giftcard_requested_without_id")
    assert found.gift_card is not None
    assert found.gift_card.gift_card_id is None
    assert keys(found) == {"loop/giftcard/37600007/4800GBP"}


def test_a_failed_processing_alerts_a_person() -> None:
    found = read("return_processing_failed")
    (fact,) = found.events
    assert isinstance(fact, ProcessingFailed)
    assert (fact.return_id, fact.reason) == ("37600001", "The refund was declined.")
    assert kinds(found) == ["processing_failed"]


def test_a_failed_processing_without_a_return_still_alerts_a_person() -> None:
    found = read("return_processing_failed_without_return")
    assert (found.events, kinds(found)) == ((), ["processing_failed"])


@pytest.mark.parametrize(
    "name", ["happy_returns_shipment_processed", "label_request_issued", "empty_body", "empty_object"]
)
def test_what_we_do_not_act_on_is_ignored_with_a_reason(name: str) -> None:
    found = read(name)
    assert (found.kind, found.events, found.problems) == (Kind.OTHER, (), ())
    assert found.ignored_because


def test_an_unknown_topic_is_a_finding_for_integration() -> None:
    found = read("unknown_topic")
    assert (found.kind, found.topic) == (Kind.OTHER, "return.appeased")
    assert [(problem.kind, problem.owner) for problem in found.problems] == [("unknown_topic", Owner.INTEGRATION)]


def test_topic_and_trigger_are_passed_on() -> None:
    found = read("return_under_label_trigger")
    assert (found.kind, found.topic, found.trigger) == (Kind.RETURN, "return", "label.updated")


def test_unknown_fields_pass() -> None:
    found = changed("return_created", weather={"sunny": [1, 2]}, currency_note="x")
    assert keys(found) == keys(read("return_created"))


# --- the list -------------------------------------------------------------------------------------------------------


def test_a_page_gives_every_return() -> None:
    found = read("list_page_with_cursor")
    assert (found.kind, [one.return_id for one in found.returns]) == (Kind.LIST_PAGE, ["37600001", "37600009"])


def test_a_row_that_cannot_be_read_does_not_hide_its_neighbours() -> None:
    good = msgspec.json.decode(body("return_created"))
    rows = [{**good, "refund": "rubbish", "id": "5"}, 7, good]
    found = SPEC.translate(Delivery(body=msgspec.json.encode(rows)))
    assert [one.return_id for one in found.returns] == ["37600001"]
    assert [(problem.kind, problem.subject) for problem in found.problems] == [
        ("unreadable_delivery", "5"),
        ("unreadable_delivery", ""),
    ]


# --- answers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "result", "retryable", "then", "code", "problem"),
    [
        ("answer_200_process_true", "accepted", False, "read_back", None, None),
        ("answer_200_process_true_as_text", "accepted", False, "read_back", None, None),
        ("answer_200_process_refused", "rejected", False, "park", "UNPROCESSABLE_RETURN", "portal_refused"),
        (
            "answer_200_process_refused_flagged",
            "rejected",
            False,
            "park",
            "UNPROCESSABLE_FLAGGED_RETURN",
            "return_flagged_in_portal",
        ),
        ("answer_200_cancel_refused_by_message", "rejected", False, "park", None, "portal_refused"),
        ("answer_200_details_not_found", "not_found", False, "park", None, "return_not_found_in_portal"),
        ("answer_202_acknowledged", "accepted", False, "read_back", None, None),
        ("answer_204_empty", "ok", False, None, None, None),
        ("answer_401_gateway", "rejected", False, "park", "GEN-UNAUTHORIZED", "permission_missing"),
        ("answer_401_returns_api", "rejected", False, "park", None, "permission_missing"),
        ("answer_403_remove_refused", "rejected", False, "park", None, "portal_refused"),
        ("answer_404_not_found", "not_found", False, "park", "NOT_FOUND", "return_not_found_in_portal"),
        ("answer_422_range_too_long", "rejected", False, "park", None, "field_rejected"),
        ("answer_422_no_notes", "not_found", False, None, None, None),
        ("answer_429_slow_down", "retry", True, "resend", None, None),
        ("answer_500_page_of_html", "retry", True, "read_back", None, None),
        ("answer_200_notes", "ok", False, None, None, None),
        ("answer_200_notes_bare", "ok", False, None, None, None),
        ("answer_200_graded", "ok", False, None, None, None),
        ("answer_200_destinations", "ok", False, None, None, None),
        ("answer_200_asn_rows", "ok", False, None, None, None),
        ("answer_201_webhook_created", "created", False, None, None, None),
    ],
)
def test_every_answer_says_what_to_do_next(
    name: str, result: str, retryable: bool, then: str | None, code: str | None, problem: str | None
) -> None:
    found = read(name)
    assert found.kind is Kind.ANSWER
    assert found.answer is not None
    assert (found.answer.result, found.answer.retryable, found.answer.then) == (result, retryable, then)
    assert found.answer.primary_code == code
    assert kinds(found) == ([problem] if problem else [])
    assert "<" not in found.answer.message


def test_a_throttled_answer_says_for_how_long() -> None:
    headers = {"retry-after": "17"}
    found = SPEC.translate(Delivery(body=b"{}", status=429, headers=headers)).answer
    assert found is not None
    assert found.after_s == 17


def test_an_answer_of_nothing_is_incomplete() -> None:
    found = SPEC.translate(Delivery(body=b"", status=200)).answer
    assert found is not None
    assert (found.result, found.then) == ("incomplete", "read_back")


def test_a_sleeping_webhook_is_a_finding() -> None:
    assert [(one.kind, one.subject) for one in read("answer_200_webhooks").problems] == [
        ("portal_webhook_inactive", "return.closed")
    ]


def test_half_an_answer_with_200_is_unreadable_and_with_500_a_retry() -> None:
    half = body("return_created")[:200]
    assert SPEC.translate(Delivery(body=half, status=200)).kind is Kind.UNREADABLE
    assert SPEC.translate(Delivery(body=half, status=503)).kind is Kind.ANSWER


# --- anything -------------------------------------------------------------------------------------------------------

_WORDS = st.sampled_from(["return", "id", "state", "open", "topic", "refund", "12.50", "currency", "GBP", "line_items"])
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


@settings(max_examples=60)
@given(
    st.sampled_from(["return_closed", "label_updated", "giftcard_requested_with_bonus", "restock_requested"]), st.data()
)
def test_no_single_wrong_field_makes_translation_raise(name: str, data: st.DataObject) -> None:
    whole = msgspec.json.decode(body(name))
    field = data.draw(st.sampled_from(sorted(whole)))
    whole[field] = data.draw(_JSON)
    found = SPEC.translate(Delivery(body=msgspec.json.encode(whole)))
    assert msgspec.json.encode(found)


@settings(max_examples=60)
@given(st.binary(max_size=60))
def test_no_bytes_make_translation_raise(raw: bytes) -> None:
    assert SPEC.translate(Delivery(body=raw)).vendor == "loop"


@pytest.mark.parametrize(
    "raw",
    [
        rb'{"topic":"return","id":"\ud800","state":"open"}',
        b"\xef\xbb\xbf",
        b"[" * 100_000,
        b'{"id":1e999999999,"state":"open"}',
        b'{"topic":"return","id":"1","state":"open","currency":"GBP","refund":1e-999999999999}',
        b'{"topic":"return","id":"1","state":"open","created_at":"0001-01-01T00:00:00+05:00"}',
    ],
)
def test_hostile_bodies_give_a_value_that_can_be_stored(raw: bytes) -> None:
    assert msgspec.json.encode(SPEC.translate(Delivery(body=raw)))
