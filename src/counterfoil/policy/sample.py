"""A sample return for rehearsals: one garment of 20.00, asked for, authorised, posted, counted, inspected and paid.

Each thing that happens outside is a named event, so that a rehearsal can leave one out and see what becomes of the
money.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from counterfoil.core.case import ReturnCase
from counterfoil.core.commands import AnyCommand, PostCreditNote, ReleaseRefund
from counterfoil.core.events import (
    LabelMoved,
    RefundMoved,
    RefundReported,
    RefundState,
    RestockSignalled,
    ReturnAuthorised,
    ReturnProcessed,
    ReturnRequested,
    WarehouseReported,
)
from counterfoil.core.evolve import new_case
from counterfoil.core.inner_events import StepRefused
from counterfoil.core.look import Decision
from counterfoil.core.mapping import Mapping
from counterfoil.core.orders import Payment, SoldLine, SoldOrder
from counterfoil.core.policy import Agreement, FlowPolicy, RefundExecutor, RefundGate
from counterfoil.core.receipts import FoundUnits, Inspection, Receipt, ReceiptKind, ReceiptLine
from counterfoil.core.returns import Disposition, LabelStatus, PortalReturn, ReturnLine, Stage, Tenders
from counterfoil.policy.obedient import obey
from counterfoil.policy.rehearsal import Rehearsal, Told, later

START = "2026-11-02T08:00:00Z"
HOUR = 3600
UNTIL = later(START, 40 * 24 * HOUR)
AMOUNT = 2_000
_AT = {"request": 0, "authorise": 2, "scan": 30, "count": 78, "inspect": 96}  # hours after the request
_PAID_AFTER = {
    RefundGate.INSTANT: "authorise",
    RefundGate.CARRIER_SCAN: "scan",
    RefundGate.RECEIPT: "count",
    RefundGate.RECEIPT_INSPECTION: "inspect",
}
WITHOUT = ("scan", "count", "inspect", "money", "credit", "goods")
"""Events a rehearsal can do without: no carrier scan, no count, no inspection, unconfirmed money, a refused credit,
and goods that never come at all."""


class Sample(msgspec.Struct, kw_only=True):
    """One rehearsal of the sample return under a policy. `without` names what does not happen."""

    agreement: Agreement
    currency: str = "GBP"
    without: frozenset[str] = frozenset()
    early: bool = False  # the portal pays at once, unasked

    def play(self) -> Rehearsal:
        """The whole return, and forty days."""
        return self._play(self.agreement)

    def _play(self, agreement: Agreement) -> Rehearsal:
        rehearsal = Rehearsal(
            new_case("sample", self._shown(Stage.REQUESTED)),
            agreement,
            Mapping(reasons={"Too small": "SIZE"}, depots={"WH/sellable": "MAIN"}, quarantine_depot="RETURNS"),
            self._answer,
            until=UNTIL,
            react=self._react,
        )
        rehearsal.play(self._script())
        return rehearsal

    @property
    def _policy(self) -> FlowPolicy:
        return self.agreement.policy

    # --- what happens by itself

    def _script(self) -> Iterator[Told]:
        yield self._at(
            "request", ReturnRequested(key="request", occurred_at=START, portal_return=self._shown(Stage.REQUESTED))
        )
        moment = self._moment("authorise")
        shown = self._shown(Stage.AUTHORISED)
        yield self._at("authorise", ReturnAuthorised(key="authorise", occurred_at=moment, portal_return=shown))
        if self._happens("scan") and self._happens("goods"):
            yield self._at("scan", self._scan())
        if self._happens("count") and self._happens("goods"):
            yield self._at("count", self._receipt(ReceiptKind.RECEIVED, "count"))
            signal = RestockSignalled(
                key="restock", occurred_at=self._moment("count"), portal="portal", return_id="R-1", quantity=1
            )
            yield Told(at=later(self._moment("count"), HOUR), fact=signal)
            if self._happens("inspect"):
                yield self._at("inspect", self._receipt(ReceiptKind.INSPECTED, "inspect"))
        yield from self._paid_by_itself()

    def _paid_by_itself(self) -> Iterator[Told]:
        """A portal or a counterparty that pays on its own events does so once the fact its gate names is there."""
        if self.early:
            yield from self._pay(later(self._moment("authorise"), HOUR))
        if self._policy.refund_executor in (RefundExecutor.PORTAL_ITSELF, RefundExecutor.COUNTERPARTY):
            event = _PAID_AFTER[self._policy.refund_gate]
            if event == "authorise" or (self._happens(event) and self._happens("goods")):
                yield from self._pay(later(self._moment(event), HOUR))

    def _answer(self, command: AnyCommand, case: ReturnCase, now: str) -> Iterator[Told]:
        if isinstance(command, PostCreditNote) and not self._happens("credit"):
            step = case.steps[command.step]
            yield Told(at=now, fact=_refusal(step.step, step.edition, now))
            return
        yield from obey(command, case, now, self._order())
        if isinstance(command, ReleaseRefund):
            yield from self._pay(later(now, HOUR))

    def _react(self, decision: Decision, case: ReturnCase, now: str) -> Iterator[Told]:
        """Finance pays where the policy sends it, and approves what waits for it."""
        if any(problem.kind == "refund_due_elsewhere" for problem in decision.problems):
            yield from self._money(later(now, 2 * HOUR), named=False)

    def _pay(self, moment: str) -> Iterator[Told]:
        """The portal shows the return processed, and the money moves."""
        shown = self._shown(Stage.PROCESSED)
        yield Told(at=moment, fact=ReturnProcessed(key="processed", occurred_at=moment, portal_return=shown))
        yield from self._money(moment, named=True)

    def _money(self, moment: str, *, named: bool) -> Iterator[Told]:
        if named:
            reported = RefundReported(
                key="reported",
                portal="portal",
                return_id="R-1",
                ref="RF-1",
                gateway="card",
                amount=AMOUNT,
                currency=self.currency,
            )
            yield Told(at=moment, fact=reported)
        if self._happens("money"):
            moved = RefundMoved(
                key="moved",
                occurred_at=moment,
                source="shop",
                ref="re-1",
                order_ref="O-1",
                amount=AMOUNT,
                currency=self.currency,
                status=RefundState.CONFIRMED,
                refund_ref="RF-1",
                gateway="card",
            )
            yield Told(at=later(moment, 60), fact=moved)

    # --- the words of it

    def _happens(self, event: str) -> bool:
        return event not in self.without

    def _moment(self, event: str) -> str:
        return later(START, _AT[event] * HOUR)

    def _at(self, event: str, fact: ReturnRequested | ReturnAuthorised | LabelMoved | WarehouseReported) -> Told:
        return Told(at=self._moment(event), fact=fact)

    def _scan(self) -> LabelMoved:
        return LabelMoved(
            key="scan",
            occurred_at=self._moment("scan"),
            portal="portal",
            return_id="R-1",
            label_status=LabelStatus.IN_TRANSIT,
            tracking="TRACK-1",
            carrier="Example Post",
        )

    def _receipt(self, kind: ReceiptKind, event: str) -> WarehouseReported:
        inspected = kind is ReceiptKind.INSPECTED
        found = FoundUnits(quantity=1, condition="new", disposition=Disposition.SELLABLE)
        line = ReceiptLine(
            line_id="1",
            sku="SHIRT",
            received_quantity=1,
            inspection_status=Inspection.PASSED if inspected else Inspection.PENDING,
            dispositions=(found,) if inspected else (),
        )
        receipt = Receipt(
            event_id=event,
            event_type=kind,
            occurred_at=self._moment(event),
            source="warehouse",
            warehouse_code="WH",
            receipt_id="GR-1",
            revision=2 if inspected else 1,
            rma_number="R-1",
            received_at=self._moment("count"),
            lines=(line,),
        )
        return WarehouseReported(key=event, occurred_at=self._moment(event), receipt=receipt)

    def _shown(self, stage: Stage) -> PortalReturn:
        line = ReturnLine(
            line_id="1",
            order_line_ref="L-1",
            sku="SHIRT",
            qty=1,
            line_value=AMOUNT,
            cash_refund=AMOUNT,
            reason="Too small",
        )
        return PortalReturn(
            portal="portal",
            return_id="R-1",
            state=stage.value,
            stage=stage,
            order_ref="O-1",
            order_name="#1",
            currency=self.currency,
            created_at=START,
            lines=(line,),
            tenders=Tenders(refund=AMOUNT),
        )

    def _order(self) -> SoldOrder:
        line = SoldLine(line_ref="L-1", sku="SHIRT", quantity=1, gross=AMOUNT, title="Shirt")
        payment = Payment(gateway="card", amount=AMOUNT)
        return SoldOrder(
            order_ref="O-1", name="#1", currency=self.currency, taxes_included=True, lines=(line,), payments=(payment,)
        )


def _refusal(step: str, edition: int, now: str) -> StepRefused:
    return StepRefused(
        key=f"refused:{step}:{edition}",
        occurred_at=now,
        step=step,
        edition=edition,
        kind="period_closed",
        message="The ERP refuses the credit note.",
    )
