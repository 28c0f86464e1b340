"""The identity of a product in Prima: a product code and up to four matrix codes (sheet §2.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Identity = tuple[str, str, str, str, str]


def identity(product: str, codes: list[str]) -> Identity:
    """Product and matrix codes, missing ones empty. Case counts."""
    first, second, third, fourth = [*codes, "", "", "", ""][:4]
    return product, first, second, third, fourth


def matrix_of(product: Mapping[str, Any]) -> Identity:
    """The identity of a product of the world: its `matrix`, or colour and size; the SKU where it has no code."""
    codes = product.get("matrix") or [product.get("colour"), product.get("size")]
    return identity(str(product.get("product") or product["sku"]), [str(code or "") for code in codes])
