"""What a connection to one Shopify shop needs to be told."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec


class ReadWith(StrEnum):
    """Which of the shop's two interfaces orders are read with (shop sheet §1)."""

    GRAPHQL = "graphql"
    REST = "rest"


class ShopifyConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One shop: filled from a TOML table, shown as a form."""

    shop: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*(\.myshopify\.com)?$",
            title="Shop name",
            description="The part before .myshopify.com in the address of the shop's admin.",
        ),
    ]
    access_token: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            title="Admin API access token",
            description="Of an app with read_orders, read_returns and, for orders older than 60 days, read_all_orders.",
        ),
    ]
    client_secrets: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            title="Client secrets",
            description="The app's client secret signs webhooks. During a rotation give both: the new one starts late.",
        ),
    ] = ()
    api_version: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^20\d\d-(01|04|07|10)$",
            title="API version",
            description="Quarterly, such as 2026-10. Keep it the same as the version of the webhook subscriptions.",
        ),
    ] = "2026-10"
    read_with: Annotated[
        ReadWith,
        msgspec.Meta(
            title="Read orders with",
            description="graphql for every app; rest only for old private apps that have no other interface.",
        ),
    ] = ReadWith.GRAPHQL
    base_url: Annotated[
        str,
        msgspec.Meta(
            title="Address",
            description="Leave empty for Shopify itself; a simulator or a proxy has its own address.",
        ),
    ] = ""
    timeout_s: Annotated[
        int,
        msgspec.Meta(ge=1, le=120, title="Time limit", description="Seconds to wait for one answer."),
    ] = 30

    @property
    def domain(self) -> str:
        """The shop's permanent domain."""
        return self.shop if self.shop.endswith(".myshopify.com") else f"{self.shop}.myshopify.com"

    @property
    def address(self) -> str:
        """Where the Admin API is, without the path."""
        return self.base_url or f"https://{self.domain}"
