"""The Prima client against a small hand-written gateway: every answer it may get, and what it then does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest

from counterfoil.core.commands import (
    AnyCommand,
    CancelReturnAuthorisation,
    CaseRef,
    DraftCreditNote,
    FetchOrder,
    FindSalesOrder,
    OpenReturnAuthorisation,
    PostCreditNote,
    ReceiveStock,
    RecordRefund,
    ReverseReceipt,
    StoreTracking,
)
from counterfoil.core.documents import (
    CreditCharge,
    CreditLine,
    CreditNote,
    DocumentRef,
    ErpOrder,
    ErpOrderLine,
    RmaLine,
    StockLine,
)
from counterfoil.core.problems import Owner
from counterfoil.core.returns import Disposition
from counterfoil.erps.prima import SPEC, build
from counterfoil.erps.prima.config import PrimaCapabilities, PrimaConfig
from counterfoil.erps.prima.transports import ReadFailedError
from counterfoil.ports.capabilities import Cap
from counterfoil.ports.outcomes import AlreadyDone, Busy, Done, LockedOut, Outcome, Refused, Unknown, Unsupported
from counterfoil.ports.vendors import ErpClient

CASE = CaseRef(brand="acme", portal="loop", return_id="70001", order_ref="5500000000001", order_name="#1001")
ORDER = ErpOrder(
    ref="SO10001",
    number="SO10001",
    currency="GBP",
    customer="WEB",
    lines=(ErpOrderLine(erp_line="1", sku="TEE-BLK-M", quantity=2, despatched=2, value=4000, tax_code="T1"),),
)
RMA = DocumentRef(ref="SR000412", number="SR000412")
CREDIT = CreditNote(
    currency="GBP",
    lines=(
        CreditLine(
            line_no=1,
            erp_line="1",
            rma_line_no=1,
            rma_erp_line="1",
            order_line_ref="L1",
            sku="TEE-BLK-M",
            quantity=1,
            net=1667,
            tax=333,
            gross=2000,
        ),
    ),
    charges=(CreditCharge(code="return_fee", net=-250, tax=-50, gross=-300),),
    refund_refs=("R-1",),
)

FIND = FindSalesOrder(case=CASE, step="find-order")
OPEN = OpenReturnAuthorisation(
    case=CASE,
    step="rma",
    order=ORDER,
    lines=(RmaLine(line_no=1, erp_line="1", sku="TEE-BLK-M", quantity=1, reason_code="FIT", expected_depot="RETQ"),),
    authorised_at="2026-03-01T10:00:00Z",
    tracking="TRK1",
)
RECEIVE = ReceiveStock(
    case=CASE,
    step="receipt-1",
    rma=RMA,
    order=ORDER,
    lines=(
        StockLine(
            line_no=1,
            rma_line_no=1,
            rma_erp_line="1",
            sku="TEE-BLK-M",
            quantity=1,
            depot="MAIN",
            disposition=Disposition.SELLABLE,
        ),
        StockLine(
            line_no=2,
            rma_line_no=1,
            rma_erp_line="1",
            sku="TEE-BLK-M",
            quantity=1,
            depot=None,
            disposition=Disposition.DISPOSE,
        ),
    ),
    open_lines=("1",),
    received_at="2026-03-02T10:00:00Z",
    warehouse="LEEDS",
    warehouse_ref="GR-88",
)
DRAFT = DraftCreditNote(case=CASE, step="credit-draft-1", rma=RMA, order=ORDER, credit=CREDIT, credit_date="2026-03-04")
POST = PostCreditNote(case=CASE, step="credit-1", rma=RMA, order=ORDER, credit=CREDIT, credit_date="2026-03-04")
POST_NAMED = msgspec.structs.replace(POST, draft=DocumentRef(ref="CN1", number="CN1"))
CANCEL = CancelReturnAuthorisation(case=CASE, step="cancel-rma", rma=RMA, reason="withdrawn")

Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]


class Gateway:
    """A gateway that answers from a script, path by path, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.script: list[tuple[str, Answer | Callable[[dict[str, Any]], Answer] | None]] = []
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # headers and body leave together

            def respond(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                sent = json.loads(body) if body.startswith(b"{") else body.decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = {"line": f"{self.command} {self.path}", "body": sent, "headers": headers}
                gateway.asked.append(asked)
                gateway.answer(self, asked)

            do_GET = do_POST = respond

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def on(self, line: str, answer: Answer | Callable[[dict[str, Any]], Answer] | None) -> None:
        """Answer the next request whose "METHOD path" begins with `line`; None drops the connection."""
        self.script.append((line, answer))

    def answer(self, handler: BaseHTTPRequestHandler, asked: dict[str, Any]) -> None:
        """Use up the first entry of the script that fits."""
        unexpected = ("", (599, {"unexpected": asked["line"]}))
        entry = next((entry for entry in self.script if asked["line"].startswith(entry[0])), unexpected)
        if entry in self.script:
            self.script.remove(entry)
        planned = entry[1]
        if planned is None:
            handler.close_connection = True
            return
        status, body, *rest = planned(asked) if callable(planned) else planned
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(status)
        for name, value in {**(rest[0] if rest else {}), "content-length": str(len(data))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    @property
    def lines(self) -> list[str]:
        """What was asked, in order."""
        return [asked["line"] for asked in self.asked]


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A gateway with an empty script."""
    made = Gateway()
    yield made
    made.server.shutdown()
    made.server.server_close()


def client(gateway: Gateway, **settings: Any) -> ErpClient:
    """A client of the gateway."""
    given: dict[str, Any] = {"base_url": gateway.url, "price_basis": "unit", "api_key": "k", "timeout_s": 2.0}
    return build(PrimaConfig(**{**given, **settings}))


def stored(**changes: Any) -> Callable[[dict[str, Any]], Answer]:
    """A 201 with what was sent, as the gateway stores it."""
    return lambda asked: (201, {**asked["body"], **changes})


def refusal(status: int, code: str, **more: Any) -> Answer:
    """An error answer."""
    return status, {"error": {"code": code, "message": f"No: {code}.", "retryable": False, "request_id": "q", **more}}


def credit_note(status: str = "draft", **changes: Any) -> dict[str, Any]:
    """The credit note as Prima would hold it."""
    return {
        "credit_number": "CN1",
        "external_ref": "SCRN-LOOP-70001-1",
        "order_number": "SO10001",
        "return_number": "SR000412",
        "currency": "GBP",
        "status": status,
        "lines": [{"line_no": 1, "order_line_no": 1, "sku": "TEE-BLK-M", "quantity": "1.00", "gross": "20.00"}],
        "charges": [{"code": "return_fee", "net": "-2.50", "tax": "-0.50", "gross": "-3.00"}],
        "total_net": "14.17",
        "total_tax": "2.83",
        "total_gross": "17.00",
        **changes,
    }


# --- orders ---------------------------------------------------------------------------------------------------------

SALES_ORDER: dict[str, Any] = {
    "order_number": "SO10001",
    "external_order_ref": "5500000000001",
    "customer_code": "WEB",
    "currency": "GBP",
    "vat_inclusive": True,
    "status": "Despatched",
    "lines": [
        {
            "line_no": 1,
            "sku": "TEE-BLK-M",
            "quantity": "2.00",
            "despatched_quantity": "1",
            "unit_price": "20.00",
            "line_discount": "1.00",
            "tax_code": "T1",
            "tax_amount": "6.50",
            "line_total": "39.00",
            "depot": "MAIN",
        }
    ],
}


def order_of(gateway: Gateway, record: dict[str, Any], **settings: Any) -> ErpOrder:
    """What the client makes of a sales order."""
    gateway.on("GET /v1/sales-orders?external_order_ref=5500000000001", (200, {"items": [record]}))
    found = client(gateway, **settings).perform(FIND)
    assert isinstance(found, Done)
    assert found.order is not None
    return found.order


def test_an_order_is_found_by_the_shop_order_id(gateway: Gateway) -> None:
    order = order_of(gateway, SALES_ORDER)
    assert (order.number, order.customer, order.currency) == ("SO10001", "WEB", "GBP")
    [line] = order.lines
    assert (line.erp_line, line.quantity, line.despatched, line.value) == ("1", 2, 1, 3900)
    assert gateway.asked[0]["headers"]["x-api-key"] == "k"


def test_an_order_is_found_by_its_name_when_the_id_is_unknown(gateway: Gateway) -> None:
    gateway.on("GET /v1/sales-orders?external_order_ref=5500000000001", (200, {"items": []}))
    gateway.on("GET /v1/sales-orders?external_order_ref=%231001", (200, []))
    gateway.on("GET /v1/sales-orders?external_order_ref=1001", (200, [{**SALES_ORDER, "external_order_ref": "1001"}]))
    assert isinstance(client(gateway).perform(FIND), Done)


def test_the_line_value_follows_the_price_basis_and_the_tax_setting(gateway: Gateway) -> None:
    [line] = SALES_ORDER["lines"]
    bare = {**line, "line_total": None}
    exclusive = {**SALES_ORDER, "lines": [bare], "vat_inclusive": False}
    inclusive = {**SALES_ORDER, "lines": [bare]}
    assert order_of(gateway, inclusive).lines[0].value == 3900
    assert order_of(gateway, inclusive, price_basis="line").lines[0].value == 1900
    assert order_of(gateway, exclusive).lines[0].value == 4550


def test_an_order_nobody_has_is_refused_for_operations(gateway: Gateway) -> None:
    for ref in ("5500000000001", "%231001", "1001"):
        gateway.on(f"GET /v1/sales-orders?external_order_ref={ref}", (200, {"items": []}))
    found = client(gateway).perform(FIND)
    assert isinstance(found, Refused)
    assert (found.kind, found.owner) == ("order_not_found", Owner.OPS)


def test_two_orders_under_one_name_are_never_guessed_between(gateway: Gateway) -> None:
    gateway.on("GET", (200, {"items": [SALES_ORDER, {**SALES_ORDER, "order_number": "SO10002"}]}))
    found = client(gateway).perform(FIND)
    assert isinstance(found, Refused)
    assert found.kind == "several_orders_found"


@pytest.mark.parametrize("change", [{"quantity": "1.5"}, {"quantity": None}, {"line_total": "39.005"}])
def test_an_order_that_cannot_be_read_exactly_is_not_guessed(gateway: Gateway, change: dict[str, Any]) -> None:
    [line] = SALES_ORDER["lines"]
    gateway.on("GET", (200, {"items": [{**SALES_ORDER, "lines": [{**line, **change}]}]}))
    found = client(gateway).perform(FIND)
    assert isinstance(found, Refused)
    assert found.kind == "unreadable_erp_record"


def test_a_missing_order_endpoint_is_not_taken_for_a_missing_order(gateway: Gateway) -> None:
    gateway.on("GET", (404, b"<html>not here</html>"))
    found = client(gateway).perform(FIND)
    assert isinstance(found, Refused)
    assert (found.kind, found.owner) == ("configuration_rejected", Owner.INTEGRATION)


# --- making documents -----------------------------------------------------------------------------------------------


def test_a_return_is_opened_with_its_reference_as_idempotency_key(gateway: Gateway) -> None:
    gateway.on("POST /v1/sales-returns", stored(return_number="SR000412", status="authorised"))
    made = client(gateway).perform(OPEN)
    assert type(made) is Done
    assert (made.ref, made.number) == ("SR000412", "SR000412")
    assert [(line.line_no, line.erp_line) for line in made.lines] == [(1, "1")]
    [asked] = gateway.asked
    assert asked["headers"]["idempotency-key"] == asked["body"]["external_ref"] == "SRET-LOOP-70001"
    assert asked["body"] == {
        "external_ref": "SRET-LOOP-70001",
        "portal_ref": "70001",
        "order_number": "SO10001",
        "customer_code": "WEB",
        "authorised_at": "2026-03-01T10:00:00Z",
        "tracking_number": "TRK1",
        "lines": [
            {
                "line_no": 1,
                "order_line_no": 1,
                "sku": "TEE-BLK-M",
                "quantity": "1",
                "reason_code": "FIT",
                "expected_depot": "RETQ",
            }
        ],
    }


def test_lines_the_erp_numbers_anew_are_followed(gateway: Gateway) -> None:
    lines = [
        {"line_no": 10, "order_line_no": 2, "sku": "CAP", "quantity": "1"},
        {"line_no": 20, "order_line_no": 1, "sku": "TEE-BLK-M", "quantity": "1.000"},
    ]
    two = msgspec.structs.replace(
        OPEN, lines=(*OPEN.lines, RmaLine(line_no=2, erp_line="2", sku="CAP", quantity=1, reason_code="FIT"))
    )
    gateway.on("POST", stored(return_number="SR1", lines=lines))
    made = client(gateway).perform(two)
    assert isinstance(made, Done)
    assert [(line.line_no, line.erp_line) for line in made.lines] == [(1, "20"), (2, "10")]


def test_a_replayed_write_was_already_done(gateway: Gateway) -> None:
    gateway.on(
        "POST",
        lambda asked: (200, {**asked["body"], "return_number": "SR1"}, {"Idempotent-Replayed": "true"}),
    )
    assert type(client(gateway).perform(OPEN)) is AlreadyDone


def test_a_written_off_unit_without_a_depot_for_write_offs_is_parked_before_anything_is_sent(gateway: Gateway) -> None:
    parked, looked_up = both(client(gateway), RECEIVE)
    assert parked == looked_up
    assert isinstance(parked, Refused)
    assert (parked.kind, "write_off_depot" in parked.message) == ("depot_not_mapped", True)
    assert gateway.asked == []


def test_a_write_off_depot_and_disposition_codes_are_the_configuration_s(gateway: Gateway) -> None:
    gateway.on("POST", stored(receipt_number="GR1"))
    settings = {"write_off_depot": "SCRAP", "disposition_codes": {"dispose": "D9"}}
    assert type(client(gateway, **settings).perform(RECEIVE)) is Done
    lines = gateway.asked[0]["body"]["lines"]
    assert [(line["depot"], line["disposition_code"]) for line in lines] == [("MAIN", "sellable"), ("SCRAP", "D9")]
    assert gateway.asked[0]["body"]["external_ref"] == "GRN-LOOP-70001-1"


def test_a_written_off_unit_that_prima_put_into_a_depot_is_seen(gateway: Gateway) -> None:
    def answer(asked: dict[str, Any]) -> Answer:
        lines = [{**line, "depot": "MAIN"} for line in asked["body"]["lines"]]
        return 201, {**asked["body"], "receipt_number": "GR1", "lines": lines}

    gateway.on("POST", answer)
    outcome = client(gateway, write_off_depot="SCRAP").perform(RECEIVE)
    assert isinstance(outcome, Refused)
    assert (outcome.kind, outcome.number) == ("document_differs", "GR1")


def test_a_credit_note_carries_exact_amounts_and_its_total_is_read_back(gateway: Gateway) -> None:
    gateway.on("POST /v1/sales-credit-notes", stored(credit_number="CN1", status="draft"))
    made = client(gateway).perform(DRAFT)
    assert type(made) is Done
    assert made.total == 1700
    body = gateway.asked[0]["body"]
    assert body["lines"] == [
        {
            "line_no": 1,
            "order_line_no": 1,
            "sku": "TEE-BLK-M",
            "quantity": "1",
            "tax_code": "T1",
            "net": "16.67",
            "tax": "3.33",
            "gross": "20.00",
        }
    ]
    assert body["charges"] == [{"code": "return_fee", "net": "-2.50", "tax": "-0.50", "gross": "-3.00"}]
    assert (body["total_net"], body["total_tax"], body["total_gross"]) == ("14.17", "2.83", "17.00")
    assert body["refund_refs"] == ["R-1"]


def test_yen_have_no_decimals(gateway: Gateway) -> None:
    yen = msgspec.structs.replace(DRAFT, credit=msgspec.structs.replace(CREDIT, currency="JPY"))
    gateway.on("POST", stored(credit_number="CN1", status="draft"))
    assert isinstance(client(gateway).perform(yen), Done)
    assert gateway.asked[0]["body"]["total_gross"] == "1700"


def test_a_total_a_cent_lower_is_finance_s_problem_not_a_success(gateway: Gateway) -> None:
    gateway.on("POST", stored(credit_number="CN1", total_gross="16.99"))
    outcome = client(gateway).perform(DRAFT)
    assert isinstance(outcome, Refused)
    assert (outcome.kind, outcome.owner, outcome.ref) == ("totals_mismatch", Owner.FINANCE, "CN1")


def test_a_credit_note_answered_without_its_total_proves_nothing(gateway: Gateway) -> None:
    gateway.on("POST", stored(credit_number="CN1", total_gross=None))
    outcome = client(gateway).perform(DRAFT)
    assert isinstance(outcome, Refused)
    assert (outcome.kind, outcome.number) == ("unreadable_erp_record", "CN1")


# --- what already exists --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["DUPLICATE_REF", "IDEMPOTENCY_CONFLICT"])
def test_a_duplicate_with_the_same_content_counts_as_done(gateway: Gateway, code: str) -> None:
    gateway.on("POST", refusal(409, code))
    gateway.on("GET /v1/sales-credit-notes?external_ref=SCRN-LOOP-70001-1", (200, {"items": [credit_note()]}))
    outcome = client(gateway).perform(DRAFT)
    assert type(outcome) is AlreadyDone
    assert (outcome.number, outcome.total) == ("CN1", 1700)


def test_a_duplicate_with_other_content_is_parked_with_its_number(gateway: Gateway) -> None:
    held = credit_note(lines=[{"line_no": 1, "order_line_no": 1, "sku": "CAP", "quantity": "1"}])
    gateway.on("POST", refusal(409, "DUPLICATE_REF"))
    gateway.on("GET", (200, {"items": [held]}))
    outcome = client(gateway).perform(DRAFT)
    assert isinstance(outcome, Refused)
    assert (outcome.kind, outcome.owner, outcome.number) == ("document_differs", Owner.FINANCE, "CN1")


def test_a_duplicate_that_is_not_shown_is_neither_success_nor_resent(gateway: Gateway) -> None:
    gateway.on("POST", refusal(409, "DUPLICATE_REF"))
    gateway.on("GET", (200, {"items": []}))
    assert isinstance(client(gateway).perform(DRAFT), Unknown)
    assert len(gateway.asked) == 2


def test_a_filter_the_gateway_ignores_does_not_make_another_return_ours(gateway: Gateway) -> None:
    gateway.on("GET", (200, {"items": [credit_note(external_ref="SCRN-LOOP-99999-1")]}))
    assert client(gateway).find(DRAFT) is None


def test_find_tells_done_from_absent_from_unknowable(gateway: Gateway) -> None:
    gateway.on("GET", (200, {"items": [{"return_number": "SR1", "external_ref": "SRET-LOOP-70001"}]}))
    gateway.on("GET", (200, {"items": []}))
    gateway.on("GET", (503, {}))
    prima = client(gateway)
    assert type(prima.find(OPEN)) is AlreadyDone
    assert prima.find(OPEN) is None
    assert isinstance(prima.find(OPEN), Busy)


def test_a_document_cancelled_in_prima_is_not_made_again(gateway: Gateway) -> None:
    gateway.on("GET", (200, {"items": [credit_note("cancelled")]}))
    outcome = client(gateway).find(DRAFT)
    assert isinstance(outcome, Refused)
    assert outcome.kind == "credit_note_cancelled"


# --- trouble --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [None, (500, b"oops"), (502, b"<html>"), (503, {}), (504, {}), (201, b'{"cut')])
def test_a_write_without_a_clear_answer_is_unknown(gateway: Gateway, answer: Answer | None) -> None:
    gateway.on("POST", answer)
    assert isinstance(client(gateway).perform(OPEN), Unknown)
    assert len(gateway.asked) == 1


def test_a_read_without_a_clear_answer_is_busy(gateway: Gateway) -> None:
    for answer in (None, (500, b"oops"), (200, b'{"cut')):
        gateway.on("GET", answer)
        assert isinstance(client(gateway).perform(FIND), Busy)


def test_an_error_object_under_a_2xx_is_no_success(gateway: Gateway) -> None:
    gateway.on("POST", (200, {"error": {"code": "ERP_TIMEOUT", "message": "Late."}}))
    assert isinstance(client(gateway).perform(OPEN), Unknown)


def test_a_throttled_write_surely_did_not_happen(gateway: Gateway) -> None:
    gateway.on("POST", (429, {"error": {"code": "RATE_LIMITED", "message": "Slow."}}, {"Retry-After": "7"}))
    outcome = client(gateway).perform(OPEN)
    assert isinstance(outcome, Busy)
    assert outcome.after_s == 7


def test_nobody_listening_is_busy() -> None:
    prima = build(PrimaConfig(base_url="http://127.0.0.1:9", price_basis="unit", api_key="k", timeout_s=1.0))
    assert isinstance(prima.perform(OPEN), Busy)


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_lock_the_connection_out(gateway: Gateway, status: int) -> None:
    gateway.on("POST", (status, {}))
    assert isinstance(client(gateway).perform(OPEN), LockedOut)


@pytest.mark.parametrize(
    ("status", "code", "kind", "owner"),
    [
        (422, "UNKNOWN_ORDER", "order_not_found", Owner.OPS),
        (422, "UNKNOWN_CUSTOMER", "customer_not_found", Owner.OPS),
        (422, "UNKNOWN_SKU", "sku_not_found", Owner.OPS),
        (422, "UNKNOWN_DEPOT", "depot_not_mapped", Owner.OPS),
        (422, "UNKNOWN_REASON", "reason_not_mapped", Owner.OPS),
        (422, "UNKNOWN_TAX_CODE", "tax_code_rejected", Owner.FINANCE),
        (422, "UNKNOWN_ORDER_TYPE", "order_type_rejected", Owner.OPS),
        (422, "QTY_EXCEEDS_DESPATCHED", "quantity_exceeds_despatched", Owner.OPS),
        (422, "QTY_EXCEEDS_AUTHORISED", "quantity_exceeds_authorised", Owner.OPS),
        (409, "RETURN_NOT_FOUND", "return_not_found_in_erp", Owner.OPS),
        (409, "RETURN_CLOSED", "return_closed_in_erp", Owner.OPS),
        (409, "RETURN_NOT_RECEIVED", "return_not_received_in_erp", Owner.OPS),
        (422, "ALREADY_CREDITED", "already_credited", Owner.FINANCE),
        (422, "CREDIT_EXCEEDS_LINE_VALUE", "credit_exceeds_line_value", Owner.FINANCE),
        (422, "TOTALS_MISMATCH", "totals_mismatch", Owner.FINANCE),
        (423, "PERIOD_CLOSED", "period_closed", Owner.FINANCE),
        (409, "STOCK_UNAVAILABLE", "stock_unavailable", Owner.OPS),
        (409, "ORDER_ON_HOLD", "order_on_hold", Owner.OPS),
        (422, "WARDROBE_LOCKED", "unmapped_erp_error", Owner.OPS),
        (400, "MALFORMED", "field_rejected", Owner.INTEGRATION),
    ],
)
def test_each_refusal_opens_the_problem_of_its_owner(
    gateway: Gateway, status: int, code: str, kind: str, owner: Owner
) -> None:
    gateway.on("POST", refusal(status, code, field="lines[0].sku"))
    outcome = client(gateway).perform(DRAFT)
    assert isinstance(outcome, Refused)
    assert (outcome.kind, outcome.owner, outcome.code) == (kind, owner, code)
    assert "lines[0].sku" in outcome.detail


# --- posting --------------------------------------------------------------------------------------------------------

CREDITS = "/v1/sales-credit-notes"


def test_a_named_draft_is_posted_after_a_look_at_it(gateway: Gateway) -> None:
    gateway.on(f"GET {CREDITS}/CN1", (200, credit_note()))
    gateway.on(f"POST {CREDITS}/CN1/post", (200, credit_note("posted")))
    outcome = client(gateway).perform(POST_NAMED)
    assert type(outcome) is Done
    assert outcome.total == 1700
    assert gateway.asked[1]["body"] == {"refund_refs": ["R-1"]}
    assert gateway.asked[1]["headers"]["idempotency-key"] == "SCRN-LOOP-70001-1-POST"


def test_without_a_draft_the_note_is_made_and_posted(gateway: Gateway) -> None:
    gateway.on(f"GET {CREDITS}?", (200, {"items": []}))
    gateway.on(f"POST {CREDITS}", stored(credit_number="CN1", status="draft"))
    gateway.on(f"POST {CREDITS}/CN1/post", (200, credit_note("posted")))
    assert type(client(gateway).perform(POST)) is Done


def test_a_posting_goes_on_from_the_draft_an_earlier_attempt_left(gateway: Gateway) -> None:
    gateway.on(f"GET {CREDITS}?external_ref=SCRN-LOOP-70001-1", (200, {"items": [credit_note()]}))
    gateway.on(f"POST {CREDITS}/CN1/post", (200, credit_note("posted")))
    assert type(client(gateway).perform(POST)) is Done
    assert len(gateway.asked) == 2


def test_a_posted_note_is_not_posted_again(gateway: Gateway) -> None:
    gateway.on("GET", (200, credit_note("posted")))
    assert type(client(gateway).perform(POST_NAMED)) is AlreadyDone
    assert gateway.lines == [f"GET {CREDITS}/CN1"]


def test_a_draft_whose_value_was_changed_in_prima_is_not_posted(gateway: Gateway) -> None:
    gateway.on("GET", (200, credit_note(total_gross="18.00")))
    outcome = client(gateway).perform(POST_NAMED)
    assert isinstance(outcome, Refused)
    assert outcome.kind == "totals_mismatch"
    assert len(gateway.asked) == 1


def test_a_posting_in_a_closed_period_waits_for_finance(gateway: Gateway) -> None:
    gateway.on("GET", (200, credit_note()))
    gateway.on("POST", refusal(423, "PERIOD_CLOSED"))
    gateway.on("GET", (200, credit_note()))
    outcome = client(gateway).perform(POST_NAMED)
    assert isinstance(outcome, Refused)
    assert outcome.kind == "period_closed"


def test_a_posting_refused_because_it_happened_is_already_done(gateway: Gateway) -> None:
    gateway.on("GET", (200, credit_note()))
    gateway.on("POST", refusal(422, "ALREADY_CREDITED"))
    gateway.on("GET", (200, credit_note("posted")))
    assert type(client(gateway).perform(POST_NAMED)) is AlreadyDone


def test_a_posting_that_is_not_shown_as_posted_is_looked_up_again(gateway: Gateway) -> None:
    gateway.on("GET", (200, credit_note()))
    gateway.on("POST", (200, credit_note("draft")))
    assert isinstance(client(gateway).perform(POST_NAMED), Unknown)


def test_a_cancelled_or_vanished_draft_is_finance_s_problem(gateway: Gateway) -> None:
    gateway.on("GET", (200, credit_note("cancelled")))
    gateway.on("GET", (404, {"error": {"code": "NOT_FOUND", "message": "No such note."}}))
    prima = client(gateway)
    kinds = [getattr(prima.perform(POST_NAMED), "kind", None) for _ in range(2)]
    assert kinds == ["credit_note_cancelled", "credit_note_not_found"]


def test_finding_a_posting_sees_only_a_posted_note(gateway: Gateway) -> None:
    gateway.on("GET", (200, {"items": [credit_note()]}))
    gateway.on("GET", (200, {"items": [credit_note("posted")]}))
    prima = client(gateway)
    assert prima.find(POST) is None
    assert type(prima.find(POST)) is AlreadyDone


# --- cancel, tracking, reversal, and what there is no way to do -----------------------------------------------------


def test_a_return_is_cancelled_and_a_second_cancel_is_already_done(gateway: Gateway) -> None:
    gateway.on("POST /v1/sales-returns/SR000412/cancel", (200, {"return_number": "SR000412", "status": "cancelled"}))
    gateway.on("POST", refusal(409, "RETURN_CLOSED"))
    gateway.on("GET /v1/sales-returns/SR000412", (200, {"return_number": "SR000412", "status": "cancelled"}))
    prima = client(gateway)
    assert type(prima.perform(CANCEL)) is Done
    assert type(prima.perform(CANCEL)) is AlreadyDone


def test_a_return_received_in_the_meantime_is_not_cancelled(gateway: Gateway) -> None:
    gateway.on("POST", refusal(409, "RETURN_CLOSED"))
    gateway.on("GET", (200, {"return_number": "SR000412", "status": "received"}))
    outcome = client(gateway).perform(CANCEL)
    assert isinstance(outcome, Refused)
    assert outcome.kind == "return_closed_in_erp"


def both(prima: ErpClient, command: AnyCommand) -> tuple[Outcome, Outcome | None]:
    """What trying and looking up give."""
    return prima.perform(command), prima.find(command)


def test_what_the_sheet_has_no_endpoint_for_is_off_until_it_is_configured(gateway: Gateway) -> None:
    tracking = StoreTracking(case=CASE, step="tracking-1", rma=RMA, tracking="TRK2")
    reverse = ReverseReceipt(
        case=CASE, step="reverse-1", rma=RMA, receipt=DocumentRef(ref="GR1", number="GR1"), reason="wrong parcel"
    )
    prima = client(gateway)
    for command in (tracking, reverse):
        assert all(isinstance(outcome, Unsupported) for outcome in both(prima, command))
    able = client(gateway, capabilities=PrimaCapabilities(store_tracking=True, reverse_receipt=True))
    gateway.on("POST /v1/sales-returns/SR000412/tracking", (200, {}))
    gateway.on("POST /v1/stock-receipts/GR1/reverse", (200, {}))
    gateway.on("GET /v1/sales-returns/SR000412", (200, {"tracking_number": "TRK2"}))
    gateway.on("GET /v1/stock-receipts/GR1", (200, {"status": "booked"}))
    assert isinstance(able.perform(tracking), Done)
    assert isinstance(able.perform(reverse), Done)
    assert type(able.find(tracking)) is AlreadyDone
    assert able.find(reverse) is None


def test_refunds_ride_on_the_credit_note_and_are_not_recorded_apart(gateway: Gateway) -> None:
    command = RecordRefund(
        case=CASE,
        step="refund-1",
        credit=DocumentRef(ref="CN1", number="CN1"),
        order=ORDER,
        amount=1700,
        currency="GBP",
        refund_ref="R-1",
        tender=None,
        paid_on="2026-03-04",
    )
    assert all(isinstance(outcome, Unsupported) for outcome in both(client(gateway), command))
    assert isinstance(client(gateway).perform(FetchOrder(case=CASE, step="fetch")), Unsupported)
    assert gateway.asked == []


def test_a_switched_off_ability_writes_nothing(gateway: Gateway) -> None:
    config = {"capabilities": PrimaCapabilities(create_return=False, receive_return=False)}
    assert isinstance(client(gateway, **config).perform(OPEN), Unsupported)
    assert gateway.asked == []


def test_the_declared_abilities_follow_the_configuration() -> None:
    config = PrimaConfig(base_url="http://prima.test", price_basis="line", api_key="k")
    assert SPEC.capabilities(config) == {
        Cap.READ_ORDER,
        Cap.CREATE_RETURN,
        Cap.CANCEL_RETURN,
        Cap.RECEIVE,
        Cap.DRAFT_CREDIT,
        Cap.POST_CREDIT,
        Cap.READ_BACK,
        Cap.CHECK_STOCK,
        Cap.CREATE_EXCHANGE,
    }


def test_a_connection_without_a_price_basis_does_not_start() -> None:
    with pytest.raises(msgspec.ValidationError, match="price_basis"):
        msgspec.convert({"base_url": "http://prima.test", "api_key": "k"}, PrimaConfig)


# --- reading back and checking --------------------------------------------------------------------------------------


def test_documents_are_read_to_the_last_page(gateway: Gateway) -> None:
    page = {"items": [credit_note("posted", credit_date="2026-03-04")], "next_cursor": "c2"}
    last = {"items": [credit_note("posted", credit_number="CN2", credit_date="2026-03-05")], "next_cursor": None}
    gateway.on(f"GET {CREDITS}?posted_from=2026-03-01&posted_to=2026-03-31&limit=200", (200, page))
    gateway.on("GET", (200, last))
    found = list(client(gateway).documents("credit_note", "2026-03-01", "2026-03-31"))
    assert [(d.number, d.amount, d.units, d.dated, d.order_number) for d in found] == [
        ("CN1", 1700, 1, "2026-03-04", "SO10001"),
        ("CN2", 1700, 1, "2026-03-05", "SO10001"),
    ]
    assert "cursor=c2" in gateway.lines[1]


def test_a_list_that_breaks_off_or_repeats_itself_is_not_taken_for_complete(gateway: Gateway) -> None:
    gateway.on("GET", (200, {"items": [credit_note()], "next_cursor": "c"}))
    gateway.on("GET", (503, {}))
    for _ in range(3):
        gateway.on("GET", (200, {"items": [], "next_cursor": "c"}))
    prima = client(gateway)
    for _ in range(2):
        with pytest.raises(ReadFailedError):
            list(prima.documents("credit_note", "2026-03-01", "2026-03-31"))


def test_a_document_is_found_by_our_reference(gateway: Gateway) -> None:
    gateway.on("GET", (200, {"items": [credit_note("posted")]}))
    gateway.on("GET", (200, {"items": []}))
    prima = client(gateway)
    found = prima.find_by_ref("credit_note", "SCRN-LOOP-70001-1")
    assert found is not None
    assert (found.number, found.total) == ("CN1", 1700)
    assert prima.find_by_ref("credit_note", "SCRN-LOOP-70001-1") is None


def test_the_probe_reads_the_code_tables_and_checks_the_configuration(gateway: Gateway) -> None:
    for table in ("depots", "reason-codes", "tax-codes"):
        gateway.on(f"GET /v1/{table}", (200, {"items": [{"code": "MAIN"}]}))
        gateway.on(f"GET /v1/{table}", (200, {"items": [{"code": "MAIN"}]}))
    assert client(gateway).probe().ok
    unfit = client(gateway, write_off_depot="SCRAP").probe()
    assert not unfit.ok
    assert "The write-off depot is not among the depots." in [sentence for _, sentence in unfit.checks]


def test_the_probe_says_what_it_may_not_read(gateway: Gateway) -> None:
    for _ in range(3):
        gateway.on("GET", (403, {}))
    found = client(gateway, capabilities=PrimaCapabilities(create_credit=False)).probe()
    assert not found.ok
    assert len(found.checks) == 4


# --- OAuth2 ---------------------------------------------------------------------------------------------------------


def with_tokens(gateway: Gateway) -> ErpClient:
    """A client that fetches bearer tokens."""
    return client(
        gateway, api_key="", token_url=f"{gateway.url}/token", client_id="robin", client_secret="not-a-secret"
    )


def test_a_token_is_fetched_once_and_replaced_when_it_is_refused(gateway: Gateway) -> None:
    gateway.on("POST /token", (200, {"access_token": "t1", "expires_in": 3600}))
    gateway.on("GET", (200, {"items": []}))
    gateway.on("GET", (401, {}))
    gateway.on("POST /token", (200, {"access_token": "t2", "expires_in": 3600}))
    gateway.on("GET", (200, {"items": []}))
    prima = with_tokens(gateway)
    assert prima.find(OPEN) is None
    assert prima.find(OPEN) is None
    used = [asked["headers"].get("authorization") for asked in gateway.asked]
    assert used == [None, "Bearer t1", "Bearer t1", None, "Bearer t2"]
    assert "grant_type=client_credentials" in gateway.asked[0]["body"]


def test_refused_client_credentials_lock_the_connection_out(gateway: Gateway) -> None:
    gateway.on("POST /token", (401, {}))
    assert isinstance(with_tokens(gateway).perform(OPEN), LockedOut)


def test_a_token_server_in_trouble_means_nothing_was_sent(gateway: Gateway) -> None:
    gateway.on("POST /token", (502, b"<html>"))
    assert isinstance(with_tokens(gateway).perform(OPEN), Busy)
    assert len(gateway.asked) == 1
