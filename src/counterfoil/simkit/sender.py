"""Webhook sending with a vendor's own retry rules, for simulators."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx2

from counterfoil.simkit.wires import open_client


@dataclass(slots=True)
class Delivery:
    """One webhook to be delivered and what became of it. `sign` gives headers of the attempt, made anew for each."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    topic: str = ""
    attempts: int = 0
    statuses: list[int] = field(default_factory=list)
    done: bool = False
    sign: Callable[[], Mapping[str, str]] | None = None

    def headers_now(self) -> dict[str, str]:
        """The headers of the next attempt."""
        return {**self.headers, **(self.sign() if self.sign is not None else {})}


# Given the delivery and the last status (0: no connection): seconds until the next attempt, or None to give up.
RetryRule = Callable[[Delivery, int, Mapping[str, str]], float | None]


class WebhookSender:
    """Delivers in the background, in order of queueing, each with its own retries.

    `retry` decides after every attempt that was not a 2xx. Every delivery stays in `deliveries` for `/__sim/state`.
    """

    def __init__(self, retry: RetryRule, timeout_s: float = 5.0) -> None:
        self._retry = retry
        self._timeout_s = timeout_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: httpx2.AsyncClient | None = None
        self.deliveries: list[Delivery] = []

    async def start(self) -> None:
        """Open the HTTP client."""
        self._client = open_client(self._timeout_s)

    async def stop(self) -> None:
        """Drop what is under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    def send(self, delivery: Delivery) -> None:
        """Queue one delivery; returns at once."""
        self.deliveries.append(delivery)
        task = asyncio.get_running_loop().create_task(self._deliver(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def idle(self) -> bool:
        """Whether nothing is waiting to be delivered."""
        return not self._tasks

    async def _deliver(self, delivery: Delivery) -> None:
        while True:
            status, headers = await self._attempt(delivery)
            delivery.statuses.append(status)
            if 200 <= status < 300:
                delivery.done = True
                return
            pause = self._retry(delivery, status, headers)
            if pause is None:
                return
            await asyncio.sleep(pause)

    async def _attempt(self, delivery: Delivery) -> tuple[int, Mapping[str, str]]:
        assert self._client is not None, "the sender is used before start()"
        delivery.attempts += 1
        try:
            answer = await self._client.post(delivery.url, content=delivery.body, headers=delivery.headers_now())
        except httpx2.HTTPError:
            return 0, {}
        return answer.status_code, {k.lower(): v for k, v in answer.headers.items()}
