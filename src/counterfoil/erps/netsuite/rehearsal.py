"""How the conformance kit plays with the simulated NetSuite: transforming an order into a return may be lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

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
from counterfoil.erps.netsuite.config import NetSuiteConfig
from counterfoil.ports.outcomes import Done, Outcome
from counterfoil.ports.rehearsal import Rehearsal, SimControl
from counterfoil.ports.vendors import Client, ErpClient

Json = dict[str, Any]

ACCOUNT = "1234567_SB1"
CASE = CaseRef(brand="acme", portal="loop", return_id="77", order_ref="900001", order_name="#1001")
_LINE: Json = {
    "line": 1,
    "item": "100",
    "quantity": 2,
    "rate": "16.67",
    "amount": "33.34",
    "taxRate1": "20",
    "location": "6",
}
_ORDER: Json = {
    "id": "3001",
    "tranId": "SO3001",
    "externalId": "900001",
    "otherRefNum": "#1001",
    "entity": "10",
    "currency": "1",
    "billing": "invoice",
    "item": {"items": [_LINE]},
}


def _world(folder: Path) -> Json:
    """An account with one billed order; makes the certificate we sign in with."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(private)
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    return {
        "account": ACCOUNT,
        "today": "2026-11-20",
        "oauth2": {"clients": [{"client_id": "client", "certificate_id": "cert", "public_key": public}]},
        "subsidiary": [{"id": "1", "name": "Example UK"}],
        "currency": [{"id": "1", "name": "GBP", "symbol": "GBP"}],
        "location": [{"id": "6", "name": "Main"}],
        "customer": [{"id": "10", "entityId": "Robin Example", "companyName": "Robin Example"}],
        "inventoryItem": [{"id": "100", "itemId": "TEE-M"}],
        "otherChargeSaleItem": [{"id": "200", "itemId": "Return fee"}, {"id": "201", "itemId": "Rounding"}],
        "accounts": [{"id": "120", "acctName": "Refund clearing"}],
        "paymentMethod": [{"id": "5", "name": "Shop"}],
        "salesOrder": [_ORDER],
    }


def _config(url: str, folder: Path) -> NetSuiteConfig:
    return NetSuiteConfig(
        account=ACCOUNT,
        base_url=url,
        client_id="client",
        certificate_id="cert",
        private_key=str(folder / "key.pem"),
        algorithm="ES256",
        timeout_s=1,
        locations={"MAIN": "6"},
        charge_items={"return_fee": "200", "rounding": "201", "goodwill": "200"},
        refund_account="120",
        payment_option="5",
        new_account=True,
    )


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
    order = _order(client)
    line = RmaLine(
        line_no=1,
        erp_line=order.lines[0].erp_line,
        sku="TEE-M",
        quantity=2,
        reason_code="too_small",
        expected_depot="MAIN",
    )
    return OpenReturnAuthorisation(
        case=CASE, step="rma-1", order=order, lines=(line,), authorised_at="2026-11-18T09:00:00Z", memo="Too small"
    )


def _made(state: Json, _command: AnyCommand) -> int:
    return len(state["documents"].get("returnAuthorization", ()))


def _credit(client: ErpClient, control: SimControl) -> PostCreditNote:
    opening = _open(client, control)
    rma = _done(client.perform(opening))
    at = rma.lines[0].erp_line
    line = StockLine(
        line_no=1,
        rma_line_no=1,
        rma_erp_line=at,
        sku="TEE-M",
        quantity=2,
        depot="MAIN",
        disposition=Disposition.SELLABLE,
    )
    receiving = ReceiveStock(
        case=CASE,
        step="receipt-1",
        rma=_document(rma),
        order=opening.order,
        lines=(line,),
        open_lines=(at,),
        received_at="2026-11-19T10:00:00Z",
        warehouse="MAIN",
        warehouse_ref="R-1",
    )
    _done(client.perform(receiving))
    credited = CreditLine(
        line_no=1,
        erp_line=opening.order.lines[0].erp_line,
        rma_line_no=1,
        rma_erp_line=at,
        order_line_ref="L1",
        sku="TEE-M",
        quantity=2,
        net=3334,
        tax=666,
        gross=4000,
    )
    fee = CreditCharge(code="return_fee", net=-395, tax=0, gross=-395)
    note = CreditNote(currency="GBP", lines=(credited,), charges=(fee,), refund_refs=("555",))
    return PostCreditNote(
        case=CASE, step="credit-1", rma=_document(rma), order=opening.order, credit=note, credit_date="2026-11-20"
    )


REHEARSAL = Rehearsal(
    world=_world,
    config=_config,
    write=_open,
    request={"method": "POST", "path": "!transform/"},
    made=_made,
    credit=_credit,
)
