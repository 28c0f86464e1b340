"""One RMA in our normalised form, in two grains (ReturnGO sheet §3, §4, T2).

Facts carry one line for each returned unit, under the unit's own id: inspection tells units apart later, and a unit
must not change its name when it does. What is printed groups units that are alike into lines with a quantity.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from counterfoil.core.returns import (
    Disposition,
    ExchangeLine,
    LabelStatus,
    PortalRefund,
    PortalReturn,
    ReturnLine,
    Stage,
)
from counterfoil.portals.returngo.config import ReturnGOMapping
from counterfoil.portals.returngo.payouts import (
    REFUND,
    Payouts,
    cash_share,
    line_value,
    tenders,
    wanted_total,
)
from counterfoil.portals.returngo.wire import Parcel, Rma, Transaction, UnitRow, Wanted
from counterfoil.portals.returngo.words import LABEL_CANCELLED, LABEL_STATUSES, PORTAL, STAGES, condition, fitting

_RANK = {LabelStatus.PENDING: 0, LabelStatus.IN_TRANSIT: 1, LabelStatus.DELIVERED: 2}


def snapshot(rma: Rma, mapping: ReturnGOMapping, money: Payouts) -> PortalReturn:
    """The return with one line for each unit."""
    parcel = parcel_of_record(rma)
    return PortalReturn(
        portal=PORTAL,
        return_id=rma.rma_id,
        state=rma.status,
        stage=STAGES.get(rma.status, Stage.REQUESTED),
        order_ref=rma.order_ref,
        order_name=rma.order_name,
        currency=rma.currency,
        created_at=rma.created_at,
        edited_at=rma.updated_at,
        lines=tuple(_line(rma, unit, mapping) for unit in rma.units),
        exchange_lines=_exchange_lines(rma),
        tenders=tenders(rma, mapping, money),
        refunds=tuple(_refund(one, mapping) for one in moved(rma, mapping)),
        label_status=label_of_record(rma),
        tracking=parcel.tracking if parcel else None,
        carrier=parcel.carrier if parcel else None,
        country=next((parcel.country for parcel in rma.parcels if parcel.country), None),
    )


def disposition(unit: UnitRow, mapping: ReturnGOMapping) -> Disposition | None:
    """What the inspection means, None until somebody looked: the booleans alone say false before that (T1)."""
    seen = unit.validation
    if not seen.looked or seen.returned is None:
        return None
    if not seen.returned:
        return Disposition.MISSING
    if seen.restockable is None:
        return None
    if seen.restockable:
        return Disposition.SELLABLE
    return condition(mapping.conditions, seen.reason) or mapping.other_condition


def outcome(unit: UnitRow, mapping: ReturnGOMapping) -> str | None:
    """What the customer chose, None for a resolution nobody told us about (§4)."""
    return fitting(mapping.resolutions, unit.resolution)


def label_of_record(rma: Rma) -> LabelStatus | None:
    """How far the goods are. The RMA's own `Received` counts although its shipment was forgotten."""
    if rma.arrived:
        return LabelStatus.DELIVERED
    parcel = parcel_of_record(rma)
    return LABEL_STATUSES.get(parcel.status) if parcel else None


def parcel_of_record(rma: Rma) -> Parcel | None:
    """The parcel that is furthest; of equals the last. A cancelled one never is."""
    living = [parcel for parcel in rma.parcels if parcel.status != LABEL_CANCELLED]
    return max(reversed(living), key=_progress, default=None)


def _progress(parcel: Parcel) -> int:
    status = LABEL_STATUSES.get(parcel.status)
    return -1 if status is None else _RANK[status]


def _line(rma: Rma, unit: UnitRow, mapping: ReturnGOMapping) -> ReturnLine:
    """Price before discount and the discount itself have no field (§3): unknown, not zero."""
    return ReturnLine(
        line_id=unit.unit_id,
        order_line_ref=unit.order_line_ref,
        sku=unit.sku,
        qty=1,
        tax=unit.tax.minor if unit.tax else None,
        line_value=line_value(unit, mapping),
        cash_refund=cash_share(rma, mapping, unit.unit_id),
        line_outcome=outcome(unit, mapping),
        reason=_reason(unit, mapping),
        disposition=disposition(unit, mapping),
    )


def _reason(unit: UnitRow, mapping: ReturnGOMapping) -> str | None:
    if mapping.reason_with_detail and unit.reason and unit.detail:
        return f"{unit.reason} > {unit.detail}"
    return unit.reason


def _exchange_lines(rma: Rma) -> tuple[ExchangeLine, ...]:
    """The new items. The order they are in is named only where one exchange order leaves no doubt; a draft has no id."""
    orders = [order for order in rma.exchange_orders if order.type != "fee"]
    order = orders[0] if len(orders) == 1 else None
    named: list[tuple[str, Wanted]] = [(unit.unit_id, wanted) for unit in rma.units for wanted in unit.wanted]
    named += [(rma.rma_id, wanted) for wanted in rma.wanted]
    return tuple(
        ExchangeLine(
            exchange_id=f"{owner}-{position}",
            sku=wanted.sku,
            qty=wanted.quantity,
            total=wanted_total(wanted),
            order_ref=order.order_ref if order else None,
            order_name=order.name if order else None,
        )
        for position, (owner, wanted) in enumerate(named, start=1)
    )


def moved(rma: Rma, mapping: ReturnGOMapping) -> list[Transaction]:
    """Refunds that really moved, those of one platform refund as one: it is one movement there (T9)."""
    together: dict[str, Transaction] = {}
    for one in rma.transactions:
        if one.status != "success" or fitting(mapping.transactions, one.type) != REFUND:
            continue
        key = f"{one.ref or 'transaction ' + one.id}/{one.processor}/{one.amount.currency}"
        known = together.get(key)
        together[key] = one if known is None else _with_more(known, one)
    return list(together.values())


def _with_more(known: Transaction, more: Transaction) -> Transaction:
    return replace(known, amount=known.amount + more.amount)


def _refund(one: Transaction, mapping: ReturnGOMapping) -> PortalRefund:
    return PortalRefund(
        gateway=gateway(one, mapping),
        amount=one.amount.minor,
        currency=one.amount.currency,
        ref=one.ref,
    )


def gateway(one: Transaction, mapping: ReturnGOMapping) -> str | None:
    """Which gateway moved the money. A shop platform as processor names none: it paid through one of its own."""
    platforms = {name.casefold() for name in mapping.platforms}
    return None if one.processor is None or one.processor.casefold() in platforms else one.processor


# --- grouped for people and programs --------------------------------------------------------------------------------


def grouped(rma: Rma, shown: PortalReturn) -> PortalReturn:
    """The same return with units that are alike as one line: order line, outcome, disposition, paid price (T2)."""
    groups: dict[tuple[object, ...], list[ReturnLine]] = {}
    for unit, line in zip(rma.units, shown.lines, strict=True):
        place = (line.order_line_ref or line.line_id, line.sku, line.line_outcome, line.reason)
        groups.setdefault((*place, line.disposition, unit.paid, line.cash_refund is None), []).append(line)
    return replace(shown, lines=tuple(_together(lines) for lines in groups.values()))


def _together(lines: Sequence[ReturnLine]) -> ReturnLine:
    """One line for several units; its id names every unit, its amounts are theirs together."""
    return replace(
        lines[0],
        line_id=",".join(line.line_id for line in lines),
        qty=len(lines),
        tax=_sum(line.tax for line in lines),
        line_value=_sum(line.line_value for line in lines),
        cash_refund=_sum(line.cash_refund for line in lines),
    )


def _sum(parts: Iterable[int | None]) -> int | None:
    """The sum, unknown when a part is."""
    given = list(parts)
    return None if None in given else sum(part or 0 for part in given)
