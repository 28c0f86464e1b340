"""What a connection to a portal with signed webhooks needs to be told. Filled from a TOML table."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from counterfoil.ports.capabilities import Cap


class SignedConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One account of one portal. Everything about the portal itself stands in the mapping file."""

    webhook_secrets: Annotated[
        tuple[str, ...],
        Meta(title="Webhook secrets", description="While one is being replaced, give both."),
    ] = ()
    mapping: Annotated[
        str,
        Meta(
            title="Mapping file",
            description="TOML: where each field stands, what words mean, how it is signed. Empty: our proposed format.",
        ),
    ] = ""


def capabilities(_config: SignedConfig) -> frozenset[Cap]:
    """It tells; it cannot be asked or told anything. The portal itself pays (preset portal-led)."""
    return frozenset({Cap.WEBHOOKS})
