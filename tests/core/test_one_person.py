"""No sequence of up to six actions by one person lets money above the threshold go (G16), and the search would see one."""

from __future__ import annotations

import pytest

from counterfoil.core import consent, evolve
from counterfoil.core.consent import wanted
from counterfoil.core.inner_events import ApprovalGiven
from counterfoil.testing.one_person import ROLES, SITUATIONS, Situation, search, stage_of


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_no_six_actions_of_one_person_let_the_money_go(situation: Situation) -> None:
    found = search(situation, 6)
    assert found.breach == ()
    assert found.states > 20 and found.sequences > 1_000_000


def test_two_people_do_what_one_cannot() -> None:
    stage = stage_of(SITUATIONS[0])
    for by in ("robin", "sam"):
        assert stage.told("release") == 0
        for wish in wanted(stage.look("R1")):
            stage.tell("R1", ApprovalGiven(key=by, rule=wish.rule, terms=wish.terms, by=by, roles=ROLES, reason="seen"))
    assert stage.told("release") == 1


def test_a_core_that_lets_the_requester_approve_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent, "why_not", lambda look, wish, by, roles: "")
    breach = search(SITUATIONS[1], 6).breach
    assert len(breach) == 2 and any(step.startswith("accepts") for step in breach)


def test_a_core_that_takes_another_spelling_for_another_person_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (consent, evolve):
        monkeypatch.setattr(module, "same_person", lambda one, other: one == other)
    assert len(search(SITUATIONS[0], 6).breach) == 2


def test_a_core_that_forgets_the_terms_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent, "wanted", lambda look: ())
    monkeypatch.setattr("counterfoil.core.rules.refund_needs_approval.wanted", lambda look: ())
    assert search(SITUATIONS[1], 6).breach
