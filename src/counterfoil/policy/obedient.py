"""An outside that does as it is told: every command becomes its document at once. For rehearsals only."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.core.case import ReturnCase
from counterfoil.core.commands import (
    AnyCommand,
    DraftCreditNote,
    FetchOrder,
    FindSalesOrder,
    OpenReturnAuthorisation,
    PostCreditNote,
)
from counterfoil.core.documents import DocumentLine, ErpOrder, ErpOrderLine
from counterfoil.core.events import OrderSeen
from counterfoil.core.inner_events import StepDone
from counterfoil.core.orders import SoldOrder
from counterfoil.policy.rehearsal import Told


def obey(command: AnyCommand, case: ReturnCase, now: str, order: SoldOrder) -> Iterator[Told]:
    """The facts that follow when a system carries the command out at once."""
    step = case.steps[command.step]
    if isinstance(command, FetchOrder):
        yield Told(at=now, fact=OrderSeen(key=f"order/{order.order_ref}", occurred_at=now, order=order))
    lines: tuple[DocumentLine, ...] = ()
    total = None
    if isinstance(command, OpenReturnAuthorisation):
        lines = tuple(DocumentLine(line_no=line.line_no, erp_line=str(line.line_no)) for line in command.lines)
    if isinstance(command, DraftCreditNote | PostCreditNote):
        total = command.credit.total_gross
    done = StepDone(
        key=f"done:{step.step}:{step.edition}",
        occurred_at=now,
        step=step.step,
        edition=step.edition,
        ref=step.step,
        number=step.step,
        total=total,
        lines=lines,
        order=sales_order(order) if isinstance(command, FindSalesOrder) else None,
    )
    yield Told(at=now, fact=done)


def sales_order(order: SoldOrder) -> ErpOrder:
    """The ERP's order of the same goods."""
    lines = tuple(
        ErpOrderLine(
            erp_line=str(place),
            sku=line.sku or "",
            quantity=line.quantity,
            despatched=line.quantity,
            value=order.line_value(line),
            shop_line_ref=line.line_ref,
        )
        for place, line in enumerate(order.lines, start=1)
    )
    return ErpOrder(ref=f"so-{order.order_ref}", number=order.name, currency=order.currency, lines=lines)
