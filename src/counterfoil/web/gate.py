"""The one place that enforces permissions, before any view runs.

It reads what the resolved route declares, never the text of the address, and refuses a view that declares nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse

from counterfoil.web.access import CLOSED, MOVES_MONEY, PUBLIC, SIGNED_IN, declared, may
from counterfoil.web.bearer import refusal
from counterfoil.web.errors import not_allowed, signed_out
from counterfoil.web.freshness import step_up


class AccessMiddleware:
    """Asks, before any view runs, whether this person may run it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on; what a signed-in person sees is kept by no cache."""
        response = self.get_response(request)
        if getattr(request, "user", None) is not None and request.user.is_authenticated:
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """None lets the view run."""
        match = request.resolver_match
        permission = declared(view, match.url_name if match else None, match.route if match else "")
        if permission == PUBLIC:
            return None
        if permission == CLOSED:
            raise Http404
        if getattr(view, "by_token", False):
            return refusal(request, permission)
        if not request.user.is_authenticated:
            return _sign_in_first(request)
        if permission == SIGNED_IN or (permission is not None and may(request, permission)):
            return step_up(request) if permission in MOVES_MONEY and request.method == "POST" else None
        return not_allowed(request, permission)


def _sign_in_first(request: HttpRequest) -> HttpResponseBase:
    if getattr(request, "htmx", False):
        answer = HttpResponse(status=204)
        answer["HX-Redirect"] = reverse("account_login")
        return answer
    if request.method != "GET":
        return signed_out(request)
    return redirect_to_login(request.get_full_path(), login_url=reverse("account_login"))
