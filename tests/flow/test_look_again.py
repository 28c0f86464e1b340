"""What time alone changes: deadlines, dead workers, signatures, and a clock's jobs that nothing can stop."""

from __future__ import annotations

import pytest

from counterfoil.core.events import RestockSignalled
from counterfoil.core.policy import PRESETS
from counterfoil.core.receipts import ReceiptKind
from counterfoil.flow.look_again import failing_signatures, look_again, look_at_troubled
from counterfoil.flow.resolve import People
from counterfoil.ports.outcomes import NotYet
from counterfoil.store.database import Database, now_ms
from counterfoil.testing.builders import (
    parcel,
    portal_return,
    refund_moved,
    refund_reported,
    shown,
    sold_order,
)
from counterfoil.testing.outside import Outside
from counterfoil.testing.road import Road, make_world

EARLY, EXACT = "2026-11-03T07:59:59Z", "2026-11-03T08:00:00Z"  # money moved at 2026-11-02T08:00:00Z


def later(road: Road, moment: str) -> int:
    """The clock stands at this moment, and the deadlines that are due by it are looked at."""
    road.world.now = lambda: moment
    with road.world.database.write() as tx:
        tx.query("update cases set look_again_ms = 0 where look_again_ms is not null", {})
    return look_again(road.world)


@pytest.fixture
def unpaired(database: Database) -> Road:
    """Money left; the ERP cannot take the credit note yet."""
    outside = Outside()
    outside.sell(sold_order())
    outside.plan["PostCreditNote"] = [NotYet(after_s=10**6)] * 50
    road = Road(make_world(database, outside, policy=PRESETS["portal-led"]), outside)
    road.tell("portal", shown(portal_return()), refund_reported("R1", "P1", 4000))
    road.tell("shop", refund_moved("P1", 4000))
    road.tell("wms", parcel("GR-1", [("SHIRT-M", 2)], order_number="#1001"))
    while road.read() + road.deliver():
        continue
    return road


def test_a_refund_without_a_credit_is_a_problem_after_24_hours(unpaired: Road) -> None:
    assert unpaired.problems() == []
    (row,) = unpaired.rows("select look_again_ms from cases")
    assert row["look_again_ms"] == 1793692800000  # 2026-11-03T08:00:00Z
    assert later(unpaired, EARLY) == 1
    assert unpaired.problems() == []
    assert later(unpaired, EXACT) == 1
    assert unpaired.problems() == ["refund_without_credit"]
    (problem,) = unpaired.rows("select amount_minor, owner from problems where state = 'open'")
    assert (problem["amount_minor"], problem["owner"]) == (4000, "finance")


def test_a_restock_the_portal_claims_is_a_problem_after_48_hours_until_its_receipt_is_booked(
    database: Database,
) -> None:
    outside = Outside()
    outside.sell(sold_order())
    road = Road(make_world(database, outside), outside)
    told = portal_return()
    claimed = RestockSignalled(
        key="restock-1", occurred_at="2026-11-01T08:00:00Z", portal=told.portal, return_id="R1", quantity=2
    )
    road.tell("portal", shown(told), claimed)
    while road.read() + road.deliver():
        continue
    later(road, EARLY)
    assert "restock_without_movement" not in road.problems()
    later(road, EXACT)
    assert "restock_without_movement" in road.problems()
    road.tell("wms", parcel("GR-1", [("SHIRT-M", 2)], order_number="#1001"))
    road.settle()
    assert "restock_without_movement" not in road.problems()


def test_it_ends_when_the_credit_is_posted(unpaired: Road) -> None:
    later(unpaired, EXACT)
    unpaired.outside.plan.clear()
    unpaired.settle()
    assert unpaired.problems() == []
    assert unpaired.row()["progress"] == "finished"


def test_goods_that_nobody_inspects_are_a_problem_after_48_hours(road: Road) -> None:
    road.outside.show(portal_return(tracking="TRK1"))
    road.outside.announce("wms", parcel("GR-1", [("SHIRT-M", 2)], kind=ReceiptKind.RECEIVED, tracking="TRK1"))
    road.settle()
    assert road.row()["waits_for"] == "goods are here and wait for inspection"
    later(road, "2026-11-04T07:59:59Z")
    assert road.problems() == []
    later(road, "2026-11-04T08:00:00Z")
    assert road.problems() == ["received_not_inspected"]
    road.tell("wms", parcel("GR-1", [("SHIRT-M", 2)], tracking="TRK1"))
    assert road.problems() == []


def test_what_is_not_due_is_not_looked_at(road: Road) -> None:
    road.outside.show(portal_return())
    road.settle()
    with road.world.database.write() as tx:
        tx.query(f"update cases set look_again_ms = {now_ms() + 60_000}", {})
    assert look_again(road.world) == 0


def test_looking_again_without_a_change_writes_no_entry(unpaired: Road) -> None:
    before = unpaired.rows("select * from log")
    later(unpaired, EXACT)
    later(unpaired, EXACT)
    assert unpaired.rows("select * from log") == before
    assert unpaired.problems() == ["refund_without_credit"]


def test_a_return_that_cannot_be_decided_stops_no_other(unpaired: Road) -> None:
    """Its brand's setup is gone from the settings, and it is the first in line."""
    with unpaired.world.database.write() as tx:
        tx.query(
            "insert into cases (case_id, brand, portal, return_id, currency, stage, progress, state, seq, chain, "
            "opened_ms, updated_ms, look_again_ms) select 'gone/acme-portal/R1', 'gone', portal, return_id, currency, "
            "stage, progress, replace(state, 'north', 'gone'), 0, '', 0, 0, -5 from cases",
            {},
        )
    unpaired.world.now = lambda: EXACT
    assert look_again(unpaired.world) == 1
    assert unpaired.problems() == ["refund_without_credit"]
    (row,) = unpaired.rows("select look_again_ms from cases where brand = 'gone'")
    assert row["look_again_ms"] > now_ms(), "it does not stay first in line"


def test_after_a_restart_what_was_stuck_is_looked_at_with_the_new_words(road: Road) -> None:
    from msgspec.structs import replace

    road.outside.show(portal_return(reason="Smells of smoke"))
    road.settle()
    assert road.problems() == ["reason_not_mapped"]
    (key, setup), *_ = road.world.setups.items()
    mapping = replace(setup.mapping, reasons={**setup.mapping.reasons, "smells of smoke": "SMOKE"})
    road.world.setups = {key: replace(setup, mapping=mapping)}
    assert look_at_troubled(road.world) == 1
    road.settle()
    assert road.problems() == []
    assert road.outside.keys("OpenReturnAuthorisation") == ["north/acme-portal/R1/rma-1"]


def test_one_problem_tells_of_all_deliveries_with_a_wrong_signature_and_ends_with_them(road: Road) -> None:
    for number in range(3):
        with road.world.database.write() as tx:
            body, key = road.world.vault.seal(b"[]")
            tx.one(
                "delivery_put",
                connection="portal",
                delivery_key=f"untrusted:{number}",
                arrived_ms=0,
                signature="invalid",
                headers="{}",
                body=body,
                body_key=key,
                size_bytes=2,
                state="quarantined",
                note="signature invalid",
            )
    failing_signatures(road.world)
    failing_signatures(road.world)
    (problem,) = road.rows("select kind, message, owner from problems where state = 'open'")
    assert (problem["kind"], problem["owner"]) == ("signature_invalid", "integration")
    assert problem["message"].startswith("3 deliveries of portal are kept")
    with road.world.database.write() as tx:
        tx.query("update deliveries set state = 'new'", {})
    road.read()
    failing_signatures(road.world)
    assert road.problems() == []


def test_people_can_close_what_time_opened(unpaired: Road) -> None:
    later(unpaired, EXACT)
    (row,) = unpaired.rows("select id from problems where state = 'open'")
    People(unpaired.world).resolve_problem(row["id"], "robin", "posted by hand")
    assert unpaired.problems() == []
