"""Edit and retry: what stands in a refused command, what it would say instead, and asking for it anew."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from counterfoil.core.edits import StepEdit
from counterfoil.ports.actions import ActionError
from counterfoil.web.access import page
from counterfoil.web.errors import see_other, unprocessable
from counterfoil.web.pages.act import REASON_MAX
from counterfoil.web.system import current


@page("steps.edit")
@require_safe
def edit_page(request: HttpRequest) -> HttpResponse:
    """The form."""
    return _shown(request, request.GET.get("case", ""), request.GET.get("step", ""), {}, (), "")


@page("steps.edit")
@require_POST
def send(request: HttpRequest) -> HttpResponse:
    """First show the difference; ask for the step anew once it was seen."""
    case_id, step = request.POST.get("case", ""), request.POST.get("step", "")
    wanted = {name.removeprefix("at:"): str(value) for name, value in request.POST.items() if name.startswith("at:")}
    reason = request.POST.get("reason", "").strip()[:REASON_MAX]
    back = f"{reverse('step_edit')}?{urlencode({'case': case_id, 'step': step})}"
    try:
        if request.POST.get("go") != "send":
            difference = current().desk.edits(case_id, step, wanted)
            return _shown(request, case_id, step, wanted, difference, reason, asked=True)
        current().desk.retry_edited(case_id, step, wanted, request.user.get_username(), reason)
    except ActionError as error:
        return unprocessable(request, str(error), back)
    messages.success(request, "It is asked for anew, with your changes. The old command stays in the log.")
    return see_other(reverse("return", args=[case_id]))


def _shown(
    request: HttpRequest,
    case_id: str,
    step: str,
    wanted: dict[str, str],
    difference: tuple[StepEdit, ...],
    reason: str,
    *,
    asked: bool = False,
) -> HttpResponse:
    try:
        places = current().desk.editable(case_id, step)
    except ActionError as error:
        return unprocessable(request, str(error), reverse("returns"))
    labels = {place.path: place.label for place in places}
    context = {
        "case_id": case_id,
        "step": step,
        "fields": places,
        "wanted": {place.path: wanted.get(place.path, place.value or "") for place in places},
        "difference": [(labels[edit.path], edit) for edit in difference],
        "asked": asked,
        "reason": reason,
    }
    return render(request, "edit.html", context)
