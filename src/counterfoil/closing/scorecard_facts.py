"""What the scorecard needs of a return, taken from its state: when things happened, to which units, at what money."""

from __future__ import annotations

import msgspec

from counterfoil.closing.closepack_period import moment_ms
from counterfoil.closing.scorecard_settings import ScorecardSettings
from counterfoil.core.case import Acceptance, Reception, ReturnCase, StepState
from counterfoil.core.returns import Disposition, Stage
from counterfoil.core.units import bookable, booked

UNKNOWN = "unknown"


class MeasuredUnit(msgspec.Struct, frozen=True, kw_only=True):
    """One unit: why it came back, what the portal declared, what the inspector found, and whether the ERP has it."""

    sku: str
    reason: str
    declared: Disposition | None
    found: Disposition | None
    inspected_ms: int | None
    bookable: bool
    booked: bool


class CostLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a posted credit note: `gross` = `net` + `tax`. Charges have their own name instead of a SKU."""

    sku: str
    reason: str
    units: int
    net: int
    tax: int
    gross: int


class PostedCredit(msgspec.Struct, frozen=True, kw_only=True):
    """A credit note the ERP holds, and what its total consists of."""

    number: str
    at_ms: int
    total: int
    lines: tuple[CostLine, ...]


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One return in moments (milliseconds since 1970 UTC) and counts."""

    case_id: str
    category: str
    region: str
    currency: str
    initiated_ms: int
    received_ms: int | None
    disposed_ms: int | None
    refunded_ms: int | None
    ended_ms: int | None
    exception: bool
    by_hand: bool
    changed_after_booking: bool
    units: tuple[MeasuredUnit, ...]
    credit: PostedCredit | None


def measure(
    case: ReturnCase, *, opened_ms: int, ended_ms: int | None, exception: bool, settings: ScorecardSettings
) -> Measured:
    """One return's moments. `ended_ms` is None while it is under way."""
    skus = tuple(unit.sku or UNKNOWN for unit in case.units)
    region = _region(case)
    shown = case.portal_return
    initiated = moment_ms(shown.created_at if shown is not None else None) or moment_ms(case.authorised_at)
    return Measured(
        case_id=case.case_id,
        category=settings.category_of(skus, region, case.case.portal),
        region=region,
        currency=case.currency,
        initiated_ms=initiated or opened_ms,
        received_ms=moment_ms(case.first_receipt_at),
        disposed_ms=_disposed(case),
        refunded_ms=moment_ms(case.first_refund_at),
        ended_ms=ended_ms,
        exception=exception,
        by_hand=_by_hand(case),
        changed_after_booking=case.disposition_changed is not None,
        units=_units(case),
        credit=_credit(case),
    )


def _region(case: ReturnCase) -> str:
    order = case.order.country if case.order is not None else None
    shown = case.portal_return.country if case.portal_return is not None else None
    return order or shown or UNKNOWN


def _inspected(case: ReturnCase) -> dict[str, int | None]:
    return {
        counted.key: moment_ms(counted.receipt.inspected_at or counted.receipt.occurred_at)
        for counted in case.receipts
        if counted.inspected and not counted.reversed
    }


def _disposed(case: ReturnCase) -> int | None:
    """When the last unit that came had its disposition; None while one that came or may come has none."""
    if not case.units or case.stage in (Stage.CANCELLED, Stage.EXPIRED):
        return None
    short = "short_receipt" in case.accepted_differences
    for unit in case.units:
        outstanding = unit.reception in (Reception.EXPECTED, Reception.IN_TRANSIT) and not short
        if outstanding or (unit.reception is Reception.RECEIVED and unit.acceptance is Acceptance.UNDECIDED):
            return None
    return max((at for at in _inspected(case).values() if at is not None), default=None)


def _by_hand(case: ReturnCase) -> bool:
    """Whether a person had to decide: approved, accepted a difference, retried a step or settled one by hand."""
    settled = any(step.message.startswith("done by hand by ") for step in case.steps.values())
    return bool(case.voices or case.accepted_differences or case.editions or settled)


def _units(case: ReturnCase) -> tuple[MeasuredUnit, ...]:
    inspected = _inspected(case)
    declared = {line.line_id: line.disposition for line in (case.portal_return.lines if case.portal_return else ())}
    return tuple(
        MeasuredUnit(
            sku=unit.sku or UNKNOWN,
            reason=unit.reason or UNKNOWN,
            declared=declared.get(unit.line_id),
            found=unit.disposition,
            inspected_ms=inspected.get(unit.receipt.rpartition("/")[0]) if unit.receipt else None,
            bookable=bookable(unit),
            booked=booked(case, unit),
        )
        for unit in case.units
    )


def _credit(case: ReturnCase) -> PostedCredit | None:
    """The posted credit note, its lines and what its total has beyond them, so that the parts are the whole."""
    step = case.steps.get("credit-1")
    at_ms = moment_ms(step.at) if step is not None else None
    if step is None or step.state is not StepState.DONE or case.credit is None or at_ms is None:
        return None
    reasons = {unit.unit_id: unit.reason for unit in case.units}
    by_line = {
        line.line_no: next((reasons.get(u) for u in line.unit_ids if reasons.get(u)), None) for line in case.rma_lines
    }
    lines = [
        CostLine(
            sku=line.sku,
            reason=by_line.get(line.rma_line_no or 0) or UNKNOWN,
            units=line.quantity,
            net=line.net,
            tax=line.tax,
            gross=line.gross,
        )
        for line in case.credit.lines
    ]
    lines += [_charge(c.code, c.net, c.tax, c.gross) for c in case.credit.charges]
    total = step.total if step.total is not None else case.credit.total_gross
    beyond = total - case.credit.total_gross
    if beyond:
        lines.append(_charge("difference to the ERP's document", beyond, 0, beyond))
    return PostedCredit(number=step.number or step.ref or "", at_ms=at_ms, total=total, lines=tuple(lines))


def _charge(name: str, net: int, tax: int, gross: int) -> CostLine:
    shown = f"({name.replace('_', ' ')})"
    return CostLine(sku=shown, reason=shown, units=0, net=net, tax=tax, gross=gross)
