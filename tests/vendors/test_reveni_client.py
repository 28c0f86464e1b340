"""The Reveni client against a small scripted server: what it sends, and what it makes of the answers (sheet §2, §6)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from counterfoil.core.commands import (
    CancelReturn,
    CaseRef,
    CloseReturn,
    FetchOrder,
    FlagReturn,
    GradedUnit,
    ReadReturn,
    ReleaseRefund,
    ReportInspection,
    SendNote,
)
from counterfoil.core.events import RefundMoved, ReturnAuthorised
from counterfoil.core.problems import Owner
from counterfoil.core.returns import Disposition
from counterfoil.portals.reveni import SPEC
from counterfoil.portals.reveni.client import ReveniClient
from counterfoil.portals.reveni.config import Acceptance, ReveniConfig
from counterfoil.portals.reveni.mapping import ReveniMapping, Verdict
from counterfoil.portals.reveni.pace import Pace
from counterfoil.portals.reveni.polling import PollStoppedError
from counterfoil.ports.outcomes import AlreadyDone, Busy, Done, LockedOut, Outcome, Refused, Unknown, Unsupported
from counterfoil.ports.translation import Kind

STORE = "9f0c1d5b7a2e4c6688aa001122334455"
RID = "7c1e5a90b3d24f6e8a0b1c2d3e4f0001"
CASE = CaseRef(brand="acme", portal="reveni", return_id=RID)
BASE = f"/merchants/v0/stores/{STORE}"
RETURN, VERDICT = f"GET {BASE}/returns/{RID}", f"POST {BASE}/returns/{RID}/partial_validate"
LIST, HOOKS = f"GET {BASE}/returns", f"{BASE}/webhooks"
RELEASE = ReleaseRefund(case=CASE, step="release-1")


class Reveni:
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

            do_POST = do_GET  # noqa: N815 - the name the base class looks for

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        name = f"{handler.command} {parts.path}"
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.requests.append((name, query, msgspec.json.decode(body) if body else None))
        self.headers.append({key.lower(): value for key, value in handler.headers.items()})
        answers = self.script.get(name, [(404, {"detail": "Not found."})])
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

    def sent(self, name: str = VERDICT) -> list[Any]:
        return [body for called, _, body in self.requests if called == name]

    def asked(self, name: str) -> list[dict[str, str]]:
        return [query for called, query, _ in self.requests if called == name]


@pytest.fixture
def server() -> Iterator[Reveni]:
    running = Reveni()
    yield running
    running.server.shutdown()
    running.server.server_close()


def made(server: Reveni, **changes: Any) -> ReveniClient:
    usual = {"api_key": "a-key", "store_id": STORE, "base_url": server.url, "timeout_s": 3, "calls_per_second": 1000.0}
    return ReveniClient(ReveniConfig(**{**usual, **changes}), sleep=lambda _: None)


@pytest.fixture
def client(server: Reveni) -> Iterator[ReveniClient]:
    opened = made(server)
    yield opened
    opened.close()


@pytest.fixture
def at_once(server: Reveni) -> Iterator[ReveniClient]:
    opened = made(server, acceptance=Acceptance.ON_INSPECTION)
    yield opened
    opened.close()


def row(item_id: str = "it-1", quantity: int = 1, status: str = "pending", **fields: Any) -> dict[str, Any]:
    return {"id": item_id, "sku": "TEE", "quantity": quantity, "price": "20.00", "status": status, **fields}


def shown(status: str = "RECEIVED", *rows: dict[str, Any], **fields: Any) -> dict[str, Any]:
    order = {"external_id": "5600010001", "number": "EX1001", "currency": "GBP"}
    whole = {"id": RID, "status": status, "instant": False, "order": order, "refunds": []}
    return {**whole, "return_items": list(rows) or [row()], **fields}


def refund(status: str = "issued", method: str = "original_payment_method") -> dict[str, Any]:
    return {"id": "r1", "amount": "20.00", "currency": "GBP", "method": method, "status": status, "external_id": "900"}


def unit(item_id: str = "it-1", disposition: Disposition = Disposition.SELLABLE, **fields: Any) -> GradedUnit:
    return GradedUnit(**{"line_id": item_id, "condition": "good", "disposition": disposition, **fields})


def report(*units: GradedUnit) -> ReportInspection:
    return ReportInspection(case=CASE, step="inspection-1", units=units or (unit(),))


ACCEPT = {"item_id": "it-1", "quantity": 1, "status": "accepted"}


# --- what every call carries ----------------------------------------------------------------------------------------


def test_every_call_carries_the_key_and_names_the_store(server: Reveni, client: ReveniClient) -> None:
    server.on(RETURN, shown())
    client.perform(ReadReturn(case=CASE, step="read"))
    assert server.requests[0][0] == RETURN
    assert server.headers[0]["authorization"] == "Bearer a-key"
    assert server.headers[0]["accept"] == "application/json"


def test_a_name_that_is_no_id_cannot_leave_its_place_in_the_path(server: Reveni, client: ReveniClient) -> None:
    case = CaseRef(brand="acme", portal="reveni", return_id="../../x?y=1")
    assert isinstance(client.perform(ReadReturn(case=case, step="read")), Refused)
    assert server.requests[0][0] == f"GET {BASE}/returns/..%2F..%2Fx%3Fy%3D1"


def test_calls_are_spaced_evenly_and_an_impatient_one_comes_back_later() -> None:
    now = [100.0]
    pace = Pace(lambda: now[0], per_s=2)
    assert [pace.reserve(5) for _ in range(3)] == [0.0, 0.5, 1.0]
    assert pace.reserve(0.1) == 1.5
    assert pace.reserve(5) == 1.5  # the impatient one took no turn
    now[0] += 10
    assert pace.reserve(0.1) == 0.0


def test_a_client_at_its_limit_is_busy_and_sends_nothing(server: Reveni) -> None:
    slow = ReveniClient(
        ReveniConfig(api_key="k", store_id=STORE, base_url=server.url, calls_per_second=0.1), clock=lambda: 0.0
    )
    server.on(RETURN, shown())
    first, second = (slow.perform(ReadReturn(case=CASE, step="read")) for _ in range(2))
    slow.close()
    assert isinstance(first, Done) and isinstance(second, Busy)
    assert (second.after_s, len(server.requests)) == (10.0, 1)


# --- reading --------------------------------------------------------------------------------------------------------


def test_reading_a_return_gives_its_facts_and_what_to_know_about_it(server: Reveni, client: ReveniClient) -> None:
    server.on(
        RETURN, shown("IN_PROGRESS", instant=True, created_at=1793610900, refunds=[refund(method="bank_transfer")])
    )
    found = client.perform(ReadReturn(case=CASE, step="read"))
    assert isinstance(found, Done)
    assert [type(fact) for fact in found.facts if isinstance(fact, ReturnAuthorised | RefundMoved)] == [
        ReturnAuthorised,
        RefundMoved,
    ]
    (due,) = [one for one in found.findings if one.kind == "decision_due_in_portal"]
    assert "2026-12-02" in due.message and "20.00 GBP" in due.message


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ((401, {"detail": "Invalid token."}), LockedOut),
        ((403, {"detail": "Other store."}), LockedOut),
        ((404, {"detail": "Not found."}), Refused),
        ((429, {"detail": "Slow."}), Busy),
        ((500, b"<html>"), Busy),
        ((302, b""), Refused),
        ((200, b'{"hal'), Busy),
        ((200, []), Busy),
        ((200, {"id": RID, "status": "RECEIVED"}), Refused),
        ((200, {**shown(), "id": "0" * 32}), Refused),
        ((200, shown("RECEIVED", row(price="much"))), Refused),
        ((200, ...), Busy),
    ],
)
def test_a_return_that_cannot_be_read_says_what_follows(
    server: Reveni, client: ReveniClient, answer: Any, outcome: type
) -> None:
    server.on(RETURN, answer)
    for command in (ReadReturn(case=CASE, step="read"), report(), RELEASE):
        assert isinstance(client.perform(command), outcome)
    assert server.sent() == []


def test_a_key_of_the_wrong_store_is_locked_out_with_reveni_s_words(server: Reveni, client: ReveniClient) -> None:
    server.on(RETURN, (403, {"code": "forbidden", "message": "This key belongs to another store."}))
    found = client.perform(ReadReturn(case=CASE, step="read"))
    assert isinstance(found, LockedOut)
    assert (found.code, "another store" in found.message) == ("forbidden", True)


def test_a_throttled_call_says_how_long_to_wait(server: Reveni, client: ReveniClient) -> None:
    server.on(RETURN, (429, {}))
    found = client.perform(RELEASE)
    assert isinstance(found, Busy) and found.after_s == 3.0


def test_an_account_with_its_own_field_names_is_read_by_them(server: Reveni) -> None:
    own = made(server, mapping=ReveniMapping(fields={"items": ("rows",)}))
    value = shown()
    value["rows"] = value.pop("return_items")
    server.on(RETURN, value)
    assert isinstance(own.perform(ReadReturn(case=CASE, step="read")), Done)
    own.close()


# --- telling the inspection -----------------------------------------------------------------------------------------


def test_what_was_found_is_told_per_row_with_reasons(server: Reveni, at_once: ReveniClient) -> None:
    server.on(RETURN, shown("RECEIVED", row(), row("it-2", 2), row("it-3")))
    server.on(VERDICT, {"id": RID})
    found = at_once.perform(
        report(
            unit(),
            unit("it-2", Disposition.MISSING, note="The bag was empty."),
            unit("it-3", Disposition.RETURN_TO_CUSTOMER, condition="worn"),
        )
    )
    assert isinstance(found, Done) and not isinstance(found, AlreadyDone)
    assert server.sent() == [
        {
            "items": [
                ACCEPT,
                {
                    "item_id": "it-2",
                    "quantity": 2,
                    "status": "rejected",
                    "reject_reason": "missing",
                    "reject_reason_text": "The bag was empty.",
                },
                {
                    "item_id": "it-3",
                    "quantity": 1,
                    "status": "rejected",
                    "reject_reason": "defect",
                    "reject_reason_text": "worn",
                },
            ]
        }
    ]


def test_units_of_one_row_can_have_different_verdicts(server: Reveni, at_once: ReveniClient) -> None:
    server.on(RETURN, shown("RECEIVED", row(quantity=3)))
    server.on(VERDICT, {})
    at_once.perform(report(unit(), unit(), unit(disposition=Disposition.MISSING)))
    (told,) = server.sent()
    assert [(part["quantity"], part["status"]) for part in told["items"]] == [(2, "accepted"), (1, "rejected")]


@pytest.mark.parametrize("units", [2, 4])
def test_an_inspection_of_some_units_of_a_row_is_refused(server: Reveni, at_once: ReveniClient, units: int) -> None:
    server.on(RETURN, shown("RECEIVED", row(quantity=3)))
    found = at_once.perform(report(*[unit() for _ in range(units)]))
    assert isinstance(found, Refused)
    assert (found.kind, server.sent()) == ("inspection_incomplete", [])


def test_a_row_the_return_does_not_have_is_refused(server: Reveni, at_once: ReveniClient) -> None:
    server.on(RETURN, shown())
    found = at_once.perform(report(unit("it-9")))
    assert isinstance(found, Refused)
    assert (found.kind, server.sent()) == ("line_not_on_return", [])
    assert at_once.find(report(unit("it-9"))) is None


def test_another_item_than_the_one_sold_is_rejected_whatever_its_state(server: Reveni, at_once: ReveniClient) -> None:
    server.on(RETURN, shown())
    server.on(VERDICT, {})
    at_once.perform(report(unit(condition="wrong_item")))
    assert server.sent()[0]["items"][0]["status"] == "rejected"


def test_damaged_goods_are_accepted_like_our_credit_does_unless_the_mapping_says_otherwise(server: Reveni) -> None:
    server.on(RETURN, shown())
    server.on(VERDICT, {})
    for mapping in (
        ReveniMapping(),
        ReveniMapping(
            verdicts={Disposition.DAMAGED: Verdict.REJECTED},
            reject_reasons={Disposition.DAMAGED: "broken"},
            verdict_words={Verdict.REJECTED: "refused"},
        ),
    ):
        opened = made(server, acceptance=Acceptance.ON_INSPECTION, mapping=mapping)
        opened.perform(report(unit(disposition=Disposition.DAMAGED)))
        opened.close()
    first, second = (told["items"][0] for told in server.sent())
    assert (first["status"], second["status"], second["reject_reason"]) == ("accepted", "refused", "broken")


def test_what_reveni_shows_already_is_not_told_again(server: Reveni, at_once: ReveniClient) -> None:
    server.on(RETURN, shown("ACCEPTED", row(status="accepted")))
    assert isinstance(at_once.perform(report()), AlreadyDone)
    assert server.sent() == []


def test_only_what_reveni_does_not_show_yet_is_told(server: Reveni, at_once: ReveniClient) -> None:
    server.on(RETURN, shown("RECEIVED", row(status="accepted"), row("it-2", 3, accepted_quantity=1)))
    server.on(VERDICT, {})
    at_once.perform(report(unit(), unit("it-2"), unit("it-2"), unit("it-2", Disposition.MISSING)))
    (told,) = server.sent()
    assert [(part["item_id"], part["quantity"], part["status"]) for part in told["items"]] == [
        ("it-2", 1, "accepted"),
        ("it-2", 1, "rejected"),
    ]


@pytest.mark.parametrize(
    "decided", [row(status="rejected"), row(quantity=2, status="accepted"), row(quantity=2, accepted_quantity=1)]
)
def test_a_verdict_that_differs_from_reveni_s_goes_to_finance(
    server: Reveni, at_once: ReveniClient, decided: dict[str, Any]
) -> None:
    server.on(RETURN, shown("RECEIVED", decided))
    disposition = Disposition.SELLABLE if decided["status"] == "rejected" else Disposition.MISSING
    found = at_once.perform(report(unit(disposition=disposition)))
    assert isinstance(found, Refused)
    assert (found.kind, found.owner, server.sent()) == ("verdict_differs_in_portal", Owner.FINANCE, [])


def test_an_ended_return_takes_no_verdict(server: Reveni, at_once: ReveniClient) -> None:
    server.on(RETURN, shown("CANCELLED"))
    found = at_once.perform(report())
    assert isinstance(found, Refused)
    assert (found.kind, server.sent()) == ("portal_refused", [])


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ((409, {"detail": "Already validated."}), Refused),
        ((422, {"code": "quantity", "message": "Too many."}), Refused),
        ((401, {}), LockedOut),
        ((429, {}), Busy),
        ((500, b"<html>"), Unknown),
        ((503, {}), Unknown),
        ((200, b'{"hal'), Unknown),
        ((200, ...), Unknown),
        ((200, b""), Done),
        ((201, {}), Done),
    ],
)
def test_every_answer_to_a_verdict_says_what_follows(
    server: Reveni, at_once: ReveniClient, answer: Any, outcome: type
) -> None:
    server.on(RETURN, shown())
    server.on(VERDICT, answer)
    assert isinstance(at_once.perform(report()), outcome)
    assert len(server.sent()) == 1


def test_a_refused_verdict_that_the_return_shows_had_arrived_before(server: Reveni, at_once: ReveniClient) -> None:
    server.on(RETURN, shown(), shown("ACCEPTED", row(status="accepted")))
    server.on(VERDICT, (409, {"detail": "Already validated."}))
    assert isinstance(at_once.perform(report()), AlreadyDone)


@pytest.mark.parametrize(("status", "found"), [("accepted", Done), ("pending", type(None)), ("rejected", type(None))])
def test_a_verdict_is_found_again_by_what_the_return_shows(
    server: Reveni, at_once: ReveniClient, status: str, found: type
) -> None:
    server.on(RETURN, shown("RECEIVED", row(status=status)))
    assert isinstance(at_once.find(report()), found)


def test_a_look_up_that_fails_says_when_to_look_again(server: Reveni, at_once: ReveniClient) -> None:
    server.on(RETURN, (503, {}))
    assert isinstance(at_once.find(report()), Busy)


# --- acceptance and release -----------------------------------------------------------------------------------------


def test_acceptance_waits_for_the_release_because_reveni_pays_upon_it(server: Reveni, client: ReveniClient) -> None:
    server.on(RETURN, shown())
    found = client.perform(report())
    assert isinstance(found, Done) and "released" in found.message
    assert server.sent() == []
    assert isinstance(client.find(report()), Done)


def test_what_is_refused_is_told_at_once(server: Reveni, client: ReveniClient) -> None:
    server.on(RETURN, shown("RECEIVED", row(), row("it-2")))
    server.on(VERDICT, {})
    client.perform(report(unit(), unit("it-2", Disposition.MISSING)))
    assert [part["item_id"] for part in server.sent()[0]["items"]] == ["it-2"]


def test_a_row_refused_in_part_is_told_whole_so_that_the_release_cannot_accept_the_rest(
    server: Reveni, client: ReveniClient
) -> None:
    server.on(RETURN, shown("RECEIVED", row(quantity=2)))
    server.on(VERDICT, {})
    client.perform(report(unit(), unit(disposition=Disposition.MISSING)))
    assert [part["quantity"] for part in server.sent()[0]["items"]] == [1, 1]


def test_an_instant_return_is_told_at_once_because_it_is_paid(server: Reveni, client: ReveniClient) -> None:
    server.on(RETURN, shown(instant=True))
    server.on(VERDICT, {})
    client.perform(report())
    assert server.sent() == [{"items": [ACCEPT]}]


def test_the_release_accepts_what_nobody_has_decided(server: Reveni, client: ReveniClient) -> None:
    rows = (row(status="rejected"), row("it-2", 2), row("it-3", 3, accepted_quantity=1))
    server.on(RETURN, shown("RECEIVED", *rows))
    server.on(VERDICT, {})
    assert isinstance(client.perform(RELEASE), Done)
    assert server.sent() == [
        {
            "items": [
                {"item_id": "it-2", "quantity": 2, "status": "accepted"},
                {"item_id": "it-3", "quantity": 2, "status": "accepted"},
            ]
        }
    ]


RELEASED: list[dict[str, Any]] = [
    shown("ACCEPTED", row(status="accepted"), refunds=[refund()]),
    shown("ACCEPTED", row(status="accepted")),  # an even exchange pays nothing
    shown("RECEIVED", row(status="accepted")),  # nothing left to tell; the refund follows
    shown("IN_PROGRESS", instant=True, refunds=[refund(method="bank_transfer")]),
]


@pytest.mark.parametrize("value", RELEASED)
def test_a_return_that_is_paid_or_accepted_was_released(
    server: Reveni, client: ReveniClient, value: dict[str, Any]
) -> None:
    server.on(RETURN, value)
    assert isinstance(client.perform(RELEASE), AlreadyDone)
    assert isinstance(client.find(RELEASE), Done)
    assert server.sent() == []


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (shown("ACCEPTED", row(status="accepted"), refunds=[refund("pending")]), "refund_withheld_in_portal"),
        (shown("FOR_REVIEW"), "return_flagged_in_portal"),
        (shown("RECEIVED", row(status="for_review")), "return_flagged_in_portal"),
        (shown("CANCELLED"), "portal_refused"),
        (shown("REJECTED", row(status="rejected")), "portal_refused"),
        (shown("EXPIRED"), "portal_refused"),
        (shown("RECEIVED", row(status="rejected")), "portal_refused"),
    ],
)
def test_a_release_that_cannot_be_is_refused_and_nothing_is_sent(
    server: Reveni, client: ReveniClient, value: dict[str, Any], kind: str
) -> None:
    server.on(RETURN, value)
    found = client.perform(RELEASE)
    assert isinstance(found, Refused)
    assert (found.kind, server.sent()) == (kind, [])
    assert client.find(RELEASE) is None


def test_a_release_that_got_no_answer_is_unknown_and_found_again(server: Reveni, client: ReveniClient) -> None:
    server.on(RETURN, shown(), shown("ACCEPTED", row(status="accepted"), refunds=[refund()]))
    server.on(VERDICT, (200, ...))
    assert isinstance(client.perform(RELEASE), Unknown)
    assert isinstance(client.find(RELEASE), Done)


# --- what Reveni cannot do ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        SendNote(case=CASE, step="note-1", text="Hello."),
        FlagReturn(case=CASE, step="flag-1", reason="Look."),
        CancelReturn(case=CASE, step="cancel-1"),
        CloseReturn(case=CASE, step="close-1"),
        FetchOrder(case=CASE, step="order-1"),
    ],
)
def test_what_has_no_known_call_is_declined_with_a_sentence(server: Reveni, client: ReveniClient, command: Any) -> None:
    found = client.perform(command)
    assert isinstance(found, Unsupported) and found.message.startswith("Reveni has no")
    assert server.requests == []


def test_a_return_cancelled_by_hand_is_found_cancelled(server: Reveni, client: ReveniClient) -> None:
    server.on(RETURN, shown("CANCELLED"))
    assert isinstance(client.find(CancelReturn(case=CASE, step="cancel-1")), Done)
    assert isinstance(client.find(CloseReturn(case=CASE, step="close-1")), Done)
    server.on(RETURN, shown())
    assert client.find(CancelReturn(case=CASE, step="cancel-1")) is None


# --- polling --------------------------------------------------------------------------------------------------------


def short(n: int, updated_at: Any = "2026-11-05T11:00:00Z") -> dict[str, Any]:
    return {"id": f"{n:032x}", "status": "RECEIVED", "updated_at": updated_at, "order": {"currency": "GBP"}}


def details(server: Reveni, *numbers: int) -> None:
    for n in numbers:
        server.on(f"GET {BASE}/returns/{n:032x}", {**shown(), "id": f"{n:032x}"})


def polled(client: ReveniClient) -> list[Any]:
    return list(client.changes("2026-11-05T10:00:00Z", "2026-11-05T12:00:00Z"))


def test_every_listed_return_is_read_by_itself(server: Reveni, client: ReveniClient) -> None:
    server.on(LIST, {"count": 2, "next": None, "results": [short(1), short(2)]})
    details(server, 1, 2)
    found = polled(client)
    assert [one.portal_return.return_id[-1] for one in found] == ["1", "2"]
    assert all(isinstance(one.events[0], ReturnAuthorised) for one in found)
    (asked,) = server.asked(LIST)
    assert (asked["updated_from"], asked["updated_to"]) == ("2026-11-05", "2026-11-06")


def test_the_next_page_is_followed_as_it_stands(server: Reveni, client: ReveniClient) -> None:
    following = f"{server.url}{BASE}/returns?cursor=odd%20one"
    server.on(
        LIST,
        {"count": 2, "next": following, "results": [short(1)]},
        {"count": 2, "next": None, "results": [short(2)]},
    )
    details(server, 1, 2)
    assert len(polled(client)) == 2
    assert server.asked(LIST)[1] == {"cursor": "odd one"}


def test_a_next_page_without_an_address_of_its_own_is_ours(server: Reveni, client: ReveniClient) -> None:
    server.on(
        LIST, {"count": 2, "next": "?page=2", "results": [short(1)]}, {"count": 2, "next": None, "results": [short(2)]}
    )
    details(server, 1, 2)
    assert len(polled(client)) == 2


@pytest.mark.parametrize(
    "following",
    ["https://elsewhere.example.com/returns?page=2", "//elsewhere.example.com/x", f"{BASE}0/returns", "/admin"],
)
def test_the_key_is_never_taken_to_another_address(server: Reveni, client: ReveniClient, following: str) -> None:
    server.on(LIST, {"count": 2, "next": following, "results": [short(1)]})
    with pytest.raises(PollStoppedError) as stopped:
        polled(client)
    assert isinstance(stopped.value.outcome, Refused)
    assert stopped.value.outcome.kind == "configuration_rejected"


def test_a_next_page_that_repeats_ends_the_list(server: Reveni, client: ReveniClient) -> None:
    server.on(LIST, {"count": 1, "next": f"{server.url}{BASE}/returns?page=2", "results": [short(1)]})
    details(server, 1)
    assert len(polled(client)) == 1


def test_returns_that_changed_before_the_window_are_left_alone(server: Reveni, client: ReveniClient) -> None:
    rows = [short(1, "2026-11-05T09:00:00Z"), short(2, 1793876400), short(3, None)]
    server.on(LIST, {"count": 3, "next": None, "results": rows})
    details(server, 1, 2, 3)
    assert [one.portal_return.return_id[-1] for one in polled(client)] == ["2", "3"]


def test_pages_that_moved_under_us_are_read_again(server: Reveni, client: ReveniClient) -> None:
    server.on(
        LIST,
        {"count": 2, "next": None, "results": [short(1)]},
        {"count": 2, "next": None, "results": [short(1), short(2)]},
    )
    details(server, 1, 2)
    assert len(polled(client)) == 2


def test_a_count_that_is_never_reached_does_not_stop_the_poll(server: Reveni, client: ReveniClient) -> None:
    server.on(LIST, {"count": 99, "next": None, "results": [short(1)]})
    details(server, 1)
    assert len(polled(client)) == 1
    assert len(server.asked(LIST)) == 3


def test_a_row_nobody_can_read_is_told_and_the_others_come(server: Reveni, client: ReveniClient) -> None:
    server.on(LIST, {"count": 2, "next": None, "results": ["nothing", short(1)]})
    details(server, 1)
    assert [one.kind for one in polled(client)] == [Kind.UNREADABLE, Kind.RETURN]


def test_a_return_that_vanished_since_is_shown_as_the_list_had_it(server: Reveni, client: ReveniClient) -> None:
    server.on(LIST, {"count": 1, "next": None, "results": [short(1)]})
    (found,) = polled(client)
    assert (found.portal_return.state, found.events) == ("received", ())


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ((401, {}), LockedOut),
        ((404, {}), Refused),
        ((503, {}), Busy),
        ((200, {"rows": []}), Busy),
        ((200, {"results": 4}), Busy),
    ],
)
def test_a_list_that_cannot_be_read_stops_the_poll(
    server: Reveni, client: ReveniClient, answer: Any, outcome: type
) -> None:
    server.on(LIST, answer)
    with pytest.raises(PollStoppedError) as stopped:
        polled(client)
    assert isinstance(stopped.value.outcome, outcome)


def test_a_list_that_was_busy_is_asked_again(server: Reveni, client: ReveniClient) -> None:
    server.on(LIST, (429, {}), (503, {}), {"count": 0, "next": None, "results": []})
    assert polled(client) == []
    assert len(server.asked(LIST)) == 3


# --- webhooks and probe ---------------------------------------------------------------------------------------------

URL = "https://hooks.example.com/webhooks/reveni/uk/a-secret-word"
TOPICS = ["return.created", "return.updated"]


@pytest.mark.parametrize("listed", [(404, {}), (405, {}), [], {"results": []}, {"webhooks": 3}])
def test_a_missing_webhook_is_made_whether_or_not_they_can_be_listed(
    server: Reveni, client: ReveniClient, listed: Any
) -> None:
    server.on(f"GET {HOOKS}", listed)
    server.on(f"POST {HOOKS}", (201, {"id": "w1", "url": URL, "event_types": TOPICS}))
    found = client.ensure_webhooks(URL)
    assert isinstance(found, Done)
    assert (found.ref, server.sent(f"POST {HOOKS}")) == ("w1", [{"event_types": TOPICS, "url": URL}])
    assert "a-secret-word" not in found.message


def test_a_webhook_that_is_there_is_not_made_again(server: Reveni, client: ReveniClient) -> None:
    server.on(f"GET {HOOKS}", [{"id": "w1", "url": URL, "event_types": TOPICS}])
    assert isinstance(client.ensure_webhooks(URL), Done)
    assert server.sent(f"POST {HOOKS}") == []


def test_only_the_missing_topic_is_asked_for(server: Reveni, client: ReveniClient) -> None:
    server.on(f"GET {HOOKS}", {"results": [{"id": "w1", "url": URL, "event_types": ["return.updated"]}]})
    server.on(f"POST {HOOKS}", (201, {"id": "w2"}))
    client.ensure_webhooks(URL)
    assert server.sent(f"POST {HOOKS}")[0]["event_types"] == ["return.created"]


@pytest.mark.parametrize(("answer", "outcome"), [((400, {"url": ["Bad."]}), Refused), ((500, b""), Unknown)])
def test_a_webhook_that_cannot_be_made_says_what_follows(
    server: Reveni, client: ReveniClient, answer: Any, outcome: type[Outcome]
) -> None:
    server.on(f"POST {HOOKS}", answer)
    assert isinstance(client.ensure_webhooks(URL), outcome)


@pytest.mark.parametrize(
    ("lists", "answer", "ok"),
    [
        (True, (200, {"count": 0, "results": []}), True),
        (True, (404, {}), False),
        (True, (401, {}), False),
        (False, (404, {}), True),
        (False, (401, {}), False),
        (False, (403, {}), False),
    ],
)
def test_the_probe_says_whether_the_store_can_be_read(server: Reveni, lists: bool, answer: Any, ok: bool) -> None:
    server.on(LIST, answer)
    server.on(f"GET {BASE}/returns/{'0' * 32}", answer)
    opened = made(server, list_returns=lists)
    found = opened.probe()
    opened.close()
    assert (found.ok, [good for good, _ in found.checks]) == (ok, [ok])
    assert {name.split(" ")[0] for name, _, _ in server.requests} == {"GET"}


def test_nothing_is_listening_is_busy_and_nothing_was_written() -> None:
    config = ReveniConfig(api_key="k", store_id=STORE, base_url="http://127.0.0.1:9", timeout_s=1)
    opened = SPEC.build(config) if SPEC.build else None
    assert opened is not None
    assert isinstance(opened.perform(RELEASE), Busy)
    opened.close()
