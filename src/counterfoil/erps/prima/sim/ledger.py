"""One kind of document: its numbers, its records, and the ways to find them again."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from counterfoil.erps.prima.sim.fields import Record, day_of
from counterfoil.erps.prima.sim.refusals import Refusal

PAGE_LIMIT = 500
PAGE_DEFAULT = 100
_FILTERS = {
    "updated_since",
    "posted_from",
    "posted_to",
    "status",
    "order_number",
    "return_number",
    "customer_code",
    "portal_ref",
    "order_type",
}


def _aware(moment: str) -> datetime:
    """A time with its zone; UTC when none is written. Raises ValueError."""
    parsed = datetime.fromisoformat(moment)
    return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)


@dataclass(slots=True)
class Ledger:
    """Records of one kind, in order of their last change."""

    name: str
    number_field: str
    prefix: str
    parent_field: str  # the number of the document this one hangs on
    date_field: str  # the date it is posted under, for `posted_from` and `posted_to`
    ref_fields: tuple[str, ...] = ("external_ref",)
    records: dict[str, Record] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    _by_ref: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    _by_parent: dict[str, list[str]] = field(default_factory=dict)
    _revision: dict[str, int] = field(default_factory=dict)
    _changes: int = 0
    _count: int = 0

    def next_number(self) -> str:
        """The next free number: the prefix and six digits, counting from 1."""
        while True:
            self._count += 1
            number = f"{self.prefix}{self._count:06d}"
            if number not in self.records:
                return number

    def put(self, record: Record, made: bool = True) -> Record:
        """Keep a new record (or, for one of the world, replace it)."""
        number = str(record[self.number_field])
        if number not in self.records:
            self._index(record, number)
            if made:
                self.made.append(number)
        self.records[number] = record
        return self.changed(record)

    def _index(self, record: Record, number: str) -> None:
        for name in self.ref_fields:
            if record.get(name):
                self._by_ref.setdefault((name, record[name]), []).append(number)
        if record.get(self.parent_field):
            self._by_parent.setdefault(str(record[self.parent_field]), []).append(number)

    def changed(self, record: Record) -> Record:
        """Move a record to the end of the order of changes."""
        number = str(record[self.number_field])
        self._changes += 1
        self._revision[number] = self._changes
        self.records[number] = self.records.pop(number)
        return record

    def by_ref(self, reference: str) -> Record | None:
        """The document that carries an external reference."""
        for name in self.ref_fields:
            for number in self._by_ref.get((name, reference), []):
                return self.records[number]
        return None

    def of_parent(self, number: str) -> list[Record]:
        """The documents that hang on another, oldest first."""
        return [self.records[child] for child in self._by_parent.get(number, [])]

    def page(self, query: Sequence[tuple[str, str]]) -> tuple[list[Record], str | None]:
        """One page in order of change, and the cursor of the next. Raises Refusal for a bad parameter."""
        asked = dict(query)
        limit = _limit(asked.pop("limit", None))
        after = _after(asked.pop("cursor", None))
        known = {self.number_field, self.parent_field, *self.ref_fields, *_FILTERS}
        for name in asked.keys() - known:  # a misspelt filter must not answer with everything
            raise Refusal("MALFORMED", f"{name} is not a parameter of this list", name)
        for name in asked.keys() & {"updated_since", "posted_from", "posted_to"}:
            _moment(name, asked[name])
        rows: list[Record] = []
        for record in self._candidates(asked):
            number = str(record[self.number_field])
            if self._revision[number] > after and self._fits(record, asked):
                if len(rows) == limit:
                    return rows, _cursor(self._revision[str(rows[-1][self.number_field])])
                rows.append(record)
        return rows, None

    def _candidates(self, asked: dict[str, str]) -> Iterator[Record]:
        for name in self.ref_fields:
            if name in asked:
                found = {n for other in self.ref_fields for n in self._by_ref.get((other, asked[name]), [])}
                return iter([self.records[n] for n in sorted(found, key=self._revision.__getitem__)])
        return iter(list(self.records.values()))

    def _fits(self, record: Record, asked: dict[str, str]) -> bool:
        for name, wanted in asked.items():
            if name == "updated_since":
                if _aware(record["updated_at"]) < _moment(name, wanted):
                    return False
            elif name in {"posted_from", "posted_to"}:
                if not self._posted_within(record, name, wanted):
                    return False
            elif name not in self.ref_fields and str(record.get(name, "")) != wanted:
                return False
        return True

    def _posted_within(self, record: Record, name: str, wanted: str) -> bool:
        """Whether the posting date lies on the right side of a bound, both ends included. A draft has none."""
        bound = _moment(name, wanted).date()
        try:
            day = day_of(str(record.get(self.date_field) or ""))
        except ValueError:  # an order of the SOAP profile may carry a date in any form, or none
            return False
        if record.get("status") == "draft":
            return False
        return bound <= day if name == "posted_from" else day <= bound


def _moment(name: str, text: str) -> datetime:
    try:
        return _aware(text)
    except ValueError as error:
        raise Refusal("MALFORMED", f"{name} must be a date or an RFC 3339 time", name) from error


def _limit(text: str | None) -> int:
    if text is None:
        return PAGE_DEFAULT
    if not text.isdecimal() or not 1 <= int(text) <= PAGE_LIMIT:
        raise Refusal("MALFORMED", f"limit must be 1 to {PAGE_LIMIT}", "limit")
    return int(text)


def _cursor(revision: int) -> str:
    return base64.urlsafe_b64encode(f"r{revision}".encode()).decode().rstrip("=")


def _after(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        return int(text.removeprefix("r"))
    except (ValueError, binascii.Error) as error:
        raise Refusal("MALFORMED", "cursor is not one of ours", "cursor") from error
