"""The simulated Adyen sends to our hook: what is kept, what is refused, and what a refund's life becomes."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from counterfoil.core.events import RefundMoved
from counterfoil.gateways.adyen import SPEC
from counterfoil.gateways.adyen.sim import SIMULATOR
from counterfoil.ports.vendors import Delivery
from counterfoil.simkit.http import Request, Response
from counterfoil.simkit.server import Running, Simulator

assert SPEC.hook is not None
HOOK = SPEC.hook
KEY, NEXT = "0F" * 32, "AB" * 32
REFUND = {"value": 2550, "currency": "EUR", "originalReference": "PAYMENT1", "merchantReference": "#1001"}


class Door(Simulator):
    """Our side as the server does it: verify, refuse or keep, answer. Deliveries are kept once."""

    vendor = "door"

    def load(self, world: dict[str, Any]) -> None:
        self.kept: dict[str, Delivery] = {}
        self.answers: list[int] = []

    def state(self) -> dict[str, Any]:
        return {}

    async def handle(self, request: Request) -> Response:
        delivery = Delivery(body=request.body, headers=request.headers, arrived_at=time.time())
        reply = HOOK.refuse(delivery, HOOK.verify(delivery, [NEXT, KEY]))
        if reply is None:
            self.kept.setdefault(HOOK.delivery_key(delivery), delivery)
            reply = HOOK.accepted(delivery)
        self.answers.append(reply.status)
        return Response(reply.status, reply.body, {"content-type": reply.content_type})


class Scene:
    """Adyen and our door, in an event loop of their own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.door = Door()
        self.hook = self.start(self.door)
        world = {"hmac_key": KEY, "url": f"{self.hook.base_url}/x", "retry_seconds": 0.01}
        self.adyen = self.start(SIMULATOR(world))
        self.client = httpx2.Client(base_url=self.adyen.base_url, trust_env=False)

    def start(self, simulator: Simulator) -> Running:
        running = Running(simulator)
        asyncio.run_coroutine_threadsafe(running.start(), self.loop).result(10)
        return running

    def stop(self) -> None:
        for running in (self.adyen, self.hook):
            asyncio.run_coroutine_threadsafe(running.stop(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()
        self.client.close()

    def post(self, path: str, body: dict[str, Any], answers: int = 1) -> dict[str, Any]:
        """Ask for something, and wait until our door has answered so often."""
        before = len(self.door.answers)
        asked = self.client.post(f"/__sim/{path}", json=body)
        assert asked.status_code in (200, 201), asked.text
        self.wait(lambda: len(self.door.answers) >= before + answers)
        found: dict[str, Any] = asked.json()
        return found

    def wait(self, reached: Callable[[], bool]) -> None:
        for _ in range(300):
            if reached():
                return
            time.sleep(0.01)
        raise AssertionError(f"the door answered only {self.door.answers}")

    @property
    def facts(self) -> list[RefundMoved]:
        events = [event for delivery in self.door.kept.values() for event in SPEC.translate(delivery).events]
        return [event for event in events if isinstance(event, RefundMoved)]


@pytest.fixture(scope="module")
def stage() -> Iterator[Scene]:
    made = Scene()
    yield made
    made.stop()


@pytest.fixture
def scene(stage: Scene) -> Scene:
    stage.client.post("/__sim/reset")
    stage.door.load({})
    return stage


def test_a_refund_is_provisional_then_fails_then_comes_back(scene: Scene) -> None:
    [refund] = scene.post("refunds", REFUND)["refunds"]
    scene.post(f"refunds/{refund['pspReference']}/fail", {})
    scene.post(f"refunds/{refund['pspReference']}/reverse", {})
    assert [fact.status for fact in scene.facts] == ["provisional", "failed", "reversed"]
    told = {(fact.ref, fact.amount, fact.currency, fact.order_ref) for fact in scene.facts}
    assert told == {(refund["pspReference"], 2550, "EUR", "#1001")}
    assert len({fact.key for fact in scene.facts}) == 3


def test_our_answer_ends_the_sending(scene: Scene) -> None:
    scene.post("refunds", REFUND)
    scene.wait(lambda: bool(scene.client.get("/__sim/state").json()["notifications"][0]["done"]))
    [sent] = scene.client.get("/__sim/state").json()["notifications"]
    assert (sent["attempts"], sent["answer"]) == (1, "[accepted]")


def test_several_refunds_in_one_notification_are_as_many_facts(scene: Scene) -> None:
    scene.post("refunds", {"refunds": [REFUND, {**REFUND, "value": 100, "success": False}]})
    assert [(fact.amount, fact.status) for fact in scene.facts] == [(2550, "provisional"), (100, "failed")]


@pytest.mark.parametrize("variant", ["tampered", "second_item_tampered", "wrong_key", "unsigned", "truncated"])
def test_a_notification_with_anything_wrong_in_it_is_refused_each_time_it_comes(scene: Scene, variant: str) -> None:
    scene.post("refunds", {"refunds": [REFUND, REFUND], "variant": variant}, answers=4)
    assert (scene.door.answers, scene.door.kept) == ([401] * 4, {})


def test_a_key_that_was_changed_on_their_side_first_is_known_here(scene: Scene) -> None:
    scene.client.post("/__sim/settings", json={"hmac_key": NEXT})
    scene.post("refunds", REFUND)
    assert scene.door.answers == [200]


def test_a_repeat_is_kept_once(scene: Scene) -> None:
    scene.post("refunds", {**REFUND, "variant": "duplicate"}, answers=2)
    assert (scene.door.answers, len(scene.door.kept)) == ([200, 200], 1)
