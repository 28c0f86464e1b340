"""Sentences after `then`: documents and amounts in the ERP, stock by depot, what the portal heard, what is open."""

from __future__ import annotations

import re
from collections.abc import Callable

from counterfoil.core.money import to_text
from counterfoil.core.problem_kinds import KINDS
from counterfoil.testing.story_stage import Open, StoryStage
from counterfoil.testing.story_words import (
    AMOUNT,
    ITEMS,
    NUMBER,
    Act,
    NotUnderstoodError,
    Spoken,
    StoryFailed,
    items,
    number,
)

Build = Callable[[Spoken], Act]

_COUNTED = r"(RMA|receipt|credit note|refund record|exchange order)s?"


def _equal(found: object, wanted: object) -> None:
    if found != wanted:
        raise StoryFailed(f"it is {found}, not {wanted}")


def _has(said: Spoken) -> Act:
    wanted, kind = number(said.text(1)), said.text(2)
    return lambda stage: _equal(len(stage.documents(kind)), wanted)


def _credits(said: Spoken) -> Act:
    count, gross, tax = number(said.text(1)), said.minor(2), said.minor(3)

    def act(stage: StoryStage) -> None:
        notes = stage.documents("credit note")
        _equal(len(notes), count)
        found = sum(note.gross or 0 for note in notes)
        _equal(to_text(found, said.currency), to_text(gross or 0, said.currency))
        if tax is not None:
            _equal(to_text(sum(note.tax or 0 for note in notes), said.currency), to_text(tax, said.currency))

    return act


def _charge(said: Spoken) -> Act:
    code, wanted = said.text(1).replace(" ", "_"), said.minor(2) or 0

    def act(stage: StoryStage) -> None:
        credit = stage.case(said.who).credit
        found = [charge.gross for charge in (credit.charges if credit else ()) if charge.code == code]
        _equal([to_text(amount, said.currency) for amount in found], [to_text(wanted, said.currency)])

    return act


def _no_charges(said: Spoken) -> Act:
    def act(stage: StoryStage) -> None:
        credit = stage.case(said.who).credit
        _equal(tuple(charge.code for charge in (credit.charges if credit else ())), ())

    return act


def _carries(said: Spoken) -> Act:
    """The exchange orders that stand: what returned value pays for them, and what the customer paid on top."""
    carried, collected = said.minor(1) or 0, said.minor(2) or 0

    def act(stage: StoryStage) -> None:
        orders = stage.documents("exchange order")
        _equal(to_text(sum(o.carried_over or 0 for o in orders), said.currency), to_text(carried, said.currency))
        _equal(to_text(sum(o.collected or 0 for o in orders), said.currency), to_text(collected, said.currency))
        gross = sum(order.gross or 0 for order in orders)
        _equal(to_text(gross, said.currency), to_text(carried + collected, said.currency))

    return act


def _recorded(said: Spoken) -> Act:
    wanted = said.text(1)
    return lambda stage: _equal({record.tender for record in stage.documents("refund record")}, {wanted})


def _shipping(held: bool) -> Build:
    def build(said: Spoken) -> Act:
        return lambda stage: _equal([order.held for order in stage.documents("exchange order")], [held])

    return build


def _stock(said: Spoken) -> Act:
    depot = said.text(1)
    wanted = {item.sku: item.quantity for item in items(said.text(2))}

    def act(stage: StoryStage) -> None:
        _equal({sku: units for (where, sku), units in stage.stock().items() if where == depot and units}, wanted)

    return act


def _written_off(said: Spoken) -> Act:
    wanted = {item.sku: item.quantity for item in items(said.text(1))}

    def act(stage: StoryStage) -> None:
        _equal({sku: units for (where, sku), units in stage.stock().items() if not where and units}, wanted)

    return act


def _no_stock(said: Spoken) -> Act:
    return lambda stage: _equal({place: units for place, units in stage.stock().items() if units}, {})


def _refunded(said: Spoken) -> Act:
    wanted = said.minor(1) or 0
    return lambda stage: _equal(to_text(stage.refunded(), said.currency), to_text(wanted, said.currency))


def _nothing_refunded(said: Spoken) -> Act:
    return lambda stage: _equal(stage.refunded(), 0)


def _told(what: str) -> Build:
    def build(said: Spoken) -> Act:
        wanted = number(said.text(1))
        return lambda stage: _equal(stage.told(what), wanted)

    return build


def _progress(said: Spoken) -> Act:
    return lambda stage: _equal(stage.progress(said.who), said.text(1))


def _nothing_open(said: Spoken) -> Act:
    return lambda stage: _equal(_spelled(stage.open_problems()), "")


def _open(said: Spoken) -> Act:
    """Exactly these exceptions, each with its owner."""
    wanted = []
    for part in re.split(r", | and ", said.text(1)):
        words = re.fullmatch(r"(\w+) for (ops|finance|cx|integration)", part)
        if words is None or words[1] not in KINDS:
            raise NotUnderstoodError(f"an exception is written like short_receipt for ops, not {part!r}")
        wanted.append(Open(words[1], words[2]))
    return lambda stage: _equal(_spelled(stage.open_problems()), _spelled(tuple(wanted)))


def _spelled(problems: tuple[Open, ...]) -> str:
    return ", ".join(f"{problem.kind} for {problem.owner}" for problem in sorted(problems))


CHECKS: tuple[tuple[str, Build], ...] = (
    (rf"the ERP has {NUMBER} {_COUNTED}", _has),
    (rf"the ERP has {NUMBER} credit notes? of {AMOUNT}(?: in all)?(?:, of which tax {AMOUNT})?", _credits),
    (rf"the credit note has an? (return fee|shipping|rounding|goodwill) of {AMOUNT}", _charge),
    (r"the credit note is for goods alone", _no_charges),
    (rf"the exchange order carries over {AMOUNT}(?: and collects {AMOUNT})?", _carries),
    (r"the refund is recorded against (\w+)", _recorded),
    (r"the exchange order is held", _shipping(held=True)),
    (r"the exchange order may ship", _shipping(held=False)),
    (rf"depot (\w+) has {ITEMS}", _stock),
    (rf"written off are {ITEMS}", _written_off),
    (r"no stock has moved", _no_stock),
    (rf"{AMOUNT} was refunded", _refunded),
    (r"nothing was refunded", _nothing_refunded),
    (r"the portal was asked to pay (never|once|twice)", _told("release")),
    (r"the portal got (no|one|two) notes?", _told("note")),
    (r"the portal heard of (no|one|two) inspections?", _told("inspection")),
    (r"the return is (open|finished|cancelled)", _progress),
    (r"nothing is open", _nothing_open),
    (r"open is (.+)", _open),
)
