"""What returned units and refunded shipping are worth (ATTR-1, shop sheet §8)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.core.credit.attribution import (
    AttributionError,
    Outcome,
    compare,
    shipping_value,
    shipping_worth,
    spread_order_discount,
    tolerance,
    unit_values,
)
from counterfoil.core.money import unit_share
from counterfoil.core.orders import SoldLine, SoldOrder, SoldShipping


def sold(*lines: SoldLine, included: bool = True, currency: str = "GBP", **more: object) -> SoldOrder:
    """An order with these lines."""
    return SoldOrder(
        order_ref="1",
        name="#1001",
        currency=currency,
        taxes_included=included,
        lines=lines,
        **more,  # type: ignore[arg-type]
    )


def line(ref: str = "A", quantity: int = 3, gross: int = 1200, discount: int = 200, *taxes: int) -> SoldLine:
    """A line, by default the worked example of the sheet: three units, net 10.00."""
    return SoldLine(line_ref=ref, sku=f"SKU-{ref}", quantity=quantity, gross=gross, discount=discount, taxes=taxes)


@st.composite
def orders(draw: st.DrawFn) -> SoldOrder:
    """Any order: few or many units, free lines, several taxes, with tax inside or on top."""
    lines = []
    for i in range(draw(st.integers(1, 4))):
        gross = draw(st.integers(0, 50_000))
        discount = draw(st.integers(0, gross))
        taxes = draw(st.lists(st.integers(0, (gross - discount) // 3), max_size=3))
        lines.append(line(str(i), draw(st.integers(1, 9)), gross, discount, *taxes))
    price = draw(st.integers(0, 2_000))
    off = draw(st.integers(0, price))
    shipping = SoldShipping(ref="S", price=price, discount=off, tax=draw(st.integers(0, (price - off) // 2)))
    return sold(
        *lines,
        included=draw(st.booleans()),
        currency=draw(st.sampled_from(["GBP", "JPY", "KWD"])),
        shipping=(shipping,),
    )


# --- goods


def test_the_worked_example_of_the_sheet() -> None:
    order = sold(line("A", 3, 1200, 200, 167))
    units = [unit_values(order, "A", unit, unit) for unit in (1, 2, 3)]
    assert [(unit.gross, unit.tax) for unit in units] == [(334, 56), (333, 56), (333, 55)]


def test_tax_on_top_is_added_to_the_value_and_taken_out_of_the_net() -> None:
    value = unit_values(sold(line("A", 1, 1000, 0, 200, 10), included=False), "A", 1, 1)
    assert (value.net, value.taxes, value.gross, value.net_ex_tax) == (1000, (200, 10), 1210, 1000)


def test_tax_inside_is_part_of_the_value() -> None:
    value = unit_values(sold(line("A", 1, 1200, 0, 200)), "A", 1, 1)
    assert (value.gross, value.tax, value.net_ex_tax) == (1200, 200, 1000)


def test_every_tax_line_is_split_by_itself() -> None:
    order = sold(line("A", 2, 1001, 0, 101, 51), included=False)
    assert [unit_values(order, "A", unit, unit).taxes for unit in (1, 2)] == [(51, 26), (50, 25)]


def test_a_line_discounted_to_zero_is_worth_nothing() -> None:
    value = unit_values(sold(line("A", 4, 2000, 2000)), "A", 1, 3)
    assert (value.gross, value.tax) == (0, 0)


def test_no_units_are_worth_nothing_and_say_so() -> None:
    value = unit_values(sold(line()), "A", 4, 3)
    assert (value.quantity, value.gross) == (0, 0)
    assert "no units are left" in value.steps[0]


@pytest.mark.parametrize(("first", "last"), [(0, 1), (2, 4), (4, 4), (3, 1)])
def test_units_that_were_not_sold_are_refused(first: int, last: int) -> None:
    with pytest.raises(AttributionError, match="3 units"):
        unit_values(sold(line()), "A", first, last)


def test_a_line_the_order_does_not_have_is_refused() -> None:
    with pytest.raises(AttributionError, match="no line B"):
        unit_values(sold(line()), "B", 1, 1)


def test_the_steps_name_the_figures_finance_looks_for() -> None:
    steps = unit_values(sold(line("A", 3, 1200, 200, 167)), "A", 2, 3).steps
    assert steps == (
        "SKU-A: 3 sold at 12.00 less discount 2.00 is 10.00 GBP, tax inside 1.67.",
        "SKU-A: units 2 to 3 carry net 6.66 and tax 1.11, worth 6.66 GBP to the customer.",
    )


@given(orders())
def test_all_units_together_are_the_line(order: SoldOrder) -> None:
    for part in order.lines:
        whole = unit_values(order, part.line_ref, 1, part.quantity)
        assert (whole.net, whole.taxes) == (part.net, part.taxes)
        assert whole.gross == order.line_value(part)


@given(orders(), st.data())
def test_any_sequence_of_partial_refunds_adds_up_to_one_refund(order: SoldOrder, data: st.DataObject) -> None:
    part = data.draw(st.sampled_from(order.lines))
    cuts = data.draw(st.lists(st.integers(0, part.quantity), max_size=4).map(sorted))
    ends = [0, *cuts, part.quantity]
    pieces = [unit_values(order, part.line_ref, first + 1, last) for first, last in pairwise(ends)]
    assert sum(piece.gross for piece in pieces) == order.line_value(part)
    assert sum(piece.tax for piece in pieces) == sum(part.taxes)


@given(orders(), st.data())
def test_a_span_is_the_sum_of_its_unit_shares(order: SoldOrder, data: st.DataObject) -> None:
    part = data.draw(st.sampled_from(order.lines))
    first = data.draw(st.integers(1, part.quantity))
    last = data.draw(st.integers(first, part.quantity))
    shares = [unit_share(part.net, part.quantity, unit) for unit in range(first, last + 1)]
    assert unit_values(order, part.line_ref, first, last).net == sum(shares)


@given(orders(), st.data())
def test_units_are_never_worth_more_than_was_paid_for_the_line(order: SoldOrder, data: st.DataObject) -> None:
    part = data.draw(st.sampled_from(order.lines))
    first = data.draw(st.integers(1, part.quantity))
    last = data.draw(st.integers(first, part.quantity))
    value = unit_values(order, part.line_ref, first, last)
    assert 0 <= value.gross <= order.line_value(part)
    assert value.gross == value.net_ex_tax + value.tax


@given(orders())
def test_the_order_of_the_lines_changes_nothing(order: SoldOrder) -> None:
    turned = sold(*reversed(order.lines), included=order.taxes_included, currency=order.currency)
    for part in order.lines:
        assert unit_values(turned, part.line_ref, 1, 1) == unit_values(order, part.line_ref, 1, 1)


# --- shipping


def posted(price: int = 495, discount: int = 0, tax: int = 83, *, included: bool = True) -> SoldOrder:
    """An order with one shipping charge."""
    return sold(included=included, shipping=(SoldShipping(ref="S", price=price, discount=discount, tax=tax),))


def test_all_of_the_shipping_takes_all_of_its_tax() -> None:
    assert shipping_value(posted(), 495, 0, 0)[:2] == (495, 83)


def test_a_part_takes_its_tax_rounded_half_up_and_the_last_part_what_is_left() -> None:
    assert shipping_value(posted(), 100, 0, 0)[:2] == (100, 17)
    assert shipping_value(posted(), 395, 100, 17)[:2] == (395, 66)
    assert shipping_value(posted(price=4, tax=1), 2, 0, 0)[:2] == (2, 1)


def test_tax_on_top_belongs_to_what_shipping_is_worth() -> None:
    order = posted(600, 100, 100, included=False)
    assert shipping_worth(order) == (600, 100)
    assert shipping_value(order, 300, 0, 0)[:2] == (300, 50)


def test_more_than_remains_is_capped_and_said() -> None:
    value = shipping_value(posted(), 495, 395, 66)
    assert value[:2] == (100, 17)
    assert "only 1.00 GBP remained" in value.steps[0]


def test_nothing_remains_of_shipping_that_was_refunded_whole() -> None:
    assert shipping_value(posted(), 10, 495, 83)[:2] == (0, 0)


@given(orders(), st.lists(st.integers(0, 900), max_size=6))
def test_refunds_of_shipping_never_pass_its_value_or_its_tax(order: SoldOrder, wanted: list[int]) -> None:
    worth, whole_tax = shipping_worth(order)
    gross = tax = 0
    for amount in wanted:
        value = shipping_value(order, amount, gross, tax)
        assert 0 <= value.tax <= value.gross <= amount
        gross, tax = gross + value.gross, tax + value.tax
    assert gross <= worth
    assert tax <= whole_tax
    assert tax == whole_tax or gross < worth or worth == 0


# --- discounts of a whole order


def test_an_order_discount_is_spread_by_what_lines_cost_after_their_own_discounts() -> None:
    lines = [line("A", 1, 1000, 0), line("B", 1, 3000, 1000), line("C", 1, 0, 0)]
    assert [part.discount for part in spread_order_discount(lines, 100)] == [33, 1067, 0]


def test_leftover_minor_units_go_to_the_first_of_equal_lines() -> None:
    lines = [line("A", 1, 500, 0), line("B", 1, 500, 0), line("C", 1, 500, 0)]
    assert [part.discount for part in spread_order_discount(lines, 100)] == [34, 33, 33]


@pytest.mark.parametrize("discount", [-1, 1001])
def test_a_discount_beyond_the_goods_is_refused(discount: int) -> None:
    with pytest.raises(AttributionError):
        spread_order_discount([line("A", 1, 1000, 0)], discount)


def test_a_discount_on_goods_that_cost_nothing_is_refused_unless_it_is_nothing() -> None:
    free = [line("A", 1, 0, 0)]
    assert spread_order_discount(free, 0) == tuple(free)
    with pytest.raises(AttributionError):
        spread_order_discount(free, 1)


@given(orders(), st.data())
def test_a_spread_discount_is_given_in_full_and_makes_no_line_negative(order: SoldOrder, data: st.DataObject) -> None:
    goods = sum(part.net for part in order.lines)
    discount = data.draw(st.integers(0, goods))
    after = spread_order_discount(order.lines, discount)
    assert sum(part.net for part in after) == goods - discount
    assert all(part.net >= 0 for part in after)


# --- outcomes


@pytest.mark.parametrize(
    ("given_", "outcome"),
    [
        ({"exceeded": True, "paid": False}, Outcome.QUANTITY_EXCEEDED),
        ({"paid": False, "money": 0, "difference": -500}, Outcome.NO_MONEY),
        ({"paid": False, "money": 0, "attributable": 0}, Outcome.MATCH),
        ({"paid": False, "money": 0, "attributable": 0, "lists_nothing": True}, Outcome.NO_MONEY),
        ({"lists_nothing": True, "attributable": 0, "difference": 500}, Outcome.UNATTRIBUTED),
        ({"lists_nothing": True, "attributable": 0, "difference": 0}, Outcome.MATCH),
        ({"lists_nothing": True, "attributable": 0, "difference": 1}, Outcome.MATCH_WITHIN_TOLERANCE),
        ({"difference": 0}, Outcome.MATCH),
        ({"difference": -1}, Outcome.MATCH_WITHIN_TOLERANCE),
        ({"difference": -2}, Outcome.UNDER_REFUND),
        ({"difference": 2}, Outcome.OVER_REFUND),
        ({"difference": 1, "tolerated": 0}, Outcome.OVER_REFUND),
    ],
)
def test_the_first_row_of_the_table_that_fits_wins(given_: dict[str, int], outcome: Outcome) -> None:
    usual = {
        "exceeded": False,
        "paid": True,
        "money": 500,
        "attributable": 500,
        "lists_nothing": False,
        "difference": 0,
        "tolerated": 1,
    }
    assert compare(**{**usual, **given_}) is outcome  # type: ignore[arg-type]


def test_only_partly_refunded_lines_are_given_tolerance() -> None:
    order = sold(line("A", 3), line("B", 2), line("C", 1))
    assert tolerance(order, {}) == 0
    assert tolerance(order, {"A": 1, "B": 2}) == 1
    assert tolerance(order, {"A": 2, "B": 1, "C": 1}) == 2
