"""Adyen's minor units, which are ISO 4217's for all but four currencies (NOTES 2026-11).

ISO and Adyen agree on JPY (0), GBP (2) and KWD (3). Adyen writes CLP and ISK, which have no minor unit, with two
digits, and CVE and IDR, which have two in ISO, with none.
"""

from __future__ import annotations

from counterfoil.adapterkit import minor
from counterfoil.adapterkit.parse import Fields, UnreadableError

UNLIKE_ISO = {"CLP": 2, "ISK": 2, "CVE": 0, "IDR": 0}


def iso_minor(amount: int, currency: str) -> int:
    """An amount in Adyen's minor units, in ISO's. Raises UnreadableError rather than round."""
    return minor.iso_minor(amount, currency, UNLIKE_ISO)


def money(item: Fields) -> tuple[int, str]:
    """The amount of an item in ISO minor units, and its currency. Money that is missing is never zero."""
    amount = item.child("amount")
    if amount is None:
        raise UnreadableError(f"{item.where('amount')} is missing")
    value, currency = amount.raw("value"), amount.need("currency").upper()
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise UnreadableError(f"{amount.where('value')} is {value!r} where a whole number is due")
    return iso_minor(value, currency), currency
