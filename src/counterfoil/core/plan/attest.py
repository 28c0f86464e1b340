"""Stock on the portal's word (D1, R55-R57): its final status or its restock signal makes the receipt.

Only where the policy names who saw the goods do they count as received and accepted, by the disposition the portal
shows. Without a name the receipt goes to the holding location and nothing else follows from it, so that the document
exists and no phantom stock does (R52, R53).
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from counterfoil.core.case import ATTESTED, Unit
from counterfoil.core.commands import ReceiveStock
from counterfoil.core.inner_events import AttestedUnit
from counterfoil.core.look import Finding, Look, Request, Wait
from counterfoil.core.phrases import number_of
from counterfoil.core.plan.book import disposition_of, free_step, stock_lines
from counterfoil.core.policy import StockOn
from counterfoil.core.returns import Disposition, Stage
from counterfoil.core.units import NEVER_BOOKED


def attest(look: Look) -> Iterator[Finding]:
    """Book what the portal says is back, where the policy lets it say so."""
    case = look.case
    if look.policy.stock_on not in (StockOn.PORTAL_FINAL, StockOn.PORTAL_RESTOCK):
        return
    if case.stage in (Stage.CANCELLED, Stage.EXPIRED):
        return
    waiting = [unit for unit in case.units if unit.posted_by is None and _on_the_portals_word(unit)]
    told = _told(look, waiting)
    if not waiting or told is None:
        return
    if case.rma is None or case.rma.document is None or case.erp_order is None:
        yield Wait(rule="rma_before_receipt", reason="the RMA must exist before the portal's word is booked (R45)")
        return
    yield from _book(look, waiting, told)


def _on_the_portals_word(unit: Unit) -> bool:
    """What no warehouse has counted."""
    return unit.receipt is None or unit.receipt.startswith(ATTESTED)


def _told(look: Look, waiting: list[Unit]) -> str | None:
    """What the portal said that makes the receipt, in words; None while it has not."""
    case = look.case
    if look.policy.stock_on is StockOn.PORTAL_FINAL:
        return "the portal's status is final" if case.stage is Stage.PROCESSED else None
    units = sum(case.restocked.values())
    enough = bool(case.restocked) and (units == 0 or units >= len(waiting))  # 0: it does not say how many
    return "the portal marked the return restocked" if enough else None


def _book(look: Look, waiting: list[Unit], told: str) -> Iterator[Finding]:
    case = look.case
    assert case.rma is not None and case.rma.document is not None and case.erp_order is not None
    attestor = look.policy.attestor
    units = [_as_told(look, unit) for unit in waiting]
    units = [unit for unit in units if unit.disposition not in NEVER_BOOKED]
    if not units:
        return
    lines, problems = stock_lines(look, units, holding=attestor is None)
    yield from problems
    if not lines:
        return
    whose = (
        f"{attestor} saw the goods" if attestor else "nobody vouches for the goods, so they go to the holding location"
    )
    yield Request(
        command=ReceiveStock(
            case=case.case,
            step=free_step(case, "receipt", 1 + len(case.named("ReceiveStock"))),
            rma=case.rma.document,
            order=case.erp_order,
            lines=lines,
            open_lines=tuple(line.erp_line for line in case.rma.lines),
            received_at=case.processed_at or look.now,
            warehouse=attestor or case.case.portal,
            warehouse_ref=f"portal-{case.case.return_id}",
        ),
        rule="stock_on_the_portals_word",
        because=f"{told}; {whose}: {number_of(len(units), 'unit')} (D1)",
        units=tuple(unit.unit_id for unit in units),
        attested=tuple(_attested(unit, attestor) for unit in units),
    )


def _as_told(look: Look, unit: Unit) -> Unit:
    """The unit as the portal shows it. Restocked means sellable; a final status alone says nothing of the condition."""
    if look.policy.attestor is None:  # whatever the portal shows, nobody stands for it
        return replace(unit, disposition=Disposition.QUARANTINE, warehouse=look.case.case.portal)
    shown = disposition_of(look.case.portal_found.get(unit.line_id))
    silent = Disposition.SELLABLE if look.policy.stock_on is StockOn.PORTAL_RESTOCK else Disposition.QUARANTINE
    return replace(unit, disposition=shown or silent, warehouse=look.policy.attestor)


def _attested(unit: Unit, attestor: str | None) -> AttestedUnit:
    assert unit.disposition is not None, "told by the portal, or held"
    return AttestedUnit(unit_id=unit.unit_id, disposition=unit.disposition, attestor=attestor)
