"""A portal known only by its mapping, from the customer's request to the credit note: real HTTP, real signatures."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from counterfoil.conformance.stage import Control, listening
from counterfoil.core.policy import PRESETS
from counterfoil.core.returns import Disposition
from counterfoil.portals.signed import SPEC
from counterfoil.portals.signed.sim import EXAMPLE_SECRET, SignedPortalSimulator
from counterfoil.ports.capabilities import Cap
from counterfoil.ports.vendors import Delivery
from counterfoil.simkit.http import Request, Response
from counterfoil.simkit.server import Simulator
from counterfoil.store import cases
from counterfoil.testing.builders import PORTAL, parcel, refund_moved, sold_order
from counterfoil.testing.outside import Outside, Webhook
from counterfoil.testing.road import BRAND, Road, make_world

assert SPEC.hook is not None
HOOK = SPEC.hook


class Door(Simulator):
    """Our hook as the server has it: verify, refuse or keep, answer."""

    vendor = "door"

    def load(self, world: dict[str, Any]) -> None:
        self.kept: list[Webhook] = []
        self.answers: list[int] = []

    def state(self) -> dict[str, Any]:
        return {"answers": self.answers}

    async def handle(self, request: Request) -> Response:
        delivery = Delivery(body=request.body, headers=request.headers, arrived_at=time.time())
        reply = HOOK.refuse(delivery, HOOK.verify(delivery, ("another", EXAMPLE_SECRET)))
        if reply is None:
            self.kept.append(Webhook(connection="portal", body=request.body, headers=dict(request.headers)))
            reply = HOOK.accepted(delivery)
        self.answers.append(reply.status)
        return Response(reply.status, reply.body, {"content-type": reply.content_type})


class Scene:
    def __init__(self, road: Road, outside: Outside, door: Door, portal: Control) -> None:
        self.road, self.outside, self.door, self.portal = road, outside, door, portal
        self._taken = 0

    def arrived(self, deliveries: int) -> None:
        """Wait until the portal was answered so often, then bring what was kept into the inbox."""
        for _ in range(300):
            if len(self.door.answers) >= deliveries:
                break
            time.sleep(0.01)
        assert len(self.door.answers) == deliveries
        for webhook in self.door.kept[self._taken :]:
            self.road.keep(webhook)
        self._taken = len(self.door.kept)
        self.road.settle()

    @property
    def case(self) -> Any:
        with self.road.world.database.read() as tx:
            return cases.peek(tx, f"{BRAND}/signed/RET-0001")


@pytest.fixture
def scene(databases: Any) -> Iterator[Scene]:
    outside, door = Outside(), Door()
    database = databases.fresh()
    world = make_world(
        database,
        outside,
        policy=PRESETS["portal-led"],
        portal_can=frozenset({Cap.WEBHOOKS}),
        specs={"portal": SPEC},
        now="2026-11-04T09:00:00Z",
    )
    setup = world.setups[BRAND, PORTAL]
    world.setups = {(BRAND, "signed"): type(setup)(**{**_fields(setup), "portal": "signed"})}
    with listening(door) as hook_url, listening(SignedPortalSimulator({"url": f"{hook_url}/hooks"})) as portal_url:
        portal = Control(portal_url)
        yield Scene(Road(world, outside), outside, door, portal)
        portal.close()
    database.close()


def _fields(setup: Any) -> dict[str, Any]:
    return {name: getattr(setup, name) for name in setup.__struct_fields__}


def asked(**changes: Any) -> dict[str, Any]:
    lines = [
        {"id": "1", "order_line_id": "L1", "sku": "SHIRT-M", "quantity": 2, "value": "40.00", "reason": "Too small"}
    ]
    return {
        "order_id": "9001",
        "order_name": "#1001",
        "currency": "GBP",
        "totals": {"refund": "40.00"},
        "lines": lines,
        **changes,
    }


def test_a_return_of_a_mapped_portal_ends_in_one_credit_note_of_what_was_paid(scene: Scene) -> None:
    scene.outside.sell(sold_order())
    scene.portal.post("returns", asked())
    scene.portal.post("returns/RET-0001/approve", {"at": "2026-11-02T09:00:00Z"})
    scene.arrived(2)
    assert len(scene.outside.documents("OpenReturnAuthorisation")) == 1
    scene.portal.post("returns/RET-0001/ship", {"at": "2026-11-02T12:00:00Z", "tracking": "EX1GB"})
    scene.arrived(3)
    found = parcel("GR-1", [("SHIRT-M", 2)], tracking="EX1GB", disposition=Disposition.SELLABLE)
    scene.road.tell("wms", found)
    scene.road.settle()
    paid = [{"shop_refund_id": "880001", "gateway": "card", "amount": "40.00"}]
    scene.portal.post("returns/RET-0001/pay", {"at": "2026-11-03T09:00:00Z", "refunds": paid})
    scene.arrived(4)
    scene.road.tell("shop", refund_moved("880001", 4000))
    scene.road.settle()
    [credit] = scene.outside.documents("PostCreditNote")
    assert credit.command.credit.total_gross == 4000  # type: ignore[union-attr]
    assert len(scene.outside.documents("ReceiveStock")) == 1
    assert scene.case.money_out == 4000
    assert scene.road.problems() == []


def test_deliveries_that_come_again_and_in_disorder_change_nothing(scene: Scene) -> None:
    scene.outside.sell(sold_order())
    scene.portal.post("returns", asked())
    scene.portal.post("returns/RET-0001/approve", {"at": "2026-11-02T09:00:00Z"})
    scene.arrived(2)
    before = replace_marks(scene.case)
    for webhook in reversed(scene.door.kept):
        scene.road.keep(webhook)
    scene.portal.post("emit", {"id": "RET-0001"})
    scene.arrived(3)
    assert replace_marks(scene.case) == before
    assert len(scene.outside.documents("OpenReturnAuthorisation")) == 1


def replace_marks(case: Any) -> Any:
    return (case.stage, case.units, case.steps.keys(), case.portal_return)


@pytest.mark.parametrize("variant", ["tampered", "stale", "wrong_secret", "unsigned"])
def test_what_is_forged_or_stale_is_refused_and_tried_again_in_vain(scene: Scene, variant: str) -> None:
    scene.portal.post("returns", asked())
    scene.arrived(1)
    scene.portal.post("emit", {"id": "RET-0001", "variant": variant})
    for _ in range(300):
        if len(scene.door.answers) > 1:
            break
        time.sleep(0.01)
    assert scene.door.answers[1] == 401
    assert len(scene.door.kept) == 1


def test_a_fourth_portal_is_one_import_and_one_name_in_the_catalogue() -> None:
    from pathlib import Path

    from counterfoil import catalog

    text = Path(catalog.__file__).read_text("utf-8")
    assert text.count("counterfoil.portals.signed") == 1
    assert text.count("SIGNED") == 2
    assert replace(SPEC) in catalog.PORTALS
