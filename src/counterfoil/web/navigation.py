"""The main navigation, in one place: address name, label, and the key after “g” that goes there.

An entry whose address does not exist is left out, so a page may be built before or after its place here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True, slots=True)
class Place:
    """One entry. `pages` are the addresses it stands for."""

    name: str
    label: str
    key: str
    pages: tuple[str, ...] = ()


_PLACES = (
    Place("today", "Today", "t"),
    Place("problems", "Exceptions", "e", ("problem", "causes", "cause", "run")),
    Place("approvals", "Approvals", "p", ("approval",)),
    Place("returns", "Returns", "r", ("return",)),
    Place("proof", "Proof", "f", ("proof_items", "proof_item", "proof_proposed", "proof_decisions")),
    Place("scorecard", "Scorecard", "s", ("close",)),
    Place("mappings", "Mappings", "m"),
    Place("connections", "Connections", "c", ("delivery", "deliveries")),
    Place("policies", "Policies", "o", ("policy",)),
    Place("audit", "Audit", "a"),
)


@cache
def places() -> tuple[Place, ...]:
    """The entries whose pages exist."""
    return tuple(place for place in _PLACES if _exists(place.name))


def _exists(name: str) -> bool:
    try:
        reverse(name)
    except NoReverseMatch:
        return False
    return True
