"""JSON as the simulator keeps it: numbers are Decimal or int, never binary floats (NetSuite sheet §3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

ZERO = Decimal(0)
_EIGHT_PLACES = Decimal("0.00000001")  # transactions carry rates to eight places (sheet §3)


def loads(text: bytes | str) -> Any:
    """Read JSON with exact numbers. Raises ValueError for anything that is not JSON, NaN and Infinity included."""
    return json.loads(text, parse_float=Decimal, parse_constant=_no_constant)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def dumps(value: Any) -> str:
    """Write JSON. A Decimal becomes a number the way NetSuite's doubles look: 49.9, and 1.0 for one."""
    match value:
        case Decimal():
            return plain(value) if value != value.to_integral_value() else f"{value:.0f}.0"
        case Mapping():
            return "{" + ",".join(f"{json.dumps(str(k))}:{dumps(v)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return "[" + ",".join(dumps(item) for item in value) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def plain(value: Decimal) -> str:
    """A Decimal without exponent and trailing zeros."""
    return f"{value.normalize():f}" if value else "0"


def as_decimal(value: Any) -> Decimal | None:
    """A number from JSON or from the world file; None when it is none. Floats are read by their printed digits."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def rounded(value: Decimal, digits: int) -> Decimal:
    """Half up to the currency's digits: how a total appears on a document."""
    return value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def unit_rate(amount: Decimal, quantity: Decimal) -> Decimal:
    """The price of one, to the eight places a transaction line carries."""
    return (amount / quantity).quantize(_EIGHT_PLACES, rounding=ROUND_HALF_UP) if quantity else ZERO


def reference(record_id: Any, name: str | None = None) -> dict[str, Any]:
    """A reference as it is kept: the id as text, and the display name when there is one."""
    return {"id": str(record_id), **({"refName": name} if name else {})}


def ref_id(value: Any) -> str | None:
    """The id inside a reference, an enumeration value or a bare scalar."""
    inner = value.get("id") if isinstance(value, Mapping) else value
    return None if inner is None or inner == "" else str(inner)


def as_day(value: Any) -> date | None:
    """A calendar date from `YYYY-MM-DD`, alone or at the head of a date-time."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def truth(value: Any) -> bool | None:
    """A boolean from JSON or from the T and F of saved searches; None when it is neither."""
    if isinstance(value, bool):
        return value
    return {"T": True, "F": False, "true": True, "false": False}.get(str(value))
