"""What an obedient ERP has of new goods, and what its exchange orders take of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from counterfoil.core.commands import CreateExchangeOrder
from counterfoil.core.documents import StockLevel
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
