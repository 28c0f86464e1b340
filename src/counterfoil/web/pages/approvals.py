"""The approval inbox: refunds whose facts are all there and that wait for people (R75, R76).

Each answer goes through the one action that asks whether this person may; one form may carry several, each answered and
reported by itself.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from counterfoil.core.approvals import same_person
from counterfoil.ports.actions import ActionError
from counterfoil.store.database import Row, Transaction
from counterfoil.store.decisions import newest
from counterfoil.web.access import ROLES, page
from counterfoil.web.errors import see_other, unprocessable
from counterfoil.web.formats import counted
from counterfoil.web.pages.act import AT_ONCE_MAX, REASON_MAX, back_to
from counterfoil.web.steps import read_case
from counterfoil.web.system import current

PAGE_ROWS = 50
CHOICE_PARTS = 3  # amount, rule, return


@page("returns.view")
@require_safe
def approvals_page(request: HttpRequest) -> HttpResponse:
    """The page."""
    after = _cursor(request.GET.get("after", ""))
    if after is None:
        return unprocessable(request, "The address names a place in the list that cannot be.", reverse("approvals"))
    roles = roles_of(request)
    with current().database.read() as tx:
        rows = tx.rows("approvals_page", **after, page_rows=PAGE_ROWS + 1)
        shown = [_shown(tx, row, request.user.get_username(), roles) for row in rows[:PAGE_ROWS]]
    context = {
        "asked": shown,
        "following": _place(rows[PAGE_ROWS - 1]) if len(rows) > PAGE_ROWS else "",
        "connected": bool(current().connections),
    }
    return render(request, "approvals.html", context)


@page("refunds.approve")
@require_POST
def answer(request: HttpRequest) -> HttpResponse:
    """Agree or refuse, for one or several."""
    choices = [_read(value) for value in dict.fromkeys(request.POST.getlist("choice"))]
    verdict, reason = request.POST.get("verdict", ""), request.POST.get("reason", "").strip()[:REASON_MAX]
    if not choices or None in choices or len(choices) > AT_ONCE_MAX:
        return unprocessable(request, f"Choose one to {AT_ONCE_MAX} refunds of the list.", back_to(request))
    if verdict not in ("agree", "refuse"):
        return unprocessable(request, "Say whether you agree or refuse.", back_to(request))
    done = sum(_one(request, choice, verdict == "agree", reason) for choice in choices if choice is not None)
    if done:
        word = "approved" if verdict == "agree" else "refused"
        messages.success(request, f"{counted(done, 'refund').capitalize()} {word} by you.")
    return see_other(back_to(request))


def roles_of(request: HttpRequest) -> tuple[str, ...]:
    """The signed-in person's own roles, read anew: one that was taken away does not count."""
    names = Group.objects.filter(user=request.user.pk).values_list("name", flat=True)
    return tuple(sorted(set(names) & set(ROLES)))


def _one(request: HttpRequest, choice: tuple[int, str, str], agreed: bool, reason: str) -> bool:
    amount, rule, case_id = choice
    by = request.user.get_username()
    try:
        current().actions.answer(case_id, rule, amount, by, roles_of(request), reason, agreed=agreed)
    except ActionError as error:
        messages.error(request, f"{case_id}: {error}")
        return False
    return True


def _shown(tx: Transaction, row: Row, name: str, roles: tuple[str, ...]) -> dict[str, Any]:
    """One row with the facts behind it, and why this person cannot answer it when they cannot."""
    state = tx.one("console_case_state", case_id=row["case_id"])
    case = read_case(state["state"]) if state else None
    verdict = newest(tx, row["case_id"])
    approvers = row["approvers"].split(",")
    shaped = case is not None and any(same_person(name, maker) for maker in case.makers)
    given = [v.by for v in (case.voices if case else ()) if v.rule == row["rule"] and v.agreed]
    why_not = ""
    if not set(roles) & set(approvers):
        why_not = f"it takes {' or '.join(approvers)}"
    elif shaped:
        why_not = "you shaped this return; somebody else has to answer"
    return {
        **row,
        "choice": f"{row['amount_minor']}~{row['rule']}~{row['case_id']}",
        "who": " or ".join(approvers),
        "missing": row["people"] - row["given"],
        "agreed": ", ".join(given[: row["given"]]),
        "facts": verdict.record.judgement.facts if verdict is not None else (),
        "why_not": why_not,
    }


def _read(value: str) -> tuple[int, str, str] | None:
    parts = value.split("~", CHOICE_PARTS - 1)
    if len(parts) != CHOICE_PARTS or not parts[0].isdigit() or len(parts[0]) > 17:
        return None
    return int(parts[0]), parts[1], parts[2]


def _place(row: Row) -> str:
    return f"{row['asked_ms']}~{row['case_id']}~{row['rule']}"


def _cursor(text: str) -> dict[str, Any] | None:
    """The place in the list an address names; its beginning for none, None for one that cannot be."""
    if not text:
        return {"after_ms": -1, "after_case": "", "after_rule": ""}
    parts = text.split("~", 2)
    if len(parts) != 3 or not parts[0].isdigit() or len(parts[0]) > 17:
        return None
    return {"after_ms": int(parts[0]), "after_case": parts[1], "after_rule": parts[2]}
