"""Tokens: a person's programs sign in to the API with them. Each is shown once, lives for a while, and can be ended."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from counterfoil.store import access as stored
from counterfoil.store.database import now_ms
from counterfoil.web.access import SCOPES, page
from counterfoil.web.errors import see_other, unprocessable
from counterfoil.web.formats import DAY_MS
from counterfoil.web.freshness import step_up
from counterfoil.web.system import current

NAME_MAX = 80
DAYS = (1, 30, 90, 365)
MONEY_DAYS_MAX = 1
"""A token cannot prove anew who uses it, so one that may let money go lives for a day."""

SCOPE_WORDS = {
    "read": "read everything you may see",
    "work": "work on exceptions",
    "money": "approve, accept and settle: for one day at most",
    "words": "change mappings",
    "connections": "pause, resume, replay",
    "people": "change accounts and roles",
}


@page("returns.view")
@require_safe
def tokens_page(request: HttpRequest) -> HttpResponse:
    """One's own tokens."""
    return _shown(request)


def _shown(request: HttpRequest, made: str = "") -> HttpResponse:
    with current().database.read() as tx:
        rows = tx.rows("tokens_of", user_id=request.user.pk, rows=stored.TOKENS_MAX)
    context = {"rows": rows, "made": made, "now": now_ms(), "scopes": SCOPE_WORDS, "days": DAYS, "name_max": NAME_MAX}
    answer = render(request, "tokens.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


@page("returns.view")
@require_POST
def make(request: HttpRequest) -> HttpResponseBase:
    """A new token, shown in this answer and never again; asks for a fresh sign-in first."""
    stale = step_up(request)
    if stale is not None:
        return stale
    name, scopes = request.POST.get("name", "").strip(), request.POST.getlist("scope")
    days = request.POST.get("days", "")
    back = reverse("tokens")
    if not name or len(name) > NAME_MAX or "\0" in name:
        return unprocessable(request, f"Say what the token is for, in at most {NAME_MAX} signs.", back)
    if not scopes or not set(scopes) <= set(SCOPES) or days not in {str(number) for number in DAYS}:
        return unprocessable(request, "Choose what it may do, and for how long.", back)
    if "money" in scopes and int(days) > MONEY_DAYS_MAX:
        return unprocessable(
            request, "A token that may let money go lives for one day: nobody proves who uses it.", back
        )
    by = request.user.get_username()
    with current().database.write() as tx:
        _, token = stored.make_token(
            tx,
            user_id=int(request.user.pk or 0),
            username=by,
            name=name,
            scopes=scopes,
            expires_ms=now_ms() + int(days) * DAY_MS,
            by=by,
        )
    return _shown(request, token)


@page("returns.view")
@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """End one of one's own tokens."""
    number = request.POST.get("token", "")
    if not number.isdigit() or len(number) > 17:
        return unprocessable(request, "Choose a token first.", reverse("tokens"))
    with current().database.write() as tx:
        gone = stored.end_token(tx, int(number), int(request.user.pk or 0), request.user.get_username())
    messages.success(request, "The token has ended.") if gone else messages.error(request, "It had ended already.")
    return see_other(reverse("tokens"))
