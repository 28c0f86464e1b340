"""From facts to returns: each fact finds the return it belongs to, or waits where the return will find it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from counterfoil.core.case import ReturnCase
from counterfoil.core.events import (
    ChargebackMoved,
    OrderSeen,
    OutsideFact,
    PortalFact,
    RefundMoved,
    ReturnFact,
    WarehouseReported,
)
from counterfoil.core.evolve import new_case
from counterfoil.core.owners import may_state
from counterfoil.core.problems import Problem
from counterfoil.flow.advance import advance, lock_for, open_return, order_of
from counterfoil.flow.belongs import belongs, best, keys_of
from counterfoil.flow.world import World
from counterfoil.store import cases, log, problems
from counterfoil.store.cases import Key
from counterfoil.store.database import Transaction, now_ms

MINUTE_MS = 60_000


def route(
    world: World,
    tx: Transaction,
    brand: str,
    facts: Sequence[OutsideFact],
    *,
    actor: str,
    delivery_id: int | None = None,
) -> tuple[str, ...]:
    """Bring facts of one delivery to their returns, in the caller's transaction; the returns they went to."""
    touched: list[str] = []
    for fact in facts:
        if not owns(world, actor, fact):
            _refuse(tx, brand, fact, actor)
            continue
        match fact:
            case ReturnFact():
                touched.append(_portal_fact(world, tx, brand, fact, actor))
            case OrderSeen():
                touched += _order_fact(world, tx, brand, fact, actor)
            case ChargebackMoved():
                touched += _chargeback(world, tx, brand, fact, actor, delivery_id)
            case _:
                touched += _other_fact(world, tx, brand, fact, actor, delivery_id)
    return tuple(dict.fromkeys(touched))


def owns(world: World, actor: str, fact: OutsideFact) -> bool:
    """Whether the system a fact came from may state it (R1, invariant 5); whoever is no connection is not asked."""
    connection = world.connections.get(actor.removesuffix(" poll"))
    return connection is None or may_state(connection.family.value, type(fact).__name__)


def _refuse(tx: Transaction, brand: str, fact: OutsideFact, actor: str) -> None:
    """Refused and logged: a second system never becomes a shadow owner. The fact itself stays readable in the log."""
    name = type(fact).__name__
    known = tx.one("log_has", stream=f"system/refused/{brand}", fact_key=fact.key)
    message = f"{actor} stated {name} ({fact.key}), which belongs to another system; nothing was changed."
    problems.put(tx, brand, Problem(kind="write_by_non_owner", subject=f"{actor}: {name}", message=message))
    if known is None:
        payload = msgspec.json.encode({"type": "FactRefused.v1", "fact": fact}).decode()
        stream = f"system/refused/{brand}"
        log.note(tx, stream=stream, key=fact.key, name="FactRefused.v1", actor=actor, payload=payload)


def _portal_fact(world: World, tx: Transaction, brand: str, fact: PortalFact, actor: str) -> str:
    case = new_case(brand, fact.portal_return)
    lock_for(tx, brand, case.case.order_ref)
    open_return(world, tx, case, [fact], actor)
    return case.case_id


def _order_fact(world: World, tx: Transaction, brand: str, fact: OrderSeen, actor: str) -> list[str]:
    """Keep the order; returns that wait for it go on."""
    lock_for(tx, brand, fact.order.order_ref)
    cases.put_order(tx, brand, fact)
    waiting = []
    for case_id in cases.by_key(tx, brand, ("order", fact.order.order_ref)):
        stored = cases.load(tx, case_id)
        if stored is not None and stored.case.order is None:
            advance(world, tx, case_id, [fact], actor)
            waiting.append(case_id)
    return waiting


def _chargeback(
    world: World, tx: Transaction, brand: str, fact: ChargebackMoved, actor: str, delivery_id: int | None
) -> list[str]:
    """Every return of the order hears of it now; it is kept for those that come later."""
    keys = keys_of(fact)
    cases.put_loose(tx, brand, fact, keys, delivery_id)
    named = {case_id for key in keys for case_id in cases.by_key(tx, brand, key)}
    found = [case_id for case_id in sorted(named) if belongs(_load(tx, case_id), fact)]
    for case_id in found:
        lock_for(tx, brand, order_of(tx, case_id))
        advance(world, tx, case_id, [fact], actor)
    return found


def _other_fact(
    world: World, tx: Transaction, brand: str, fact: OutsideFact, actor: str, delivery_id: int | None
) -> list[str]:
    keys = keys_of(fact)
    found = _find(tx, brand, fact, keys)
    if found is not None:
        lock_for(tx, brand, order_of(tx, found))
        advance(world, tx, found, [fact], actor)
        return [found]
    cases.put_loose(tx, brand, fact, keys, delivery_id)
    if isinstance(fact, RefundMoved):
        _look_at_order(world, tx, brand, fact)
    if isinstance(fact, WarehouseReported) and fact.receipt.lines:
        due = now_ms() + world.proof.blind_grace_min * MINUTE_MS
        tx.run("loose_blind_from", brand=brand, fact_key=fact.key, due=due)
    return []


def _look_at_order(world: World, tx: Transaction, brand: str, fact: RefundMoved) -> None:
    """Money left past the order's returns: each of them is decided again under what the ceiling leaves (R85)."""
    if fact.order_ref is None:
        return
    lock_for(tx, brand, fact.order_ref)
    for case_id in cases.by_key(tx, brand, ("order", fact.order_ref)):
        advance(world, tx, case_id, [])


def _find(tx: Transaction, brand: str, fact: OutsideFact, keys: Sequence[Key]) -> str | None:
    """The return a fact belongs to. The first reference that leads anywhere decides."""
    for key in keys:
        candidates = [_load(tx, case_id) for case_id in cases.by_key(tx, brand, key)]
        if isinstance(fact, WarehouseReported):
            chosen = best(candidates, fact)
            if chosen is not None:
                return chosen.case_id
            continue
        fitting = [case for case in candidates if belongs(case, fact)]
        if len(fitting) == 1:
            return fitting[0].case_id
    return None


def _load(tx: Transaction, case_id: str) -> ReturnCase:
    stored = cases.peek(tx, case_id)
    assert stored is not None, "case keys point at returns that exist"
    return stored
