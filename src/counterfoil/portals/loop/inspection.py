"""Telling Loop what the inspector found: grade and disposition of each line (Loop sheet §6.4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from counterfoil.core.commands import GradedUnit
from counterfoil.core.returns import PortalReturn
from counterfoil.portals.loop.words import DISPOSITIONS, OUTCOMES, condition_category

GRADE_PATH = "/dispositioning/grade"
ASSESS_PATH = "/dispositioning/assess"
ITEMS_MAX = 20  # the API takes 30, an older guide says 20
_DESCRIPTION_MAX = 255
_NOTE_MAX = 65_535


def calls(units: Sequence[GradedUnit], processor: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The requests to make, in order: path and body. A unit Loop has no word for is left out of that request."""
    grades = [_grade(unit, processor) for unit in units if condition_category(unit)]
    outcomes = [_assessment(unit, processor) for unit in units if unit.disposition in OUTCOMES]
    for path, items in ((GRADE_PATH, grades), (ASSESS_PATH, outcomes)):
        for start in range(0, len(items), ITEMS_MAX):
            yield path, {"items": items[start : start + ITEMS_MAX]}


def already_told(units: Sequence[GradedUnit], seen: PortalReturn) -> bool:
    """Whether the return shows every grade and disposition we would send."""
    lines = {line.line_id: line for line in seen.lines}
    for unit in units:
        line = lines.get(unit.line_id)
        category, outcome = condition_category(unit), OUTCOMES.get(unit.disposition)
        if line is None or (category and line.grade != category):
            return False
        if outcome and line.disposition is not DISPOSITIONS[outcome]:
            return False
    return True


def _grade(unit: GradedUnit, processor: str) -> dict[str, Any]:
    described = {"description": unit.condition[:_DESCRIPTION_MAX], "condition_category": condition_category(unit)}
    return {"line_item_id": unit.line_id, **described, **_told(unit, processor)}


def _assessment(unit: GradedUnit, processor: str) -> dict[str, Any]:
    outcome = OUTCOMES[unit.disposition]
    return {"line_item_id": unit.line_id, "disposition_outcome": outcome, **_told(unit, processor)}


def _told(unit: GradedUnit, processor: str) -> dict[str, Any]:
    said = {"return_processor": processor, "note": (unit.note or "")[:_NOTE_MAX], "inspected_at": unit.inspected_at}
    return {name: value for name, value in said.items() if value}
