"""What a reader chooses for their own browser."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from counterfoil.web.access import PUBLIC, page
from counterfoil.web.errors import see_other, unprocessable
from counterfoil.web.jinja import THEMES
from counterfoil.web.pages.act import back_to

YEAR_S = 365 * 24 * 3600


@page(PUBLIC)
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Light, dark, or as the system says."""
    chosen = request.POST.get("theme", "")
    if chosen not in THEMES:
        return unprocessable(request, "A theme is light, dark or system.", back_to(request))
    answer = see_other(back_to(request))
    answer.set_cookie("theme", chosen, max_age=YEAR_S, samesite="Lax", secure=request.is_secure(), httponly=True)
    return answer
