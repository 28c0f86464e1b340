"""Smallest units of payment providers, which are ISO 4217's minor units for all but a handful of currencies each."""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil.adapterkit.parse import UnreadableError
from counterfoil.core.money import MoneyError, exponent


def iso_minor(amount: int, currency: str, unlike: Mapping[str, int]) -> int:
    """An amount in a provider's unit as ISO minor units; `unlike` has the provider's digits where they differ.

    Raises UnreadableError rather than round.
    """
    try:
        digits = exponent(currency)
    except MoneyError as error:
        raise UnreadableError(str(error)) from None
    shift = digits - unlike.get(currency, digits)
    if shift >= 0:
        return int(amount * 10**shift)
    whole, rest = divmod(amount, int(10**-shift))
    if rest:
        raise UnreadableError(f"{amount} is not a whole number of {currency}, which has no minor unit")
    return whole
