"""A return out of its log: the same facts in the same order give the same state, value for value."""

from __future__ import annotations

from collections.abc import Iterable

from counterfoil.core.case import ReturnCase
from counterfoil.core.events import ReturnFact
from counterfoil.core.evolve import evolve, new_case
from counterfoil.core.inner_events import AnyFact


def replayed(brand: str, facts: Iterable[AnyFact], *, times: int = 1) -> ReturnCase | None:
    """The state after these facts, each taken in `times` times over; None before any of them shows the return."""
    case: ReturnCase | None = None
    for fact in facts:
        if case is None:
            if not isinstance(fact, ReturnFact):
                continue
            case = new_case(brand, fact.portal_return)
        for _ in range(times):
            case = evolve(case, fact)
    return case
