"""From commands to the outside world: take one, look it up if it may have been sent before, try once, keep the outcome.

The outcome comes back as a fact and is applied in the same transaction that ends the command. A worker may die
anywhere: before the call nothing happened, after it the next attempt finds the document by its reference.
"""

from __future__ import annotations

import random
import time

import structlog

from counterfoil.core.inner_events import StepDone, StepRefused
from counterfoil.core.problems import Problem
from counterfoil.flow.advance import advance, lock_for, order_of
from counterfoil.flow.findings import put_findings
from counterfoil.flow.route import route
from counterfoil.flow.world import Connection, World
from counterfoil.ports.outcomes import (
    AlreadyDone,
    Busy,
    Done,
    Ended,
    LockedOut,
    NotYet,
    Outcome,
    Refused,
    Unknown,
    Unsupported,
)
from counterfoil.store import commands, problems
from counterfoil.store.commands import READ_STEP, Claimed
from counterfoil.store.database import Transaction, now_ms

LEASE_MS = 120_000  # longer than any client's timeout with its look-ups
BACKOFF_FIRST_MS, BACKOFF_MAX_MS = 500, 300_000
UNKNOWN_ATTEMPTS_MAX = 12  # after so many attempts without knowing, a person looks
UNRECORDED_ATTEMPTS = 3  # after so many attempts whose outcome we could not keep, a person hears of it
NOT_RECORDED = "NotRecorded"

_log = structlog.get_logger("counterfoil.deliver")


def deliver_one(world: World, connection: Connection) -> bool:
    """Carry out the next due command of a connection. False when there is none."""
    with world.database.write() as tx:
        claimed = commands.claim(tx, connection.name, world.worker, LEASE_MS)
    if claimed is None:
        return False
    outcome = attempt(connection, claimed)
    for _ in range(3):
        try:
            with world.database.write() as tx:
                _record(world, tx, connection, claimed, outcome)
                _recorded_again(tx, connection, claimed)
            return True
        except Exception as error:  # e.g. a serialisation conflict; the lease still covers us
            _log.warning("outcome_not_recorded", command=claimed.command.key, error=repr(error))
            failure = f"{type(error).__name__}: {error}"
            time.sleep(0.05)
    with world.database.write() as tx:
        _not_recorded(tx, connection, claimed, failure)
    return True


def _not_recorded(tx: Transaction, connection: Connection, claimed: Claimed, failure: str) -> None:
    """Our own mistake: back off, keep the command, look it up next time, and say so when it goes on."""
    message = "The outcome could not be recorded; it will be looked up."
    wait = _backoff(claimed.attempts)
    commands.again(tx, claimed, after_ms=wait, outcome=NOT_RECORDED, message=message, maybe_sent=True)
    if claimed.attempts >= UNRECORDED_ATTEMPTS:
        said = f"{claimed.command.step} of {claimed.case_id} was answered, but the answer cannot be kept: {failure}"
        problem = Problem(kind="outcome_not_recorded", subject=claimed.command.key, message=said)
        problems.put(tx, connection.brand, problem, connection=connection.name)


def _recorded_again(tx: Transaction, connection: Connection, claimed: Claimed) -> None:
    """What could not be kept before is kept now: the problem is over."""
    if claimed.outcome == NOT_RECORDED:
        key = claimed.command.key
        problems.end_loose(tx, connection.brand, "outcome_not_recorded", key, "the outcome could be recorded")


def attempt(connection: Connection, claimed: Claimed) -> Outcome:
    """One try. A write that may have happened before is looked up first; reads are simply read again."""
    command = claimed.command
    try:
        if command.writes and claimed.maybe_sent:
            found = connection.client.find(command)
            if found is not None:
                return found
        return connection.client.perform(command)
    except Exception as error:  # an adapter must not raise; if it does, nobody knows what happened
        _log.error("adapter_raised", command=command.key, error=repr(error))
        detail = f"{type(error).__name__}: {error}"
        return Unknown(message="Our side broke while talking to the system.", detail=detail)


def _record(world: World, tx: Transaction, connection: Connection, claimed: Claimed, outcome: Outcome) -> None:
    match outcome:
        case Done():
            _done(world, tx, connection, claimed, outcome)
        case Refused():
            _refused(world, tx, connection, claimed, outcome.kind, outcome)
        case Unsupported():
            _refused(world, tx, connection, claimed, "not_supported_by_system", outcome)
        case Unknown() if claimed.unknowns + 1 >= UNKNOWN_ATTEMPTS_MAX:
            _refused(world, tx, connection, claimed, "outcome_unknown", outcome)
        case LockedOut():
            _locked_out(tx, connection, claimed, outcome)
        case NotYet() | Busy() | Unknown():
            _later(tx, connection, claimed, outcome)


def _done(world: World, tx: Transaction, connection: Connection, claimed: Claimed, outcome: Done) -> None:
    lock_for(tx, connection.brand, order_of(tx, claimed.case_id))
    if not commands.end(tx, claimed, "done", type(outcome).__name__, outcome.message):
        return  # the lease was lost; whoever has it finds the document
    tx.run("connection_ok", name=connection.name, now=now_ms())
    step = claimed.command.step
    found = outcome.ref is not None and isinstance(outcome, AlreadyDone)
    fact = StepDone(
        key=f"done:{step}:{claimed.edition}",
        occurred_at=world.now(),
        step=step,
        edition=claimed.edition,
        ref=outcome.ref,
        number=outcome.number,
        total=outcome.total,
        url=outcome.url,
        lines=outcome.lines,
        order=outcome.order,
        stock=outcome.stock,
        message="found again by its reference" if found else outcome.message,
    )
    route(world, tx, connection.brand, outcome.facts, actor=connection.name)
    put_findings(tx, connection, outcome.findings, about=step, case_id=claimed.case_id)
    if not step.startswith(READ_STEP):
        advance(world, tx, claimed.case_id, [fact], connection.name)


def _refused(
    world: World, tx: Transaction, connection: Connection, claimed: Claimed, kind: str, outcome: Ended
) -> None:
    lock_for(tx, connection.brand, order_of(tx, claimed.case_id))
    if not commands.end(tx, claimed, "dead", kind, outcome.message):
        return
    step = claimed.command.step
    refused = outcome if isinstance(outcome, Refused) else None
    if step.startswith(READ_STEP):
        problem = Problem(kind=kind, subject=claimed.case_id, message=outcome.message)
        owner = refused.owner if refused else None
        problems.put(tx, connection.brand, problem, owner=owner, connection=connection.name)
        return
    fact = StepRefused(
        key=f"refused:{step}:{claimed.edition}",
        occurred_at=world.now(),
        step=step,
        edition=claimed.edition,
        kind=kind,
        message=outcome.message or "The system refused without a reason.",
        owner=refused.owner if refused else None,
        ref=refused.ref if refused else None,
        number=refused.number if refused else None,
    )
    advance(world, tx, claimed.case_id, [fact], connection.name)


def _later(tx: Transaction, connection: Connection, claimed: Claimed, outcome: NotYet | Busy | Unknown) -> None:
    """Busy holds the whole connection for a moment, so that every command of it does not knock by itself."""
    wait = _backoff(claimed.attempts)
    if not isinstance(outcome, Unknown) and outcome.after_s is not None:
        wait = int(outcome.after_s * 1000)
    sent_before = claimed.maybe_sent and claimed.command.writes
    commands.again(
        tx,
        claimed,
        after_ms=wait,
        outcome=type(outcome).__name__,
        message=outcome.message,
        maybe_sent=isinstance(outcome, Unknown) or sent_before,
    )
    if isinstance(outcome, Busy):
        pause = min(wait, 5_000)
        tx.run("connection_busy", name=connection.name, until=now_ms() + pause, now=now_ms(), message=outcome.message)
    elif isinstance(outcome, Unknown):
        tx.run("connection_trouble", name=connection.name, now=now_ms(), message=outcome.message)


def _locked_out(tx: Transaction, connection: Connection, claimed: Claimed, outcome: LockedOut) -> None:
    """Pause the connection and say so once; the command keeps its place."""
    commands.again(tx, claimed, after_ms=0, outcome="LockedOut", message=outcome.message, maybe_sent=claimed.maybe_sent)
    message = f"{connection.name}: {outcome.message or 'the system refuses our credentials'}"
    tx.run("connection_pause", name=connection.name, because=message, now=now_ms())
    problem = Problem(kind="connection_locked_out", subject=connection.name, message=message)
    problems.put(tx, connection.brand, problem, connection=connection.name)


def _backoff(attempts: int) -> int:
    """Doubling with jitter, in milliseconds, up to five minutes."""
    ceiling = min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** min(attempts, 12))
    return int(ceiling * random.uniform(0.5, 1.0))
