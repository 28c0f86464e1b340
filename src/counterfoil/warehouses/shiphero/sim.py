"""A small ShipHero: returns whose items are received in running totals, told by “Return Update” (warehouse sheet §1).

World, all optional: `url` (where webhooks go), `secret`, `retry_seconds`. Control: `returns` makes one (and tells it),
`returns/{id}/receive` raises or lowers the totals, `hold` and `release` let webhooks wait and come in another order,
`emit` tells the present state again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, ClassVar

from counterfoil.simkit.http import Request, Response, json_response
from counterfoil.simkit.sender import Delivery, WebhookSender
from counterfoil.simkit.server import Simulator

Json = dict[str, Any]
EXAMPLE_SECRET = "a shared secret of the simulated hero"  # noqa: S105 - of the simulator
ATTEMPTS = 5
VARIANTS = ("normal", "duplicate", "tampered", "wrong_secret", "unsigned", "truncated")


class ShipHeroSimulator(Simulator):
    """Returns and their totals."""

    vendor: ClassVar[str] = "shiphero"

    def __init__(self, world: Mapping[str, Any] | None = None, seed: int = 0) -> None:
        self.sender = WebhookSender(self._retry)
        super().__init__(world, seed)

    def load(self, world: Json) -> None:
        """Take a world."""
        self.url: str | None = world.get("url")
        self.secret: str = world.get("secret", EXAMPLE_SECRET)
        self.retry_seconds = float(world.get("retry_seconds", 0.05))
        self.returns: dict[str, Json] = {}
        self.held: list[Delivery] = []
        self.holding = False
        self._told = 0
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
        sent = [{"statuses": one.statuses, "done": one.done} for one in self.sender.deliveries]
        return {"returns": list(self.returns.values()), "deliveries": sent, "held": len(self.held)}

    async def handle(self, request: Request) -> Response:
        """Our product asks ShipHero nothing, so nothing is served."""
        return json_response({"errors": [{"message": "not found"}]}, 404)

    async def control(self, request: Request) -> Response | None:
        """Make, receive, hold and tell."""
        if request.method != "POST":
            return None
        given = request.json() if request.body else {}
        try:
            match request.path.removeprefix("/__sim/").split("/"):
                case ["returns"]:
                    return json_response(self._make(given), 201)
                case ["returns", number, "receive"]:
                    return json_response(self._receive(self.returns[number], given))
                case ["hold"]:
                    self.holding = True
                    return json_response({"holding": True})
                case ["release"]:
                    return json_response({"released": self._release(reverse=given.get("order") == "reversed")})
                case ["emit"]:
                    self._tell(self.returns[str(given["id"])], given.get("variant", "normal"))
                    return json_response({"sent": True})
        except (KeyError, ValueError) as problem:
            return json_response({"error": str(problem)}, 422)
        return None

    def _make(self, given: Json) -> Json:
        number = str(500_000 + len(self.returns) + 1)
        items = [
            {
                "id": f"{number}{place:02d}",
                "uuid": f"item-{number}-{place}",
                "sku": row["sku"],
                "quantity": row["quantity"],
                "quantity_received": 0,
                "restock": None,
                "item_reason": row.get("reason"),
                "partner_line_item_id": row.get("partner_line_item_id"),
                "warehouse_id": row.get("warehouse_id", "LEEDS"),
            }
            for place, row in enumerate(given["items"], start=1)
        ]
        made = {
            "webhook_type": "Return Update",
            "return_id": number,
            "return_uuid": f"return-{number}",
            "status": "pending",
            "order_number": given.get("order_number"),
            "partner_order_id": given.get("partner_order_id"),
            "tracking_number": given.get("tracking_number"),
            "items": items,
        }
        self.returns[number] = made
        self._tell(made)
        return made

    def _receive(self, made: Json, given: Json) -> Json:
        """`items`: for each SKU the totals `received` and `restock` as they now stand."""
        for item in made["items"]:
            totals = given["items"].get(item["sku"])
            if totals is not None:
                item["quantity_received"] = totals["received"]
                item["restock"] = totals.get("restock")
        made["status"] = "processed" if all(i["quantity_received"] for i in made["items"]) else "pending"
        self._tell(made)
        return made

    def _release(self, *, reverse: bool) -> int:
        waiting, self.held, self.holding = self.held, [], False
        for delivery in reversed(waiting) if reverse else waiting:
            self.sender.send(delivery)
        return len(waiting)

    def _tell(self, made: Json, variant: str = "normal") -> None:
        if self.url is None:
            return
        if variant not in VARIANTS:
            raise ValueError(f"unknown variant {variant!r}; one of {', '.join(VARIANTS)}")
        if variant != "duplicate":
            self._told += 1
        body = json.dumps(deepcopy(made)).encode()
        if variant == "truncated":
            body = body[: len(body) // 2]
        headers = {"content-type": "application/json", "x-shiphero-message-id": f"m-{self._told}"}
        secret = "another secret" if variant == "wrong_secret" else self.secret
        if variant != "unsigned":
            signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
            headers["x-shiphero-hmac-sha256"] = signature
        if variant == "tampered":
            body = body.replace(b'"quantity_received": ', b'"quantity_received": 9')
        delivery = Delivery(url=self.url, body=body, headers=headers, topic="Return Update")
        if self.holding:
            self.held.append(delivery)
        else:
            self.sender.send(delivery)


SIMULATOR = ShipHeroSimulator
