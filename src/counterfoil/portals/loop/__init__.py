"""Loop Returns: what it is called, what it can do, and how it is reached. NOTES.md holds its quirks."""

from __future__ import annotations

from counterfoil.portals.loop.config import LoopConfig
from counterfoil.portals.loop.translate import translate
from counterfoil.portals.loop.webhooks import HOOK
from counterfoil.ports.capabilities import Cap
from counterfoil.ports.vendors import Client, Family, VendorSpec


def capabilities(config: LoopConfig) -> frozenset[Cap]:
    """What Loop offers; nothing of it depends on the configuration."""
    return frozenset({Cap.WEBHOOKS, Cap.POLL, Cap.RELEASE, Cap.NOTES, Cap.FLAG, Cap.CANCEL, Cap.GRADING, Cap.EXCHANGES})


def build(config: LoopConfig) -> Client:
    """Open a connection; the HTTP library is imported only here."""
    from counterfoil.portals.loop.client import LoopClient

    return LoopClient(config)


SPEC = VendorSpec(
    name="loop",
    title="Loop Returns",
    family=Family.PORTAL,
    config=LoopConfig,
    translate=translate,
    capabilities=capabilities,
    build=build,
    hook=HOOK,
    secrets=("api_key", "webhook_secrets"),
    personal_fields=(
        "customer",
        "customer_detail",
        "address",
        "email",
        "first_name",
        "last_name",
        "addresses",
        "status_page_url",
        "label_url",
        "labels[].url",
        "line_items[].return_comment",
        "line_items[].condition.note",
        "line_items[].condition.images",
        "line_items[].disposition.note",
        "return_method.address",
        "return_method.qr_code_url",
        "returns[].customer",
        "returns[].customer_detail",
        "returns[].address",
        "notes[].content",
    ),
    sim="counterfoil.portals.loop.sim",
)
