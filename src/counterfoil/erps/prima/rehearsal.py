"""How the conformance kit plays with the simulated Prima over its REST gateway: opening a return may be lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from counterfoil.core.commands import (
    AnyCommand,
    CaseRef,
    FindSalesOrder,
    OpenReturnAuthorisation,
    PostCreditNote,
    ReceiveStock,
)
from counterfoil.core.documents import CreditCharge, CreditLine, CreditNote, DocumentRef, ErpOrder, RmaLine, StockLine
from counterfoil.core.returns import Disposition
from counterfoil.erps.prima.config import PrimaConfig
from counterfoil.ports.outcomes import Done, Outcome
from counterfoil.ports.rehearsal import Rehearsal, SimControl
from counterfoil.ports.vendors import Client, ErpClient

Json = dict[str, Any]

KEY = "key-example"
CASE = CaseRef(brand="acme", portal="loop", return_id="70001", order_ref="5500000000001", order_name="#1001")
ORDER: Json = {
    "order_number": "100001",
    "external_order_ref": "5500000000001",
    "customer_code": "CUST1",
    "currency": "GBP",
    "vat_inclusive": True,
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


def _world(_folder: Path) -> Json:
    return {
        "api_key": KEY,
        "now": "2026-03-02T09:00:00Z",
        "sales_orders": [ORDER],
        "products": [{"sku": "TEE-RED-M"}],
        "depots": [
            {"code": "MAIN", "name": "Main", "kind": "sellable"},
            {"code": "RETQ", "name": "Returns", "kind": "quarantine"},
        ],
        "reason_codes": [{"code": "SIZE", "description": "Wrong size"}],
        "tax_codes": [{"code": "S", "description": "Standard", "rate": "20"}],
        "customers": [{"code": "CUST1"}],
    }


def _config(url: str, _folder: Path) -> PrimaConfig:
    return PrimaConfig(base_url=url, api_key=KEY, price_basis="unit", timeout_s=0.5)


def _done(outcome: Outcome) -> Done:
    assert isinstance(outcome, Done), f"the rehearsal cannot go on: {outcome}"
    return outcome


def _document(made: Done) -> DocumentRef:
    assert made.ref is not None, "a document has a reference"
    return DocumentRef(ref=made.ref, number=made.number or made.ref)


def _order(client: Client) -> ErpOrder:
    found = _done(client.perform(FindSalesOrder(case=CASE, step="order"))).order
    assert found is not None, "the simulated world holds the order"
    return found


def _open(client: Client, _control: SimControl) -> OpenReturnAuthorisation:
    line = RmaLine(line_no=1, erp_line="1", sku="TEE-RED-M", quantity=1, reason_code="SIZE", expected_depot="RETQ")
    return OpenReturnAuthorisation(
        case=CASE, step="rma-1", order=_order(client), lines=(line,), authorised_at="2026-03-01T10:00:00Z"
    )


def _made(state: Json, _command: AnyCommand) -> int:
    return len(state["documents"]["sales_returns"])


def _credit(client: ErpClient, control: SimControl) -> PostCreditNote:
    opening = _open(client, control)
    rma = _done(client.perform(opening))
    line = StockLine(
        line_no=1,
        rma_line_no=1,
        rma_erp_line=rma.lines[0].erp_line,
        sku="TEE-RED-M",
        quantity=1,
        depot="MAIN",
        disposition=Disposition.SELLABLE,
    )
    receiving = ReceiveStock(
        case=CASE,
        step="receipt-1",
        rma=_document(rma),
        order=opening.order,
        lines=(line,),
        open_lines=("1",),
        received_at="2026-03-02T08:00:00Z",
        warehouse="LEEDS",
        warehouse_ref="GR-88",
    )
    _done(client.perform(receiving))
    credited = CreditLine(
        line_no=1,
        erp_line="1",
        rma_line_no=1,
        rma_erp_line=rma.lines[0].erp_line,
        order_line_ref="L1",
        sku="TEE-RED-M",
        quantity=1,
        net=1667,
        tax=333,
        gross=2000,
    )
    fee = CreditCharge(code="return_fee", net=-250, tax=-50, gross=-300)
    note = CreditNote(currency="GBP", lines=(credited,), charges=(fee,), refund_refs=("re_1",))
    return PostCreditNote(
        case=CASE, step="credit-1", rma=_document(rma), order=opening.order, credit=note, credit_date="2026-03-02"
    )


REHEARSAL = Rehearsal(
    world=_world,
    config=_config,
    write=_open,
    request={"method": "POST", "path": "/v1/sales-returns"},
    made=_made,
    credit=_credit,
)
