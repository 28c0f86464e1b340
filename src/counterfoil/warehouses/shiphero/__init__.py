"""ShipHero: snapshots of a return's running totals, as receipts of which only differences count (warehouse sheet §1)."""

from __future__ import annotations

from counterfoil.ports.vendors import Family, VendorSpec
from counterfoil.warehouses.shiphero.config import ShipHeroConfig, capabilities
from counterfoil.warehouses.shiphero.translate import translate
from counterfoil.warehouses.shiphero.webhooks import HOOK

SPEC = VendorSpec(
    name="shiphero",
    title="ShipHero",
    family=Family.WAREHOUSE,
    config=ShipHeroConfig,
    translate=translate,
    capabilities=capabilities,
    hook=HOOK,
    secrets=("shared_secrets",),
    personal_fields=("reason", "items[].item_reason"),
    sim="counterfoil.warehouses.shiphero.sim",
)
