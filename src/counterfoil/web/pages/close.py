"""The close on the console: months, who signed them, and their packs to take away. Signing is done on the command line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import msgspec
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from counterfoil.closing.closepack import PREPARER, REVIEWER, Pack
from counterfoil.closing.closepack_html import page as as_html
from counterfoil.closing.closepack_period import CloseError
from counterfoil.store import signoffs
from counterfoil.store.database import Row, now_ms
from counterfoil.web.access import page
from counterfoil.web.errors import unprocessable
from counterfoil.web.formats import instant
from counterfoil.web.system import current

MONTHS = 12
SIGNED_ROWS = 240


def _pdf(pack: Pack) -> bytes:
    from counterfoil.closing.closepack_pdf import document  # the library is heavy, and few open the file

    return document(pack)


def _xlsx(pack: Pack) -> bytes:
    from counterfoil.closing.closepack_xlsx import workbook

    return workbook(pack)


FORMS: dict[str, tuple[str, Callable[[Pack], bytes]]] = {
    "pdf": ("application/pdf", _pdf),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _xlsx),
    "html": ("text/html; charset=utf-8", lambda pack: as_html(pack).encode()),
    "json": ("application/json; charset=utf-8", msgspec.json.encode),
}


@page("audit.view")
@require_safe
def close_page(request: HttpRequest) -> HttpResponse:
    """The newest months and every signed one."""
    with current().database.read() as tx:
        signed = signoffs.newest(tx, SIGNED_ROWS)
    by_month: dict[str, dict[str, Row]] = {}
    for row in signed:
        by_month.setdefault(row["period"], {})[row["role"]] = row
    today = instant(now_ms()).date()
    rows = [
        _row(name, by_month.get(name, {}), running=name == f"{today:%Y-%m}")
        for name in sorted({*months(today), *by_month}, reverse=True)
    ]
    return render(request, "close.html", {"rows": rows, "forms": tuple(FORMS), "there": current().closing is not None})


@page("audit.view")
@require_safe
def close_file(request: HttpRequest, period: str, form: str) -> HttpResponse:
    """One pack in one form."""
    office = current().closing
    if form not in FORMS or office is None:
        raise Http404("There is no such file.")
    try:
        pack = office.pack(period)
    except CloseError as error:
        return unprocessable(request, str(error), reverse("close"))
    kind, make = FORMS[form]
    answer = HttpResponse(make(pack), content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="closepack-{pack.period}.{form}"'
    return answer


def months(today: date) -> list[str]:
    """The running month and those before it, by name."""
    found, day = [], today.replace(day=1)
    for _ in range(MONTHS):
        found.append(f"{day:%Y-%m}")
        day = (day - timedelta(days=1)).replace(day=1)
    return found


def _row(name: str, signed: dict[str, Row], *, running: bool) -> dict[str, object]:
    state = ("finished", "Locked") if REVIEWER in signed else ("waiting", "Prepared") if PREPARER in signed else None
    state = state or (("open", "Running") if running else ("open", "Not signed"))
    return {
        "period": name,
        "tone": state[0],
        "words": state[1],
        **{role: signed.get(role) for role in (PREPARER, REVIEWER)},
    }
