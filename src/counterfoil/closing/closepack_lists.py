"""What one return leaves open at the cut-off: money without goods, goods without credit, credit without money.

Pure: a return as it stood gives rows. Amounts are minor units of the return's currency; None means unknown, and an
unknown amount is never counted as nothing. Units are worth what ATTR-1 attributes to them on the original order;
which of several equal units of a line came back is settled by the credit, so until then a minor unit may move
between returns of the same line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from counterfoil.core.case import Acceptance, Reception, ReturnCase, StepState, Unit
from counterfoil.core.events import RefundMoved, RefundState, WarehouseReported
from counterfoil.core.inner_events import AnyFact
from counterfoil.core.money import unit_share
from counterfoil.core.orders import SoldOrder
from counterfoil.core.phrases import number_of
from counterfoil.core.receipts import ReceiptKind
from counterfoil.core.returns import Disposition, Stage
from counterfoil.core.units import booked, sold_line

_ON_THE_WAY = (Reception.EXPECTED, Reception.IN_TRANSIT)
_WRITTEN_OFF = (Disposition.DISPOSE, Disposition.DONATE)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One row under a figure. `since` is the day it began, `why` one sentence."""

    figure: str
    case_id: str
    order: str
    currency: str
    amount: int | None
    units: int
    since: str
    why: str
    document: str = ""


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """What a return without a posted credit is expected to cost: value = unpaid + paid; `excess` was paid beyond it."""

    case_id: str
    currency: str
    value: int
    tax: int
    unpaid: int
    paid: int
    excess: int


class Goods(msgspec.Struct, frozen=True, kw_only=True):
    """Units of a SKU we have a right to get back and have not booked into stock."""

    case_id: str
    order: str
    sku: str
    units: int


class Worth(msgspec.Struct, frozen=True):
    """Gross and the tax inside it."""

    gross: int
    tax: int


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A return at the cut-off, sorted into what matters for the close."""

    case: ReturnCase
    live: bool
    absent: tuple[Unit, ...]
    lost: tuple[Unit, ...]
    here: tuple[Unit, ...]
    worth: dict[str, Worth | None]
    paid: int
    other_money: tuple[tuple[str, int], ...]
    credited: int | None

    def value(self, units: tuple[Unit, ...]) -> Worth | None:
        """What these units are worth together; None when one of them cannot be valued."""
        known = [self.worth.get(unit.unit_id) for unit in units]
        if any(worth is None for worth in known):
            return None
        return Worth(sum(w.gross for w in known if w), sum(w.tax for w in known if w))

    @property
    def expected(self) -> Worth | None:
        """What the customer is expected to get: the decided credit, else the value of every unit still in play."""
        if self.case.credit is not None:
            return Worth(self.case.credit.total_gross, self.case.credit.total_tax)
        return self.value((*self.absent, *self.here))

    @property
    def difference_accepted(self) -> bool:
        """Whether a person accepted that money and credit differ."""
        return "refund_differs_from_credit" in self.case.accepted_differences


def stand(case: ReturnCase) -> Standing:
    """Sort a return's units and money."""
    live = case.authorised_at is not None and case.stage not in (Stage.CANCELLED, Stage.EXPIRED)
    short_accepted = "short_receipt" in case.accepted_differences
    expected = live and not short_accepted
    credit = case.done("credit-1")
    decided = case.credit.total_gross if case.credit is not None else None
    money = Counter[str]()
    for refund in case.confirmed:
        money[refund.currency] += refund.amount
    paid = money.pop(case.currency, 0)
    return Standing(
        case=case,
        live=live,
        absent=tuple(u for u in case.units if u.reception in _ON_THE_WAY) if expected else (),
        lost=tuple(u for u in case.units if u.reception is Reception.LOST) if expected else (),
        here=tuple(
            u for u in case.units if u.reception is Reception.RECEIVED and u.acceptance is not Acceptance.REJECTED
        ),
        worth=unit_worth(case),
        paid=paid,
        other_money=tuple(sorted(money.items())),
        credited=None if credit is None else (credit.total if credit.total is not None else decided) or 0,
    )


def unit_worth(case: ReturnCase) -> dict[str, Worth | None]:
    """Each unit's attributable value (ATTR-1 rules 2 and 4); None where the order does not tell."""
    found: dict[str, Worth | None] = {}
    if case.order is None:
        return found
    taken: dict[str, set[int]] = {}
    for unit in case.units:
        line = sold_line(case, unit)
        if line is not None and unit.order_unit is not None:
            taken.setdefault(line.line_ref, set()).add(unit.order_unit)
    for unit in case.units:
        line = sold_line(case, unit)
        if line is None:
            found[unit.unit_id] = None
            continue
        numbers = taken.setdefault(line.line_ref, set())
        number = unit.order_unit or next((n for n in range(1, line.quantity + 1) if n not in numbers), 0)
        numbers.add(number)
        found[unit.unit_id] = _worth(case.order, line.net, line.taxes, line.quantity, number) if number else None
    return found


def _worth(order: SoldOrder, net: int, taxes: tuple[int, ...], quantity: int, number: int) -> Worth | None:
    if number > quantity:
        return None
    goods = unit_share(net, quantity, number)
    tax = sum(unit_share(part, quantity, number) for part in taxes)
    return Worth(goods if order.taxes_included else goods + tax, tax)


# --- the lists ------------------------------------------------------------------------------------------------------


def lines(case: ReturnCase) -> Iterator[Line]:
    """Every row this return contributes."""
    at = stand(case)
    yield from _refund_without_receipt(at)
    yield from _receipt_without_credit(at)
    yield from _credit_without_payout(at)
    yield from _in_transit(at)
    yield from _refund_without_credit(at)
    yield from _closed_period(at)


def _line(
    at: Standing, figure: str, amount: int | None, units: int, since: str | None, why: str, doc: str = ""
) -> Line:
    case = at.case
    return Line(
        figure=figure,
        case_id=case.case_id,
        order=case.case.order_name or case.case.order_ref or "",
        currency=case.currency,
        amount=amount,
        units=units,
        since=(since or case.authorised_at or "")[:10],
        why=why,
        document=doc,
    )


def _refund_without_receipt(at: Standing) -> Iterator[Line]:
    missing = (*at.absent, *at.lost)
    if not at.paid or (at.here and not missing) or "short_receipt" in at.case.accepted_differences:
        return
    here = at.value(at.here)
    covered = here.gross if here is not None else 0
    open_amount = max(0, at.paid - covered)
    if not open_amount:
        return
    why = f"{number_of(len(missing), 'unit')} of {len(at.case.units)} not received; paid before the goods came."
    if at.here and here is None:
        why += " What came cannot be valued, so the whole refund is shown."
    yield _line(at, "refunds_without_receipt", open_amount, len(missing), at.case.first_refund_at, why)


def _receipt_without_credit(at: Standing) -> Iterator[Line]:
    if not at.live or not at.here or at.credited is not None:
        return
    worth = at.expected if at.case.credit is not None and not at.absent else at.value(at.here)
    step = at.case.steps.get("credit-1")
    why = "Received; no credit note has been asked for yet."
    if step is not None:
        why = "The credit note is asked for and not posted yet."
        if step.state is StepState.REFUSED:
            why = f"The ERP refused the credit note: {step.message}"
    amount = worth.gross if worth is not None else None
    yield _line(at, "receipts_without_credit", amount, len(at.here), at.case.first_receipt_at, why, _rma(at.case))


def _credit_without_payout(at: Standing) -> Iterator[Line]:
    amount = _unpaid_credit(at)
    if amount > 0:
        step = at.case.steps["credit-1"]
        why = "The credit note is posted; the money has not left, or nobody has confirmed it."
        yield _line(at, "credits_without_payout", amount, 0, step.at, why, step.number or step.ref or "")


def _unpaid_credit(at: Standing) -> int:
    """Posted credit less money out and less what an exchange order took over."""
    if at.credited is None or at.difference_accepted:
        return 0
    exchanged = any(s.name == "CreateExchangeOrder" and s.state is StepState.DONE for s in at.case.steps.values())
    shown = at.case.portal_return
    carried = (shown.tenders.exchange_used or 0) if exchanged and shown is not None else 0
    return at.credited - at.paid - carried


def _in_transit(at: Standing) -> Iterator[Line]:
    moving = tuple(u for u in at.absent if u.reception is Reception.IN_TRANSIT)
    announced = tuple(u for u in at.absent if u.reception is Reception.EXPECTED)
    closed = " The warehouse has closed the return." if at.case.receiving_closed else ""
    for units, why in (
        (moving, f"On the way, {at.case.tracking or 'no tracking'}.{closed}"),
        (announced, f"Authorised; no carrier has scanned the parcel yet.{closed}"),
    ):
        if units:
            worth = at.value(units)
            amount = worth.gross if worth is not None else None
            yield _line(at, "goods_in_transit", amount, len(units), at.case.authorised_at, why, _rma(at.case))


def _refund_without_credit(at: Standing) -> Iterator[Line]:
    since = at.case.first_refund_at
    if at.credited is None and at.paid:
        yield _line(at, "refunds_without_credit", at.paid, 0, since, "Money has left; no credit note is posted.")
    elif at.credited is not None and not at.difference_accepted and _unpaid_credit(at) < 0:
        beyond = at.paid - at.credited
        if beyond > 0:
            yield _line(at, "refunds_without_credit", beyond, 0, since, "More money left than was credited.")
    for currency, amount in at.other_money:
        why = f"Paid in {currency}, while the return counts in {at.case.currency}."
        line = _line(at, "refunds_without_credit", amount, 0, since, why)
        yield msgspec.structs.replace(line, currency=currency)


def _closed_period(at: Standing) -> Iterator[Line]:
    for step in at.case.steps.values():
        if step.problem == "period_closed":
            yield _line(at, "stopped_by_closed_period", step.amount, len(step.units), step.at, step.message, step.step)
    if at.case.may_post_later:
        by = at.case.accepted_differences["period_closed"]
        yield _line(at, "stopped_by_closed_period", None, 0, None, f"Posts in the next open period; agreed by {by}.")


def _rma(case: ReturnCase) -> str:
    return (case.rma.number or "") if case.rma is not None else ""


# --- liability and asset --------------------------------------------------------------------------------------------


def liability_line(case: ReturnCase) -> Line | None:
    """What is still to be refunded: expected and not paid, whether or not the credit is posted."""
    at = stand(case)
    if at.credited is not None:
        amount = _unpaid_credit(at)
        why = "Credited and not paid: the ERP's customer account carries it already."
        return _line(at, "refund_liability", amount, 0, at.case.steps["credit-1"].at, why) if amount > 0 else None
    units = len(at.absent) + len(at.here)
    if not at.live or not (units or at.case.credit):
        return None
    worth = at.expected
    if worth is None:
        return _line(at, "refund_liability", None, units, None, "The value is unknown: the order is not complete here.")
    if worth.gross <= at.paid:
        return None
    return _line(at, "refund_liability", worth.gross - at.paid, units, None, "Expected and neither credited nor paid.")


def owed(case: ReturnCase) -> Owed | None:
    """What the proposed entries need of a return whose credit is not posted; None when there is nothing."""
    at = stand(case)
    if at.credited is not None:
        return None
    worth = at.expected if at.live else Worth(0, 0)
    if worth is None:
        worth = Worth(0, 0)
    if not worth.gross and not at.paid:
        return None
    paid = min(worth.gross, at.paid)
    return Owed(
        case_id=case.case_id,
        currency=case.currency,
        value=worth.gross,
        tax=worth.tax,
        unpaid=worth.gross - paid,
        paid=paid,
        excess=at.paid - paid,
    )


def goods(case: ReturnCase) -> Iterator[Goods]:
    """Units by SKU we may expect back or hold unbooked; what was found worthless has no asset."""
    at = stand(case)
    counts: Counter[str] = Counter()
    if at.live:
        for unit in (*at.absent, *at.here):
            if unit.disposition not in _WRITTEN_OFF and not booked(case, unit):
                counts[unit.sku or "?"] += 1
    order = case.case.order_name or case.case.order_ref or ""
    for sku, units in sorted(counts.items()):
        yield Goods(case_id=case.case_id, order=order, sku=sku, units=units)


def loose_lines(brand: str, fact: AnyFact) -> Iterator[Line]:
    """Money and parcels no return claims: refunds without receipt and without credit, receipts without credit."""
    if isinstance(fact, RefundMoved) and fact.status is RefundState.CONFIRMED:
        why = "Refunded outside any return we know."
        for figure in ("refunds_without_receipt", "refunds_without_credit"):
            yield Line(
                figure=figure,
                case_id=f"{brand}/–",
                order=fact.order_ref or "",
                currency=fact.currency,
                amount=fact.amount,
                units=0,
                since=(fact.occurred_at or "")[:10],
                why=why,
                document=fact.refund_ref or fact.ref,
            )
    elif isinstance(fact, WarehouseReported) and fact.receipt.event_type in (
        ReceiptKind.RECEIVED,
        ReceiptKind.INSPECTED,
    ):
        receipt = fact.receipt
        yield Line(
            figure="receipts_without_credit",
            case_id=f"{brand}/–",
            order=receipt.order_number or "",
            currency="",
            amount=None,
            units=sum(line.received_quantity for line in receipt.lines),
            since=(receipt.received_at or receipt.occurred_at)[:10],
            why="A parcel that belongs to no return we know.",
            document=receipt.receipt_id,
        )
