"""What the demonstration must know of each portal: its world, our settings for it, and how its staff press buttons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

LOOP_KEY, LOOP_SECRET = "loop-demo-key", "loop-demo-secret"
RETURNGO_KEY, RETURNGO_SECRET = "returngo-demo-key", "returngo-demo-path-2b9d6c1f"
REVENI_KEY, REVENI_SECRET = "reveni-demo-key", "reveni-demo-path-7c41e0aa"
REVENI_STORE = "9f0c1d5b7a2e4c6688aa001122334455"

_LOOP_HOOKS = (
    ("return", "return.created"),
    ("return", "return.updated"),
    ("return", "return.closed"),
    ("return.processing", "return.processing.failed"),
    ("label", "label.created"),
    ("label", "label.updated"),
    ("giftcard", "giftcard.requested"),
    ("restock", "restock.requested"),
)
_RETURNGO_HOOKS = (
    "RMA_CREATED",
    "RMA_STATUS_UPDATED",
    "SHIPMENT_STATUS_UPDATED",
    "TRANSACTION_CREATED",
    "REFUND_CREATED",
)
_REVENI_HOOKS = ("return.created", "return.updated")


@dataclass(frozen=True)
class PlayedPortal:
    """One portal as the demonstration plays it.

    `policy` is the preset that fits what the portal's API allows; `signs` says whether its webhooks can be forged at
    all; `extras` whether fees, refunded shipping and store credit are played; `exchanges` which ones are.
    """

    name: str
    policy: str
    signs: bool = False
    extras: bool = False
    exchanges: tuple[int, ...] = (0, 1250, -700)  # what new goods cost more than the returned ones, in turn

    @property
    def connection(self) -> str:
        """Our connection's name."""
        return f"north-{self.name}"

    def hook(self, hooks_url: str) -> str:
        """Where its webhooks go; the unsigned ones to an address that ends in a secret."""
        secret = {"returngo": f"/{RETURNGO_SECRET}", "reveni": f"/{REVENI_SECRET}"}.get(self.name, "")
        return f"{hooks_url}/webhooks/{self.name}/{self.connection}{secret}"

    def world(self, hooks_url: str, shop: Json) -> Json:
        """The simulator's world: the account, the shop it refunds in, our webhooks."""
        url = self.hook(hooks_url)
        match self.name:
            case "returngo":
                return {
                    "api_key": RETURNGO_KEY,
                    "shop": shop,
                    "auto_approve": True,
                    "pay_on": "received",
                    "daily_quota": 1_000_000,
                    "per_second": 10_000,
                    "webhooks": [{"url": url, "eventName": name} for name in _RETURNGO_HOOKS],
                }
            case "reveni":
                return {
                    "api_key": REVENI_KEY,
                    "store_id": REVENI_STORE,
                    "shop": shop,
                    "per_second": 10_000,
                    "webhooks": [{"url": url, "event_types": list(_REVENI_HOOKS)}],
                }
        return {
            "shop_id": 12345,
            "currency": "GBP",
            "api_keys": [LOOP_KEY],
            "webhook_secret": LOOP_SECRET,
            "webhooks": [{"topic": topic, "trigger": trigger, "url": url} for topic, trigger in _LOOP_HOOKS],
            "shop": shop,
            "gift_card_provider": "external",
            "rate_limit_per_minute": 1_000_000,
        }

    def config(self, url: str) -> Json:
        """Our settings for it."""
        match self.name:
            case "returngo":
                return {
                    "api_key": RETURNGO_KEY,
                    "shop_name": "example.myshopify.com",
                    "webhook_secrets": [RETURNGO_SECRET],
                    "base_url": url,
                    "calls_per_day": 1_000_000,
                }
            case "reveni":
                return {
                    "api_key": REVENI_KEY,
                    "store_id": REVENI_STORE,
                    "webhook_secrets": [REVENI_SECRET],
                    "base_url": url,
                    "calls_per_second": 1000,
                }
        return {
            "api_key": LOOP_KEY,
            "webhook_secrets": [LOOP_SECRET],
            "base_url": f"{url}/api/v1",
            "return_processor": "Leeds",
            "calls_per_minute": 1_000_000,
        }


PLAYED = {
    "loop": PlayedPortal("loop", "controlled", signs=True, extras=True),
    "returngo": PlayedPortal("returngo", "portal-led", exchanges=(0, -700)),
    "reveni": PlayedPortal("reveni", "controlled"),
}
