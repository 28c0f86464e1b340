"""Adyen's notifications in our words, item by item (payments sheet §10, §11; outputs §1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.core.events import ChargebackMoved, RefundMoved
from counterfoil.core.money import to_text
from counterfoil.core.problems import Owner
from counterfoil.gateways.adyen.amounts import iso_minor
from counterfoil.gateways.adyen.translate import translate
from counterfoil.ports.translation import Kind, Signature, Translation
from counterfoil.ports.vendors import Delivery

FIXTURES = Path(__file__).parents[3] / "src/counterfoil/gateways/adyen/fixtures"
ALL = sorted(path.stem for path in FIXTURES.glob("*.json"))


def told(content: str | bytes | dict[str, Any], status: int | None = None) -> Translation:
    if isinstance(content, str):
        content = (FIXTURES / f"{content}.json").read_bytes()
    elif isinstance(content, dict):
        content = msgspec.json.encode(content)
    return translate(Delivery(body=content, status=status))


def movements(found: Translation) -> list[RefundMoved]:
    return [event for event in found.events if isinstance(event, RefundMoved)]


def with_item(**changes: Any) -> dict[str, Any]:
    """The ordinary refund with fields of its item changed; `...` takes one away."""
    notification: dict[str, Any] = msgspec.json.decode((FIXTURES / "refund_sent.json").read_bytes())
    item = notification["notificationItems"][0]["NotificationRequestItem"] | changes
    kept = {name: value for name, value in item.items() if value is not ...}
    return {"live": "false", "notificationItems": [{"NotificationRequestItem": kept}]}


def test_a_refund_that_was_sent_is_provisional_money() -> None:
    found = told("refund_sent")
    [fact] = movements(found)
    assert (found.kind, found.topic) == (Kind.REFUND, "REFUND")
    assert (fact.source, fact.ref, fact.payment_ref, fact.order_ref) == (
        "adyen",
        "EXAMPLEREFUND001",
        "EXAMPLEPAYMENT01",
        "#1001",
    )
    assert (fact.amount, fact.currency, fact.status) == (2550, "EUR", "provisional")
    assert fact.occurred_at == "2026-03-02T10:15:00Z"


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("refund_refused", "failed"),
        ("refund_failed_later", "failed"),
        ("refund_came_back", "reversed"),
        ("cancel_or_refund", "provisional"),
        ("refund_with_data", "provisional"),
        ("refund_postponed", "pending"),
        ("pending_refund_stopped", "failed"),
    ],
)
def test_event_code_and_success_say_how_far_the_money_is(name: str, status: str) -> None:
    [fact] = movements(told(name))
    assert fact.status == status


def test_sent_failed_and_returned_are_three_facts_about_one_refund() -> None:
    facts = [movements(told(name))[0] for name in ("refund_sent", "refund_failed_later", "refund_came_back")]
    assert len({fact.key for fact in facts}) == 3
    assert {fact.ref for fact in facts} == {"EXAMPLEREFUND001"}


def test_a_repeat_with_another_date_and_reason_is_the_same_fact() -> None:
    again = told(with_item(eventDate="2026-03-09T10:15:00+01:00", reason="repeated"))
    assert movements(again)[0].key == movements(told("refund_sent"))[0].key


def test_several_items_give_a_notice_for_each_refund_and_what_is_no_refund_gives_none() -> None:
    found = told("several_items")
    assert [(n.moved.order_ref, to_text(n.moved.amount, n.moved.currency), n.moved.status) for n in found.refunds] == [
        ("#1001", "25.50", "provisional"),
        ("#1002", "2550", "provisional"),
        ("#1004", "12.345", "failed"),
    ]
    assert list(found.events) == [notice.moved for notice in found.refunds]
    assert (found.topic, found.problems, found.ignored_because) == ("REFUND, AUTHORISATION", (), None)


def test_an_unreadable_item_is_a_finding_beside_the_others() -> None:
    found = told("second_item_unreadable")
    assert [fact.ref for fact in movements(found)] == ["EXAMPLEREFUND001"]
    [problem] = found.problems
    assert (problem.kind, problem.subject) == ("unreadable_delivery", "notificationItems[1].NotificationRequestItem")


@pytest.mark.parametrize(
    ("name", "text"), [("refund_clp_two_digits", "2550"), ("refund_idr_without_digits", "25500.00")]
)
def test_minor_units_that_are_not_iso_s_are_converted(name: str, text: str) -> None:
    [fact] = movements(told(name))
    assert to_text(fact.amount, fact.currency) == text


@given(st.integers(0, 10**12), st.sampled_from(["GBP", "JPY", "KWD", "EUR", "MGA", "UGX", "HUF"]))
def test_where_adyen_and_iso_agree_the_integer_stays_as_it_is(amount: int, currency: str) -> None:
    assert iso_minor(amount, currency) == amount


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": ...},
        {"amount": {"value": "2550", "currency": "EUR"}},
        {"amount": {"value": 25.5, "currency": "EUR"}},
        {"amount": {"value": -1, "currency": "EUR"}},
        {"amount": {"value": True, "currency": "EUR"}},
        {"amount": {"value": 2550}},
        {"amount": {"value": 2550, "currency": "ZZZ"}},
        {"amount": {"value": 255050, "currency": "CLP"}},
        {"pspReference": ...},
        {"success": ...},
        {"success": "perhaps"},
        {"eventCode": ...},
        {"eventDate": "soon"},
        {"eventCode": "REFUND_FAILED", "success": "false"},
    ],
)
def test_a_refund_that_cannot_be_read_is_kept_for_a_person_and_never_zero(changes: dict[str, Any]) -> None:
    found = told(with_item(**changes))
    assert (found.kind, found.events, [problem.kind for problem in found.problems]) == (
        Kind.UNREADABLE,
        (),
        ["unreadable_delivery"],
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"notificationItems":[]}',
        b'{"notificationItems":[1]}',
        b'{"notificationItems":[{"Item":{}}]}',
        b'{"notificationItems":"none"}',
    ],
)
def test_what_is_no_notification_is_unreadable(body: bytes) -> None:
    found = told(body)
    assert (found.kind, len(found.problems)) == (Kind.UNREADABLE, 1)


@given(st.binary(max_size=200))
def test_no_bytes_raise(body: bytes) -> None:
    for status in (None, 200, 500):
        assert told(body, status).vendor == "adyen"


def test_a_dispute_told_in_two_items_is_one_chargeback_for_finance() -> None:
    [problem] = told("chargeback").problems
    assert (problem.kind, problem.owner, problem.subject) == (
        "chargeback_opened",
        Owner.FINANCE,
        "EXAMPLEPAYMENT01",
    )
    assert "25.50 EUR" in problem.message


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("NOTIFICATION_OF_CHARGEBACK", "opened"),
        ("CHARGEBACK", "opened"),
        ("CHARGEBACK_REVERSED", "won"),
        ("SECOND_CHARGEBACK", "lost"),
        ("PREARBITRATION_WON", "won"),
        ("PREARBITRATION_LOST", "lost"),
    ],
)
def test_each_step_of_a_dispute_is_a_fact_for_the_ceiling(code: str, state: str) -> None:
    (moved,) = told(with_item(eventCode=code)).events
    assert isinstance(moved, ChargebackMoved)
    assert (moved.status, moved.gateway) == (state, "adyen")
    assert moved.key.endswith(code)


def test_a_stop_that_came_too_late_changes_nothing() -> None:
    found = told(with_item(eventCode="VOID_PENDING_REFUND", success="false"))
    assert (found.events, found.problems) == ((), ())
    assert found.ignored_because is not None


def test_reports_and_payments_are_passed_over_with_a_reason_and_strangers_are_asked_about() -> None:
    assert told("report_available").ignored_because == "REPORT_AVAILABLE: a report is ready; it is read as a file"
    strange = told(with_item(eventCode="PAIDOUT_REVERSED"))
    assert [problem.kind for problem in strange.problems] == ["unknown_topic"]


def test_an_unsigned_notice_says_so_and_a_signed_one_waits_for_the_keys() -> None:
    assert told("unsigned").signature is Signature.ABSENT
    assert [notice.signature for notice in told("unsigned").refunds] == [Signature.ABSENT]
    assert [notice.signature for notice in told("refund_sent").refunds] == [None]


@pytest.mark.parametrize(("status", "result"), [(200, "ok"), (401, "rejected"), (429, "retry"), (503, "retry")])
def test_an_answer_of_the_api_says_what_follows(status: int, result: str) -> None:
    found = told(b"anything", status)
    assert found.kind is Kind.ANSWER
    assert found.answer is not None
    assert (found.answer.result, found.answer.retryable) == (result, result == "retry")
