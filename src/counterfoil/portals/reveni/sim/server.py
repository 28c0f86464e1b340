"""The HTTP side of the simulated Reveni: the API of one store and of its sandbox, and the control paths.

World, all optional: every switch of `switches.DEFAULTS`, `api_key`, `sandbox_api_key`, `webhooks` [{url, event_types,
sandbox}], `returns` (as the control path takes them, with an inline `order`; `status` says where they stand).

Production answers below `/merchants/v0/stores/{store_id}/`, the sandbox below `/sandbox/merchants/v0/…`, or below the
same path when the Host header begins with `api.sandbox.`.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar

from counterfoil.portals.reveni.sim import listing, switches
from counterfoil.portals.reveni.sim.desk import Desk, Refused
from counterfoil.portals.reveni.sim.hooks import TOPICS, VARIANTS, Hooks, checked
from counterfoil.portals.reveni.sim.intake import Ids
from counterfoil.portals.reveni.sim.records import Json, Return
from counterfoil.portals.reveni.sim.views import Writer
from counterfoil.simkit.amounts import encode, exact_response, text_of
from counterfoil.simkit.clock import Clock
from counterfoil.simkit.http import Request, Response
from counterfoil.simkit.outbox import Outbox
from counterfoil.simkit.server import Simulator
from counterfoil.simkit.shopside import ShopTrouble

ROOT = "/merchants/v0/stores/"
DEFAULT_KEY, DEFAULT_SANDBOX_KEY = "reveni-example-key", "reveni-example-sandbox-key"


class ReveniSimulator(Simulator):
    """One Reveni store, and its sandbox twin."""

    vendor: ClassVar[str] = "reveni"

    def __init__(self, world: Mapping[str, Any] | None = None, seed: int = 0) -> None:
        self.outbox = Outbox()
        self._desks: list[Desk] = []  # the last one serves; earlier ones are from before a reset
        super().__init__(world, seed)

    def load(self, world: Json) -> None:
        """Take a world; its returns are there already, so they announce nothing and are not paid again."""
        self.settings: Json = switches.settings_of(world)
        self.clock = Clock(self.settings["clock"])
        self.keys = {
            False: str(world.get("api_key", DEFAULT_KEY)),
            True: str(world.get("sandbox_api_key", DEFAULT_SANDBOX_KEY)),
        }
        self.outbox.load(self.settings, self.seed)
        ids = Ids(self.seed)
        self.writer = Writer(self.settings)
        self.hooks = Hooks(self.settings, self.outbox, self.writer, ids)
        self.desk = Desk(self.settings, self.clock, self.hooks, ids)
        self._desks.append(self.desk)
        self._recent: deque[float] = deque()
        for given in world.get("returns", []):
            self.desk.take(given).status = given.get("status", "IN_PROGRESS")
        for hook in world.get("webhooks", []):
            self.hooks.register(hook, bool(hook.get("sandbox")))

    async def start(self) -> None:
        """Begin to deliver."""
        await self.outbox.sender.start()

    async def stop(self) -> None:
        """Stop delivering and leave the shop."""
        for desk in self._desks:
            await desk.till.stop()
        await self.outbox.stop()

    def refusal(self, kind: str) -> Response:
        """401, 429, 500 and 503; all words are inferred (§6)."""
        words = {
            "401": ("authentication_failed", "Invalid API key."),
            "429": ("throttled", "Request was throttled."),
            "503": ("unavailable", "Service unavailable."),
        }
        pause = self.settings["retry_after_s"]
        headers = {"retry-after": str(pause)} if kind == "429" and pause is not None else {}
        return self._error(int(kind), *words.get(kind, ("error", "Internal server error.")), headers)

    def _error(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
        by_code = self.settings["error_shape"] == "code"
        body = {"code": code, "message": message} if by_code else {"detail": message}
        return exact_response(body, status, headers)

    def state(self) -> Json:
        """Everything there is; `paid_by` says whose money a refund was."""
        returns = list(self.desk.returns.values())
        return {
            "returns": [self._shown(made) for made in returns],
            "refunds": [row for made in returns for row in _refunds(made)],
            "verdicts": self.desk.verdicts,
            "webhooks": list(self.hooks.registrations),
            "deliveries": self.outbox.state(),
            "held": len(self.outbox.held),
            "lost": len(self.outbox.lost),
        }

    def _shown(self, made: Return) -> Json:
        """One return for the control path."""
        shown = json.loads(encode(self.writer.whole(made)), parse_float=str)
        return {
            "id": made.id,
            "order_id": made.order_id,
            "order_name": str(made.order.get("name", "")),
            "status": made.status,
            "instant": made.instant,
            "items": [row.id for row in made.rows],
            "return": shown,
        }

    # -- what the vendor serves

    async def handle(self, request: Request) -> Response:
        """Answer as the API does: key, store, pace, path."""
        self.desk.keep_deadlines()
        path = request.path.removeprefix("/sandbox")
        if not path.startswith(ROOT):
            return self._error(404, "not_found", "Not found.")
        host = request.headers.get("host", "")
        sandbox = path != request.path or host.startswith("api.sandbox.")
        if request.headers.get("authorization", "") != f"Bearer {self.keys[sandbox]}":
            return self.refusal("401")
        store, _, rest = path.removeprefix(ROOT).partition("/")
        if store != self.settings["sandbox_store_id" if sandbox else "store_id"]:
            return self._error(403, "permission_denied", "This key cannot see that store.")
        if not self._in_pace():
            return self.refusal("429")
        try:
            return await self._answer(request, rest.strip("/").split("/"), sandbox)
        except Refused as refusal:
            return self._error(refusal.status, refusal.code, str(refusal))
        except (json.JSONDecodeError, UnicodeDecodeError):
            return self._error(400, "parse_error", "The body is not JSON.")

    def _in_pace(self) -> bool:
        """Count one call of the last second; False when it is over the limit."""
        now = time.monotonic()
        while self._recent and self._recent[0] <= now - 1.0:
            self._recent.popleft()
        if len(self._recent) >= int(self.settings["per_second"]):
            return False
        self._recent.append(now)
        return True

    async def _answer(self, request: Request, parts: list[str], sandbox: bool) -> Response:
        match request.method, parts:
            case "GET", ["returns"]:
                mine = [made for made in self.desk.returns.values() if made.sandbox == sandbox]
                return exact_response(listing.answer(mine, request, self.base_url + request.path, self.writer))
            case "GET", ["returns", number]:
                return exact_response(self.writer.whole(self.desk.find(number, sandbox)))
            case "POST", ["returns", number, "partial_validate"]:
                made = self.desk.find(number, sandbox)
                await self.desk.partial_validate(made, request.json())
                return exact_response(self.writer.whole(made))
            case _, ["webhooks", *rest]:
                return self._webhooks(request, rest, sandbox)
        return self._error(404, "not_found", "Not found.")

    def _webhooks(self, request: Request, rest: list[str], sandbox: bool) -> Response:
        """Creating and deleting were seen (§2); reading and changing are inferred."""
        known = [row for row in self.hooks.registrations if row["sandbox"] == sandbox]
        found = next((row for row in known if rest == [row["id"]]), None)
        try:
            match request.method:
                case "GET" if not rest:
                    return exact_response({"count": len(known), "results": [_public(row) for row in known]})
                case "POST" if not rest:
                    return exact_response(_public(self.hooks.register(request.json(), sandbox)), 201)
                case "GET" if found:
                    return exact_response(_public(found))
                case "PUT" | "PATCH" if found:
                    found |= checked({**found, **request.json()})
                    return exact_response(_public(found))
                case "DELETE" if found:
                    self.hooks.registrations.remove(found)
                    return Response(204)
        except json.JSONDecodeError:
            raise
        except ValueError as problem:
            return self._error(422, "invalid", str(problem))
        return self._error(404, "not_found", "Not found.")

    # -- what only a simulator has

    async def control(self, request: Request) -> Response | None:
        """Make things happen: `returns`, `returns/{id}/…`, `emit`, `webhooks/hold|release`, `settings`, `clock`."""
        given = request.json() if request.body else {}
        parts = request.path.removeprefix("/__sim/").split("/")
        try:
            self.desk.keep_deadlines()
            match parts:
                case ["returns"]:
                    return exact_response(self._shown(await self.desk.submit(given)), 201)
                case ["returns", number, what]:
                    made = self.desk.find(number)
                    return exact_response(self._shown(made)) if await self._happen(made, what, given) else None
            return self._control_rest(parts, given)
        except Refused as refusal:
            return exact_response({"error": str(refusal)}, 404 if refusal.status == 404 else 422)
        except (ValueError, KeyError, ShopTrouble) as problem:
            return exact_response({"error": f"{problem}"}, 422)

    async def _happen(self, made: Return, what: str, given: Json) -> bool:
        """One thing that happens to a return; False when there is no such thing."""
        desk = self.desk
        match what:
            case "label":
                desk.scan(made, given)
            case "receive":
                desk.move(made, "RECEIVED")
            case "flag":
                desk.move(made, "FOR_REVIEW")
            case "status":
                desk.move(made, str(given["status"]))
            case "cancel":
                desk.cancel(made)
            case "approve":
                pass  # no approval before the goods come exists (§6): a return is authorised from the start
            case "validate":
                await desk.validate(made, given)
            case "finish":
                await desk.finish(made)
            case "issue":
                await desk.issue(made, given)
            case "adjust":
                await desk.adjust(made, given)
            case "method":
                desk.change_method(made, given)
            case _:
                return False
        return True

    def _control_rest(self, parts: list[str], given: Json) -> Response | None:
        match parts:
            case ["emit"]:
                return self._emit(given)
            case ["webhooks", "hold"]:
                self.outbox.holding = True
                return exact_response({"holding": True})
            case ["webhooks", "release"]:
                released = self.outbox.release(given.get("order", "kept"), given.get("drop", False))
                return exact_response({"released": released})
            case ["settings"]:
                switches.change(self.settings, given)
                return exact_response(self.settings)
            case ["clock"]:
                now = self.clock.move(given)
                self.desk.keep_deadlines()
                return exact_response({"now": f"{now:%Y-%m-%dT%H:%M:%SZ}"})
        return None

    def _emit(self, given: Json) -> Response:
        """Send an event about a return again: `event`, `variant`, `url`. Raises ValueError, Refused."""
        variant, name = given.get("variant", "normal"), given.get("event", "return.updated")
        if variant not in VARIANTS or name not in TOPICS:
            raise ValueError(f"unknown variant or event; known are {', '.join((*VARIANTS, *TOPICS))}")
        made = self.desk.find(str(given["id"]))
        return exact_response({"sent": self.hooks.again(name, made, self.clock.now(), variant, given.get("url"))})


def _public(row: Json) -> Json:
    """A registration as the API shows it: no secret."""
    return {name: row[name] for name in ("id", "url", "event_types")}


def _refunds(made: Return) -> list[Json]:
    """Refunds for `/__sim/state`, amounts as text."""
    return [
        {
            "return_id": made.id,
            "id": row.id,
            "amount": text_of(row.amount, made.currency),
            "currency": made.currency,
            "method": row.method,
            "status": row.status,
            "external_id": row.external_id,
            "adjustment": row.adjustment,
            "paid_by": "reveni" if row.method == "bank_transfer" else "merchant",
        }
        for row in made.refunds
    ]
