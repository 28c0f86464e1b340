"""ShipBob and ShipHero from their own webhook to the ERP's receipt: split dispositions, lots, totals that rise and fall."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from counterfoil.conformance.stage import Control, listening
from counterfoil.core.case import Reception
from counterfoil.core.commands import ReceiveStock
from counterfoil.core.documents import StockLine
from counterfoil.core.proof_rules import ProofRules
from counterfoil.flow.look_again import blind_parcels
from counterfoil.ports.vendors import Delivery, VendorSpec
from counterfoil.simkit.http import Request, Response
from counterfoil.simkit.server import Simulator
from counterfoil.testing.builders import portal_return, sold_order
from counterfoil.testing.outside import Outside, Webhook
from counterfoil.testing.road import Road, make_world
from counterfoil.warehouses.shipbob import SPEC as SHIPBOB
from counterfoil.warehouses.shipbob import sim as bob
from counterfoil.warehouses.shiphero import SPEC as SHIPHERO
from counterfoil.warehouses.shiphero import sim as hero


class Door(Simulator):
    """Our hook for one warehouse; what it takes is put into the inbox in order of arrival."""

    vendor = "door"

    def __init__(self, spec: VendorSpec, secret: str) -> None:
        self.spec, self.secret = spec, secret
        super().__init__()

    def load(self, world: dict[str, Any]) -> None:
        self.kept: list[Webhook] = []
        self.answers: list[int] = []

    def state(self) -> dict[str, Any]:
        return {}

    async def handle(self, request: Request) -> Response:
        hook = self.spec.hook
        assert hook is not None
        delivery = Delivery(body=request.body, headers=request.headers, arrived_at=time.time())
        reply = hook.refuse(delivery, hook.verify(delivery, ["another", self.secret]))
        if reply is None:
            self.kept.append(Webhook(connection="wms", body=request.body, headers=dict(request.headers)))
            reply = hook.accepted(delivery)
        self.answers.append(reply.status)
        return Response(reply.status, reply.body, {"content-type": reply.content_type})


class Scene:
    def __init__(self, road: Road, outside: Outside, door: Door, wms: Control) -> None:
        self.road, self.outside, self.door, self.wms = road, outside, door, wms
        self._taken = 0

    def hear(self, count: int = 1) -> None:
        for _ in range(300):
            if len(self.door.kept) >= self._taken + count:
                break
            time.sleep(0.01)
        assert len(self.door.kept) == self._taken + count, self.door.answers
        for webhook in self.door.kept[self._taken :]:
            self.road.keep(webhook)
            time.sleep(0.005)  # totals are told apart by when they arrive
        self._taken += count
        self.road.settle()

    def authorised(self, **more: Any) -> None:
        self.outside.sell(sold_order())
        self.outside.show(portal_return(units=(("L1", 2), ("L2", 1)), **more))
        self.road.settle()

    @property
    def booked(self) -> list[tuple[str, int, str | None, str]]:
        return sorted((line.sku, line.quantity, line.depot, line.disposition.value) for line in self.lines)

    @property
    def lines(self) -> list[StockLine]:
        made = [made.command for made in self.outside.documents("ReceiveStock")]
        return [line for command in made if isinstance(command, ReceiveStock) for line in command.lines]

    @property
    def where(self) -> dict[str, int]:
        units = [unit.reception for unit in self.road.case().units]
        return {state.value: units.count(state) for state in dict.fromkeys(units)}


def stage(spec: VendorSpec, secret: str, simulator: type[Simulator], databases: Any) -> Iterator[Scene]:
    outside, database, door = Outside(), databases.fresh(), Door(spec, secret)
    road = Road(make_world(database, outside, specs={"wms": spec}), outside)
    with listening(door) as hook, listening(simulator({"url": f"{hook}/x"})) as url:
        control = Control(url)
        yield Scene(road, outside, door, control)
        control.close()
    database.close()


@pytest.fixture
def shipbob(sqlite_databases: Any) -> Iterator[Scene]:
    yield from stage(SHIPBOB, bob.EXAMPLE_SECRET, bob.ShipBobSimulator, sqlite_databases)


@pytest.fixture
def shiphero(sqlite_databases: Any) -> Iterator[Scene]:
    yield from stage(SHIPHERO, hero.EXAMPLE_SECRET, hero.ShipHeroSimulator, sqlite_databases)


INVENTORY = [{"sku": "SHIRT-M", "quantity": 2, "lot_number": "LOT-7"}, {"sku": "SCARF", "quantity": 1}]


def completed(scene: Scene, **actions: list[dict[str, Any]]) -> None:
    made = scene.wms.post("returns", {"reference_id": "R1", "store_order_id": "9001", "inventory": INVENTORY})
    done = {"SHIRT-M": actions.get("shirts", []), "SCARF": actions.get("scarf", [])}
    scene.wms.post(f"returns/{made['id']}/complete", {"actions": done})
    scene.hear()


def test_what_shipbob_did_with_each_unit_becomes_its_own_line_with_its_lot(shipbob: Scene) -> None:
    shipbob.authorised()
    completed(
        shipbob,
        shirts=[{"action": "Restock", "quantity": 1}, {"action": "Quarantine", "quantity": 1, "reason": "Stained"}],
        scarf=[{"action": "Restock", "quantity": 1}],
    )
    assert shipbob.booked == [
        ("SCARF", 1, "MAIN", "sellable"),
        ("SHIRT-M", 1, "HOLD", "quarantine"),
        ("SHIRT-M", 1, "MAIN", "sellable"),
    ]
    assert {line.lot for line in shipbob.lines if line.sku == "SHIRT-M"} == {"LOT-7"}


def test_a_word_shipbob_never_used_before_books_nothing_and_is_told(shipbob: Scene) -> None:
    shipbob.authorised()
    completed(shipbob, shirts=[{"action": "Recycle", "quantity": 2}], scarf=[{"action": "Restock", "quantity": 1}])
    assert shipbob.booked == [("SCARF", 1, "MAIN", "sellable")]
    assert "unknown_warehouse_word" in shipbob.road.problems()


def test_a_shipbob_parcel_nobody_announced_is_blind_until_its_return_is_there(shipbob: Scene) -> None:
    shipbob.road.world.proof = ProofRules(blind_grace_min=0)
    one = [{"action": "Restock", "quantity": 1}]
    completed(shipbob, shirts=[{"action": "Restock", "quantity": 2}], scarf=one)
    blind_parcels(shipbob.road.world)
    assert shipbob.road.problems() == ["blind_receipt"]
    shipbob.authorised()
    assert shipbob.where == {"received": 3}
    assert "blind_receipt" not in shipbob.road.problems()
    assert len(shipbob.booked) == 2


def test_shipbob_counting_one_unit_too_few_leaves_the_return_short(shipbob: Scene) -> None:
    shipbob.authorised()
    completed(shipbob, shirts=[{"action": "Restock", "quantity": 1}], scarf=[{"action": "Restock", "quantity": 1}])
    assert shipbob.where == {"received": 2, "expected": 1}
    assert shipbob.outside.documents("ReleaseRefund") == []


@pytest.mark.parametrize("variant", ["tampered", "stale", "wrong_secret", "unsigned"])
def test_a_forged_shipbob_delivery_is_refused(shipbob: Scene, variant: str) -> None:
    shipbob.authorised()
    completed(shipbob, scarf=[{"action": "Restock", "quantity": 1}])
    shipbob.wms.post("emit", {"id": "884001", "variant": variant})
    for _ in range(300):
        if len(shipbob.door.answers) > 1:
            break
        time.sleep(0.01)
    assert shipbob.door.answers[1] == 401


def test_the_same_return_told_again_by_shipbob_books_nothing_twice(shipbob: Scene) -> None:
    shipbob.authorised()
    completed(shipbob, scarf=[{"action": "Restock", "quantity": 1}])
    for variant in ("duplicate", "normal"):
        shipbob.wms.post("emit", {"id": "884001", "variant": variant})
    shipbob.hear(2)
    assert shipbob.booked == [("SCARF", 1, "MAIN", "sellable")]


# --- ShipHero's running totals


ITEMS = [{"sku": "SHIRT-M", "quantity": 2}, {"sku": "SCARF", "quantity": 1}]


def announced(scene: Scene) -> str:
    made = scene.wms.post("returns", {"order_number": "#1001", "items": ITEMS})
    scene.hear()
    return str(made["return_id"])


def counted(scene: Scene, number: str, **totals: dict[str, int]) -> None:
    items = {"SHIRT-M": totals.get("shirts"), "SCARF": totals.get("scarf")}
    scene.wms.post(f"returns/{number}/receive", {"items": {sku: found for sku, found in items.items() if found}})


def test_totals_that_rise_book_only_the_difference(shiphero: Scene) -> None:
    shiphero.authorised()
    number = announced(shiphero)
    assert shiphero.booked == []
    counted(shiphero, number, shirts={"received": 1, "restock": 1})
    shiphero.hear()
    assert shiphero.booked == [("SHIRT-M", 1, "MAIN", "sellable")]
    counted(shiphero, number, shirts={"received": 2, "restock": 1}, scarf={"received": 1, "restock": 1})
    shiphero.hear()
    assert shiphero.booked == [
        ("SCARF", 1, "MAIN", "sellable"),
        ("SHIRT-M", 1, "HOLD", "quarantine"),
        ("SHIRT-M", 1, "MAIN", "sellable"),
    ]
    assert shiphero.where == {"received": 3}


def test_a_total_that_falls_before_it_was_booked_frees_the_unit(shiphero: Scene) -> None:
    shiphero.authorised()
    number = announced(shiphero)
    counted(shiphero, number, shirts={"received": 2})  # counted, not inspected: nothing is booked yet
    shiphero.hear()
    assert (shiphero.booked, shiphero.where["received"]) == ([], 2)
    counted(shiphero, number, shirts={"received": 1})
    shiphero.hear()
    assert shiphero.where["received"] == 1


def test_a_total_that_falls_after_it_was_booked_is_for_a_person(shiphero: Scene) -> None:
    shiphero.authorised()
    number = announced(shiphero)
    counted(shiphero, number, shirts={"received": 2, "restock": 2})
    shiphero.hear()
    counted(shiphero, number, shirts={"received": 1, "restock": 1})
    shiphero.hear()
    assert "disposition_changed_after_booking" in shiphero.road.problems()
    assert shiphero.booked == [("SHIRT-M", 2, "MAIN", "sellable")]


def test_totals_told_in_the_wrong_order_end_as_the_last_one_that_arrived(shiphero: Scene) -> None:
    shiphero.authorised()
    number = announced(shiphero)
    counted(shiphero, number, scarf={"received": 1, "restock": 1})
    shiphero.hear()
    shiphero.wms.post("emit", {"id": number, "variant": "duplicate"})
    shiphero.hear()
    assert shiphero.booked == [("SCARF", 1, "MAIN", "sellable")]
    assert len(shiphero.outside.documents("ReceiveStock")) == 1


def test_units_counted_but_not_inspected_wait_and_age(shiphero: Scene) -> None:
    shiphero.authorised()
    number = announced(shiphero)
    counted(shiphero, number, shirts={"received": 2}, scarf={"received": 1})
    shiphero.hear()
    assert [unit.reception for unit in shiphero.road.case().units] == [Reception.RECEIVED] * 3
    assert shiphero.outside.documents("ReceiveStock") == []
    shiphero.road.world.now = lambda: "2036-11-20T09:00:00Z"
    from counterfoil.flow.look_again import look_at

    look_at(shiphero.road.world, shiphero.road.case().case_id)
    assert "received_not_inspected" in shiphero.road.problems()
