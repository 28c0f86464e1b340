"""The records of the account, their internal and external ids, and who refers to whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from counterfoil.erps.netsuite.sim.preferences import Preferences
from counterfoil.erps.netsuite.sim.schema import ITEM_KINDS, KINDS, TRANSACTION_KINDS, Kind
from counterfoil.erps.netsuite.sim.values import ref_id

Line = dict[str, Any]


@dataclass(slots=True)
class Record:
    """One record. Names that begin with `_` are the simulator's own and never leave it.

    `parts` are the kit components of a transaction: REST shows only the kit line, SuiteQL shows both (sheet §10).
    """

    kind: str
    id: str
    fields: dict[str, Any] = field(default_factory=dict)
    lists: dict[str, list[Line]] = field(default_factory=dict)
    parts: list[Line] = field(default_factory=list)
    made: bool = False
    version: int = 0

    @property
    def schema(self) -> Kind:
        """The record type."""
        return KINDS[self.kind]

    @property
    def lines(self) -> list[Line]:
        """The item lines; empty for records that have none."""
        return self.lists.get("item", [])

    def line(self, number: Any) -> Line | None:
        """The item line with this `line` number."""
        return next((line for line in self.lines if str(line.get("line")) == str(number)), None)

    def ref(self, name: str) -> str | None:
        """The id in a reference or enumeration field."""
        return ref_id(self.fields.get(name))

    @property
    def label(self) -> str:
        """How NetSuite names a record in a reference."""
        if self.schema.is_transaction:
            return f"{self.schema.title} #{self.fields.get('tranId', self.id)}"
        names = ("itemId", "companyName", "entityId", "periodName", "acctName", "name", "symbol")
        return str(next((self.fields[name] for name in names if self.fields.get(name)), self.id))


class Book:
    """Every record of the account, in memory. `changed` collects what SuiteQL's mirror has not seen yet."""

    def __init__(self) -> None:
        self._records: dict[str, dict[str, Record]] = {name: {} for name in KINDS}
        self._transactions: dict[str, Record] = {}
        self._external: dict[tuple[str, str], Record] = {}
        self._referring: dict[str, dict[str, None]] = {}
        self._targets: dict[str, set[str]] = {}
        self._last_id: dict[str, int] = {}
        self._last_number: dict[str, int] = {}
        self._last_key = 10_000
        self.changed: dict[tuple[str, str], None] = {}

    def all(self, kind: str) -> list[Record]:
        """Every record of a type, oldest first."""
        return list(self._records[kind].values())

    def count(self, kind: str) -> int:
        """How many records of a type there are."""
        return len(self._records[kind])

    def get(self, kind: str, record_id: str) -> Record | None:
        """A record by internal id."""
        return self._records[kind].get(record_id)

    def first(self, kinds: Iterable[str], record_id: str | None) -> Record | None:
        """The record with this id among several types."""
        if record_id is None:
            return None
        return next((found for kind in kinds if (found := self.get(kind, record_id))), None)

    def transaction(self, record_id: str | None) -> Record | None:
        """A transaction of any type; their internal ids share one space."""
        return self._transactions.get(record_id or "")

    def item(self, record_id: str | None) -> Record | None:
        """An item of any type."""
        return self.first(ITEM_KINDS, record_id)

    def by_external_id(self, kind: str, external_id: str) -> Record | None:
        """A record by external id, which is unique per record type (sheet §7)."""
        return self._external.get((kind, external_id))

    def external_id_taken(self, record: Record, preferences: Preferences) -> bool:
        """Whether another record already has this record's external id."""
        value = str(record.fields.get("externalId") or "")
        wide = preferences.external_id_scope == "transactions" and record.schema.is_transaction
        kinds = TRANSACTION_KINDS if wide else (record.kind,)
        holders = (self.by_external_id(kind, value) for kind in kinds)
        return bool(value) and any(h is not None and (h.kind, h.id) != (record.kind, record.id) for h in holders)

    def referring(self, record_id: str, kinds: Iterable[str]) -> Iterator[Record]:
        """The transactions of these types that were made from, or are applied to, this one; oldest first."""
        wanted = set(kinds)
        for other in list(self._referring.get(record_id, {})):
            record = self._transactions[other]
            if record.kind in wanted:
                yield record

    def put(self, record: Record) -> None:
        """Keep a record, replacing the one with the same id."""
        self._forget_links(record)
        self._records[record.kind][record.id] = record
        if record.fields.get("externalId"):
            self._external[record.kind, str(record.fields["externalId"])] = record
        if record.schema.is_transaction:
            self._transactions[record.id] = record
            self._targets[record.id] = links_of(record)
            for target in self._targets[record.id]:
                self._referring.setdefault(target, {})[record.id] = None
        self.touch(record)

    def remove(self, record: Record) -> None:
        """Forget a record."""
        self._forget_links(record)
        del self._records[record.kind][record.id]
        self._transactions.pop(record.id, None) if record.schema.is_transaction else None
        self.touch(record)

    def touch(self, record: Record) -> None:
        """Note that a record changed: SuiteQL must read it again, and a slower write of it comes too late."""
        record.version += 1
        self.changed[record.kind, record.id] = None

    def _forget_links(self, record: Record) -> None:
        old = self._records[record.kind].get(record.id)
        if old is not None and old.fields.get("externalId"):
            self._external.pop((old.kind, str(old.fields["externalId"])), None)
        if record.schema.is_transaction:
            for target in self._targets.pop(record.id, ()):
                self._referring[target].pop(record.id, None)

    def next_id(self, kind: str) -> str:
        """A fresh internal id in the family's space."""
        family = KINDS[kind].family
        floor = 4000 if family == "transaction" else 0
        self._last_id[family] = max(self._last_id.get(family, 0), floor) + 1
        return str(self._last_id[family])

    def reserve_id(self, kind: str, record_id: str) -> None:
        """Note an id given by the world, so that it is not handed out again."""
        if record_id.isdigit():
            family = KINDS[kind].family
            self._last_id[family] = max(self._last_id.get(family, 0), int(record_id))

    def next_number(self, kind: str) -> str:
        """A fresh document number with the type's prefix."""
        self._last_number[kind] = self._last_number.get(kind, 1000) + 1
        return f"{KINDS[kind].prefix}{self._last_number[kind]}"

    def next_line_key(self) -> int:
        """A fresh `lineUniqueKey`, unique over all transactions."""
        self._last_key += 1
        return self._last_key


def links_of(record: Record) -> set[str]:
    """The transactions a record was made from or is applied to."""
    found = {ref_id(line.get("orderDoc")) for line in record.lines}
    for name in ("apply", "deposit"):
        found |= {ref_id(line.get("doc")) for line in record.lists.get(name, []) if line.get("apply")}
    found.add(record.ref("createdFrom"))
    return {target for target in found if target}
