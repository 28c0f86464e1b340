"""Create, change, upsert and delete one record (NetSuite sheet §3, §5, §7)."""

from __future__ import annotations

from typing import Any

from counterfoil.erps.netsuite.sim.account import Account
from counterfoil.erps.netsuite.sim.bodies import Body
from counterfoil.erps.netsuite.sim.book import Record
from counterfoil.erps.netsuite.sim.errors import Refusal, bad_value, user_error
from counterfoil.erps.netsuite.sim.lines import merge
from counterfoil.erps.netsuite.sim.posting import copy_of, save
from counterfoil.erps.netsuite.sim.schema import Kind
from counterfoil.erps.netsuite.sim.values import ref_id

_ONLY_BY_TRANSFORM = {"itemReceipt": "a return authorization", "itemFulfillment": "a sales order"}
_STATEFUL = frozenset({"salesOrder", "returnAuthorization"})


def create(account: Account, kind: Kind, body: Body, external_id: str | None = None) -> Record:
    """A record from nothing."""
    return save(account, drafted(account, kind, body, external_id))


def drafted(account: Account, kind: Kind, body: Body, external_id: str | None = None) -> Record:
    """The record before it is saved. Receipts and fulfilments only come from a transform (sheet §6)."""
    if kind.name in _ONLY_BY_TRANSFORM:
        raise user_error(f"Created From: a record of this type is created from {_ONLY_BY_TRANSFORM[kind.name]}.")
    record = Record(kind.name, account.book.next_id(kind.name))
    if kind.name in _STATEFUL:
        record.fields["_state"] = "pending" if default_state(account, kind.name) == "A" else "open"
    overlay(account, record, body, frozenset())
    if external_id is not None:
        record.fields["externalId"] = external_id
    return record


def default_state(account: Account, kind: str) -> str:
    """The account's default status of a new order or return, "A" or "B"."""
    preferences = account.preferences
    if kind == "returnAuthorization":
        return preferences.default_return_authorization_status
    return preferences.default_sales_order_status


def change(account: Account, kept: Record, body: Body, replace: frozenset[str]) -> Record:
    """PATCH, or PUT on an existing record: fields not named stay, null clears, sublists merge (sheet §3)."""
    record = copy_of(kept)
    overlay(account, record, body, replace)
    return save(account, record, previous=kept)


def overlay(account: Account, record: Record, body: Body, replace: frozenset[str]) -> None:
    """Put the caller's fields and lines over a record."""
    for name, value in body.fields.items():
        if name == "orderStatus":
            _set_state(account, record, value)
        elif value is None:
            record.fields.pop(name, None)
        else:
            record.fields[name] = value
    for name, asked in body.lists.items():
        key = record.schema.lists[name].key
        current = [line for line in record.lists.get(name, []) if line.get("kitMemberOf") is None]
        record.lists[name] = merge(current, asked, key, name in replace)


def settle_state(account: Account, record: Record, body: Body) -> None:
    """Take the status a transform's body asks for."""
    if record.kind in _STATEFUL and body.fields.get("orderStatus") is not None:
        _set_state(account, record, body.fields["orderStatus"])
    record.fields.pop("orderStatus", None)


def _set_state(account: Account, record: Record, value: Any) -> None:
    """Approve, or send back for approval before anything happened (sheet §4.1: A and B are writable)."""
    letter = ref_id(value)
    if letter not in {"A", "B"}:
        raise Refusal(400, (bad_value(letter, "orderStatus", "orderStatus"),))
    if record.fields.get("_state") in {"cancelled", "closed"} or record.ref("status") in {"C", "H"}:
        raise user_error(f"{record.label} is cancelled or closed and cannot be approved.")
    if letter == "A" and any(True for _ in account.book.referring(record.id, _followers(record.kind))):
        raise user_error(f"{record.label} has been processed and cannot go back to Pending Approval.")
    record.fields["_state"] = "pending" if letter == "A" else "open"


def _followers(kind: str) -> tuple[str, ...]:
    if kind == "salesOrder":
        return ("itemFulfillment", "invoice", "cashSale", "returnAuthorization")
    return ("itemReceipt", "creditMemo", "cashRefund")
