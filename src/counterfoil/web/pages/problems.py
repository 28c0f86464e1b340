"""The inbox: what is open, first due first, with the causes that hold most above it; and doing it, one or many."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from counterfoil.store import problems as stored
from counterfoil.store.console import ProblemFilter, problems_page
from counterfoil.store.database import Row, Transaction, now_ms
from counterfoil.web import exports, filters
from counterfoil.web.access import page
from counterfoil.web.causes import Cause, cause_address, cause_title, priced
from counterfoil.web.errors import unprocessable
from counterfoil.web.formats import iso, plain_amount
from counterfoil.web.offers import edit_address, offers
from counterfoil.web.pages.today import owner_cards
from counterfoil.web.pages.views import views_of
from counterfoil.web.steps import read_case
from counterfoil.web.system import current, kind_of

PAGE_ROWS = 50
TOP_CAUSES = 8
MINE_MAX = 1_000
TOKENS = ("state", "owner", "kind", "brand", "severity", "assignee", "cause", "late", "each")
COLUMNS = (
    "id",
    "brand",
    "case_id",
    "order_name",
    "kind",
    "cause",
    "subject",
    "owner",
    "assignee",
    "severity",
    "message",
    "amount",
    "currency",
    "units",
    "state",
    "opened_at",
    "due_at",
    "resting_until",
    "closed_at",
    "closed_by",
    "closed_because",
    "came_back",
)


@page("returns.view")
@require_safe
def problems_list(request: HttpRequest) -> HttpResponse:
    """The page."""
    read = asked(request)
    if isinstance(read, HttpResponse):
        return read
    chosen, after = read
    query, who = request.GET.dict(), request.user.get_username()
    with current().database.read() as tx:
        rows = problems_page(tx, chosen, PAGE_ROWS + 1, after)
        open_now = stored.open_by_cause(tx)
        mine = tx.one("problems_mine", who=who, rows=MINE_MAX) or {"problems": 0}
        shown = with_offers(request, tx, rows[:PAGE_ROWS], chosen)
        views = views_of(tx, request, "problems")
    causes = priced(open_now)
    top = _top(causes, chosen)
    context = {
        "rows": shown,
        "causes": top[:TOP_CAUSES],
        "further_causes": len(top) - len(top[:TOP_CAUSES]),
        "in_causes": sum(cause.problems for cause in top),
        "cause_count": len(causes),
        "cards": owner_cards(open_now),
        "mine": mine["problems"],
        "resting": sum(cause.resting for cause in causes),
        "tokens": filters.problem_tokens(query),
        "query": filters.query_string(query, TOKENS),
        "sentence": filters.problems_sentence(query),
        "chosen": chosen,
        "following": f"{rows[PAGE_ROWS - 1]['sort_ms']}~{rows[PAGE_ROWS - 1]['id']}" if len(rows) > PAGE_ROWS else "",
        "after": request.GET.get("after", ""),
        "kinds": sorted({(row["kind"], kind_of(row["kind"]).title) for row in open_now}, key=lambda item: item[1]),
        "connected": bool(current().connections),
        "views": views,
        "people": people(),
        "who": who,
    }
    return render(request, "problems.html", context)


@page("returns.view")
@require_safe
def problems_csv(request: HttpRequest) -> HttpResponse:
    """The rows as a file; a further file is named in the Link header."""
    found = _all_rows(request)
    if isinstance(found, HttpResponse):
        return found
    rows, following = found
    answer = exports.as_csv("exceptions", [_exported(row) for row in rows], COLUMNS, frozenset({"amount"}))
    if following:
        answer["Link"] = f'<{following}>; rel="next"'
    return answer


@page("returns.view")
@require_safe
def problems_json(request: HttpRequest) -> HttpResponse:
    """The rows as data."""
    found = _all_rows(request)
    if isinstance(found, HttpResponse):
        return found
    rows, following = found
    sentence = filters.problems_sentence(request.GET.dict())
    return exports.as_json("exceptions", [_exported(row) for row in rows], sentence, following)


def asked(request: HttpRequest) -> tuple[ProblemFilter, tuple[int, int] | None] | HttpResponse:
    """The filter and the place an address asks for, or the answer that says why not."""
    try:
        chosen = filters.problem_filter(request.GET.dict(), now_ms(), request.user.get_username())
        cursor = filters.read_cursor(request.GET.get("after", ""))
        after = (cursor[0], filters.number(cursor[1], "after")) if cursor else None
    except filters.FilterError as error:
        return unprocessable(request, str(error), reverse("problems"))
    return chosen, after


def with_offers(request: HttpRequest, tx: Transaction, rows: list[Row], chosen: ProblemFilter) -> list[dict[str, Any]]:
    """Each row as the list shows it: its cause in words, whether it is late, what this person may do to it."""
    now, cases = now_ms(), {}
    if chosen.state != "closed":
        for case_id in {row["case_id"] for row in rows if row["case_id"]}:
            state = tx.one("console_case_state", case_id=case_id)
            cases[case_id] = read_case(state["state"]) if state else None
    return [
        {
            **row,
            "late": row["state"] == "open" and row["due_ms"] < now,
            "cause_title": cause_title(row["cause"]),
            "cause_url": cause_address(row["brand"], row["cause"]),
            "offers": offers(request.user, row, cases.get(row["case_id"])) if row["state"] == "open" else [],
            "edit_url": edit_address(request.user, row, cases.get(row["case_id"])) if row["state"] == "open" else "",
        }
        for row in rows
    ]


def people() -> list[str]:
    """Names of those who can work, for assigning and mentioning."""
    from django.contrib.auth.models import User

    names = User.objects.filter(is_active=True, groups__name__in=("finance", "ops", "cx", "integration", "admin"))
    return sorted(set(names.values_list("username", flat=True)[:500]))


def _top(causes: list[Cause], chosen: ProblemFilter) -> list[Cause]:
    """The causes that hold most, for the teams the list is about; none on a list of something else."""
    wanted = [cause for cause in causes if cause.shared and cause.problems]
    return [cause for cause in wanted if not chosen.owner or cause.owner in chosen.owner] if chosen.alone else []


def _all_rows(request: HttpRequest) -> tuple[list[Row], str | None] | HttpResponse:
    read = asked(request)
    if isinstance(read, HttpResponse):
        return read
    with current().database.read() as tx:
        rows = problems_page(tx, read[0], exports.ROWS_MAX + 1, read[1])
    if len(rows) <= exports.ROWS_MAX:
        return rows, None
    last = rows[exports.ROWS_MAX - 1]
    after = f"{last['sort_ms']}~{last['id']}"
    query = filters.query_string({**request.GET.dict(), "after": after}, (*TOKENS, "after"))
    return rows[: exports.ROWS_MAX], f"{request.path}?{query}"


def _exported(row: Row) -> dict[str, Any]:
    shown = {column: row.get(column) for column in COLUMNS}
    shown["amount"] = plain_amount(row["amount_minor"], row["currency"])
    for name, column in (
        ("opened_at", "opened_ms"),
        ("due_at", "due_ms"),
        ("closed_at", "closed_ms"),
        ("resting_until", "snoozed_until_ms"),
    ):
        shown[name] = iso(row[column])
    return shown
