"""What the warehouse says: the canonical receipt message (warehouse sheet §2), with its own field names."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from counterfoil.core.returns import Disposition


class ReceiptKind(StrEnum):
    """The four things a warehouse can tell."""

    RECEIVED = "return.received"
    INSPECTED = "return.inspected"
    REVERSED = "return.receipt_reversed"
    CLOSED = "return.closed"


class Inspection(StrEnum):
    """How far the inspection of a line is; `pending` opens no gate."""

    PENDING = "pending"
    PASSED = "passed"
    FAILED = "failed"
    PARTIAL = "partial"


class FoundUnits(msgspec.Struct, frozen=True, kw_only=True):
    """So many units in one condition with one disposition."""

    quantity: int
    condition: str
    disposition: Disposition
    grade: str | None = None
    reason_code: str | None = None
    location_code: str | None = None
    lot_number: str | None = None
    expiry_date: str | None = None
    serial_numbers: tuple[str, ...] = ()
    notes: str | None = None
    image_urls: tuple[str, ...] = ()


class ReceiptLine(msgspec.Struct, frozen=True, kw_only=True):
    """One counted line of a receipt. `received_quantity` is what came in this receipt, not a running total."""

    line_id: str
    received_quantity: int
    inspection_status: Inspection
    rma_line_ref: str | None = None
    sku: str | None = None
    barcode: str | None = None
    expected_quantity: int | None = None
    rejected_quantity: int = 0
    short_quantity: int | None = None
    oversupply_quantity: int | None = None
    dispositions: tuple[FoundUnits, ...] = ()


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """One warehouse message. (source, receipt_id, revision) is the business key; a higher revision replaces."""

    event_id: str
    event_type: ReceiptKind
    occurred_at: str
    source: str
    warehouse_code: str
    receipt_id: str
    schema_version: str = "1"
    revision: int = 1
    reverses_receipt_id: str | None = None
    rma_number: str | None = None
    order_number: str | None = None
    tracking_number: str | None = None
    bag_barcode: str | None = None
    received_at: str | None = None
    inspected_at: str | None = None
    inspected_by: str | None = None
    lines: tuple[ReceiptLine, ...] = ()
