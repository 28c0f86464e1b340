"""The stories' orders as the simulated shop, Prima and NetSuite hold them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from story_desks import DESKS

from counterfoil.core.money import to_text
from counterfoil.core.orders import SoldLine, SoldOrder
from counterfoil.demo import erps
from counterfoil.demo.portals import PLAYED
from counterfoil.demo.stage import Stage
from counterfoil.testing.stories import Story
from counterfoil.testing.story_world import sold_order, worth

Json = dict[str, Any]

SKUS = ("A", "B", "Z")
GATEWAYS = {"card": "shopify_payments", "gift_card": "gift_card"}
FIRST_ORDER = 5_710_000_000_000


def order_ref(story: Story) -> str:
    """The shop's id of a story's order."""
    return str(FIRST_ORDER + int(story.given.number))


def sold(story: Story) -> SoldOrder:
    """The order of a story."""
    return sold_order(story.given, order_ref(story))


class StoryStage(Stage):
    """The simulators of the demonstration, with the stories' orders in them."""

    def __init__(self, stories: list[Story], portal: str, erp: str, hooks_url: str, folder: Path) -> None:
        self._stories = stories
        super().__init__([shop_order(story) for story in stories], PLAYED[portal], erp, hooks_url, folder)

    def _portal_world(self, shop: Json) -> Json:
        return {**super()._portal_world(shop), **DESKS[self.portal.name].world()}

    def _erp_world(self) -> Json:
        if self.erp == "netsuite":
            return self._netsuite()
        world = {
            **erps.prima_world([]),
            "products": [{"sku": sku, "product": sku, "description": sku} for sku in SKUS],
            "depot_stock": [{"sku": sku, "depot": "MAIN", "on_hand": "90", "allocated": "0"} for sku in SKUS],
            "tax_codes": [],
            "sales_orders": [_prima_order(story) for story in self._stories],
        }
        return erps.prima_transport_world(world, self.erp, self._folder)

    def _netsuite(self) -> Json:
        world = erps.netsuite_world([], self._folder / "keys")
        there = {"items": [{"location": "1", "quantityOnHand": 90}]}
        items = [
            {"id": str(1001 + place), "itemId": sku, "taxRate": 20, "locations": there}
            for place, sku in enumerate(SKUS)
        ]
        orders = [_netsuite_order(place, story) for place, story in enumerate(self._stories)]
        return {**world, "inventoryItem": items, "salesOrder": orders}


def _bag(minor: int, currency: str) -> Json:
    money = {"amount": to_text(minor, currency), "currency_code": currency}
    return {"shop_money": money, "presentment_money": money}


def shop_order(story: Story) -> Json:
    """The order in the shop's REST form (shop sheet §3)."""
    order, currency = sold(story), story.given.currency
    prices = {line.sku: line.price for line in story.given.lines}
    return {
        "id": int(order.order_ref),
        "order_number": int(story.given.number),
        "name": order.name,
        "currency": currency,
        "presentment_currency": currency,
        "taxes_included": order.taxes_included,
        "created_at": order.placed_at,
        "financial_status": "paid",
        "fulfillment_status": "fulfilled",
        "discount_applications": [{"type": "discount_code", "code": "AUTUMN", "target_type": "line_item"}],
        "line_items": [_shop_line(line, prices[line.sku or ""], currency) for line in order.lines],
        "shipping_lines": [
            {
                "code": "STANDARD",
                "title": "Standard delivery",
                "price": to_text(part.price, currency),
                "price_set": _bag(part.price, currency),
                "discount_allocations": [],
                "tax_lines": _taxes((part.tax,), currency),
            }
            for part in order.shipping
        ],
        "payments": [
            {"gateway": GATEWAYS[payment.gateway], "amount": to_text(payment.amount, currency)}
            for payment in order.payments
        ],
    }


def _shop_line(line: SoldLine, price: int, currency: str) -> Json:
    allocation = {"amount": to_text(line.discount, currency), "amount_set": _bag(line.discount, currency)}
    return {
        "id": int(line.line_ref),
        "sku": line.sku,
        "title": line.title,
        "quantity": line.quantity,
        "price": to_text(price, currency),
        "price_set": _bag(price, currency),
        "discount_allocations": [{**allocation, "discount_application_index": 0}] if line.discount else [],
        "tax_lines": _taxes(line.taxes, currency),
    }


def _taxes(taxes: tuple[int, ...], currency: str) -> list[Json]:
    return [{"title": "VAT", "price": to_text(tax, currency), "price_set": _bag(tax, currency)} for tax in taxes if tax]


def _kept(story: Story) -> list[SoldLine]:
    return [line for line in sold(story).lines if line.sku not in story.given.not_in_erp]


def _prima_order(story: Story) -> Json:
    order, currency = sold(story), story.given.currency
    prices = {line.sku: line.price for line in story.given.lines}
    return {
        "order_number": f"SO{story.given.number}",
        "external_order_ref": order.order_ref,
        "customer_code": "WEB001",
        "order_type": "WEB",
        "order_date": (order.placed_at or "")[:10],
        "currency": currency,
        "vat_inclusive": order.taxes_included,
        "status": "Despatched",
        "lines": [
            {
                "line_no": place,
                "sku": line.sku,
                "quantity": str(line.quantity),
                "despatched_quantity": str(line.quantity),
                "unit_price": to_text(prices[line.sku or ""], currency),
                "line_discount": to_text(line.discount, currency),
                "tax_amount": to_text(sum(line.taxes), currency),
                "line_total": to_text(order.line_value(line), currency),
                "depot": "MAIN",
            }
            for place, line in enumerate(_kept(story), start=1)
        ],
    }


def _netsuite_order(place: int, story: Story) -> Json:
    """Amounts without tax; NetSuite numbers lines 1, 4, 7…"""
    order, currency = sold(story), story.given.currency
    shipping = sum(part.price - (part.tax if order.taxes_included else 0) for part in order.shipping)
    assert worth(order), "an order nobody paid for is not billed"
    return {
        "id": str(3001 + place),
        "externalId": order.order_ref,
        "tranId": f"SO{story.given.number}",
        "otherRefNum": order.name,
        "entity": {"id": "501"},
        "subsidiary": {"id": "1"},
        "currency": {"id": "1"},
        "location": {"id": "1"},
        "tranDate": (order.placed_at or "")[:10],
        "billing": story.given.billing.replace(" ", "_"),
        "shippingCost": to_text(shipping, currency),
        "lines": [
            {
                "line": 1 + 3 * number,
                "item": {"id": str(1001 + SKUS.index(line.sku or ""))},
                "quantity": line.quantity,
                "amount": to_text(order.line_value(line) - sum(line.taxes), currency),
                "taxRate1": 20 if line.taxes else 0,
                "tax1Amt": to_text(sum(line.taxes), currency),
                "location": {"id": "1"},
            }
            for number, line in enumerate(_kept(story))
        ],
    }
