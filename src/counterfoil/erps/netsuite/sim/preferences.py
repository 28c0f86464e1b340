"""The account's switches: Oracle's own preferences, and one named switch for everything the sheet only infers.

A world sets them under `preferences`, in snake_case or camelCase. Names nobody knows are kept aside and shown
by `/__sim/state`, so that a typing mistake is seen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Preferences:
    """Every switch with the default of the NetSuite sheet; section numbers are the sheet's."""

    # Features and accounting preferences (§5, §10, §11)
    return_authorizations: bool = True
    advanced_receiving: bool = True
    multi_location_inventory: bool = True
    suitetax: bool = False
    default_return_authorization_status: str = "B"
    default_sales_order_status: str = "B"
    refund_in_advance_of_return: bool = False
    restock_returned_items: bool = True
    allow_over_receipt: bool = False
    enforce_minimum_quantity_on_return_authorizations: bool = False
    override_period_restrictions: bool = False
    auto_apply_default: bool = True  # §4.3: a credit that applies itself leaves nothing to refund
    deletion_reason_required: bool = False  # §4
    # What REST of this account exposes (§4.2, §6, §16)
    item_receipt_restock: bool = False
    credit_memo_to_customer_refund: bool = True
    transform_by_external_id: bool = False
    transforms: bool = True  # off: no `!transform` at all, as accounts behind a proxy have been (inferred, §6)
    created_from_on_create: str = "ignored"  # or "accepted": a POST with createdFrom is a transform
    added_return_lines: str = "accepted"  # or "refused": a transform takes lines of its source only (§10)
    transform_line_key: str = "either"  # or "orderLine", "line"
    header_discount_on_transform: str = "dropped"  # or "copied" (§11)
    credit_from_bill_copies_shipping: bool = True
    partial_kit_receipts: str = "refused"  # or "ignored": component lines follow the parent (§16.4)
    legacy_tax_fields: str = "ignored"  # or "refused", "accepted" (§11)
    # Answers the sheet leaves open (§2, §7, §8, §12, §16)
    missing_transaction: str = "404"  # or "400": Transaction type specified is incorrect
    missing_permission_on_read: str = "nothing_found"  # or "403"
    duplicate_transaction_code: str = "USER_ERROR"  # or "DUP_RCRD"
    external_id_scope: str = "type"  # or "transactions": one space for all transactions (§16.7)
    unknown_field_code: str = "NONEXISTENT_FIELD"
    record_changed_status: int = 400  # or 409
    detect_parallel_change: bool = True
    job_polls: int = 0  # how often an asynchronous job is still running when it is asked for
    expires_in_as_string: bool = False
    refuse_replayed_assertions: bool = False
    minimum_rsa_bits: int = 3072
    clock_skew_s: int = 60
    tba_window_s: int = 300
    # SuiteQL (§12)
    suiteql_without_prefer: str = "refused"  # or "accepted"
    suiteql_omit_nulls: bool = True
    suiteql_offset_multiple_of_limit: bool = True
    suiteql_credit_total_sign: str = "negative"  # or "positive" (§16.9)
    createdfrom_on_mainline: bool = True
    date_format: str = "M/D/YYYY"  # or DD/MM/YYYY, YYYY-MM-DD: how a bare date column is shown
    # Traffic (§9)
    concurrency_limit: int = 5
    force_429: bool = False
    latency_s: float = 0.0
    frequency_limit: int = 0  # requests in `frequency_window_s`; 0: no limit
    frequency_window_s: float = 60.0
    token_lifetime_s: float = 3600.0
    today: str = ""  # a fixed date for documents without tranDate; empty: the real date


_STATUS_NAMES = {"Pending Approval": "A", "Pending Receipt": "B", "Pending Fulfillment": "B"}


def read_preferences(world: Mapping[str, Any], base: Preferences | None = None) -> tuple[Preferences, list[str]]:
    """The switches of a world and the names that mean nothing. Traffic settings may also stand at the top level."""
    known = {field.name: type(field.default) for field in fields(Preferences)}
    given = {snake_case(name): value for name, value in dict(world.get("preferences") or {}).items()}
    for name in ("token_lifetime_s", "latency_s", "concurrency_limit", "today"):
        if name in world:
            given.setdefault(name, world[name])
    values = {name: _cast(value, known[name]) for name, value in given.items() if name in known}
    unknown = sorted(name for name in given if name not in known)
    return replace(base or Preferences(), **values), unknown


def _cast(value: Any, kind: type) -> Any:
    if kind is str:
        return _STATUS_NAMES.get(str(value), str(value))
    if kind is bool and isinstance(value, str):
        return value.strip().lower() in {"t", "true", "1", "yes", "on"}
    return kind(value)


def snake_case(name: str) -> str:
    """`refundInAdvanceOfReturn` as `refund_in_advance_of_return`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[a-z])(?=\d)", "_", name).lower()
