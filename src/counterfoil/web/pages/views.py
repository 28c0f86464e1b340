"""Saved views: a list's address under a name, one's own or everybody's."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from counterfoil.store.database import Row, Transaction, now_ms
from counterfoil.web.access import may, page
from counterfoil.web.errors import see_other, unprocessable
from counterfoil.web.system import current

PAGES = ("problems", "returns")
NAME_MAX = 60
QUERY_MAX = 1_000


def views_of(tx: Transaction, request: HttpRequest, name: str) -> list[Row]:
    """The reader's views of a page, then everybody's."""
    return tx.rows("views_of", page=name, owner=request.user.get_username())


@page("returns.view")
@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """Keep the list as it is filtered now under a name; the same name again replaces it."""
    which, name = request.POST.get("page", ""), request.POST.get("name", "").strip()
    query = request.POST.get("query", "").strip()
    if which not in PAGES:
        return unprocessable(request, "There is no such list.", reverse("today"))
    if not name or len(name) > NAME_MAX or len(query) > QUERY_MAX or "\0" in name + query:
        return unprocessable(request, f"Give the view a name of at most {NAME_MAX} signs.", reverse(which))
    owner = "" if request.POST.get("everybody") and may(request, "problems.work") else request.user.get_username()
    clean = urlencode([(key, value) for key, value in parse_qsl(query) if key not in ("after", "page")])
    with current().database.write() as tx:
        tx.run("view_put", owner=owner, page=which, name=name, query=clean, now=now_ms())
    messages.success(request, f"This view is kept as “{name}”.")
    return see_other(f"{reverse(which)}?{clean}")


@page("returns.view")
@require_POST
def drop(request: HttpRequest) -> HttpResponse:
    """Forget a view of one's own."""
    which, number = request.POST.get("page", ""), request.POST.get("view", "")
    if which not in PAGES or not number.isdigit():
        return unprocessable(request, "There is no such view.", reverse("today"))
    with current().database.write() as tx:
        gone = tx.run("view_drop", id=int(number), owner=request.user.get_username())
    if gone:
        messages.success(request, "The view is forgotten.")
    else:
        messages.error(request, "Only your own views can be forgotten here.")
    return see_other(reverse(which))
