"""Pages for when something is wrong: what happened, and what to do next. For htmx the same text as a fragment."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from counterfoil.web.access import PERMISSIONS, who_may
from counterfoil.web.refusals import PREFIX, refused


def explain(
    request: HttpRequest, status: int, title: str, text: str, back: str = "", kept: list[str] | None = None
) -> HttpResponse:
    """An error page, or its fragment when htmx asked; `kept` is what the person wrote and would otherwise lose."""
    if request.path.startswith(PREFIX):
        return refused(status, "broken" if status >= 500 else "bad-call", f"{title}. {text}")
    template = "parts/error.html" if getattr(request, "htmx", False) else "error.html"
    context = {"status": status, "title": title, "text": text, "back": back or reverse("today"), "kept": kept or []}
    return render(request, template, context, status=status)


def not_allowed(request: HttpRequest, permission: str | None) -> HttpResponse:
    """403: signed in, but without the permission."""
    if permission is None or permission not in PERMISSIONS:
        return explain(request, 403, "This is not open to anyone", "The page declares no permission, so it stays shut.")
    text = f"Your account may not do this; {who_may(permission)} can. An administrator can give you the role."
    return explain(request, 403, "You may not do this", text)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: the request itself is malformed."""
    return explain(request, 400, "That request cannot be read", "Go back and try again from the page you came from.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403 raised by a part that is not ours."""
    return explain(request, 403, "You may not do this", "Your account has no right to it.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    text = "There is nothing at this address. The return may be written differently; search for its order number."
    return explain(request, 404, "Not found", text)


def broken(request: HttpRequest) -> HttpResponse:
    """500: ours. Nothing was changed, because every change is one transaction."""
    text = "Something failed on our side and nothing was changed. It is in the log; try again in a moment."
    return explain(request, 500, "This did not work", text)


def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 when the page a form came from is too old, or cookies are switched off."""
    text = "The page was open for too long, or your browser keeps no cookies. Open it again and repeat."
    return explain(request, 403, "This form has expired", text)


def unprocessable(request: HttpRequest, text: str, back: str) -> HttpResponse:
    """422: we understand the address or form, and it asks for something that cannot be."""
    return explain(request, 422, "That does not work like this", text, back)


def locked_out(request: HttpRequest, response: Any = None, credentials: Any = None) -> HttpResponse:
    """429: too many failed sign-ins."""
    text = "Too many attempts failed. Signing in with this name is closed for a quarter of an hour."
    return explain(request, 429, "Please wait", text, reverse("account_login"))


def see_other(address: str) -> HttpResponseRedirect:
    """After a change: look at the result with a new GET."""
    answer = HttpResponseRedirect(address)
    answer.status_code = 303
    return answer


def signed_out(request: HttpRequest) -> HttpResponse:
    """401 for a form whose session ended: nothing was done, and what was written is shown to be kept."""
    kept = [text for text in (request.POST.get(name, "") for name in ("text", "reason", "number")) if text.strip()]
    text = "Nothing was done. Sign in again and repeat it" + ("; what you wrote stands below." if kept else ".")
    return explain(request, 401, "You were signed out meanwhile", text, reverse("account_login"), kept)
