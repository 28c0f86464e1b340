"""The simulated Loop: its bytes, its moods, and the money it moves in a simulated shop (Loop sheet §2-§10)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.gateways.shopify.sim import ShopifySimulator
from counterfoil.portals.loop.sim import LoopSimulator
from counterfoil.portals.loop.sim.money import divide, of_unit
from counterfoil.portals.loop.sim.php import encode, reflow, sign
from counterfoil.simkit.http import Request, Response
from counterfoil.simkit.sender import WebhookSender
from counterfoil.simkit.server import Running, Simulator

Json = dict[str, Any]
SECRET = "loop-example-secret-7b1f"
KEY = {"X-Authorization": "key-1"}
ALL = (
    ("return", "return.created"),
    ("return", "return.updated"),
    ("return", "return.closed"),
    ("return.processing", "return.processing.failed"),
    ("label", "label.updated"),
    ("restock", "restock.requested"),
    ("giftcard", "giftcard.requested"),
)


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
    """Loop, a shop, the hook Loop sends to, and a client with the right key."""

    def __init__(self, stage: Stage) -> None:
        self.loop, self.shop, self.hook, self.client = stage.loop, stage.shop, stage.hook, stage.client

    async def get(self, path: str, **params: Any) -> httpx2.Response:
        return await self.client.get(f"{self.loop.base_url}/api/v1{path}", params=params, headers=KEY)

    async def post(self, path: str, body: Any = None, **params: Any) -> httpx2.Response:
        url = f"{self.loop.base_url}/api/v1{path}"
        return await self.client.post(url, json=body, params=params, headers=KEY)

    async def act(self, made: Json, action: str, body: Any = None, **params: Any) -> Any:
        answer = await self.post(f"/warehouse/return/{made['id']}/{action}", body, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def control(self, path: str, body: Json | None = None, status: int = 200) -> Json:
        answer = await self.client.post(f"{self.loop.base_url}/__sim/{path}", json=body or {})
        assert answer.status_code in (status, 201), answer.text
        found: Json = answer.json()
        return found

    async def submit(self, quantity: int = 1, **more: Any) -> Json:
        lines = [{"line_item_id": 11, "quantity": quantity, "reason": "Too small"}]
        return await self.control("returns", {"order_id": 1001, "lines": lines, **more})

    async def state(self) -> Json:
        found: Json = (await self.client.get(f"{self.loop.base_url}/__sim/state")).json()
        return found

    async def details(self, made: Json, **params: Any) -> Json:
        found: Json = (await self.get("/warehouse/return/details", return_id=made["id"], **params)).json()
        return found

    async def settled(self, made: Json) -> Json:
        """The return once processing has ended one way or the other."""
        for _ in range(400):
            state = await self.state()
            [row] = [row for row in state["returns"] if row["id"] == made["id"]]
            if not row["queued"]:
                found: Json = row
                return found
            await asyncio.sleep(0.01)
        raise AssertionError("the return stays queued")

    async def arrived(self, count: int) -> list[Request]:
        for _ in range(300):
            if len(self.hook.requests) >= count:
                return self.hook.requests
            await asyncio.sleep(0.01)
        raise AssertionError(f"{len(self.hook.requests)} deliveries arrived, not {count}")

    async def shop_state(self) -> Json:
        found: Json = (await self.client.get(f"{self.shop.base_url}/__sim/state")).json()
        return found


Story = Callable[[Scene], Awaitable[None]]


class Stage:
    """Loop, a shop and a hook, listening for all tests of this file; each story starts from worlds of its own."""

    def __init__(self) -> None:
        self.hook, self.loop, self.shop = Hook(), LoopSimulator(), ShopifySimulator()
        self.runner = asyncio.Runner()
        self.client = httpx2.AsyncClient(trust_env=False)
        self.running = [Running(self.hook), Running(self.shop), Running(self.loop)]

    def open(self) -> None:
        self.runner.run(_all(running.start() for running in self.running))

    def close(self) -> None:
        self.runner.run(_all([self.client.aclose()]))
        self.runner.run(_all(running.stop() for running in self.running))
        self.runner.close()

    def play(
        self, story: Story, order: Json | None = None, topics: Iterable[tuple[str, str]] = (), **world: Any
    ) -> None:
        url = f"{self.hook.base_url}/hooks"
        self.shop.world = {"access_token": "shpat_1", "orders": [order or an_order()]}
        self.shop.load(json.loads(json.dumps(self.shop.world)))
        self.loop.world = {
            "shop_id": 12345,
            "api_keys": ["key-1"],
            "webhook_secret": SECRET,
            "webhooks": [{"topic": topic, "trigger": trigger, "url": url} for topic, trigger in topics],
            "shop": {"url": self.shop.base_url, "access_token": "shpat_1"},
            "retry_seconds": 0.001,
            "processing_seconds": 0.001,
            **world,
        }
        self.hook.load({})
        self.runner.run(self._play(story))

    async def _play(self, story: Story) -> None:
        self.loop.load(json.loads(json.dumps(self.loop.world)))
        await story(Scene(self))
        await _quiet(self.loop.hooks.sender)


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


def an_order(included: bool = True, **more: Any) -> Json:
    """Three TEEs for 10.00 together after a discount, tax 1.67, and 4.95 for delivery with 0.83 tax."""
    return {
        "id": 1001,
        "name": "#1001",
        "taxes_included": included,
        "customer": {"email": "zoe@example.com", "first_name": "Zoë", "last_name": "Example"},
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


def total(rows: Iterable[Json], field: str) -> Decimal:
    return sum((Decimal(row[field]) for row in rows), Decimal(0))


def balanced(row: Json) -> bool:
    """Both identities of sheet §8."""
    part = {name: Decimal(str(value)) for name, value in row.items() if isinstance(value, str) and _is_amount(value)}
    shipping = part["refund_shipping_total"] + part["refund_shipping_tax_total"]
    given_back = part["refund"] + part["gift_card"] + part["handling_fee"] + part["exchange_total"]
    return (
        part["return_total"] + shipping + part["upsell"] == given_back
        and total(row["line_items"], "refund") + shipping == part["refund"]
        and part["return_total"]
        == part["return_product_total"] - part["return_discount_total"] + part["return_tax_total"]
    )


def _is_amount(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


# -- bytes and signatures

VECTOR = (
    b'{"topic":"return","trigger":"return.closed","shop_id":12345,"id":"1673","state":"closed","customer_detail":'
    b'{"first_name":"Zo\\u00eb","last_name":"O\'Neil"},"refund":"47.50","status_page_url":'
    b'"https:\\/\\/example.loopreturns.com\\/#\\/return\\/b3e4764e-7adf-4b8c-802a-553305b6db49"}'
)


def test_the_sheets_vector_is_reproduced_from_the_value_to_the_signature() -> None:
    value = {
        "topic": "return",
        "trigger": "return.closed",
        "shop_id": 12345,
        "id": "1673",
        "state": "closed",
        "customer_detail": {"first_name": "Zoë", "last_name": "O'Neil"},
        "refund": "47.50",
        "status_page_url": "https://example.loopreturns.com/#/return/b3e4764e-7adf-4b8c-802a-553305b6db49",
    }
    assert encode(value) == VECTOR
    assert hashlib.sha256(VECTOR).hexdigest() == "34c9abc276fe67e0193ff2373f2ab20f277904d273a2e7eed08da8127251549d"
    assert sign(SECRET, VECTOR) == "pnRQP6P6PuSYbXuxGzYqqBvb1qJqLWEpz2HtFHmtWjM="
    assert sign(SECRET, reflow(VECTOR)) == "E++b37Hn5/XpBgGPWoSHAnmEitQiKI20KVgoMLruN/w="


@given(st.text())
def test_encoded_text_is_ascii_on_one_line_and_reads_back(text: str) -> None:
    raw = encode({"comment": text, "ids": [1, None, True]})
    assert raw.isascii()
    assert b"\n" not in raw
    assert json.loads(raw) == {"comment": text, "ids": [1, None, True]}


def test_a_decimal_is_written_as_a_number_digit_for_digit() -> None:
    assert encode([Decimal("47.50"), Decimal("47.00"), Decimal("0.10")]) == b"[47.5,47.0,0.1]"


@given(st.integers(0, 10**9), st.integers(1, 50))
def test_unit_pieces_sum_to_the_amount_and_fall_by_at_most_one(amount: int, quantity: int) -> None:
    pieces = [of_unit(amount, quantity, unit) for unit in range(1, quantity + 1)]
    assert sum(pieces) == amount
    assert pieces == sorted(pieces, reverse=True)
    assert pieces[0] - pieces[-1] <= 1


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.lists(st.integers(0, 10**6), min_size=1, max_size=8))
def test_a_division_by_weight_loses_nothing(whole: int, weights: list[int]) -> None:
    pieces = divide(whole, weights)
    assert sum(pieces) == whole
    assert all(piece >= 0 for piece in pieces)


def test_every_delivery_is_signed_over_its_bytes(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        await scene.submit()
        [request] = await scene.arrived(1)
        digest = hmac.new(SECRET.encode(), request.body, hashlib.sha256).digest()
        assert request.headers["x-loop-signature"] == base64.b64encode(digest).decode()
        assert b"Zo\\u00eb" in request.body
        assert b"https:\\/\\/example.loopreturns.com" in request.body

    stage.play(story, topics=[("return", "return.created")])


# -- one return in three typings


def test_webhook_list_and_details_tell_the_same_in_different_types(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        made = await scene.submit()
        [request] = await scene.arrived(1)
        hook = json.loads(request.body)
        [row] = (await scene.get("/warehouse/return/list")).json()
        found = await scene.details(made)
        assert [type(view["id"]) for view in (hook, row, found)] == [str, str, int]
        assert [type(view["order_id"]) for view in (hook, row, found)] == [int, str, int]
        assert [type(view["provider_order_id"]) for view in (hook, row, found)] == [str, str, int]
        assert {str(view["id"]) for view in (hook, row, found)} == {made["id"]}
        assert {view["refund"] for view in (hook, row, found)} == {"3.34"}
        assert [view["created_at"][10] + view["created_at"][-1] for view in (hook, row)] == ["T0", "TZ"]
        assert found["created_at"][10] == " "
        assert "refunds" in hook
        assert "refunds" in found
        assert "refunds" not in row
        assert "updated_at" not in hook
        assert "exchange_order_id" in found
        line = hook["line_items"][0]
        assert len(line["line_item_id"]) == 18
        assert found["line_items"][0]["line_item_id"] == int(line["line_item_id"])
        assert "condition" not in line
        assert row["line_items"][0]["condition"] is None

    stage.play(story, topics=[("return", "return.created")])


def test_the_old_typing_has_integer_ids_and_numeric_refund_amounts(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        made = await scene.submit()
        await scene.act(made, "process")
        await scene.settled(made)
        scene.hook.requests.clear()
        await scene.control("emit", {"id": made["id"], "trigger": "return.closed", "variant": "old_typing"})
        [request] = await scene.arrived(1)
        body = json.loads(request.body, parse_float=Decimal)
        assert isinstance(body["id"], int)
        assert isinstance(body["provider_order_id"], int)
        assert body["refunds"][0]["amount"] == Decimal("3.34")
        assert isinstance(body["refunds"][0]["provider_refund_id"], int)
        assert body["created_at"].endswith(".000Z")
        assert sign(SECRET, request.body) == request.headers["x-loop-signature"]

    stage.play(story, topics=[("return", "return.closed")])


def test_details_convert_every_amount_to_the_customers_currency_when_asked(stage: Stage) -> None:
    def bag(shop: str, customer: str) -> Json:
        return {
            "shop_money": {"amount": shop, "currency_code": "GBP"},
            "presentment_money": {"amount": customer, "currency_code": "JPY"},
        }

    line = {"id": 11, "sku": "CAP", "quantity": 3, "price_set": bag("10.00", "1901"), "tax_lines": []}
    order = {"id": 1001, "name": "#1001", "currency": "GBP", "presentment_currency": "JPY", "line_items": [line]}

    async def story(scene: Scene) -> None:
        made = await scene.submit(2)
        assert (await scene.details(made))["refund"] == "20.00"
        shown = await scene.details(made, currency_type="presentment")
        assert (shown["currency"], shown["refund"]) == ("JPY", "3802")
        await scene.act(made, "process")
        done = await scene.settled(made)
        assert [(row["currency"], row["amount"]) for row in done["refunds"]] == [("JPY", "3802")]

    stage.play(story, order=order)


def test_details_find_by_order_and_answer_200_when_nothing_is_there(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        made = await scene.submit()
        for params in ({"order_id": "1001"}, {"order_name": "1001"}):
            assert str((await scene.get("/warehouse/return/details", **params)).json()["id"]) == made["id"]
        missing = await scene.get("/warehouse/return/details", return_id="5")
        assert (missing.status_code, list(missing.json())) == (200, ["error"])

    stage.play(story)


# -- money


@pytest.mark.parametrize("included", [True, False])
def test_three_returns_of_one_unit_each_refund_the_order_line_to_the_cent(stage: Stage, included: bool) -> None:
    async def story(scene: Scene) -> None:
        done = []
        for _ in range(3):
            made = await scene.submit(1)
            await scene.act(made, "process")
            done.append(await scene.settled(made))
        assert all(balanced(row) for row in done)
        whole = Decimal("10.00") if included else Decimal("11.67")
        assert total(done, "refund") == whole
        refunds = (await scene.shop_state())["refunds"]
        assert [refund["order_adjustments"] for refund in refunds] == [[], [], []]
        assert total((row for refund in refunds for row in refund["transactions"]), "amount") == whole
        assert {row["refunds"][0]["provider_refund_id"] for row in done} == {str(refund["id"]) for refund in refunds}

    stage.play(story, order=an_order(included))


def test_prices_of_a_tax_included_shop_are_net_or_gross_as_the_world_says(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        [line] = (await scene.submit())["line_items"]
        shown = Decimal(line["price"]) - Decimal(line["discount"]) + Decimal(line["tax"])
        assert shown == Decimal("3.34")
        assert line["tax"] == "0.56"
        await scene.control("settings", {"tax_included_prices": "gross"})
        [line] = (await scene.submit())["line_items"]
        assert (line["price"], line["discount"], line["tax"]) == ("4.00", "0.67", "0.00")

    stage.play(story)


def test_a_fee_is_kept_back_and_shipping_given_back_in_the_shop(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        made = await scene.submit(3, handling_fee="2.50", refund_shipping="4.95")
        assert (made["refund"], made["handling_fee"]) == ("12.45", "2.50")
        assert (made["refund_shipping_total"], made["refund_shipping_tax_total"]) == ("4.12", "0.83")
        assert balanced(made)
        await scene.act(made, "process")
        await scene.settled(made)
        [refund] = (await scene.shop_state())["refunds"]
        assert refund["transactions"][0]["amount"] == "12.45"
        assert [row["amount"] for row in refund["order_adjustments"]] == ["2.50"]
        assert refund["refund_shipping_lines"][0]["subtotal_amount_set"]["shop_money"]["amount"] == "4.95"

    stage.play(story)


def test_a_mixed_payment_is_refunded_in_proportion_until_each_tender_is_empty(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        done = []
        for shipping in ("0.00", "0.00", "4.95"):
            made = await scene.submit(refund_shipping=shipping)
            await scene.act(made, "process")
            done.append(await scene.settled(made))
        rows = [(row["gateway"], row["amount"]) for row in done[0]["refunds"]]
        assert rows == [("shopify_payments", "2.22"), ("gift_card", "1.12")]
        back: dict[str, Decimal] = {}
        for row in (row for made in done for row in made["refunds"]):
            back[row["gateway"]] = back.get(row["gateway"], Decimal(0)) + Decimal(row["amount"])
        assert back == {"shopify_payments": Decimal("9.95"), "gift_card": Decimal("5.00")}
        state = await scene.shop_state()
        assert state["orders"][0]["financial_status"] == "refunded"
        assert [refund["order_adjustments"] for refund in state["refunds"]] == [[], [], []]

    payments = [{"gateway": "shopify_payments", "amount": "9.95"}, {"gateway": "gift_card", "amount": "5.00"}]
    stage.play(story, order=an_order(payments=payments))


def test_store_credit_leaves_the_shop_a_refund_without_money(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        made = await scene.submit(1, outcome="store_credit", bonus="1.00")
        assert (made["gift_card"], made["refund"], made["outcome"]) == ("3.34", "0.00", "credit")
        assert balanced(made)
        await scene.act(made, "process")
        row = await scene.settled(made)
        assert row["gift_card_order_id"] is not None
        [refund] = (await scene.shop_state())["refunds"]
        assert refund["transactions"] == []
        card = json.loads((await scene.arrived(1))[0].body)
        assert (card["total_credit_issued"], card["gift_card_bonus_credit"]) == ("4.34", "1.00")
        assert (card["gift_card_subtotal"], card["gift_card_tax"]) == ("2.78", "0.56")
        assert (type(card["id"]), type(card["return_id"])) == (int, str)

    stage.play(story, topics=[("giftcard", "giftcard.requested")], gift_card_provider="external")


@pytest.mark.parametrize(
    ("price", "refund", "upsell", "outcome"),
    [
        ("3.34", "0.00", "0.00", "exchange"),
        ("5.00", "0.00", "1.66", "upsell"),
        ("2.00", "1.34", "0.00", "exchange+refund"),
    ],
)
def test_an_exchange_balances_with_the_rest_refunded_or_the_upsell_collected(
    stage: Stage, price: str, refund: str, upsell: str, outcome: str
) -> None:
    async def story(scene: Scene) -> None:
        made = await scene.submit(1, outcome="exchange", exchange={"sku": "TEE-L", "price": price})
        assert (made["refund"], made["upsell"], made["outcome"]) == (refund, upsell, outcome)
        assert balanced(made)
        await scene.act(made, "process", {"rma": "SR000001"})
        row = await scene.settled(made)
        [line] = row["exchanges"]
        assert line["exchange_order_name"] == "EXC1001"
        order = next(o for o in (await scene.shop_state())["orders"] if str(o["id"]) == line["exchange_order_id"])
        assert {"name": "rma", "value": "SR000001"} in order["note_attributes"]
        assert order["source_name"] == "Loop Exchange"
        assert Decimal(order["total_price"]) == Decimal(upsell)
        assert (await scene.details(made))["exchange_order_name"] == "EXC1001"

    stage.play(story)


def test_an_instant_exchange_exists_before_the_label_moves_and_a_native_one_has_no_order(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        exchange = {"sku": "TEE-L", "price": "3.00"}
        instant = await scene.submit(1, outcome="exchange", exchange={**exchange, "instant": True})
        assert instant["exchanges"][0]["exchange_order_id"] is not None
        assert (instant["label_status"], instant["state"]) == ("new", "open")
        native = await scene.submit(1, outcome="exchange", exchange={**exchange, "native": True})
        await scene.act(native, "process")
        assert (await scene.settled(native))["exchanges"][0]["exchange_order_id"] is None

    stage.play(story)


def test_an_item_out_of_stock_becomes_a_gift_card_without_an_id(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        item = {"sku": "TEE-L", "price": "3.00", "out_of_stock": True, "out_of_stock_resolution": "gift_card"}
        made = await scene.submit(1, outcome="exchange", exchange=item)
        assert (made["exchange_total"], made["gift_card"]) == ("0.00", "3.34")
        assert balanced(made)
        await scene.act(made, "process")
        card = json.loads((await scene.arrived(1))[0].body)
        assert card["id"] is None
        assert card["total_credit_issued"] == "3.34"

    stage.play(story, topics=[("giftcard", "giftcard.requested")])


def test_units_are_used_up_in_order_and_given_back_by_a_cancelled_return(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        first = await scene.submit(1)
        second = await scene.submit(2)
        assert [made["refund"] for made in (first, second)] == ["3.34", "6.66"]
        lines = [{"line_item_id": 11, "quantity": 1}]
        refused = await scene.control("returns", {"order_id": 1001, "lines": lines}, status=422)
        assert "0 units" in refused["error"]
        assert await scene.act(first, "cancel") is True
        assert (await scene.submit(1))["refund"] == "3.34"

    stage.play(story)


def test_units_the_shop_refunded_by_itself_are_not_returned_again(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        url = f"{scene.shop.base_url}/__sim/orders/1001/refund"
        await scene.client.post(url, json={"lines": [{"sku": "TEE", "quantity": 1}]})
        made = await scene.submit(2)
        assert made["refund"] == "6.66"
        await scene.act(made, "process")
        await scene.settled(made)
        assert [row["order_adjustments"] for row in (await scene.shop_state())["refunds"]] == [[], []]

    stage.play(story)


def test_falsified_amounts_are_shown_in_every_view_but_not_paid(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        lie = {"refund": "9.99", "line_items": [{"tax": "8.88"}]}
        made = await scene.submit(2, overrides=lie)
        found = await scene.details(made)
        assert (made["refund"], found["refund"]) == ("9.99", "9.99")
        assert [line["tax"] for line in found["line_items"]] == ["8.88", "0.56"]
        assert not balanced(made)
        await scene.act(made, "process")
        await scene.settled(made)
        assert (await scene.shop_state())["refunds"][0]["transactions"][0]["amount"] == "6.67"

    stage.play(story)


# -- processing and the other actions


def test_process_answers_true_then_updates_and_closes_with_the_shops_refund(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        made = await scene.submit(2)
        assert await scene.act(made, "process") is True
        assert (await scene.details(made))["refunds"] == []
        row = await scene.settled(made)
        assert row["state"] == "closed"
        bodies = [json.loads(request.body) for request in await scene.arrived(3)]
        assert sorted(body["trigger"] for body in bodies) == ["return.closed", "return.created", "return.updated"]
        [refund] = (await scene.shop_state())["refunds"]
        closed = next(body for body in bodies if body["trigger"] == "return.closed")
        assert closed["refunds"] == [
            {
                "gateway": "shopify_payments",
                "amount": "6.67",
                "currency": "GBP",
                "provider_refund_id": str(refund["id"]),
            }
        ]
        assert refund["note"] == f"Loop return {made['id']}"

    stage.play(story, topics=ALL, processing_seconds=0.2)


def test_a_refund_the_shop_refuses_is_processing_failed_and_can_be_tried_again(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        made = await scene.submit(1)
        fault = {"match": "POST /admin/api/2026-10/orders/1001/refunds.json", "kind": "503", "times": 1}
        await scene.client.post(f"{scene.shop.base_url}/__sim/faults", json=fault)
        assert await scene.act(made, "process") is True
        [request] = await scene.arrived(1)
        body = json.loads(request.body)
        assert (body["topic"], body["trigger"], body["id"]) == (
            "return.processing",
            "return.processing.failed",
            made["id"],
        )
        assert (await scene.settled(made))["state"] == "open"
        assert await scene.act(made, "process") is True
        assert (await scene.settled(made))["state"] == "closed"

    stage.play(story, topics=[("return.processing", "return.processing.failed")])


def test_without_a_shop_a_return_closes_with_refunds_of_its_own_making(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        lines = [{"line_item_id": 11, "quantity": 2}]
        body = {"order": an_order(), "lines": lines, "refund_split": ["paypal", "gift_card"]}
        made = await scene.control("returns", body)
        await scene.act(made, "process")
        row = await scene.settled(made)
        assert [(part["gateway"], part["amount"]) for part in row["refunds"]] == [
            ("paypal", "3.34"),
            ("gift_card", "3.33"),
        ]
        assert (await scene.shop_state())["refunds"] == []

    stage.play(story, shop=None)


def test_a_state_that_forbids_an_action_is_refused_with_200_and_a_code(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        flagged = await scene.submit(1, review=True)
        answer = await scene.act(flagged, "process")
        assert answer["errors"]["code"] == "UNPROCESSABLE_FLAGGED_RETURN"
        assert (await scene.act(flagged, "cancel"))["errors"]["code"] == "UNPROCESSABLE_RETURN"
        closed = await scene.submit(1)
        assert await scene.act(closed, "close") is True
        for action in ("process", "cancel", "flag", "close"):
            assert (await scene.act(closed, action))["errors"]["code"] == "UNPROCESSABLE_RETURN"
        assert (await scene.act({"id": "5"}, "process"))["errors"]["code"] == "NOT_FOUND"
        assert (await scene.shop_state())["refunds"] == []
        actions = (await scene.state())["actions"]
        assert [entry["answer"] is True for entry in actions] == [False, False, True, *[False] * 5]

    stage.play(story)


def test_a_queued_return_is_not_processed_twice(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        made = await scene.submit()
        assert await scene.act(made, "process") is True
        assert (await scene.act(made, "process"))["errors"]["code"] == "UNPROCESSABLE_RETURN"
        await scene.settled(made)
        assert len((await scene.shop_state())["refunds"]) == 1

    stage.play(story, processing_seconds=0.2)


def test_an_instant_credit_that_is_open_answers_true_and_nothing_happens(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        made = await scene.submit(1, reshop=True)
        assert await scene.act(made, "process") is True
        assert (await scene.settled(made))["state"] == "open"

    stage.play(story)


def test_closing_by_hand_sends_updated_and_closed_and_refunds_nothing(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        made = await scene.submit()
        await scene.act(made, "close")
        triggers = sorted(json.loads(request.body)["trigger"] for request in await scene.arrived(3))
        assert triggers == ["return.closed", "return.created", "return.updated"]
        assert (await scene.state())["refunds"] == []

    stage.play(story, topics=ALL)


def test_flag_moves_to_review_and_an_approval_moves_back(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        made = await scene.submit()
        assert await scene.act(made, "flag") is True
        assert (await scene.details(made))["state"] == "review"
        assert (await scene.control(f"returns/{made['id']}/approve"))["state"] == "open"

    stage.play(story)


def test_remove_processes_the_rest_at_once_and_removing_all_cancels(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        made = await scene.submit(3)
        first = made["line_items"][0]["line_item_id"]
        assert await scene.act(made, "remove", line_item_id=first) is True
        row = await scene.settled(made)
        assert (row["state"], row["refund"], len(row["line_items"])) == ("closed", "6.66", 2)
        again = await scene.submit(1)
        assert await scene.act(again, "remove", line_item_id=again["line_items"][0]["line_item_id"]) is True
        assert (await scene.settled(again))["state"] == "cancelled"

    stage.play(story)


def test_remove_refuses_unknown_lines_with_422_and_exchanges_with_403(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        made = await scene.submit(1, outcome="exchange", exchange={"sku": "TEE-L", "price": "3.00"})
        path = f"/warehouse/return/{made['id']}/remove"
        assert (await scene.post(path)).status_code == 422
        assert (await scene.post(path, line_item_id="7")).status_code == 422
        line = made["line_items"][0]["line_item_id"]
        refused = await scene.post(path, line_item_id=line)
        assert (refused.status_code, "message" in refused.json()["errors"][0]) == (403, True)

    stage.play(story)


def test_notes_have_255_characters_and_none_is_422_false(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        made = await scene.submit()
        path = f"/warehouse/return/{made['id']}/notes"
        empty = await scene.get(path)
        assert (empty.status_code, empty.json()) == (422, False)
        assert await scene.act(made, "note", {"content": "x" * 255}) is True
        assert (await scene.post(path.removesuffix("s"), {"content": "x" * 256})).status_code == 422
        assert [note["content"] for note in (await scene.get(path)).json()["notes"]] == ["x" * 255]

    stage.play(story)


def test_grading_and_assessing_are_kept_on_the_line(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        made = await scene.submit(2)
        lines = [line["line_item_id"] for line in made["line_items"]]
        grade = {"line_item_id": lines[0], "description": "as new", "condition_category": "grade_a"}
        assert (await scene.post("/dispositioning/grade", {"items": [grade]})).status_code == 200
        assess = {"line_item_id": int(lines[1]), "disposition_outcome": "recycle"}
        assert (await scene.post("/dispositioning/assess", {"items": [assess]})).json()[0][
            "disposition_outcome"
        ] == "recycle"
        first, second = (await scene.details(made))["line_items"]
        assert first["condition"]["condition_category"] == "grade_a"
        assert second["disposition"]["disposition_outcome"] == "recycle"
        assert [row["kind"] for row in (await scene.state())["grades"]] == ["grade", "assess"]
        for items in ([], [grade] * 31, [{**grade, "condition_category": "A+"}], [{**grade, "line_item_id": "1"}]):
            assert (await scene.post("/dispositioning/grade", {"items": items})).status_code == 422

    stage.play(story)


# -- the list


def ready(number: int, created: str, state: str = "open") -> Json:
    """A return of the world, one line of 10.00."""
    line = {"sku": "TEE", "price": "10.00", "provider_line_item_id": "11"}
    return {"id": number, "created_at": created, "state": state, "line_items": [line]}


def test_the_list_has_a_day_by_default_and_hides_cancelled_and_review(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        async def ids(**params: Any) -> list[str]:
            return sorted(row["id"] for row in (await scene.get("/warehouse/return/list", **params)).json())

        assert await ids() == ["4"]
        assert await ids(to="2026-03-30 00:00:00") == ["4"]
        window = {"from": "2026-03-01T00:00:00.000Z", "to": "2026-03-30 00:00:00"}
        assert await ids(**window) == ["1", "4"]
        assert await ids(**window, state="cancelled") == ["2"]
        assert await ids(**window, state="review") == ["3"]
        assert await ids(**{"from": "2026-03-02 08:00:00"}) == ["1"]
        assert (await scene.get("/warehouse/return/list", **{**window, "to": "2026-08-01 00:00:00"})).status_code == 422
        assert (await scene.get("/warehouse/return/list", **{"from": "yesterday"})).status_code == 422
        assert (await scene.get("/warehouse/return/list", pageSize=751)).status_code == 422

    when = "2026-03-02T10:00:00Z"
    world = [ready(1, when), ready(2, when, "cancelled"), ready(3, when, "review"), ready(4, "2026-03-10T09:00:00Z")]
    stage.play(story, returns=world, clock="2026-03-10T10:00:00Z")


def test_paging_gives_an_incomplete_link_and_a_cursor_that_skips_the_boundary_second(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        window = {"from": "2026-03-02 00:00:00", "to": "2026-03-03 00:00:00"}
        assert isinstance((await scene.get("/warehouse/return/list", **window)).json(), list)
        page = (await scene.get("/warehouse/return/list", **window, paginate="true", pageSize=2)).json()
        assert [row["id"] for row in page["returns"]] == ["4", "3"]
        query = parse_qs(urlsplit(page["nextPageUrl"]).query)
        assert set(query) == {"to", "filter", "pageSize", "cursor"}
        mark = json.loads(base64.b64decode(query["cursor"][0]))
        assert mark == {"created_at": "2026-03-02 10:00:01", "_pointsToNextItems": True}
        rest = {**window, "paginate": "true", "pageSize": 2, "cursor": query["cursor"][0]}
        following = (await scene.get("/warehouse/return/list", **rest)).json()
        assert [row["id"] for row in following["returns"]] == ["1"]
        assert following["nextPageUrl"] is None

    times = ["10:00:00", "10:00:01", "10:00:01", "10:00:02"]
    world = [ready(number, f"2026-03-02T{time}Z") for number, time in enumerate(times, 1)]
    stage.play(story, returns=world, clock="2026-03-02T12:00:00Z")


def test_the_list_can_follow_changes(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        await scene.act({"id": "1"}, "close")
        changed = (await scene.get("/warehouse/return/list", filter="updated_at")).json()
        assert [(row["id"], row["state"]) for row in changed] == [("1", "closed")]

    stage.play(
        story,
        returns=[ready(1, "2026-03-01T10:00:00Z"), ready(2, "2026-03-01T10:00:00Z")],
        clock="2026-03-10T10:00:00Z",
    )


# -- keys and limits


def test_both_shapes_of_401_and_a_missing_scope(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        async def call(path: str, key: str | None) -> tuple[int, Any]:
            headers = {"X-Authorization": key} if key else {}
            answer = await scene.client.get(f"{scene.loop.base_url}/api/v1{path}", headers=headers)
            return answer.status_code, answer.json()

        status, body = await call("/warehouse/return/list", None)
        assert (status, body["error"]["http_code"]) == (401, "GEN-UNAUTHORIZED")
        assert await call("/warehouse/return/list", "wrong") == (401, {"errors": "Unauthorized."})
        assert await call("/warehouse/return/list", "narrow") == (401, {"errors": "Unauthorized."})
        assert (await call("/webhooks", "narrow"))[0] == 200
        assert (await call("/destinations", "wrong"))[0] == 401

    stage.play(story, api_keys=[{"key": "narrow", "scopes": ["developer_tools"]}])


def test_too_many_requests_in_a_minute_are_429_per_key(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        statuses = [(await scene.get("/destinations")).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]

    stage.play(story, rate_limit_per_minute=3)


def test_destinations_are_listed_and_found(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        [place] = (await scene.get("/destinations")).json()["destinations"]
        assert (await scene.get(f"/destinations/{place['id']}")).json() == place
        assert (await scene.get("/destinations/nowhere")).status_code == 404

    stage.play(story)


# -- webhooks


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
def test_a_refusing_receiver_is_never_tried_again(stage: Stage, status: int) -> None:
    async def story(scene: Scene) -> None:
        scene.hook.answers = [Response(status)]
        await scene.submit()
        await scene.arrived(1)
        await asyncio.sleep(0.03)
        [delivery] = (await scene.state())["deliveries"]
        assert (delivery["statuses"], delivery["done"]) == ([status], False)

    stage.play(story, topics=[("return", "return.created")])


def test_a_failing_receiver_is_tried_six_times(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        scene.hook.answers = [Response(503), Response(500)] * 5
        await scene.submit()
        await scene.arrived(6)
        await asyncio.sleep(0.1)
        [delivery] = (await scene.state())["deliveries"]
        assert (delivery["attempts"], delivery["done"]) == (6, False)

    stage.play(story, topics=[("return", "return.created")])


def test_retry_after_is_honoured_up_to_half_an_hour(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        scene.hook.answers = [Response(503, headers={"retry-after": "0"})]
        await scene.submit()
        await scene.arrived(2)
        scene.hook.answers = [Response(503, headers={"retry-after": "1801"})]
        await scene.submit()
        await scene.arrived(3)
        await asyncio.sleep(0.05)
        first, second = (await scene.state())["deliveries"]
        assert (first["statuses"], second["statuses"]) == ([503, 200], [503])

    stage.play(story, topics=[("return", "return.created")], retry_seconds=0.005)


def test_topic_and_trigger_are_chosen_separately_and_a_mismatch_is_empty(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        made = await scene.submit()
        moved = {"status": "in_transit", "tracking_number": "1Z999", "carrier": "UPS"}
        await scene.control(f"returns/{made['id']}/label", moved)
        bodies = [request.body for request in await scene.arrived(3)]
        assert b"" in bodies
        found = {body["topic"]: body for body in map(json.loads, filter(None, bodies))}
        assert (found["return"]["trigger"], found["return"]["label_status"]) == ("label.updated", "in_transit")
        assert len(found["return"]["line_items"]) == 1
        label = found["label"]
        assert (label["id"], label["provider_order_id"], label["carrier"]) == (int(made["id"]), 1001, "UPS")
        assert (await scene.control(f"returns/{made['id']}/label", {"status": "flying"}, status=422))["error"]

    pairs = [("return", "label.updated"), ("label", "label.updated"), ("restock", "label.updated")]
    stage.play(story, topics=pairs)


def test_subscriptions_over_the_api_are_inactive_unless_said_otherwise(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        hook = {"topic": "return", "trigger": "return.created", "url": f"{scene.hook.base_url}/hooks"}
        silent = (await scene.post("/webhooks", hook)).json()
        assert silent["status"] == "inactive"
        active = (await scene.post("/webhooks", {**hook, "status": "active"})).json()
        await scene.submit()
        await scene.arrived(1)
        assert len((await scene.state())["deliveries"]) == 1
        assert "secret" not in json.dumps((await scene.get("/webhooks")).json())
        base = f"{scene.loop.base_url}/api/v1/webhooks"
        put = await scene.client.put(f"{base}/{active['id']}", json={"status": "inactive"}, headers=KEY)
        assert put.status_code == 204
        assert (await scene.client.delete(f"{base}/{silent['id']}", headers=KEY)).status_code == 204
        assert (await scene.client.delete(f"{base}/{silent['id']}", headers=KEY)).status_code == 404
        assert (await scene.post("/webhooks", {"topic": "weather"})).status_code == 422

    stage.play(story)


def test_deliveries_can_go_wrong_on_purpose(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        made = await scene.submit()
        [first] = await scene.arrived(1)

        async def emitted(variant: str) -> tuple[bytes, str]:
            scene.hook.requests.clear()
            await scene.control("emit", {"id": made["id"], "trigger": "return.created", "variant": variant})
            [request] = await scene.arrived(1)
            return request.body, request.headers["x-loop-signature"]

        assert await emitted("duplicate") == (first.body, first.headers["x-loop-signature"])
        body, header = await emitted("reflowed")
        assert b"\n" in body
        assert sign(SECRET, body) != header
        assert sign(SECRET, encode(json.loads(body))) == header
        body, header = await emitted("wrong_signature")
        assert sign(SECRET, body) != header
        assert await emitted("empty") == (b"", sign(SECRET, b""))
        body, header = await emitted("truncated")
        assert first.body.startswith(body)
        assert sign(SECRET, body) == header

    stage.play(story, topics=[("return", "return.created")])


def test_held_deliveries_arrive_in_reverse_or_are_lost(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        await scene.control("webhooks/hold")
        made = await scene.submit()
        await scene.act(made, "close")
        assert (await scene.state())["held"] == 3
        await scene.control("webhooks/release", {"order": "reversed", "drop": ["return.updated"]})
        triggers = [json.loads(request.body)["trigger"] for request in await scene.arrived(2)]
        assert triggers == ["return.closed", "return.created"]
        await scene.control("webhooks/hold")
        await scene.submit()
        await scene.control("webhooks/release", {"drop": True})
        await asyncio.sleep(0.03)
        assert len(scene.hook.requests) == 2

    stage.play(story, topics=ALL)


def test_restock_requests_name_variants_and_counts(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        made = await scene.submit(2)
        await scene.act(made, "process")
        [request] = await scene.arrived(1)
        [item] = json.loads(request.body)["restock_items"]
        assert item["available_adjustment"] == 2
        scene.hook.requests.clear()
        body = {"id": made["id"], "topic": "restock", "trigger": "restock.requested", "variant": "old_typing"}
        await scene.control("emit", body)
        [request] = await scene.arrived(1)
        assert json.loads(request.body)["restock_items"][0]["available_adjustment"] == "2"

    stage.play(story, topics=[("restock", "restock.requested")], restock="webhooks")


def test_a_portal_that_refunds_by_itself_does_so_when_the_parcel_is_delivered(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        made = await scene.submit()
        await scene.control(f"returns/{made['id']}/label", {"status": "in_transit"})
        assert (await scene.settled(made))["state"] == "open"
        await scene.control(f"returns/{made['id']}/label", {"status": "delivered"})
        assert (await scene.settled(made))["state"] == "closed"
        assert len((await scene.shop_state())["refunds"]) == 1

    stage.play(story, auto_process=True)


def test_an_edit_sets_edited_at_and_moves_the_money(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        made = await scene.submit(1)
        assert made["edited_at"] is None
        edited = await scene.control(f"returns/{made['id']}/edit", {"handling_fee": "1.00"})
        assert (edited["refund"], edited["edited_at"] is None) == ("2.34", False)
        assert balanced(edited)

    stage.play(story)


def test_reset_restores_the_world_and_stops_what_was_queued(stage: Stage) -> None:
    async def story(scene: Scene) -> None:
        made = await scene.submit()
        await scene.act(made, "process")
        await scene.control("reset")
        await asyncio.sleep(0.1)
        assert (await scene.state())["returns"] == []
        assert (await scene.shop_state())["refunds"] == []

    stage.play(story, processing_seconds=0.05)


@settings(max_examples=40, deadline=None)
@given(
    st.booleans(),
    st.lists(
        st.tuples(st.integers(1, 5), st.integers(1, 9999), st.integers(0, 999), st.integers(0, 99)),
        min_size=1,
        max_size=4,
    ),
    st.integers(0, 500),
    st.sampled_from(["refund", "store_credit", "exchange"]),
)
def test_whatever_is_returned_the_money_balances(
    included: bool, rows: list[tuple[int, int, int, int]], fee: int, outcome: str
) -> None:
    lines: list[Json] = [
        {
            "id": number,
            "sku": f"S{number}",
            "quantity": quantity,
            "price": f"{price}.07",
            "discount_allocations": [{"amount": f"{min(discount, price * quantity)}.00"}],
            "tax_lines": [{"price": f"0.{tax:02d}"}],
        }
        for number, (quantity, price, discount, tax) in enumerate(rows, 1)
    ]
    body: Json = {
        "order": {"id": 1001, "name": "#1001", "taxes_included": included, "line_items": lines},
        "outcome": outcome,
        "lines": [{"line_item_id": line["id"], "quantity": line["quantity"]} for line in lines],
        "handling_fee": f"{fee}.31",
        "exchange": {"sku": "NEW", "price": "77.77"} if outcome == "exchange" else None,
    }
    [row] = LoopSimulator({"returns": [body]}).state()["returns"]
    assert balanced(row)
    worth = sum((Decimal(line["price"]) * line["quantity"] for line in lines), Decimal(0))
    worth -= sum((Decimal(line["discount_allocations"][0]["amount"]) for line in lines), Decimal(0))
    if not included:
        worth += sum((Decimal(line["tax_lines"][0]["price"]) for line in lines), Decimal(0))
    assert Decimal(row["return_total"]) == worth
