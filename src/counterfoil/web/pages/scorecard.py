"""The weekly scorecard on the console: each KPI as a chart with its table, and what returns cost."""

from __future__ import annotations

from typing import Any

import msgspec
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from markupsafe import Markup

from counterfoil.closing.closepack_period import CloseError
from counterfoil.closing.scorecard import WEEKS_MAX, Scorecard
from counterfoil.closing.scorecard_html import chart, kpi_csv, met
from counterfoil.web.access import page
from counterfoil.web.errors import unprocessable
from counterfoil.web.system import current

WEEKS = 8
KEPT_S = 300  # a scorecard is read by many on one morning and made once


@page("returns.view")
@require_safe
def scorecard_page(request: HttpRequest) -> HttpResponse:
    """The page."""
    try:
        score = _score(request)
    except CloseError as error:
        return unprocessable(request, str(error), reverse("scorecard"))
    cards = _cards(score) if score is not None else []
    return render(request, "scorecard.html", {"score": score, "cards": cards, "met": met})


def _cards(score: Scorecard) -> list[dict[str, Any]]:
    """Each KPI with its chart and the rows of the table beside it."""
    labels = [week.label for week in score.weeks]
    return [
        {
            "card": card,
            "chart": Markup(chart(card, labels)),  # noqa: S704 - our own drawing, whose texts are escaped
            "rows": list(zip(score.weeks, card.points, strict=True)),
        }
        for card in score.cards
    ]


@page("returns.view")
@require_safe
def scorecard_csv(request: HttpRequest) -> HttpResponse:
    """The KPIs as a file."""
    score = _score(request)
    answer = HttpResponse(kpi_csv(score) if score is not None else "", content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="kpis.csv"'
    return answer


@page("returns.view")
@require_safe
def scorecard_json(request: HttpRequest) -> HttpResponse:
    """The whole scorecard, tables included."""
    return HttpResponse(msgspec.json.encode(_score(request)), content_type="application/json; charset=utf-8")


def _score(request: HttpRequest) -> Scorecard | None:
    """The scorecard of as many weeks as the address asks for; None where nothing is set up."""
    office = current().closing
    if office is None:
        return None
    asked = request.GET.get("weeks", "")
    weeks = min(max(int(asked), 1), WEEKS_MAX) if asked.isdecimal() and len(asked) < 4 else WEEKS
    found: Scorecard | None = cache.get(f"scorecard/{weeks}")
    if found is None:
        found = office.scorecard(weeks)
        cache.set(f"scorecard/{weeks}", found, KEPT_S)
    return found
