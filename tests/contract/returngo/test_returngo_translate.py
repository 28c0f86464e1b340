"""ReturnGO's payloads in our words, fixture by fixture (ReturnGO sheet §3 to §7)."""

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
    ReturnAuthorised,
    ReturnCancelled,
    ReturnFact,
    ReturnProcessed,
    ReturnRequested,
    StoreCreditIssued,
)
from counterfoil.core.problems import Owner
from counterfoil.core.returns import Disposition, LabelStatus, PortalReturn, Stage, Tenders
from counterfoil.portals import returngo
from counterfoil.portals.returngo import SPEC
from counterfoil.portals.returngo.config import Book, FeeReading, ReturnGOConfig, ReturnGOMapping
from counterfoil.portals.returngo.translate import translate_with
from counterfoil.ports.capabilities import Cap
from counterfoil.ports.translation import Kind, Signature, Translation
from counterfoil.ports.vendors import Delivery

FIXTURES = Path(returngo.__file__).parent / "fixtures"
NAMES = sorted(path.stem for path in FIXTURES.glob("*.json"))
RMAS = [name for name in NAMES if name.startswith("rma_")]


def body(name: str) -> bytes:
    return (FIXTURES / f"{name}.json").read_bytes()


def read(name: str, **mapping: Any) -> Translation:
    found = re.match(r"answer_(\d{3})_", name)
    delivery = Delivery(body=body(name), status=int(found[1]) if found else None)
    return translate_with(delivery, ReturnGOMapping(**mapping)) if mapping else SPEC.translate(delivery)


def seen(name: str, **mapping: Any) -> PortalReturn:
    found = read(name, **mapping).portal_return
    assert found is not None
    return found


def changed(name: str, **fields: Any) -> Translation:
    whole = {**msgspec.json.decode(body(name)), **fields}
    return SPEC.translate(Delivery(body=msgspec.json.encode(whole)))


def of(name: str, kind: type, **mapping: Any) -> list[Any]:
    return [event for event in read(name, **mapping).events if isinstance(event, kind)]


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


@pytest.mark.parametrize("name", RMAS)
def test_facts_have_one_line_for_each_unit_and_the_printed_return_has_as_many_units(name: str) -> None:
    shown = seen(name)
    items = msgspec.json.decode(body(name))["items"]
    assert sum(line.qty for line in shown.lines) == len(items)
    for fact in of(name, ReturnFact):
        assert [line.line_id for line in fact.portal_return.lines] == [str(item["returnedItemId"]) for item in items]


# --- both typings ---------------------------------------------------------------------------------------------------


def test_both_typings_of_a_return_say_the_same() -> None:
    assert seen("rma_approved") == seen("rma_approved_other_typing")
    assert keys(read("rma_approved")) == keys(read("rma_approved_other_typing"))


def test_the_prefix_people_read_is_no_part_of_the_id() -> None:
    assert seen("rma_prefixed_id").return_id == "1000001"


def test_an_approved_return_is_authorised_with_its_order_and_money() -> None:
    shown = seen("rma_approved")
    (fact,) = of("rma_approved", ReturnAuthorised)
    assert (shown.return_id, shown.state, shown.stage) == ("1000001", "approved", Stage.AUTHORISED)
    assert (shown.order_ref, shown.order_name, shown.currency) == ("6500001", "#EX2001", "GBP")
    assert fact.occurred_at == "2026-03-01T09:00:00Z"
    tee = shown.lines[0]
    assert (tee.line_id, tee.order_line_ref, tee.sku, tee.qty) == ("880001", "7500001", "TEE-BLK-M", 1)
    assert (tee.gross, tee.discount, tee.tax, tee.line_value) == (None, None, 417, 2500)
    assert (tee.reason, tee.line_outcome, tee.disposition) == ("Does not fit", "refund", None)


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("rma_pending", ReturnRequested),
        ("rma_received_updated_long_ago", ReturnAuthorised),
        ("rma_validated", ReturnAuthorised),
        ("rma_done_refund_for_each_item", ReturnProcessed),
        ("rma_rejected", ReturnCancelled),
        ("rma_canceled", ReturnCancelled),
    ],
)
def test_each_status_is_one_fact_about_the_stage(name: str, fact: type) -> None:
    assert [type(event) for event in of(name, ReturnFact)] == [fact]


def test_an_unknown_status_is_reported_and_moves_nothing() -> None:
    assert of("rma_unknown_status", ReturnFact) == []
    assert kinds(read("rma_unknown_status")) == ["unknown_portal_word"]


def test_a_reopened_return_is_for_a_person() -> None:
    (problem,) = read("rma_reopened").problems
    assert (problem.kind, problem.owner) == ("return_reopened", Owner.CX)


def test_a_return_that_is_only_pending_was_not_reopened() -> None:
    assert read("rma_pending").problems == ()


def test_a_second_approval_is_a_new_fact() -> None:
    assert changed("rma_approved", items=[]).events[0].key != read("rma_approved").events[0].key
    again, first = of("rma_approved_again", ReturnAuthorised), of("rma_shipped", ReturnAuthorised)
    assert again[0].key != first[0].key


def test_times_are_in_no_key() -> None:
    later = changed("rma_approved", lastUpdated="2027-01-01T00:00:00+00:00", createdAt="2027-01-01T00:00:00+00:00")
    assert keys(later) == keys(read("rma_approved"))


def test_times_that_cannot_be_read_are_left_unknown() -> None:
    found = changed("rma_approved", lastUpdated="yesterday")
    assert found.portal_return is not None and found.portal_return.edited_at is None


# --- units and inspection -------------------------------------------------------------------------------------------


def test_units_that_are_alike_are_one_line_that_names_each_of_them() -> None:
    lines = seen("rma_three_units_of_one_line").lines
    assert [(line.line_id, line.qty, line.line_value, line.tax) for line in lines] == [
        ("880001,880002", 2, 5000, 834),
        ("880003", 1, 2500, 417),
    ]


def test_units_with_different_dispositions_are_different_lines() -> None:
    dispositions = {line.line_id: line.disposition for line in seen("rma_validated").lines}
    assert dispositions == {
        "880001": Disposition.SELLABLE,
        "880002": Disposition.MISSING,
        "880003": Disposition.DAMAGED,
        "880004": Disposition.QUARANTINE,
        "880005": Disposition.DAMAGED,
    }


def test_before_any_validation_false_means_nothing() -> None:
    lines = seen("rma_received_before_any_validation").lines
    assert [line.disposition for line in lines] == [None]
    assert of("rma_received_before_any_validation", PortalInspected) == []


def test_every_inspected_unit_is_a_fact_of_its_own() -> None:
    facts = of("rma_validated", PortalInspected)
    assert [(fact.line_id, fact.disposition) for fact in facts][:2] == [("880001", "sellable"), ("880002", "missing")]
    assert {fact.occurred_at for fact in facts} == {"2026-03-06T09:30:00Z"}


def test_a_condition_without_a_word_in_the_mapping_is_a_finding() -> None:
    (problem,) = read("rma_validated").problems
    assert (problem.kind, problem.owner, problem.subject) == ("condition_not_mapped", Owner.OPS, "1000001 880005")


def test_the_conditions_of_the_mapping_decide() -> None:
    conditions = {
        "smells of smoke": Disposition.REFURBISH,
        "torn": Disposition.DISPOSE,
        "wrong item": Disposition.DONATE,
    }
    lines = {line.line_id: line.disposition for line in seen("rma_validated", conditions=conditions).lines}
    assert (lines["880003"], lines["880004"], lines["880005"]) == (
        Disposition.DISPOSE,
        Disposition.DONATE,
        Disposition.REFURBISH,
    )
    assert read("rma_validated", conditions=conditions).problems == ()


def test_an_unmapped_condition_can_be_left_undecided() -> None:
    lines = {line.line_id: line.disposition for line in seen("rma_validated", other_condition=None).lines}
    assert lines["880005"] is None


def test_a_condition_fits_whole_words_only() -> None:
    lines = seen("rma_validated", conditions={"smok": Disposition.DONATE}).lines
    assert Disposition.DONATE not in {line.disposition for line in lines}


def test_an_inspection_without_an_answer_is_a_finding() -> None:
    assert kinds(read("rma_validated_half_answered")) == ["inspection_incomplete"]
    assert seen("rma_validated_half_answered").lines[0].disposition is None


# --- parcels --------------------------------------------------------------------------------------------------------


def test_what_was_sent_out_is_no_parcel_of_the_return() -> None:
    shown = seen("rma_shipped")
    assert (shown.label_status, shown.tracking) == (LabelStatus.IN_TRANSIT, "EX1000001GB")
    assert [fact.tracking for fact in of("rma_shipped", LabelMoved)] == ["EX1000001GB"]


def test_an_arrival_is_dated_by_the_timeline() -> None:
    (fact,) = of("rma_received_updated_long_ago", LabelMoved)
    assert (fact.label_status, fact.occurred_at) == (LabelStatus.DELIVERED, "2026-03-05T14:20:00Z")


def test_a_received_return_has_arrived_although_its_shipment_was_forgotten() -> None:
    assert seen("rma_received_shipment_forgotten").label_status is LabelStatus.DELIVERED
    statuses = [fact.label_status for fact in of("rma_received_shipment_forgotten", LabelMoved)]
    assert statuses == [LabelStatus.IN_TRANSIT, LabelStatus.DELIVERED]


def test_a_cancelled_shipment_says_nothing() -> None:
    shown = seen("rma_canceled")
    assert (shown.label_status, shown.tracking, of("rma_canceled", LabelMoved)) == (None, None, [])


def test_a_return_without_a_shipment_is_read() -> None:
    assert seen("rma_done_no_shipment_required").label_status is None


# --- money that moved -----------------------------------------------------------------------------------------------


def test_each_transaction_that_succeeded_is_a_refund() -> None:
    facts = of("rma_done_refund_for_each_item", RefundReported)
    assert [(fact.ref, fact.amount, fact.currency, fact.gateway) for fact in facts] == [
        ("9100001", 2500, "GBP", None),
        ("9100002", 1250, "GBP", None),
    ]
    assert [line.cash_refund for line in seen("rma_done_refund_for_each_item").lines] == [2500, 1250]
    assert seen("rma_done_refund_for_each_item").tenders.refund == 3750


def test_two_transactions_of_one_platform_refund_are_one_refund() -> None:
    (fact,) = of("rma_done_one_platform_refund_in_two_transactions", RefundReported)
    assert (fact.ref, fact.amount) == ("9100001", 3750)


def test_a_done_return_without_transactions_reports_no_money() -> None:
    assert of("rma_done_without_any_transaction", RefundReported) == []
    assert seen("rma_done_without_any_transaction").tenders.refund is None


def test_a_refund_before_the_goods_is_told_while_the_return_is_only_authorised() -> None:
    assert seen("rma_approved_refunded_before_receipt").stage is Stage.AUTHORISED
    assert len(of("rma_approved_refunded_before_receipt", RefundReported)) == 1


def test_a_requested_transaction_is_a_promise_and_no_money() -> None:
    assert of("rma_refund_requested", RefundReported) == []
    assert (seen("rma_refund_requested").tenders.refund, seen("rma_refund_requested").refunds) == (2500, ())


def test_a_failed_transaction_is_kept_and_posts_nothing() -> None:
    found = read("rma_refund_failed")
    assert of("rma_refund_failed", RefundReported) == []
    assert [fact.key for fact in of("rma_refund_failed", ProcessingFailed)] == [
        "returngo/1000001/processing_failed/500001"
    ]
    assert (kinds(found), seen("rma_refund_failed").tenders.refund) == (["processing_failed"], None)


def test_a_failed_transaction_that_was_made_good_is_forgotten() -> None:
    found = read("rma_refund_failed_then_made_good")
    assert (of("rma_refund_failed_then_made_good", ProcessingFailed), found.problems) == ([], ())
    assert [fact.amount for fact in of("rma_refund_failed_then_made_good", RefundReported)] == [2500]


@pytest.mark.parametrize(
    ("name", "by"), [("rma_refund_too_small", "5.00 GBP less"), ("rma_refund_too_large", "4.95 GBP more")]
)
def test_a_refund_that_does_not_follow_from_the_items_is_for_finance(name: str, by: str) -> None:
    (problem,) = read(name).problems
    assert (problem.kind, problem.owner) == ("money_identity_broken", Owner.FINANCE)
    assert by in problem.message


def test_the_bonus_of_a_store_credit_is_what_it_exceeds_its_item_by() -> None:
    (fact,) = of("rma_store_credit_with_bonus", StoreCreditIssued)
    assert (fact.issued, fact.bonus, fact.gift_card_id, fact.order_ref) == (51900, 6000, "CREDIT-0001", "6500001")
    assert seen("rma_store_credit_with_bonus").tenders.store_credit == 45900
    assert read("rma_store_credit_with_bonus").problems == ()


def test_a_store_credit_without_a_bonus_has_none() -> None:
    (fact,) = of("rma_store_credit_without_bonus", StoreCreditIssued)
    assert (fact.issued, fact.bonus) == (2500, 0)


def test_tax_on_top_of_the_price_is_part_of_the_value() -> None:
    assert [line.line_value for line in seen("rma_tax_on_top").lines] == [2917, 1458]
    assert read("rma_tax_on_top").problems == ()


def test_whether_tax_comes_on_top_is_data() -> None:
    assert [line.line_value for line in seen("rma_tax_on_top", tax_on_top=False).lines] == [2500, 1250]


def test_either_half_of_a_money_object_can_be_read() -> None:
    paid, shop = seen("rma_two_books"), seen("rma_two_books", book=Book.SHOP)
    assert (paid.currency, paid.lines[0].line_value, paid.refunds[0].amount) == ("EUR", 2500, 2500)
    assert (shop.currency, shop.lines[0].line_value, shop.refunds[0].amount) == ("GBP", 2000, 2000)


def test_yen_have_no_minor_digits() -> None:
    assert (seen("rma_yen").lines[0].line_value, of("rma_yen", RefundReported)[0].amount) == (3200, 3200)


def test_amounts_without_a_currency_stay_unknown() -> None:
    assert kinds(read("rma_amounts_without_currency")) == ["currency_missing"]
    assert seen("rma_amounts_without_currency").lines[0].line_value is None


def test_words_nobody_announced_are_findings_and_no_guesses() -> None:
    found = read("rma_unknown_words")
    assert kinds(found) == ["unknown_portal_word"] * 4
    assert (seen("rma_unknown_words").lines[0].line_outcome, seen("rma_unknown_words").tenders.refund) == (None, None)
    assert of("rma_unknown_words", RefundReported) == []


# --- fees -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "fee"),
    [
        ("rma_fee_repeated_not_paid_yet", 495),
        ("rma_fee_repeated_charged_once", 495),
        ("rma_fee_charged_for_each_item", 990),
        ("rma_fee_on_store_credits_of_each_item", 495),
        ("rma_restocking_fee", 250),
        ("rma_approved", 0),
    ],
)
def test_a_fee_of_the_return_counts_once_unless_only_the_sum_explains_the_money(name: str, fee: int) -> None:
    assert seen(name).tenders.fee_withheld == fee
    assert read(name).problems == ()


def test_a_fee_is_no_bonus_of_the_credits_it_was_taken_from() -> None:
    assert [fact.bonus for fact in of("rma_fee_on_store_credits_of_each_item", StoreCreditIssued)] == [0, 0]


def test_a_fee_still_to_be_taken_is_no_bonus_of_the_first_credit() -> None:
    whole = msgspec.json.decode(body("rma_fee_on_store_credits_of_each_item"))
    found = changed("rma_fee_on_store_credits_of_each_item", transactions=whole["transactions"][:1])
    (fact,) = [event for event in found.events if isinstance(event, StoreCreditIssued)]
    assert (fact.bonus, found.problems) == (0, ())


def test_how_fees_are_read_can_be_settled() -> None:
    assert seen("rma_fee_repeated_not_paid_yet", fee_reading=FeeReading.SUM).tenders.fee_withheld == 990
    once = read("rma_fee_charged_for_each_item", fee_reading=FeeReading.ONCE)
    assert kinds(once) == ["money_identity_broken"]


def test_a_cancellation_fee_is_reported_and_not_counted() -> None:
    assert kinds(read("rma_cancellation_fee")) == ["portal_fee_unclear"]
    assert seen("rma_cancellation_fee").tenders.fee_withheld == 0


def test_fees_nobody_named_are_unknown_and_not_zero() -> None:
    whole = msgspec.json.decode(body("rma_approved"))
    for item in whole["items"]:
        for name in ("restockingFee", "returnFee", "shipmentFee"):
            del item[name]
    found = changed("rma_approved", items=whole["items"])
    assert found.portal_return is not None and found.portal_return.tenders.fee_withheld is None


# --- exchanges ------------------------------------------------------------------------------------------------------


def test_a_draft_exchange_order_has_a_name_and_no_order() -> None:
    (line,) = seen("rma_exchange_draft").exchange_lines
    assert (line.sku, line.total, line.order_ref, line.order_name) == ("TEE-BLK-L", 2500, None, "#D1234")


def test_a_released_exchange_order_is_named_and_makes_a_new_fact() -> None:
    (line,) = seen("rma_exchange_released").exchange_lines
    assert (line.order_ref, line.order_name) == ("6500777", "#EX2099")
    assert keys(read("rma_exchange_released")).isdisjoint(keys(read("rma_exchange_draft")))


@pytest.mark.parametrize(
    ("name", "collected"),
    [("rma_exchange_with_difference_requested", 0), ("rma_exchange_with_difference_paid", 1500)],
)
def test_a_difference_is_collected_only_once_it_was_paid(name: str, collected: int) -> None:
    tenders = seen(name).tenders
    assert (tenders.upsell_collected, tenders.exchange_used) == (collected, 2500)


def test_a_difference_that_was_billed_and_not_paid_is_due_and_not_collected() -> None:
    billed, paid = (seen(f"rma_exchange_with_difference_{word}").tenders for word in ("requested", "paid"))
    assert (billed.upsell_due, billed.upsell_collected) == (paid.upsell_collected, 0)
    assert paid.upsell_due == 0


def test_the_order_of_a_fee_is_no_exchange_order() -> None:
    (line,) = seen("rma_exchange_with_difference_paid").exchange_lines
    assert line.order_name == "#D1234"


def test_an_any_to_any_exchange_stands_at_the_return() -> None:
    lines = seen("rma_exchange_any_to_any").exchange_lines
    assert [(line.sku, line.qty, line.total) for line in lines] == [("SOCK-GRY", 2, 2000), ("BELT-BRN", 1, 1750)]


def test_refund_and_exchange_on_one_return_are_kept_apart() -> None:
    assert seen("rma_exchange_and_refund").tenders == Tenders(refund=1250, exchange_used=2500, fee_withheld=0)
    assert [line.line_outcome for line in seen("rma_exchange_and_refund").lines] == ["exchange", "refund"]


def test_the_detail_of_a_reason_can_be_part_of_it() -> None:
    assert seen("rma_approved", reason_with_detail=True).lines[0].reason == "Does not fit > Too small / tight"


# --- events: believed for their ids ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("event_")])
def test_the_body_of_an_event_never_makes_a_fact(name: str) -> None:
    assert (read(name).events, read(name).portal_return) == ((), None)


@pytest.mark.parametrize(
    "name",
    [
        "event_rma_created",
        "event_rma_status_updated",
        "event_shipment_created",
        "event_shipment_status_updated",
        "event_shipment_tracker_status_updated",
        "event_transaction_created",
        "event_refund_created",
        "event_with_the_id_deeper_and_as_number",
        "event_with_a_whole_return_in_it",
        "event_nobody_announced",
    ],
)
def test_an_event_names_the_return_to_read(name: str) -> None:
    found = read(name)
    assert (found.reread, found.signature) == (("1000001",), Signature.NOT_SIGNED)
    assert found.topic == msgspec.json.decode(body(name))["eventName"]


def test_an_event_nobody_announced_is_reported() -> None:
    assert kinds(read("event_nobody_announced")) == ["unknown_topic"]


@pytest.mark.parametrize("name", ["event_without_any_id", "event_with_an_id_that_is_a_path"])
def test_an_event_without_a_usable_id_is_left_to_the_poll(name: str) -> None:
    assert (read(name).reread, kinds(read(name))) == ((), ["portal_event_without_id"])


def test_where_an_event_names_its_return_is_data() -> None:
    delivery = Delivery(body=b'{"eventName":"RMA_CREATED","payload":{"return":{"no":"1000009"}}}')
    found = translate_with(delivery, ReturnGOMapping(return_id_paths=("rmaId", "payload.return.no")))
    assert found.reread == ("1000009",)


@pytest.mark.parametrize("name", ["rma_done_refund_for_each_item", "summary_alone", "event_with_a_whole_return_in_it"])
def test_a_whole_return_that_came_as_a_webhook_is_not_believed(name: str) -> None:
    found = SPEC.translate(Delivery(body=body(name), headers={"content-type": "application/json"}))
    assert (found.events, found.reread) == ((), ("1000001",))


# --- lists ----------------------------------------------------------------------------------------------------------


def test_a_list_page_names_the_returns_to_read() -> None:
    found = read("list_page")
    assert (found.kind, found.events) == (Kind.LIST_PAGE, ())
    assert [(shown.return_id, shown.state) for shown in found.returns] == [
        ("1000003", "received"),
        ("1000002", "pending"),
        ("1000001", "done"),
    ]
    assert found.reread == ("1000003", "1000002", "1000001")


def test_a_row_that_cannot_be_read_hides_no_other() -> None:
    found = read("list_page_with_a_row_without_id")
    assert (found.reread, kinds(found)) == (("1000002",), ["unreadable_delivery"])


# --- answers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "result", "retryable", "owner", "then"),
    [
        ("answer_200_empty", "ok", False, None, None),
        ("answer_200_shipment", "ok", False, None, None),
        ("answer_200_webhooks", "ok", False, None, None),
        ("answer_201_comment", "created", False, None, None),
        ("answer_400_transition", "rejected", False, Owner.CX, "park"),
        ("answer_401_key", "rejected", False, Owner.INTEGRATION, "park"),
        ("answer_403_gateway", "rejected", False, Owner.INTEGRATION, "park"),
        ("answer_404_rma", "not_found", False, Owner.INTEGRATION, "park"),
        ("answer_429_quota", "retry", True, None, "resend"),
        ("answer_500_page_of_html", "retry", True, None, "read_back"),
        ("answer_504_timeout", "retry", True, None, "read_back"),
    ],
)
def test_each_answer_says_what_happens_next(
    name: str, result: str, retryable: bool, owner: Owner | None, then: str | None
) -> None:
    answer = read(name).answer
    assert answer is not None
    assert (answer.result, answer.retryable, answer.owner, answer.then) == (result, retryable, owner, then)


@pytest.mark.parametrize(
    ("body", "result"),
    [
        (b'{"message":"Forbidden"}', "rejected"),
        (b'{"message":"Too Many Requests"}', "retry"),
        (b'{"message":"RMA not found"}', "not_found"),
    ],
)
def test_an_error_whose_status_nobody_kept_is_known_by_its_words(body: bytes, result: str) -> None:
    answer = SPEC.translate(Delivery(body=body)).answer
    assert answer is not None and answer.result == result


def test_a_retry_after_header_is_heeded() -> None:
    answer = SPEC.translate(Delivery(body=b"{}", status=429, headers={"retry-after": "77"})).answer
    assert answer is not None and answer.after_s == 77.0


# --- what it can do -------------------------------------------------------------------------------------------------


def test_nothing_is_declared_that_the_reference_has_no_call_for() -> None:
    config = ReturnGOConfig(api_key="key", shop_name="example.myshopify.com")
    can = SPEC.capabilities(config)
    assert can == {Cap.WEBHOOKS, Cap.POLL, Cap.EXCHANGES, Cap.NOTES, Cap.CANCEL}


def test_an_account_that_cannot_cancel_says_so() -> None:
    config = ReturnGOConfig(api_key="key", shop_name="example.myshopify.com", mapping=ReturnGOMapping(cancel_status=""))
    assert Cap.CANCEL not in SPEC.capabilities(config)


def test_a_mapping_comes_from_a_table_and_misspelt_names_are_refused() -> None:
    table: dict[str, Any] = {"api_key": "k", "shop_name": "s", "mapping": {"conditions": {"soiled": "dispose"}}}
    assert msgspec.convert(table, ReturnGOConfig).mapping.conditions == {"soiled": Disposition.DISPOSE}
    with pytest.raises(msgspec.ValidationError, match="condition"):
        msgspec.convert({**table, "mapping": {"condition": {}}}, ReturnGOConfig)


# --- anything at all ------------------------------------------------------------------------------------------------

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60), st.sampled_from([None, 200, 400, 500]))
def test_no_bytes_raise(data: bytes, status: int | None) -> None:
    assert SPEC.translate(Delivery(body=data, status=status)).vendor == "returngo"


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(RMAS), st.data())
def test_no_value_in_any_place_raises(name: str, data: st.DataObject) -> None:
    whole = msgspec.json.decode(body(name))
    place: Any = whole
    for _ in range(data.draw(st.integers(1, 4))):
        if isinstance(place, dict) and place:
            key: Any = data.draw(st.sampled_from(sorted(place)))
        elif isinstance(place, list) and place:
            key = data.draw(st.integers(0, len(place) - 1))
        else:
            break
        parent, place = place, place[key]
    parent[key] = data.draw(_JSON)
    found = SPEC.translate(Delivery(body=msgspec.json.encode(whole)))
    assert found.events or found.problems or found.ignored_because or found.answer


def test_an_account_reads_its_webhooks_by_its_own_mapping() -> None:
    own = ReturnGOMapping(return_id_paths=("payload.return.no",))
    config = ReturnGOConfig(api_key="k", shop_name="s", mapping=own)
    delivery = Delivery(body=b'{"eventName": "RMA_CREATED", "payload": {"return": {"no": "77"}}}')
    assert SPEC.reader(config)(delivery).reread == ("77",)
    assert SPEC.translate(delivery).reread == ()
