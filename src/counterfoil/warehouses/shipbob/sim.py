"""A small ShipBob: returns that arrive and are completed, told by `return.completed` (warehouse sheet §1).

World, all optional: `url` (where webhooks go), `secret` ("whsec_…"; none: nothing is signed and only the address is
secret), `token`, `retry_seconds`. The API answers `GET /{version}/return` and `GET /{version}/return/{id}`. Control:
`returns` makes one, `returns/{id}/arrive|process|complete|cancel|hold` moves it, `emit` tells its state again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any, ClassVar

from counterfoil.simkit.http import Request, Response, json_response
from counterfoil.simkit.sender import Delivery, WebhookSender
from counterfoil.simkit.server import Simulator

Json = dict[str, Any]
EXAMPLE_SECRET = "whsec_" + base64.b64encode(b"a secret of the simulated bob...").decode()
ATTEMPTS = 5
STALE_S = 3600
STATUSES = {
    "arrive": "Arrived",
    "process": "Processing",
    "complete": "Completed",
    "cancel": "Cancelled",
    "hold": "ActionRequired",
}
VARIANTS = ("normal", "tampered", "stale", "wrong_secret", "unsigned", "truncated", "duplicate")
_PATH = re.compile(r"/(\d{4}-\d{2})/return(?:/(\d+))?/?")


class ShipBobSimulator(Simulator):
    """Returns and what was done with every unit of them."""

    vendor: ClassVar[str] = "shipbob"

    def __init__(self, world: Mapping[str, Any] | None = None, seed: int = 0) -> None:
        self.sender = WebhookSender(self._retry)
        super().__init__(world, seed)

    def load(self, world: Json) -> None:
        """Take a world."""
        self.url: str | None = world.get("url")
        self.secret: str | None = world.get("secret", EXAMPLE_SECRET)
        self.token: str = world.get("token", "shipbob-example-token")
        self.retry_seconds = float(world.get("retry_seconds", 0.05))
        self.returns: dict[str, Json] = {}
        self._told = 0
        self.sender.deliveries.clear()

    def _retry(self, delivery: Delivery, _status: int, _headers: Mapping[str, str]) -> float | None:
        """Exponential, as the sheet says; the figures are ours."""
        return self.retry_seconds * float(1 << delivery.attempts) if delivery.attempts < ATTEMPTS else None

    async def start(self) -> None:
        """Begin to deliver."""
        await self.sender.start()

    async def stop(self) -> None:
        """Stop delivering."""
        await self.sender.stop()

    def state(self) -> Json:
        """Returns and deliveries."""
        sent = [{"topic": one.topic, "statuses": one.statuses, "done": one.done} for one in self.sender.deliveries]
        return {"returns": list(self.returns.values()), "deliveries": sent}

    async def handle(self, request: Request) -> Response:
        """The two reads of the returns API."""
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return json_response({"error": "unauthorized"}, 401)
        found = _PATH.fullmatch(request.path)
        if found is None or request.method != "GET":
            return json_response({"error": "not found"}, 404)
        if found[2] is None:
            return json_response(list(self.returns.values()))
        made = self.returns.get(found[2])
        return json_response(made) if made else json_response({"error": "not found"}, 404)

    async def control(self, request: Request) -> Response | None:
        """Make, move and tell."""
        if request.method != "POST":
            return None
        given = request.json() if request.body else {}
        try:
            match request.path.removeprefix("/__sim/").split("/"):
                case ["returns"]:
                    return json_response(self._make(given), 201)
                case ["returns", number, step] if step in STATUSES:
                    return json_response(self._move(self.returns[number], step, given))
                case ["emit"]:
                    self._tell(self.returns[str(given["id"])], given.get("variant", "normal"))
                    return json_response({"sent": True})
        except (KeyError, ValueError) as problem:
            return json_response({"error": str(problem)}, 422)
        return None

    def _make(self, given: Json) -> Json:
        """`inventory` lists `sku`, `quantity` and, for numbered goods, `lot_number`; each inventory id once (§1)."""
        number = 884_000 + len(self.returns) + 1
        inventory = [
            {
                "id": 9000 + place,
                "name": row["sku"],
                "sku": row["sku"],
                "quantity": row["quantity"],
                "lot_number": row.get("lot_number"),
                "lot_date": row.get("lot_date"),
                "action_requested": {"action": "Default", "action_type": "Default", "instructions": None},
                "action_taken": [],
            }
            for place, row in enumerate(given["inventory"], start=1)
        ]
        made = {
            "id": number,
            "reference_id": given.get("reference_id"),
            "store_order_id": given.get("store_order_id"),
            "original_shipment_id": given.get("original_shipment_id"),
            "status": "AwaitingArrival",
            "return_type": "Regular",
            "tracking_number": given.get("tracking_number"),
            "fulfillment_center": given.get("fulfillment_center", {"id": "LEEDS", "name": "Leeds (GB)"}),
            "insert_date": _now(),
            "completed_date": None,
            "inventory": inventory,
        }
        self.returns[str(number)] = made
        return made

    def _move(self, made: Json, step: str, given: Json) -> Json:
        """`complete` takes `actions`: for each SKU what was done with how many."""
        made["status"] = STATUSES[step]
        if step == "complete":
            made["completed_date"] = given.get("at") or _now()
            for item in made["inventory"]:
                item["action_taken"] = [_action(row) for row in given["actions"].get(item["sku"], [])]
            self._tell(made)
        return made

    def _tell(self, made: Json, variant: str = "normal") -> None:
        if self.url is None:
            return
        if variant not in VARIANTS:
            raise ValueError(f"unknown variant {variant!r}; one of {', '.join(VARIANTS)}")
        if variant != "duplicate":
            self._told += 1
        body = json.dumps(deepcopy(made)).encode()
        moment = int(time.time()) - (STALE_S if variant == "stale" else 0)
        message = f"msg-{self._told}"
        headers = {"content-type": "application/json", "x-webhook-topic": "return.completed"}
        if variant == "truncated":
            body = body[: len(body) // 2]
        if self.secret is not None and variant != "unsigned":
            secret = "whsec_AAAA" if variant == "wrong_secret" else self.secret
            key = base64.b64decode(secret.removeprefix("whsec_"))
            text = f"{message}.{moment}.".encode() + body
            signature = "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
            headers |= {"webhook-id": message, "webhook-timestamp": str(moment), "webhook-signature": signature}
        if variant == "tampered":
            body = body.replace(b'"quantity_processed": 1', b'"quantity_processed": 9')
        self.sender.send(Delivery(url=self.url, body=body, headers=headers, topic="return.completed"))


def _action(row: Json) -> Json:
    return {
        "action": row["action"],
        "action_reason": row.get("reason"),
        "quantity_processed": row["quantity"],
        "image_url": row.get("image_url"),
    }


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S+00:00}"


SIMULATOR = ShipBobSimulator
