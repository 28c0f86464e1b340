"""One cause, all it holds: what a fix would do (a dry run of the decision), and doing it to every return.

A run is written down before it starts; each return is one transaction with its own result, so a process that stops
leaves a run that any worker carries on.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import structlog

from counterfoil.core.case import ReturnCase, StepState
from counterfoil.core.causes import cause_of
from counterfoil.core.decide import decide
from counterfoil.core.evolve import evolve
from counterfoil.core.inner_events import AnyFact, RetryAsked
from counterfoil.core.look import Look
from counterfoil.core.problem_kinds import kind_of
from counterfoil.flow.advance import advance, lock_for, order_of
from counterfoil.flow.vocabulary import setup_in_force
from counterfoil.flow.world import World
from counterfoil.ports.actions import ActionError
from counterfoil.ports.desk import Fix, Foreseen
from counterfoil.store import cases
from counterfoil.store.database import Row, Transaction, now_ms

RUN_ROWS_MAX = 5_000
AT_ONCE_S = 2.0  # so long a person waits for a run; the worker carries on
RUNS_AT_ONCE = 5

_log = structlog.get_logger("counterfoil.mend")


def foresee(world: World, brand: str, cause: str, fix: Fix | None, rows: int) -> tuple[Foreseen, ...]:
    """What a fix, or trying again without one, would do to each return of a cause; nothing is written."""
    with world.database.read() as tx:
        held = _distinct(tx.rows("cause_cases", brand=brand, cause=cause, rows=rows))
        return tuple(_foresee_one(world, tx, row, cause, fix) for row in held)


def _foresee_one(world: World, tx: Transaction, row: Row, cause: str, fix: Fix | None) -> Foreseen:
    case = cases.peek(tx, row["case_id"])
    assert case is not None, "a problem's return exists"
    name = case.case.order_name or case.case.return_id
    try:
        setup = setup_in_force(world, tx, case.case.brand, case.case.portal)
    except KeyError as error:
        return Foreseen(case_id=case.case_id, name=name, freed=False, trouble=str(error.args[0]))
    mapping = setup.mapping
    if fix is not None and (fix.brand, fix.portal) == (case.case.brand, case.case.portal):
        mapping = mapping.changed(fix.kind, fix.word, fix.meaning)
    for fact in _asking_again(world, case, row["subject"], "", ""):
        case = evolve(case, fact)
    look = Look(case=case, agreement=setup.agreement, mapping=mapping, ledger=cases.ledger(tx, case), now=world.now())
    decision = decide(look)
    return Foreseen(
        case_id=case.case_id,
        name=name,
        freed=all(cause_of(problem, case) != cause for problem in decision.problems),
        asks=tuple(type(request.command).__name__ for request in decision.requests),
        remains=tuple(sorted({problem.kind for problem in decision.problems})),
        amount=row["amount_minor"],
        currency=row["currency"],
        units=row["units"],
    )


def start_run(
    world: World, tx: Transaction, *, brand: str, cause: str, by: str, reason: str, change_id: int | None
) -> int:
    """Write down which returns are to be decided again; the run's id. Nothing is done yet."""
    held = _distinct(tx.rows("cause_cases", brand=brand, cause=cause, rows=RUN_ROWS_MAX))
    kind, _, words = cause.partition(":")
    title = kind_of(kind).title + (f": {words}" if words else "")
    run = tx.one(
        "run_put",
        what="replay",
        title=title,
        by=by,
        because=reason,
        now=now_ms(),
        total=len(held),
        change_id=change_id,
    )
    assert run is not None
    tx.many(
        "run_row_put",
        [
            {"run_id": run["id"], "place": place, "case_id": row["case_id"], "step": row["subject"]}
            for place, row in enumerate(held, start=1)
        ],
    )
    return int(run["id"])


def carry_on(world: World, run_id: int, for_s: float) -> bool:
    """Work on a run's rows for a while; whether it is through."""
    until = time.monotonic() + for_s
    with world.database.read() as tx:
        run = tx.one("run_get", id=run_id)
    if run is None:
        raise ActionError("There is no such run.")
    while time.monotonic() < until and _next_row(world, run):
        pass
    with world.database.write() as tx:
        tx.run("run_end", id=run_id, now=now_ms())
        ended = tx.one("run_get", id=run_id)
    return ended is not None and ended["state"] == "done"


def carry_on_all(world: World, for_s: float = 5.0) -> int:
    """Runs a person did not wait for, or that a stopped process left; how many were worked on."""
    with world.database.read() as tx:
        going = tx.rows("runs_going", rows=RUNS_AT_ONCE)
    for run in going:
        carry_on(world, run["id"], for_s)
    return len(going)


def _next_row(world: World, run: Row) -> bool:
    """One return; False when none waits. What fails is written at its row and stops no other."""
    place = None
    try:
        with world.database.write() as tx:
            row = tx.one("run_row_next", run_id=run["id"])
            if row is None:
                return False
            place = row["place"]
            state, words = _replay(world, tx, row, run)
            _end_row(tx, run, place, state, words)
    except Exception as error:
        if place is None:
            raise
        _log.error("replay_failed", run=run["id"], place=place, error=repr(error))
        with world.database.write() as tx:
            _end_row(tx, run, place, "failed", f"It could not be decided: {error}")
    return True


def _end_row(tx: Transaction, run: Row, place: int, state: str, words: str) -> None:
    tx.run("run_row_end", run_id=run["id"], place=place, state=state, words=words[:500], now=now_ms())


def _replay(world: World, tx: Transaction, row: Row, run: Row) -> tuple[str, str]:
    """Decide again about one return, its refused step put back; what became of it, in words."""
    known = cases.peek(tx, row["case_id"])
    if known is None:
        return "failed", "The return is not there any more."
    lock_for(tx, known.case.brand, order_of(tx, row["case_id"]))
    stored = cases.load(tx, row["case_id"])
    assert stored is not None
    before = {problem["kind"] for problem in tx.rows("problems_of_case", case_id=row["case_id"])}
    facts = _asking_again(world, stored.case, row["step"], run["by_whom"], run["because"])
    decision = advance(world, tx, row["case_id"], facts, f"person:{run['by_whom']}")
    left = sorted({problem.kind for problem in decision.problems})
    if left:
        titles = ", ".join(kind_of(kind).title for kind in left)
        return ("still", f"Still open: {titles}.") if before <= set(left) else ("done", f"Goes on; open: {titles}.")
    return "done", "Goes on." if decision.progress != "finished" else "Finished."


def _asking_again(world: World, case: ReturnCase, step: str, by: str, reason: str) -> Sequence[AnyFact]:
    """The fact that puts a refused step back; nothing where none was refused."""
    found = case.steps.get(step)
    if found is None or found.state is not StepState.REFUSED:
        return []
    key = f"retry:{step}:{found.edition}"
    return [RetryAsked(key=key, occurred_at=world.now(), step=step, by=by, reason=reason)]


def _distinct(rows: Sequence[Row]) -> list[Row]:
    """One row a return."""
    return list({row["case_id"]: row for row in reversed(rows)}.values())[::-1]
