"""The simulated warehouse: what it signs, what it sends again, and what it remembers (warehouse sheet §2, §6)."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from counterfoil.simkit.http import Request, Response, json_response
from counterfoil.simkit.sender import WebhookSender
from counterfoil.simkit.server import Running, Simulator
from counterfoil.warehouses.canonical.sim import WarehouseSimulator, sign

SECRET = "whsec_" + base64.b64encode(b"thirty-two bytes of test secret!").decode()
Json = dict[str, Any]


class Hook(Simulator):
    """Our side: keeps what arrives and answers from a list, 202 when the list is empty."""

    vendor = "hook"

    def load(self, world: Json) -> None:
        self.requests: list[Request] = []
        self.answers: list[Response] = []

    def state(self) -> Json:
        return {}

    async def handle(self, request: Request) -> Response:
        self.requests.append(request)
        return self.answers.pop(0) if self.answers else json_response({"status": "accepted"}, 202)


class Scene:
    """A warehouse and the hook it sends to."""

    def __init__(self, warehouse: WarehouseSimulator, hook: Hook, client: httpx2.AsyncClient) -> None:
        self.warehouse, self.hook, self.client = warehouse, hook, client

    async def post(self, path: str, body: Json) -> httpx2.Response:
        return await self.client.post(f"{self.warehouse.base_url}/__sim/{path}", json=body)

    async def messages(self) -> list[Json]:
        state: Json = (await self.client.get(f"{self.warehouse.base_url}/__sim/state")).json()
        found: list[Json] = state["messages"]
        return found

    async def arrived(self, count: int) -> list[Request]:
        for _ in range(300):
            if len(self.hook.requests) >= count:
                return self.hook.requests
            await asyncio.sleep(0.01)
        raise AssertionError(f"{len(self.hook.requests)} messages arrived, not {count}")

    async def finished(self, attempts: int) -> Json:
        """The only message, once it has heard this many answers and stays quiet."""
        for _ in range(300):
            [message] = await self.messages()
            if len(message["statuses"]) >= attempts:
                break
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        [message] = await self.messages()
        return message


Story = Callable[[Scene], Awaitable[None]]


class Stage:
    """One warehouse and one hook, listening for all tests of this file; each story starts from a world of its own."""

    def __init__(self) -> None:
        self.hook = Hook()
        self.warehouse = WarehouseSimulator()
        self.runner = asyncio.Runner()
        self.client = httpx2.AsyncClient(trust_env=False)
        self.running = [Running(self.hook), Running(self.warehouse)]

    def open(self) -> None:
        self.runner.run(_all(running.start() for running in self.running))

    def close(self) -> None:
        self.runner.run(_told(self.client.aclose()))
        self.runner.run(_all(running.stop() for running in self.running))
        self.runner.close()

    def play(self, story: Story, **world: Any) -> None:
        url = f"{self.hook.base_url}/webhooks/warehouse/example-wms"
        self.warehouse.world = {"secret": SECRET, "url": url, "retry_seconds": 0.01, **world}
        self.warehouse.load(dict(self.warehouse.world))
        self.hook.load({})
        self.runner.run(_told(story(Scene(self.warehouse, self.hook, self.client))))
        self.runner.run(_quiet(self.warehouse.sender))


async def _told(story: Awaitable[None]) -> None:
    await story


async def _quiet(sender: WebhookSender) -> None:
    """Let what is under way end, so that it does not arrive in the next story."""
    for _ in range(200):
        if sender.idle:
            return
        await asyncio.sleep(0.01)


async def _all(steps: Iterable[Awaitable[None]]) -> None:
    await asyncio.gather(*steps)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    made = Stage()
    made.open()
    yield made
    made.close()


LINE = {"sku": "TEE-BLK-M", "received_quantity": 1}


def test_a_message_verifies_with_the_published_library_and_carries_its_event_id(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        await scene.post("parcels", {"event_type": "return.received", "rma_number": "RMA-1", "lines": [LINE]})
        [request] = await scene.arrived(1)
        event = Webhook(SECRET).verify(request.body, dict(request.headers))
        assert request.headers["webhook-id"] == event["event_id"]
        assert event["rma_number"] == "RMA-1"
        assert event["lines"][0]["inspection_status"] == "pending"
        assert request.path == "/webhooks/warehouse/example-wms"

    stage.play(story)


def test_the_signature_is_the_one_the_published_library_makes() -> None:
    body = '{"note": "Zoë"}'
    moment = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
    expected = Webhook(SECRET).sign("evt-1", moment, body)
    assert sign(SECRET, "evt-1", int(moment.timestamp()), body.encode()) == expected


def test_every_secret_signs_while_secrets_change(stage: Stage) -> None:
    other = "whsec_" + base64.b64encode(b"the secret that comes next month").decode()

    async def story(scene: Scene) -> None:
        await scene.post("parcels", {"order_number": "#1001", "lines": [LINE]})
        [request] = await scene.arrived(1)
        for secret in (SECRET, other):
            Webhook(secret).verify(request.body, dict(request.headers))

    stage.play(story, secret=[SECRET, other])


@pytest.mark.parametrize("variant", ["bad_signature", "stale"])
def test_a_message_gone_wrong_does_not_verify_and_is_not_sent_again_after_401(stage: Stage, variant: str) -> None:
    async def story(scene: Scene) -> None:
        scene.hook.answers = [json_response({"error": {"code": "bad_signature"}}, 401)]
        await scene.post("parcels", {"rma_number": "RMA-1", "lines": [LINE], "variant": variant})
        [request] = await scene.arrived(1)
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(request.body, dict(request.headers))
        message = await scene.finished(1)
        assert message["statuses"] == [401]
        assert message["answer"] == {"error": {"code": "bad_signature"}}

    stage.play(story)


def test_a_truncated_message_is_signed_over_what_is_sent(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        await scene.post("parcels", {"rma_number": "RMA-1", "lines": [LINE], "variant": "truncated"})
        [request] = await scene.arrived(1)
        Webhook(SECRET).verify(request.body, dict(request.headers), json_parse=False)
        with pytest.raises(ValueError, match=r"."):
            json.loads(request.body)

    stage.play(story)


def test_a_duplicate_has_the_same_id_and_the_same_bytes(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        await scene.post("parcels", {"rma_number": "RMA-1", "lines": [LINE], "variant": "duplicate"})
        first, second = await scene.arrived(2)
        assert first.body == second.body
        assert first.headers["webhook-id"] == second.headers["webhook-id"]

    stage.play(story)


def test_503_and_429_are_tried_again_until_accepted(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        busy = json_response({"error": {"code": "busy"}}, 429, {"retry-after": "0"})
        scene.hook.answers = [json_response({}, 503), busy]
        await scene.post("parcels", {"rma_number": "RMA-1", "lines": [LINE]})
        message = await scene.finished(3)
        assert message["statuses"] == [503, 429, 202]
        assert message["done"] is True

    stage.play(story)


def test_a_receiver_that_stays_down_is_given_up_after_four_attempts(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        scene.hook.answers = [json_response({}, 500) for _ in range(9)]
        await scene.post("parcels", {"rma_number": "RMA-1", "lines": [LINE]})
        message = await scene.finished(4)
        assert message["statuses"] == [500] * 4
        assert message["done"] is False

    stage.play(story)


def test_a_scan_receives_and_then_inspects_with_dispositions_that_add_up(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        units = [
            {"sku": "TEE", "disposition": "sellable", "quantity": 2, "rma_line_ref": "L1"},
            {"sku": "TEE", "disposition": "damaged", "rma_line_ref": "L1", "reason_code": "STAIN"},
            {"sku": "TEE", "rejected": True, "rma_line_ref": "L1"},
            {"sku": "CAP", "disposition": "missing"},
        ]
        answer = await scene.post("scan", {"rma_number": "RMA-7", "units": units})
        received, inspected = [json.loads(request.body) for request in await scene.arrived(2)]
        assert [received["event_type"], inspected["event_type"]] == ["return.received", "return.inspected"]
        assert received["receipt_id"] == inspected["receipt_id"] == answer.json()["events"][0]["receipt_id"]
        assert (received["revision"], inspected["revision"]) == (1, 2)
        tee, cap = inspected["lines"]
        assert (tee["received_quantity"], tee["rejected_quantity"], tee["inspection_status"]) == (4, 1, "partial")
        assert sum(part["quantity"] for part in tee["dispositions"]) == 3
        assert [part["disposition"] for part in cap["dispositions"]] == ["missing"]

    stage.play(story)


def test_a_reversal_and_a_revision_say_which_receipt_they_are_about(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        body = {"receipt_id": "GR-88", "rma_number": "RMA-1", "lines": [LINE]}
        await scene.post("parcels", {**body, "event_type": "return.inspected", "revision": 3})
        undo = {**body, "event_type": "return.receipt_reversed", "receipt_id": "GR-89", "reverses_receipt_id": "GR-88"}
        await scene.post("parcels", undo)
        revised, reversal = [json.loads(request.body) for request in await scene.arrived(2)]
        assert (revised["receipt_id"], revised["revision"]) == ("GR-88", 3)
        assert reversal["reverses_receipt_id"] == "GR-88"

    stage.play(story)


def test_held_messages_can_arrive_in_reverse_or_never(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        await scene.post("webhooks/hold", {})
        await scene.post("scan", {"rma_number": "RMA-1", "units": [{"sku": "TEE"}]})
        assert await scene.messages() == []
        await scene.post("webhooks/release", {"order": "reversed"})
        kinds = [json.loads(request.body)["event_type"] for request in await scene.arrived(2)]
        assert kinds == ["return.inspected", "return.received"]
        await scene.post("webhooks/hold", {})
        await scene.post("parcels", {"rma_number": "RMA-1", "lines": [LINE]})
        await scene.post("webhooks/release", {"drop": True})
        await asyncio.sleep(0.05)
        assert len(scene.hook.requests) == 2

    stage.play(story)


def test_what_the_test_wrote_is_sent_as_it_was_written_even_when_it_breaks_the_schema(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        await scene.post("parcels", {"rma_number": "RMA-1", "lines": [{"sku": "TEE", "received_quantity": -1}]})
        [request] = await scene.arrived(1)
        assert json.loads(request.body)["lines"][0]["received_quantity"] == -1

    stage.play(story)


def test_an_unknown_variant_or_event_type_is_refused_with_a_sentence(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        for body in ({"variant": "late"}, {"event_type": "return.lost"}):
            answer = await scene.post("parcels", {"lines": [LINE], **body})
            assert answer.status_code == 422
            assert "unknown" in answer.json()["error"]
        assert scene.hook.requests == []

    stage.play(story)


def test_reset_forgets_messages_and_starts_the_numbers_again(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        first = (await scene.post("parcels", {"rma_number": "RMA-1", "lines": [LINE]})).json()
        await scene.arrived(1)
        await scene.post("reset", {})
        assert await scene.messages() == []
        again = (await scene.post("parcels", {"rma_number": "RMA-1", "lines": [LINE]})).json()
        assert again == first

    stage.play(story)
