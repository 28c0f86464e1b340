"""Stripe: whether the money of a refund left, and whether it came back (payments sheet §9, §11)."""

from __future__ import annotations

from counterfoil.gateways.stripe.config import StripeConfig, capabilities
from counterfoil.gateways.stripe.settlements import read_settlements
from counterfoil.gateways.stripe.translate import translate
from counterfoil.gateways.stripe.webhooks import HOOK
from counterfoil.ports.vendors import Family, VendorSpec


def _url(config: StripeConfig, kind: str, ref: str) -> str | None:
    """Where people see a refund or a payment in the dashboard."""
    place = "" if config.live else "test/"
    return f"https://dashboard.stripe.com/{place}payments/{ref}" if kind == "payment" else None


SPEC = VendorSpec(
    name="stripe",
    title="Stripe",
    family=Family.GATEWAY,
    config=StripeConfig,
    translate=translate,
    capabilities=capabilities,
    hook=HOOK,
    secrets=("signing_secrets",),
    personal_fields=(
        "data.object.billing_details",
        "data.object.receipt_email",
        "data.object.receipt_url",
        "data.object.payment_method_details",
        "data.object.shipping",
        "data.object.metadata",
        "data.object.destination_details",
        "data.object.evidence",
    ),
    document_url=_url,
    sim="counterfoil.gateways.stripe.sim",
    settlements=read_settlements,
)
