"""Reading values: strictly from what a client sends, leniently from the world a test wrote.

Amounts and quantities are decimals in text (sheet §5) and never pass through a binary float.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from counterfoil.erps.prima.sim.refusals import Refusal

Record = dict[str, Any]

_DECIMAL = re.compile(r"-?[0-9]{1,13}(\.[0-9]{1,6})?\Z")
_REFERENCE = re.compile(r"[A-Z0-9-]{1,40}\Z")  # sheet §4, "Gotcha"


def dec(value: object, default: str = "0") -> Decimal:
    """A decimal from text or a number of the world; `default` when it is not given. Raises ValueError."""
    if value is None or value == "":
        return Decimal(default)
    try:
        return Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError(f"{value!r} is not a decimal number") from error


def plain(value: Decimal) -> str:
    """A decimal as text without an exponent, digits as they are."""
    return format(value, "f")


def number_text(value: object, default: str = "0") -> str:
    """A number of the world as decimal text."""
    return plain(dec(value, default))


def day_of(text: str) -> date:
    """The calendar day of a date or of a time, written with hyphens. Raises ValueError."""
    if text[4:5] != "-":
        raise ValueError(f"{text!r} is not YYYY-MM-DD")
    return date.fromisoformat(text[:10])


@dataclass(frozen=True, slots=True)
class Body:
    """One object a client sent, with the path that names it in an error (`lines[0].`)."""

    values: Record
    path: str = ""

    def where(self, name: str) -> str:
        """The name of a field as an error reports it."""
        return f"{self.path}{name}"

    def given(self, name: str) -> bool:
        """Whether the field holds anything."""
        return self.values.get(name) not in (None, "")

    def maybe(self, name: str) -> str | None:
        """Text, or None when absent or blank."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise Refusal("MALFORMED", f"{self.where(name)} must be a string", self.where(name))
        return value

    def text(self, name: str) -> str:
        """Text that must be there."""
        value = self.maybe(name)
        if value is None:
            raise Refusal("MALFORMED", f"{self.where(name)} is missing", self.where(name))
        return value

    def reference(self) -> str:
        """The `external_ref`: at most 40 characters of A-Z, 0-9 and hyphen (sheet §4)."""
        value = self.text("external_ref")
        if _REFERENCE.match(value) is None:
            raise Refusal("INVALID_FIELD", "external_ref holds up to 40 of A-Z, 0-9 and -", self.where("external_ref"))
        return value

    def amount(self, name: str, default: str | None = None) -> Decimal:
        """Money: decimal text, sign allowed. A JSON number is refused, because it would be a float to many."""
        value = self.values.get(name)
        if (value is None or value == "") and default is not None:
            return Decimal(default)
        if not isinstance(value, str) or _DECIMAL.match(value) is None:
            raise Refusal("MALFORMED", f"{self.where(name)} must be a decimal in a string", self.where(name))
        return Decimal(value)

    def quantity(self, name: str = "quantity", zero: bool = False) -> Decimal:
        """A quantity above zero (`zero`: or zero itself); a whole JSON number is accepted for it."""
        value = self.values.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        number = Body({name: value}, self.path).amount(name)
        if number < 0 or (number == 0 and not zero):
            raise Refusal("INVALID_FIELD", f"{self.where(name)} must be above zero", self.where(name))
        return number

    def whole(self, name: str, default: int | None = None) -> int:
        """A line number; digits in a string are accepted, because files have nothing else."""
        value = self.values.get(name)
        if (value is None or value == "") and default is not None:
            return default
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
            return int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise Refusal("MALFORMED", f"{self.where(name)} must be a whole number", self.where(name))
        return value

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self.values.get(name, default)
        if not isinstance(value, bool):
            raise Refusal("MALFORMED", f"{self.where(name)} must be true or false", self.where(name))
        return value

    def day(self, name: str) -> str:
        """A date `YYYY-MM-DD`."""
        value = self.text(name)
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError as error:
            raise Refusal("MALFORMED", f"{self.where(name)} must be a date YYYY-MM-DD", self.where(name)) from error

    def moment(self, name: str) -> str | None:
        """A date or an RFC 3339 time, or None when absent; kept as it was sent."""
        value = self.maybe(name)
        try:
            if value is not None:
                day_of(value)
                datetime.fromisoformat(value)
        except ValueError as error:
            raise Refusal("MALFORMED", f"{self.where(name)} must be an RFC 3339 time", self.where(name)) from error
        return value

    def texts(self, name: str) -> list[str]:
        """A list of strings, empty when absent."""
        value = self.values.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise Refusal("MALFORMED", f"{self.where(name)} must be a list of strings", self.where(name))
        return list(value)

    def rows(self, name: str, needed: bool = True) -> list[Body]:
        """The objects of a list, each knowing its own place in it."""
        value = self.values.get(name)
        if value is None and not needed:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value) or (needed and not value):
            raise Refusal("MALFORMED", f"{self.where(name)} must be a list of objects", self.where(name))
        return [Body(item, f"{self.path}{name}[{place}].") for place, item in enumerate(value)]
