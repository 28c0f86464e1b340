"""The ReturnGO adapter against the simulated ReturnGO over loopback: both written from the sheet, neither from the other."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest

from counterfoil.core.commands import CancelReturn, CaseRef, CloseReturn, ReadReturn, SendNote
from counterfoil.core.events import (
    LabelMoved,
    PortalInspected,
    ProcessingFailed,
    RefundReported,
    ReturnFact,
    ReturnProcessed,
    StoreCreditIssued,
)
from counterfoil.core.returns import Disposition, LabelStatus, PortalReturn, Stage
from counterfoil.portals.returngo import SPEC
from counterfoil.portals.returngo.client import ReturnGOClient
from counterfoil.portals.returngo.config import ReturnGOConfig
from counterfoil.portals.returngo.sim import ReturnGoSimulator
from counterfoil.portals.returngo.words import EVENTS
from counterfoil.ports.outcomes import AlreadyDone, Busy, Done, LockedOut, Refused, Unknown
from counterfoil.ports.translation import Kind, Signature, Translation
from counterfoil.ports.vendors import Delivery
from counterfoil.simkit.server import Running

SECRET = "returngo-example-secret-path"
ORDER: dict[str, Any] = {
    "id": 4500000001,
    "name": "#EX1001",
    "currency": "GBP",
    "taxes_included": True,
    "email": "robin@example.com",
    "line_items": [
        {
            "id": 5500001,
            "sku": "TEE-BLK-M",
            "title": "Example tee",
            "quantity": 3,
            "price": "25.00",
            "tax_lines": [{"price": "12.50"}],
            "discount_allocations": [],
        }
    ],
}


class Inbox:
    """Receives webhooks below a path and answers 200."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: Any) -> None:
                """Stay silent."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                names = {name.lower(): value for name, value in self.headers.items()}
                tail = self.path.removeprefix("/hooks/returngo").strip("/")
                outer.deliveries.append(Delivery(body=body, headers=names, path_tail=tail, arrived_at=time.time()))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hooks/returngo/{SECRET}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


class Portal:
    """A running simulator in a thread of its own, with its control path."""

    def __init__(self, world: dict[str, Any]) -> None:
        self.events = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.events.run_forever, daemon=True)
        self.thread.start()
        self.running = Running(ReturnGoSimulator(world))
        self._await(self.running.start())
        self.url = self.running.base_url
        self.client = httpx2.Client(trust_env=False, timeout=5)

    def _await(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self.events).result(10)

    def control(self, path: str, **given: Any) -> Any:
        answer = self.client.post(f"{self.url}/__sim/{path}", json=given)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def state(self) -> Any:
        return self.client.get(f"{self.url}/__sim/state").json()

    def fault(self, match: str, kind: str, times: int = 1) -> None:
        self.control("faults", match=match, kind=kind, times=times)

    def customer_returns(self, quantity: int = 1, **given: Any) -> str:
        lines = [{"line_item_id": 5500001, "quantity": quantity, "reason": "Too small"}]
        return str(self.control("returns", order=ORDER, lines=lines, **given)["id"])

    def approved(self, quantity: int = 1, **given: Any) -> str:
        return_id = self.customer_returns(quantity, **given)
        self.control(f"returns/{return_id}/approve")
        return return_id

    def received(self, quantity: int = 1, **given: Any) -> str:
        return_id = self.approved(quantity, **given)
        self.control(f"returns/{return_id}/label", status="in_transit", tracking_number="EX1GB")
        self.control(f"returns/{return_id}/label", status="delivered")
        return return_id

    def stop(self) -> None:
        self.client.close()
        self._await(self.running.stop())
        self._await(_end_what_hangs())
        self.events.call_soon_threadsafe(self.events.stop)
        self.thread.join(5)
        self.events.close()


async def _end_what_hangs() -> None:
    """Requests a fault never answered are still open."""
    hanging = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    made = Inbox()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def running() -> Iterator[Portal]:
    made = Portal({"item_validation": True, "auto_done": False})
    yield made
    made.stop()


@pytest.fixture
def portal(running: Portal) -> Portal:
    running.control("reset")
    return running


def connected(portal: Portal, **fields: Any) -> ReturnGOClient:
    given = {"api_key": "returngo-example-key", "shop_name": "example.myshopify.com", "timeout_s": 1.0, **fields}
    return ReturnGOClient(ReturnGOConfig(base_url=portal.url, **given))


@pytest.fixture
def client(portal: Portal) -> Iterator[ReturnGOClient]:
    made = connected(portal, open_sweep_s=0)
    yield made
    made.close()


def case(return_id: str) -> CaseRef:
    return CaseRef(brand="acme", portal="returngo", return_id=return_id)


def eventually(look: Callable[[], Any]) -> Any:
    """The first truthy answer within five seconds."""
    for _ in range(250):
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen within five seconds")


def read(client: ReturnGOClient, return_id: str) -> Done:
    ended = client.perform(ReadReturn(case=case(return_id), step="read"))
    assert isinstance(ended, Done), ended
    return ended


def shown(found: Done) -> PortalReturn:
    return next(fact.portal_return for fact in found.facts if isinstance(fact, ReturnFact))


def facts(found: Done, kind: type) -> list[Any]:
    return [fact for fact in found.facts if isinstance(fact, kind)]


def polled(client: ReturnGOClient, hours: float = 1) -> list[Translation]:
    now = datetime.now(UTC)
    return list(client.changes((now - timedelta(hours=hours)).isoformat(), (now + timedelta(hours=1)).isoformat()))


# --- webhooks -------------------------------------------------------------------------------------------------------


def test_every_event_is_registered_once_and_comes_to_the_secret_path(
    portal: Portal, client: ReturnGOClient, inbox: Inbox
) -> None:
    assert isinstance(client.ensure_webhooks(inbox.url), Done)
    assert isinstance(client.ensure_webhooks(inbox.url), Done)
    assert sorted(row["eventName"] for row in portal.state()["webhooks"]) == sorted(EVENTS)
    return_id = portal.received()
    eventually(lambda: len(inbox.deliveries) >= 5)
    assert SPEC.hook is not None
    for delivery in inbox.deliveries:
        found = SPEC.translate(delivery)
        assert SPEC.hook.verify(delivery, ["another-secret-path", SECRET]) is Signature.NOT_SIGNED
        assert (found.reread, found.events, found.problems) == ((return_id,), (), ())
        assert found.topic in EVENTS


def test_a_delivery_to_a_guessed_path_is_not_ours(portal: Portal, inbox: Inbox) -> None:
    return_id = portal.customer_returns()
    portal.control("emit", id=return_id, event="RMA_CREATED", url=inbox.url.replace(SECRET, "guessed"))
    (delivery,) = eventually(lambda: inbox.deliveries)
    assert SPEC.hook is not None
    assert SPEC.hook.verify(delivery, [SECRET]) is Signature.INVALID


@pytest.mark.parametrize("shape", ["flat", "rma", "rmaSummary", "data"])
def test_wherever_an_event_names_its_return_it_is_found(portal: Portal, inbox: Inbox, shape: str) -> None:
    return_id = portal.customer_returns()
    portal.control("emit", id=return_id, event="RMA_CREATED", shape=shape, url=inbox.url)
    (delivery,) = eventually(lambda: inbox.deliveries)
    assert SPEC.translate(delivery).reread == (return_id,)


@pytest.mark.parametrize(
    ("given", "kind", "problem"),
    [
        ({"shape": "bare"}, Kind.OTHER, "portal_event_without_id"),
        ({"variant": "empty"}, Kind.UNREADABLE, "unreadable_delivery"),
        ({"variant": "truncated"}, Kind.UNREADABLE, "unreadable_delivery"),
        ({"variant": "unknown_event"}, Kind.OTHER, "unknown_topic"),
    ],
)
def test_every_way_an_event_goes_wrong_is_known(
    portal: Portal, inbox: Inbox, given: dict[str, str], kind: Kind, problem: str
) -> None:
    return_id = portal.customer_returns()
    portal.control("emit", id=return_id, event="RMA_CREATED", url=inbox.url, **given)
    (delivery,) = eventually(lambda: inbox.deliveries)
    found = SPEC.translate(delivery)
    assert (found.kind, [one.kind for one in found.problems]) == (kind, [problem])


def test_an_event_about_a_return_there_is_not_ends_in_a_plain_refusal(
    portal: Portal, client: ReturnGOClient, inbox: Inbox
) -> None:
    return_id = portal.customer_returns()
    portal.control("emit", id=return_id, event="RMA_CREATED", variant="foreign_id", url=inbox.url)
    (delivery,) = eventually(lambda: inbox.deliveries)
    (named,) = SPEC.translate(delivery).reread
    ended = client.perform(ReadReturn(case=case(named), step="read"))
    assert isinstance(ended, Refused) and ended.kind == "return_not_found_in_portal"


# --- one return, from request to inspection -------------------------------------------------------------------------


def test_a_return_is_followed_from_request_to_inspection(portal: Portal, client: ReturnGOClient) -> None:
    return_id = portal.customer_returns(quantity=3)
    assert shown(read(client, return_id)).stage is Stage.REQUESTED
    portal.control(f"returns/{return_id}/approve")
    whole = shown(read(client, return_id))
    assert (whole.stage, whole.order_ref, whole.order_name) == (Stage.AUTHORISED, "4500000001", "#EX1001")
    assert [(line.qty, line.line_value, line.tax, line.reason) for line in whole.lines] == [
        (1, 2500, 417, "Too small"),
        (1, 2500, 417, "Too small"),
        (1, 2500, 416, "Too small"),
    ]
    portal.control(f"returns/{return_id}/label", status="in_transit", tracking_number="EX1GB", carrier="Example Post")
    assert shown(read(client, return_id)).label_status is LabelStatus.IN_TRANSIT
    portal.control(f"returns/{return_id}/label", status="delivered")
    arrived = read(client, return_id)
    assert (shown(arrived).label_status, shown(arrived).tracking) == (LabelStatus.DELIVERED, "EX1GB")
    assert facts(arrived, LabelMoved)[-1].occurred_at is not None
    assert facts(arrived, PortalInspected) == []
    items = [
        {"sku": "TEE-BLK-M", "quantity": 1},
        {"sku": "TEE-BLK-M", "quantity": 1, "is_restockable": False, "reason": "Torn at the collar"},
        {"sku": "TEE-BLK-M", "quantity": 1, "is_returned": False},
    ]
    portal.control(f"returns/{return_id}/validate", items=items)
    inspected = read(client, return_id)
    assert [fact.disposition for fact in facts(inspected, PortalInspected)] == ["sellable", "damaged", "missing"]
    assert (shown(inspected).state, inspected.findings) == ("validated", ())


@pytest.mark.parametrize("drift", [True, False])
def test_the_documented_typing_and_the_observed_one_say_the_same(
    portal: Portal, client: ReturnGOClient, drift: bool
) -> None:
    return_id = portal.received(quantity=2)
    portal.control(f"returns/{return_id}/refund")
    before = read(client, return_id)
    portal.control("settings", drift=drift, unknown_keys=drift)
    assert read(client, return_id).facts == before.facts


# --- polling --------------------------------------------------------------------------------------------------------


def test_a_poll_tells_the_same_facts_as_a_reading(portal: Portal, client: ReturnGOClient) -> None:
    return_id = portal.received(quantity=2)
    portal.control(f"returns/{return_id}/refund")
    (found,) = polled(client)
    assert found.events == read(client, return_id).facts


def test_an_arrival_that_moved_no_date_is_polled(portal: Portal, client: ReturnGOClient) -> None:
    portal.control("clock", now=(datetime.now(UTC) - timedelta(hours=2)).isoformat())
    return_id = portal.approved()
    polled(client, hours=3)
    portal.control(f"returns/{return_id}/label", status="delivered")
    (found,) = polled(client, hours=-0.5)
    assert found.portal_return is not None and found.portal_return.label_status is LabelStatus.DELIVERED


@pytest.mark.parametrize("end", ["null", "missing", "empty"])
def test_a_list_of_several_pages_is_read_to_its_end(
    portal: Portal, client: ReturnGOClient, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr("counterfoil.portals.returngo.polling.PAGE_SIZE", 2)
    portal.control("settings", last_page=end)
    wanted = {portal.customer_returns() for _ in range(3)}
    found = [one.portal_return.return_id for one in polled(client) if one.portal_return is not None]
    assert sorted(found) == sorted(wanted)


def test_a_store_credit_that_moved_no_date_is_polled_through_its_unit(portal: Portal, client: ReturnGOClient) -> None:
    portal.control("clock", now=(datetime.now(UTC) - timedelta(hours=2)).isoformat())
    return_id = portal.received(outcome="store_credit", bonus="5.00")
    polled(client, hours=3)
    portal.control(f"returns/{return_id}/refund")
    (found,) = polled(client, hours=-0.5)
    credits_ = [event for event in found.events if isinstance(event, StoreCreditIssued)]
    assert [(event.issued, event.bonus) for event in credits_] == [(3000, 500)]


# --- money ----------------------------------------------------------------------------------------------------------


def test_a_refund_for_each_item_is_summed(portal: Portal, client: ReturnGOClient) -> None:
    return_id = portal.received(quantity=2)
    portal.control(f"returns/{return_id}/refund")
    found = read(client, return_id)
    assert [fact.amount for fact in facts(found, RefundReported)] == [2500, 2500]
    assert (shown(found).tenders.refund, found.findings) == (5000, ())


@pytest.mark.parametrize("per", ["item", "rma"])
@pytest.mark.parametrize("placement", ["repeated", "split"])
def test_a_fee_is_counted_once_however_it_is_shown(
    portal: Portal, client: ReturnGOClient, placement: str, per: str
) -> None:
    portal.control("settings", fee_placement=placement, transactions_per=per)
    return_id = portal.received(quantity=3, return_fee="1.50", shipment_fee="3.45")
    portal.control(f"returns/{return_id}/refund")
    found = read(client, return_id)
    assert shown(found).tenders.fee_withheld == 495
    assert sum(fact.amount for fact in facts(found, RefundReported)) == 7500 - 495
    assert found.findings == ()


def test_a_refund_that_failed_is_kept_until_it_is_made_good(portal: Portal, client: ReturnGOClient) -> None:
    return_id = portal.received()
    portal.control(f"returns/{return_id}/refund", fail=True)
    failed = read(client, return_id)
    assert (len(facts(failed, ProcessingFailed)), facts(failed, RefundReported)) == (1, [])
    portal.control(f"returns/{return_id}/refund")
    good = read(client, return_id)
    assert (facts(good, ProcessingFailed), [fact.amount for fact in facts(good, RefundReported)]) == ([], [2500])


def test_a_refund_made_elsewhere_leaves_no_trace(portal: Portal, client: ReturnGOClient) -> None:
    return_id = portal.received()
    portal.control(f"returns/{return_id}/refund", outside=True)
    found = read(client, return_id)
    assert (facts(found, RefundReported), shown(found).tenders.refund) == ([], None)


def test_a_variant_exchange_is_a_draft_until_it_is_released(portal: Portal, client: ReturnGOClient) -> None:
    wanted = {"sku": "TEE-BLK-L", "price": "25.00"}
    return_id = portal.received(outcome="exchange", exchange=wanted)
    (draft,) = shown(read(client, return_id)).exchange_lines
    assert (draft.sku, draft.total, draft.order_ref) == ("TEE-BLK-L", 2500, None)
    assert draft.order_name is not None and draft.order_name.startswith("#D")
    portal.control(f"returns/{return_id}/release")
    (released,) = shown(read(client, return_id)).exchange_lines
    assert released.order_ref is not None


def test_a_difference_is_collected_when_the_invoice_is_paid(portal: Portal, client: ReturnGOClient) -> None:
    return_id = portal.received(outcome="exchange", exchange={"sku": "TEE-SILK-M", "price": "40.00"})
    assert shown(read(client, return_id)).tenders.upsell_collected == 0
    portal.control(f"returns/{return_id}/invoice")
    tenders = shown(read(client, return_id)).tenders
    assert (tenders.upsell_collected, tenders.exchange_used) == (1500, 2500)


def test_a_done_return_is_processed(portal: Portal, client: ReturnGOClient) -> None:
    portal.control("settings", auto_done=True)
    return_id = portal.received()
    portal.control(f"returns/{return_id}/refund")
    assert len(facts(read(client, return_id), ReturnProcessed)) == 1


def test_a_reopened_return_is_a_finding(portal: Portal, client: ReturnGOClient) -> None:
    return_id = portal.approved()
    portal.control(f"returns/{return_id}/cancel")
    portal.control(f"returns/{return_id}/reopen")
    assert [finding.kind for finding in read(client, return_id).findings] == ["return_reopened"]


# --- writing --------------------------------------------------------------------------------------------------------


def test_a_return_is_cancelled_once_and_known_to_be(portal: Portal, client: ReturnGOClient) -> None:
    return_id = portal.approved()
    command = CancelReturn(case=case(return_id), step="cancel-1")
    assert client.find(command) is None
    assert type(client.perform(command)) is Done
    assert type(client.perform(command)) is AlreadyDone
    assert isinstance(client.find(command), Done)


def test_a_move_the_account_forbids_is_refused(portal: Portal, client: ReturnGOClient) -> None:
    return_id = portal.approved()
    ended = client.perform(CloseReturn(case=case(return_id), step="close-1"))
    assert isinstance(ended, Refused) and "Invalid transition" in ended.message


def test_a_note_whose_answer_was_lost_is_found(portal: Portal, client: ReturnGOClient) -> None:
    return_id = portal.approved()
    note = SendNote(case=case(return_id), step="note-1", text="Credit note CN-1 <25.00 GBP> & closed.")
    assert client.find(note) is None
    portal.fault(f"POST /rma/{return_id}/comment", "timeout_after_commit")
    assert isinstance(client.perform(note), Unknown)
    assert isinstance(client.find(note), Done)


# --- trouble --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("fields", [{"api_key": "wrong"}, {"shop_name": "other.example.com"}])
def test_a_key_or_shop_that_is_wrong_locks_us_out(portal: Portal, status: int, fields: dict[str, str]) -> None:
    portal.control("settings", bad_key_status=status)
    return_id = portal.customer_returns()
    stranger = connected(portal, **fields)
    assert isinstance(stranger.perform(ReadReturn(case=case(return_id), step="read")), LockedOut)
    assert not stranger.probe().ok
    stranger.close()


def test_the_portals_own_quota_is_busy(portal: Portal, client: ReturnGOClient) -> None:
    return_id = portal.customer_returns()
    portal.control("settings", daily_quota=0, retry_after_s=30)
    ended = client.perform(ReadReturn(case=case(return_id), step="read"))
    assert isinstance(ended, Busy) and ended.after_s == 30.0


def test_the_connection_probes_well(portal: Portal) -> None:
    client = connected(portal, webhook_secrets=(SECRET,))
    probe = client.probe()
    client.close()
    assert probe.ok, probe.checks


def test_inspection_words_are_the_accounts_own(portal: Portal) -> None:
    from counterfoil.portals.returngo.config import ReturnGOMapping

    return_id = portal.received()
    item = {"sku": "TEE-BLK-M", "is_restockable": False, "reason": "Smells of smoke"}
    portal.control(f"returns/{return_id}/validate", items=[item])
    plain, told = (
        connected(portal),
        connected(portal, mapping=ReturnGOMapping(conditions={"smoke": Disposition.DISPOSE})),
    )
    assert [finding.kind for finding in read(plain, return_id).findings] == ["condition_not_mapped"]
    assert facts(read(told, return_id), PortalInspected)[0].disposition == "dispose"
    plain.close()
    told.close()
