"""Loop's own arithmetic: integers of minor units, split per unit, larger pieces first (Loop sheet §1.6, §8)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

_DIGITS = {"JPY": 0, "KRW": 0, "VND": 0, "BHD": 3, "KWD": 3, "OMR": 3, "TND": 3}  # all others: 2


def minor_of(value: Any, currency: str) -> int:
    """Minor units of a decimal text. Raises ValueError for floats, words and digits the currency does not have."""
    if isinstance(value, float | bool):
        raise ValueError(f"{value!r} must be written as text")
    try:
        scaled = Decimal(str(value)).scaleb(_DIGITS.get(currency, 2))
    except InvalidOperation:
        raise ValueError(f"{value!r} is not an amount") from None
    if not scaled.is_finite() or scaled % 1:
        raise ValueError(f"{value!r} is not an amount of {currency}")
    return int(scaled)


def text_of(amount: int, currency: str) -> str:
    """Major units with the currency's digits."""
    return str(Decimal(amount).scaleb(-_DIGITS.get(currency, 2)))


def of_unit(amount: int, quantity: int, unit: int) -> int:
    """The piece of an amount that the n-th of `quantity` units carries (n from 1)."""
    piece, left_over = divmod(amount, quantity)
    return piece + 1 if unit <= left_over else piece


def divide(total: int, weights: Sequence[int]) -> list[int]:
    """Pieces in proportion to the weights that sum to the total; left-over units go to the largest remainders."""
    whole = sum(weights)
    if not whole:
        return [total, *[0] * (len(weights) - 1)] if weights else []
    pieces = [total * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (pieces[i] * whole - total * weights[i], i))
    for i in order[: total - sum(pieces)]:
        pieces[i] += 1
    return pieces


def proportion(amount: int, numerator: int, denominator: int) -> int:
    """`amount * numerator / denominator`, rounded half up; 0 when there is nothing to be a proportion of."""
    return (2 * amount * numerator + denominator) // (2 * denominator) if denominator else 0
