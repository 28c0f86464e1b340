"""Webhooks of the simulated shop: subscriptions, signed deliveries, retries, deliveries gone wrong (shop sheet §2)."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from counterfoil.gateways.shopify.sim.wire import encode, sign, stamp
from counterfoil.simkit.sender import Delivery, WebhookSender

RETRIES = 8  # over four hours at the real vendor; scaled by `retry_seconds` here
Json = dict[str, Any]


@dataclass(slots=True)
class ShopDelivery(Delivery):
    """A delivery with what is needed to send it again."""

    record: int = 0
    webhook_id: str = ""
    subscription: int = 0
    cancelled: bool = False


@dataclass(slots=True)
class Subscription:
    """One topic sent to one address. Only those made over the API are deleted after failures."""

    id: int
    topic: str
    address: str
    created_at: str
    by_api: bool

    def body(self, version: str) -> Json:
        """The subscription's REST body."""
        return {
            "id": self.id,
            "topic": self.topic,
            "address": self.address,
            "format": "json",
            "fields": [],
            "api_version": version,
            "created_at": self.created_at,
            "updated_at": self.created_at,
        }


class Hooks:
    """Sends what happened to whoever subscribed. Held deliveries can be reordered or lost by a test."""

    def __init__(self) -> None:
        self.sender = WebhookSender(self._retry)
        self.subscriptions: list[Subscription] = []
        self.held: list[ShopDelivery] = []
        self.holding = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._random = random.Random(0)
        self._settings: Json = {}
        self._now: Callable[[], datetime] | None = None

    def load(self, settings: Json, now: Callable[[], datetime], seed: int) -> None:
        """Forget every delivery and subscription; those under way are not tried again."""
        for delivery in self.deliveries:
            delivery.cancelled = True
        self.sender.deliveries.clear()
        for task in self._tasks:
            task.cancel()
        self.subscriptions.clear()
        self.held.clear()
        self.holding = False
        self._random = random.Random(seed)
        self._settings, self._now = settings, now

    @property
    def deliveries(self) -> list[ShopDelivery]:
        """Everything sent so far."""
        return [delivery for delivery in self.sender.deliveries if isinstance(delivery, ShopDelivery)]

    def new_id(self) -> str:
        """A delivery or event id, the same series for the same seed."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def wanted(self, topic: str) -> bool:
        """Whether anybody subscribed to the topic."""
        return any(subscription.topic == topic for subscription in self.subscriptions)

    def announce(self, topic: str, record: int, body: Json, event_id: str) -> None:
        """Queue one delivery for each subscription of the topic."""
        raw = encode(body)
        for subscription in self.subscriptions:
            if subscription.topic == topic:
                self._queue(self.delivery(topic, record, raw, subscription.address, event_id, subscription.id))

    def delivery(
        self, topic: str, record: int, raw: bytes, address: str, event_id: str, subscription: int
    ) -> ShopDelivery:
        """A signed delivery with a new webhook id."""
        webhook_id = self.new_id()
        assert self._now is not None, "hooks are used before they were loaded"
        headers = {
            "Content-Type": "application/json",
            "X-Shopify-Topic": topic,
            "X-Shopify-Hmac-SHA256": sign(self._settings["client_secret"], raw),
            "X-Shopify-Shop-Domain": self._settings["shop_domain"],
            "X-Shopify-API-Version": self._settings["refund_version"],
            "X-Shopify-Webhook-Id": webhook_id,
            "X-Shopify-Event-Id": event_id,
            "X-Shopify-Triggered-At": stamp(self._now()),
        }
        return ShopDelivery(
            address, raw, headers, topic, record=record, webhook_id=webhook_id, subscription=subscription
        )

    def _queue(self, delivery: ShopDelivery) -> None:
        if self.holding:
            self.held.append(delivery)
        else:
            self.sender.send(delivery)

    def again(self, topic: str, record: int, variant: str, body: Json, address: str | None) -> list[str]:
        """Send a record again, in one of the ways deliveries go wrong; returns the webhook ids used."""
        targets = [(address, 0)] if address else [(s.address, s.id) for s in self.subscriptions if s.topic == topic]
        sent = []
        for target, subscription in targets:
            delivery = self._variant(topic, record, variant, body, target, subscription)
            self._queue(delivery)
            sent.append(delivery.webhook_id)
        return sent

    def _variant(
        self, topic: str, record: int, variant: str, body: Json, address: str, subscription: int
    ) -> ShopDelivery:
        earlier = [d for d in self.deliveries if (d.topic, d.record, d.url) == (topic, record, address)]
        if variant in ("duplicate", "new_id") and earlier:
            first = earlier[-1]
            copy = self.delivery(topic, record, first.body, address, first.headers["X-Shopify-Event-Id"], subscription)
            if variant == "duplicate":
                copy.headers, copy.webhook_id = dict(first.headers), first.webhook_id
            return copy
        raw = encode(body)
        raw = {"truncated": raw[: len(raw) // 2], "empty": b""}.get(variant, raw)
        delivery = self.delivery(topic, record, raw, address, self.new_id(), subscription)
        changed = dict(delivery.headers)
        if variant == "wrong_signature":
            changed["X-Shopify-Hmac-SHA256"] = sign("not-" + self._settings["client_secret"], raw)
        if variant == "old_version":
            changed["X-Shopify-API-Version"] = "2024-07"
        delivery.headers = changed
        return delivery

    def release(self, order: str, drop: bool | list[str]) -> int:
        """Let held deliveries go, one after the other, in the order asked for; `drop` loses all or some topics."""
        going = [d for d in self.held if not (drop is True or (isinstance(drop, list) and d.topic in drop))]
        self.held.clear()
        self.holding = False
        if order == "reversed":
            going.reverse()
        elif order == "shuffled":
            self._random.shuffle(going)
        task = asyncio.get_running_loop().create_task(self._in_turn(going))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return len(going)

    async def _in_turn(self, deliveries: list[ShopDelivery]) -> None:
        """Each delivery is tried once before the next one starts, so that the order is the order of arrival."""
        for delivery in deliveries:
            self.sender.send(delivery)
            while not delivery.statuses and not delivery.cancelled:
                await asyncio.sleep(0.002)

    def _retry(self, delivery: Delivery, status: int, headers: Mapping[str, str]) -> float | None:
        """Eight more attempts at growing distance; then an API-made subscription is gone (§2)."""
        if not isinstance(delivery, ShopDelivery) or delivery.cancelled:
            return None
        if delivery.attempts > RETRIES:
            if self._settings["delete_failed_subscriptions"]:
                lost = delivery.subscription
                self.subscriptions[:] = [s for s in self.subscriptions if not (s.by_api and s.id == lost)]
            return None
        return float(self._settings["retry_seconds"] * (1 << (delivery.attempts - 1)))

    async def stop(self) -> None:
        """End what is under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.sender.stop()

    def state(self) -> list[Json]:
        """Every delivery for `/__sim/state`."""
        return [
            {
                "topic": d.topic,
                "record": str(d.record),
                "url": d.url,
                "webhook_id": d.webhook_id,
                "attempts": d.attempts,
                "statuses": list(d.statuses),
                "done": d.done,
            }
            for d in self.deliveries
        ]
