"""The simulated Adyen over real HTTP: signed items, and sending until `[accepted]` is heard."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from counterfoil.gateways.adyen.sim import SIMULATOR
from counterfoil.simkit.http import Request, Response
from counterfoil.simkit.server import Running, Simulator

KEY = "0F" * 32


class Listener(Simulator):
    """Notes what arrives; answers with what it was given, then with `[accepted]`."""

    vendor = "listener"

    def load(self, world: dict[str, Any]) -> None:
        self.got: list[Request] = []
        self.answers: list[tuple[int, bytes]] = []

    def state(self) -> dict[str, Any]:
        return {}

    async def handle(self, request: Request) -> Response:
        self.got.append(request)
        return Response(*(self.answers.pop(0) if self.answers else (200, b"[accepted]")))


class Scene:
    """Simulator and listener in an event loop of their own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.listener = Listener()
        self.hook = self.start(self.listener)
        world = {"hmac_key": KEY, "url": f"{self.hook.base_url}/hook", "retry_seconds": 0.01}
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

    def items(self, position: int = -1) -> list[dict[str, Any]]:
        """The items of one notification that arrived."""
        wrapped = self.listener.got[position].json()["notificationItems"]
        return [item["NotificationRequestItem"] for item in wrapped]

    def sent(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.get("/__sim/state").json()["notifications"]
        return found


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


def fits(item: dict[str, Any], key: str = KEY) -> bool:
    """Whether the item's signature is the sheet's under this key (§10)."""
    names = ("pspReference", "originalReference", "merchantAccountCode", "merchantReference")
    money = [str(item["amount"]["value"]), item["amount"]["currency"]]
    text = ":".join([*(item[name] for name in names), *money, item["eventCode"], item["success"]])
    good = base64.b64encode(hmac.new(bytes.fromhex(key), text.encode(), hashlib.sha256).digest()).decode()
    return bool(item["additionalData"].get("hmacSignature") == good)


REFUND = {"value": 2550, "currency": "EUR", "originalReference": "PAYMENT1", "merchantReference": "#1001"}


def test_a_refund_is_sent_then_fails_then_comes_back(scene: Scene) -> None:
    [refund] = scene.post("refunds", REFUND)["refunds"]
    scene.post(f"refunds/{refund['pspReference']}/fail", {"reason": "account closed"})
    scene.post(f"refunds/{refund['pspReference']}/reverse", {})
    told = [scene.items(i)[0] for i in range(3)]
    assert [(item["eventCode"], item["success"]) for item in told] == [
        ("REFUND", "true"),
        ("REFUND_FAILED", "true"),
        ("REFUNDED_REVERSED", "true"),
    ]
    assert len({item["pspReference"] for item in told}) == 1
    assert all(fits(item) for item in told)


def test_several_refunds_in_one_notification_are_each_signed(scene: Scene) -> None:
    scene.post("refunds", {"refunds": [REFUND, {**REFUND, "value": 100, "success": False}]})
    first, second = scene.items()
    assert (first["success"], second["success"]) == ("true", "false")
    assert first["pspReference"] != second["pspReference"]
    assert fits(first) and fits(second)


@pytest.mark.parametrize(
    ("variant", "good"),
    [
        ("tampered", [False, False]),
        ("second_item_tampered", [True, False]),
        ("wrong_key", [False, False]),
        ("unsigned", [False, False]),
    ],
)
def test_each_variant_is_wrong_in_its_own_way(scene: Scene, variant: str, good: list[bool]) -> None:
    scene.post("refunds", {"refunds": [REFUND, REFUND], "variant": variant})
    assert [fits(item) for item in scene.items()] == good


def test_a_truncated_notification_is_no_json_and_a_duplicate_is_the_same_bytes_twice(scene: Scene) -> None:
    scene.post("refunds", {**REFUND, "variant": "truncated"})
    with pytest.raises(ValueError):
        scene.listener.got[-1].json()
    scene.post("refunds", {**REFUND, "variant": "duplicate"}, arrivals=2)
    assert scene.listener.got[-1].body == scene.listener.got[-2].body


def test_a_success_without_the_word_accepted_is_no_answer_and_it_comes_again(scene: Scene) -> None:
    scene.listener.answers = [(200, b'{"ok":true}'), (500, b"[accepted]"), (200, b"[accepted]\n")]
    scene.post("refunds", REFUND, arrivals=3)
    scene.wait(lambda: scene.sent()[0]["done"])
    [sent] = scene.sent()
    assert (sent["attempts"], sent["statuses"], sent["answer"].strip()) == (3, [0, 500, 200], "[accepted]")


def test_it_gives_up_after_four_attempts(scene: Scene) -> None:
    scene.listener.answers = [(200, b"ok")] * 10
    scene.post("refunds", REFUND, arrivals=4)
    time.sleep(0.15)
    [sent] = scene.sent()
    assert (sent["attempts"], sent["done"], sent["answer_status"]) == (4, False, 200)


def test_a_new_key_signs_from_then_on(scene: Scene) -> None:
    scene.client.post("/__sim/settings", json={"hmac_key": "AB" * 32})
    scene.post("refunds", REFUND)
    assert fits(scene.items()[0], "AB" * 32)


def test_items_of_any_event_code_can_be_emitted_and_are_signed(scene: Scene) -> None:
    item = {**scene.post("refunds", REFUND)["refunds"][0], "eventCode": "REPORT_AVAILABLE"}
    scene.post("emit", {"items": [item]})
    assert scene.items()[0]["eventCode"] == "REPORT_AVAILABLE"
    assert fits(scene.items()[0])


def test_wrong_requests_are_told_in_a_sentence(scene: Scene) -> None:
    for path, body in [
        ("refunds", {**REFUND, "variant": "odd"}),
        ("refunds", {}),
        ("refunds/none/fail", {}),
        ("emit", {}),
    ]:
        assert scene.client.post(f"/__sim/{path}", json=body).status_code == 422
    assert scene.client.post("/__sim/refunds/none/forget", json={}).status_code == 404
    assert scene.client.get("/anything").status_code == 404
