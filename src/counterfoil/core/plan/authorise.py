"""From the portal's authorisation to the RMA in the ERP (R36–R49): find the order, open, keep tracking, withdraw."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.core.case import Reception, StepState, Unit
from counterfoil.core.commands import (
    CancelReturnAuthorisation,
    FetchOrder,
    FindSalesOrder,
    OpenReturnAuthorisation,
    StoreTracking,
)
from counterfoil.core.documents import RmaLine
from counterfoil.core.look import Finding, Look, Request, Wait
from counterfoil.core.phrases import number_of
from counterfoil.core.policy import RmaOn
from counterfoil.core.problems import Problem
from counterfoil.core.returns import LabelStatus, Stage
from counterfoil.core.units import erp_line, sold_line


def authorise(look: Look) -> Iterator[Finding]:
    """Everything up to the RMA, and what keeps it true afterwards."""
    case = look.case
    if case.stage in (Stage.CANCELLED, Stage.EXPIRED):
        yield from _withdraw(look)
        return
    if not _due(look):
        yield Wait(rule="rma_when_agreed", reason=_why_not_due(look))
        return
    yield from _orders(look)
    if case.order is None or case.erp_order is None:
        yield Wait(rule="order_before_rma", reason="the original order is being looked up")
        return
    if look.step("rma-1") is None:
        yield from _open(look)
        return
    if case.rma is None:
        yield Wait(rule="rma_before_receipt", reason="the RMA is being made in the ERP")
        return
    yield from _tracking(look)
    if case.changed_after_rma and "return_changed_after_rma" not in case.accepted_differences:
        yield Problem(
            kind="return_changed_after_rma",
            message=f"The return was edited in the portal after its RMA was made: {case.changed_after_rma}.",
        )


def _due(look: Look) -> bool:
    """Whether the moment agreed in D6 has come. Goods that come unscanned have plainly been in transit."""
    case = look.case
    if case.stage is Stage.PROCESSED:
        return True
    scanned = case.label_status in (LabelStatus.IN_TRANSIT, LabelStatus.DELIVERED)
    match look.policy.rma_on:
        case RmaOn.REQUESTED:
            return True
        case RmaOn.AUTHORISED:
            return case.stage is not Stage.REQUESTED
        case RmaOn.IN_TRANSIT:
            return case.stage is not Stage.REQUESTED and (scanned or case.first_receipt_at is not None)
        case RmaOn.FINALISED:
            return False


def _why_not_due(look: Look) -> str:
    if look.case.stage is Stage.REQUESTED and look.policy.rma_on is not RmaOn.FINALISED:
        return "the portal has not authorised the return yet"
    return f"the policy makes the RMA when the return is {look.policy.rma_on.value.replace('_', ' ')}"


def _orders(look: Look) -> Iterator[Finding]:
    """Ask the shop for the order as sold and the ERP for its sales order (R37)."""
    case = look.case
    if case.order is None and look.step("order-1") is None:
        yield Request(
            command=FetchOrder(case=case.case, step="order-1"),
            rule="order_before_rma",
            because="the order as sold is needed to value the return",
        )
    if case.erp_order is None and look.step("erp-order-1") is None:
        yield Request(
            command=FindSalesOrder(case=case.case, step="erp-order-1"),
            rule="order_before_rma",
            because="every document must carry the original sales order (R92)",
        )


def _open(look: Look) -> Iterator[Finding]:
    case = look.case
    problems = list(_cannot_open(look))
    if problems:
        yield from problems
        return
    assert case.erp_order is not None
    lines = rma_lines(look)
    units = tuple(name for line in lines for name in line.unit_ids)
    reasons = sorted({unit.reason for unit in case.units if unit.reason})
    command = OpenReturnAuthorisation(
        case=case.case,
        step="rma-1",
        order=case.erp_order,
        lines=lines,
        authorised_at=case.authorised_at or look.now,
        memo="; ".join(reasons)[:200],
        tracking=case.tracking,
    )
    done = "shows the request" if case.stage is Stage.REQUESTED else "authorised the return"
    yield Request(
        command=command,
        rule="rma_at_once",
        because=f"the portal {done}; the warehouse should expect {number_of(len(units), 'unit')} (R43)",
        units=units,
        rma_lines=lines,
    )


def _cannot_open(look: Look) -> Iterator[Problem]:
    """Every reason the RMA cannot be made, all at once, so that they are mended at once."""
    case = look.case
    if not case.units:
        yield Problem(kind="return_without_lines", message="The portal shows no lines on this return.")
    wrong_currency = case.order is not None and case.order.currency != case.currency
    if wrong_currency and case.order is not None:
        yield Problem(
            kind="currency_differs",
            message=f"The portal counts in {case.currency}, the order was sold in {case.order.currency}.",
        )
    skus: set[str] = set()
    reasons: set[str] = set()
    for unit in case.units:
        sold = sold_line(case, unit)
        if sold is None or erp_line(case, sold, look.mapping) is None:
            skus.add(unit.sku or unit.order_line_ref or unit.line_id)
        if look.mapping.reason(unit.reason) is None:
            reasons.add(unit.reason or "")
    for sku in sorted(skus):
        number = case.erp_order.number if case.erp_order else "the order"
        message = f"{sku} is on the return but not on sales order {number}."
        yield Problem(kind="sku_not_found", subject=sku, message=message, units=len(case.units))
    for reason in sorted(reasons):
        said = f"The reason “{reason}” has" if reason else "A line without a reason has"
        yield Problem(
            kind="reason_not_mapped",
            subject=reason,
            message=f"{said} no reason code in the ERP mapping.",
            units=len(case.units),
        )
    yield from _returned_twice(look)


def _returned_twice(look: Look) -> Iterator[Problem]:
    """R40, R122: more units of an order line on returns than were sold."""
    case = look.case
    wanted: dict[str, int] = {}
    for unit in case.units:
        sold = sold_line(case, unit)
        if sold is not None:
            wanted[sold.line_ref] = wanted.get(sold.line_ref, 0) + 1
    for line_ref, count in wanted.items():
        line = case.order.line(line_ref) if case.order else None
        elsewhere = look.ledger.elsewhere.get(line_ref, 0)
        if line is not None and count + elsewhere > line.quantity:
            message = (
                f"{line.sku or line.title}: {line.quantity} sold, {elsewhere} already on another return, "
                f"{count} more asked for here."
            )
            yield Problem(kind="duplicate_return", subject=line_ref, message=message, units=count)


def rma_lines(look: Look) -> tuple[RmaLine, ...]:
    """One RMA line for each (order line, reason), in the order the portal lists them."""
    case = look.case
    groups: dict[tuple[str, str | None], list[Unit]] = {}
    for unit in case.units:
        sold = sold_line(case, unit)
        if sold is not None:
            groups.setdefault((sold.line_ref, unit.reason), []).append(unit)
    lines = []
    for number, ((line_ref, reason), units) in enumerate(groups.items(), start=1):
        sold = case.order.line(line_ref) if case.order else None
        assert sold is not None
        held = erp_line(case, sold, look.mapping)
        assert held is not None, "checked by _cannot_open"
        lines.append(
            RmaLine(
                line_no=number,
                erp_line=held.erp_line,
                sku=held.sku,
                quantity=len(units),
                reason_code=look.mapping.reason(reason),
                expected_depot=held.depot,
                order_line_ref=line_ref,
                unit_ids=tuple(unit.unit_id for unit in units),
            )
        )
    return tuple(lines)


def _tracking(look: Look) -> Iterator[Finding]:
    """Keep the newest tracking reference on the RMA, where the ERP can hold it (R49)."""
    case = look.case
    if case.tracking is None or "store_tracking" not in look.agreement.erp_can or case.rma is None:
        return
    step = f"tracking-{case.tracking}"
    document = case.rma.document
    if look.step(step) is not None or document is None:
        return
    yield Request(
        command=StoreTracking(case=case.case, step=step, rma=document, tracking=case.tracking, carrier=case.carrier),
        rule="tracking_on_the_rma",
        because="the portal owns the label, the ERP stores its tracking reference (R49)",
    )


def _withdraw(look: Look) -> Iterator[Finding]:
    """A return that ends before goods came takes its RMA with it; one with goods needs a person."""
    case = look.case
    word = "cancelled" if case.stage is Stage.CANCELLED else "expired"
    here = [unit for unit in case.units if unit.reception is Reception.RECEIVED]
    if here:
        yield Problem(
            kind="goods_of_an_ended_return",
            message=f"The return is {word} in the portal, but {len(here)} of its units are in the warehouse.",
            units=len(here),
        )
        return
    rma = look.step("rma-1")
    if rma is None or rma.state is StepState.REFUSED or look.step("rma-cancel-1") is not None:
        return
    if rma.document is None:
        yield Wait(rule="rma_before_receipt", reason="the RMA is still being made; it will be withdrawn then")
        return
    if "cancel_return" not in look.agreement.erp_can:
        yield Problem(
            kind="withdraw_rma_by_hand",
            message=f"The return is {word}; RMA {rma.number} must be withdrawn in the ERP by hand.",
        )
        return
    yield Request(
        command=CancelReturnAuthorisation(case=case.case, step="rma-cancel-1", rma=rma.document, reason=word),
        rule="ended_return_ends_its_rma",
        because=f"the portal says the return is {word} and nothing has come",
    )
