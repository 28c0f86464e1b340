"""What people do with exceptions: try again, accept, mark as done by hand, close. One or many at once.

Each row is carried out and reported by itself; the flow writes the audit entry. The permission is checked for the
page by the middleware and, where the team matters, again for each row here.
"""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from counterfoil.ports.actions import ActionError
from counterfoil.store.database import Row, Transaction
from counterfoil.web.access import may, page, who_may
from counterfoil.web.errors import see_other, unprocessable
from counterfoil.web.formats import counted
from counterfoil.web.steps import read_case, step_of
from counterfoil.web.system import current, kind_of

AT_ONCE_MAX = 100
REASON_MAX = 500

Perform = Callable[[Row, str, str, str], None]


def back_to(request: HttpRequest) -> str:
    """Where the form came from, when that is on this site."""
    target = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(target, allowed_hosts=None, require_https=False):
        return target
    return reverse("today")


@page("problems.retry")
@require_POST
def retry(request: HttpRequest) -> HttpResponse:
    """Ask for the refused step again."""

    def perform(problem: Row, by: str, reason: str, number: str) -> None:
        current().actions.retry(problem["case_id"], needed_step(problem), by, reason)

    return _each(request, perform, "problems.retry", "will be tried again", reason_needed=False)


@page("problems.accept")
@require_POST
def accept(request: HttpRequest) -> HttpResponse:
    """Accept the difference as it is."""

    def perform(problem: Row, by: str, reason: str, number: str) -> None:
        if problem["case_id"] is None:
            raise ActionError("It belongs to no return, so there is no difference to accept.")
        current().actions.accept(problem["case_id"], problem["kind"], by, reason)

    return _each(request, perform, "problems.accept", "accepted")


@page("problems.settle")
@require_POST
def settle(request: HttpRequest) -> HttpResponse:
    """Record that a person did the step in the other system."""

    def perform(problem: Row, by: str, reason: str, number: str) -> None:
        if not number:
            raise ActionError("Give the number of the document you made in the other system.")
        current().actions.settle(problem["case_id"], needed_step(problem), by, reason, number)

    if len(request.POST.getlist("problem")) > 1:
        return unprocessable(request, "Mark one exception at a time: each has its own document.", back_to(request))
    return _each(request, perform, "problems.settle", "marked as done by hand")


@page("problems.resolve")
@require_POST
def resolve(request: HttpRequest) -> HttpResponse:
    """Close the exception by hand."""

    def perform(problem: Row, by: str, reason: str, number: str) -> None:
        seen = versions.get(problem["id"])
        current().desk.close(problem["id"], problem["version"] if seen is None else seen, by, reason)

    versions = _versions(request)
    return _each(request, perform, "problems.resolve", "closed")


def _versions(request: HttpRequest) -> dict[int, int]:
    """The version of each chosen exception as its reader saw it, where the form carries one: “17~3”."""
    parts = (value.partition("~") for value in request.POST.getlist("problem"))
    return {int(number): int(version) for number, _, version in parts if number.isdigit() and version.isdigit()}


def needed_step(problem: Row) -> str:
    """The refused step an exception stands for. Raises ActionError."""
    if problem["case_id"] is None:
        raise ActionError("It belongs to no return, so there is no step to carry out.")
    with current().database.read() as tx:
        row = tx.one("console_case_state", case_id=problem["case_id"])
    step = step_of(read_case(row["state"]) if row else None, problem)
    if step is None:
        raise ActionError("No step of this return was refused; it goes on by itself once the cause is gone.")
    return step


def _each(
    request: HttpRequest, perform: Perform, permission: str, outcome: str, reason_needed: bool = True
) -> HttpResponse:
    chosen = (value.partition("~")[0] for value in request.POST.getlist("problem"))
    ids = [int(value) for value in dict.fromkeys(chosen) if value.isdigit() and len(value) < 18]
    if not ids:
        return unprocessable(request, "Choose at least one exception first.", back_to(request))
    if len(ids) > AT_ONCE_MAX:
        return unprocessable(request, f"At most {AT_ONCE_MAX} exceptions at once.", back_to(request))
    with current().database.read() as tx:
        problems = _load(tx, ids)
    reason = request.POST.get("reason", "").strip()[:REASON_MAX]
    number = request.POST.get("number", "").strip()[:REASON_MAX]
    if reason_needed and not reason:
        return _ask_reason(request, problems, permission)
    done = 0
    for problem in problems:
        done += _one(request, perform, permission, problem, reason, number)
    if done:
        messages.success(request, f"{counted(done, 'exception').capitalize()} {outcome}.")
    return see_other(back_to(request))


def _load(tx: Transaction, ids: list[int]) -> list[Row]:
    found = [tx.one("console_problem", problem_id=problem_id) for problem_id in ids]
    return [problem for problem in found if problem is not None]


def _one(request: HttpRequest, perform: Perform, permission: str, problem: Row, reason: str, number: str) -> bool:
    """Carry out one row; what stops it becomes a message that names it."""
    name = f"{kind_of(problem['kind']).title}, {problem['case_id'] or problem['brand']}"
    if problem["state"] != "open":
        messages.info(request, f"{name}: was already closed.")
        return False
    if not may(request, permission, problem):
        messages.error(request, f"{name}: only {who_may(permission)} may do this.")
        return False
    try:
        perform(problem, request.user.get_username(), reason, number)
    except ActionError as error:
        messages.error(request, f"{name}: {error}")
        return False
    return True


def _ask_reason(request: HttpRequest, problems: list[Row], permission: str) -> HttpResponse:
    context = {
        "problems": problems,
        "action": request.path,
        "verb": {"problems.accept": "Accept", "problems.settle": "Mark as done by hand"}.get(permission, "Close"),
        "number": request.POST.get("number", ""),
        "ask_number": permission == "problems.settle",
        "back": back_to(request),
    }
    return render(request, "reason.html", context, status=422)
