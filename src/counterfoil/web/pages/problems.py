"""The list of exceptions, by owner and kind: what each kind holds, what to do about it, and doing it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from counterfoil.core.problems import ProblemKind
from counterfoil.store.console import ProblemFilter, problems_page
from counterfoil.store.database import Row, Transaction, now_ms
from counterfoil.web import exports, filters, words
from counterfoil.web.access import page
from counterfoil.web.errors import unprocessable
from counterfoil.web.formats import iso, plain_amount
from counterfoil.web.offers import offers
from counterfoil.web.pages.today import owner_cards
from counterfoil.web.steps import read_case
from counterfoil.web.system import current, kind_of

PAGE_ROWS = 100
TOKENS = ("state", "owner", "kind", "brand", "severity")
COLUMNS = (
    "id",
    "brand",
    "case_id",
    "order_name",
    "kind",
    "subject",
    "owner",
    "severity",
    "message",
    "amount",
    "currency",
    "units",
    "state",
    "opened_at",
    "closed_at",
    "closed_by",
    "closed_because",
    "came_back",
)


@dataclass(slots=True)
class KindGroup:
    """The exceptions of one kind for one owner on this page."""

    owner: str
    kind: ProblemKind
    rows: list[dict[str, Any]] = field(default_factory=list)
    held: dict[str, int] = field(default_factory=dict)
    overdue: int = 0


@page("returns.view")
@require_safe
def problems_list(request: HttpRequest) -> HttpResponse:
    """The page."""
    read = _asked(request)
    if isinstance(read, HttpResponse):
        return read
    chosen, after = read
    query = request.GET.dict()
    with current().database.read() as tx:
        rows = problems_page(tx, chosen, PAGE_ROWS + 1, after)
        summary = tx.rows("console_problem_summary")
        shown = _with_offers(request, tx, rows[:PAGE_ROWS], chosen)
    context = {
        "groups": group(shown, now_ms()),
        "cards": owner_cards(summary),
        "tokens": filters.problem_tokens(query),
        "query": filters.query_string(query, TOKENS),
        "chosen": chosen,
        "following": _cursor_text(rows[PAGE_ROWS - 1]) if len(rows) > PAGE_ROWS else "",
        "after": request.GET.get("after", ""),
        "kinds": _kinds(summary),
        "connected": bool(current().connections),
    }
    return render(request, "problems.html", context)


@page("returns.view")
@require_safe
def problems_csv(request: HttpRequest) -> HttpResponse:
    """The rows as a file."""
    found = _all_rows(request)
    if isinstance(found, HttpResponse):
        return found
    return exports.as_csv("exceptions", [_exported(row) for row in found], COLUMNS, frozenset({"amount"}))


@page("returns.view")
@require_safe
def problems_json(request: HttpRequest) -> HttpResponse:
    """The rows as data."""
    found = _all_rows(request)
    if isinstance(found, HttpResponse):
        return found
    return exports.as_json("exceptions", [_exported(row) for row in found], "Exceptions, oldest first", None)


def group(rows: list[dict[str, Any]], now: int) -> list[KindGroup]:
    """Rows by owner (in the house order), then kind, the kind with the oldest row first."""
    found: dict[tuple[str, str], KindGroup] = {}
    for row in rows:
        key = (row["owner"], row["kind"])
        part = found.setdefault(key, KindGroup(row["owner"], kind_of(row["kind"])))
        row["overdue"] = row["state"] == "open" and now - row["opened_ms"] > part.kind.target_hours * 3_600_000
        part.rows.append(row)
        part.overdue += row["overdue"]
        if row["amount_minor"] is not None and row["currency"]:
            part.held[row["currency"]] = part.held.get(row["currency"], 0) + row["amount_minor"]
    order = list(words.OWNER)
    return sorted(found.values(), key=lambda part: order.index(part.owner) if part.owner in order else len(order))


def _asked(request: HttpRequest) -> tuple[ProblemFilter, tuple[int, int] | None] | HttpResponse:
    try:
        chosen = filters.problem_filter(request.GET.dict())
        cursor = filters.read_cursor(request.GET.get("after", ""))
        after = (cursor[0], filters.number(cursor[1], "after")) if cursor else None
    except filters.FilterError as error:
        return unprocessable(request, str(error), reverse("problems"))
    return chosen, after


def _with_offers(request: HttpRequest, tx: Transaction, rows: list[Row], chosen: ProblemFilter) -> list[dict[str, Any]]:
    """Each open row with what this person may do to it; a return's state is read once."""
    if chosen.state != "open":
        return [{**row, "offers": []} for row in rows]
    cases = {}
    for case_id in {row["case_id"] for row in rows if row["case_id"]}:
        state = tx.one("console_case_state", case_id=case_id)
        cases[case_id] = read_case(state["state"]) if state else None
    return [{**row, "offers": offers(request.user, row, cases.get(row["case_id"]))} for row in rows]


def _kinds(summary: list[Row]) -> list[tuple[str, str]]:
    return sorted({(row["kind"], kind_of(row["kind"]).title) for row in summary}, key=lambda item: item[1])


def _all_rows(request: HttpRequest) -> list[Row] | HttpResponse:
    read = _asked(request)
    if isinstance(read, HttpResponse):
        return read
    with current().database.read() as tx:
        return problems_page(tx, read[0], exports.ROWS_MAX, read[1])


def _cursor_text(row: Row) -> str:
    return f"{row['opened_ms']}~{row['id']}"


def _exported(row: Row) -> dict[str, Any]:
    shown = {column: row.get(column) for column in COLUMNS}
    shown["amount"] = plain_amount(row["amount_minor"], row["currency"])
    shown["opened_at"], shown["closed_at"] = (iso(row["opened_ms"]), iso(row["closed_ms"]))
    return shown
