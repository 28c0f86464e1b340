"""A GraphQL order said again in the shape of webhooks, so that both are read by the same code (shop sheet §3-§5).

Names differ and numbers are wrapped (`gid://shopify/Order/1`), the content is the same: that is what makes the keys
of facts equal whichever way they were learnt. The approximate GraphQL fields the sheet warns of are never asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from counterfoil.adapterkit.parse import Fields, UnreadableError

Node = Mapping[str, Any]
Body = dict[str, Any]


def number(gid: Any) -> str | None:
    """The number at the end of a global id; other ids stay as they are."""
    return None if gid is None else str(gid).rpartition("/")[2].partition("?")[0]


def order_body(node: Node) -> Fields:
    """The order as a webhook would show it. Raises UnreadableError when a part is not what GraphQL promises."""
    try:
        return Fields(_order(node))
    except (AttributeError, TypeError, KeyError) as error:
        raise UnreadableError(f"the GraphQL order lacks something: {error}") from None


def _order(node: Node) -> Body:
    order_id = node.get("legacyResourceId") or number(node["id"])
    return {
        "id": order_id,
        "name": node.get("name"),
        "created_at": node.get("createdAt"),
        "updated_at": node.get("updatedAt"),
        "processed_at": node.get("processedAt"),
        "currency": node.get("currencyCode"),
        "presentment_currency": node.get("presentmentCurrencyCode"),
        "taxes_included": node.get("taxesIncluded"),
        "line_items": [_line(line) for line in nodes(node["lineItems"])],
        "shipping_lines": [_shipping(line) for line in nodes(node.get("shippingLines"))],
        "refunds": [_refund(refund, order_id) for refund in nodes(node.get("refunds"))],
        "transactions": [_transaction(row, order_id) for row in nodes(node.get("transactions"))],
    }


def nodes(value: Any) -> list[Node]:
    """The rows of a connection or of a plain list; none when it was not asked for.

    Raises UnreadableError for a page that is not the last: half an order must not pass for a whole one.
    """
    if value is None:
        return []
    if isinstance(value, list):
        return value
    if (value.get("pageInfo") or {}).get("hasNextPage"):
        raise UnreadableError("a list of the GraphQL order is only its first page")
    if "nodes" in value:
        return list(value["nodes"])
    return [edge["node"] for edge in value["edges"]]


def _bag(bag: Node | None) -> Body | None:
    if bag is None:
        return None
    books = (("shop_money", "shopMoney"), ("presentment_money", "presentmentMoney"))
    return {
        plain: {"amount": bag[name]["amount"], "currency_code": bag[name]["currencyCode"]}
        for plain, name in books
        if bag.get(name)
    }


def _line(line: Node) -> Body:
    return {
        "id": number(line["id"]),
        "sku": line.get("sku"),
        "title": line.get("title"),
        "quantity": line["quantity"],
        "gift_card": line.get("isGiftCard"),
        "properties": [{"name": row["key"], "value": row.get("value")} for row in line.get("customAttributes") or []],
        "price_set": _bag(line["originalUnitPriceSet"]),
        **_discounts_and_taxes(line),
    }


def _shipping(line: Node) -> Body:
    body: Body = {"id": number(line.get("id"))}
    if line.get("originalPriceSet"):  # a refund names its shipping line by id alone
        body |= {"price_set": _bag(line["originalPriceSet"]), **_discounts_and_taxes(line)}
    return body


def _discounts_and_taxes(line: Node) -> Body:
    return {
        "discount_allocations": [
            {"amount_set": _bag(row["allocatedAmountSet"])} for row in line["discountAllocations"]
        ],
        "tax_lines": [{"price_set": _bag(row["priceSet"])} for row in line["taxLines"]],
    }


def _refund(refund: Node, order_id: str | None) -> Body:
    return {
        "id": refund.get("legacyResourceId") or number(refund["id"]),
        "order_id": order_id,
        "created_at": refund.get("createdAt"),
        "refund_line_items": [_refund_line(line) for line in nodes(refund.get("refundLineItems"))],
        "refund_shipping_lines": [_refund_shipping(line) for line in nodes(refund.get("refundShippingLines"))],
        "order_adjustments": [_adjustment(row) for row in nodes(refund.get("orderAdjustments"))],
        "duties": [{"amount_set": _bag(row["amountSet"])} for row in nodes(refund.get("duties"))],
        "transactions": [_transaction(row, order_id) for row in nodes(refund.get("transactions"))],
    }


def _refund_line(line: Node) -> Body:
    return {
        "line_item_id": number(line["lineItem"]["id"]),
        "quantity": line["quantity"],
        "restock_type": line.get("restockType"),
        "subtotal_set": _bag(line.get("subtotalSet")),
        "total_tax_set": _bag(line.get("totalTaxSet")),
    }


def _refund_shipping(line: Node) -> Body:
    return {"subtotal_amount_set": _bag(line["subtotalAmountSet"]), "tax_amount_set": _bag(line.get("taxAmountSet"))}


def _adjustment(row: Node) -> Body:
    """Shipping is never an adjustment here, so every row is part of the discrepancy (§4)."""
    return {"amount_set": _bag(row["amountSet"]), "tax_amount_set": _bag(row.get("taxAmountSet"))}


def _transaction(row: Node, order_id: str | None) -> Body:
    """Amount and currency are the customer's, as in a webhook's transaction (§5)."""
    amount = row["amountSet"]
    paid = amount.get("presentmentMoney") or amount["shopMoney"]
    parent = row.get("parentTransaction")
    return {
        "id": number(row["id"]),
        "order_id": order_id,
        "parent_id": number(parent["id"]) if parent else None,
        "kind": str(row["kind"]).lower(),
        "status": str(row["status"]).lower(),
        "gateway": row.get("gateway"),
        "amount": paid["amount"],
        "currency": paid["currencyCode"],
        "authorization": row.get("authorizationCode"),
        "processed_at": row.get("processedAt"),
        "created_at": row.get("createdAt"),
    }
