"""The sequence a policy results in, as a list of steps: found by playing a sample return, never written per preset."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from counterfoil.core.events import (
    LabelMoved,
    RefundMoved,
    RestockSignalled,
    ReturnAuthorised,
    ReturnProcessed,
    ReturnRequested,
    WarehouseReported,
)
from counterfoil.core.inner_events import AnyFact
from counterfoil.core.look import Decision, Request
from counterfoil.core.policy import Agreement
from counterfoil.core.receipts import ReceiptKind
from counterfoil.policy.rehearsal import Moment, Rehearsal, seconds_between
from counterfoil.policy.sample import HOUR, START, Sample

LANES = ("portal", "carrier", "warehouse", "ERP", "shop", "people")
HAPPENS, ASKS, WAITS, PAYS = "happens", "asks", "waits", "pays"

_COMMANDS = {
    "FetchOrder": ("shop", "the order as sold is read"),
    "FindSalesOrder": ("ERP", "the sales order is looked up"),
    "OpenReturnAuthorisation": ("ERP", "the RMA is made"),
    "StoreTracking": ("ERP", "the tracking number is kept on the RMA"),
    "ReceiveStock": ("ERP", "the goods are booked into stock"),
    "DraftCreditNote": ("ERP", "the credit note is drafted: the ERP agrees to its value"),
    "PostCreditNote": ("ERP", "the credit note is posted"),
    "RecordRefund": ("ERP", "the money is recorded against the credit note"),
    "ReleaseRefund": ("portal", "the refund is released"),
    "ReportInspection": ("portal", "the portal hears what the inspection found"),
    "SendNote": ("portal", "CX reads on the return that it is settled"),
}


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step. `hours` after the request; `kind` is happens, asks, waits or pays; `rule` and `because` say why."""

    number: int
    hours: int
    lane: str
    kind: str
    what: str
    rule: str = ""
    because: str = ""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy does to the sample return: its steps, and how it ends."""

    policy: str
    steps: tuple[Step, ...]
    ends: str


def explain(agreement: Agreement, currency: str = "GBP") -> Explanation:
    """Play the sample return and tell what happened, in order."""
    rehearsal = Sample(agreement=agreement, currency=currency).play()
    steps = tuple(_numbered(rehearsal))
    return Explanation(policy=agreement.policy.label, steps=steps, ends=_end(rehearsal))


def _end(rehearsal: Rehearsal) -> str:
    decision = rehearsal.decision
    if decision.progress == "finished":
        return "the return is finished: goods, money and credit note agree"
    open_ = [problem.message for problem in decision.problems] or [wait.reason for wait in decision.waits]
    return f"the return stays open: {'; '.join(open_) or 'nothing more is asked for'}"


def _numbered(rehearsal: Rehearsal) -> Iterator[Step]:
    steps = [step for step in _steps(rehearsal) if step.what]
    for number, step in enumerate(steps, start=1):
        yield msgspec.structs.replace(step, number=number)


def _steps(rehearsal: Rehearsal) -> Iterator[Step]:
    waiting = ""
    for moment in rehearsal.moments:
        hours = seconds_between(START, moment.at) // HOUR
        yield from _fact(moment, hours)
        for request in moment.requests:
            yield _asked(request, hours)
        asked_of_people = next((p for p in moment.decision.problems if p.kind == "refund_due_elsewhere"), None)
        if asked_of_people is not None and waiting != asked_of_people.message:
            waiting = asked_of_people.message
            yield Step(number=0, hours=hours, lane="people", kind=ASKS, what=f"finance: {waiting.rstrip('.')}")
        held = _held(moment.decision)
        if held and held != waiting:
            waiting = held
            yield Step(number=0, hours=hours, lane="portal", kind=WAITS, what=held)


def _fact(moment: Moment, hours: int) -> Iterator[Step]:
    told = _said(moment.fact, bool(moment.requests))
    if told is not None:
        lane, what = told
        kind = PAYS if isinstance(moment.fact, RefundMoved) else HAPPENS
        yield Step(number=0, hours=hours, lane=lane, kind=kind, what=what)
    elif moment.fact is None and moment.requests:
        yield Step(number=0, hours=hours, lane="people", kind=HAPPENS, what="time passes")


def _said(fact: AnyFact | None, mattered: bool) -> tuple[str, str] | None:
    """Who tells a fact, and what it says; None for what nobody needs to see."""
    match fact:
        case ReturnRequested():
            return "portal", "the customer asks for the return"
        case ReturnAuthorised():
            return "portal", "the portal authorises it"
        case LabelMoved():
            return "carrier", "the carrier scans the parcel"
        case WarehouseReported() if fact.receipt.event_type is ReceiptKind.RECEIVED:
            return "warehouse", "the goods come in and are counted"
        case WarehouseReported():
            return "warehouse", "the goods are inspected"
        case RestockSignalled() if mattered:
            return "portal", "the portal says the goods are back on the shelf"
        case ReturnProcessed():
            return "portal", "the portal carries the outcome out"
        case RefundMoved():
            return "shop", "the money is confirmed"
    return None


def _asked(request: Request, hours: int) -> Step:
    name = type(request.command).__name__
    lane, what = _COMMANDS.get(name, ("ERP", re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()))
    return Step(number=0, hours=hours, lane=lane, kind=ASKS, what=what, rule=request.rule, because=request.because)


def _held(decision: Decision) -> str:
    return next((w.reason for w in decision.waits if w.reason.startswith("the refund waits until")), "")


def as_text(found: Explanation) -> str:
    """The sequence for a terminal: when, who, what, and by which rule."""
    width = max(len(step.lane) for step in found.steps)
    lines = [f"{found.policy}: a return of one item, step by step", ""]
    for step in found.steps:
        mark = {HAPPENS: "●", ASKS: "→", WAITS: "…", PAYS: "$"}[step.kind]
        why = f"  [{step.rule}]" if step.rule else ""
        lines.append(f"{step.number:3}. {_when(step.hours):>8}  {step.lane:<{width}}  {mark} {step.what}{why}")
    return "\n".join([*lines, "", f"In the end {found.ends}."])


def _when(hours: int) -> str:
    return f"day {hours // 24}" if hours >= 24 else f"{hours} h"
