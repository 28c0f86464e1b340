"""What a simulated portal does in a shop, over the shop's real Admin REST API: read, refund, place an order.

Refunds follow the shop sheet §4 and §8: units and money are named apart, and money goes back to the order's payments
in proportion to what is left of each.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx2

from counterfoil.simkit.amounts import divide, minor_of, text_of
from counterfoil.simkit.wires import open_client

Json = dict[str, Any]
VERSION = "2026-10"
BUSY_TRIES = 20  # how often a 429 of the shop is waited out


@cache
def _trust() -> ssl.SSLContext:
    """The usual certificates, read once: reading them takes longer than a whole refund."""
    return ssl.create_default_context()


class ShopTrouble(Exception):
    """The shop did not do what the portal asked; the message says which call and what came back."""


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """A refund to be made. `units` counts units per order line; `amount` and `shipping` are the customer's money."""

    order_id: str
    note: str
    currency: str
    units: Mapping[str, int]
    amount: int
    shipping: int = 0
    restock_type: str = "no_restock"
    location_id: int | None = None


class ShopSide:
    """A portal's connection to one shop."""

    def __init__(self, url: str, access_token: str) -> None:
        self._base = f"{url.rstrip('/')}/admin/api/{VERSION}"
        self._headers = {"X-Shopify-Access-Token": access_token}
        self._client: httpx2.AsyncClient | None = None

    async def close(self) -> None:
        """Drop the connection."""
        if self._client is not None:
            await self._client.aclose()

    async def order(self, number: Any) -> Json:
        """One order. Raises ShopTrouble."""
        return dict((await self._call("GET", f"/orders/{number}.json"))["order"])

    async def refund(self, asked: RefundRequest) -> Json:
        """Refund units and money; answers the shop's refund. Raises ShopTrouble."""
        path = f"/orders/{asked.order_id}"
        payments = (await self._call("GET", f"{path}/transactions.json"))["transactions"] if asked.amount else []
        body: Json = {
            "note": asked.note,
            "currency": asked.currency,
            "notify": False,
            "refund_line_items": [
                {
                    "line_item_id": int(line),
                    "quantity": count,
                    "restock_type": asked.restock_type,
                    "location_id": asked.location_id,
                }
                for line, count in asked.units.items()
            ],
            "transactions": _tender_rows(asked, payments),
        }
        if asked.shipping:
            body["shipping"] = {"amount": text_of(asked.shipping, asked.currency)}
        return dict((await self._call("POST", f"{path}/refunds.json", {"refund": body}))["refund"])

    async def place(self, order: Json) -> Json:
        """Place an order; answers it as the shop keeps it. Raises ShopTrouble."""
        return dict((await self._call("POST", "/orders.json", {"order": order}))["order"])

    async def _call(self, method: str, path: str, body: Json | None = None) -> Json:
        if self._client is None:
            self._client = open_client(5.0, _trust())
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


def _tender_rows(asked: RefundRequest, rows: list[Json]) -> list[Json]:
    """The money spread over the order's payments in proportion to what is left of them."""
    payments = [row for row in rows if row["kind"] in ("sale", "capture") and row["status"] == "success"]
    parts = divide(asked.amount, [_left(payment, rows, asked.currency) for payment in payments])
    return [
        {
            "parent_id": row["id"],
            "gateway": row["gateway"],
            "kind": "refund",
            "amount": text_of(part, asked.currency),
        }
        for row, part in zip(payments, parts, strict=True)
        if part
    ]


def _left(payment: Json, rows: list[Json], currency: str) -> int:
    back = [row for row in rows if row["kind"] == "refund" and row["parent_id"] == payment["id"]]
    gone = sum(minor_of(row["amount"], currency) for row in back if row["status"] in ("success", "pending"))
    return minor_of(payment["amount"], currency) - gone


@dataclass(frozen=True, slots=True)
class NewItem:
    """One line of an exchange order, amounts in minor units.

    `price` is one unit's full price with `tax` inside the line; `discount` is what the returned goods pay of the line.
    """

    sku: str
    title: str
    quantity: int
    price: int
    discount: int = 0
    tax: int = 0
    variant_id: str = ""


def exchange_order(original: Json, name: str, note: str, source: str, currency: str, items: list[NewItem]) -> Json:
    """The body of a paid exchange order: full-price lines, and the returned value as a discount on them.

    Without a name the shop gives it the next number of its own.
    """
    digits = "".join(c for c in str(original.get("name", "")) if c.isdigit())
    return {
        **({"name": name} if name else {}),
        "currency": currency,
        "taxes_included": True,
        "financial_status": "paid",
        "fulfillment_status": None,
        "source_name": source,
        "tags": digits,
        "note": note,
        "note_attributes": [{"name": "original_order", "value": str(original.get("name"))}],
        "line_items": [_new_line(item, currency) for item in items],
        "payments": [],
    }


def _new_line(item: NewItem, currency: str) -> Json:
    line: Json = {
        "sku": item.sku,
        "title": item.title or item.sku,
        "quantity": item.quantity,
        "price": text_of(item.price, currency),
        "discount_allocations": [{"amount": text_of(item.discount, currency)}] if item.discount else [],
        "tax_lines": [{"title": "VAT", "price": text_of(item.tax, currency)}] if item.tax else [],
        "fulfillment_status": None,
        "fulfillable_quantity": item.quantity,
    }
    if item.variant_id.isdigit() and item.variant_id != "0":
        line["variant_id"] = int(item.variant_id)
    return line
