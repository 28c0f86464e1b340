"""What the simulated Loop does in the shop, over the shop's real Admin REST API (Loop sheet §8, §9)."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import httpx2

from counterfoil.portals.loop.sim.money import divide, minor_of, text_of
from counterfoil.portals.loop.sim.records import ExchangeLine, Json, Return
from counterfoil.simkit.wires import open_client

VERSION = "2026-10"
BUSY_TRIES = 20  # how often a 429 of the shop is waited out


class ShopTrouble(Exception):
    """The shop did not do what Loop asked; the message says which call and what came back."""


class ShopSide:
    """Loop's connection to one shop."""

    def __init__(self, url: str, access_token: str) -> None:
        self._base = f"{url.rstrip('/')}/admin/api/{VERSION}"
        self._headers = {"X-Shopify-Access-Token": access_token}
        self._client: httpx2.AsyncClient | None = None

    async def close(self) -> None:
        """Drop the connection."""
        if self._client is not None:
            await self._client.aclose()

    async def _call(self, method: str, path: str, body: Json | None = None) -> Json:
        if self._client is None:
            self._client = open_client(5.0)
        for _ in range(BUSY_TRIES):
            try:
                answer = await self._client.request(method, self._base + path, json=body, headers=self._headers)
            except httpx2.HTTPError as error:
                raise ShopTrouble(f"{method} {path}: {type(error).__name__}") from error
            if answer.status_code != 429:
                break
            await asyncio.sleep(float(answer.headers.get("retry-after", "0.2")))
        if not answer.is_success:
            raise ShopTrouble(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
        found: Json = answer.json()
        return found

    async def order(self, number: Any) -> Json:
        """One order. Raises ShopTrouble."""
        return dict((await self._call("GET", f"/orders/{number}.json"))["order"])

    async def refund(self, made: Return, restock_type: str, location_id: int | None) -> list[Json]:
        """Refund the return's units in the shop; answers the rows of `refunds[]`. Raises ShopTrouble."""
        number = made.provider_order_id
        unit = made.currencies["presentment"]
        payments = (await self._call("GET", f"/orders/{number}/transactions.json"))["transactions"]
        units = Counter(line.order_line for line in made.active)
        body: Json = {
            "note": f"Loop return {made.id}",
            "currency": unit,
            "notify": False,
            "refund_line_items": [
                {"line_item_id": int(line), "quantity": count, "restock_type": restock_type, "location_id": location_id}
                for line, count in units.items()
            ],
            "transactions": _tender_rows(made, payments),
        }
        shipping = made.shipping["presentment"] + made.shipping_tax["presentment"]
        if shipping:
            body["shipping"] = {"amount": text_of(shipping, unit)}
        refund = (await self._call("POST", f"/orders/{number}/refunds.json", {"refund": body}))["refund"]
        return [
            {
                "gateway": row["gateway"],
                "amount": row["amount"],
                "currency": row["currency"],
                "provider_refund_id": str(refund["id"]),
            }
            for row in refund["transactions"]
            if row["status"] in ("success", "pending")
        ]

    async def place(self, made: Return, prefix: str, number: int, loop_discount: bool, details: Json) -> Json:
        """Place the separate exchange order (§9); answers the shop's order. Raises ShopTrouble."""
        order = exchange_order(made, prefix, number, loop_discount, details)
        return dict((await self._call("POST", "/orders.json", {"order": order}))["order"])


def _tender_rows(made: Return, payments: list[Json]) -> list[Json]:
    """The refund spread over the order's payments in proportion to what is left of them, or as the return says."""
    unit = made.currencies["presentment"]
    total = made.tenders["presentment"].refund
    if not total:
        return []
    left = [(row, _left(row, payments, unit)) for row in payments if row["kind"] in ("sale", "capture")]
    left = [(row, amount) for row, amount in left if row["status"] == "success"]
    if made.gateways:
        return _asked_rows(made, left, total, unit)
    parts = divide(total, [amount for _, amount in left])
    return [
        {"parent_id": row["id"], "gateway": row["gateway"], "kind": "refund", "amount": text_of(part, unit)}
        for (row, _), part in zip(left, parts, strict=True)
        if part
    ]


def _asked_rows(made: Return, left: list[tuple[Json, int]], total: int, unit: str) -> list[Json]:
    """The split the test asked for: gateway names (spread in proportion) or {gateway, amount} objects."""
    named = [item if isinstance(item, dict) else {"gateway": item} for item in made.gateways]
    weights = [sum(amount for row, amount in left if row["gateway"] == item["gateway"]) for item in named]
    fixed = [minor_of(item["amount"], unit) if "amount" in item else None for item in named]
    parts = divide(total, weights) if None in fixed else [part or 0 for part in fixed]
    return [
        {"gateway": item["gateway"], "kind": "refund", "amount": text_of(part, unit)}
        for item, part in zip(named, parts, strict=True)
        if part
    ]


def _left(payment: Json, rows: list[Json], unit: str) -> int:
    back = [r for r in rows if r["kind"] == "refund" and r["parent_id"] == payment["id"]]
    gone = sum(minor_of(r["amount"], unit) for r in back if r["status"] in ("success", "pending"))
    return minor_of(payment["amount"], unit) - gone


def exchange_order(made: Return, prefix: str, number: int, loop_discount: bool, details: Json) -> Json:
    """The exchange order's body: paid, named after the original, tagged with its number (§9).

    With Loop Discount on, the returned value pays for the items, so that an even exchange is zero plus tax.
    """
    digits = "".join(c for c in str(made.order.get("name", "")) if c.isdigit()) or made.provider_order_id
    unit = made.currencies["shop"]
    credit = made.tenders["shop"].exchange_used if loop_discount else 0
    lines = []
    for item in made.exchanges:
        if not item.out_of_stock:
            line, credit = _exchange_line(made, item, credit, unit)
            lines.append(line)
    return {
        "name": f"{prefix}{digits}" + (f"-{number}" if number > 1 else ""),
        "currency": unit,
        "taxes_included": bool(made.order.get("taxes_included")),
        "financial_status": "paid",
        "fulfillment_status": None,
        "source_name": "Loop Exchange",
        "tags": digits,
        "note": f"Exchange for {made.order.get('name')}, Loop return {made.id}",
        "note_attributes": [
            {"name": "loop_return_id", "value": str(made.id)},
            {"name": "original_order", "value": str(made.order.get("name"))},
            *({"name": str(name), "value": str(value)} for name, value in details.items()),
        ],
        "discount_applications": [
            {
                "type": "discount_code",
                "code": "loop-discount",
                "value_type": "fixed_amount",
                "allocation_method": "across",
                "target_type": "line_item",
                "target_selection": "all",
            }
        ]
        if loop_discount
        else [],
        "line_items": lines,
        "payments": [],
    }


def _exchange_line(made: Return, item: ExchangeLine, credit: int, unit: str) -> tuple[Json, int]:
    """One line, and the credit that is left after it took its discount."""
    money = item.money["shop"]
    price = money.price + money.tax if made.order.get("taxes_included") else money.price
    discount = money.discount + min(credit, price - money.discount)
    line: Json = {
        "sku": item.sku,
        "title": item.title,
        "quantity": 1,
        "price": text_of(price, unit),
        "discount_allocations": [{"amount": text_of(discount, unit), "discount_application_index": 0}]
        if discount
        else [],
        "tax_lines": [{"title": "VAT", "price": text_of(money.tax, unit)}] if money.tax else [],
        "fulfillment_status": None,
        "fulfillable_quantity": 1,
    }
    if item.variant_id.isdigit() and item.variant_id != "0":
        line["variant_id"] = int(item.variant_id)
    return line, credit - (discount - money.discount)
