"""The HTTP side of the simulated Loop: the API below `/api/v1`, and the control paths.

World, all optional: `shop_id`, `currency`, `api_keys` (texts, or {key, scopes}), `webhook_secret`, `webhooks`
[{topic, trigger, url, status}], `shop` {url, access_token}, `returns` (as Loop shows them, or as the control path
takes them with an inline `order`), `destinations`, `auto_process`, `process_flagged`, `processing_seconds`,
`retry_seconds`, `rate_limit_per_minute`, `restock` ("none", "shopify", "webhooks"), `restock_location_id`,
`gift_card_provider` ("shopify", "external"), `store_credit` ("gift_card", "shopify_store_credit"),
`exchange_prefix`, `loop_discount`, `tax_included_prices` ("net", "gross"), `first_id`, `clock`.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from counterfoil.portals.loop.sim import inspection, listing, views
from counterfoil.portals.loop.sim.desk import Desk, Refused
from counterfoil.portals.loop.sim.hooks import TRIGGERS, VARIANTS, Hooks, Subscription
from counterfoil.portals.loop.sim.intake import parse_time
from counterfoil.portals.loop.sim.limits import PerMinute
from counterfoil.portals.loop.sim.php import encode
from counterfoil.portals.loop.sim.records import Json, Return
from counterfoil.portals.loop.sim.shopside import ShopTrouble
from counterfoil.simkit.http import Request, Response, json_response
from counterfoil.simkit.server import Simulator

ROOT = "/api/v1"
DEFAULTS: Json = {
    "shop_id": 12345,
    "currency": "GBP",
    "webhook_secret": "loop-example-secret",
    "shop": None,
    "auto_process": False,
    "process_flagged": False,
    "processing_seconds": 0.05,
    "retry_seconds": 0.2,
    "rate_limit_per_minute": 300,
    "restock": "none",
    "restock_location_id": 40642626,
    "gift_card_provider": "shopify",
    "store_credit": "gift_card",
    "exchange_prefix": "EXC",
    "loop_discount": True,
    "tax_included_prices": "net",
    "first_id": 37_600_001,
    "clock": None,
}
DEFAULT_KEY = "loop-example-key"
DESTINATION: Json = {
    "id": "d-1",
    "type": "warehouse",
    "name": "Returns desk",
    "enabled": True,
    "provider_location_id": None,
    "address": {
        "address1": "2 Example Street",
        "address2": None,
        "city": "Leeds",
        "state": None,
        "zip": "LS1 1AB",
        "country": "United Kingdom",
        "country_code": "GB",
    },
}


def php_response(value: Any, status: int = 200) -> Response:
    """An answer as Loop's PHP writes it."""
    return Response(status, encode(value), {"content-type": "application/json"})


class LoopSimulator(Simulator):
    """One shop's Loop account."""

    vendor: ClassVar[str] = "loop"

    def __init__(self, world: Mapping[str, Any] | None = None, seed: int = 0) -> None:
        self.hooks = Hooks()
        self._desks: list[Desk] = []  # the last one serves; earlier ones are from before a reset
        super().__init__(world, seed)

    def load(self, world: Json) -> None:
        """Take a world; its returns are there already, so they announce nothing."""
        self.settings: Json = {**DEFAULTS, **{name: world[name] for name in DEFAULTS if name in world}}
        self._started = (time.monotonic(), parse_time(world["clock"]) if world.get("clock") else datetime.now(UTC))
        self.keys = _keys(world.get("api_keys") or [DEFAULT_KEY])
        self.limit = PerMinute(int(self.settings["rate_limit_per_minute"]))
        self.hooks.load(self.settings["webhook_secret"], self.settings["retry_seconds"], self.seed)
        for desk in self._desks:
            desk.retire()
        self.desk = Desk(self.settings, self.hooks, self.now)
        self._desks.append(self.desk)
        self.destinations: list[Json] = world.get("destinations") or [DESTINATION]
        self.actions: list[Json] = []
        self.grades: list[Json] = []
        self._next_hook = 9001
        for hook in world.get("webhooks", []):
            self._subscribe({"status": "active", **hook})
        for given in world.get("returns", []):
            self.desk.take(given)

    def now(self) -> datetime:
        """Loop's clock: it starts where the world says and runs with real time."""
        at, start = self._started
        return start + timedelta(seconds=time.monotonic() - at)

    async def start(self) -> None:
        """Begin to deliver."""
        await self.hooks.sender.start()

    async def stop(self) -> None:
        """Stop processing and delivering."""
        for desk in self._desks:
            await desk.stop()
        await self.hooks.stop()

    def refusal(self, kind: str) -> Response:
        """401, 429, 500 and 503 as Loop's gateway says them; the words of 429 and 5xx are ours (§2, §7)."""
        match kind:
            case "401":
                return _gateway_401()
            case "429":
                return php_response({"message": "Too Many Attempts."}, 429)
        return php_response({"message": "Server Error"}, int(kind))

    def state(self) -> Json:
        """Everything there is, ids and amounts as text."""
        shop_id = self.settings["shop_id"]
        returns = list(self.desk.returns.values())
        return {
            "returns": [
                {**views.row(made, shop_id), "refunds": made.refunds, "notes": made.notes, "queued": made.queued}
                for made in returns
            ],
            "refunds": [{"return_id": str(made.id), **row} for made in returns for row in made.refunds],
            "actions": self.actions,
            "grades": self.grades,
            "failures": self.desk.failures,
            "webhooks": [subscription.body() for subscription in self.hooks.subscriptions],
            "deliveries": self.hooks.state(),
            "held": len(self.hooks.held),
        }

    # -- what the vendor serves

    async def handle(self, request: Request) -> Response:
        """Answer as the API does: key, rate limit, scope, path."""
        if not request.path.startswith(ROOT + "/"):
            return php_response({"message": "Not Found"}, 404)
        parts = request.path.removeprefix(ROOT + "/").split("/")
        key = request.headers.get("x-authorization", "")
        if not key:
            return _gateway_401()
        if not self.limit.allows(key):
            return self.refusal("429")
        scopes = self.keys.get(key)
        if scopes is None or not scopes & {_scope(parts), "*"}:
            return php_response({"errors": "Unauthorized."}, 401) if parts[0] == "warehouse" else _gateway_401()
        try:
            return await self._answer(request, parts)
        except Refused as refusal:
            return php_response(refusal.body, refusal.status)
        except listing.Invalid as invalid:
            return _invalid({invalid.field: [str(invalid)]})
        except (json.JSONDecodeError, UnicodeDecodeError):
            return _invalid({"body": ["The body is not valid JSON."]})

    async def _answer(self, request: Request, parts: list[str]) -> Response:
        match request.method, parts:
            case "GET", ["warehouse", "return", "list"]:
                return self._list(request)
            case "GET", ["warehouse", "return", "details"]:
                return self._details(request)
            case "GET", ["warehouse", "return", number, "notes"]:
                notes = self.desk.find(number).notes
                return php_response({"notes": notes}) if notes else php_response(False, 422)
            case "POST", ["warehouse", "return", number, action]:
                return await self._act(request, number, action)
            case "POST", ["dispositioning", "grade" | "assess" as what]:
                return self._inspect(request, what)
            case _, ["webhooks", *rest]:
                return self._webhooks(request, rest)
            case "GET", ["destinations"]:
                return php_response({"destinations": self.destinations})
            case "GET", ["destinations", number]:
                found = next((d for d in self.destinations if str(d["id"]) == number), None)
                return php_response(found) if found else _not_found()
        return php_response({"message": "Not Found"}, 404)

    def _list(self, request: Request) -> Response:
        window = listing.read(request.param, self.now())
        page, following = listing.select(self.desk.returns.values(), window)
        rows = [views.row(made, self.settings["shop_id"]) for made in page]
        return php_response(listing.answer(rows, window, following, self.base_url + request.path))

    def _details(self, request: Request) -> Response:
        """One return by its id, or the latest of an order. Finding nothing is HTTP 200 (§6.2)."""
        found = [made for made in self.desk.returns.values() if _asked_for(made, request)]
        if not found:
            return php_response({"error": {"message": "No return found with this ID."}})
        book = "presentment" if request.param("currency_type") == "presentment" else "shop"
        return php_response(views.details(found[-1], self.settings["shop_id"], book))

    async def _act(self, request: Request, number: str, action: str) -> Response:
        body = request.json() if request.body else {}
        entry: Json = {
            "return_id": number,
            "action": action,
            "body": body,
            "query": dict(request.query),
            "at": views.with_z(self.now()),
        }
        self.actions.append(entry)
        try:
            await self._do(self.desk.find(number), action, body if isinstance(body, dict) else {}, request)
        except Refused as refusal:
            entry["answer"], entry["status"] = refusal.body, refusal.status
            raise
        entry["answer"], entry["status"] = True, 200
        return php_response(True)

    async def _do(self, made: Return, action: str, body: Json, request: Request) -> None:
        match action:
            case "process":
                self.desk.process(made, body)
            case "remove":
                asked = request.param("line_item_id") or ""
                await self.desk.remove(made, [part.strip() for part in asked.split(",") if part.strip()])
            case "cancel":
                self.desk.cancel(made)
            case "flag":
                self.desk.flag(made)
            case "close":
                self.desk.close(made)
            case "note":
                self.desk.note(made, body.get("content"))
            case _:
                raise Refused({"message": "Not Found"}, 404)

    def _inspect(self, request: Request, what: str) -> Response:
        body = request.json()
        lines = {str(line.id): (made, line) for made in self.desk.returns.values() for line in made.active}
        wrong = inspection.problems(body, what, {number: line for number, (_, line) in lines.items()})
        if wrong:
            return _invalid(wrong)
        echoed = []
        for item in body["items"]:
            made, line = lines[str(item["line_item_id"])]
            echoed.append(inspection.apply(item, what, line))
            made.updated_at = self.now()
            self.grades.append({"kind": what, "return_id": str(made.id), **item})
        return php_response(echoed)

    def _webhooks(self, request: Request, rest: list[str]) -> Response:
        subscriptions = self.hooks.subscriptions
        if not rest and request.method == "GET":
            return php_response({"webhooks": [subscription.body() for subscription in subscriptions]})
        if not rest and request.method == "POST":
            given = request.json()
            wrong = _subscription_problems(given)
            return _invalid(wrong) if wrong else php_response(self._subscribe(given).body())
        known = next((s for s in subscriptions if rest == [str(s.id)]), None)
        if known is None:
            return _not_found()
        if request.method == "PUT":
            given = {**known.body(), **request.json()}
            wrong = _subscription_problems(given)
            if wrong:
                return _invalid(wrong)
            for name in ("topic", "trigger", "url", "status"):
                setattr(known, name, given[name])
            return Response(204)
        if request.method == "DELETE":
            subscriptions.remove(known)
            return Response(204)
        return php_response(known.body())

    def _subscribe(self, given: Json) -> Subscription:
        """Without a status a subscription is inactive, as the published interface says (§6.5)."""
        number, self._next_hook = self._next_hook, self._next_hook + 1
        trigger, url = given["trigger"], given["url"]
        status = given.get("status", "inactive")
        made = Subscription(number, self.settings["shop_id"], given["topic"], trigger, url, status)
        self.hooks.subscriptions.append(made)
        return made

    # -- what only a simulator has

    async def control(self, request: Request) -> Response | None:
        """Make things happen: `returns`, `returns/{id}/…`, `emit`, `webhooks/hold|release`, `settings`, `clock`."""
        given = request.json() if request.body else {}
        parts = request.path.removeprefix("/__sim/").split("/")
        try:
            return await self._control_returns(parts, given) or self._control_hooks(parts, given)
        except Refused as refusal:
            return json_response(
                refusal.body, 404 if refusal.body.get("errors", {}).get("code") == "NOT_FOUND" else 422
            )
        except (ValueError, KeyError, ShopTrouble) as problem:
            return json_response({"error": f"{problem}"}, 422)

    async def _control_returns(self, parts: list[str], given: Json) -> Response | None:
        match parts:
            case ["returns"]:
                made = await self.desk.submit(given)
            case ["returns", number, what]:
                made = self.desk.find(number)
                match what:
                    case "label":
                        self.desk.move_label(made, given)
                    case "approve":
                        self.desk.approve(made)
                    case "expire":
                        self.desk.expire(made)
                    case "edit":
                        self.desk.edit(made, given)
                    case "restock" | "gift_card":
                        self.desk.ask(made, what)
                    case _:
                        return None
            case _:
                return None
        shown = views.row(made, self.settings["shop_id"])
        return json_response({**shown, "refunds": made.refunds}, 201 if len(parts) == 1 else 200)

    def _control_hooks(self, parts: list[str], given: Json) -> Response | None:
        match parts:
            case ["emit"]:
                return self._emit(given)
            case ["webhooks", "hold"]:
                self.hooks.holding = True
                return json_response({"holding": True})
            case ["webhooks", "release"]:
                return json_response(
                    {"released": self.hooks.release(given.get("order", "kept"), given.get("drop", False))}
                )
            case ["happy_returns"]:
                shipment = int(given.get("loop_shipment_id", 1)), str(given.get("happy_returns_shipment_id", "HR-1"))
                self.hooks.announce(
                    "shipment.processed", 0, lambda topic, trigger, _old: _happy(topic, trigger, *shipment)
                )
                return json_response({"sent": True})
            case ["settings"]:
                self.settings.update({name: given[name] for name in given if name in DEFAULTS})
                self.hooks.retry_seconds = float(self.settings["retry_seconds"])
                return json_response(self.settings)
            case ["clock"]:
                self._started = (time.monotonic(), parse_time(given["now"]))
                return json_response({"now": views.with_z(self.now())})
        return None

    def _emit(self, given: Json) -> Response:
        """Send an event about a return again, normally or in one of the ways deliveries go wrong."""
        variant = given.get("variant", "normal")
        if variant not in VARIANTS:
            raise ValueError(f"unknown variant {variant!r}; one of {', '.join(VARIANTS)}")
        made = self.desk.find(str(given["id"]))
        topic, trigger = given.get("topic", "return"), given.get("trigger", "return.updated")
        sent = self.hooks.again(topic, trigger, made.id, variant, self.desk.payload(made), given.get("url"))
        return json_response({"sent": sent})


def _keys(given: list[Any]) -> dict[str, set[str]]:
    """Scopes by key; a plain text may do everything."""
    return {
        (item["key"] if isinstance(item, dict) else str(item)): set(item.get("scopes", ["*"]))
        if isinstance(item, dict)
        else {"*"}
        for item in given
    }


def _scope(parts: list[str]) -> str:
    """The scope a path needs (§2); a missing one answers 401, not 403."""
    return {"webhooks": "developer_tools", "destinations": "destinations:read"}.get(parts[0], "returns")


def _gateway_401() -> Response:
    return php_response({"error": {"code": "401", "http_code": "GEN-UNAUTHORIZED", "message": "Unauthorized."}}, 401)


def _not_found() -> Response:
    return php_response({"errors": {"code": "NOT_FOUND"}}, 404)


def _invalid(fields: Mapping[str, list[str]]) -> Response:
    return php_response({"message": "The given data was invalid.", "errors": dict(fields)}, 422)


def _asked_for(made: Return, request: Request) -> bool:
    """Whether a details request means this return."""
    if request.param("return_id"):
        return str(made.id) == request.param("return_id")
    if request.param("order_id"):
        return made.provider_order_id == request.param("order_id")
    name = request.param("order_name")
    return bool(name) and str(made.order.get("name", "")).lstrip("#") == name


def _subscription_problems(given: Any) -> dict[str, list[str]]:
    if not isinstance(given, dict):
        return {"body": ["The body is not an object."]}
    found = {name: [f"The {name} field is required."] for name in ("topic", "trigger", "url") if not given.get(name)}
    if given.get("topic") and given["topic"] not in TRIGGERS:
        found["topic"] = ["The selected topic is invalid."]
    known = {word for words in TRIGGERS.values() for word in words} | {"created", "updated", "closed"}
    if given.get("trigger") and given["trigger"] not in known:
        found["trigger"] = ["The selected trigger is invalid."]
    if given.get("url") and not re.match(r"https?://", str(given["url"])):
        found["url"] = ["The url format is invalid."]
    if given.get("status", "active") not in ("active", "inactive"):
        found["status"] = ["The selected status is invalid."]
    return found


def _happy(topic: str, trigger: str, loop_id: int, happy_id: str) -> Json:
    body = {"loop_shipment_id": loop_id, "happy_returns_shipment_id": happy_id}
    return {"topic": topic, "trigger": trigger, **body}
