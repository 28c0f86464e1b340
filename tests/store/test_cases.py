"""Returns in the store: writers do not overwrite each other, units are taken once, references lead where they should."""

from __future__ import annotations

import sqlite3
import threading
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace

from counterfoil.core.case import ReturnCase
from counterfoil.core.commands import CaseRef
from counterfoil.core.evolve import evolve, new_case
from counterfoil.core.inner_events import DifferenceAccepted, UnitClaim
from counterfoil.core.look import Decision
from counterfoil.core.returns import Stage
from counterfoil.store import cases
from counterfoil.store.cases import ConflictError, Entry, Stored
from counterfoil.store.database import Database
from counterfoil.store.log import verify
from counterfoil.testing.builders import order_seen, parcel, portal_return, refund_moved, shown, sold_order

BRAND = "north"
TAKEN = (sqlite3.IntegrityError, psycopg.IntegrityError)


def opened(database: Database, return_id: str = "R1", **about: Any) -> ReturnCase:
    seen = portal_return(return_id, **about)
    case = new_case(BRAND, seen)
    with database.write() as tx:
        stored = cases.create(tx, case)
        case = evolve(case, shown(seen))
        cases.save(tx, stored, case, [Entry(fact=shown(seen), actor="portal")], Decision())
    return case


def accepted(kind: str) -> DifferenceAccepted:
    return DifferenceAccepted(key=f"accepted:{kind}", kind=kind, by="robin", reason="agreed")


def stored(database: Database, case_id: str) -> Stored:
    with database.read() as tx:
        row = tx.one("case_get", case_id=case_id)
        assert row is not None
        found = cases.peek(tx, case_id)
        assert found is not None
        return Stored(case=found, seq=row["seq"], chain=row["chain"], opened_ms=row["opened_ms"])


@pytest.mark.parametrize("with_fact", [True, False])
def test_the_slower_of_two_writers_is_told_and_changes_nothing(database: Database, with_fact: bool) -> None:
    case = opened(database)
    before = stored(database, case.case_id)
    quick, slow = accepted("quick"), accepted("slow")
    with database.write() as tx:
        cases.save(tx, before, evolve(case, quick), [Entry(fact=quick, actor="robin")], Decision())
    entries = [Entry(fact=slow, actor="alex")] if with_fact else []
    with pytest.raises(ConflictError, match="changed meanwhile"), database.write() as tx:
        cases.save(tx, before, evolve(case, slow), entries, Decision())
    after = stored(database, case.case_id)
    assert list(after.case.accepted_differences) == ["quick"]
    assert after.seq == 2
    assert verify(database).faults == ()


def test_writers_that_lock_the_return_lose_nothing(database: Database) -> None:
    case_id = opened(database).case_id

    def write(name: str) -> None:
        for number in range(15):
            with database.write() as tx:
                held = cases.load(tx, case_id)
                assert held is not None
                fact = accepted(f"{name}-{number}")
                cases.save(tx, held, evolve(held.case, fact), [Entry(fact=fact, actor=name)], Decision())

    threads = [threading.Thread(target=write, args=(f"writer-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    after = stored(database, case_id)
    assert after.seq == 61
    assert len(after.case.accepted_differences) == 60
    assert verify(database).faults == ()


def test_opening_a_return_twice_gives_the_one_that_was_there(database: Database) -> None:
    case = opened(database)
    with database.write() as tx:
        again = cases.create(tx, new_case(BRAND, portal_return()))
    assert (again.seq, again.case) == (1, case)


def test_a_return_comes_back_from_the_database_value_for_value(database: Database) -> None:
    case = opened(database)
    case = replace(case, order=sold_order(), currency="GBP", stage=Stage.PROCESSED)
    case = evolve(case, parcel("GR-1", [("SHIRT-M", 2)]))
    case = evolve(case, refund_moved("P1", 4000))
    with database.write() as tx:
        cases.save(tx, stored(database, case.case_id), case, [], Decision())
    assert stored(database, case.case_id).case == case


def test_replaying_the_log_gives_the_state_again(database: Database) -> None:
    case = opened(database)
    fact = accepted("short_receipt")
    with database.write() as tx:
        held = cases.load(tx, case.case_id)
        assert held is not None
        cases.save(tx, held, evolve(held.case, fact), [Entry(fact=fact, actor="robin")], Decision())
    replayed = new_case(BRAND, portal_return())
    with database.read() as tx:
        for row in tx.query("select payload from log order by seq", {}):
            replayed = evolve(replayed, cases.decode_fact(row["payload"]))
    assert replayed == stored(database, case.case_id).case


def test_the_log_knows_which_facts_a_return_has(database: Database) -> None:
    case = opened(database)
    with database.read() as tx:
        assert cases.knows(tx, case.case_id, "R1:authorised")
        assert not cases.knows(tx, case.case_id, "R1:processed")


def test_a_unit_of_an_order_is_taken_up_once(database: Database) -> None:
    first, second = opened(database, "R1"), opened(database, "R2")
    unit = UnitClaim(unit_id="u", order_line_ref="L1", order_unit=1)
    with database.write() as tx:
        cases.claim(tx, first, "credit-1", [unit])
    with pytest.raises(TAKEN), database.write() as tx:
        cases.claim(tx, second, "credit-1", [replace(unit, order_unit=2), unit])
    with database.read() as tx:
        assert cases.ledger(tx, second).taken == {"L1": 1}
        assert cases.ledger(tx, first).taken == {}


def test_of_many_who_want_the_same_unit_at_once_one_gets_it(database: Database) -> None:
    wanting = [opened(database, f"R{n}") for n in range(8)]
    got, start = [], threading.Barrier(8)

    def want(case: ReturnCase) -> None:
        start.wait()
        try:
            with database.write() as tx:
                cases.claim(tx, case, "credit-1", [UnitClaim(unit_id="u", order_line_ref="L1", order_unit=1)])
        except TAKEN:
            return
        got.append(case.case_id)

    threads = [threading.Thread(target=want, args=(case,)) for case in wanting]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(got) == 1


def test_other_returns_of_the_order_are_in_the_ledger_and_those_of_other_orders_are_not(database: Database) -> None:
    first = opened(database, "R1", units=(("L1", 1),))
    other = sold_order("9002", "#1002")
    opened(database, "R2", units=(("L1", 1), ("L2", 1)))
    opened(database, "R3", order=other)
    with database.write() as tx:
        held = cases.load(tx, f"{BRAND}/acme-portal/R2")
        assert held is not None
        cases.save(tx, held, evolve(held.case, refund_moved("P1", 1250)), [], Decision())
    with database.read() as tx:
        found = cases.ledger(tx, first)
    assert found.elsewhere == {"L1": 1, "L2": 1}
    assert found.money_out == 1250


def test_a_cancelled_return_holds_no_units(database: Database) -> None:
    first, second = opened(database, "R1"), opened(database, "R2")
    with database.write() as tx:
        cases.save(tx, stored(database, second.case_id), second, [], Decision(progress="cancelled"))
    with database.read() as tx:
        assert cases.ledger(tx, first).elsewhere == {}


def test_references_lead_to_the_return_and_only_within_its_brand(database: Database) -> None:
    case = opened(database, tracking="TRK1")
    for key in (("return", "R1"), ("order", "9001"), ("order_name", "1001"), ("tracking", "TRK1")):
        with database.read() as tx:
            assert cases.by_key(tx, BRAND, key) == (case.case_id,)
            assert cases.by_key(tx, "south", key) == ()


def test_the_newest_view_of_an_order_replaces_the_older(database: Database) -> None:
    with database.write() as tx:
        cases.put_order(tx, BRAND, order_seen(sold_order()))
        cases.put_order(tx, BRAND, order_seen(sold_order(lines=(("L9", "HAT", 1, 900),))))
        found = cases.get_order(tx, BRAND, "9001")
        assert found is not None
        assert [line.line_ref for line in found.order.lines] == ["L9"]
        assert cases.get_order(tx, BRAND, "none") is None


def test_every_return_is_walked_once_whatever_the_page(database: Database) -> None:
    for number in range(7):
        opened(database, f"R{number}")
    with database.read() as tx:
        assert [case.case.return_id for case, _ in cases.all_cases(tx)] == [f"R{n}" for n in range(7)]


def test_a_waiting_fact_is_found_by_each_of_its_references_until_it_is_adopted(database: Database) -> None:
    case = opened(database, tracking="TRK1")
    fact = parcel("GR-1", [("SHIRT-M", 1)], tracking="TRK1", order_number="#1001")
    keys = (("tracking", "TRK1"), ("order_name", "1001"))
    with database.write() as tx:
        for _ in range(2):
            cases.put_loose(tx, BRAND, fact, keys, None)
        (loose,) = cases.loose_for(tx, case)
        assert (loose.fact, loose.keys) == (fact, keys)
        cases.adopt(tx, loose.id, case.case_id)
        assert cases.loose_for(tx, case) == []
        cases.put_loose(tx, BRAND, fact, keys, None)
        assert cases.loose_for(tx, case) == [], "a repeat of an adopted fact does not wait again"


def test_a_waiting_fact_told_again_with_more_references_is_found_by_them(database: Database) -> None:
    case = opened(database, tracking="TRK1")
    fact = parcel("GR-1", [("SHIRT-M", 1)], tracking="TRK1")
    with database.write() as tx:
        cases.put_loose(tx, BRAND, fact, (("receipt", "wms/GR-1"),), None)
        assert cases.loose_for(tx, case) == []
        cases.put_loose(tx, BRAND, fact, (("receipt", "wms/GR-1"), ("tracking", "TRK1")), None)
        assert [loose.fact for loose in cases.loose_for(tx, case)] == [fact]


def test_case_ids_name_brand_portal_and_return() -> None:
    assert CaseRef(brand="north", portal="acme", return_id="7").case_id == "north/acme/7"
