"""One return: its story on the left; its money, units, documents and exceptions on the right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from counterfoil.core.case import ReturnCase, Unit
from counterfoil.store import decisions
from counterfoil.store.database import Row
from counterfoil.web import filters, timeline, words
from counterfoil.web.access import page
from counterfoil.web.errors import unprocessable
from counterfoil.web.formats import counted
from counterfoil.web.moneypanel import panel
from counterfoil.web.offers import edit_address, offers
from counterfoil.web.papers import papers
from counterfoil.web.sides import four_sides
from counterfoil.web.steps import read_case
from counterfoil.web.system import current, kind_of

LOG_ROWS = 200
PROBLEM_ROWS = 100
NEWEST = 10**17


@dataclass(frozen=True, slots=True)
class UnitShown:
    """Units alike in every respect, counted together."""

    quantity: int
    sku: str | None
    reason: str
    reception: str
    acceptance: str
    disposition: str
    place: str
    booked: bool
    credited: bool


@page("returns.view")
@require_safe
def return_page(request: HttpRequest, case_id: str) -> HttpResponse:
    """The page of one return."""
    try:
        before = filters.number(request.GET.get("before") or str(NEWEST), "before")
    except filters.FilterError as error:
        return unprocessable(request, str(error), request.path)
    with current().database.read() as tx:
        row = tx.one("console_case", case_id=case_id)
        if row is None:
            raise Http404
        log = tx.rows("console_case_log", stream=case_id, before=before, rows=LOG_ROWS + 1)
        documents = tx.rows("console_case_documents", case_id=case_id)
        problems = tx.rows("console_case_problems", case_id=case_id, rows=PROBLEM_ROWS)
        credit = tx.one("console_case_credit", case_id=case_id)
        verdicts = decisions.of_case(tx, case_id)
        asked = len(tx.rows("approvals_of_case", case_id=case_id))
    case = read_case(row["state"])
    open_problems = [_with_offers(request, problem, case) for problem in problems if problem["state"] == "open"]
    context = {
        "row": row,
        "case": case,
        "title": row["order_name"] or row["return_id"],
        "entries": _story(log[:LOG_ROWS], case),
        "earlier": log[LOG_ROWS - 1]["seq"] if len(log) > LOG_ROWS else None,
        "decision": verdicts[-1] if verdicts else None,
        "verdicts": verdicts,
        "asked": asked,
        "money": panel(case, row, credit),
        "units": units(case),
        "papers": papers(case, documents, current().connections),
        "open_problems": open_problems,
        "past_problems": [problem for problem in problems if problem["state"] != "open"],
        "sides": four_sides(case),
        "sentence": sentence(row, open_problems),
    }
    return render(request, "return.html", context)


def _story(log: list[Row], case: ReturnCase) -> list[timeline.Entry]:
    steps = {name: step.name for name, step in case.steps.items()}
    return timeline.entries(reversed(log), steps)


def _with_offers(request: HttpRequest, problem: Row, case: ReturnCase) -> dict[str, Any]:
    return {
        **problem,
        "offers": offers(request.user, problem, case),
        "edit_url": edit_address(request.user, problem, case),
    }


def units(case: ReturnCase) -> list[UnitShown]:
    """The units table: equal units are one row."""
    counts: dict[tuple[Any, ...], int] = {}
    for unit in case.units:
        key = _unit_key(unit)
        counts[key] = counts.get(key, 0) + 1
    return [UnitShown(quantity, *key) for key, quantity in counts.items()]


def _unit_key(unit: Unit) -> tuple[Any, ...]:
    return (
        unit.sku,
        words.plain(unit.reason or ""),
        words.RECEPTION[unit.reception],
        words.ACCEPTANCE[unit.acceptance],
        words.DISPOSITION[unit.disposition] if unit.disposition else "",
        " · ".join(part for part in (unit.warehouse, unit.location) if part),
        unit.posted_by is not None,
        unit.credited_by is not None,
    )


def sentence(row: Row, open_problems: list[dict[str, Any]]) -> str:
    """Where the return stands, in a sentence or two: what stops it, else what it waits for."""
    stopping = [problem for problem in open_problems if problem["severity"] == "blocks"]
    parts = []
    if stopping:
        title = kind_of(stopping[0]["kind"]).title
        parts.append(f"Stopped: {title[:1].lower()}{title[1:]}.")
    elif row["progress"] == "waiting" and row["waits_for"]:
        parts.append(f"Waiting: {words.spoken(row['waits_for'])}.")
    if row["units_returned"]:
        parts.append(f"{row['units_received']} of {counted(row['units_returned'], 'unit')} received.")
    return " ".join(parts)
