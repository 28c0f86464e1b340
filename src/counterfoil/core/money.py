"""Exact money: integers of minor units, ISO 4217 exponents, one way to split an amount.

Floats have no place here. Decimals appear only at the edges, when text is read or written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from functools import cache

import msgspec
from iso4217 import Currency

_NUMBER = re.compile(r"[+-]?\d{1,24}(\.\d{0,12})?|[+-]?\.\d{1,12}", re.ASCII)


class MoneyError(ValueError):
    """An amount or a currency that cannot be read exactly; the message says which and why."""


@cache
def exponent(currency: str) -> int:
    """Number of decimal digits of a currency by ISO 4217 (JPY 0, GBP 2, KWD 3).

    Raises MoneyError for a code ISO does not know or that has no minor unit.
    """
    try:
        digits = Currency(currency).exponent
    except ValueError:
        raise MoneyError(f"{currency!r} is not an ISO 4217 currency code") from None
    if digits is None:
        raise MoneyError(f"{currency} has no minor unit in ISO 4217")
    return int(digits)


def to_minor(value: str | int | Decimal, currency: str) -> int:
    """Read an amount in major units exactly: `to_minor("12.50", "GBP") == 1250`.

    Text may carry a sign and a decimal point, nothing else. Digits beyond the currency's own are refused
    unless they are zeros: a value that cannot be read never becomes zero and is never rounded.
    """
    digits = exponent(currency)
    sign, figures, power = _decimal(value).as_tuple()
    assert isinstance(power, int), "only finite amounts come through"
    shift = power + digits  # integers all the way: Decimal arithmetic would round to its context
    whole = int("".join(map(str, figures)) or "0")
    if shift >= 0:
        whole *= 10**shift
    else:
        whole, rest = divmod(whole, 10**-shift)
        if rest:
            raise MoneyError(f"{value} has more decimals than {currency} allows ({digits})")
    return int(-whole if sign else whole)


def _decimal(value: str | int | Decimal) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise MoneyError(f"{value!r} is not an amount")
    if isinstance(value, str):
        text = value.strip()
        if not _NUMBER.fullmatch(text):
            raise MoneyError(f"{value!r} is not a decimal amount")
        value = text
    try:
        amount = Decimal(value)
    except InvalidOperation:  # pragma: no cover - the pattern above leaves nothing for this
        raise MoneyError(f"{value!r} is not a decimal amount") from None
    if not amount.is_finite() or abs(amount.adjusted()) > 24 or len(amount.as_tuple().digits) > 40:
        raise MoneyError(f"{value!r} is not a usable amount")
    return amount


def to_text(minor: int, currency: str) -> str:
    """Write minor units as a decimal string with the currency's own digits: `to_text(1250, "GBP") == "12.50"`."""
    digits = exponent(currency)
    if digits == 0:
        return str(minor)
    sign = "-" if minor < 0 else ""
    whole, part = divmod(abs(minor), 10**digits)
    return f"{sign}{whole}.{part:0{digits}d}"


class Money(msgspec.Struct, frozen=True, order=False):
    """An amount of one currency, in its minor units. Adding two currencies is an error, not a conversion."""

    minor: int
    currency: str

    @classmethod
    def parse(cls, value: str | int | Decimal, currency: str) -> Money:
        """Read an amount in major units; see `to_minor` for what is refused."""
        return cls(to_minor(value, currency), currency)

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise MoneyError(f"cannot mix {self.currency} and {other.currency}")
        return other

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other).minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    @property
    def text(self) -> str:
        """The amount alone, as a decimal string."""
        return to_text(self.minor, self.currency)

    def __str__(self) -> str:
        return f"{self.text} {self.currency}"


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Split an integer by weights so that the parts sum to it exactly (ATTR-1 rule 3).

    Each part is the floor of its share; the units left over go to the largest fractional parts, ties to the
    first. Negative totals mirror positive ones. Weights must not be negative; all zero counts as all equal.
    """
    if not weights:
        if total:
            raise ValueError(f"cannot allocate {total} over nothing")
        return []
    if min(weights) < 0:
        raise ValueError("weights must not be negative")
    if total < 0:
        return [-part for part in allocate(-total, weights)]
    weights = weights if any(weights) else [1] * len(weights)
    whole = sum(weights)
    shares = [divmod(total * weight, whole) for weight in weights]
    parts = [floor for floor, _ in shares]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-shares[i][1], i))
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return parts


def unit_share(amount: int, quantity: int, unit: int) -> int:
    """What unit number `unit` (1-based) of `quantity` carries of `amount` (ATTR-1 rule 4).

    Units 1…r carry one minor unit more than the rest, where r is what does not divide evenly.
    """
    if not 1 <= unit <= quantity:
        raise ValueError(f"unit {unit} of {quantity} does not exist")
    if amount < 0:
        return -unit_share(-amount, quantity, unit)
    base, rest = divmod(amount, quantity)
    return base + 1 if unit <= rest else base
