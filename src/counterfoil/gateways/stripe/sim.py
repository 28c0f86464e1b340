"""A small Stripe: refunds with their states, and signed events about them (payments sheet §9, §12).

World, all optional: `signing_secrets` (every one signs, as during a roll-over), `url` (where events go),
`retry_seconds`, `refunds` (refund objects that exist already), `livemode`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, ClassVar

from counterfoil.simkit.http import Request, Response, json_response
from counterfoil.simkit.sender import Delivery, WebhookSender
from counterfoil.simkit.server import Simulator

Json = dict[str, Any]
VARIANTS = ("normal", "duplicate", "tampered", "stale", "wrong_secret", "unsigned", "truncated")
MOVES = {"succeed": "succeeded", "fail": "failed", "cancel": "canceled", "require_action": "requires_action"}
STATUSES = ("pending", "requires_action", "succeeded", "failed", "canceled")
STALE_S = 3600  # well past the 300 s a receiver tolerates
ATTEMPTS = 4
API_VERSION = "2024-10-28.acacia"  # the first that sends refund.* for every refund (§9)
DEFAULTS: Json = {
    "signing_secrets": ["whsec_example_secret_of_the_endpoint"],
    "url": None,
    "retry_seconds": 0.2,
    "livemode": False,
}


def sign(secrets: list[str], moment: int, body: bytes) -> str:
    """The header: one `v1` per secret over `{t}.{body}`, and a `v0` that receivers must ignore (§9)."""
    text = f"{moment}.".encode() + body
    parts = [f"v1={hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()}" for secret in secrets]
    return ",".join([f"t={moment}", *parts, f"v0={hashlib.sha256(text).hexdigest()}"])


@dataclass(slots=True)
class EventDelivery(Delivery):
    """One event under way."""

    event_id: str = ""
    variant: str = "normal"
    cancelled: bool = False


class StripeSimulator(Simulator):
    """Refunds that move from state to state, and tell."""

    vendor: ClassVar[str] = "stripe"

    def __init__(self, world: Mapping[str, Any] | None = None, seed: int = 0) -> None:
        self.sender = WebhookSender(self.retry)
        super().__init__(world, seed)

    def load(self, world: Json) -> None:
        """Take a world; events under way are not tried again."""
        for delivery in self.deliveries:
            delivery.cancelled = True
        self.sender.deliveries.clear()
        self.settings: Json = {**DEFAULTS, **{name: world[name] for name in DEFAULTS if name in world}}
        self.refunds: dict[str, Json] = {refund["id"]: refund for refund in world.get("refunds", [])}
        self.events: list[Json] = []
        self._made = 0

    @property
    def deliveries(self) -> list[EventDelivery]:
        """Everything sent so far."""
        return [delivery for delivery in self.sender.deliveries if isinstance(delivery, EventDelivery)]

    async def start(self) -> None:
        """Begin to deliver."""
        await self.sender.start()

    async def stop(self) -> None:
        """Stop delivering."""
        await self.sender.stop()

    def retry(self, delivery: Delivery, _status: int, _headers: Mapping[str, str]) -> float | None:
        """Everything but a 2xx is tried again, three times (the real schedule is longer and not in the sheet)."""
        gone = isinstance(delivery, EventDelivery) and delivery.cancelled
        if gone or delivery.attempts >= ATTEMPTS:
            return None
        return float(self.settings["retry_seconds"] * (1 << (delivery.attempts - 1)))

    async def handle(self, request: Request) -> Response:
        """`GET /v1/refunds` (by charge or payment_intent) and `GET /v1/refunds/{id}`."""
        if request.method == "GET" and request.path == "/v1/refunds":
            wanted = {name: request.param(name) for name in ("charge", "payment_intent") if request.param(name)}
            found = [refund for refund in self.refunds.values() if wanted.items() <= refund.items()]
            return json_response({"object": "list", "url": "/v1/refunds", "has_more": False, "data": found})
        refund = self.refunds.get(request.path.removeprefix("/v1/refunds/"))
        if request.method == "GET" and refund is not None:
            return json_response(refund)
        return _error(404, "invalid_request_error", "resource_missing", f"No such record: {request.path}")

    def refusal(self, kind: str) -> Response:
        """The error shape of the API."""
        return _error(int(kind), "api_error", f"simulated_{kind}", f"simulated {kind}")

    def state(self) -> Json:
        """Refunds, events and what became of their deliveries."""
        return {
            "refunds": list(self.refunds.values()),
            "events": self.events,
            "deliveries": [
                {
                    "event_id": delivery.event_id,
                    "type": delivery.topic,
                    "variant": delivery.variant,
                    "attempts": delivery.attempts,
                    "statuses": list(delivery.statuses),
                    "done": delivery.done,
                }
                for delivery in self.deliveries
            ],
        }

    # -- making things happen

    async def control(self, request: Request) -> Response | None:
        """`refunds`, `refunds/{id}/succeed|fail|cancel|require_action`, `charge_refunded`, `emit`, `settings`."""
        given = request.json() if request.body else {}
        path = request.path.removeprefix("/__sim/")
        try:
            match path.split("/"):
                case ["refunds"] if request.method == "POST":
                    return json_response(self._create(given), 201)
                case ["refunds", ref, move]:
                    return json_response(self._move(ref, move, given))
                case ["charge_refunded"]:
                    self._event("charge.refunded", self._charge(given), None, given)
                    return json_response({"sent": True}, 201)
                case ["emit"]:
                    self._event(given["type"], given["object"], given.get("previous_attributes"), given)
                    return json_response({"sent": True}, 201)
                case ["settings"]:
                    self.settings.update({name: given[name] for name in given if name in DEFAULTS})
                    return json_response(self.settings)
        except (ValueError, KeyError) as problem:
            return json_response({"error": f"{problem}"}, 422)
        return None

    def _create(self, given: Json) -> Json:
        """A refund of a payment; `refund.created` tells it. Raises ValueError for an unknown status."""
        status = given.get("status", "succeeded")
        if status not in STATUSES:
            raise ValueError(f"unknown status {status!r}; one of {', '.join(STATUSES)}")
        refund: Json = {
            "id": given.get("id") or self._id("re"),
            "object": "refund",
            "amount": int(given["amount"]),
            "balance_transaction": self._id("txn"),
            "charge": given.get("charge"),
            "created": int(time.time()),
            "currency": str(given.get("currency", "gbp")).lower(),
            "destination_details": {"card": {"type": "refund", "reference_status": "pending"}, "type": "card"},
            "metadata": given.get("metadata", {}),
            "payment_intent": given.get("payment_intent"),
            "reason": given.get("reason"),
            "receipt_number": None,
            "status": status,
        }
        self.refunds[refund["id"]] = refund
        self._event("refund.created", refund, None, given)
        return refund

    def _move(self, ref: str, move: str, given: Json) -> Json:
        """To another state. A failure fires `refund.failed`, also of money that had left; the rest `refund.updated`."""
        if move not in MOVES or ref not in self.refunds:
            raise ValueError(f"no refund {ref} that could {move}")
        refund = self.refunds[ref]
        before = {"status": refund["status"]}
        refund["status"] = MOVES[move]
        if move == "fail":
            refund["failure_balance_transaction"] = self._id("txn")
            refund["failure_reason"] = given.get("failure_reason", "expired_or_canceled_card")
        self._event("refund.failed" if move == "fail" else "refund.updated", refund, before, given)
        return refund

    def _charge(self, given: Json) -> Json:
        """The charge as `charge.refunded` sends it: a running total and no refund (§9)."""
        charge = given["charge"]
        total = sum(refund["amount"] for refund in self.refunds.values() if refund["charge"] == charge)
        return {
            "id": charge,
            "object": "charge",
            "amount": given.get("amount", total),
            "amount_refunded": total,
            "currency": str(given.get("currency", "gbp")).lower(),
            "refunded": total >= given.get("amount", total),
        }

    def _event(self, kind: str, record: Json, before: Json | None, given: Json) -> None:
        data: Json = {"object": deepcopy(record)}
        if before is not None:
            data["previous_attributes"] = before
        event = {
            "id": self._id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": int(time.time()),
            "type": kind,
            "livemode": self.settings["livemode"],
            "data": data,
            "request": {"id": None, "idempotency_key": None},
        }
        self.events.append(event)
        if self.settings["url"] is None:
            return
        variant = given.get("variant", "normal")
        if variant not in VARIANTS:
            raise ValueError(f"unknown variant {variant!r}; one of {', '.join(VARIANTS)}")
        for _ in range(2 if variant == "duplicate" else 1):
            self.sender.send(self._delivery(event, variant))

    def _delivery(self, event: Json, variant: str) -> EventDelivery:
        body = json.dumps(event, ensure_ascii=False, indent=2).encode()
        moment = int(time.time()) - (STALE_S if variant == "stale" else 0)
        secrets = ["whsec_of_somebody_else"] if variant == "wrong_secret" else self.settings["signing_secrets"]
        headers = {"content-type": "application/json; charset=utf-8", "stripe-signature": sign(secrets, moment, body)}
        if variant == "unsigned":
            del headers["stripe-signature"]
        if variant == "tampered":
            body = body.replace(b'"amount": ', b'"amount": 9')
        if variant == "truncated":
            body = body[: len(body) // 2]
            headers["stripe-signature"] = sign(secrets, moment, body)
        return EventDelivery(self.settings["url"], body, headers, event["type"], event_id=event["id"], variant=variant)

    def _id(self, prefix: str) -> str:
        self._made += 1
        return f"{prefix}_sim{self.seed}{self._made:08d}"


def _error(status: int, kind: str, code: str, message: str) -> Response:
    return json_response({"error": {"type": kind, "code": code, "message": message}}, status)


SIMULATOR = StripeSimulator
