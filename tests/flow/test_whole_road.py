"""One return from the portal's webhook to the settled pair, on both databases, with fakes outside."""

from __future__ import annotations

import pytest

from counterfoil.core.policy import PRESETS
from counterfoil.core.returns import LabelStatus
from counterfoil.store.database import Database
from counterfoil.store.log import verify
from counterfoil.testing.builders import (
    label,
    order_seen,
    parcel,
    portal_return,
    refund_moved,
    refund_reported,
    sold_order,
)
from counterfoil.testing.outside import Outside
from counterfoil.testing.road import Road, make_world


def start(database: Database, policy: str = "controlled") -> tuple[Outside, Road]:
    outside = Outside()
    outside.sell(sold_order())
    return outside, Road(make_world(database, outside, policy=PRESETS[policy]), outside)


def test_a_return_comes_all_the_way_and_leaves_one_document_of_each_kind(database: Database) -> None:
    outside, road = start(database)
    outside.show(portal_return())
    outside.announce("portal", label("R1", LabelStatus.DELIVERED, "TRK1"))
    road.settle()
    assert outside.keys() == ["north/acme-portal/R1/rma-1", "north/acme-portal/R1/tracking-TRK1"]
    outside.announce("wms", parcel("GR-1", [("SHIRT-M", 2)], tracking="TRK1"))
    road.settle()
    made = sorted(kind.kind for kind in outside.documents())
    assert made == sorted(
        [
            "OpenReturnAuthorisation",
            "StoreTracking",
            "ReceiveStock",
            "DraftCreditNote",
            "ReleaseRefund",
            "PostCreditNote",
            "RecordRefund",
            "ReportInspection",
            "SendNote",
        ]
    )
    row = road.row()
    assert (row["progress"], row["refunded_minor"], row["credited_minor"]) == ("finished", 4000, 4000)
    assert (row["units_returned"], row["units_received"]) == (2, 2)
    assert road.problems() == []
    assert verify(road.world.database).faults == ()


@pytest.mark.parametrize("refund_first", [True, False])
def test_a_portal_that_pays_by_itself_gets_its_credit_after_the_money(database: Database, refund_first: bool) -> None:
    outside, road = start(database, "portal-led")
    outside.show(portal_return())
    road.settle()
    money = ("shop", refund_moved("P1", 4000)), ("portal", refund_reported("R1", "P1", 4000))
    for connection, fact in money if refund_first else money[::-1]:
        outside.announce(connection, fact)
    outside.announce("wms", parcel("GR-1", [("SHIRT-M", 2)], order_number="#1001"))
    road.settle()
    assert len(outside.keys("PostCreditNote")) == 1
    assert outside.keys("ReleaseRefund", "DraftCreditNote") == []
    assert road.row()["progress"] == "finished"


def test_an_order_the_shop_told_of_before_is_not_fetched(database: Database) -> None:
    outside, road = start(database)
    outside.announce("shop", order_seen(sold_order()))
    road.settle()
    outside.show(portal_return())
    road.settle()
    assert [call.kind for call in outside.calls if call.kind == "FetchOrder"] == []
    assert len(outside.keys("OpenReturnAuthorisation")) == 1
