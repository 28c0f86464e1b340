"""A stored return, and which of its steps an exception stands for."""

from __future__ import annotations

import msgspec

from counterfoil.core.case import ReturnCase, StepState
from counterfoil.store.database import Row


def step_of(case: ReturnCase | None, problem: Row) -> str | None:
    """The refused step a problem stands for, or None when no step was refused."""
    if case is None:
        return None
    refused = [step for step in case.steps.values() if step.state is StepState.REFUSED]
    named = [step for step in refused if problem["subject"] == step.step]
    same_kind = [step for step in refused if step.problem == problem["kind"]]
    found = named or same_kind
    return found[0].step if found else None


def read_case(state: str) -> ReturnCase:
    """A stored return."""
    return msgspec.json.decode(state, type=ReturnCase)
