"""Risk signals come from our own records, without names: earlier returns of a customer, and addresses that differ."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from counterfoil.core.approvals import Risk
from counterfoil.core.policy import PRESETS, ApprovalRule
from counterfoil.testing.builders import parcel, portal_return, sold_order
from counterfoil.testing.outside import Outside
from counterfoil.testing.road import Road, make_world


@pytest.fixture
def watched(database: object) -> Road:
    """A brand that wants finance to look at customers with two earlier returns."""
    rules = (ApprovalRule(risk=("repeat_returns",)),)
    policy = replace(PRESETS["controlled"], approvals=rules, repeat_returns_from=2)
    outside = Outside()
    return Road(make_world(database, outside, policy=policy), outside)  # type: ignore[arg-type]


def comes_back(road: Road, number: int, customer: str | None = "c-1", mismatch: bool | None = None) -> Risk | None:
    order = replace(sold_order(f"90{number}", f"#10{number}"), customer=customer, address_mismatch=mismatch)
    road.outside.sell(order)
    road.outside.show(portal_return(f"R{number}", order, (("L2", 1),)))
    road.settle()
    road.tell("wms", parcel(f"GR-{number}", [("SCARF", 1)], rma_number=f"R{number}"))
    road.settle()
    return road.case(f"R{number}").risk


def test_the_third_return_of_one_customer_asks_a_person_and_another_customers_does_not(watched: Road) -> None:
    seen = [comes_back(watched, number) for number in (1, 2, 3)]
    assert [risk.earlier_returns for risk in seen if risk] == [0, 1, 2]
    other = comes_back(watched, 4, "c-2")
    assert other is not None and other.earlier_returns == 0
    paid = [watched.case(f"R{number}").money_out for number in (1, 2, 3, 4)]
    assert paid == [2500, 2500, 0, 2500]
    (asked,) = watched.rows("select case_id, because from approvals_asked")
    assert asked["case_id"].endswith("R3") and "2 times before" in asked["because"]


def test_the_count_is_taken_once_and_looking_again_changes_nothing(watched: Road) -> None:
    comes_back(watched, 1)
    comes_back(watched, 2)
    watched.tell("wms", parcel("GR-9", [("SCARF", 1)], rma_number="R1"))
    risk = watched.case("R1").risk
    assert risk is not None and risk.earlier_returns == 0
    told = watched.rows("select stream from log where name = 'RiskSeen.v1' order by stream")
    assert [row["stream"][-2:] for row in told] == ["R1", "R2"]


def test_a_customer_nobody_knows_is_not_taken_for_a_good_one(watched: Road) -> None:
    assert comes_back(watched, 1, None) is None
    assert watched.case("R1").money_out == 0
    assert "unknown" in watched.rows("select because from approvals_asked")[0]["because"]


def test_addresses_that_differ_are_told_without_the_addresses(watched: Road) -> None:
    risk = comes_back(watched, 1, None, mismatch=True)
    assert risk == Risk(address_mismatch=True)
