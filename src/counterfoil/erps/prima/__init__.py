"""Prima: an ERP behind one adapter with several transports, told apart by configuration (Prima sheet §0)."""

from __future__ import annotations

from counterfoil.erps.prima.config import PrimaConfig, capabilities, document_url
from counterfoil.erps.prima.translate import translate
from counterfoil.ports.vendors import ErpClient, Family, VendorSpec


def build(config: PrimaConfig) -> ErpClient:
    """Open a client for one account."""
    from counterfoil.erps.prima.client import PrimaClient
    from counterfoil.erps.prima.transports import open_transport

    return PrimaClient(config, open_transport(config))


SPEC = VendorSpec(
    name="prima",
    title="Prima",
    family=Family.ERP,
    config=PrimaConfig,
    translate=translate,
    capabilities=capabilities,
    build=build,
    secrets=("api_key", "client_secret", "drop_password"),
    personal_fields=(
        "customer.name",
        "customer.address",
        "customer.email",
        "customer.phone",
        "Data.CustomerForename",
        "Data.CustomerSurname",
        "Data.CustomerEmail",
        "Data.CustomerPhone",
    ),
    document_url=document_url,
    sim="counterfoil.erps.prima.sim",
    notes={"declared": "Returns, receipts and credits follow our own declared contract, not a published one."},
)
