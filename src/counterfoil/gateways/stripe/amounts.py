"""Stripe's smallest units, which are ISO 4217's minor units for all but three currencies (NOTES 2026-11).

ISO and Stripe agree on JPY (0), GBP (2) and KWD (3). Stripe writes ISK and UGX, which have no minor unit, with two
digits that are always 00, and MGA, which has two digits in ISO, with none.
"""

from __future__ import annotations

from counterfoil.adapterkit import minor

UNLIKE_ISO = {"ISK": 2, "UGX": 2, "MGA": 0}


def iso_minor(amount: int, currency: str) -> int:
    """An amount in Stripe's smallest unit, in ISO minor units. Raises UnreadableError rather than round.

    For KWD and its like Stripe wants the last digit to be 0; we do not insist, and read whatever it says.
    """
    return minor.iso_minor(amount, currency, UNLIKE_ISO)
