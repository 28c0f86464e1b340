"""An RMA, a transaction and an event as ReturnGO writes them, oddities included (ReturnGO sheet §3, §5, §6)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from counterfoil.portals.returngo.sim.balance import effective_price
from counterfoil.portals.returngo.sim.records import ExchangeOrder, Json, Rma, Shipment, Transaction, Unit, Wanted
from counterfoil.simkit.amounts import divide, number_of
from counterfoil.simkit.purchases import Books

SKEW = timedelta(hours=3)  # payment-method transactions are dated so much later than they were made (T11)


def moment(at: datetime) -> str:
    """2026-01-18T17:49:33+00:00."""
    return at.astimezone(UTC).replace(microsecond=0).isoformat()


def money(made: Rma, amounts: Books) -> Json:
    """`Money`: what the shopper paid in, and the store's own currency."""
    units = made.currencies
    return {
        "amount": number_of(amounts["presentment"], units["presentment"]),
        "currency": units["presentment"],
        "shopAmount": number_of(amounts["shop"], units["shop"]),
        "shopCurrency": units["shop"],
    }


def summary(made: Rma) -> Json:
    """`RmaSummary`."""
    return {
        "rmaId": str(made.id),
        "status": made.status,
        "order_name": str(made.order.get("name", "")),
        "events": list(made.events),
    }


def detail(made: Rma, settings: Json, with_media: bool = False) -> Json:
    """`GET /rma/{rmaId}`."""
    drift: bool = settings["drift"]
    body: Json = {
        "rmaSummary": summary(made),
        "orderDetails": {"orderId": made.order_id, "order_name": str(made.order.get("name", ""))},
        "shipments": [shipment(made, parcel, settings) for parcel in made.shipments],
        "items": [_item(made, place, settings, with_media) for place in range(len(made.units))],
        "comments": list(reversed(made.comments)),
        "exchangeOrders": [_exchange_order(row) for row in made.exchange_orders],
        "exchangeItems": [_wanted(made, None, item) for item in made.wanted],
        "cancellationFee": _fee(made, made.cancellation_fee),
        "transactions": [transaction(made, row, settings) for row in made.transactions],
        "createdAt": moment(made.created_at),
        "lastUpdated": moment(made.last_updated),
        "isOutOfPolicy": _flag(made.out_of_policy, drift),
    }
    if settings["unknown_keys"]:
        body["portalVersion"] = {"name": "v4", "experiments": []}
    return body


def _flag(value: bool, drift: bool) -> bool | int:
    """Documented as a boolean, observed as 0 and 1 (T10)."""
    return int(value) if drift else value


def _fee(made: Rma, amount: int) -> Any:
    """A fee: a bare number, no currency (T6)."""
    return number_of(amount, made.currencies["presentment"])


def _item(made: Rma, place: int, settings: Json, with_media: bool) -> Json:
    unit = made.units[place]
    bought = unit.bought
    body: Json = {
        "returnedItemId": unit.id,
        "shopLineItemId": bought.order_line,
        "shopProductId": bought.product_id,
        "variantId": bought.variant_id,
        "sku": bought.sku,
        "barcode": bought.barcode,
        "fullName": " - ".join(part for part in (bought.title, bought.variant_title) if part),
        "productName": bought.title,
        "variantName": bought.variant_title,
        "image": f"https://cdn.example.com/products/{bought.product_id}.jpg",
        "paidPrice": money(made, {book: paid.net for book, paid in bought.money.items()}),
        "paidTax": money(made, {book: paid.tax for book, paid in bought.money.items()}),
        "taxIncluded": bought.money["shop"].included,
        "returnReason": unit.reason,
        "extendedReason": unit.extended_reason,
        "resolutionType": unit.resolution,
        "resolutionName": f"Example: {unit.outcome}",
        "policyRuleName": "Within 30 days",
        "isAutoApprove": _flag(unit.auto_approved, settings["drift"]),
        "restockingFee": _fee(made, unit.restocking_fee),
        "returnFee": _fee(made, _shown_fee(made, made.return_fee, place, settings)),
        "shipmentFee": _fee(made, _shown_fee(made, made.shipment_fee, place, settings)),
        "shipmentId": made.shipments[0].id if made.shipments else "",
        "returnMethod": {"type": made.return_method, "name": made.return_method},
        "itemValidationStatusResponse": _validation(unit, settings),
        "exchangeItems": [_wanted(made, unit, unit.wanted)] if unit.wanted else [],
        "followUpQuestions": [_question(row, with_media) for row in unit.questions],
    }
    if settings["drift"]:  # keys without a value can be missing altogether
        body = {name: body[name] for name in body if body[name] or name not in ("barcode", "variantName")}
    return body


def _shown_fee(made: Rma, fee: int, place: int, settings: Json) -> int:
    """A fee of the whole RMA as one item shows it (T6)."""
    if settings["fee_placement"] == "repeated":
        return fee
    return divide(fee, [1] * len(made.units))[place]


def _validation(unit: Unit, settings: Json) -> Json:
    """Not validated reads false and false, only the date tells (T1)."""
    found = unit.validation
    return {
        "returnedItemId": unit.id,
        "isRestockable": found.is_restockable,
        "isReturned": found.is_returned,
        "nonRestockableReason": found.not_restockable_reason,
        "nonReturnedReason": found.not_returned_reason,
        "storeLocationId": settings["store_location_id"] if found.at else None,
        "lastValidationDate": moment(found.at) if found.at else None,
        "lastValidatedBy": found.by,
        "thirdPartyName": None,
        "userDetails": None,
    }


def _question(row: Json, with_media: bool) -> Json:
    """A follow-up question; media only when asked for."""
    answer = {name: value for name, value in (row.get("answer") or {}).items() if with_media or name != "mediaAnswer"}
    return {"type": row.get("type", "Text"), "name": row.get("name", ""), "answer": answer}


def _wanted(made: Rma, unit: Unit | None, item: Wanted) -> Json:
    low, high = item.free_range
    return {
        "productId": item.product_id,
        "variantId": item.variant_id,
        "quantity": item.quantity,
        "sku": item.sku,
        "itemPriceMethod": item.method,
        "freeExchangePriceRange": {"min": _fee(made, low), "max": _fee(made, high)},
        "catalogPrice": money(made, item.price),
        "effectivePrice": money(made, {book: effective_price(unit, item, book) for book in item.price}),
    }


def _exchange_order(row: ExchangeOrder) -> Json:
    """Before release: the draft's name, and an empty order id (§4)."""
    return {
        "draftOrderId": row.draft_id,
        "orderId": row.order_id,
        "orderName": row.order_name or row.draft_name,
        "type": row.type,
    }


def shipment(made: Rma, parcel: Shipment, settings: Json) -> Json:
    """`Shipment`."""
    found = made.order.get("shipping_address") or {}
    return {
        "shipmentId": parcel.id,
        "status": parcel.status,
        "carrierName": parcel.carrier,
        "requestedServiceLevel": None,
        "actualServiceLevel": None,
        "trackingNumber": parcel.tracking_number,
        "trackingURL": parcel.tracking_url,
        "labelURL": parcel.label_url,
        "customerAddress": {
            "name": found.get("name", "Robin Example"),
            "street1": found.get("address1", "1 Example Street"),
            "street2": found.get("address2") or "",
            "city": found.get("city", "Leeds"),
            "state": found.get("province") or "",
            "zip": found.get("zip", "LS1 1AA"),
            "country": found.get("country_code", "GB"),
            "phone": found.get("phone") or "",
            "email": made.order.get("email", "robin@example.com"),
        },
        "returnAddress": settings["return_address"],
        "isOutbound": False,
    }


def transaction(made: Rma, row: Transaction, settings: Json) -> Json:
    """`Transaction`: id an integer whatever the page says (T10), amount positive, no RMA id."""
    return {
        "id": row.id if settings["drift"] else str(row.id),
        "type": row.type,
        "externalReferenceId": row.reference,
        "externalReferenceType": row.reference_type,
        "amount": money(made, row.amounts),
        "status": row.status,
        "processor": row.processor,
        "bankAccountDetails": _bank(row),
        "returnItemIds": list(row.units),
        "createdAt": moment(row.created_at),
        "lastUpdated": moment(row.last_updated),
    }


def _bank(row: Transaction) -> Json | None:
    if row.kind != "bank_transfer":
        return None
    holder = {"firstName": "Robin", "lastName": "Example", "branchName": "", "branchAddress": "", "comment": ""}
    return {"iban": "GB00EXMP00000000000000", **holder}


# -- events: the bodies are inferred; only `eventName` is documented (§5)


def event(name: str, made: Rma, about: Shipment | Transaction | None, at: datetime, shop: str, shape: str) -> Json:
    """One webhook body, ids where `shape` puts them; a `bare` one has none at all."""
    ids: Json = {"rmaId": str(made.id)}
    facts: Json = {}
    match about:
        case None:
            facts = {"order_name": str(made.order.get("name", "")), "status": made.status}
        case Shipment():
            facts = {"shipmentId": about.id, "status": about.status}
        case Transaction():
            facts = {"transactionId": str(about.id), "type": about.type, "status": about.status}
    match shape:
        case "flat":
            told = {**ids, **facts}
        case "data":
            told = {"data": {**ids, **facts}}
        case "bare":
            told = {}
        case _:
            told = {shape: ids, **facts}
    return {"eventName": name, "shopName": shop, **told, "eventDate": moment(at)}
