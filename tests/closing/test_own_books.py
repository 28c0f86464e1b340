"""Our own books as rows: whose money it was that left."""

from __future__ import annotations

import msgspec

from counterfoil.closing import own_books
from counterfoil.testing.builders import refund_moved, refund_reported
from counterfoil.testing.road import Road


def test_money_a_provider_paid_stands_against_the_provider_and_not_the_shops_gateway(road: Road) -> None:
    moved = msgspec.structs.replace(refund_moved("P9", 100), funded_by="provider")
    road.tell("portal", refund_reported("R1", "P9", 100))
    road.tell("shop", moved)
    with road.world.database.read() as tx:
        books = own_books.read(tx)
    gateways = {row["gateway_txn_id"]: row["gateway"] for row in books.rows["gateway_refunds"]}
    assert gateways["tx-P9"] == "provider"
    assert set(gateways.values()) == {"provider", "card"}
