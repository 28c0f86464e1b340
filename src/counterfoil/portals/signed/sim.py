"""A small portal that speaks the proposed format: returns that move from state to state, told by signed webhooks.

World, all optional: `url` (where webhooks go), `signing_secrets` (every one signs, as during a roll-over),
`retry_seconds`. Control: `POST /__sim/returns` makes one, `POST /__sim/returns/{id}/{approve|ship|pay|cancel}` moves
it, `POST /__sim/emit` sends its present state again, with a `variant`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, ClassVar

from counterfoil.simkit.http import Request, Response, json_response
from counterfoil.simkit.sender import Delivery, WebhookSender
from counterfoil.simkit.server import Simulator

Json = dict[str, Any]
ATTEMPTS = 5
STALE_S = 3600
STATES = {"approve": "approved", "ship": "approved", "pay": "completed", "cancel": "cancelled"}
EXAMPLE_SECRET = "whsec_" + base64.b64encode(b"a secret of the simulated portal").decode()
VARIANTS = ("normal", "tampered", "stale", "wrong_secret", "unsigned", "truncated")


def sign(secrets: list[str], message: str, moment: int, body: bytes) -> str:
    """The header of Standard Webhooks: one `v1` per secret."""
    signed = f"{message}.{moment}.".encode() + body
    keys = [base64.b64decode(secret.removeprefix("whsec_")) for secret in secrets]
    return " ".join("v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys)


class SignedPortalSimulator(Simulator):
    """Returns, their payments, and what was told of them."""

    vendor: ClassVar[str] = "signed"

    def __init__(self, world: Mapping[str, Any] | None = None, seed: int = 0) -> None:
        self.sender = WebhookSender(self._retry)
        super().__init__(world, seed)

    def load(self, world: Json) -> None:
        """Take a world."""
        self.url: str | None = world.get("url")
        self.secrets: list[str] = world.get("signing_secrets", [EXAMPLE_SECRET])
        self.retry_seconds = float(world.get("retry_seconds", 0.05))
        self.returns: dict[str, Json] = {}
        self.events = 0
        self.sender.deliveries.clear()

    def _retry(self, delivery: Delivery, _status: int, _headers: Mapping[str, str]) -> float | None:
        return self.retry_seconds if delivery.attempts < ATTEMPTS else None

    async def start(self) -> None:
        """Begin to deliver."""
        await self.sender.start()

    async def stop(self) -> None:
        """Stop delivering."""
        await self.sender.stop()

    def state(self) -> Json:
        """Returns and deliveries."""
        sent = [{"url": one.url, "statuses": one.statuses, "done": one.done} for one in self.sender.deliveries]
        return {"returns": list(self.returns.values()), "deliveries": sent}

    async def handle(self, request: Request) -> Response:
        """Nothing can be asked of this portal."""
        return json_response({"error": "this portal has no API"}, 404)

    async def control(self, request: Request) -> Response | None:
        """Make, move and tell."""
        if request.method != "POST":
            return None
        match request.path.removeprefix("/__sim/").split("/"):
            case ["returns"]:
                made = self._make(request.json())
                return json_response(made, 201)
            case ["returns", number, step] if number in self.returns and step in STATES:
                return json_response(self._move(self.returns[number], step, request.json() or {}))
            case ["emit"]:
                asked = request.json()
                self._tell(self.returns[asked["id"]], asked.get("variant", "normal"))
                return json_response({"sent": True})
        return None

    def _make(self, given: Json) -> Json:
        moment = given.pop("at", "2026-11-02T08:00:00Z")
        number = str(given.get("id") or f"RET-{len(self.returns) + 1:04d}")
        made = {"state": "requested", "created_at": moment, "updated_at": moment, "refunds": [], **given, "id": number}
        self.returns[number] = made
        self._tell(made)
        return made

    def _move(self, made: Json, step: str, given: Json) -> Json:
        made["state"] = STATES[step]
        made["updated_at"] = given.get("at", made["updated_at"])
        if step == "ship":
            made["parcel"] = {"carrier": "Example Post", "tracking_number": given["tracking"], "state": "in_transit"}
        if step == "pay":
            made["refunds"] = given["refunds"]
        self._tell(made)
        return made

    def _tell(self, made: Json, variant: str = "normal") -> None:
        if self.url is None:
            return
        self.events += 1
        event = {"event_id": f"evt_{self.events:06d}", "type": "return.updated", "return": deepcopy(made)}
        body = json.dumps(event, ensure_ascii=False).encode()
        moment = int(time.time()) - (STALE_S if variant == "stale" else 0)
        secrets = [EXAMPLE_SECRET[:-8] + "AAAAAAA="] if variant == "wrong_secret" else self.secrets
        message = f"msg_{self.events:06d}"
        headers = {"content-type": "application/json", "webhook-id": message, "webhook-timestamp": str(moment)}
        if variant == "truncated":
            body = body[: len(body) // 2]
        if variant != "unsigned":
            headers["webhook-signature"] = sign(secrets, message, moment, body)
        if variant == "tampered":
            body = body.replace(b"GBP", b"EUR")
        self.sender.send(Delivery(url=self.url, body=body, headers=headers, topic="return.updated"))


SIMULATOR = SignedPortalSimulator
