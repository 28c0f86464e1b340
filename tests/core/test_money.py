"""Exact money: reading, writing and splitting amounts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.core.money import Money, MoneyError, allocate, exponent, to_minor, to_text, unit_share

CURRENCIES = st.sampled_from(["JPY", "GBP", "EUR", "KWD", "BHD"])


@pytest.mark.parametrize(("currency", "digits"), [("JPY", 0), ("GBP", 2), ("KWD", 3)])
def test_each_currency_has_its_own_digits(currency: str, digits: int) -> None:
    assert exponent(currency) == digits


@pytest.mark.parametrize("code", ["", "gbp", "ZZZ", "XAU", "££"])
def test_a_code_without_minor_units_is_refused(code: str) -> None:
    with pytest.raises(MoneyError):
        exponent(code)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.50", "GBP", 1250),
        ("-0.01", "GBP", -1),
        ("+3", "GBP", 300),
        (".5", "GBP", 50),
        ("12.", "GBP", 1200),
        ("12.5000", "GBP", 1250),
        ("1200", "JPY", 1200),
        ("1200.0", "JPY", 1200),
        ("1.234", "KWD", 1234),
        (Decimal("0.1"), "GBP", 10),
        (7, "GBP", 700),
    ],
)
def test_amounts_are_read_digit_for_digit(text: str | int | Decimal, currency: str, minor: int) -> None:
    assert to_minor(text, currency) == minor


@pytest.mark.parametrize(
    ("value", "currency"),
    [
        ("12.345", "GBP"),
        ("1.5", "JPY"),
        ("1,50", "GBP"),
        ("1e3", "GBP"),
        ("", "GBP"),
        (".", "GBP"),
        ("NaN", "GBP"),
        ("12 50", "GBP"),
        ("\u0661\u0662x", "GBP"),
        (Decimal("Infinity"), "GBP"),
        (True, "GBP"),
        (1.5, "GBP"),
        (None, "GBP"),
    ],
)
def test_what_cannot_be_read_exactly_is_refused(value: object, currency: str) -> None:
    with pytest.raises(MoneyError):
        to_minor(value, currency)  # type: ignore[arg-type]


@given(minor=st.integers(-(10**12), 10**12), currency=CURRENCIES)
def test_text_reads_back_as_the_same_amount(minor: int, currency: str) -> None:
    assert to_minor(to_text(minor, currency), currency) == minor


def test_text_keeps_the_digits_of_the_currency() -> None:
    assert [to_text(-5, "GBP"), to_text(5, "JPY"), to_text(0, "KWD")] == ["-0.05", "5", "0.000"]


def test_two_currencies_are_never_mixed() -> None:
    with pytest.raises(MoneyError):
        Money(1, "GBP") + Money(1, "EUR")


def test_money_adds_subtracts_and_writes_itself() -> None:
    total = Money.parse("10.00", "GBP") + Money(5, "GBP") - Money(105, "GBP")
    assert (str(total), str(-total)) == ("9.00 GBP", "-9.00 GBP")


@given(total=st.integers(-(10**9), 10**9), weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=12))
def test_the_parts_of_a_split_sum_to_the_whole(total: int, weights: list[int]) -> None:
    assert sum(allocate(total, weights)) == total


@given(total=st.integers(0, 10**9), weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any))
def test_every_part_is_its_exact_share_rounded_up_or_down(total: int, weights: list[int]) -> None:
    whole = sum(weights)
    for part, weight in zip(allocate(total, weights), weights, strict=True):
        assert total * weight // whole <= part <= -(-total * weight // whole)


def test_leftover_units_go_to_the_largest_fraction_and_ties_to_the_first() -> None:
    assert allocate(4, [1, 1, 1]) == [2, 1, 1]
    assert allocate(10, [1, 2]) == [3, 7]


def test_a_split_over_nothing_is_refused_unless_there_is_nothing_to_split() -> None:
    assert allocate(0, []) == []
    with pytest.raises(ValueError, match="over nothing"):
        allocate(1, [])


@given(amount=st.integers(-(10**6), 10**6), quantity=st.integers(1, 50))
def test_unit_shares_sum_to_the_amount_and_never_grow(amount: int, quantity: int) -> None:
    shares = [unit_share(amount, quantity, unit) for unit in range(1, quantity + 1)]
    assert sum(shares) == amount
    sizes = [abs(share) for share in shares]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] - sizes[-1] <= 1


@pytest.mark.parametrize("unit", [0, 4])
def test_a_unit_that_was_not_sold_has_no_share(unit: int) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        unit_share(10, 3, unit)
