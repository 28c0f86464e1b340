"""What Prima can promise of an item (Prima sheet §2.2 and §4 DepotStock). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.core.documents import StockLevel


def depot_levels(sku: str, rows: Iterable[Fields], sellable: frozenset[str] | None) -> tuple[StockLevel, ...]:
    """A level for each sellable depot; an item without a row has none anywhere. Raises UnreadableError.

    `sellable` None: Prima does not say which depots are, so every row counts as Prima shows it.
    """
    levels = []
    for row in rows:
        if row.text("sku") not in (None, sku):
            continue
        available, depot = row.whole("available"), row.text("depot")
        if available is None:
            raise UnreadableError(f"{row.where('available')} is missing")
        if sellable is None or depot in sellable:
            levels.append(StockLevel(sku=sku, available=available, depot=depot))
    return tuple(levels) or (StockLevel(sku=sku, available=0),)


def company_levels(asked: Sequence[tuple[str, tuple[str, ...]]], rows: Sequence[Fields]) -> tuple[StockLevel, ...]:
    """Levels over all depots from the order manager's rows, matched by product and matrix codes (§2.2, §2.4).

    A SKU without a row, or whose row names a later date of availability, cannot be promised today.
    """
    return tuple(StockLevel(sku=sku, available=_of(key, rows)) for sku, key in asked)


def _of(key: tuple[str, ...], rows: Sequence[Fields]) -> int:
    for row in rows:
        found = tuple(row.text(name) or "" for name in ("product", "mtrxcode1", "mtrxcode2", "mtrxcode3", "mtrxcode4"))
        if found == (*key, "", "", "", "")[:5]:
            quantity = row.whole("availablequantity")
            if quantity is None:
                raise UnreadableError("AvailableQuantity is missing")
            return quantity
    return 0
