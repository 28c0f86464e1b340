"""What time alone changes: deadlines that pass, facts nobody asked for, leases that ran out, signatures that fail."""

from __future__ import annotations

import structlog

from counterfoil.core.case import receipt_key
from counterfoil.core.events import OutsideFact, RefundMoved, RefundState, WarehouseReported
from counterfoil.core.money import to_text
from counterfoil.core.problems import Problem
from counterfoil.flow.advance import advance, lock_for, order_of
from counterfoil.flow.world import World
from counterfoil.store import cases, problems
from counterfoil.store.database import now_ms

_log = structlog.get_logger("counterfoil.look_again")

BATCH = 200
POSTPONED_MS = 3600 * 1000  # so that many which cannot be decided do not fill every batch
REFUND_UNCLAIMED_AFTER_MS = 24 * 3600 * 1000  # the portal has so long to name a refund as its own (R85, R93)


def look_again(world: World) -> int:
    """Decide again about returns whose deadline has passed; how many."""
    with world.database.read() as tx:
        due = [row["case_id"] for row in tx.rows("cases_to_look_at", now=now_ms(), limit=BATCH)]
    return sum(_looked_at(world, case_id) for case_id in due)


def look_at(world: World, case_id: str) -> None:
    """Decide again about one return, with no new fact."""
    with world.database.write() as tx:
        stored = cases.peek(tx, case_id)
        if stored is not None:
            lock_for(tx, stored.case.brand, order_of(tx, case_id))
            advance(world, tx, case_id, [])


def look_at_troubled(world: World) -> int:
    """Decide again about every open return with a problem: mapping, policy or settings may have changed."""
    with world.database.read() as tx:
        found = [row["case_id"] for row in tx.rows("cases_troubled")]
    return sum(_looked_at(world, case_id) for case_id in found)


def _looked_at(world: World, case_id: str) -> bool:
    """One return that cannot be decided (its setup may be gone) stops no other."""
    try:
        look_at(world, case_id)
    except Exception as error:
        _log.error("not_decided", case=case_id, error=repr(error))
        with world.database.write() as tx:
            tx.run("case_postpone", case_id=case_id, until=now_ms() + POSTPONED_MS)
        return False
    return True


def unclaimed(world: World, older_than_ms: int = REFUND_UNCLAIMED_AFTER_MS) -> int:
    """Refunds no return named in time were made outside the portal (R85); a problem each."""
    with world.database.write() as tx:
        rows = tx.rows("loose_old", before=now_ms() - older_than_ms, limit=BATCH)
        found = 0
        for row in rows:
            fact = cases.decode_fact(row["fact"])
            if isinstance(fact, RefundMoved) and fact.status is RefundState.CONFIRMED:
                problems.put(tx, row["brand"], _outside_portal(fact))
                found += 1
    return found


def blind_parcels(world: World) -> int:
    """Parcels whose return did not become known within the grace time are blind (R45, R47); a problem each.

    A parcel often arrives a moment before its return's tracking; saying so at once would be an exception that ends by
    itself a second later and spoils the exception rate.
    """
    with world.database.write() as tx:
        rows = tx.rows("loose_blind_due", now=now_ms(), limit=BATCH)
        for row in rows:
            fact = cases.decode_fact(row["fact"])
            if isinstance(fact, WarehouseReported):
                problems.put(tx, row["brand"], _blind(fact), delivery_id=row["delivery_id"])
            tx.run("loose_blind_said", id=row["id"])
    return len(rows)


def _blind(fact: WarehouseReported) -> Problem:
    receipt = fact.receipt
    items = ", ".join(f"{line.received_quantity} × {line.sku or line.barcode}" for line in receipt.lines)
    clue = receipt.rma_number or receipt.tracking_number or receipt.order_number or "no reference"
    message = f"{receipt.warehouse_code} received {items} on {receipt.receipt_id} ({clue}); no return fits."
    units = sum(line.received_quantity for line in receipt.lines)
    subject = receipt_key(receipt.source, receipt.receipt_id)
    return Problem(kind="blind_receipt", subject=subject, message=message, units=units)


def _outside_portal(fact: OutsideFact) -> Problem:
    assert isinstance(fact, RefundMoved)
    amount = f"{to_text(fact.amount, fact.currency)} {fact.currency}"
    return Problem(
        kind="refund_outside_portal",
        subject=fact.key,
        message=f"{amount} was refunded on order {fact.order_ref} through {fact.gateway or fact.source}; "
        "no return in the portal names it.",
        amount=fact.amount,
        currency=fact.currency,
    )


def release_leases(world: World) -> int:
    """Give commands of dead workers back; the next attempt looks the document up first."""
    with world.database.write() as tx:
        return tx.run("commands_expired", now=now_ms())


def failing_signatures(world: World) -> None:
    """One problem for each connection that keeps deliveries with wrong signatures; it ends when they are read."""
    with world.database.write() as tx:
        counts = {row["connection"]: row["kept"] for row in tx.rows("deliveries_distrusted")}
        for connection in world.connections.values():
            kept = counts.get(connection.name, 0)
            if not kept:
                because = "no delivery waits for its signature"
                problems.end_loose(tx, connection.brand, "signature_invalid", connection.name, because)
                continue
            problem = Problem(
                kind="signature_invalid",
                subject=connection.name,
                message=f"{kept} deliveries of {connection.name} are kept because their signature does not fit.",
            )
            problems.put(tx, connection.brand, problem, connection=connection.name)
