"""The sender of `hook_cost.py`: keep-alive connections that post signed Loop deliveries, each with a body of its own.

    python benchmarks/hook_load.py --port 8301 --path /webhooks/north-loop --seconds 2 --first 0

It prints one JSON object: answers in all, answers inside the measured window, their latencies, and what was not 200.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import os
import re
import time
from functools import partial
from importlib.resources import files
from typing import cast

SECRET = "bench-secret-for-loop-deliveries"
CONNECTIONS = 32
WARM_S = 0.3  # answers before this are counted, but not timed

_FIXTURE = files("counterfoil.portals.loop").joinpath("fixtures/return_updated_in_review.json")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Deliveries:
    """Numbered deliveries of about two kilobytes. Only the tail differs, so signing one costs the sender little."""

    def __init__(self, path: str, first: int) -> None:
        self._front = _FIXTURE.read_bytes().rstrip().removesuffix(b"}") + b',"edition":"'
        self._signed = hmac.new(SECRET.encode(), self._front, hashlib.sha256)
        self._number = first
        size = len(self._front) + 12 + len(b'"}')
        self._head = (
            f"POST {path} HTTP/1.1\r\nhost: hooks.example.com\r\nuser-agent: Loop-Webhooks/1.0\r\n"
            "accept: */*\r\naccept-encoding: gzip\r\ncontent-type: application/json\r\n"
            f"x-forwarded-for: 192.0.2.10\r\nx-forwarded-proto: https\r\ncontent-length: {size}\r\nx-loop-signature: "
        ).encode()

    def next(self) -> bytes:
        """The bytes of one request, head and body in one piece as a sender's library would send them."""
        self._number += 1
        tail = b'%012d"}' % self._number
        signed = self._signed.copy()
        signed.update(tail)
        signature = base64.b64encode(signed.digest())
        return b"".join((self._head, signature, b"\r\n\r\n", self._front, tail))


class Window:
    """What came back, and when."""

    def __init__(self, seconds: float) -> None:
        self.opens = time.perf_counter() + WARM_S
        self.closes = self.opens + seconds
        self.answers = 0
        self.refused: dict[str, int] = {}
        self.latencies: list[float] = []

    def note(self, status: bytes, sent: float, now: float) -> None:
        """Count one answer."""
        self.answers += 1
        if status != b"200":
            self.refused[status.decode()] = self.refused.get(status.decode(), 0) + 1
        if self.opens <= now < self.closes:
            self.latencies.append(now - sent)


class Sender(asyncio.Protocol):
    """One keep-alive connection: a delivery, its answer, the next delivery, until the window closes."""

    def __init__(self, deliveries: Deliveries, window: Window, done: asyncio.Future[None]) -> None:
        self._deliveries, self._window, self._done = deliveries, window, done
        self._transport: asyncio.Transport | None = None
        self._sent = 0.0
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with the first delivery."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own type is none of asyncio's
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        self._sent = time.perf_counter()
        self._transport.write(self._deliveries.next())

    def data_received(self, data: bytes) -> None:
        """Take an answer and send the next delivery, or end."""
        self._got += data
        head, found, body = self._got.partition(b"\r\n\r\n")
        if not found:
            return
        length = _LENGTH.search(head)
        assert length is not None, head
        if len(body) < int(length.group(1)):
            return
        self._got = b""
        now = time.perf_counter()
        self._window.note(head[9:12], self._sent, now)
        if now < self._window.closes:
            self._send()
        else:
            self._done.set_result(None)
            assert self._transport is not None
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """A server that hangs up is a failed measurement."""
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("the server closed the connection"))


async def load(port: int, path: str, seconds: float, first: int) -> Window:
    """Load the server for this long; every delivery that was sent is also answered before this returns."""
    loop = asyncio.get_running_loop()
    deliveries, window = Deliveries(path, first), Window(seconds)
    ends: list[asyncio.Future[None]] = [loop.create_future() for _ in range(CONNECTIONS)]
    for end in ends:
        await loop.create_connection(partial(Sender, deliveries, window, end), "127.0.0.1", port)
    await asyncio.gather(*ends)
    return window


def main() -> None:
    parser = argparse.ArgumentParser(description="Post signed Loop deliveries and count the answers.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--first", type=int, default=0, help="number of the first delivery; repeats are not new")
    parser.add_argument("--core", type=int, help="the core to stay on")
    given = parser.parse_args()
    if given.core is not None:
        os.sched_setaffinity(0, {given.core})
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        window = runner.run(load(given.port, given.path, given.seconds, given.first))
    times = sorted(window.latencies)
    print(
        json.dumps(
            {
                "answers": window.answers,
                "rate": len(times) / given.seconds,
                "p50_ms": times[len(times) // 2] * 1000,
                "p99_ms": times[len(times) * 99 // 100] * 1000,
                "refused": window.refused,
            }
        )
    )


if __name__ == "__main__":
    main()
