"""Every vendor we know, by family. The only place that names them; everything else derives from here."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from counterfoil.erps.netsuite import SPEC as NETSUITE
from counterfoil.erps.prima import SPEC as PRIMA
from counterfoil.gateways.adyen import SPEC as ADYEN
from counterfoil.gateways.shopify import SPEC as SHOPIFY
from counterfoil.gateways.shopify.read import read_order_file, read_refund_file
from counterfoil.gateways.stripe import SPEC as STRIPE
from counterfoil.portals.loop import SPEC as LOOP
from counterfoil.portals.returngo import SPEC as RETURNGO
from counterfoil.portals.reveni import SPEC as REVENI
from counterfoil.portals.signed import SPEC as SIGNED
from counterfoil.ports.vendors import VendorSpec
from counterfoil.simkit.server import Simulator
from counterfoil.warehouses.canonical import SPEC as WAREHOUSE
from counterfoil.warehouses.shipbob import SPEC as SHIPBOB
from counterfoil.warehouses.shiphero import SPEC as SHIPHERO

__all__ = [
    "ERPS",
    "GATEWAYS",
    "PORTALS",
    "VENDORS",
    "WAREHOUSES",
    "read_order_file",
    "read_refund_file",
    "simulator",
    "vendor",
]

PORTALS: tuple[VendorSpec, ...] = (LOOP, RETURNGO, REVENI, SIGNED)
ERPS: tuple[VendorSpec, ...] = (NETSUITE, PRIMA)
GATEWAYS: tuple[VendorSpec, ...] = (SHOPIFY, STRIPE, ADYEN)
WAREHOUSES: tuple[VendorSpec, ...] = (WAREHOUSE, SHIPBOB, SHIPHERO)

VENDORS: Mapping[str, VendorSpec] = {spec.name: spec for spec in (*PORTALS, *ERPS, *GATEWAYS, *WAREHOUSES)}


def vendor(name: str) -> VendorSpec:
    """The vendor of this name. KeyError with a sentence that lists those we know."""
    if name not in VENDORS:
        raise KeyError(f"{name!r} is no vendor we know; choose from {', '.join(sorted(VENDORS))}")
    return VENDORS[name]


def simulator(name: str) -> type[Simulator]:
    """The simulator of a vendor; imported only when asked for."""
    spec = vendor(name)
    if not spec.sim:
        raise KeyError(f"{spec.title} has no simulator of its own; the canonical warehouse speaks for it")
    found: type[Simulator] = import_module(spec.sim).SIMULATOR
    return found
