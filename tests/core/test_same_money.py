"""One movement of money, told by portal, shop and gateway in any order, counts once; two movements count twice."""

from __future__ import annotations

import itertools

import pytest
from msgspec.structs import replace

from counterfoil.core.case import ReturnCase
from counterfoil.core.events import OutsideFact, RefundMoved, RefundReported, RefundState
from counterfoil.core.evolve import evolve, new_case
from counterfoil.core.same_money import awaited_by
from counterfoil.testing.builders import portal_return, refund_moved, refund_reported

SHOP = replace(refund_moved("880001", 2550), ref="tx-1", gateway="shopify_payments", payment_ref="parent-1")
STRIPE = RefundMoved(
    key="stripe/re_1/confirmed",
    occurred_at="2026-11-02T08:00:05Z",
    source="stripe",
    ref="re_1",
    order_ref="9001",
    amount=2550,
    currency="GBP",
    status=RefundState.CONFIRMED,
    payment_ref="pi_1",
    gateway="stripe",
)
REPORT = replace(refund_reported("R1", "880001", 2550), gateway=None)
FAILED = replace(STRIPE, key="stripe/re_1/failed", status=RefundState.FAILED)


def after(*facts: OutsideFact) -> ReturnCase:
    case = new_case("acme", portal_return())
    for fact in facts:
        case = evolve(case, fact)
    return case


def other(fact: RefundMoved, number: int, **changes: object) -> RefundMoved:
    names = {"key": f"{fact.key}/{number}", "ref": f"{fact.ref}/{number}"}
    more = {"refund_ref": f"{fact.refund_ref}{number}"} if fact.refund_ref else {}
    return replace(fact, **{**names, **more, **changes})


@pytest.mark.parametrize("order", list(itertools.permutations([SHOP, STRIPE, REPORT])))
def test_portal_shop_and_gateway_tell_of_one_movement_in_any_order(order: tuple[OutsideFact, ...]) -> None:
    case = after(*order)
    assert (len(case.refunds), case.money_out) == (1, 2550)
    [refund] = case.refunds
    assert (refund.ref, refund.also, refund.refund_ref) == ("re_1", ("tx-1",), "880001")
    assert refund.told_by == ("acme-shop", "stripe")
    assert (refund.gateway, refund.payment_ref) == ("shopify_payments", "parent-1")
    assert case.refunds == after(SHOP, STRIPE, REPORT).refunds


def test_every_telling_taken_in_twice_still_counts_once() -> None:
    assert after(SHOP, STRIPE, REPORT, SHOP, STRIPE, REPORT).money_out == 2550


def test_a_gateways_own_number_quoted_by_the_shop_joins_them_at_once() -> None:
    case = after(replace(SHOP, ref="re_1"), replace(STRIPE, amount=2550))
    assert [(refund.ref, refund.also) for refund in case.refunds] == [("re_1", ())]


def test_two_equal_refunds_of_one_order_are_two_movements_by_either_source() -> None:
    tellings = [SHOP, other(SHOP, 2), STRIPE, other(STRIPE, 2)]
    for order in itertools.permutations(tellings):
        case = after(*order)
        assert (len(case.refunds), case.money_out) == (2, 5100), [fact.key for fact in order]


@pytest.mark.parametrize("changes", [{"amount": 2551}, {"currency": "EUR"}])
def test_another_amount_or_currency_is_another_movement(changes: dict[str, object]) -> None:
    assert len(after(SHOP, replace(STRIPE, **changes)).refunds) == 2


def test_store_credit_is_never_the_gateways_money() -> None:
    credit = replace(SHOP, gateway="gift_card")
    assert [refund.store_credit for refund in after(credit, STRIPE).refunds] == [True, False]


def test_of_two_equal_movements_the_one_on_the_gateways_name_is_joined() -> None:
    paypal = replace(SHOP, key="p", ref="tx-0", refund_ref="880000", gateway="paypal")
    stripe = replace(SHOP, gateway="stripe (cards)")
    joined = [refund.refund_ref for refund in after(paypal, stripe, STRIPE).refunds if refund.told_by]
    assert joined == ["880001"]


def test_a_failure_the_gateway_tells_takes_the_joined_movement_back() -> None:
    for order in itertools.permutations([SHOP, STRIPE, FAILED]):
        case = after(*order)
        assert (len(case.refunds), case.money_out) == (1, 0)


def test_a_provisional_telling_does_not_weaken_what_the_shop_confirmed() -> None:
    adyen = replace(STRIPE, source="adyen", gateway="adyen", status=RefundState.PROVISIONAL)
    for order in ((SHOP, adyen), (adyen, SHOP)):
        [refund] = after(*order).refunds
        assert refund.status is RefundState.CONFIRMED


def test_a_provisional_telling_alone_is_no_money_out() -> None:
    assert after(REPORT, replace(STRIPE, status=RefundState.PROVISIONAL)).money_out == 0


def test_a_report_the_gateway_alone_confirms_is_money_out() -> None:
    assert after(REPORT, STRIPE).money_out == 2550


@pytest.mark.parametrize(
    ("changes", "awaited"),
    [
        ({}, True),
        ({"order_ref": "#1001"}, True),
        ({"order_ref": "1001"}, True),
        ({"order_ref": None}, False),
        ({"order_ref": None, "payment_ref": "parent-1"}, True),
        ({"order_ref": "9002"}, False),
        ({"amount": 2549}, False),
        ({"refund_ref": "990009"}, False),
    ],
)
def test_a_gateways_refund_belongs_where_the_same_money_of_the_same_order_is_known(
    changes: dict[str, object], awaited: bool
) -> None:
    assert awaited_by(after(SHOP), replace(STRIPE, **changes)) is awaited


def test_once_it_is_joined_the_same_source_tells_another_movement() -> None:
    assert awaited_by(after(SHOP, STRIPE), other(STRIPE, 2)) is False


def test_a_report_of_the_portal_is_reported_until_somebody_who_knows_confirms_it() -> None:
    assert isinstance(REPORT, RefundReported)
    assert after(REPORT).money_out == 0
