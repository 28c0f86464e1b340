"""Adapters of other people: named as `package.module:SPEC`, or announced by an installed package's entry point."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points

from counterfoil.ports.vendors import VendorSpec

GROUP = "counterfoil.vendors"


class NoVendorError(LookupError):
    """There is no such adapter; the message says what was looked for."""


def named(name: str) -> VendorSpec:
    """The adapter of `package.module:NAME`, or of the entry point of this name. NoVendorError when there is none."""
    if ":" in name:
        return _loaded(name)
    found = [point for point in entry_points(group=GROUP) if point.name == name]
    if not found:
        raise NoVendorError(
            f"{name!r} is no vendor we know, and no installed package announces it under {GROUP!r}; "
            "an adapter of your own is named package.module:SPEC"
        )
    return _spec(found[0].load(), name)


def announced() -> dict[str, VendorSpec]:
    """Every adapter that installed packages announce, by the name of its entry point."""
    return {point.name: _spec(point.load(), point.name) for point in entry_points(group=GROUP)}


def _loaded(name: str) -> VendorSpec:
    place, _, attribute = name.partition(":")
    try:
        value = getattr(import_module(place), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise NoVendorError(f"{name!r} cannot be loaded: {error}") from None
    return _spec(value, name)


def _spec(value: object, name: str) -> VendorSpec:
    if not isinstance(value, VendorSpec):
        raise NoVendorError(f"{name!r} is a {type(value).__name__}, not a VendorSpec")
    return value
