"""Approval means people, kept apart from the gate, which means facts (D4): what is asked, and who answered what.

An approval is bound to its terms. When the amount, the method or the units change, the terms are others and nobody has
agreed to them yet.
"""

from __future__ import annotations

import msgspec


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody agrees to: so much money, in this way, for these units. `amount` is in minor units."""

    amount: int
    currency: str
    method: str  # "original", "store_credit", "both" (R77)
    units: tuple[str, ...] = ()


class Voice(msgspec.Struct, frozen=True, kw_only=True):
    """One person's answer to one approval rule, on terms. `roles` are those the person had at that moment."""

    rule: str
    terms: Terms
    by: str
    roles: tuple[str, ...]
    reason: str
    agreed: bool
    at: str | None = None


class Risk(msgspec.Struct, frozen=True, kw_only=True):
    """What the shell worked out about the customer, without naming them (R86). None is unknown, never "no"."""

    earlier_returns: int | None = None
    address_mismatch: bool | None = None
    tier: str | None = None


def same_person(one: str, other: str) -> bool:
    """Whether two user names are one person's: case and outer blanks do not make another."""
    return one.strip().casefold() == other.strip().casefold()
