"""The simulated shop: what it serves, how it refunds to the cent, what it announces (shop sheet §1-§8, §12)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from counterfoil.gateways.shopify.sim import ShopifySimulator
from counterfoil.simkit.http import Request, Response
from counterfoil.simkit.sender import WebhookSender
from counterfoil.simkit.server import Running, Simulator

Json = dict[str, Any]
API = "/admin/api/2026-10"
SECRET = "hush-hush-example"
TOPICS = (
    "orders/create",
    "refunds/create",
    "order_transactions/create",
    "tender_transactions/create",
    "orders/updated",
)


class Hook(Simulator):
    """Our side: keeps what arrives and answers from a list of statuses, 200 when the list is empty."""

    vendor = "hook"

    def load(self, world: Json) -> None:
        self.requests: list[Request] = []
        self.answers: list[int] = []

    def state(self) -> Json:
        return {}

    async def handle(self, request: Request) -> Response:
        self.requests.append(request)
        return Response(self.answers.pop(0) if self.answers else 200)


class Scene:
    """A shop, the hook it sends to, and a client with the right token."""

    def __init__(self, shop: ShopifySimulator, hook: Hook, client: httpx2.AsyncClient) -> None:
        self.shop, self.hook, self.client = shop, hook, client

    async def get(self, path: str, **params: Any) -> httpx2.Response:
        return await self.client.get(self.shop.base_url + API + path, params=params)

    async def post(self, path: str, body: Json) -> httpx2.Response:
        return await self.client.post(self.shop.base_url + API + path, json=body)

    async def control(self, path: str, body: Json | None = None) -> Json:
        answer = await self.client.post(f"{self.shop.base_url}/__sim/{path}", json=body or {})
        assert answer.status_code < 300, answer.text
        found: Json = answer.json()
        return found

    async def refund(self, body: Json, order: int = 1001) -> Json:
        answer = await self.post(f"/orders/{order}/refunds.json", {"refund": body})
        assert answer.status_code == 201, answer.text
        found: Json = json.loads(answer.content, parse_float=Decimal)["refund"]
        return found

    async def order(self, order: int = 1001) -> Json:
        found: Json = (await self.get(f"/orders/{order}.json")).json()["order"]
        return found

    async def graph(self, query: str, variables: Json | None = None) -> Json:
        answer = await self.post("/graphql.json", {"query": query, "variables": variables or {}})
        assert answer.status_code == 200
        found: Json = answer.json()
        return found

    async def arrived(self, count: int) -> list[Request]:
        for _ in range(300):
            if len(self.hook.requests) >= count:
                return self.hook.requests
            await asyncio.sleep(0.01)
        raise AssertionError(f"{len(self.hook.requests)} deliveries arrived, not {count}")


Story = Callable[[Scene], Awaitable[None]]


class Stage:
    """One shop and one hook, listening for all tests of this file; each story starts from a world of its own."""

    def __init__(self) -> None:
        self.hook = Hook()
        self.shop = ShopifySimulator()
        self.runner = asyncio.Runner()
        self.client = httpx2.AsyncClient(trust_env=False, headers={"X-Shopify-Access-Token": "shpat_1"})
        self.running = [Running(self.hook), Running(self.shop)]

    def open(self) -> None:
        self.runner.run(_all(running.start() for running in self.running))

    def close(self) -> None:
        self.runner.run(_told(self.client.aclose()))
        self.runner.run(_all(running.stop() for running in self.running))
        self.runner.close()

    def play(self, story: Story, *orders: Json, topics: Iterable[str] = (), **world: Any) -> None:
        hooks = [{"topic": topic, "address": f"{self.hook.base_url}/hooks"} for topic in topics]
        base = {"access_token": "shpat_1", "client_secret": SECRET, "retry_seconds": 0.001}
        self.shop.world = {**base, "orders": list(orders), "webhooks": hooks, **world}
        self.shop.load(json.loads(json.dumps(self.shop.world)))
        self.hook.load({})
        self.runner.run(_told(story(Scene(self.shop, self.hook, self.client))))
        self.runner.run(_quiet(self.shop.hooks.sender))


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


def an_order(number: int = 1001, **more: Any) -> Json:
    """Three TEEs for 10.00 together, tax inside 1.67, and 4.95 for delivery with 0.83 tax inside."""
    return {
        "id": number,
        "name": f"#{number}",
        "taxes_included": True,
        "line_items": [
            {
                "id": 11,
                "sku": "TEE",
                "quantity": 3,
                "price": "4.00",
                "discount_allocations": [{"amount": "2.00"}],
                "tax_lines": [{"title": "VAT", "rate": 0.2, "price": "1.67"}],
            }
        ],
        "shipping_lines": [{"id": 71, "price": "4.95", "tax_lines": [{"title": "VAT", "price": "0.83"}]}],
        **more,
    }


def excluded(**more: Any) -> Json:
    """Two CAPs at 12.50, 3.33 tax on top."""
    lines = [{"id": 11, "sku": "CAP", "quantity": 2, "price": "12.50", "tax_lines": [{"price": "3.33"}]}]
    return {"id": 1001, "name": "#1001", "taxes_included": False, "line_items": lines, **more}


def money(amount: str, gateway: str = "shopify_payments") -> list[Json]:
    return [{"kind": "refund", "gateway": gateway, "amount": amount}]


def one(quantity: int = 1, line: int = 11) -> list[Json]:
    return [{"line_item_id": line, "quantity": quantity, "restock_type": "no_restock"}]


def signed(body: bytes) -> str:
    return base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()


# -- reading


def test_a_wrong_token_is_401_in_the_shops_shape(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        for token in ("", "shpat_2"):
            url = f"{scene.shop.base_url}{API}/orders/1001.json"
            answer = await scene.client.get(url, headers={"X-Shopify-Access-Token": token})
            assert answer.status_code == 401
            assert isinstance(answer.json()["errors"], str)

    stage.play(story, an_order())


def test_an_order_has_totals_and_both_books(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        order = await scene.order()
        assert (order["subtotal_price"], order["total_tax"], order["total_price"]) == ("10.00", "2.50", "14.95")
        assert order["total_price_set"]["presentment_money"] == {"amount": "14.95", "currency_code": "GBP"}
        [line] = order["line_items"]
        assert line["current_quantity"] == 3
        assert line["discount_allocations"][0]["amount_set"]["shop_money"]["amount"] == "2.00"
        assert order["payment_gateway_names"] == ["shopify_payments"]

    stage.play(story, an_order())


def test_the_list_filters_pages_and_hides_cancelled_orders(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        async def names(**params: Any) -> list[str]:
            return [order["name"] for order in (await scene.get("/orders.json", **params)).json()["orders"]]

        assert await names() == ["#1001", "#1002", "#1004"]
        assert await names(status="any") == ["#1001", "#1002", "#1003", "#1004"]
        assert await names(name="1002") == ["#1002"]
        assert await names(ids="1001,1004") == ["#1001", "#1004"]
        assert await names(updated_at_min="2026-03-03T00:00:00+01:00", status="any") == ["#1004"]
        assert await names(limit=1, since_id=1001) == ["#1002"]
        assert (await scene.get("/orders.json", limit=251)).status_code == 422
        first = await scene.get("/orders.json", limit=2, status="any")
        following = first.headers["link"].split(">")[0].lstrip("<")
        second = await scene.client.get(following)
        assert [order["name"] for order in second.json()["orders"]] == ["#1003", "#1004"]
        assert "link" not in second.headers

    old = {"created_at": "2026-03-01T10:00:00+00:00"}
    cancelled = an_order(1003, cancelled_at="2026-03-01T11:00:00+00:00", **old)
    late = an_order(1004, created_at="2026-03-03T10:00:00+00:00")
    stage.play(story, an_order(1001, **old), an_order(1002, **old), cancelled, late)


def test_the_list_is_served_whole_when_an_order_does_not_exist_it_is_404(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        answer = await scene.get("/orders/99.json")
        assert (answer.status_code, answer.json()) == (404, {"errors": "Not Found"})

    stage.play(story, an_order())


# -- refunds


def test_units_are_split_to_the_cent_over_three_refunds_in_a_tax_included_shop(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        seen = []
        for amount in ("3.34", "3.33", "3.33"):
            refund = await scene.refund({"refund_line_items": one(), "transactions": money(amount)})
            [line] = refund["refund_line_items"]
            seen.append((line["subtotal_set"]["shop_money"]["amount"], line["total_tax_set"]["shop_money"]["amount"]))
            assert refund["order_adjustments"] == []
        assert seen == [("3.34", "0.56"), ("3.33", "0.56"), ("3.33", "0.55")]
        order = await scene.order()
        assert order["line_items"][0]["current_quantity"] == 0
        assert order["current_subtotal_price"] == "0.00"
        assert order["financial_status"] == "partially_refunded"
        assert len(order["refunds"]) == 3

    stage.play(story, an_order())


def test_in_a_tax_excluded_shop_the_money_is_subtotal_plus_tax(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        first = await scene.refund({"refund_line_items": one(), "transactions": money("14.17")})
        second = await scene.refund({"refund_line_items": one(), "transactions": money("14.16")})
        assert [r["order_adjustments"] for r in (first, second)] == [[], []]
        assert [r["refund_line_items"][0]["total_tax"] for r in (first, second)] == [Decimal("1.67"), Decimal("1.66")]
        assert (await scene.order())["financial_status"] == "refunded"

    stage.play(story, excluded())


@pytest.mark.parametrize(("amount", "difference"), [("10.00", "4.17"), ("15.17", "-1.00")])
def test_a_discrepancy_is_positive_when_the_customer_got_less(stage: Stage, amount: str, difference: str) -> None:
    async def story(scene: Scene) -> None:
        refund = await scene.refund({"refund_line_items": one(), "transactions": money(amount)})
        [row] = refund["order_adjustments"]
        assert (row["amount"], row["reason"]) == (difference, "Refund discrepancy")

    stage.play(story, excluded())


def test_goodwill_has_no_lines_and_a_negative_discrepancy(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        refund = await scene.refund({"transactions": money("5.00"), "note": "sorry"})
        assert refund["refund_line_items"] == []
        assert [row["amount"] for row in refund["order_adjustments"]] == ["-5.00"]

    stage.play(story, excluded())


def test_lines_without_money_leave_the_order_paid_and_a_discrepancy_of_their_worth(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        refund = await scene.refund({"refund_line_items": one(2)})
        assert refund["transactions"] == []
        assert [row["amount"] for row in refund["order_adjustments"]] == ["28.33"]
        assert (await scene.order())["financial_status"] == "paid"

    stage.play(story, excluded())


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"refund_line_items": one(3)}, "refund_line_items"),
        ({"refund_line_items": one(1) + one(2)}, "refund_line_items"),
        ({"refund_line_items": one(1, line=99)}, "refund_line_items"),
        ({"refund_line_items": one(0)}, "refund_line_items"),
        ({"refund_line_items": one(), "transactions": money("28.34")}, "transactions"),
        ({"refund_line_items": one(), "transactions": money("1.005")}, "transactions"),
        ({"refund_line_items": one(), "transactions": money("1.00", "paypal")}, "transactions"),
        ({"shipping": {"amount": "1.00"}}, "shipping"),
        ({}, "base"),
    ],
)
def test_a_refund_that_asks_too_much_is_422_and_changes_nothing(stage: Stage, body: Json, field: str) -> None:
    async def story(scene: Scene) -> None:
        before = await scene.order()
        answer = await scene.post("/orders/1001/refunds.json", {"refund": body})
        assert answer.status_code == 422
        assert list(answer.json()["errors"]) == [field]
        assert await scene.order() == before

    stage.play(story, excluded())


def test_shipping_is_a_negative_adjustment_before_2024_10_and_a_line_of_its_own_after(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        new = await scene.refund({"shipping": {"amount": "2.00"}, "transactions": money("2.00")})
        [part] = new["refund_shipping_lines"]
        assert part["shipping_line_id"] == 71
        assert part["subtotal_amount_set"]["shop_money"]["amount"] == "2.00"
        assert new["order_adjustments"] == []
        rest = await scene.refund({"shipping": {"full_refund": True}, "transactions": money("2.95")})
        assert rest["refund_shipping_lines"][0]["subtotal_amount_set"]["shop_money"]["amount"] == "2.95"
        url = f"{scene.shop.base_url}/admin/api/2024-07/orders/1001/refunds.json"
        old = (await scene.client.get(url)).json()["refunds"]
        rows = [refund["order_adjustments"][0] for refund in old]
        assert all("refund_shipping_lines" not in refund for refund in old)
        assert [(r["kind"], r["amount"], r["tax_amount"]) for r in rows] == [
            ("shipping_refund", "-1.66", "-0.34"),
            ("shipping_refund", "-2.46", "-0.49"),
        ]

    stage.play(story, an_order())


def test_line_amounts_are_numbers_and_all_other_amounts_are_text(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        refund = await scene.refund({"refund_line_items": one(), "transactions": money("3.34")})
        assert refund["refund_line_items"][0]["subtotal"] == Decimal("3.34")
        assert refund["transactions"][0]["amount"] == "3.34"
        await scene.control("settings", {"line_amounts": "string"})
        again = await scene.refund({"refund_line_items": one(), "transactions": money("3.33")})
        assert again["refund_line_items"][0]["subtotal"] == "3.33"

    stage.play(story, an_order())


def test_several_tenders_each_take_back_what_they_gave_and_a_gift_card_moves_no_tender(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        await scene.refund(
            {
                "refund_line_items": one(2),
                "transactions": [*money("18.33"), *money("10.00", "gift_card")],
            }
        )
        answer = await scene.post("/orders/1001/refunds.json", {"refund": {"transactions": money("0.01", "gift_card")}})
        assert answer.status_code == 422
        state = (await scene.client.get(f"{scene.shop.base_url}/__sim/state")).json()
        refunds = [row for row in state["transactions"] if row["kind"] == "refund"]
        assert [(row["gateway"], row["amount"]) for row in refunds] == [
            ("shopify_payments", "18.33"),
            ("gift_card", "10.00"),
        ]
        assert refunds[1]["receipt"]["gift_card_last_characters"]
        assert refunds[1]["authorization"] is None
        back = [row for row in state["tender_transactions"] if row["amount"].startswith("-")]
        assert [(row["amount"], row["remote_reference"]) for row in back] == [("-18.33", refunds[0]["authorization"])]

    payments = [{"gateway": "shopify_payments", "amount": "18.33"}, {"gateway": "gift_card", "amount": "10.00"}]
    stage.play(story, excluded(payments=payments))


def test_books_in_two_currencies_are_kept_apart(stage: Stage) -> None:
    def bag(shop: str, customer: str) -> Json:
        return {
            "shop_money": {"amount": shop, "currency_code": "GBP"},
            "presentment_money": {"amount": customer, "currency_code": "JPY"},
        }

    line = {"id": 11, "sku": "CAP", "quantity": 3, "price_set": bag("10.00", "1900"), "tax_lines": []}

    async def story(scene: Scene) -> None:
        whole = await scene.refund({"refund_line_items": one(), "transactions": money("1900"), "currency": "JPY"})
        assert whole["refund_line_items"][0]["subtotal_set"] == bag("10.00", "1900")
        assert whole["order_adjustments"] == []
        assert (whole["transactions"][0]["amount"], whole["transactions"][0]["currency"]) == ("1900", "JPY")
        less = await scene.refund({"refund_line_items": one(), "transactions": money("950")})
        assert less["order_adjustments"][0]["amount_set"] == bag("5.00", "950")

    order = {"id": 1001, "currency": "GBP", "presentment_currency": "JPY", "line_items": [line]}
    stage.play(story, order)


def test_pending_money_is_a_pending_discrepancy_that_cancels_out_when_it_moves(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        refund = await scene.refund({"refund_line_items": one(), "transactions": money("14.17")})
        assert [row["status"] for row in refund["transactions"]] == ["pending"]
        reasons = [(row["reason"], row["amount"]) for row in refund["order_adjustments"]]
        assert reasons == [("Pending refund discrepancy", "14.17")]
        assert (await scene.order())["financial_status"] == "paid"
        kinds = {request.headers["x-shopify-topic"] for request in await scene.arrived(3)}
        assert "tender_transactions/create" not in kinds
        scene.hook.requests.clear()
        await scene.control(f"transactions/{refund['transactions'][0]['id']}/succeed")
        topics = sorted(request.headers["x-shopify-topic"] for request in await scene.arrived(3))
        assert topics == ["order_transactions/create", "orders/updated", "tender_transactions/create"]
        [after] = (await scene.get("/orders/1001/refunds.json")).json()["refunds"]
        assert sum(Decimal(row["amount"]) for row in after["order_adjustments"]) == 0
        assert (await scene.order())["financial_status"] == "partially_refunded"

    stage.play(story, excluded(), topics=TOPICS, money_pending=True)


def test_a_refund_in_the_admin_is_spread_over_the_payments_in_proportion(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        refund = await scene.control("orders/1001/refund", {"lines": [{"sku": "CAP", "quantity": 1}]})
        rows = [(row["gateway"], row["amount"]) for row in refund["transactions"]]
        assert rows == [("shopify_payments", "9.17"), ("gift_card", "5.00")]
        assert refund["user_id"] is not None
        last = await scene.control("orders/1001/refund", {"lines": [{"sku": "CAP"}]})
        assert last["order_adjustments"] == []
        assert (await scene.order())["financial_status"] == "refunded"

    payments = [{"gateway": "shopify_payments", "amount": "18.33"}, {"gateway": "gift_card", "amount": "10.00"}]
    stage.play(story, excluded(payments=payments))


def test_a_world_may_hold_orders_that_were_refunded_before(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        order = await scene.order()
        assert order["line_items"][0]["current_quantity"] == 1
        assert order["refunds"][0]["created_at"] == "2026-03-01T10:00:00+00:00"
        second = await scene.refund({"refund_line_items": one(), "transactions": money("14.16")})
        assert second["order_adjustments"] == []

    earlier = {"refund_line_items": one(), "transactions": money("14.17"), "created_at": "2026-03-01T10:00:00+00:00"}
    stage.play(story, excluded(refunds=[earlier]))


# -- webhooks


def test_one_refund_announces_four_topics_under_one_event_with_valid_signatures(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        refund = await scene.refund({"refund_line_items": one(), "transactions": money("3.34")})
        requests = await scene.arrived(4)
        by_topic = {request.headers["x-shopify-topic"]: request for request in requests}
        assert set(by_topic) == set(TOPICS) - {"orders/create"}
        for request in requests:
            assert request.headers["x-shopify-hmac-sha256"] == signed(request.body)
            assert request.headers["x-shopify-api-version"] == "2026-10"
            assert request.headers["x-shopify-shop-domain"].endswith("myshopify.com")
        assert len({request.headers["x-shopify-event-id"] for request in requests}) == 1
        assert len({request.headers["x-shopify-webhook-id"] for request in requests}) == 4
        body = json.loads(by_topic["refunds/create"].body, parse_float=Decimal)
        assert body == refund
        tender = json.loads(by_topic["tender_transactions/create"].body)
        assert (tender["amount"], tender["payment_method"]) == ("-3.34", "paypal")
        assert tender["remote_reference"] == body["transactions"][0]["authorization"]

    stage.play(story, an_order(), topics=TOPICS, tender_payment_method={"shopify_payments": "paypal"})


def test_an_order_placed_in_the_shop_is_announced(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        await scene.control("orders", an_order(1005))
        topics = sorted(request.headers["x-shopify-topic"] for request in await scene.arrived(3))
        assert topics == ["order_transactions/create", "orders/create", "tender_transactions/create"]

    stage.play(story, topics=TOPICS)


def test_a_failed_delivery_is_tried_eight_more_times_with_the_same_id(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        made = await scene.post("/webhooks.json", {"webhook": {"topic": "refunds/create", "address": address()}})
        assert made.status_code == 201
        scene.hook.answers = [500, 401, *[503] * 20]
        await scene.refund({"refund_line_items": one(), "transactions": money("3.34")})
        requests = await scene.arrived(9)
        assert len({request.headers["x-shopify-webhook-id"] for request in requests}) == 1
        await asyncio.sleep(0.05)
        assert len(scene.hook.requests) == 9
        assert (await scene.get("/webhooks.json")).json()["webhooks"] == []

    def address() -> str:
        return f"{stage.hook.base_url}/hooks"

    stage.play(story, an_order(), retry_seconds=0.0005)


def test_a_subscription_of_the_admin_survives_failures(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        scene.hook.answers = [500] * 20
        await scene.refund({"refund_line_items": one(), "transactions": money("3.34")})
        await scene.arrived(9)
        await asyncio.sleep(0.05)
        assert len((await scene.get("/webhooks.json")).json()["webhooks"]) == 1

    stage.play(story, an_order(), topics=["refunds/create"], retry_seconds=0.0005)


def test_a_subscription_is_made_once_and_can_be_deleted(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        body = {"webhook": {"topic": "orders/updated", "address": "https://hooks.example.com/s"}}
        made = (await scene.post("/webhooks.json", body)).json()["webhook"]
        assert (await scene.post("/webhooks.json", body)).status_code == 422
        assert (await scene.post("/webhooks.json", {"webhook": {"topic": "orders/updated"}})).status_code == 422
        assert (await scene.client.delete(f"{scene.shop.base_url}{API}/webhooks/{made['id']}.json")).status_code == 200
        assert (await scene.get("/webhooks.json")).json() == {"webhooks": []}

    stage.play(story)


def test_deliveries_can_go_wrong_on_purpose(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        refund = await scene.refund({"refund_line_items": one(), "shipping": {"amount": "1.00"}})
        [first] = await scene.arrived(1)

        async def emitted(variant: str) -> Request:
            scene.hook.requests.clear()
            sent = await scene.control("emit", {"topic": "refunds/create", "id": refund["id"], "variant": variant})
            assert sent["sent"] == 1
            return (await scene.arrived(1))[0]

        same = await emitted("duplicate")
        assert (same.body, same.headers["x-shopify-webhook-id"]) == (first.body, first.headers["x-shopify-webhook-id"])
        other = await emitted("new_id")
        assert other.body == first.body
        assert other.headers["x-shopify-webhook-id"] != first.headers["x-shopify-webhook-id"]
        forged = await emitted("wrong_signature")
        assert forged.headers["x-shopify-hmac-sha256"] != signed(forged.body)
        old = await emitted("old_version")
        assert old.headers["x-shopify-api-version"] == "2024-07"
        assert json.loads(old.body)["order_adjustments"][0]["kind"] == "shipping_refund"
        short = await emitted("truncated")
        assert first.body.startswith(short.body)
        assert short.headers["x-shopify-hmac-sha256"] == signed(short.body)

    stage.play(story, an_order(), topics=["refunds/create"])


def test_held_deliveries_arrive_in_reverse_or_are_lost(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        await scene.control("webhooks/hold")
        await scene.refund({"refund_line_items": one(), "transactions": money("3.34")})
        await scene.control("webhooks/release", {"order": "reversed", "drop": ["orders/updated"]})
        topics = [request.headers["x-shopify-topic"] for request in await scene.arrived(3)]
        assert topics == ["tender_transactions/create", "order_transactions/create", "refunds/create"]

    stage.play(story, an_order(), topics=TOPICS)


# -- limits and faults


def test_rest_calls_over_the_bucket_are_429_with_retry_after(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        statuses = [(await scene.get("/orders/1001.json")).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        limited = await scene.get("/orders/1001.json")
        assert limited.headers["retry-after"] == "2.0"

    stage.play(story, an_order(), rest_bucket={"size": 2, "leak_per_s": 0.01})


def test_scheduled_faults_answer_in_the_shops_words_and_may_strike_after_the_commit(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        await scene.control("faults", {"match": "POST /admin/api/2026-10/orders/1001/ref", "kind": "500_after_commit"})
        answer = await scene.post("/orders/1001/refunds.json", {"refund": {"refund_line_items": one()}})
        assert (answer.status_code, answer.json()) == (500, {"errors": "Internal Server Error"})
        assert (await scene.order())["line_items"][0]["current_quantity"] == 2

    stage.play(story, an_order())


# -- GraphQL

QUERY = """
query Read($id: ID!, $first: Int = 5) {
  order(id: $id) {
    __typename id name taxesIncluded
    totalPriceSet { ...money }
    lineItems(first: $first) { edges { cursor node { id sku currentQuantity refundableQuantity
      taxLines { rate priceSet { shopMoney { amount } } }
      discountAllocations { allocatedAmountSet { shopMoney { amount } } } } } pageInfo { hasNextPage } }
    refunds { id totalRefundedSet { ...money }
      refundLineItems(first: 10) { nodes { quantity subtotalSet { shopMoney { amount } } lineItem { id } } }
      refundShippingLines(first: 5) { nodes { subtotalAmountSet { shopMoney { amount } }
        taxAmountSet { shopMoney { amount } } } }
      transactions(first: 5) { nodes { kind status gateway amountSet { ...money } parentTransaction { id } } } }
  }
}
fragment money on MoneyBag { shopMoney { amount currencyCode } presentmentMoney { amount } }
"""


def test_graphql_reads_an_order_with_its_refunds_and_money_bags(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        body = {"refund_line_items": one(2), "shipping": {"amount": "1.00"}, "transactions": money("7.67")}
        await scene.refund(body)
        answer = await scene.graph(QUERY, {"id": "gid://shopify/Order/1001"})
        order = answer["data"]["order"]
        assert order["totalPriceSet"]["shopMoney"] == {"amount": "14.95", "currencyCode": "GBP"}
        [edge] = order["lineItems"]["edges"]
        assert (edge["node"]["currentQuantity"], edge["node"]["refundableQuantity"]) == (1, 1)
        assert edge["node"]["discountAllocations"][0]["allocatedAmountSet"]["shopMoney"]["amount"] == "2.00"
        assert order["lineItems"]["pageInfo"] == {"hasNextPage": False}
        [refund] = order["refunds"]
        assert refund["refundLineItems"]["nodes"][0]["subtotalSet"]["shopMoney"]["amount"] == "6.67"
        assert refund["refundShippingLines"]["nodes"][0]["taxAmountSet"]["shopMoney"]["amount"] == "0.17"
        [row] = refund["transactions"]["nodes"]
        assert (row["kind"], row["status"], row["gateway"]) == ("REFUND", "SUCCESS", "shopify_payments")
        assert row["amountSet"]["presentmentMoney"]["amount"] == "7.67"
        cost = answer["extensions"]["cost"]
        assert cost["throttleStatus"]["currentlyAvailable"] <= cost["throttleStatus"]["maximumAvailable"]

    stage.play(story, an_order())


def test_graphql_pages_through_orders_found_by_a_search(stage: Stage) -> None:
    query = """query($after: String) { orders(first: 2, after: $after, sortKey: UPDATED_AT,
      query: "updated_at:>='2026-03-01T00:00:00Z' AND financial_status:paid") {
      nodes { name } pageInfo { hasNextPage endCursor } } }"""

    async def story(scene: Scene) -> None:
        first = (await scene.graph(query))["data"]["orders"]
        second = (await scene.graph(query, {"after": first["pageInfo"]["endCursor"]}))["data"]["orders"]
        assert [node["name"] for node in first["nodes"] + second["nodes"]] == ["#1003", "#1002", "#1001"]
        assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)
        by_name = await scene.graph('{ orders(first: 1, query: "name:#1002") { edges { node { legacyResourceId } } } }')
        assert by_name["data"]["orders"]["edges"][0]["node"]["legacyResourceId"] == "1002"

    orders = [
        an_order(number, created_at=f"2026-03-0{5 - n}T10:00:00+00:00") for n, number in enumerate((1001, 1002, 1003))
    ]
    stage.play(story, *orders, an_order(1000, created_at="2026-02-01T10:00:00+00:00"))


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ('{ order(id: "gid://shopify/Order/1001") { colour } }', "colour"),
        ("{ orders { nodes { id } } }", "first"),
        ('{ order(id: "1001") { id } }', "global id"),
        ("{ order(id: ", "ends too early"),
        ("mutation { refundCreate { refund { id } } }", "queries only"),
        ('{ orders(first: 1, query: "colour:red") { nodes { id } } }', "colour"),
    ],
)
def test_graphql_mistakes_are_errors_in_a_200(stage: Stage, query: str, word: str) -> None:
    async def story(scene: Scene) -> None:
        answer = await scene.graph(query)
        assert word in answer["errors"][0]["message"]
        assert "data" not in answer

    stage.play(story, an_order())


def test_an_order_that_does_not_exist_is_null_in_graphql(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        answer = await scene.graph('{ order(id: "gid://shopify/Order/5") { id } }')
        assert answer["data"] == {"order": None}

    stage.play(story)


def test_graphql_over_the_cost_limit_is_throttled_in_the_body(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        query = "{ orders(first: 10) { nodes { id } } }"
        assert "data" in await scene.graph(query)
        throttled = await scene.graph(query)
        assert throttled["errors"][0]["extensions"]["code"] == "THROTTLED"
        assert throttled["extensions"]["cost"]["throttleStatus"]["restoreRate"] == 1

    stage.play(story, an_order(), graphql_bucket={"size": 15, "restore_per_s": 1})


def test_reset_restores_the_world(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        before = await scene.order()
        await scene.refund({"refund_line_items": one()})
        await scene.control("reset")
        after = await scene.order()
        assert after["line_items"] == before["line_items"]
        assert after["refunds"] == []

    stage.play(story, an_order())
