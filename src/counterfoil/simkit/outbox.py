"""Webhooks of a vendor whose delivery rules nobody has published: sent, held back, lost, doubled or late, as told.

The settings it reads, live: `attempts` (how often a delivery is tried), `retry_seconds` (the pause before the second
try, doubled each time), `duplicate_percent`, `drop_percent`, `late_percent` (how many deliveries in a hundred meet
that fate, drawn from the seed) and `late_seconds`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from counterfoil.simkit.sender import Delivery, WebhookSender

Json = dict[str, Any]
ORDERS = ("kept", "reversed", "shuffled")
# Unknown for these vendors, so lossy by default: one attempt, nothing doubled, nothing dropped.
MISHAPS: Json = {
    "attempts": 1,
    "retry_seconds": 0.2,
    "duplicate_percent": 0,
    "drop_percent": 0,
    "late_percent": 0,
    "late_seconds": 0.05,
}


@dataclass(slots=True)
class Letter(Delivery):
    """A delivery that knows which record it is about."""

    record: str = ""
    cancelled: bool = False
    fate: str = field(default="sent")


class Outbox:
    """Sends deliveries in the background. Holding keeps them back so that a test can reorder or lose them."""

    def __init__(self) -> None:
        self.sender = WebhookSender(self._retry)
        self.held: list[Letter] = []
        self.lost: list[Letter] = []
        self.holding = False
        self._settings: Mapping[str, Any] = MISHAPS
        self._random = random.Random(0)
        self._tasks: set[asyncio.Task[None]] = set()

    def load(self, settings: Mapping[str, Any], seed: int) -> None:
        """Forget every delivery; those under way are not tried again."""
        for letter in self.letters:
            letter.cancelled = True
        for task in self._tasks:
            task.cancel()
        self.sender.deliveries.clear()
        self.held.clear()
        self.lost.clear()
        self.holding = False
        self._settings = settings
        self._random = random.Random(seed)

    @property
    def letters(self) -> list[Letter]:
        """Everything sent so far."""
        return [delivery for delivery in self.sender.deliveries if isinstance(delivery, Letter)]

    def post(self, url: str, body: bytes, topic: str, record: str, headers: Mapping[str, str] | None = None) -> None:
        """Queue one delivery, under the mishaps that are switched on."""
        all_headers = {"Content-Type": "application/json", **(headers or {})}
        letter = Letter(url, body, all_headers, topic, record=record)
        if self._drawn("drop_percent"):
            letter.fate = "lost"
            self.lost.append(letter)
            return
        self._pass_on(letter)
        if self._drawn("duplicate_percent"):
            self._pass_on(replace(letter, statuses=[], fate="doubled"))

    def again(self, url: str, topic: str, record: str) -> bool:
        """Send the last delivery of this kind once more, byte for byte; False when there was none."""
        same = (url, topic, record)
        earlier = [x for x in [*self.letters, *self.held, *self.lost] if (x.url, x.topic, x.record) == same]
        if not earlier:
            return False
        last = earlier[-1]
        self._keep_or_send(Letter(url, last.body, last.headers, topic, record=record, fate="doubled"))
        return True

    def release(self, order: str = "kept", drop: bool | list[str] = False) -> int:
        """Let held deliveries go, one after the other, in the order asked for; `drop` loses all or some topics."""
        if order not in ORDERS:
            raise ValueError(f"unknown order {order!r}; one of {', '.join(ORDERS)}")
        going = [x for x in self.held if not (drop is True or (isinstance(drop, list) and x.topic in drop))]
        self.lost += [letter for letter in self.held if letter not in going]
        self.held.clear()
        self.holding = False
        if order == "reversed":
            going.reverse()
        elif order == "shuffled":
            self._random.shuffle(going)
        self._later(self._in_turn(going))
        return len(going)

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
                "topic": letter.topic,
                "return_id": letter.record,
                "url": letter.url,
                "attempts": letter.attempts,
                "statuses": list(letter.statuses),
                "done": letter.done,
                "fate": letter.fate,
            }
            for letter in self.letters
        ]

    def _drawn(self, name: str) -> bool:
        return self._random.randrange(100) < int(self._settings[name])

    def _pass_on(self, letter: Letter) -> None:
        if self._drawn("late_percent"):
            letter.fate = "late"
            self._later(self._after(float(self._settings["late_seconds"]), letter))
        else:
            self._keep_or_send(letter)

    def _keep_or_send(self, letter: Letter) -> None:
        if self.holding:
            self.held.append(letter)
        else:
            self.sender.send(letter)

    def _later(self, step: Any) -> None:
        task = asyncio.get_running_loop().create_task(step)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _after(self, pause_s: float, letter: Letter) -> None:
        await asyncio.sleep(pause_s)
        self._keep_or_send(letter)

    async def _in_turn(self, letters: list[Letter]) -> None:
        """Each is tried once before the next one starts, so that the order asked for is the order of arrival."""
        for letter in letters:
            self.sender.send(letter)
            while not letter.statuses and not letter.cancelled:  # noqa: ASYNC110 - the sender tells nobody when
                await asyncio.sleep(0.002)

    def _retry(self, delivery: Delivery, status: int, headers: Mapping[str, str]) -> float | None:
        """Seconds to the next attempt; only no answer, 408, 429 and 5xx are tried again."""
        if not isinstance(delivery, Letter) or delivery.cancelled:
            return None
        if delivery.attempts >= int(self._settings["attempts"]):
            return None
        if not (status == 0 or status >= 500 or status in (408, 429)):
            return None
        return float(self._settings["retry_seconds"]) * (1 << (delivery.attempts - 1))
