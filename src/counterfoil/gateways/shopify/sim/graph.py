"""Orders, refunds and transactions as GraphQL names them (shop sheet §3-§5): a tree of plain values per order."""

from __future__ import annotations

import json
from typing import Any

from counterfoil.gateways.shopify.sim.graphql import Connection
from counterfoil.gateways.shopify.sim.money import to_text
from counterfoil.gateways.shopify.sim.orders import BOOKS, Json, bag, currency, line_share, minor
from counterfoil.gateways.shopify.sim.refunds import Refund, RefundedShipping, shipping_subtotal
from counterfoil.gateways.shopify.sim.wire import gid


def order_node(order: Json, refunds: list[Refund], transactions: list[Json]) -> Json:
    """The Order object."""
    return {
        "__typename": "Order",
        "id": gid("Order", order["id"]),
        "legacyResourceId": str(order["id"]),
        "name": order["name"],
        "number": order["order_number"],
        "createdAt": order["created_at"],
        "updatedAt": order["updated_at"],
        "processedAt": order["processed_at"],
        "cancelledAt": order["cancelled_at"],
        "closedAt": order["closed_at"],
        "email": order["email"],
        "currencyCode": order["currency"],
        "presentmentCurrencyCode": order["presentment_currency"],
        "taxesIncluded": order["taxes_included"],
        "displayFinancialStatus": order["financial_status"].upper(),
        "displayFulfillmentStatus": (order["fulfillment_status"] or "unfulfilled").upper(),
        "tags": [tag.strip() for tag in order["tags"].split(",") if tag.strip()],
        "note": order["note"],
        "customAttributes": [
            {"__typename": "Attribute", "key": item["name"], "value": item["value"]}
            for item in order["note_attributes"]
        ],
        "sourceName": order["source_name"],
        "paymentGatewayNames": order["payment_gateway_names"],
        "test": order["test"],
        **_totals(order),
        "totalRefundedSet": money_bag(order, _refunded(order, transactions)),
        "discountApplications": Connection(_application(part) for part in order["discount_applications"]),
        "lineItems": Connection(line_node(order, line) for line in order["line_items"]),
        "shippingLines": Connection(_shipping_node(order, line) for line in order["shipping_lines"]),
        "refunds": [refund_node(order, refund) for refund in refunds],
        "transactions": [transaction_node(row) for row in transactions],
        "returns": Connection(),
    }


def _totals(order: Json) -> Json:
    names = {
        "subtotalPriceSet": "subtotal_price_set",
        "totalPriceSet": "total_price_set",
        "totalTaxSet": "total_tax_set",
        "totalDiscountsSet": "total_discounts_set",
        "currentSubtotalPriceSet": "current_subtotal_price_set",
        "currentTotalPriceSet": "current_total_price_set",
        "currentTotalTaxSet": "current_total_tax_set",
        "currentTotalDiscountsSet": "current_total_discounts_set",
    }
    return {name: _bag_node(order[key]) for name, key in names.items()}


def _refunded(order: Json, transactions: list[Json]) -> dict[str, int]:
    done = [row for row in transactions if row["kind"] == "refund" and row["status"] == "success"]
    return {book: sum(minor(order, row, "amount", book) for row in done) for book in BOOKS}


def _bag_node(value: Json) -> Json:
    books = {"shopMoney": value["shop_money"], "presentmentMoney": value["presentment_money"]}
    nodes = {
        name: {"__typename": "MoneyV2", "amount": money["amount"], "currencyCode": money["currency_code"]}
        for name, money in books.items()
    }
    return {"__typename": "MoneyBag", **nodes}


def money_bag(order: Json, amounts: dict[str, int]) -> Json:
    """A MoneyBag from minor units of both books."""
    return _bag_node(bag(order, amounts))


def _application(part: Json) -> Json:
    return {
        "__typename": {"discount_code": "DiscountCodeApplication", "manual": "ManualDiscountApplication"}.get(
            part.get("type", ""), "AutomaticDiscountApplication"
        ),
        "allocationMethod": str(part.get("allocation_method", "across")).upper(),
        "targetSelection": str(part.get("target_selection", "all")).upper(),
        "targetType": str(part.get("target_type", "line_item")).upper(),
        "code": part.get("code"),
        "title": part.get("title"),
        "index": part.get("index", 0),
    }


def _tax_node(tax: Json) -> Json:
    return {
        "__typename": "TaxLine",
        "title": tax["title"],
        "rate": tax.get("rate"),
        "priceSet": _bag_node(tax["price_set"]),
    }


def _allocation(order: Json, part: Json) -> Json:
    applications = order["discount_applications"]
    index = part["discount_application_index"]
    application = _application(applications[index]) if index < len(applications) else None
    return {
        "__typename": "DiscountAllocation",
        "allocatedAmountSet": _bag_node(part["amount_set"]),
        "discountApplication": application,
    }


def line_node(order: Json, line: Json) -> Json:
    """The LineItem object."""
    count = line["quantity"]
    net = {book: line_share(order, line, book, 1, count).net for book in BOOKS}
    return {
        "__typename": "LineItem",
        "id": gid("LineItem", line["id"]),
        "sku": line["sku"] or None,
        "title": line["title"],
        "name": line["name"],
        "quantity": count,
        "currentQuantity": line["current_quantity"],
        "refundableQuantity": line["current_quantity"],
        "unfulfilledQuantity": line["fulfillable_quantity"],
        "nonFulfillableQuantity": 0,
        "isGiftCard": line["gift_card"],
        "requiresShipping": line["requires_shipping"],
        "taxable": line["taxable"],
        "variant": {
            "__typename": "ProductVariant",
            "id": gid("ProductVariant", line["variant_id"]),
            "legacyResourceId": str(line["variant_id"]),
            "sku": line["sku"] or None,
        },
        "product": {
            "__typename": "Product",
            "id": gid("Product", line["product_id"]),
            "legacyResourceId": str(line["product_id"]),
        },
        "originalUnitPriceSet": _bag_node(line["price_set"]),
        "originalTotalSet": money_bag(order, {book: minor(order, line, "price", book) * count for book in BOOKS}),
        # leaves order-level and code discounts out, as the sheet warns (§3, traps)
        "discountedTotalSet": money_bag(order, {book: _line_level_net(order, line, book) for book in BOOKS}),
        # only roughly what a unit cost: the share of a middling unit
        "discountedUnitPriceAfterAllDiscountsSet": money_bag(order, {book: net[book] // count for book in BOOKS}),
        "discountAllocations": [_allocation(order, part) for part in line["discount_allocations"]],
        "taxLines": [_tax_node(tax) for tax in line["tax_lines"]],
        "duties": [
            {"__typename": "Duty", "id": gid("Duty", d["id"]), "price": _bag_node(d["price_set"])}
            for d in line["duties"]
        ],
        "customAttributes": [
            {"__typename": "Attribute", "key": p["name"], "value": p["value"]} for p in line["properties"]
        ],
    }


def _line_level_net(order: Json, line: Json, book: str) -> int:
    """The line after its own discounts only: those spread across the order or made by a code are left out."""
    applications = order["discount_applications"]
    net = minor(order, line, "price", book) * int(line["quantity"])
    for part in line["discount_allocations"]:
        index = part["discount_application_index"]
        application = applications[index] if index < len(applications) else {"type": "discount_code"}
        if application.get("type") != "discount_code" and application.get("allocation_method") != "across":
            net -= minor(order, part, "amount", book)
    return net


def _shipping_node(order: Json, line: Json) -> Json:
    return {
        "__typename": "ShippingLine",
        "id": gid("ShippingLine", line["id"]),
        "code": line["code"],
        "title": line["title"],
        "originalPriceSet": _bag_node(line["price_set"]),
        "discountedPriceSet": _bag_node(line["discounted_price_set"]),
        "discountAllocations": [_allocation(order, part) for part in line["discount_allocations"]],
        "taxLines": [_tax_node(tax) for tax in line["tax_lines"]],
    }


def refund_node(order: Json, refund: Refund) -> Json:
    """The Refund object."""
    unit = currency(order, "presentment")
    moved = {
        book: sum(minor(order, t, "amount", book) for t in refund.transactions if t["status"] == "success")
        for book in BOOKS
    }
    return {
        "__typename": "Refund",
        "id": gid("Refund", refund.id),
        "legacyResourceId": str(refund.id),
        "createdAt": refund.created_at,
        "updatedAt": refund.created_at,
        "note": refund.note,
        "return": None,
        "totalRefundedSet": money_bag(order, moved),
        "totalRefunded": {
            "__typename": "MoneyV2",
            "amount": to_text(moved["presentment"], unit),
            "currencyCode": unit,
        },
        "duties": [
            {
                "__typename": "RefundDuty",
                "amountSet": money_bag(order, amounts),
                "originalDuty": {"id": gid("Duty", number)},
            }
            for number, amounts in refund.duties
        ],
        "refundLineItems": Connection(_refund_line(order, part) for part in refund.lines),
        "refundShippingLines": Connection(_refund_shipping(order, part) for part in refund.shipping),
        "orderAdjustments": Connection(
            {
                "__typename": "OrderAdjustment",
                "id": gid("OrderAdjustment", part.id),
                "reason": part.reason.upper().replace(" ", "_"),
                "amountSet": money_bag(order, part.amounts),
                "taxAmountSet": money_bag(order, dict.fromkeys(BOOKS, 0)),
            }
            for part in refund.adjustments
        ),
        "transactions": Connection(transaction_node(row) for row in refund.transactions),
    }


def _refund_line(order: Json, part: Any) -> Json:
    line = next(line for line in order["line_items"] if line["id"] == part.line_item_id)
    price = {book: part.shares[book].net // part.quantity for book in BOOKS}
    return {
        "__typename": "RefundLineItem",
        "id": gid("RefundLineItem", part.id),
        "quantity": part.quantity,
        "restockType": part.restock_type.upper(),
        "restocked": part.restock_type != "no_restock",
        "location": None if part.location_id is None else {"id": gid("Location", part.location_id)},
        "priceSet": money_bag(order, price),
        "subtotalSet": money_bag(order, {book: part.shares[book].net for book in BOOKS}),
        "totalTaxSet": money_bag(order, {book: part.shares[book].tax for book in BOOKS}),
        "lineItem": line_node(order, line),
    }


def _refund_shipping(order: Json, part: RefundedShipping) -> Json:
    line = next(line for line in order["shipping_lines"] if line["id"] == part.shipping_line_id)
    return {
        "__typename": "RefundShippingLine",
        "id": gid("RefundShippingLine", part.id),
        "shippingLine": _shipping_node(order, line),
        "subtotalAmountSet": money_bag(order, shipping_subtotal(order, part)),
        "taxAmountSet": money_bag(order, part.tax),
    }


def transaction_node(row: Json) -> Json:
    """The OrderTransaction object; `amountSet` has both books."""
    parent = row["parent_id"]
    return {
        "__typename": "OrderTransaction",
        "id": gid("OrderTransaction", row["id"]),
        "kind": row["kind"].upper(),
        "status": row["status"].upper(),
        "gateway": row["gateway"],
        "amountSet": _bag_node(row["amount_set"]),
        "authorizationCode": row["authorization"],
        "paymentId": row["payment_id"],
        "processedAt": row["processed_at"],
        "createdAt": row["created_at"],
        "parentTransaction": None
        if parent is None
        else {"__typename": "OrderTransaction", "id": gid("OrderTransaction", parent)},
        "errorCode": row["error_code"],
        "test": row["test"],
        "receiptJson": json.dumps(row["receipt"]),
    }


def tender_node(row: Json) -> Json:
    """The TenderTransaction object."""
    return {
        "__typename": "TenderTransaction",
        "id": gid("TenderTransaction", row["id"]),
        "amount": {"__typename": "MoneyV2", "amount": row["amount"], "currencyCode": row["currency"]},
        "paymentMethod": row["payment_method"],
        "processedAt": row["processed_at"],
        "remoteReference": row["remote_reference"],
        "order": {"__typename": "Order", "id": gid("Order", row["order_id"]), "legacyResourceId": str(row["order_id"])},
        "test": row["test"],
    }
