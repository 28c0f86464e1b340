"""The six invariants, each tripped by a deliberate mistake in the real code (requirements §1b)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from scenes import after

from counterfoil.core import ceiling, count, refunds
from counterfoil.core.case import Unit
from counterfoil.core.commands import Role
from counterfoil.core.events import RefundMoved, WarehouseReported
from counterfoil.core.invariants import NAMES, Books, Held, Logged, Violation, violations
from counterfoil.core.plan import settle
from counterfoil.core.returns import Disposition
from counterfoil.testing.story_core import CoreStage

ASKED = "the portal authorises 2 x A"
WHOLE = (ASKED, "the warehouse receives 2 x A sellable")


def tripped(stage: CoreStage | Books) -> set[int]:
    books = stage.books() if isinstance(stage, CoreStage) else stage
    return {violation.invariant for violation in violations(books)}


def test_an_honest_return_breaks_none() -> None:
    assert tripped(after(*WHOLE)) == set()


# --- deliberate mistakes in the real code


def test_1_a_unit_that_two_parcels_hold_trips_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(count, "_candidates", lambda case, line: [u for u in case.units if u.sku == line.sku])
    stage = after(ASKED, "the warehouse counts GR-1: 1 x A", "the warehouse counts GR-2: 1 x A", sound=False)
    assert 1 in tripped(stage)


OUTSIDE = ("the shop refunds 70.00 by itself", *WHOLE)


def test_2_an_order_without_a_ceiling_trips_money(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tripped(after(*OUTSIDE)) == set()
    monkeypatch.setattr(ceiling, "excess", lambda look, asked: None)
    assert tripped(after(*OUTSIDE, sound=False)) == {2}


def test_2_a_ceiling_that_forgets_banks_trips_money(monkeypatch: pytest.MonkeyPatch) -> None:
    disputed = ("the customer's bank disputes 70.00", "the dispute is lost", *WHOLE)
    assert tripped(after(*disputed)) == set()
    monkeypatch.setattr(ceiling, "_disputed", lambda chargebacks, order: 0)
    monkeypatch.setattr(ceiling, "_by_tender", lambda look, order, asked: None)
    assert tripped(after(*disputed, sound=False)) == {2}


def test_3_a_deadline_nobody_watches_trips_pairing(monkeypatch: pytest.MonkeyPatch) -> None:
    story = ("the portal authorises 1 x A", "the portal processes the return", "40 hours pass")
    assert tripped(after(*story, given="given the portal-led policy")) == set()
    monkeypatch.setattr(settle, "_credit_overdue", lambda look: iter(()))
    assert tripped(after(*story, given="given the portal-led policy", sound=False)) == {3}


def test_4_stock_called_sellable_by_nobody_trips_sellable(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = count._marked

    def hopeful(unit: Unit, *rest: Any) -> Unit:
        marked = honest(unit, *rest)
        return replace(marked, disposition=Disposition.SELLABLE) if marked.disposition else marked

    story = (ASKED, "the warehouse receives 1 x A damaged, 1 x A sellable")
    assert tripped(after(*story)) == set()
    monkeypatch.setattr(count, "_marked", hopeful)
    assert tripped(after(*story, sound=False)) == {4}


def test_6_money_that_is_not_recognised_again_trips_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refunds, "place_of", lambda known, new: None)
    assert 6 in tripped(after(*WHOLE, sound=False))


# --- the books themselves


def test_5_a_fact_of_a_system_that_does_not_own_it_trips_owners() -> None:
    books = after(*WHOLE).books()
    (kept,) = books.returns
    stated = {WarehouseReported: "warehouse", RefundMoved: "gateway"}
    log = tuple(replace(entry, family=stated.get(type(entry.fact))) for entry in kept.log)
    assert tripped(replace(books, returns=(replace(kept, log=log),))) == set()
    usurped = tuple(replace(entry, family="portal" if entry.family == "warehouse" else None) for entry in log)
    assert tripped(replace(books, returns=(replace(kept, log=usurped),))) == {5}


def test_5_a_command_that_went_to_another_system_trips_owners() -> None:
    books = after(*WHOLE).books()
    sent = tuple(replace(s, family="portal" if s.command.role is Role.ERP else s.family) for s in books.sent)
    assert tripped(replace(books, sent=sent)) == {5}


def test_6_a_state_its_log_does_not_lead_to_trips_replay() -> None:
    books = after(*WHOLE).books()
    (kept,) = books.returns
    moved = replace(kept, case=replace(kept.case, tracking="TRK-OTHER"))
    assert 6 in tripped(replace(books, returns=(moved,)))
    double = replace(kept, log=(*kept.log, Logged(fact=kept.log[-1].fact)))
    assert 6 in tripped(replace(books, returns=(double,)))


@pytest.mark.parametrize(
    ("documents", "broken"),
    [
        ((Held(kind="credit_note", number="CN001", amount=4000),), False),
        ((), True),
        ((Held(kind="credit_note", number="CN001", amount=4000),) * 2, True),
        ((Held(kind="credit_note", number="CN001", amount=3999),), True),
        ((Held(kind="credit_note", number="CN001"), Held(kind="credit_note", number="CN777")), True),
        ((Held(kind="credit_note", number="CN001"), Held(kind="credit_note", number="CN777", ours=False)), False),
    ],
)
def test_3_credit_notes_read_back_are_each_asked_for_once(documents: tuple[Held, ...], broken: bool) -> None:
    books = replace(after(*WHOLE).books(), documents=documents)
    assert (3 in tripped(books)) is broken


def test_every_invariant_has_a_name_and_a_violation_says_it() -> None:
    assert sorted(NAMES) == [1, 2, 3, 4, 5, 6]
    assert Violation(invariant=4, where="a", sentence="b").name == NAMES[4]
