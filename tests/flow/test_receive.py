"""The hook answers 2xx only for what is durable, keeps what may be our own mistake, and lets no forger in the way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from counterfoil.catalog import vendor
from counterfoil.flow import receive as module
from counterfoil.flow.receive import Hooks
from counterfoil.flow.resolve import People
from counterfoil.flow.world import Connection
from counterfoil.ports.actions import ActionError
from counterfoil.ports.vendors import Hook
from counterfoil.store.database import Transaction
from counterfoil.store.inbox import Inbox, InboxFullError
from counterfoil.testing.builders import portal_return, shown
from counterfoil.testing.outside import KEEPS, SECRET, SIGNATURE_HEADER, Webhook, refuse_forged, webhook
from counterfoil.testing.road import Road

DELIVERY = webhook("portal", [shown(portal_return())])
FORGED = webhook("portal", [shown(portal_return())], secret="somebody else's")


class Door:
    """The hook's front door, without a socket."""

    def __init__(self, road: Road) -> None:
        self.road = road
        self.inbox: Any = Inbox(road.world.database, road.world.vault)

    def use(self, hook: Hook) -> None:
        """Give the portal another hook."""
        connection = self.road.world.connections["portal"]
        connection.spec = replace(connection.spec, hook=hook)

    def post(
        self,
        body: bytes,
        headers: dict[str, str] | None = None,
        *,
        path: str = "/webhooks/portal",
        method: str = "POST",
        pieces: list[dict[str, Any]] | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer."""
        waiting = list(pieces or [{"type": "http.request", "body": body, "more_body": False}])
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if not waiting:
                await asyncio.sleep(3600)
            return waiting.pop(0)

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        named = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
        scope = {"type": "http", "method": method, "path": path, "headers": named, "query_string": b""}
        asyncio.run(Hooks(self.road.world.connections, self.inbox)(scope, receive, send))
        start = sent[0]
        answer = {name.decode(): value.decode() for name, value in start["headers"]}
        return start["status"], answer, b"".join(message.get("body", b"") for message in sent[1:])

    def send(self, hook: Webhook, **options: Any) -> int:
        """Only the status."""
        return self.post(hook.body, hook.headers, **options)[0]

    def rows(self) -> list[dict[str, Any]]:
        """Everything kept."""
        return self.road.rows("select * from deliveries order by id")

    def states(self) -> list[str]:
        """What is to become of everything kept."""
        return [row["state"] for row in self.rows()]


@pytest.fixture
def door(road: Road) -> Iterator[Door]:
    made = Door(road)
    inbox = made.inbox
    yield made
    inbox.close()


def test_a_signed_delivery_is_kept_and_answered(door: Door) -> None:
    status, headers, body = door.post(DELIVERY.body, DELIVERY.headers)
    assert (status, body) == (200, b'{"kept":"new"}')
    assert headers["content-type"] == "application/json"
    (row,) = door.rows()
    assert (row["connection"], row["signature"], row["state"]) == ("portal", "valid", "new")
    assert door.road.world.vault.open(row["body"], row["body_key"]) == DELIVERY.body


def test_the_address_may_name_the_vendor_too(door: Door) -> None:
    assert door.send(DELIVERY, path="/webhooks/acme-portal/portal") == 200
    assert door.states() == ["new"]


def test_a_repeat_is_answered_well_and_kept_once(door: Door) -> None:
    door.send(DELIVERY)
    assert door.post(DELIVERY.body, DELIVERY.headers)[::2] == (200, b'{"kept":"known"}')
    assert door.states() == ["new"]


@pytest.mark.parametrize("headers", [{}, FORGED.headers])
def test_what_is_unsigned_or_forged_is_kept_apart_where_the_sender_would_not_come_again(
    door: Door, headers: dict[str, str]
) -> None:
    assert door.post(DELIVERY.body, headers)[0] == 200
    (row,) = door.rows()
    assert row["state"] == "quarantined"
    assert row["signature"] == ("invalid" if headers else "absent")
    door.road.read()
    assert door.road.rows("select * from cases") == []


@pytest.mark.parametrize("keeps", [True, False])
def test_a_hook_that_refuses_says_so_and_keeps_only_if_told(door: Door, keeps: bool) -> None:
    door.use(replace(KEEPS, refuse=refuse_forged, keep_refused=keeps))
    assert door.send(FORGED) == 401
    assert door.states() == (["quarantined"] if keeps else [])
    assert door.send(DELIVERY) == 200


def test_forged_bytes_cannot_take_the_key_of_a_true_delivery(door: Door) -> None:
    door.use(replace(KEEPS, delivery_key=lambda delivery: delivery.headers.get("x-id", "")))
    assert door.post(b"[]", {"x-id": "7", SIGNATURE_HEADER: "forged"})[0] == 200
    assert door.post(DELIVERY.body, {**DELIVERY.headers, "x-id": "7"})[::2] == (200, b'{"kept":"new"}')
    assert door.states() == ["quarantined", "new"]
    door.road.settle()
    assert door.road.row()["progress"] == "open"


def test_the_same_bytes_forged_first_and_true_later_are_both_kept(door: Door) -> None:
    door.post(DELIVERY.body, {SIGNATURE_HEADER: "forged"})
    assert door.post(DELIVERY.body, DELIVERY.headers)[2] == b'{"kept":"new"}'
    assert door.states() == ["quarantined", "new"]


def test_a_body_over_the_limit_is_refused_whole_or_in_pieces(door: Door) -> None:
    large = b"x" * (KEEPS.limit_bytes + 1)
    assert door.post(large)[0] == 413
    half = len(large) // 2 + 1
    pieces = [{"type": "http.request", "body": large[:half], "more_body": True} for _ in range(2)]
    assert door.post(b"", pieces=[*pieces, {"type": "http.request", "body": b"", "more_body": False}])[0] == 413
    assert door.states() == []


def test_a_body_at_the_limit_in_pieces_is_kept(door: Door) -> None:
    piece = KEEPS.limit_bytes // 4
    pieces = [{"type": "http.request", "body": b"x" * piece, "more_body": n < 3} for n in range(4)]
    assert door.post(b"", pieces=pieces)[0] == 200
    assert door.rows()[0]["size_bytes"] == KEEPS.limit_bytes


def test_a_body_cut_in_the_middle_is_never_believed(door: Door) -> None:
    pieces = [
        {"type": "http.request", "body": DELIVERY.body[:20], "more_body": True},
        {"type": "http.disconnect"},
    ]
    door.post(b"", DELIVERY.headers, pieces=pieces)
    assert "new" not in door.states()


def test_a_sender_that_dribbles_is_cut_off(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_TIMEOUT_S", 0.05)
    pieces = [{"type": "http.request", "body": b"[", "more_body": True}]
    assert door.post(b"", DELIVERY.headers, pieces=pieces)[0] == 408
    assert door.states() == []


@pytest.mark.parametrize("path", ["/webhooks/nobody", "/webhooks/", "/webhooks/acme-portal", "/webhooks/nobody/portal"])
def test_an_address_nobody_configured_is_not_found(door: Door, path: str) -> None:
    assert door.send(DELIVERY, path=path) == 404
    assert door.states() == []


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD", "DELETE"])
def test_only_post_brings_deliveries(door: Door, method: str) -> None:
    assert door.send(DELIVERY, method=method) == 405
    assert door.states() == []


def test_a_full_inbox_sends_the_sender_away_for_a_moment(door: Door) -> None:
    class Full:
        def put(self, kept: Any) -> Any:
            raise InboxFullError("the inbox is full")

    door.inbox = Full()
    status, headers, _ = door.post(DELIVERY.body, DELIVERY.headers)
    assert status == 503
    assert int(headers["retry-after"]) > 0


def test_a_disk_that_fails_is_no_success_and_the_next_attempt_is_kept(door: Door) -> None:
    class Broken:
        dialect = door.road.world.database.dialect

        @contextmanager
        def write(self) -> Iterator[Transaction]:
            raise OSError("no space left on the disk")
            yield

    good, door.inbox = door.inbox, Inbox(Broken(), door.road.world.vault)  # type: ignore[arg-type]
    status, headers, _ = door.post(DELIVERY.body, DELIVERY.headers)
    assert (status, "retry-after" in headers) == (503, True)
    assert door.states() == []
    door.inbox.close()
    door.inbox = good
    assert door.send(DELIVERY) == 200


def test_headers_of_proxies_and_sessions_are_not_kept(door: Door) -> None:
    door.post(DELIVERY.body, {**DELIVERY.headers, "Cookie": "session=1", "Authorization": "Basic x", "X-Topic": "t"})
    kept = door.rows()[0]["headers"]
    assert "session" not in kept
    assert "Basic" not in kept
    assert '"x-topic":"t"' in kept


def loop_with(door: Door, *secrets: str) -> Connection:
    """The portal becomes a real Loop with these secrets configured."""
    connection = door.road.world.connections["portal"]
    connection.spec = replace(vendor("loop"), translate=connection.spec.translate)
    connection.secrets = secrets
    return connection


def test_a_wrong_secret_of_ours_loses_nothing(door: Door) -> None:
    """Loop sheet §1.2: Loop never repeats what was refused, so it is kept, told, mended and read again."""
    connection = loop_with(door, "a secret with a typo")
    headers = {"x-loop-signature": DELIVERY.headers[SIGNATURE_HEADER]}
    assert door.post(DELIVERY.body, headers)[0] == 200
    assert door.states() == ["quarantined"]
    people, (row,) = People(door.road.world), door.rows()
    with pytest.raises(ActionError, match="signature is still invalid"):
        people.requeue_delivery(row["id"], "robin")
    connection.secrets = (SECRET,)
    people.requeue_delivery(row["id"], "robin")
    door.road.settle()
    assert door.states() == ["read"]
    assert door.road.row()["progress"] == "open"
    assert door.road.outside.keys("OpenReturnAuthorisation") == ["north/acme-portal/R1/rma-1"]


def test_two_secrets_are_valid_while_they_are_rotated(door: Door) -> None:
    loop_with(door, "the new one", SECRET)
    assert door.post(DELIVERY.body, {"x-loop-signature": DELIVERY.headers[SIGNATURE_HEADER]})[0] == 200
    assert door.states() == ["new"]
