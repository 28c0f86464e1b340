"""Command rows: order within a return, one worker each, leases, fencing, patience and pauses (engine.md §4)."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from counterfoil.core.commands import CaseRef, FetchOrder
from counterfoil.store import commands
from counterfoil.store.commands import Claimed
from counterfoil.store.database import Database, now_ms

LEASE_MS = 60_000


@pytest.fixture(autouse=True)
def erp(database: Database) -> None:
    with database.write() as tx:
        for name in ("erp", "portal"):
            tx.run("connection_put", name=name, brand="north", vendor=name, family="erp", slots=2)


def put(database: Database, return_id: str, step: str, connection: str = "erp", edition: int = 1) -> None:
    case = CaseRef(brand="north", portal="acme", return_id=return_id)
    with database.write() as tx:
        commands.put(tx, FetchOrder(case=case, step=step), edition, connection)


def claim(database: Database, connection: str = "erp", worker: str = "w1", lease_ms: int = LEASE_MS) -> Claimed | None:
    with database.write() as tx:
        return commands.claim(tx, connection, worker, lease_ms)


def taken(database: Database, connection: str = "erp") -> Claimed:
    found = claim(database, connection)
    assert found is not None
    return found


def end(database: Database, claimed: Claimed, state: str = "done") -> bool:
    with database.write() as tx:
        return commands.end(tx, claimed, state, "Done", "")


def expire(database: Database, later_ms: int = LEASE_MS + 1_000) -> int:
    with database.write() as tx:
        return tx.run("commands_expired", now=now_ms() + later_ms)


def test_only_the_head_of_a_return_can_be_taken(database: Database) -> None:
    put(database, "R1", "a")
    put(database, "R1", "b", "portal")
    put(database, "R1", "c")
    first = taken(database)
    assert first.command.step == "a"
    assert claim(database) is None
    assert claim(database, "portal") is None
    assert end(database, first)
    assert claim(database) is None
    second = taken(database, "portal")
    assert second.command.step == "b"
    assert end(database, second)
    assert taken(database).command.step == "c"


def test_a_dead_head_lets_the_next_one_of_its_return_go_on(database: Database) -> None:
    put(database, "R1", "a")
    put(database, "R1", "b")
    assert end(database, taken(database), "dead")
    assert taken(database).command.step == "b"


def test_returns_do_not_wait_for_each_other(database: Database) -> None:
    for number in range(5):
        put(database, f"R{number}", "a")
        put(database, f"R{number}", "b")
    assert {taken(database).case_id for _ in range(5)} == {f"north/acme/R{number}" for number in range(5)}
    assert claim(database) is None


def test_the_oldest_due_command_comes_first(database: Database) -> None:
    for number in range(5):
        put(database, f"R{number}", "a")
    assert [taken(database).command.case.return_id for _ in range(5)] == ["R0", "R1", "R2", "R3", "R4"]


def test_the_same_command_is_queued_once_and_a_new_edition_is_another(database: Database) -> None:
    put(database, "R1", "a")
    put(database, "R1", "a")
    assert end(database, taken(database))
    assert claim(database) is None
    put(database, "R1", "a", edition=2)
    assert taken(database).edition == 2


def test_each_command_goes_to_one_worker_only(database: Database) -> None:
    for number in range(120):
        put(database, f"R{number}", "a")
    got: Counter[int] = Counter()
    lock = threading.Lock()

    def work(name: str) -> None:
        while (mine := claim(database, worker=name)) is not None:
            with lock:
                got[mine.id] += 1
            assert end(database, mine)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(got) == 120
    assert set(got.values()) == {1}


def test_a_lease_that_ran_out_gives_the_command_back_with_a_warning(database: Database) -> None:
    put(database, "R1", "a")
    first = taken(database)
    assert not first.maybe_sent
    assert expire(database, 0) == 0
    assert expire(database) == 1
    with database.write() as tx:
        tx.query("update commands set due_ms = 0", {})
    second = taken(database)
    assert (second.id, second.attempts, second.maybe_sent) == (first.id, 2, True)


def test_a_worker_declared_dead_cannot_end_what_another_took_over(database: Database) -> None:
    put(database, "R1", "a")
    first = taken(database)
    assert expire(database) == 1
    assert not end(database, first), "nobody holds it"
    with database.write() as tx:
        tx.query("update commands set due_ms = 0", {})
    second = taken(database)
    assert not end(database, first)
    with database.write() as tx:
        assert not commands.again(tx, first, after_ms=0, outcome="Busy", message="", maybe_sent=False)
    assert end(database, second)


def test_a_refusal_before_sending_clears_the_warning(database: Database) -> None:
    put(database, "R1", "a")
    for maybe_sent in (False, True, False):
        found = taken(database)
        with database.write() as tx:
            assert commands.again(tx, found, after_ms=0, outcome="Busy", message="", maybe_sent=maybe_sent)
    found = taken(database)
    assert (found.attempts, found.maybe_sent) == (4, False)


def test_a_command_that_kills_its_worker_a_hundred_times_can_still_be_taken(database: Database) -> None:
    put(database, "R1", "a")
    for _ in range(100):
        taken(database)
        with database.write() as tx:
            tx.query("update commands set state = 'ready', due_ms = 0", {})
    assert taken(database).maybe_sent


def test_waiting_time_holds_a_command_back(database: Database) -> None:
    put(database, "R1", "a")
    with database.write() as tx:
        found = commands.claim(tx, "erp", "w1", LEASE_MS)
        assert found is not None
        assert commands.again(tx, found, after_ms=60_000, outcome="NotYet", message="", maybe_sent=False)
    assert claim(database) is None
    with database.write() as tx:
        tx.query("update commands set due_ms = 0", {})
    assert taken(database).attempts == 2


def test_a_busy_connection_gives_nothing_out_and_others_go_on(database: Database) -> None:
    put(database, "R1", "a")
    put(database, "R2", "a", "portal")
    with database.write() as tx:
        tx.run("connection_busy", name="erp", until=now_ms() + 60_000, now=now_ms(), message="slow down")
    assert claim(database) is None
    assert taken(database, "portal").case_id == "north/acme/R2"
    with database.write() as tx:
        tx.run("connection_busy", name="erp", until=now_ms() - 1, now=now_ms(), message="slow down")
    assert taken(database).case_id == "north/acme/R1"


def test_a_paused_connection_gives_nothing_out_until_it_is_resumed(database: Database) -> None:
    put(database, "R1", "a")
    with database.write() as tx:
        tx.run("connection_pause", name="erp", because="the key is refused", now=now_ms())
    assert claim(database) is None
    with database.read() as tx:
        assert tx.rows("connections_due", now=now_ms()) == []
    with database.write() as tx:
        tx.run("connection_resume", name="erp")
    assert taken(database).case_id == "north/acme/R1"


def test_settings_read_again_do_not_resume_a_paused_connection(database: Database) -> None:
    with database.write() as tx:
        tx.run("connection_pause", name="erp", because="the key is refused", now=now_ms())
        tx.run("connection_put", name="erp", brand="north", vendor="erp", family="erp", slots=8)
        assert tx.rows("connection_get", name="erp")[0]["state"] == "paused"
