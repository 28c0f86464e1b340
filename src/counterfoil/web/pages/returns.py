"""The list of returns: filters in the address, counts and sums, paged by key; the same rows as CSV and JSON."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from counterfoil.store.console import COUNT_MAX, Cursor, known_values, returns_page, returns_totals
from counterfoil.store.database import Row, now_ms
from counterfoil.web import exports, filters
from counterfoil.web.access import page
from counterfoil.web.errors import unprocessable
from counterfoil.web.formats import counted, iso, plain_amount
from counterfoil.web.pages.views import views_of
from counterfoil.web.system import current

PAGE_ROWS = 50
CHANGED_MAX = 99
TOKENS = ("q", "progress", "stage", "portal", "brand", "waits", "problem", "quiet")

COLUMNS = (
    "case_id",
    "brand",
    "portal",
    "return_id",
    "order_name",
    "stage",
    "progress",
    "waits_for",
    "problems_open",
    "units_returned",
    "units_received",
    "currency",
    "value",
    "refunded",
    "credited",
    "rma_number",
    "credit_number",
    "opened_at",
    "updated_at",
)
AMOUNTS = frozenset({"value", "refunded", "credited"})


@page("returns.view")
@require_safe
def returns_list(request: HttpRequest) -> HttpResponse:
    """The page; for htmx only its results."""
    now = now_ms()
    try:
        chosen = filters.return_filter(request.GET.dict(), now)
        after = filters.read_cursor(request.GET.get("after", ""))
    except filters.FilterError as error:
        return unprocessable(request, str(error), reverse("returns"))
    query = request.GET.dict()
    with current().database.read() as tx:
        rows = returns_page(tx, chosen, PAGE_ROWS + 1, after)
        totals = returns_totals(tx, chosen)
        offers = known_values(tx)
        views = views_of(tx, request, "returns")
    shown, more = rows[:PAGE_ROWS], len(rows) > PAGE_ROWS
    counted_rows = sum(row["returns"] for row in totals)
    context = {
        "rows": shown,
        "totals": totals,
        "count": min(counted_rows, COUNT_MAX),
        "capped": counted_rows > COUNT_MAX,
        "tokens": filters.return_tokens(query),
        "sentence": filters.returns_sentence(query),
        "description": filters.description(filters.return_tokens(query)),
        "query": filters.query_string(query, TOKENS),
        "chosen": {name: query.get(name, "") for name in TOKENS},
        "offers": offers,
        "after": request.GET.get("after", ""),
        "following": _cursor_text(shown[-1]) if more else "",
        "since_ms": now,
        "views": views,
        "connected": bool(current().connections),
    }
    template = "parts/returns_results.html" if getattr(request, "htmx", False) else "returns.html"
    return render(request, template, context)


@page("returns.view")
@require_safe
def returns_csv(request: HttpRequest) -> HttpResponse:
    """The rows as a file; a further file is named in the Link header."""
    found = _all_rows(request)
    if isinstance(found, HttpResponse):
        return found
    rows, following = found
    answer = exports.as_csv("returns", [_exported(row) for row in rows], COLUMNS, AMOUNTS)
    if following:
        answer["Link"] = f'<{following}>; rel="next"'
    return answer


@page("returns.view")
@require_safe
def returns_json(request: HttpRequest) -> HttpResponse:
    """The rows as data."""
    found = _all_rows(request)
    if isinstance(found, HttpResponse):
        return found
    rows, following = found
    sentence = filters.returns_sentence(request.GET.dict())
    return exports.as_json("returns", [_exported(row) for row in rows], sentence, following)


@page("returns.view")
@require_safe
def changed(request: HttpRequest) -> HttpResponse:
    """How many returns changed since a moment: the counter behind which new rows wait."""
    try:
        since = filters.number(request.GET.get("since", ""), "since")
    except filters.FilterError as error:
        return unprocessable(request, str(error), reverse("returns"))
    with current().database.read() as tx:
        row = tx.one("console_changed_since", since_ms=since, rows=CHANGED_MAX + 1) or {"returns": 0}
    number = row["returns"]
    text = f"{CHANGED_MAX}+ returns" if number > CHANGED_MAX else counted(number, "return")
    context = {"number": number, "text": text, "since_ms": since}
    return render(request, "parts/changed.html", context)


def _all_rows(request: HttpRequest) -> tuple[list[Row], str | None] | HttpResponse:
    try:
        chosen = filters.return_filter(request.GET.dict(), now_ms())
        after = filters.read_cursor(request.GET.get("after", ""))
    except filters.FilterError as error:
        return unprocessable(request, str(error), reverse("returns"))
    rows = _read(chosen, after)
    if len(rows) <= exports.ROWS_MAX:
        return rows, None
    kept = rows[: exports.ROWS_MAX]
    query = filters.query_string({**request.GET.dict(), "after": _cursor_text(kept[-1])}, (*TOKENS, "after"))
    return kept, f"{request.path}?{query}"


def _read(chosen: Any, after: Cursor | None) -> list[Row]:
    with current().database.read() as tx:
        return returns_page(tx, chosen, exports.ROWS_MAX + 1, after)


def _cursor_text(row: Row) -> str:
    return f"{row['updated_ms']}~{row['case_id']}"


def _exported(row: Row) -> dict[str, Any]:
    """A row for files: amounts as decimal text, moments as RFC 3339, null for unknown."""
    shown = {column: row.get(column) for column in COLUMNS}
    for name in AMOUNTS:
        shown[name] = plain_amount(row[f"{name}_minor"], row["currency"])
    shown["opened_at"], shown["updated_at"] = (iso(row["opened_ms"]), iso(row["updated_ms"]))
    return shown
