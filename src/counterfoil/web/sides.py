"""Four systems side by side: what portal, shop and gateway, ERP and warehouse each say of one return, in cash and units.

A dash means that the system does not speak of it; a difference is said in words, never by colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil.core.case import Reception, ReturnCase
from counterfoil.core.units import booked
from counterfoil.web import words
from counterfoil.web.formats import counted


@dataclass(frozen=True, slots=True)
class Side:
    """One system's account. Amounts are minor units of the return's currency; None: it does not say."""

    title: str
    cash: int | None
    cash_words: str
    units: int | None
    units_words: str
    last: str


@dataclass(frozen=True, slots=True)
class Sides:
    """All four, and whether those that speak agree."""

    sides: tuple[Side, ...]
    cash_verdict: str
    units_verdict: str


def four_sides(case: ReturnCase) -> Sides:
    """What each system says."""
    sides = (_portal(case), _gateway(case), _erp(case), _warehouse(case))
    return Sides(
        sides,
        _verdict([side.cash for side in sides[:3]]),
        _verdict([sides[0].units, sides[2].units, sides[3].units]),
    )


def _portal(case: ReturnCase) -> Side:
    shown = case.portal_return
    tenders = shown.tenders if shown is not None else None
    parts = [part for part in ((tenders.refund, tenders.store_credit) if tenders else ()) if part is not None]
    units = len(case.units) or None
    return Side(
        words.vendor(case.case.portal),
        sum(parts) if parts else None,
        "to be paid back",
        units,
        "to come back",
        words.STAGE[case.stage],
    )


def _gateway(case: ReturnCase) -> Side:
    last = case.refunds[-1] if case.refunds else None
    return Side(
        "Shop and gateway",
        case.money_out if case.refunds else None,
        "paid back",
        None,
        "",
        f"last refund {words.REFUND_STATE[last.status]}" if last else "no refund",
    )


def _erp(case: ReturnCase) -> Side:
    posted = case.done("credit-1")
    rma = case.rma
    number = (posted.number if posted else None) or (rma.number if rma else None)
    return Side(
        "ERP",
        case.credit.total_gross if posted is not None and case.credit is not None else None,
        "credited",
        sum(booked(case, unit) for unit in case.units) if rma is not None else None,
        "booked",
        f"{'credit note' if posted else 'return authorisation'} {number}" if number else "no document",
    )


def _warehouse(case: ReturnCase) -> Side:
    here = sum(unit.reception is Reception.RECEIVED for unit in case.units)
    extra = sum(unit.quantity for unit in case.unexpected)
    heard = bool(case.receipts)
    said = "received" + (f", and {counted(extra, 'other unit')}" if extra else "")
    last = case.receipts[-1].receipt if heard else None
    return Side(
        "Warehouse", None, "", here if heard else None, said, f"receipt {last.receipt_id}" if last else "not heard from"
    )


def _verdict(figures: list[int | None]) -> str:
    """Whether those who speak say the same."""
    spoken = [figure for figure in figures if figure is not None]
    if len(spoken) < 2:
        return "nothing to compare yet"
    if len(set(spoken)) > 1:
        return "they differ"
    return "they agree" if len(spoken) == len(figures) else "agree so far"
