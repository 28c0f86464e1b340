"""The log, newest first: who did what to which return, and the seal that covers it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from counterfoil.store.database import Row, Transaction
from counterfoil.web import filters, timeline
from counterfoil.web.access import page
from counterfoil.web.errors import unprocessable
from counterfoil.web.steps import read_case
from counterfoil.web.system import current

PAGE_ROWS = 100
NEWEST = 10**17


@page("audit.view")
@require_safe
def audit_page(request: HttpRequest) -> HttpResponse:
    """The page."""
    stream = request.GET.get("return", "").strip()
    text = request.GET.get("before", "")
    try:
        before = filters.number(text, "before") if text else NEWEST
        filters.values({"return": stream}, "return")
    except filters.FilterError as error:
        return unprocessable(request, str(error), reverse("audit"))
    with current().database.read() as tx:
        rows = _rows(tx, stream, before)
        seal = tx.one("console_last_seal")
        shown = rows[:PAGE_ROWS]
        steps = _steps(tx, {row["stream"] for row in shown if not row["stream"].startswith("system/")})
    context = {
        "rows": [_told(row, steps.get(row["stream"], {})) for row in shown],
        "seal": seal,
        "stream": stream,
        "following": shown[-1]["id"] if len(rows) > PAGE_ROWS else None,
        "before": text,
    }
    return render(request, "audit.html", context)


def _rows(tx: Transaction, stream: str, before: int) -> list[Row]:
    if stream:
        return tx.rows("console_audit_stream", stream=stream, before=before, rows=PAGE_ROWS + 1)
    return tx.rows("console_audit", before=before, rows=PAGE_ROWS + 1)


def _steps(tx: Transaction, streams: set[str]) -> dict[str, dict[str, str]]:
    """For each return on the page, which command each of its steps is."""
    found = {}
    for stream in streams:
        row = tx.one("console_case_state", case_id=stream)
        case = read_case(row["state"]) if row else None
        found[stream] = {name: step.name for name, step in case.steps.items()} if case else {}
    return found


def _told(row: Row, steps: dict[str, str]) -> dict[str, Any]:
    entry = timeline.entries([row], steps)[0]
    return {**row, "entry": entry, "is_return": not row["stream"].startswith("system/")}
