"""Facts we make ourselves: what was asked of other systems, what came of it, and what people decided."""

from __future__ import annotations

import msgspec

from counterfoil.core.approvals import Risk, Terms
from counterfoil.core.documents import CreditNote, DocumentLine, ErpOrder, ExchangeTerms, RmaLine, StockLevel
from counterfoil.core.edits import StepEdit
from counterfoil.core.events import Fact, OutsideFact
from counterfoil.core.problems import Owner
from counterfoil.core.returns import Disposition


class AttestedUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A unit that is booked on the portal's word. With an attestor it counts as received and accepted (D1)."""

    unit_id: str
    disposition: Disposition
    attestor: str | None


class StepRequested(Fact, frozen=True, kw_only=True, tag="StepRequested.v1"):
    """A command was decided and queued. `rule` and `because` say why, in words."""

    step: str
    name: str
    edition: int
    rule: str
    because: str
    amount: int | None = None
    units: tuple[str, ...] = ()
    rma_lines: tuple[RmaLine, ...] = ()
    credit: CreditNote | None = None
    policy: str = ""  # the policy that decided it: name, version and, where one fitted, the rule
    batch: str | None = None
    pays_from: str = ""
    exchange: ExchangeTerms | None = None
    attested: tuple[AttestedUnit, ...] = ()


class StepDone(Fact, frozen=True, kw_only=True, tag="StepDone.v1"):
    """The other system did it; the document's own references."""

    step: str
    edition: int
    ref: str | None = None
    number: str | None = None
    total: int | None = None
    url: str | None = None
    lines: tuple[DocumentLine, ...] = ()
    order: ErpOrder | None = None
    stock: tuple[StockLevel, ...] = ()
    message: str = ""


class StepRefused(Fact, frozen=True, kw_only=True, tag="StepRefused.v1"):
    """The other system will not do it as asked; a person has to act."""

    step: str
    edition: int
    kind: str
    message: str
    owner: Owner | None = None
    ref: str | None = None
    number: str | None = None


class UnitClaim(msgspec.Struct, frozen=True, kw_only=True):
    """Unit `order_unit` (1-based) of an order line now stands for this physical unit."""

    unit_id: str
    order_line_ref: str
    order_unit: int


class UnitsClaimed(Fact, frozen=True, kw_only=True, tag="UnitsClaimed.v1"):
    """Units of the order were taken up by a credit, in order (ATTR-1 rule 5)."""

    step: str
    claims: tuple[UnitClaim, ...]


class RetryAsked(Fact, frozen=True, kw_only=True, tag="RetryAsked.v1"):
    """A person wants a refused step tried again, after mending its cause."""

    step: str
    by: str
    reason: str = ""
    edits: tuple[StepEdit, ...] = ()  # what the person changed in the command


class StepSettled(Fact, frozen=True, kw_only=True, tag="StepSettled.v1"):
    """A person did the step by hand in the other system and tells us the document."""

    step: str
    by: str
    reason: str
    ref: str | None = None
    number: str | None = None


class DifferenceAccepted(Fact, frozen=True, kw_only=True, tag="DifferenceAccepted.v1"):
    """A person accepts a problem of this kind on this return, with a reason."""

    kind: str
    by: str
    reason: str


class RefundAdopted(Fact, frozen=True, kw_only=True, tag="RefundAdopted.v1"):
    """A person says that a refund made outside the portal was for this return (R85). `ref` is the movement's own."""

    ref: str
    by: str
    reason: str


class RiskSeen(Fact, frozen=True, kw_only=True, tag="RiskSeen.v1"):
    """What our own records say of the customer's earlier returns and the order's addresses (R86); no personal data."""

    risk: Risk


class Answered(Fact, frozen=True, kw_only=True):
    """A person's answer to an approval rule, bound to the terms they saw."""

    rule: str
    terms: Terms
    by: str
    roles: tuple[str, ...]
    reason: str


class ApprovalGiven(Answered, frozen=True, kw_only=True, tag="ApprovalGiven.v1"):
    """A person agrees that money leaves on these terms (R75, R76)."""


class ApprovalRefused(Answered, frozen=True, kw_only=True, tag="ApprovalRefused.v1"):
    """A person will not have money leave on these terms."""


InnerFact = (
    StepRequested
    | StepDone
    | StepRefused
    | UnitsClaimed
    | RetryAsked
    | StepSettled
    | DifferenceAccepted
    | RiskSeen
    | ApprovalGiven
    | ApprovalRefused
    | RefundAdopted
)
AnyFact = OutsideFact | InnerFact
