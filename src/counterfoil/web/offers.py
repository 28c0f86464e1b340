"""What a person can do about an exception, and why not when they cannot: the words beside every button."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from counterfoil.core.case import ReturnCase
from counterfoil.store.database import Row
from counterfoil.web import words
from counterfoil.web.access import who_may
from counterfoil.web.steps import step_of


@dataclass(frozen=True, slots=True)
class Offer:
    """One button. `why_not` is empty when it can be pressed."""

    action: str  # the address it posts to
    key: str
    label: str
    hint: str
    why_not: str = ""


def offers(user: Any, problem: Row, case: ReturnCase | None) -> list[Offer]:
    """The four actions, in the order people reach for them."""
    step = step_of(case, problem)
    asked = words.asked(case.steps[step].name) if case is not None and step else ""
    no_step = "" if step else "no step was refused"
    no_case = "" if problem["case_id"] else "it belongs to no return"
    return [
        _offer(user, problem, "retry", "Try again", asked, no_step),
        _offer(user, problem, "accept", "Accept difference", "Leave it as it is, with a reason", no_case),
        _offer(user, problem, "settle", "Done by hand", "You made the document yourself; give its number", no_step),
        _offer(user, problem, "resolve", "Close", "Nothing more to do; it comes back if the cause is still there", ""),
    ]


def edit_address(user: Any, problem: Row, case: ReturnCase | None) -> str:
    """Where the refused command can be changed; empty when there is none or the person may not."""
    step = step_of(case, problem)
    if not step or not user.has_perm("steps.edit", problem):
        return ""
    return f"{reverse('step_edit')}?{urlencode({'case': problem['case_id'], 'step': step})}"


def _offer(user: Any, problem: Row, verb: str, label: str, hint: str, missing: str) -> Offer:
    permission = f"problems.{verb}"
    why_not = missing
    if not user.has_perm(permission, problem):
        why_not = f"for {who_may(permission)}"
    return Offer(reverse(f"act_{verb}"), verb, label, hint, why_not)
