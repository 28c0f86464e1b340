"""Stock per SKU and depot: what a receipt adds and an exchange order reserves."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from counterfoil.erps.prima.sim.fields import Record, dec, plain

Units = dict[str, Decimal]  # SKU -> quantity


def add_units(total: Units, more: Mapping[str, Decimal]) -> Units:
    """The sum of two baskets."""
    return {sku: total.get(sku, Decimal(0)) + more.get(sku, Decimal(0)) for sku in {*total, *more}}


def exceeds(asked: Mapping[str, Decimal], limit: Mapping[str, Decimal]) -> bool:
    """Whether any SKU is asked for beyond its limit."""
    return any(quantity > limit.get(sku, Decimal(0)) for sku, quantity in asked.items())


class Stock:
    """Rows by (SKU, depot). Goods in a depot that is not sellable are on hand but never available."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Record] = {}
        self._sellable: dict[str, bool] = {}

    def depot(self, code: str, kind: str) -> None:
        """Make a depot known; `kind` is sellable, quarantine, damaged or returns_hold (sheet §4)."""
        self._sellable[code] = kind == "sellable"

    def sellable(self, depot: str) -> bool:
        """Whether goods there can be sold; a depot nobody described can."""
        return self._sellable.get(depot, True)

    def put(self, row: Record) -> None:
        """Set one row of the world; `on_hand` may be left out when `available` is given."""
        allocated = dec(row.get("allocated"))
        on_hand = dec(row["on_hand"]) if row.get("on_hand") is not None else dec(row.get("available")) + allocated
        self._rows[str(row["sku"]), str(row["depot"])] = {"on_hand": on_hand, "allocated": allocated}

    @property
    def listed(self) -> bool:
        """Whether any stock is known at all."""
        return bool(self._rows)

    def depots(self) -> list[str]:
        """Depots that hold a row."""
        return sorted({depot for _, depot in self._rows})

    def _row(self, sku: str, depot: str) -> Record:
        return self._rows.setdefault((sku, depot), {"on_hand": Decimal(0), "allocated": Decimal(0)})

    def receive(self, units: Mapping[str, Decimal], depot: str) -> None:
        """Goods arrive in a depot."""
        for sku, quantity in units.items():
            self._row(sku, depot)["on_hand"] += quantity

    def allocate(self, units: Mapping[str, Decimal], depot: str) -> None:
        """Goods are promised to an order."""
        for sku, quantity in units.items():
            self._row(sku, depot)["allocated"] += quantity

    def despatch(self, units: Mapping[str, Decimal], depot: str) -> None:
        """Promised goods leave."""
        for sku, quantity in units.items():
            row = self._row(sku, depot)
            row["on_hand"] -= quantity
            row["allocated"] -= quantity

    def available(self, sku: str, depot: str) -> Decimal:
        """What can still be sold from a depot."""
        row = self._rows.get((sku, depot))
        if row is None or not self.sellable(depot):
            return Decimal(0)
        free: Decimal = row["on_hand"] - row["allocated"]
        return max(Decimal(0), free)

    def availability(self) -> Units:
        """What can be sold company-wide, by SKU (sheet §2.2: the SOAP stock answer knows no depot)."""
        total: Units = {}
        for sku, depot in self._rows:
            total[sku] = total.get(sku, Decimal(0)) + self.available(sku, depot)
        return total

    def records(self) -> list[Record]:
        """All rows, by SKU and depot, as sheet §4 DepotStock."""
        return [
            {
                "sku": sku,
                "depot": depot,
                "on_hand": plain(row["on_hand"]),
                "allocated": plain(row["allocated"]),
                "available": plain(self.available(sku, depot)),
            }
            for (sku, depot), row in sorted(self._rows.items())
        ]
