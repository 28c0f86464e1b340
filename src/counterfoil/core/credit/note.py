"""The credit note of a return: its units priced from the original order, its charges, and how it came about.

Goods by ATTR-1 (shop sheet §8); shipping when the portal refunds it; a fee the portal withholds, negative; and what
remains between our figure and the money, when the rule allows it, as rounding (D5).
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from counterfoil.core import exchange
from counterfoil.core.case import Acceptance, Reception, ReturnCase, Unit
from counterfoil.core.credit.attribution import AttributionError, UnitsValue, shipping_value, unit_values
from counterfoil.core.documents import CreditCharge, CreditLine, CreditNote, RmaLine
from counterfoil.core.inner_events import UnitClaim
from counterfoil.core.look import Look
from counterfoil.core.money import to_text
from counterfoil.core.orders import SoldLine
from counterfoil.core.policy import AmountAuthority
from counterfoil.core.units import erp_line, rma_line, sold_line


class CannotValueError(ValueError):
    """The accepted units cannot be valued from the original order; the message says why."""


class ReturnValue(msgspec.Struct, frozen=True, kw_only=True):
    """What a return is worth by the original order, and which units of the order that takes up.

    `tolerance` is what the money may differ by, `rounding_account` where finance wants such a difference, `earlier` the
    rounding other credits of the order already carry.
    """

    note: CreditNote
    claims: tuple[UnitClaim, ...]
    tolerance: int
    earlier: int = 0
    rounding_account: str | None = None

    @property
    def total(self) -> int:
        """Gross, in minor units of the case's currency."""
        return self.note.total_gross

    def tolerates(self, difference: int) -> bool:
        """Whether money may differ from the value by so much: by itself, or as it evens out what came before.

        Returns settled in another order than they were priced in differ by a minor unit each, and add up to nothing.
        """
        return min(abs(difference), abs(difference + self.earlier)) <= self.tolerance


def promised(case: ReturnCase) -> int | None:
    """What the portal says the customer gets: refund, store credit and value used for new goods.

    None when it names neither money nor credit; then what moves is checked when it does.
    """
    money = promised_money(case)
    return None if money is None else money + (exchange.used(case) or 0)


def promised_money(case: ReturnCase) -> int | None:
    """The part of it that is money or store credit. None when the portal says neither."""
    tenders = case.portal_return.tenders if case.portal_return is not None else None
    if tenders is None or (tenders.refund is None and tenders.store_credit is None):
        return None
    return (tenders.refund or 0) + (tenders.store_credit or 0)


def money_due(case: ReturnCase) -> int:
    """What of the decided credit is to be paid out: the rest went into new goods (R111)."""
    return case.credit.total_gross - exchange.value_used(case) if case.credit is not None else 0


def credited_units(case: ReturnCase) -> tuple[Unit, ...]:
    """The units a credit is for: accepted, and here."""
    return tuple(
        unit for unit in case.units if unit.acceptance is Acceptance.ACCEPTED and unit.reception is Reception.RECEIVED
    )


def awaited_units(case: ReturnCase) -> tuple[Unit, ...]:
    """The units a refund before the goods is for: all that are neither refused nor lost."""
    gone = (Acceptance.REJECTED, Acceptance.REVIEW)
    return tuple(u for u in case.units if u.acceptance not in gone and u.reception is not Reception.LOST)


def value_return(look: Look, units: tuple[Unit, ...] | None = None) -> ReturnValue | None:
    """Value the accepted units, or those given. None while the order is not known.

    CannotValueError when they do not fit it.
    """
    case = look.case
    if case.order is None or case.erp_order is None:
        return None
    places = _places(look, credited_units(case) if units is None else units)
    lines, steps = _lines(look, places)
    charges = _charges(look, steps)
    note = CreditNote(currency=case.order.currency, lines=lines, charges=tuple(charges), explanation=tuple(steps))
    claims = tuple(
        UnitClaim(unit_id=unit.unit_id, order_line_ref=sold.line_ref, order_unit=number)
        for unit, sold, number in places
    )
    partial = {sold.line_ref for _, sold, _ in places if _ends_partial(look, sold, places)}
    tolerance = look.policy.tolerance_per_partial_line * len(partial)
    if look.policy.amount_authority is AmountAuthority.PORTAL_WITHIN_TOLERANCE:
        tolerance = max(tolerance, look.policy.tolerance)
    return ReturnValue(
        note=note,
        claims=claims,
        tolerance=tolerance,
        earlier=look.ledger.rounding,
        rounding_account=look.policy.rounding_account,
    )


def with_rounding(value: ReturnValue, money: int) -> CreditNote:
    """The note brought to what was really paid; the difference is named, never hidden (D5)."""
    difference = money - value.total
    if difference == 0:
        return value.note
    code = "rounding" if value.tolerates(difference) else "goodwill"
    text = to_text(difference, value.note.currency)
    step = f"{text} {value.note.currency} {code}: what was paid differs from the order's value by this much."
    if code == "rounding" and value.rounding_account is not None:
        step += f" It belongs to account {value.rounding_account}."
    charge = CreditCharge(code=code, net=difference, tax=0, gross=difference)
    return replace(value.note, charges=(*value.note.charges, charge), explanation=(*value.note.explanation, step))


Place = tuple[Unit, SoldLine, int]


def _places(look: Look, units: tuple[Unit, ...]) -> list[Place]:
    """Which unit of its order line each physical unit stands for: the next free ones, in order (ATTR-1 rule 5)."""
    case = look.case
    used: dict[str, int] = dict(look.ledger.taken)
    places: list[Place] = []
    for unit in units:
        sold = sold_line(case, unit)
        if sold is None:
            raise CannotValueError(f"{unit.sku or unit.unit_id} is not on the original order")
        number = unit.order_unit
        if number is None:
            number = used[sold.line_ref] = used.get(sold.line_ref, 0) + 1
        if number > sold.quantity:
            raise CannotValueError(f"{sold.sku or sold.title}: all {sold.quantity} units sold are already credited")
        places.append((unit, sold, number))
    return places


def _ends_partial(look: Look, sold: SoldLine, places: list[Place]) -> bool:
    """Whether the line is still only partly refunded after this credit: then a minor unit may differ."""
    highest = max([n for _, line, n in places if line.line_ref == sold.line_ref], default=0)
    return max(highest, look.ledger.taken.get(sold.line_ref, 0)) < sold.quantity


def _lines(look: Look, places: list[Place]) -> tuple[tuple[CreditLine, ...], list[str]]:
    """One credit line for each RMA line, its units valued one by one and added up."""
    case = look.case
    assert case.order is not None
    groups: dict[tuple[str, int | None], tuple[SoldLine, RmaLine | None, list[UnitsValue]]] = {}
    steps: list[str] = []
    for unit, sold, number in places:
        try:
            worth = unit_values(case.order, sold.line_ref, number, number)
        except AttributionError as error:
            raise CannotValueError(str(error)) from error
        steps += [step for step in worth.steps if step not in steps]
        line = rma_line(case, unit)
        groups.setdefault((sold.line_ref, line.line_no if line else None), (sold, line, []))[2].append(worth)
    erp_lines = {line.line_no: line.erp_line for line in (case.rma.lines if case.rma else ())}
    lines = []
    for number, (sold, line, values) in enumerate(groups.values(), start=1):
        held = erp_line(case, sold, look.mapping)
        lines.append(
            CreditLine(
                line_no=number,
                erp_line=held.erp_line if held else "",
                rma_line_no=line.line_no if line else None,
                rma_erp_line=erp_lines.get(line.line_no) if line else None,
                order_line_ref=sold.line_ref,
                sku=held.sku if held else (sold.sku or ""),
                quantity=len(values),
                net=sum(value.net_ex_tax for value in values),
                tax=sum(value.tax for value in values),
                gross=sum(value.gross for value in values),
                tax_code=look.mapping.tax_code(held.tax_code) if held else None,
            )
        )
    return tuple(lines), steps


def _shipping(case: ReturnCase, steps: list[str]) -> int:
    """Refunded shipping: what the portal names, else what its refund exceeds the cash shares of its lines by.

    Some views of a portal leave it out (Loop sheet §4, §6.1). The shop's own figure caps it, so a surplus that is no
    shipping still shows as a difference.
    """
    shown = case.portal_return
    if shown is None:
        return 0
    if shown.tenders.shipping_refunded is not None:
        return shown.tenders.shipping_refunded
    shares = [line.cash_refund for line in shown.lines]
    if shown.tenders.refund is None or not shares or None in shares:
        return 0
    surplus = shown.tenders.refund - sum(share or 0 for share in shares)
    if surplus <= 0:
        return 0
    text = to_text(surplus, case.currency)
    steps.append(f"The portal's refund exceeds its lines by {text} {case.currency}: taken as refunded shipping.")
    return surplus


def _charges(look: Look, steps: list[str]) -> list[CreditCharge]:
    case = look.case
    assert case.order is not None
    tenders = case.portal_return.tenders if case.portal_return is not None else None
    charges: list[CreditCharge] = []
    shipping = _shipping(case, steps)
    if shipping:
        worth = shipping_value(case.order, shipping, *look.ledger.shipping)
        charges.append(CreditCharge(code="shipping", net=worth.gross - worth.tax, tax=worth.tax, gross=worth.gross))
        steps += worth.steps
    fee = (tenders.fee_withheld if tenders else None) or 0
    if fee:
        charges.append(CreditCharge(code="return_fee", net=-fee, tax=0, gross=-fee))
        steps.append(f"{to_text(fee, case.currency)} {case.currency} is withheld as the portal's return fee.")
    return charges
