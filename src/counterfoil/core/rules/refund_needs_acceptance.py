"""No money for units the inspection refused (warehouse sheet §3.6): a person decides what the customer gets."""

from __future__ import annotations

from counterfoil.core import funding
from counterfoil.core.case import Acceptance, Reception
from counterfoil.core.look import Look
from counterfoil.core.phrases import number_of
from counterfoil.core.problems import Problem
from counterfoil.core.returns import Disposition
from counterfoil.core.rules.verdict import Pass, Person, Verdict


def judge(look: Look) -> Verdict:
    """Open when every unit that came was accepted, or a person accepted that some were not."""
    case = look.case
    refused = [u for u in case.units if u.acceptance is Acceptance.REJECTED and u.reception is Reception.RECEIVED]
    if refused and funding.funded_total(case) == case.money_out > 0:
        return Pass("the provider paid, and bears what was refused")
    if refused and "units_rejected" not in case.accepted_differences:
        names = ", ".join(sorted({unit.sku or unit.unit_id for unit in refused}))
        message = f"The inspection refused {number_of(len(refused), 'unit')}: {names}. Decide what the customer gets."
        return Person(Problem(kind="units_rejected", message=message, units=len(refused)))
    damaged = [unit for unit in case.units if unit.disposition is Disposition.DAMAGED]
    if damaged and look.policy.damaged_needs_review and "damaged_units" not in case.accepted_differences:
        message = f"{number_of(len(damaged), 'unit')} came back damaged; the policy wants a person to decide (R76)."
        return Person(Problem(kind="damaged_units", message=message, units=len(damaged)))
    return Pass("every unit that came is accepted")
