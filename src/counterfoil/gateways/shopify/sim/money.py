"""Amounts of the simulated shop: integers of minor units inside, decimal text at the edges (shop sheet §8)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

EXPONENTS = {"JPY": 0, "KRW": 0, "VND": 0, "BHD": 3, "KWD": 3, "OMR": 3, "TND": 3}  # every other currency: 2


class BadAmount(ValueError):
    """An amount is not a decimal number of the currency's own precision."""


def exponent(currency: str) -> int:
    """Digits after the point in this currency (ISO 4217)."""
    return EXPONENTS.get(currency, 2)


def to_minor(value: Any, currency: str) -> int:
    """Minor units of a decimal text (or an integer of major units). Raises BadAmount, never rounds."""
    if isinstance(value, bool | float):
        raise BadAmount(f"an amount must be written as text, not {value!r}")
    try:
        scaled = Decimal(str(value)).scaleb(exponent(currency))
    except InvalidOperation:
        raise BadAmount(f"{value!r} is not an amount") from None
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        raise BadAmount(f"{value!r} has more digits than {currency} has")
    return int(scaled)


def to_text(minor: int, currency: str) -> str:
    """Decimal text with the currency's own number of digits."""
    return str(Decimal(minor).scaleb(-exponent(currency)))


def unit_share(amount: int, quantity: int, first: int, count: int) -> int:
    """What units `first` (1-based) to `first + count - 1` of `quantity` carry of an amount.

    The first `amount mod quantity` units carry one minor unit more than the rest (ATTR-1 rule 4).
    """
    base, larger = divmod(amount, quantity)
    last = first + count - 1
    return base * count + max(0, min(last, larger) - first + 1)


def round_half_up(numerator: int, denominator: int) -> int:
    """The quotient rounded half away from zero."""
    sign = -1 if (numerator < 0) != (denominator < 0) else 1
    numerator, denominator = abs(numerator), abs(denominator)
    return sign * ((2 * numerator + denominator) // (2 * denominator))


def share_out(total: int, weights: Sequence[int]) -> list[int]:
    """Parts of `total` in proportion to the weights, by largest remainder, ties to the first. They sum to `total`."""
    whole = sum(weights)
    if whole == 0:
        return [0 for _ in weights]
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for index in by_remainder[: total - sum(parts)]:
        parts[index] += 1
    return parts
