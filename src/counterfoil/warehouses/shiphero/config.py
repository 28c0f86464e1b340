"""What a connection to one ShipHero account needs to be told. Filled from a TOML table."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from counterfoil.ports.capabilities import Cap


class ShipHeroConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One account. At a 3PL the webhook is registered on the brand's own child account (warehouse sheet §1)."""

    shared_secrets: Annotated[
        tuple[str, ...],
        Meta(
            title="Shared signature secrets",
            description="Shown once, when the webhook is made. While one is being replaced, give both.",
        ),
    ] = ()


def capabilities(_config: ShipHeroConfig) -> frozenset[Cap]:
    """A warehouse tells; it is never asked."""
    return frozenset({Cap.WEBHOOKS})
