"""The close and the scorecard of a running house, for whoever shows them: the console and the command line."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil.closing.closepack import Pack, costs_of, pack_of
from counterfoil.closing.closepack_period import zone_of
from counterfoil.closing.closepack_settings import CloseSettings
from counterfoil.closing.scorecard import Scorecard, scorecard
from counterfoil.closing.scorecard_settings import ScorecardSettings
from counterfoil.flow.world import World


@dataclass
class Office:
    """The world with what finance agreed."""

    world: World
    close: CloseSettings
    targets: ScorecardSettings

    def pack(self, period: str) -> Pack:
        """The close pack of a month. CloseError when it cannot be made."""
        return pack_of(self.world, self.close, period)

    def scorecard(self, weeks: int) -> Scorecard:
        """The scorecard of so many weeks. CloseError when the settings name no zone or costs that cannot be read."""
        known = costs_of(self.close)
        zone = zone_of(self.close.zone).key
        with self.world.database.read() as tx:
            return scorecard(tx, self.world.now(), weeks, self.targets, zone=zone, known=known)
