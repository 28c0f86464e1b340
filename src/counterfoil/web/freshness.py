"""Before money moves: whether the person at the keyboard proved who they are a short while ago (R78)."""

from __future__ import annotations

import time
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from counterfoil.web.errors import see_other

FRESH_S = 600
"""How long a sign-in, or a second proof, counts as fresh."""


def is_fresh(request: HttpRequest) -> bool:
    """Whether the session holds a sign-in or a repeated proof that is young enough."""
    proofs = [record["at"] for record in get_authentication_records(request, request.user)]
    return bool(proofs) and time.time() - max(proofs) < FRESH_S


def step_up(request: HttpRequest) -> HttpResponseBase | None:
    """None when the proof is fresh; otherwise the way to a new one, and back to the page the form came from."""
    if is_fresh(request):
        return None
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None, require_https=False):
        back = reverse("today")
    address = f"{reverse('account_reauthenticate')}?{urlencode({'next': back})}"
    messages.info(request, "Money may move: confirm that it is you, then press the button again. Nothing was done yet.")
    if getattr(request, "htmx", False):
        answer = HttpResponse(status=204)
        answer["HX-Redirect"] = address
        return answer
    return see_other(address)
