"""What people do with problems: retry, settle by hand, accept, resolve, pause and resume, requeue.

Every action is written to the log with who did it and why, in the same transaction as its effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

import msgspec

from counterfoil.core.approvals import same_person
from counterfoil.core.case import ReturnCase, Step, StepState
from counterfoil.core.consent import Wanted, wanted, why_not
from counterfoil.core.inner_events import (
    ApprovalGiven,
    ApprovalRefused,
    DifferenceAccepted,
    InnerFact,
    RefundAdopted,
    RetryAsked,
    StepSettled,
)
from counterfoil.core.look import Look
from counterfoil.core.money import to_text
from counterfoil.flow.advance import advance, lock_for, look_of, order_of
from counterfoil.flow.world import World
from counterfoil.ports.actions import ActionError
from counterfoil.ports.translation import Signature
from counterfoil.ports.vendors import Delivery
from counterfoil.store import cases, log, problems
from counterfoil.store.database import Row, Transaction, now_ms

REASON_MAX = 2_000


class People:
    """The actions of the console and the command line (see `ports/actions.py` for what each means)."""

    def __init__(self, world: World) -> None:
        self._world = world

    def retry(self, case_id: str, step: str, by: str, reason: str) -> None:
        """Ask for a refused step again. Without a step, only look at the return again."""
        with self._world.database.write() as tx:
            case = self._case(tx, case_id)
            if not step:
                advance(self._world, tx, case_id, [])
                return
            refused = _step(case, step)
            if refused.state is not StepState.REFUSED:
                raise ActionError(f"Step {step} is {refused.state.value}; only a refused step can be retried.")
            key = f"retry:{step}:{refused.edition}"
            self._act(tx, case_id, RetryAsked(key=key, occurred_at=self._world.now(), step=step, by=by, reason=reason))

    def settle(self, case_id: str, step: str, by: str, reason: str, number: str) -> None:
        """Record that a person did the step in the other system."""
        if not reason.strip():
            raise ActionError("Say in a few words how it was done; the auditor reads it.")
        with self._world.database.write() as tx:
            found = _step(self._case(tx, case_id), step)
            if found.state is not StepState.REFUSED:
                raise ActionError(f"Step {step} is {found.state.value}; only a refused step can be settled by hand.")
            fact = StepSettled(
                key=f"settled:{step}:{found.edition}",
                occurred_at=self._world.now(),
                step=step,
                by=by,
                reason=reason,
                ref=found.ref or number or None,
                number=number or found.number,
            )
            self._act(tx, case_id, fact)

    def accept(self, case_id: str, kind: str, by: str, reason: str) -> None:
        """Accept a problem of this kind on this return as it is."""
        if not reason.strip():
            raise ActionError("Accepting needs a reason; the auditor reads it.")
        with self._world.database.write() as tx:
            self._case(tx, case_id)
            if not any(row["kind"] == kind for row in tx.rows("problems_of_case", case_id=case_id)):
                raise ActionError("This exception is not open any more; somebody was quicker.")
            fact = DifferenceAccepted(
                key=f"accepted:{kind}:{uuid4().hex[:8]}", occurred_at=self._world.now(), kind=kind, by=by, reason=reason
            )
            self._act(tx, case_id, fact)

    def wanted(self, case_id: str) -> tuple[Wanted, ...]:
        """What people are asked for now."""
        with self._world.database.read() as tx:
            case = cases.peek(tx, case_id)
            if case is None:
                raise ActionError(f"There is no return {case_id}.")
            return wanted(look_of(self._world, tx, case))

    def answer(
        self, case_id: str, rule: str, amount: int, by: str, roles: Sequence[str], reason: str, *, agreed: bool
    ) -> None:
        """Agree or refuse. This is the one place that asks whether a person may; every door comes through here."""
        if not reason.strip():
            raise ActionError("An answer needs a reason; the auditor reads it.")
        with self._world.database.write() as tx:
            case = self._case(tx, case_id)
            look = look_of(self._world, tx, case)
            wish = _wish(look, rule, amount)
            forbidden = why_not(look, wish, by, tuple(roles))
            if forbidden:
                raise ActionError(forbidden)
            if any(same_person(v.by, by) and v.agreed is agreed for v in (*wish.given, *wish.refused)):
                return
            kind = ApprovalGiven if agreed else ApprovalRefused
            fact = kind(
                key=f"voice:{uuid4().hex}",
                occurred_at=self._world.now(),
                rule=wish.rule,
                terms=wish.terms,
                by=by,
                roles=tuple(sorted(set(roles))),
                reason=reason[:REASON_MAX],
            )
            self._act(tx, case_id, fact)

    def adopt_refund(self, case_id: str, ref: str, by: str, reason: str) -> None:
        """A refund no return named was for this one; it is taken up and the return settles (R85)."""
        if not reason.strip():
            raise ActionError("Say why it was for this return; the auditor reads it.")
        with self._world.database.write() as tx:
            case = self._case(tx, case_id)
            fact = cases.loose_refund(tx, case.case.brand, ref)
            if fact is None:
                raise ActionError(f"No refund {ref} waits for a return; it may belong to one already.")
            if fact.currency != case.currency:
                raise ActionError(f"{ref} is in {fact.currency} and the return in {case.currency}.")
            if fact.order_ref and case.case.order_ref and fact.order_ref != case.case.order_ref:
                raise ActionError(f"{ref} was paid on order {fact.order_ref}; the return is of {case.case.order_ref}.")
            adopted = RefundAdopted(
                key=f"adopted:{ref}", occurred_at=self._world.now(), ref=ref, by=by, reason=reason[:2000]
            )
            self._act(tx, case_id, adopted)

    def resolve_problem(self, problem_id: int, by: str, reason: str) -> None:
        """Close a problem by hand; it comes back when a later look finds the same trouble."""
        if not reason.strip():
            raise ActionError("Resolving needs a reason; the auditor reads it.")
        with self._world.database.write() as tx:
            row = tx.one("problem_hold", id=problem_id)
            if row is None:
                raise ActionError("There is no such exception.")
            if not problems.end(tx, row, state="resolved", by=by, because=reason[:2000]):
                raise ActionError(f"This exception is already closed ({row['closed_because']}).")
            self._note(tx, "system/problems", "ProblemResolved.v1", by, {"problem": problem_id, "reason": reason})

    def pause(self, connection: str, by: str, reason: str) -> None:
        """Stop sending to a connection. What arrives is still stored."""
        with self._world.database.write() as tx:
            self._known(connection)
            because = f"paused by {by}: {reason}" if reason else f"paused by {by}"
            tx.run("connection_pause", name=connection, because=because, now=now_ms())
            self._note(tx, "system/connections", "ConnectionPaused.v1", by, {"name": connection, "reason": reason})

    def resume(self, connection: str, by: str) -> None:
        """Carry on where a paused connection stopped."""
        with self._world.database.write() as tx:
            known = self._known(connection)
            tx.run("connection_resume", name=connection)
            problems.end_loose(tx, known, "connection_locked_out", connection, f"resumed by {by}")
            self._note(tx, "system/connections", "ConnectionResumed.v1", by, {"name": connection})

    def requeue_delivery(self, delivery_id: int, by: str) -> None:
        """Read a quarantined delivery again, its signature checked against the secrets of now."""
        with self._world.database.read() as tx:
            row = tx.one("delivery_get", id=delivery_id)
        if row is None:
            raise ActionError("There is no such delivery.")
        self._verify_again(row)
        with self._world.database.write() as tx:
            if tx.run("delivery_requeue", id=delivery_id, note=f"requeued by {by}") != 1:
                raise ActionError("This delivery is being read already.")
            brand = self._world.connections[row["connection"]].brand
            subject = f"delivery {delivery_id}"
            for kind in ("delivery_not_applied", "unreadable_delivery"):
                problems.end_loose(tx, brand, kind, subject, f"requeued by {by}")
            self._note(tx, "system/deliveries", "DeliveryRequeued.v1", by, {"delivery": delivery_id})

    def _verify_again(self, row: Row) -> None:
        """A delivery kept for its signature is believed only once the signature fits."""
        if row["signature"] not in ("invalid", "absent"):
            return
        connection = self._world.connections.get(row["connection"])
        hook = connection.spec.hook if connection is not None else None
        if connection is None or hook is None:
            raise ActionError("The connection of this delivery does not exist any more.")
        body = self._world.vault.open(row["body"], row["body_key"])
        headers = msgspec.json.decode(row["headers"], type=dict[str, str])
        arrived = row["arrived_ms"] / 1000  # the sender's time window is judged as of arrival
        found = hook.verify(Delivery(body=body, headers=headers, arrived_at=arrived), connection.secrets)
        if found is not Signature.VALID:
            raise ActionError(f"Its signature is still {found.value}: correct the secret of {connection.name} first.")

    def _case(self, tx: Transaction, case_id: str) -> ReturnCase:
        known = cases.peek(tx, case_id)
        if known is None:
            raise ActionError(f"There is no return {case_id}.")
        lock_for(tx, known.case.brand, order_of(tx, case_id))
        stored = cases.load(tx, case_id)
        assert stored is not None
        return stored.case

    def _act(self, tx: Transaction, case_id: str, fact: InnerFact) -> None:
        actor = getattr(fact, "by", "somebody")
        advance(self._world, tx, case_id, [fact], f"person:{actor}")

    def _known(self, connection: str) -> str:
        found = self._world.connections.get(connection)
        if found is None:
            raise ActionError(f"There is no connection {connection!r}.")
        return found.brand

    def _note(self, tx: Transaction, stream: str, name: str, by: str, what: dict[str, object]) -> None:
        payload = msgspec.json.encode({"type": name, **what}).decode()
        log.note(tx, stream=stream, key=uuid4().hex, name=name, actor=f"person:{by}", payload=payload)


def _wish(look: Look, rule: str, amount: int) -> Wanted:
    """The approval a person answers, when it is still the one they were shown."""
    wish = next((wish for wish in wanted(look) if wish.rule == rule), None)
    if wish is None:
        raise ActionError("Nobody is asked to approve this any more; load the page again.")
    if wish.terms.amount != amount:
        now, then = (to_text(minor, wish.terms.currency) for minor in (wish.terms.amount, amount))
        raise ActionError(f"The amount is {now} {wish.terms.currency} by now, not {then}; look again before you agree.")
    return wish


def _step(case: ReturnCase, name: str) -> Step:
    step = case.steps.get(name)
    if step is None:
        raise ActionError(f"The return has no step {name}; it may have moved on. Load the page again.")
    return step
