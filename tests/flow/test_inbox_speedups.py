"""What was made quick in receiving stays right: shared wake-ups, one statement a group, one timer for slow senders."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from counterfoil.flow import receive
from counterfoil.flow.receive import Hooks
from counterfoil.store import inbox as module
from counterfoil.store.database import Database, Transaction
from counterfoil.store.inbox import Inbox, InboxFullError, Kept
from counterfoil.store.vault import Vault
from counterfoil.testing.builders import portal_return, shown
from counterfoil.testing.outside import webhook
from counterfoil.testing.road import Road

VAULT = Vault(bytes(32))
PATIENCE_S = 20
DELIVERY = webhook("portal", [shown(portal_return())])


def kept(number: int, connection: str = "portal", **changes: Any) -> Kept:
    values = {"headers": {"content-type": "application/json"}, "body": f"body {number}".encode(), **changes}
    return Kept(connection=connection, delivery_key=f"key-{number}", signature="valid", **values)


class Gated:
    """A database whose writes wait for the gate, so that a group gathers; it breaks when told to."""

    def __init__(self, inner: Database) -> None:
        self._inner = inner
        self.dialect = inner.dialect
        self.gate = threading.Event()
        self.error: Exception | None = None

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        assert self.gate.wait(PATIENCE_S)
        if self.error is not None:
            raise self.error
        with self._inner.write() as tx:
            yield tx


def rows(database: Database) -> list[dict[str, Any]]:
    with database.read() as tx:
        return tx.query("select * from deliveries order by id", {})


@pytest.fixture
def inbox(database: Database) -> Iterator[Inbox]:
    made = Inbox(database, VAULT)
    yield made
    made.close()


@pytest.fixture
def gated(database: Database) -> Iterator[Gated]:
    made = Gated(database)
    yield made
    made.gate.set()


def test_every_delivery_of_a_group_has_a_key_and_nonces_of_its_own(inbox: Inbox, database: Database) -> None:
    """Equal bodies must not look equal, and destroying one key must erase one delivery only."""

    async def keep() -> list[bool]:
        return await asyncio.gather(*(inbox.keep(kept(number, body=b"the same")) for number in range(40)))

    assert all(asyncio.run(keep()))
    stored = rows(database)
    assert [VAULT.open(row["body"], row["body_key"]) for row in stored] == [b"the same"] * 40
    for column in ("body", "body_key"):
        assert len({bytes(row[column]) for row in stored}) == 40
        assert len({bytes(row[column])[:12] for row in stored}) == 40


def test_a_group_sealed_at_once_opens_like_one_sealed_alone() -> None:
    bodies = [b"", b"\x00", bytes(range(256)) * 40]
    assert [VAULT.open(*sealed) for sealed in module._seal_all(VAULT, bodies)] == bodies


def test_awkward_bytes_and_headers_come_back_as_they_were(inbox: Inbox, database: Database) -> None:
    headers = {"x-quoted": '"\\u0000', "x-latin": "Zoë\xa0ÿ", "x-percent": "%s %(rows)s :rows", "x-empty": ""}
    bodies = [b"", b"\x00\xff'\\", "Zoë £".encode(), b"x" * 300_000]

    async def keep() -> None:
        await asyncio.gather(*(inbox.keep(kept(n, headers=headers, body=body)) for n, body in enumerate(bodies)))

    asyncio.run(keep())
    found = {row["delivery_key"]: row for row in rows(database)}
    for number, body in enumerate(bodies):
        row = found[f"key-{number}"]
        assert VAULT.open(row["body"], row["body_key"]) == body
        assert row["size_bytes"] == len(body)
        assert module.msgspec.json.decode(row["headers"]) == headers
        assert row["note"] is None


def test_repeats_within_and_across_groups_are_told_apart(gated: Gated, database: Database) -> None:
    inbox = Inbox(gated, VAULT)  # type: ignore[arg-type]

    async def keep(numbers: list[int]) -> list[bool]:
        waiting = [inbox.keep(kept(number, "one" if number % 2 else "two")) for number in numbers]
        gated.gate.set()
        return await asyncio.gather(*waiting)

    first = asyncio.run(keep([1, 2, 1, 2, 3, 1]))
    second = asyncio.run(keep([3, 4, 1, 4]))
    inbox.close()
    assert sum(first) == 3
    assert sum(second) == 1
    assert sorted(row["delivery_key"] for row in rows(database)) == ["key-1", "key-2", "key-3", "key-4"]


def test_nobody_is_answered_before_the_commit(gated: Gated, database: Database) -> None:
    inbox = Inbox(gated, VAULT)  # type: ignore[arg-type]

    async def keep() -> None:
        waiting = [inbox.keep(kept(number)) for number in range(5)]
        await asyncio.sleep(0.1)
        assert not any(future.done() for future in waiting)
        assert rows(database) == []
        gated.gate.set()
        await asyncio.gather(*waiting)
        assert len(rows(database)) == 5

    asyncio.run(keep())
    inbox.close()


def test_a_failure_reaches_threads_and_event_loops_alike(gated: Gated) -> None:
    inbox = Inbox(gated, VAULT)  # type: ignore[arg-type]
    gated.error = OSError("no space left")

    async def keep() -> None:
        there, here = inbox.put(kept(1)), inbox.keep(kept(2))
        gated.gate.set()
        with pytest.raises(OSError, match="no space"):
            await here
        with pytest.raises(OSError, match="no space"):
            there.result(PATIENCE_S)

    asyncio.run(keep())
    inbox.close()


def test_a_request_that_is_given_up_does_not_stop_the_writer(gated: Gated, database: Database) -> None:
    inbox = Inbox(gated, VAULT)  # type: ignore[arg-type]

    async def keep() -> bool:
        given_up, thread = inbox.keep(kept(1)), inbox.put(kept(2))
        given_up.cancel()
        assert not thread.cancel()
        gated.gate.set()
        return await inbox.keep(kept(3))

    assert asyncio.run(keep()) is True
    inbox.close()
    assert len(rows(database)) == 3


def test_an_event_loop_that_ended_meanwhile_does_not_stop_the_writer(gated: Gated, database: Database) -> None:
    inbox = Inbox(gated, VAULT)  # type: ignore[arg-type]

    async def leave() -> None:
        inbox.keep(kept(1))

    asyncio.run(leave())
    gated.gate.set()
    assert inbox.put(kept(2)).result(PATIENCE_S) is True
    inbox.close()
    assert len(rows(database)) == 2


def test_a_full_inbox_refuses_an_event_loop_at_once(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUEUE_MAX", 0)

    async def keep() -> None:
        with pytest.raises(InboxFullError):
            inbox.keep(kept(1))

    asyncio.run(keep())


def test_freshness_is_noted_at_once_and_then_once_a_second(
    inbox: Inbox, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = {"ms": 0}
    monkeypatch.setattr(module, "now_ms", lambda: clock["ms"])
    with database.write() as tx:
        tx.run("connection_put", name="portal", brand="north", vendor="loop", family="portal", slots=2)
    seen = []
    for number, clock["ms"] in enumerate([5_000_000, 5_000_400, 5_001_000]):
        assert inbox.put(kept(number)).result(PATIENCE_S)
        with database.read() as tx:
            seen.append((tx.one("connection_get", name="portal") or {})["last_delivery_ms"])
    assert seen == [5_000_000, 5_000_000, 5_001_000]


# --- slow senders ---------------------------------------------------------------------------------------------------

Answer = tuple[int, bytes]


@pytest.fixture
def post(road: Road, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Sends one delivery in the running loop; `pieces` are messages, a number is a pause in seconds."""
    monkeypatch.setattr(receive, "READ_TIMEOUT_S", 0.2)
    monkeypatch.setattr(receive, "_SWEEP_S", 0.02)
    inbox = Inbox(database, road.world.vault)
    hooks = Hooks(road.world.connections, inbox)

    async def send_one(*pieces: Any) -> int:
        waiting, sent = list(pieces), []

        async def take() -> dict[str, Any]:
            if isinstance(waiting[0], float):
                await asyncio.sleep(waiting.pop(0))
            message: dict[str, Any] = waiting.pop(0)
            return message

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        named = [(name.lower().encode(), value.encode()) for name, value in DELIVERY.headers.items()]
        await hooks({"type": "http", "method": "POST", "path": "/webhooks/portal", "headers": named}, take, send)
        return int(sent[0]["status"])

    yield send_one
    inbox.close()


def part(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_slow_sender_is_cut_off_while_quick_ones_are_served(post: Callable[..., Any], database: Database) -> None:
    async def all_at_once() -> list[int]:
        slow = [post(part(b"[", more=True), 30.0, part(b"]")) for _ in range(3)]
        quick = [post(0.05, part(DELIVERY.body)) for _ in range(3)]
        return await asyncio.wait_for(asyncio.gather(*slow, *quick), PATIENCE_S)

    assert asyncio.run(all_at_once()) == [408] * 3 + [200] * 3
    assert len(rows(database)) == 1


def test_slow_senders_are_cut_off_again_after_a_quiet_time_and_in_another_loop(post: Callable[..., Any]) -> None:
    async def twice() -> list[int]:
        first = await post(30.0, part(b"[]"))
        await asyncio.sleep(0.3)  # nobody reads: the timer runs down
        return [first, await post(30.0, part(b"[]"))]

    for _ in range(2):
        assert asyncio.run(asyncio.wait_for(twice(), PATIENCE_S)) == [408, 408]


def test_a_server_that_stops_is_not_taken_for_a_slow_sender(post: Callable[..., Any]) -> None:
    async def stopped() -> None:
        request = asyncio.ensure_future(post(30.0, part(b"[]")))
        await asyncio.sleep(0.02)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request

    asyncio.run(stopped())


@pytest.mark.parametrize("before", [[], [part(b"[", more=True)]])
def test_a_sender_that_goes_away_before_the_end_leaves_nothing(
    post: Callable[..., Any], database: Database, before: list[Any]
) -> None:
    assert asyncio.run(post(*before, {"type": "http.disconnect"})) == 400
    assert rows(database) == []
