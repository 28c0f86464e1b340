"""The HTTP side of the simulated shop: Admin REST, Admin GraphQL and the control paths.

World, all optional: `shop_domain`, `access_token`, `client_secret`, `currency`, `orders` (REST bodies; `payments`
[{gateway, amount}] or `transactions` say how they were paid), `webhooks` [{topic, address}], `refund_version`
("2024-07" or "2026-10": the version webhooks are written in), `line_amounts` ("number" or "string"),
`tender_payment_method` (a word, or one per gateway), `money_pending`, `retry_seconds`,
`delete_failed_subscriptions`, `rest_bucket` {size, leak_per_s} (off by default), `graphql_bucket`
{size, restore_per_s}, `clock` (an RFC 3339 start), `utc_offset_hours`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar

from counterfoil.gateways.shopify.sim import graphql
from counterfoil.gateways.shopify.sim.graph import order_node, refund_node, tender_node
from counterfoil.gateways.shopify.sim.hooks import Hooks, Subscription
from counterfoil.gateways.shopify.sim.limits import Bucket
from counterfoil.gateways.shopify.sim.money import BadAmount
from counterfoil.gateways.shopify.sim.orders import Json
from counterfoil.gateways.shopify.sim.refunds import Refusal, wire_transaction
from counterfoil.gateways.shopify.sim.search import cursor, graph_filter, page_info, rest_filter, terms
from counterfoil.gateways.shopify.sim.shop import Happening, Shop
from counterfoil.gateways.shopify.sim.wire import encode, moment_of, stamp
from counterfoil.simkit.http import Request, Response
from counterfoil.simkit.server import Simulator

DEFAULTS: Json = {
    "shop_domain": "counterfoil-example.myshopify.com",
    "access_token": "shpat_example",
    "client_secret": "shop-example-secret",
    "currency": "GBP",
    "refund_version": "2026-10",
    "line_amounts": "number",
    "tender_payment_method": {},
    "money_pending": False,
    "retry_seconds": 0.2,
    "delete_failed_subscriptions": True,
    "rest_bucket": None,
    "graphql_bucket": {"size": 20000, "restore_per_s": 1000},
    "clock": None,
    "utc_offset_hours": 0,
}
PAGE_DEFAULT, PAGE_LIMIT = 50, 250
VARIANTS = ("normal", "duplicate", "new_id", "wrong_signature", "old_version", "truncated", "empty")


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer in the shop's encoding."""
    return Response(status, encode(value), {"content-type": "application/json; charset=utf-8", **(headers or {})})


class ShopifySimulator(Simulator):
    """One shop."""

    vendor: ClassVar[str] = "shopify"

    def __init__(self, world: Mapping[str, Any] | None = None, seed: int = 0) -> None:
        self.hooks = Hooks()
        super().__init__(world, seed)

    def load(self, world: Json) -> None:
        """Take a world; its orders are there already, so they announce nothing."""
        self.settings: Json = {**DEFAULTS, **{name: world[name] for name in DEFAULTS if name in world}}
        self._started = (time.monotonic(), moment_of(world["clock"]) if world.get("clock") else datetime.now(UTC))
        self.shop = Shop(self.settings, self.now)
        self.hooks.load(self.settings, self.now, self.seed)
        self.calls = 0
        points = self.settings["graphql_bucket"]
        self.points = Bucket(int(points["size"]), float(points["restore_per_s"]))
        drops = self.settings["rest_bucket"]
        self.drops = Bucket(int(drops["size"]), float(drops["leak_per_s"])) if drops else None
        for order in world.get("orders", []):
            self.shop.place(order)
        for hook in world.get("webhooks", []):
            self._subscribe(hook["topic"], hook["address"], by_api=False)

    def now(self) -> datetime:
        """The shop's clock: it starts where the world says and runs with real time."""
        at, start = self._started
        zone = timezone(timedelta(hours=self.settings["utc_offset_hours"]))
        return (start + timedelta(seconds=time.monotonic() - at)).astimezone(zone)

    async def start(self) -> None:
        """Begin to deliver."""
        await self.hooks.sender.start()

    async def stop(self) -> None:
        """Stop delivering."""
        await self.hooks.stop()

    def refusal(self, kind: str) -> Response:
        """401, 429, 500 and 503 in the shop's words."""
        texts = {"401": "[API] Invalid API key or access token", "429": "Too many calls per second for this client"}
        headers = {"retry-after": "2.0"} if kind == "429" else {}
        return answer({"errors": texts.get(kind, "Internal Server Error")}, int(kind), headers)

    def state(self) -> Json:
        """Everything there is, in REST form."""
        version = self.settings["refund_version"]
        shop = self.shop
        return {
            "orders": [shop.order_body(number, version, numbers=False) for number in sorted(shop.orders)],
            "refunds": [
                shop.refund_body(refund, version, numbers=False)
                for refunds in shop.refunds.values()
                for refund in refunds
            ],
            "transactions": [wire_transaction(row) for rows in shop.transactions.values() for row in rows],
            "tender_transactions": shop.tenders,
            "webhooks": [s.body(version) for s in self.hooks.subscriptions],
            "deliveries": self.hooks.state(),
            "held": len(self.hooks.held),
            "calls": self.calls,
        }

    # -- what the vendor serves

    async def handle(self, request: Request) -> Response:
        """Answer as the Admin API does: the token first, then the limit, then the path."""
        self.calls += 1
        match = re.fullmatch(r"/admin/api/([^/]+)/(.+)\.json", request.path)
        if match is None:
            return answer({"errors": "Not Found"}, 404)
        if request.headers.get("x-shopify-access-token") != self.settings["access_token"]:
            return self.refusal("401")
        version, path = match.groups()
        if path == "graphql":
            return self._graphql(request) if request.method == "POST" else answer({"errors": "Not Found"}, 404)
        if self.drops is not None and not self.drops.take(1):
            return self.refusal("429")
        response = self._rest(request, version, path)
        size = self.drops.size if self.drops else 40
        used = size - self.drops.available if self.drops else 1
        return Response(
            response.status,
            response.body,
            {**response.headers, "x-shopify-shop-api-call-limit": f"{used}/{size}", "x-shopify-api-version": version},
        )

    def _rest(self, request: Request, version: str, path: str) -> Response:
        parts = path.split("/")
        try:
            match request.method, parts:
                case "GET", ["orders"]:
                    return self._list_orders(request, version)
                case "POST", ["orders"]:
                    order, happened = self.shop.place(_member(request, "order"))
                    self._announce(happened)
                    return answer({"order": self.shop.order_body(order["id"], version)}, 201)
                case "GET" | "POST", ["webhooks"]:
                    return self._webhooks(request, version)
                case "DELETE", ["webhooks", number]:
                    return self._drop_webhook(number)
                case method, ["orders", number, *rest] if number.isdigit() and int(number) in self.shop.orders:
                    return self._one_order(request, method, int(number), rest, version)
        except Refusal as refusal:
            return answer({"errors": {refusal.field: [str(refusal)]}}, 422)
        except ValueError as problem:
            return answer({"errors": {"base": [str(problem)]}}, 400)
        return answer({"errors": "Not Found"}, 404)

    def _one_order(self, request: Request, method: str, number: int, rest: list[str], version: str) -> Response:
        match method, rest:
            case "GET", []:
                return answer({"order": self.shop.order_body(number, version)})
            case "GET", ["transactions"]:
                return answer({"transactions": [wire_transaction(row) for row in self.shop.transactions[number]]})
            case "GET", ["refunds"]:
                refunds = self.shop.refunds[number]
                return answer({"refunds": [self.shop.refund_body(refund, version) for refund in refunds]})
            case "POST", ["refunds"]:
                refund, happened = self.shop.refund(number, _member(request, "refund"))
                self._announce(happened)
                return answer({"refund": self.shop.refund_body(refund, version)}, 201)
        return answer({"errors": "Not Found"}, 404)

    def _list_orders(self, request: Request, version: str) -> Response:
        """One page, by id from `since_id` or `page_info` on. Only open orders unless `status=any`, as at the vendor."""
        limit = int(request.param("limit") or PAGE_DEFAULT)
        if not 0 < limit <= PAGE_LIMIT:
            raise Refusal("limit", f"must be from 1 to {PAGE_LIMIT}")
        after = int(request.param("since_id") or 0)
        query = dict(request.query)
        if request.param("page_info"):
            query, after = cursor(str(request.param("page_info")))
        found = [order for order in self.shop.search(rest_filter(query)) if order["id"] > after]
        headers = {}
        if len(found) > limit:
            mark = page_info(query, found[limit - 1]["id"])
            headers["link"] = f'<{self.base_url}{request.path}?limit={limit}&page_info={mark}>; rel="next"'
        bodies = [self.shop.order_body(order["id"], version) for order in found[:limit]]
        return answer({"orders": bodies}, 200, headers)

    def _webhooks(self, request: Request, version: str) -> Response:
        if request.method == "GET":
            topic = request.param("topic")
            kept = [s for s in self.hooks.subscriptions if topic in (None, s.topic)]
            return answer({"webhooks": [s.body(version) for s in kept]})
        given = _member(request, "webhook")
        if not given.get("topic") or not given.get("address"):
            raise Refusal("topic" if not given.get("topic") else "address", "can't be blank")
        if any((s.topic, s.address) == (given["topic"], given["address"]) for s in self.hooks.subscriptions):
            raise Refusal("address", "for this topic has already been taken")
        subscription = self._subscribe(given["topic"], given["address"], by_api=True)
        return answer({"webhook": subscription.body(version)}, 201)

    def _drop_webhook(self, number: str) -> Response:
        kept = [s for s in self.hooks.subscriptions if str(s.id) != number]
        if len(kept) == len(self.hooks.subscriptions):
            return answer({"errors": "Not Found"}, 404)
        self.hooks.subscriptions[:] = kept
        return answer({})

    def _subscribe(self, topic: str, address: str, by_api: bool) -> Subscription:
        subscription = Subscription(self.shop.ids.next("webhook"), topic, address, stamp(self.now()), by_api)
        self.hooks.subscriptions.append(subscription)
        return subscription

    def _announce(self, happened: list[Happening]) -> None:
        """Send everything one action caused, under one event id."""
        event_id = self.hooks.new_id()
        for topic, number in happened:
            if self.hooks.wanted(topic):
                body = self.shop.body(topic, number, self.settings["refund_version"])
                self.hooks.announce(topic, number, body, event_id)

    def _graphql(self, request: Request) -> Response:
        """Answers are always 200; refusals and throttling are in the body (sheet §1)."""
        try:
            given = request.json()
            document = graphql.parse(given["query"], given.get("variables"), given.get("operationName"))
            if document.kind != "query":
                raise graphql.GraphError("this shop answers queries only")
            points = graphql.cost(document)
            if not self.points.take(points):
                throttled = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
                return answer({"errors": [throttled], "extensions": {"cost": self._cost(points, None)}})
            data = graphql.project(self._root(), document.selection, document.fragments)
        except (graphql.GraphError, TypeError, KeyError, ValueError) as problem:
            return answer({"errors": [{"message": str(problem)}]})
        return answer({"data": data, "extensions": {"cost": self._cost(points, points)}})

    def _cost(self, asked: int, used: int | None) -> Json:
        return {
            "requestedQueryCost": asked,
            "actualQueryCost": used,
            "throttleStatus": {
                "maximumAvailable": self.points.size,
                "currentlyAvailable": self.points.available,
                "restoreRate": int(self.points.restore_per_s),
            },
        }

    def _root(self) -> Json:
        return {
            "__typename": "QueryRoot",
            "order": self._order_node,
            "orders": self._graph_orders,
            "refund": self._refund_node,
            "tenderTransactions": self._graph_tenders,
            "shop": {
                "__typename": "Shop",
                "id": "gid://shopify/Shop/1",
                "name": "Counterfoil Example",
                "myshopifyDomain": self.settings["shop_domain"],
                "currencyCode": self.settings["currency"],
            },
        }

    def _order_node(self, id: str) -> Json | None:  # noqa: A002 - the argument's name at the vendor
        number = _number_of(id, "Order")
        order = self.shop.orders.get(number)
        if order is None:
            return None
        return order_node(order, self.shop.refunds[number], self.shop.transactions[number])

    def _refund_node(self, id: str) -> Json | None:  # noqa: A002 - the same
        refund = self.shop.find_refund(_number_of(id, "Refund"))
        return None if refund is None else refund_node(self.shop.orders[refund.order_id], refund)

    def _graph_orders(self, query: str = "", reverse: bool = False, **_page: Any) -> graphql.Connection:
        found = self.shop.search(graph_filter(query or ""))
        sort = str(_page.get("sortKey") or "PROCESSED_AT").lower()
        if sort in ("updated_at", "created_at", "processed_at"):
            found.sort(key=lambda order: (moment_of(order[sort]), order["id"]))
        if reverse:
            found.reverse()
        shop = self.shop
        return graphql.Connection(order_node(o, shop.refunds[o["id"]], shop.transactions[o["id"]]) for o in found)

    def _graph_tenders(self, query: str = "", reverse: bool = False, **_page: Any) -> graphql.Connection:
        keep = terms(query or "", {"processed_at": "processed_at"})
        rows = [row for row in self.shop.tenders if all(check(row) for check in keep)]
        return graphql.Connection(tender_node(row) for row in (reversed(rows) if reverse else rows))

    # -- what only a simulator has

    async def control(self, request: Request) -> Response | None:
        """Make orders, refunds, settlements and odd deliveries happen; the paths are the cases below."""
        given = request.json() if request.body else {}
        try:
            match request.method, request.path.removeprefix("/__sim/").split("/"):
                case "POST", ["orders"]:
                    order, happened = self.shop.place(given.get("order", given))
                    self._announce(happened)
                    return answer({"id": order["id"], "name": order["name"]}, 201)
                case "POST", ["orders", number, "refund"]:
                    made, happened = self.shop.refund(int(number), self.shop.admin_request(int(number), given))
                    self._announce(happened)
                    return answer(self.shop.refund_body(made, self.settings["refund_version"]), 201)
                case "POST", ["orders", number, "cancel"]:
                    self._announce(self.shop.cancel(int(number)))
                    return answer({"id": int(number)})
                case "POST", ["transactions", number, "succeed" | "fail" as end]:
                    self._announce(self.shop.settle_transaction(int(number), end == "succeed"))
                    return answer({"id": int(number)})
                case "POST", ["emit"]:
                    return self._emit(given)
                case "POST", ["webhooks", "hold"]:
                    self.hooks.holding = True
                    return answer({"holding": True})
                case "POST", ["webhooks", "release"]:
                    return answer(
                        {"released": self.hooks.release(given.get("order", "kept"), given.get("drop", False))}
                    )
                case "POST", ["settings"]:
                    self.settings.update({name: given[name] for name in given if name in DEFAULTS})
                    return answer(self.settings)
                case "POST", ["clock"]:
                    self._started = (time.monotonic(), moment_of(given["now"]))
                    return answer({"now": stamp(self.now())})
        except KeyError as missing:
            return answer({"error": f"there is no {missing}"}, 404)
        except (Refusal, BadAmount, ValueError) as problem:
            return answer({"error": str(problem)}, 422)
        return None

    def _emit(self, given: Json) -> Response:
        variant = given.get("variant", "normal")
        if variant not in VARIANTS:
            raise ValueError(f"unknown variant {variant!r}; one of {', '.join(VARIANTS)}")
        version = "2024-07" if variant == "old_version" else self.settings["refund_version"]
        body = self.shop.body(given["topic"], int(given["id"]), version)
        ids = self.hooks.again(given["topic"], int(given["id"]), variant, body, given.get("address"))
        return answer({"sent": len(ids), "webhook_ids": ids})


def _member(request: Request, name: str) -> Json:
    """The object a REST body wraps under its kind. Raises Refusal."""
    body = request.json()
    if not isinstance(body, dict) or not isinstance(body.get(name), dict):
        raise Refusal(name, "Required parameter missing or invalid")
    return dict(body[name])


def _number_of(global_id: str, kind: str) -> int:
    match = re.fullmatch(rf"gid://shopify/{kind}/(\d+)", str(global_id))
    if match is None:
        raise graphql.GraphError(f"Invalid global id '{global_id}'")
    return int(match[1])
