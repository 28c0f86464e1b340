"""Status back to the portal (R115): what the inspection found, and that the return is settled."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.core.case import Acceptance, Reception, Unit
from counterfoil.core.commands import GradedUnit, ReportInspection, SendNote
from counterfoil.core.look import Finding, Look, Request
from counterfoil.core.money import to_text
from counterfoil.core.returns import Disposition, Stage

_WORST: tuple[Disposition | None, ...] = (
    None,
    Disposition.SELLABLE,
    Disposition.REFURBISH,
    Disposition.QUARANTINE,
    Disposition.RETURN_TO_VENDOR,
    Disposition.DAMAGED,
    Disposition.DONATE,
    Disposition.DISPOSE,
    Disposition.RETURN_TO_CUSTOMER,
    Disposition.MISSING,
)


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
    graded = [_graded(unit, case.first_receipt_at) for unit in _whole_bundles(decided)]
    yield Request(
        command=ReportInspection(case=case.case, step="inspection-1", units=_by_line(graded)),
        rule="status_back_to_the_portal",
        because="every unit is inspected; the portal keeps grade and disposition for CX (R115)",
    )


def _whole_bundles(units: list[Unit]) -> list[Unit]:
    """The portal asked for a bundle back and knows nothing of its parts: it hears of the one in the worst state."""
    told: dict[str, Unit] = {}
    for unit in units:
        name = unit.unit_id.partition(".")[0]
        known = told.get(name)
        if known is None or _WORST.index(unit.disposition) > _WORST.index(known.disposition):
            told[name] = unit
    return list(told.values())


def _graded(unit: Unit, inspected_at: str | None) -> GradedUnit:
    assert unit.disposition is not None, "only decided units are told"
    return GradedUnit(
        line_id=unit.line_id,
        condition=unit.condition or "unknown",
        disposition=unit.disposition,
        grade=unit.grade,
        inspected_at=inspected_at,
    )


def _by_line(graded: list[GradedUnit]) -> tuple[GradedUnit, ...]:
    """One verdict for a line whose units agree; otherwise one for each unit, so that none is told wrongly."""
    told: list[GradedUnit] = []
    for line_id in dict.fromkeys(unit.line_id for unit in graded):
        units = [unit for unit in graded if unit.line_id == line_id]
        told += units[:1] if all(unit == units[0] for unit in units) else units
    return tuple(told)


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
