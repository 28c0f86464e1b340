"""What goods cost: an optional CSV with the columns sku, cost and currency. A SKU not named has no known cost."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

from counterfoil.closing.closepack_period import CloseError
from counterfoil.core.money import MoneyError, to_minor

COLUMNS = ("sku", "cost", "currency")


class Cost(NamedTuple):
    """The cost of one unit, in minor units."""

    minor: int
    currency: str


Costs = dict[str, Cost]


def read_costs(path: Path) -> Costs:
    """The file's costs by SKU. CloseError names file, line and cure; a cost that cannot be read is never zero."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _read(csv.DictReader(file), path.name)
    except FileNotFoundError:
        raise CloseError(f"the cost file {path} does not exist; correct close.costs or leave it out") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise CloseError(f"the cost file {path} is no CSV in UTF-8: {error}") from None


def _read(rows: csv.DictReader[str], name: str) -> Costs:
    missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise CloseError(f"the cost file {name} has no column {missing[0]!r}; it needs {', '.join(COLUMNS)}")
    costs: Costs = {}
    for row in rows:
        where = f"the cost file {name}, line {rows.line_num}"
        sku, currency = (row["sku"] or "").strip(), (row["currency"] or "").strip()
        try:
            cost = Cost(to_minor((row["cost"] or "").strip(), currency), currency)
        except MoneyError as error:
            raise CloseError(f"{where}: {error}") from None
        if not sku or cost.minor < 0:
            raise CloseError(f"{where}: {'the SKU is empty' if not sku else 'a cost is not negative'}")
        if costs.get(sku, cost) != cost:
            raise CloseError(f"{where}: {sku} has two costs; keep one")
        costs[sku] = cost
    return costs
