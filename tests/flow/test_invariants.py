"""The invariants over the store: gathered from what was written, in parts, on both databases."""

from __future__ import annotations

import pytest

from counterfoil.core.events import WarehouseReported
from counterfoil.flow import invariants, route
from counterfoil.testing.builders import SOLD, parcel, portal_return, refund_moved, sold_order
from counterfoil.testing.road import Road


@pytest.fixture
def settled(road: Road) -> Road:
    """Two returns of two orders, one settled to its end."""
    road.outside.sell(sold_order("9002", "#1002", SOLD))
    road.outside.show(portal_return("R1"))
    road.outside.show(portal_return("R2", sold_order("9002", "#1002", SOLD)))
    road.settle()
    road.tell("wms", parcel("GR-1", [("SHIRT-M", 2)], rma_number="R1"))
    road.settle()
    return road


def test_an_honest_store_breaks_none(settled: Road) -> None:
    assert settled.case("R1").done("credit-1") is not None
    assert invariants.check(settled.world) == ()


def test_the_store_is_read_in_parts_that_keep_an_order_together(settled: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    settled.outside.show(portal_return("R3", units=(("L2", 1),)))
    settled.settle()
    monkeypatch.setattr(invariants, "ORDERS_AT_ONCE", 1)
    with settled.world.database.read() as tx:
        parts = [sorted(name.rsplit("/", 1)[1] for name in part) for part in invariants._parts(tx)]
        books = invariants.gather(settled.world, tx, ["north/acme-portal/R1", "north/acme-portal/unknown"])
    assert parts == [["R1", "R3"], ["R2"]]
    (kept,) = books.returns
    assert {entry.family for entry in kept.log} == {"portal", "gateway", "warehouse", "erp", None}
    assert {sent.family for sent in books.sent} == {"portal", "gateway", "erp"}
    assert invariants.check(settled.world) == ()


def test_a_state_that_was_edited_in_the_database_is_found(settled: Road) -> None:
    with settled.world.database.write() as tx:
        sql = """update cases set state = replace(state, '"carrier":null', '"carrier":"Nobody"')"""
        tx.query(sql + " where return_id = 'R2'", {})
    (broken,) = invariants.check(settled.world)
    assert (broken.invariant, broken.where) == (6, "north/acme-portal/R2")


def test_an_entry_of_the_log_that_cannot_be_read_is_said_and_stops_nothing(settled: Road) -> None:
    with settled.world.database.write() as tx:
        tx.query("update log set payload = '{}' where stream = 'north/acme-portal/R2' and seq = 2", {})
    found = [broken for broken in invariants.check(settled.world) if broken.invariant == 6]
    assert [(broken.where[-2:], broken.sentence) for broken in found] == [("R2", "entry 2 of its log cannot be read")]


FORGED = parcel("GR-9", [("SHIRT-M", 2)], rma_number="R1")


def test_a_portal_that_states_a_receipt_is_refused_and_logged(road: Road) -> None:
    road.outside.show(portal_return("R1"))
    road.settle()
    for _ in range(2):
        road.tell("portal", FORGED)
    assert road.case("R1").first_receipt_at is None
    assert road.problems() == ["write_by_non_owner"]
    logged = road.rows("select stream, actor, payload from log where name = 'FactRefused.v1'")
    assert [(row["stream"], row["actor"]) for row in logged] == [("system/refused/north", "portal")]
    assert "GR-9" in logged[0]["payload"]
    assert invariants.check(road.world) == ()


def test_5_without_the_door_the_invariant_trips(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "owns", lambda world, actor, fact: True)
    road.outside.show(portal_return("R1"))
    road.settle()
    road.tell("portal", FORGED)
    assert {broken.invariant for broken in invariants.check(road.world)} == {5}


def test_a_warehouse_may_not_state_a_refund(road: Road) -> None:
    road.tell("wms", refund_moved("re-1", 100))
    assert road.rows("select id from loose_facts") == []
    assert road.problems() == ["write_by_non_owner"]
    assert isinstance(FORGED, WarehouseReported)
