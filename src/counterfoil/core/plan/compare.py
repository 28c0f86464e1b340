"""What was declared, what the portal shows and what the inspector found (D7, R72): kept apart, and compared.

A disagreement stops nothing. It is told so that merchandising and CX can see it.
"""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.core.case import ATTESTED, ReturnCase, Unit
from counterfoil.core.look import Finding, Look
from counterfoil.core.problems import Problem
from counterfoil.core.units import NEVER_BOOKED


def compare(look: Look) -> Iterator[Finding]:
    """Disagreements about units a warehouse has inspected."""
    case = look.case
    inspected = [unit for unit in case.units if unit.disposition is not None and _by_warehouse(unit)]
    if "reason_disagrees" not in case.accepted_differences:
        yield from _reasons(look, inspected)
    if "inspection_disagrees" not in case.accepted_differences:
        yield from _portal(case, inspected)


def _by_warehouse(unit: Unit) -> bool:
    return unit.receipt is not None and not unit.receipt.startswith(ATTESTED)


def _reasons(look: Look, units: list[Unit]) -> Iterator[Problem]:
    """The customer's reason against the condition found, where somebody said which conditions fit a reason."""
    seen: set[str] = set()
    for unit in units:
        code = look.mapping.reason(unit.reason)
        fitting = look.mapping.expected.get(code or "")
        assert unit.disposition is not None
        subject = f"{unit.reason}: {unit.disposition.value}"
        if fitting is None or unit.disposition.value in fitting or subject in seen:
            continue
        if unit.disposition in NEVER_BOOKED:
            continue
        seen.add(subject)
        message = f"{unit.sku or unit.unit_id} came back as “{unit.reason}” and was found {unit.disposition.value}."
        yield Problem(kind="reason_disagrees", subject=subject, message=message, units=1)


def _portal(case: ReturnCase, units: list[Unit]) -> Iterator[Problem]:
    """The portal's own inspection against the warehouse's."""
    seen: set[str] = set()
    for unit in units:
        shown = case.portal_found.get(unit.line_id)
        assert unit.disposition is not None
        if shown is None or shown == unit.disposition.value or unit.line_id in seen:
            continue
        seen.add(unit.line_id)
        message = f"{unit.sku or unit.unit_id}: the portal shows {shown}, the warehouse found {unit.disposition.value}."
        yield Problem(kind="inspection_disagrees", subject=unit.line_id, message=message, units=1)
