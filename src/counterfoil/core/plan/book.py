"""From the warehouse's inspection to stock in the ERP (R50–R69): receipts, depots, reversals, what did not match."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from counterfoil.core.case import Acceptance, CountedReceipt, Reception, ReturnCase, Step, StepState, Unit
from counterfoil.core.commands import ReceiveStock, ReverseReceipt
from counterfoil.core.documents import DocumentRef, RmaLine, StockLine
from counterfoil.core.look import Finding, Look, Request, Wait, hours_after
from counterfoil.core.phrases import number_of
from counterfoil.core.plan.cycles import cycle_end
from counterfoil.core.policy import DispositionSource, Posting
from counterfoil.core.problems import Problem
from counterfoil.core.returns import Disposition, Stage
from counterfoil.core.units import bookable, rma_line


def book(look: Look) -> Iterator[Finding]:
    """Book what was inspected, one receipt at a time; say what came and cannot be booked."""
    yield from _oddities(look)
    yield from _in_quarantine(look)
    for counted in look.case.receipts:
        found = list(_reverse(look, counted) if counted.reversed else _receive(look, counted))
        yield from found
        if any(isinstance(item, Request) for item in found):
            break  # the next one is decided once this one is under way
    yield from _not_inspected(look)
    yield from _short(look)


def units_of(case: ReturnCase, counted: CountedReceipt) -> tuple[Unit, ...]:
    """The units a receipt holds."""
    return tuple(u for u in case.units if u.receipt is not None and u.receipt.rsplit("/", 1)[0] == counted.key)


# --- receiving ------------------------------------------------------------------------------------------------------


def _receive(look: Look, counted: CountedReceipt) -> Iterator[Finding]:
    case = look.case
    waiting = [unit for unit in units_of(case, counted) if bookable(unit) and unit.posted_by is None]
    if not waiting:
        return
    rma = case.rma.document if case.rma is not None else None
    if rma is None or case.erp_order is None:
        yield Wait(rule="rma_before_receipt", reason="goods are here; the RMA must exist before they are booked (R45)")
        return
    if look.policy.disposition_source is DispositionSource.PORTAL:
        waiting, silent = _by_the_portal(case, waiting)
        if silent:
            yield Wait(rule="stock_follows_the_portal", reason=f"the portal says where {silent} belong (D7)")
            return
    cycle = _cycle_open_until(look, counted)
    if cycle is not None:
        yield Wait(rule="stock_waits_for_its_cycle", reason="the verification cycle ends (R59, D9)", until=cycle)
        return
    lines, problems = stock_lines(look, waiting)
    yield from problems
    if not lines:
        return
    units = tuple(unit.unit_id for unit in waiting)
    receipt = counted.receipt
    number = 1 + len(case.named("ReceiveStock"))
    command = ReceiveStock(
        case=case.case,
        step=free_step(case, "receipt", number),
        rma=rma,
        order=case.erp_order,
        lines=lines,
        open_lines=tuple(line.erp_line for line in case.rma.lines) if case.rma else (),
        received_at=receipt.inspected_at or receipt.received_at or receipt.occurred_at,
        warehouse=receipt.warehouse_code,
        warehouse_ref=receipt.receipt_id,
        post_in_open_period=case.may_post_later,
    )
    yield Request(
        command=command,
        rule="stock_needs_inspection",
        because=f"{receipt.warehouse_code} inspected {number_of(len(units), 'unit')} "
        f"on receipt {receipt.receipt_id} (R50, R54)",
        units=units,
    )


def _by_the_portal(case: ReturnCase, units: list[Unit]) -> tuple[list[Unit], str]:
    """The units with the portal's dispositions, and in words those it says nothing of yet."""
    found = {unit.unit_id: disposition_of(case.portal_found.get(unit.line_id)) for unit in units}
    silent = number_of(sum(word is None for word in found.values()), "unit") if None in found.values() else ""
    return [replace(unit, disposition=found[unit.unit_id] or unit.disposition) for unit in units], silent


def disposition_of(word: str | None) -> Disposition | None:
    """The portal's word for a disposition, None when it says none."""
    return Disposition(word) if word in set(Disposition) else None


def _cycle_open_until(look: Look, counted: CountedReceipt) -> str | None:
    """When the cycle ends in which this was inspected; None when it is over, and where movements post in real time."""
    if look.policy.stock_posting is Posting.REAL_TIME:
        return None
    receipt = counted.receipt
    ends = cycle_end(receipt.inspected_at or receipt.received_at or receipt.occurred_at, look.policy.stock_cycle_hours)
    return ends if look.now < ends else None


def free_step(case: ReturnCase, name: str, number: int) -> str:
    """The next step name; one put back for a retry keeps its own."""
    for step in sorted(case.editions):
        if step.startswith(f"{name}-") and step not in case.steps:
            return step
    return f"{name}-{number}"


def stock_lines(look: Look, units: list[Unit], *, holding: bool = False) -> tuple[tuple[StockLine, ...], list[Problem]]:
    """Units grouped by RMA line, depot, disposition, lot; unmapped depots are problems and hold the receipt (D8).

    `holding` sends all of them to the holding location, whatever their disposition.
    """
    case = look.case
    groups: dict[tuple[int, str | None, Disposition, str | None, str | None], list[Unit]] = {}
    by_line: dict[int, RmaLine] = {}
    problems: dict[str, Problem] = {}
    for unit in units:
        line = rma_line(case, unit)
        depot, problem = _held(look, unit) if holding else _depot(look, unit)
        if problem is not None:
            problems[problem.subject] = problem
        if line is None:
            message = f"{unit.sku} came back but is on no line of the RMA."
            problems[unit.unit_id] = Problem(kind="unit_not_on_rma", subject=unit.unit_id, message=message, units=1)
        if depot is None or line is None or unit.disposition is None:
            continue
        by_line[line.line_no] = line
        groups.setdefault((line.line_no, depot or None, unit.disposition, unit.location, unit.lot), []).append(unit)
    if sum(len(members) for members in groups.values()) < len(units):
        return (), list(problems.values())
    erp_lines = {line.line_no: line.erp_line for line in (case.rma.lines if case.rma else ())}
    lines = tuple(
        StockLine(
            line_no=number,
            rma_line_no=line_no,
            rma_erp_line=erp_lines.get(line_no, str(line_no)),
            sku=by_line[line_no].sku,
            quantity=len(members),
            depot=depot,
            disposition=disposition,
            location=location,
            lot=lot,
            serials=tuple(unit.serial for unit in members if unit.serial),
        )
        for number, ((line_no, depot, disposition, location, lot), members) in enumerate(groups.items(), start=1)
    )
    return lines, list(problems.values())


def _depot(look: Look, unit: Unit) -> tuple[str | None, Problem | None]:
    """The depot, "" for written off, None when nothing fits; a missing word is a problem (R25)."""
    assert unit.disposition is not None
    depot = look.mapping.depot(
        look.policy.location_key,
        warehouse=unit.warehouse,
        disposition=unit.disposition.value,
        reason_code=look.mapping.reason(unit.reason),
    )
    if depot is not None and look.mapping.contradicts(depot, unit.disposition.value):
        return _contradicted(look, unit, depot)
    if depot is not None:
        return depot, None
    words = f"{unit.warehouse}/{unit.disposition.value}"
    where = look.mapping.quarantine_depot
    fate = f"the units wait in {where}" if where else "the units are not booked until it has"
    message = f"No depot is mapped for {unit.disposition.value} at {unit.warehouse}; {fate}."
    return where, Problem(kind="depot_not_mapped", subject=words, message=message, units=1)


def _contradicted(look: Look, unit: Unit, depot: str) -> tuple[str | None, Problem]:
    """Goods that may not be sold never land where sellable ones go (R64): they wait in quarantine."""
    assert unit.disposition is not None
    where = look.mapping.quarantine_depot
    where = None if where is not None and look.mapping.contradicts(where, unit.disposition.value) else where
    fate = f"the units wait in {where}" if where else "the units are not booked"
    message = (
        f"{unit.disposition.value} goods of {unit.warehouse} are mapped to {depot}, where sellable goods go; {fate}."
    )
    words = f"{unit.warehouse}/{unit.disposition.value}"
    return where, Problem(kind="depot_contradicts", subject=words, message=message, units=1)


def _held(look: Look, unit: Unit) -> tuple[str | None, Problem | None]:
    """The holding location for goods nobody vouches for."""
    where = look.mapping.quarantine_depot
    if where is not None:
        return where, None
    message = "Goods nobody vouches for belong into a holding location, and none is mapped."
    return None, Problem(kind="depot_not_mapped", subject="holding", message=message, units=1)


# --- undoing --------------------------------------------------------------------------------------------------------


def _reverse(look: Look, counted: CountedReceipt) -> Iterator[Finding]:
    """Undo what a reversed receipt booked, unless money already followed it."""
    case = look.case
    units = units_of(case, counted)
    if any(unit.credited_by for unit in units):
        yield Problem(
            kind="reversal_after_credit",
            subject=counted.key,
            message=f"The warehouse took back receipt {counted.receipt.receipt_id}, but its units are credited.",
            units=len(units),
        )
        return
    for name in sorted({unit.posted_by for unit in units if unit.posted_by}):
        step = case.steps[name]
        if look.step(f"undo-{name}") is None:
            yield from _undo(look, step, [unit for unit in units if unit.posted_by == name])


def _undo(look: Look, step: Step, units: list[Unit]) -> Iterator[Finding]:
    case = look.case
    if step.state is StepState.REQUESTED:
        yield Wait(rule="receipt_before_reversal", reason="the receipt is still being booked; it is undone after that")
        return
    document = step.document
    if document is None:
        return
    if "reverse_receipt" not in look.agreement.erp_can:
        message = f"The warehouse took back a receipt; receipt {document.number} must be reversed in the ERP by hand."
        yield Problem(kind="reverse_receipt_by_hand", subject=step.step, message=message, units=len(units))
        return
    yield Request(
        command=ReverseReceipt(
            case=case.case,
            step=f"undo-{step.step}",
            rma=DocumentRef(ref=case.rma.ref or "", number=case.rma.number or "") if case.rma else document,
            receipt=document,
            reason="the warehouse took the receipt back",
        ),
        rule="reversal_mirrors_the_receipt",
        because="the warehouse took the receipt back; exactly what it booked is undone",
        units=tuple(unit.unit_id for unit in units),
    )


# --- what does not fit ----------------------------------------------------------------------------------------------


def _oddities(look: Look) -> Iterator[Finding]:
    case = look.case
    titles = {"over_receipt": "more than was authorised", "wrong_item": "not on the return", "sku_unknown": "unknown"}
    for extra in case.unexpected:
        if extra.kind in case.accepted_differences:
            continue
        message = f"{extra.quantity} × {extra.sku or 'an unreadable item'} came that is {titles[extra.kind]}."
        yield Problem(kind=extra.kind, subject=extra.receipt, message=message, units=extra.quantity)
    for counted in case.receipts:
        if counted.conflict and "receipt_conflict" not in case.accepted_differences:
            yield Problem(kind="receipt_conflict", subject=counted.key, message=f"{counted.conflict}.")
        if counted.bad_sum:
            yield Problem(kind="disposition_sum", subject=counted.key, message=f"{counted.bad_sum}.")
    if case.disposition_changed and "disposition_changed_after_booking" not in case.accepted_differences:
        yield Problem(
            kind="disposition_changed_after_booking", message=f"{case.disposition_changed}; move it in the ERP."
        )


def _in_quarantine(look: Look) -> Iterator[Finding]:
    """Units booked where a missing depot mapping sent them stay visible until the mapping exists (R25)."""
    seen: set[str] = set()
    for unit in look.case.units:
        if unit.posted_by is None or unit.disposition is None:
            continue
        _, problem = _depot(look, unit)
        if problem is not None and problem.subject not in seen:
            seen.add(problem.subject)
            yield problem


def _not_inspected(look: Look) -> Iterator[Finding]:
    """R124: stuck between counting and inspection."""
    case = look.case
    stuck = [u for u in case.units if u.reception is Reception.RECEIVED and u.acceptance is Acceptance.UNDECIDED]
    if not stuck or case.first_receipt_at is None:
        return
    due = hours_after(case.first_receipt_at, look.policy.inspect_within_hours)
    if look.now < due:
        yield Wait(rule="stock_needs_inspection", reason="goods are here and wait for inspection", until=due)
        return
    yield Problem(
        kind="received_not_inspected",
        message=f"{number_of(len(stuck), 'unit')} came on {case.first_receipt_at[:10]} and still wait for inspection.",
        units=len(stuck),
    )


def _short(look: Look) -> Iterator[Finding]:
    """Units that will not come: the warehouse closed the return, or found an empty box."""
    case = look.case
    if "short_receipt" in case.accepted_differences:
        return
    absent = [unit for unit in case.units if unit.reception is Reception.LOST]
    outstanding = [u for u in case.units if u.reception in (Reception.EXPECTED, Reception.IN_TRANSIT)]
    if case.receiving_closed and case.stage not in (Stage.CANCELLED, Stage.EXPIRED):
        absent += outstanding
    if absent:
        names = ", ".join(sorted({unit.sku or unit.unit_id for unit in absent}))
        yield Problem(
            kind="short_receipt", message=f"{number_of(len(absent), 'unit')} did not come: {names}.", units=len(absent)
        )
