"""ShipBob: completed returns with what was done to every unit, as receipts (warehouse sheet §1, §2.3)."""

from __future__ import annotations

from counterfoil.ports.vendors import Family, VendorSpec
from counterfoil.warehouses.shipbob.config import ShipBobConfig, capabilities
from counterfoil.warehouses.shipbob.translate import translate
from counterfoil.warehouses.shipbob.webhooks import HOOK

SPEC = VendorSpec(
    name="shipbob",
    title="ShipBob",
    family=Family.WAREHOUSE,
    config=ShipBobConfig,
    translate=translate,
    capabilities=capabilities,
    hook=HOOK,
    secrets=("webhook_secrets",),
    personal_fields=("inventory[].action_taken[].image_url", "inventory[].action_taken[].action_reason"),
    sim="counterfoil.warehouses.shipbob.sim",
)
