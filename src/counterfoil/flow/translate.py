"""From kept deliveries to facts: read in order of arrival, apply or quarantine; nothing is dropped, nothing becomes zero.

Each delivery is one transaction: what it says is applied and the delivery marked, or neither.
"""

from __future__ import annotations

import time
import traceback
from typing import Any

import msgspec
import structlog

from counterfoil.core.commands import CaseRef, ReadReturn
from counterfoil.core.events import ReturnFact, ReturnRef
from counterfoil.core.problems import Problem
from counterfoil.flow.findings import put_findings
from counterfoil.flow.route import route
from counterfoil.flow.world import Connection, World
from counterfoil.ports.translation import Kind, Signature, Translation
from counterfoil.ports.vendors import Delivery
from counterfoil.store import commands, problems
from counterfoil.store.commands import READ_STEP
from counterfoil.store.database import Transaction

BATCH = 50
APPLY_ATTEMPTS = 2

_log = structlog.get_logger("counterfoil.translate")


def read_inbox(world: World, connection: Connection, batch: int = BATCH) -> int:
    """Read the oldest unread deliveries of a connection; how many there were."""
    with world.database.read() as tx:
        rows = tx.rows("deliveries_new", connection=connection.name, limit=batch)
    for row in rows:
        _read(world, connection, row)
    return len(rows)


def _read(world: World, connection: Connection, row: dict[str, Any]) -> None:
    try:
        body = world.vault.open(row["body"], row["body_key"])
        delivery = Delivery(
            body=body,
            headers=msgspec.json.decode(row["headers"], type=dict[str, str]),
            arrived_at=row["arrived_ms"] / 1000,
        )
        found = _believed(connection, row["signature"], connection.translate(delivery))
        _keep(world, connection, found, row["id"])
    except Exception as error:  # a mistake of ours must not stop the inbox; the bytes stay
        _log.error("delivery_not_applied", delivery=row["id"], connection=connection.name, error=repr(error))
        _quarantine(world, connection, row["id"], f"{type(error).__name__}: {error}", traceback.format_exc(limit=3))


def _believed(connection: Connection, signature: str, found: Translation) -> Translation:
    """Where nothing is signed a body is believed for its ids alone: what it states is asked of the vendor again."""
    hook = connection.spec.hook
    if hook is None or hook.signed or signature == Signature.VALID or not found.events:
        return found
    ids = [event.portal_return.return_id for event in found.events if isinstance(event, ReturnFact)]
    ids += [event.return_id for event in found.events if isinstance(event, ReturnRef)]
    return msgspec.structs.replace(found, events=(), reread=tuple(dict.fromkeys((*found.reread, *ids))))


def _keep(world: World, connection: Connection, found: Translation, delivery_id: int) -> None:
    """Apply in one transaction; a database that was away for a moment is asked again before a person is."""
    for left in reversed(range(APPLY_ATTEMPTS)):
        try:
            with world.database.write() as tx:
                _apply(world, connection, tx, found, delivery_id)
            return
        except Exception:
            if not left:
                raise
            time.sleep(0.02)


def _apply(world: World, connection: Connection, tx: Transaction, found: Translation, delivery_id: int) -> None:
    touched = route(world, tx, connection.brand, found.events, actor=connection.name, delivery_id=delivery_id)
    for return_id in found.reread:
        _read_again(tx, connection, return_id, delivery_id)
    case_id = touched[0] if len(touched) == 1 else None
    put_findings(
        tx, connection, found.problems, about=f"delivery {delivery_id}", case_id=case_id, delivery_id=delivery_id
    )
    unreadable = found.kind is Kind.UNREADABLE
    idle = found.ignored_because and not found.events and not found.reread
    state = "quarantined" if unreadable else "ignored" if idle else "read"
    note = found.ignored_because or (found.problems[0].message if found.problems else None)
    tx.run("delivery_done", id=delivery_id, state=state, kind=found.kind.value, topic=found.topic, note=note)


def _read_again(tx: Transaction, connection: Connection, return_id: str, delivery_id: int) -> None:
    """Ask the portal for the return itself; one question that still waits answers every delivery about it."""
    case = CaseRef(brand=connection.brand, portal=connection.vendor, return_id=return_id)
    if tx.one("command_read_waiting", case_id=case.case_id) is None:
        command = ReadReturn(case=case, step=f"{READ_STEP}{delivery_id}")
        commands.put(tx, command, 1, connection.name)


def _quarantine(world: World, connection: Connection, delivery_id: int, why: str, detail: str) -> None:
    _log.info("quarantined", delivery=delivery_id, detail=detail)
    with world.database.write() as tx:
        tx.run("delivery_done", id=delivery_id, state="quarantined", kind=None, topic=None, note=why)
        problem = Problem(
            kind="delivery_not_applied",
            subject=f"delivery {delivery_id}",
            message=f"A delivery of {connection.name} could not be applied ({why}). Its bytes are kept.",
        )
        problems.put(tx, connection.brand, problem, connection=connection.name, delivery_id=delivery_id)
