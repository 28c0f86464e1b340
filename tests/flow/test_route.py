"""Each fact finds its return in whatever order things come; what cannot be told waits, and a person hears of it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from counterfoil.core.case import Reception
from counterfoil.core.events import StoreCreditIssued
from counterfoil.core.returns import LabelStatus, Stage
from counterfoil.flow.look_again import blind_parcels, unclaimed
from counterfoil.testing.builders import (
    label,
    order_seen,
    parcel,
    portal_return,
    refund_moved,
    refund_reported,
    shown,
    sold_order,
)
from counterfoil.testing.road import Road


def loose(road: Road) -> list[str]:
    return [r["fact_key"] for r in road.rows("select fact_key from loose_facts where state = 'waiting' order by id")]


def received(road: Road, return_id: str = "R1") -> int:
    return sum(unit.reception is Reception.RECEIVED for unit in road.case(return_id).units)


def grace_over(road: Road) -> None:
    """The time a parcel may be ahead of its return passes."""
    with road.world.database.write() as tx:
        tx.query("update loose_facts set blind_from_ms = 0 where blind_from_ms is not null", {})
    blind_parcels(road.world)


def test_a_refund_before_its_return_waits_and_is_taken_up(road: Road) -> None:
    road.tell("shop", refund_moved("P1", 4000))
    assert loose(road) == ["refund:P1:confirmed"]
    road.tell("portal", shown(portal_return()), refund_reported("R1", "P1", 4000))
    assert loose(road) == []
    assert road.case().money_out == 4000


def test_a_refund_the_portal_names_before_it_moves_is_one_refund(road: Road) -> None:
    road.tell("portal", shown(portal_return()), refund_reported("R1", "P1", 4000))
    assert road.case().money_out == 0
    road.tell("shop", refund_moved("P1", 4000))
    assert road.case().money_out == 4000
    assert len(road.case().refunds) == 1


def test_a_refund_of_the_same_order_that_no_return_names_stays_outside(road: Road) -> None:
    road.tell("portal", shown(portal_return()))
    road.tell("shop", refund_moved("P9", 700))
    assert loose(road) == ["refund:P9:confirmed"]
    assert road.case().refunds == ()
    assert unclaimed(road.world) == 0, "its time is not over"
    assert road.problems() == []


def test_after_its_time_it_was_made_outside_the_portal(road: Road) -> None:
    road.tell("portal", shown(portal_return()))
    road.tell("shop", refund_moved("P9", 700))
    assert unclaimed(road.world, older_than_ms=-1000) == 1
    (problem,) = road.rows("select kind, owner, amount_minor, message from problems where state = 'open'")
    assert (problem["kind"], problem["amount_minor"]) == ("refund_outside_portal", 700)
    assert "7.00 GBP was refunded on order 9001" in problem["message"]


def test_a_refund_outside_the_portal_is_said_once_even_after_a_person_closed_it(road: Road) -> None:
    road.tell("shop", refund_moved("P9", 700))
    assert unclaimed(road.world, older_than_ms=-1000) == 1
    with road.world.database.write() as tx:
        tx.query("update problems set state = 'resolved'", {})
    assert unclaimed(road.world, older_than_ms=-1000) == 0
    assert road.problems() == []


def test_its_problem_ends_when_the_portal_names_it_after_all(road: Road) -> None:
    road.tell("portal", shown(portal_return()))
    road.tell("shop", refund_moved("P9", 4000))
    unclaimed(road.world, older_than_ms=-1000)
    road.tell("portal", refund_reported("R1", "P9", 4000))
    assert "refund_outside_portal" not in road.problems()
    assert road.case().money_out == 4000


def test_many_parcels_nobody_knows_hide_no_refund(road: Road) -> None:
    """Waiting facts are many after a while; the look at refunds must reach the newest."""
    parcels = [parcel(f"GR-{n}", [("HAT", 1)]) for n in range(210)]
    road.tell("wms", *parcels)
    road.tell("shop", refund_moved("P9", 700))
    assert unclaimed(road.world, older_than_ms=-1000) == 1


def test_a_parcel_before_its_return_is_blind_until_the_return_comes(road: Road) -> None:
    road.tell("wms", parcel("GR-1", [("SHIRT-M", 2)], tracking="TRK1"))
    grace_over(road)
    assert road.problems() == ["blind_receipt"]
    (problem,) = road.rows("select message, units from problems")
    assert problem["units"] == 2
    assert "2 × SHIRT-M" in problem["message"]
    road.tell("portal", shown(portal_return(tracking="TRK1")))
    assert received(road) == 2
    assert road.problems() == []
    assert loose(road) == []


def test_a_label_before_its_return_waits_for_it(road: Road) -> None:
    road.tell("portal", label("R1", LabelStatus.DELIVERED, "TRK1"))
    road.tell("portal", shown(portal_return()))
    assert road.case().tracking == "TRK1"


def test_a_parcel_known_by_a_label_that_also_came_first_is_found_in_the_end(road: Road) -> None:
    road.tell("wms", parcel("GR-1", [("SHIRT-M", 2)], tracking="TRK1"))
    road.tell("portal", label("R1", LabelStatus.DELIVERED, "TRK1"))
    road.tell("portal", shown(portal_return()))
    assert received(road) == 2


def test_an_order_after_its_return_lets_it_go_on(road: Road) -> None:
    road.outside.orders.clear()
    road.tell("portal", shown(portal_return()))
    road.settle()
    assert "order_not_found" in road.problems()
    assert road.case().order is None
    road.tell("shop", order_seen(sold_order()))
    assert road.case().order == sold_order()


@pytest.mark.parametrize("clue", ["rma", "return", "order_name", "order_ref", "erp_order"])
def test_a_parcel_finds_its_return_by_any_number_it_may_carry(road: Road, clue: str) -> None:
    road.outside.show(portal_return())
    road.settle()
    rma = road.case().rma
    assert rma is not None
    carried = {
        "rma": {"rma_number": rma.number},
        "return": {"rma_number": "R1"},
        "order_name": {"order_number": "#1001"},
        "order_ref": {"order_number": "9001"},
        "erp_order": {"order_number": "SO9001"},
    }
    road.tell("wms", parcel("GR-1", [("SHIRT-M", 2)], **carried[clue]))  # type: ignore[arg-type]
    assert received(road) == 2
    assert loose(road) == []


def test_a_parcel_two_returns_expect_stays_blind(road: Road) -> None:
    road.tell("portal", shown(portal_return("R1", units=(("L1", 1),))), shown(portal_return("R2", units=(("L1", 1),))))
    road.tell("wms", parcel("GR-1", [("SHIRT-M", 1)], order_number="#1001"))
    assert received(road, "R1") + received(road, "R2") == 0
    grace_over(road)
    assert "blind_receipt" in road.problems()


def test_a_parcel_a_moment_before_its_return_is_no_exception(road: Road) -> None:
    road.tell("wms", parcel("GR-1", [("SHIRT-M", 2)], tracking="TRK1"))
    assert blind_parcels(road.world) == 0, "its grace time runs"
    road.tell("portal", shown(portal_return(tracking="TRK1")))
    grace_over(road)
    assert received(road) == 2
    assert road.rows("select 1 from problems where kind = 'blind_receipt'") == []


def test_a_blind_parcel_is_said_once_and_stays_closed_when_a_person_closed_it(road: Road) -> None:
    road.tell("wms", parcel("GR-1", [("SHIRT-M", 2)], tracking="TRK1"))
    grace_over(road)
    with road.world.database.write() as tx:
        tx.query("update problems set state = 'resolved'", {})
    assert blind_parcels(road.world) == 0
    assert road.problems() == []


def test_of_two_returns_of_an_order_the_one_that_expects_the_item_gets_it(road: Road) -> None:
    road.tell("portal", shown(portal_return("R1", units=(("L1", 1),))), shown(portal_return("R2", units=(("L2", 1),))))
    road.tell("wms", parcel("GR-1", [("SCARF", 1)], order_number="#1001"))
    assert (received(road, "R1"), received(road, "R2")) == (0, 1)
    assert loose(road) == []


def test_a_parcel_of_another_brand_is_not_ours(road: Road) -> None:
    road.tell("portal", shown(portal_return(tracking="TRK1")))
    road.world.connections["wms"].brand = "south"
    road.tell("wms", parcel("GR-1", [("SHIRT-M", 2)], tracking="TRK1"))
    assert received(road) == 0


def test_a_message_about_a_receipt_follows_the_receipt(road: Road) -> None:
    """A correction may carry no other reference than the receipt it corrects."""
    from counterfoil.core.receipts import ReceiptKind

    road.tell("portal", shown(portal_return(tracking="TRK1")))
    road.tell("wms", parcel("GR-1", [("SHIRT-M", 2)], tracking="TRK1"))
    assert received(road) == 2
    road.tell("wms", parcel("GR-1R", [], kind=ReceiptKind.REVERSED, reverses="GR-1"))
    assert received(road) == 0


def test_store_credit_goes_to_the_return_it_names(road: Road) -> None:
    credit = StoreCreditIssued(
        key="gift:1",
        portal="acme-portal",
        return_id="R2",
        gift_card_id="G1",
        order_ref="9001",
        issued=900,
        currency="GBP",
    )
    road.tell("portal", shown(portal_return("R1")), credit)
    assert road.case("R1").money_out == 0
    road.tell("portal", shown(portal_return("R2", units=(("L2", 1),))))
    assert road.case("R2").money_out == 900


def test_a_return_shown_again_is_the_same_return(road: Road) -> None:
    road.tell("portal", shown(portal_return(), Stage.REQUESTED))
    road.tell("portal", shown(portal_return(), Stage.AUTHORISED))
    road.tell("portal", replace(shown(portal_return(), Stage.AUTHORISED), key="poll:R1"))
    assert len(road.rows("select * from cases")) == 1
    assert road.row()["stage"] == "authorised"
