"""The money of one return: what the goods were worth, what was credited, what was paid back, and whether they agree.

Every figure carries its own calculation, read from the same credit note the ERP was asked to make.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from counterfoil.core.case import Refund, ReturnCase
from counterfoil.core.documents import CreditNote
from counterfoil.core.returns import ReturnLine
from counterfoil.store.database import Row
from counterfoil.web import words
from counterfoil.web.formats import amount_text

POSTED = "Credit note"


@dataclass(frozen=True, slots=True)
class CreditLineShown:
    """A line of the credit note as it is shown: what, how many, net, tax, gross in minor units."""

    what: str
    quantity: int | None
    net: int
    tax: int
    gross: int
    tax_code: str


@dataclass(frozen=True, slots=True)
class Panel:
    """The four figures in minor units (None: unknown) and what they are made of."""

    currency: str
    goods: int | None
    goods_lines: tuple[ReturnLine, ...]
    credit: int | None
    credit_net: int | None
    credit_tax: int | None
    credit_label: str
    credit_lines: tuple[CreditLineShown, ...]
    explanation: tuple[str, ...]
    paid: int
    refunds: tuple[Refund, ...]
    difference: int | None
    verdict: str
    agrees: bool | None


def panel(case: ReturnCase, row: Row, credit_row: Row | None) -> Panel:
    """The panel of a return. `row` is its line in `cases`, `credit_row` its newest credit command."""
    credit = credit_note(credit_row) or case.credit
    total = credit.total_gross if credit else (row["credited_minor"] or None)
    label = _credit_label(case, credit_row)
    posted = total if label == POSTED else 0
    difference = (posted or 0) - case.money_out if posted or case.money_out else None
    return Panel(
        currency=case.currency,
        goods=row["value_minor"],
        goods_lines=case.portal_return.lines if case.portal_return else (),
        credit=total,
        credit_net=credit.total_net if credit else None,
        credit_tax=credit.total_tax if credit else None,
        credit_label=label,
        credit_lines=_credit_lines(credit),
        explanation=credit.explanation if credit else (),
        paid=case.money_out,
        refunds=case.refunds,
        difference=None if difference is None else abs(difference),
        verdict=_verdict(difference, case.currency, label == POSTED),
        agrees=None if difference is None else difference == 0,
    )


def credit_note(row: Row | None) -> CreditNote | None:
    """The credit note in a command's body, or None when there is none we can read."""
    if row is None:
        return None
    try:
        return msgspec.convert(msgspec.json.decode(row["body"])["credit"], CreditNote)
    except (msgspec.DecodeError, msgspec.ValidationError, KeyError, TypeError):
        return None


def _credit_label(case: ReturnCase, row: Row | None) -> str:
    if any(step.document for step in case.named("PostCreditNote")):
        return POSTED
    if any(step.document for step in case.named("DraftCreditNote")):
        return "Credit note, prepared but not posted"
    return "Credit note, asked for" if row is not None or case.credit is not None else "Credit note, none yet"


def _credit_lines(credit: CreditNote | None) -> tuple[CreditLineShown, ...]:
    if credit is None:
        return ()
    goods = [
        CreditLineShown(line.sku, line.quantity, line.net, line.tax, line.gross, line.tax_code or "")
        for line in credit.lines
    ]
    charges = [
        CreditLineShown(
            words.CHARGE.get(charge.code, words.plain(charge.code).capitalize()),
            None,
            charge.net,
            charge.tax,
            charge.gross,
            "",
        )
        for charge in credit.charges
    ]
    return (*goods, *charges)


def _verdict(difference: int | None, currency: str, posted: bool) -> str:
    if difference is None:
        return "Nothing has moved yet, so there is nothing to compare."
    if difference == 0:
        return "Credit and refund are equal to the last minor unit."
    amount = amount_text(abs(difference), currency)
    if difference > 0:
        return f"{amount} is credited and not paid out."
    if posted:
        return f"{amount} more was paid out than credited."
    return f"{amount} was paid out and no posted credit note stands against it."
