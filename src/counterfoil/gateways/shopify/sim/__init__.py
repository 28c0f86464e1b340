"""A stand-in for one Shopify shop, written from the shop sheet: orders, refunds, GraphQL reads and signed webhooks."""

from __future__ import annotations

from counterfoil.gateways.shopify.sim.server import ShopifySimulator

SIMULATOR = ShopifySimulator

__all__ = ["SIMULATOR", "ShopifySimulator"]
