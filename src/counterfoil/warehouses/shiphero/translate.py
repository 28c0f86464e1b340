"""ShipHero's snapshots as receipts (warehouse sheet §1, §3.9). Pure.

A snapshot says how many units of each item have come in all. It becomes one receipt per warehouse, always with the
same receipt id, under a revision that rises with the time of arrival: counting replaces the lower revision and posts
only the difference, so nothing has to be remembered here. NOTES.md says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from counterfoil.adapterkit.parse import Fields, UnreadableError, read_object
from counterfoil.adapterkit.signing import digest
from counterfoil.core.events import WarehouseReported
from counterfoil.core.problems import Owner
from counterfoil.core.receipts import FoundUnits, Inspection, Receipt, ReceiptKind, ReceiptLine
from counterfoil.core.returns import Disposition
from counterfoil.ports.translation import Answer, Finding, Kind, Signature, Translation
from counterfoil.ports.vendors import Delivery
from counterfoil.warehouses.shiphero.webhooks import SIGNATURE, message_id

VENDOR = "shiphero"
RETURN_UPDATE = "Return Update"
NO_WAREHOUSE = "shiphero"  # the code of items that name no warehouse, to be mapped like any other

_CONDITIONS = ("new", "like_new", "good", "worn", "damaged", "defective", "wrong_item", "incomplete")


def translate(delivery: Delivery) -> Translation:
    """One webhook or API answer. The signature is checked by the hook; here only its absence is seen."""
    if delivery.status is not None:
        return _answer(delivery.status)
    topic = None
    try:
        body = read_object(delivery.body)
        topic = body.need("webhook_type")
        found = _snapshot(body, delivery) if topic == RETURN_UPDATE else _unknown(topic)
    except UnreadableError as error:
        found = _unreadable(error, topic)
    if not delivery.headers.get(SIGNATURE, "").strip():
        found = msgspec.structs.replace(found, signature=Signature.ABSENT)
    return msgspec.structs.replace(found, topic=topic)


def _snapshot(body: Fields, delivery: Delivery) -> Translation:
    by_warehouse: dict[str, list[Fields]] = {}
    for item in body.each("items"):
        by_warehouse.setdefault(item.text("warehouse_id") or NO_WAREHOUSE, []).append(item)
    if not by_warehouse:
        because = f"return {body.need('return_id')} lists no item"
        return Translation(vendor=VENDOR, kind=Kind.RECEIPT, ignored_because=because)
    receipts = [_receipt(body, warehouse, items, delivery) for warehouse, items in by_warehouse.items()]
    said = message_id(delivery) or digest(delivery.body)[:24]
    events = tuple(
        WarehouseReported(key=f"shiphero/{receipt.receipt_id}/{said}", occurred_at=receipt.occurred_at, receipt=receipt)
        for receipt in receipts
    )
    return Translation(
        vendor=VENDOR,
        kind=Kind.RECEIPT,
        events=events,
        receipt=receipts[0],
        problems=tuple(_findings(body, receipts)),
    )


def _receipt(body: Fields, warehouse: str, items: list[Fields], delivery: Delivery) -> Receipt:
    """The totals of one warehouse. When all of them are zero, whatever was counted before is taken back (§3.9)."""
    lines = tuple(_line(item) for item in items)
    twice = len({line.line_id for line in lines}) < len(lines)
    if twice:
        raise UnreadableError("an item id appears twice")
    receipt_id = f"{body.need('return_id')}@{warehouse}"
    came = [line for line in lines if line.received_quantity]
    pending = any(line.inspection_status is Inspection.PENDING for line in came)
    moment = datetime.fromtimestamp(delivery.arrived_at, UTC)
    return Receipt(
        event_id=f"shiphero:{message_id(delivery) or digest(delivery.body)[:24]}:{warehouse}",
        event_type=_kind(came=bool(came), pending=pending),
        occurred_at=f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        source=VENDOR,
        warehouse_code=warehouse,
        receipt_id=receipt_id,
        revision=max(1, round(delivery.arrived_at * 1000)),
        reverses_receipt_id=None if came else receipt_id,
        order_number=body.text("order_number") or body.text("partner_order_id"),
        tracking_number=body.text("tracking_number"),
        lines=lines if came else (),
    )


def _kind(*, came: bool, pending: bool) -> ReceiptKind:
    if not came:
        return ReceiptKind.REVERSED
    return ReceiptKind.RECEIVED if pending else ReceiptKind.INSPECTED


def _line(item: Fields) -> ReceiptLine:
    received, expected = _total(item, "quantity_received"), item.whole("quantity")
    if received is None:
        raise UnreadableError(f"{item.where('quantity_received')} is missing")
    restocked = _restocked(item, received)
    inspected = received > 0 and restocked is not None
    return ReceiptLine(
        line_id=item.need("id"),
        sku=item.need("sku"),
        expected_quantity=expected,
        received_quantity=received,
        oversupply_quantity=received - expected if expected is not None and received > expected else None,
        inspection_status=Inspection.PASSED if inspected else Inspection.PENDING,
        dispositions=tuple(_found(item, received, restocked)) if inspected and restocked is not None else (),
    )


def _total(item: Fields, name: str) -> int | None:
    value = item.whole(name)
    if value is not None and value < 0:
        raise UnreadableError(f"{item.where(name)} is negative")
    return value


def _restocked(item: Fields, received: int) -> int | None:
    """How many of the units went back to stock; None when it is not said. True and false speak for all of them."""
    value = item.raw("restock")
    if isinstance(value, bool):
        return received if value else 0
    return _total(item, "restock")


def _found(item: Fields, received: int, restocked: int) -> Iterator[FoundUnits]:
    """Units put back are sellable; of the others the webhook does not say what is wrong, so they are set apart."""
    condition = _condition(item)
    if restocked:
        yield FoundUnits(quantity=restocked, condition=condition, disposition=Disposition.SELLABLE)
    if received > restocked:
        yield FoundUnits(
            quantity=received - restocked,
            condition=condition,
            disposition=Disposition.QUARANTINE,
            reason_code=item.text("item_reason"),
        )


def _condition(item: Fields) -> str:
    """The condition where it is a word of ours; ShipHero's own words are not documented."""
    word = (item.text("condition") or "").lower().replace(" ", "_")
    return word if word in _CONDITIONS else "unknown"


def _findings(body: Fields, receipts: list[Receipt]) -> Iterator[Finding]:
    """More units back in stock than came, and a return that names neither order nor parcel."""
    for receipt in receipts:
        for line in receipt.lines:
            stated = sum(found.quantity for found in line.dispositions)
            if stated > line.received_quantity:
                message = f"Return {receipt.receipt_id}, {line.sku}: {line.received_quantity} came, {stated} restocked."
                subject = f"{receipt.receipt_id}/{line.line_id}"
                yield Finding(kind="disposition_sum", owner=Owner.OPS, message=message, subject=subject)
    if not any(body.text(name) for name in ("order_number", "partner_order_id", "tracking_number")):
        ref = body.need("return_id")
        message = (
            f"ShipHero's return {ref} names neither an order nor a tracking number; no return can be found for it."
        )
        yield Finding(kind="blind_receipt", owner=Owner.OPS, message=message, subject=ref)


def _unknown(topic: str) -> Translation:
    what = f"The webhook {topic} is not one we use"
    message = f"{what}; switch it off or tell us what it means."
    finding = Finding(kind="unknown_topic", owner=Owner.INTEGRATION, message=message, subject=topic)
    return Translation(vendor=VENDOR, kind=Kind.OTHER, problems=(finding,), ignored_because=what)


def _unreadable(error: UnreadableError, topic: str | None) -> Translation:
    message = f"This cannot be read: {error}."
    finding = Finding(kind="unreadable_delivery", owner=Owner.INTEGRATION, message=message, subject=topic or "")
    return Translation(vendor=VENDOR, kind=Kind.UNREADABLE, problems=(finding,))


def _answer(status: int) -> Translation:
    """We ask ShipHero nothing; a status keeps HTTP's own meaning."""
    good, again = 200 <= status < 300, status == 429 or status >= 500
    answer = Answer(
        result="ok" if good else "retry" if again else "rejected",
        retryable=again,
        owner=None if good or again else Owner.INTEGRATION,
        message=f"ShipHero answered with status {status}.",
        primary_code=None if good else str(status),
        then="resend" if again else None if good else "park",
    )
    return Translation(vendor=VENDOR, kind=Kind.ANSWER, answer=answer)
