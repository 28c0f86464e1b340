"""One NetSuite account: its records, switches, role, periods and calendar. Every step of a request works on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from counterfoil.erps.netsuite.sim.book import Book, Line, Record
from counterfoil.erps.netsuite.sim.errors import no_permission, user_error
from counterfoil.erps.netsuite.sim.preferences import Preferences
from counterfoil.erps.netsuite.sim.schema import ITEM_TYPES, KINDS
from counterfoil.erps.netsuite.sim.values import as_decimal, ref_id, truth

# Currencies whose documents do not carry two digits (ISO 4217), when the world does not say.
_DIGITS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "KWD": 3, "BHD": 3, "OMR": 3, "JOD": 3, "TND": 3}
GOODS = frozenset({"InvtPart", "Assembly", "Kit"})
# Kinds of lock by the ledger a record belongs to; an item receipt is stopped only by a full lock (sheet §8).
_RECEIVABLES = frozenset({"creditMemo", "customerRefund", "cashRefund", "cashSale", "invoice"})


@dataclass(slots=True)
class Role:
    """What the integration's role may not see, and whether it is the administrator."""

    missing: frozenset[str] = frozenset()
    administrator: bool = True

    def lacks(self, kind: str) -> bool:
        """Whether the role has no permission for a record type; names are compared without spaces and case."""
        sql_type = KINDS[kind].sql_type or kind
        return bool({folded(kind), folded(sql_type), folded(KINDS[kind].title)} & self.missing)


def folded(name: str) -> str:
    """`Credit Memos` and `creditMemo` as the same word."""
    return re.sub(r"[^a-z]", "", name.lower()).removesuffix("s")


@dataclass(slots=True)
class Account:
    """Everything a request may touch."""

    number: str
    preferences: Preferences
    role: Role = field(default_factory=Role)
    book: Book = field(default_factory=Book)
    # On-hand quantity by (item, location, bin, inventory status); empty text where a dimension is not used.
    stock: dict[tuple[str, str, str, str], Decimal] = field(default_factory=dict)
    custom_fields: frozenset[str] | None = None  # None: any name with the right prefix exists
    payments: list[dict[str, Any]] = field(default_factory=list)  # money this account would have sent itself

    @property
    def host(self) -> str:
        """The account's host (sheet §1): lower case, underscores become hyphens."""
        return f"{self.number.lower().replace('_', '-')}.suitetalk.api.netsuite.com"

    def today(self) -> date:
        """The date of a document that does not say otherwise."""
        fixed = self.preferences.today
        return date.fromisoformat(fixed) if fixed else datetime.now(UTC).date()

    def now(self) -> str:
        """The moment written into createdDate and lastModifiedDate."""
        clock = datetime.now(UTC)
        moment = clock.replace(year=self.today().year, month=self.today().month, day=self.today().day)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    def digits(self, record: Record) -> int:
        """How many digits after the point this document's currency has."""
        currency = self.book.get("currency", record.ref("currency") or "")
        if currency is None:
            return 2
        given = as_decimal(currency.ref("currencyPrecision"))
        return int(given) if given is not None else _DIGITS.get(str(currency.fields.get("symbol", "")).upper(), 2)

    def item_type(self, line: Line) -> str:
        """The SuiteQL item type of a line's item (sheet §10)."""
        item = self.book.item(ref_id(line.get("item")))
        return ITEM_TYPES.get(item.kind, "InvtPart") if item is not None else "InvtPart"

    def receivable(self, line: Line) -> bool:
        """Whether the line's item goes through a receipt: goods, and other items only if the world says so."""
        if self.item_type(line) in GOODS:
            return True
        item = self.book.item(ref_id(line.get("item")))
        return item is not None and bool(truth(item.fields.get("isFulfillable", False)))

    def require(self, kind: str) -> None:
        """Refuse a write the role has no permission for (sheet §2.4, §8)."""
        if self.role.lacks(kind):
            raise no_permission(KINDS[kind].title)

    def period_of(self, day: date) -> Record | None:
        """The month a day belongs to."""
        for period in self.book.all("accountingPeriod"):
            flags = (period.fields.get(name) for name in ("isYear", "isQuarter", "isAdjust"))
            if not any(map(truth, flags)) and period.fields["startDate"] <= day.isoformat() <= period.fields["endDate"]:
                return period
        return None

    def check_period(self, record: Record, changed: bool = False) -> None:
        """Refuse a posting record in a closed or locked period (sheet §8, text `T:jj53`).

        `changed` says that the posted record existed before and only fields outside the ledger differ.
        """
        if not record.schema.posting:
            return
        period = self.book.get("accountingPeriod", record.ref("postingPeriod") or "")
        if period is None or self._shut(period, record.kind, changed):
            raise user_error("The transaction date is not within an open accounting period.")

    def _shut(self, period: Record, kind: str, harmless: bool) -> bool:
        if harmless and truth(period.fields.get("allowNonGLChanges")):
            return False
        if truth(period.fields.get("closed")):
            return True
        locks = ["allLocked"] + (["arLocked"] if kind in _RECEIVABLES else [])
        locked = any(truth(period.fields.get(name)) for name in locks)
        return locked and not self.preferences.override_period_restrictions


def role_from(given: Mapping[str, Any] | None) -> Role:
    """The role of a world. Without one the caller is the administrator and lacks nothing."""
    if not given:
        return Role()
    missing = frozenset(folded(str(name)) for name in given.get("missing_permissions") or ())
    return Role(missing, bool(given.get("administrator", False)))
