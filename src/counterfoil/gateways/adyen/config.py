"""What a connection to one Adyen account needs to be told. Filled from a TOML table."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from counterfoil.ports.capabilities import Cap


class AdyenConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One standard webhook of one Adyen account. Nothing is asked of Adyen, so no API key is needed."""

    hmac_keys: Annotated[
        tuple[str, ...],
        Meta(
            title="HMAC keys",
            description="Of the standard webhook, in hexadecimal. While one is being replaced, give both.",
        ),
    ] = ()


def capabilities(_config: AdyenConfig) -> frozenset[Cap]:
    """Adyen tells; its settlement reports are read as files."""
    return frozenset({Cap.WEBHOOKS})
