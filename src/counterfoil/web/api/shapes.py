"""What the API says. Amounts are decimal text with their currency beside them, moments RFC 3339 in UTC."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct


class Done(Struct, frozen=True, kw_only=True):
    """It was done."""

    done: bool = True


class ReturnRow(Struct, frozen=True, kw_only=True):
    """A return as lists show it."""

    case_id: str
    brand: str
    portal: str
    return_id: str
    order_name: str | None
    stage: str
    progress: str
    waits_for: str
    problems_open: int
    units_returned: int
    units_received: int
    currency: str
    value: str | None
    refunded: str | None
    credited: str | None
    rma_number: str | None
    credit_number: str | None
    opened_at: str | None
    updated_at: str | None


class Total(Struct, frozen=True, kw_only=True):
    """Counts and sums of a list in one currency."""

    currency: str
    returns: int
    value: str | None
    refunded: str | None
    credited: str | None


class ReturnList(Struct, frozen=True, kw_only=True):
    """A page of returns; `next` is the `after` of the following page. Counts stop at 2,000: `capped` says so."""

    sentence: str
    returns: list[ReturnRow]
    totals: list[Total]
    count: int
    capped: bool
    next: str | None


class ProblemRow(Struct, frozen=True, kw_only=True):
    """An exception. `version` goes back with a change, so that the second of two people is told."""

    id: int
    version: int
    brand: str
    case_id: str | None
    order_name: str | None
    kind: str
    title: str
    cause: str
    subject: str
    owner: str
    assignee: str | None
    severity: str
    message: str
    amount: str | None
    currency: str | None
    units: int
    state: str
    opened_at: str | None
    due_at: str | None
    resting_until: str | None
    closed_at: str | None
    closed_by: str | None
    closed_because: str | None
    came_back: bool


class ProblemList(Struct, frozen=True, kw_only=True):
    """A page of exceptions."""

    sentence: str
    exceptions: list[ProblemRow]
    next: str | None


class HistoryLine(Struct, frozen=True, kw_only=True):
    """Something that happened to an exception."""

    at: str | None
    by: str
    what: str
    words: str


class ProblemDetail(Struct, frozen=True, kw_only=True):
    """One exception with its runbook and history."""

    exception: ProblemRow
    runbook: list[str]
    history: list[HistoryLine]


class DocumentRow(Struct, frozen=True, kw_only=True):
    """A document in another system."""

    step: str
    kind: str
    connection: str
    ref: str
    number: str
    total: str | None
    currency: str | None
    at: str | None


class LogEntry(Struct, frozen=True, kw_only=True):
    """An entry of the log, with the hash that chains it."""

    id: int
    stream: str
    seq: int
    name: str
    actor: str
    at: str | None
    hash: str
    fact: Any


class UnitRow(Struct, frozen=True, kw_only=True):
    """Units alike in every respect."""

    quantity: int
    sku: str | None
    reason: str
    reception: str
    acceptance: str
    disposition: str
    place: str


class StepRow(Struct, frozen=True, kw_only=True):
    """A step of a return."""

    step: str
    name: str
    state: str
    number: str | None
    message: str | None


class ReturnDetail(Struct, frozen=True, kw_only=True):
    """One return: units, steps, documents and exceptions."""

    row: ReturnRow
    sentence: str
    units: list[UnitRow]
    steps: list[StepRow]
    documents: list[DocumentRow]
    exceptions: list[ProblemRow]


class LogList(Struct, frozen=True, kw_only=True):
    """A page of the log, newest first; `next` is the `before` of the following page."""

    entries: list[LogEntry]
    next: str | None


class CauseRow(Struct, frozen=True, kw_only=True):
    """A cause and what it holds, in units and by currency."""

    brand: str
    cause: str
    title: str
    words: str
    owner: str
    shared: bool
    problems: int
    resting: int
    units: int
    held: dict[str, str]


class CauseList(Struct, frozen=True, kw_only=True):
    """Every cause of what is open."""

    causes: list[CauseRow]


class ForeseenRow(Struct, frozen=True, kw_only=True):
    """What a fix would do to one return; nothing was written."""

    case_id: str
    name: str
    freed: bool
    asks: list[str]
    remains: list[str]
    amount: str | None
    currency: str | None
    units: int
    trouble: str


class ForeseenList(Struct, frozen=True, kw_only=True):
    """A dry run over the returns of a cause."""

    returns: list[ForeseenRow]


class ChangeDone(Struct, frozen=True, kw_only=True):
    """What became of a changed word: in force, or proposed for a second person; and the run that replays."""

    change_id: int
    proposed: bool
    run_id: int | None


class RunStarted(Struct, frozen=True, kw_only=True):
    """A run over many returns; each has its own result."""

    run_id: int


class RunRow(Struct, frozen=True, kw_only=True):
    """One return of a run."""

    place: int
    case_id: str
    step: str
    state: str
    words: str


class RunDetail(Struct, frozen=True, kw_only=True):
    """How far a run is; `next` is the `after` of the following page."""

    id: int
    title: str
    by: str
    reason: str
    state: str
    total: int
    counts: dict[str, int]
    returns: list[RunRow]
    next: str | None


class ApprovalRow(Struct, frozen=True, kw_only=True):
    """A refund that waits for people."""

    case_id: str
    order_name: str | None
    rule: str
    because: str
    amount: str | None
    currency: str
    method: str
    approvers: list[str]
    people: int
    given: int
    asked_at: str | None


class ApprovalList(Struct, frozen=True, kw_only=True):
    """A page of what waits for approval, oldest first."""

    approvals: list[ApprovalRow]
    next: str | None


class WordRow(Struct, frozen=True, kw_only=True):
    """A word of a mapping and what it means in the ERP."""

    kind: str
    word: str
    meaning: str
    since: str | None
    by: str


class WordList(Struct, frozen=True, kw_only=True):
    """The words in force of one setup."""

    brand: str
    portal: str
    version: str
    words: list[WordRow]


class ProposedRow(Struct, frozen=True, kw_only=True):
    """A change of a word that waits for a second person; `meaning` null takes the word away."""

    change_id: int
    brand: str
    portal: str
    kind: str
    word: str
    before: str | None
    meaning: str | None
    by: str
    reason: str
    at: str | None


class ProposedList(Struct, frozen=True, kw_only=True):
    """Changes that wait."""

    changes: list[ProposedRow]


class ConnectionRow(Struct, frozen=True, kw_only=True):
    """A connection's health: working, quiet, trouble, paused or never; what waits on it."""

    name: str
    brand: str
    vendor: str
    family: str
    state: str
    paused_because: str
    last_delivery_at: str | None
    last_success_at: str | None
    last_trouble_at: str | None
    last_trouble: str
    backlog: int
    quarantined: int


class ConnectionList(Struct, frozen=True, kw_only=True):
    """Every connection, those in trouble first."""

    connections: list[ConnectionRow]


class DeliveryRow(Struct, frozen=True, kw_only=True):
    """A delivery of a connection, without what it holds."""

    id: int
    arrived_at: str | None
    signature: str
    state: str
    kind: str | None
    topic: str | None
    note: str | None
    size_bytes: int


class DeliveryList(Struct, frozen=True, kw_only=True):
    """Deliveries, newest first; `next` is the `before` of the following page."""

    deliveries: list[DeliveryRow]
    next: str | None


class ProofRun(Struct, frozen=True, kw_only=True):
    """The newest proof, and its summary as the file contract has it; null before the first."""

    as_of: str
    since: str
    finished_at: str | None
    balanced: bool
    open_records: int
    summary: dict[str, Any]
    trouble: list[str]


class Proof(Struct, frozen=True, kw_only=True):
    """The proof that portal, gateway, ERP and warehouse agree."""

    run: ProofRun | None


class PlaceRow(Struct, frozen=True, kw_only=True):
    """A place of a refused command that may be changed."""

    path: str
    label: str
    value: str | None


class PlaceList(Struct, frozen=True, kw_only=True):
    """What may be changed."""

    places: list[PlaceRow]


class EditRow(Struct, frozen=True, kw_only=True):
    """One changed place."""

    path: str
    before: str | None
    after: str | None


class EditList(Struct, frozen=True, kw_only=True):
    """The difference; nothing was written."""

    edits: list[EditRow]


class Me(Struct, frozen=True, kw_only=True):
    """Whose token it is, the roles that count now, and the permissions they give."""

    username: str
    roles: list[str]
    permissions: list[str]


def amounts(minor: dict[str, int], text: Any) -> dict[str, str]:
    """Minor units by currency as decimal text."""
    return {currency: text(value, currency) for currency, value in minor.items()}


def fact_of(payload: str) -> Any:
    """A log entry's payload as data."""
    return msgspec.json.decode(payload)
