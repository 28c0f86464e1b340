"""What happens to an RMA: decisions of the merchant, parcels on their way, the warehouse's look (ReturnGO sheet §4)."""

from __future__ import annotations

from counterfoil.portals.returngo.sim import cashier
from counterfoil.portals.returngo.sim.office import Office, Refused
from counterfoil.portals.returngo.sim.records import NO_SHIPMENT, SHIPMENT_MOVES, Json, Rma, Shipment, Unit

STATUSES = ("Pending", "Approved", "Received", "Validated", "Done", "Rejected", "Canceled")
# Moves of the documented flow. That an approved RMA can still be cancelled or rejected is inferred.
FLOW: dict[str, tuple[str, ...]] = {
    "Pending": ("Approved", "Rejected", "Canceled"),
    "Approved": ("Received", "Rejected", "Canceled"),
    "Received": ("Validated", "Done"),
    "Validated": ("Done",),
    "Done": ("Pending",),
    "Rejected": ("Pending",),
    "Canceled": ("Pending",),
}
# What a carrier or another portal's control path calls a shipment's status.
CARRIER_WORDS = {
    "new": "Pending",
    "pre_transit": "LabelCreated",
    "in_transit": "Shipped",
    "out_for_delivery": "Shipped",
    "delivered": "delivered",
}


async def move(office: Office, made: Rma, status: str) -> None:
    """Take an RMA to another status, with everything that follows. Raises Refused (400)."""
    if status not in STATUSES:
        raise Refused(400, "Invalid status")
    if not _allowed(office, made, status):
        raise Refused(400, f"Invalid transition from {made.status} to {status}")
    made.status = status
    office.touch(made, decision=status not in ("Received", "Validated"))
    office.announce("RMA_STATUS_UPDATED", made)
    await _follow(office, made, status)


def _allowed(office: Office, made: Rma, status: str) -> bool:
    if office.settings["status_moves"] == "any":
        return status != made.status
    if made.status == "Approved" and status == "Done":
        return made.return_method == NO_SHIPMENT
    if status == "Validated" and not office.settings["item_validation"]:
        return False
    return status in FLOW[made.status]


async def _follow(office: Office, made: Rma, status: str) -> None:
    match status:
        case "Approved":
            _approved(office, made)
        case "Pending":
            office.say(made, "Request <b>REOPENED</b>")
        case "Canceled":
            office.say(made, "Request <b>CANCELED</b> (reason: merchant)")
        case "Rejected":
            office.say(made, "Request <b>REJECTED</b>")
        case "Received":
            office.say(made, "Shipment <b>RECEIVED</b>")  # the only trace of the receipt's time (T3)
            _arrive(office, made, "Received")
            cashier.finish(office, made)
        case "Validated":
            _arrive(office, made, "Validated")
            cashier.finish(office, made)
    if status.lower() == office.settings["pay_on"] and made.status == status:
        await cashier.by_itself(office, made)


def _approved(office: Office, made: Rma) -> None:
    office.mark(made, "RMA_APPROVED", "Dashboard")
    office.say(made, "Request <b>APPROVED</b>")
    name = str(made.order.get("name", ""))
    office.say(made, f"Created &amp; approved Shopify return <b>{name}-R1</b> for order {name}")
    if made.return_method != NO_SHIPMENT and not made.shipments:
        parcel = Shipment(str(next(office.numbers.shipments)))
        if "label" in made.return_method.lower():
            parcel.status = "LabelCreated"
            parcel.label_url = f"https://labels.example.com/{parcel.id}.pdf"
        made.shipments.append(parcel)
        office.announce("SHIPMENT_CREATED", made, parcel)
    cashier.draft(office, made)


def stand(office: Office, made: Rma, status: str) -> None:
    """Put an RMA of the world where it stands, with the shipment and the draft it would have. Raises ValueError."""
    if status not in STATUSES:
        raise ValueError(f"unknown status {status!r}; one of {', '.join(STATUSES)}")
    made.status = status
    if status in ("Approved", "Received", "Validated", "Done"):
        _approved(office, made)
    if status in ("Received", "Validated", "Done"):
        office.say(made, "Shipment <b>RECEIVED</b>")
        _arrive(office, made, "Validated" if status == "Validated" else "Received")


def _arrive(office: Office, made: Rma, status: str) -> None:
    """The RMA takes its shipments along."""
    for parcel in made.shipments:
        if status in SHIPMENT_MOVES[parcel.status]:
            parcel.status = status
            office.announce("SHIPMENT_STATUS_UPDATED", made, parcel)


# -- parcels


async def change_shipment(office: Office, made: Rma, parcel: Shipment, given: Json) -> None:
    """`PUT /shipment`: a repeated status is no move, the other fields are still saved. Raises Refused (400)."""
    status = given.get("status")
    if status is not None and status not in SHIPMENT_MOVES:
        raise Refused(400, "Invalid status")
    moved = status is not None and status != parcel.status
    if moved and status not in SHIPMENT_MOVES[parcel.status]:
        raise Refused(400, f"Invalid transition from {parcel.status} to {status}")
    fields = {
        "carrierName": "carrier",
        "trackingNumber": "tracking_number",
        "trackingURL": "tracking_url",
        "labelURL": "label_url",
    }
    for name, attribute in fields.items():
        if name in given:
            setattr(parcel, attribute, None if given[name] is None else str(given[name]))
    if moved:
        await _moved(office, made, parcel, str(status))


async def _moved(office: Office, made: Rma, parcel: Shipment, status: str) -> None:
    parcel.status = status
    office.touch(made)
    office.announce("SHIPMENT_STATUS_UPDATED", made, parcel)
    if status == "Shipped":
        office.say(made, "Shipment <b>IN TRANSIT</b>")
    along = office.settings["shipment_moves_rma"] and status in ("Received", "Validated")
    if along and _allowed(office, made, status):
        await move(office, made, status)
    elif status == "Received":
        office.say(made, "Shipment <b>RECEIVED</b>")


async def scan(office: Office, made: Rma, given: Json) -> None:
    """The carrier scans the parcel; takes ReturnGO's words or a carrier's. Raises ValueError."""
    if not made.shipments:
        raise ValueError(f"RMA {made.id} has no shipment")
    parcel = made.shipments[0]
    word = str(given.get("status", parcel.status))
    status = CARRIER_WORDS.get(word, word)
    fields = {"carrierName": given.get("carrier"), "trackingNumber": given.get("tracking_number")}
    known = {name: value for name, value in fields.items() if value is not None}
    if parcel.tracked:
        office.announce("SHIPMENT_TRACKER_STATUS_UPDATED", made, parcel)
    if status == "delivered":
        receives = office.settings["delivery_receives"]
        status = "Received" if receives and parcel.status != "Validated" else parcel.status
    await change_shipment(office, made, parcel, {**known, "status": status})


# -- the warehouse's look


async def validate(office: Office, made: Rma, given: Json) -> None:
    """Answer "was it returned?" and "can it be restocked?" per unit; no items given: the rest is fine.

    Each of `items` names its units by `returned_item_id`, `line_item_id` or `sku` (with a `quantity`, else all of
    them) and says `is_returned`, `is_restockable` and a `reason` for a no. Raises ValueError.
    """
    if not office.settings["item_validation"]:
        raise ValueError("item validation is a plan add-on that this account does not have (setting item_validation)")
    if made.status not in ("Received", "Validated"):
        raise ValueError(f"RMA {made.id} is {made.status}, not Received")
    items = given.get("items")
    left = [unit for unit in made.units if items or not unit.validation.at]
    for item in items or [{}]:
        for unit in _meant(left, item):
            left.remove(unit)
            _look(office, unit, item)
    office.touch(made)
    complete = all(unit.validation.at for unit in made.units)
    if complete and made.status == "Received" and given.get("finish", True):
        await move(office, made, "Validated")


def _meant(units: list[Unit], item: Json) -> list[Unit]:
    found = list(units)
    if "returned_item_id" in item:
        found = [unit for unit in found if unit.id == str(item["returned_item_id"])]
    if "line_item_id" in item:
        found = [unit for unit in found if unit.bought.order_line == str(item["line_item_id"])]
    if "sku" in item:
        found = [unit for unit in found if unit.bought.sku == str(item["sku"])]
    if not found or len(found) < int(item.get("quantity", 1)):
        raise ValueError(f"no such units: {item}")
    return found[: int(item["quantity"])] if "quantity" in item else found


def _look(office: Office, unit: Unit, item: Json) -> None:
    found = unit.validation
    found.at = office.now()
    found.by = str(item.get("by", "Robin Example"))
    found.is_returned = bool(item.get("is_returned", True))
    found.is_restockable = found.is_returned and bool(item.get("is_restockable", True))
    reason = str(item.get("reason", ""))
    found.not_returned_reason = None if found.is_returned else reason or "Not in the parcel"
    found.not_restockable_reason = None if found.is_restockable or not found.is_returned else reason or "Damaged"


def take_comment(office: Office, made: Rma, given: Json) -> Json:
    """`POST /rma/{id}/comment`. Raises Refused (400) when the text is not where it belongs."""
    text = given.get(office.settings["comment_key"])
    if not isinstance(text, str) or not text.strip():
        raise Refused(400, f"{office.settings['comment_key']} is required")
    return office.say(made, text, "merchant", "API")
