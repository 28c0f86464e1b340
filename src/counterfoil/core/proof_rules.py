"""What was agreed about the proof: how much may be written off, to which accounts, and how long a blind parcel may wait."""

from __future__ import annotations

from typing import Annotated

import msgspec

from counterfoil.core.money import MoneyError, to_minor

OTHER_MAX_MINOR = 500  # of a currency nothing was agreed for, such as 5.00 EUR


class ProofRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of the proof.

    `write_off_max` is the largest difference that may be written off, by currency, as decimal text ("5.00"); goods may
    be written off up to `write_off_units_max` units. A difference goes to one of `accounts`. `blind_grace_min` is how
    many minutes a parcel may be ahead of its return's tracking before it counts as blind (R45).
    """

    write_off_max: dict[str, str] = {}
    write_off_units_max: Annotated[int, msgspec.Meta(ge=0)] = 1
    accounts: tuple[str, ...] = ("Rounding differences", "Returns written off")
    blind_grace_min: Annotated[int, msgspec.Meta(ge=0, le=1440)] = 15

    def __post_init__(self) -> None:
        if not self.accounts:
            raise ValueError("accounts names at least one account that differences go to")
        for currency, text in self.write_off_max.items():
            try:
                to_minor(text, currency)
            except MoneyError as error:
                raise ValueError(f"write_off_max of {currency}: {error}") from None

    def limit(self, unit: str, *, money: bool) -> int:
        """The most that may be written off, in minor units or units of goods."""
        if not money:
            return self.write_off_units_max
        text = self.write_off_max.get(unit)
        return OTHER_MAX_MINOR if text is None else to_minor(text, unit)
