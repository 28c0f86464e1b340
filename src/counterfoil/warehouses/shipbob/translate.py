"""ShipBob's return resource as a receipt: quantities are those of the actions taken (warehouse sheet §1, §2.3). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from counterfoil.adapterkit.parse import Fields, UnreadableError, read_json
from counterfoil.adapterkit.signing import digest
from counterfoil.core.events import WarehouseReported
from counterfoil.core.problems import Owner
from counterfoil.core.receipts import FoundUnits, Inspection, Receipt, ReceiptKind, ReceiptLine
from counterfoil.core.returns import Disposition
from counterfoil.ports.translation import Answer, Finding, Kind, Signature, Translation
from counterfoil.ports.vendors import Delivery
from counterfoil.warehouses.shipbob.webhooks import SIGNATURE, TOPIC

VENDOR = "shipbob"
COMPLETED = "return.completed"

# our reading of ShipBob's guide, still to be confirmed (§2.3, §7); a word that is not here is asked about, not guessed
ACTIONS = {
    "restock": Disposition.SELLABLE,
    "quarantine": Disposition.QUARANTINE,
    "dispose": Disposition.DISPOSE,
}
_WAITING = {
    "awaitingarrival": "the parcel has not arrived",
    "intransit": "the parcel has not arrived",
    "arrived": "nothing has been counted yet",
    "processing": "the count is under way; quantities are final when the return is completed",
    "cancelled": "ShipBob will receive nothing for it",
    "rejected": "ShipBob will receive nothing for it",
}


def translate(delivery: Delivery) -> Translation:
    """One webhook, or one return or a list of them as the API answers. Never raises."""
    topic = delivery.headers.get(TOPIC, "").strip() or None
    if delivery.status is not None and not 200 <= delivery.status < 300:
        return _refusal(delivery.status)
    try:
        value = read_json(delivery.body)
        if delivery.status is None and topic not in (None, COMPLETED):
            found = _unknown(str(topic))
        elif isinstance(value, list):
            found = _together([_return(_fields(row, i)) for i, row in enumerate(value)])
        else:
            found = _return(_fields(value))
            topic = topic or (COMPLETED if found.receipt and delivery.status is None else None)
    except UnreadableError as error:
        found = _unreadable(error)
    if delivery.status is None and not delivery.headers.get(SIGNATURE, "").strip() and not delivery.path_tail:
        found = msgspec.structs.replace(found, signature=Signature.ABSENT)
    return msgspec.structs.replace(found, topic=topic)


def _fields(value: Any, position: int | None = None) -> Fields:
    path = "" if position is None else f"[{position}]"
    if not isinstance(value, Mapping):
        raise UnreadableError(f"{path or 'the body'} is no return")
    return Fields(value, path)


def _together(parts: list[Translation]) -> Translation:
    reasons = [part.ignored_because for part in parts if part.ignored_because]
    first = next((part.receipt for part in parts if part.receipt is not None), None)
    return Translation(
        vendor=VENDOR,
        kind=Kind.RECEIPT,
        events=tuple(event for part in parts for event in part.events),
        problems=tuple(problem for part in parts for problem in part.problems),
        receipt=first,
        ignored_because=reasons[0]
        if reasons and len(reasons) == len(parts)
        else None
        if parts
        else "the list is empty",
    )


def _return(body: Fields) -> Translation:
    ref, status = body.need("id"), body.need("status")
    word = "".join(letter for letter in status.lower() if letter.isalpha())
    if word in _WAITING:
        return Translation(vendor=VENDOR, kind=Kind.RECEIPT, ignored_because=f"return {ref}: {_WAITING[word]}")
    if word == "actionrequired":
        return _action_required(body, ref)
    if word != "completed":
        raise UnreadableError(f"{body.where('status')} is {status!r}, which is no status of a return")
    receipt = _receipt(body, ref)
    event = WarehouseReported(key=f"shipbob/{ref}/{receipt.event_id}", occurred_at=receipt.occurred_at, receipt=receipt)
    return Translation(
        vendor=VENDOR, kind=Kind.RECEIPT, events=(event,), receipt=receipt, problems=tuple(_findings(body, ref))
    )


def _receipt(body: Fields, ref: str) -> Receipt:
    """A completed return. It is completed once, so its revision is 1; other contents under it show as a conflict."""
    lines = tuple(_line(item) for item in body.each("inventory"))
    if not lines:
        raise UnreadableError(f"{body.where('inventory')} is empty in a completed return")
    completed = body.moment("completed_date")
    if completed is None:
        raise UnreadableError(f"{body.where('completed_date')} is missing in a completed return")
    centre = body.child("fulfillment_center") or Fields({})
    inspected = all(line.inspection_status is not Inspection.PENDING for line in lines)
    content = digest(msgspec.json.encode((completed, lines)))[:24]
    return Receipt(
        event_id=f"shipbob:{ref}:{content}",
        event_type=ReceiptKind.INSPECTED if inspected else ReceiptKind.RECEIVED,
        occurred_at=completed,
        source=VENDOR,
        warehouse_code=centre.text("id") or centre.text("name") or VENDOR,
        receipt_id=ref,
        rma_number=body.text("reference_id"),
        order_number=body.text("store_order_id"),
        tracking_number=body.text("tracking_number"),
        inspected_at=completed if inspected else None,
        lines=lines,
    )


def _line(item: Fields) -> ReceiptLine:
    """One inventory id, which appears once; an item may have had several actions (§1)."""
    actions = [(action, _quantity(action)) for action in item.each("action_taken")]
    received, expected = sum(quantity for _, quantity in actions), item.whole("quantity")
    known = all(_word(action) in ACTIONS for action, _ in actions)
    found = tuple(_found(action, quantity, item) for action, quantity in actions if quantity) if known else ()
    return ReceiptLine(
        line_id=item.need("id"),
        sku=_sku(item),
        expected_quantity=expected,
        received_quantity=received,
        short_quantity=expected - received if expected is not None and received < expected else None,
        oversupply_quantity=received - expected if expected is not None and received > expected else None,
        inspection_status=Inspection.PASSED if known else Inspection.PENDING,
        dispositions=found,
    )


def _quantity(action: Fields) -> int:
    quantity = action.whole("quantity_processed")
    if quantity is None or quantity < 0:
        raise UnreadableError(f"{action.where('quantity_processed')} is missing or negative")
    return quantity


def _word(action: Fields) -> str:
    return action.need("action").lower()


def _sku(item: Fields) -> str:
    """The SKU where ShipBob gives one; the sheet only promises its own inventory id, which then needs mapping."""
    return item.text("sku") or item.text("reference_id") or f"shipbob:{item.need('id')}"


def _found(action: Fields, quantity: int, item: Fields) -> FoundUnits:
    image = action.text("image_url")
    return FoundUnits(
        quantity=quantity,
        condition="unknown",  # ShipBob says what it did, not what it saw
        disposition=ACTIONS[_word(action)],
        reason_code=action.text("action_reason"),
        lot_number=item.text("lot_number"),
        expiry_date=_day(item),
        image_urls=(image,) if image and _is_address(image) else (),
    )


def _day(item: Fields) -> str | None:
    moment = item.moment("lot_date")
    return moment[:10] if moment else None


def _is_address(text: str) -> bool:
    try:
        return urlsplit(text).scheme in ("http", "https")
    except ValueError:
        return False


# --- what needs a person --------------------------------------------------------------------------------------------


def _findings(body: Fields, ref: str) -> Iterator[Finding]:
    for item in body.each("inventory"):
        for action in item.each("action_taken"):
            if _word(action) not in ACTIONS:
                message = (
                    f"ShipBob did {action.text('action')!r} with {_quantity(action)} of {_sku(item)} on return {ref}; "
                    f"nothing says what that means for stock, so the line waits."
                )
                subject = f"{ref}/{item.need('id')}"
                yield Finding(kind="unknown_warehouse_word", owner=Owner.INTEGRATION, message=message, subject=subject)


def _action_required(body: Fields, ref: str) -> Translation:
    """ShipBob waits for the brand: an item it cannot identify, or an inspection that needs a decision (§1)."""
    name = body.text("reference_id") or ref
    message = f"ShipBob holds return {name} until you decide in its dashboard what happens to an item."
    finding = Finding(kind="warehouse_waits_for_decision", owner=Owner.OPS, message=message, subject=ref)
    return Translation(
        vendor=VENDOR, kind=Kind.RECEIPT, problems=(finding,), ignored_because=f"return {ref}: nothing is decided yet"
    )


def _unknown(topic: str) -> Translation:
    what = f"The topic {topic} is not one we use"
    message = f"{what}; unsubscribe from it or tell us what it means."
    finding = Finding(kind="unknown_topic", owner=Owner.INTEGRATION, message=message, subject=topic)
    return Translation(vendor=VENDOR, kind=Kind.OTHER, problems=(finding,), ignored_because=what)


def _unreadable(error: UnreadableError) -> Translation:
    message = f"This cannot be read: {error}."
    finding = Finding(kind="unreadable_delivery", owner=Owner.INTEGRATION, message=message)
    return Translation(vendor=VENDOR, kind=Kind.UNREADABLE, problems=(finding,))


def _refusal(status: int) -> Translation:
    """The sheet describes no error bodies; a status keeps HTTP's own meaning."""
    again = status == 429 or status >= 500
    missing = status == 404
    answer = Answer(
        result="retry" if again else "not_found" if missing else "rejected",
        retryable=again,
        owner=None if again else Owner.OPS if missing else Owner.INTEGRATION,
        message="ShipBob has no such return." if missing else f"ShipBob answered with status {status}.",
        primary_code=str(status),
        then="resend" if again else "park",
    )
    return Translation(vendor=VENDOR, kind=Kind.ANSWER, answer=answer)
