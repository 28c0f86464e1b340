"""Adyen: whether a refund was sent, refused or came back, and when it was settled (payments sheet §10, §11)."""

from __future__ import annotations

from counterfoil.gateways.adyen.config import AdyenConfig, capabilities
from counterfoil.gateways.adyen.settlements import read_settlements
from counterfoil.gateways.adyen.translate import translate
from counterfoil.gateways.adyen.webhooks import HOOK
from counterfoil.ports.vendors import Family, VendorSpec

SPEC = VendorSpec(
    name="adyen",
    title="Adyen",
    family=Family.GATEWAY,
    config=AdyenConfig,
    translate=translate,
    capabilities=capabilities,
    hook=HOOK,
    secrets=("hmac_keys",),
    personal_fields=(
        "notificationItems[].NotificationRequestItem.additionalData",
        "notificationItems[].NotificationRequestItem.reason",
    ),
    sim="counterfoil.gateways.adyen.sim",
    settlements=read_settlements,
)
