"""Accounts and roles: who may do what, which sessions and tokens live, and changing it (administrators)."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from counterfoil.ports.actions import ActionError
from counterfoil.web import accounts
from counterfoil.web.access import ROLES, may, page
from counterfoil.web.errors import see_other, unprocessable
from counterfoil.web.freshness import step_up


@page("people.view")
@require_safe
def people_page(request: HttpRequest) -> HttpResponseBase:
    """The page; an auditor reads it."""
    context = {"accounts": accounts.accounts(), "roles": ROLES, "may_change": may(request, "people.change")}
    return render(request, "people.html", context)


@page("people.change")
@require_POST
def add(request: HttpRequest) -> HttpResponseBase:
    """A new account with a first password."""
    name, given = request.POST.get("username", "").strip(), request.POST.get("password", "")
    by = request.user.get_username()
    return _done(
        request, lambda: accounts.add(name, given, request.POST.getlist("role"), by), f"{name} has an account."
    )


@page("people.change")
@require_POST
def roles(request: HttpRequest) -> HttpResponseBase:
    """Exactly the chosen roles."""
    number, by = _person(request), request.user.get_username()
    wanted = request.POST.getlist("role")
    return _done(request, lambda: accounts.give_roles(number, wanted, by), "The roles count from now on.")


@page("people.change")
@require_POST
def close(request: HttpRequest) -> HttpResponseBase:
    """Close an account."""
    number, by = _person(request), request.user.get_username()
    return _done(request, lambda: accounts.close(number, by), "Closed; its sessions and tokens have ended.")


@page("people.change")
@require_POST
def reopen(request: HttpRequest) -> HttpResponseBase:
    """Open a closed account again."""
    number, by = _person(request), request.user.get_username()
    return _done(request, lambda: accounts.reopen(number, by), "It may sign in again.")


@page("people.change")
@require_POST
def end_sessions(request: HttpRequest) -> HttpResponseBase:
    """End a person's sessions; one's own present one stays."""
    number, by = _person(request), request.user.get_username()
    return _done(
        request,
        lambda: accounts.end_sessions(number, by, request.session.session_key),
        "The sessions have ended.",
    )


def _person(request: HttpRequest) -> int:
    text = request.POST.get("person", "")
    return int(text) if text.isdigit() and len(text) < 18 else 0


def _done(request: HttpRequest, work: Callable[[], object], said: str) -> HttpResponseBase:
    stale = step_up(request)
    if stale is not None:
        return stale
    try:
        work()
    except ActionError as error:
        return unprocessable(request, str(error), reverse("people"))
    messages.success(request, said)
    return see_other(reverse("people"))
