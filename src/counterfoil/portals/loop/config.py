"""What a connection to one Loop shop needs to be told."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

LIVE_BASE_URL = "https://api.loopreturns.com/api/v1"


class ExchangeStyle(StrEnum):
    """How this shop's exchanges appear in the shop (Loop sheet §9); no field of a payload says it."""

    SEPARATE_ORDER = "separate_order"
    NATIVE = "native"


class LoopConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One Loop shop: filled from a TOML table, shown as a form."""

    api_key: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            title="API key",
            description="Made in the Loop admin under Developer Tools, with the scopes Returns and Developer Tools.",
        ),
    ]
    webhook_secrets: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            title="Webhook secrets",
            description="Shown in the Loop admin under Developer Tools. During a change give both, old and new.",
        ),
    ] = ()
    base_url: Annotated[
        str,
        msgspec.Meta(
            title="API address",
            description="Leave as it is for Loop itself; a simulator or a proxy has its own address.",
        ),
    ] = LIVE_BASE_URL
    exchange_style: Annotated[
        ExchangeStyle,
        msgspec.Meta(
            title="Exchanges in the shop",
            description="separate_order: Loop makes a new order. native: items are added to the original order.",
        ),
    ] = ExchangeStyle.SEPARATE_ORDER
    return_processor: Annotated[
        str,
        msgspec.Meta(
            max_length=100,
            title="Inspector's name at Loop",
            description="Shown beside each grade and disposition reported to Loop (at most 100 characters).",
        ),
    ] = "Warehouse"
    calls_per_minute: Annotated[
        int,
        msgspec.Meta(
            ge=1,
            title="Calls a minute",
            description="Loop allows 300 a minute for each key; stay below it, other programs may share the key.",
        ),
    ] = 280
    timeout_s: Annotated[
        float, msgspec.Meta(gt=0, le=300, title="Time limit", description="Seconds to wait for one answer of Loop.")
    ] = 30.0
