"""The HTTP side of the simulated ReturnGO: the API, and the control paths.

World, all optional: every switch of `switches.DEFAULTS`, `api_key`, `webhooks` [{url, eventName}], `returns` (as the
control path takes them, with an inline `order`; `status` says where they stand).

Not simulated: the blind-return calls `getEligiblePolicies` and `createByPolicy` (out of our scope, §2), which answer
404 like every unknown path.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import count
from typing import Any, ClassVar
from urllib.parse import unquote

from counterfoil.portals.returngo.sim import cashier, listing, moves, switches, views
from counterfoil.portals.returngo.sim.limits import Quota
from counterfoil.portals.returngo.sim.office import EVENTS, Office, Refused, registration
from counterfoil.portals.returngo.sim.records import Json, Rma, Shipment, Transaction
from counterfoil.simkit.amounts import encode, exact_response, text_of
from counterfoil.simkit.clock import Clock
from counterfoil.simkit.http import Request, Response
from counterfoil.simkit.outbox import Outbox
from counterfoil.simkit.server import Simulator
from counterfoil.simkit.shopside import ShopTrouble

DEFAULT_KEY = "returngo-example-key"
VARIANTS = ("normal", "duplicate", "empty", "truncated", "unknown_event", "foreign_id", "extra_keys")
SHAPES = ("flat", "rma", "rmaSummary", "data", "bare")


class ReturnGoSimulator(Simulator):
    """One shop's ReturnGO account."""

    vendor: ClassVar[str] = "returngo"

    def __init__(self, world: Mapping[str, Any] | None = None, seed: int = 0) -> None:
        self.outbox = Outbox()
        self._offices: list[Office] = []  # the last one serves; earlier ones are from before a reset
        super().__init__(world, seed)

    def load(self, world: Json) -> None:
        """Take a world; its RMAs are there already, so they announce nothing."""
        self.settings: Json = switches.settings_of(world)
        self.clock = Clock(self.settings["clock"])
        self.key = str(world.get("api_key", DEFAULT_KEY))
        self.quota = Quota()
        self.outbox.load(self.settings, self.seed)
        self.office = Office(self.settings, self.clock, self.outbox)
        self._offices.append(self.office)
        self._request_ids = count(1)
        self.calls: list[Json] = []
        for given in world.get("returns", []):
            moves.stand(self.office, self.office.take(given), given.get("status", "Pending"))
        for hook in world.get("webhooks", []):
            self.office.register(hook["url"], hook["eventName"])

    async def start(self) -> None:
        """Begin to deliver."""
        await self.outbox.sender.start()

    async def stop(self) -> None:
        """Stop delivering and leave the shop."""
        for office in self._offices:
            await office.stop()
        await self.outbox.stop()

    def refusal(self, kind: str) -> Response:
        """401, 429, 500 and 503; the words are inferred (§1)."""
        words = {"401": "Unauthorized", "429": "Too Many Requests", "503": "Service Unavailable"}
        pause = self.settings["retry_after_s"]
        headers = {"retry-after": str(pause)} if kind == "429" and pause is not None else {}
        return self._stamped(exact_response({"message": words.get(kind, "Internal Server Error")}, int(kind), headers))

    def state(self) -> Json:
        """Everything there is; amounts as text."""
        rmas = list(self.office.rmas.values())
        return {
            "returns": [self._shown(made) for made in rmas],
            "transactions": [_row(made, row) for made in rmas for row in made.transactions],
            "webhooks": list(self.office.registrations),
            "deliveries": self.outbox.state(),
            "held": len(self.outbox.held),
            "lost": len(self.outbox.lost),
            "calls": self.calls,
            "calls_today": self.quota.today,
            "calls_refused": self.quota.refused,
        }

    def _shown(self, made: Rma) -> Json:
        """One RMA for the control path: its detail, and what the API does not say."""
        shown = json.loads(encode(views.detail(made, self.settings)), parse_float=str)
        return {
            "id": str(made.id),
            "order_id": made.order_id,
            "order_name": str(made.order.get("name", "")),
            "status": made.status,
            "lines": [
                {"id": unit.id, "line_item_id": unit.bought.order_line, "paid": unit.paid} for unit in made.units
            ],
            "shipments": [parcel.id for parcel in made.shipments],
            "rma": shown,
        }

    # -- what the vendor serves

    async def handle(self, request: Request) -> Response:
        """Answer as the API does: key, shop, quota, path."""
        refused = self._turned_away(request)
        if refused is not None:
            return refused
        call: Json = {"method": request.method, "path": request.path}
        self.calls.append(call)
        try:
            response = await self._answer(request, request.path.strip("/").split("/"))
        except Refused as refusal:
            response = exact_response({"message": str(refusal)}, refusal.status)
        except (json.JSONDecodeError, UnicodeDecodeError):
            response = exact_response({"message": "Invalid request body"}, 400)
        call["status"] = response.status
        return self._stamped(response)

    def _turned_away(self, request: Request) -> Response | None:
        """401 for the key, 403 for the shop, 429 over the quota. `shop@Portal` narrows to one portal."""
        key = request.headers.get("x-api-key", "")
        if key != self.key:
            status = int(self.settings["bad_key_status"]) if key else 401
            words = "Unauthorized" if status == 401 else "Forbidden"
            return self._stamped(exact_response({"message": words}, status))
        shop, _, portal = request.headers.get("x-shop-name", "").partition("@")
        if shop != self.settings["shop_domain"] or (portal and portal not in self.settings["portals"]):
            return self._stamped(exact_response({"message": "Forbidden"}, 403))
        day = self.clock.now().date()
        if not self.quota.allows(day, int(self.settings["daily_quota"]), int(self.settings["per_second"])):
            return self.refusal("429")
        return None

    def _stamped(self, response: Response) -> Response:
        """The gateway's own headers, for support (§1)."""
        number = next(self._request_ids)
        stamps = {
            "x-amzn-requestid": f"00000000-0000-4000-8000-{number:012d}",
            "x-amz-apigw-id": f"sim{number:08d}=",
            "x-amzn-trace-id": f"Root=1-00000000-{number:024d}",
        }
        return Response(response.status, response.body, {**response.headers, **stamps})

    async def _answer(self, request: Request, parts: list[str]) -> Response:
        office = self.office
        match request.method, parts:
            case "GET", ["rmas"]:
                portal = request.headers.get("x-shop-name", "").partition("@")[2] or None
                return exact_response(listing.rmas(office, request, portal))
            case "GET", ["rma", number]:
                media = (request.param("includeMedia") or "").lower() == "true"
                return exact_response(views.detail(office.find(unquote(number)), self.settings, media))
            case "PUT", ["rma", number, "status"]:
                made = office.find(unquote(number))
                await moves.move(office, made, str(_object(request).get("status", "")))
                return exact_response(views.summary(made))
            case "POST", ["rma", number, "comment"]:
                row = moves.take_comment(office, office.find(unquote(number)), _object(request))
                return exact_response(row, int(self.settings["comment_status"]))
            case _, ["shipment", number]:
                return await self._shipment(request, number)
            case "POST", ["shipment-tracker"]:
                return self._track(_object(request))
            case "GET", ["transactions"]:
                return exact_response(listing.transactions(office, request))
            case "PUT", ["transaction", number]:
                made, told = office.find_transaction(number)
                cashier.report(office, made, told, _object(request))
                return exact_response(views.transaction(made, told, self.settings))
            case _, ["webhooks" | "webhook", *_]:
                return self._webhooks(request, parts)
        return exact_response({"message": "Not Found"}, 404)

    async def _shipment(self, request: Request, number: str) -> Response:
        """Change or remove a shipment; there is no call that reads one."""
        if request.method not in ("PUT", "DELETE"):
            return exact_response({"message": "Not Found"}, 404)
        made, parcel = self.office.find_shipment(number)
        if request.method == "DELETE":
            made.shipments.remove(parcel)
            return exact_response({"message": "Deleted"})
        await moves.change_shipment(self.office, made, parcel, _object(request))
        return exact_response(views.shipment(made, parcel, self.settings))

    def _track(self, given: Json) -> Response:
        """Start to follow a parcel, named by its shipment or its tracking number (body inferred)."""
        for made in self.office.rmas.values():
            for parcel in made.shipments:
                known = {str(value) for value in (parcel.id, parcel.tracking_number) if value}
                if known & {str(given.get("shipmentId")), str(given.get("trackingNumber"))}:
                    parcel.tracked = True
                    return exact_response(views.shipment(made, parcel, self.settings))
        raise Refused(404, "Shipment not found")

    def _webhooks(self, request: Request, parts: list[str]) -> Response:
        """List is plural, everything else singular (§2); one registration per event."""
        known = self.office.registrations
        match request.method, parts:
            case "GET", ["webhooks"]:
                return exact_response(known)
            case "POST", ["webhook"]:
                given = _object(request)
                return exact_response(self.office.register(given.get("url"), given.get("eventName")))
            case "PUT" | "DELETE", ["webhook", number]:
                found = next((row for row in known if row["id"] == number), None)
                if found is None:
                    raise Refused(404, "Webhook not found")
                if request.method == "PUT":
                    given = {**found, **_object(request)}
                    found |= registration(given["url"], given["eventName"])
                    return exact_response(found)
                known.remove(found)
                return exact_response({"message": "Deleted"})
        return exact_response({"message": "Not Found"}, 404)

    # -- what only a simulator has

    async def control(self, request: Request) -> Response | None:
        """Make things happen: `returns`, `returns/{id}/…`, `emit`, `webhooks/hold|release`, `settings`, `clock`."""
        given = request.json() if request.body else {}
        parts = request.path.removeprefix("/__sim/").split("/")
        try:
            match parts:
                case ["returns"]:
                    return exact_response(self._shown(await self._submit(given)), 201)
                case ["returns", number, what]:
                    made = self.office.find(number)
                    return exact_response(self._shown(made)) if await self._happen(made, what, given) else None
            return self._control_rest(parts, given)
        except Refused as refusal:
            return exact_response({"error": str(refusal)}, 404 if refusal.status == 404 else 422)
        except (ValueError, KeyError, ShopTrouble) as problem:
            return exact_response({"error": f"{problem}"}, 422)

    async def _submit(self, given: Json) -> Rma:
        made = await self.office.submit(given)
        if given.get("auto_approve", self.settings["auto_approve"]):
            await moves.move(self.office, made, "Approved")
        return made

    async def _happen(self, made: Rma, what: str, given: Json) -> bool:
        """One thing that happens to an RMA; False when there is no such thing."""
        office = self.office
        statuses = {
            "approve": "Approved",
            "reject": "Rejected",
            "cancel": "Canceled",
            "reopen": "Pending",
            "receive": "Received",
            "done": "Done",
        }
        match what:
            case "approve" if made.status == "Approved":
                pass  # the merchant's rules were faster
            case "label":
                await moves.scan(office, made, given)
            case "validate":
                await moves.validate(office, made, given)
            case "process":
                await cashier.process(office, made, given)
            case "refund":
                await cashier.refund(office, made, given)
            case "release":
                await cashier.release(office, made)
            case "invoice":
                cashier.pay_invoice(office, made)
            case _ if what in statuses:
                await moves.move(office, made, statuses[what])
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
                count_of = self.outbox.release(given.get("order", "kept"), given.get("drop", False))
                return exact_response({"released": count_of})
            case ["settings"]:
                switches.change(self.settings, given)
                return exact_response(self.settings)
            case ["clock"]:
                return exact_response({"now": views.moment(self.clock.move(given))})
        return None

    def _emit(self, given: Json) -> Response:
        """Send an event about an RMA again, in one of the ways deliveries go wrong. Raises ValueError, Refused.

        `event` (default RMA_STATUS_UPDATED), `variant`, `shape` (where the ids stand), `url`, and for events about a
        shipment or a transaction its id, else the last one is meant.
        """
        variant, name = given.get("variant", "normal"), given.get("event", "RMA_STATUS_UPDATED")
        if variant not in VARIANTS or name not in EVENTS or given.get("shape", "flat") not in SHAPES:
            known = (*VARIANTS, *EVENTS, *SHAPES)
            raise ValueError(f"unknown variant, event or shape; known are {', '.join(known)}")
        made = self.office.find(str(given["id"]))
        addresses = [row["url"] for row in self.office.registrations if row["eventName"] == name]
        addresses = [given["url"]] if given.get("url") else addresses
        body = self.office.event(name, made, _about(made, name, given), given.get("shape"))
        for url in addresses:
            if variant != "duplicate" or not self.outbox.again(url, name, str(made.id)):
                self.outbox.post(url, _spoiled(body, variant), name, str(made.id))
        return exact_response({"sent": len(addresses)})


def _object(request: Request) -> Json:
    """The body, which has to be an object. Raises Refused (400), JSONDecodeError."""
    given = request.json()
    if not isinstance(given, dict):
        raise Refused(400, "Invalid request body")
    return given


def _about(made: Rma, name: str, given: Json) -> Shipment | Transaction | None:
    """The shipment or transaction an event is about. Raises ValueError when there is none."""
    rows: list[Shipment] | list[Transaction]
    if name.startswith("SHIPMENT"):
        rows, wanted = made.shipments, given.get("shipment_id")
    elif name in ("TRANSACTION_CREATED", "REFUND_CREATED"):
        rows, wanted = made.transactions, given.get("transaction_id")
    else:
        return None
    found = [row for row in rows if wanted is None or str(row.id) == str(wanted)]
    if not found:
        raise ValueError(f"RMA {made.id} has nothing a {name} could be about")
    return found[-1]


def _spoiled(body: Json, variant: str) -> bytes:
    """The bytes of an event under one of the variants."""
    match variant:
        case "empty":
            return b""
        case "unknown_event":
            body = {**body, "eventName": "RMA_SOMETHING_NEW"}
        case "foreign_id":
            body = {**body, "rmaId": "9999999"}
        case "extra_keys":
            body = {"version": 2, **body, "context": {"nested": [1, None, {}]}}
    raw = encode(body)
    return raw[: len(raw) // 2] if variant == "truncated" else raw


def _row(made: Rma, row: Transaction) -> Json:
    """A transaction for `/__sim/state`, with its RMA."""
    return {
        "rma_id": str(made.id),
        "id": str(row.id),
        "type": row.type,
        "status": row.status,
        "amount": text_of(row.amounts["presentment"], made.currencies["presentment"]),
        "currency": made.currencies["presentment"],
        "reference": row.reference,
    }
