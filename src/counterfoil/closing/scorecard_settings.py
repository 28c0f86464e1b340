"""What is aimed at, by category: one target for everything hides problems (R155)."""

from __future__ import annotations

from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Annotated

import msgspec

ELSE = "everything else"


class Targets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The aim of each KPI, in its own unit."""

    cycle_time: Decimal = Decimal(10)
    refund_sla: Decimal = Decimal(48)
    exception_rate: Decimal = Decimal(5)
    auto_approval_rate: Decimal = Decimal(90)
    restock_accuracy: Decimal = Decimal(99)
    reconciliation_delta: Decimal = Decimal(0)
    aged_backlog: Decimal = Decimal(0)


class Category(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Returns with an item whose SKU fits a pattern, from one of these countries and portals (empty: from any)."""

    name: Annotated[str, msgspec.Meta(min_length=1)]
    skus: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    portals: tuple[str, ...] = ()
    targets: Targets = Targets()

    def holds(self, skus: tuple[str, ...], country: str, portal: str) -> bool:
        """Whether a return belongs here."""
        fits = not self.skus or any(fnmatchcase(sku, pattern) for sku in skus for pattern in self.skus)
        place = not self.countries or country in self.countries
        return fits and place and (not self.portals or portal in self.portals)


class ScorecardSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[scorecard]` part of the settings. A return belongs to the first category that holds it."""

    aged_days: Annotated[int, msgspec.Meta(ge=1, le=366)] = 14
    targets: Targets = Targets()
    category: tuple[Category, ...] = ()

    def category_of(self, skus: tuple[str, ...], country: str, portal: str) -> str:
        """The name of a return's category."""
        return next((c.name for c in self.category if c.holds(skus, country, portal)), ELSE)

    def aims(self, category: str | None) -> Targets:
        """The targets of a category; the common ones for all together and for what is in none."""
        return next((c.targets for c in self.category if c.name == category), self.targets)
