"""The shop's webhooks and API answers in our words (shop sheet §2-§5, §11; outputs §1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.adapterkit.parse import Fields
from counterfoil.core.events import ChargebackMoved, OrderSeen, RefundedUnits, RefundMoved, RefundState
from counterfoil.core.orders import SoldOrder
from counterfoil.core.problems import Owner
from counterfoil.gateways.shopify.orders import order_seen
from counterfoil.gateways.shopify.translate import translate
from counterfoil.ports.translation import Kind, Signature, Translation
from counterfoil.ports.vendors import Delivery

FIXTURES = Path(__file__).parents[3] / "src/counterfoil/gateways/shopify/fixtures"
ALL = sorted(path.stem for path in FIXTURES.glob("*.json"))


def body(name: str) -> bytes:
    return (FIXTURES / f"{name}.json").read_bytes()


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(body(name))
    return found


def told(content: bytes | dict[str, Any] | str, topic: str | None = None, status: int | None = None) -> Translation:
    """Translate a fixture, a body or bytes."""
    if isinstance(content, str):
        content = body(content)
    elif isinstance(content, dict):
        content = msgspec.json.encode(content)
    headers = {"x-shopify-topic": topic} if topic else {}
    return translate(Delivery(body=content, headers=headers, status=status))


def movements(found: Translation) -> list[RefundMoved]:
    return [event for event in found.events if isinstance(event, RefundMoved)]


# --- orders


@pytest.mark.parametrize("topic", ["orders/create", "orders/updated", "orders/edited", "orders/cancelled", None])
def test_an_order_is_seen_whatever_topic_brings_it(topic: str | None) -> None:
    found = told("order_one_currency_tax_included", topic)
    assert (found.kind, found.topic, found.problems) == (Kind.ORDER, topic, ())
    [seen] = found.events
    assert isinstance(seen, OrderSeen)
    assert (seen.order.order_ref, seen.order.name, seen.order.country) == ("5500000000001", "#1001", "GB")
    assert seen.presentment is None


def test_two_currencies_are_two_books() -> None:
    [seen] = told("order_two_currencies_tax_on_top").events
    assert isinstance(seen, OrderSeen)
    assert seen.presentment is not None
    assert (seen.order.currency, seen.presentment.currency) == ("GBP", "EUR")
    assert (seen.order.lines[0].net, seen.presentment.lines[0].net) == (5000, 5851)
    assert (seen.order.shipping[0].price, seen.order.shipping[0].discount) == (600, 100)


def test_the_shops_words_for_the_customer_are_read_and_do_not_change_the_orders_key() -> None:
    raw = read("order_one_currency_tax_included")
    tagged = order_seen(Fields({**raw, "customer": {"tags": "VIP, early bird,"}}))
    assert tagged.order.customer_tags == ("VIP", "early bird")
    assert tagged.key == order_seen(Fields(raw)).key


def test_the_key_of_an_order_changes_only_with_what_was_sold() -> None:
    raw = read("order_one_currency_tax_included")
    key = order_seen(Fields(raw)).key
    assert order_seen(Fields({**raw, "updated_at": "2027-01-01T00:00:00Z", "tags": "vip"})).key == key
    lines = [{**raw["line_items"][0], "quantity": 2}, raw["line_items"][1]]
    assert order_seen(Fields({**raw, "line_items": lines})).key != key


def bundled(recipe: str) -> dict[str, Any]:
    raw = read("order_one_currency_tax_included")
    engraved = {"name": "Engraving", "value": "For Robin"}
    first = {**raw["line_items"][0], "properties": [engraved, {"name": "_bundle", "value": recipe}]}
    return {**raw, "line_items": [first, *raw["line_items"][1:]]}


def test_a_bundles_recipe_is_read_as_it_was_sold_and_nothing_else_of_its_properties() -> None:
    seen = order_seen(Fields(bundled("SOCK:2:5.00, CAP:1:12.50")))
    assert [(part.sku, part.quantity, part.price) for part in seen.order.lines[0].components] == [
        ("SOCK", 2, 500),
        ("CAP", 1, 1250),
    ]
    assert b"Robin" not in msgspec.json.encode(seen)
    assert seen.order.lines[1].components == ()


@pytest.mark.parametrize("recipe", ["SOCK x 2", "SOCK:0", "SOCK:2,", ":1", "SOCK:1:cheap", "SOCK:1:0.005"])
def test_a_recipe_nobody_can_read_sets_the_order_aside_with_a_sentence(recipe: str) -> None:
    found = told(bundled(recipe), "orders/create")
    assert found.kind is Kind.UNREADABLE and "_bundle" in found.problems[0].message


def test_a_bundle_read_by_graphql_has_the_recipe_of_its_webhook() -> None:
    node = read("graphql_order_with_refund")
    line = node["data"]["order"]["lineItems"]["nodes"][0]
    line["customAttributes"] = [{"key": "_bundle", "value": "SOCK:2,CAP:1"}]
    [seen] = [event for event in told(node, status=200).events if isinstance(event, OrderSeen)]
    assert [part.sku for part in seen.order.lines[0].components] == ["SOCK", "CAP"]


def test_an_order_read_by_graphql_has_the_key_of_its_webhook() -> None:
    webhook, answer = told("order_two_currencies_tax_on_top").events, told("graphql_order_with_refund", status=200)
    assert answer.kind is Kind.ORDER
    assert [event.key for event in answer.events if isinstance(event, OrderSeen)] == [webhook[0].key]


def test_an_api_read_knows_who_took_the_money() -> None:
    [seen] = [event for event in told("graphql_order_with_refund").events if isinstance(event, OrderSeen)]
    assert seen.presentment is not None
    assert [(p.gateway, p.amount) for p in seen.presentment.payments] == [("adyen", 7160)]


def test_refunds_inside_an_order_have_the_facts_of_their_webhooks() -> None:
    raw = {**read("order_two_currencies_tax_on_top"), "refunds": [read("refund_two_currencies_with_duties")]}
    alone = told("refund_two_currencies_with_duties")
    assert movements(told(raw)) == movements(alone)
    assert movements(told("graphql_order_with_refund")) == movements(alone)


def test_a_refund_that_cannot_be_read_does_not_hide_the_order() -> None:
    raw = {**read("order_one_currency_tax_included"), "refunds": [{"id": 5, "refund_line_items": [{"quantity": 1}]}]}
    found = told(raw)
    assert len(found.events) == 1
    assert [(p.kind, p.subject) for p in found.problems] == [("unreadable_delivery", "5")]


def test_an_edit_that_names_only_changes_waits_for_the_order() -> None:
    found = told("order_edited_changes_only", "orders/edited")
    assert (found.kind, found.events, found.problems) == (Kind.ORDER, (), ())
    assert found.ignored_because


# --- money going back


def test_a_refund_is_one_movement_per_transaction_and_units_ride_once() -> None:
    found = told("refund_split_over_gift_card_and_card", "refunds/create")
    assert (found.kind, found.topic) == (Kind.REFUND, "refunds/create")
    card, gift = movements(found)[1], movements(found)[0]
    assert (gift.gateway, gift.amount, gift.ref) == ("gift_card", 800, "32000000000005")
    assert (card.gateway, card.amount, card.ref) == ("shopify_payments", 1200, "re_example6")
    assert gift.units == (RefundedUnits(order_line_ref="11000000000002", quantity=1),)
    assert card.units == ()
    assert {row.refund_ref for row in (gift, card)} == {"61000000000005"}
    assert [notice.moved for notice in found.refunds] == [gift, card]


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("refund_shipping_in_lines_of_its_own", RefundState.CONFIRMED),
        ("refund_with_pending_transaction", RefundState.PENDING),
        ("transaction_refund_succeeded", RefundState.CONFIRMED),
        ("transaction_refund_failed", RefundState.FAILED),
        ("tender_refund", RefundState.CONFIRMED),
    ],
)
def test_the_status_of_a_transaction_says_how_sure_the_money_is(name: str, status: RefundState) -> None:
    [moved] = movements(told(name))
    assert (moved.status, moved.source) == (status, "shopify")
    assert moved.amount > 0


def test_the_same_money_as_refund_transaction_and_tender_is_one_fact() -> None:
    refund, tender = movements(told("refund_shipping_in_lines_of_its_own")), movements(told("tender_refund"))
    assert [(row.key, row.ref, row.amount) for row in refund] == [(row.key, row.ref, row.amount) for row in tender]


def test_pending_and_paid_are_two_facts_about_one_movement() -> None:
    [pending], [done] = (
        movements(told("refund_with_pending_transaction")),
        movements(told("transaction_refund_succeeded")),
    )
    assert pending.ref == done.ref == "re_example4"
    assert pending.key != done.key


@pytest.mark.parametrize("name", ["refund_shipping_in_lines_of_its_own", "refund_shipping_as_adjustment"])
def test_shipping_on_a_refund_is_told_with_its_tax_in_both_versions(name: str) -> None:
    assert movements(told(name))[0].shipping == 495


def test_shipping_with_tax_on_top_takes_its_tax_from_the_line_it_refunds() -> None:
    [moved] = movements(told("refund_two_currencies_with_duties"))
    assert (moved.shipping, moved.currency, moved.amount) == (702, "EUR", 3297)


def test_two_transactions_with_one_reference_are_told_apart() -> None:
    raw = read("refund_split_over_gift_card_and_card")
    for row in raw["transactions"]:
        row["authorization"] = "re_shared"
    assert [row.ref for row in movements(told(raw))] == ["32000000000005", "32000000000006"]


def test_units_ride_on_a_transaction_that_did_not_fail() -> None:
    raw = read("refund_split_over_gift_card_and_card")
    raw["transactions"][0]["status"] = "failure"
    assert [bool(row.units) for row in movements(told(raw))] == [False, True]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("refund_without_transaction", "no money has moved"),
        ("transaction_sale", "kind sale"),
        ("tender_sale", "money taken"),
        ("tender_refund_without_reference", "no gateway reference"),
    ],
)
def test_what_moves_no_money_back_is_ignored_with_a_reason(name: str, words: str) -> None:
    found = told(name)
    assert (found.kind, found.events, found.problems) == (Kind.REFUND, (), ())
    assert words in (found.ignored_because or "")


def test_figures_that_do_not_add_up_are_told_and_the_money_still_counts() -> None:
    found = told("refund_that_does_not_balance")
    assert [(p.kind, p.owner, p.subject) for p in found.problems] == [
        ("money_identity_broken", Owner.FINANCE, "61000000000008")
    ]
    assert [row.amount for row in movements(found)] == [999]


@pytest.mark.parametrize("name", [name for name in ALL if name.startswith("refund_") and "balance" not in name])
def test_the_identity_holds_for_every_other_refund(name: str) -> None:
    assert told(name).problems == ()


def test_an_order_tells_its_customer_only_by_a_pseudonym_and_addresses_only_by_whether_they_differ() -> None:
    def order(**changes: object) -> SoldOrder:
        body = {"id": 1, "name": "#1", "currency": "GBP", "taxes_included": True, "line_items": [], **changes}
        found = told(msgspec.json.encode(body), "orders/create").order
        assert found is not None
        return found

    home = {"country_code": "GB", "zip": "LS1 1AA", "address1": "1 Example Street"}
    away = {"country_code": "gb", "zip": "M1 1AA"}
    plain = order(customer={"id": 77, "email": "robin@example.test"}, shipping_address=home, billing_address=home)
    assert plain.customer is not None and plain.address_mismatch is False
    assert plain.customer == order(customer={"id": 77}).customer != order(customer={"id": 78}).customer
    kept = msgspec.json.encode(plain)
    assert b"robin" not in kept and b"LS1" not in kept and b"Example Street" not in kept and b"77" not in kept
    assert order(shipping_address=home, billing_address={**home, "zip": "ls11aa"}).address_mismatch is False
    assert order(shipping_address=home, billing_address=away).address_mismatch is True
    assert order(shipping_address=home).address_mismatch is None
    assert order(customer={"email": "robin@example.test"}).customer is None


def test_a_dispute_is_for_finance() -> None:
    found = told("dispute_opened", "disputes/create")
    assert found.kind is Kind.OTHER
    (moved,) = found.events
    assert isinstance(moved, ChargebackMoved)
    assert (moved.ref, moved.order_ref, moved.amount, moved.status) == ("51", "5500000000001", 3495, "opened")
    assert [(p.kind, p.owner) for p in found.problems] == [("chargeback_opened", Owner.FINANCE)]


@pytest.mark.parametrize(
    ("word", "state"),
    [("won", "won"), ("lost", "lost"), ("accepted", "lost"), ("charge_refunded", "won"), ("under_review", "opened")],
)
def test_a_dispute_takes_its_course_and_a_strange_status_counts_as_open(word: str, state: str) -> None:
    body = {"id": 51, "order_id": 7, "amount": "34.95", "currency": "GBP", "status": word}
    found = told(msgspec.json.encode(body), "disputes/update")
    assert [(e.status, e.key) for e in found.events if isinstance(e, ChargebackMoved)] == [
        (state, f"shopify/dispute/51/{state}")
    ]
    assert bool(found.problems) is (state == "opened")


def test_a_dispute_without_an_amount_is_for_a_person_alone() -> None:
    found = told(b'{"id": 51, "order_id": 7, "status": "needs_response"}', "disputes/create")
    assert found.events == () and len(found.problems) == 1


# --- what is not ours, and what cannot be read


@pytest.mark.parametrize("topic", ["returns/approve", "reverse_fulfillment_orders/dispose", "fulfillments/create"])
def test_topics_told_better_elsewhere_are_ignored_with_a_reason(topic: str) -> None:
    found = told("return_approved", topic)
    assert (found.kind, found.topic, found.problems) == (Kind.OTHER, topic, ())
    assert found.ignored_because


@pytest.mark.parametrize("topic", ["app/uninstalled", None])
def test_what_we_do_not_know_is_said(topic: str | None) -> None:
    found = told(b'{"hello": "there"}', topic)
    assert found.kind is Kind.OTHER
    assert [p.kind for p in found.problems] == ["unknown_topic"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"7",
        b"{",
        b"[" * 5000,
        b'{"id":1,"id":1}',
        b'{"id":NaN}',
        b'{"id":1,"currency":"GBP","line_items":[{"id":1,"quantity":1.5,"price":"1.00"}],"taxes_included":true}',
        b'{"id":1,"currency":"GBP","line_items":[{"id":1,"quantity":1,"price":"free"}],"taxes_included":true}',
        b'{"id":1,"currency":"GBP","line_items":[{"id":1,"quantity":1}],"taxes_included":true}',
        b'{"id":1,"currency":"GBP","line_items":"none","taxes_included":true}',
        b'{"id":1,"line_items":[],"taxes_included":true}',
    ],
)
def test_what_cannot_be_read_is_a_finding_and_never_a_zero(content: bytes) -> None:
    found = told(content, "orders/create")
    assert (found.kind, found.events) == (Kind.UNREADABLE, ())
    assert [(p.kind, p.owner) for p in found.problems] == [("unreadable_delivery", Owner.INTEGRATION)]


@given(st.sampled_from(ALL), st.data())
def test_a_body_cut_anywhere_never_raises(name: str, data: st.DataObject) -> None:
    whole = body(name)
    cut = whole[: data.draw(st.integers(0, len(whole) - 2))].rstrip()
    assert told(cut).kind in (Kind.UNREADABLE, Kind.OTHER)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(ALL), st.data())
def test_a_field_of_any_other_kind_never_raises(name: str, data: st.DataObject) -> None:
    raw = read(name)
    field = data.draw(st.sampled_from(sorted(raw)))
    changed = {**raw, field: data.draw(_JSON)}
    assert told(changed).vendor == "shopify"
    assert told(changed, "refunds/create").vendor == "shopify"
    assert told({"data": {"order": changed}}, status=200).vendor == "shopify"


def test_a_webhook_without_a_signature_says_so() -> None:
    assert told("tender_refund").signature is Signature.ABSENT


# --- API answers


@pytest.mark.parametrize(
    ("name", "status", "result", "retryable", "after_s", "then"),
    [
        ("graphql_throttled", 200, "retry", True, 8.0, "resend"),
        ("graphql_order_missing", 200, "not_found", False, None, "park"),
        ("graphql_access_denied", 200, "rejected", False, None, "park"),
        ("rest_not_found", 404, "not_found", False, None, "park"),
        ("rest_not_found", None, "not_found", False, None, "park"),
        ("rest_invalid_token", 401, "rejected", False, None, "park"),
        ("rest_invalid_token", None, "rejected", False, None, "park"),
        ("rest_not_found", 503, "retry", True, None, "resend"),
        ("rest_not_found", 422, "rejected", False, None, "park"),
    ],
)
def test_refusals_say_what_to_do_next(
    name: str, status: int | None, result: str, retryable: bool, after_s: float | None, then: str
) -> None:
    found = told(name, status=status)
    assert found.kind is Kind.ANSWER
    assert found.answer is not None
    said = found.answer
    assert (said.result, said.retryable, said.after_s, said.then) == (result, retryable, after_s, then)
    assert found.signature is Signature.NOT_SIGNED


def test_a_slow_down_is_obeyed_to_the_second() -> None:
    found = translate(Delivery(body=b'{"errors":"slow"}', headers={"retry-after": "2.5"}, status=429))
    assert found.answer is not None
    assert (found.answer.result, found.answer.after_s) == ("retry", 2.5)


def test_a_page_of_a_gateway_in_trouble_is_retried_though_it_is_not_json() -> None:
    found = told(b"<html>bad gateway</html>", status=502)
    assert found.answer is not None
    assert found.answer.retryable


def test_a_rest_answer_is_read_as_what_it_holds() -> None:
    order, refund = read("order_one_currency_tax_included"), read("refund_with_restocking_fee")
    assert told({"order": order}, status=200).kind is Kind.ORDER
    assert len(told({"orders": [order, order]}, status=200).events) == 2
    assert len(told({"refunds": [refund]}, status=200).refunds) == 1


def test_half_an_order_does_not_pass_for_a_whole_one() -> None:
    raw = read("graphql_order_with_refund")
    raw["data"]["order"]["lineItems"]["pageInfo"]["hasNextPage"] = True
    found = told(raw, status=200)
    assert (found.kind, found.events) == (Kind.UNREADABLE, ())
