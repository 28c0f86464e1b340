"""One exception: what happened, what it holds, what to do, what was done; and the work on it.

Every form carries the version the reader saw. What a person wrote is shown again when it could not be kept.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from counterfoil.ports.actions import ActionError
from counterfoil.ports.desk import COMMENT_MAX, REASON_MAX
from counterfoil.store.console import ProblemFilter
from counterfoil.store.database import Row, now_ms
from counterfoil.web.access import may, page, who_may
from counterfoil.web.errors import see_other, unprocessable
from counterfoil.web.formats import counted
from counterfoil.web.pages.act import AT_ONCE_MAX, back_to
from counterfoil.web.pages.problems import people, with_offers
from counterfoil.web.system import current, kind_of

HISTORY_ROWS = 500
HOUR_MS = 3_600_000
RESTS = {"1h": 1, "4h": 4, "1d": 24, "3d": 72, "7d": 168, "14d": 336}
"""How long an exception can rest, in hours, by the words of the form."""


@page("returns.view")
@require_safe
def problem_page(request: HttpRequest, problem_id: int) -> HttpResponse:
    """The page; opening it marks mentions of the reader as read."""
    current().desk.seen(problem_id, request.user.get_username())
    return _shown(request, problem_id)


def _shown(request: HttpRequest, problem_id: int, wrong: str = "", draft: str = "", status: int = 200) -> HttpResponse:
    with current().database.read() as tx:
        row = tx.one("problem_get", id=problem_id)
        if row is None:
            raise Http404
        case = tx.one("console_case", case_id=row["case_id"]) if row["case_id"] else None
        named = {**row, **{name: case[name] if case else None for name in ("order_name", "portal", "return_id")}}
        (problem,) = with_offers(request, tx, [named], ProblemFilter())
        history = tx.rows("history_of", problem_id=problem_id, rows=HISTORY_ROWS)
    context = {
        "problem": problem,
        "kind": kind_of(row["kind"]),
        "case": case,
        "history": history,
        "people": people(),
        "who": request.user.get_username(),
        "rests": [("1h", "an hour"), ("4h", "four hours"), ("1d", "a day"), ("3d", "three days"), ("7d", "a week")],
        "wrong": wrong,
        "draft": draft[: COMMENT_MAX * 2],
        "comment_max": COMMENT_MAX,
    }
    return render(request, "problem.html", context, status=status)


@page("problems.work")
@require_POST
def comment(request: HttpRequest, problem_id: int) -> HttpResponse:
    """Say something; what does not fit is shown again with the reason."""
    text = request.POST.get("text", "")
    try:
        current().desk.comment(problem_id, text, request.user.get_username(), frozenset(people()))
    except ActionError as error:
        return _shown(request, problem_id, str(error), text, 422)
    messages.success(request, "Your comment is kept.")
    return see_other(f"{reverse('problem', args=[problem_id])}#history")


Act = Callable[[Row, int], None]


@page("problems.work")
@require_POST
def assign(request: HttpRequest) -> HttpResponse:
    """Give exceptions to a person, to oneself, or back to the team."""
    to = request.POST.get("to", "").strip() or None
    by = request.user.get_username()
    if to is not None and to not in people():
        return unprocessable(request, f"There is nobody called {to!r} who could take it.", back_to(request))
    words = f"given to {to}" if to else "given back to the team"
    return _each(request, lambda row, version: current().desk.assign(row["id"], version, to, by), words)


@page("problems.work")
@require_POST
def snooze(request: HttpRequest) -> HttpResponse:
    """Let exceptions rest for a while or until something happens, whichever is sooner."""
    condition = request.POST.get("until_what", "").strip() or None
    until = _until(request.POST.get("for", "").strip(), request.POST.get("until", "").strip())
    if until is None:
        return unprocessable(request, "Say for how long it may rest: a day, a week, or a date.", back_to(request))
    by = request.user.get_username()

    def act(row: Row, version: int) -> None:
        what = condition
        if what == "connection":
            what = f"connection:{row['connection']}" if row["connection"] else None
        current().desk.snooze(row["id"], version, until, what, by)

    return _each(request, act, "put to rest")


@page("problems.work")
@require_POST
def wake(request: HttpRequest) -> HttpResponse:
    """End a rest early: the undo of resting."""
    by = request.user.get_username()
    return _each(request, lambda row, version: current().desk.wake(row["id"], by), "back in the inbox")


@page("problems.work")
@require_POST
def reopen(request: HttpRequest) -> HttpResponse:
    """Open a closed exception again: the undo of closing."""
    reason = request.POST.get("reason", "").strip()[: REASON_MAX + 1]
    by = request.user.get_username()
    return _each(request, lambda row, version: current().desk.reopen(row["id"], version, by, reason), "open again")


def _until(length: str, moment: str) -> int | None:
    """The end of a rest: so many hours from now, or the morning (08:00 UTC) of a date."""
    if length in RESTS:
        return now_ms() + RESTS[length] * HOUR_MS
    try:
        day = datetime.strptime(moment, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(hours=8)
    except ValueError:
        return None
    return int(day.timestamp()) * 1000


def _each(request: HttpRequest, act: Act, outcome: str) -> HttpResponse:
    """Carry out each chosen row by itself; what moved on meanwhile is named and left alone."""
    chosen = _chosen(request)
    if not chosen:
        return unprocessable(request, "Choose at least one exception first.", back_to(request))
    if len(chosen) > AT_ONCE_MAX:
        return unprocessable(request, f"At most {AT_ONCE_MAX} exceptions at once.", back_to(request))
    done = 0
    for problem_id, version in chosen.items():
        with current().database.read() as tx:
            row = tx.one("problem_get", id=problem_id)
        if row is None:
            messages.error(request, f"Exception {problem_id}: there is no such exception.")
            continue
        name = f"{kind_of(row['kind']).title}, {row['case_id'] or row['brand']}"
        if not may(request, "problems.work", row):
            messages.error(request, f"{name}: only {who_may('problems.work')} may do this.")
            continue
        try:
            act(row, row["version"] if version is None else version)
            done += 1
        except ActionError as error:
            messages.error(request, f"{name}: {error}")
    if done:
        messages.success(request, f"{counted(done, 'exception').capitalize()} {outcome}.")
    return see_other(back_to(request))


def _chosen(request: HttpRequest) -> dict[int, int | None]:
    """Exception to the version its reader saw: “17” or “17~3”."""
    found: dict[int, int | None] = {}
    for value in request.POST.getlist("problem"):
        number, _, version = value.partition("~")
        if number.isdigit() and len(number) < 18 and (not version or version.isdigit()):
            found[int(number)] = int(version) if version else None
    return found
