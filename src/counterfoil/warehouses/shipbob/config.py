"""What a connection to one ShipBob account needs to be told. Filled from a TOML table."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from counterfoil.ports.capabilities import Cap


class ShipBobConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One account's subscription to `return.completed`."""

    webhook_secrets: Annotated[
        tuple[str, ...],
        Meta(
            title="Webhook secrets",
            description="A secret that begins with whsec_ checks ShipBob's signature. Any other is the last part of the "
            "webhook's address, long and random; it is all that protects a webhook without signature.",
        ),
    ] = ()


def capabilities(_config: ShipBobConfig) -> frozenset[Cap]:
    """A warehouse tells; it is never asked."""
    return frozenset({Cap.WEBHOOKS})
