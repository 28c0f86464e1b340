"""One return, as webhook, list and details show it: the same facts in different types (Loop sheet §1.10).

`facts` builds the neutral form: ids as text, amounts as decimal text, times as datetimes. Each view then writes some
ids as integers and picks one of Loop's ways to write a time. Overrides of a test falsify the neutral form, so that
all views tell the same lie.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from counterfoil.portals.loop.sim.money import text_of
from counterfoil.portals.loop.sim.records import ExchangeLine, Json, Line, Return

Clock = Callable[[datetime], str]

WEBHOOK_INTEGERS = frozenset(
    {"shop_id", "order_id", "provider_order_number", "provider_order_external_id", "rate", "exchange_id"}
)
DETAILS_INTEGERS = frozenset(
    {
        "id",
        "shop_id",
        "order_id",
        "provider_order_id",
        "provider_order_number",
        "line_item_id",
        "provider_line_item_id",
        "product_id",
        "variant_id",
        "exchange_id",
        "exchange_order_id",
        "provider_refund_id",
        "rate",
        "destination_id",
    }
)
OLD_INTEGERS = frozenset({"id", "shop_id", "provider_order_id", "line_item_id", "tracking_number", "zip", "rate"})
OLD_NUMBERS = frozenset({"amount"})
NOTHING: frozenset[str] = frozenset()


def with_offset(moment: datetime) -> str:
    """2026-03-02T10:15:00+00:00."""
    return moment.astimezone(UTC).replace(microsecond=0).isoformat()


def with_z(moment: datetime) -> str:
    """2026-03-02T10:15:00Z."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


def with_millis(moment: datetime) -> str:
    """2026-03-02T10:15:00.000Z."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"


def spaced(moment: datetime) -> str:
    """2026-03-02 10:15:00, in UTC without saying so."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def typed(value: Any, integers: frozenset[str], clock: Clock, numbers: frozenset[str] = NOTHING, key: str = "") -> Any:
    """A copy in which the named keys are integers (or numbers, where they can be) and times are written one way."""
    match value:
        case dict():
            return {name: typed(item, integers, clock, numbers, name) for name, item in value.items()}
        case list():
            return [typed(item, integers, clock, numbers, key) for item in value]
        case datetime():
            return clock(value)
        case str() if key in integers and value.isdigit():
            return int(value)
        case str() if key in numbers:
            return Decimal(value)
        case _:
            return value


def facts(made: Return, shop_id: int, book: str = "shop") -> Json:
    """Everything Loop says about a return, in the neutral form, with the overrides of the test on top."""
    found = {**_identity(made, shop_id), **_money(made, book), **_parcel(made)}
    found["refunds"] = list(made.refunds)
    found["line_items"] = [_line(made, line, book) for line in made.active]
    found["exchanges"] = [_exchange(made, item, book) for item in made.exchanges]
    return _falsified(found, made.overrides)


def _falsified(found: Json, overrides: Json) -> Json:
    """Top-level fields as given; lines by position under `line_items` or `lines`."""
    overrides = deepcopy(overrides)
    lines = overrides.get("line_items", overrides.get("lines"))
    top = {name: value for name, value in overrides.items() if name not in ("line_items", "lines")}
    merged = {**found, **top}
    if lines:
        pairs = zip(found["line_items"], [*lines, *[{}] * len(found["line_items"])], strict=False)
        merged["line_items"] = [{**line, **(lie or {})} for line, lie in pairs]
    return merged


def _identity(made: Return, shop_id: int) -> Json:
    order = made.order
    name = str(order.get("name", f"#{order['id']}"))
    number = str(order.get("order_number") or "".join(c for c in name if c.isdigit()))
    customer = order.get("customer") or {}
    email = order.get("email") or customer.get("email") or "robin@example.com"
    address = order.get("shipping_address") or {}
    return {
        "shop_id": str(shop_id),
        "id": str(made.id),
        "state": made.state,
        "created_at": made.created_at,
        "edited_at": made.edited_at,
        "order_id": str(made.loop_order_id),
        "order_name": name,
        "provider_order_id": made.provider_order_id,
        "order_number": number,
        "provider_order_number": number,
        "provider_order_external_id": made.provider_order_id,
        "provider_order_sales_channel": order.get("source_name", "web"),
        "customer": email,
        "customer_detail": {
            "email": email,
            "first_name": customer.get("first_name", "Robin"),
            "middle_name": None,
            "last_name": customer.get("last_name", "Example"),
        },
        "address": {
            "name": address.get("name", "Robin Example"),
            "company": address.get("company"),
            "address1": address.get("address1", "1 Example Street"),
            "address2": address.get("address2"),
            "city": address.get("city", "Leeds"),
            "state": address.get("province"),
            "zip": address.get("zip", "LS1 1AA"),
            "country": address.get("country", "United Kingdom"),
            "country_code": address.get("country_code", "GB"),
            "phone": address.get("phone"),
        },
        "is_gift_return": made.is_gift,
    }


def _money(made: Return, book: str) -> Json:
    unit, tenders = made.currencies[book], made.tenders[book]
    lines = [line.money[book] for line in made.active]
    items = [item.money[book] for item in made.in_stock]
    returned = sum(money.value for money in lines)
    amounts = {
        "total": tenders.refund,
        "return_product_total": sum(money.price for money in lines),
        "return_discount_total": sum(money.discount for money in lines),
        "return_tax_total": sum(money.tax for money in lines),
        "return_total": returned,
        "return_credit_total": 0 if made.outcome == "refund" else returned,
        "exchange_product_total": sum(money.price for money in items),
        "exchange_discount_total": sum(money.discount for money in items),
        "exchange_tax_total": sum(money.tax for money in items),
        "exchange_total": tenders.exchange_total,
        "exchange_credit_total": tenders.exchange_used,
        "gift_card": tenders.gift_card,
        "handling_fee": tenders.fee,
        "refund": tenders.refund,
        "upsell": tenders.upsell,
    }
    return {"currency": unit, **{name: text_of(amount, unit) for name, amount in amounts.items()}}


def _parcel(made: Return) -> Json:
    label = made.label
    return {
        "labels": [
            {
                "status": label.status,
                "updated_at": label.updated_at,
                "url": f"https://labels.example.com/l/{made.id}.pdf",
                "rate": str(label.rate),
                "carrier": label.carrier,
                "tracking_number": label.tracking_number,
                "line_items": [str(line.id) for line in made.active],
            }
        ],
        "carrier": label.carrier,
        "tracking_number": label.tracking_number,
        "label_status": label.status,
        "label_updated_at": label.updated_at or "N/A",
        "status_page_url": f"https://example.loopreturns.com/#/return/{made.id:08x}-7adf-4b8c-802a-553305b6db49",
    }


def _line(made: Return, line: Line, book: str) -> Json:
    unit, money = made.currencies[book], line.money[book]
    return {
        "line_item_id": str(line.id),
        "provider_line_item_id": line.order_line,
        "product_id": line.product_id,
        "variant_id": line.variant_id,
        "sku": line.sku,
        "barcode": line.barcode,
        "title": line.title,
        "price": text_of(money.price, unit),
        "discount": text_of(money.discount, unit),
        "tax": text_of(money.tax, unit),
        "refund": text_of(line.refund[book], unit),
        "returned_at": line.returned_at,
        "exchange_variant": "",
        "return_reason": line.reason,
        "parent_return_reason": line.parent_reason,
        "return_comment": line.comment,
        "outcome": "default",
        "provider_restock_location_id": None,
        "condition": line.condition,
        "disposition": line.disposition,
    }


def _exchange(made: Return, item: ExchangeLine, book: str) -> Json:
    unit, money = made.currencies[book], item.money[book]
    return {
        "exchange_id": str(item.id),
        "exchange_order_id": item.order_id,
        "exchange_order_name": item.order_name,
        "product_id": item.product_id,
        "variant_id": item.variant_id,
        "sku": item.sku,
        "type": "inline",
        "title": item.title,
        "price": text_of(money.price, unit),
        "discount": text_of(money.discount, unit),
        "tax": text_of(money.tax, unit),
        "total": text_of(money.value, unit),
        "out_of_stock": item.out_of_stock,
        "out_of_stock_resolution": item.resolution,
        "consolidation_tracking": None,
    }


def webhook(made: Return, shop_id: int, topic: str, trigger: str) -> Json:
    """The `return` topic (§4.1), newest typing."""
    body = {"topic": topic, "trigger": trigger, **facts(made, shop_id)}
    lines = [{**line, "returned_at": _spaced_or_none(line["returned_at"])} for line in body["line_items"]]
    for line in lines:  # inspection is shown by the REST views only
        del line["condition"], line["disposition"]
    answer: Json = typed({**body, "line_items": lines}, WEBHOOK_INTEGERS, with_offset)
    return answer


def _spaced_or_none(moment: Any) -> Any:
    return spaced(moment) if isinstance(moment, datetime) else moment


def old_webhook(made: Return, shop_id: int, topic: str, trigger: str) -> Json:
    """The `return` topic as older pages show it: integer ids, numeric refund amounts, fields that came later absent."""
    body = facts(made, shop_id)
    body.pop("provider_order_sales_channel")
    body["customer_detail"].pop("middle_name", None)
    body["state"] = "needs review" if made.state == "review" else body["state"]
    for line in body["line_items"]:
        del line["condition"], line["disposition"]
    refunds = typed(body["refunds"], frozenset({"provider_refund_id"}), with_millis, OLD_NUMBERS)
    answer: Json = typed({"topic": topic, "trigger": trigger, **body}, OLD_INTEGERS, with_millis)
    return {**answer, "refunds": refunds}


def row(made: Return, shop_id: int) -> Json:
    """One row of the list (§6.1): nearly everything is text, and there is no `refunds[]`."""
    body = facts(made, shop_id)
    del body["refunds"]
    unit, several = made.currencies["shop"], made.currencies["shop"] != made.currencies["presentment"]
    presentment = _money(made, "presentment") if several else None
    for line in body["line_items"]:
        line |= {"refund_item": line["refund"], "refund_tax": text_of(0, unit)}
    body |= {
        "updated_at": made.updated_at,
        "closed_at": made.closed_at,
        "outcome": made.outcome_words(),
        "origin_country": body["address"]["country"],
        "origin_country_code": body["address"]["country_code"],
        "multi_currency": several,
        "refund_shipping_total": made.overrides.get("refund_shipping_total", text_of(made.shipping["shop"], unit)),
        "refund_shipping_tax_total": made.overrides.get(
            "refund_shipping_tax_total", text_of(made.shipping_tax["shop"], unit)
        ),
        "gift_card_order_id": made.gift_card_id,
        "gift_card_order_name": None,
        "gift_card_presentment": presentment["gift_card"] if presentment else None,
        "presentment": presentment,
        "label_url": body["labels"][0]["url"],
        "label_rate": body["labels"][0]["rate"],
        "destination_id": made.destination_id,
        "package_reference": None,
        "return_method": {"provider": "carrier", "method_type": "mail", "rma_id": None, "qr_code_url": None},
        "type": "standard",
    }
    answer: Json = typed(body, NOTHING, with_z)
    return answer


def details(made: Return, shop_id: int, book: str) -> Json:
    """The details answer (§6.2): integer ids, spaced times, the exchange order at the top level."""
    body = facts(made, shop_id, book)
    unit = made.currencies[book]
    for item in body["exchanges"]:
        del item["exchange_order_id"], item["exchange_order_name"]
    placed = next((item for item in made.exchanges if item.order_id), None)
    for line in body["line_items"]:
        line |= {"line_item_title": line["title"], "variant_title": "", "image": None, "refund_item": line["refund"]}
    body |= {
        "updated_at": made.updated_at,
        "exchange": text_of(made.tenders[book].exchange_total, unit),
        "exchange_order_id": placed.order_id if placed else None,
        "exchange_order_name": placed.order_name if placed else None,
        "refund_shipping_total": text_of(made.shipping[book], unit),
        "refund_shipping_tax_total": text_of(made.shipping_tax[book], unit),
        "destination_id": made.destination_id,
    }
    answer: Json = typed(body, DETAILS_INTEGERS, spaced)
    return answer


def label(made: Return, shop_id: int, topic: str, trigger: str, old: bool) -> Json:
    """The `label` topic (§4.4); `id` is the return's."""
    body = {
        "topic": topic,
        "trigger": trigger,
        "shop_id": str(shop_id),
        "id": str(made.id),
        "order_id": str(made.loop_order_id),
        "provider_order_id": made.provider_order_id,
        "carrier": made.label.carrier,
        "tracking_number": made.label.tracking_number,
        "label_status": made.label.status,
        "label_updated_at": made.label.updated_at or "N/A",
        "shipment_id": str(made.label.shipment_id),
    }
    integers = {"provider_order_id"} if old else {"shop_id", "id", "order_id", "provider_order_id", "shipment_id"}
    answer: Json = typed(body, frozenset(integers), with_millis if old else with_offset)
    return answer


def restock(made: Return, location_id: int, topic: str, trigger: str, old: bool) -> Json:
    """The `restock` topic (§4.4): variants and counts, no line ids."""
    variants: dict[str, int] = {}
    for line in made.active:
        variants[line.variant_id] = variants.get(line.variant_id, 0) + 1
    body: Json = {
        "topic": topic,
        "trigger": trigger,
        "id": made.id,
        "order_id": made.loop_order_id,
        "provider_order_id": int(made.provider_order_id)
        if made.provider_order_id.isdigit()
        else made.provider_order_id,
        "restock_items": [
            {
                "location_id": location_id,
                "variant_id": int(variant) if variant.isdigit() else variant,
                "inventory_item_id": 4_900_000_000 + index,
                "available_adjustment": count,
                "inventory_management": "shopify",
            }
            for index, (variant, count) in enumerate(variants.items(), 1)
        ],
    }
    return _all_text(body) if old else body


def _all_text(value: Any) -> Any:
    match value:
        case dict():
            return {name: _all_text(item) for name, item in value.items()}
        case list():
            return [_all_text(item) for item in value]
        case _:
            return str(value)


def gift_card(made: Return, topic: str, trigger: str, automatic: bool) -> Json:
    """The `giftcard` topic (§4.4); `id` is null for a card made since an exchange item was out of stock."""
    unit, issued = made.currencies["shop"], made.tenders["shop"].gift_card
    tax = min(issued, sum(line.money["shop"].tax for line in made.active))
    known = facts(made, 0)
    name = known["order_name"]
    return {
        "topic": topic,
        "trigger": trigger,
        "id": None if automatic or made.gift_card_id is None else int(made.gift_card_id),
        "total_credit_issued": text_of(issued + made.bonus, unit),
        "gift_card_subtotal": text_of(issued - tax, unit),
        "gift_card_tax": text_of(tax, unit),
        "gift_card_bonus_credit": text_of(made.bonus, unit),
        "currency": unit,
        "return_id": str(made.id),
        "email": known["customer"],
        "first_name": known["customer_detail"]["first_name"],
        "last_name": known["customer_detail"]["last_name"],
        "external_order_id": int(made.provider_order_id) if made.provider_order_id.isdigit() else None,
        "external_order_name": name,
        "external_order_number": int(known["order_number"]) if known["order_number"].isdigit() else None,
    }
