"""The Loop adapter against the simulated Loop over loopback: both written from the sheet, neither from the other."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import msgspec
import pytest

from counterfoil.core.commands import (
    AnyCommand,
    CancelReturn,
    CaseRef,
    CloseReturn,
    FlagReturn,
    GradedUnit,
    ReadReturn,
    ReleaseRefund,
    ReportInspection,
    SendNote,
)
from counterfoil.core.events import PortalInspected, RefundReported, ReturnProcessed
from counterfoil.core.returns import Disposition, PortalReturn, Stage
from counterfoil.portals.loop import SPEC
from counterfoil.portals.loop.client import LoopClient
from counterfoil.portals.loop.config import LoopConfig
from counterfoil.portals.loop.sim import LoopSimulator
from counterfoil.portals.loop.subscriptions import WANTED
from counterfoil.ports.outcomes import AlreadyDone, Busy, Done, LockedOut, Outcome, Refused, Unknown
from counterfoil.ports.translation import Kind, Signature, Translation
from counterfoil.ports.vendors import Delivery
from counterfoil.simkit.server import Running

SECRET = "loop-example-secret"
ORDER: dict[str, Any] = {
    "id": 4500000001,
    "name": "#EX1001",
    "currency": "GBP",
    "taxes_included": False,
    "email": "robin@example.com",
    "line_items": [
        {
            "id": 5500001,
            "sku": "TEE-BLK-M",
            "title": "Example tee",
            "quantity": 3,
            "price": "25.00",
            "tax_lines": [{"price": "15.00"}],
            "discount_allocations": [],
        }
    ],
}


class Inbox:
    """Receives webhooks and answers 200."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                """Stay silent."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                names = {name.lower(): value for name, value in self.headers.items()}
                outer.deliveries.append(Delivery(body=body, headers=names))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hooks/loop"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def read(self) -> list[Translation]:
        return [SPEC.translate(delivery) for delivery in self.deliveries]


class Portal:
    """A running simulator in a thread of its own, with its control path."""

    def __init__(self, world: dict[str, Any]) -> None:
        self.events = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.events.run_forever, daemon=True)
        self.thread.start()
        self.running = Running(LoopSimulator(world))
        self._await(self.running.start())
        self.url = self.running.base_url

    def _await(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self.events).result(10)

    def control(self, path: str, **given: Any) -> Any:
        answer = httpx2.post(f"{self.url}/__sim/{path}", json=given, trust_env=False)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def state(self) -> Any:
        return httpx2.get(f"{self.url}/__sim/state", trust_env=False).json()

    def fault(self, match: str, kind: str, times: int = 1) -> None:
        self.control("faults", match=match, kind=kind, times=times)

    def customer_returns(self, quantity: int = 1, **given: Any) -> str:
        lines = [{"line_item_id": 5500001, "quantity": quantity, "reason": "Too small"}]
        return str(self.control("returns", order=ORDER, lines=lines, **given)["id"])

    def stop(self) -> None:
        self._await(self.running.stop())
        self.events.call_soon_threadsafe(self.events.stop)
        self.thread.join(5)
        self.events.close()


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    made = Inbox()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def portal() -> Iterator[Portal]:
    made = Portal({"webhook_secret": SECRET, "processing_seconds": 0.02, "retry_seconds": 0.05})
    yield made
    made.stop()


@pytest.fixture
def client(portal: Portal) -> Iterator[LoopClient]:
    config = LoopConfig(api_key="loop-example-key", base_url=f"{portal.url}/api/v1", timeout_s=1.0)
    made = LoopClient(config, sleep=lambda seconds: time.sleep(min(seconds, 0.1)))
    yield made
    made.close()


def case(return_id: str) -> CaseRef:
    return CaseRef(brand="acme", portal="loop", return_id=return_id)


def eventually(look: Callable[[], Any]) -> Any:
    """The first truthy answer within five seconds."""
    for _ in range(250):
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen within five seconds")


def as_read(client: LoopClient, return_id: str) -> PortalReturn:
    ended = client.perform(ReadReturn(case=case(return_id), step="read"))
    assert isinstance(ended, Done)
    return next(fact.portal_return for fact in ended.facts if hasattr(fact, "portal_return"))


def polled(client: LoopClient) -> list[Translation]:
    now = datetime.now(UTC)
    return list(client.changes((now - timedelta(hours=1)).isoformat(), (now + timedelta(hours=1)).isoformat()))


def keys(found: Translation | Done) -> set[str]:
    facts = found.events if isinstance(found, Translation) else found.facts
    return {fact.key for fact in facts}


# --- webhooks -------------------------------------------------------------------------------------------------------


def test_the_webhooks_we_need_are_made_once_and_deliver(portal: Portal, client: LoopClient, inbox: Inbox) -> None:
    first, second = client.ensure_webhooks(inbox.url), client.ensure_webhooks(inbox.url)
    assert isinstance(first, Done)
    assert isinstance(second, Done)
    assert len(portal.state()["webhooks"]) == len(WANTED)
    return_id = portal.customer_returns()
    eventually(lambda: len(inbox.deliveries) >= 2)
    found = next(one for one in inbox.read() if one.kind is Kind.RETURN)
    assert found.portal_return is not None
    assert (found.portal_return.return_id, found.trigger) == (return_id, "return.created")
    assert not found.problems


@pytest.mark.parametrize(
    ("variant", "signature", "kind"),
    [
        ("normal", Signature.VALID, Kind.RETURN),
        ("reflowed", Signature.VALID, Kind.RETURN),
        ("old_typing", Signature.VALID, Kind.RETURN),
        ("wrong_signature", Signature.INVALID, Kind.RETURN),
        ("truncated", None, Kind.UNREADABLE),
        ("empty", None, Kind.OTHER),
    ],
)
def test_every_way_a_delivery_goes_wrong_is_known(
    portal: Portal, inbox: Inbox, variant: str, signature: Signature | None, kind: Kind
) -> None:
    return_id = portal.customer_returns(quantity=2)
    portal.control("emit", id=return_id, trigger="return.updated", variant=variant, url=inbox.url)
    (delivery,) = eventually(lambda: inbox.deliveries)
    assert SPEC.hook is not None
    assert SPEC.translate(delivery).kind is kind
    if signature is not None:
        assert SPEC.hook.verify(delivery, ["another", SECRET]) is signature


def test_a_repeated_delivery_is_the_same_delivery(portal: Portal, inbox: Inbox) -> None:
    return_id = portal.customer_returns()
    for variant in ("normal", "duplicate"):
        portal.control("emit", id=return_id, variant=variant, url=inbox.url)
    eventually(lambda: len(inbox.deliveries) == 2)
    assert SPEC.hook is not None
    assert len({SPEC.hook.delivery_key(delivery) for delivery in inbox.deliveries}) == 1


# --- one story, three views -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        {"outcome": "refund", "handling_fee": "3.00"},
        {"outcome": "store_credit"},
        {"outcome": "exchange", "exchange": [{"sku": "TEE-BLK-L", "price": "25.00", "tax": "5.00"}]},
        {"outcome": "refund", "review": True},
    ],
)
def test_webhook_list_and_details_tell_the_same_facts(
    portal: Portal, client: LoopClient, inbox: Inbox, given: dict[str, Any]
) -> None:
    return_id = portal.customer_returns(quantity=2, **given)
    for variant in ("normal", "old_typing"):
        portal.control("emit", id=return_id, trigger="return.created", variant=variant, url=inbox.url)
    eventually(lambda: len(inbox.deliveries) == 2)
    (row,) = polled(client)
    read = client.perform(ReadReturn(case=case(return_id), step="read"))
    assert isinstance(read, Done)
    new, old = inbox.read()
    assert keys(new) == keys(old) == keys(row) == keys(read)
    assert not [problem for one in (new, old, row) for problem in one.problems]


def test_a_closed_return_tells_the_same_facts_by_webhook_and_by_polling(
    portal: Portal, client: LoopClient, inbox: Inbox
) -> None:
    client.ensure_webhooks(inbox.url)
    return_id = portal.customer_returns(quantity=2, refund_split=["shopify_payments", "gift_card"])
    assert isinstance(client.perform(ReleaseRefund(case=case(return_id), step="release", note="RMA RA-1")), Done)
    closed = eventually(lambda: [one for one in inbox.read() if one.trigger == "return.closed"])
    (row,) = polled(client)
    assert keys(closed[0]) == keys(row)
    assert sum(isinstance(fact, RefundReported) for fact in row.events) == 2


# --- actions --------------------------------------------------------------------------------------------------------


def test_a_release_is_queued_then_found_and_never_paid_twice(portal: Portal, client: LoopClient) -> None:
    return_id = portal.customer_returns()
    command = ReleaseRefund(case=case(return_id), step="release", note="RMA RA-1")
    assert client.find(command) is None
    assert isinstance(client.perform(command), Done)
    found = eventually(lambda: client.find(command))
    assert isinstance(found, Done)
    assert any(isinstance(fact, ReturnProcessed) for fact in found.facts)
    assert isinstance(client.perform(command), AlreadyDone)
    assert len(portal.state()["refunds"]) == 1


def test_a_release_whose_answer_was_lost_is_unknown_and_then_found(portal: Portal, client: LoopClient) -> None:
    return_id = portal.customer_returns()
    command = ReleaseRefund(case=case(return_id), step="release")
    portal.fault("/process", "timeout_after_commit")
    assert isinstance(client.perform(command), Unknown)
    assert isinstance(eventually(lambda: client.find(command)), Done)
    assert len(portal.state()["refunds"]) == 1


def test_a_release_sent_again_while_the_first_is_queued_is_already_done(portal: Portal, client: LoopClient) -> None:
    portal.control("settings", processing_seconds=0.15)
    return_id = portal.customer_returns()
    command = ReleaseRefund(case=case(return_id), step="release")
    assert isinstance(client.perform(command), Done)
    assert isinstance(client.perform(command), AlreadyDone)
    assert len(portal.state()["refunds"]) == 1


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("429", Busy),
        ("503", Unknown),
        ("500_after_commit", Unknown),
        ("401", LockedOut),
        ("wrong_body", Unknown),
    ],
)
def test_each_trouble_of_a_write_has_its_outcome(
    portal: Portal, client: LoopClient, kind: str, outcome: type[Outcome]
) -> None:
    command = SendNote(case=case(portal.customer_returns()), step="note-1", text="RMA RA-1 was opened")
    portal.fault("/note", kind)
    assert type(client.perform(command)) is outcome
    if client.find(command) is None:
        assert isinstance(client.perform(command), Done)
    assert isinstance(client.find(command), Done)
    assert [len(one["notes"]) for one in portal.state()["returns"]] == [1]


def commands(return_id: str) -> list[tuple[AnyCommand, str]]:
    return [
        (CancelReturn(case=case(return_id), step="cancel"), "cancelled"),
        (CloseReturn(case=case(return_id), step="close"), "closed"),
        (FlagReturn(case=case(return_id), step="flag", reason="Wrong item in the parcel"), "review"),
    ]


@pytest.mark.parametrize("which", [0, 1, 2])
def test_an_action_leads_to_its_state_and_is_found_there(portal: Portal, client: LoopClient, which: int) -> None:
    return_id = portal.customer_returns()
    command, state = commands(return_id)[which]
    assert client.find(command) is None
    assert isinstance(client.perform(command), Done)
    assert isinstance(client.find(command), Done)
    assert as_read(client, return_id).state == state
    assert isinstance(client.perform(command), Done)


def test_a_flagged_return_refuses_to_be_cancelled_and_processed(portal: Portal, client: LoopClient) -> None:
    return_id = portal.customer_returns(review=True)
    cancelled = client.perform(CancelReturn(case=case(return_id), step="cancel"))
    released = client.perform(ReleaseRefund(case=case(return_id), step="release"))
    assert isinstance(cancelled, Refused)
    assert isinstance(released, Refused)
    assert (cancelled.kind, released.kind) == ("portal_refused", "return_flagged_in_portal")


def test_a_return_that_does_not_exist_is_refused(portal: Portal, client: LoopClient) -> None:
    ended = client.perform(ReadReturn(case=case("999"), step="read"))
    assert isinstance(ended, Refused)
    assert ended.kind == "return_not_found_in_portal"


def test_an_inspection_arrives_and_comes_back_as_facts(portal: Portal, client: LoopClient) -> None:
    return_id = portal.customer_returns(quantity=2)
    first, second = as_read(client, return_id).lines
    units = (
        GradedUnit(line_id=first.line_id, condition="new", disposition=Disposition.SELLABLE, note="As new"),
        GradedUnit(line_id=second.line_id, condition="damaged", disposition=Disposition.DISPOSE),
    )
    command = ReportInspection(case=case(return_id), step="grade-1", units=units)
    assert client.find(command) is None
    assert isinstance(client.perform(command), Done)
    assert isinstance(client.find(command), Done)
    (row,) = polled(client)
    found = {fact.line_id: (fact.disposition, fact.grade) for fact in row.events if isinstance(fact, PortalInspected)}
    assert found == {
        first.line_id: (Disposition.SELLABLE, "grade_a"),
        second.line_id: (Disposition.DISPOSE, "junk"),
    }


def test_an_inspection_of_a_foreign_line_is_refused(portal: Portal, client: LoopClient) -> None:
    unit = GradedUnit(line_id="1", condition="new", disposition=Disposition.SELLABLE)
    ended = client.perform(ReportInspection(case=case(portal.customer_returns()), step="grade-1", units=(unit,)))
    assert isinstance(ended, Refused)
    assert ended.kind == "field_rejected"


# --- polling --------------------------------------------------------------------------------------------------------


def test_polling_finds_what_the_list_hides(portal: Portal, client: LoopClient) -> None:
    ids = [portal.customer_returns(), portal.customer_returns(review=True), portal.customer_returns()]
    client.perform(CancelReturn(case=case(ids[2]), step="cancel"))
    stages = {one.portal_return.return_id: one.portal_return.stage for one in polled(client) if one.portal_return}
    assert stages == {ids[0]: Stage.AUTHORISED, ids[1]: Stage.REQUESTED, ids[2]: Stage.CANCELLED}


def test_no_row_is_lost_between_pages_although_the_cursor_has_no_tie_breaker(
    portal: Portal, client: LoopClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("counterfoil.portals.loop.polling.PAGE_SIZE", 4)
    order = {**ORDER, "line_items": [{**ORDER["line_items"][0], "quantity": 20}]}
    lines = [{"line_item_id": 5500001, "quantity": 1}]
    ids = set()
    for n in range(12):
        moment = f"2026-03-02T10:00:{n // 3:02d}Z"  # three returns share each second, pages hold four
        ids.add(str(portal.control("returns", order=order, lines=lines, created_at=moment)["id"]))
    found = list(client.changes("2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z"))
    assert {one.portal_return.return_id for one in found if one.portal_return} == ids
    assert len(found) == 12


def test_polling_gets_through_a_busy_minute(portal: Portal, client: LoopClient) -> None:
    return_id = portal.customer_returns()
    portal.fault("/list", "429", times=2)
    portal.fault("/list", "wrong_body")
    assert [one.portal_return.return_id for one in polled(client) if one.portal_return] == [return_id]


def test_a_year_is_read_in_windows_loop_accepts(portal: Portal, client: LoopClient) -> None:
    portal.customer_returns(created_at="2025-02-01T00:00:00Z")
    found = list(client.changes("2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"))
    assert len(found) == 1


# --- rights ---------------------------------------------------------------------------------------------------------


def test_the_probe_is_content_with_a_good_key_and_not_with_a_bad_one(portal: Portal, client: LoopClient) -> None:
    assert client.probe().ok
    stranger = LoopClient(LoopConfig(api_key="wrong", base_url=f"{portal.url}/api/v1"))
    assert not stranger.probe().ok
    assert isinstance(stranger.perform(ReadReturn(case=case("1"), step="read")), LockedOut)
    stranger.close()


def test_every_answer_of_the_simulator_can_be_translated(portal: Portal) -> None:
    return_id = portal.customer_returns()
    headers = {"x-authorization": "loop-example-key"}
    calls = [
        ("GET", "/warehouse/return/list"),
        ("GET", f"/warehouse/return/details?return_id={return_id}"),
        ("GET", "/warehouse/return/details?return_id=1"),
        ("GET", f"/warehouse/return/{return_id}/notes"),
        ("POST", f"/warehouse/return/{return_id}/process"),
        ("POST", f"/warehouse/return/{return_id}/cancel"),
        ("POST", "/webhooks"),
        ("GET", "/webhooks"),
        ("GET", "/destinations"),
        ("GET", "/nowhere"),
    ]
    results = []
    for method, path in calls:
        got = httpx2.request(method, f"{portal.url}/api/v1{path}", headers=headers, content=b"{}", trust_env=False)
        found = SPEC.translate(Delivery(body=got.content, status=got.status_code))
        results.append(found.answer.result if found.answer else found.kind.value)
        assert msgspec.json.encode(found)
    assert results == [
        "list_page",
        "return",
        "not_found",
        "not_found",
        "accepted",
        "rejected",
        "rejected",
        "ok",
        "ok",
        "not_found",
    ]
