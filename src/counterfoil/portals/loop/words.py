"""Loop's words and ours: states, label statuses, inspection (Loop sheet §5; warehouse sheet §2.2, §2.3)."""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil.core.commands import GradedUnit
from counterfoil.core.returns import Disposition, LabelStatus, Stage

# §5.1. The older pages write "needs review" for what newer ones call "review".
STAGES: Mapping[str, Stage] = {
    "open": Stage.AUTHORISED,
    "review": Stage.REQUESTED,
    "needs review": Stage.REQUESTED,
    "needs_review": Stage.REQUESTED,
    "closed": Stage.PROCESSED,
    "cancelled": Stage.CANCELLED,
    "canceled": Stage.CANCELLED,
    "expired": Stage.EXPIRED,
}

# §5.3. "N/A" and "" say nothing and never reach this table.
LABEL_STATUSES: Mapping[str, LabelStatus] = {
    "new": LabelStatus.PENDING,
    "pre_transit": LabelStatus.PENDING,
    "pending": LabelStatus.PENDING,
    "in_transit": LabelStatus.IN_TRANSIT,
    "out_for_delivery": LabelStatus.IN_TRANSIT,
    "delivered": LabelStatus.DELIVERED,
    "error": LabelStatus.ERROR,
    "failure": LabelStatus.ERROR,
    "expired": LabelStatus.EXPIRED,
}

# §5.4, read.
DISPOSITIONS: Mapping[str, Disposition] = {
    "back_to_stock": Disposition.SELLABLE,
    "resale_hold": Disposition.QUARANTINE,
    "recycle": Disposition.DISPOSE,
    "donate": Disposition.DONATE,
    "missing": Disposition.MISSING,
}

# Warehouse sheet §2.3, written. `return_to_customer` has no word at Loop: such a unit is graded, not assessed.
OUTCOMES: Mapping[Disposition, str] = {
    Disposition.SELLABLE: "back_to_stock",
    Disposition.QUARANTINE: "resale_hold",
    Disposition.REFURBISH: "resale_hold",
    Disposition.RETURN_TO_VENDOR: "resale_hold",
    Disposition.DAMAGED: "recycle",
    Disposition.DISPOSE: "recycle",
    Disposition.DONATE: "donate",
    Disposition.MISSING: "missing",
}

CONDITION_CATEGORIES = frozenset({"grade_a", "grade_b", "grade_c", "grade_d", "incorrect_item", "missing", "junk"})

# From the warehouse's condition (warehouse sheet §2.2). `unknown` has no category: the field is optional (§6.4).
_CATEGORY_OF_CONDITION: Mapping[str, str] = {
    "new": "grade_a",
    "like_new": "grade_a",
    "good": "grade_b",
    "worn": "grade_c",
    "incomplete": "grade_d",
    "damaged": "grade_d",
    "defective": "grade_d",
}


def condition_category(unit: GradedUnit) -> str | None:
    """Loop's category for what the inspector found, or None when nothing fits.

    What a unit *is* comes before how worn it is: a missing or wrong item has no grade, and a broken unit that is
    thrown away is junk. Otherwise the inspector's own grade wins over the one derived from the condition.
    """
    condition = _word(unit.condition)
    if unit.disposition is Disposition.MISSING or condition == "missing":
        return "missing"
    if condition in ("wrong_item", "incorrect_item"):
        return "incorrect_item"
    if unit.disposition is Disposition.DISPOSE and condition in ("damaged", "defective"):
        return "junk"
    return _category_of_grade(unit.grade) or _category_of(condition)


def _category_of_grade(grade: str | None) -> str | None:
    word = _word(grade or "")
    if len(word) == 1:
        word = f"grade_{word}"
    return word if word in CONDITION_CATEGORIES else None


def _category_of(condition: str) -> str | None:
    return condition if condition in CONDITION_CATEGORIES else _CATEGORY_OF_CONDITION.get(condition)


def _word(text: str) -> str:
    return text.strip().lower().replace(" ", "_").replace("-", "_")
