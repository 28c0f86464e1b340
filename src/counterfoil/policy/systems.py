"""What the systems a policy names can do, from their specs: as configured where settings are given, else as shipped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from counterfoil.policy.clashes import Systems
from counterfoil.policy.places import nearest
from counterfoil.policy.reading import Policy, UnreadableError
from counterfoil.ports.vendors import Family, VendorSpec


def as_shipped(read: Policy, vendor: Callable[[str], VendorSpec]) -> Systems:
    """The systems by the vendors' names alone. UnreadableError names the line of a vendor nobody knows."""
    portal = _spec(read, "portal", Family.PORTAL, vendor)
    erp = _spec(read, "erp", Family.ERP, vendor)
    return Systems(
        portal=portal.title,
        erp=erp.title,
        portal_can=_abilities(portal),
        erp_can=_abilities(erp),
    )


def _spec(read: Policy, word: str, family: Family, vendor: Callable[[str], VendorSpec]) -> VendorSpec:
    name = getattr(read.document, word)
    where = nearest(read.places, (word,))
    try:
        spec = vendor(name)
    except KeyError as error:
        raise UnreadableError(f"{read.file}:{where.line}: {where.text}: {error.args[0]}") from None
    if spec.family is not family:
        raise UnreadableError(f"{read.file}:{where.line}: {where.text}: {spec.title} is no {word}")
    return spec


def _abilities(spec: VendorSpec) -> frozenset[str]:
    """What an account with nothing but defaults can do."""
    required = [field for field in msgspec.structs.fields(spec.config) if field.required]
    blank: dict[str, Any] = {field.name: "" for field in required}
    return frozenset(cap.value for cap in spec.capabilities(spec.config(**blank)))
