"""A simulated NetSuite account and the commands of one return, for the tests of this folder."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from counterfoil.core.commands import (
    CaseRef,
    FindSalesOrder,
    OpenReturnAuthorisation,
    PostCreditNote,
    ReceiveStock,
    RecordRefund,
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
from counterfoil.core.returns import Disposition
from counterfoil.erps.netsuite.client import NetSuiteClient
from counterfoil.erps.netsuite.config import NetSuiteConfig
from counterfoil.erps.netsuite.sim import SIMULATOR
from counterfoil.ports.outcomes import (
    Done,
    Outcome,
    Refused,
)
from counterfoil.simkit.server import Running

ACCOUNT = "1234567_SB1"
CASE = CaseRef(brand="acme", portal="loop", return_id="77", order_ref="900001", order_name="#1001")


class Sim:
    """A simulator in a thread of its own, with direct access to its switches."""

    def __init__(self, world: Mapping[str, Any]) -> None:
        self.simulator = SIMULATOR(world, 1)
        self._loop = asyncio.new_event_loop()
        self._running = Running(self.simulator)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._running.start(), self._loop).result(10)
        self.base_url = self._running.base_url

    def load(self, world: Mapping[str, Any]) -> None:
        self.simulator.faults.clear()
        self.simulator.load(dict(world))

    def fault(self, kind: str, method: str, path: str, times: int = 1) -> None:
        self.simulator.faults.add({"match": {"method": method, "path": path}, "kind": kind, "times": times})

    def documents(self, kind: str) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = self.simulator.state()["documents"].get(kind, [])
        return made

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._running.stop(), self._loop).result(10)
        asyncio.run_coroutine_threadsafe(_cancel_the_rest(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


async def _cancel_the_rest() -> None:
    """End requests a fault left hanging for ever."""
    hanging = asyncio.all_tasks() - {asyncio.current_task()}
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)


KEY = ec.generate_private_key(ec.SECP256R1())
PRIVATE = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
TBA = {"consumer_key": "ck", "consumer_secret": "cs", "token": "tk", "token_secret": "ts"}


def order(order_id: str, name: str, ref: str, billing: str, **more: Any) -> dict[str, Any]:
    return {
        "id": order_id,
        "tranId": f"SO{order_id}",
        "externalId": ref,
        "otherRefNum": name,
        "entity": "10",
        "currency": "1",
        "billing": billing,
        "item": {
            "items": [
                {
                    "line": 1,
                    "item": "100",
                    "quantity": 2,
                    "rate": "16.67",
                    "amount": "33.34",
                    "taxRate1": "20",
                    "location": "6",
                },
                {
                    "line": 4,
                    "item": "101",
                    "quantity": 1,
                    "rate": "8.33",
                    "amount": "8.33",
                    "taxRate1": "20",
                    "location": "6",
                },
            ]
        },
        **more,
    }


def world(**more: Any) -> dict[str, Any]:
    return {
        "account": ACCOUNT,
        "today": "2026-11-20",
        "oauth2": {"clients": [{"client_id": "client", "certificate_id": "cert", "public_key": PUBLIC}]},
        "tba": TBA,
        "subsidiary": [{"id": "1", "name": "Example UK"}],
        "currency": [{"id": "1", "name": "GBP", "symbol": "GBP"}],
        "location": [{"id": "6", "name": "Main"}, {"id": "7", "name": "Held"}, {"id": "9", "name": "Write-off"}],
        "customer": [{"id": "10", "entityId": "Robin Example", "companyName": "Robin Example"}],
        "inventoryItem": [{"id": "100", "itemId": "TEE-M"}, {"id": "101", "itemId": "MUG"}],
        "otherChargeSaleItem": [{"id": "200", "itemId": "Return fee"}, {"id": "201", "itemId": "Rounding"}],
        "accounts": [{"id": "120", "acctName": "Refund clearing"}],
        "paymentMethod": [{"id": "5", "name": "Shop"}],
        "salesOrder": [
            order("3001", "#1001", "900001", "invoice"),
            order("3002", "#1002", "900002", "cashSale"),
        ],
        **more,
    }


def config(sim: Sim, **more: Any) -> NetSuiteConfig:
    settings: dict[str, Any] = {
        "account": ACCOUNT,
        "base_url": sim.base_url,
        "client_id": "client",
        "certificate_id": "cert",
        "private_key": PRIVATE,
        "algorithm": "ES256",
        "timeout_s": 2,
        "locations": {"MAIN": "6", "HELD": "7"},
        "write_off_location": "9",
        "charge_items": {"return_fee": "200", "rounding": "201", "goodwill": "200"},
        "refund_account": "120",
        "payment_option": "5",
        "new_account": True,
    }
    return NetSuiteConfig(**(settings | more))


@contextmanager
def connected(sim: Sim, **more: Any) -> Iterator[NetSuiteClient]:
    """A client of the account with these settings, closed at the end."""
    client = NetSuiteClient(config(sim, **more))
    try:
        yield client
    finally:
        client.close()


def done(outcome: Outcome | None) -> Done:
    assert isinstance(outcome, Done), outcome
    return outcome


def refusal(outcome: Outcome | None) -> str:
    """The kind of problem an outcome opens."""
    assert isinstance(outcome, Refused), outcome
    return outcome.kind


def found_order(client: NetSuiteClient, case: CaseRef = CASE) -> ErpOrder:
    found = done(client.perform(FindSalesOrder(case=case, step="order"))).order
    assert found is not None
    return found


def opening(order: ErpOrder, *quantities: int, step: str = "rma") -> OpenReturnAuthorisation:
    lines = tuple(
        RmaLine(
            line_no=number,
            erp_line=sold.erp_line,
            sku=sold.sku,
            quantity=quantity,
            reason_code="too_small",
            expected_depot="MAIN",
        )
        for number, (sold, quantity) in enumerate(zip(order.lines, quantities, strict=False), start=1)
    )
    return OpenReturnAuthorisation(
        case=CASE, step=step, order=order, lines=lines, authorised_at="2026-11-18T09:00:00Z", memo="Too small"
    )


def stock(rma: Done, *units: tuple[int, int, str | None, Disposition]) -> tuple[StockLine, ...]:
    at = {line.line_no: line.erp_line for line in rma.lines}
    return tuple(
        StockLine(
            line_no=number,
            rma_line_no=line_no,
            rma_erp_line=at[line_no],
            sku="TEE-M" if line_no == 1 else "MUG",
            quantity=quantity,
            depot=depot,
            disposition=disposition,
        )
        for number, (line_no, quantity, depot, disposition) in enumerate(units, start=1)
    )


def document(made: Done) -> DocumentRef:
    assert made.ref is not None
    assert made.number is not None
    return DocumentRef(ref=made.ref, number=made.number)


def receiving(order: ErpOrder, rma: Done, lines: tuple[StockLine, ...], step: str = "receipt-1") -> ReceiveStock:
    return ReceiveStock(
        case=CASE,
        step=step,
        rma=document(rma),
        order=order,
        lines=lines,
        open_lines=tuple(line.erp_line for line in rma.lines),
        received_at="2026-11-19T10:00:00Z",
        warehouse="MAIN",
        warehouse_ref="R-1",
    )


def crediting(
    order: ErpOrder, rma: Done, parts: Mapping[int, tuple[int, int, int]], *charges: CreditCharge
) -> PostCreditNote:
    at = {line.line_no: line.erp_line for line in rma.lines}
    lines = tuple(
        CreditLine(
            line_no=number,
            erp_line=order.lines[line_no - 1].erp_line,
            rma_line_no=line_no,
            rma_erp_line=at[line_no],
            order_line_ref=f"L{line_no}",
            sku=order.lines[line_no - 1].sku,
            quantity=quantity,
            net=net,
            tax=tax,
            gross=net + tax,
        )
        for number, (line_no, (quantity, net, tax)) in enumerate(parts.items(), start=1)
    )
    note = CreditNote(currency="GBP", lines=lines, charges=charges, refund_refs=("555",))
    return PostCreditNote(
        case=CASE, step="credit", rma=document(rma), order=order, credit=note, credit_date="2026-11-20"
    )


def refunding(order: ErpOrder, credit: Done, amount: int) -> RecordRefund:
    return RecordRefund(
        case=CASE,
        step="refund-1",
        credit=document(credit),
        order=order,
        amount=amount,
        currency="GBP",
        refund_ref="555",
        tender="card",
        paid_on="2026-11-20",
    )


FULL = ((1, 2, "MAIN", Disposition.SELLABLE), (2, 1, "MAIN", Disposition.SELLABLE))


def received(client: NetSuiteClient, order: ErpOrder) -> Done:
    rma = done(client.perform(opening(order, 2, 1)))
    done(client.perform(receiving(order, rma, stock(rma, *FULL))))
    return rma
