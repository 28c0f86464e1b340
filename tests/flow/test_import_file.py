"""A warehouse's file ends where its webhooks end: receipts in the ERP, blind parcels as exceptions, nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from counterfoil.adapterkit.parse import UnreadableError
from counterfoil.core.proof_rules import ProofRules
from counterfoil.flow.import_file import import_file
from counterfoil.flow.look_again import blind_parcels
from counterfoil.flow.world import Connection
from counterfoil.ports.vendors import Delivery
from counterfoil.testing.builders import portal_return, sold_order
from counterfoil.testing.outside import Outside
from counterfoil.testing.road import BRAND, Road, make_world
from counterfoil.warehouses.canonical import SPEC
from counterfoil.warehouses.canonical.config import WarehouseConfig
from counterfoil.warehouses.canonical.files import read_file

HEADER = (
    "event_type,receipt_id,source,warehouse_code,occurred_at,rma_number,line_id,sku,received_quantity,"
    "inspection_status,disposition,disposition_quantity,condition,lot_number,serial_numbers"
)
SHIRTS = [
    "return.inspected,GR-1,acme-3pl,LEEDS,2026-11-02 10:00,R1,1,SHIRT-M,2,passed,sellable,1,new,LOT-7,S-1",
    "return.inspected,GR-1,acme-3pl,LEEDS,2026-11-02 10:00,R1,1,SHIRT-M,2,passed,quarantine,1,worn,LOT-7,S-2",
]
STRANGER = "return.inspected,GR-2,acme-3pl,LEEDS,2026-11-02 10:00,R99,1,SCARF,1,passed,sellable,1,new,,"
BAD = "return.inspected,GR-3,acme-3pl,LEEDS,2026-11-02 10:00,R1,1,SCARF,one,passed,sellable,1,new,,"


def table(*rows: str) -> bytes:
    return "\n".join((HEADER, *rows, "")).encode()


class Scene:
    def __init__(self, road: Road, outside: Outside, connection: Connection) -> None:
        self.road, self.outside, self.connection = road, outside, connection

    def take(self, *rows: str) -> list[tuple[int, str, str]]:
        found = import_file(self.road.world, self.connection, "receipts.csv", table(*rows))
        self.road.settle()
        return [(row.row, row.subject, row.status) for row in found.results]


@pytest.fixture
def scene(databases: Any) -> Iterator[Scene]:
    outside, database = Outside(), databases.fresh()
    world = make_world(database, outside, specs={"wms": SPEC})
    connection = world.connections["wms"]
    connection.config = WarehouseConfig(source="acme-3pl", csv_zone="Europe/London")
    made = Scene(Road(world, outside), outside, connection)
    assert connection.brand == BRAND
    outside.sell(sold_order())
    outside.show(portal_return(units=(("L1", 2),)))
    made.road.settle()
    yield made
    database.close()


def test_rows_of_one_receipt_are_booked_each_to_its_depot_with_lot_and_serial(scene: Scene) -> None:
    assert scene.take(*SHIRTS) == [(2, "GR-1", "ACCEPTED"), (3, "GR-1", "ACCEPTED")]
    [made] = scene.outside.documents("ReceiveStock")
    lines = [(line.depot, line.quantity, line.lot, line.serials) for line in made.command.lines]  # type: ignore[union-attr]
    assert sorted(lines, key=str) == [("HOLD", 1, "LOT-7", ("S-2",)), ("MAIN", 1, "LOT-7", ("S-1",))]


def test_the_same_file_again_changes_nothing(scene: Scene) -> None:
    scene.take(*SHIRTS)
    assert scene.take(*SHIRTS) == [(2, "GR-1", "DUPLICATE"), (3, "GR-1", "DUPLICATE")]
    assert len(scene.outside.documents("ReceiveStock")) == 1


def test_a_bad_receipt_is_refused_whole_and_the_others_go_on(scene: Scene) -> None:
    assert scene.take(BAD, *SHIRTS)[0] == (2, "GR-3", "REJECTED")
    assert len(scene.outside.documents("ReceiveStock")) == 1


def test_a_receipt_nobody_expects_is_a_blind_parcel(scene: Scene) -> None:
    scene.road.world.proof = ProofRules(blind_grace_min=0)
    scene.take(STRANGER)
    assert blind_parcels(scene.road.world) == 1
    assert "blind_receipt" in scene.road.problems()


def test_a_vendor_without_files_says_so(scene: Scene) -> None:
    with pytest.raises(LookupError, match="sends no files"):
        import_file(scene.road.world, scene.road.world.connections["shop"], "x.csv", b"")


def test_what_is_no_table_is_refused_and_nothing_is_kept(scene: Scene) -> None:
    with pytest.raises(UnreadableError):
        import_file(scene.road.world, scene.connection, "x.csv", b"\xff\xfe\x00")
    assert scene.road.rows("select id from deliveries where connection = 'wms'") == []


def test_every_message_made_from_a_file_reads_as_its_webhook_would(scene: Scene) -> None:
    found = read_file(WarehouseConfig(source="acme-3pl"), table(*SHIRTS, STRANGER))
    for message in found.messages:
        told = SPEC.translate(Delivery(body=message.body))
        assert told.receipt is not None, told.problems
        assert message.message_id.startswith(told.receipt.event_id)
