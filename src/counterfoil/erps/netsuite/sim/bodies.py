"""Request bodies into values: property names and property values are validated here (NetSuite sheet §1, §3).

References are resolved, dates and numbers checked, read-only fields left out. All problems are reported at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from counterfoil.erps.netsuite.sim.account import Account
from counterfoil.erps.netsuite.sim.book import Line, Record
from counterfoil.erps.netsuite.sim.errors import INVALID_CONTENT, Detail, Refusal, bad_value, refusal
from counterfoil.erps.netsuite.sim.schema import (
    CUSTOM_BODY,
    CUSTOM_LINE,
    ENUMS,
    Field,
    Kind,
    Sublist,
    find_field,
    kinds_meant,
)
from counterfoil.erps.netsuite.sim.values import as_decimal, loads, ref_id, reference, truth

LEGACY_TAX = frozenset({"taxCode", "taxRate1", "tax1Amt", "taxItem", "taxRate"})
_MODES = {"error": "error", "warning": "warning", "ignore": "ignore"}
_BAD = object()
_TOO_LARGE = Decimal(10) ** 15  # what a double still carries to the cent


@dataclass(slots=True)
class Body:
    """A request body as values. A field sent as null is in `fields` with None: it clears the field (sheet §3)."""

    fields: dict[str, Any] = field(default_factory=dict)
    lists: dict[str, list[Line]] = field(default_factory=dict)


@dataclass(slots=True)
class Checks:
    """The two validation headers. Unknown names are dropped unless `names` is "error" (the default is Warning)."""

    names: str = "warning"
    values: str = "error"

    @classmethod
    def from_headers(cls, headers: Mapping[str, str]) -> Checks:
        """Read the headers; their names and values are compared without case. Raises Refusal for another value."""
        found = cls()
        for attribute in ("names", "values"):
            header = f"X-NetSuite-Property{attribute[:-1].capitalize()}Validation"
            given = headers.get(header.lower())
            if given is None:
                continue
            if given.strip().lower() not in _MODES:
                raise refusal(400, f"Invalid value '{given}' of header {header}.", "INVALID_HEADER", header=header)
            setattr(found, attribute, _MODES[given.strip().lower()])
        return found


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object of a request. Raises Refusal for anything else (sheet §8, malformed JSON)."""
    try:
        value = loads(body.decode("utf-8"))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise refusal(400, "Invalid content in the request body. A JSON object is expected.", INVALID_CONTENT)
    return value


class Reader:
    """Reads the body of one request against one record type."""

    def __init__(self, account: Account, kind: Kind, checks: Checks) -> None:
        self._account = account
        self._kind = kind
        self._checks = checks
        self._problems: list[Detail] = []

    def read(self, body: Mapping[str, Any]) -> Body:
        """The body as values. Raises Refusal with every problem found."""
        read = Body()
        for name, value in body.items():
            sublist = self._kind.lists.get(name)
            if sublist is None:
                self._into(read.fields, self._kind.fields, name, value, name)
            elif name != "taxDetails" or self._account.preferences.suitetax:
                read.lists[name] = self._read_list(sublist, value)
            else:
                self._unknown(name, name)
        if self._problems:
            raise Refusal(400, tuple(self._problems))
        read.fields.pop("id", None)
        return read

    def _read_list(self, sublist: Sublist, value: Any) -> list[Line]:
        items = value.get("items") if isinstance(value, Mapping) else None
        if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
            self._problems.append(bad_value("(not a list of items)", sublist.name, sublist.name))
            return []
        return [self._read_line(sublist, line, f"{sublist.name}.items[{n}]") for n, line in enumerate(items)]

    def _read_line(self, sublist: Sublist, given: Mapping[str, Any], path: str) -> Line:
        line: Line = {}
        for name, value in given.items():
            self._into(line, sublist.fields, name, value, f"{path}.{name}")
        return line

    def _into(self, values: dict[str, Any], table: Mapping[str, Field], name: str, value: Any, path: str) -> None:
        if name in {"links", "refName"}:
            return
        known = find_field(table, name, self._account.preferences) or self._custom(name)
        if known is None:
            self._unknown(name, path)
        elif not known.read_only and not self._tax_refused(name, path):
            converted = None if value is None else self._convert(known, value)
            if converted is not _BAD:
                values[name] = converted
            elif self._checks.values == "error":
                self._problems.append(bad_value(_shown(value), name, path))

    def _custom(self, name: str) -> Field | None:
        declared = self._account.custom_fields
        if not (CUSTOM_BODY.match(name) or CUSTOM_LINE.match(name)) or (declared is not None and name not in declared):
            return None
        return Field(name, "any")

    def _unknown(self, name: str, path: str) -> None:
        if self._checks.names == "error":
            text = f"Unknown field '{name}' for record type '{self._kind.name}'."
            self._problems.append(Detail(text, self._account.preferences.unknown_field_code, path=path))

    def _tax_refused(self, name: str, path: str) -> bool:
        """Legacy tax cannot be set by REST (sheet §11); what then happens is a switch."""
        preferences = self._account.preferences
        if name not in LEGACY_TAX or preferences.legacy_tax_fields == "accepted":
            return False
        if preferences.legacy_tax_fields == "refused":
            self._problems.append(Detail(f"The field '{name}' cannot be set.", INVALID_CONTENT, path=path))
        return True

    def _convert(self, known: Field, value: Any) -> Any:
        match known.type:
            case "number" | "integer":
                return _number(known, value)
            case "rate":
                return _rate(value)
            case "boolean":
                return _or_bad(truth(value))
            case "date" | "datetime":
                return _day(value)
            case "enum":
                return _choice(known, value)
            case "ref":
                return self._reference(known, value)
            case "any":
                return value
            case _:
                return _text(value)

    def _reference(self, known: Field, value: Any) -> Any:
        """An id, an external id, or a bare scalar (sheet §3). Lists the world leaves empty are not checked."""
        own = value if isinstance(value, Mapping) else {"id": value}
        if not any(_is_scalar(own.get(name)) for name in ("id", "externalId")):
            return _BAD
        kinds = [kind for target in known.targets for kind in kinds_meant(target)]
        found = self._lookup(kinds, own)
        if found is not None:
            return reference(found.id, found.label)
        given = ref_id(own)
        unchecked = not any(self._account.book.count(kind) for kind in kinds)
        return reference(given) if unchecked and given is not None else _BAD

    def _lookup(self, kinds: list[str], value: Mapping[str, Any]) -> Record | None:
        book = self._account.book
        given = ref_id(value)
        if given is not None and not given.startswith("eid:"):
            return book.first(kinds, given)
        external = given[4:] if given is not None else str(value.get("externalId"))
        return next((found for kind in kinds if (found := book.by_external_id(kind, external))), None)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool) and value != ""


def _rate(value: Any) -> Any:
    """A header discount: an amount, or a percentage such as "-10%"."""
    text = _text(value)
    number = as_decimal(text.rstrip("%")) if isinstance(text, str) else None
    return text if number is not None and abs(number) < _TOO_LARGE else _BAD


def _number(known: Field, value: Any) -> Any:
    number = as_decimal(value)
    if (
        number is None
        or abs(number) >= _TOO_LARGE
        or (known.type == "integer" and number != number.to_integral_value())
    ):
        return _BAD
    return int(number) if known.type == "integer" else number


def _day(value: Any) -> Any:
    try:
        return date.fromisoformat(value).isoformat() if isinstance(value, str) else _BAD
    except ValueError:
        return _BAD


def _choice(known: Field, value: Any) -> Any:
    given = ref_id(value)
    allowed = ENUMS.get(known.name)
    return _BAD if given is None or (allowed is not None and given not in allowed) else reference(given)


def _text(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        return _BAD
    return str(value)


def _or_bad(value: bool | None) -> Any:
    return _BAD if value is None else value


def _shown(value: Any) -> Any:
    return ref_id(value) or value if isinstance(value, Mapping) else value
