"""Refunds of one order, priced and held against the money (ATTR-1, shop sheet §8)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.core.credit.attribution import AttributionError, Outcome
from counterfoil.core.credit.pricing import Books, MoneyRow, Pair, PricedOrder, RefundRecord, price_order
from counterfoil.core.credit.statement import statement
from counterfoil.core.events import RefundedUnits
from counterfoil.core.orders import SoldLine, SoldOrder, SoldShipping


def order(currency: str = "GBP", *, factor: int = 1, included: bool = True) -> SoldOrder:
    """Three tees for 10.00 in all, one mug for 20.00, shipping 4.95."""
    return SoldOrder(
        order_ref="1",
        name="#1001",
        currency=currency,
        taxes_included=included,
        lines=(
            SoldLine(line_ref="A", sku="TEE", quantity=3, gross=1200 * factor, discount=200 * factor, taxes=(167,)),
            SoldLine(line_ref="B", sku="MUG", quantity=1, gross=2000 * factor, taxes=(333,)),
        ),
        shipping=(SoldShipping(ref="S", price=495, tax=83),),
    )


BOOKS = Books(shop=order(), presentment=order())


def refund(ref: str, at: str = "01", **more: object) -> RefundRecord:
    """A refund made on that day of the month."""
    return RefundRecord(ref=ref, order_ref="1", created_at=f"2026-03-{at}T00:00:00Z", **more)  # type: ignore[arg-type]


def units(ref: str, quantity: int) -> tuple[RefundedUnits, ...]:
    return (RefundedUnits(order_line_ref=ref, quantity=quantity),)


def paid(amount: int, ref: str = "T", gateway: str = "card", succeeded: bool = True) -> tuple[MoneyRow, ...]:
    return (MoneyRow(ref=ref, gateway=gateway, amount=amount, succeeded=succeeded),)


def outcomes(*records: RefundRecord, books: Books = BOOKS) -> list[tuple[str, Outcome]]:
    return [(row.record.ref, row.outcome) for row in price_order(books, records).refunds]


def test_a_refund_of_what_the_units_are_worth_matches() -> None:
    assert outcomes(refund("1", units=units("A", 1), money=paid(334))) == [("1", Outcome.MATCH)]


def test_units_are_taken_in_order_across_refunds() -> None:
    priced = price_order(BOOKS, [refund("1", units=units("A", 1)), refund("2", "02", units=units("A", 2))])
    taken = [(row.lines[0].first, row.lines[0].last, row.attributable.shop) for row in priced.refunds]
    assert taken == [(1, 1, 334), (2, 3, 666)]


def test_refunds_are_taken_by_creation_then_id_whatever_order_they_come_in() -> None:
    records = [refund("10", "02", units=units("A", 1)), refund("9", "02", units=units("A", 1)), refund("11", "01")]
    assert [ref for ref, _ in outcomes(*records)] == ["11", "9", "10"]


def test_a_cent_is_tolerated_while_a_line_is_refunded_in_part_and_not_after() -> None:
    first = refund("1", units=units("A", 1), money=paid(333, "T1"))
    rest = refund("2", "02", units=units("A", 2), money=paid(666, "T2"))
    assert outcomes(first, rest) == [("1", Outcome.MATCH_WITHIN_TOLERANCE), ("2", Outcome.UNDER_REFUND)]


def test_a_restocking_fee_is_an_under_refund_and_a_gift_an_over_refund() -> None:
    less = refund("1", units=units("B", 1), money=paid(1500))
    more = refund("1", units=units("B", 1), money=paid(2500))
    assert outcomes(less) == [("1", Outcome.UNDER_REFUND)]
    assert outcomes(more) == [("1", Outcome.OVER_REFUND)]


def test_money_without_goods_is_unattributed() -> None:
    assert outcomes(refund("1", money=paid(200))) == [("1", Outcome.UNATTRIBUTED)]


def test_a_refund_without_money_takes_its_units_all_the_same() -> None:
    first = refund("1", units=units("A", 2))
    second = refund("2", "02", units=units("A", 1), money=paid(333))
    priced = price_order(BOOKS, [first, second])
    assert priced.refunds[0].outcome is Outcome.NO_MONEY
    assert (priced.refunds[1].lines[0].first, priced.refunds[1].outcome) == (3, Outcome.UNDER_REFUND)


def test_the_late_payment_of_a_refund_without_money_is_a_match() -> None:
    late = refund("T9", "03", money=paid(334, "T9"), paid_alone=True)
    assert outcomes(refund("1", units=units("A", 1)), late) == [("1", Outcome.NO_MONEY), ("T9", Outcome.MATCH)]


def test_a_late_payment_is_counted_after_its_refund_even_when_its_clock_is_behind() -> None:
    late = refund("5", "01", money=paid(334, "5"), paid_alone=True)
    waiting = refund("7", "02", units=units("A", 1), money=paid(334, "5", succeeded=False))
    assert outcomes(late, waiting) == [("7", Outcome.NO_MONEY), ("5", Outcome.MATCH)]


def test_a_free_refund_without_money_matches() -> None:
    free = SoldOrder(
        order_ref="1",
        name="#1",
        currency="GBP",
        taxes_included=True,
        lines=(SoldLine(line_ref="A", sku="GIFT", quantity=1, gross=500, discount=500),),
    )
    assert outcomes(refund("1", units=units("A", 1)), books=Books(shop=free, presentment=free)) == [
        ("1", Outcome.MATCH)
    ]


def test_more_units_than_remain_are_cut_to_those_that_remain() -> None:
    priced = price_order(BOOKS, [refund("1", units=units("A", 2)), refund("2", "02", units=units("A", 3))])
    cut = priced.refunds[1]
    assert cut.outcome is Outcome.QUANTITY_EXCEEDED
    assert (cut.lines[0].quantity, cut.lines[0].asked, cut.attributable.shop) == (1, 3, 333)


def test_a_line_the_order_does_not_have_exceeds_the_quantity_and_is_worth_nothing() -> None:
    priced = price_order(BOOKS, [refund("1", units=units("Z", 1), money=paid(500))])
    assert (priced.refunds[0].outcome, priced.refunds[0].attributable.shop) == (Outcome.QUANTITY_EXCEEDED, 0)


def test_shipping_is_worth_something_only_when_the_refund_says_so() -> None:
    with_it = refund("1", units=units("A", 1), shipping=Pair(495, 495), money=paid(829))
    assert outcomes(with_it) == [("1", Outcome.MATCH)]
    assert price_order(BOOKS, [with_it]).refunds[0].shipping_tax == Pair(83, 83)


def test_shipping_beyond_its_price_is_capped_over_all_refunds() -> None:
    priced = price_order(
        BOOKS, [refund("1", shipping=Pair(400, 400)), refund("2", "02", shipping=Pair(400, 400), money=paid(800))]
    )
    assert [row.shipping for row in priced.refunds] == [Pair(400, 400), Pair(95, 95)]
    assert [row.shipping_tax.shop for row in priced.refunds] == [67, 16]
    assert priced.refunds[1].outcome is Outcome.OVER_REFUND


def test_duties_count_at_the_listed_amount() -> None:
    assert outcomes(refund("1", duties=Pair(200, 200), money=paid(200))) == [("1", Outcome.MATCH)]


def test_the_same_refund_twice_counts_once_and_says_so() -> None:
    twice = refund("1", units=units("A", 1), money=paid(334))
    priced = price_order(BOOKS, [twice, twice])
    assert [row.outcome for row in priced.refunds] == [Outcome.MATCH]
    assert any("more than once" in step for step in priced.explanation)


def test_of_two_versions_of_a_refund_the_one_that_was_paid_counts() -> None:
    before = refund("1", units=units("A", 1), money=paid(334, succeeded=False))
    after = refund("1", units=units("A", 1), money=paid(334))
    assert outcomes(before, after) == outcomes(after, before) == [("1", Outcome.MATCH)]


def test_a_transaction_already_paid_with_its_refund_is_not_counted_again() -> None:
    again = refund("T", "02", money=paid(334, "T"), paid_alone=True)
    assert outcomes(refund("1", units=units("A", 1), money=paid(334, "T")), again) == [("1", Outcome.MATCH)]


def test_a_payment_that_failed_is_no_entry() -> None:
    failed = refund("T", "02", money=paid(334, "T", succeeded=False), paid_alone=True)
    assert outcomes(refund("1", units=units("A", 1)), failed) == [("1", Outcome.NO_MONEY)]


def test_money_is_split_per_gateway_without_changing_the_value() -> None:
    money = (*paid(1200, "T1", "card"), *paid(800, "T2", "gift_card"), *paid(5, "T3", "card", succeeded=False))
    row = price_order(BOOKS, [refund("1", units=units("B", 1), money=money)]).refunds[0]
    assert (row.by_gateway, row.money, row.outcome) == ({"card": 1200, "gift_card": 800}, 2000, Outcome.MATCH)


def test_a_refund_of_another_order_is_refused() -> None:
    with pytest.raises(AttributionError, match="belongs to order 2"):
        price_order(BOOKS, [RefundRecord(ref="1", order_ref="2", created_at=None)])


def test_both_books_are_worked_out_by_themselves() -> None:
    books = Books(shop=order(), presentment=order("EUR", factor=2))
    row = price_order(books, [refund("1", units=units("A", 1), money=paid(667))]).refunds[0]
    assert (row.attributable, row.outcome) == (Pair(334, 667), Outcome.MATCH)


def test_the_statement_has_the_published_fields_and_text_amounts() -> None:
    priced = price_order(BOOKS, [refund("1", units=units("A", 1), shipping=Pair(495, 495), money=paid(829))])
    row = statement(priced)["refunds"][0]
    assert row["lines"]["shop"][0] == {
        "line_item_id": "A",
        "sku": "TEE",
        "quantity": 1,
        "quantity_refunded": 1,
        "units": [1, 1],
        "gross": "3.34",
        "tax": "0.56",
        "tax_lines": ["0.56"],
        "net_ex_tax": "2.78",
    }
    assert row["shipping"] == {
        "shop": {"gross": "4.95", "tax": "0.83"},
        "presentment": {"gross": "4.95", "tax": "0.83"},
    }
    assert row["running"] == {
        "attributable": "8.29",
        "money": "8.29",
        "difference": "0.00",
        "tolerance_minor_units": 1,
    }


@st.composite
def histories(draw: st.DrawFn) -> list[RefundRecord]:
    """Up to six refunds of anything, some asking for more than there is."""
    made = []
    for i in range(draw(st.integers(0, 6))):
        taken = draw(st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 3)), max_size=3))
        amount = draw(st.integers(0, 900))
        made.append(
            refund(
                str(i),
                f"{draw(st.integers(1, 9)):02}",
                units=tuple(RefundedUnits(order_line_ref=ref, quantity=count) for ref, count in taken),
                shipping=draw(st.sampled_from([None, Pair(amount, amount)])),
                money=paid(draw(st.integers(0, 3000)), f"T{i}", succeeded=draw(st.booleans())),
            )
        )
    return made


def totals(priced: PricedOrder) -> tuple[int, int]:
    return sum(row.attributable.presentment for row in priced.refunds), sum(row.money for row in priced.refunds)


@given(histories())
def test_no_history_of_refunds_is_worth_more_than_the_order(records: list[RefundRecord]) -> None:
    worth, _ = totals(price_order(BOOKS, records))
    assert worth <= 1000 + 2000 + 495


@given(histories())
def test_running_totals_are_the_sums_of_what_went_before(records: list[RefundRecord]) -> None:
    priced = price_order(BOOKS, records)
    worth = money = 0
    for row in priced.refunds:
        worth, money = worth + row.attributable.presentment, money + row.money
        assert (row.running_attributable, row.running_money) == (worth, money)


@given(histories(), st.randoms(use_true_random=False))
def test_the_order_in_which_refunds_are_given_changes_nothing(records: list[RefundRecord], random: object) -> None:
    shuffled = list(records)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert price_order(BOOKS, shuffled) == price_order(BOOKS, records)


@given(histories())
def test_refunding_the_rest_makes_the_goods_whole(records: list[RefundRecord]) -> None:
    rest = refund("99", "28", units=(*units("A", 3), *units("B", 1)), shipping=Pair(10_000, 10_000))
    worth, _ = totals(price_order(BOOKS, [*records, rest]))
    assert worth == 1000 + 2000 + 495
