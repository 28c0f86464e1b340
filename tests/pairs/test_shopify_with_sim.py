"""The Shopify adapter against the simulated shop over loopback: both written from the sheet, neither from the other."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from counterfoil.cli.price import price
from counterfoil.core.commands import CaseRef, FetchOrder
from counterfoil.core.events import OrderSeen, RefundMoved, RefundState
from counterfoil.gateways.shopify.client import ShopifyClient
from counterfoil.gateways.shopify.config import ReadWith, ShopifyConfig
from counterfoil.gateways.shopify.reading import FailedError
from counterfoil.gateways.shopify.sim import ShopifySimulator
from counterfoil.gateways.shopify.translate import translate
from counterfoil.gateways.shopify.webhooks import HOOK, TOPICS
from counterfoil.ports.outcomes import Busy, Done, LockedOut, Refused
from counterfoil.ports.translation import Signature
from counterfoil.ports.vendors import Delivery
from counterfoil.simkit.http import Request, Response
from counterfoil.simkit.server import Running, Simulator

Json = dict[str, Any]
SECRET = "shop-pair-secret"
TOKEN = "shpat_pair"


class Inbox(Simulator):
    """Our side of the webhooks: keeps every delivery and answers 200."""

    vendor = "inbox"

    def load(self, world: Json) -> None:
        self.deliveries: list[Delivery] = []

    def state(self) -> Json:
        return {}

    async def handle(self, request: Request) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.deliveries.append(Delivery(body=request.body, headers=headers))
        return Response(200)


class Pair:
    """One simulated shop and one inbox in a thread of their own; our client stands outside."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.inbox, self.shop = Inbox(), ShopifySimulator()
        self.running = self.run(self._listen())
        self.http = httpx2.Client(trust_env=False, headers={"x-shopify-access-token": TOKEN})
        self.clients: list[ShopifyClient] = []

    async def _listen(self) -> list[Running]:
        running = [Running(self.inbox), Running(self.shop)]
        for part in running:
            await part.start()
        return running

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    def begin(self, *orders: Json, **world: Any) -> None:
        hooks = [{"topic": topic, "address": f"{self.inbox.base_url}/hooks"} for topic in TOPICS]
        base = {"access_token": TOKEN, "client_secret": SECRET, "retry_seconds": 0.01, "webhooks": hooks}
        self.shop.world = {**base, "orders": list(orders), **world}

        async def load() -> None:
            self.shop.load(self.shop.world)
            self.inbox.load({})

        self.run(load())

    def close(self) -> None:
        for client in self.clients:
            client.close()
        self.http.close()

        async def stop() -> None:
            for part in self.running:
                await part.stop()

        self.run(stop())
        self.loop.call_soon_threadsafe(self.loop.stop)

    def client(self, read_with: ReadWith = ReadWith.GRAPHQL, token: str = TOKEN) -> ShopifyClient:
        settings = ShopifyConfig(shop="pair", access_token=token, base_url=self.shop.base_url, read_with=read_with)
        made = ShopifyClient(settings, pause=lambda _: None)
        self.clients.append(made)
        return made

    def refund(self, *lines: tuple[int, int], money: str, shipping: str | None = None, **more: Any) -> Json:
        """A refund made over the shop's own REST API, as a portal makes it."""
        body: Json = {
            "refund_line_items": [
                {"line_item_id": line, "quantity": count, "restock_type": "return"} for line, count in lines
            ],
            "transactions": [{"kind": "refund", "gateway": "shopify_payments", "amount": money}],
            **more,
        }
        if shipping:
            body["shipping"] = {"amount": shipping}
        answer = self.http.post(
            f"{self.shop.base_url}/admin/api/2026-10/orders/1001/refunds.json", json={"refund": body}
        )
        assert answer.status_code == 201, answer.text
        made: Json = answer.json()["refund"]
        return made

    def control(self, path: str, body: Json | None = None) -> None:
        answer = self.http.post(f"{self.shop.base_url}/__sim/{path}", json=body or {})
        assert answer.status_code < 300, answer.text

    def arrived(self, topic: str, count: int) -> list[Delivery]:
        """Deliveries of a topic, once so many are there."""
        for _ in range(400):
            found = [row for row in list(self.inbox.deliveries) if row.headers["x-shopify-topic"] == topic]
            if len(found) >= count:
                return found
            time.sleep(0.01)
        raise AssertionError(f"{len(found)} deliveries of {topic}, not {count}")

    def facts(self, read_with: ReadWith = ReadWith.GRAPHQL) -> tuple[Any, ...]:
        outcome = self.client(read_with).perform(fetch())
        assert isinstance(outcome, Done), outcome
        return outcome.facts


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    made.close()


def fetch(order_ref: str | None = "1001", name: str | None = None) -> FetchOrder:
    case = CaseRef(brand="b", portal="loop", return_id="1", order_ref=order_ref, order_name=name)
    return FetchOrder(case=case, step="order")


def included() -> Json:
    """Three TEEs for 10.00 with the tax inside, a free gift, and 4.95 for delivery."""
    return {
        "id": 1001,
        "name": "#1001",
        "taxes_included": True,
        "line_items": [
            {
                "id": 11,
                "sku": "TEE",
                "title": "Example tee",
                "quantity": 3,
                "price": "4.00",
                "discount_allocations": [{"amount": "2.00"}],
                "tax_lines": [{"title": "VAT", "rate": "0.2", "price": "1.67"}],
            },
            {"id": 12, "sku": "GIFT", "quantity": 1, "price": "3.00", "discount_allocations": [{"amount": "3.00"}]},
        ],
        "shipping_lines": [{"id": 71, "price": "4.95", "tax_lines": [{"title": "VAT", "price": "0.83"}]}],
    }


def on_top() -> Json:
    """Two CAPs with the tax on top, and delivery with the tax on top."""
    return {
        "id": 1001,
        "name": "#1001",
        "taxes_included": False,
        "line_items": [
            {"id": 11, "sku": "CAP", "quantity": 3, "price": "12.49", "tax_lines": [{"title": "VAT", "price": "7.49"}]}
        ],
        "shipping_lines": [{"id": 71, "price": "4.95", "tax_lines": [{"title": "VAT", "price": "0.99"}]}],
    }


def two_books() -> Json:
    """Sold in EUR by a shop that keeps its books in GBP."""

    def bag(shop: str, customer: str) -> Json:
        return {
            "shop_money": {"amount": shop, "currency_code": "GBP"},
            "presentment_money": {"amount": customer, "currency_code": "EUR"},
        }

    return {
        "id": 1001,
        "name": "#1001",
        "currency": "GBP",
        "presentment_currency": "EUR",
        "taxes_included": True,
        "line_items": [
            {
                "id": 11,
                "sku": "TEE",
                "quantity": 3,
                "price": "4.00",
                "price_set": bag("4.00", "4.67"),
                "discount_allocations": [{"amount": "2.00", "amount_set": bag("2.00", "2.34")}],
                "tax_lines": [{"title": "VAT", "price": "1.67", "price_set": bag("1.67", "1.95")}],
            }
        ],
        "shipping_lines": [{"id": 71, "price": "4.95", "price_set": bag("4.95", "5.79")}],
    }


ORDERS: list[Callable[[], Json]] = [included, on_top, two_books]


# --- reading


@pytest.mark.parametrize("order", ORDERS)
def test_both_ways_of_reading_an_order_agree(order: Callable[[], Json], pair: Pair) -> None:
    pair.begin(order())
    by_graph, by_rest = pair.facts(), pair.facts(ReadWith.REST)
    assert [fact.key for fact in by_graph] == [fact.key for fact in by_rest]
    assert by_graph[0].order.lines == by_rest[0].order.lines
    assert (by_graph[0].presentment or by_graph[0].order).payments == (
        by_rest[0].presentment or by_rest[0].order
    ).payments


def test_an_order_is_found_by_its_printed_name(pair: Pair) -> None:
    pair.begin(included())
    for read_with in ReadWith:
        outcome = pair.client(read_with).perform(fetch(None, "1001"))
        assert isinstance(outcome, Done), outcome
        assert outcome.ref == "1001"


def test_an_order_that_is_not_there_and_a_wrong_token(pair: Pair) -> None:
    pair.begin(included())
    for read_with in ReadWith:
        missing = pair.client(read_with).perform(fetch("9"))
        assert isinstance(missing, Refused)
        assert missing.kind == "order_not_found"
        assert isinstance(pair.client(read_with, "wrong").perform(fetch()), LockedOut)


def test_a_shop_out_of_points_is_busy(pair: Pair) -> None:
    pair.begin(included(), graphql_bucket={"size": 20, "restore_per_s": 1})
    outcome = pair.client().perform(fetch())
    assert isinstance(outcome, Busy)
    assert (outcome.code, outcome.after_s is not None) == ("THROTTLED", True)
    with pytest.raises(FailedError):
        list(pair.client().changes("2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"))


def test_one_question_costs_less_than_the_limit(pair: Pair) -> None:
    pair.begin(included(), graphql_bucket={"size": 1000, "restore_per_s": 1000000})
    pair.refund((11, 1), money="3.34")
    assert len(pair.facts()) == 2


def test_the_connection_is_probed_and_its_webhooks_are_made_once(pair: Pair) -> None:
    pair.begin(included(), webhooks=[])
    assert pair.client().probe().ok
    assert pair.client(ReadWith.REST).probe().ok
    address = f"{pair.inbox.base_url}/hooks"
    assert pair.client().ensure_webhooks(address) == TOPICS
    assert pair.client().ensure_webhooks(address) == ()
    pair.refund((11, 1), money="3.34")
    assert pair.arrived("refunds/create", 1)


# --- webhooks and API tell one story


@pytest.mark.parametrize("version", ["2024-07", "2026-10"])
@pytest.mark.parametrize("order", ORDERS)
def test_webhooks_are_signed_and_have_the_keys_of_the_api(order: Callable[[], Json], version: str, pair: Pair) -> None:
    pair.begin(order(), refund_version=version)
    pair.refund((11, 1), money="2.00")
    pair.refund((11, 1), money="3.00", shipping="1.00")
    deliveries = pair.arrived("refunds/create", 2)
    assert {HOOK.verify(row, [SECRET]) for row in deliveries} == {Signature.VALID}
    told = {event.key for row in deliveries for event in translate(row).events}
    tenders = {event.key for row in pair.arrived("tender_transactions/create", 2) for event in translate(row).events}
    rows = {event.key for row in pair.arrived("order_transactions/create", 2) for event in translate(row).events}
    updated = pair.arrived("orders/updated", 2)
    read = [fact for fact in pair.facts() if isinstance(fact, RefundMoved)]
    assert told == tenders == rows == {fact.key for fact in read}
    assert {fact.key for fact in pair.facts(ReadWith.REST)} == {fact.key for fact in pair.facts()}
    seen = {event.key for row in updated for event in translate(row).events if isinstance(event, OrderSeen)}
    assert seen == {fact.key for fact in pair.facts() if isinstance(fact, OrderSeen)}


@pytest.mark.parametrize("version", ["2024-07", "2026-10"])
def test_units_and_shipping_are_the_same_by_webhook_and_by_api(version: str, pair: Pair) -> None:
    pair.begin(on_top(), refund_version=version)
    pair.refund((11, 2), money="35.92", shipping="1.00")
    [delivery] = pair.arrived("refunds/create", 1)
    [told] = translate(delivery).events
    for read_with in ReadWith:
        [read] = [fact for fact in pair.facts(read_with) if isinstance(fact, RefundMoved)]
        assert read == told
    assert isinstance(told, RefundMoved)
    assert (told.units[0].quantity, told.shipping) == (2, 100)


def test_a_pending_refund_is_paid_later_as_the_same_movement(pair: Pair) -> None:
    pair.begin(included(), money_pending=True)
    made = pair.refund((11, 1), money="3.34")
    [pending] = [fact for fact in pair.facts() if isinstance(fact, RefundMoved)]
    pair.control(f"transactions/{made['transactions'][0]['id']}/succeed")
    [paid] = [fact for fact in pair.facts() if isinstance(fact, RefundMoved)]
    assert (pending.status, paid.status) == (RefundState.PENDING, RefundState.CONFIRMED)
    assert pending.ref == paid.ref
    [delivery] = pair.arrived("tender_transactions/create", 1)
    assert [event.key for event in translate(delivery).events] == [paid.key]


def test_deliveries_gone_wrong_are_recognised(pair: Pair) -> None:
    pair.begin(included())
    made = pair.refund((11, 1), money="3.34")
    pair.arrived("refunds/create", 1)
    for variant in ("duplicate", "new_id", "wrong_signature"):
        pair.control("emit", {"topic": "refunds/create", "id": made["id"], "variant": variant})
    first, *others = pair.arrived("refunds/create", 4)
    keys = [HOOK.delivery_key(row) for row in others]
    assert HOOK.delivery_key(first) in keys
    assert len({event.key for row in (first, *others) for event in translate(row).events}) == 1
    assert [HOOK.verify(row, [SECRET]) for row in others].count(Signature.INVALID) == 1


def test_missed_webhooks_are_made_up_for(pair: Pair) -> None:
    pair.begin(included(), {**on_top(), "id": 1002, "name": "#1002"}, webhooks=[])
    pair.refund((11, 1), money="3.34")
    for read_with in ReadWith:
        told = list(pair.client(read_with).changes("2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"))
        assert sorted(row.order.order_ref for row in told if row.order) == ["1001", "1002"]
        assert sum(isinstance(event, RefundMoved) for row in told for event in row.events) == 1


# --- money, to the cent


@pytest.mark.parametrize("version", ["2024-07", "2026-10"])
@pytest.mark.parametrize(
    ("order", "refunds"),
    [
        (included, [((11, 1), "3.34", None), ((11, 1), "8.28", "4.95"), ((11, 1), "3.33", None), ((12, 1), "0", None)]),
        (on_top, [((11, 1), "16.99", "2.00"), ((11, 1), "15.99", "1.00"), ((11, 1), "17.92", "2.94")]),
        (two_books, [((11, 1), "3.89", None), ((11, 2), "13.57", "5.79")]),
    ],
)
def test_partial_refunds_of_what_the_goods_are_worth_all_match(
    order: Callable[[], Json],
    refunds: list[tuple[tuple[int, int], str, str | None]],
    version: str,
    pair: Pair,
    tmp_path: Path,
) -> None:
    pair.begin(order(), refund_version=version)
    sold = pair.http.get(f"{pair.shop.base_url}/admin/api/{version}/orders/1001.json").content
    for line, money, shipping in refunds:
        pair.refund(line, money=money, shipping=shipping)
    bodies = [row.body for row in pair.arrived("refunds/create", len(refunds))]
    document = price(_file(tmp_path, "order", sold), [_file(tmp_path, str(i), body) for i, body in enumerate(bodies)])
    shown = [(row["outcome"], row["running"]["difference"]) for row in document["refunds"]]
    assert shown == [("match", "0.00")] * len(refunds), document["explanation"]
    assert all(row["shop_figures_balance"] for row in document["refunds"])


def test_a_late_payment_settles_the_refund_it_belongs_to(pair: Pair, tmp_path: Path) -> None:
    pair.begin(included(), money_pending=True)
    sold = pair.http.get(f"{pair.shop.base_url}/admin/api/2026-10/orders/1001.json").content
    made = pair.refund((11, 1), money="3.34")
    [waiting] = pair.arrived("refunds/create", 1)
    pair.control(f"transactions/{made['transactions'][0]['id']}/succeed")
    rows = [row for row in pair.arrived("order_transactions/create", 2) if b'"success"' in row.body]
    files = [_file(tmp_path, str(i), row.body) for i, row in enumerate([waiting, *rows])]
    document = price(_file(tmp_path, "order", sold), files)
    assert [row["outcome"] for row in document["refunds"]] == ["no_money", "match"]


def _file(folder: Path, name: str, content: bytes) -> Path:
    path = folder / f"{name}.json"
    path.write_bytes(content)
    assert msgspec.json.decode(content), "the shop sent nothing"
    return path
