"""What a connection to one Stripe account needs to be told. Filled from a TOML table."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from counterfoil.ports.capabilities import Cap


class StripeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One webhook endpoint of one Stripe account. Nothing is asked of Stripe, so no API key is needed."""

    signing_secrets: Annotated[
        tuple[str, ...],
        Meta(
            title="Signing secrets",
            description="Of the webhook endpoint, with whsec_ in front. While one is rolled, give both.",
        ),
    ] = ()
    live: Annotated[
        bool, Meta(title="Live account", description="Off for a test account; links then lead to its dashboard.")
    ] = True


def capabilities(_config: StripeConfig) -> frozenset[Cap]:
    """Stripe tells; its payout reports are read as files."""
    return frozenset({Cap.WEBHOOKS})
