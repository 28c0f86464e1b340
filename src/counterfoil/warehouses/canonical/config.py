"""What a warehouse connection needs to be told (warehouse sheet §2, §4). Filled from a TOML table."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from counterfoil.ports.capabilities import Cap


class WarehouseConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One warehouse or 3PL that speaks the canonical message."""

    source: Annotated[
        str, Meta(title="Source", description="The name the warehouse gives itself in `source`, such as acme-3pl.")
    ]
    secrets: Annotated[
        tuple[str, ...],
        Meta(
            title="Signing secrets",
            description="Secrets that begin with whsec_. While one is being replaced, both are given and both count.",
        ),
    ] = ()
    csv_zone: Annotated[
        str,
        Meta(
            title="Time zone of files", description="For times in CSV files that carry no offset, e.g. Europe/London."
        ),
    ] = "UTC"


def capabilities(_config: WarehouseConfig) -> frozenset[Cap]:
    """A warehouse tells; it is never asked."""
    return frozenset({Cap.WEBHOOKS})
