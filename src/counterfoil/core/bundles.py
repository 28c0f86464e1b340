"""Bundles and kits, by the recipe they were sold with: their price split once, their parts returned one by one (R65, R123).

A bundle's line of the order is taken apart when the order is taken in: each component becomes a line of its own, with its
share of price and tax by largest remainder. From then on a component is sold goods like any other, so whatever comes
back in whatever order adds up to what was paid, to the minor unit.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from counterfoil.core.documents import ErpOrder, ErpOrderLine
from counterfoil.core.money import allocate
from counterfoil.core.orders import PartOf, SoldComponent, SoldLine, SoldOrder
from counterfoil.core.receipts import ReceiptLine
from counterfoil.core.returns import ReturnLine


def opened(order: SoldOrder, erp: ErpOrder) -> SoldOrder:
    """The order with every bundle taken apart that the ERP can book by its parts; the others stay whole.

    The recipe is the one sold with: the shop's where its order names one, else the ERP's own order line. A bundle that
    the ERP holds as plain goods can only come back as such.
    """
    if any(line.part_of is not None for line in order.lines):
        return order
    lines: list[SoldLine] = []
    for line in order.lines:
        recipe = _recipe(line, erp)
        lines += _parts(line, recipe, order.taxes_included) if recipe else [line]
    return replace(order, lines=tuple(lines))


def _recipe(line: SoldLine, erp: ErpOrder) -> tuple[SoldComponent, ...]:
    """What the bundle was made of; empty for plain goods, and where the ERP cannot express its parts."""
    kit = erp_kit(erp, line.line_ref, line.sku)
    told = tuple(SoldComponent(sku=part.sku, quantity=part.quantity) for part in kit.components) if kit else ()
    if kit is not None and not kit.components:
        return ()
    return _positive(line.components or told)


def _positive(recipe: tuple[SoldComponent, ...]) -> tuple[SoldComponent, ...]:
    return tuple(part for part in recipe if part.quantity > 0)


def erp_kit(erp: ErpOrder, line_ref: str, sku: str | None) -> ErpOrderLine | None:
    """The ERP's line for a bundle: by the shop's reference, else by its SKU; None where the ERP took it apart itself."""
    named = next((line for line in erp.lines if line.shop_line_ref == line_ref), None)
    if named is not None and (named.components or (sku or "").casefold() == named.sku.casefold()):
        return named
    return next((line for line in erp.lines if sku and line.sku.casefold() == sku.casefold()), None)


def _parts(line: SoldLine, recipe: tuple[SoldComponent, ...], included: bool) -> list[SoldLine]:
    """One line for each component. Weights are list prices where the shop names them, else every unit counts alike."""
    priced = all(part.price is not None for part in recipe) and any(part.price for part in recipe)
    weights = [(part.price or 0) * part.quantity if priced else part.quantity for part in recipe]
    nets, grosses = allocate(line.net, weights), allocate(line.gross, weights)
    taxes = [allocate(tax, weights) for tax in line.taxes]
    return [
        SoldLine(
            line_ref=f"{line.line_ref}/{number}",
            sku=part.sku,
            quantity=part.quantity * line.quantity,
            gross=grosses[number - 1],
            discount=grosses[number - 1] - nets[number - 1],
            taxes=tuple(shares[number - 1] for shares in taxes),
            title=f"{part.sku} of {line.title or line.sku or line.line_ref}",
            part_of=PartOf(line_ref=line.line_ref, sku=line.sku, quantity=part.quantity),
        )
        for number, part in enumerate(recipe, start=1)
    ]


# --- what comes back ------------------------------------------------------------------------------------------------


def parts_of(order: SoldOrder | None, line_ref: str | None, sku: str | None) -> tuple[SoldLine, ...]:
    """The component lines of the bundle a reference or a SKU names; empty when it names none."""
    if order is None:
        return ()
    same = [line for line in order.lines if line.part_of is not None and line.part_of.line_ref == line_ref]
    if same:
        return tuple(same)
    whole = [line for line in order.lines if line.part_of is not None and sku and _is(line.part_of.sku, sku)]
    first = whole[0].part_of if whole else None
    return tuple(line for line in whole if first and line.part_of and line.part_of.line_ref == first.line_ref)


def returned_parts(order: SoldOrder | None, line: ReturnLine) -> Iterator[tuple[str, SoldLine | None]]:
    """The units a portal's line asks back: (unit id, the component it is), None for goods that are no component.

    A line that names the bundle asks for all its parts; one that names a component of it asks for that alone.
    """
    parts = parts_of(order, line.order_line_ref, line.sku)
    part = next((one for one in parts if line.sku and _is(one.sku, line.sku)), None)
    whole = bool(parts) and part is None and _names_bundle(parts, line)
    for n in range(1, line.qty + 1):
        if not whole:
            yield f"{line.line_id}#{n}", part
            continue
        for one in parts:
            assert one.part_of is not None, "only components are parts"
            for unit in range(1, one.part_of.quantity + 1):
                yield f"{line.line_id}#{n}.{one.line_ref.rsplit('/', 1)[1]}.{unit}", one


def _names_bundle(parts: tuple[SoldLine, ...], line: ReturnLine) -> bool:
    bundle = parts[0].part_of
    return bundle is not None and (line.sku is None or _is(bundle.sku, line.sku))


def unpacked(order: SoldOrder | None, line: ReceiptLine, wanted: frozenset[str]) -> tuple[ReceiptLine, ...]:
    """A warehouse's line for a whole bundle as lines for its parts; any other line as it is.

    `wanted` are the SKUs (case folded) this return expects by themselves: those are never taken apart. Serial numbers
    belong to the bundle's box and are not given to its parts.
    """
    sku = (line.sku or "").casefold()
    parts = parts_of(order, None, line.sku)
    if not parts or sku in wanted:
        return (line,)
    return tuple(_unpacked(line, part, place) for place, part in enumerate(parts, start=1))


def _unpacked(line: ReceiptLine, part: SoldLine, place: int) -> ReceiptLine:
    assert part.part_of is not None, "only components are parts"
    times = part.part_of.quantity
    found = tuple(replace(one, quantity=one.quantity * times, serial_numbers=()) for one in line.dispositions)
    return replace(
        line,
        line_id=f"{line.line_id}.{place}",
        sku=part.sku,
        barcode=None,
        received_quantity=line.received_quantity * times,
        rejected_quantity=line.rejected_quantity * times,
        dispositions=found,
    )


def _is(known: str | None, sku: str) -> bool:
    return known is not None and known.casefold() == sku.casefold()
