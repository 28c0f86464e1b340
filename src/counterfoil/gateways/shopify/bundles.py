"""What a bundle held when it was sold, from the property its app wrote on the order line (R65).

Shopify's own bundles arrive as lines for their components and need nothing. Apps that sell a bundle as one line can say
what is in it: the property `_bundle` with `SOCK:2, CAP:1`, or `SOCK:2:5.00, CAP:1:12.50` with list prices that weigh how
the bundle's price is split. The name and the form are ours (NOTES).
"""

from __future__ import annotations

import re

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.core.money import MoneyError, to_minor
from counterfoil.core.orders import SoldComponent

PROPERTY = "_bundle"

_PART = re.compile(r"(?P<sku>[^:,]+):(?P<quantity>[1-9]\d{0,3})(?::(?P<price>\d+(?:\.\d+)?))?")


def recipe_of(line: Fields, currency: str) -> tuple[SoldComponent, ...]:
    """The components of one bundle, empty for anything else. UnreadableError for a recipe nobody can read.

    A recipe that was taken for plain goods would price every part of the bundle wrongly, so the order waits instead.
    """
    told = next((row.text("value") for row in line.each("properties") if row.text("name") == PROPERTY), None)
    if told is None:
        return ()
    return tuple(_part(line, text.strip(), currency) for text in told.split(","))


def _part(line: Fields, text: str, currency: str) -> SoldComponent:
    found = _PART.fullmatch(text)
    if found is None:
        raise UnreadableError(f"{line.where('properties')}.{PROPERTY} holds {text!r} where SKU:quantity is due")
    try:
        price = to_minor(found["price"], currency) if found["price"] else None
    except MoneyError as error:
        raise UnreadableError(f"{line.where('properties')}.{PROPERTY}: {error}") from None
    return SoldComponent(sku=found["sku"].strip(), quantity=int(found["quantity"]), price=price)
