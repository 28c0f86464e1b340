"""What an obedient ERP sells: its lines for bundles, what it has of new goods, what its exchange orders take of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from counterfoil.core.commands import CreateExchangeOrder
from counterfoil.core.documents import ErpComponent, ErpOrderLine, StockLevel
from counterfoil.core.orders import SoldLine, SoldOrder
from counterfoil.testing.story_world import Item

PLENTY = 1000


class Sales:
    """Units that are not promised to anybody yet, by SKU; of what was never named there is plenty."""

    def __init__(self, stock: Mapping[str, int]) -> None:
        self._free = dict(stock)

    def levels(self, skus: Iterable[str]) -> tuple[StockLevel, ...]:
        """What can be promised of each."""
        return tuple(StockLevel(sku=sku, available=self._free.get(sku, PLENTY)) for sku in skus)

    def come_in(self, items: Iterable[Item]) -> None:
        """More arrives."""
        for item in items:
            self._free[item.sku] = self._free.get(item.sku, PLENTY) + item.quantity

    def take(self, order: CreateExchangeOrder) -> None:
        """An exchange order keeps its goods."""
        for item in order.items:
            self._free[item.sku] = self._free.get(item.sku, PLENTY) - item.quantity
            assert self._free[item.sku] >= 0, f"{item.sku} is promised to two customers"

    def free(self, order: CreateExchangeOrder) -> None:
        """A withdrawn one gives them back."""
        for item in order.items:
            self._free[item.sku] = self._free.get(item.sku, PLENTY) + item.quantity


class Kits:
    """How the ERP holds bundles: with their recipes, as plain goods ("whole"), or taken apart ("apart").

    `recipes` are the parts of each bundle by its SKU, so many units of a SKU in each.
    """

    def __init__(self, recipes: Mapping[str, Sequence[tuple[int, str]]] | None = None, how: str = "recipes") -> None:
        self._recipes = recipes or {}
        self._how = how

    def lines(self, order: SoldOrder, kept: Iterable[SoldLine]) -> tuple[ErpOrderLine, ...]:
        """The lines of the sales order."""
        found: list[ErpOrderLine] = []
        for line in kept:
            parts = self._recipes.get(line.sku or "", ())
            if parts and self._how == "apart":
                for count, sku in parts:
                    found.append(_held(len(found) + 1, sku, count * line.quantity))
                continue
            known = parts if self._how == "recipes" else ()
            found.append(_held(len(found) + 1, line.sku or "", line.quantity, order.line_value(line), known))
        return tuple(found)


def _held(
    place: int, sku: str, quantity: int, value: int | None = None, parts: Sequence[tuple[int, str]] = ()
) -> ErpOrderLine:
    return ErpOrderLine(
        erp_line=str(place),
        sku=sku,
        quantity=quantity,
        despatched=quantity,
        value=value,
        depot="MAIN",
        components=tuple(ErpComponent(sku=part, quantity=count) for count, part in parts),
    )
