"""The simulated system: the same seed gives the same run, faults strike, and each promise is tripped by a mutation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from counterfoil.core.commands import PostCreditNote
from counterfoil.ports.outcomes import Done
from counterfoil.simulate import run as module
from counterfoil.simulate.outcome import Outcome
from counterfoil.simulate.promises import PROMISES
from counterfoil.simulate.run import run

STEPS = 500


@pytest.fixture(autouse=True)
def small_weeks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(module, "RETURNS_A_WEEK", 8)
    monkeypatch.setattr(module, "WEEK_STEPS", STEPS // 2)
    yield


def broken(outcome: Outcome) -> set[str]:
    return {violation.invariant for violation in outcome.violations}


def test_the_same_seed_gives_the_same_log_and_no_promise_is_broken() -> None:
    first, second = run(3, STEPS, PROMISES), run(3, STEPS, PROMISES)
    assert first.log_hash == second.log_hash
    assert first.violations == second.violations == []
    assert first.documents == second.documents
    assert first.documents["credit_note"] > 5
    assert first.faults == second.faults
    assert sum(first.faults.values()) > 20


def test_another_seed_gives_another_log() -> None:
    assert run(4, STEPS // 2, PROMISES).log_hash != run(5, STEPS // 2, PROMISES).log_hash


def test_a_credit_note_that_was_never_posted_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutation: the adapter says done where nothing was done; a successful sync is no proof (R142)."""
    from counterfoil.simulate import house

    real = house._Named.perform

    def lying(self: Any, command: Any) -> Any:
        if isinstance(command, PostCreditNote):
            return Done(ref="CN-NOWHERE", number="CN-NOWHERE", total=command.credit.total_gross)
        return real(self, command)

    monkeypatch.setattr(house._Named, "perform", lying)
    assert "pairing" in broken(run(3, STEPS, PROMISES))


def test_an_exception_nobody_is_told_of_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from counterfoil.store import problems

    monkeypatch.setattr(module, "RETURNS_A_WEEK", 30)
    monkeypatch.setattr(problems, "put", lambda *args, **kwargs: None)
    assert "silence" in broken(run(3, STEPS, PROMISES))


def test_a_log_that_was_edited_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    real = module.Week.rest

    def edited(week: Any) -> bool:
        rested = real(week)
        with week.house.world.database.write() as tx:
            tx.query("update log set payload = replace(payload, 'a', 'b') where id = 3", {})
        return rested

    monkeypatch.setattr(module.Week, "rest", edited)
    assert broken(run(3, STEPS // 2, PROMISES)) == {"log", "invariant 6"}


def test_a_receipt_booked_without_its_units_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutation: units the warehouse counted stay where they were, in our books."""
    from counterfoil.core.case import Reception
    from counterfoil.demo import summary

    real = summary.all_cases

    def moved(tx: Any) -> Iterator[Any]:
        import msgspec

        for case, progress in real(tx):
            units = tuple(msgspec.structs.replace(u, disposition=None) for u in case.units)
            received = any(u.reception is Reception.RECEIVED for u in units)
            yield (msgspec.structs.replace(case, units=units) if received else case), progress

    monkeypatch.setattr(summary, "all_cases", moved)
    assert "units" in broken(run(3, STEPS // 2, PROMISES))
