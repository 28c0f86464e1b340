"""Grading and assessing returned items (Loop sheet §5.4, §6.4)."""

from __future__ import annotations

from typing import Any

from counterfoil.portals.loop.sim.records import Json, Line

MOST_ITEMS = 30
CATEGORIES = ("grade_a", "grade_b", "grade_c", "grade_d", "incorrect_item", "missing", "junk")
OUTCOMES = ("back_to_stock", "resale_hold", "recycle", "donate", "missing")
LIMITS = {"description": 255, "return_processor": 100, "note": 65535}


def problems(body: Any, what: str, lines: dict[str, Line]) -> dict[str, list[str]]:
    """What is wrong with a request, by field, in the form of a 422. `what` is grade or assess."""
    items = body.get("items") if isinstance(body, dict) else None
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        return {"items": ["The items field is required."]}
    if len(items) > MOST_ITEMS:
        return {"items": [f"The items may not have more than {MOST_ITEMS} items."]}
    found: dict[str, list[str]] = {}
    for index, item in enumerate(items):
        for field, text in _item_problems(item, what, lines):
            found.setdefault(f"items.{index}.{field}", []).append(text)
    return found


def _item_problems(item: Json, what: str, lines: dict[str, Line]) -> list[tuple[str, str]]:
    found = []
    if str(item.get("line_item_id")) not in lines:
        found.append(("line_item_id", "The selected line item is invalid."))
    if what == "grade":
        if not item.get("description"):
            found.append(("description", "The description is required."))
        if item.get("condition_category") not in (None, *CATEGORIES):
            found.append(("condition_category", "The selected condition category is invalid."))
        if len(item.get("images") or []) > 5:
            found.append(("images", "No more than 5 images."))
    elif item.get("disposition_outcome") not in OUTCOMES:
        found.append(("disposition_outcome", "The selected disposition outcome is invalid."))
    for field, limit in LIMITS.items():
        if len(str(item.get(field) or "")) > limit:
            found.append((field, f"At most {limit} characters."))
    return found


def apply(item: Json, what: str, line: Line) -> Json:
    """Note an inspection on its line; answers what Loop echoes."""
    names: tuple[str, ...] = ("return_processor", "note", "inspected_at")
    if what == "grade":
        names = ("description", "condition_category", *names, "images")
        line.condition = {name: item.get(name) for name in names}
        line.condition["images"] = list(item.get("images") or [])
        return {"line_item_id": item["line_item_id"], **line.condition}
    line.disposition = {name: item.get(name) for name in ("disposition_outcome", *names)}
    return {"line_item_id": item["line_item_id"], **line.disposition}
