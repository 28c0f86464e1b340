"""The simulated Stripe sends to our hook: what is kept, what is refused, and what a refund's life becomes."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from counterfoil.core.events import RefundMoved
from counterfoil.gateways.stripe import SPEC
from counterfoil.gateways.stripe.sim import SIMULATOR
from counterfoil.ports.vendors import Delivery
from counterfoil.simkit.http import Request, Response
from counterfoil.simkit.server import Running, Simulator

assert SPEC.hook is not None
HOOK = SPEC.hook
SECRETS = ("whsec_next_example", "whsec_example")
REFUND = {"amount": 2550, "currency": "gbp", "payment_intent": "pi_1", "charge": "ch_1"}


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
        reply = HOOK.refuse(delivery, HOOK.verify(delivery, SECRETS))
        if reply is None:
            self.kept.setdefault(HOOK.delivery_key(delivery), delivery)
            reply = HOOK.accepted(delivery)
        self.answers.append(reply.status)
        return Response(reply.status, reply.body, {"content-type": reply.content_type})


class Scene:
    """Stripe and our door, in an event loop of their own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.door = Door()
        self.hook = self.start(self.door)
        world = {"signing_secrets": ["whsec_example"], "url": f"{self.hook.base_url}/x", "retry_seconds": 60}
        self.stripe = self.start(SIMULATOR(world))
        self.client = httpx2.Client(base_url=self.stripe.base_url, trust_env=False)

    def start(self, simulator: Simulator) -> Running:
        running = Running(simulator)
        asyncio.run_coroutine_threadsafe(running.start(), self.loop).result(10)
        return running

    def stop(self) -> None:
        for running in (self.stripe, self.hook):
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


def test_a_refund_goes_from_pending_to_confirmed_to_failed(scene: Scene) -> None:
    refund = scene.post("refunds", {**REFUND, "status": "pending"})
    scene.post(f"refunds/{refund['id']}/succeed", {})
    scene.post(f"refunds/{refund['id']}/fail", {})
    assert [fact.status for fact in scene.facts] == ["pending", "confirmed", "failed"]
    assert {(fact.ref, fact.amount, fact.currency) for fact in scene.facts} == {(refund["id"], 2550, "GBP")}
    assert len({fact.key for fact in scene.facts}) == 3


def test_the_same_state_told_by_another_event_or_read_by_api_is_one_fact(scene: Scene) -> None:
    refund = scene.post("refunds", REFUND)
    scene.post("emit", {"type": "refund.updated", "object": refund})
    listed = scene.client.get("/v1/refunds", params={"charge": "ch_1"})
    [read] = SPEC.translate(Delivery(body=listed.content, status=listed.status_code)).events
    assert len(scene.door.kept) == 2
    assert {fact.key for fact in scene.facts} == {read.key}


@pytest.mark.parametrize("variant", ["tampered", "stale", "wrong_secret", "unsigned"])
def test_what_is_forged_or_stale_is_refused(scene: Scene, variant: str) -> None:
    scene.post("refunds", {**REFUND, "variant": variant})
    assert (scene.door.answers, scene.door.kept) == ([401], {})


def test_during_a_roll_over_on_either_side_deliveries_go_through(scene: Scene) -> None:
    scene.client.post("/__sim/settings", json={"signing_secrets": ["whsec_unknown", "whsec_next_example"]})
    scene.post("refunds", REFUND)
    assert scene.door.answers == [200]


def test_a_repeat_is_kept_once(scene: Scene) -> None:
    scene.post("refunds", {**REFUND, "variant": "duplicate"}, answers=2)
    assert (scene.door.answers, len(scene.door.kept)) == ([200, 200], 1)


def test_signed_rubbish_is_kept_for_a_person(scene: Scene) -> None:
    scene.post("refunds", {**REFUND, "variant": "truncated"})
    [kept] = scene.door.kept.values()
    assert SPEC.translate(kept).kind == "unreadable"


def test_charge_refunded_is_passed_over(scene: Scene) -> None:
    scene.post("charge_refunded", {"charge": "ch_1", "amount": 5000})
    assert (scene.door.answers, scene.facts) == ([200], [])


def test_errors_of_the_api_are_answers(scene: Scene) -> None:
    missing = scene.client.get("/v1/refunds/re_none")
    answer = SPEC.translate(Delivery(body=missing.content, status=missing.status_code)).answer
    assert answer is not None
    assert (answer.result, answer.primary_code) == ("not_found", "resource_missing")
    scene.client.post("/__sim/faults", json={"match": "", "kind": "503"})
    busy = scene.client.get("/v1/refunds")
    answer = SPEC.translate(Delivery(body=busy.content, status=busy.status_code)).answer
    assert answer is not None
    assert (answer.result, answer.retryable) == ("retry", True)
