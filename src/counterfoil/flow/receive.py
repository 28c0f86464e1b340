"""The hook: check, keep, answer. The sender hears 2xx only after the bytes are durable; the work comes later.

A raw ASGI handler without a framework: one path segment names the connection, everything vendor-specific comes from
its spec. Deliveries with a wrong signature are kept apart when the fault may be ours (a secret that was not rotated
here), and answered as the vendor's sheet says.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from counterfoil.flow.world import Connection
from counterfoil.ports.translation import Signature
from counterfoil.ports.vendors import Delivery, Hook, Reply
from counterfoil.store.inbox import Inbox, InboxFullError, Kept

PREFIX = "/webhooks/"
READ_TIMEOUT_S = 20.0  # a sender that dribbles its body is cut off
_SWEEP_S = 1.0  # how often it is looked for such senders
_KEPT_HEADERS_MAX = 64
_NOT_KEPT_HEADERS = frozenset(
    ("connection", "accept", "accept-encoding", "user-agent", "cookie", "authorization", "host")
)

_log = structlog.get_logger("counterfoil.receive")

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_NOT_FOUND = Reply(status=404, body=b'{"error":{"code":"not_found","message":"no such webhook address"}}')
_METHOD = Reply(status=405, body=b'{"error":{"code":"method","message":"webhooks are sent with POST"}}')
_TOO_LARGE = Reply(status=413, body=b'{"error":{"code":"too_large","message":"the body is over the limit"}}')
_TOO_SLOW = Reply(status=408, body=b'{"error":{"code":"too_slow","message":"the body did not arrive in time"}}')
_GONE = Reply(status=400)  # nobody hears it
_NOT_KEPT = Reply(status=503, body=b'{"error":{"code":"not_kept","message":"not kept; please send it again"}}')


class Hooks:
    """The ASGI application below `/webhooks/`: `{connection}` or `{vendor}/{connection}`, then perhaps a secret path."""

    def __init__(self, connections: Mapping[str, Connection], inbox: Inbox) -> None:
        self._inbox = inbox
        self._deadline = _Deadline()
        self._hooks: dict[str, tuple[Connection, Hook]] = {}
        for name, connection in connections.items():
            hook = connection.spec.hook
            if hook is not None:
                self._hooks[name] = (connection, hook)
                self._hooks[f"{connection.vendor}/{name}"] = (connection, hook)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        reply = await self._reply(scope, receive)
        headers = [
            (b"content-type", reply.content_type.encode()),
            (b"content-length", str(len(reply.body)).encode()),
        ]
        if reply.status == 503:
            headers.append((b"retry-after", b"5"))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    async def _reply(self, scope: Scope, receive: Receive) -> Reply:
        address = scope["path"].removeprefix(PREFIX).rstrip("/")
        found, tail = self._hooks.get(address), ""
        if found is None:
            address, _, tail = address.rpartition("/")  # some vendors sign nothing and only know a secret path
            found = self._hooks.get(address)
        if found is None:
            return _NOT_FOUND
        if scope["method"] != "POST":
            return _METHOD
        connection, hook = found
        try:
            body = await self._deadline.watch(_read(receive, hook.limit_bytes))
        except TimeoutError:
            return _TOO_SLOW
        except ConnectionError:
            return _GONE
        if body is None:
            return _TOO_LARGE
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        return await self._keep(
            connection, hook, Delivery(body=body, headers=headers, arrived_at=time.time(), path_tail=tail)
        )

    async def _keep(self, connection: Connection, hook: Hook, delivery: Delivery) -> Reply:
        kept, refusal = judged(connection, hook, delivery)
        if kept is None:
            return refusal or _NOT_KEPT
        try:
            new = await self._inbox.keep(kept)
        except InboxFullError:
            return _NOT_KEPT
        except Exception as error:  # nothing is durable; the sender must come again
            _log.error("delivery_not_kept", connection=connection.name, error=repr(error))
            return _NOT_KEPT
        if refusal is not None:
            return refusal
        return hook.accepted(delivery) if new else hook.duplicate(delivery)


def judged(connection: Connection, hook: Hook, delivery: Delivery) -> tuple[Kept | None, Reply | None]:
    """What to keep of a delivery, and the answer that refuses it; both when its bytes are kept all the same."""
    signature = hook.verify(delivery, connection.secrets)
    refusal = hook.refuse(delivery, signature)
    trusted = signature in (Signature.VALID, Signature.NOT_SIGNED)
    if refusal is not None and not hook.keep_refused:
        return None, refusal
    kept = Kept(
        connection=connection.name,
        delivery_key=hook.delivery_key(delivery) if trusted else _untrusted_key(delivery),
        signature=signature.value,
        headers=_worth_keeping(delivery.headers),
        body=delivery.body,
        state="new" if trusted and refusal is None else "quarantined",
        note=None if trusted and refusal is None else f"signature {signature.value}" if not trusted else "refused",
    )
    return kept, refusal


class _Deadline:
    """Cuts off reads that take too long, with one timer for all of them: a timer for each costs a tenth of the answer."""

    def __init__(self) -> None:
        self._until: dict[asyncio.Task[Any], float] = {}
        self._cut: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def watch(self, reading: Awaitable[bytes | None]) -> bytes | None:
        """What `reading` gives. TimeoutError when it takes READ_TIMEOUT_S, or up to a second more."""
        task = asyncio.current_task()
        assert task is not None, "requests run in tasks"
        loop = task.get_loop()
        self._until[task] = loop.time() + READ_TIMEOUT_S
        if self._loop is not loop:
            self._loop = loop
            loop.call_later(min(_SWEEP_S, READ_TIMEOUT_S), self._sweep, loop)
        try:
            return await reading
        except asyncio.CancelledError:
            if task not in self._cut:
                raise
            task.uncancel()
            raise TimeoutError from None
        finally:
            del self._until[task]
            self._cut.discard(task)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for task, until in self._until.items():
            if until <= now and task not in self._cut:
                self._cut.add(task)
                task.cancel()
        if self._until:
            loop.call_later(min(_SWEEP_S, READ_TIMEOUT_S), self._sweep, loop)
        else:
            self._loop = None  # the next request winds it up again


async def _read(receive: Receive, limit: int) -> bytes | None:
    """The whole body, or None when it is over the limit. ConnectionError when the sender went away in the middle."""
    chunks: list[bytes] = []
    size = 0
    more = True
    while more and size <= limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the sender went away before the body was complete")
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        more = message.get("more_body", False)
    if size > limit:
        return None
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _untrusted_key(delivery: Delivery) -> str:
    """A forger must not be able to take the key of a true delivery: untrusted bytes have keys of their own."""
    from counterfoil.adapterkit.signing import digest

    return "untrusted:" + digest(delivery.body, delivery.headers.get("webhook-id", ""))


def _worth_keeping(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers as sent, less what only the transport cares about and what could be a credential of a proxy."""
    kept = {name: value for name, value in headers.items() if name not in _NOT_KEPT_HEADERS}
    return kept if len(kept) <= _KEPT_HEADERS_MAX else dict(list(kept.items())[:_KEPT_HEADERS_MAX])
