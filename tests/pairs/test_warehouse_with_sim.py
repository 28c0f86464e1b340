"""The simulated warehouse sends to our hook: what is kept, what is refused, and what a whole parcel becomes."""

from __future__ import annotations

import asyncio
import base64
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from counterfoil.core.receipts import Receipt, ReceiptKind
from counterfoil.core.returns import Disposition
from counterfoil.ports.vendors import Delivery, Reply
from counterfoil.simkit.http import Request, Response
from counterfoil.simkit.server import Running, Simulator
from counterfoil.warehouses.canonical import SPEC
from counterfoil.warehouses.canonical.sim import SIMULATOR

assert SPEC.hook is not None
HOOK = SPEC.hook
SECRET = "whsec_" + base64.b64encode(b"an invented key for this story..").decode()
LINE = {"line_id": "1", "sku": "TEE-RED-M", "received_quantity": 1, "inspection_status": "pending"}


class Door(Simulator):
    """Our side as the server will do it: verify, refuse or keep, answer. Deliveries are kept once."""

    vendor = "door"

    def load(self, world: dict[str, Any]) -> None:
        """Nothing kept."""
        self.kept: dict[str, Delivery] = {}
        self.answers: list[int] = []

    def state(self) -> dict[str, Any]:
        """Nothing to show."""
        return {}

    async def handle(self, request: Request) -> Response:
        """One delivery."""
        reply = self.reply(Delivery(body=request.body, headers=request.headers, arrived_at=time.time()))
        self.answers.append(reply.status)
        return Response(reply.status, reply.body, {"content-type": reply.content_type})

    def reply(self, delivery: Delivery) -> Reply:
        """What the sender hears."""
        refused = HOOK.refuse(delivery, HOOK.verify(delivery, [SECRET]))
        if refused is not None:
            return refused
        key = HOOK.delivery_key(delivery)
        if key in self.kept:
            return HOOK.duplicate(delivery)
        self.kept[key] = delivery
        return HOOK.accepted(delivery)


class Scene:
    """The warehouse and our door, in an event loop of their own."""

    def __init__(self) -> None:
        self.control = httpx2.Client(trust_env=False)
        self.door = Door()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.hook = self.start(self.door)
        world = {"source": "acme-3pl", "secret": SECRET, "url": f"{self.hook.base_url}/webhooks/warehouse/acme-3pl"}
        self.warehouse = self.start(SIMULATOR(world))

    def start(self, simulator: Simulator) -> Running:
        """Listen."""
        running = Running(simulator)
        asyncio.run_coroutine_threadsafe(running.start(), self.loop).result(10)
        return running

    def stop(self) -> None:
        """Fall silent."""
        for running in (self.warehouse, self.hook):
            asyncio.run_coroutine_threadsafe(running.stop(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    def send(self, path: str, body: dict[str, Any], answers: int = 1) -> list[int]:
        """Make the warehouse send, and wait until our door has answered so often."""
        before = len(self.door.answers)
        asked = self.control.post(f"{self.warehouse.base_url}/__sim/{path}", json=body)
        assert asked.status_code == 201, asked.text
        self.wait(lambda: len(self.door.answers) >= before + answers)
        return self.door.answers[before:]

    def wait(self, reached: Callable[[], bool]) -> None:
        """Until it is so, for three seconds at most."""
        for _ in range(300):
            if reached():
                return
            time.sleep(0.01)
        raise AssertionError(f"the door answered only {self.door.answers}")

    @property
    def receipts(self) -> list[Receipt]:
        """What the kept deliveries say."""
        found = [SPEC.translate(delivery).receipt for delivery in self.door.kept.values()]
        return [receipt for receipt in found if receipt is not None]

    @property
    def keys(self) -> list[str]:
        """The keys of the facts."""
        return [event.key for delivery in self.door.kept.values() for event in SPEC.translate(delivery).events]


@pytest.fixture(scope="module")
def stage() -> Iterator[Scene]:
    """One warehouse and one door for the file."""
    made = Scene()
    yield made
    made.stop()


@pytest.fixture
def scene(stage: Scene) -> Scene:
    """Both with nothing in them."""
    stage.door.load({})
    return stage


def test_a_parcel_is_received_and_then_inspected(scene: Scene) -> None:
    units = [
        {"sku": "TEE-RED-M", "disposition": "sellable", "quantity": 2},
        {"sku": "TEE-RED-M", "disposition": "damaged"},
    ]
    assert scene.send("scan", {"rma_number": "RMA-1", "units": units}, answers=2) == [202, 202]
    first, second = scene.receipts
    assert (first.event_type, second.event_type) == (ReceiptKind.RECEIVED, ReceiptKind.INSPECTED)
    assert (first.receipt_id, first.revision) == (second.receipt_id, second.revision - 1)
    [line] = second.lines
    assert line.received_quantity == 3
    assert {found.disposition: found.quantity for found in line.dispositions} == {
        Disposition.SELLABLE: 2,
        Disposition.DAMAGED: 1,
    }
    assert all(SPEC.translate(delivery).problems == () for delivery in scene.door.kept.values())


def test_the_same_message_twice_is_kept_once(scene: Scene) -> None:
    body = {"rma_number": "RMA-1", "lines": [LINE], "variant": "duplicate"}
    assert sorted(scene.send("parcels", body, answers=2)) == [200, 202]
    assert len(scene.keys) == 1


@pytest.mark.parametrize(
    ("variant", "status"), [("bad_signature", 401), ("stale", 401), ("truncated", 400), ("normal", 202)]
)
def test_what_is_forged_stale_or_cut_off_is_refused(scene: Scene, variant: str, status: int) -> None:
    assert scene.send("parcels", {"rma_number": "RMA-1", "lines": [LINE], "variant": variant}) == [status]
    assert len(scene.door.kept) == (1 if status == 202 else 0)


def test_quantities_the_schema_does_not_know_are_refused(scene: Scene) -> None:
    line = {**LINE, "received_quantity": 1.5}
    assert scene.send("parcels", {"rma_number": "RMA-1", "lines": [line]}) == [400]


def test_dispositions_that_do_not_add_up_are_kept_as_a_problem(scene: Scene) -> None:
    units = [{"quantity": 1, "condition": "new", "disposition": "sellable"}]
    line = {**LINE, "received_quantity": 2, "inspection_status": "passed", "dispositions": units}
    body = {"rma_number": "RMA-1", "event_type": "return.inspected", "lines": [line]}
    assert scene.send("parcels", body) == [202]
    [kept] = scene.door.kept.values()
    assert [finding.kind for finding in SPEC.translate(kept).problems] == ["disposition_sum"]


def test_a_revision_and_a_reversal_are_facts_of_their_own(scene: Scene) -> None:
    first = {"rma_number": "RMA-1", "receipt_id": "GR-1", "lines": [LINE]}
    undo = {
        "event_type": "return.receipt_reversed",
        "receipt_id": "GR-2",
        "reverses_receipt_id": "GR-1",
        "rma_number": "RMA-1",
        "lines": [LINE],
    }
    for body in (first, {**first, "revision": 2}, undo):
        assert scene.send("parcels", body) == [202]
    assert [(r.receipt_id, r.revision, r.reverses_receipt_id) for r in scene.receipts] == [
        ("GR-1", 1, None),
        ("GR-1", 2, None),
        ("GR-2", 1, "GR-1"),
    ]
    assert len(set(scene.keys)) == 3
