"""Stripe's events and API answers in our words (payments sheet §9, §11; outputs §1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.core.chargebacks import ChargebackState
from counterfoil.core.events import ChargebackMoved, RefundMoved
from counterfoil.core.money import to_text
from counterfoil.core.problems import Owner
from counterfoil.gateways.stripe.amounts import iso_minor
from counterfoil.gateways.stripe.translate import translate
from counterfoil.ports.translation import Kind, Signature, Translation
from counterfoil.ports.vendors import Delivery

FIXTURES = Path(__file__).parents[3] / "src/counterfoil/gateways/stripe/fixtures"
ALL = sorted(path.stem for path in FIXTURES.glob("*.json"))


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode((FIXTURES / f"{name}.json").read_bytes())
    return found


def told(content: str | bytes | dict[str, Any], status: int | None = None, **headers: str) -> Translation:
    if isinstance(content, str):
        content = (FIXTURES / f"{content}.json").read_bytes()
    elif isinstance(content, dict):
        content = msgspec.json.encode(content)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return translate(Delivery(body=content, headers=names, status=status, arrived_at=1_772_446_500.0))


def moved(content: str | dict[str, Any]) -> RefundMoved:
    [event] = told(content).events
    assert isinstance(event, RefundMoved)
    return event


def with_refund(**changes: Any) -> dict[str, Any]:
    """The ordinary refund event with fields of its refund changed; `...` takes one away."""
    event = read("refund_created_succeeded")
    event["data"]["object"].update(changes)
    event["data"]["object"] = {name: value for name, value in event["data"]["object"].items() if value is not ...}
    return event


def test_a_succeeded_refund_is_confirmed_money() -> None:
    found = told("refund_created_succeeded")
    fact = moved("refund_created_succeeded")
    assert (found.kind, found.topic, found.ignored_because) == (Kind.REFUND, "refund.created", None)
    assert (fact.source, fact.ref, fact.payment_ref) == ("stripe", "re_3Example0001", "pi_3Example0001")
    assert (fact.order_ref, fact.amount, fact.currency, fact.status) == ("5550001112223", 2550, "GBP", "confirmed")
    assert fact.occurred_at == "2026-03-02T10:15:02Z"
    assert [notice.moved for notice in found.refunds] == [fact]


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("refund_created_pending", "pending"),
        ("refund_updated_succeeded", "confirmed"),
        ("refund_requires_action", "pending"),
        ("refund_canceled", "failed"),
        ("refund_failed_after_success", "failed"),
    ],
)
def test_each_status_says_how_far_the_money_is(name: str, status: str) -> None:
    assert moved(name).status == status


def test_one_state_of_a_refund_is_one_fact_however_it_is_told() -> None:
    created = moved("refund_created_succeeded")
    updated = read("refund_created_succeeded") | {"id": "evt_other", "type": "refund.updated", "created": 1_772_446_999}
    listed, _ = told("refund_list_answer", 200).events
    assert created.key == moved(updated).key == listed.key
    keys = {created.key, moved("refund_failed_after_success").key, moved("refund_created_pending").key}
    assert len(keys) == 3


def test_the_refund_event_of_older_endpoints_is_read_by_what_it_carries() -> None:
    assert moved(read("refund_created_succeeded") | {"type": "charge.refund.updated"}).ref == "re_3Example0001"


def test_a_refund_without_payment_intent_names_its_charge_and_without_metadata_no_order() -> None:
    fact = moved(with_refund(payment_intent=None, metadata={}))
    assert (fact.payment_ref, fact.order_ref) == ("ch_3Example0001", None)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("refund_created_succeeded", "25.50"),
        ("refund_jpy_without_decimals", "2550"),
        ("refund_kwd_three_decimals", "12.350"),
        ("refund_isk_two_digits_always_00", "2550"),
        ("refund_mga_without_digits", "25500.00"),
    ],
)
def test_smallest_units_become_iso_minor_units(name: str, text: str) -> None:
    fact = moved(name)
    assert to_text(fact.amount, fact.currency) == text


@given(st.integers(0, 10**12), st.sampled_from(["GBP", "JPY", "KWD", "BHD", "EUR", "XOF", "CLP", "HUF"]))
def test_where_stripe_and_iso_agree_the_integer_stays_as_it_is(amount: int, currency: str) -> None:
    assert iso_minor(amount, currency) == amount


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": ...},
        {"amount": None},
        {"amount": "2550"},
        {"amount": 25.5},
        {"amount": True},
        {"amount": -1},
        {"amount": 255050, "currency": "isk"},
        {"currency": "zzz"},
        {"currency": ...},
        {"id": ""},
        {"status": "refunded"},
        {"status": ...},
        {"metadata": {"order_id": {"nested": 1}}},
    ],
)
def test_a_refund_that_cannot_be_read_is_kept_for_a_person_and_never_zero(changes: dict[str, Any]) -> None:
    found = told(with_refund(**changes))
    assert (found.kind, found.events, found.topic) == (Kind.UNREADABLE, (), "refund.created")
    [problem] = found.problems
    assert (problem.kind, problem.owner, problem.subject) == (
        "unreadable_delivery",
        Owner.INTEGRATION,
        "refund.created",
    )


def test_an_event_time_beyond_the_calendar_is_unreadable() -> None:
    assert told(read("refund_created_succeeded") | {"created": 10**15}).kind is Kind.UNREADABLE


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"id":"evt_1"}', b'{"type":"refund.created"}', b"\xff"])
def test_what_is_no_event_is_unreadable(body: bytes) -> None:
    found = told(body)
    assert (found.kind, [problem.kind for problem in found.problems]) == (Kind.UNREADABLE, ["unreadable_delivery"])


@given(st.binary(max_size=200))
def test_no_bytes_raise(body: bytes) -> None:
    for status in (None, 200, 500):
        assert told(body, status).vendor == "stripe"


def test_charge_refunded_tells_no_refund_of_its_own() -> None:
    found = told("charge_refunded_running_total")
    assert (found.kind, found.events, found.problems) == (Kind.OTHER, (), ())
    assert found.ignored_because is not None
    assert "refund.updated" in found.ignored_because


def test_a_dispute_is_a_chargeback_for_finance_once() -> None:
    [problem] = told("dispute_opened").problems
    assert (problem.kind, problem.owner, problem.subject) == (
        "chargeback_opened",
        Owner.FINANCE,
        "pi_3Example0001",
    )
    assert "50.00 GBP" in problem.message
    assert told("dispute_closed").problems == ()


def test_a_dispute_is_a_fact_at_each_step_of_its_course() -> None:
    opened, closed = (told(name).events[0] for name in ("dispute_opened", "dispute_closed"))
    assert isinstance(opened, ChargebackMoved) and isinstance(closed, ChargebackMoved)
    assert (opened.status, opened.amount, opened.payment_ref) == (ChargebackState.OPENED, 5000, "pi_3Example0001")
    assert opened.ref == closed.ref and opened.key != closed.key
    assert closed.status in (ChargebackState.WON, ChargebackState.LOST)


def test_payouts_are_read_from_reports_and_a_failed_one_is_a_problem() -> None:
    ready = told("payout_reconciliation_completed")
    assert (ready.kind, ready.problems) == (Kind.OTHER, ())
    assert "po_1Example0001" in (ready.ignored_because or "")
    [problem] = told("payout_failed").problems
    assert (problem.kind, problem.owner, problem.subject) == ("payout_failed", Owner.FINANCE, "po_1Example0002")


def test_money_taken_is_passed_over_with_a_reason_and_strangers_are_asked_about() -> None:
    taken = read("charge_refunded_running_total") | {"type": "charge.captured"}
    assert (told(taken).problems, told(taken).ignored_because) == ((), "money taken, not paid back")
    strange = told(read("charge_refunded_running_total") | {"type": "invoice.paid"})
    assert [problem.kind for problem in strange.problems] == ["unknown_topic"]


def test_only_a_missing_header_is_told_as_an_absent_signature() -> None:
    assert told("refund_created_succeeded").signature is Signature.ABSENT
    assert told("refund_created_succeeded", stripe_signature="t=1,v1=0").signature is Signature.NOT_SIGNED


@pytest.mark.parametrize(
    ("name", "status", "result", "then"),
    [
        ("error_no_such_refund", 404, "not_found", "park"),
        ("error_no_such_refund", 400, "rejected", "park"),
        ("error_no_such_refund", 429, "retry", "resend"),
        ("error_no_such_refund", 503, "retry", "resend"),
        ("charge_refunded_running_total", 200, "ok", None),
    ],
)
def test_an_answer_of_the_api_says_what_follows(name: str, status: int, result: str, then: str | None) -> None:
    found = told(name, status, retry_after="7")
    assert found.kind is Kind.ANSWER
    assert found.answer is not None
    assert (found.answer.result, found.answer.then, found.answer.retryable) == (result, then, then == "resend")
    assert found.answer.after_s == (7.0 if then == "resend" else None)
