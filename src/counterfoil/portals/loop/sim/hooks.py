"""Webhooks of the simulated Loop: subscriptions, signed deliveries, retries, deliveries gone wrong (Loop sheet §3)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from counterfoil.portals.loop.sim.php import encode, reflow, sign
from counterfoil.simkit.sender import Delivery, WebhookSender

Json = dict[str, Any]
ATTEMPTS = 6  # one and five retries (§3.2)
NEVER_RETRIED = frozenset({400, 401, 403, 404, 405})
LONGEST_RETRY_AFTER_S = 30 * 60
VARIANTS = ("normal", "duplicate", "reflowed", "wrong_signature", "empty", "truncated", "old_typing")

TRIGGERS = {
    "return": ("return.created", "return.updated", "return.closed"),
    "return.processing": ("return.processing.failed",),
    "label": ("label.created", "label.updated", "label.requested", "label.closed"),
    "restock": ("restock.requested",),
    "giftcard": ("giftcard.requested",),
    "happy.returns.shipment": ("shipment.processed",),
    "label.request": ("label.request.issued", "label.request.cancelled"),
}

# Given topic, trigger and whether the old typing is wanted: the payload, or None when the pair makes no sense.
Payload = Callable[[str, str, bool], Json | None]


@dataclass(slots=True)
class LoopDelivery(Delivery):
    """A delivery with what is needed to send it again."""

    trigger: str = ""
    record: int = 0
    cancelled: bool = False


@dataclass(slots=True)
class Subscription:
    """One topic (which payload) under one trigger (when), chosen separately (§3)."""

    id: int
    shop_id: int
    topic: str
    trigger: str
    url: str
    status: str

    def body(self) -> Json:
        """As the API shows it; the secret is never in it (§2)."""
        return {
            "id": self.id,
            "shop_id": self.shop_id,
            "topic": self.topic,
            "trigger": self.trigger,
            "url": self.url,
            "status": self.status,
        }

    def wants(self, trigger: str) -> bool:
        """Whether an event of this trigger is sent here; older subscriptions name the bare word of the return's."""
        return self.status == "active" and (
            self.trigger == trigger or (self.topic == "return" and trigger == f"return.{self.trigger}")
        )


class Hooks:
    """Sends events to whoever subscribed. Holding keeps deliveries back so that a test can reorder or lose them."""

    def __init__(self) -> None:
        self.sender = WebhookSender(self._retry)
        self.subscriptions: list[Subscription] = []
        self.held: list[LoopDelivery] = []
        self.holding = False
        self.secret = ""
        self.retry_seconds = 0.2
        self._random = random.Random(0)
        self._tasks: set[asyncio.Task[None]] = set()

    def load(self, secret: str, retry_seconds: Any, seed: int) -> None:
        """Forget every delivery and subscription; those under way are not tried again."""
        for delivery in self.deliveries:
            delivery.cancelled = True
        for task in self._tasks:
            task.cancel()
        self.sender.deliveries.clear()
        self.subscriptions.clear()
        self.held.clear()
        self.holding = False
        self.secret, self.retry_seconds = secret, float(retry_seconds)
        self._random = random.Random(seed)

    @property
    def deliveries(self) -> list[LoopDelivery]:
        """Everything sent so far."""
        return [delivery for delivery in self.sender.deliveries if isinstance(delivery, LoopDelivery)]

    def announce(self, trigger: str, record: int, payload: Payload) -> None:
        """Queue one delivery per subscription of the trigger. A pair Loop has no payload for goes out empty (§3)."""
        for subscription in self.subscriptions:
            if subscription.wants(trigger):
                body = payload(subscription.topic, subscription.trigger, False)
                raw = b"" if body is None else encode(body)
                self._queue(self._delivery(subscription.topic, trigger, record, subscription.url, raw))

    def _delivery(self, topic: str, trigger: str, record: int, url: str, raw: bytes) -> LoopDelivery:
        headers = {"Content-Type": "application/json", "X-Loop-Signature": sign(self.secret, raw)}
        return LoopDelivery(url, raw, headers, topic, trigger=trigger, record=record)

    def _queue(self, delivery: LoopDelivery) -> None:
        if self.holding:
            self.held.append(delivery)
        else:
            self.sender.send(delivery)

    def again(self, topic: str, trigger: str, record: int, variant: str, payload: Payload, url: str | None) -> int:
        """Send an event again, in one of the ways deliveries go wrong; returns how many went out."""
        targets = [s.url for s in self.subscriptions if s.status == "active" and s.topic == topic and s.wants(trigger)]
        targets = [url] if url else targets
        body = payload(topic, trigger, variant == "old_typing")
        raw = b"" if body is None else encode(body)
        for target in targets:
            self._queue(self._variant(topic, trigger, record, variant, target, raw))
        return len(targets)

    def _variant(self, topic: str, trigger: str, record: int, variant: str, url: str, raw: bytes) -> LoopDelivery:
        earlier = [d for d in self.deliveries if (d.topic, d.trigger, d.record, d.url) == (topic, trigger, record, url)]
        if variant == "duplicate" and earlier:
            raw = earlier[-1].body
        if variant in ("empty", "truncated"):  # what is sent is what was signed
            raw = b"" if variant == "empty" else raw[: len(raw) // 2]
        delivery = self._delivery(topic, trigger, record, url, raw)
        if variant == "reflowed":
            delivery.body = reflow(raw)
        if variant == "wrong_signature":
            delivery.headers = {**delivery.headers, "X-Loop-Signature": sign("not-" + self.secret, raw)}
        return delivery

    def release(self, order: str, drop: bool | list[str]) -> int:
        """Let held deliveries go, one after the other, in the order asked for; `drop` loses all or some triggers."""
        going = [d for d in self.held if not (drop is True or (isinstance(drop, list) and d.trigger in drop))]
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

    async def _in_turn(self, deliveries: list[LoopDelivery]) -> None:
        """Each is tried once before the next one starts, so that the order asked for is the order of arrival."""
        for delivery in deliveries:
            self.sender.send(delivery)
            while not delivery.statuses and not delivery.cancelled:
                await asyncio.sleep(0.002)

    def _retry(self, delivery: Delivery, status: int, headers: Mapping[str, str]) -> float | None:
        """Seconds to the next attempt. Retried are 0 and 5xx, and, where the sheet is silent, 408 and 429."""
        if not isinstance(delivery, LoopDelivery) or delivery.cancelled or delivery.attempts >= ATTEMPTS:
            return None
        if status in NEVER_RETRIED or not (status == 0 or status >= 500 or status in (408, 429)):
            return None
        asked = _retry_after(headers.get("retry-after"))
        if asked is not None:
            return asked if asked <= LONGEST_RETRY_AFTER_S else None
        return float(self.retry_seconds * (1 << (delivery.attempts - 1)) * self._random.uniform(0.8, 1.2))

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
                "trigger": d.trigger,
                "return_id": str(d.record),
                "url": d.url,
                "attempts": d.attempts,
                "statuses": list(d.statuses),
                "done": d.done,
            }
            for d in self.deliveries
        ]


def _retry_after(value: str | None) -> float | None:
    """Seconds a Retry-After header asks for; None when it is absent or unreadable."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
