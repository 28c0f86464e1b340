"""The `q` filter of collection reads (NetSuite sheet §1): conditions on fields, joined by AND or OR."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from counterfoil.erps.netsuite.sim.book import Record
from counterfoil.erps.netsuite.sim.errors import refusal
from counterfoil.erps.netsuite.sim.schema import CUSTOM_BODY, KINDS
from counterfoil.erps.netsuite.sim.values import as_decimal, ref_id

Test = Callable[[Record], bool]
_CONDITION = re.compile(
    r'^\s*(?P<field>[\w.]+)\s+(?P<operator>[A-Z_]+)(?:\s+(?P<value>"(?:[^"\\]|\\.)*"|\[[^\]]*\]|[^\s"\[]+))?\s*'
)
_JOIN = re.compile(r"^(AND|OR)\b", re.IGNORECASE)
_NEGATED = {"IS_NOT": "IS", "EQUAL_NOT": "EQUAL", "CONTAIN_NOT": "CONTAIN", "START_WITH_NOT": "START_WITH",
            "ANY_OF_NOT": "ANY_OF", "EMPTY_NOT": "EMPTY", "END_WITH_NOT": "END_WITH"}  # fmt: skip


def matcher(text: str | None, kind: str) -> Test:
    """The test a `q` stands for. Raises Refusal when it cannot be read."""
    if text is None or not text.strip():
        return lambda record: True
    groups: list[list[Test]] = [[]]
    rest = text
    while rest.strip():
        match = _CONDITION.match(rest)
        if match is None:
            raise _unreadable(f"the query cannot be read near '{rest.strip()[:40]}'")
        groups[-1].append(_condition(match["field"], match["operator"].upper(), match["value"], kind))
        rest = rest[match.end() :]
        join = _JOIN.match(rest)
        if join is None and rest.strip():
            raise _unreadable(f"AND or OR is expected near '{rest.strip()[:40]}'")
        if join is not None:
            rest = rest[join.end() :]
            groups.append([]) if join[1].upper() == "OR" else None
    return lambda record: any(all(test(record) for test in group) for group in groups)


def _unreadable(reason: str) -> Exception:
    return refusal(400, f"Invalid search query. {reason}.", "INVALID_PARAMETER", query="q")


def _condition(name: str, operator: str, value: str | None, kind: str) -> Test:
    if name not in KINDS[kind].fields and not CUSTOM_BODY.match(name):
        raise _unreadable(f"Unknown field '{name}'")
    wanted = _values(value)
    positive = _NEGATED.get(operator, operator)
    compare = _OPERATORS.get(positive)
    if compare is None:
        raise _unreadable(f"Unknown operator '{operator}'")
    if not wanted and positive != "EMPTY":
        raise _unreadable(f"Operator {operator} needs a value")

    def test(record: Record) -> bool:
        own = record.id if name == "id" else record.fields.get(name)
        return compare(own, wanted) is (positive == operator)

    return test


def _values(text: str | None) -> list[str]:
    if text is None:
        return []
    if text.startswith("["):
        return [part.strip().strip('"') for part in text[1:-1].split(",") if part.strip()]
    return [text[1:-1].replace('\\"', '"') if text.startswith('"') else text]


def _text(own: Any) -> str:
    return str(ref_id(own) or "").lower()


def _order(own: Any, wanted: list[str]) -> int:
    """Compare as numbers where both are, as days where both are, else as text: -1, 0 or 1; 2 when there is nothing."""
    left = ref_id(own)
    if left is None:
        return 2
    one, two = as_decimal(left), as_decimal(wanted[0])
    pair: tuple[Any, Any] = (one, two)
    if one is None or two is None:
        pair = (_day(left), _day(wanted[0]))
    if None in pair:
        pair = (left.lower(), wanted[0].lower())
    return (pair[0] > pair[1]) - (pair[0] < pair[1])


def _day(text: str) -> date | None:
    for pattern in ("%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y"):
        try:
            return datetime.strptime(text[:10], pattern).date()
        except ValueError:
            continue
    return None


def _number_or_text(own: Any, wanted: list[str]) -> bool:
    return _order(own, wanted) == 0


_OPERATORS: dict[str, Callable[[Any, list[str]], bool]] = {
    "IS": lambda own, wanted: _same(own, wanted[0]),
    "EQUAL": _number_or_text,
    "ON": _number_or_text,
    "CONTAIN": lambda own, wanted: wanted[0].lower() in _text(own),
    "START_WITH": lambda own, wanted: _text(own).startswith(wanted[0].lower()),
    "END_WITH": lambda own, wanted: _text(own).endswith(wanted[0].lower()),
    "ANY_OF": lambda own, wanted: any(_same(own, value) for value in wanted),
    "EMPTY": lambda own, wanted: ref_id(own) is None,
    "GREATER": lambda own, wanted: _order(own, wanted) == 1,
    "GREATER_OR_EQUAL": lambda own, wanted: _order(own, wanted) in {0, 1},
    "LESS": lambda own, wanted: _order(own, wanted) == -1,
    "LESS_OR_EQUAL": lambda own, wanted: _order(own, wanted) in {0, -1},
    "AFTER": lambda own, wanted: _order(own, wanted) == 1,
    "ON_OR_AFTER": lambda own, wanted: _order(own, wanted) in {0, 1},
    "BEFORE": lambda own, wanted: _order(own, wanted) == -1,
    "ON_OR_BEFORE": lambda own, wanted: _order(own, wanted) in {0, -1},
}


def _same(own: Any, wanted: str) -> bool:
    if isinstance(own, bool):
        return own == (wanted.lower() in {"true", "t"})
    if isinstance(own, Decimal):
        return own == as_decimal(wanted)
    return _text(own) == wanted.lower()
