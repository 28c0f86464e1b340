"""The Prima client and the simulated Prima, over loopback: whole returns, repeated, interrupted and refused."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import msgspec
import pytest

from counterfoil.core.commands import (
    AnyCommand,
    CancelReturnAuthorisation,
    CaseRef,
    DraftCreditNote,
    FindSalesOrder,
    OpenReturnAuthorisation,
    PostCreditNote,
    ReceiveStock,
)
from counterfoil.core.documents import (
    CreditCharge,
    CreditLine,
    CreditNote,
    DocumentRef,
    ErpOrder,
    RmaLine,
    StockLine,
)
from counterfoil.core.problems import Owner
from counterfoil.core.returns import Disposition
from counterfoil.erps.prima import build
from counterfoil.erps.prima.config import PrimaConfig
from counterfoil.erps.prima.sim import SIMULATOR
from counterfoil.ports.outcomes import AlreadyDone, Busy, Done, LockedOut, Outcome, Refused, Unknown
from counterfoil.ports.vendors import ErpClient
from counterfoil.simkit.server import Running, Simulator

CONTROL = httpx2.Client(trust_env=False)
WORLD: dict[str, Any] = {
    "api_key": "key-example",
    "oauth2": {"client_id": "counterfoil", "client_secret": "example-secret"},
    "now": "2026-03-02T09:00:00Z",
    "sales_orders": [
        {
            "order_number": "100001",
            "external_order_ref": "5500000000001",
            "customer_code": "CUST1",
            "currency": "GBP",
            "vat_inclusive": True,
            "delivery_charge": "4.95",
            "status": "despatched",
            "lines": [
                {
                    "line_no": 1,
                    "sku": "TEE-RED-M",
                    "quantity": "3",
                    "despatched_quantity": "3",
                    "unit_price": "20.00",
                    "line_total": "60.00",
                    "tax_amount": "10.00",
                    "tax_code": "S",
                    "depot": "MAIN",
                }
            ],
        }
    ],
    "products": [{"sku": "TEE-RED-M"}],
    "depots": [
        {"code": "MAIN", "name": "Main", "kind": "sellable"},
        {"code": "RETQ", "name": "Returns", "kind": "quarantine"},
        {"code": "SCRAP", "name": "Write-off", "kind": "damaged"},
    ],
    "reason_codes": [{"code": "SIZE", "description": "Wrong size"}],
    "order_types": [{"code": "EXCH", "description": "Exchange"}],
    "tax_codes": [{"code": "S", "description": "Standard", "rate": "20"}],
    "customers": [{"code": "CUST1"}],
    "periods": [{"from": "2026-01-01", "to": "2026-01-31", "closed": True}],
}


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
        asyncio.run_coroutine_threadsafe(_ended(running), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _ended(running: Running) -> None:
    """Stop, and end the requests that a fault keeps waiting."""
    await running.stop()
    waiting = asyncio.all_tasks() - {asyncio.current_task()}
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """One simulated Prima for the file."""
    with listening(SIMULATOR(WORLD)) as running:
        yield running.base_url


class Scene:
    """The client, the control path beside it, and the usual return of one unit."""

    def __init__(self, base_url: str, case: str = "70001") -> None:
        self.base_url = base_url
        self.case = CaseRef(brand="acme", portal="loop", return_id=case, order_ref="5500000000001", order_name="#1001")
        self.prima = self.client()
        self.order = self.found_order()

    def client(self, **settings: Any) -> ErpClient:
        """A client; it gives up quickly, so that a lost answer is soon lost."""
        given: dict[str, Any] = {"api_key": "key-example", "price_basis": "unit", "timeout_s": 0.6}
        return build(PrimaConfig(base_url=self.base_url, **{**given, **settings}))

    def control(self, path: str, body: Any) -> None:
        """Something no real Prima has."""
        assert CONTROL.post(f"{self.base_url}/__sim/{path}", json=body).status_code == 200

    def fault(self, match: str, kind: str) -> None:
        """One fault at the next request that fits."""
        self.control("faults", {"match": match, "kind": kind, "times": 1})

    def documents(self, name: str) -> list[dict[str, Any]]:
        """What Prima really holds."""
        state = CONTROL.get(f"{self.base_url}/__sim/state").json()
        found: list[dict[str, Any]] = state["documents"][name]
        return found

    def on_hand(self, depot: str) -> str:
        """Units in a depot."""
        rows = CONTROL.get(f"{self.base_url}/__sim/state").json()["depot_stock"]
        return next((row["on_hand"] for row in rows if row["depot"] == depot and row["sku"] == "TEE-RED-M"), "0")

    def found_order(self) -> ErpOrder:
        """The original order."""
        found = done(self.prima.perform(FindSalesOrder(case=self.case, step="find-order")))
        assert found.order is not None
        return found.order

    def opening(self, quantity: int = 1, reason: str = "SIZE") -> OpenReturnAuthorisation:
        """Open the return."""
        line = RmaLine(
            line_no=1, erp_line="1", sku="TEE-RED-M", quantity=quantity, reason_code=reason, expected_depot="RETQ"
        )
        return OpenReturnAuthorisation(
            case=self.case, step="rma", order=self.order, lines=(line,), authorised_at="2026-03-01T10:00:00Z"
        )

    def receiving(self, rma: Done, depot: str | None = "MAIN", step: str = "receipt-1") -> ReceiveStock:
        """Receive the unit."""
        line = StockLine(
            line_no=1,
            rma_line_no=1,
            rma_erp_line=rma.lines[0].erp_line,
            sku="TEE-RED-M",
            quantity=1,
            depot=depot,
            disposition=Disposition.SELLABLE if depot else Disposition.DISPOSE,
        )
        return ReceiveStock(
            case=self.case,
            step=step,
            rma=ref(rma),
            order=self.order,
            lines=(line,),
            open_lines=("1",),
            received_at="2026-03-02T08:00:00Z",
            warehouse="LEEDS",
            warehouse_ref="GR-88",
        )

    def drafting(self, rma: Done, gross: int = 2000, date: str = "2026-03-02") -> DraftCreditNote:
        """Draft the credit of the unit, less a fee."""
        tax = gross // 6
        line = CreditLine(
            line_no=1,
            erp_line="1",
            rma_line_no=1,
            rma_erp_line=rma.lines[0].erp_line,
            order_line_ref="L1",
            sku="TEE-RED-M",
            quantity=1,
            net=gross - tax,
            tax=tax,
            gross=gross,
        )
        fee = CreditCharge(code="return_fee", net=-250, tax=-50, gross=-300)
        credit = CreditNote(currency="GBP", lines=(line,), charges=(fee,), refund_refs=("re_1",))
        return DraftCreditNote(
            case=self.case, step="credit-draft-1", rma=ref(rma), order=self.order, credit=credit, credit_date=date
        )

    def posting(self, draft: DraftCreditNote, made: Done | None = None) -> PostCreditNote:
        """Post it."""
        return PostCreditNote(
            case=self.case,
            step="credit-1",
            rma=draft.rma,
            order=draft.order,
            credit=draft.credit,
            credit_date=draft.credit_date,
            draft=ref(made) if made else None,
        )

    def settle(self, command: AnyCommand) -> Outcome:
        """What the worker does: after a try that may have happened, look it up before trying again."""
        for _ in range(4):
            outcome = self.prima.perform(command)
            if not isinstance(outcome, Unknown | Busy):
                return outcome
            found = self.prima.find(command)
            if isinstance(found, Done | Refused):
                return found
        raise AssertionError(f"{command.key} never settled: {outcome}")


def ref(made: Done) -> DocumentRef:
    """The document an outcome names."""
    assert made.ref is not None
    assert made.number is not None
    return DocumentRef(ref=made.ref, number=made.number)


def done(outcome: Outcome | None) -> Done:
    """An outcome that must be a success."""
    assert isinstance(outcome, Done), outcome
    return outcome


def refused(outcome: Outcome | None) -> tuple[str, Owner | None]:
    """Kind and owner of an outcome that must be a refusal."""
    assert isinstance(outcome, Refused), outcome
    return outcome.kind, outcome.owner


@pytest.fixture
def scene(base_url: str) -> Scene:
    """A fresh world."""
    assert CONTROL.post(f"{base_url}/__sim/reset").status_code == 200
    return Scene(base_url)


def test_a_return_goes_all_the_way_and_can_be_read_back(scene: Scene) -> None:
    rma = done(scene.prima.perform(scene.opening()))
    receipt = done(scene.prima.perform(scene.receiving(rma)))
    draft = done(scene.prima.perform(scene.drafting(rma)))
    posted = done(scene.prima.perform(scene.posting(scene.drafting(rma), draft)))
    assert (draft.total, posted.total, posted.number) == (1700, 1700, draft.number)
    assert scene.on_hand("MAIN") == "1"
    [note] = scene.documents("sales_credit_notes")
    assert (note["status"], note["total_gross"], note["external_ref"]) == ("posted", "17.00", "SCRN-LOOP-70001-1")
    for kind, made in (("rma", rma), ("receipt", receipt), ("credit_note", posted)):
        [shown] = scene.prima.documents(kind, "2026-01-01", "2026-12-31")
        assert (shown.number, shown.units) == (made.number, 1)
        assert shown.external_ref is not None
        assert done(scene.prima.find_by_ref(kind, shown.external_ref)).number == made.number
    [shown] = scene.prima.documents("credit_note", "2026-03-01", "2026-03-31")
    assert (shown.amount, shown.currency, shown.order_number, shown.status) == (1700, "GBP", "100001", "posted")


def test_the_order_is_read_with_its_value(scene: Scene) -> None:
    [line] = scene.order.lines
    assert (scene.order.number, scene.order.customer) == ("100001", "CUST1")
    assert (line.erp_line, line.quantity, line.despatched, line.value, line.tax_code) == ("1", 3, 3, 6000, "S")


def test_every_step_done_twice_leaves_one_document(scene: Scene) -> None:
    rma = done(scene.prima.perform(scene.opening()))
    steps: list[AnyCommand] = [scene.opening(), scene.receiving(rma), scene.drafting(rma)]
    steps.append(scene.posting(scene.drafting(rma)))
    numbers = [[done(scene.prima.perform(step)).number for _ in range(3)] for step in steps]
    assert all(len(set(same)) == 1 for same in numbers)
    assert all(type(scene.prima.perform(step)) is AlreadyDone for step in steps)
    assert all(type(scene.prima.find(step)) is AlreadyDone for step in steps)
    for name in ("sales_returns", "stock_receipts", "sales_credit_notes"):
        assert len(scene.documents(name)) == 1
    assert scene.on_hand("MAIN") == "1"


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after_commit", "500_after_commit", "503", "wrong_body"])
def test_whatever_happens_to_an_answer_there_is_one_document(scene: Scene, kind: str) -> None:
    scene.fault("POST /v1/sales-returns", kind)
    rma = done(scene.settle(scene.opening()))
    scene.fault("POST /v1/stock-receipts", kind)
    done(scene.settle(scene.receiving(rma)))
    draft = scene.drafting(rma)
    scene.fault("POST /v1/sales-credit-notes", kind)
    made = done(scene.settle(draft))
    scene.fault("/post", kind)
    assert done(scene.settle(scene.posting(draft, made))).total == 1700
    for name in ("sales_returns", "stock_receipts", "sales_credit_notes"):
        assert len(scene.documents(name)) == 1
    assert scene.on_hand("MAIN") == "1"
    assert scene.documents("sales_credit_notes")[0]["status"] == "posted"


def test_a_lost_answer_is_unknown_until_it_is_looked_up(scene: Scene) -> None:
    scene.fault("POST /v1/sales-returns", "timeout_after_commit")
    assert isinstance(scene.prima.perform(scene.opening()), Unknown)
    assert type(scene.prima.find(scene.opening())) is AlreadyDone


def test_a_posting_without_a_draft_goes_on_where_it_was_cut_off(scene: Scene) -> None:
    rma = done(scene.prima.perform(scene.opening()))
    posting = scene.posting(scene.drafting(rma))
    scene.fault("/post", "timeout_before")
    assert isinstance(scene.prima.perform(posting), Unknown)
    assert scene.prima.find(posting) is None
    assert type(scene.prima.perform(posting)) is Done
    assert len(scene.documents("sales_credit_notes")) == 1


def test_a_total_one_cent_lower_is_finance_s_and_is_not_posted(scene: Scene) -> None:
    rma = done(scene.prima.perform(scene.opening()))
    scene.control("settings", {"total_off_by_one": True})
    assert refused(scene.prima.perform(scene.drafting(rma))) == ("totals_mismatch", Owner.FINANCE)
    assert refused(scene.prima.perform(scene.posting(scene.drafting(rma)))) == ("totals_mismatch", Owner.FINANCE)
    assert [note["status"] for note in scene.documents("sales_credit_notes")] == ["draft"]


def test_the_same_reference_with_other_content_is_parked(scene: Scene) -> None:
    done(scene.prima.perform(scene.opening()))
    assert refused(scene.prima.perform(scene.opening(quantity=2)))[0] == "document_differs"
    assert refused(scene.prima.find(scene.opening(quantity=2)))[0] == "document_differs"
    assert len(scene.documents("sales_returns")) == 1


def test_refusals_reach_their_owners(scene: Scene) -> None:
    prima = scene.prima
    assert refused(prima.perform(scene.opening(quantity=4))) == ("quantity_exceeds_despatched", Owner.OPS)
    assert refused(prima.perform(scene.opening(reason="NONE"))) == ("reason_not_mapped", Owner.OPS)
    rma = done(prima.perform(scene.opening()))
    assert refused(prima.perform(scene.receiving(rma, depot="NOWHERE"))) == ("depot_not_mapped", Owner.OPS)
    assert refused(prima.perform(scene.drafting(rma, gross=9000))) == ("credit_exceeds_line_value", Owner.FINANCE)
    done(prima.perform(scene.receiving(rma)))
    assert refused(prima.perform(scene.receiving(rma, step="receipt-2")))[0] in (
        "quantity_exceeds_authorised",
        "return_closed_in_erp",
    )


def test_a_closed_period_is_finance_s_and_nothing_is_posted(scene: Scene) -> None:
    rma = done(scene.prima.perform(scene.opening()))
    posting = scene.posting(scene.drafting(rma, date="2026-01-15"))
    assert refused(scene.prima.perform(posting)) == ("period_closed", Owner.FINANCE)
    assert all(note["status"] != "posted" for note in scene.documents("sales_credit_notes"))


def test_a_receipt_for_a_return_nobody_knows_is_refused(scene: Scene) -> None:
    rma = done(scene.prima.perform(scene.opening()))
    lost = msgspec.structs.replace(scene.receiving(rma), rma=DocumentRef(ref="SR999999", number="SR999999"))
    assert refused(scene.prima.perform(lost)) == ("return_not_found_in_erp", Owner.OPS)


def test_an_open_return_is_cancelled_once_and_a_received_one_is_not(scene: Scene) -> None:
    rma = done(scene.prima.perform(scene.opening()))
    cancel = CancelReturnAuthorisation(case=scene.case, step="cancel-rma", rma=ref(rma), reason="withdrawn")
    assert scene.prima.find(cancel) is None
    assert isinstance(scene.prima.perform(cancel), Done)
    assert isinstance(scene.prima.perform(cancel), Done)
    assert type(scene.prima.find(cancel)) is AlreadyDone
    other = Scene(scene.base_url, "70002")
    received = done(other.prima.perform(other.opening()))
    done(other.prima.perform(other.receiving(received)))
    kept = CancelReturnAuthorisation(case=other.case, step="cancel-rma", rma=ref(received), reason="late")
    assert isinstance(other.prima.perform(kept), Refused)


def test_units_written_off_never_become_sellable_stock(scene: Scene) -> None:
    rma = done(scene.prima.perform(scene.opening()))
    prima = scene.client(write_off_depot="SCRAP")
    done(prima.perform(scene.receiving(rma, depot=None)))
    assert (scene.on_hand("MAIN"), scene.on_hand("SCRAP")) == ("0", "1")


def test_the_same_road_is_open_with_oauth2(scene: Scene) -> None:
    settings = {"client_id": "counterfoil", "client_secret": "example-secret", "api_key": ""}
    prima = scene.client(token_url=f"{scene.base_url}/oauth/token", **settings)
    assert isinstance(prima.perform(scene.opening()), Done)


def test_a_throttled_or_locked_connection_says_so(scene: Scene) -> None:
    scene.fault("POST /v1/sales-returns", "429")
    assert isinstance(scene.prima.perform(scene.opening()), Busy)
    assert isinstance(scene.client(api_key="wrong").perform(scene.opening()), LockedOut)
    assert scene.documents("sales_returns") == []


def test_the_probe_is_content_with_this_prima(scene: Scene) -> None:
    assert scene.prima.probe().ok
    assert not scene.client(write_off_depot="NOWHERE").probe().ok
