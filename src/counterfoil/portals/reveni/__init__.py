"""Reveni: what it is called, what it can do, and how it is reached. NOTES.md holds its quirks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from counterfoil.portals.reveni.config import Acceptance, ReveniConfig
from counterfoil.portals.reveni.translate import translate, translate_as
from counterfoil.portals.reveni.webhooks import HOOK
from counterfoil.ports.capabilities import Cap
from counterfoil.ports.translation import Translation
from counterfoil.ports.vendors import Client, Delivery, Family, VendorSpec


def capabilities(config: ReveniConfig) -> frozenset[Cap]:
    """What Reveni offers. Accepting goods is the only way to make it pay, so release is that, where it is held back.

    No call is known for notes, for flagging and for cancelling (Reveni sheet §2).
    """
    found = {Cap.WEBHOOKS, Cap.GRADING, Cap.EXCHANGES}
    if config.list_returns:
        found.add(Cap.POLL)
    if config.acceptance is Acceptance.ON_RELEASE:
        found.add(Cap.RELEASE)
    return frozenset(found)


def build(config: ReveniConfig) -> Client:
    """Open a connection; the HTTP library is imported only here."""
    from counterfoil.portals.reveni.client import ReveniClient

    return ReveniClient(config)


def bind(config: ReveniConfig) -> Callable[[Delivery], Translation]:
    """Read deliveries by the account's own field names and words."""
    return partial(translate_as, mapping=config.mapping)


SPEC = VendorSpec(
    name="reveni",
    title="Reveni",
    family=Family.PORTAL,
    config=ReveniConfig,
    translate=translate,
    capabilities=capabilities,
    build=build,
    hook=HOOK,
    bind=bind,
    secrets=("api_key", "webhook_secrets"),
    personal_fields=(
        "customer",
        "results[].customer",
        "delivery.tracking_url",
        "delivery.label_url",
        "return_items[].return_reason_text",
        "return_items[].reject_reason_text",
    ),
    sim="counterfoil.portals.reveni.sim",
)
