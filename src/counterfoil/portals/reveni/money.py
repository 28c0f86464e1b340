"""Reveni's own sum of a return and the refunds it made of it (Reveni sheet §5).

The sum is a promise, a refund is what was paid: a validator may withhold it, change its amount by hand, or add an
adjustment. So a refund always wins over the sum.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from counterfoil.adapterkit.parse import UnreadableError
from counterfoil.core.returns import Tenders
from counterfoil.portals.reveni.mapping import PaidBy, RefundStep
from counterfoil.portals.reveni.paths import Mapped


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The breakdown, in minor units of `currency`. All parts are positive; a negative total is owed by the shopper."""

    currency: str | None
    products: int | None = None
    new_products: int | None = None
    fees: int | None = None
    bonuses: int | None = None
    shipping: int | None = None
    total: int | None = None

    @property
    def surcharge(self) -> int | None:
        """What the shopper pays on top for a dearer exchange; 0 when nothing."""
        return None if self.total is None or self.absurd else max(-self.total, 0)

    @property
    def payout(self) -> int | None:
        """What the shopper gets; 0 for an even or dearer exchange."""
        return None if self.total is None or self.absurd else max(self.total, 0)

    @property
    def absurd(self) -> bool:
        """A total the shopper would owe although nothing new was chosen and no fee is charged: it means nothing."""
        return self.total is not None and self.total < 0 and not (self.new_products or self.fees)

    @property
    def expected_total(self) -> int | None:
        """The total by the rule of sheet §6; None while products or total is unknown. Absent parts count nothing."""
        if self.products is None or self.total is None:
            return None
        less = (self.new_products or 0) + (self.fees or 0)
        return self.products - less + (self.bonuses or 0) + (self.shipping or 0)


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """One refund of Reveni's. `paid_by` and `step` None: a word we do not know."""

    refund_id: str | None
    external_id: str | None
    amount: int | None
    currency: str
    method: str
    status: str
    paid_by: PaidBy | None
    step: RefundStep | None
    at: str | None

    @property
    def issued(self) -> bool:
        """Whether it has been carried out, with something in it: an even exchange lists a refund of nothing."""
        return self.step is RefundStep.ISSUED and (self.amount or 0) > 0

    @property
    def moved(self) -> bool:
        """Whether money left. Store credit does not: it is a promise of the shop."""
        return self.issued and self.paid_by is not PaidBy.STORE_CREDIT


def read_summary(row: Mapped, currency: str | None) -> Summary:
    """The breakdown; every part None when Reveni gives none."""
    own = row.text("summary_currency")
    told = own.upper() if own else currency
    return Summary(
        currency=told,
        products=row.amount("summary_products", told),
        new_products=row.amount("summary_new_products", told),
        fees=row.amount("summary_fees", told),
        bonuses=row.amount("summary_bonuses", told),
        shipping=row.amount("summary_shipping", told),
        total=row.amount("summary_total", told),
    )


def read_payments(row: Mapped, currency: str | None) -> tuple[Payment, ...]:
    """Every refund, in Reveni's order. Raises UnreadableError for money that moved without an amount or currency."""
    return tuple(_payment(part, currency) for part in row.each("refunds"))


def _payment(part: Mapped, currency: str | None) -> Payment:
    own = part.text("refund_currency")
    told = own.upper() if own else currency
    step = part.mapping.refund(part.word("refund_status"))
    amount = part.amount("refund_amount", told)
    if told is None:
        raise UnreadableError(f"{part.where('refund_currency')} is missing")
    if amount is None and step is RefundStep.ISSUED:
        raise UnreadableError(f"{part.where('refund_amount')} is missing")
    return Payment(
        refund_id=part.text("refund_id"),
        external_id=part.text("refund_external_id"),
        amount=amount,
        currency=told,
        method=part.word("refund_method"),
        status=part.word("refund_status"),
        paid_by=part.mapping.method(part.word("refund_method")),
        step=step,
        at=part.moment("refund_created_at"),
    )


def tenders(summary: Summary, payments: Iterable[Payment], currency: str | None) -> Tenders:
    """How the return's value is paid out. A sum in another currency than the return's is left unknown."""
    counted = Summary(currency=currency) if summary.currency != currency else summary
    refund, store_credit = _paid_out(counted, [one for one in payments if one.step is not RefundStep.FAILED], currency)
    surcharge = counted.surcharge
    used = None
    if counted.new_products is not None and surcharge is not None:
        used = counted.new_products - surcharge  # the surcharge is the shopper's own money
    return Tenders(
        refund=refund,
        store_credit=store_credit,
        exchange_used=used,
        upsell_collected=surcharge,
        fee_withheld=counted.fees,
        shipping_refunded=counted.shipping,
    )


def _paid_out(summary: Summary, payments: list[Payment], currency: str | None) -> tuple[int | None, int | None]:
    """Money and store credit. Refunds win over the sum; before any is listed, how it will be paid is not known."""
    if any(one.amount is None for one in payments):
        return None, None  # something was paid or will be, and nobody says how much
    if not payments or any(one.currency != currency for one in payments):
        return summary.payout, None
    credit = sum(one.amount or 0 for one in payments if one.paid_by is PaidBy.STORE_CREDIT)
    return sum(one.amount or 0 for one in payments) - credit, credit


def covered_by_provider(summary: Summary, payments: Iterable[Payment]) -> int | None:
    """What was paid beyond what the merchant owes, in minor units of the sum; None when it cannot be told."""
    paid = [one for one in payments if one.issued]
    if summary.payout is None or any(one.currency != summary.currency for one in paid):
        return None
    return sum(one.amount or 0 for one in paid) - summary.payout
