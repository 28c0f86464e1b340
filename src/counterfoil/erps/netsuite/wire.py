"""NetSuite's shapes: how requests are written and records are read. Pure; nothing from here travels further.

Amounts leave as exact JSON numbers and arrive as Decimal (NetSuite sheet §3).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import msgspec

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.core.commands import CaseRef, Command
from counterfoil.core.money import MoneyError, to_minor, to_text

RECORDS = "/services/rest/record/v1"
SUITEQL = "/services/rest/query/v1/suiteql"
EXTERNAL_ID_MAX = 100  # assumed (§16.7)
EXPANDED = {"expandSubResources": "true"}
REPLACE_LINES = {"replace": "item"}
WRITE_HEADERS = {
    "content-type": "application/json",
    "X-NetSuite-PropertyNameValidation": "Error",  # the default drops unknown fields without a word (§1)
}

CREATE_FORM = "application/vnd.oracle.resource+json; type=create-form"

# Record type in the URL -> type in SuiteQL (§12), and the documents each of our kinds stands for.
SUITEQL_TYPES = {
    "salesOrder": "SalesOrd",
    "returnAuthorization": "RtnAuth",
    "itemReceipt": "ItemRcpt",
    "creditMemo": "CustCred",
    "cashRefund": "CashRfnd",
    "customerRefund": "CustRfnd",
}
# What the role needs for each, as the permission is called in NetSuite (names as in the UI: inferred, §2.4).
PERMISSIONS = {
    "salesOrder": "Transactions > Sales Order",
    "returnAuthorization": "Transactions > Return Authorization",
    "itemReceipt": "Transactions > Item Receipt",
    "creditMemo": "Transactions > Credit Memo",
    "cashRefund": "Transactions > Cash Refund",
    "customerRefund": "Transactions > Customer Refund",
    "invoice": "Transactions > Invoice",
    "cashSale": "Transactions > Cash Sale",
    "customerDeposit": "Transactions > Customer Deposit",
    "item": "Lists > Items",
    "customer": "Lists > Customers",
    "location": "Lists > Locations",
    "currency": "Lists > Currency",
    "accountingperiod": "Setup > Manage Accounting Periods (view)",
}
KIND_RECORDS = {
    "rma": ("returnAuthorization",),
    "receipt": ("itemReceipt",),
    "credit_note": ("creditMemo", "cashRefund"),
    "refund": ("customerRefund",),
    "exchange_order": ("salesOrder",),
}

RMA_STATUSES = {
    "A": "Pending Approval",
    "B": "Pending Receipt",
    "C": "Cancelled",
    "D": "Partially Received",
    "E": "Pending Refund/Partially Received",
    "F": "Pending Refund",
    "G": "Refunded",
    "H": "Closed",
}
ORDER_STATUSES = {
    "A": "Pending Approval",
    "B": "Pending Fulfillment",
    "C": "Cancelled",
    "D": "Partially Fulfilled",
    "E": "Pending Billing/Partially Fulfilled",
    "F": "Pending Billing",
    "G": "Billed",
    "H": "Closed",
}
CREDIT_STATUSES = {"A": "Open", "B": "Fully Applied", "V": "Voided"}

_encoder = msgspec.json.Encoder(decimal_format="number")


# --- writing ----------------------------------------------------------------------------------------------------------


def encode(body: Any) -> bytes:
    """A request body: Decimals become JSON numbers, digit for digit."""
    return _encoder.encode(body)


def external_id(case: CaseRef, step: str) -> str:
    """The deterministic external id of one step of one return (§7): `cf-<brand>-<portal>-<returnId>-<step>`.

    Only `[A-Za-z0-9._-]`, at most 100 characters. Where that loses anything of the key, a digest of the whole key
    takes its place at the end, so that two keys never share an id.
    """
    plain = f"cf-{case.brand}-{case.portal}-{case.return_id}-{step}"
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", plain)
    if safe == plain and len(plain) <= EXTERNAL_ID_MAX:
        return plain
    tail = hashlib.sha256(f"{case.case_id}/{step}".encode()).hexdigest()[:16]
    return f"{safe[: EXTERNAL_ID_MAX - 17]}-{tail}"


def external_id_of(command: Command) -> str:
    """The external id of the document a command makes."""
    return external_id(command.case, command.step)


def eid(value: str) -> str:
    """How a record is addressed by external id in a path."""
    return f"eid:{value}"


def ref(record_id: str) -> dict[str, str]:
    """A reference to a record by its internal id."""
    return {"id": record_id}


def line_key(erp_line: str) -> int | str:
    """A line number as NetSuite writes it: a JSON number."""
    return int(erp_line) if erp_line.isdigit() else erp_line


def amount(minor: int, currency: str) -> Decimal:
    """Minor units as an exact number in major units."""
    return Decimal(to_text(minor, currency))


def date(text: str) -> str:
    """A day for SuiteQL. Raises UnreadableError for anything but `YYYY-MM-DD`."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise UnreadableError(f"{text!r} is not a date like 2026-11-20")
    return text


def quoted(values: Iterable[str]) -> str:
    """Text literals for SuiteQL, separated by commas; there are no bind parameters (§12)."""
    return ", ".join("'" + value.replace("'", "''") + "'" for value in values)


def whole_ids(values: Iterable[str]) -> str:
    """Internal ids for SuiteQL, separated by commas. Raises UnreadableError for anything but digits."""
    ids = list(values)
    odd = next((value for value in ids if not value.isdigit()), None)
    if odd is not None:
        raise UnreadableError(f"{odd!r} is not an internal id")
    return ", ".join(ids)


# --- reading ----------------------------------------------------------------------------------------------------------


def reference(record: Fields, name: str) -> str | None:
    """The id a reference field points to: `{"id": …}`, or a bare scalar (§3)."""
    value = record.raw(name)
    return Fields(value).text("id") if isinstance(value, dict) else record.text(name)


def reference_name(record: Fields, name: str) -> str | None:
    """The display name of a reference field."""
    value = record.raw(name)
    return Fields(value).text("refName") if isinstance(value, dict) else None


def letter(record: Fields, name: str, table: dict[str, str]) -> str | None:
    """A status as its letter: accounts answer a letter or a display name, in `id`, in `refName`, or bare (§3)."""
    value = record.raw(name)
    said = [value.get("id"), value.get("refName")] if isinstance(value, dict) else [value]
    words = {word.lower(): key for key, word in table.items()}
    for each in said:
        text = str(each or "").rpartition(":")[2].strip()
        if text in table:
            return text
        if text.lower() in words:
            return words[text.lower()]
    return None


def sublist(record: Fields, name: str) -> Iterator[Fields]:
    """The rows of an expanded sublist. Raises UnreadableError when there are more than are shown."""
    child = record.child(name)
    if child is None:
        return iter(())
    if child.flag("hasMore"):
        raise UnreadableError(f"{name} has more lines than the answer shows")
    return child.each("items")


def item_lines(record: Fields) -> list[Fields]:
    """The lines of a transaction, without components of kits: those follow their parent (§10)."""
    return [row for row in sublist(record, "item") if row.text("kitMemberOf") is None]


def quantity(row: Fields, name: str) -> int:
    """A quantity, 0 when absent; fractions of a unit are refused."""
    return abs(row.whole(name) or 0)


def total_of(record: Fields, currency: str, name: str = "total") -> int | None:
    """An amount of a record in minor units. Raises UnreadableError when it does not fit the currency."""
    value = record.text(name)
    if value is None:
        return None
    try:
        return to_minor(Decimal(value), currency)
    except (MoneyError, ArithmeticError) as error:
        raise UnreadableError(f"{name}: {error}") from None


def rate(row: Fields, name: str = "taxRate1") -> Decimal | None:
    """A percentage, also written with a percent sign."""
    text = row.text(name)
    if text is None:
        return None
    try:
        return Decimal(text.rstrip("%").strip())
    except ArithmeticError:
        raise UnreadableError(f"{row.where(name)} is {text!r} where a percentage is due") from None
