"""How the conformance kit plays with the simulated shop: our client only reads, so a read is what may be throttled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from counterfoil.core.commands import AnyCommand, CaseRef, FetchOrder
from counterfoil.gateways.shopify.config import ShopifyConfig
from counterfoil.ports.rehearsal import Rehearsal, SimControl
from counterfoil.ports.vendors import Client

Json = dict[str, Any]

TOKEN = "shpat_example"  # noqa: S105 - of the simulator
ORDER: Json = {
    "id": 1001,
    "name": "#1001",
    "taxes_included": True,
    "line_items": [{"id": 11, "sku": "TEE", "title": "Example tee", "quantity": 3, "price": "4.00"}],
}


def _world(_folder: Path) -> Json:
    return {"access_token": TOKEN, "orders": [ORDER]}


def _config(url: str, _folder: Path) -> ShopifyConfig:
    return ShopifyConfig(shop="rehearsal", access_token=TOKEN, base_url=url)


def _fetch(_client: Client, _control: SimControl) -> AnyCommand:
    return FetchOrder(case=CaseRef(brand="acme", portal="loop", return_id="1", order_ref="1001"), step="order")


REHEARSAL = Rehearsal(world=_world, config=_config, read=_fetch, request="/graphql.json")
