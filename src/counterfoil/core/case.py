"""A return as we carry it: two states per unit, the documents it has in each system, and what is under way.

`ReturnCase` is derived: replaying the facts of its log through `evolve` gives it again, value for value.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from counterfoil.core.approvals import Risk, Voice
from counterfoil.core.chargebacks import Chargeback
from counterfoil.core.commands import CaseRef
from counterfoil.core.documents import (
    CreditNote,
    DocumentLine,
    DocumentRef,
    ErpOrder,
    ExchangeTerms,
    RmaLine,
    StockLevel,
)
from counterfoil.core.edits import StepEdit
from counterfoil.core.events import RefundState
from counterfoil.core.orders import SoldOrder
from counterfoil.core.problems import Owner
from counterfoil.core.receipts import Receipt
from counterfoil.core.returns import Disposition, LabelStatus, PortalReturn, Stage


class Reception(StrEnum):
    """Where a unit is. Stock follows this."""

    EXPECTED = "expected"
    IN_TRANSIT = "in_transit"
    RECEIVED = "received"
    LOST = "lost"


class Acceptance(StrEnum):
    """Whether a unit is taken back. Money follows this."""

    UNDECIDED = "undecided"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    REVIEW = "review"


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """One physical unit of the return. `receipt` is "source/receipt id/line id" of the count that holds it."""

    unit_id: str
    line_id: str
    order_line_ref: str | None
    sku: str | None
    reason: str | None = None
    reception: Reception = Reception.EXPECTED
    acceptance: Acceptance = Acceptance.UNDECIDED
    receipt: str | None = None
    disposition: Disposition | None = None
    condition: str | None = None
    grade: str | None = None
    warehouse: str | None = None
    location: str | None = None
    lot: str | None = None
    serial: str | None = None
    posted_by: str | None = None  # the step that booked it in the ERP
    credited_by: str | None = None  # the step that credited it
    order_unit: int | None = None  # which unit of the order line it stands for (ATTR-1 rule 5)


class UnexpectedUnits(msgspec.Struct, frozen=True, kw_only=True):
    """Units that came and were not asked for: they are kept apart and never post by themselves."""

    receipt: str
    kind: str  # a problem kind: "over_receipt", "wrong_item", "sku_unknown"
    sku: str | None
    quantity: int


class StepState(StrEnum):
    """How far a step is."""

    REQUESTED = "requested"
    DONE = "done"
    REFUSED = "refused"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One command of this return and what became of it. `edition` counts how often it was asked for anew."""

    step: str
    name: str  # the command's type, e.g. "OpenReturnAuthorisation"
    state: StepState = StepState.REQUESTED
    edition: int = 1
    at: str | None = None
    ref: str | None = None
    number: str | None = None
    total: int | None = None
    url: str | None = None
    lines: tuple[DocumentLine, ...] = ()
    amount: int | None = None  # what was asked for, where it was an amount
    units: tuple[str, ...] = ()  # the units it covers
    stock: tuple[StockLevel, ...] = ()  # what a look at the stock found
    problem: str | None = None
    owner: Owner | None = None
    message: str = ""

    @property
    def document(self) -> DocumentRef | None:
        """The document this step made, once it has."""
        if self.state is not StepState.DONE or self.ref is None:
            return None
        return DocumentRef(ref=self.ref, number=self.number or self.ref)


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """One movement of money back to the customer, by its reference across sources."""

    ref: str
    amount: int
    currency: str
    status: RefundState
    source: str
    gateway: str | None = None
    refund_ref: str | None = None
    at: str | None = None
    reported_only: bool = False  # only the portal says so
    store_credit: bool = False  # a liability, not money out
    payment_ref: str | None = None  # the payment it gives back, by the gateway's number
    also: tuple[str, ...] = ()  # other sources' references of the same movement
    told_by: tuple[str, ...] = ()  # every source that told of it, once there is more than one
    funded_by: str | None = None  # the provider whose own money it was; `gateway` is then its clearing tender


ATTESTED = "portal/"  # how the receipts of units begin that are booked on the portal's word


class CountedReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """The newest revision of one warehouse receipt, and whether it is undone."""

    receipt: Receipt
    inspected: bool = False
    reversed: bool = False
    conflict: str | None = None  # a sentence, when two versions of one revision disagree
    bad_sum: str | None = None  # a sentence, when dispositions do not add up

    @property
    def key(self) -> str:
        """Source and receipt id: what revisions share."""
        return receipt_key(self.receipt.source, self.receipt.receipt_id)


def receipt_key(source: str, receipt_id: str) -> str:
    """The identity of a receipt over its revisions."""
    return f"{source}/{receipt_id}"


class ReturnCase(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known about one return, from every side."""

    case: CaseRef
    currency: str
    stage: Stage
    portal_return: PortalReturn | None = None
    authorised_at: str | None = None
    processed_at: str | None = None
    label_status: LabelStatus | None = None
    tracking: str | None = None
    carrier: str | None = None
    order: SoldOrder | None = None
    erp_order: ErpOrder | None = None
    units: tuple[Unit, ...] = ()
    rma_lines: tuple[RmaLine, ...] = ()  # as the RMA was asked for
    credit: CreditNote | None = None  # as it was decided, with its explanation
    exchange: ExchangeTerms | None = None  # as the exchange order was last asked for
    unexpected: tuple[UnexpectedUnits, ...] = ()
    receipts: tuple[CountedReceipt, ...] = ()
    early_reversals: tuple[str, ...] = ()  # receipts taken back before they were heard of
    receiving_closed: bool = False
    restocked: Mapping[str, int] = {}  # the portal's restock signals, and how many units each names
    portal_found: Mapping[str, str] = {}  # the portal's line -> the disposition it shows (D7)
    refunds: tuple[Refund, ...] = ()
    steps: Mapping[str, Step] = {}
    editions: Mapping[str, int] = {}  # steps put back to be decided again, and their last edition
    processing_failure: str | None = None
    changed_after_rma: str | None = None
    disposition_changed: str | None = None
    reversal_refused: str | None = None
    accepted_differences: Mapping[str, str] = {}  # problem kind -> who and why
    in_transit_at: str | None = None  # when the carrier was first heard to have the parcel
    restocked_at: str | None = None  # when the portal first said that goods are back on the shelf
    adopted_refunds: Mapping[str, str] = {}  # refunds made outside the portal, by their own reference -> who and why
    first_receipt_at: str | None = None
    first_refund_at: str | None = None
    noted_at: str | None = None
    chargebacks: tuple[Chargeback, ...] = ()  # of the order's payments, by reference
    risk: Risk | None = None  # None until the shell looked
    voices: tuple[Voice, ...] = ()  # who answered which approval rule, newest last
    makers: tuple[str, ...] = ()  # people whose action shaped this return; none of them approves its money
    pays_from: str = ""  # "erp" or "gateway": where a person pays the agreed credit, so that no portal names the money
    posted_at: str | None = None  # when the carrier first had the parcel, as far as it is told
    step_edits: Mapping[str, tuple[StepEdit, ...]] = {}  # what people changed in commands to be tried again

    @property
    def case_id(self) -> str:
        """Our key of the return."""
        return self.case.case_id

    def done(self, step: str) -> Step | None:
        """The step, when it is done."""
        found = self.steps.get(step)
        return found if found is not None and found.state is StepState.DONE else None

    def named(self, *names: str) -> tuple[Step, ...]:
        """Steps of these command types, in the order they were asked for."""
        return tuple(step for step in self.steps.values() if step.name in names)

    @property
    def rma(self) -> Step | None:
        """The open RMA's step, when it is made."""
        return self.done("rma-1")

    @property
    def may_post_later(self) -> bool:
        """Whether a person agreed that documents of a closed period go into the next open one."""
        return "period_closed" in self.accepted_differences

    @property
    def confirmed(self) -> tuple[Refund, ...]:
        """Refunds that shop or gateway confirm, store credit included."""
        return tuple(r for r in self.refunds if r.status is RefundState.CONFIRMED and not r.reported_only)

    @property
    def money_out(self) -> int:
        """Confirmed refunds and store credit, in minor units."""
        return sum(refund.amount for refund in self.confirmed)
