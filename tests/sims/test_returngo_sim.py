"""The simulated ReturnGO: units without quantities, scarce calls, thin unsigned events (ReturnGO sheet §1-§6)."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from counterfoil.gateways.shopify.sim import ShopifySimulator
from counterfoil.portals.returngo.sim import SIMULATOR, ReturnGoSimulator
from counterfoil.portals.returngo.sim.records import SHIPMENT_MOVES
from counterfoil.simkit.amounts import encode, number_of
from counterfoil.simkit.http import Request, Response
from counterfoil.simkit.outbox import Outbox
from counterfoil.simkit.server import Running, Simulator

Json = dict[str, Any]
SHOP = "example.myshopify.com"
KEYS = {"x-api-key": "key-1", "x-shop-name": SHOP}
MARKUP = re.compile(r"<[^>]+>")


class Hook(Simulator):
    """Our side: keeps what arrives and answers from a list, 200 when the list is empty."""

    vendor = "hook"

    def load(self, world: Json) -> None:
        self.requests: list[Request] = []
        self.answers: list[Response] = []

    def state(self) -> Json:
        return {}

    async def handle(self, request: Request) -> Response:
        self.requests.append(request)
        return self.answers.pop(0) if self.answers else Response(200)


class Scene:
    """ReturnGO, a shop, the hook ReturnGO sends to, and a client with the right headers."""

    def __init__(self, stage: Stage) -> None:
        self.portal, self.shop, self.hook, self.client = stage.portal, stage.shop, stage.hook, stage.client

    async def call(self, method: str, path: str, body: Any = None, headers: Json | None = None) -> httpx2.Response:
        url = self.portal.base_url + path
        return await self.client.request(method, url, json=body, headers=KEYS if headers is None else headers)

    async def get(self, path: str) -> Json:
        answer = await self.call("GET", path)
        assert answer.status_code == 200, answer.text
        found: Json = json.loads(answer.text, parse_float=Decimal)
        return found

    async def control(self, path: str, body: Json | None = None) -> Json:
        answer = await self.client.post(f"{self.portal.base_url}/__sim/{path}", json=body or {})
        assert answer.status_code in (200, 201), answer.text
        found: Json = answer.json()
        return found

    async def refused(self, path: str, body: Json | None = None) -> str:
        answer = await self.client.post(f"{self.portal.base_url}/__sim/{path}", json=body or {})
        assert answer.status_code == 422, answer.text
        return str(answer.json()["error"])

    async def submit(self, quantity: int = 1, **more: Any) -> str:
        """A return of so many TEEs; answers its id."""
        lines = [{"line_item_id": 11, "quantity": quantity, "reason": "Too small"}]
        made = await self.control("returns", {"order_id": 1001, "lines": lines, **more})
        return str(made["id"])

    async def happen(self, number: str, *whats: str) -> None:
        for what in whats:
            await self.control(f"returns/{number}/{what}")

    async def approved(self, quantity: int = 1, **more: Any) -> str:
        number = await self.submit(quantity, **more)
        await self.happen(number, "approve")
        return number

    async def received(self, quantity: int = 1, **more: Any) -> str:
        number = await self.approved(quantity, **more)
        await self.control(f"returns/{number}/label", {"status": "delivered", "tracking_number": "T1"})
        return number

    async def rma(self, number: str) -> Json:
        return await self.get(f"/rma/{number}")

    async def status(self, number: str) -> str:
        return str((await self.rma(number))["rmaSummary"]["status"])

    async def said(self, number: str) -> list[str]:
        """The timeline, newest first, tags stripped."""
        return [MARKUP.sub("", row["htmlText"]) for row in (await self.rma(number))["comments"]]

    async def arrived(self, count: int) -> list[Json]:
        for _ in range(300):
            if len(self.hook.requests) >= count:
                return [json.loads(request.body) for request in self.hook.requests]
            await asyncio.sleep(0.01)
        raise AssertionError(f"{len(self.hook.requests)} deliveries arrived, not {count}")

    async def shop_refunds(self) -> list[Json]:
        found: list[Json] = (await self.client.get(f"{self.shop.base_url}/__sim/state")).json()["refunds"]
        return found

    async def state(self) -> Json:
        found: Json = (await self.client.get(f"{self.portal.base_url}/__sim/state")).json()
        return found


Story = Callable[[Scene], Awaitable[None]]


class Stage:
    """ReturnGO, a shop and a hook, listening for all tests of this file; each story starts from worlds of its own."""

    def __init__(self) -> None:
        self.hook, self.portal, self.shop = Hook(), ReturnGoSimulator(), ShopifySimulator()
        self.runner = asyncio.Runner()
        self.client = httpx2.AsyncClient(trust_env=False)
        self.running = [Running(self.hook), Running(self.shop), Running(self.portal)]

    def open(self) -> None:
        self.runner.run(_all(running.start() for running in self.running))

    def close(self) -> None:
        self.runner.run(_all([self.client.aclose()]))
        self.runner.run(_all(running.stop() for running in self.running))
        self.runner.close()

    def play(self, story: Story, order: Json | None = None, events: Iterable[str] = (), **world: Any) -> None:
        url = f"{self.hook.base_url}/hooks/secret-path"
        self.shop.world = {"access_token": "shpat_1", "orders": [order or an_order()]}
        self.shop.load(json.loads(json.dumps(self.shop.world)))
        self.portal.world = {
            "api_key": "key-1",
            "shop_domain": SHOP,
            "shop": {"url": self.shop.base_url, "access_token": "shpat_1"},
            "webhooks": [{"url": url, "eventName": name} for name in events],
            "retry_seconds": 0.001,
            "late_seconds": 0.02,
            "per_second": 100_000,
            **world,
        }
        self.hook.load({})
        self.runner.run(self._play(story))

    async def _play(self, story: Story) -> None:
        self.portal.load(json.loads(json.dumps(self.portal.world)))
        await story(Scene(self))
        await _quiet(self.portal.outbox)


async def _quiet(outbox: Outbox) -> None:
    """Let what is under way end, so that it does not arrive in the next story."""
    for _ in range(200):
        if outbox.sender.idle:
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


def an_order(included: bool = True, **more: Any) -> Json:
    """Three TEEs for 10.00 together after a discount, tax 1.67, one CAP for 20.00, and 4.95 for delivery."""
    return {
        "id": 1001,
        "name": "#1001",
        "taxes_included": included,
        "customer": {"id": 77, "email": "robin@example.com", "first_name": "Robin", "last_name": "Example"},
        "line_items": [
            {
                "id": 11,
                "sku": "TEE",
                "quantity": 3,
                "price": "4.00",
                "discount_allocations": [{"amount": "2.00"}],
                "tax_lines": [{"title": "VAT", "rate": 0.2, "price": "1.67"}],
            },
            {"id": 12, "sku": "CAP", "title": "Cap", "variant_title": "Blue", "quantity": 1, "price": "20.00"},
        ],
        "shipping_lines": [{"id": 71, "price": "4.95"}],
        "payments": [{"gateway": "shopify_payments", "amount": "34.95" if included else "36.62"}],
        **more,
    }


CAP = {"sku": "CAP-R", "price": "20.00", "variant_id": "4400"}
SWAP: Json = {"lines": [{"line_item_id": 12, "quantity": 1}], "outcome": "exchange"}


def amount(row: Json) -> Decimal:
    return Decimal(str(row["amount"]))


# -- the amounts module: numbers as JavaScript would print them


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(45900, "GBP", b"459"), (1250, "GBP", b"12.5"), (7, "JPY", b"7"), (5, "KWD", b"0.005")],
)
def test_amounts_are_numbers_without_trailing_zeros(minor: int, currency: str, text: bytes) -> None:
    assert encode(number_of(minor, currency)) == text


# -- getting in


def test_the_vendor_is_called_returngo() -> None:
    assert SIMULATOR.vendor == "returngo"


def test_a_missing_or_wrong_key_is_401_and_an_unknown_shop_403(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        for headers, status in (
            ({}, 401),
            ({**KEYS, "x-api-key": "key-2"}, 401),
            ({"x-api-key": "key-1"}, 403),
            ({**KEYS, "x-shop-name": "other.myshopify.com"}, 403),
            ({**KEYS, "x-shop-name": f"{SHOP}@Nowhere"}, 403),
            ({**KEYS, "x-shop-name": f"{SHOP}@Outlet"}, 200),
        ):
            answer = await scene.call("GET", "/rmas?pagesize=1", headers=headers)
            assert answer.status_code == status, headers
            assert answer.headers["x-amzn-requestid"]
        await scene.control("settings", {"bad_key_status": 403})
        answer = await scene.call("GET", "/rmas?pagesize=1", headers={**KEYS, "x-api-key": "key-2"})
        assert (answer.status_code, answer.json()) == (403, {"message": "Forbidden"})

    stage.play(story, portals=["Outlet"])


def test_the_daily_quota_ends_in_429_until_the_next_day(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        answers = [(await scene.call("GET", "/rmas?pagesize=1")).status_code for _ in range(4)]
        assert answers == [200, 200, 200, 429]
        assert "retry-after" not in (await scene.call("GET", "/rmas?pagesize=1")).headers
        assert (await scene.state())["calls_today"] == 3
        await scene.control("clock", {"forward_days": 1})
        assert (await scene.call("GET", "/rmas?pagesize=1")).status_code == 200

    stage.play(story, daily_quota=3)


def test_a_burst_over_the_limit_of_a_second_is_429(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        statuses = [(await scene.call("GET", "/rmas?pagesize=1")).status_code for _ in range(8)]
        assert set(statuses) == {200, 429}
        assert statuses[:5] == [200] * 5

    stage.play(story, per_second=5, retry_after_s=7)


# -- one RMA


def test_two_units_are_two_rows_of_the_same_order_line(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit(3)
        items = (await scene.rma(number))["items"]
        assert len(items) == len({item["returnedItemId"] for item in items}) == 3
        assert {item["shopLineItemId"] for item in items} == {"11"}
        assert [amount(item["paidPrice"]) for item in items] == [Decimal("3.34"), Decimal("3.33"), Decimal("3.33")]
        assert sum(amount(item["paidTax"]) for item in items) == Decimal("1.67")
        assert {item["taxIncluded"] for item in items} == {True}
        assert "quantity" not in items[0]

    stage.play(story)


def test_later_returns_take_the_next_units_and_too_many_are_refused(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        first = await scene.submit(1)
        second = await scene.submit(2)
        rows = [*(await scene.rma(first))["items"], *(await scene.rma(second))["items"]]
        assert sum(amount(row["paidPrice"]) for row in rows) == Decimal("10.00")
        lines = [{"line_item_id": 11, "quantity": 1}]
        assert "0 units can be returned" in await scene.refused("returns", {"order_id": 1001, "lines": lines})
        await scene.happen(first, "reject")
        assert await scene.submit(1)

    stage.play(story)


def test_tax_on_top_is_shown_beside_the_price_and_refunded_with_it(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.received(3)
        items = (await scene.rma(number))["items"]
        assert {item["taxIncluded"] for item in items} == {False}
        assert sum(amount(item["paidPrice"]) for item in items) == Decimal("10.00")
        await scene.happen(number, "process")
        rows = (await scene.rma(number))["transactions"]
        assert sum(amount(row["amount"]) for row in rows) == Decimal("11.67")

    stage.play(story, order=an_order(included=False))


def test_units_nobody_looked_at_read_false_and_false_without_a_date(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit()
        found = (await scene.rma(number))["items"][0]["itemValidationStatusResponse"]
        assert (found["isReturned"], found["isRestockable"], found["lastValidationDate"]) == (False, False, None)

    stage.play(story)


def test_types_drift_from_what_is_documented_unless_switched_off(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.received()
        await scene.happen(number, "process")
        body = await scene.rma(number)
        assert body["isOutOfPolicy"] == 0 and isinstance(body["isOutOfPolicy"], int)
        assert "barcode" not in body["items"][0]
        assert isinstance(body["transactions"][0]["id"], int)
        assert isinstance(body["rmaSummary"]["rmaId"], str)
        assert "portalVersion" in body
        await scene.control("settings", {"drift": False, "unknown_keys": False})
        body = await scene.rma(number)
        assert body["isOutOfPolicy"] is False
        assert body["items"][0]["barcode"] == ""
        assert isinstance(body["transactions"][0]["id"], str)
        assert "portalVersion" not in body

    stage.play(story)


def test_media_of_questions_come_only_when_asked_for(stage: Stage) -> None:
    question = {"type": "Media", "name": "Photo", "answer": {"mediaAnswer": ["https://cdn.example.com/p.jpg"]}}

    async def story(scene: Scene) -> None:
        lines = [{"line_item_id": 11, "quantity": 1, "questions": [question]}]
        number = (await scene.control("returns", {"order_id": 1001, "lines": lines}))["id"]
        assert (await scene.rma(number))["items"][0]["followUpQuestions"][0]["answer"] == {}
        body = await scene.get(f"/rma/{number}?includeMedia=true")
        assert body["items"][0]["followUpQuestions"] == [question]

    stage.play(story)


@pytest.mark.parametrize(("path", "status"), [("/rma/RMA1000001", 400), ("/rma/5", 404), ("/rmas/1000001", 404)])
def test_an_rma_is_found_by_its_bare_number_on_the_singular_path(stage: Stage, path: str, status: int) -> None:
    async def story(scene: Scene) -> None:
        await scene.submit()
        answer = await scene.call("GET", path)
        assert answer.status_code == status
        assert list(answer.json()) == ["message"]

    stage.play(story)


# -- statuses


def test_the_documented_flow_is_followed_and_other_moves_are_400(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit()
        path = f"/rma/{number}/status"
        for status, code in (
            ("Received", 400),
            ("Nonsense", 400),
            ("Approved", 200),
            ("Approved", 400),
            ("Done", 400),
            ("Received", 200),
            ("Validated", 400),
            ("Done", 200),
            ("Pending", 200),
            ("Canceled", 200),
            ("Pending", 200),
            ("Rejected", 200),
        ):
            answer = await scene.call("PUT", path, {"status": status})
            assert answer.status_code == code, (status, answer.text)
        await scene.control("settings", {"status_moves": "any"})
        assert (await scene.call("PUT", path, {"status": "Validated"})).status_code == 200

    stage.play(story)


def test_a_return_without_shipment_goes_from_approved_to_done(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.approved(return_method="No shipment required")
        assert (await scene.rma(number))["shipments"] == []
        assert (await scene.call("PUT", f"/rma/{number}/status", {"status": "Done"})).status_code == 200

    stage.play(story)


def test_reopening_goes_back_to_pending_and_keeps_the_approval_event(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.approved()
        await scene.happen(number, "cancel", "reopen")
        body = await scene.rma(number)
        assert body["rmaSummary"]["status"] == "Pending"
        assert [event["eventName"] for event in body["rmaSummary"]["events"]] == ["RMA_CREATED", "RMA_APPROVED"]
        assert (await scene.said(number))[0] == "Request REOPENED"

    stage.play(story)


def test_a_receipt_leaves_no_event_and_does_not_touch_last_updated(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.approved()
        before = await scene.rma(number)
        await scene.control("clock", {"forward_days": 2})
        await scene.control(f"returns/{number}/label", {"status": "delivered"})
        after = await scene.rma(number)
        assert after["rmaSummary"]["status"] == "Received"
        assert after["rmaSummary"]["events"] == before["rmaSummary"]["events"]
        assert after["lastUpdated"] == before["lastUpdated"]
        assert (await scene.said(number))[0] == "Shipment RECEIVED"
        moment = (datetime.fromisoformat(before["lastUpdated"]) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S")
        path = f"/rmas?pagesize=5&rma_updated_at=gte:{moment}"
        assert (await scene.get(path))["rmas"] == []
        await scene.control("settings", {"updated_filter": "touched"})
        assert [row["rmaId"] for row in (await scene.get(path))["rmas"]] == [number]

    stage.play(story)


def test_last_updated_can_be_switched_to_follow_everything(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.approved()
        before = (await scene.rma(number))["lastUpdated"]
        await scene.control("clock", {"forward_days": 2})
        await scene.control(f"returns/{number}/label", {"status": "in_transit"})
        assert (await scene.rma(number))["lastUpdated"] > before

    stage.play(story, last_updated="always")


# -- shipments


@pytest.mark.parametrize("start", sorted(SHIPMENT_MOVES))
def test_shipments_make_only_the_documented_moves(stage: Stage, start: str) -> None:
    documented = {
        "Pending": "LabelCreated Shipped Received Canceled Validated",
        "LabelCreated": "Shipped Received Canceled Validated",
        "Shipped": "Received Canceled Validated",
        "Canceled": "Received Validated",
        "Received": "Validated",
        "Validated": "",
    }

    async def story(scene: Scene) -> None:
        for status in documented:
            number = await scene.approved()
            [parcel] = (await scene.rma(number))["shipments"]
            path = f"/shipment/{parcel['shipmentId']}"
            assert (await scene.call("PUT", path, {"status": start})).status_code == 200
            answer = await scene.call("PUT", path, {"status": status, "trackingNumber": "T9"})
            allowed = status == start or status in documented[start].split()
            assert answer.status_code == (200 if allowed else 400), (start, status)
            [parcel] = (await scene.rma(number))["shipments"]
            assert parcel["status"] == (status if allowed else start)
            assert parcel["trackingNumber"] == ("T9" if allowed else None)
            await scene.control("settings", {"status_moves": "any"})
            await scene.happen(number, "cancel")
            await scene.control("settings", {"status_moves": "flow"})

    stage.play(story)


def test_a_removed_shipment_is_gone_and_nothing_reads_one(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.approved()
        [parcel] = (await scene.rma(number))["shipments"]
        path = f"/shipment/{parcel['shipmentId']}"
        assert (await scene.call("GET", path)).status_code == 404
        assert (await scene.call("DELETE", path)).status_code == 200
        assert (await scene.call("PUT", path, {"status": "Shipped"})).status_code == 404
        assert (await scene.call("PUT", "/shipment/abc", {"status": "Shipped"})).status_code == 400
        assert (await scene.rma(number))["shipments"] == []

    stage.play(story)


def test_a_tracked_parcel_sends_tracker_events(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.approved()
        [parcel] = (await scene.rma(number))["shipments"]
        await scene.control(f"returns/{number}/label", {"status": "in_transit", "tracking_number": "T7"})
        assert (await scene.call("POST", "/shipment-tracker", {"trackingNumber": "T7"})).status_code == 200
        await scene.control(f"returns/{number}/label", {"status": "delivered"})
        [event] = await scene.arrived(1)
        assert event["eventName"] == "SHIPMENT_TRACKER_STATUS_UPDATED"
        assert event["shipmentId"] == parcel["shipmentId"]

    stage.play(story, events=["SHIPMENT_TRACKER_STATUS_UPDATED"])


# -- the warehouse's look


def test_validation_is_refused_without_the_plan_add_on(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.received()
        assert "add-on" in await scene.refused(f"returns/{number}/validate")

    stage.play(story)


def test_validation_says_returned_and_restockable_with_free_text_reasons(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.received(3)
        items = [
            {"line_item_id": 11, "quantity": 1, "is_restockable": False, "reason": "Stained"},
            {"line_item_id": 11, "quantity": 1, "is_returned": False},
        ]
        await scene.control(f"returns/{number}/validate", {"items": items})
        assert await scene.status(number) == "Received"
        await scene.happen(number, "validate")
        rows = [row["itemValidationStatusResponse"] for row in (await scene.rma(number))["items"]]
        assert [(row["isReturned"], row["isRestockable"]) for row in rows] == [
            (True, False),
            (False, False),
            (True, True),
        ]
        assert await scene.status(number) == "Validated"

    stage.play(story, item_validation=True)


def test_a_look_at_some_units_leaves_the_others_unvalidated(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.received(3)
        items = [
            {"sku": "TEE", "quantity": 1, "is_restockable": False, "reason": "Stained"},
            {"sku": "TEE", "quantity": 1, "is_returned": False},
        ]
        await scene.control(f"returns/{number}/validate", {"items": items})
        rows = [row["itemValidationStatusResponse"] for row in (await scene.rma(number))["items"]]
        assert [row["nonRestockableReason"] for row in rows] == ["Stained", None, None]
        assert [row["nonReturnedReason"] for row in rows] == [None, "Not in the parcel", None]
        assert [row["lastValidationDate"] is None for row in rows] == [False, False, True]
        assert await scene.status(number) == "Received"

    stage.play(story, item_validation=True)


# -- money


def test_each_unit_is_refunded_in_the_shop_by_a_transaction_of_its_own(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.received(3)
        await scene.happen(number, "process")
        rows = (await scene.rma(number))["transactions"]
        assert [amount(row["amount"]) for row in rows] == [Decimal("3.34"), Decimal("3.33"), Decimal("3.33")]
        assert {(row["type"], row["status"], row["externalReferenceType"]) for row in rows} == {
            ("RefundToPaymentMethod", "Success", "PlatformRefundId")
        }
        refunds = await scene.shop_refunds()
        assert [str(refund["id"]) for refund in refunds] == [row["externalReferenceId"] for row in rows]
        assert [refund["order_adjustments"] for refund in refunds] == [[], [], []]
        assert await scene.status(number) == "Done"
        assert (await scene.said(number))[0].startswith("Total refund amount: 3.33 ID: ")

    stage.play(story)


def test_one_transaction_per_rma_can_be_asked_for(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.received(3)
        await scene.happen(number, "process")
        [row] = (await scene.rma(number))["transactions"]
        assert amount(row["amount"]) == 10
        assert len(row["returnItemIds"]) == 3

    stage.play(story, transactions_per="rma")


def test_payment_method_transactions_are_dated_three_hours_late(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.received()
        await scene.happen(number, "process")
        [row] = (await scene.rma(number))["transactions"]
        late = datetime.fromisoformat(row["lastUpdated"]) - datetime.fromisoformat(row["createdAt"])
        assert late == timedelta(hours=3)

    stage.play(story)


@pytest.mark.parametrize(
    ("placement", "shown"), [("repeated", ["2.5", "2.5", "2.5"]), ("split", ["0.84", "0.83", "0.83"])]
)
def test_a_fee_of_the_rma_sits_on_every_item_and_is_kept_once(stage: Stage, placement: str, shown: list[str]) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.received(3, handling_fee="2.50")
        await scene.happen(number, "process")
        body = await scene.rma(number)
        assert [str(item["returnFee"]) for item in body["items"]] == shown
        assert sum(amount(row["amount"]) for row in body["transactions"]) == Decimal("7.50")
        assert await scene.status(number) == "Done"

    stage.play(story, fee_placement=placement)


def test_a_refund_may_come_before_the_goods_and_leaves_the_rma_approved(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.approved()
        await scene.happen(number, "refund")
        body = await scene.rma(number)
        assert body["rmaSummary"]["status"] == "Approved"
        assert body["transactions"][0]["status"] == "Success"
        await scene.control(f"returns/{number}/label", {"status": "delivered"})
        assert await scene.status(number) == "Done"

    stage.play(story)


def test_failed_refunds_stay_in_the_list_beside_the_one_that_worked(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.received()
        await scene.control(f"returns/{number}/refund", {"fail": True})
        assert (await scene.rma(number))["comments"][0]["commentType"] == "error"
        assert (await scene.said(number))[0].startswith("Refund Failed.")
        assert await scene.status(number) == "Received"
        await scene.happen(number, "refund")
        rows = (await scene.rma(number))["transactions"]
        assert [row["status"] for row in rows] == ["Failed", "Success"]
        assert len(await scene.shop_refunds()) == 1

    stage.play(story)


def test_a_refund_the_shop_refuses_fails_and_moves_nothing(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.received()
        scene.shop.faults.add({"match": "refunds.json", "kind": "500", "times": 1})
        await scene.happen(number, "refund")
        assert [row["status"] for row in (await scene.rma(number))["transactions"]] == ["Failed"]
        assert await scene.shop_refunds() == []
        await scene.happen(number, "refund")
        assert len(await scene.shop_refunds()) == 1

    stage.play(story)


def test_a_refund_made_in_the_shop_never_shows_in_returngo(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.received()
        await scene.control(f"returns/{number}/refund", {"outside": True})
        assert len(await scene.shop_refunds()) == 1
        body = await scene.rma(number)
        assert (body["transactions"], body["rmaSummary"]["status"]) == ([], "Received")

    stage.play(story)


def test_units_refunded_in_the_shop_past_the_portal_cannot_come_back_again(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        refund = {"refund_line_items": [{"line_item_id": 11, "quantity": 1}], "transactions": []}
        url = f"{scene.shop.base_url}/admin/api/2026-10/orders/1001/refunds.json"
        headers = {"X-Shopify-Access-Token": "shpat_1"}
        answer = await scene.client.post(url, json={"refund": refund}, headers=headers)
        assert answer.is_success, answer.text
        lines = [{"line_item_id": 11, "quantity": 3}]
        assert "2 units" in await scene.refused("returns", {"order_id": 1001, "lines": lines})
        items = (await scene.rma(await scene.submit(2)))["items"]
        assert [amount(item["paidPrice"]) for item in items] == [Decimal("3.33"), Decimal("3.33")]

    stage.play(story)


def test_store_credit_may_carry_a_bonus_up_to_half_the_price(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        lines = [{"line_item_id": 12, "quantity": 1}]
        number = await scene.received(lines=lines, outcome="store_credit", bonus="2.00")
        await scene.happen(number, "process")
        [row] = (await scene.rma(number))["transactions"]
        assert (row["type"], row["externalReferenceType"]) == ("RefundToStoreCredit", "StoreCreditCode")
        assert amount(row["amount"]) == 22
        assert row["createdAt"] == row["lastUpdated"]
        assert await scene.shop_refunds() == []
        greedy = await scene.received(outcome="store_credit", bonus="2.00")
        assert "over the cap" in await scene.refused(f"returns/{greedy}/process")

    stage.play(story)


def test_outbound_shipping_is_inside_the_refund_without_a_field_of_its_own(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.received(refund_shipping="4.95")
        await scene.happen(number, "process")
        [row] = (await scene.rma(number))["transactions"]
        assert amount(row["amount"]) == Decimal("8.29")
        [refund] = await scene.shop_refunds()
        assert refund["order_adjustments"] == []

    stage.play(story)


def test_a_transaction_executed_elsewhere_waits_for_its_outcome(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.received()
        await scene.happen(number, "process")
        [row] = (await scene.rma(number))["transactions"]
        assert row["status"] == "Requested"
        path = f"/transaction/{row['id']}"
        assert (await scene.call("PUT", path, {"status": "Maybe"})).status_code == 400
        body = {"status": "Success", "externalReferenceId": "PSP-9"}
        assert (await scene.call("PUT", path, body)).json()["externalReferenceId"] == "PSP-9"
        assert (await scene.call("PUT", path, body)).status_code == 400
        assert (await scene.call("PUT", "/transaction/1", body)).status_code == 404
        assert await scene.status(number) == "Done"
        assert await scene.shop_refunds() == []

    stage.play(story, refunds_by="elsewhere")


def test_both_currencies_stand_beside_each_amount(stage: Stage) -> None:
    def bag(shop: str, customer: str) -> Json:
        return {
            "shop_money": {"amount": shop, "currency_code": "GBP"},
            "presentment_money": {"amount": customer, "currency_code": "JPY"},
        }

    line = {"id": 11, "sku": "CAP", "quantity": 3, "price_set": bag("10.00", "1901"), "tax_lines": []}
    order = {"id": 1001, "name": "#1001", "currency": "GBP", "presentment_currency": "JPY", "line_items": [line]}

    async def story(scene: Scene) -> None:
        number = await scene.received(2)
        await scene.happen(number, "process")
        body = await scene.rma(number)
        money = {"amount": 1901, "currency": "JPY", "shopAmount": 10, "shopCurrency": "GBP"}
        assert [item["paidPrice"] for item in body["items"]] == [money, money]
        assert [row["amount"] for row in body["transactions"]] == [money, money]

    stage.play(story, order=order)


def test_the_portal_may_pay_by_itself_on_receipt(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.received(2)
        assert await scene.status(number) == "Done"
        assert len(await scene.shop_refunds()) == 2

    stage.play(story, pay_on="received", auto_approve=True)


# -- exchanges


def test_an_even_exchange_is_a_draft_until_it_is_released(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.received(**SWAP, exchange=CAP)
        body = await scene.rma(number)
        [row] = body["exchangeOrders"]
        assert (row["orderId"], row["orderName"][:2], row["type"]) == ("", "#D", "Exchange")
        [wanted] = body["items"][0]["exchangeItems"]
        assert (amount(wanted["effectivePrice"]), wanted["itemPriceMethod"]) == (20, "CatalogPrice")
        assert body["exchangeItems"] == body["transactions"] == []
        await scene.happen(number, "process")
        [row] = (await scene.rma(number))["exchangeOrders"]
        assert row["orderId"] and not row["orderName"].startswith("#D")
        assert await scene.status(number) == "Done"
        orders = (await scene.client.get(f"{scene.shop.base_url}/__sim/state")).json()["orders"]
        placed = next(order for order in orders if str(order["id"]) == row["orderId"])
        assert (placed["line_items"][0]["price"], placed["total_price"]) == ("20.00", "0.00")

    stage.play(story)


def test_a_dearer_item_is_invoiced_and_released_only_when_paid(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.received(**SWAP, exchange={**CAP, "price": "23.50"})
        [row] = (await scene.rma(number))["transactions"]
        assert (row["type"], row["status"], row["returnItemIds"]) == ("InvoicePayment", "Requested", [])
        assert amount(row["amount"]) == Decimal("3.50")
        assert "invoice" in await scene.refused(f"returns/{number}/release")
        await scene.happen(number, "invoice", "release")
        assert await scene.status(number) == "Done"

    stage.play(story)


def test_a_cheaper_item_gives_the_rest_back(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.received(**SWAP, exchange={**CAP, "price": "15.00"})
        await scene.happen(number, "process")
        [row] = (await scene.rma(number))["transactions"]
        assert (row["type"], amount(row["amount"])) == ("RefundToPaymentMethod", 5)
        assert await scene.status(number) == "Done"

    stage.play(story)


def test_within_the_free_range_no_difference_is_charged(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        wanted = {**CAP, "price": "22.00", "free_range": {"min": "0.00", "max": "2.00"}}
        number = await scene.received(**SWAP, exchange=wanted)
        assert (await scene.rma(number))["transactions"] == []

    stage.play(story)


def test_a_product_exchange_names_its_new_items_on_the_rma(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        wanted = [{"sku": "SOCK", "price": "4.00", "quantity": 2}, {"sku": "BELT", "price": "15.00"}]
        swap = {**SWAP, "outcome": "product_exchange", "exchange": wanted}
        body = await scene.rma(await scene.approved(**swap))
        assert [(item["sku"], item["quantity"]) for item in body["exchangeItems"]] == [("SOCK", 2), ("BELT", 1)]
        assert body["items"][0]["exchangeItems"] == []
        assert [amount(row["amount"]) for row in body["transactions"]] == [3]

    stage.play(story)


def test_refunds_and_exchanges_may_be_mixed_but_then_nothing_is_done_by_itself(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        lines = [{"line_item_id": 11, "quantity": 1}, {"line_item_id": 12, "quantity": 1, "outcome": "exchange"}]
        number = await scene.received(lines=lines, exchange=CAP)
        await scene.happen(number, "process")
        body = await scene.rma(number)
        assert [amount(row["amount"]) for row in body["transactions"]] == [Decimal("3.34")]
        assert body["exchangeOrders"][0]["orderId"]
        assert body["rmaSummary"]["status"] == "Received"
        two = [{"line_item_id": 11, "quantity": 1}, {"line_item_id": 11, "quantity": 1, "outcome": "store_credit"}]
        assert "one refund type" in await scene.refused("returns", {"order_id": 1001, "lines": two})

    stage.play(story)


def test_a_fee_no_refund_can_cover_is_an_order_of_its_own(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        body = await scene.rma(await scene.approved(**SWAP, exchange=CAP, handling_fee="3.00"))
        assert [row["type"] for row in body["exchangeOrders"]] == ["Exchange", "Fee"]
        assert [(row["type"], amount(row["amount"])) for row in body["transactions"]] == [("InvoicePayment", 3)]

    stage.play(story)


# -- lists


def test_pages_go_from_the_newest_id_down_by_an_opaque_cursor(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        made = [await scene.submit() for _ in range(3)]
        first = await scene.get("/rmas?pagesize=2")
        assert [row["rmaId"] for row in first["rmas"]] == [made[2], made[1]]
        assert base64.b64decode(first["next_cursor"]).decode() == f"returns.id:{made[1]}"
        last = await scene.get(f"/rmas?pagesize=2&cursor={first['next_cursor']}")
        assert ([row["rmaId"] for row in last["rmas"]], last["next_cursor"]) == ([made[0]], None)
        for bad in ("/rmas", "/rmas?pagesize=0", "/rmas?pagesize=501", "/rmas?pagesize=2&cursor=%21"):
            assert (await scene.call("GET", bad)).status_code == 400, bad

    stage.play(story)


@pytest.mark.parametrize(
    ("way", "ends"), [("null", [["a", "b"]]), ("missing", [["a", "b"]]), ("empty", [["a", "b"], []])]
)
def test_a_list_ends_in_one_of_three_ways(stage: Stage, way: str, ends: list[list[str]]) -> None:
    async def story(scene: Scene) -> None:
        for _ in range(2):
            await scene.submit()
        pages, cursor = [], ""
        while True:
            page = await scene.get(f"/rmas?pagesize=2&cursor={cursor}")
            pages.append(len(page["rmas"]))
            if not page.get("next_cursor"):
                break
            cursor = page["next_cursor"]
        assert pages == [len(rows) for rows in ends]
        assert ("next_cursor" in page) == (way != "missing")

    stage.play(story, last_page=way)


def test_filters_narrow_the_list(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        old = await scene.submit(created_at="2026-01-02T03:04:05Z")
        new = await scene.approved(created_at="2026-03-01T00:00:00Z")
        await scene.control(f"returns/{new}/label", {"status": "in_transit", "tracking_number": "T5"})
        for query, found in (
            ("status=Approved,Received", [new]),
            ("status=Pending", [old]),
            ("order_name=%231001", [new, old]),
            ("order_name=%231002", []),
            ("customer_ids=77,78", [new, old]),
            ("tracking_numbers=T5", [new]),
            ("rma_created_at=lt:2026-03-01T00:00:00", [old]),
            ("rma_created_at=lte:2026-03-01T00:00:00", [new, old]),
            ("rma_created_at=eq:2026-01-02T03:04:05", [old]),
            ("rma_created_at=neq:2026-01-02T03:04:05", [new]),
            ("rma_created_at=gte:2026-01-02T03:04:05&rma_created_at=lt:2026-02-01T00:00:00", [old]),
            ("sort_by=%2Brma_created_at", [old, new]),
            ("sort_by=-rma_created_at", [new, old]),
        ):
            rows = (await scene.get(f"/rmas?pagesize=10&{query}"))["rmas"]
            assert [row["rmaId"] for row in rows] == found, query
        for bad in (
            "rma_created_at=2026-01-02",
            "rma_created_at=gte:2026-01-02T03:04:05Z",
            "rma_created_at=since:2026-01-02T03:04:05",
            "sort_by=+rma_created_at",
            "sort_by=-order_name",
            "status=Closed",
        ):
            assert (await scene.call("GET", f"/rmas?pagesize=10&{bad}")).status_code == 400, bad

    stage.play(story)


def test_transactions_are_listed_without_their_rma(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        first, second = await scene.received(2), await scene.received(1)
        for number in (first, second):
            await scene.happen(number, "process")
        items = {item["returnedItemId"] for item in (await scene.rma(second))["items"]}
        page = await scene.get("/transactions?pagesize=2")
        newest = page["transactions"][0]
        assert "rmaId" not in newest and set(newest["returnItemIds"]) == items
        assert base64.b64decode(page["next_cursor"]).decode() == str(page["transactions"][-1]["id"])
        rest = await scene.get(f"/transactions?pagesize=2&cursor={page['next_cursor']}")
        assert len(rest["transactions"]) == 1
        for query, count in (
            (f"rma_ids={first}", 2),
            ("order_ids=1001", 3),
            ("order_ids=%231001", 0),
            ("statuses=Failed", 0),
            ("types=RefundToPaymentMethod,InvoicePayment", 3),
            ("processors=Shopify", 3),
            (f"ids={newest['id']}", 1),
            ("created_at=gt:2099-01-01T00:00:00", 0),
        ):
            assert len((await scene.get(f"/transactions?pagesize=9&{query}"))["transactions"]) == count, query

    stage.play(story)


# -- comments


def test_a_comment_needs_the_right_key_and_comes_first(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit()
        path = f"/rma/{number}/comment"
        assert (await scene.call("POST", path, {"text": "Hello"})).status_code == 400
        assert (await scene.call("POST", path, {"htmlText": "Hello"})).status_code == 201
        row = (await scene.rma(number))["comments"][0]
        assert (row["commentType"], row["htmlText"]) == ("merchant", "Hello")
        await scene.control("settings", {"comment_key": "text", "comment_status": 200})
        assert (await scene.call("POST", path, {"text": "Again"})).status_code == 200

    stage.play(story)


# -- webhooks


def test_a_registration_is_for_one_event_and_can_be_changed(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        url = f"{scene.hook.base_url}/x"
        made = (await scene.call("POST", "/webhook", {"url": url, "eventName": "RMA_CREATED"})).json()
        assert (await scene.get("/webhooks")) == [{"id": made["id"], "url": url, "eventName": "RMA_CREATED"}]
        await scene.submit()
        assert len(await scene.arrived(1)) == 1
        path = f"/webhook/{made['id']}"
        assert (await scene.call("PUT", path, {"eventName": "SHIPMENT_CREATED"})).json()["url"] == url
        await scene.approved()
        names = [event["eventName"] for event in await scene.arrived(2)]
        assert names == ["RMA_CREATED", "SHIPMENT_CREATED"]
        for body in ({"url": "nowhere", "eventName": "RMA_CREATED"}, {"url": url, "eventName": "return.created"}):
            assert (await scene.call("POST", "/webhook", body)).status_code == 400
        assert (await scene.call("DELETE", path)).status_code == 200
        assert (await scene.call("DELETE", path)).status_code == 404
        assert (await scene.get("/webhooks")) == []

    stage.play(story)


def test_events_are_thin_and_carry_no_signature(stage: Stage) -> None:
    events = ("RMA_CREATED", "RMA_STATUS_UPDATED", "SHIPMENT_STATUS_UPDATED", "TRANSACTION_CREATED", "REFUND_CREATED")

    async def story(scene: Scene) -> None:
        number = await scene.received()
        await scene.happen(number, "process")
        told = await scene.arrived(7)
        names = [event["eventName"] for event in told]
        assert names.count("RMA_STATUS_UPDATED") == 3
        assert {*names} == {*events}
        assert {event["rmaId"] for event in told} == {number}
        assert all(event["shopName"] == SHOP for event in told)
        assert not any("items" in event or "rmaSummary" in event for event in told)
        assert not any("sign" in name for request in scene.hook.requests for name in request.headers)

    stage.play(story, events=events)


@pytest.mark.parametrize(
    ("shape", "path"),
    [
        ("flat", ["rmaId"]),
        ("rma", ["rma", "rmaId"]),
        ("rmaSummary", ["rmaSummary", "rmaId"]),
        ("data", ["data", "rmaId"]),
    ],
)
def test_the_ids_of_an_event_can_stand_in_four_places(stage: Stage, shape: str, path: list[str]) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit()
        [event] = await scene.arrived(1)
        for name in path:
            event = event[name]
        assert event == number

    stage.play(story, events=["RMA_CREATED"], webhook_shape=shape)


@pytest.mark.parametrize("variant", ["empty", "truncated", "unknown_event", "foreign_id", "extra_keys"])
def test_events_can_be_sent_again_spoiled(stage: Stage, variant: str) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit()
        assert await scene.control("emit", {"id": number, "variant": variant}) == {"sent": 1}
        for _ in range(100):
            if scene.hook.requests:
                break
            await asyncio.sleep(0.01)
        [request] = scene.hook.requests
        match variant:
            case "empty":
                assert request.body == b""
            case "truncated":
                with pytest.raises(ValueError):
                    json.loads(request.body)
            case "unknown_event":
                assert json.loads(request.body)["eventName"] == "RMA_SOMETHING_NEW"
            case "foreign_id":
                assert json.loads(request.body)["rmaId"] == "9999999"
            case "extra_keys":
                assert json.loads(request.body)["context"]
        assert "unknown variant" in await scene.refused("emit", {"id": number, "variant": "wrong_signature"})

    stage.play(story, events=["RMA_STATUS_UPDATED"])


def test_a_duplicate_is_the_same_bytes_again(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.approved()
        await scene.arrived(1)
        await scene.control("emit", {"id": number, "variant": "duplicate"})
        await scene.arrived(2)
        assert scene.hook.requests[0].body == scene.hook.requests[1].body

    stage.play(story, events=["RMA_STATUS_UPDATED"])


def test_held_events_come_reversed_or_not_at_all(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        await scene.control("webhooks/hold")
        await scene.received()
        assert (await scene.state())["held"] == 3
        released = await scene.control("webhooks/release", {"order": "reversed", "drop": ["RMA_CREATED"]})
        assert released == {"released": 2}
        assert [event["status"] for event in await scene.arrived(2)] == ["Received", "Approved"]
        assert (await scene.state())["lost"] == 1

    stage.play(story, events=["RMA_CREATED", "RMA_STATUS_UPDATED"])


def test_deliveries_can_be_doubled_dropped_and_late(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        await scene.submit()
        assert len(await scene.arrived(2)) == 2
        await scene.control("settings", {"duplicate_percent": 0, "late_percent": 100})
        number = await scene.submit()
        await scene.control("settings", {"late_percent": 0})
        await scene.happen(number, "reject")
        names = [event["eventName"] for event in await scene.arrived(4)][2:]
        assert names == ["RMA_STATUS_UPDATED", "RMA_CREATED"]
        await scene.control("settings", {"drop_percent": 100})
        await scene.submit()
        assert (await scene.state())["lost"] == 1

    stage.play(story, events=["RMA_CREATED", "RMA_STATUS_UPDATED"], duplicate_percent=100)


def test_a_failed_delivery_is_lost_unless_retries_are_switched_on(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        scene.hook.answers = [Response(500)]
        await scene.submit()
        await scene.arrived(1)
        await scene.control("settings", {"attempts": 3})
        scene.hook.answers = [Response(503), Response(500), Response(200)]
        await scene.submit()
        await scene.arrived(4)
        await _quiet(scene.portal.outbox)
        rows = (await scene.state())["deliveries"]
        assert [(row["statuses"], row["done"]) for row in rows] == [([500], False), ([503, 500, 200], True)]

    stage.play(story, events=["RMA_CREATED"])


# -- the control path


def test_the_same_seed_and_world_give_the_same_ids_after_a_reset(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        first = await scene.submit()
        await scene.control("reset")
        assert await scene.submit() == first
        assert await scene.control("faults", {"match": f"/rma/{first}", "kind": "503"}) == {"scheduled": True}
        answer = await scene.call("GET", f"/rma/{first}")
        assert (answer.status_code, answer.json()) == (503, {"message": "Service Unavailable"})
        assert await scene.status(first) == "Pending"

    stage.play(story)


def test_a_choice_that_does_not_exist_is_refused_with_a_sentence(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        assert "last_page is one of" in await scene.refused("settings", {"last_page": "never"})
        lines = [{"line_item_id": 11}]
        assert "unknown outcome" in await scene.refused(
            "returns", {"order_id": 1001, "lines": lines, "outcome": "gold"}
        )
        assert (await scene.client.post(f"{scene.portal.base_url}/__sim/returns/1/teleport")).status_code == 404

    stage.play(story)


def test_a_world_may_hold_returns_that_announce_nothing(stage: Stage) -> None:
    given = {"id": 5, "order": an_order(), "lines": [{"sku": "CAP"}], "status": "Received"}

    async def story(scene: Scene) -> None:
        body = await scene.rma("5")
        assert body["rmaSummary"]["status"] == body["shipments"][0]["status"] == "Received"
        assert (await scene.said("5"))[0] == "Shipment RECEIVED"
        assert (await scene.state())["deliveries"] == []

    stage.play(story, events=["RMA_CREATED", "RMA_STATUS_UPDATED", "SHIPMENT_CREATED"], returns=[given])
