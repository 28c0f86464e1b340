"""The ReturnGO client against a small scripted server: what it sends, what it makes of answers, what a day costs."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from counterfoil.core.commands import (
    CancelReturn,
    CaseRef,
    CloseReturn,
    Command,
    FlagReturn,
    ReadReturn,
    ReleaseRefund,
    ReportInspection,
    SendNote,
)
from counterfoil.core.events import RefundReported, ReturnAuthorised
from counterfoil.core.returns import Disposition
from counterfoil.flow.world import Connection
from counterfoil.portals import returngo
from counterfoil.portals.returngo import SPEC
from counterfoil.portals.returngo.client import ReturnGOClient
from counterfoil.portals.returngo.config import ReturnGOConfig, ReturnGOMapping
from counterfoil.portals.returngo.meter import DAY_S, Meter, Purpose, Remembered
from counterfoil.portals.returngo.polling import PollStoppedError
from counterfoil.portals.returngo.words import EVENTS
from counterfoil.ports.outcomes import AlreadyDone, Busy, Done, LockedOut, Refused, Unknown, Unsupported
from counterfoil.ports.translation import Translation

FIXTURES = Path(returngo.__file__).parent / "fixtures"
CASE = CaseRef(brand="acme", portal="returngo", return_id="1000001")
DETAIL = "GET /rma/1000001"
STATUS = "PUT /rma/1000001/status"
COMMENT = "POST /rma/1000001/comment"
SINCE, UNTIL = "2026-03-07T10:00:00Z", "2026-03-07T12:00:00Z"


def fixture(name: str) -> Any:
    return msgspec.json.decode((FIXTURES / f"{name}.json").read_bytes())


def rma(name: str, rma_id: str = "1000001", status: str | None = None) -> Any:
    """A fixture under another number, its units renamed with it."""
    whole = fixture(name)
    whole["rmaSummary"]["rmaId"] = rma_id
    whole["rmaSummary"]["status"] = status or whole["rmaSummary"]["status"]
    for item in whole["items"]:
        item["returnedItemId"] = f"{rma_id}-{item['returnedItemId']}"
    return whole


def row(rma_id: str, status: str = "Approved") -> dict[str, Any]:
    return {"rmaId": rma_id, "status": status, "order_name": f"#EX{rma_id}", "events": []}


def page(*rows: Any, cursor: str | None = None) -> dict[str, Any]:
    return {"rmas": list(rows), "next_cursor": cursor}


class Clock:
    def __init__(self, now: float = 1_772_884_800.0) -> None:
        self.now = now  # noon, UTC

    def __call__(self) -> float:
        return self.now


class ReturnGO:
    """A server that answers from a script: per "METHOD path" a list of (status, value); the last one stays."""

    def __init__(self) -> None:
        self.script: dict[str, list[tuple[int, Any]]] = {}
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.headers: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: Any) -> None:
                """Stay silent."""

            def do_GET(self) -> None:
                outer.answer(self)

            do_POST = do_GET
            do_PUT = do_GET

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        name = f"{handler.command} {parts.path}"
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.requests.append((name, query, msgspec.json.decode(body) if body else None))
        self.headers.append({key.lower(): value for key, value in handler.headers.items()})
        answers = self.script.get(name, [(404, {"message": "Not found"})])
        status, value = answers.pop(0) if len(answers) > 1 else answers[0]
        if callable(value):
            value = value(query)
        if value is Ellipsis:  # hang up without a word
            handler.connection.close()
            return
        raw = value if isinstance(value, bytes) else msgspec.json.encode(value)
        handler.send_response(status)
        handler.send_header("content-length", str(len(raw)))
        handler.send_header("x-amzn-requestid", "req-1")
        if status == 429:
            handler.send_header("retry-after", "3")
        handler.end_headers()
        handler.wfile.write(raw)

    def on(self, name: str, *answers: Any) -> None:
        """Set the answers; a bare value is a 200."""
        self.script[name] = [answer if isinstance(answer, tuple) else (200, answer) for answer in answers]

    def sent(self, name: str) -> list[Any]:
        return [body for called, _, body in self.requests if called == name]

    def asked(self, name: str) -> list[dict[str, str]]:
        return [query for called, query, _ in self.requests if called == name]

    def read_whole(self) -> list[str]:
        return [name.removeprefix("GET /rma/") for name, _, _ in self.requests if name.startswith("GET /rma/")]


@pytest.fixture
def there() -> Iterator[ReturnGO]:
    server = ReturnGO()
    yield server
    server.server.shutdown()
    server.server.server_close()


Connect = Callable[..., ReturnGOClient]


@pytest.fixture
def connect(there: ReturnGO) -> Iterator[Connect]:
    opened: list[ReturnGOClient] = []

    def make(clock: Clock | None = None, **fields: Any) -> ReturnGOClient:
        config = ReturnGOConfig(
            api_key="example-key", shop_name="example.myshopify.com@Trade", base_url=there.url, timeout_s=5.0, **fields
        )
        opened.append(ReturnGOClient(config, clock or Clock()))
        return opened[-1]

    yield make
    for client in opened:
        client.close()


def read(rma_id: str = "1000001") -> ReadReturn:
    return ReadReturn(case=CaseRef(brand="acme", portal="returngo", return_id=rma_id), step="read-1")


# --- reading --------------------------------------------------------------------------------------------------------


def test_a_return_is_read_with_the_key_and_the_shop_on_the_call(there: ReturnGO, connect: Connect) -> None:
    there.on(DETAIL, fixture("rma_approved"))
    outcome = connect().perform(read())
    assert isinstance(outcome, Done)
    assert isinstance(outcome.facts[0], ReturnAuthorised)
    assert there.headers[0]["x-api-key"] == "example-key"
    assert there.headers[0]["x-shop-name"] == "example.myshopify.com@Trade"


def test_what_a_person_must_look_at_comes_with_the_reading(there: ReturnGO, connect: Connect) -> None:
    there.on(DETAIL, fixture("rma_validated"))
    outcome = connect().perform(read())
    assert isinstance(outcome, Done)
    assert [finding.kind for finding in outcome.findings] == ["condition_not_mapped"]


def test_the_accounts_own_mapping_is_used(there: ReturnGO, connect: Connect) -> None:
    there.on(DETAIL, fixture("rma_validated"))
    mapping = ReturnGOMapping(
        conditions={"smoke": Disposition.DONATE, "torn": Disposition.DAMAGED, "wrong": Disposition.DONATE}
    )
    outcome = connect(mapping=mapping).perform(read())
    assert isinstance(outcome, Done) and outcome.findings == ()


def test_an_answer_about_another_return_is_refused(there: ReturnGO, connect: Connect) -> None:
    there.on(DETAIL, rma("rma_approved", "1000007"))
    outcome = connect().perform(read())
    assert isinstance(outcome, Refused) and "another return" in outcome.message


def test_a_return_that_cannot_be_read_is_refused_with_the_reason(there: ReturnGO, connect: Connect) -> None:
    there.on(DETAIL, fixture("unreadable_amount_in_words"))
    outcome = connect().perform(read())
    assert isinstance(outcome, Refused) and outcome.kind == "unreadable_delivery"
    assert "twenty-five" in outcome.message


def test_an_id_cannot_leave_its_place_in_the_address(there: ReturnGO, connect: Connect) -> None:
    connect().perform(read("../webhooks"))
    assert there.requests[0][0] == "GET /rma/..%2Fwebhooks"


@pytest.mark.parametrize(
    ("answer", "outcome", "detail"),
    [
        ((401, {"message": "Unauthorized"}), LockedOut, "HTTP 401"),
        ((403, {"message": "Forbidden"}), LockedOut, "req-1"),
        ((404, {"message": "RMA not found"}), Refused, "HTTP 404"),
        ((429, {"message": "Limit Exceeded"}), Busy, "HTTP 429"),
        ((500, b"<html>"), Busy, "HTTP 500"),
        ((200, b"<html>"), Busy, "not JSON"),
        ((200, []), Busy, ""),
        ((200, ...), Busy, ""),
    ],
)
def test_trouble_with_a_reading_ends_in_the_right_outcome(
    there: ReturnGO, connect: Connect, answer: Any, outcome: type, detail: str
) -> None:
    there.on(DETAIL, answer)
    found = connect().perform(read())
    assert type(found) is outcome
    assert detail in found.detail


def test_retry_after_is_heeded_where_it_is_sent(there: ReturnGO, connect: Connect) -> None:
    there.on(DETAIL, (429, {}))
    found = connect().perform(read())
    assert isinstance(found, Busy) and found.after_s == 3.0


def test_a_server_nobody_listens_at_is_busy() -> None:
    client = ReturnGOClient(ReturnGOConfig(api_key="k", shop_name="s", base_url="http://127.0.0.1:9"), Clock())
    assert isinstance(client.perform(read()), Busy)
    client.close()


# --- the day's calls ------------------------------------------------------------------------------------------------


def test_polls_stop_first_then_reads_and_the_last_calls_are_for_writes() -> None:
    clock = Clock()
    meter = Meter(clock, 10, for_writes=2, for_reads=3)
    spent = dict.fromkeys(Purpose, 0)
    for purpose in (Purpose.POLL, Purpose.READ, Purpose.WRITE):
        while meter.spend(purpose) == 0:
            spent[purpose] += 1
    assert spent == {Purpose.POLL: 5, Purpose.READ: 3, Purpose.WRITE: 2}


def test_a_spent_day_says_when_the_next_begins() -> None:
    clock = Clock()
    meter = Meter(clock, 1, for_writes=0, for_reads=0)
    assert meter.spend(Purpose.WRITE) == 0
    assert meter.spend(Purpose.WRITE) == DAY_S / 2
    clock.now += DAY_S / 2
    assert meter.spend(Purpose.WRITE) == 0


def test_a_clock_that_goes_back_gives_no_calls_back() -> None:
    clock = Clock()
    meter = Meter(clock, 1, for_writes=0, for_reads=0)
    meter.spend(Purpose.WRITE)
    clock.now -= 2 * DAY_S
    assert meter.spend(Purpose.WRITE) > 0


def test_a_restart_in_the_middle_of_the_day_forgets_no_call() -> None:
    clock, kept = Clock(), Remembered()
    before = Meter(clock, 3, for_writes=0, for_reads=0)
    before.spend(Purpose.WRITE)
    before.count_with(kept)
    before.spend(Purpose.WRITE)
    after = Meter(clock, 3, for_writes=0, for_reads=0)
    after.count_with(kept)
    assert (after.spend(Purpose.WRITE), after.left(Purpose.WRITE)) == (0, 0)
    assert after.spend(Purpose.WRITE) > 0 and before.spend(Purpose.WRITE) > 0


def test_the_connection_gives_the_client_a_count_that_lasts() -> None:
    config = ReturnGOConfig(api_key="k", shop_name="s", base_url="http://127.0.0.1:9")
    connection = Connection(name="rg", brand="north", spec=SPEC, config=config, tally=Remembered())
    assert isinstance(connection.client, ReturnGOClient) and isinstance(connection.tally, Remembered)
    connection.client.meter.spend(Purpose.READ)
    connection.close()
    assert isinstance(connection.client, ReturnGOClient)
    assert connection.client.meter.left(Purpose.WRITE) == config.calls_per_day - 1
    connection.close()


def test_a_reading_beyond_the_budget_is_busy_until_midnight_and_not_sent(there: ReturnGO, connect: Connect) -> None:
    there.on(DETAIL, fixture("rma_approved"))
    there.on(COMMENT, {})
    client = connect(calls_per_day=10, reserve_for_writes=9, reserve_for_reads=0)
    assert isinstance(client.perform(read()), Done)
    outcome = client.perform(read())
    assert isinstance(outcome, Busy) and outcome.after_s == DAY_S / 2
    assert isinstance(client.perform(SendNote(case=CASE, step="note-1", text="Credited.")), Done)
    assert there.read_whole() == ["1000001"]


# --- writing --------------------------------------------------------------------------------------------------------


def test_cancelling_sets_the_status_and_looks_whether_it_took(there: ReturnGO, connect: Connect) -> None:
    there.on(STATUS, {})
    there.on(DETAIL, fixture("rma_canceled"))
    outcome = connect().perform(CancelReturn(case=CASE, step="cancel-1"))
    assert type(outcome) is Done and outcome.facts
    assert there.sent(STATUS) == [{"status": "Canceled"}]


def test_words_and_bodies_of_writes_are_data(there: ReturnGO, connect: Connect) -> None:
    there.on(STATUS, {})
    there.on(COMMENT, {})
    there.on(DETAIL, fixture("rma_done_refund_for_each_item"))
    mapping = ReturnGOMapping(
        status_body={"rmaStatus": "{status}", "notify": False},
        close_status="DONE",
        comment_body={"text": "{text}", "isPublic": False},
    )
    client = connect(mapping=mapping)
    assert isinstance(client.perform(CloseReturn(case=CASE, step="close-1")), Done)
    assert isinstance(client.perform(SendNote(case=CASE, step="note-1", text="A & B")), Done)
    assert there.sent(STATUS) == [{"rmaStatus": "DONE", "notify": False}]
    assert there.sent(COMMENT) == [{"text": "A & B", "isPublic": False}]


def test_a_success_that_changed_nothing_is_no_success(there: ReturnGO, connect: Connect) -> None:
    there.on(STATUS, {})
    there.on(DETAIL, fixture("rma_approved"))
    outcome = connect().perform(CancelReturn(case=CASE, step="cancel-1"))
    assert isinstance(outcome, Refused) and outcome.kind == "portal_refused"


def test_a_success_that_cannot_be_seen_yet_is_unknown(there: ReturnGO, connect: Connect) -> None:
    there.on(STATUS, {})
    there.on(DETAIL, (500, {}))
    assert isinstance(connect().perform(CancelReturn(case=CASE, step="cancel-1")), Unknown)


def test_a_refusal_because_it_is_so_already_is_already_done(there: ReturnGO, connect: Connect) -> None:
    there.on(STATUS, (400, {"message": "Invalid transition"}))
    there.on(DETAIL, fixture("rma_rejected"))
    assert type(connect().perform(CancelReturn(case=CASE, step="cancel-1"))) is AlreadyDone


def test_a_refusal_of_a_living_return_stays_a_refusal(there: ReturnGO, connect: Connect) -> None:
    there.on(STATUS, (400, {"message": "Invalid transition"}))
    there.on(DETAIL, fixture("rma_approved"))
    outcome = connect().perform(CancelReturn(case=CASE, step="cancel-1"))
    assert isinstance(outcome, Refused) and "Invalid transition" in outcome.message


@pytest.mark.parametrize(("answer", "outcome"), [((200, ...), Unknown), ((503, {}), Unknown), ((429, {}), Busy)])
def test_a_write_whose_answer_was_lost_is_unknown(
    there: ReturnGO, connect: Connect, answer: Any, outcome: type
) -> None:
    there.on(STATUS, answer)
    assert type(connect().perform(CancelReturn(case=CASE, step="cancel-1"))) is outcome


def test_a_cancelled_return_is_found_and_a_living_one_is_not(there: ReturnGO, connect: Connect) -> None:
    there.on(DETAIL, fixture("rma_canceled"), fixture("rma_approved"))
    client = connect()
    assert isinstance(client.find(CancelReturn(case=CASE, step="cancel-1")), Done)
    assert client.find(CancelReturn(case=CASE, step="cancel-1")) is None


def test_a_look_up_that_fails_says_so(there: ReturnGO, connect: Connect) -> None:
    there.on(DETAIL, (500, {}))
    assert isinstance(connect().find(SendNote(case=CASE, step="note-1", text="x")), Busy)


def test_a_note_is_sent_as_markup_and_found_by_its_text(there: ReturnGO, connect: Connect) -> None:
    client, whole = connect(), fixture("rma_approved")
    note = SendNote(case=CASE, step="note-1", text="Credit note <CN-1>\nfor 25.00 GBP & no more.")
    there.on(COMMENT, (201, b""))
    there.on(DETAIL, whole)
    assert client.find(note) is None
    assert isinstance(client.perform(note), Done)
    (sent,) = there.sent(COMMENT)
    assert sent == {"htmlText": "Credit note &lt;CN-1&gt; for 25.00 GBP &amp; no more."}
    there.on(DETAIL, {**whole, "comments": [{"commentType": "merchant", "htmlText": f"<p>{sent['htmlText']}</p>"}]})
    assert isinstance(client.find(note), Done)


@pytest.mark.parametrize(
    "command",
    [
        ReleaseRefund(case=CASE, step="release-1"),
        FlagReturn(case=CASE, step="flag-1", reason="x"),
        ReportInspection(case=CASE, step="inspection-1", units=()),
    ],
)
def test_what_the_api_has_no_call_for_is_unsupported_and_never_sent(
    there: ReturnGO, connect: Connect, command: Command
) -> None:
    assert isinstance(connect().perform(command), Unsupported)  # type: ignore[arg-type]
    assert there.requests == []


def test_an_account_that_cannot_cancel_is_not_asked_to(there: ReturnGO, connect: Connect) -> None:
    client = connect(mapping=ReturnGOMapping(cancel_status=""))
    assert isinstance(client.perform(CancelReturn(case=CASE, step="cancel-1")), Unsupported)
    assert there.requests == []


# --- webhooks and the probe -----------------------------------------------------------------------------------------


def test_every_event_is_registered_once(there: ReturnGO, connect: Connect) -> None:
    url = "https://returns.example.com/webhooks/returngo/example-secret-path"
    there.on("GET /webhooks", [{"id": "1", "url": url, "eventName": "RMA_CREATED"}])
    there.on("POST /webhook", {"id": "2"})
    assert isinstance(connect().ensure_webhooks(url), Done)
    assert [body["eventName"] for body in there.sent("POST /webhook")] == [e for e in EVENTS if e != "RMA_CREATED"]
    assert {body["url"] for body in there.sent("POST /webhook")} == {url}


def test_a_probe_names_each_check(there: ReturnGO, connect: Connect) -> None:
    there.on("GET /rmas", page())
    there.on("GET /webhooks", (403, {"message": "Forbidden"}))
    probe = connect(webhook_secrets=("example-secret-path",)).probe()
    assert [good for good, _ in probe.checks] == [True, False, True, True]
    assert not probe.ok


def test_a_probe_of_a_connection_without_a_secret_path_is_not_good(there: ReturnGO, connect: Connect) -> None:
    there.on("GET /rmas", page())
    there.on("GET /webhooks", [])
    assert not connect().probe().ok


def test_the_spec_builds_this_client(there: ReturnGO) -> None:
    assert SPEC.build is not None
    client = SPEC.build(ReturnGOConfig(api_key="k", shop_name="s", base_url=there.url))
    there.on(DETAIL, fixture("rma_approved"))
    assert isinstance(client.perform(read()), Done)
    client.close()


# --- polling --------------------------------------------------------------------------------------------------------


def lists(there: ReturnGO, *, updated: Any = (), opened: Any = (), transactions: Any = ()) -> None:
    """Answer the three lists; `rma_updated_at` and `status` share an address."""
    there.on("GET /rmas", lambda query: page(*(updated if "rma_updated_at" in query else opened)))
    there.on("GET /transactions", {"transactions": list(transactions), "next_cursor": ""})


def ids(found: list[Translation]) -> list[str]:
    return [one.portal_return.return_id for one in found if one.portal_return is not None]


def test_a_poll_asks_for_the_window_and_for_every_open_return(there: ReturnGO, connect: Connect) -> None:
    lists(there, updated=[row("1000001")], opened=[row("1000002", "Received")])
    there.on(DETAIL, rma("rma_approved"))
    there.on("GET /rma/1000002", rma("rma_received_updated_long_ago", "1000002"))
    assert ids(list(connect().changes(SINCE, UNTIL))) == ["1000001", "1000002"]
    by_time, by_status = there.asked("GET /rmas")
    assert by_time["rma_updated_at"] == "gte:2026-03-07T10:00:00"
    assert (by_time["pagesize"], "cursor" in by_time) == ("500", False)
    assert by_status["status"] == "Pending,Approved,Received,Validated"


def test_an_arrival_that_moved_no_date_is_found_by_its_status(there: ReturnGO, connect: Connect) -> None:
    clock = Clock()
    client = connect(clock)
    lists(there, opened=[row("1000001")])
    there.on(DETAIL, rma("rma_approved"))
    assert ids(list(client.changes(SINCE, UNTIL))) == ["1000001"]
    clock.now += 1800
    lists(there, opened=[row("1000001", "Received")])
    there.on(DETAIL, rma("rma_received_updated_long_ago"))
    (found,) = list(client.changes(UNTIL, "2026-03-07T12:30:00Z"))
    assert found.portal_return is not None and found.portal_return.state == "received"


def test_open_returns_are_swept_only_so_often(there: ReturnGO, connect: Connect) -> None:
    clock = Clock()
    client = connect(clock)
    lists(there)
    for minutes in (0, 5, 5, 25):
        clock.now += minutes * 60
        list(client.changes(SINCE, UNTIL))
    swept = [query for query in there.asked("GET /rmas") if "status" in query]
    assert len(swept) == 2
    assert len(there.asked("GET /transactions")) == 2


def test_a_return_that_is_as_it_was_is_not_told_again(there: ReturnGO, connect: Connect) -> None:
    clock = Clock()
    client = connect(clock)
    lists(there, updated=[row("1000001")])
    there.on(DETAIL, rma("rma_approved"))
    assert ids(list(client.changes(SINCE, UNTIL))) == ["1000001"]
    clock.now += 300
    assert list(client.changes(UNTIL, UNTIL)) == []
    assert there.read_whole() == ["1000001", "1000001"]


def test_an_open_return_is_read_again_when_its_last_reading_is_old(there: ReturnGO, connect: Connect) -> None:
    clock = Clock()
    client = connect(clock)
    lists(there, updated=[row("1000001"), row("1000002", "Done")])
    there.on(DETAIL, rma("rma_approved"))
    there.on("GET /rma/1000002", rma("rma_done_refund_for_each_item", "1000002"))
    list(client.changes(SINCE, UNTIL))
    lists(there)
    clock.now += 12 * 3600
    there.on(DETAIL, rma("rma_shipped"))
    assert ids(list(client.changes(UNTIL, UNTIL))) == ["1000001"]
    assert there.read_whole() == ["1000001", "1000002", "1000001"]


def test_a_new_transaction_leads_to_the_return_of_its_unit(there: ReturnGO, connect: Connect) -> None:
    clock = Clock()
    client = connect(clock)
    lists(there, opened=[row("1000001")])
    there.on(DETAIL, rma("rma_approved"))
    list(client.changes(SINCE, UNTIL))
    clock.now += 1800
    money = {"id": 500001, "returnItemIds": ["1000001-880001"], "status": "Success"}
    strange = {"id": 500009, "returnItemIds": ["7-7"], "status": "Success"}
    lists(there, opened=[row("1000001")], transactions=[money, strange])
    there.on(DETAIL, rma("rma_approved_refunded_before_receipt"))
    (found,) = list(client.changes(UNTIL, UNTIL))
    assert [event.amount for event in found.events if isinstance(event, RefundReported)] == [2500]
    clock.now += 1800
    list(client.changes(UNTIL, UNTIL))
    assert len(there.read_whole()) == 2


def test_every_page_is_read_and_the_filters_go_with_the_cursor(there: ReturnGO, connect: Connect) -> None:
    pages = {"": page(row("1000001"), cursor="abc"), "abc": page(row("1000002"), cursor="def"), "def": page()}
    there.on("GET /rmas", lambda query: pages[query.get("cursor", "")] if "rma_updated_at" in query else page())
    there.on("GET /transactions", {"transactions": []})
    there.on(DETAIL, rma("rma_approved"))
    there.on("GET /rma/1000002", rma("rma_approved", "1000002"))
    assert ids(list(connect().changes(SINCE, UNTIL))) == ["1000001", "1000002"]
    asked = [query for query in there.asked("GET /rmas") if "rma_updated_at" in query]
    assert [query.get("cursor") for query in asked] == [None, "abc", "def"]
    assert len({query["rma_updated_at"] for query in asked}) == 1


def test_a_cursor_that_repeats_ends_the_list(there: ReturnGO, connect: Connect) -> None:
    there.on("GET /rmas", lambda query: page(row("1000001"), cursor="abc") if "rma_updated_at" in query else page())
    there.on("GET /transactions", {"transactions": []})
    there.on(DETAIL, rma("rma_approved"))
    assert ids(list(connect().changes(SINCE, UNTIL))) == ["1000001"]


def test_a_return_made_after_the_window_is_left_to_the_next_poll(there: ReturnGO, connect: Connect) -> None:
    late = {**row("1000002"), "events": [{"eventName": "RMA_CREATED", "eventDate": "2026-03-07T12:00:01+00:00"}]}
    lists(there, updated=[late])
    assert list(connect().changes(SINCE, UNTIL)) == []


def test_more_returns_than_one_poll_reads_are_left_and_found_by_the_next(there: ReturnGO, connect: Connect) -> None:
    client = connect(details_per_poll=2)
    names = [str(1000001 + n) for n in range(5)]
    lists(there, updated=[row(name) for name in names])
    for name in names:
        there.on(f"GET /rma/{name}", rma("rma_approved", name))
    found: list[str] = []
    stops = 0
    for _ in range(3):
        try:
            for one in client.changes(SINCE, UNTIL):
                found += ids([one])
        except PollStoppedError as error:
            assert re.search(r"\d returns are left", str(error))
            stops += 1
    assert (found, stops) == (names, 2)


def test_the_window_after_one_that_was_cut_short_reaches_back_to_its_start(there: ReturnGO, connect: Connect) -> None:
    clock = Clock()
    client = connect(clock)
    lists(there)
    list(client.changes(SINCE, UNTIL))
    clock.now += 7200
    list(client.changes("2026-03-07T13:50:00Z", "2026-03-07T14:00:00Z"))
    asked = [query["rma_updated_at"] for query in there.asked("GET /rmas") if "rma_updated_at" in query]
    assert asked == ["gte:2026-03-07T10:00:00", "gte:2026-03-07T12:00:00"]


def test_one_return_that_cannot_be_read_hides_no_other_and_is_tried_again(there: ReturnGO, connect: Connect) -> None:
    client = connect()
    lists(there, updated=[row("1000001"), row("1000002")])
    there.on(DETAIL, (500, {}), rma("rma_approved"))
    there.on("GET /rma/1000002", rma("rma_approved", "1000002"))
    assert ids(list(client.changes(SINCE, UNTIL))) == ["1000002"]
    lists(there)
    assert ids(list(client.changes(UNTIL, UNTIL))) == ["1000001"]


def test_a_return_listed_and_gone_is_passed_over(there: ReturnGO, connect: Connect) -> None:
    lists(there, updated=[row("1000001")])
    assert list(connect().changes(SINCE, UNTIL)) == []


@pytest.mark.parametrize("answer", [(500, {}), (401, {}), (200, {"rows": []}), (200, [])])
def test_a_list_that_cannot_be_read_stops_the_poll(there: ReturnGO, connect: Connect, answer: Any) -> None:
    there.on("GET /rmas", answer)
    with pytest.raises(PollStoppedError):
        list(connect().changes(SINCE, UNTIL))


def test_a_key_that_is_locked_out_stops_the_poll_at_once(there: ReturnGO, connect: Connect) -> None:
    lists(there, updated=[row("1000001"), row("1000002")])
    there.on(DETAIL, (403, {}))
    with pytest.raises(PollStoppedError) as stopped:
        list(connect().changes(SINCE, UNTIL))
    assert isinstance(stopped.value.outcome, LockedOut)
    assert there.read_whole() == ["1000001"]


def test_a_poll_stops_before_the_calls_kept_for_events_and_writes(there: ReturnGO, connect: Connect) -> None:
    names = [str(1000001 + n) for n in range(9)]
    lists(there, updated=[row(name) for name in names])
    for name in names:
        there.on(f"GET /rma/{name}", rma("rma_approved", name))
    client = connect(calls_per_day=20, reserve_for_writes=5, reserve_for_reads=10)
    with pytest.raises(PollStoppedError, match="spent") as stopped:
        list(client.changes(SINCE, UNTIL))
    assert isinstance(stopped.value.outcome, Busy) and stopped.value.outcome.after_s == DAY_S / 2
    assert len(there.requests) == 5
    assert isinstance(client.perform(read()), Done)
