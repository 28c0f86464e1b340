"""Orders, returns, parcels and refunds in one line each. Amounts are minor units of GBP; prices include 20 % tax."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from counterfoil.core.documents import ErpOrder, ErpOrderLine
from counterfoil.core.events import (
    LabelMoved,
    OrderSeen,
    RefundMoved,
    RefundReported,
    RefundState,
    ReturnAuthorised,
    ReturnCancelled,
    ReturnProcessed,
    ReturnRequested,
    WarehouseReported,
)
from counterfoil.core.mapping import Mapping
from counterfoil.core.orders import Payment, SoldLine, SoldOrder
from counterfoil.core.receipts import FoundUnits, Inspection, Receipt, ReceiptKind, ReceiptLine
from counterfoil.core.returns import Disposition, LabelStatus, PortalReturn, ReturnLine, Stage, Tenders

PORTAL = "acme-portal"
CURRENCY = "GBP"
MORNING = "2026-11-02T08:00:00Z"
EDITED = "2026-11-02T07:30:00Z"

Sold = tuple[str, str, int, int]
"""Order line reference, SKU, quantity, price of one unit."""

SOLD: tuple[Sold, ...] = (("L1", "SHIRT-M", 2, 2000), ("L2", "SCARF", 1, 2500))

MAPPING = Mapping(
    reasons={"Too small": "FIT", "Changed my mind": "MIND"},
    depots={"LEEDS/sellable": "MAIN", "LEEDS/quarantine": "HOLD", "LEEDS/damaged": "", "LEEDS/refurbish": "WORKSHOP"},
    quarantine_depot="HOLD",
)
"""Words for everything the builders make."""


def sold_order(order_ref: str = "9001", name: str = "#1001", lines: Sequence[Sold] = SOLD) -> SoldOrder:
    """An order as sold, paid by card."""
    made = tuple(
        SoldLine(
            line_ref=ref, sku=sku, quantity=count, gross=count * price, taxes=(count * price // 6,), title=sku.title()
        )
        for ref, sku, count, price in lines
    )
    total = sum(line.gross for line in made)
    return SoldOrder(
        order_ref=order_ref,
        name=name,
        currency=CURRENCY,
        taxes_included=True,
        lines=made,
        payments=(Payment(gateway="card", amount=total),),
        placed_at="2026-10-20T10:00:00Z",
        country="GB",
    )


def erp_order(sold: SoldOrder) -> ErpOrder:
    """The same order as the ERP holds it."""
    lines = tuple(
        ErpOrderLine(
            erp_line=str(place),
            sku=line.sku or "",
            quantity=line.quantity,
            despatched=line.quantity,
            value=line.gross,
            depot="MAIN",
            shop_line_ref=line.line_ref,
        )
        for place, line in enumerate(sold.lines, start=1)
    )
    return ErpOrder(ref=f"so-{sold.order_ref}", number=f"SO{sold.order_ref}", currency=sold.currency, lines=lines)


def portal_return(
    return_id: str = "R1",
    order: SoldOrder | None = None,
    units: Sequence[tuple[str, int]] = (("L1", 2),),
    *,
    stage: Stage = Stage.AUTHORISED,
    refund: int | None = None,
    reason: str = "Too small",
    tracking: str | None = None,
) -> PortalReturn:
    """A return of some units of an order's lines; the portal promises their full price unless `refund` says else."""
    order = order or sold_order()
    lines, worth = [], 0
    for number, (line_ref, count) in enumerate(units, start=1):
        sold = order.line(line_ref)
        assert sold is not None, f"the order has no line {line_ref}"
        worth += sold.gross // sold.quantity * count
        lines.append(
            ReturnLine(line_id=f"{return_id}-{number}", order_line_ref=line_ref, sku=sold.sku, qty=count, reason=reason)
        )
    return PortalReturn(
        portal=PORTAL,
        return_id=return_id,
        state=stage.value,
        stage=stage,
        order_ref=order.order_ref,
        order_name=order.name,
        currency=order.currency,
        created_at=EDITED,
        edited_at=EDITED,
        lines=tuple(lines),
        tenders=Tenders(refund=worth if refund is None else refund),
        tracking=tracking,
    )


def order_seen(order: SoldOrder) -> OrderSeen:
    """The shop shows an order."""
    return OrderSeen(key=f"order:{order.order_ref}", occurred_at=order.placed_at, order=order)


_RETURN_FACTS: dict[Stage, type[ReturnRequested | ReturnAuthorised | ReturnProcessed | ReturnCancelled]] = {
    Stage.REQUESTED: ReturnRequested,
    Stage.AUTHORISED: ReturnAuthorised,
    Stage.PROCESSED: ReturnProcessed,
    Stage.CANCELLED: ReturnCancelled,
}


def shown(
    seen: PortalReturn, stage: Stage | None = None
) -> ReturnRequested | ReturnAuthorised | ReturnProcessed | ReturnCancelled:
    """The portal shows a return at a stage (its own unless given)."""
    now = stage or seen.stage
    body = replace(seen, stage=now, state=now.value)
    return _RETURN_FACTS[now](key=f"{seen.return_id}:{now.value}", occurred_at=EDITED, portal_return=body)


def label(return_id: str, status: LabelStatus, tracking: str | None = None) -> LabelMoved:
    """The carrier scans the parcel."""
    return LabelMoved(
        key=f"{return_id}:label:{status.value}",
        occurred_at=MORNING,
        portal=PORTAL,
        return_id=return_id,
        label_status=status,
        tracking=tracking,
        carrier="Royal Example",
    )


Counted = tuple[str, int]
"""SKU and how many came."""


def parcel(
    receipt_id: str,
    units: Sequence[Counted],
    *,
    kind: ReceiptKind = ReceiptKind.INSPECTED,
    disposition: Disposition = Disposition.SELLABLE,
    rma_number: str | None = None,
    tracking: str | None = None,
    order_number: str | None = None,
    reverses: str | None = None,
    at: str = MORNING,
    revision: int = 1,
) -> WarehouseReported:
    """The warehouse counts, or counts and inspects, a parcel; every unit gets the same disposition."""
    inspected = kind is ReceiptKind.INSPECTED
    lines = tuple(
        ReceiptLine(
            line_id=str(number),
            received_quantity=count,
            inspection_status=Inspection.PASSED if inspected else Inspection.PENDING,
            sku=sku,
            dispositions=(FoundUnits(quantity=count, condition="new", disposition=disposition),) if inspected else (),
        )
        for number, (sku, count) in enumerate(units, start=1)
    )
    event = f"{kind.value}:{receipt_id}:{revision}"
    receipt = Receipt(
        event_id=event,
        event_type=kind,
        occurred_at=at,
        source="wms",
        warehouse_code="LEEDS",
        receipt_id=receipt_id,
        revision=revision,
        reverses_receipt_id=reverses,
        rma_number=rma_number,
        order_number=order_number,
        tracking_number=tracking,
        received_at=at,
        inspected_at=at if inspected else None,
        lines=lines,
    )
    return WarehouseReported(key=event, occurred_at=at, receipt=receipt)


def refund_moved(
    refund_ref: str,
    amount: int,
    order_ref: str = "9001",
    *,
    status: RefundState = RefundState.CONFIRMED,
    at: str = MORNING,
) -> RefundMoved:
    """The shop says money of one of its refunds left by card."""
    return RefundMoved(
        key=f"refund:{refund_ref}:{status.value}",
        occurred_at=at,
        source="acme-shop",
        ref=f"tx-{refund_ref}",
        order_ref=order_ref,
        amount=amount,
        currency=CURRENCY,
        status=status,
        refund_ref=refund_ref,
        gateway="card",
    )


def refund_reported(return_id: str, refund_ref: str, amount: int) -> RefundReported:
    """The portal names a refund of the shop as this return's."""
    return RefundReported(
        key=f"{return_id}:reported:{refund_ref}",
        occurred_at=MORNING,
        portal=PORTAL,
        return_id=return_id,
        ref=refund_ref,
        gateway="card",
        amount=amount,
        currency=CURRENCY,
    )
