"""Proposed entries for the cut-off, each reversed on the first day of the next period. They are proposals: nothing posts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from counterfoil.closing.closepack_lists import Line, Owed
from counterfoil.closing.closepack_settings import Accounts
from counterfoil.core.credit.attribution import half_up


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """One side of an entry; exactly one of debit and credit is not zero."""

    account: str
    debit: int = 0
    credit: int = 0


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One proposed journal entry in one currency."""

    name: str
    why: str
    currency: str
    bookings: tuple[Booking, ...]


def entries(owed: Iterable[Owed], loose: Iterable[Line], assets: dict[str, int], to: Accounts) -> tuple[Entry, ...]:
    """The entries by currency, in a fixed order. `assets` is the return asset at cost, by currency of the cost."""
    sums: dict[str, Counter[str]] = {}
    for one in owed:
        tax_unpaid = half_up(one.tax * one.unpaid, one.value) if one.value else 0
        sums.setdefault(one.currency, Counter()).update(
            unpaid=one.unpaid,
            unpaid_tax=tax_unpaid,
            paid=one.paid,
            paid_tax=one.tax - tax_unpaid,
            excess=one.excess,
        )
    for line in loose:
        sums.setdefault(line.currency, Counter()).update(excess=line.amount or 0)
    made: list[Entry] = []
    for currency in sorted({*sums, *assets}):
        made += _of_currency(currency, sums.get(currency, Counter()), assets.get(currency, 0), to)
    return tuple(made)


def _of_currency(currency: str, total: Counter[str], asset: int, to: Accounts) -> list[Entry]:
    returns = (to.sales_returns, to.output_tax)
    wanted = (
        (
            "Announced returns",
            "Authorised or received, neither credited nor paid: revenue is reduced by what is expected to be refunded.",
            _sales(returns, total["unpaid"], total["unpaid_tax"], to.refund_liability),
        ),
        (
            "Refunds paid before their credit note",
            "The money has left and the ERP does not know yet why.",
            _sales(returns, total["paid"], total["paid_tax"], to.refunds_clearing),
        ),
        (
            "Refunds nobody can attribute",
            "Paid beyond the value of the return, on one whose value is unknown, or without any return: to be explained.",
            (
                Booking(account=to.refunds_to_explain, debit=total["excess"]),
                Booking(account=to.refunds_clearing, credit=total["excess"]),
            ),
        ),
        (
            "Right to recover goods",
            "Goods expected back, or here and not booked into stock, at the cost given for their SKU.",
            (Booking(account=to.return_asset, debit=asset), Booking(account=to.cost_of_sales, credit=asset)),
        ),
    )
    made = []
    for name, why, bookings in wanted:
        kept = tuple(booking for booking in bookings if booking.debit or booking.credit)
        assert sum(b.debit for b in kept) == sum(b.credit for b in kept), f"{name} does not balance"
        if kept:
            made.append(Entry(name=name, why=why, currency=currency, bookings=kept))
    return made


def _sales(accounts: tuple[str, str], gross: int, tax: int, against: str) -> tuple[Booking, ...]:
    return (
        Booking(account=accounts[0], debit=gross - tax),
        Booking(account=accounts[1], debit=tax),
        Booking(account=against, credit=gross),
    )
