"""What a connection to one Reveni store needs to be told."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from counterfoil.portals.reveni.mapping import ReveniMapping

LIVE_BASE_URL = "https://api.reveni.io"


class Acceptance(StrEnum):
    """When accepted units are told to Reveni. For returns that are not instant, telling it makes Reveni pay (§5)."""

    ON_RELEASE = "on_release"
    ON_INSPECTION = "on_inspection"


class ReveniConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One Reveni store: filled from a TOML table, shown as a form."""

    api_key: Annotated[
        str,
        msgspec.Meta(
            min_length=1, title="API key", description="The private key of this store. It sees no other store."
        ),
    ]
    store_id: Annotated[
        str,
        msgspec.Meta(
            min_length=1, title="Store id", description="The store's id at Reveni; each store has its own key."
        ),
    ]
    webhook_secrets: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            title="Webhook secrets",
            description="Reveni does not sign: its webhooks come to an address that ends in one of these. Use long random "
            "words. During a change give both, old and new.",
        ),
    ] = ()
    base_url: Annotated[
        str,
        msgspec.Meta(
            title="API address",
            description="https://api.reveni.io, or https://api.sandbox.reveni.io with the sandbox's own key and store.",
        ),
    ] = LIVE_BASE_URL
    acceptance: Annotated[
        Acceptance,
        msgspec.Meta(
            title="Accepted goods are told",
            description="on_release: when our gates are open, because Reveni pays upon it. on_inspection: at once; for a "
            "policy under which Reveni pays on its own events. Instant returns are always told at once.",
        ),
    ] = Acceptance.ON_RELEASE
    list_returns: Annotated[
        bool,
        msgspec.Meta(
            title="Ask for the list of returns",
            description="Finds what webhooks missed. Switch off if this account's API has no list.",
        ),
    ] = True
    calls_per_second: Annotated[
        float,
        msgspec.Meta(gt=0, title="Calls a second", description="Reveni publishes no limit; two a second is careful."),
    ] = 2.0
    timeout_s: Annotated[
        float, msgspec.Meta(gt=0, le=300, title="Time limit", description="Seconds to wait for one answer of Reveni.")
    ] = 30.0
    mapping: Annotated[
        ReveniMapping,
        msgspec.Meta(
            title="Fields and words",
            description="Where this account's fields stand and what its words mean, where it differs from our proposal.",
        ),
    ] = ReveniMapping()
