"""Refunds made outside the portal: a person assigns one to a return, and the return settles (R85)."""

from __future__ import annotations

import pytest

from counterfoil.closing import own_books
from counterfoil.core.policy import PRESETS
from counterfoil.flow.look_again import unclaimed
from counterfoil.flow.resolve import People
from counterfoil.ports.actions import ActionError
from counterfoil.store.database import Database
from counterfoil.testing.builders import parcel, portal_return, refund_moved, sold_order
from counterfoil.testing.outside import Outside
from counterfoil.testing.road import Road, make_world

CASE = "north/acme-portal/R1"


@pytest.fixture
def road(database: Database) -> Road:
    """A return whose goods are here, and 40.00 that somebody paid back by hand in the shop."""
    outside = Outside()
    outside.sell(sold_order())
    made = Road(make_world(database, outside, policy=PRESETS["portal-led"]), outside)
    outside.show(portal_return(tracking="TRK1"))
    outside.announce("wms", parcel("GR-1", [("SHIRT-M", 2)], tracking="TRK1"))
    made.settle()
    made.tell("shop", refund_moved("by-hand-1", 4000, "9001"))
    assert unclaimed(made.world, older_than_ms=-1000) == 1
    return made


def test_a_refund_assigned_to_a_return_is_its_money_and_ends_its_exception(road: Road) -> None:
    assert "refund_outside_portal" in road.problems()
    People(road.world).adopt_refund(CASE, "tx-by-hand-1", "robin", "the till was down")
    assert road.case().money_out == 4000
    assert "refund_outside_portal" not in road.problems()
    assert road.case().makers == ("robin",), "who assigns money does not approve it"
    told = road.rows("select name, actor from log where stream = :case and name = 'RefundAdopted.v1'", case=CASE)
    assert told == [{"name": "RefundAdopted.v1", "actor": "person:robin"}]
    road.settle()
    assert road.row()["credit_number"] is not None, "the credit note follows the money"


def test_the_proof_pairs_it_and_its_portal_side_says_a_person_did(road: Road) -> None:
    People(road.world).adopt_refund(CASE, "tx-by-hand-1", "robin", "the till was down")
    with road.world.database.read() as tx:
        books = own_books.read(tx)
    (left,), (right,) = books.rows["portal_refunds"], books.rows["gateway_refunds"]
    assert left["refund_id"] == right["reference"] == "acme-portal:tx-by-hand-1"
    assert left["amount_minor"] == right["amount_minor"] == 4000


def test_assigning_twice_or_to_the_wrong_order_or_without_a_reason_is_refused(road: Road) -> None:
    people = People(road.world)
    with pytest.raises(ActionError, match="Say why"):
        people.adopt_refund(CASE, "tx-by-hand-1", "robin", " ")
    road.tell("shop", refund_moved("other", 500, "9002"))
    with pytest.raises(ActionError, match="was paid on order 9002"):
        people.adopt_refund(CASE, "tx-other", "robin", "close enough")
    people.adopt_refund(CASE, "tx-by-hand-1", "robin", "the till was down")
    with pytest.raises(ActionError, match="may belong to one already"):
        people.adopt_refund(CASE, "tx-by-hand-1", "robin", "the till was down")
