"""Shopify: the original order as sold, the shop's refunds, and whether their money moved (shop sheet §1-§8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from counterfoil.gateways.shopify.config import ShopifyConfig
from counterfoil.gateways.shopify.settlements import read_settlements
from counterfoil.gateways.shopify.translate import translate
from counterfoil.gateways.shopify.webhooks import HOOK
from counterfoil.ports.capabilities import Cap
from counterfoil.ports.vendors import Client, Family, VendorSpec


def _capabilities(_config: ShopifyConfig) -> frozenset[Cap]:
    return frozenset({Cap.WEBHOOKS, Cap.POLL})


def _build(config: ShopifyConfig, _mapping: Mapping[str, Any] | None = None) -> Client:
    from counterfoil.gateways.shopify.client import ShopifyClient

    return ShopifyClient(config)


def _url(config: ShopifyConfig, kind: str, ref: str) -> str | None:
    """Where people see an order in the shop's admin."""
    return f"https://{config.domain}/admin/orders/{ref}" if kind == "order" else None


SPEC = VendorSpec(
    name="shopify",
    title="Shopify",
    family=Family.GATEWAY,
    config=ShopifyConfig,
    translate=translate,
    capabilities=_capabilities,
    build=_build,
    hook=HOOK,
    secrets=("access_token", "client_secrets"),
    personal_fields=(
        "customer",
        "email",
        "contact_email",
        "phone",
        "shipping_address",
        "billing_address",
        "client_details",
        "browser_ip",
        "note",
        "note_attributes",
        "payment_details",
        "line_items[].properties",
        "transactions[].receipt",
        "refunds[].transactions[].receipt",
        "receipt",
    ),
    document_url=_url,
    sim="counterfoil.gateways.shopify.sim",
    settlements=read_settlements,
)
