"""ReturnGO: what it is called, what it can do, and how it is reached. NOTES.md holds its quirks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from counterfoil.portals.returngo.config import ReturnGOConfig
from counterfoil.portals.returngo.translate import translate, translate_with
from counterfoil.portals.returngo.webhooks import HOOK
from counterfoil.ports.capabilities import Cap
from counterfoil.ports.translation import Translation
from counterfoil.ports.vendors import Client, Delivery, Family, VendorSpec


def capabilities(config: ReturnGOConfig) -> frozenset[Cap]:
    """What ReturnGO's API offers. It has no call that refunds, releases an exchange or writes an inspection (§2)."""
    found = {Cap.WEBHOOKS, Cap.POLL, Cap.EXCHANGES, Cap.NOTES}
    return frozenset(found | ({Cap.CANCEL} if config.mapping.cancel_status else set()))


def build(config: ReturnGOConfig) -> Client:
    """Open a connection; the HTTP library is imported only here."""
    from counterfoil.portals.returngo.client import ReturnGOClient

    return ReturnGOClient(config)


def bind(config: ReturnGOConfig) -> Callable[[Delivery], Translation]:
    """Read deliveries by the account's own mapping."""
    return partial(translate_with, mapping=config.mapping)


SPEC = VendorSpec(
    name="returngo",
    title="ReturnGO",
    family=Family.PORTAL,
    config=ReturnGOConfig,
    translate=translate,
    capabilities=capabilities,
    build=build,
    hook=HOOK,
    bind=bind,
    secrets=("api_key", "webhook_secrets"),
    personal_fields=(
        "rmaSummary.events[].userDetails",
        "rmas[].events[].userDetails",
        "events[].userDetails",
        "comments[].htmlText",
        "comments[].triggeredBy",
        "shipments[].customerAddress",
        "customerAddress",  # a shipment asked for by itself
        "shipments[].labelURL",
        "shipments[].trackingURL",
        "items[].followUpQuestions",
        "items[].itemValidationStatusResponse.lastValidatedBy",
        "items[].itemValidationStatusResponse.userDetails",
        "transactions[].bankAccountDetails",
    ),
    sim="counterfoil.portals.returngo.sim",
)
