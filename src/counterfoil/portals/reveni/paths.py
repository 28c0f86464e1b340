"""Reading a field from wherever an account has it: the first of its places that holds something (Reveni sheet §6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.portals.reveni.mapping import ReveniMapping

_MILLISECONDS_FROM = 10**11  # unix seconds reach this in the year 5138


class Mapped:
    """One JSON object read by our own field names. A place that is absent, null or blank counts as not there."""

    __slots__ = ("_fields", "mapping")

    def __init__(self, fields: Fields, mapping: ReveniMapping) -> None:
        self._fields = fields
        self.mapping = mapping

    def has(self, name: str) -> bool:
        """Whether the field is there, even as an empty list or null."""
        for path in self.mapping.paths(name):
            *steps, last = path.split(".")
            fields = _walk(self._fields, steps)
            if fields is not None and last in fields:
                return True
        return False

    def text(self, name: str) -> str | None:
        """A string; numbers are given as their digits."""
        fields, key = self._place(name)
        return fields.text(key)

    def word(self, name: str) -> str:
        """A string, "" when it is not there."""
        return self.text(name) or ""

    def need(self, name: str) -> str:
        """A string that must be there. Raises UnreadableError with the places looked at."""
        found = self.text(name)
        if found is None:
            places = " or ".join(self._fields.where(path) for path in self.mapping.paths(name))
            raise UnreadableError(f"{places} is missing")
        return found

    def whole(self, name: str) -> int | None:
        """A whole number."""
        fields, key = self._place(name)
        return fields.whole(key)

    def flag(self, name: str) -> bool | None:
        """A boolean."""
        fields, key = self._place(name)
        return fields.flag(key)

    def amount(self, name: str, currency: str | None) -> int | None:
        """Money in minor units, from a number or numeric text; unknown when the currency is."""
        if currency is None:
            return None
        fields, key = self._place(name)
        return fields.amount(key, currency)

    def moment(self, name: str) -> str | None:
        """A time as RFC 3339 in UTC, from ISO text or unix seconds; None when it cannot be read.

        A time costs nobody money and must not set a return aside.
        """
        fields, key = self._place(name)
        try:
            return fields.moment(key) if not _unix(fields, key) else _from_unix(fields.whole(key) or 0)
        except (UnreadableError, OverflowError, ValueError, OSError):
            return None

    def child(self, name: str) -> Mapped | None:
        """A nested object."""
        fields, key = self._place(name)
        inner = fields.child(key)
        return None if inner is None else Mapped(inner, self.mapping)

    def each(self, name: str) -> Iterator[Mapped]:
        """The objects of a list; absent and null are an empty list."""
        fields, key = self._place(name)
        return (Mapped(inner, self.mapping) for inner in fields.each(key))

    def where(self, name: str) -> str:
        """The path of a field, for messages."""
        fields, key = self._place(name)
        return fields.where(key)

    def _place(self, name: str) -> tuple[Fields, str]:
        """The object that holds the field, and its key there; an empty object when it is nowhere."""
        for path in self.mapping.paths(name):
            *steps, last = path.split(".")
            fields = _walk(self._fields, steps)
            if fields is not None and fields.raw(last) is not None:
                return fields, last
        return Fields({}, self._fields.path), self.mapping.paths(name)[0]


def _walk(fields: Fields, steps: list[str]) -> Fields | None:
    for step in steps:
        inner = fields.raw(step)
        if not isinstance(inner, Mapping):
            return None
        fields = Fields(inner, fields.where(step))
    return fields


def _unix(fields: Fields, key: str) -> bool:
    value = fields.text(key) or ""
    return value.isdecimal() and len(value) > 8  # eight digits are a date without its hyphens


def _from_unix(value: int) -> str:
    seconds = value // 1000 if abs(value) >= _MILLISECONDS_FROM else value
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
