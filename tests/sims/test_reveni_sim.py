"""The simulated Reveni: instant and ordinary returns, verdicts, refunds, thin envelopes (Reveni sheet §1-§7)."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from counterfoil.gateways.shopify.sim import ShopifySimulator
from counterfoil.portals.reveni.sim import SIMULATOR, ReveniSimulator
from counterfoil.simkit.http import Request, Response
from counterfoil.simkit.outbox import Outbox
from counterfoil.simkit.server import Running, Simulator

Json = dict[str, Any]
STORE, SANDBOX = "a" * 32, "b" * 32
KEY = {"Authorization": "Bearer key-1"}
BASE = f"/merchants/v0/stores/{STORE}/"
BOTH = ("return.created", "return.updated")


class Hook(Simulator):
    """Our side: keeps what arrives."""

    vendor = "hook"

    def load(self, world: Json) -> None:
        self.requests: list[Request] = []

    def state(self) -> Json:
        return {}

    async def handle(self, request: Request) -> Response:
        self.requests.append(request)
        return Response(200)


class Scene:
    """Reveni, a shop, the hook Reveni sends to, and a client with the right key."""

    def __init__(self, stage: Stage) -> None:
        self.portal, self.shop, self.hook, self.client = stage.portal, stage.shop, stage.hook, stage.client

    async def call(self, method: str, path: str, body: Any = None, headers: Json | None = None) -> httpx2.Response:
        url = path if path.startswith("http") else self.portal.base_url + (path if path[0] == "/" else BASE + path)
        return await self.client.request(method, url, json=body, headers=KEY if headers is None else headers)

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
        """A return of so many CAPs, 20.00 each; answers its id."""
        lines = [{"line_item_id": 12, "quantity": quantity, "reason": "Too small"}]
        made = await self.control("returns", {"order_id": 1001, "lines": lines, **more})
        return str(made["id"])

    async def look(self, number: str) -> Json:
        return await self.get(f"returns/{number}")

    async def decide(self, number: str, *verdicts: Json) -> httpx2.Response:
        """The warehouse's verdict through the API; each names its row by place."""
        rows = (await self.look(number))["return_items"]
        items = [{"item_id": rows[v.pop("row", 0)]["id"], **v} for v in map(dict, verdicts)]
        return await self.call("POST", f"returns/{number}/partial_validate", {"items": items})

    async def arrived(self, count: int) -> list[Json]:
        for _ in range(300):
            if len(self.hook.requests) >= count:
                return [json.loads(request.body) for request in self.hook.requests]
            await asyncio.sleep(0.01)
        raise AssertionError(f"{len(self.hook.requests)} deliveries arrived, not {count}")

    async def shop_state(self) -> Json:
        found: Json = (await self.client.get(f"{self.shop.base_url}/__sim/state")).json()
        return found

    async def state(self) -> Json:
        found: Json = (await self.client.get(f"{self.portal.base_url}/__sim/state")).json()
        return found


Story = Callable[[Scene], Awaitable[None]]


class Stage:
    """Reveni, a shop and a hook, listening for all tests of this file; each story starts from worlds of its own."""

    def __init__(self) -> None:
        self.hook, self.portal, self.shop = Hook(), ReveniSimulator(), ShopifySimulator()
        self.runner = asyncio.Runner()
        self.client = httpx2.AsyncClient(trust_env=False)
        self.running = [Running(self.hook), Running(self.shop), Running(self.portal)]

    def open(self) -> None:
        self.runner.run(_all(running.start() for running in self.running))

    def close(self) -> None:
        self.runner.run(_all([self.client.aclose()]))
        self.runner.run(_all(running.stop() for running in self.running))
        self.runner.close()

    def play(self, story: Story, order: Json | None = None, topics: Iterable[str] = (), **world: Any) -> None:
        url = f"{self.hook.base_url}/hooks/secret-path"
        self.shop.world = {"access_token": "shpat_1", "orders": [order or an_order()]}
        self.shop.load(json.loads(json.dumps(self.shop.world)))
        self.portal.world = {
            "api_key": "key-1",
            "sandbox_api_key": "key-2",
            "store_id": STORE,
            "sandbox_store_id": SANDBOX,
            "shop": {"url": self.shop.base_url, "access_token": "shpat_1"},
            "webhooks": [{"url": url, "event_types": list(topics)}] if topics else [],
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


def an_order(**more: Any) -> Json:
    """Three TEEs for 10.00 together and three CAPs at 20.00, tax inside, and 4.95 for delivery."""
    return {
        "id": 1001,
        "name": "#1001",
        "taxes_included": True,
        "customer": {"id": 77, "email": "robin@example.com", "first_name": "Robin", "last_name": "Example"},
        "line_items": [
            {
                "id": 11,
                "sku": "TEE",
                "quantity": 3,
                "price": "4.00",
                "discount_allocations": [{"amount": "2.00"}],
                "tax_lines": [{"title": "VAT", "price": "1.67"}],
            },
            {"id": 12, "sku": "CAP", "title": "Cap", "quantity": 3, "price": "20.00"},
        ],
        "shipping_lines": [{"id": 71, "price": "4.95"}],
        "payments": [{"gateway": "shopify_payments", "amount": "74.95"}],
        **more,
    }


CAP = {"sku": "CAP-R", "price": "20.00", "variant_id": "4400"}
REJECT = {"status": "rejected", "reject_reason": "defect", "reject_reason_text": "Torn"}


def balanced(summary: Json) -> bool:
    """The identity of §6."""
    part = {name: Decimal(str(summary[name])) for name in summary if name not in ("currency", "exchange_rate")}
    given_back = part["products"] - part["new_products"] - part["fees"] + part["bonuses"] + part["shipping"]
    return part["total"] == given_back


# -- getting in


def test_the_vendor_is_called_reveni() -> None:
    assert SIMULATOR.vendor == "reveni"


def test_key_store_and_return_each_have_their_own_refusal(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        for headers, path, status in (
            ({}, "returns", 401),
            ({"Authorization": "Bearer key-3"}, "returns", 401),
            ({"Authorization": "key-1"}, "returns", 401),
            (KEY, f"/merchants/v0/stores/{SANDBOX}/returns", 403),
            (KEY, f"returns/{'0' * 32}", 404),
            (KEY, "orders", 404),
            (KEY, "/merchants/v1/stores", 404),
        ):
            answer = await scene.call("GET", path, headers=headers)
            assert (answer.status_code, list(answer.json())) == (status, ["detail"]), path
        await scene.control("settings", {"error_shape": "code"})
        assert (await scene.call("GET", "returns", headers={})).json()["code"] == "authentication_failed"

    stage.play(story)


def test_the_sandbox_has_its_own_key_store_and_returns(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        real, play = await scene.submit(), await scene.submit(sandbox=True)
        inside = f"/sandbox/merchants/v0/stores/{SANDBOX}/returns"
        key = {"Authorization": "Bearer key-2"}
        found = (await scene.call("GET", inside, headers=key)).json()
        assert [row["id"] for row in found["results"]] == [play]
        assert [row["id"] for row in (await scene.get("returns"))["results"]] == [real]
        assert (await scene.call("GET", f"{inside}/{real}", headers=key)).status_code == 404
        assert (await scene.call("GET", inside)).status_code == 401
        by_host = {**key, "Host": "api.sandbox.reveni.test"}
        path = f"/merchants/v0/stores/{SANDBOX}/returns/{play}"
        assert (await scene.call("GET", path, headers=by_host)).status_code == 200

    stage.play(story)


def test_too_many_calls_in_a_second_are_429_with_retry_after(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        answers = [await scene.call("GET", "returns") for _ in range(6)]
        assert {answer.status_code for answer in answers[:3]} == {200}
        assert answers[-1].status_code == 429
        assert answers[-1].headers["retry-after"] == "1"

    stage.play(story, per_second=3)


# -- one return


def test_a_return_has_quantities_hexadecimal_ids_and_a_summary_that_adds_up(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit(2, handling_fee="2.50", refund_shipping="4.95")
        body = await scene.look(number)
        assert all(len(one) == 32 and int(one, 16) >= 0 for one in (number, body["order"]["id"]))
        assert (body["status"], body["type"], body["instant"]) == ("IN_PROGRESS", "refund", False)
        assert (body["order"]["external_id"], body["order"]["number"]) == ("1001", "#1001")
        [row] = body["return_items"]
        assert (row["sku"], row["quantity"], row["price"], row["status"]) == ("CAP", 2, 20, "pending")
        assert (body["summary"]["total"], body["summary"]["exchange_rate"]) == (Decimal("42.45"), 1)
        assert balanced(body["summary"])
        assert (body["refunds"], body["exchange_order"]) == ([], None)

    stage.play(story)


def test_units_that_were_not_paid_the_same_are_rows_of_their_own(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        lines = [{"line_item_id": 11, "quantity": 3}]
        rows = (await scene.look(await scene.submit(lines=lines)))["return_items"]
        assert [(row["quantity"], str(row["price"])) for row in rows] == [(1, "3.34"), (2, "3.33")]
        assert [str(row["tax_amount"]) for row in rows] == ["0.56", "0.56"]

    stage.play(story)


def test_uneven_units_may_be_one_row_whose_summary_is_still_exact(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        lines = [{"line_item_id": 11, "quantity": 3}]
        body = await scene.look(await scene.submit(lines=lines))
        [row] = body["return_items"]
        assert (row["quantity"], str(row["price"]), body["summary"]["products"]) == (3, "3.33", 10)

    stage.play(story, uneven_units="rounded")


def test_the_bracketed_names_text_amounts_and_unix_times_can_be_had(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit(2)
        body = await scene.look(number)
        assert (body["uuid"], body["transaction_type"], body["mode"]) == (number, "REFUND", "not_instant")
        assert isinstance(body["created"], int) and isinstance(body["updated"], int)
        assert (body["currency"], body["order"]["name"]) == ("GBP", "#1001")
        assert body["return_items"][0]["item_id"]
        assert (body["return_items"][0]["price"], body["summary"]["total"]) == ("20.00", "40.00")
        assert body["status"] == "in_progress"
        assert not {"id", "type", "instant", "created_at", "metadata"} & set(body)
        assert "tax_amount" not in body["return_items"][0]

    looks = {"naming": "other", "money_as": "text", "times_as": "unix", "api_case": "lower"}
    stage.play(story, **looks, unknown_keys=False, show_tax=False)


def test_too_many_units_are_refused_and_cancelled_ones_are_free_again(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit(3)
        lines = [{"sku": "CAP", "quantity": 1}]
        assert "0 units" in await scene.refused("returns", {"order_id": 1001, "lines": lines})
        await scene.control(f"returns/{number}/cancel")
        assert (await scene.look(number))["status"] == "CANCELLED"
        assert await scene.submit(3)

    stage.play(story)


def test_amounts_are_in_the_orders_currency_beside_a_rate(stage: Stage) -> None:
    def bag(shop: str, customer: str) -> Json:
        return {
            "shop_money": {"amount": shop, "currency_code": "GBP"},
            "presentment_money": {"amount": customer, "currency_code": "JPY"},
        }

    line = {"id": 12, "sku": "CAP", "quantity": 2, "price_set": bag("10.00", "2000"), "tax_lines": []}
    order = {"id": 1001, "name": "#1001", "currency": "GBP", "presentment_currency": "JPY", "line_items": [line]}

    async def story(scene: Scene) -> None:
        number = await scene.submit(2)
        assert (await scene.decide(number, {"quantity": 2, "status": "accepted"})).status_code == 200
        body = await scene.look(number)
        assert (body["summary"]["currency"], body["summary"]["total"]) == ("JPY", 4000)
        assert body["summary"]["exchange_rate"] == Decimal("0.005000")
        assert [(row["amount"], row["currency"]) for row in body["refunds"]] == [(4000, "JPY")]

    stage.play(story, order=order)


# -- parcels


def test_the_parcel_moves_the_status_forward_and_keeps_its_number(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit()
        path = f"returns/{number}/label"
        for word, status in (("in_transit", "SHIPPED"), ("delivered", "RECEIVED"), ("in_transit", "RECEIVED")):
            await scene.control(path, {"status": word, "tracking_number": "T1", "carrier": "Royal Example"})
            assert (await scene.look(number))["status"] == status
        delivery = (await scene.look(number))["delivery"]
        assert (delivery["tracking_number"], delivery["carrier"]) == ("T1", "Royal Example")

    stage.play(story)


def test_statuses_without_published_meaning_can_be_set(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit()
        for status in ("ON_HOLD", "PENDING", "FOR_REVIEW", "COMPLETED", "EXPIRED"):
            await scene.control(f"returns/{number}/status", {"status": status})
            assert (await scene.look(number))["status"] == status
        assert "unknown status" in await scene.refused(f"returns/{number}/status", {"status": "LOST"})

    stage.play(story)


# -- verdicts and ordinary returns


def test_an_ordinary_return_is_paid_at_acceptance(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit(2, handling_fee="2.50")
        assert (await scene.shop_state())["refunds"] == []
        answer = await scene.decide(number, {"quantity": 2, "status": "accepted"})
        assert answer.json()["status"] == "ACCEPTED"
        [refund] = (await scene.look(number))["refunds"]
        assert (refund["amount"], refund["method"], refund["status"]) == (
            Decimal("37.5"),
            "original_payment_method",
            "issued",
        )
        [made] = (await scene.shop_state())["refunds"]
        assert (str(made["id"]), made["transactions"][0]["amount"]) == (refund["external_id"], "37.50")
        assert [row["quantity"] for row in made["refund_line_items"]] == [2]

    stage.play(story)


def test_a_mixed_verdict_pays_and_counts_accepted_units_only(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit(3)
        first = await scene.decide(number, {"quantity": 2, "status": "accepted"})
        assert (first.json()["status"], first.json()["return_items"][0]["status"]) == ("IN_PROGRESS", "pending")
        second = await scene.decide(number, {"quantity": 1, **REJECT})
        assert second.json()["status"] == "PARTLY_ACCEPTED"
        body = await scene.look(number)
        [row] = body["return_items"]
        assert (row["status"], row["accepted_quantity"], row["reject_reason"]) == ("accepted", 2, "defect")
        assert (body["summary"]["products"], body["refunds"][0]["amount"]) == (40, 40)
        await scene.control("settings", {"partly_word": "ACCEPTED"})
        assert (await scene.look(number))["status"] == "ACCEPTED"

    stage.play(story)


def test_a_rejected_ordinary_return_pays_nothing(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit(2, refund_shipping="4.95")
        assert (await scene.decide(number, {"quantity": 2, **REJECT})).json()["status"] == "REJECTED"
        body = await scene.look(number)
        assert (body["refunds"], body["summary"]["total"]) == ([], 0)
        assert body["return_items"][0]["reject_reason_text"] == "Torn"
        assert (await scene.shop_state())["refunds"] == []

    stage.play(story)


@pytest.mark.parametrize(
    "verdict",
    [
        {"quantity": 3, "status": "accepted"},
        {"quantity": 0, "status": "accepted"},
        {"quantity": "2", "status": "accepted"},
        {"quantity": 1, "status": "fine"},
        {"quantity": 1, "status": "rejected"},
        {"quantity": 1, "status": "accepted", "item_id": "0" * 32},
    ],
)
def test_a_verdict_that_makes_no_sense_is_422_and_changes_nothing(stage: Stage, verdict: Json) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit(2)
        before = await scene.look(number)
        answer = await scene.decide(number, {"quantity": 1, "status": "accepted"}, verdict)
        assert answer.status_code == 422, answer.text
        assert await scene.look(number) == before

    stage.play(story)


def test_a_verdict_on_a_decided_return_is_409_or_422(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit()
        await scene.decide(number, {"quantity": 1, "status": "accepted"})
        assert (await scene.decide(number, {"quantity": 1, "status": "accepted"})).status_code == 409
        await scene.control("settings", {"verdict_refusal": 422})
        assert (await scene.decide(number, {"quantity": 1, **REJECT})).status_code == 422
        assert len((await scene.shop_state())["refunds"]) == 1

    stage.play(story)


def test_repeated_verdicts_can_be_ignored_instead(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit(lines=[{"sku": "CAP"}, {"sku": "TEE"}])
        for _ in range(2):
            assert (await scene.decide(number, {"quantity": 1, "status": "accepted"})).status_code == 200
        assert [row["status"] for row in (await scene.look(number))["return_items"]] == ["accepted", "pending"]

    stage.play(story, repeat_verdict="ignored")


def test_a_verdict_for_review_flags_the_return(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit()
        body = (await scene.decide(number, {"quantity": 1, "status": "for_review"})).json()
        assert (body["status"], body["return_items"][0]["status"]) == ("FOR_REVIEW", "for_review")
        assert (await scene.decide(number, {"quantity": 1, "status": "accepted"})).json()["status"] == "ACCEPTED"

    stage.play(story)


def test_verdicts_may_wait_for_somebody_to_finish_the_return(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit()
        body = (await scene.decide(number, {"quantity": 1, "status": "accepted"})).json()
        assert (body["status"], body["return_items"][0]["status"], body["refunds"]) == ("IN_PROGRESS", "accepted", [])
        await scene.control(f"returns/{number}/finish")
        body = await scene.look(number)
        assert (body["status"], len(body["refunds"])) == ("ACCEPTED", 1)

    stage.play(story, validate_finishes=False)


def test_only_the_dashboard_says_whether_goods_are_restocked(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        by_api, by_hand = await scene.submit(), await scene.submit()
        await scene.decide(by_api, {"quantity": 1, "status": "accepted"})
        items = [{"sku": "CAP", "restock": False}]
        await scene.control(f"returns/{by_hand}/validate", {"items": items})
        restocks = [(await scene.look(number))["return_items"][0]["restock"] for number in (by_api, by_hand)]
        assert restocks == [None, False]

    stage.play(story)


def test_approving_changes_nothing_since_there_is_no_such_step(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit()
        before = await scene.look(number)
        await scene.control(f"returns/{number}/approve")
        assert await scene.look(number) == before

    stage.play(story)


# -- instant returns


def test_an_instant_return_is_paid_at_request_and_never_reversed(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit(2, instant=True)
        [refund] = (await scene.look(number))["refunds"]
        assert (refund["amount"], refund["status"]) == (40, "issued")
        await scene.decide(number, {"quantity": 2, **REJECT})
        body = await scene.look(number)
        assert (body["status"], body["refunds"]) == ("REJECTED", [refund])
        assert body["summary"]["total"] == 0
        assert len((await scene.shop_state())["refunds"]) == 1

    stage.play(story)


def test_a_bank_transfer_comes_from_reveni_and_the_shop_never_hears_of_it(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        await scene.submit(instant=True, outcome="bank_transfer")
        [refund] = (await scene.state())["refunds"]
        assert (refund["method"], refund["paid_by"], refund["amount"]) == ("bank_transfer", "reveni", "20.00")
        assert (await scene.shop_state())["refunds"] == []
        lines = [{"sku": "CAP"}]
        sentence = await scene.refused("returns", {"order_id": 1001, "lines": lines, "method": "bank_transfer"})
        assert "instant returns only" in sentence

    stage.play(story)


def test_undecided_instant_returns_are_accepted_after_thirty_days(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        instant, ordinary = await scene.submit(instant=True), await scene.submit()
        await scene.control("clock", {"forward_days": 29})
        assert (await scene.look(instant))["status"] == "IN_PROGRESS"
        await scene.control("clock", {"forward_days": 1})
        body = await scene.look(instant)
        assert (body["status"], body["return_items"][0]["status"], len(body["refunds"])) == ("ACCEPTED", "accepted", 1)
        assert (await scene.look(ordinary))["status"] == "IN_PROGRESS"
        told = await scene.arrived(3)
        assert (told[-1]["event"], told[-1]["data"]) == (
            "return.updated",
            {"resource_id": instant, "status": "accepted"},
        )

    stage.play(story, topics=BOTH)


def test_ordinary_returns_nobody_sends_can_be_cancelled_by_policy(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        idle, sent = await scene.submit(), await scene.submit()
        await scene.control(f"returns/{sent}/label", {"status": "in_transit"})
        await scene.control("clock", {"forward_days": 14})
        assert [(await scene.look(number))["status"] for number in (idle, sent)] == ["CANCELLED", "SHIPPED"]

    stage.play(story, auto_cancel_days=14)


# -- money by hand


def test_a_withheld_refund_is_issued_by_hand_with_another_amount_and_method(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit(2, withhold=True)
        await scene.decide(number, {"quantity": 2, "status": "accepted"})
        assert (await scene.look(number))["refunds"][0]["status"] == "pending"
        assert (await scene.shop_state())["refunds"] == []
        await scene.control(f"returns/{number}/issue", {"amount": "31.00"})
        [refund] = (await scene.look(number))["refunds"]
        assert (refund["status"], refund["amount"]) == ("issued", 31)
        [made] = (await scene.shop_state())["refunds"]
        assert [row["amount"] for row in made["order_adjustments"]] == ["9.00"]
        assert "no refund to issue" in await scene.refused(f"returns/{number}/issue")

    stage.play(story)


def test_adjustment_refunds_make_the_sum_differ_from_the_breakdown(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit()
        await scene.control(f"returns/{number}/validate")
        await scene.control(f"returns/{number}/adjust", {"amount": "3.00", "method": "store_credit"})
        body = await scene.look(number)
        assert [(row["amount"], row["method"]) for row in body["refunds"]] == [
            (20, "original_payment_method"),
            (3, "store_credit"),
        ]
        assert body["summary"]["total"] == 20
        assert "not an amount" in await scene.refused(f"returns/{number}/adjust", {"amount": "0.00"})

    stage.play(story)


def test_the_method_can_be_changed_while_an_ordinary_return_is_open(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        ordinary, instant = await scene.submit(), await scene.submit(instant=True)
        await scene.control(f"returns/{ordinary}/method", {"method": "store_credit"})
        await scene.control(f"returns/{ordinary}/validate")
        assert (await scene.look(ordinary))["refunds"][0]["method"] == "store_credit"
        for number in (ordinary, instant):
            path, body = f"returns/{number}/method", {"method": "original_payment_method"}
            assert "cannot be changed" in await scene.refused(path, body)

    stage.play(story)


def test_a_refund_the_shop_refuses_is_failed_and_can_be_issued_again(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        scene.shop.faults.add({"match": "refunds.json", "kind": "500", "times": 1})
        number = await scene.submit(instant=True)
        assert (await scene.look(number))["refunds"][0]["status"] == "failed"
        await scene.control(f"returns/{number}/issue")
        assert (await scene.look(number))["refunds"][0]["status"] == "issued"
        assert len((await scene.shop_state())["refunds"]) == 1

    stage.play(story)


# -- exchanges


@pytest.mark.parametrize(
    ("price", "total", "charged", "refunds"), [("20.00", 0, 0, []), ("23.50", "-3.5", "3.5", []), ("15.00", 5, 0, [5])]
)
def test_an_exchange_charges_or_refunds_the_difference(
    stage: Stage, price: str, total: Any, charged: Any, refunds: list[int]
) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit(outcome="exchange", exchange={**CAP, "price": price})
        assert (await scene.look(number))["exchange_order"] is None
        await scene.decide(number, {"quantity": 1, "status": "accepted"})
        body = await scene.look(number)
        assert (body["type"], body["summary"]["total"]) == ("exchange", Decimal(total))
        assert balanced(body["summary"])
        assert body["return_items"][0]["exchange"]["price"] == Decimal(price)
        assert body["exchange_order"]["total"] == Decimal(charged)
        assert [row["amount"] for row in body["refunds"]] == refunds
        orders = {str(order["id"]): order for order in (await scene.shop_state())["orders"]}
        placed = orders[body["exchange_order"]["external_id"]]
        assert placed["name"] == body["exchange_order"]["number"]
        assert Decimal(placed["total_price"]) == Decimal(charged)

    stage.play(story)


def test_an_instant_exchange_is_ordered_at_request(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        body = await scene.look(await scene.submit(instant=True, outcome="exchange", exchange=CAP))
        assert (body["exchange_order"]["status"], body["refunds"]) == ("created", [])

    stage.play(story)


def test_each_row_decides_for_itself_whether_it_is_exchanged(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        lines = [{"line_item_id": 11, "quantity": 1}, {"line_item_id": 12, "quantity": 1, "exchange": CAP}]
        number = await scene.submit(lines=lines)
        await scene.decide(number, {"quantity": 1, "status": "accepted"}, {"row": 1, "quantity": 1, **REJECT})
        body = await scene.look(number)
        assert (body["type"], body["status"], body["exchange_order"]) == ("mixed", "PARTLY_ACCEPTED", None)
        assert [str(row["amount"]) for row in body["refunds"]] == ["3.34"]

    stage.play(story)


# -- the list


def test_the_list_has_numbered_pages_with_links_to_follow(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        made = [await scene.submit(created_at=f"2026-03-0{day}T10:00:00Z") for day in (1, 2, 3)]
        page = await scene.get("returns?page_size=2&status=IN_PROGRESS")
        assert (page["count"], page["previous"]) == (3, None)
        assert [row["id"] for row in page["results"]] == [made[2], made[1]]
        assert "return_items" not in page["results"][0]
        last = await scene.get(page["next"])
        assert [row["id"] for row in last["results"]] == [made[0]]
        assert last["next"] is None
        assert (await scene.get(last["previous"]))["results"] == page["results"]

    stage.play(story)


def test_filters_narrow_the_list(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        plain = await scene.submit(created_at="2026-03-01T10:00:00Z")
        swap = await scene.submit(created_at="2026-03-05T10:00:00Z", outcome="exchange", exchange=CAP)
        lines = [{"sku": "TEE"}, {"sku": "CAP", "exchange": CAP}]
        mixed = await scene.submit(created_at="2026-03-09T23:59:59Z", lines=lines, tracking_number="T77")
        for query, found in (
            ("status=IN_PROGRESS,RECEIVED", [mixed, swap, plain]),
            ("status=RECEIVED", []),
            ("transaction_type=REFUND", [mixed, plain]),
            ("transaction_type=exchange", [mixed, swap]),
            ("updated_from=2026-03-05", [mixed, swap]),
            ("updated_from=2026-03-05&updated_to=2026-03-05", [swap]),
            ("updated_to=2026-03-09", [mixed, swap, plain]),
            ("search=t77", [mixed]),
            ("search=ROBIN", [mixed, swap, plain]),
            ("search=%231002", []),
        ):
            rows = (await scene.get(f"returns?{query}"))["results"]
            assert [row["id"] for row in rows] == found, query
        for bad in ("page=0", "page_size=many", "page_size=1000", "updated_from=1.3.2026"):
            assert (await scene.call("GET", f"returns?{bad}")).status_code == 422, bad

    stage.play(story)


# -- webhooks


def test_registrations_are_made_and_deleted_by_the_api(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        url = f"{scene.hook.base_url}/x"
        answer = await scene.call("POST", "webhooks", {"event_types": ["return.updated"], "url": url})
        assert answer.status_code in (200, 201)
        made = answer.json()
        assert made == {"id": made["id"], "url": url, "event_types": ["return.updated"]}
        number = await scene.submit()
        await scene.control(f"returns/{number}/label", {"status": "in_transit"})
        [event] = await scene.arrived(1)
        assert (event["event"], event["data"]["status"]) == ("return.updated", "shipped")
        for body in ({"event_types": ["return.updated"]}, {"event_types": ["refund.created"], "url": url}):
            assert (await scene.call("POST", "webhooks", body)).status_code == 422
        assert (await scene.call("PUT", f"webhooks/{made['id']}", {"event_types": [*BOTH]})).status_code == 200
        assert (await scene.get("webhooks"))["results"][0]["event_types"] == [*BOTH]
        assert (await scene.call("DELETE", f"webhooks/{made['id']}")).status_code == 204
        assert (await scene.call("DELETE", f"webhooks/{made['id']}")).status_code == 404

    stage.play(story)


def test_envelopes_are_thin_unsigned_and_dated_in_unix_seconds(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit()
        [event] = await scene.arrived(1)
        assert event["data"] == {"resource_id": number, "status": "in_progress"}
        assert abs(event["created"] - datetime.fromisoformat("2026-03-01T10:00:00+00:00").timestamp()) < 5
        assert set(event) == {"id", "event", "created", "data"}
        assert not any("signature" in name for name in scene.hook.requests[0].headers)
        await scene.control("settings", {"hook_case": "upper"})
        await scene.control(f"returns/{number}/label", {"status": "delivered"})
        assert (await scene.arrived(2))[1]["data"]["status"] == "RECEIVED"

    stage.play(story, topics=BOTH, clock="2026-03-01T10:00:00Z")


def test_a_signature_appears_when_a_secret_is_set(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        await scene.submit()
        await scene.arrived(1)
        [request] = scene.hook.requests
        digest = hmac.new(b"hush", request.body, hashlib.sha256).hexdigest()
        assert request.headers["x-reveni-signature"] == digest

    stage.play(story, topics=BOTH, signature_secret="hush")


@pytest.mark.parametrize("variant", ["empty", "truncated", "unknown_event", "foreign_id", "extra_keys", "signed"])
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
                assert json.loads(request.body)["event"] == "return.something_new"
            case "foreign_id":
                assert json.loads(request.body)["data"]["resource_id"] == "0" * 32
            case "extra_keys":
                assert json.loads(request.body)["version"] == "v0"
            case "signed":
                assert request.headers["x-reveni-signature"]
        assert "unknown variant" in await scene.refused("emit", {"id": number, "variant": "wrong_signature"})

    stage.play(story, topics=["return.updated"])


def test_duplicates_keep_their_envelope_id_and_new_events_have_their_own(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        number = await scene.submit()
        await scene.arrived(1)
        await scene.control("emit", {"id": number, "event": "return.created", "variant": "duplicate"})
        await scene.control("emit", {"id": number, "event": "return.created"})
        await scene.arrived(3)
        bodies = sorted(request.body for request in scene.hook.requests)
        assert len(set(bodies)) == 2
        assert len({json.loads(body)["id"] for body in bodies}) == 2

    stage.play(story, topics=BOTH)


def test_held_events_come_in_another_order_or_are_lost(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        await scene.control("webhooks/hold")
        number = await scene.submit()
        for word in ("in_transit", "delivered"):
            await scene.control(f"returns/{number}/label", {"status": word})
        released = await scene.control("webhooks/release", {"order": "reversed", "drop": ["return.created"]})
        assert released == {"released": 2}
        assert [event["data"]["status"] for event in await scene.arrived(2)] == ["received", "shipped"]
        assert (await scene.state())["lost"] == 1
        assert "unknown order" in await scene.refused("webhooks/release", {"order": "sorted"})

    stage.play(story, topics=BOTH)


# -- the control path


def test_a_world_may_hold_returns_that_are_not_paid_again(stage: Stage) -> None:
    given = {"id": "c" * 32, "order": an_order(), "lines": [{"sku": "CAP"}], "instant": True, "status": "RECEIVED"}

    async def story(scene: Scene) -> None:
        body = await scene.look("c" * 32)
        assert (body["status"], body["refunds"]) == ("RECEIVED", [])
        assert scene.hook.requests == []

    stage.play(story, topics=BOTH, returns=[given])


def test_a_reset_brings_the_same_ids_again(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        first = await scene.submit()
        await scene.control("reset")
        assert await scene.submit() == first
        await scene.control("faults", {"match": "returns", "kind": "503"})
        answer = await scene.call("GET", f"returns/{first}")
        assert (answer.status_code, answer.json()) == (503, {"detail": "Service unavailable."})
        assert "naming is one of" in await scene.refused("settings", {"naming": "french"})

    stage.play(story)
