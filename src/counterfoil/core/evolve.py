"""State moves here and nowhere else: a case and a fact give the next case.

Facts may come in any order and more than once. Nothing is decided here; `decide` looks at the result.
"""

from __future__ import annotations

from msgspec.structs import replace

from counterfoil.core.approvals import Voice, same_person
from counterfoil.core.bundles import opened, returned_parts
from counterfoil.core.case import (
    ATTESTED,
    Acceptance,
    Reception,
    ReturnCase,
    Step,
    StepState,
    Unit,
)
from counterfoil.core.chargebacks import Chargeback, later
from counterfoil.core.commands import CaseRef
from counterfoil.core.count import count_receipt
from counterfoil.core.events import (
    ChargebackMoved,
    LabelMoved,
    OrderSeen,
    PortalInspected,
    ProcessingFailed,
    RefundMoved,
    RefundReported,
    RestockSignalled,
    ReturnFact,
    ReturnProcessed,
    StoreCreditIssued,
    WarehouseReported,
)
from counterfoil.core.inner_events import (
    Answered,
    AnyFact,
    ApprovalGiven,
    AttestedUnit,
    DifferenceAccepted,
    RefundAdopted,
    RetryAsked,
    RiskSeen,
    StepDone,
    StepRefused,
    StepRequested,
    StepSettled,
    UnitsClaimed,
)
from counterfoil.core.orders import SoldOrder
from counterfoil.core.phrases import number_of
from counterfoil.core.refunds import take_money
from counterfoil.core.returns import ExchangeLine, LabelStatus, PortalReturn, Stage

_RANK = {Stage.REQUESTED: 0, Stage.AUTHORISED: 1, Stage.EXPIRED: 2, Stage.CANCELLED: 3, Stage.PROCESSED: 3}
_LABEL_RANK = {
    LabelStatus.PENDING: 0,
    LabelStatus.ERROR: 1,
    LabelStatus.EXPIRED: 1,
    LabelStatus.IN_TRANSIT: 2,
    LabelStatus.DELIVERED: 3,
}
_RECEIPT_STEPS = ("ReceiveStock",)


def new_case(brand: str, seen: PortalReturn) -> ReturnCase:
    """The case of a return we have not met before, still without any fact."""
    ref = CaseRef(
        brand=brand,
        portal=seen.portal,
        return_id=seen.return_id,
        order_ref=seen.order_ref,
        order_name=seen.order_name,
    )
    return ReturnCase(case=ref, currency=seen.currency, stage=Stage.REQUESTED)


def evolve(case: ReturnCase, fact: AnyFact) -> ReturnCase:
    """The case after this fact. Unknown references change nothing."""
    match fact:
        case ReturnFact():
            return _portal_showed(case, fact)
        case LabelMoved():
            moved = _label_moved(case, fact.label_status, fact.tracking, fact.carrier, fact.occurred_at)
            return _scanned(moved, fact)
        case ProcessingFailed():
            return replace(case, processing_failure=fact.reason)
        case RestockSignalled():
            first = min(filter(None, (case.restocked_at, fact.occurred_at)), default=None)
            return replace(case, restocked={**case.restocked, fact.key: fact.quantity}, restocked_at=first)
        case RefundReported() | StoreCreditIssued() | RefundMoved():
            return take_money(case, fact)
        case OrderSeen():
            return _order_seen(case, fact.order)
        case ChargebackMoved():
            return _disputed(case, fact)
        case WarehouseReported():
            return count_receipt(case, fact.receipt)
        case PortalInspected():
            return _portal_found(case, fact)
    return _inner(case, fact)


def _inner(case: ReturnCase, fact: AnyFact) -> ReturnCase:
    match fact:
        case StepRequested():
            return _requested(case, fact)
        case StepDone():
            return _done(case, fact)
        case StepRefused():
            return _refused(case, fact)
        case UnitsClaimed():
            numbers = {claim.unit_id: claim.order_unit for claim in fact.claims}
            units = tuple(
                replace(unit, order_unit=numbers[unit.unit_id], credited_by=fact.step)
                if unit.unit_id in numbers
                else unit
                for unit in case.units
            )
            return replace(case, units=units)
        case RetryAsked():
            return _made_by(case, _retry(case, fact), fact.by)
        case StepSettled():
            return _made_by(case, _settled(case, fact), fact.by)
        case DifferenceAccepted():
            return _made_by(case, _accepted(case, fact), fact.by)
        case RefundAdopted():
            adopted = {**case.adopted_refunds, fact.ref: f"{fact.by}: {fact.reason}"}
            return _made_by(case, replace(case, adopted_refunds=adopted), fact.by)
        case RiskSeen():
            return replace(case, risk=fact.risk)
        case Answered():
            return _answered(case, fact)
    return case


# --- people ---------------------------------------------------------------------------------------------------------


def _made_by(before: ReturnCase, case: ReturnCase, by: str) -> ReturnCase:
    """From now on this person has shaped the return, and cannot approve its money. An action without effect does not."""
    known = any(same_person(by, maker) for maker in case.makers)
    return case if known or case == before else replace(case, makers=(*case.makers, by))


def _answered(case: ReturnCase, fact: Answered) -> ReturnCase:
    """A person's newest answer to a rule stands; an answer on other terms is kept beside it."""
    voice = Voice(
        rule=fact.rule,
        terms=fact.terms,
        by=fact.by,
        roles=fact.roles,
        reason=fact.reason,
        agreed=isinstance(fact, ApprovalGiven),
        at=fact.occurred_at,
    )
    others = tuple(v for v in case.voices if not _same_question(v, voice))
    return replace(case, voices=(*others, voice))


def _same_question(one: Voice, other: Voice) -> bool:
    return (one.rule, one.terms) == (other.rule, other.terms) and same_person(one.by, other.by)


# --- the portal's view ----------------------------------------------------------------------------------------------


def _portal_showed(case: ReturnCase, fact: ReturnFact) -> ReturnCase:
    """Take in a snapshot. Final stages stay; an older edit never replaces a newer one."""
    seen = fact.portal_return
    stage = seen.stage if _RANK[seen.stage] >= _RANK[case.stage] else case.stage
    if case.stage.final:
        stage = case.stage
    known = case.portal_return
    newer = known is None or (seen.edited_at or "") >= (known.edited_at or "")
    case = replace(case, stage=stage, case=_fuller_ref(case.case, seen))
    if newer:
        case = _lines_changed(replace(case, portal_return=_merged(known, seen)))
    if stage is not Stage.REQUESTED and case.authorised_at is None:
        case = replace(case, authorised_at=fact.occurred_at or seen.created_at)
    if isinstance(fact, ReturnProcessed):
        case = replace(case, processed_at=case.processed_at or fact.occurred_at, processing_failure=None)
    return _label_moved(case, seen.label_status, seen.tracking, seen.carrier, fact.occurred_at)


def _fuller_ref(ref: CaseRef, seen: PortalReturn) -> CaseRef:
    return replace(ref, order_ref=ref.order_ref or seen.order_ref, order_name=ref.order_name or seen.order_name)


def _merged(known: PortalReturn | None, seen: PortalReturn) -> PortalReturn:
    """The newer view, keeping what only the older one could show (some views leave out lines or refunds)."""
    if known is None:
        return seen
    tenders = seen.tenders
    if tenders.shipping_refunded is None and tenders.refund == known.tenders.refund:
        tenders = replace(tenders, shipping_refunded=known.tenders.shipping_refunded)
    return replace(
        seen,
        tenders=tenders,
        lines=seen.lines or known.lines,
        exchange_lines=_merged_exchange(known.exchange_lines, seen.exchange_lines),
        refunds=seen.refunds or known.refunds,
        order_ref=seen.order_ref or known.order_ref,
        order_name=seen.order_name or known.order_name,
        tracking=seen.tracking or known.tracking,
        country=seen.country or known.country,
    )


def _merged_exchange(known: tuple[ExchangeLine, ...], seen: tuple[ExchangeLine, ...]) -> tuple[ExchangeLine, ...]:
    """The new goods as last named. A view that names their order alone adds the order to what is known."""
    if not seen or not known:
        return seen or known
    if any(line.sku is not None for line in seen):
        return seen
    whole = seen[0]
    return tuple(
        replace(line, order_ref=whole.order_ref or line.order_ref, order_name=whole.order_name or line.order_name)
        for line in known
    )


def _lines_changed(case: ReturnCase) -> ReturnCase:
    """Units follow the portal's lines. Units that came, or are booked or credited, are never dropped."""
    assert case.portal_return is not None
    wanted = tuple(
        Unit(
            unit_id=unit_id,
            line_id=line.line_id,
            order_line_ref=part.line_ref if part is not None else line.order_line_ref,
            sku=part.sku if part is not None else line.sku,
            reason=line.reason,
        )
        for line in case.portal_return.lines
        for unit_id, part in returned_parts(case.order, line)
    )
    known = {unit.unit_id: unit for unit in case.units}
    kept = tuple(
        replace(known[unit.unit_id], sku=unit.sku, reason=unit.reason, order_line_ref=unit.order_line_ref)
        if unit.unit_id in known
        else unit
        for unit in wanted
    )
    names = {unit.unit_id for unit in wanted}
    orphans = tuple(unit for unit in case.units if unit.unit_id not in names and unit.receipt is not None)
    changed = case.changed_after_rma
    if known and "rma-1" in case.steps and set(known) != names:
        changed = f"the RMA was made for {number_of(len(known), 'unit')}; the portal now lists {len(names)}"
    return replace(case, units=kept + orphans, changed_after_rma=changed)


def _order_seen(case: ReturnCase, order: SoldOrder) -> ReturnCase:
    """Take the order in. Once units of it are credited, or bundles went onto the RMA whole, its form stays."""
    if any(unit.credited_by for unit in case.units):
        return case
    whole = case.order is not None and not any(line.part_of for line in case.order.lines)
    case = replace(case, order=order)
    return case if whole and "rma-1" in case.steps else _unbundled(case)


def _unbundled(case: ReturnCase) -> ReturnCase:
    """Once shop and ERP have told their orders, bundles are taken apart by the recipe they were sold with (R65).

    Parcels that were quicker than the orders are counted again, now that we know what their parts are.
    """
    if case.order is None or case.erp_order is None:
        return case
    order = opened(case.order, case.erp_order)
    if order == case.order:
        return case
    case = replace(case, order=order)
    if case.portal_return is None or "rma-1" in case.steps:
        return case
    undone = tuple(counted.key for counted in case.receipts if counted.reversed)
    parcels, early = case.receipts, case.early_reversals
    case = replace(case, units=(), unexpected=(), receipts=(), early_reversals=(*early, *undone))
    case = _label_moved(_lines_changed(case), None, None, None, None)
    for counted in parcels:
        case = count_receipt(case, counted.receipt)
    return replace(case, early_reversals=early)


def _label_moved(
    case: ReturnCase, status: LabelStatus | None, tracking: str | None, carrier: str | None, moment: str | None
) -> ReturnCase:
    """Tracking is kept; a parcel only moves forward. `moment` is when it was seen there."""
    known = case.label_status
    if status is not None and (known is None or _LABEL_RANK[status] >= _LABEL_RANK[known]):
        case = replace(case, label_status=status)
    case = replace(case, tracking=tracking or case.tracking, carrier=carrier or case.carrier)
    if case.label_status in (LabelStatus.IN_TRANSIT, LabelStatus.DELIVERED):
        units = tuple(
            replace(unit, reception=Reception.IN_TRANSIT) if unit.reception is Reception.EXPECTED else unit
            for unit in case.units
        )
        case = replace(case, units=units)
    if status in (LabelStatus.IN_TRANSIT, LabelStatus.DELIVERED) and moment is not None:
        case = replace(case, posted_at=min(case.posted_at or moment, moment))
    return case


def _portal_found(case: ReturnCase, fact: PortalInspected) -> ReturnCase:
    """The portal's word is kept beside the warehouse's; which of them moves stock is the policy's (D7).

    Once we have told the portal what the warehouse found, its word is ours and says nothing new.
    """
    if fact.disposition is None or "inspection-1" in case.steps:
        return case
    return replace(case, portal_found={**case.portal_found, fact.line_id: str(fact.disposition)})


def _scanned(case: ReturnCase, fact: LabelMoved) -> ReturnCase:
    """Remember the earliest moment at which the parcel was moving."""
    at = fact.occurred_at
    if at is None or fact.label_status not in (LabelStatus.IN_TRANSIT, LabelStatus.DELIVERED):
        return case
    return replace(case, in_transit_at=min(case.in_transit_at or at, at))


# --- money ----------------------------------------------------------------------------------------------------------


def _disputed(case: ReturnCase, fact: ChargebackMoved) -> ReturnCase:
    """The dispute as it stands after this telling, in whatever order tellings come."""
    told = Chargeback(
        ref=fact.ref,
        amount=fact.amount,
        currency=fact.currency,
        status=fact.status,
        source=fact.source,
        gateway=fact.gateway,
        at=fact.occurred_at,
    )
    known = {chargeback.ref: chargeback for chargeback in case.chargebacks}
    known[told.ref] = later(known.get(told.ref, told), told)
    return replace(case, chargebacks=tuple(known[ref] for ref in sorted(known)))


# --- our own steps --------------------------------------------------------------------------------------------------


def _requested(case: ReturnCase, fact: StepRequested) -> ReturnCase:
    step = Step(
        step=fact.step,
        name=fact.name,
        edition=fact.edition,
        at=fact.occurred_at,
        amount=fact.amount,
        units=fact.units,
    )
    case = replace(case, steps={**case.steps, fact.step: step})
    case = replace(case, rma_lines=fact.rma_lines or case.rma_lines, credit=fact.credit or case.credit)
    case = replace(case, pays_from=fact.pays_from or case.pays_from)
    case = replace(case, exchange=fact.exchange or case.exchange)
    if fact.name in _RECEIPT_STEPS:
        return _mark_posted(_attest(case, fact.attested), fact.units, fact.step)
    return case


def _attest(case: ReturnCase, attested: tuple[AttestedUnit, ...]) -> ReturnCase:
    """Somebody the policy names saw the goods: they are here and accepted. Without a name nothing is known of them."""
    words = {one.unit_id: one for one in attested if one.attestor is not None}
    units = tuple(_seen_by(unit, words[unit.unit_id]) if unit.unit_id in words else unit for unit in case.units)
    return replace(case, units=units) if words else case


def _seen_by(unit: Unit, word: AttestedUnit) -> Unit:
    return replace(
        unit,
        reception=Reception.RECEIVED,
        acceptance=Acceptance.ACCEPTED,
        disposition=word.disposition,
        warehouse=word.attestor,
        receipt=f"{ATTESTED}{word.attestor}/{unit.line_id}",
    )


def _mark_posted(case: ReturnCase, units: tuple[str, ...], step: str | None) -> ReturnCase:
    marked = tuple(replace(unit, posted_by=step) if unit.unit_id in units else unit for unit in case.units)
    return replace(case, units=marked)


def _done(case: ReturnCase, fact: StepDone) -> ReturnCase:
    step = case.steps.get(fact.step)
    if step is None or step.state is StepState.DONE or fact.edition < step.edition:
        return case
    done = replace(
        step,
        state=StepState.DONE,
        at=fact.occurred_at,
        ref=fact.ref,
        number=fact.number,
        total=fact.total,
        url=fact.url,
        lines=fact.lines,
        problem=None,
        stock=fact.stock,
        message=fact.message,
    )
    case = replace(case, steps={**case.steps, fact.step: done})
    if fact.order is not None:
        case = _unbundled(replace(case, erp_order=fact.order))
    match step.name:
        case "ReverseReceipt":
            return _reversed(case, step)
        case "SendNote":
            return replace(case, noted_at=fact.occurred_at)
    return case


def _reversed(case: ReturnCase, step: Step) -> ReturnCase:
    """Units of an undone receipt are expected again."""
    units = tuple(
        replace(
            unit,
            reception=Reception.EXPECTED,
            acceptance=Acceptance.UNDECIDED,
            receipt=None,
            disposition=None,
            posted_by=None,
        )
        if unit.unit_id in step.units
        else unit
        for unit in case.units
    )
    return replace(case, units=units)


def _refused(case: ReturnCase, fact: StepRefused) -> ReturnCase:
    step = case.steps.get(fact.step)
    if step is None or step.state is StepState.DONE or fact.edition < step.edition:
        return case
    refused = replace(
        step,
        state=StepState.REFUSED,
        at=fact.occurred_at,
        problem=fact.kind,
        owner=fact.owner,
        message=fact.message,
        ref=fact.ref,
        number=fact.number,
    )
    return replace(case, steps={**case.steps, fact.step: refused})


def _retry(case: ReturnCase, fact: RetryAsked) -> ReturnCase:
    """A refused step is open to be decided again, under the same key and a new edition."""
    step = case.steps.get(fact.step)
    if step is None or step.state is not StepState.REFUSED:
        return case
    steps = {name: known for name, known in case.steps.items() if name != fact.step}
    edits = {name: made for name, made in case.step_edits.items() if name != fact.step}
    if fact.edits:
        edits[fact.step] = fact.edits
    case = replace(case, steps=steps, editions={**case.editions, fact.step: step.edition}, step_edits=edits)
    if step.name in _RECEIPT_STEPS:
        case = _mark_posted(case, step.units, None)
    return case


def _accepted(case: ReturnCase, fact: DifferenceAccepted) -> ReturnCase:
    """The kind no longer stops this return. Steps that a closed period stopped are asked for again, in an open one."""
    accepted = {**case.accepted_differences, fact.kind: f"{fact.by}: {fact.reason}"}
    case = replace(case, accepted_differences=accepted)
    if fact.kind != "period_closed":
        return case
    stopped = [step.step for step in case.steps.values() if step.problem == fact.kind]
    for name in stopped:
        case = _retry(case, RetryAsked(key=fact.key, occurred_at=fact.occurred_at, step=name, by=fact.by))
    return case


def _settled(case: ReturnCase, fact: StepSettled) -> ReturnCase:
    step = case.steps.get(fact.step)
    if step is None or step.state is StepState.DONE:
        return case
    settled = replace(
        step,
        state=StepState.DONE,
        at=fact.occurred_at,
        ref=fact.ref or step.ref or fact.number,
        number=fact.number or step.number or fact.ref,
        problem=None,
        message=f"done by hand by {fact.by}: {fact.reason}",
    )
    return replace(case, steps={**case.steps, fact.step: settled})
