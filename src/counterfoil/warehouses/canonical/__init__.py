"""Any warehouse that speaks the canonical receipt message, by webhook or CSV file (warehouse sheet §2, §4)."""

from __future__ import annotations

from counterfoil.ports.vendors import Family, VendorSpec
from counterfoil.warehouses.canonical.config import WarehouseConfig, capabilities
from counterfoil.warehouses.canonical.files import read_file
from counterfoil.warehouses.canonical.translate import translate
from counterfoil.warehouses.canonical.webhooks import HOOK

SPEC = VendorSpec(
    name="warehouse",
    title="Warehouse",
    family=Family.WAREHOUSE,
    config=WarehouseConfig,
    translate=translate,
    capabilities=capabilities,
    hook=HOOK,
    secrets=("secrets",),
    personal_fields=("inspected_by", "lines[].dispositions[].notes", "lines[].dispositions[].image_urls"),
    sim="counterfoil.warehouses.canonical.sim",
    read_file=read_file,
)
