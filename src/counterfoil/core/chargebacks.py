"""Disputes of a payment: money a bank takes back past every refund, until the dispute is won (R79, R85)."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class ChargebackState(StrEnum):
    """How far a dispute is. While it is open the money is gone; only winning it brings the money back."""

    OPENED = "opened"
    WON = "won"
    LOST = "lost"


class Chargeback(msgspec.Struct, frozen=True, kw_only=True):
    """One dispute as it stands, by its reference at the gateway. `amount` is positive, in minor units."""

    ref: str
    amount: int
    currency: str
    status: ChargebackState
    source: str
    gateway: str | None = None
    at: str | None = None

    @property
    def gone(self) -> bool:
        """Whether the bank has the money, or may take it."""
        return self.status is not ChargebackState.WON


_RANK = {ChargebackState.OPENED: 0, ChargebackState.WON: 1, ChargebackState.LOST: 2}


def later(known: Chargeback, new: Chargeback) -> Chargeback:
    """Which of two tellings of one dispute stands, whatever order they came in.

    An end outweighs the opening, a later end an earlier one, and of two ends at one moment the loss.
    """

    def weight(told: Chargeback) -> tuple[bool, str, int, int]:
        return told.status is not ChargebackState.OPENED, told.at or "", _RANK[told.status], told.amount

    return max(known, new, key=weight)
