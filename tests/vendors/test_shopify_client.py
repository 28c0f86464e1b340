"""Reading from one shop, against a small hand-written server (shop sheet §1, §3-§5)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from counterfoil.core.commands import AnyCommand, CaseRef, FetchOrder, ReadReturn
from counterfoil.core.events import OrderSeen, RefundMoved
from counterfoil.gateways.shopify import SPEC
from counterfoil.gateways.shopify.client import ShopifyClient
from counterfoil.gateways.shopify.config import ReadWith, ShopifyConfig
from counterfoil.gateways.shopify.reading import FailedError
from counterfoil.gateways.shopify.webhooks import TOPICS
from counterfoil.ports.capabilities import Cap
from counterfoil.ports.outcomes import Busy, Done, LockedOut, Refused, Unsupported
from counterfoil.ports.translation import Kind

FIXTURES = Path(__file__).parents[2] / "src/counterfoil/gateways/shopify/fixtures"
Json = dict[str, Any]
Answer = tuple[int, Json, dict[str, str]]


def fixture(name: str) -> Json:
    found: Json = msgspec.json.decode((FIXTURES / f"{name}.json").read_bytes())
    return found


class FakeShop:
    """Answers from a list of prepared answers, then from `answer`; remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Json]] = []
        self.prepared: list[Answer] = []
        self.answer: Callable[[str, str, Json], Json | Answer] = lambda *_: {"errors": "Not Found"}
        self.tokens: set[str | None] = set()
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                raw = self.rfile.read(length)
                given = msgspec.json.decode(raw) if raw else {}
                shop.tokens.add(self.headers.get("x-shopify-access-token"))
                shop.asked.append((self.command, self.path, given))
                found = shop.prepared.pop(0) if shop.prepared else shop.answer(self.command, self.path, given)
                status, body, headers = found if isinstance(found, tuple) else (200, found, {})
                content = msgspec.json.encode(body)
                self.send_response(status)
                for name, value in {"content-length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _serve

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def shop() -> Iterator[FakeShop]:
    fake = FakeShop()
    yield fake
    fake.close()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def graph(shop: FakeShop, pauses: list[float]) -> Iterator[ShopifyClient]:
    client = ShopifyClient(config(shop.url), pauses.append)
    yield client
    client.close()


@pytest.fixture
def rest(shop: FakeShop, pauses: list[float]) -> Iterator[ShopifyClient]:
    client = ShopifyClient(config(shop.url, ReadWith.REST), pauses.append)
    yield client
    client.close()


def config(url: str, read_with: ReadWith = ReadWith.GRAPHQL) -> ShopifyConfig:
    return ShopifyConfig(shop="example", access_token="example-token", base_url=url, read_with=read_with)


def fetch(order_ref: str | None = "5500000000002", name: str | None = None) -> FetchOrder:
    case = CaseRef(brand="b", portal="loop", return_id="1", order_ref=order_ref, order_name=name)
    return FetchOrder(case=case, step="order")


def graph_answers(_method: str, _path: str, given: Json) -> Json:
    """The order of the fixture, its refund apart, and a search that finds it."""
    order = fixture("graphql_order_with_refund")["data"]["order"]
    if given["query"].startswith("query Refund"):
        return {"data": {"refund": order["refunds"][0]}}
    if given["query"].startswith("query Orders"):
        rows = [{"id": order["id"], "name": "#1002"}, {"id": "gid://shopify/Order/9", "name": "#10021"}]
        return {"data": {"orders": {"nodes": rows[:1], "pageInfo": {"hasNextPage": False, "endCursor": None}}}}
    return {"data": {"order": {**order, "refunds": [{"id": row["id"]} for row in order["refunds"]]}}}


def rest_answers(_method: str, path: str, _given: Json) -> Json | Answer:
    """The same order by REST, with its refund inside and its transactions beside it."""
    order = {**fixture("order_two_currencies_tax_on_top"), "refunds": [fixture("refund_two_currencies_with_duties")]}
    address = urlsplit(path).path
    if address.endswith("/transactions.json"):
        sale = {"id": 1, "kind": "sale", "status": "success", "gateway": "adyen", "amount": "71.60", "currency": "EUR"}
        return {"transactions": [sale]}
    if address.endswith("/orders.json"):
        return {"orders": [order]}
    return {"order": order} if "5500000000002" in address else (404, {"errors": "Not Found"}, {})


def found(client: ShopifyClient, command: AnyCommand | None = None) -> Done:
    outcome = client.perform(command or fetch())
    assert isinstance(outcome, Done), outcome
    return outcome


# --- one order


def test_an_order_is_read_with_its_refunds(shop: FakeShop, graph: ShopifyClient) -> None:
    shop.answer = graph_answers
    outcome = found(graph)
    assert (outcome.ref, outcome.number) == ("5500000000002", "#1002")
    assert [type(fact) for fact in outcome.facts] == [OrderSeen, RefundMoved]
    assert shop.tokens == {"example-token"}


def test_both_ways_of_reading_give_the_same_facts(shop: FakeShop, graph: ShopifyClient, rest: ShopifyClient) -> None:
    shop.answer = graph_answers
    by_graph = found(graph).facts
    shop.answer = rest_answers
    by_rest = found(rest).facts
    assert [fact.key for fact in by_graph] == [fact.key for fact in by_rest]
    first, other = by_graph[0], by_rest[0]
    assert isinstance(first, OrderSeen)
    assert isinstance(other, OrderSeen)
    assert first.presentment == other.presentment


def test_an_order_is_found_by_its_name_with_or_without_the_sign(shop: FakeShop, graph: ShopifyClient) -> None:
    shop.answer = graph_answers
    assert found(graph, fetch(None, "1002")).number == "#1002"
    assert shop.asked[0][2]["variables"]["query"] == 'name:"1002"'


def test_a_name_is_compared_in_full(shop: FakeShop, graph: ShopifyClient) -> None:
    shop.answer = graph_answers
    outcome = graph.perform(fetch(None, "#100"))
    assert isinstance(outcome, Refused)
    assert outcome.kind == "order_not_found"


def test_rest_finds_by_name_in_orders_of_any_status(shop: FakeShop, rest: ShopifyClient) -> None:
    shop.answer = rest_answers
    assert found(rest, fetch(None, "#1002")).ref == "5500000000002"
    query = parse_qs(urlsplit(shop.asked[0][1]).query)
    assert (query["name"], query["status"]) == (["#1002"], ["any"])


def test_lines_come_in_pages_and_the_order_is_whole(shop: FakeShop, graph: ShopifyClient) -> None:
    order = {**fixture("graphql_order_with_refund")["data"]["order"], "refunds": []}
    line = order["lineItems"]["nodes"][0]

    def answer(_method: str, _path: str, given: Json) -> Json:
        last = given["variables"]["after"] == "page-2"
        node = {**line, "id": "gid://shopify/LineItem/2"} if last else line
        page = {"hasNextPage": not last, "endCursor": None if last else "page-2"}
        return {"data": {"order": {**order, "lineItems": {"nodes": [node], "pageInfo": page}}}}

    shop.answer = answer
    seen = found(graph).facts[0]
    assert isinstance(seen, OrderSeen)
    assert [part.line_ref for part in seen.order.lines] == ["12000000000001", "2"]


@pytest.mark.parametrize("reader", ["graph", "rest"])
def test_an_order_the_shop_does_not_have_is_refused_once(
    reader: str, shop: FakeShop, request: pytest.FixtureRequest
) -> None:
    client: ShopifyClient = request.getfixturevalue(reader)
    shop.answer = rest_answers if reader == "rest" else lambda *_: {"data": {"order": None}}
    outcome = client.perform(fetch("404"))
    assert isinstance(outcome, Refused)
    assert (outcome.kind, "404" in outcome.message) == ("order_not_found", True)


def test_a_return_without_any_order_reference_asks_nothing(shop: FakeShop, graph: ShopifyClient) -> None:
    outcome = graph.perform(fetch(None, None))
    assert isinstance(outcome, Refused)
    assert shop.asked == []


def test_throttling_is_busy_for_as_long_as_the_points_need(shop: FakeShop, graph: ShopifyClient) -> None:
    shop.answer = lambda *_: fixture("graphql_throttled")
    outcome = graph.perform(fetch())
    assert isinstance(outcome, Busy)
    assert (outcome.after_s, outcome.code, len(shop.asked)) == (8.0, "THROTTLED", 1)


def test_too_many_rest_calls_are_busy_for_as_long_as_the_shop_says(shop: FakeShop, rest: ShopifyClient) -> None:
    shop.answer = lambda *_: (429, {"errors": "Exceeded 2 calls per second"}, {"Retry-After": "2.0"})
    outcome = rest.perform(fetch())
    assert isinstance(outcome, Busy)
    assert outcome.after_s == 2.0


@pytest.mark.parametrize("status", [401, 403])
def test_a_bad_token_locks_the_connection(status: int, shop: FakeShop, graph: ShopifyClient) -> None:
    shop.answer = lambda *_: (status, fixture("rest_invalid_token"), {})
    assert isinstance(graph.perform(fetch()), LockedOut)


def test_a_missing_right_in_a_graphql_body_locks_the_connection(shop: FakeShop, graph: ShopifyClient) -> None:
    shop.answer = lambda *_: fixture("graphql_access_denied")
    assert isinstance(graph.perform(fetch()), LockedOut)


@pytest.mark.parametrize(
    "answer",
    [
        (503, {"errors": "Internal Server Error"}, {}),
        (200, {"data": None}, {}),
        (200, {"data": {}}, {}),
        (200, {"data": {"order": {"id": "gid://shopify/Order/1"}}}, {}),
        (200, {"data": {"order": 7}}, {}),
    ],
)
def test_nonsense_and_faults_of_the_shop_are_busy(answer: Answer, shop: FakeShop, graph: ShopifyClient) -> None:
    shop.answer = lambda *_: answer
    assert isinstance(graph.perform(fetch()), Busy)


def test_a_shop_that_cannot_be_reached_is_busy() -> None:
    client = ShopifyClient(config("http://127.0.0.1:9"))
    assert isinstance(client.perform(fetch()), Busy)
    client.close()


def test_amounts_that_cannot_be_read_are_refused_and_never_zero(shop: FakeShop, graph: ShopifyClient) -> None:
    raw = fixture("graphql_order_with_refund")
    raw["data"]["order"]["refunds"] = []
    raw["data"]["order"]["lineItems"]["nodes"][0]["originalUnitPriceSet"]["shopMoney"]["amount"] = "a lot"
    shop.answer = lambda *_: raw
    outcome = graph.perform(fetch())
    assert isinstance(outcome, Refused)
    assert outcome.kind == "unreadable_delivery"


def test_other_commands_are_declined(shop: FakeShop, graph: ShopifyClient) -> None:
    other = ReadReturn(case=fetch().case, step="read")
    assert isinstance(graph.perform(other), Unsupported)
    assert isinstance(graph.find(other), Unsupported)
    assert graph.find(fetch()) is None
    assert shop.asked == []


def test_an_order_with_more_refunds_than_can_be_listed_is_not_half_read(shop: FakeShop, graph: ShopifyClient) -> None:
    order = fixture("graphql_order_with_refund")["data"]["order"]
    many = [{"id": f"gid://shopify/Refund/{i}"} for i in range(50)]
    shop.answer = lambda *_: {"data": {"order": {**order, "refunds": many}}}
    outcome = graph.perform(fetch())
    assert isinstance(outcome, Refused)
    assert "50 refunds" in outcome.message


# --- what changed


def test_every_order_changed_in_a_window_is_told(shop: FakeShop, graph: ShopifyClient) -> None:
    shop.answer = graph_answers
    told = list(graph.changes("2026-03-01T00:00:00Z", "2026-03-31T00:00:00Z"))
    assert [(row.kind, len(row.events)) for row in told] == [(Kind.ORDER, 2)]
    window = shop.asked[0][2]["variables"]["query"]
    assert window == "updated_at:>='2026-03-01T00:00:00Z' updated_at:<='2026-03-31T00:00:00Z'"


def test_a_busy_shop_is_waited_for_and_asked_again(shop: FakeShop, graph: ShopifyClient, pauses: list[float]) -> None:
    shop.prepared = [(200, fixture("graphql_throttled"), {})] * 2
    shop.answer = graph_answers
    assert len(list(graph.changes("2026-03-01T00:00:00Z", "2026-03-31T00:00:00Z"))) == 1
    assert pauses == [8.0, 8.0]


def test_a_shop_that_stays_busy_is_given_up_with_its_outcome(
    shop: FakeShop, graph: ShopifyClient, pauses: list[float]
) -> None:
    shop.answer = lambda *_: fixture("graphql_throttled")
    with pytest.raises(FailedError) as failed:
        list(graph.changes("2026-03-01T00:00:00Z", "2026-03-31T00:00:00Z"))
    assert isinstance(failed.value.outcome, Busy)
    assert len(pauses) == 5


def test_rest_follows_the_link_to_the_next_page(shop: FakeShop, rest: ShopifyClient) -> None:
    def answer(method: str, path: str, given: Json) -> Json | Answer:
        told = rest_answers(method, path, given)
        if "updated_at_min" in path:
            assert isinstance(told, dict)
            link = f'<{shop.url}/admin/api/2026-10/orders.json?page_info=two>; rel="next"'
            return 200, told, {"Link": link}
        return told

    shop.answer = answer
    told = list(rest.changes("2026-03-01T00:00:00Z", "2026-03-31T00:00:00Z"))
    assert len(told) == 2
    assert any("page_info=two" in path for _, path, _ in shop.asked)


def test_one_order_that_cannot_be_read_does_not_stop_the_others(shop: FakeShop, rest: ShopifyClient) -> None:
    def answer(method: str, path: str, given: Json) -> Json | Answer:
        if "updated_at_min" in path:
            good = fixture("order_two_currencies_tax_on_top")
            return {"orders": [{**good, "taxes_included": None}, good]}
        return rest_answers(method, path, given)

    shop.answer = answer
    told = list(rest.changes("2026-03-01T00:00:00Z", "2026-03-31T00:00:00Z"))
    assert [row.kind for row in told] == [Kind.UNREADABLE, Kind.ORDER]


def test_a_list_that_never_moves_on_is_given_up(shop: FakeShop, graph: ShopifyClient) -> None:
    page = {"nodes": [], "pageInfo": {"hasNextPage": True, "endCursor": "same"}}
    shop.answer = lambda *_: {"data": {"orders": page}}
    with pytest.raises(FailedError):
        list(graph.changes("2026-03-01T00:00:00Z", "2026-03-31T00:00:00Z"))


# --- the connection


def test_only_missing_webhooks_are_made(shop: FakeShop, graph: ShopifyClient) -> None:
    hook = "https://hooks.example.com/shopify"
    have = [{"topic": TOPICS[0], "address": hook}, {"topic": TOPICS[1], "address": "https://other.example.com"}]

    def answer(method: str, _path: str, _given: Json) -> Json | Answer:
        return {"webhooks": have} if method == "GET" else (201, {"webhook": {}}, {})

    shop.answer = answer
    assert graph.ensure_webhooks(hook) == TOPICS[1:]
    made = [given["webhook"] for method, _, given in shop.asked if method == "POST"]
    assert [(row["topic"], row["address"]) for row in made] == [(topic, hook) for topic in TOPICS[1:]]


def test_the_probe_says_that_orders_can_be_read(shop: FakeShop, graph: ShopifyClient) -> None:
    def answer(method: str, path: str, given: Json) -> Json:
        if given["query"].startswith("query Shop"):
            return {"data": {"shop": {"myshopifyDomain": "example.myshopify.com"}}}
        return graph_answers(method, path, given)

    shop.answer = answer
    probe = graph.probe()
    assert probe.ok
    assert "example.myshopify.com" in probe.checks[0][1]


def test_the_probe_says_what_is_wrong(shop: FakeShop, graph: ShopifyClient) -> None:
    shop.answer = lambda *_: (401, fixture("rest_invalid_token"), {})
    probe = graph.probe()
    assert not probe.ok
    assert "access token" in probe.checks[0][1]


def test_the_spec_builds_a_client_from_a_table() -> None:
    table = {"shop": "example", "access_token": "t", "client_secrets": ["a", "b"]}
    made = msgspec.convert(table, ShopifyConfig)
    assert SPEC.build is not None
    SPEC.build(made).close()
    assert SPEC.capabilities(made) == {Cap.WEBHOOKS, Cap.POLL}
    assert made.address == "https://example.myshopify.com"
    assert SPEC.document_url is not None
    assert SPEC.document_url(made, "order", "5") == "https://example.myshopify.com/admin/orders/5"


@pytest.mark.parametrize("field", [{"shop": "https://example.com"}, {"api_version": "2026-13"}, {"access_token": ""}])
def test_settings_that_cannot_be_right_are_refused(field: dict[str, str]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"shop": "example", "access_token": "t", **field}, ShopifyConfig)
