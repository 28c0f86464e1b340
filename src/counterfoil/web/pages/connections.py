"""Connections: do we hear each system, is work piling up, what could not be read; pause and resume."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from counterfoil.ports.actions import ActionError
from counterfoil.store.database import Row, Transaction, now_ms
from counterfoil.web import words
from counterfoil.web.access import page
from counterfoil.web.errors import see_other, unprocessable
from counterfoil.web.formats import DAY_MS, HOUR_MS
from counterfoil.web.masking import masked_body, masked_headers
from counterfoil.web.pages.act import REASON_MAX
from counterfoil.web.system import current

DELIVERY_ROWS = 100
QUARANTINE_ROWS = 20
SILENT_AFTER_MS = DAY_MS
TROUBLE_FRESH_MS = HOUR_MS


@dataclass(slots=True)
class Health:
    """One connection as a reader needs it. `state` is one of working, quiet, trouble, paused, never."""

    name: str
    brand: str
    vendor: str
    family: str
    state: str = "never"
    words: str = "Not heard from yet"
    paused_because: str = ""
    last_delivery_ms: int | None = None
    last_success_ms: int | None = None
    last_trouble_ms: int | None = None
    last_trouble: str = ""
    ready: int = 0
    doing: int = 0
    new: int = 0
    quarantined: int = 0
    held_aside: list[Row] = field(default_factory=list)

    @property
    def backlog(self) -> int:
        """Requests and deliveries that wait."""
        return self.ready + self.doing + self.new


def health(tx: Transaction, now: int) -> list[Health]:
    """Every connection, configured or remembered, those in trouble first."""
    found: dict[str, Health] = {
        item.name: Health(item.name, item.brand, words.vendor(item.vendor), str(item.family))
        for item in current().connections
    }
    for row in tx.rows("console_connections"):
        known = Health(row["name"], row["brand"], words.vendor(row["vendor"]), row["family"])
        _describe(found.setdefault(row["name"], known), row, now)
    for row in tx.rows("console_backlog"):
        if row["connection"] in found:
            setattr(found[row["connection"]], row["what"], row["rows_waiting"])
    order = {"trouble": 0, "paused": 1, "quiet": 2, "never": 3, "working": 4}
    return sorted(found.values(), key=lambda item: (order[item.state], item.brand, item.name))


def _describe(item: Health, row: Row, now: int) -> None:
    item.last_delivery_ms, item.last_success_ms = (row["last_delivery_ms"], row["last_success_ms"])
    item.last_trouble_ms, item.last_trouble = (row["last_trouble_ms"], row["last_trouble"] or "")
    item.paused_because = row["paused_because"] or ""
    heard = max(row["last_delivery_ms"] or 0, row["last_success_ms"] or 0)
    trouble = row["last_trouble_ms"] or 0
    if row["state"] == "paused":
        item.state, item.words = "paused", "Paused"
    elif trouble > heard or (trouble and now - trouble < TROUBLE_FRESH_MS and trouble > (row["last_success_ms"] or 0)):
        item.state, item.words = "trouble", "In trouble"
    elif not heard:
        item.state, item.words = "never", "Not heard from yet"
    elif now - heard > SILENT_AFTER_MS:
        item.state, item.words = "quiet", "Quiet"
    else:
        item.state, item.words = "working", "Working"


@page("returns.view")
@require_safe
def connections_page(request: HttpRequest) -> HttpResponse:
    """The page."""
    with current().database.read() as tx:
        found = health(tx, now_ms())
        for item in found:
            if item.quarantined:
                item.held_aside = tx.rows("console_quarantined", connection=item.name, rows=QUARANTINE_ROWS)
        beat = tx.one("console_last_beat") or {"beat_ms": None, "workers": 0}
    context: dict[str, Any] = {"connections": found, "beat_ms": beat["beat_ms"], "workers": beat["workers"]}
    return render(request, "connections.html", context)


@page("connections.pause")
@require_POST
def pause(request: HttpRequest) -> HttpResponse:
    """Stop sending to a connection."""
    reason = request.POST.get("reason", "").strip()[:REASON_MAX]
    if not reason:
        return unprocessable(request, "Say why the connection is paused; others will read it.", reverse("connections"))
    name = request.POST.get("connection", "")
    return _attempt(
        request,
        lambda: current().actions.pause(name, request.user.get_username(), reason),
        f"{name} is paused. What arrives is still stored.",
    )


@page("connections.resume")
@require_POST
def resume(request: HttpRequest) -> HttpResponse:
    """Carry on."""
    name = request.POST.get("connection", "")
    return _attempt(request, lambda: current().actions.resume(name, request.user.get_username()), f"{name} carries on.")


@page("deliveries.requeue")
@require_POST
def requeue(request: HttpRequest) -> HttpResponse:
    """Read a set-aside delivery again."""
    text = request.POST.get("delivery", "")
    if not text.isdigit():
        return unprocessable(request, "Choose a delivery first.", reverse("connections"))
    return _attempt(
        request,
        lambda: current().actions.requeue_delivery(int(text), request.user.get_username()),
        "The delivery will be read again.",
        request.POST.get("next", ""),
    )


@page("deliveries.view")
@require_safe
def deliveries(request: HttpRequest) -> HttpResponse:
    """What one connection delivered, newest first."""
    name, before = request.GET.get("connection", ""), request.GET.get("before", "")
    if before and (not before.isdigit() or len(before) > 18):
        return unprocessable(request, "“before” must be a whole number.", reverse("connections"))
    if name not in {connection.name for connection in current().connections}:
        return unprocessable(request, "There is no such connection.", reverse("connections"))
    with current().database.read() as tx:
        values = {"connection": name, "before": int(before or 10**17), "rows": DELIVERY_ROWS + 1}
        rows = tx.rows("console_deliveries", **values)
    context = {
        "name": name,
        "rows": rows[:DELIVERY_ROWS],
        "before": before,
        "following": rows[DELIVERY_ROWS - 1]["id"] if len(rows) > DELIVERY_ROWS else None,
    }
    return render(request, "deliveries.html", context)


@page("deliveries.view")
@require_safe
def delivery(request: HttpRequest, delivery_id: int) -> HttpResponse:
    """One delivery as it came, with personal data covered."""
    with current().database.read() as tx:
        row = tx.one("delivery_get", id=delivery_id)
    if row is None:
        raise Http404
    try:
        headers, body = current().desk.raw_delivery(delivery_id, request.user.get_username())
    except ActionError as error:
        return unprocessable(request, str(error), reverse("connections"))
    context = {"row": row, "headers": masked_headers(headers), "body": masked_body(body)}
    return render(request, "delivery.html", context)


def _attempt(request: HttpRequest, action: Any, done: str, back: str = "") -> HttpResponse:
    try:
        action()
    except ActionError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)
    ours = url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return see_other(back if ours else reverse("connections"))
