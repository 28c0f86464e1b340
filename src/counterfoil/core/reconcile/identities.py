"""The identities a run must satisfy to the minor unit; a run that does not balance is wrong and says so (§3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """One sum that must hold: what was read equals what was sorted. Amounts are minor units, or units of goods."""

    name: str
    total: int
    parts: Mapping[str, int]

    @property
    def difference(self) -> int:
        """What the parts lack or have too much; 0 when it balances."""
        return sum(self.parts.values()) - self.total

    @property
    def balances(self) -> bool:
        """Whether it holds exactly."""
        return self.difference == 0

    def sentence(self) -> str:
        """The identity in words, for the summary and the error."""
        sums = " + ".join(f"{name.replace('_', ' ')} {amount}" for name, amount in self.parts.items())
        if self.balances:
            return f"{self.name}: {self.total} = {sums}"
        return (
            f"{self.name} does not balance: {self.total} was read, {sums} was sorted, {self.difference:+d} between them"
        )
