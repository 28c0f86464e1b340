"""The simulated Stripe over real HTTP: refunds that move, events that are signed, sent again, or wrong on purpose."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from counterfoil.gateways.stripe.sim import SIMULATOR
from counterfoil.simkit.http import Request, Response
from counterfoil.simkit.server import Running, Simulator

SECRET = "whsec_the_example"


class Listener(Simulator):
    """Notes what arrives; answers with the statuses it was given, then with 200."""

    vendor = "listener"

    def load(self, world: dict[str, Any]) -> None:
        self.got: list[Request] = []
        self.answers: list[int] = []

    def state(self) -> dict[str, Any]:
        return {}

    async def handle(self, request: Request) -> Response:
        self.got.append(request)
        return Response(self.answers.pop(0) if self.answers else 200)


class Scene:
    """Simulator and listener in an event loop of their own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.listener = Listener()
        self.hook = self.start(self.listener)
        world = {"signing_secrets": [SECRET], "url": f"{self.hook.base_url}/hook", "retry_seconds": 0.01}
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

    def post(self, path: str, body: dict[str, Any], arrivals: int = 1) -> dict[str, Any]:
        """Ask for something, and wait until so many requests have arrived at the hook."""
        before = len(self.listener.got)
        answer = self.client.post(f"/__sim/{path}", json=body)
        assert answer.status_code in (200, 201), answer.text
        self.wait(lambda: len(self.listener.got) >= before + arrivals)
        found: dict[str, Any] = answer.json()
        return found

    def wait(self, reached: Callable[[], bool]) -> None:
        for _ in range(300):
            if reached():
                return
            time.sleep(0.01)
        raise AssertionError(f"only {len(self.listener.got)} arrived")

    @property
    def events(self) -> list[dict[str, Any]]:
        return [request.json() for request in self.listener.got]


@pytest.fixture(scope="module")
def stage() -> Iterator[Scene]:
    made = Scene()
    yield made
    made.stop()


@pytest.fixture
def scene(stage: Scene) -> Scene:
    stage.client.post("/__sim/reset")
    stage.listener.load({})
    return stage


def fits(request: Request, secret: str = SECRET) -> bool:
    """Whether any v1 of the header is the sheet's signature under this secret (§9)."""
    parts = [part.split("=", 1) for part in request.headers["stripe-signature"].split(",")]
    [moment] = [value for name, value in parts if name == "t"]
    good = hmac.new(secret.encode(), moment.encode() + b"." + request.body, hashlib.sha256).hexdigest()
    return good in [value for name, value in parts if name == "v1"]


REFUND = {"amount": 2550, "currency": "gbp", "payment_intent": "pi_1", "charge": "ch_1"}


def test_a_refund_is_created_confirmed_and_then_fails(scene: Scene) -> None:
    refund = scene.post("refunds", {**REFUND, "status": "pending"})
    scene.post(f"refunds/{refund['id']}/succeed", {})
    scene.post(f"refunds/{refund['id']}/fail", {"failure_reason": "declined"})
    told = [(event["type"], event["data"]["object"]["status"]) for event in scene.events]
    assert told == [("refund.created", "pending"), ("refund.updated", "succeeded"), ("refund.failed", "failed")]
    last = scene.events[-1]["data"]
    assert last["previous_attributes"] == {"status": "succeeded"}
    assert last["object"]["failure_balance_transaction"].startswith("txn_")
    assert len({event["id"] for event in scene.events}) == 3
    assert all(fits(request) for request in scene.listener.got)


def test_during_a_roll_over_every_secret_signs(scene: Scene) -> None:
    scene.client.post("/__sim/settings", json={"signing_secrets": ["whsec_new", SECRET]})
    scene.post("refunds", REFUND)
    [request] = scene.listener.got
    assert fits(request)
    assert fits(request, "whsec_new")
    assert "v0=" in request.headers["stripe-signature"]


def test_each_variant_is_wrong_in_its_own_way(scene: Scene) -> None:
    for variant in ("tampered", "wrong_secret", "stale", "truncated", "unsigned"):
        scene.post("refunds", {**REFUND, "variant": variant})
    by_variant = dict(zip(("tampered", "wrong_secret", "stale", "truncated"), scene.listener.got, strict=False))
    assert {name: fits(request) for name, request in by_variant.items()} == {
        "tampered": False,
        "wrong_secret": False,
        "stale": True,
        "truncated": True,
    }
    assert by_variant["tampered"].json()["data"]["object"]["amount"] == 92550
    sent = int(by_variant["stale"].headers["stripe-signature"].split(",")[0].removeprefix("t="))
    assert time.time() - sent > 300
    assert "stripe-signature" not in scene.listener.got[-1].headers


def test_a_duplicate_is_the_same_event_twice(scene: Scene) -> None:
    scene.post("refunds", {**REFUND, "variant": "duplicate"}, arrivals=2)
    assert len({event["id"] for event in scene.events}) == 1


def test_what_is_not_answered_with_success_comes_again_and_then_stops(scene: Scene) -> None:
    scene.listener.answers = [500, 401, 200]
    scene.post("refunds", REFUND, arrivals=3)
    scene.listener.answers = [500] * 10
    scene.post("refunds", REFUND, arrivals=4)
    time.sleep(0.15)
    first, second = scene.client.get("/__sim/state").json()["deliveries"]
    assert (first["statuses"], first["done"]) == ([500, 401, 200], True)
    assert (second["statuses"], second["done"]) == ([500] * 4, False)


def test_charge_refunded_carries_the_running_total_and_no_refund(scene: Scene) -> None:
    scene.post("refunds", REFUND)
    scene.post("refunds", {**REFUND, "amount": 50})
    scene.post("charge_refunded", {"charge": "ch_1", "amount": 5000})
    charge = scene.events[-1]["data"]["object"]
    assert (charge["amount_refunded"], charge["refunded"]) == (2600, False)
    assert "refunds" not in charge


def test_refunds_can_be_listed_and_read(scene: Scene) -> None:
    mine = scene.post("refunds", REFUND)
    scene.post("refunds", {**REFUND, "charge": "ch_2"})
    listed = scene.client.get("/v1/refunds", params={"charge": "ch_1"}).json()
    assert (listed["object"], [refund["id"] for refund in listed["data"]]) == ("list", [mine["id"]])
    assert scene.client.get(f"/v1/refunds/{mine['id']}").json() == mine
    missing = scene.client.get("/v1/refunds/re_none")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "resource_missing")


def test_wrong_requests_are_told_in_a_sentence(scene: Scene) -> None:
    for path, body in [
        ("refunds", {**REFUND, "status": "gone"}),
        ("refunds", {**REFUND, "variant": "odd"}),
        ("refunds/re_none/succeed", {}),
        ("emit", {}),
    ]:
        assert scene.client.post(f"/__sim/{path}", json=body).status_code == 422
    assert scene.client.post("/__sim/nothing", json={}).status_code == 404
