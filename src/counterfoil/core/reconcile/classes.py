"""What a record is when it is not plainly matched, and the first reason that explains a difference exactly (§3)."""

from __future__ import annotations

from typing import Literal

Class = Literal["variance", "missing_right", "missing_left", "duplicate", "timing", "in_transit"]
Reason = Literal["tax_rounding", "shipping", "discount", "fx", "other", "qty"]

CLASSES: tuple[Class, ...] = ("variance", "missing_right", "missing_left", "duplicate", "timing", "in_transit")
REASONS: tuple[Reason, ...] = ("tax_rounding", "shipping", "discount", "fx", "other", "qty")
BUCKETS = ("0-7", "8-30", "31-60", "61+")

TAX_ROUNDING_MINOR_MAX = 2  # per document
FX_BAND_PERMILLE = 25  # a rate of another day stays within this; more is another cause


def reason_for(
    variance: int, *, left: int, shipping: int, discount: int, crossed: bool, money: bool = True
) -> Reason | None:
    """The reason of a variance (right minus left, minor units of the compared currency), or None when there is none.

    Shipping and discount explain a difference of exactly their amount in either direction: left out, or counted
    twice. Across currencies each converted part may round by one. The engine says the same in SQL; a test holds the
    two together.
    """
    if variance == 0:
        return None
    if not money:
        return "qty"
    if abs(variance) <= TAX_ROUNDING_MINOR_MAX:
        return "tax_rounding"
    slack = 1 if crossed else 0
    if shipping and abs(abs(variance) - shipping) <= slack:
        return "shipping"
    if discount and abs(abs(variance) - discount) <= slack:
        return "discount"
    if crossed and abs(variance) * 1000 <= abs(left) * FX_BAND_PERMILLE:
        return "fx"
    return "other"


def bucket(age_days: int) -> str:
    """The age bucket of matching.md §6."""
    for days, name in ((7, "0-7"), (30, "8-30"), (60, "31-60")):
        if age_days <= days:
            return name
    return "61+"
