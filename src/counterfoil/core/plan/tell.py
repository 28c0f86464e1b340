"""Status back to the portal (R115): what the inspection found, and that the return is settled."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.core.case import Acceptance, Reception
from counterfoil.core.commands import GradedUnit, ReportInspection, SendNote
from counterfoil.core.look import Finding, Look, Request
from counterfoil.core.money import to_text
from counterfoil.core.returns import Stage


def tell(look: Look) -> Iterator[Finding]:
    """Report the inspection once it is complete, and a closing note once the credit is posted."""
    yield from _inspection(look)
    yield from _closing_note(look)


def _inspection(look: Look) -> Iterator[Finding]:
    case = look.case
    if "grading" not in look.agreement.portal_can or look.step("inspection-1") is not None:
        return
    here = [unit for unit in case.units if unit.reception in (Reception.RECEIVED, Reception.LOST)]
    decided = [u for u in here if u.disposition is not None and u.acceptance is not Acceptance.UNDECIDED]
    if not here or len(decided) < len(case.units):
        return
    seen: dict[str, GradedUnit] = {}
    for unit in decided:
        assert unit.disposition is not None
        seen.setdefault(
            unit.line_id,
            GradedUnit(
                line_id=unit.line_id,
                condition=unit.condition or "unknown",
                disposition=unit.disposition,
                grade=unit.grade,
                inspected_at=case.first_receipt_at,
            ),
        )
    yield Request(
        command=ReportInspection(case=case.case, step="inspection-1", units=tuple(seen.values())),
        rule="status_back_to_the_portal",
        because="every unit is inspected; the portal keeps grade and disposition for CX (R115)",
    )


def _closing_note(look: Look) -> Iterator[Finding]:
    case = look.case
    credit = case.done("credit-1")
    if credit is None or "notes" not in look.agreement.portal_can or look.step("note-1") is not None:
        return
    if case.stage is Stage.CANCELLED or case.credit is None:
        return
    amount = to_text(case.credit.total_gross, case.currency)
    number = case.erp_order.number if case.erp_order else ""
    text = f"Credit note {credit.number} for {amount} {case.currency} is posted against sales order {number}."
    yield Request(
        command=SendNote(case=case.case, step="note-1", text=text),
        rule="status_back_to_the_portal",
        because="the credit note is posted; CX sees it on the return (R115)",
    )
