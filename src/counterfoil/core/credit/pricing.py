"""An order and its refunds, priced by ATTR-1 (shop sheet §8) and held against the money that moved.

The shop's bodies have been read before (a shop adapter does that); the published document is written afterwards
(`statement.py`). Both books are worked out side by side and never converted; money is compared in the customer's
(presentment) book, because that is the currency refund transactions are made in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from counterfoil.core.credit.attribution import (
    AttributionError,
    Outcome,
    UnitsValue,
    compare,
    shipping_value,
    tolerance,
    unit_values,
)
from counterfoil.core.events import RefundedUnits
from counterfoil.core.money import to_text
from counterfoil.core.orders import SoldOrder


class Pair(msgspec.Struct, frozen=True):
    """One amount in both books, in minor units of each book's currency."""

    shop: int
    presentment: int

    def __add__(self, other: Pair) -> Pair:
        return Pair(self.shop + other.shop, self.presentment + other.presentment)

    def __sub__(self, other: Pair) -> Pair:
        return Pair(self.shop - other.shop, self.presentment - other.presentment)

    def __neg__(self) -> Pair:
        return Pair(-self.shop, -self.presentment)

    def __bool__(self) -> bool:
        return bool(self.shop or self.presentment)


NOTHING = Pair(0, 0)


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """One order in the shop's book and in the customer's; the same order twice when there is only one currency."""

    shop: SoldOrder
    presentment: SoldOrder

    @property
    def one_currency(self) -> bool:
        """Whether both books say the same."""
        return self.shop == self.presentment


class MoneyRow(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction that pays money back on one gateway; `amount` in the presentment currency, positive."""

    ref: str
    gateway: str
    amount: int
    succeeded: bool


class RefundRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One refund as the shop tells it, or a payment that came later by itself (then `paid_alone`).

    `shipping` and `duties` are what the refund lists, tax included, None where it lists none. `notes` are sentences
    about how the record was read.
    """

    ref: str
    order_ref: str | None
    created_at: str | None
    units: tuple[RefundedUnits, ...] = ()
    shipping: Pair | None = None
    duties: Pair | None = None
    money: tuple[MoneyRow, ...] = ()
    notes: tuple[str, ...] = ()
    balances: bool | None = None  # whether the shop's own figures add up to the money (sheet §4); None: not checkable
    paid_alone: bool = False

    @property
    def lists_nothing(self) -> bool:
        """Whether it names no goods, no shipping and no duties."""
        return not (self.units or self.shipping or self.duties)


class PricedLine(msgspec.Struct, frozen=True, kw_only=True):
    """Refunded units of one line, in both books. `first`…`last` are the units taken; `asked` what the refund says."""

    line_ref: str
    sku: str | None
    asked: int
    first: int
    last: int
    shop: UnitsValue
    presentment: UnitsValue

    @property
    def quantity(self) -> int:
        """Units attributed, which is fewer than asked when the line had fewer left."""
        return self.last - self.first + 1


class PricedRefund(msgspec.Struct, frozen=True, kw_only=True):
    """One refund with what it is worth, what was paid, and how the order stands after it."""

    record: RefundRecord
    lines: tuple[PricedLine, ...]
    shipping: Pair | None
    shipping_tax: Pair
    duties: Pair
    attributable: Pair
    money: int
    by_gateway: dict[str, int]
    running_attributable: int
    running_money: int
    tolerated: int
    outcome: Outcome

    @property
    def running_difference(self) -> int:
        """Running money less running attributable value: above zero the customer got more than the goods were."""
        return self.running_money - self.running_attributable


class PricedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The whole calculation, with its explanation."""

    books: Books
    refunds: tuple[PricedRefund, ...]
    explanation: tuple[str, ...]


def price_order(books: Books, records: Iterable[RefundRecord]) -> PricedOrder:
    """Price every refund of an order, in order of creation, then id (ATTR-1 rule 5).

    A refund given twice counts once, and so does a transaction; a payment that arrives by itself for a refund that
    had none counts when it arrives. Raises AttributionError for a refund of another order.
    """
    explanation: list[str] = []
    chosen, remarks = _once_each(records)
    explanation += remarks
    run = _Run(books)
    priced = []
    for record in chosen:
        if record.order_ref not in (None, books.shop.order_ref):
            raise AttributionError(
                f"refund {record.ref} belongs to order {record.order_ref}, not to {books.shop.order_ref}"
            )
        refund, steps = run.take(record)
        priced.append(refund)
        explanation += steps
    return PricedOrder(books=books, refunds=tuple(priced), explanation=tuple(explanation))


# --- which records count, and in which order ------------------------------------------------------------------------


def _once_each(records: Iterable[RefundRecord]) -> tuple[list[RefundRecord], list[str]]:
    """Every refund once and every transaction once, in order of evaluation, with a sentence for what was dropped."""
    refunds: dict[str, RefundRecord] = {}
    alone: dict[str, RefundRecord] = {}
    remarks: list[str] = []
    for record in records:
        kept = alone if record.paid_alone else refunds
        before = kept.get(record.ref)
        # of two versions the one that knows of more money is the later one: a paid transaction stays paid
        if before is None or _paid(record) > _paid(before):
            kept[record.ref] = record
        if before is not None:
            what = "Transaction" if record.paid_alone else "Refund"
            remarks.append(f"{what} {record.ref} was given more than once; it counts once.")
    ordered = sorted(refunds.values(), key=_position)
    late = [_after_its_refund(record, ordered) for record in alone.values()]
    return _money_once(sorted([*ordered, *late], key=_position), remarks), remarks


def _paid(record: RefundRecord) -> int:
    return sum(row.amount for row in record.money if row.succeeded)


def _position(record: RefundRecord) -> tuple[bool, str, bool, bool, int, str]:
    """Creation, then a payment after the refunds of that second, then id by number. A record without time is last."""
    number = int(record.ref) if record.ref.isdecimal() else 0
    return (
        record.created_at is None,
        record.created_at or "",
        record.paid_alone,
        not record.ref.isdecimal(),
        number,
        record.ref,
    )


def _after_its_refund(record: RefundRecord, refunds: Iterable[RefundRecord]) -> RefundRecord:
    """A later payment is never counted before the refund that announced it, whatever its own time says."""
    refs = {row.ref for row in record.money}
    owner = next((refund for refund in refunds if refs & {row.ref for row in refund.money}), None)
    if owner is None or (record.created_at or "") >= (owner.created_at or ""):
        return record
    return msgspec.structs.replace(record, created_at=owner.created_at)


def _money_once(records: list[RefundRecord], remarks: list[str]) -> list[RefundRecord]:
    """Count every transaction at its first success; a later payment that brings nothing new is no entry."""
    counted: set[str] = set()
    kept = []
    for record in records:
        fresh: list[MoneyRow] = []
        for row in record.money:
            if row.succeeded and row.ref in counted:
                remarks.append(f"Transaction {row.ref} is already counted.")
                continue
            fresh.append(row)
            counted |= {row.ref} if row.succeeded else set()
        if not record.paid_alone or any(row.succeeded for row in fresh):
            kept.append(msgspec.structs.replace(record, money=tuple(fresh)))
        elif fresh:
            remarks.append(f"Transaction {record.ref} has not succeeded, so it moves nothing.")
    return kept


# --- the running calculation ----------------------------------------------------------------------------------------


class _Run:
    """How far the order has been refunded: units taken per line, shipping per book, running totals."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.consumed: dict[str, int] = {}
        self.shipping = NOTHING
        self.shipping_tax = NOTHING
        self.attributable = 0
        self.money = 0

    def take(self, record: RefundRecord) -> tuple[PricedRefund, list[str]]:
        """Price one refund and move the running totals on; the steps explain it."""
        steps = [f"{_title(record)}:", *record.notes]
        lines = [self._line(units, steps) for units in record.units]
        shipping, shipping_tax = self._shipping(record.shipping, steps)
        duties = record.duties or NOTHING
        worth = sum((_gross(line) for line in lines), NOTHING) + (shipping or NOTHING) + duties
        money = _paid(record)
        self.attributable += worth.presentment
        self.money += money
        tolerated = tolerance(self.books.presentment, self.consumed)
        outcome = compare(
            exceeded=any(line.quantity < line.asked for line in lines),
            paid=any(row.succeeded for row in record.money),
            money=money,
            attributable=worth.presentment,
            lists_nothing=record.lists_nothing,
            difference=self.money - self.attributable,
            tolerated=tolerated,
        )
        priced = PricedRefund(
            record=record,
            lines=tuple(lines),
            shipping=shipping,
            shipping_tax=shipping_tax,
            duties=duties,
            attributable=worth,
            money=money,
            by_gateway=_by_gateway(record),
            running_attributable=self.attributable,
            running_money=self.money,
            tolerated=tolerated,
            outcome=outcome,
        )
        steps += _closing(priced, self.books.presentment.currency)
        return priced, steps

    def _line(self, units: RefundedUnits, steps: list[str]) -> PricedLine:
        """Take the next units of a line; only what is left of it when the refund asks for more."""
        ref = units.order_line_ref
        sold = self.books.shop.line(ref)
        done = self.consumed.get(ref, 0)
        left = (sold.quantity if sold else 0) - done
        taken = min(units.quantity, left)
        self.consumed[ref] = done + taken
        if sold is None:
            steps.append(f"Line {ref}: the order has no such line, so nothing is attributed.")
            empty = UnitsValue(quantity=0, net=0, taxes=(), taxes_included=self.books.shop.taxes_included)
            return PricedLine(
                line_ref=ref, sku=None, asked=units.quantity, first=1, last=0, shop=empty, presentment=empty
            )
        if taken < units.quantity:
            steps.append(f"{sold.sku or ref}: {units.quantity} units refunded but only {left} were left.")
        values = [unit_values(book, ref, done + 1, done + taken) for book in _both(self.books)]
        for value in values[:1] if self.books.one_currency else values:
            steps.extend(value.steps)
        return PricedLine(
            line_ref=ref,
            sku=sold.sku,
            asked=units.quantity,
            first=done + 1,
            last=done + taken,
            shop=values[0],
            presentment=values[1],
        )

    def _shipping(self, refunded: Pair | None, steps: list[str]) -> tuple[Pair | None, Pair]:
        """Shipping and the tax inside it; attributed only if the refund says so (ATTR-1 rule 6)."""
        if refunded is None:
            return None, NOTHING
        before, tax_before = self.shipping, self.shipping_tax
        shop = shipping_value(self.books.shop, refunded.shop, before.shop, tax_before.shop)
        theirs = shipping_value(
            self.books.presentment, refunded.presentment, before.presentment, tax_before.presentment
        )
        steps += shop.steps
        if not self.books.one_currency:
            steps += theirs.steps
        gross, tax = Pair(shop.gross, theirs.gross), Pair(shop.tax, theirs.tax)
        self.shipping += gross
        self.shipping_tax += tax
        return gross, tax


def _both(books: Books) -> Iterator[SoldOrder]:
    yield books.shop
    yield books.presentment


def _gross(line: PricedLine) -> Pair:
    return Pair(line.shop.gross, line.presentment.gross)


def _by_gateway(record: RefundRecord) -> dict[str, int]:
    """Successful money per gateway; tenders never change what the goods are worth (ATTR-1 rule 8)."""
    amounts: dict[str, int] = {}
    for row in record.money:
        if row.succeeded:
            amounts[row.gateway] = amounts.get(row.gateway, 0) + row.amount
    return amounts


# --- words ----------------------------------------------------------------------------------------------------------


def _title(record: RefundRecord) -> str:
    kind = "Payment" if record.paid_alone else "Refund"
    return f"{kind} {record.ref}" + (f" of {record.created_at}" if record.created_at else "")


_VERDICTS = {
    Outcome.MATCH: "the money agrees exactly",
    Outcome.MATCH_WITHIN_TOLERANCE: "the money agrees within the rounding of partly refunded lines",
    Outcome.UNDER_REFUND: "the customer has had less than the returned goods are worth",
    Outcome.OVER_REFUND: "the customer has had more than the returned goods are worth",
    Outcome.UNATTRIBUTED: "money moved although no goods, shipping or duties are named",
    Outcome.NO_MONEY: "no refund transaction has succeeded yet",
    Outcome.QUANTITY_EXCEEDED: "more units are refunded than were left; only those left are attributed",
}


def _closing(refund: PricedRefund, currency: str) -> list[str]:
    def text(amount: int) -> str:
        return to_text(amount, currency)

    duties = [f"Duties listed by the refund: {text(refund.duties.presentment)} {currency}."] if refund.duties else []
    kind = "payment" if refund.record.paid_alone else "refund"
    so_far = f"worth {text(refund.running_attributable)} and {text(refund.running_money)} was paid"
    tolerated = f"{refund.tolerated} minor unit{'' if refund.tolerated == 1 else 's'} tolerated"
    return [
        *duties,
        f"This {kind} is worth {text(refund.attributable.presentment)} and {text(refund.money)} {currency} was paid.",
        f"So far the order's refunds are {so_far}, a difference of {text(refund.running_difference)} {currency}.",
        f"With {tolerated}: {_VERDICTS[refund.outcome]}.",
    ]
