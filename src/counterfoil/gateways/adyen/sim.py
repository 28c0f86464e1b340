"""A small Adyen: notifications whose items are each signed, sent until they are answered with `[accepted]` (§10, §12).

World, all optional: `hmac_key` (hexadecimal), `url` (where notifications go), `retry_seconds`, `merchant_account`,
`live`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import httpx2

from counterfoil.simkit.http import Request, Response, json_response
from counterfoil.simkit.sender import Delivery, WebhookSender
from counterfoil.simkit.server import Simulator

Json = dict[str, Any]
VARIANTS = ("normal", "duplicate", "tampered", "second_item_tampered", "wrong_key", "unsigned", "truncated")
MOVES = {"fail": "REFUND_FAILED", "reverse": "REFUNDED_REVERSED"}
ATTEMPTS = 4
NOT_TAKEN = 0  # how an answer without the right words is counted: as if there had been none
DEFAULTS: Json = {
    "hmac_key": "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF",
    "url": None,
    "retry_seconds": 0.2,
    "merchant_account": "ExampleMerchant",
    "live": "false",
}


def sign(key: str, item: Json) -> str:
    """The signature of one item over its eight fields, joined by colons as they stand (§10)."""
    fields = [
        item.get("pspReference"),
        item.get("originalReference"),
        item.get("merchantAccountCode"),
        item.get("merchantReference"),
        item["amount"]["value"],
        item["amount"]["currency"],
        item["eventCode"],
        item["success"],
    ]
    text = ":".join("" if field is None else str(field) for field in fields)
    return base64.b64encode(hmac.new(bytes.fromhex(key), text.encode(), hashlib.sha256).digest()).decode()


@dataclass(slots=True)
class Notification(Delivery):
    """One notification under way, and the last answer to it."""

    variant: str = "normal"
    answer: str = ""
    answer_status: int = 0
    cancelled: bool = False


class _Sender(WebhookSender):
    """Only a 200 with the words `[accepted]` ends the sending (§10)."""

    async def _attempt(self, delivery: Delivery) -> tuple[int, Mapping[str, str]]:
        assert isinstance(delivery, Notification), "only notifications are sent"
        assert self._client is not None, "the sender is used before start()"
        delivery.attempts += 1
        try:
            answer = await self._client.post(delivery.url, content=delivery.body, headers=dict(delivery.headers))
        except httpx2.HTTPError as error:
            delivery.answer, delivery.answer_status = f"no answer: {type(error).__name__}", 0
            return 0, {}
        delivery.answer, delivery.answer_status = answer.text, answer.status_code
        taken = answer.status_code == 200 and answer.text.strip() == "[accepted]"
        status = answer.status_code if taken or answer.status_code >= 300 else NOT_TAKEN
        return status, {name.lower(): value for name, value in answer.headers.items()}


class AdyenSimulator(Simulator):
    """Refunds that are sent, refused, fail later or come back, and notifications about them."""

    vendor: ClassVar[str] = "adyen"

    def __init__(self, world: Mapping[str, Any] | None = None, seed: int = 0) -> None:
        self.sender = _Sender(self.retry)
        super().__init__(world, seed)

    def load(self, world: Json) -> None:
        """Take a world; notifications under way are not tried again."""
        for notification in self.notifications:
            notification.cancelled = True
        self.sender.deliveries.clear()
        self.settings: Json = {**DEFAULTS, **{name: world[name] for name in DEFAULTS if name in world}}
        self.refunds: dict[str, Json] = {}
        self._made = 0

    @property
    def notifications(self) -> list[Notification]:
        """Everything sent so far."""
        return [delivery for delivery in self.sender.deliveries if isinstance(delivery, Notification)]

    async def start(self) -> None:
        """Begin to deliver."""
        await self.sender.start()

    async def stop(self) -> None:
        """Stop delivering."""
        await self.sender.stop()

    def retry(self, delivery: Delivery, _status: int, _headers: Mapping[str, str]) -> float | None:
        """Everything that is not `[accepted]` is sent again, three times (the real schedule is not in the sheet)."""
        gone = isinstance(delivery, Notification) and delivery.cancelled
        if gone or delivery.attempts >= ATTEMPTS:
            return None
        return float(self.settings["retry_seconds"] * (1 << (delivery.attempts - 1)))

    async def handle(self, request: Request) -> Response:
        """There is nothing to read here: it only sends."""
        return _error(404, "000", f"nothing at {request.path}")

    def refusal(self, kind: str) -> Response:
        """The error shape of the API (inferred)."""
        return _error(int(kind), f"9{kind}", f"simulated {kind}")

    def state(self) -> Json:
        """Refunds, and notifications with the answers to them."""
        return {
            "refunds": list(self.refunds.values()),
            "notifications": [
                {
                    "topic": notification.topic,
                    "variant": notification.variant,
                    "attempts": notification.attempts,
                    "statuses": list(notification.statuses),
                    "answer": notification.answer,
                    "answer_status": notification.answer_status,
                    "done": notification.done,
                }
                for notification in self.notifications
            ],
        }

    # -- making things happen

    async def control(self, request: Request) -> Response | None:
        """`refunds` (one or several in one notification), `refunds/{ref}/fail|reverse`, `emit`, `settings`."""
        given = request.json() if request.body else {}
        try:
            match request.path.removeprefix("/__sim/").split("/"):
                case ["refunds"] if request.method == "POST":
                    made = [self._refund(one) for one in given.get("refunds", [given])]
                    self._notify(made, given.get("variant", "normal"))
                    return json_response({"refunds": made}, 201)
                case ["refunds", ref, move] if move in MOVES:
                    later = {**deepcopy(self.refunds[ref]), "eventCode": MOVES[move], "success": "true"}
                    later["reason"] = given.get("reason", "")
                    self._notify([later], given.get("variant", "normal"))
                    return json_response(later)
                case ["emit"]:
                    self._notify(given["items"], given.get("variant", "normal"))
                    return json_response({"sent": True}, 201)
                case ["settings"]:
                    self.settings.update({name: given[name] for name in given if name in DEFAULTS})
                    return json_response(self.settings)
        except (ValueError, KeyError) as problem:
            return json_response({"error": f"{problem}"}, 422)
        return None

    def _refund(self, given: Json) -> Json:
        """An item of event code REFUND, or of the one asked for; `success` false is a refusal."""
        self._made += 1
        item: Json = {
            "eventCode": given.get("eventCode", "REFUND"),
            "success": "true" if given.get("success", True) else "false",
            "eventDate": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S+00:00}",
            "merchantAccountCode": self.settings["merchant_account"],
            "merchantReference": given.get("merchantReference", ""),
            "originalReference": given.get("originalReference", ""),
            "pspReference": given.get("pspReference") or f"SIM{self.seed:03d}REFUND{self._made:04d}",
            "amount": {"value": int(given["value"]), "currency": given.get("currency", "EUR")},
            "paymentMethod": given.get("paymentMethod", "visa"),
            "reason": given.get("reason", ""),
        }
        self.refunds[item["pspReference"]] = item
        return item

    def _notify(self, items: list[Json], variant: str) -> None:
        if variant not in VARIANTS:
            raise ValueError(f"unknown variant {variant!r}; one of {', '.join(VARIANTS)}")
        if self.settings["url"] is None:
            return
        wrapped = [self._signed(item, variant, position) for position, item in enumerate(items)]
        notification = {"live": self.settings["live"], "notificationItems": wrapped}
        body = json.dumps(notification, ensure_ascii=False, separators=(",", ":")).encode()
        body = body[: len(body) // 2] if variant == "truncated" else body
        topic = ",".join(str(item.get("eventCode")) for item in items)
        for _ in range(2 if variant == "duplicate" else 1):
            headers = {"content-type": "application/json; charset=utf-8"}
            self.sender.send(Notification(self.settings["url"], body, headers, topic, variant=variant))

    def _signed(self, item: Json, variant: str, position: int) -> Json:
        item = deepcopy(item)
        extra = dict(item.get("additionalData") or {})
        if variant != "unsigned":
            key = "FF" * 32 if variant == "wrong_key" else self.settings["hmac_key"]
            extra["hmacSignature"] = sign(key, item)
        item["additionalData"] = extra
        if variant == "tampered" or (variant == "second_item_tampered" and position == 1):
            item["amount"]["value"] += 1
        return {"NotificationRequestItem": item}


def _error(status: int, code: str, message: str) -> Response:
    return json_response({"status": status, "errorCode": code, "message": message, "errorType": "simulated"}, status)


SIMULATOR = AdyenSimulator
