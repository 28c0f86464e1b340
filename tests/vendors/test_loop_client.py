"""The Loop client against a small scripted server: what it sends, and what it makes of the answers (sheet §6, §7)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from counterfoil.core.commands import (
    CancelReturn,
    CaseRef,
    CloseReturn,
    Command,
    FetchOrder,
    FlagReturn,
    GradedUnit,
    ReadReturn,
    ReleaseRefund,
    ReportInspection,
    SendNote,
)
from counterfoil.core.events import RefundReported
from counterfoil.core.returns import Disposition, Stage
from counterfoil.portals.loop import SPEC
from counterfoil.portals.loop.client import LoopClient
from counterfoil.portals.loop.config import LoopConfig
from counterfoil.portals.loop.pace import Pace
from counterfoil.portals.loop.polling import OVERLAP, PollStoppedError, windows
from counterfoil.portals.loop.subscriptions import WANTED
from counterfoil.portals.loop.words import condition_category
from counterfoil.ports.outcomes import AlreadyDone, Busy, Done, LockedOut, Refused, Unknown, Unsupported

CASE = CaseRef(brand="acme", portal="loop", return_id="41")
DETAILS = "GET /warehouse/return/details"
LIST = "GET /warehouse/return/list"
NOTES = "GET /warehouse/return/41/notes"


class Loop:
    """A server that answers from a script: per "METHOD path" a list of (status, value); the last one stays."""

    def __init__(self) -> None:
        self.script: dict[str, list[tuple[int, Any]]] = {}
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.headers: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                """Stay silent."""

            def do_GET(self) -> None:
                outer.answer(self)

            do_POST = do_GET  # noqa: N815 - the names the base class looks for
            do_PUT = do_GET  # noqa: N815

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
        answers = self.script.get(name, [(404, {"errors": {"code": "NOT_FOUND"}})])
        status, value = answers.pop(0) if len(answers) > 1 else answers[0]
        if value is Ellipsis:  # hang up without a word
            handler.connection.close()
            return
        raw = value if isinstance(value, bytes) else msgspec.json.encode(value)
        handler.send_response(status)
        handler.send_header("content-length", str(len(raw)))
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


@pytest.fixture
def loop() -> Iterator[Loop]:
    server = Loop()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def client(loop: Loop, slept: list[float]) -> Iterator[LoopClient]:
    config = LoopConfig(api_key="a-key", base_url=loop.url, timeout_s=3)
    made = LoopClient(config, sleep=slept.append)
    yield made
    made.close()


def shown(state: str = "open", **fields: Any) -> dict[str, Any]:
    line = {"line_item_id": 7, "sku": "TEE", "price": "10.00", "discount": "0.00", "tax": "2.00", "refund": "12.00"}
    return {"id": 41, "state": state, "currency": "GBP", "order_name": "#1", "line_items": [line], **fields}


REFUND = {"gateway": "shopify_payments", "amount": "12.00", "currency": "GBP", "provider_refund_id": "88"}

ACTIONS: list[tuple[Command, str, str]] = [
    (ReleaseRefund(case=CASE, step="release"), "process", "closed"),
    (CancelReturn(case=CASE, step="cancel"), "cancel", "cancelled"),
    (CloseReturn(case=CASE, step="close"), "close", "closed"),
]


# --- actions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("command", "action", "_"), ACTIONS)
@pytest.mark.parametrize("yes", [True, "true"])
def test_an_action_is_done_when_loop_says_true(
    loop: Loop, client: LoopClient, command: Any, action: str, _: str, yes: object
) -> None:
    loop.on(f"POST /warehouse/return/41/{action}", yes)
    assert isinstance(client.perform(command), Done)
    assert len(loop.requests) == 1


@pytest.mark.parametrize(("command", "action", "_"), ACTIONS)
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"errors": {"message": "No.", "code": "UNPROCESSABLE_RETURN"}}, Refused),
        ({"message": "No."}, Refused),
        (False, Refused),
        ((403, {"errors": [{"message": "No."}]}), Refused),
        ((422, False), Refused),
        ((401, {"errors": "Unauthorized."}), LockedOut),
        ((429, {"message": "Slow."}), Busy),
        ((500, b"<html>"), Unknown),
        ((503, {}), Unknown),
        ((200, b'{"hal'), Unknown),
        ((200, b""), Unknown),
        ((200, {}), Unknown),
        ((200, ...), Unknown),
    ],
)
def test_an_action_that_was_not_confirmed_is_never_done(
    loop: Loop, client: LoopClient, command: Any, action: str, _: str, answer: Any, outcome: type
) -> None:
    loop.on(f"POST /warehouse/return/41/{action}", answer)
    loop.on(DETAILS, shown("open"))
    assert type(client.perform(command)) is outcome


@pytest.mark.parametrize(("command", "action", "state"), ACTIONS)
def test_a_refusal_because_it_is_already_so_is_already_done(
    loop: Loop, client: LoopClient, command: Any, action: str, state: str
) -> None:
    loop.on(f"POST /warehouse/return/41/{action}", {"errors": {"message": "No.", "code": "UNPROCESSABLE_RETURN"}})
    loop.on(DETAILS, shown(state))
    assert isinstance(client.perform(command), AlreadyDone)


@pytest.mark.parametrize(("command", "_", "state"), ACTIONS)
def test_a_write_is_found_by_the_state_it_leads_to(
    loop: Loop, client: LoopClient, command: Any, _: str, state: str
) -> None:
    loop.on(DETAILS, shown("open"), shown(state))
    assert client.find(command) is None
    found = client.find(command)
    assert isinstance(found, Done)
    assert found.facts
    assert loop.asked(DETAILS) == [{"return_id": "41"}] * 2


def test_a_refund_that_moved_counts_as_released_although_the_return_is_open(loop: Loop, client: LoopClient) -> None:
    loop.on(DETAILS, shown("open", refunds=[REFUND]))
    assert isinstance(client.find(ReleaseRefund(case=CASE, step="release")), Done)


def test_a_look_up_that_fails_does_not_say_absent(loop: Loop, client: LoopClient) -> None:
    loop.on(DETAILS, (500, b""))
    assert isinstance(client.find(ReleaseRefund(case=CASE, step="release")), Busy)
    loop.on(DETAILS, {"error": {"message": "No return found with this ID."}})
    found = client.find(ReleaseRefund(case=CASE, step="release"))
    assert isinstance(found, Refused)
    assert found.kind == "return_not_found_in_portal"


def test_a_release_refused_while_an_earlier_one_is_queued_is_seen_to_its_end(
    loop: Loop, client: LoopClient, slept: list[float]
) -> None:
    loop.on("POST /warehouse/return/41/process", {"errors": {"message": "No.", "code": "UNPROCESSABLE_RETURN"}})
    loop.on(DETAILS, shown("open"), shown("open"), shown("closed", refunds=[REFUND]))
    assert isinstance(client.perform(ReleaseRefund(case=CASE, step="release")), AlreadyDone)
    assert slept == [1.0, 3.0]


def test_processing_carries_our_reference_and_note(loop: Loop, client: LoopClient) -> None:
    loop.on("POST /warehouse/return/41/process", True)
    client.perform(ReleaseRefund(case=CASE, step="release", note="RMA RA-17"))
    assert loop.sent("POST /warehouse/return/41/process") == [
        {"counterfoil_return": "acme/loop/41", "note": "RMA RA-17"}
    ]
    assert loop.headers[0]["x-authorization"] == "a-key"
    assert "authorization" not in loop.headers[0]


def test_a_flagged_return_that_may_not_be_processed_is_its_own_problem(loop: Loop, client: LoopClient) -> None:
    refusal = {"errors": {"message": "Flagged.", "code": "UNPROCESSABLE_FLAGGED_RETURN"}}
    loop.on("POST /warehouse/return/41/process", refusal)
    loop.on(DETAILS, shown("review"))
    ended = client.perform(ReleaseRefund(case=CASE, step="release"))
    assert isinstance(ended, Refused)
    assert (ended.kind, ended.code) == ("return_flagged_in_portal", "UNPROCESSABLE_FLAGGED_RETURN")


def test_a_return_id_never_leaves_its_place_in_the_path(loop: Loop, client: LoopClient) -> None:
    case = CaseRef(brand="acme", portal="loop", return_id="../x?y")
    client.perform(CloseReturn(case=case, step="close"))
    assert loop.requests[0][0] == "POST /warehouse/return/..%2Fx%3Fy/close"


def test_what_loop_cannot_do_is_declined_politely(loop: Loop, client: LoopClient) -> None:
    assert isinstance(client.perform(FetchOrder(case=CASE, step="order")), Unsupported)
    assert not loop.requests


def test_an_unreachable_loop_is_busy(loop: Loop) -> None:
    client = LoopClient(LoopConfig(api_key="k", base_url="http://127.0.0.1:9", timeout_s=1))
    assert isinstance(client.perform(CloseReturn(case=CASE, step="close")), Busy)
    client.close()


# --- reading --------------------------------------------------------------------------------------------------------


def test_reading_a_return_gives_its_facts(loop: Loop, client: LoopClient) -> None:
    loop.on(DETAILS, shown("closed", refunds=[REFUND]))
    ended = client.perform(ReadReturn(case=CASE, step="read"))
    assert isinstance(ended, Done)
    assert [type(fact).__name__ for fact in ended.facts] == ["ReturnProcessed", "RefundReported"]


@pytest.mark.parametrize("value", [shown(refund="rubbish"), shown(id=42), {"id": 41, "line_items": 3}])
def test_a_return_that_cannot_be_believed_is_refused(loop: Loop, client: LoopClient, value: object) -> None:
    loop.on(DETAILS, value)
    ended = client.perform(ReadReturn(case=CASE, step="read"))
    assert isinstance(ended, Refused)
    assert ended.kind == "unreadable_delivery"


@pytest.mark.parametrize("value", [(200, b"[]"), (200, b'{"i'), (200, ...), (502, b"<html>")])
def test_a_read_that_went_wrong_is_busy(loop: Loop, client: LoopClient, value: Any) -> None:
    loop.on(DETAILS, value)
    assert isinstance(client.perform(ReadReturn(case=CASE, step="read")), Busy)


# --- notes and flags ------------------------------------------------------------------------------------------------


def test_a_note_is_cut_at_255_characters(loop: Loop, client: LoopClient) -> None:
    loop.on("POST /warehouse/return/41/note", True)
    client.perform(SendNote(case=CASE, step="note-1", text="é" * 300))
    (sent,) = loop.sent("POST /warehouse/return/41/note")
    assert len(sent["content"]) == 255
    assert sent["content"].endswith("é…")


@pytest.mark.parametrize("wrap", [lambda notes: {"notes": notes}, lambda notes: notes])
def test_a_note_is_found_in_both_shapes_of_the_list(loop: Loop, client: LoopClient, wrap: Any) -> None:
    loop.on(NOTES, wrap([{"id": 5, "content": "é" * 254 + "…", "created_at": "2026-03-02 10:00:00"}]))
    found = client.find(SendNote(case=CASE, step="note-1", text="é" * 300))
    assert isinstance(found, Done)
    assert found.ref == "5"
    assert client.find(SendNote(case=CASE, step="note-2", text="another")) is None


def test_a_return_without_notes_answers_422_and_has_none(loop: Loop, client: LoopClient) -> None:
    loop.on(NOTES, (422, False))
    assert client.find(SendNote(case=CASE, step="note-1", text="hello")) is None


def test_a_flag_is_followed_by_its_reason(loop: Loop, client: LoopClient) -> None:
    loop.on("POST /warehouse/return/41/flag", True)
    loop.on("POST /warehouse/return/41/note", True)
    assert isinstance(client.perform(FlagReturn(case=CASE, step="flag", reason="Wrong item came back")), Done)
    assert loop.sent("POST /warehouse/return/41/note") == [{"content": "Wrong item came back"}]


def test_a_flag_without_a_reason_needs_no_note(loop: Loop, client: LoopClient) -> None:
    command = FlagReturn(case=CASE, step="flag", reason=" ")
    loop.on("POST /warehouse/return/41/flag", True)
    loop.on(DETAILS, shown("review"))
    assert isinstance(client.perform(command), Done)
    assert isinstance(client.find(command), Done)
    assert len(loop.requests) == 2


def test_a_flag_whose_reason_was_lost_is_finished_the_second_time(loop: Loop, client: LoopClient) -> None:
    command = FlagReturn(case=CASE, step="flag", reason="Wrong item")
    loop.on("POST /warehouse/return/41/flag", True, {"errors": {"message": "Already flagged."}})
    loop.on("POST /warehouse/return/41/note", (429, {}), True)
    loop.on(DETAILS, shown("review"))
    loop.on(NOTES, (422, False))
    assert isinstance(client.perform(command), Unknown)
    assert client.find(command) is None
    assert isinstance(client.perform(command), Done)
    loop.on(NOTES, [{"id": 1, "content": "Wrong item"}])
    assert isinstance(client.find(command), Done)


def test_a_flag_that_loop_refuses_writes_no_note(loop: Loop, client: LoopClient) -> None:
    loop.on("POST /warehouse/return/41/flag", {"errors": {"message": "Closed."}})
    loop.on(DETAILS, shown("closed"))
    assert isinstance(client.perform(FlagReturn(case=CASE, step="flag", reason="x")), Refused)
    assert not loop.sent("POST /warehouse/return/41/note")


# --- inspection -----------------------------------------------------------------------------------------------------


def unit(line: int = 7, **fields: Any) -> GradedUnit:
    given = {"line_id": str(line), "condition": "like_new", "disposition": Disposition.SELLABLE, **fields}
    return GradedUnit(**given)


def test_inspections_go_out_in_parts_of_twenty_grades_first(loop: Loop, client: LoopClient) -> None:
    for path in ("grade", "assess"):
        loop.on(f"POST /dispositioning/{path}", [{"line_item_id": "1"}])
    command = ReportInspection(case=CASE, step="grade-1", units=tuple(unit(n) for n in range(45)))
    assert isinstance(client.perform(command), Done)
    assert [name.split("/")[-1] for name, _, _ in loop.requests] == ["grade"] * 3 + ["assess"] * 3
    assert [len(body["items"]) for _, _, body in loop.requests] == [20, 20, 5] * 2
    assert loop.requests[0][2]["items"][0] == {
        "line_item_id": "0",
        "description": "like_new",
        "condition_category": "grade_a",
        "return_processor": "Warehouse",
    }
    assert loop.requests[3][2]["items"][0]["disposition_outcome"] == "back_to_stock"


def test_an_inspection_that_broke_off_halfway_is_unknown(loop: Loop, client: LoopClient) -> None:
    loop.on("POST /dispositioning/grade", [{"line_item_id": "7"}])
    loop.on("POST /dispositioning/assess", (429, {}))
    assert isinstance(client.perform(ReportInspection(case=CASE, step="grade-1", units=(unit(),))), Unknown)


def test_an_inspection_nothing_of_which_was_taken_is_busy(loop: Loop, client: LoopClient) -> None:
    loop.on("POST /dispositioning/grade", (429, {}))
    ended = client.perform(ReportInspection(case=CASE, step="grade-1", units=(unit(),)))
    assert isinstance(ended, Busy)
    assert ended.after_s == 3


def test_an_inspection_is_found_when_every_line_shows_it(loop: Loop, client: LoopClient) -> None:
    command = ReportInspection(case=CASE, step="grade-1", units=(unit(),))
    graded = shown()
    graded["line_items"][0] |= {"condition": {"condition_category": "grade_a"}}
    loop.on(DETAILS, graded)
    assert client.find(command) is None
    graded["line_items"][0] |= {"disposition": {"disposition_outcome": "back_to_stock"}}
    loop.on(DETAILS, graded)
    assert isinstance(client.find(command), Done)


@pytest.mark.parametrize(
    ("fields", "category"),
    [
        ({"condition": "new"}, "grade_a"),
        ({"condition": "good"}, "grade_b"),
        ({"condition": "worn"}, "grade_c"),
        ({"condition": "defective", "disposition": Disposition.DAMAGED}, "grade_d"),
        ({"condition": "damaged", "disposition": Disposition.DISPOSE}, "junk"),
        ({"condition": "wrong_item", "disposition": Disposition.QUARANTINE, "grade": "A"}, "incorrect_item"),
        ({"condition": "unknown", "disposition": Disposition.MISSING}, "missing"),
        ({"condition": "good", "grade": "C"}, "grade_c"),
        ({"condition": "good", "grade": "Grade D"}, "grade_d"),
        ({"condition": "good", "grade": "superb"}, "grade_b"),
        ({"condition": "unknown"}, None),
    ],
)
def test_what_the_inspector_found_has_a_category_at_loop(fields: dict[str, Any], category: str | None) -> None:
    assert condition_category(unit(**fields)) == category


def test_a_unit_that_goes_back_to_the_customer_is_graded_and_not_assessed(loop: Loop, client: LoopClient) -> None:
    loop.on("POST /dispositioning/grade", [])
    sent_back = unit(disposition=Disposition.RETURN_TO_CUSTOMER)
    assert isinstance(client.perform(ReportInspection(case=CASE, step="grade-1", units=(sent_back,))), Done)
    assert [name for name, _, _ in loop.requests] == ["POST /dispositioning/grade"]


# --- webhooks -------------------------------------------------------------------------------------------------------

HOOK_URL = "https://hooks.example.com/hooks/loop/acme"


@pytest.mark.parametrize("status", [200, 201])
def test_missing_webhooks_are_made_awake(loop: Loop, client: LoopClient, status: int) -> None:
    loop.on("GET /webhooks", {"webhooks": []})
    loop.on("POST /webhooks", (status, {"id": 1, "topic": "return", "trigger": "x", "url": HOOK_URL}))
    assert isinstance(client.ensure_webhooks(HOOK_URL), Done)
    made = loop.sent("POST /webhooks")
    assert [(one["topic"], one["trigger"]) for one in made] == list(WANTED)
    assert {(one["status"], one["url"]) for one in made} == {("active", HOOK_URL)}


def test_webhooks_that_are_there_are_left_and_sleeping_ones_woken(loop: Loop, client: LoopClient) -> None:
    there = [
        {"id": n, "topic": topic, "trigger": trigger, "url": HOOK_URL, "status": "active"}
        for n, (topic, trigger) in enumerate(WANTED)
    ]
    there[2]["status"] = "inactive"
    loop.on("GET /webhooks", {"webhooks": [*there, {"id": 99, "topic": "return", "url": "https://else.example.com"}]})
    loop.on("PUT /webhooks/2", (204, b""))
    ended = client.ensure_webhooks(HOOK_URL)
    assert isinstance(ended, Done)
    assert [name for name, _, _ in loop.requests] == ["GET /webhooks", "PUT /webhooks/2"]
    assert "return.closed" in ended.message


def test_webhooks_without_the_scope_lock_us_out(loop: Loop, client: LoopClient) -> None:
    loop.on("GET /webhooks", (401, {"error": {"code": "401", "http_code": "GEN-UNAUTHORIZED", "message": "No."}}))
    ended = client.ensure_webhooks(HOOK_URL)
    assert isinstance(ended, LockedOut)
    assert ended.code == "GEN-UNAUTHORIZED"


def test_the_probe_says_one_sentence_for_each_scope(loop: Loop, client: LoopClient) -> None:
    loop.on(LIST, {"returns": [], "nextPageUrl": None})
    loop.on("GET /webhooks", (401, {"errors": "Unauthorized."}))
    found = client.probe()
    assert (found.ok, [good for good, _ in found.checks]) == (False, [True, False])
    assert all(name.startswith("GET") for name, _, _ in loop.requests)


# --- polling --------------------------------------------------------------------------------------------------------

SINCE, UNTIL = "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"


def row(number: int, state: str = "open", updated_at: str = "2026-03-01T10:00:00Z", **fields: Any) -> dict[str, Any]:
    return {**shown(state), "id": str(number), "updated_at": updated_at, **fields}


def page(rows: list[dict[str, Any]], cursor: str | None = None) -> dict[str, Any]:
    link = f"https://api.loopreturns.com/api/v1/warehouse/return/list?to=x&cursor={cursor}" if cursor else None
    return {"returns": rows, "nextPageUrl": link, "previousPageUrl": None}


def test_every_state_group_has_its_own_pass(loop: Loop, client: LoopClient) -> None:
    loop.on(LIST, page([row(1)]), page([row(2, "review")]), page([row(3, "cancelled")]))
    found = [one.portal_return for one in client.changes(SINCE, UNTIL)]
    assert [(one.return_id, one.stage) for one in found if one] == [
        ("1", Stage.AUTHORISED),
        ("2", Stage.REQUESTED),
        ("3", Stage.CANCELLED),
    ]
    assert [query.get("state") for query in loop.asked(LIST)] == [None, "review", "cancelled"]
    first = loop.asked(LIST)[0]
    assert first["from"] == "2026-02-28T23:59:50.000Z"
    assert (first["to"], first["filter"], first["paginate"]) == ("2026-03-02T00:00:00.000Z", "updated_at", "true")


def test_the_cursor_is_repeated_with_our_own_parameters(loop: Loop, client: LoopClient) -> None:
    last = row(2, updated_at="2026-03-01T09:00:00Z")
    shared = row(3, updated_at="2026-03-01T09:00:00Z")
    loop.on(LIST, page([row(1), last], "Y3Vy%3D"), page([last, shared]), page([row(4)]), page([]), page([]))
    found = [one.portal_return.return_id for one in client.changes(SINCE, UNTIL) if one.portal_return]
    assert found == ["1", "2", "3", "4"]
    first, boundary, second = loop.asked(LIST)[:3]
    assert second == {**first, "cursor": "Y3Vy="}
    assert (boundary["from"], boundary["to"]) == ("2026-03-01T09:00:00.000Z", "2026-03-01T09:00:00.999Z")


def test_a_cursor_that_repeats_ends_the_pass(loop: Loop, client: LoopClient) -> None:
    loop.on(LIST, page([row(1)], "same"))
    assert len(list(client.changes(SINCE, UNTIL))) == 1
    assert len(loop.asked(LIST)) == 9  # a page, its boundary and the page again, in each of three groups


def test_a_bare_array_is_a_page(loop: Loop, client: LoopClient) -> None:
    loop.on(LIST, [row(1)], [], [])
    assert len(list(client.changes(SINCE, UNTIL))) == 1


def test_of_two_rows_of_one_return_the_later_counts(loop: Loop, client: LoopClient) -> None:
    newer = row(1, "cancelled", "2026-03-01 11:00:00")
    loop.on(LIST, page([row(1)]), page([]), page([newer]))
    (found,) = client.changes(SINCE, UNTIL)
    assert found.portal_return is not None
    assert found.portal_return.stage is Stage.CANCELLED


def test_a_closed_return_is_read_again_for_its_refunds_and_keeps_the_rows_shipping(
    loop: Loop, client: LoopClient
) -> None:
    closed = row(41, "closed", refund="16.00", refund_shipping_total="4.00", refund_shipping_tax_total="0.00")
    loop.on(LIST, page([closed, row(42)]), page([]), page([]))
    loop.on(DETAILS, shown("closed", refunds=[{**REFUND, "amount": "16.00"}]))
    found = list(client.changes(SINCE, UNTIL))
    moved = [event for event in found[0].events if isinstance(event, RefundReported)]
    assert [event.amount for event in moved] == [1600]
    assert found[0].portal_return is not None
    assert found[0].portal_return.tenders.shipping_refunded == 400
    assert not found[0].problems
    assert loop.asked(DETAILS) == [{"return_id": "41"}]


def test_a_row_that_cannot_be_read_is_reported_and_the_others_follow(loop: Loop, client: LoopClient) -> None:
    loop.on(LIST, page([row(1, refund="x"), row(2)]), page([]), page([]))
    found = list(client.changes(SINCE, UNTIL))
    assert [len(one.problems) for one in found] == [1, 0]


def test_polling_waits_when_loop_is_busy_and_then_goes_on(loop: Loop, client: LoopClient, slept: list[float]) -> None:
    loop.on(LIST, (429, {}), (503, {}), page([row(1)]), page([]), page([]))
    assert len(list(client.changes(SINCE, UNTIL))) == 1
    assert slept == [3.0, 5.0]


def test_polling_that_is_cut_short_says_so(loop: Loop, client: LoopClient) -> None:
    loop.on(LIST, page([row(1)]), (500, b"<html>"))
    with pytest.raises(PollStoppedError) as stopped:
        list(client.changes(SINCE, UNTIL))
    assert isinstance(stopped.value.outcome, Busy)


def test_polling_without_rights_says_so(loop: Loop, client: LoopClient) -> None:
    loop.on(LIST, (401, {"errors": "Unauthorized."}))
    with pytest.raises(PollStoppedError) as stopped:
        list(client.changes(SINCE, UNTIL))
    assert isinstance(stopped.value.outcome, LockedOut)


def test_a_list_without_rows_in_it_is_not_taken_for_an_empty_one(loop: Loop, client: LoopClient) -> None:
    loop.on(LIST, {"unexpected": 1})
    with pytest.raises(PollStoppedError):
        list(client.changes(SINCE, UNTIL))


def test_a_long_span_is_cut_into_overlapping_windows_loop_accepts() -> None:
    since, until = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    parts = list(windows(since, until))
    assert all(end - start <= timedelta(days=120) for start, end in parts)
    assert [start for start, _ in parts[1:]] == [end - OVERLAP for _, end in parts[:-1]]
    assert (parts[0][0], parts[-1][1]) == (since - OVERLAP, until)
    assert list(windows(until, since)) == []


# --- pace -----------------------------------------------------------------------------------------------------------


def test_no_minute_has_more_than_three_hundred_requests() -> None:
    now = 0.0
    pace = Pace(lambda: now)
    sent: list[float] = []
    for _ in range(1500):
        wait_s = pace.reserve(60.0)
        sent.append(now + wait_s)
        now += wait_s
    assert max(sum(1 for other in sent if 0 <= other - start < 60) for start in sent) <= 300
    assert len(sent) / (sent[-1] / 60) > 250


def test_a_line_that_is_too_long_reserves_nothing() -> None:
    pace = Pace(lambda: 0.0, per_minute=60, burst=1)
    assert pace.reserve(2.0) == 0
    assert [pace.reserve(0.5) for _ in range(3)] == [1.0] * 3
    assert [pace.reserve(2.0), pace.reserve(2.0)] == [1.0, 2.0]


def test_a_command_goes_back_into_the_queue_rather_than_wait_long(loop: Loop, slept: list[float]) -> None:
    client = LoopClient(LoopConfig(api_key="k", base_url=loop.url), clock=lambda: 0.0, sleep=slept.append)
    loop.on(DETAILS, shown())
    ended = [client.perform(ReadReturn(case=CASE, step="read")) for _ in range(40)]
    client.close()
    assert isinstance(ended[-1], Busy)
    assert ended[-1].after_s is not None
    assert 0 < len(slept) <= 10
    assert len(loop.requests) < 40


# --- the spec -------------------------------------------------------------------------------------------------------


def test_the_configuration_is_read_from_a_table_and_every_field_explains_itself() -> None:
    config = msgspec.convert({"api_key": "k", "webhook_secrets": ["old", "new"]}, LoopConfig)
    assert config.webhook_secrets == ("old", "new")
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"api_key": ""}, LoopConfig)
    described = msgspec.json.schema(LoopConfig)["$defs"]["LoopConfig"]["properties"]
    assert all(field["title"] and field["description"] for field in described.values())


def test_the_spec_builds_a_client() -> None:
    assert SPEC.build is not None
    client = SPEC.build(LoopConfig(api_key="k"))
    assert isinstance(client, LoopClient)
    assert SPEC.capabilities(LoopConfig(api_key="k"))
    client.close()
