"""The Prima client and the simulated Prima over SOAP, over files and over SFTP: whole returns, lost answers, refusals."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from counterfoil.core.commands import (
    AnyCommand,
    CancelExchangeOrder,
    CancelReturnAuthorisation,
    CaseRef,
    CheckStock,
    CreateExchangeOrder,
    DraftCreditNote,
    FindSalesOrder,
    OpenReturnAuthorisation,
    PostCreditNote,
    ReceiveStock,
    ReleaseExchangeOrder,
)
from counterfoil.core.documents import (
    CreditLine,
    CreditNote,
    DocumentRef,
    ErpOrder,
    ErpOrderLine,
    ExchangeItem,
    RmaLine,
    StockLevel,
    StockLine,
)
from counterfoil.core.problems import Owner
from counterfoil.core.returns import Disposition
from counterfoil.demo.erps import PRIMA_KEY, prima_config, prima_transport_world
from counterfoil.erps.prima import SPEC, build
from counterfoil.erps.prima.config import PrimaConfig
from counterfoil.erps.prima.sim import SIMULATOR
from counterfoil.ports.capabilities import Cap
from counterfoil.ports.outcomes import AlreadyDone, Done, NotYet, Outcome, Refused, Unknown, Unsupported
from counterfoil.ports.vendors import ErpClient
from counterfoil.simkit.server import Running, Simulator

CONTROL = httpx2.Client(trust_env=False)
DELIVERY = {"name": "Robin Example", "addr1": "1 High Street", "town": "Leeds", "postcode": "LS1 1AA", "country": "GB"}
WORLD: dict[str, Any] = {
    "api_key": PRIMA_KEY,
    "company": "1",
    "now": "2026-03-02T09:00:00Z",
    "sales_orders": [
        {
            "order_number": "SO1001",
            "external_order_ref": "5610000000001",
            "customer_code": "WEB001",
            "order_type": "WEB",
            "currency": "GBP",
            "vat_inclusive": True,
            "status": "Despatched",
            "delivery": DELIVERY,
            "lines": [
                {
                    "line_no": 1,
                    "sku": "TEE-M",
                    "quantity": "2",
                    "unit_price": "20.00",
                    "line_total": "40.00",
                    "tax_amount": "6.67",
                    "depot": "MAIN",
                }
            ],
        }
    ],
    "products": [{"sku": "TEE-M"}, {"sku": "TEE-L"}],
    "depots": [{"code": "MAIN", "kind": "sellable"}, {"code": "RETQ", "kind": "quarantine"}],
    "depot_stock": [
        {"sku": "TEE-L", "depot": "MAIN", "on_hand": "5"},
        {"sku": "TEE-L", "depot": "RETQ", "on_hand": "9"},
    ],
    "reason_codes": [{"code": "SIZE"}],
    "order_types": [{"code": "WEB"}, {"code": "EXCH"}],
    "customers": [{"code": "WEB001"}],
}
CASE = CaseRef(brand="north", portal="loop", return_id="70001", order_ref="5610000000001", order_name="#1001")
ORDER = ErpOrder(
    ref="SO1001",
    number="SO1001",
    currency="GBP",
    customer="WEB001",
    lines=(ErpOrderLine(erp_line="1", sku="TEE-M", quantity=2, despatched=2, value=4000),),
)
OPEN = OpenReturnAuthorisation(
    case=CASE,
    step="rma",
    order=ORDER,
    lines=(RmaLine(line_no=1, erp_line="1", sku="TEE-M", quantity=1, reason_code="SIZE", expected_depot="RETQ"),),
    authorised_at="2026-03-01T10:00:00Z",
)


@contextmanager
def listening(simulator: Simulator) -> Iterator[Running]:
    """The simulator on loopback, in an event loop of its own, because the client blocks."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    running = Running(simulator)
    asyncio.run_coroutine_threadsafe(running.start(), loop).result(10)
    try:
        yield running
    finally:
        asyncio.run_coroutine_threadsafe(running.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


class Scene:
    """One Prima reached in one way. `clock` moves on its own only where a test says so."""

    def __init__(self, running: Running, erp: str, folder: Path, **settings: Any) -> None:
        self.running = running
        raw = {**prima_config(running.base_url, erp, folder), "drop_poll_s": 0.01, **settings}
        self.config = msgspec.convert(raw, PrimaConfig)
        self.prima = self.client()

    def client(self, **settings: Any) -> ErpClient:
        """A new client, as after a restart."""
        return build(msgspec.structs.replace(self.config, **settings))

    def control(self, path: str, body: Any) -> Any:
        """Something no real Prima has."""
        answer = CONTROL.post(f"{self.running.base_url}/__sim/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def switch(self, **values: Any) -> None:
        """Turn switches of the simulator."""
        self.control("settings", values)

    def documents(self, name: str) -> list[dict[str, Any]]:
        """What Prima really holds."""
        found: list[dict[str, Any]] = self.running.simulator.state()["documents"][name]
        return found

    def carry_out(self, command: AnyCommand, prima: ErpClient | None = None) -> Outcome:
        """What the worker does: again after a wait, looked up after an unknown end."""
        prima = prima or self.prima
        until = time.monotonic() + 10
        outcome = prima.perform(command)
        while isinstance(outcome, NotYet | Unknown) and time.monotonic() < until:
            time.sleep(0.01)
            found = prima.find(command) if isinstance(outcome, Unknown) else None
            outcome = found if found is not None else prima.perform(command)
        return outcome

    def done(self, command: AnyCommand) -> Done:
        """Carried out, surely."""
        outcome = self.carry_out(command)
        assert isinstance(outcome, Done), outcome
        return outcome


def ref(made: Done) -> DocumentRef:
    """The document an outcome names."""
    assert made.number is not None
    return DocumentRef(ref=made.number, number=made.number)


def receiving(rma: Done) -> ReceiveStock:
    """Receive the unit."""
    line = StockLine(
        line_no=1,
        rma_line_no=1,
        rma_erp_line=rma.lines[0].erp_line,
        sku="TEE-M",
        quantity=1,
        depot="MAIN",
        disposition=Disposition.SELLABLE,
        serials=("S1", "S2"),
    )
    return ReceiveStock(
        case=CASE,
        step="receipt-1",
        rma=ref(rma),
        order=ORDER,
        lines=(line,),
        open_lines=("1",),
        received_at="2026-03-02T08:00:00Z",
        warehouse="LEEDS",
        warehouse_ref="GR-88",
    )


def posting(rma: Done, gross: int = 2000) -> PostCreditNote:
    """Credit the unit."""
    line = CreditLine(
        line_no=1,
        erp_line="1",
        rma_line_no=1,
        rma_erp_line="1",
        order_line_ref="L1",
        sku="TEE-M",
        quantity=1,
        net=gross - 333,
        tax=333,
        gross=gross,
    )
    credit = CreditNote(currency="GBP", lines=(line,), refund_refs=("re_1",))
    return PostCreditNote(
        case=CASE, step="credit-1", rma=ref(rma), order=ORDER, credit=credit, credit_date="2026-03-02"
    )


def exchanging(rma: Done, *, held: bool) -> CreateExchangeOrder:
    """Send another size; three of them cannot share 50.00 evenly."""
    return CreateExchangeOrder(
        case=CASE,
        step="exchange-1",
        order=ORDER,
        rma=ref(rma),
        exchange_id="X1",
        items=(ExchangeItem(line_no=1, sku="TEE-L", quantity=3, gross=5000),),
        currency="GBP",
        carried_over=2000,
        held=held,
    )


@pytest.fixture(params=["prima", "prima-soap", "prima-file"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    """A fresh Prima behind each transport."""
    with listening(SIMULATOR(prima_transport_world(WORLD, request.param, tmp_path))) as running:
        yield Scene(running, request.param, tmp_path)


@pytest.fixture
def soap(tmp_path: Path) -> Iterator[Scene]:
    """A fresh Prima behind its order manager."""
    with listening(SIMULATOR(prima_transport_world(WORLD, "prima-soap", tmp_path))) as running:
        yield Scene(running, "prima-soap", tmp_path)


@pytest.fixture
def drop(tmp_path: Path) -> Iterator[Scene]:
    """A fresh Prima behind a folder."""
    with listening(SIMULATOR(prima_transport_world(WORLD, "prima-file", tmp_path))) as running:
        yield Scene(running, "prima-file", tmp_path, ack_timeout_s=0.4, resp_timeout_s=0.4)


# --- every transport ------------------------------------------------------------------------------------------------


def test_a_return_goes_all_the_way_and_each_step_done_twice_leaves_one_document(scene: Scene) -> None:
    found = scene.done(FindSalesOrder(case=CASE, step="find-order"))
    assert found.order is not None
    assert (found.order.number, found.order.lines[0].value) == ("SO1001", 4000)
    rma = scene.done(OPEN)
    steps: list[AnyCommand] = [receiving(rma), posting(rma)]
    numbers = [scene.done(step).number for step in steps]
    assert [scene.done(step).number for step in steps] == numbers
    assert [type(scene.prima.find(step)) for step in (OPEN, *steps)] == [AlreadyDone] * 3
    [note] = scene.documents("sales_credit_notes")
    assert (note["status"], note["total_gross"], note["external_ref"]) == ("posted", "20.00", "SCRN-LOOP-70001-1")
    [receipt] = scene.documents("stock_receipts")
    assert receipt["lines"][0]["serials"] == ["S1", "S2"]
    assert scene.done(posting(rma)).total == 2000


def test_a_receipt_is_read_back_line_by_line_where_receipts_can_be_listed(scene: Scene) -> None:
    rma = scene.done(OPEN)
    made = scene.done(receiving(rma))
    found = [
        held for held in scene.prima.documents("receipt", "2000-01-01", "2999-12-31") if held.number == made.number
    ]
    if Cap.READ_BACK not in SPEC.capabilities(scene.config):
        assert found == []
        return
    [held] = found
    [kept] = scene.documents("stock_receipts")
    assert [(line.sku, line.quantity, line.depot) for line in held.lines] == [
        (line["sku"], int(line["quantity"]), line["depot"]) for line in kept["lines"]
    ]
    assert sum(line.quantity for line in held.lines) == held.units


def test_a_client_that_starts_again_finds_what_the_last_one_made(scene: Scene) -> None:
    rma = scene.done(OPEN)
    assert type(scene.client().find(OPEN)) is AlreadyDone
    assert scene.carry_out(OPEN, scene.client()).__class__ is not Refused
    assert [row["return_number"] for row in scene.documents("sales_returns")] == [rma.number]


def test_an_exchange_order_is_made_once_with_its_own_type_and_tied_to_the_return(scene: Scene) -> None:
    rma = scene.done(OPEN)
    made = scene.done(exchanging(rma, held=False))
    assert scene.done(exchanging(rma, held=False)).number == made.number
    [order] = scene.documents("sales_orders")
    assert (order["order_type"], order["return_number"], order["original_order_number"]) == (
        "EXCH",
        rma.number,
        "SO1001",
    )
    assert sum(int(line["quantity"]) for line in order["lines"]) == 3
    postcode = {"postcode": "LS1 1AA", "PostCode": "LS1 1AA"}
    assert set(order["delivery"].items()) & set(postcode.items())
    assert order["customer_code"] == "WEB001"


def test_an_exchange_without_an_order_type_is_parked(scene: Scene) -> None:
    rma = scene.done(OPEN)
    outcome = scene.client(exchange_order_type="").perform(exchanging(rma, held=False))
    assert isinstance(outcome, Refused)
    assert outcome.kind == "order_type_rejected"
    assert scene.documents("sales_orders") == []


def test_only_stock_that_can_be_sold_is_promised(scene: Scene) -> None:
    found = scene.done(CheckStock(case=CASE, step="stock-1", order=ORDER, skus=("TEE-L", "TEE-M")))
    assert {level.sku: level.available for level in found.stock} == {"TEE-L": 5, "TEE-M": 0}
    by_depot = scene.config.transport != "soap"
    assert found.stock[0] == StockLevel(sku="TEE-L", available=5, depot="MAIN" if by_depot else None)


def test_a_held_exchange_order_is_released_or_cancelled_where_the_transport_has_words_for_it(scene: Scene) -> None:
    rma = scene.done(OPEN)
    outcome = scene.carry_out(exchanging(rma, held=True))
    if scene.config.transport == "file_drop":
        assert isinstance(outcome, Unsupported)
        assert scene.documents("sales_orders") == []
        return
    assert isinstance(outcome, Done)
    assert scene.documents("sales_orders")[0]["status"] == "on_hold"
    release = ReleaseExchangeOrder(case=CASE, step="exchange-1-release", exchange=ref(outcome))
    assert scene.prima.find(release) is None
    scene.done(release)
    assert type(scene.prima.find(release)) is AlreadyDone
    assert isinstance(scene.done(release), Done)
    cancel = CancelExchangeOrder(case=CASE, step="exchange-1-cancel", exchange=ref(outcome), reason="withdrawn")
    assert scene.prima.find(cancel) is None
    scene.done(cancel)
    assert type(scene.prima.find(cancel)) is AlreadyDone
    assert scene.documents("sales_orders")[0]["status"] == "cancelled"
    stock = scene.running.simulator.state()["depot_stock"]
    assert [row["allocated"] for row in stock if row["sku"] == "TEE-L" and row["depot"] == "MAIN"] == ["0"]


def test_refusals_reach_their_owners(scene: Scene) -> None:
    line = msgspec.structs.replace(OPEN.lines[0], quantity=3)
    refused = scene.carry_out(msgspec.structs.replace(OPEN, lines=(line,)))
    assert isinstance(refused, Refused)
    assert (refused.kind, refused.owner) == ("quantity_exceeds_despatched", Owner.OPS)
    rma = scene.done(OPEN)
    dear = scene.carry_out(posting(rma, gross=9000))
    assert isinstance(dear, Refused)
    assert (dear.kind, dear.owner) == ("credit_exceeds_line_value", Owner.FINANCE)


def test_where_prima_raises_the_credit_it_is_found_and_verified_and_nothing_is_posted(scene: Scene) -> None:
    scene.switch(return_raises_credit=True)
    prima = scene.client(credit_raised_by_prima=True)
    rma = scene.done(OPEN)
    early = prima.perform(msgspec.structs.replace(posting(rma), credit_date="2999-01-01"))
    assert isinstance(early, NotYet)
    late = prima.perform(posting(rma))
    assert isinstance(late, Refused)
    assert (late.kind, late.owner) == ("credit_note_not_found", Owner.FINANCE)
    scene.done(receiving(rma))
    [raised] = scene.documents("sales_credit_notes")
    found = prima.perform(posting(rma))
    assert type(found) is AlreadyDone
    assert (found.number, found.total) == (raised["credit_number"], 2000)
    other = prima.perform(posting(rma, gross=1700))
    assert isinstance(other, Refused)
    assert (other.kind, other.owner) == ("totals_mismatch", Owner.FINANCE)
    assert len(scene.documents("sales_credit_notes")) == 1
    draft = DraftCreditNote(
        case=CASE, step="d", rma=ref(rma), order=ORDER, credit=posting(rma).credit, credit_date="2026-03-02"
    )
    assert isinstance(prima.perform(draft), Unsupported)


# --- the order manager ----------------------------------------------------------------------------------------------


def test_what_has_no_confirmed_request_type_is_parked_with_a_sentence_and_never_sent(soap: Scene) -> None:
    bare = soap.client(documents={})
    before = soap.running.simulator.state()["requests"]
    for command in (FindSalesOrder(case=CASE, step="find-order"), OPEN):
        outcome = bare.perform(command)
        assert isinstance(outcome, Unsupported)
        assert "no confirmed RequestType" in outcome.message
        assert bare.find(command) == outcome
    assert soap.running.simulator.state()["requests"] == before
    assert isinstance(bare.perform(CheckStock(case=CASE, step="stock", order=ORDER, skus=("TEE-L",))), Done)


@pytest.mark.parametrize("spelling", ["lower", "upper", "recorded"])
@pytest.mark.parametrize("place", ["root", "data"])
def test_names_in_any_case_and_the_status_in_either_place_are_read(soap: Scene, spelling: str, place: str) -> None:
    soap.switch(name_case=spelling, status_at=place)
    rma = soap.done(OPEN)
    made = soap.done(exchanging(rma, held=False))
    assert soap.done(exchanging(rma, held=False)).number == made.number
    assert len(soap.documents("sales_orders")) == 1


def test_a_page_of_a_proxy_after_the_work_was_done_is_unknown_and_looked_up(soap: Scene) -> None:
    soap.switch(non_xml_502_after_commit=True)
    assert isinstance(soap.prima.perform(OPEN), Unknown)
    soap.switch(non_xml_502_after_commit=False)
    assert type(soap.prima.find(OPEN)) is AlreadyDone
    assert len(soap.documents("sales_returns")) == 1


def test_characters_outside_latin_1_arrive_and_forbidden_ones_do_not_lose_the_request(soap: Scene) -> None:
    odd = msgspec.structs.replace(OPEN, tracking="Łódź \x0b<&\"'> 1")
    soap.done(odd)
    assert soap.documents("sales_returns")[0]["tracking_number"] == "Łódź <&\"'> 1"


def test_a_sku_without_matrix_codes_is_parked_before_anything_is_sent(soap: Scene) -> None:
    rma = soap.done(OPEN)
    prima = soap.client(sku_rule="table")
    outcome = prima.perform(exchanging(rma, held=False))
    assert isinstance(outcome, Refused)
    assert outcome.kind == "sku_not_found"
    assert soap.documents("sales_orders") == []
    known = soap.client(sku_rule="table", sku_table={"TEE-L": ("TEE-L",)})
    assert isinstance(known.perform(exchanging(rma, held=False)), Done)


def test_the_vat_flag_the_price_book_disagrees_with_is_finance_s(soap: Scene) -> None:
    rma = soap.done(OPEN)
    soap.control("world", {"customers": [{"code": "WEB001", "vat_inclusive": False}]})
    outcome = soap.prima.perform(exchanging(rma, held=False))
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.owner) == ("E:548", Owner.FINANCE)


# --- the file drop --------------------------------------------------------------------------------------------------


def files(scene: Scene, folder: str) -> list[str]:
    """The files of a folder of the drop."""
    return sorted(path.name for path in (Path(scene.config.drop) / folder).iterdir() if path.is_file())


def test_a_file_is_not_yet_a_document_until_its_answer_comes(drop: Scene) -> None:
    drop.switch(resp_delay_s=0.15)
    assert isinstance(drop.prima.perform(OPEN), NotYet)
    assert isinstance(drop.prima.find(OPEN), NotYet)
    assert isinstance(drop.client().find(OPEN), NotYet)  # and a new process knows it as well
    drop.done(OPEN)
    names = [name for name in files(drop, "archive") if not name.startswith(("ACK", "RESP"))]
    assert len(names) == len(drop.documents("sales_returns")) == 1


def test_workers_of_two_processes_that_send_at_once_leave_no_gap_in_the_numbers(drop: Scene) -> None:
    line = {"line_no": 1, "sku": "TEE-M", "quantity": "40", "unit_price": "20.00", "line_total": "800.00"}
    drop.control("world", {"sales_orders": [{**WORLD["sales_orders"][0], "order_number": "SO1", "lines": [line]}]})
    order = msgspec.structs.replace(ORDER, ref="SO1", number="SO1")
    commands = [
        msgspec.structs.replace(OPEN, case=msgspec.structs.replace(CASE, return_id=str(number)), order=order)
        for number in range(80_001, 80_013)
    ]
    two = [drop.client(ack_timeout_s=60.0, resp_timeout_s=60.0) for _ in range(2)]
    with ThreadPoolExecutor(6) as hands:
        ended = list(hands.map(lambda part: drop.carry_out(part[1], two[part[0] % 2]), enumerate(commands)))
    assert [type(outcome) for outcome in ended] == [Done] * 12
    sent = [name for name in files(drop, "archive") if name.startswith("SRET")]
    assert sorted(int(name[-12:-4]) for name in sent) == list(range(1, 13))
    assert len(drop.documents("sales_returns")) == 12


def test_a_process_that_stopped_before_the_file_lay_there_leaves_it_to_the_next_under_the_same_number(
    drop: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    from counterfoil.erps.prima.transports.folders import FolderError, LocalFolder

    whole = LocalFolder.write

    def stops(self: LocalFolder, name: str, content: bytes) -> None:
        if name.startswith("in/"):
            raise FolderError("the process ends here")
        whole(self, name, content)

    with monkeypatch.context() as broken:
        broken.setattr(LocalFolder, "write", stops)
        assert not isinstance(drop.prima.perform(OPEN), Done)
    other = msgspec.structs.replace(OPEN, case=msgspec.structs.replace(CASE, return_id="70002"))
    after = drop.client()
    assert after.find(OPEN) is None
    assert isinstance(drop.carry_out(other, after), Done)  # the one before it goes first, so there is no gap
    assert isinstance(drop.carry_out(OPEN, after), Done)
    refs = [row["external_ref"] for row in drop.documents("sales_returns")]
    assert refs == ["SRET-LOOP-70001", "SRET-LOOP-70002"]


def test_a_file_that_never_comes_back_is_somebody_s_and_is_looked_up_before_it_is_sent_again(drop: Scene) -> None:
    drop.switch(drop_answer=True)
    blind = drop.client(read_channel="none")
    lost = drop.carry_out(OPEN, blind)
    assert isinstance(lost, Refused)
    assert (lost.kind, lost.owner) == ("erp_file_unanswered", Owner.INTEGRATION)
    assert "lies in archive/" in lost.message
    drop.switch(drop_answer=False)
    seeing = drop.client()
    assert seeing.find(OPEN) is None or isinstance(seeing.find(OPEN), Done)
    assert type(drop.carry_out(OPEN, seeing)) is AlreadyDone  # found over the read channel, not sent again
    assert len(drop.documents("sales_returns")) == 1
    again = drop.carry_out(OPEN, blind)  # a person insists, and nobody can look: the reference protects
    assert type(again) is AlreadyDone
    assert len(drop.documents("sales_returns")) == 1


def test_a_refused_document_is_reported_once_and_sent_again_only_when_a_person_asks(drop: Scene) -> None:
    drop.switch(reject_document={"*": "PERIOD_CLOSED"})
    refused = drop.carry_out(OPEN)
    assert isinstance(refused, Refused)
    assert (refused.kind, refused.owner, refused.code) == ("period_closed", Owner.FINANCE, "PERIOD_CLOSED")
    drop.switch(reject_document={})
    assert drop.prima.find(OPEN) is None
    assert isinstance(drop.carry_out(OPEN), Done)
    sent = [name for name in files(drop, "archive") if name.startswith("SRET")]
    assert [name[-12:-4] for name in sent] == ["00000001", "00000002"]


def test_a_refused_file_is_integration_s_and_nothing_was_applied(drop: Scene) -> None:
    drop.switch(reject_file="BAD_COUNT")
    refused = drop.carry_out(OPEN)
    assert isinstance(refused, Refused)
    assert (refused.kind, refused.owner) == ("file_rejected", Owner.INTEGRATION)
    assert drop.documents("sales_returns") == []


def test_a_held_document_keeps_its_step_open_until_a_person_in_prima_lets_it_go(drop: Scene) -> None:
    drop.switch(hold_document=["*"])
    until = time.monotonic() + 1.0
    outcome = drop.prima.perform(OPEN)
    while time.monotonic() < until:
        time.sleep(0.02)
        outcome = drop.prima.perform(OPEN)
        assert isinstance(outcome, NotYet)
    assert outcome.message == "waiting for a person"
    drop.switch(hold_document=[])
    drop.control("release", {})
    assert isinstance(drop.carry_out(OPEN), Done)


@pytest.mark.parametrize("mishap", ["duplicate_answers", "no_trailer", "leave_tmp"])
def test_answers_that_come_twice_or_unfinished_do_no_harm(drop: Scene, mishap: str) -> None:
    drop.switch(**{mishap: True})
    patient = drop.client(ack_timeout_s=60.0, resp_timeout_s=60.0)
    first = patient.perform(OPEN)
    time.sleep(0.15)
    if mishap != "duplicate_answers":
        assert isinstance(patient.perform(OPEN), NotYet)
        drop.switch(**{mishap: False})
    assert isinstance(first, NotYet)
    assert isinstance(drop.carry_out(OPEN, patient), Done)
    assert len(drop.documents("sales_returns")) == 1


def test_an_answer_nobody_asked_for_is_shown_to_a_person_and_kept(drop: Scene) -> None:
    rma = drop.done(OPEN)
    name = "RESP_SRET_CFOIL_20260302T090000Z_00000001_7.csv"
    body = (
        "FH,RESP,CFOIL,1,2026-03-02T09:00:00Z,1,1\r\n"
        "D,SRET-LOOP-70001,CREATED,SR999999,,,\r\nD,SRET-LOOP-99999,CREATED,SR999998,,,\r\nFT,2\r\n"
    )
    (Path(drop.config.drop) / "resp" / name).write_text(body)
    received = drop.done(receiving(rma))
    assert sorted(finding.subject for finding in received.findings) == ["SRET-LOOP-70001", "SRET-LOOP-99999"]
    assert all(finding.owner is Owner.INTEGRATION for finding in received.findings)
    assert drop.done(OPEN).number == rma.number
    assert name in files(drop, "archive")
    assert drop.done(posting(rma)).findings == ()


def test_a_total_that_differs_is_finance_s(drop: Scene) -> None:
    rma = drop.done(OPEN)
    drop.switch(total_off_by_one=True)
    outcome = drop.carry_out(posting(rma))
    assert isinstance(outcome, Refused)
    assert (outcome.kind, outcome.owner) == ("totals_mismatch", Owner.FINANCE)


@pytest.mark.parametrize(("form", "encoding"), [("xml", "utf-8"), ("csv", "windows-1252")])
def test_both_forms_of_files_carry_commas_quotes_and_accents(tmp_path: Path, form: str, encoding: str) -> None:
    world = prima_transport_world(WORLD, "prima-file", tmp_path)
    with listening(SIMULATOR({**world, "settings": {"encoding": encoding}})) as running:
        scene = Scene(running, "prima-file", tmp_path, file_format=form, file_encoding=encoding)
        scene.done(msgspec.structs.replace(OPEN, tracking='Zoë, "1"'))
        assert scene.documents("sales_returns")[0]["tracking_number"] == 'Zoë, "1"'


def test_what_no_file_can_say_is_parked(drop: Scene) -> None:
    rma = drop.done(OPEN)
    cancel = CancelReturnAuthorisation(case=CASE, step="cancel", rma=ref(rma), reason="withdrawn")
    outcome = drop.prima.perform(cancel)
    assert isinstance(outcome, Unsupported)
    assert "a person does it in Prima" in outcome.message


def test_without_a_read_channel_an_order_cannot_be_found(drop: Scene) -> None:
    assert isinstance(
        drop.client(read_channel="none").perform(FindSalesOrder(case=CASE, step="find-order")), Unsupported
    )


def test_the_same_files_travel_over_sftp_and_a_server_with_another_key_gets_none(tmp_path: Path) -> None:
    world = prima_transport_world(WORLD, "prima-file", tmp_path)
    world["file_drop"] |= {"sftp": {"user": "counterfoil", "password": "example"}}
    with listening(SIMULATOR(world)) as running:
        server = running.simulator.state()["sftp"]
        address = f"sftp://counterfoil@127.0.0.1:{server['port']}/"
        settings = {"drop": address, "drop_password": "example", "drop_known_hosts": server["known_host"]}
        scene = Scene(running, "prima-file", tmp_path, **settings)
        rma = scene.done(OPEN)
        assert scene.done(OPEN).number == rma.number
        assert type(scene.client().find(OPEN)) is AlreadyDone
        assert len(scene.documents("sales_returns")) == 1
        stranger = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
        wary = scene.client(drop_known_hosts=f"[127.0.0.1]:{server['port']} {stranger}")
        outcome = wary.perform(msgspec.structs.replace(OPEN, case=msgspec.structs.replace(CASE, return_id="70009")))
        assert not isinstance(outcome, Done | NotYet)
        for client in (scene.prima, wary):
            client.close()


def test_a_configuration_that_cannot_be_meant_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    bare = PrimaConfig(price_basis="unit", transport="file_drop", drop="sftp://u@sftp.example.com/")
    told = [sentence for good, sentence in build(bare).probe().checks if not good]
    assert any("host key" in sentence for sentence in told)
    odd = msgspec.convert(
        {
            "price_basis": "unit",
            "transport": "soap",
            "base_url": "http://prima.test",
            "documents": {"sales_return": {"actions": {"cancel": "CancelReturn"}}},
        },
        PrimaConfig,
    )
    told = [sentence for good, sentence in build(odd).probe().checks if not good]
    assert any("no confirmed RequestType" in sentence for sentence in told)
