"""Endpoints that read: returns, exceptions, the log, the proof."""

from __future__ import annotations

from typing import Any

import msgspec

from counterfoil.store import proofs
from counterfoil.store.console import COUNT_MAX, problems_page, returns_page, returns_totals
from counterfoil.store.database import now_ms
from counterfoil.web import filters
from counterfoil.web.access import PERMISSIONS, SIGNED_IN, may
from counterfoil.web.api import shapes
from counterfoil.web.api.endpoints import Call, Endpoint
from counterfoil.web.api.rows import log_entry, problem_row, return_row
from counterfoil.web.formats import iso, plain_amount
from counterfoil.web.pages.approvals import roles_of
from counterfoil.web.pages.case import sentence, units
from counterfoil.web.refusals import Refusal
from counterfoil.web.steps import read_case
from counterfoil.web.system import current, kind_of

NEWEST = 10**17
HISTORY_ROWS = 500
PAGED = {"rows": "How many rows, 1 to 500; 50 when not given.", "after": "The `next` of the page before."}
RETURN_TOKENS = {
    "q": "A whole reference: order, return, RMA, credit, tracking or refund number.",
    "progress": "open, waiting, finished, cancelled; several set apart by commas.",
    "stage": "What the portal says; several set apart by commas.",
    "portal": "Portals by vendor name.",
    "brand": "Brands.",
    "waits": "A reason to wait.",
    "problem": "Kinds of open exceptions.",
    "quiet": "No news for so long: 12h, 3d.",
}
PROBLEM_TOKENS = {
    "state": "open (the usual), resting or closed.",
    "owner": "Teams: finance, ops, cx, integration.",
    "kind": "Kinds of exceptions.",
    "brand": "Brands.",
    "severity": "Severities.",
    "assignee": "User names; “me” is the token's owner.",
    "cause": "A cause.",
    "late": "yes: past their target only.",
    "each": "yes: also those one fix of a shared cause may end.",
}


def returns(call: Call) -> shapes.ReturnList:
    """A page of returns with counts and sums."""
    chosen = filters.return_filter(call.query, now_ms())
    after, wanted = filters.read_cursor(call.query.get("after", "")), call.rows
    with current().database.read() as tx:
        rows = returns_page(tx, chosen, wanted + 1, after)
        totals = returns_totals(tx, chosen)
    more, rows = len(rows) > wanted, rows[:wanted]
    found = sum(row["returns"] for row in totals)
    sums = [
        shapes.Total(
            currency=row["currency"],
            returns=row["returns"],
            **{name: plain_amount(row[f"{name}_minor"], row["currency"]) for name in ("value", "refunded", "credited")},
        )
        for row in totals
    ]
    return shapes.ReturnList(
        sentence=filters.returns_sentence(call.query),
        returns=[return_row(row) for row in rows],
        totals=sums,
        count=min(found, COUNT_MAX),
        capped=found > COUNT_MAX,
        next=f"{rows[-1]['updated_ms']}~{rows[-1]['case_id']}" if more else None,
    )


def one_return(call: Call) -> shapes.ReturnDetail:
    """One return."""
    case_id = call.parts["case_id"]
    with current().database.read() as tx:
        row = tx.one("console_case", case_id=case_id)
        if row is None:
            raise Refusal(404, "not-found", f"There is no return {case_id!r}; it is named brand/portal/number.")
        documents = tx.rows("console_case_documents", case_id=case_id)
        problems = tx.rows("console_case_problems", case_id=case_id, rows=100)
    case = read_case(row["state"])
    open_now = [problem for problem in problems if problem["state"] == "open"]
    return shapes.ReturnDetail(
        row=return_row(row),
        sentence=sentence(row, open_now),
        units=[msgspec.convert(unit, shapes.UnitRow, from_attributes=True) for unit in units(case)],
        steps=[
            shapes.StepRow(step=s.step, name=s.name, state=s.state.value, number=s.number, message=s.message)
            for s in case.steps.values()
        ],
        documents=[
            shapes.DocumentRow(
                **{name: paper[name] for name in ("step", "kind", "connection", "ref", "number", "currency")},
                total=plain_amount(paper["total_minor"], paper["currency"]),
                at=iso(paper["at_ms"]),
            )
            for paper in documents
        ],
        exceptions=[problem_row({**problem, "order_name": row["order_name"]}) for problem in problems],
    )


def problems(call: Call) -> shapes.ProblemList:
    """A page of exceptions, first due first."""
    chosen = filters.problem_filter(call.query, now_ms(), call.who)
    cursor, wanted = filters.read_cursor(call.query.get("after", "")), call.rows
    after = (cursor[0], filters.number(cursor[1], "after")) if cursor else None
    with current().database.read() as tx:
        rows = problems_page(tx, chosen, wanted + 1, after)
    more, rows = len(rows) > wanted, rows[:wanted]
    return shapes.ProblemList(
        sentence=filters.problems_sentence(call.query),
        exceptions=[problem_row(row) for row in rows],
        next=f"{rows[-1]['sort_ms']}~{rows[-1]['id']}" if more else None,
    )


def one_problem(call: Call) -> shapes.ProblemDetail:
    """One exception with its runbook and history."""
    with current().database.read() as tx:
        row = tx.one("problem_get", id=call.parts["problem_id"])
        if row is None:
            raise Refusal(404, "not-found", "There is no such exception.")
        history = tx.rows("history_of", problem_id=row["id"], rows=HISTORY_ROWS)
    lines = [
        shapes.HistoryLine(at=iso(line["at_ms"]), by=line["by_whom"], what=line["what"], words=line["words"])
        for line in history
    ]
    return shapes.ProblemDetail(exception=problem_row(row), runbook=list(kind_of(row["kind"]).runbook), history=lines)


def audit(call: Call) -> shapes.LogList:
    """The log, newest first."""
    stream, wanted = call.query.get("return", ""), call.rows
    before = filters.number(call.query.get("before", str(NEWEST)), "before")
    name = "console_audit_stream" if stream else "console_audit"
    values: dict[str, Any] = {"stream": stream} if stream else {}
    with current().database.read() as tx:
        rows = tx.rows(name, **values, before=before, rows=wanted + 1)
    shown = rows[:wanted]
    following = str(shown[-1]["id"]) if len(rows) > wanted else None
    return shapes.LogList(entries=[log_entry(row) for row in shown], next=following)


def proof(call: Call) -> shapes.Proof:
    """The newest run."""
    with current().database.read() as tx:
        row = proofs.last(tx)
    if row is None:
        return shapes.Proof(run=None)
    run = shapes.ProofRun(
        as_of=row["as_of"],
        since=row["since"],
        finished_at=iso(row["finished_ms"]),
        balanced=bool(row["balanced"]),
        open_records=row["open_records"],
        summary=msgspec.json.decode(row["summary"]),
        trouble=msgspec.json.decode(row["trouble"]),
    )
    return shapes.Proof(run=run)


def me(call: Call) -> shapes.Me:
    """Whose token this is."""
    granted = [name for name in sorted(PERMISSIONS) if may(call.request, name)]
    return shapes.Me(username=call.who, roles=list(roles_of(call.request)), permissions=granted)


BEFORE = {"before": "The `next` of the page before.", "rows": PAGED["rows"]}

ENDPOINTS = (
    Endpoint("GET", "me", "me", SIGNED_IN, "Whose token this is, and what it may do", me, shapes.Me),
    Endpoint(
        "GET",
        "returns",
        "returns",
        "returns.view",
        "Returns, newest change first",
        returns,
        shapes.ReturnList,
        query=RETURN_TOKENS | PAGED,
    ),
    Endpoint("GET", "returns/<path:case_id>", "return", "returns.view", "One return", one_return, shapes.ReturnDetail),
    Endpoint(
        "GET",
        "problems",
        "problems",
        "returns.view",
        "Exceptions, first due first",
        problems,
        shapes.ProblemList,
        query=PROBLEM_TOKENS | PAGED,
    ),
    Endpoint(
        "GET",
        "problems/<int:problem_id>",
        "problem",
        "returns.view",
        "One exception with its runbook and history",
        one_problem,
        shapes.ProblemDetail,
    ),
    Endpoint(
        "GET",
        "audit",
        "audit",
        "audit.view",
        "The log, newest first",
        audit,
        shapes.LogList,
        query={"return": "Only this return's entries: brand/portal/number.", **BEFORE},
    ),
    Endpoint("GET", "proof", "proof", "returns.view", "The newest run of the proof", proof, shapes.Proof),
)
