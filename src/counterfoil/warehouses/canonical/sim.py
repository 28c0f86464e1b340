"""A small warehouse system that speaks the canonical message (warehouse sheet §2), for tests and demonstrations.

World, all optional: `source`, `warehouse_code`, `secret` ("whsec_…", or a list: during a change of secrets every one
signs), `url` (where messages go), `retry_seconds`, `clock`.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import httpx2

from counterfoil.simkit.http import Request, Response, json_response
from counterfoil.simkit.sender import Delivery, WebhookSender
from counterfoil.simkit.server import Simulator

Json = dict[str, Any]
EVENT_TYPES = ("return.received", "return.inspected", "return.receipt_reversed", "return.closed")
VARIANTS = ("normal", "duplicate", "bad_signature", "stale", "truncated")
STALE_S = 3600  # well past the 300 s a receiver tolerates
ATTEMPTS = 4
DEFAULTS: Json = {
    "source": "example-wms",
    "warehouse_code": "LEEDS",
    "secret": "whsec_" + base64.b64encode(b"an example secret of 32 bytes ..").decode(),
    "url": None,
    "retry_seconds": 0.2,
    "clock": None,
}
CONDITIONS = {
    "sellable": "new",
    "damaged": "damaged",
    "dispose": "damaged",
    "refurbish": "worn",
    "quarantine": "unknown",
}


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """One `v1,…` signature over `{id}.{timestamp}.{body}` (sheet §2). Raises ValueError for a malformed secret."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ValueError("the secret is not base64 after whsec_") from None
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


@dataclass(slots=True)
class Message(Delivery):
    """One canonical message and the answers it got."""

    event_id: str = ""
    variant: str = "normal"
    answer: Any = None
    cancelled: bool = False


class _Recorder(WebhookSender):
    """Keeps the body of the last answer of each message."""

    async def _attempt(self, delivery: Delivery) -> tuple[int, Mapping[str, str]]:
        assert isinstance(delivery, Message), "the warehouse sends messages only"
        assert self._client is not None, "the sender is used before start()"
        delivery.attempts += 1
        try:
            answer = await self._client.post(delivery.url, content=delivery.body, headers=delivery.headers_now())
        except httpx2.HTTPError as error:
            delivery.answer = f"no answer: {type(error).__name__}"
            return 0, {}
        try:
            delivery.answer = answer.json()
        except ValueError:
            delivery.answer = answer.text
        return answer.status_code, {name.lower(): value for name, value in answer.headers.items()}


class WarehouseSimulator(Simulator):
    """Parcels in, canonical messages out."""

    vendor: ClassVar[str] = "warehouse"

    def __init__(self, world: Mapping[str, Any] | None = None, seed: int = 0) -> None:
        self.sender = _Recorder(self.retry)
        self._tasks: set[asyncio.Task[None]] = set()
        super().__init__(world, seed)

    def load(self, world: Json) -> None:
        """Take a world; messages under way are not tried again."""
        for message in self.messages:
            message.cancelled = True
        self.sender.deliveries.clear()
        for task in self._tasks:
            task.cancel()
        self.settings: Json = {**DEFAULTS, **{name: world[name] for name in DEFAULTS if name in world}}
        self._started = (time.monotonic(), _moment(world["clock"]) if world.get("clock") else datetime.now(UTC))
        self._events = 0
        self._receipts = 0
        self.held: list[Message] = []
        self.holding = False

    @property
    def messages(self) -> list[Message]:
        """Everything sent so far."""
        return [message for message in self.sender.deliveries if isinstance(message, Message)]

    def now(self) -> datetime:
        """The warehouse's clock, for what happened when; signatures always carry real time."""
        at, start = self._started
        return start + timedelta(seconds=time.monotonic() - at)

    async def start(self) -> None:
        """Begin to deliver."""
        await self.sender.start()

    async def stop(self) -> None:
        """Stop delivering."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.sender.stop()

    async def handle(self, request: Request) -> Response:
        """A warehouse has nothing to read here: it only sends."""
        return json_response(
            {"error": {"code": "not_found", "message": f"nothing at {request.path}", "path": None}}, 404
        )

    def refusal(self, kind: str) -> Response:
        """The error shape of the canonical message (sheet §2)."""
        return json_response({"error": {"code": kind, "message": f"simulated {kind}", "path": None}}, int(kind))

    def state(self) -> Json:
        """Messages with statuses and the bodies of their last answers."""
        return {
            "messages": [
                {
                    "event_id": message.event_id,
                    "event_type": message.topic,
                    "variant": message.variant,
                    "body": message.body.decode(),
                    "attempts": message.attempts,
                    "statuses": list(message.statuses),
                    "done": message.done,
                    "answer": message.answer,
                }
                for message in self.messages
            ],
            "held": len(self.held),
        }

    def retry(self, delivery: Delivery, status: int, headers: Mapping[str, str]) -> float | None:
        """A short rule: no answer, 429 and 5xx are tried again three times; everything else is final."""
        cancelled = isinstance(delivery, Message) and delivery.cancelled
        if cancelled or delivery.attempts >= ATTEMPTS or not (status in (0, 429) or status >= 500):
            return None
        asked = headers.get("retry-after", "")
        if asked.isdigit():
            return float(asked)
        return float(self.settings["retry_seconds"] * (1 << (delivery.attempts - 1)))

    # -- making things happen

    async def control(self, request: Request) -> Response | None:
        """`parcels`, `scan`, `webhooks/hold|release`, `settings`, `clock`."""
        given = request.json() if request.body else {}
        try:
            match request.path.removeprefix("/__sim/"):
                case "parcels":
                    event = self.event(given)
                    self._send(event, given.get("variant", "normal"))
                    return json_response({"event_id": event["event_id"], "receipt_id": event["receipt_id"]}, 201)
                case "scan":
                    events = self._scan(given)
                    self._queue([self._message(event, "normal") for event in events])
                    return json_response({"events": [_named(event) for event in events]}, 201)
                case "webhooks/hold":
                    self.holding = True
                    return json_response({"holding": True})
                case "webhooks/release":
                    return json_response({"released": self._release(given)})
                case "settings":
                    self.settings.update({name: given[name] for name in given if name in DEFAULTS})
                    return json_response(self.settings)
                case "clock":
                    self._started = (time.monotonic(), _moment(given["now"]))
                    return json_response({"now": _stamp(self.now())})
        except (ValueError, KeyError) as problem:
            return json_response({"error": f"{problem}"}, 422)
        return None

    def event(self, given: Json) -> Json:
        """The canonical event of a request: what was not said is filled in, what was said is sent as it is.

        Raises ValueError for an event type or a variant the sheet does not have.
        """
        kind = given.get("event_type", "return.received")
        if kind not in EVENT_TYPES:
            raise ValueError(f"unknown event type {kind!r}; one of {', '.join(EVENT_TYPES)}")
        if given.get("variant", "normal") not in VARIANTS:
            raise ValueError(f"unknown variant {given['variant']!r}; one of {', '.join(VARIANTS)}")
        self._events += 1
        moment = _stamp(self.now())
        event: Json = {
            "event_id": f"evt-{self.settings['source']}-{self._events:06d}",
            "event_type": kind,
            "occurred_at": moment,
            "schema_version": "1",
            "source": self.settings["source"],
            "warehouse_code": self.settings["warehouse_code"],
            "receipt_id": given.get("receipt_id") or self._receipt(),
            "revision": 1,
            "rma_number": None,
            "order_number": None,
            "tracking_number": None,
            "received_at": moment,
            "inspected_at": moment if kind == "return.inspected" else None,
            "inspected_by": None,
        }
        event.update({name: value for name, value in given.items() if name != "variant"})
        lines = given.get("lines", [])
        event["lines"] = [_line(line, position, kind) for position, line in enumerate(lines, 1)]
        return event

    def _receipt(self) -> str:
        self._receipts += 1
        return f"GR-{self._receipts:06d}"

    def _scan(self, given: Json) -> list[Json]:
        """Receive and then inspect: `units` is [{sku, disposition, quantity?, rma_line_ref?, condition?, …}].

        Both messages are about one receipt; the second is a higher revision and replaces the first (sheet §2.1).
        `units` of one SKU and one portal line form one line with several dispositions.
        """
        head = {name: value for name, value in given.items() if name not in ("units", "event_type", "lines", "variant")}
        head["receipt_id"] = given.get("receipt_id") or self._receipt()
        revision = int(given.get("revision", 1))
        counted, looked_at = _scan_lines(given["units"])
        received = self.event({**head, "revision": revision, "event_type": "return.received", "lines": counted})
        inspected = {**head, "revision": revision + 1, "event_type": "return.inspected", "lines": looked_at}
        return [received, self.event(inspected)]

    def _send(self, event: Json, variant: str) -> None:
        """Queue the message, in the way asked for; a duplicate is the same bytes and id, twice."""
        self._queue([self._message(event, variant) for _ in range(2 if variant == "duplicate" else 1)])

    def _queue(self, messages: list[Message]) -> None:
        if self.holding:
            self.held += messages
            return
        task = asyncio.get_running_loop().create_task(self._in_turn(messages))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _in_turn(self, messages: list[Message]) -> None:
        """Each is tried once before the next one starts, so that they arrive in this order."""
        for message in messages:
            self.sender.send(message)
            while not message.statuses and not message.cancelled:
                await asyncio.sleep(0.002)

    def _message(self, event: Json, variant: str) -> Message:
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        body = body[: len(body) // 2] if variant == "truncated" else body
        secrets = self.settings["secret"]
        secrets = [secrets] if isinstance(secrets, str) else secrets
        if variant == "bad_signature":
            secrets = ["whsec_" + base64.b64encode(b"somebody else's secret").decode()]
        event_id = str(event["event_id"])

        def signed() -> dict[str, str]:
            """The time of the attempt is signed, so a retry is not stale."""
            timestamp = int(time.time()) - (STALE_S if variant == "stale" else 0)
            signatures = " ".join(sign(secret, event_id, timestamp, body) for secret in secrets)
            return {"webhook-timestamp": str(timestamp), "webhook-signature": signatures}

        headers = {"content-type": "application/json", "webhook-id": event_id}
        if self.settings["url"] is None:
            raise ValueError("the world names no url to send to")
        return Message(
            self.settings["url"],
            body,
            headers,
            event["event_type"],
            sign=signed,
            event_id=event["event_id"],
            variant=variant,
        )

    def _release(self, given: Json) -> int:
        """Let held messages go, `reversed` if asked; `drop` loses them."""
        going = [] if given.get("drop") else list(self.held)
        if given.get("order") == "reversed":
            going.reverse()
        self.held.clear()
        self.holding = False
        self._queue(going)
        return len(going)


def _named(event: Json) -> Json:
    return {name: event[name] for name in ("event_id", "event_type", "receipt_id", "revision")}


def _line(given: Json, position: int, kind: str) -> Json:
    """A line with the required fields filled in; everything the test wrote stays as it wrote it."""
    pending = kind != "return.inspected"
    line: Json = {
        "line_id": str(position),
        "rma_line_ref": None,
        "sku": None,
        "barcode": None,
        "expected_quantity": None,
        "received_quantity": 1,
        "rejected_quantity": 0,
        "inspection_status": "pending" if pending else "passed",
        **deepcopy(given),
    }
    if not pending:
        line.setdefault("dispositions", [])
    return line


def _scan_lines(units: list[Json]) -> tuple[list[Json], list[Json]]:
    """The lines of the two messages of a scan, counted and inspected."""
    groups: dict[tuple[Any, Any], list[Json]] = {}
    for unit in units:
        groups.setdefault((unit.get("sku") or unit.get("barcode"), unit.get("rma_line_ref")), []).append(unit)
    counted, inspected = [], []
    for position, ((_, reference), members) in enumerate(groups.items(), 1):
        quantity = sum(int(unit.get("quantity", 1)) for unit in members)
        rejected = sum(int(unit.get("quantity", 1)) for unit in members if unit.get("rejected"))
        line = {
            "line_id": str(position),
            "rma_line_ref": reference,
            "sku": members[0].get("sku"),
            "barcode": members[0].get("barcode"),
            "expected_quantity": members[0].get("expected_quantity"),
            "received_quantity": quantity,
        }
        counted.append({**line, "inspection_status": "pending"})
        dispositions = [_disposition(unit) for unit in members if not unit.get("rejected")]
        status = "passed" if not rejected else "failed" if rejected == quantity else "partial"
        inspected.append(
            {**line, "rejected_quantity": rejected, "inspection_status": status, "dispositions": dispositions}
        )
    return counted, inspected


def _disposition(unit: Json) -> Json:
    word = unit.get("disposition", "sellable")
    extra = (
        "grade",
        "reason_code",
        "location_code",
        "lot_number",
        "expiry_date",
        "serial_numbers",
        "notes",
        "image_urls",
    )
    return {
        "quantity": int(unit.get("quantity", 1)),
        "condition": unit.get("condition", CONDITIONS.get(word, "unknown")),
        "disposition": word,
        **{name: unit[name] for name in extra if name in unit},
    }


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


SIMULATOR = WarehouseSimulator
