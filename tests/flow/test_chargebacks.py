"""Disputes and refunds past the portal reach every return of their order, whichever comes first."""

from __future__ import annotations

import pytest

from counterfoil.core.chargebacks import ChargebackState
from counterfoil.core.events import ChargebackMoved, RefundState
from counterfoil.flow import invariants
from counterfoil.ports.capabilities import Cap
from counterfoil.store.database import Database
from counterfoil.testing.builders import parcel, portal_return, refund_moved, refund_reported, sold_order
from counterfoil.testing.outside import ERP_CAN, Outside
from counterfoil.testing.road import Road, make_world


def dispute(status: ChargebackState, order_ref: str | None = "9001", amount: int = 6500) -> ChargebackMoved:
    return ChargebackMoved(
        key=f"dp-1/{status}",
        occurred_at="2026-11-02T08:30:00Z",
        source="acme-shop",
        ref="dp-1",
        order_ref=order_ref,
        amount=amount,
        currency="GBP",
        status=status,
    )


def comes_back(road: Road) -> None:
    road.outside.show(portal_return("R1"))
    road.settle()
    road.tell("wms", parcel("GR-1", [("SHIRT-M", 2)], rma_number="R1"))
    road.settle()


@pytest.mark.parametrize("order_ref", ["9001", "#1001", "1001"])
def test_a_dispute_told_before_the_return_stops_its_refund_until_it_is_won(road: Road, order_ref: str) -> None:
    for _ in range(2):
        road.tell("shop", dispute(ChargebackState.OPENED, order_ref))
    comes_back(road)
    assert road.problems() == ["refund_on_disputed_payment"]
    assert "release-1" not in road.case().steps
    road.tell("shop", dispute(ChargebackState.WON, order_ref))
    road.settle()
    assert road.problems() == []
    assert road.case().money_out == 4000


def test_every_return_of_the_order_hears_of_a_dispute_and_no_other(road: Road) -> None:
    comes_back(road)
    road.outside.show(portal_return("R2", units=(("L2", 1),)))
    road.settle()
    road.tell("shop", dispute(ChargebackState.OPENED, "another"))
    road.tell("shop", dispute(ChargebackState.LOST, None))
    assert not road.case("R1").chargebacks and not road.case("R2").chargebacks
    road.tell("shop", dispute(ChargebackState.LOST))
    assert [one.status for name in ("R1", "R2") for one in road.case(name).chargebacks] == ["lost", "lost"]
    assert road.problems() == ["refund_beside_chargeback", "refund_exceeds_order"]
    assert invariants.check(road.world) == ()


def test_a_return_held_for_a_refund_that_turns_out_to_be_anothers_goes_on(database: Database) -> None:
    """R1's credit is posted and its refund is not named yet, so that both count when R2 asks."""
    outside = Outside()
    outside.sell(sold_order())
    road = Road(make_world(database, outside, erp_can=ERP_CAN - {Cap.DRAFT_CREDIT}), outside)
    for name, units in (("R1", ("L1", 2)), ("R2", ("L2", 1))):
        road.outside.show(portal_return(name, units=(units,)))
    road.settle()
    road.tell("wms", parcel("GR-1", [("SHIRT-M", 2)], rma_number="R1"))
    while road.read() + road.deliver() + road.hurry():
        pass  # the webhooks of R1's refund wait
    late, outside.waiting = list(outside.waiting), []
    road.tell("shop", refund_moved("re-1", 4000))
    road.tell("wms", parcel("GR-2", [("SCARF", 1)], rma_number="R2"))
    road.settle()
    assert "refund_exceeds_order" in road.problems() and "release-1" not in road.case("R2").steps
    road.tell("portal", refund_reported("R1", "re-1", 4000))
    assert road.case("R1").money_out == 4000
    road.settle()
    assert "release-1" in road.case("R2").steps
    assert late


def test_a_refund_outside_the_portal_is_seen_by_the_returns_it_leaves_too_little_for(road: Road) -> None:
    comes_back(road)
    assert road.problems() == []
    road.tell("shop", refund_moved("re-77", 3000))
    assert road.problems() == ["refund_exceeds_order"]
    assert invariants.check(road.world) == ()
    road.tell("shop", refund_moved("re-77", 3000, status=RefundState.REVERSED))
    assert road.problems() == []
