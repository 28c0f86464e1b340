"""Reading guests' payloads: one JSON parser for every vendor, exact and suspicious.

Numbers become int or Decimal digit for digit. Duplicate keys, NaN, Infinity, bad UTF-8, nesting beyond the
interpreter's depth and trailing rubbish are refused with a sentence. (msgspec reads faster but keeps the last of two
equal keys without a word, and a payload that says two things must not be believed.)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from counterfoil.core.money import MoneyError, to_minor

_BLANKS = ("", "N/A")
BODY_LIMIT_BYTES = (
    32 * 1024 * 1024
)  # many times the largest page of any sheet; parsing costs fifty times as much memory
EXPONENT_MAX = 308  # where other systems' numbers end too


class UnreadableError(ValueError):
    """A payload, or a value in it, that cannot be read exactly; the message says what and where."""


def read_json(body: bytes) -> Any:
    """Parse one JSON document. Raises UnreadableError with a sentence; never returns a float."""
    if len(body) > BODY_LIMIT_BYTES:
        raise UnreadableError(f"the body is {len(body)} bytes long, more than {BODY_LIMIT_BYTES}")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"the body is not UTF-8 (byte {error.start})") from None
    if not text.strip():
        raise UnreadableError("the body is empty")
    try:
        return _whole_characters(
            json.loads(text, parse_float=_fraction, parse_constant=_constant, object_pairs_hook=_pairs), text
        )
    except RecursionError:
        raise UnreadableError("the body is nested too deeply") from None
    except UnreadableError:
        raise
    except ValueError as error:
        raise UnreadableError(f"the body is not JSON: {error}") from None


def read_object(body: bytes) -> Fields:
    """Parse one JSON document that must be an object."""
    value = read_json(body)
    if not isinstance(value, dict):
        raise UnreadableError(f"the body is a JSON {_kind(value)}, not an object")
    return Fields(value)


def _whole_characters(value: Any, text: str) -> Any:
    """Half a surrogate pair, written as an escape, is no character and could never be stored."""
    if "\\ud" in text or "\\uD" in text:
        try:
            json.dumps(value, ensure_ascii=False, default=str).encode()
        except UnicodeEncodeError:
            raise UnreadableError("the body holds half a surrogate pair, which is no character") from None
    return value


def _fraction(digits: str) -> Decimal:
    """A number with a fraction or an exponent, digit for digit; one that no measure reaches is refused."""
    try:
        value = Decimal(digits)
    except ArithmeticError:
        raise UnreadableError(f"the body holds {digits[:40]}, a number nothing is measured in") from None
    if value and abs(value.adjusted()) > EXPONENT_MAX:
        raise UnreadableError(f"the body holds {digits[:40]}, a number nothing is measured in")
    return value


def _constant(name: str) -> Any:
    raise UnreadableError(f"the body holds {name}, which is not JSON")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UnreadableError(f"the key {twice!r} appears twice in one object")
    return found


def _kind(value: Any) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number", Decimal: "number"}
    return "null" if value is None else names.get(type(value), type(value).__name__)


class Fields:
    """Typed, path-aware access to one JSON object. Absent, null, "" and "N/A" all read as None."""

    __slots__ = ("data", "path")

    def __init__(self, data: Mapping[str, Any], path: str = "") -> None:
        self.data = data
        self.path = path

    def __contains__(self, name: str) -> bool:
        return name in self.data

    def where(self, name: str) -> str:
        """The path of a field, for messages."""
        return f"{self.path}.{name}" if self.path else name

    def raw(self, name: str) -> Any:
        """The value as parsed, with blanks as None."""
        value = self.data.get(name)
        return None if isinstance(value, str) and value.strip() in _BLANKS else value

    def text(self, name: str) -> str | None:
        """A string; numbers are given as their digits (both typings of an id are one id)."""
        value = self.raw(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise UnreadableError(f"{self.where(name)} is a {_kind(value)} where a string is due")
        return value.strip() if isinstance(value, str) else str(value)

    def need(self, name: str) -> str:
        """A string that must be there."""
        value = self.text(name)
        if value is None:
            raise UnreadableError(f"{self.where(name)} is missing")
        return value

    def flag(self, name: str) -> bool | None:
        """A boolean, also written "true"/"false", "T"/"F" or 1/0."""
        value = self.raw(name)
        if value is None or isinstance(value, bool):
            return value
        word = str(value).lower()
        if word in ("true", "t", "1", "yes"):
            return True
        if word in ("false", "f", "0", "no"):
            return False
        raise UnreadableError(f"{self.where(name)} is {value!r} where true or false is due")

    def whole(self, name: str) -> int | None:
        """A whole number, also as text."""
        value = self.raw(name)
        if value is None:
            return None
        if isinstance(value, str) and not value.isascii():
            raise UnreadableError(f"{self.where(name)} is {value!r} where a whole number is due")
        try:
            number = Decimal(value) if isinstance(value, str | int | Decimal) and not isinstance(value, bool) else None
        except ArithmeticError:
            number = None
        if number is None or not number.is_finite() or abs(number) > 10**15 or number != number.to_integral_value():
            raise UnreadableError(f"{self.where(name)} is {value!r} where a whole number is due")
        return int(number)

    def amount(self, name: str, currency: str) -> int | None:
        """An amount in major units of `currency`, as minor units; raises rather than guess."""
        value = self.raw(name)
        if value is None:
            return None
        try:
            return to_minor(value, currency)
        except MoneyError as error:
            raise UnreadableError(f"{self.where(name)}: {error}") from None

    def moment(self, name: str) -> str | None:
        """A time as RFC 3339 in UTC; a time without a zone is UTC."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return utc(value)
        except ValueError:
            raise UnreadableError(f"{self.where(name)} is {value!r} where a time is due") from None

    def child(self, name: str) -> Fields | None:
        """A nested object."""
        value = self.raw(name)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise UnreadableError(f"{self.where(name)} is a {_kind(value)} where an object is due")
        return Fields(value, self.where(name))

    def each(self, name: str) -> Iterator[Fields]:
        """The objects of a list; absent and null are an empty list."""
        value = self.raw(name)
        if value is None:
            return
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise UnreadableError(f"{self.where(name)} is a {_kind(value)} where a list is due")
        for i, item in enumerate(value):
            if not isinstance(item, Mapping):
                raise UnreadableError(f"{self.where(name)}[{i}] is a {_kind(item)} where an object is due")
            yield Fields(item, f"{self.where(name)}[{i}]")


def utc(text: str) -> str:
    """Any ISO 8601 moment as RFC 3339 in UTC to the second; without a zone it is read as UTC. ValueError if not."""
    moment = datetime.fromisoformat(text)
    try:
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} lies outside the calendar") from None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
