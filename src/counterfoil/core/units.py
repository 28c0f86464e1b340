"""Questions about units: the order line a unit came from, the ERP's line for it, whether it may be booked (R14–R20)."""

from __future__ import annotations

from msgspec.structs import replace

from counterfoil.core.bundles import erp_kit
from counterfoil.core.case import Acceptance, Reception, ReturnCase, Unit
from counterfoil.core.documents import ErpOrder, ErpOrderLine, RmaLine
from counterfoil.core.mapping import Mapping
from counterfoil.core.orders import PartOf, SoldLine
from counterfoil.core.returns import Disposition

NEVER_BOOKED = (Disposition.MISSING, Disposition.RETURN_TO_CUSTOMER)


def sold_line(case: ReturnCase, unit: Unit) -> SoldLine | None:
    """The order line a unit came from: by the shop's line reference, else by its SKU when that is unambiguous."""
    if case.order is None:
        return None
    if unit.order_line_ref is not None:
        found = case.order.line(unit.order_line_ref)
        if found is not None:
            return found
    same = [line for line in case.order.lines if line.sku is not None and line.sku == unit.sku]
    return same[0] if len(same) == 1 else None


def erp_line(case: ReturnCase, sold: SoldLine, mapping: Mapping) -> ErpOrderLine | None:
    """The ERP's line for an order line: by the shop's reference where the ERP keeps it, else by mapped SKU.

    Where several lines share a SKU, they correspond in order.
    """
    if case.erp_order is None or case.order is None:
        return None
    named = [line for line in case.erp_order.lines if line.shop_line_ref == sold.line_ref]
    if named:
        return named[0]
    if sold.part_of is not None:
        part = _kit_part(case.erp_order, sold, sold.part_of, mapping)
        if part is not None:
            return part
    wanted = mapping.sku(sold.sku)
    if wanted is None:
        return None
    candidates = [line for line in case.erp_order.lines if line.sku.casefold() == wanted.casefold()]
    twins = [line for line in case.order.lines if mapping.sku(line.sku) == wanted]
    place = twins.index(sold)
    if place < len(candidates):
        return candidates[place]
    return candidates[0] if len(candidates) == 1 and candidates[0].quantity >= sum(t.quantity for t in twins) else None


def _kit_part(erp: ErpOrder, sold: SoldLine, bundle: PartOf, mapping: Mapping) -> ErpOrderLine | None:
    """The ERP's line for a component of a kit it holds as one line: the kit's line under the component's own item."""
    kit = erp_kit(erp, bundle.line_ref, mapping.sku(bundle.sku) or bundle.sku)
    wanted = (mapping.sku(sold.sku) or sold.sku or "").casefold()
    part = next((one for one in kit.components if one.sku.casefold() == wanted), None) if kit is not None else None
    if kit is None or part is None:
        return None
    return replace(
        kit,
        erp_line=part.erp_line or kit.erp_line,
        sku=part.sku,
        quantity=kit.quantity * part.quantity,
        despatched=None if kit.despatched is None else kit.despatched * part.quantity,
        value=None,
        item_ref=part.item_ref,
        shop_line_ref=None,
        components=(),
    )


def rma_line(case: ReturnCase, unit: Unit) -> RmaLine | None:
    """The RMA line a unit was authorised on."""
    return next((line for line in case.rma_lines if unit.unit_id in line.unit_ids), None)


def booked(case: ReturnCase, unit: Unit) -> bool:
    """Whether the ERP has confirmed the receipt of this unit."""
    return unit.posted_by is not None and case.done(unit.posted_by) is not None


def bookable(unit: Unit) -> bool:
    """Whether an inspected unit goes into the ERP: it came, and it is ours to keep."""
    return (
        unit.reception is Reception.RECEIVED
        and unit.disposition is not None
        and unit.disposition not in NEVER_BOOKED
        and unit.acceptance is not Acceptance.REJECTED
    )
