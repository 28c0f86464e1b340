"""Money as simulators reckon it: integers of minor units, split exactly, written as decimal text or JSON numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from counterfoil.simkit.http import Response

_DIGITS = {"JPY": 0, "KRW": 0, "VND": 0, "BHD": 3, "KWD": 3, "OMR": 3, "TND": 3}  # all others: 2

_PLAIN = json.JSONEncoder(ensure_ascii=False)


def minor_of(value: Any, currency: str) -> int:
    """Minor units of a decimal text. Raises ValueError for floats, words and digits the currency does not have."""
    match value:
        case float() | bool():
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


def number_of(amount: int, currency: str) -> Decimal:
    """Major units as a JSON number carries them: without trailing zeros, whole amounts without a point."""
    value = Decimal(amount).scaleb(-_DIGITS.get(currency, 2)).normalize()
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value


def of_unit(amount: int, quantity: int, unit: int) -> int:
    """The piece of an amount that the n-th of `quantity` units carries (n from 1), larger pieces first."""
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


def encode(value: Any) -> bytes:
    """JSON in one line, UTF-8; a Decimal becomes a number with exactly the digits it has."""
    return _text(value).encode()


def _text(value: Any) -> str:
    match value:
        case Decimal():
            return f"{value:f}"
        case dict():
            return "{" + ",".join(f"{_text(str(key))}:{_text(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ",".join(_text(item) for item in value) + "]"
        case _:
            return _PLAIN.encode(value)


def exact_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with a JSON body whose Decimals are numbers, digit for digit."""
    return Response(status, encode(value), {"content-type": "application/json", **(headers or {})})
