"""The NetSuite client against a small scripted server: what it sends, and what it makes of odd answers."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from counterfoil.adapterkit.http import Http
from counterfoil.core.commands import CaseRef, DraftCreditNote, FindSalesOrder, OpenReturnAuthorisation
from counterfoil.core.documents import CreditNote, DocumentRef, ErpOrder, RmaLine
from counterfoil.erps.netsuite.auth import Certificate, StoppedError
from counterfoil.erps.netsuite.client import NetSuiteClient
from counterfoil.erps.netsuite.config import NetSuiteConfig
from counterfoil.ports.outcomes import AlreadyDone, Busy, Done, LockedOut, Refused, Unknown, Unsupported

KEY = ec.generate_private_key(ec.SECP256R1())
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
CASE = CaseRef(brand="acme", portal="loop", return_id="77", order_ref="900001", order_name="#1001")
TOKEN = "/services/rest/auth/oauth2/v1/token"
SUITEQL = "/services/rest/query/v1/suiteql"
TRANSFORM = "/services/rest/record/v1/salesOrder/3001/!transform/returnAuthorization"
BY_EID = "/services/rest/record/v1/returnAuthorization/eid:cf-acme-loop-77-rma"
RMA = {
    "id": "4001",
    "tranId": "RA41",
    "createdFrom": {"id": "3001"},
    "currency": {"id": "1", "refName": "GBP"},
    "status": {"id": "B"},
    "total": 20.0,
    "item": {"items": [{"line": 1, "orderLine": 1, "quantity": 1.0}]},
}


class Asked(NamedTuple):
    """One request the server saw."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


class Reply(NamedTuple):
    """One answer it gives."""

    status: int = 200
    body: object = None
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed


Script = dict[tuple[str, str], list[Reply] | Callable[[Asked], Reply]]


class Server:
    """Answers by a script; the last answer of a list repeats."""

    def __init__(self) -> None:
        self.script: Script = {}
        self.asked: list[Asked] = []
        self.tokens = 0
        self.expires_in: object = 3600
        outer = self

        class Handler(BaseHTTPRequestHandler):
            """Reads one request, gives the scripted answer."""

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

            def answer(self) -> None:
                path, _, query = self.path.partition("?")
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                named = {name.lower(): value for name, value in self.headers.items()}
                reply = outer.reply(Asked(self.command, path, query, named, body))
                content = reply.body if isinstance(reply.body, bytes) else b""
                if reply.body is not None and not isinstance(reply.body, bytes):
                    content = msgspec.json.encode(reply.body)
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815 - the names the base class calls

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self._server.server_port}"
        self._lock = threading.Lock()
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def reply(self, asked: Asked) -> Reply:
        with self._lock:
            self.asked.append(asked)
            scripted = self.script.get((asked.method, asked.path))
            if asked.path == TOKEN and scripted is None:
                self.tokens += 1
                token = {"access_token": f"t{self.tokens}", "token_type": "bearer", "expires_in": self.expires_in}
                return Reply(200, token)
            if scripted is None:
                return refusal(404, "NONEXISTENT_ID", "The record instance does not exist.")
            if callable(scripted):
                return scripted(asked)
            return scripted.pop(0) if len(scripted) > 1 else scripted[0]

    def sent(self, method: str, path: str) -> list[Asked]:
        return [each for each in self.asked if (each.method, each.path) == (method, path)]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def refusal(status: int, code: str, text: str) -> Reply:
    """An error in NetSuite's shape."""
    details = [{"detail": text, "o:errorCode": code}]
    return Reply(status, {"type": "x", "title": "Bad Request", "status": status, "o:errorDetails": details})


def page(*rows: dict[str, Any]) -> Reply:
    """An answer of SuiteQL."""
    return Reply(200, {"links": [], "count": len(rows), "hasMore": False, "items": list(rows), "offset": 0})


CREATED = Reply(204, None, {"Location": "https://example.test/services/rest/record/v1/returnAuthorization/4001"})
TAKEN = refusal(400, "USER_ERROR", "Error while accessing a resource. This entity already exists.")


@pytest.fixture
def server() -> Iterator[Server]:
    started = Server()
    yield started
    started.stop()


def settings(server: Server, **more: Any) -> NetSuiteConfig:
    usual: dict[str, Any] = {
        "account": "1234567_SB1",
        "base_url": server.base_url,
        "client_id": "client",
        "certificate_id": "cert",
        "private_key": PEM,
        "algorithm": "ES256",
        "timeout_s": 5,
    }
    return NetSuiteConfig(**(usual | more))


@pytest.fixture
def client(server: Server) -> Iterator[NetSuiteClient]:
    opened = NetSuiteClient(settings(server))
    yield opened
    opened.close()


OPEN = OpenReturnAuthorisation(
    case=CASE,
    step="rma",
    order=ErpOrder(ref="3001", number="SO3001", currency="GBP"),
    lines=(RmaLine(line_no=1, erp_line="1", sku="TEE-M", quantity=1, reason_code=None),),
    authorised_at="2026-11-18T09:00:00Z",
)


def test_a_write_asks_for_strict_field_names_and_carries_the_token(server: Server, client: NetSuiteClient) -> None:
    server.script = {
        ("POST", TRANSFORM): [CREATED],
        ("GET", "/services/rest/record/v1/returnAuthorization/4001"): [Reply(200, RMA)],
    }
    assert isinstance(client.perform(OPEN), Done)
    [asked] = server.sent("POST", TRANSFORM)
    assert asked.headers["x-netsuite-propertynamevalidation"] == "Error"
    assert asked.headers["authorization"] == "Bearer t1"
    assert asked.query == "replace=item"


def test_the_token_request_is_signed_for_the_real_address(server: Server, client: NetSuiteClient) -> None:
    client.perform(FindSalesOrder(case=CASE, step="order"))
    [asked] = server.sent("POST", TOKEN)
    form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
    assert form["grant_type"] == "client_credentials"
    token = jwt.decode(form["client_assertion"], ECKey.import_key(PEM), algorithms=["ES256"])
    assert (token.header["kid"], token.header["typ"], token.claims["iss"]) == ("cert", "JWT", "client")
    assert token.claims["aud"] == "https://1234567-sb1.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token"
    assert token.claims["scope"] == "rest_webservices"
    assert 0 < token.claims["exp"] - token.claims["iat"] < 3600


def test_one_token_serves_many_threads_and_is_renewed_before_it_ends(server: Server) -> None:
    now = [1_000_000.0]
    http = Http(server.base_url)
    login = Certificate(settings(server), http, clock=lambda: now[0])
    with ThreadPoolExecutor(8) as pool:
        headers = set(pool.map(lambda _: login.authorise("GET", "x"), range(32)))
    assert (headers, server.tokens) == ({"Bearer t1"}, 1)
    now[0] += 3400
    assert login.authorise("GET", "x") == "Bearer t1"
    now[0] += 100
    assert login.authorise("GET", "x") == "Bearer t2"
    http.close()


def test_many_threads_with_one_refused_token_ask_for_one_new_one(server: Server) -> None:
    http = Http(server.base_url)
    login = Certificate(settings(server), http)
    refused = login.authorise("GET", "x")
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: login.renew(refused), range(16)))
    assert server.tokens == 2
    http.close()


def test_a_lifetime_written_as_text_is_understood(server: Server) -> None:
    server.expires_in = "100"
    now = [0.0]
    http = Http(server.base_url)
    login = Certificate(settings(server), http, clock=lambda: now[0])
    login.authorise("GET", "x")
    now[0] = 95.0
    assert login.authorise("GET", "x") == "Bearer t2"
    http.close()


def test_rs256_is_refused_when_the_connection_is_made(server: Server) -> None:
    with pytest.raises(ValueError, match="RS256"):
        NetSuiteClient(settings(server, algorithm="RS256"))


@pytest.mark.parametrize(
    ("reply", "ending"),
    [
        (Reply(400, {"error": "invalid_grant"}), LockedOut),
        (Reply(401, {"error": "invalid_client"}), LockedOut),
        (Reply(503, b"<html>busy</html>"), Busy),
        (Reply(200, b"{"), Busy),
        (Reply(200, {"token_type": "bearer"}), Busy),
    ],
    ids=["grant", "client", "down", "cut", "empty"],
)
def test_a_failed_login_says_whether_to_wait_or_to_stop(
    server: Server, client: NetSuiteClient, reply: Reply, ending: type
) -> None:
    server.script = {("POST", TOKEN): [reply]}
    assert isinstance(client.perform(OPEN), ending)


def test_a_missing_permission_is_tried_once_more_before_the_connection_stops(
    server: Server, client: NetSuiteClient
) -> None:
    server.script = {
        ("POST", TRANSFORM): [refusal(403, "INSUFFICIENT_PERMISSION", "Permission Violation: You need it.")]
    }
    assert isinstance(client.perform(OPEN), LockedOut)
    assert len(server.sent("POST", TRANSFORM)) == 2


def test_a_created_document_without_a_location_is_resolved_by_its_external_id(
    server: Server, client: NetSuiteClient
) -> None:
    server.script = {("POST", TRANSFORM): [Reply(204)], ("GET", BY_EID): [Reply(200, RMA)]}
    outcome = client.perform(OPEN)
    assert isinstance(outcome, Done)
    assert outcome.ref == "4001"


def test_a_created_document_that_cannot_be_named_may_not_be_sent_again_blindly(
    server: Server, client: NetSuiteClient
) -> None:
    server.script = {("POST", TRANSFORM): [Reply(204)]}
    assert isinstance(client.perform(OPEN), Unknown)


@pytest.mark.parametrize("body", [b"{", b"<html></html>", b'{"id":"4001","item":{"items":[{"quantity":0.5}]}}'])
def test_an_unreadable_read_back_counts_as_perhaps_written(server: Server, client: NetSuiteClient, body: bytes) -> None:
    server.script = {
        ("POST", TRANSFORM): [CREATED],
        ("GET", "/services/rest/record/v1/returnAuthorization/4001"): [Reply(200, body)],
    }
    outcome = client.perform(OPEN)
    assert isinstance(outcome, Unknown | Refused)
    assert not isinstance(outcome, Refused) or outcome.ref == "4001"


def test_already_exists_means_done_only_when_the_content_agrees(server: Server, client: NetSuiteClient) -> None:
    server.script = {("POST", TRANSFORM): [TAKEN], ("GET", BY_EID): [Reply(200, RMA)]}
    assert isinstance(client.perform(OPEN), AlreadyDone)
    other = {**RMA, "createdFrom": {"id": "3999"}}
    server.script[("GET", BY_EID)] = [Reply(200, other)]
    refused = client.perform(OPEN)
    assert isinstance(refused, Refused)
    assert (refused.kind, refused.ref) == ("document_differs", "4001")


def test_already_exists_without_anything_to_see_is_a_missing_permission(server: Server) -> None:
    server.script = {("POST", TRANSFORM): [TAKEN], ("POST", SUITEQL): [page()]}
    blind = NetSuiteClient(settings(server, new_account=True))
    refused = blind.perform(OPEN)
    assert isinstance(refused, Refused)
    assert refused.kind == "permission_missing"
    blind.close()


def test_a_document_hidden_from_its_address_is_found_by_suiteql(server: Server, client: NetSuiteClient) -> None:
    row = {"id": "4001", "type": "RtnAuth", "tranid": "RA41", "externalid": "cf-acme-loop-77-rma"}
    server.script = {
        ("POST", SUITEQL): [page(row)],
        ("GET", "/services/rest/record/v1/returnAuthorization/4001"): [Reply(200, RMA)],
    }
    assert isinstance(client.find(OPEN), Done)


def test_our_external_id_on_two_documents_is_for_a_person(server: Server, client: NetSuiteClient) -> None:
    rows = ({"id": "4001", "type": "RtnAuth", "tranid": "RA41"}, {"id": "4002", "type": "RtnAuth", "tranid": "RA42"})
    server.script = {("POST", SUITEQL): [page(*rows)]}
    refused = client.find(OPEN)
    assert isinstance(refused, Refused)
    assert (refused.kind, refused.number) == ("document_differs", "RA41")


def test_absence_is_believed_once_another_document_of_the_type_can_be_read(
    server: Server, client: NetSuiteClient
) -> None:
    def answer(asked: Asked) -> Reply:
        return page({"id": "3500"}) if b"ORDER BY id DESC" in asked.body else page()

    server.script = {
        ("POST", SUITEQL): answer,
        ("GET", "/services/rest/record/v1/returnAuthorization/3500"): [Reply(200, {"id": "3500"})],
    }
    assert client.find(OPEN) is None
    server.script = {("POST", SUITEQL): [page()]}
    assert client.find(OPEN) is None  # remembered


def test_absence_is_not_believed_where_the_role_sees_rows_but_no_record(server: Server, client: NetSuiteClient) -> None:
    def answer(asked: Asked) -> Reply:
        return page({"id": "3500"}) if b"ORDER BY id DESC" in asked.body else page()

    server.script = {("POST", SUITEQL): answer}
    refused = client.find(OPEN)
    assert isinstance(refused, Refused)
    assert refused.kind == "permission_missing"


def test_a_failed_look_up_is_not_absence(server: Server, client: NetSuiteClient) -> None:
    server.script = {("GET", BY_EID): [Reply(503, b"<html></html>")]}
    assert isinstance(client.find(OPEN), Busy)
    server.script = {("POST", SUITEQL): [Reply(200, b'{"items":[{"id"')]}
    assert isinstance(client.find(OPEN), Busy)


def test_an_account_that_cannot_be_reached_is_busy_for_reads_and_writes() -> None:
    gone = Server()
    gone.stop()
    client = NetSuiteClient(settings(gone))
    assert isinstance(client.perform(OPEN), Busy)
    assert isinstance(client.find(OPEN), Busy)
    assert not client.probe().ok
    client.close()


def test_queries_are_transient_and_quote_what_comes_from_outside(server: Server, client: NetSuiteClient) -> None:
    server.script = {("POST", SUITEQL): [page()]}
    case = CaseRef(brand="acme", portal="loop", return_id="1", order_ref="x' OR 'a'='a")
    client.perform(FindSalesOrder(case=case, step="order"))
    asked = server.sent("POST", SUITEQL)[0]
    assert asked.headers["prefer"] == "transient"
    assert "IN ('x'' OR ''a''=''a')" in msgspec.json.decode(asked.body)["q"]


def test_documents_are_paged_along_their_ids(server: Server, client: NetSuiteClient) -> None:
    first = [
        {"id": str(number), "type": "RtnAuth", "tranid": f"RA{number}", "currency_name": "GBP"}
        for number in range(1, 501)
    ]
    last = {"id": "501", "type": "RtnAuth", "tranid": "RA501", "currency_name": "GBP", "total": "-12.5", "status": "B"}

    def answer(asked: Asked) -> Reply:
        query: str = msgspec.json.decode(asked.body)["q"]
        after = re.search(r"t\.id > (\d+)", query)
        if after is None:
            return page()
        return page(*first) if after.group(1) == "0" else page(last)

    server.script = {("POST", SUITEQL): answer}
    found = list(client.documents("rma", "2026-11-01", "2026-11-30"))
    assert [len(found), found[-1].ref] == [501, "501"]
    assert (found[-1].amount, found[-1].currency, found[-1].status) == (1250, "GBP", "Pending Receipt")
    assert found[0].amount is None


def test_a_total_that_does_not_fit_its_currency_stops_the_reading(server: Server, client: NetSuiteClient) -> None:
    row = {"id": "1", "type": "RtnAuth", "tranid": "RA1", "currency_name": "JPY", "total": "12.5"}
    server.script = {("POST", SUITEQL): [page(row), page()]}
    with pytest.raises(StoppedError, match="RA1"):
        list(client.documents("rma", "2026-11-01", "2026-11-30"))


def test_dates_that_are_none_are_refused_before_they_reach_a_query(client: NetSuiteClient) -> None:
    with pytest.raises(ValueError, match="not a date"):
        list(client.documents("rma", "2026-11-01'", "2026-11-30"))


def test_a_draft_of_a_credit_is_not_something_netsuite_has(client: NetSuiteClient) -> None:
    order = ErpOrder(ref="1", number="1", currency="GBP")
    rma = DocumentRef(ref="4001", number="RA41")
    credit = CreditNote(currency="GBP", lines=())
    command = DraftCreditNote(case=CASE, step="draft", rma=rma, order=order, credit=credit, credit_date="2026-11-20")
    assert isinstance(client.perform(command), Unsupported)
    assert client.find(command) is None
