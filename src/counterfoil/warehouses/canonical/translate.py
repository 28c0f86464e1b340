"""A canonical warehouse message as a receipt, an event, and what a person must look at. Pure.

Comes after the webhook or the file was kept; the case decides afterwards what the receipt means for its return.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from counterfoil.adapterkit.parse import UnreadableError, read_json
from counterfoil.adapterkit.signing import digest
from counterfoil.core.events import WarehouseReported
from counterfoil.core.problems import Owner
from counterfoil.core.receipts import Inspection, Receipt, ReceiptKind, ReceiptLine
from counterfoil.ports.translation import Finding, Kind, Translation
from counterfoil.ports.vendors import Delivery
from counterfoil.warehouses.canonical.schema import SchemaError, read_receipt

VENDOR = "warehouse"


def translate(delivery: Delivery) -> Translation:
    """Read one message. Never raises: a breach of the schema is of kind `unreadable`, with code and path."""
    try:
        receipt = read_receipt(read_json(delivery.body))
    except SchemaError as error:
        return _unreadable(f"{error.code} at {error.path or 'the message'}: {error.message}.", error.path)
    except UnreadableError as error:
        return _unreadable(f"The message is unreadable: {error}.", "")
    return of_receipt(receipt)


def of_receipt(receipt: Receipt) -> Translation:
    """The translation of a receipt that was read, by webhook or from a file."""
    return Translation(
        vendor=VENDOR,
        kind=Kind.RECEIPT,
        topic=receipt.event_type.value,
        receipt=receipt,
        events=(WarehouseReported(key=event_key(receipt), occurred_at=receipt.occurred_at, receipt=receipt),),
        problems=tuple(findings(receipt)),
    )


def _unreadable(message: str, path: str) -> Translation:
    finding = Finding(
        kind="unreadable_delivery",
        owner=Owner.INTEGRATION,
        message=message.encode("utf-8", "replace").decode("utf-8"),
        subject=path,
    )
    return Translation(vendor=VENDOR, kind=Kind.UNREADABLE, problems=(finding,))


def event_key(receipt: Receipt) -> str:
    """What identifies the fact (§3.1): source, receipt, revision and content, not the id of the event.

    The same receipt sent again under a new event id has the same key; other content under the same revision has
    another, so that the conflict can be seen.
    """
    content = msgspec.json.encode(msgspec.structs.replace(receipt, event_id=""))
    return f"warehouse/{receipt.source}/{receipt.receipt_id}/{receipt.revision}/{digest(content)[:24]}"


def findings(receipt: Receipt) -> Iterator[Finding]:
    """What does not add up inside the message itself (§2.2)."""
    for line in receipt.lines:
        if not adds_up(line, receipt.event_type):
            yield Finding(
                kind="disposition_sum",
                owner=Owner.OPS,
                message=_sum_message(receipt, line),
                subject=f"{receipt.receipt_id}/{line.line_id}",
            )
        yield from _serial_findings(receipt, line)


def adds_up(line: ReceiptLine, kind: ReceiptKind) -> bool:
    """Whether the dispositions cover received less rejected exactly (§2.2). Before inspection there are none."""
    inspected = kind is ReceiptKind.INSPECTED and line.inspection_status is not Inspection.PENDING
    if line.rejected_quantity > line.received_quantity:
        return False
    if not line.dispositions and not inspected:
        return True
    return sum(found.quantity for found in line.dispositions) == line.received_quantity - line.rejected_quantity


def _sum_message(receipt: Receipt, line: ReceiptLine) -> str:
    stated = sum(found.quantity for found in line.dispositions)
    return (
        f"Receipt {receipt.receipt_id}, line {line.line_id}: {line.received_quantity} received less "
        f"{line.rejected_quantity} rejected, but dispositions for {stated}; the line is parked."
    )


def _serial_findings(receipt: Receipt, line: ReceiptLine) -> Iterator[Finding]:
    for found in line.dispositions:
        serials = found.serial_numbers
        if serials and (len(serials) != found.quantity or len(set(serials)) != len(serials)):
            yield Finding(
                kind="serial_mismatch",
                owner=Owner.OPS,
                message=f"Receipt {receipt.receipt_id}, line {line.line_id}: {found.quantity} units, but "
                f"{len(set(serials))} different serial numbers.",
                subject=f"{receipt.receipt_id}/{line.line_id}",
            )
