"""Any portal that sends signed webhooks with the whole return in them, described by a mapping file alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from counterfoil.portals.signed.config import SignedConfig, capabilities
from counterfoil.portals.signed.mapping import SignedMapping, read_mapping
from counterfoil.portals.signed.translate import translate, translate_for
from counterfoil.portals.signed.webhooks import hook_for
from counterfoil.ports.vendors import Family, VendorSpec


def _for_config(config: SignedConfig) -> VendorSpec:
    """The same vendor, reading as this connection's mapping file says. MappingError when it cannot be used."""
    if not config.mapping:
        return SPEC
    mapping = read_mapping(Path(config.mapping))
    return replace(SPEC, translate=translate_for(mapping), hook=hook_for(mapping))


SPEC = VendorSpec(
    name="signed",
    title="Signed portal",
    family=Family.PORTAL,
    config=SignedConfig,
    translate=translate,
    capabilities=capabilities,
    hook=hook_for(SignedMapping()),
    secrets=("webhook_secrets",),
    personal_fields=("return.customer", "return.lines[].comment"),
    sim="counterfoil.portals.signed.sim",
    for_config=_for_config,
)
