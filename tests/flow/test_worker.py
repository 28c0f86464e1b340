"""The worker: slots for every connection, a relay that wakes them, and bounded rounds; the engine may lose everything."""

from __future__ import annotations

import time

import pytest

from counterfoil.flow.deliver import deliver_one
from counterfoil.jobs import worker as module
from counterfoil.jobs.worker import Worker, dead_workers
from counterfoil.store.database import now_ms
from counterfoil.testing.builders import portal_return
from counterfoil.testing.inline import InlineEngine
from counterfoil.testing.road import Road

OPEN = "OpenReturnAuthorisation"


@pytest.fixture
def engine() -> InlineEngine:
    return InlineEngine()


@pytest.fixture
def worker(road: Road, engine: InlineEngine) -> Worker:
    made = Worker(road.world, engine)
    made.register()
    engine.start(made.drain)
    return made


def go(road: Road, worker: Worker, engine: InlineEngine) -> int:
    """One tick of the relay, and what the engine makes of it."""
    road.fetch()
    road.hurry()
    for slot in worker.due():
        engine.wake(slot)
    return engine.run()


def test_every_connection_has_the_slots_it_may_use_at_once(road: Road, worker: Worker) -> None:
    slots = [row["slot"] for row in road.rows("select slot from slots order by slot")]
    assert slots == ["erp:0", "erp:1", "erp:inbox", "portal:0", "portal:1", "portal:inbox"] + [
        "shop:0",
        "shop:1",
        "shop:inbox",
        "wms:inbox",
    ]


def test_a_smaller_cap_takes_slots_away_and_a_larger_one_adds_them(road: Road, worker: Worker) -> None:
    road.world.connections["erp"].slots = 1
    worker.register()
    assert road.rows("select slot from slots where slot like 'erp:%' order by slot") == [
        {"slot": "erp:0"},
        {"slot": "erp:inbox"},
    ]
    road.world.connections["erp"].slots = 4
    worker.register()
    assert len(road.rows("select slot from slots where connection = 'erp'")) == 5


def test_wake_ups_alone_carry_a_return(road: Road, worker: Worker, engine: InlineEngine) -> None:
    road.outside.show(portal_return())
    while go(road, worker, engine):
        continue
    assert road.outside.keys(OPEN) == ["north/acme-portal/R1/rma-1"]


def test_without_work_nothing_is_woken(worker: Worker) -> None:
    assert worker.due() == []


def test_a_slot_that_was_woken_is_not_woken_again_at_once(road: Road, worker: Worker) -> None:
    road.outside.show(portal_return())
    road.fetch()
    assert worker.due() == ["portal:inbox"]
    assert worker.due() == []


def test_an_engine_that_loses_its_wake_ups_costs_a_moment(
    road: Road, worker: Worker, engine: InlineEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAKE_FLAG_MS", 30)
    road.outside.show(portal_return())
    road.fetch()
    for slot in worker.due():
        engine.wake(slot)
    engine.lose()
    assert engine.run() == 0
    time.sleep(0.05)
    assert worker.due() == ["portal:inbox"]


def test_as_many_slots_are_woken_as_there_is_work_and_never_more_than_the_cap(road: Road, worker: Worker) -> None:
    for number, count in ((1, 1), (5, 2)):
        with road.world.database.write() as tx:
            tx.query("update slots set queued_until_ms = 0", {})
            tx.query("delete from commands", {})
            for n in range(number):
                tx.run(
                    "command_put",
                    command_key=f"k{n}",
                    edition=1,
                    case_id=f"c{n}",
                    connection="erp",
                    name="FindSalesOrder",
                    body="{}",
                    state="ready",
                    maybe_sent=0,
                    now=now_ms(),
                )
        assert len([slot for slot in worker.due() if slot.startswith("erp:")]) == count


def test_a_round_ends_by_itself_and_frees_its_slot(road: Road, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DRAIN_COMMANDS", 3)
    rounds: list[int] = []
    monkeypatch.setattr(module, "deliver_one", lambda world, connection: rounds.append(1) or True)
    worker.drain("erp:0")
    assert len(rounds) == 3
    assert road.rows("select queued_until_ms from slots where slot = 'erp:0'") == [{"queued_until_ms": 0}]


def test_a_slot_of_a_connection_that_is_gone_is_left_alone(worker: Worker) -> None:
    worker.drain("nobody:0")


def test_the_relay_gives_commands_of_dead_workers_back(road: Road, worker: Worker, engine: InlineEngine) -> None:
    road.outside.show(portal_return())
    while go(road, worker, engine):
        continue
    with road.world.database.write() as tx:
        tx.query("update commands set state = 'doing', lease_until_ms = 1 where name = 'OpenReturnAuthorisation'", {})
    worker.due()
    assert road.rows("select state from commands where name = 'OpenReturnAuthorisation'") == [{"state": "ready"}]


def test_the_clocks_jobs_are_all_there(road: Road, engine: InlineEngine) -> None:
    worker = Worker(road.world, engine)
    worker.start()
    try:
        assert {"look-again", "unclaimed-refunds", "signatures", "seal", "poll"} <= set(engine.jobs)
        for name in ("look-again", "unclaimed-refunds", "signatures", "seal"):
            engine.tick(name)
    finally:
        worker.stop()
    assert engine.health().ok is False


def test_a_worker_whose_heart_stopped_is_named(road: Road, worker: Worker) -> None:
    with road.world.database.write() as tx:
        tx.run("worker_beat", worker="alive", now=now_ms())
        tx.run("worker_beat", worker="dead", now=now_ms() - 60_000)
        tx.run("worker_beat", worker="long gone", now=now_ms() - 3 * 86_400_000)
    assert dead_workers(road.world)() == ["dead"]


def test_deliveries_and_commands_of_one_connection_do_not_block_each_other(road: Road, worker: Worker) -> None:
    road.outside.show(portal_return())
    road.settle()
    assert deliver_one(road.world, road.world.connections["portal"]) is False
    worker.drain("portal:inbox")
    worker.drain("portal:0")
