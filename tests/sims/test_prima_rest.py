"""The simulated Prima over its REST profile: every code and every sequence rule of the Prima sheet §4 and §5."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from counterfoil.erps.prima.sim import SIMULATOR, PrimaSimulator
from counterfoil.simkit.server import Running

Record = dict[str, Any]


def _order_line(line_no: int, sku: str, quantity: int, total: str, tax: str, **more: Any) -> Record:
    price = str(Decimal(total) / quantity)
    row = {"line_no": line_no, "sku": sku, "quantity": quantity, "despatched_quantity": quantity, "unit_price": price}
    return {**row, "line_total": total, "tax_amount": tax, "tax_code": "S", "depot": "MAIN", **more}


WORLD: Record = {
    "api_key": "key-example",
    "read_only_keys": ["key-reader"],
    "oauth2": {"client_id": "counterfoil", "client_secret": "example-secret"},
    "company": "1",
    "now": "2026-03-02T09:00:00Z",
    "sales_orders": [
        {
            "order_number": "100001",
            "external_order_ref": "#1001",
            "customer_code": "CUST1",
            "order_type": "WEB",
            "order_date": "2026-02-20",
            "currency": "GBP",
            "vat_inclusive": True,
            "delivery_charge": "4.95",
            "status": "despatched",
            "lines": [
                _order_line(1, "TEE-RED-M", 3, "60.00", "10.00"),
                _order_line(2, "SOCK-BOX", 1, "24.00", "4.00"),
                _order_line(3, "CAP-BLUE", 2, "20.00", "3.34", despatched_quantity="1"),
            ],
        },
        {
            "order_number": "100002",
            "customer_code": "CUST2",
            "currency": "GBP",
            "status": "on_hold",
            "lines": [_order_line(1, "TEE-RED-M", 1, "20.00", "3.33")],
        },
        {
            "order_number": "100003",
            "customer_code": "CUST1",
            "currency": "GBP",
            "vat_inclusive": False,
            "lines": [_order_line(1, "TEE-RED-M", 1, "20.00", "4.00")],
        },
    ],
    "products": [
        {"sku": "TEE-RED-M", "barcode": "5000000000017"},
        {"sku": "TEE-RED-L"},
        {"sku": "CAP-BLUE"},
        {"sku": "SOCK-A"},
        {"sku": "SOCK-BOX", "components": [{"sku": "SOCK-A", "qty": 3}]},
    ],
    "depots": [
        {"code": "MAIN", "name": "Main", "kind": "sellable"},
        {"code": "RETQ", "name": "Returns", "kind": "quarantine"},
    ],
    "depot_stock": [
        {"sku": "TEE-RED-L", "depot": "MAIN", "on_hand": 2, "allocated": 0},
        {"sku": "SOCK-A", "depot": "MAIN", "on_hand": "7", "allocated": "1"},
    ],
    "reason_codes": [{"code": "SIZE", "description": "Wrong size"}],
    "order_types": [{"code": "EXCH", "description": "Exchange"}],
    "tax_codes": [{"code": "S", "description": "Standard", "rate": "20"}],
    "customers": [{"code": "CUST1"}, {"code": "CUST2"}],
    "periods": [{"from": "2026-01-01", "to": "2026-01-31", "closed": True}],
}


class Client:
    """A caller of the simulator; `post` sends the document's reference as its key."""

    def __init__(self, http: httpx2.Client) -> None:
        self.http = http

    def get(self, path: str, **params: str) -> Any:
        answer = self.http.get(f"/v1/{path}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Record, key: str | None = None) -> httpx2.Response:
        headers = {"Idempotency-Key": key or str(body.get("external_ref") or body.get("external_order_ref"))}
        return self.http.post(f"/v1/{path}", json=body, headers=headers)

    def made(self, path: str, body: Record, key: str | None = None) -> Any:
        answer = self.post(path, body, key)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def refused(self, path: str, body: Record, key: str | None = None) -> tuple[int, str, str | None]:
        answer = self.post(path, body, key)
        error = answer.json()["error"]
        assert set(error) == {"code", "message", "field", "retryable", "request_id"}
        assert error["retryable"] is (answer.status_code in {429, 500, 502, 503, 504})
        return answer.status_code, error["code"], error["field"]

    def control(self, path: str, body: Any) -> httpx2.Response:
        return self.http.post(f"/__sim/{path}", json=body)

    def settings(self, **values: Any) -> None:
        assert self.control("settings", values).status_code == 200

    def state(self) -> Any:
        return self.http.get("/__sim/state").json()

    def stock(self, sku: str, depot: str) -> tuple[str, str, str]:
        rows = self.get("depot-stock", sku=sku, depot=depot)["items"]
        return (rows[0]["on_hand"], rows[0]["allocated"], rows[0]["available"]) if rows else ("0", "0", "0")

    # Shorthands for the usual road of one return

    def opened(self, quantity: str = "1", ref: str = "SRET-LOOP-1", line: int = 1, sku: str = "TEE-RED-M") -> Any:
        return self.made("sales-returns", a_return(ref, [(line, sku, quantity)]))

    def received(self, number: str, quantity: str = "1", ref: str = "GRN-LOOP-1", depot: str = "RETQ") -> Any:
        return self.made("stock-receipts", a_receipt(number, [(1, "TEE-RED-M", quantity)], ref, depot))


def a_return(ref: str, lines: list[tuple[int, str, str]], order: str = "100001", **more: Any) -> Record:
    rows = [
        {"line_no": place, "order_line_no": line, "sku": sku, "quantity": quantity, "reason_code": "SIZE"}
        for place, (line, sku, quantity) in enumerate(lines, start=1)
    ]
    return {"external_ref": ref, "portal_ref": "R1", "order_number": order, "lines": rows, **more}


def a_receipt(number: str, lines: list[tuple[int, str, str]], ref: str, depot: str) -> Record:
    rows = [
        {"line_no": place, "return_line_no": line, "sku": sku, "quantity": quantity, "depot": depot}
        for place, (line, sku, quantity) in enumerate(lines, start=1)
    ]
    return {"external_ref": ref, "return_number": number, "received_at": "2026-03-01T10:00:00Z", "lines": rows}


def a_credit(number: str | None, ref: str = "SCRN-LOOP-1", quantity: str = "1", **more: Any) -> Record:
    line = {"order_line_no": 1, "sku": "TEE-RED-M", "quantity": quantity, "tax_code": "S"}
    body = {
        "external_ref": ref,
        "order_number": "100001",
        "return_number": number,
        "credit_date": "2026-03-02",
        "currency": "GBP",
        "lines": [{"line_no": 1, **line, "net": "16.67", "tax": "3.33", "gross": "20.00"}],
        "charges": [],
        "total_net": "16.67",
        "total_tax": "3.33",
        "total_gross": "20.00",
        "refund_refs": ["re_1"],
    }
    return {**body, **more}


def an_exchange(number: str | None, ref: str = "SORD-LOOP-1", **more: Any) -> Record:
    line = {"line_no": 1, "sku": "TEE-RED-L", "quantity": "1", "unit_price": "20.00", "tax_code": "S"}
    body = {"external_ref": ref, "order_type": "EXCH", "customer_code": "CUST1", "return_number": number}
    return {**body, "original_order_number": "100001", "lines": [line], **more}


def _serve(started: threading.Event, stop: list[Any]) -> None:
    async def run() -> None:
        running = Running(PrimaSimulator(WORLD))
        await running.start()
        done = asyncio.Event()
        stop.extend([asyncio.get_running_loop(), done, running.base_url])
        started.set()
        await done.wait()
        await running.stop()

    asyncio.run(run())


@pytest.fixture(scope="module")
def http() -> Iterator[httpx2.Client]:
    """One simulator for this module, in a loop of its own, and a connection to it."""
    started, stop = threading.Event(), list[Any]()
    thread = threading.Thread(target=_serve, args=(started, stop))
    thread.start()
    assert started.wait(5)
    loop, done, url = stop
    fresh = httpx2.Limits(max_keepalive_connections=0)  # a kept connection waits 40 ms per answer (delayed ACK)
    with httpx2.Client(base_url=url, trust_env=False, timeout=5, limits=fresh) as client:
        yield client
    loop.call_soon_threadsafe(done.set)
    thread.join(5)


@pytest.fixture
def prima(http: httpx2.Client) -> Client:
    """A caller of a freshly restored world."""
    assert http.post("/__sim/reset").status_code == 200
    http.headers["X-Api-Key"] = "key-example"
    return Client(http)


# Access


def test_the_package_names_its_simulator() -> None:
    assert SIMULATOR is PrimaSimulator
    assert SIMULATOR.vendor == "prima"


@pytest.mark.parametrize("key", ["", "another-key"])
def test_a_missing_or_wrong_key_is_401(prima: Client, key: str) -> None:
    answer = prima.http.get("/v1/depots", headers={"X-Api-Key": key})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHORISED")


def test_a_reading_key_may_read_and_not_write(prima: Client) -> None:
    prima.http.headers["X-Api-Key"] = "key-reader"
    assert prima.http.get("/v1/depots").status_code == 200
    assert prima.refused("sales-returns", a_return("SRET-1", [(1, "TEE-RED-M", "1")]))[:2] == (403, "FORBIDDEN")


def test_a_client_credentials_token_opens_the_door_and_a_wrong_secret_does_not(prima: Client) -> None:
    form = {"grant_type": "client_credentials", "client_id": "counterfoil", "client_secret": "example-secret"}
    token = prima.http.post("/oauth/token", data=form).json()["access_token"]
    del prima.http.headers["X-Api-Key"]
    assert prima.http.get("/v1/depots", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert prima.http.get("/v1/depots", headers={"Authorization": "Bearer x"}).status_code == 401
    assert prima.http.post("/oauth/token", data={**form, "client_secret": "x"}).status_code == 401


# Reads


def test_master_data_is_read_one_by_one_and_as_lists(prima: Client) -> None:
    assert prima.get("products/SOCK-BOX")["components"] == [{"sku": "SOCK-A", "qty": 3}]
    assert prima.get("customers/CUST1")["code"] == "CUST1"
    sizes = [len(prima.get(path)["items"]) for path in ("depots", "reason-codes", "order-types", "tax-codes")]
    assert sizes == [2, 1, 1, 1]


def test_an_order_is_found_by_number_and_by_the_shops_reference_with_decimals_as_text(prima: Client) -> None:
    order = prima.get("sales-orders/100001")
    assert order["lines"][0]["quantity"] == "3"
    assert order["lines"][0]["line_total"] == "60.00"
    found = prima.get("sales-orders", external_order_ref="#1001")["items"]
    assert [item["order_number"] for item in found] == ["100001"]
    assert prima.get("sales-orders", external_order_ref="#9999")["items"] == []


@pytest.mark.parametrize("path", ["sales-orders/9", "products/NONE", "customers/X", "sales-returns/SR9", "nonsense"])
def test_what_does_not_exist_is_404(prima: Client, path: str) -> None:
    answer = prima.http.get(f"/v1/{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


def test_documents_are_listed_in_pages_and_by_change_and_posting_date(prima: Client) -> None:
    for place in range(1, 4):
        prima.opened(ref=f"SRET-{place}")
    first = prima.get("sales-returns", limit="2")
    second = prima.get("sales-returns", limit="2", cursor=first["next_cursor"])
    assert [len(first["items"]), len(second["items"]), second["next_cursor"]] == [2, 1, None]
    since = second["items"][0]["updated_at"]
    assert [item["external_ref"] for item in prima.get("sales-returns", updated_since=since)["items"]] == ["SRET-3"]
    credit = prima.made("sales-credit-notes", a_credit("SR000001"))
    assert prima.get("sales-credit-notes", posted_from="2026-03-01", posted_to="2026-03-31")["items"] == []
    prima.made(f"sales-credit-notes/{credit['credit_number']}/post", {}, key="POST-1")
    within = prima.get("sales-credit-notes", posted_from="2026-03-02", posted_to="2026-03-02")["items"]
    assert [item["credit_number"] for item in within] == ["CN000001"]
    assert prima.get("sales-credit-notes", posted_from="2026-03-03")["items"] == []


@pytest.mark.parametrize(
    ("name", "value"), [("limit", "0"), ("limit", "many"), ("cursor", "?"), ("updated_since", "soon"), ("refx", "1")]
)
def test_a_bad_list_parameter_is_400_and_named(prima: Client, name: str, value: str) -> None:
    answer = prima.http.get("/v1/sales-returns", params={name: value})
    assert answer.status_code == 400
    assert (answer.json()["error"]["code"], answer.json()["error"]["field"]) == ("MALFORMED", name)


# Safe to send twice


def test_a_new_document_is_201_and_the_same_again_is_200_with_the_replay_header(prima: Client) -> None:
    body = a_return("SRET-LOOP-1", [(1, "TEE-RED-M", "1")])
    first, second = prima.post("sales-returns", body), prima.post("sales-returns", dict(reversed(body.items())))
    assert (first.status_code, second.status_code) == (201, 200)
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert first.json() == second.json()
    assert first.json()["return_number"] == "SR000001"
    assert len(prima.state()["documents"]["sales_returns"]) == 1


def test_the_same_key_with_another_body_is_a_conflict(prima: Client) -> None:
    prima.opened()
    body = a_return("SRET-LOOP-1", [(1, "TEE-RED-M", "2")])
    assert prima.refused("sales-returns", body)[:2] == (409, "IDEMPOTENCY_CONFLICT")


def test_the_same_reference_under_another_key_is_a_duplicate(prima: Client) -> None:
    body = a_return("SRET-LOOP-1", [(1, "TEE-RED-M", "1")])
    prima.made("sales-returns", body)
    assert prima.refused("sales-returns", body, key="OTHER") == (409, "DUPLICATE_REF", "external_ref")
    assert len(prima.get("sales-returns", external_ref="SRET-LOOP-1")["items"]) == 1


def test_every_kind_of_document_refuses_a_second_one_of_the_same_reference(prima: Client) -> None:
    number = prima.opened("2")["return_number"]
    for path, body in (
        ("stock-receipts", a_receipt(number, [(1, "TEE-RED-M", "1")], "GRN-1", "RETQ")),
        ("sales-credit-notes", a_credit(number)),
        ("sales-orders", an_exchange(number)),
    ):
        prima.made(path, body)
        assert prima.refused(path, body, key="OTHER")[:2] == (409, "DUPLICATE_REF")


def test_a_refused_body_may_be_corrected_under_its_key(prima: Client) -> None:
    assert prima.refused("sales-returns", a_return("SRET-LOOP-1", [(1, "TEE-RED-M", "9")]))[0] == 422
    assert prima.opened()["external_ref"] == "SRET-LOOP-1"


def test_a_write_without_a_key_is_400(prima: Client) -> None:
    answer = prima.http.post("/v1/sales-returns", json=a_return("SRET-1", [(1, "TEE-RED-M", "1")]))
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "Idempotency-Key")


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"a": NaN}', b"\xff", b'"text"'])
def test_a_body_that_is_no_json_object_is_400(prima: Client, content: bytes) -> None:
    answer = prima.http.post("/v1/sales-returns", content=content, headers={"Idempotency-Key": "K"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "MALFORMED")


def test_a_number_where_decimal_text_is_due_is_400(prima: Client) -> None:
    number = prima.opened()["return_number"]
    refused = prima.refused("sales-credit-notes", a_credit(number, total_gross=20.0))
    assert refused == (400, "MALFORMED", "total_gross")


@pytest.mark.parametrize("reference", ["sret-1", "SRET 1", "S" * 41])
def test_a_reference_outside_its_alphabet_or_too_long_is_refused(prima: Client, reference: str) -> None:
    body = a_return(reference, [(1, "TEE-RED-M", "1")])
    assert prima.refused("sales-returns", body) == (422, "INVALID_FIELD", "external_ref")


# Sales returns


def test_a_return_is_stored_as_sent_and_open(prima: Client) -> None:
    record = prima.opened("2")
    assert (record["status"], record["customer_code"], record["lines"][0]["quantity"]) == ("authorised", "CUST1", "2")
    assert prima.get("sales-returns/SR000001") == record


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"order_number": "9"}, "UNKNOWN_ORDER", "order_number"),
        ({"customer_code": "CUST9"}, "UNKNOWN_CUSTOMER", "customer_code"),
        ({"customer_code": "CUST2"}, "UNKNOWN_CUSTOMER", "customer_code"),
    ],
)
def test_a_return_of_an_unknown_order_or_customer_is_422(prima: Client, change: Record, code: str, field: str) -> None:
    body = {**a_return("SRET-1", [(1, "TEE-RED-M", "1")]), **change}
    assert prima.refused("sales-returns", body) == (422, code, field)


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"sku": "TEE-NONE"}, "UNKNOWN_SKU", "sku"),
        ({"sku": "TEE-RED-L"}, "UNKNOWN_SKU", "sku"),
        ({"order_line_no": 9}, "UNKNOWN_ORDER", "order_line_no"),
        ({"reason_code": "WHIM"}, "UNKNOWN_REASON", "reason_code"),
        ({"reason_code": None}, "UNKNOWN_REASON", "reason_code"),
        ({"expected_depot": "MOON"}, "UNKNOWN_DEPOT", "expected_depot"),
        ({"quantity": "4"}, "QTY_EXCEEDS_DESPATCHED", "quantity"),
        ({"quantity": "0"}, "INVALID_FIELD", "quantity"),
    ],
)
def test_a_wrong_return_line_is_422_and_the_field_names_the_line(
    prima: Client, change: Record, code: str, field: str
) -> None:
    body = a_return("SRET-1", [(3, "CAP-BLUE", "1"), (1, "TEE-RED-M", "1")])
    body["lines"][1].update(change)
    assert prima.refused("sales-returns", body) == (422, code, f"lines[1].{field}")
    assert prima.state()["documents"]["sales_returns"] == []


def test_despatched_units_are_counted_over_all_returns_of_the_order_line(prima: Client) -> None:
    prima.opened("2", "SRET-1")
    body = a_return("SRET-2", [(1, "TEE-RED-M", "2")])
    assert prima.refused("sales-returns", body)[1] == "QTY_EXCEEDS_DESPATCHED"
    prima.opened("1", "SRET-3")


def test_despatched_units_are_counted_over_the_lines_of_one_return_too(prima: Client) -> None:
    body = a_return("SRET-1", [(1, "TEE-RED-M", "2"), (1, "TEE-RED-M", "2")])
    assert prima.refused("sales-returns", body) == (422, "QTY_EXCEEDS_DESPATCHED", "lines[1].quantity")


def test_units_ordered_but_not_despatched_cannot_be_returned(prima: Client) -> None:
    body = a_return("SRET-1", [(3, "CAP-BLUE", "2")])
    assert prima.refused("sales-returns", body)[1] == "QTY_EXCEEDS_DESPATCHED"


def test_a_cancelled_return_frees_its_units_and_takes_no_more(prima: Client) -> None:
    prima.opened("3")
    cancelled = prima.made("sales-returns/SR000001/cancel", {}, key="SRET-LOOP-1")
    assert cancelled["status"] == "cancelled"
    again = prima.post("sales-returns/SR000001/cancel", {}, key="SRET-LOOP-1")
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    body = a_receipt("SR000001", [(1, "TEE-RED-M", "1")], "GRN-1", "RETQ")
    assert prima.refused("stock-receipts", body) == (409, "RETURN_CLOSED", "return_number")
    prima.opened("3", "SRET-LOOP-2")


def test_a_return_with_goods_booked_cannot_be_cancelled(prima: Client) -> None:
    prima.received(prima.opened("2")["return_number"])
    assert prima.refused("sales-returns/SR000001/cancel", {}, key="C1")[:2] == (409, "RETURN_CLOSED")


def test_a_bundle_comes_back_in_components_and_never_more_than_were_in_it(prima: Client) -> None:
    prima.opened("2", "SRET-1", line=2, sku="SOCK-A")
    whole = a_return("SRET-2", [(2, "SOCK-BOX", "1")])
    assert prima.refused("sales-returns", whole)[1] == "QTY_EXCEEDS_DESPATCHED"
    prima.opened("1", "SRET-3", line=2, sku="SOCK-A")


# Stock receipts


def test_a_receipt_moves_stock_in_its_depot_and_the_state_of_the_return(prima: Client) -> None:
    number = prima.opened("2")["return_number"]
    assert prima.received(number, "1", "GRN-1", "RETQ")["receipt_number"] == "GR000001"
    assert prima.get(f"sales-returns/{number}")["status"] == "part_received"
    prima.received(number, "1", "GRN-2", "MAIN")
    assert prima.get(f"sales-returns/{number}")["status"] == "received"
    assert prima.stock("TEE-RED-M", "RETQ") == ("1", "0", "0")
    assert prima.stock("TEE-RED-M", "MAIN") == ("1", "0", "1")


def test_a_received_bundle_raises_the_stock_of_its_components(prima: Client) -> None:
    prima.opened("1", line=2, sku="SOCK-BOX")
    prima.made("stock-receipts", a_receipt("SR000001", [(1, "SOCK-BOX", "1")], "GRN-1", "MAIN"))
    assert prima.stock("SOCK-A", "MAIN") == ("10", "1", "9")


def test_a_receipt_sent_twice_moves_stock_once(prima: Client) -> None:
    prima.opened("2")
    body = a_receipt("SR000001", [(1, "TEE-RED-M", "1")], "GRN-1", "MAIN")
    assert [prima.post("stock-receipts", body).status_code for _ in range(2)] == [201, 200]
    assert prima.stock("TEE-RED-M", "MAIN")[0] == "1"


def test_a_receipt_without_its_return_is_out_of_sequence(prima: Client) -> None:
    body = a_receipt("SR000009", [(1, "TEE-RED-M", "1")], "GRN-1", "RETQ")
    assert prima.refused("stock-receipts", body) == (409, "RETURN_NOT_FOUND", "return_number")


def test_more_than_authorised_cannot_be_received_over_all_receipts(prima: Client) -> None:
    number = prima.opened("2")["return_number"]
    prima.received(number, "1", "GRN-1")
    body = a_receipt(number, [(1, "TEE-RED-M", "2")], "GRN-2", "RETQ")
    assert prima.refused("stock-receipts", body) == (422, "QTY_EXCEEDS_AUTHORISED", "lines[0].quantity")
    assert prima.stock("TEE-RED-M", "RETQ")[0] == "1"


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"sku": "TEE-NONE"}, "UNKNOWN_SKU", "sku"),
        ({"sku": "TEE-RED-L"}, "UNKNOWN_SKU", "sku"),
        ({"depot": "MOON"}, "UNKNOWN_DEPOT", "depot"),
        ({"return_line_no": 9}, "QTY_EXCEEDS_AUTHORISED", "return_line_no"),
    ],
)
def test_a_wrong_receipt_line_is_422(prima: Client, change: Record, code: str, field: str) -> None:
    body = a_receipt(prima.opened()["return_number"], [(1, "TEE-RED-M", "1")], "GRN-1", "RETQ")
    body["lines"][0].update(change)
    assert prima.refused("stock-receipts", body) == (422, code, f"lines[0].{field}")


def test_a_closed_return_takes_no_receipt(prima: Client) -> None:
    number = prima.opened("2")["return_number"]
    assert prima.control("act", {"do": "close_return", "number": number}).json()["status"] == "closed"
    body = a_receipt(number, [(1, "TEE-RED-M", "1")], "GRN-1", "RETQ")
    assert prima.refused("stock-receipts", body)[:2] == (409, "RETURN_CLOSED")


def test_a_closed_period_refuses_receipts_only_where_the_company_wants_it(prima: Client) -> None:
    number = prima.opened("2")["return_number"]
    body = {**a_receipt(number, [(1, "TEE-RED-M", "1")], "GRN-1", "RETQ"), "received_at": "2026-01-31T23:00:00Z"}
    prima.settings(period_covers_receipts=True)
    assert prima.refused("stock-receipts", body) == (423, "PERIOD_CLOSED", "received_at")
    prima.settings(period_covers_receipts=False)
    prima.made("stock-receipts", body)


# Sales credit notes


def test_a_credit_is_drafted_then_posted_and_closes_a_return_that_is_received_in_full(prima: Client) -> None:
    number = prima.opened()["return_number"]
    prima.received(number)
    draft = prima.made("sales-credit-notes", a_credit(number))
    assert (draft["credit_number"], draft["status"], draft["total_gross"]) == ("CN000001", "draft", "20.00")
    assert prima.get(f"sales-returns/{number}")["status"] == "received"
    posted = prima.made("sales-credit-notes/CN000001/post", {}, key="SCRN-LOOP-1")
    assert posted["status"] == "posted" == prima.get("sales-credit-notes/CN000001")["status"]
    assert prima.get(f"sales-returns/{number}")["status"] == "closed"


def test_posting_again_is_a_replay_under_the_same_key_and_a_duplicate_under_another(prima: Client) -> None:
    prima.made("sales-credit-notes", a_credit(prima.opened()["return_number"]))
    prima.made("sales-credit-notes/CN000001/post", {}, key="P1")
    assert prima.post("sales-credit-notes/CN000001/post", {}, key="P1").status_code == 200
    assert prima.refused("sales-credit-notes/CN000001/post", {}, key="P2")[:2] == (409, "DUPLICATE_REF")
    assert prima.refused("sales-credit-notes/CN000009/post", {}, key="P3")[:2] == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("change", "status", "code", "field"),
    [
        ({"order_number": "9"}, 422, "UNKNOWN_ORDER", "order_number"),
        ({"return_number": "SR9"}, 409, "RETURN_NOT_FOUND", "return_number"),
        ({"order_number": "100003"}, 409, "RETURN_NOT_FOUND", "return_number"),
        ({"currency": "EUR"}, 422, "INVALID_FIELD", "currency"),
        ({"credit_date": "2026-01-31"}, 423, "PERIOD_CLOSED", "credit_date"),
        ({"credit_date": "31/01/2026"}, 400, "MALFORMED", "credit_date"),
        ({"total_net": "16.66"}, 422, "TOTALS_MISMATCH", "total_net"),
        ({"total_tax": "3.34"}, 422, "TOTALS_MISMATCH", "total_tax"),
        ({"total_gross": "20.01"}, 422, "TOTALS_MISMATCH", "total_gross"),
    ],
)
def test_a_wrong_credit_header_is_refused(prima: Client, change: Record, status: int, code: str, field: str) -> None:
    body = {**a_credit(prima.opened()["return_number"]), **change}
    assert prima.refused("sales-credit-notes", body) == (status, code, field)
    assert prima.state()["documents"]["sales_credit_notes"] == []


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"sku": "TEE-NONE"}, "UNKNOWN_SKU", "sku"),
        ({"tax_code": "Z"}, "UNKNOWN_TAX_CODE", "tax_code"),
        ({"order_line_no": 9}, "UNKNOWN_ORDER", "order_line_no"),
        ({"gross": "20.01"}, "TOTALS_MISMATCH", "gross"),
        ({"net": "-23.33", "gross": "-20.00"}, "INVALID_FIELD", "gross"),
        ({"quantity": "2"}, "QTY_EXCEEDS_AUTHORISED", "quantity"),
        ({"quantity": "4"}, "QTY_EXCEEDS_DESPATCHED", "quantity"),
        ({"net": "56.68", "gross": "60.01"}, "CREDIT_EXCEEDS_LINE_VALUE", "gross"),
    ],
)
def test_a_wrong_credit_line_is_422(prima: Client, change: Record, code: str, field: str) -> None:
    body = a_credit(prima.opened()["return_number"])
    body["lines"][0].update(change)
    assert prima.refused("sales-credit-notes", body) == (422, code, f"lines[0].{field}")


def test_charges_and_withheld_fees_count_towards_the_totals(prima: Client) -> None:
    charges = [
        {"code": "DELIVERY", "net": "4.12", "tax_code": "S", "tax": "0.83", "gross": "4.95"},
        {"code": "RESTOCK", "net": "-2.00", "tax": "0", "gross": "-2.00"},
    ]
    totals = {"total_net": "18.79", "total_tax": "4.16", "total_gross": "22.95"}
    number = prima.opened()["return_number"]
    assert prima.refused("sales-credit-notes", a_credit(number, charges=charges))[1] == "TOTALS_MISMATCH"
    assert len(prima.made("sales-credit-notes", a_credit(number, charges=charges, **totals))["charges"]) == 2


def test_an_unknown_tax_code_on_a_charge_is_named(prima: Client) -> None:
    charge = {"code": "DELIVERY", "net": "1.00", "tax_code": "Z", "tax": "0.00", "gross": "1.00"}
    body = a_credit(prima.opened()["return_number"], charges=[charge])
    assert prima.refused("sales-credit-notes", body) == (422, "UNKNOWN_TAX_CODE", "charges[0].tax_code")


def test_units_once_credited_cannot_be_credited_again_not_even_as_a_second_draft(prima: Client) -> None:
    number = prima.opened()["return_number"]
    prima.made("sales-credit-notes", a_credit(number))
    second = a_credit(number, "SCRN-LOOP-2")
    assert prima.refused("sales-credit-notes", second) == (422, "ALREADY_CREDITED", "lines[0].quantity")


def test_a_cancelled_credit_frees_its_units_and_cannot_be_posted(prima: Client) -> None:
    number = prima.opened()["return_number"]
    prima.made("sales-credit-notes", a_credit(number))
    prima.control("act", {"do": "cancel_credit", "number": "CN000001"})
    assert prima.refused("sales-credit-notes/CN000001/post", {}, key="P1")[:2] == (409, "CREDIT_CANCELLED")
    assert prima.made("sales-credit-notes", a_credit(number, "SCRN-LOOP-2"))["credit_number"] == "CN000002"


def test_the_value_of_an_order_line_is_the_limit_over_all_its_credits(prima: Client) -> None:
    prima.opened("1", "SRET-1")
    prima.opened("1", "SRET-2")
    high = {"net": "36.67", "tax": "3.33", "gross": "40.00"}
    totals = {"total_net": "36.67", "total_tax": "3.33", "total_gross": "40.00"}
    for number, ref in (("SR000001", "SCRN-1"), ("SR000002", "SCRN-2")):
        body = a_credit(number, ref, **totals)
        body["lines"][0].update(high)
        answer = prima.post("sales-credit-notes", body)
        assert answer.status_code == (201 if ref == "SCRN-1" else 422)
    assert answer.json()["error"]["code"] == "CREDIT_EXCEEDS_LINE_VALUE"


def test_the_limit_of_an_order_without_vat_in_its_prices_is_price_plus_tax(prima: Client) -> None:
    prima.made("sales-returns", a_return("SRET-1", [(1, "TEE-RED-M", "1")], order="100003"))
    body = a_credit("SR000001", order_number="100003", total_net="20.00", total_tax="4.00", total_gross="24.00")
    body["lines"][0].update({"net": "20.00", "tax": "4.00", "gross": "24.00"})
    assert prima.made("sales-credit-notes", body)["total_gross"] == "24.00"


def test_policy_can_demand_the_receipt_before_the_credit(prima: Client) -> None:
    prima.settings(receipt_before_credit=True)
    number = prima.opened("2")["return_number"]
    body = a_credit(number)
    assert prima.refused("sales-credit-notes", body) == (409, "RETURN_NOT_RECEIVED", "lines[0].quantity")
    prima.received(number)
    prima.made("sales-credit-notes", body)
    second = a_credit(number, "SCRN-LOOP-2")
    assert prima.refused("sales-credit-notes", second)[1] == "RETURN_NOT_RECEIVED"


def test_a_credit_of_a_cancelled_return_is_refused(prima: Client) -> None:
    number = prima.opened()["return_number"]
    prima.made(f"sales-returns/{number}/cancel", {}, key="C1")
    assert prima.refused("sales-credit-notes", a_credit(number))[:2] == (409, "RETURN_CLOSED")


def test_a_period_that_closes_after_the_draft_stops_the_posting(prima: Client) -> None:
    prima.made("sales-credit-notes", a_credit(prima.opened()["return_number"]))
    prima.control("world", {"periods": [{"from": "2026-03-01", "to": "2026-03-31", "closed": True}]})
    assert prima.refused("sales-credit-notes/CN000001/post", {}, key="P1") == (423, "PERIOD_CLOSED", "credit_date")


def test_the_switch_lowers_the_total_by_a_penny_in_the_answer_and_in_the_read_back(prima: Client) -> None:
    prima.settings(total_off_by_one=True)
    body = a_credit(prima.opened()["return_number"])
    assert prima.made("sales-credit-notes", body)["total_gross"] == "19.99"
    assert prima.get("sales-credit-notes", external_ref="SCRN-LOOP-1")["items"][0]["total_gross"] == "19.99"


# Exchange orders


def test_an_exchange_needs_no_receipt_and_reserves_stock_in_a_sellable_depot(prima: Client) -> None:
    order = prima.made("sales-orders", an_exchange(prima.opened()["return_number"]))
    assert (order["order_number"], order["lines"][0]["depot"], order["currency"]) == ("SO000001", "MAIN", "GBP")
    assert prima.stock("TEE-RED-L", "MAIN") == ("2", "1", "1")
    assert [o["order_number"] for o in prima.state()["documents"]["sales_orders"]] == ["SO000001"]
    assert prima.get("sales-orders", external_order_ref="SORD-LOOP-1")["items"] == [order]


def test_a_despatched_exchange_takes_its_stock_with_it_and_can_be_returned(prima: Client) -> None:
    prima.made("sales-orders", an_exchange(prima.opened()["return_number"]))
    prima.control("act", {"do": "despatch", "number": "SO000001"})
    assert prima.stock("TEE-RED-L", "MAIN") == ("1", "0", "1")
    prima.made("sales-returns", a_return("SRET-9", [(1, "TEE-RED-L", "1")], order="SO000001"))


@pytest.mark.parametrize(
    ("change", "status", "code", "field"),
    [
        ({"return_number": None}, 409, "RETURN_NOT_FOUND", "return_number"),
        ({"return_number": "SR9"}, 409, "RETURN_NOT_FOUND", "return_number"),
        ({"original_order_number": "9"}, 422, "UNKNOWN_ORDER", "original_order_number"),
        ({"customer_code": "CUST9"}, 422, "UNKNOWN_CUSTOMER", "customer_code"),
        ({"order_type": "GIFT"}, 422, "UNKNOWN_ORDER_TYPE", "order_type"),
        ({"order_type": None}, 422, "UNKNOWN_ORDER_TYPE", "order_type"),
        ({"credit_number": "CN9"}, 422, "INVALID_FIELD", "credit_number"),
    ],
)
def test_a_wrong_exchange_header_is_refused(prima: Client, change: Record, status: int, code: str, field: str) -> None:
    body = {**an_exchange(prima.opened()["return_number"]), **change}
    assert prima.refused("sales-orders", body) == (status, code, field)


@pytest.mark.parametrize(
    ("change", "status", "code", "field"),
    [
        ({"sku": "TEE-NONE"}, 422, "UNKNOWN_SKU", "sku"),
        ({"depot": "MOON"}, 422, "UNKNOWN_DEPOT", "depot"),
        ({"tax_code": "Z"}, 422, "UNKNOWN_TAX_CODE", "tax_code"),
        ({"quantity": "2"}, 409, "STOCK_UNAVAILABLE", "sku"),
        ({"sku": "CAP-BLUE"}, 409, "STOCK_UNAVAILABLE", "sku"),
        ({"depot": "RETQ"}, 409, "STOCK_UNAVAILABLE", "sku"),
        ({"sku": "SOCK-BOX", "quantity": "3"}, 409, "STOCK_UNAVAILABLE", "sku"),
    ],
)
def test_a_wrong_exchange_line_is_refused_and_reserves_nothing(
    prima: Client, change: Record, status: int, code: str, field: str
) -> None:
    body = an_exchange(prima.opened()["return_number"])
    body["lines"].append({**body["lines"][0], "line_no": 2, **change})
    assert prima.refused("sales-orders", body) == (status, code, f"lines[1].{field}")
    assert prima.stock("TEE-RED-L", "MAIN") == ("2", "0", "2")


def test_goods_in_quarantine_do_not_serve_an_exchange(prima: Client) -> None:
    number = prima.opened("2")["return_number"]
    prima.received(number, "2", depot="RETQ")
    body = an_exchange(number)
    body["lines"][0]["sku"] = "TEE-RED-M"
    assert prima.refused("sales-orders", body)[:2] == (409, "STOCK_UNAVAILABLE")


def test_an_order_on_hold_blocks_its_exchange(prima: Client) -> None:
    prima.made("sales-returns", a_return("SRET-1", [(1, "TEE-RED-M", "1")], order="100002"))
    body = an_exchange("SR000001", original_order_number="100002", customer_code="CUST2")
    assert prima.refused("sales-orders", body) == (409, "ORDER_ON_HOLD", "original_order_number")


def test_an_order_put_on_hold_later_blocks_its_exchange_too(prima: Client) -> None:
    number = prima.opened()["return_number"]
    prima.control("act", {"do": "hold_order", "number": "100001"})
    assert prima.refused("sales-orders", an_exchange(number))[:2] == (409, "ORDER_ON_HOLD")


def test_an_exchange_of_a_cancelled_return_is_refused(prima: Client) -> None:
    number = prima.opened()["return_number"]
    prima.made(f"sales-returns/{number}/cancel", {}, key="C1")
    assert prima.refused("sales-orders", an_exchange(number))[:2] == (409, "RETURN_CLOSED")


def test_policy_can_make_the_exchange_wait_for_the_goods(prima: Client) -> None:
    prima.settings(receipt_before_exchange=True)
    number = prima.opened()["return_number"]
    assert prima.refused("sales-orders", an_exchange(number))[:2] == (409, "RETURN_NOT_RECEIVED")
    prima.received(number)
    prima.made("sales-orders", an_exchange(number))


# Trouble


@pytest.mark.parametrize(("code", "status"), [("RATE_LIMITED", 429), ("ERP_UNAVAILABLE", 503), ("ERP_TIMEOUT", 504)])
def test_a_scheduled_refusal_strikes_once_and_does_nothing(prima: Client, code: str, status: int) -> None:
    prima.settings(refuse_next=[{"code": code, "match": "POST /v1/sales-returns"}])
    body = a_return("SRET-1", [(1, "TEE-RED-M", "1")])
    answer = prima.post("sales-returns", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["retryable"] is True
    assert answer.headers.get("Retry-After") == ("1" if status == 429 else None)
    assert prima.post("sales-returns", body).status_code == 201


def test_a_timeout_after_the_commit_leaves_a_document_to_be_read_back(prima: Client) -> None:
    prima.settings(refuse_next={"code": "ERP_TIMEOUT", "after_commit": True})
    body = a_return("SRET-1", [(1, "TEE-RED-M", "1")])
    assert prima.post("sales-returns", body).status_code == 504
    assert prima.get("sales-returns", external_ref="SRET-1")["items"][0]["return_number"] == "SR000001"
    assert prima.post("sales-returns", body).status_code == 200


@pytest.mark.parametrize(
    ("kind", "code"),
    [("401", "UNAUTHORISED"), ("429", "RATE_LIMITED"), ("500", "INTERNAL_ERROR"), ("503", "ERP_UNAVAILABLE")],
)
def test_scheduled_faults_speak_the_words_of_this_vendor(prima: Client, kind: str, code: str) -> None:
    prima.control("faults", {"match": "GET /v1/depots", "kind": kind})
    answer = prima.http.get("/v1/depots")
    assert (answer.status_code, answer.json()["error"]["code"]) == (int(kind), code)


def test_an_answer_lost_after_the_commit_can_be_replayed(prima: Client) -> None:
    prima.control("faults", {"match": "POST /v1/sales-returns", "kind": "500_after_commit"})
    body = a_return("SRET-1", [(1, "TEE-RED-M", "1")])
    assert [prima.post("sales-returns", body).status_code for _ in range(2)] == [500, 200]


def test_reset_restores_the_world_and_the_switches(prima: Client) -> None:
    prima.settings(total_off_by_one=True)
    prima.opened("3")
    prima.http.post("/__sim/reset")
    state = prima.state()
    assert state["documents"] == {
        "sales_returns": [],
        "stock_receipts": [],
        "sales_credit_notes": [],
        "sales_orders": [],
    }
    assert (state["requests"], state["settings"]["total_off_by_one"]) == (0, False)
    assert prima.opened("3")["return_number"] == "SR000001"


def test_orders_can_join_the_world_while_it_runs(prima: Client) -> None:
    late = {"order_number": 200001, "customer_code": "CUST1", "lines": [{"sku": "CAP-BLUE", "quantity": 1}]}
    prima.control("world", {"sales_orders": [late]})
    record = prima.made("sales-returns", a_return("SRET-1", [(1, "CAP-BLUE", "1")], order="200001"))
    assert record["order_number"] == "200001"
    assert prima.state()["documents"]["sales_orders"] == []
