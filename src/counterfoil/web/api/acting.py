"""Endpoints that act on exceptions and on the refunds that wait for people.

Each goes through the same actions as the console's buttons. The version a caller read is compared inside the
transaction that acts.
"""

from __future__ import annotations

from datetime import datetime

from counterfoil.core.money import MoneyError, to_minor
from counterfoil.ports.actions import ActionError
from counterfoil.store.database import Row
from counterfoil.web.api import bodies, shapes
from counterfoil.web.api.endpoints import Call, Endpoint
from counterfoil.web.api.reading import PAGED
from counterfoil.web.formats import iso, plain_amount
from counterfoil.web.pages.act import needed_step
from counterfoil.web.pages.approvals import roles_of
from counterfoil.web.pages.problems import people
from counterfoil.web.refusals import Refusal
from counterfoil.web.system import current

DONE = shapes.Done()
PLACE_PARTS = 3


def _problem(call: Call, permission: str, version: int | None = None) -> Row:
    """The exception a call is about, as it stands now. Raises Refusal, or ActionError when it moved on."""
    with current().database.read() as tx:
        row = tx.one("problem_get", id=call.parts["problem_id"])
    if row is None:
        raise Refusal(404, "not-found", "There is no such exception.")
    call.allow(permission, row)
    if version is not None and row["version"] != version:
        raise ActionError(f"This exception is at version {row['version']} by now; read it again before you act.")
    return row


def assign(call: Call) -> shapes.Done:
    """Give it to a person, or back to the team."""
    row = _problem(call, "problems.work")
    if call.body.to is not None and call.body.to not in people():
        raise Refusal(422, "bad-body", f"There is nobody called {call.body.to!r} who could take it.")
    current().desk.assign(row["id"], call.body.version, call.body.to, call.who)
    return DONE


def comment(call: Call) -> shapes.Done:
    """Say something."""
    row = _problem(call, "problems.work")
    current().desk.comment(row["id"], call.body.text, call.who, frozenset(people()))
    return DONE


def snooze(call: Call) -> shapes.Done:
    """Let it rest."""
    row = _problem(call, "problems.work")
    when = call.body.or_when
    if when == "connection":
        when = f"connection:{row['connection']}" if row["connection"] else None
    current().desk.snooze(row["id"], call.body.version, _moment(call.body.until), when, call.who)
    return DONE


def _moment(text: str) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Refusal(422, "bad-body", "“until” is a moment with its zone, such as 2026-11-23T08:00:00Z.")
    return int(found.timestamp()) * 1000


def wake(call: Call) -> shapes.Done:
    """End the rest."""
    current().desk.wake(_problem(call, "problems.work")["id"], call.who)
    return DONE


def resolve(call: Call) -> shapes.Done:
    """Close it by hand."""
    row = _problem(call, "problems.resolve")
    current().desk.close(row["id"], call.body.version, call.who, call.body.reason)
    return DONE


def reopen(call: Call) -> shapes.Done:
    """Open it again."""
    row = _problem(call, "problems.work")
    current().desk.reopen(row["id"], call.body.version, call.who, call.body.reason)
    return DONE


def _open(call: Call, permission: str) -> Row:
    row = _problem(call, permission, call.body.version)
    if row["state"] != "open":
        raise ActionError("This exception was already closed.")
    return row


def retry(call: Call) -> shapes.Done:
    """Ask for the refused step again."""
    row = _open(call, "problems.retry")
    current().actions.retry(row["case_id"], needed_step(row), call.who, call.body.reason)
    return DONE


def accept(call: Call) -> shapes.Done:
    """Accept the difference."""
    row = _open(call, "problems.accept")
    if row["case_id"] is None:
        raise ActionError("It belongs to no return, so there is no difference to accept.")
    current().actions.accept(row["case_id"], row["kind"], call.who, call.body.reason)
    return DONE


def settle(call: Call) -> shapes.Done:
    """Record what a person did in the other system."""
    row = _open(call, "problems.settle")
    current().actions.settle(row["case_id"], needed_step(row), call.who, call.body.reason, call.body.number)
    return DONE


def approvals(call: Call) -> shapes.ApprovalList:
    """What waits for people, oldest first."""
    wanted = call.rows
    with current().database.read() as tx:
        rows = tx.rows("approvals_page", **_place(call.query.get("after", "")), page_rows=wanted + 1)
    shown = rows[:wanted]
    last = shown[-1] if len(rows) > wanted else None
    return shapes.ApprovalList(
        approvals=[_asked(row) for row in shown],
        next=f"{last['asked_ms']}~{last['case_id']}~{last['rule']}" if last else None,
    )


def _asked(row: Row) -> shapes.ApprovalRow:
    names = ("case_id", "order_name", "rule", "because", "currency", "method", "people", "given")
    return shapes.ApprovalRow(
        **{name: row[name] for name in names},
        amount=plain_amount(row["amount_minor"], row["currency"]),
        approvers=row["approvers"].split(","),
        asked_at=iso(row["asked_ms"]),
    )


def _place(text: str) -> dict[str, object]:
    parts = text.split("~", PLACE_PARTS - 1) if text else ["", "", ""]
    if len(parts) != PLACE_PARTS or (text and not (parts[0].isdigit() and len(parts[0]) < 18)):
        raise Refusal(422, "bad-query", "“after” names a place in the list that cannot be.")
    return {"after_ms": int(parts[0] or -1), "after_case": parts[1], "after_rule": parts[2]}


def answer(call: Call) -> shapes.Done:
    """Agree or refuse; whoever shaped the return cannot, which the action itself asks."""
    given = call.body
    try:
        minor = to_minor(given.amount, given.currency)
    except MoneyError as error:
        raise Refusal(422, "bad-body", f"The amount {given.amount!r} cannot be read: {error}.") from error
    roles = roles_of(call.request)
    current().actions.answer(given.case_id, given.rule, minor, call.who, roles, given.reason, agreed=given.agreed)
    return DONE


def _on(verb: str, permission: str, summary: str, work: object, body: object) -> Endpoint:
    return Endpoint(
        "POST",
        f"problems/<int:problem_id>/{verb}",
        f"problem_{verb}",
        permission,
        summary,
        work,  # type: ignore[arg-type]
        shapes.Done,
        body,
    )


ENDPOINTS = (
    _on("assign", "problems.work", "Give an exception to a person, or back to the team", assign, bodies.Assign),
    _on("comment", "problems.work", "Say something about an exception", comment, bodies.Comment),
    _on("snooze", "problems.work", "Let an exception rest", snooze, bodies.Snooze),
    _on("wake", "problems.work", "End a rest early", wake, bodies.Nothing),
    _on("resolve", "problems.resolve", "Close an exception by hand", resolve, bodies.VersionReason),
    _on("reopen", "problems.work", "Open a closed exception again", reopen, bodies.VersionReason),
    _on("retry", "problems.retry", "Ask for the refused step again", retry, bodies.VersionReason),
    _on("accept", "problems.accept", "Accept a difference as it is", accept, bodies.VersionReason),
    _on("settle", "problems.settle", "Record a document a person made", settle, bodies.Settle),
    Endpoint(
        "GET",
        "approvals",
        "approvals",
        "returns.view",
        "Refunds that wait for people",
        approvals,
        shapes.ApprovalList,
        query=PAGED,
    ),
    Endpoint(
        "POST",
        "approvals/answer",
        "approve",
        "refunds.approve",
        "Agree to a refund, or refuse it",
        answer,
        shapes.Done,
        bodies.Answer,
    ),
)
