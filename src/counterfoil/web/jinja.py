"""The template environment of our pages, and what every page gets."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from jinja2 import Environment, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from counterfoil.store.database import now_ms
from counterfoil.web import formats, words
from counterfoil.web.access import who_may
from counterfoil.web.causes import cause_address, cause_title
from counterfoil.web.navigation import places
from counterfoil.web.system import current, kind_of

THEMES = ("system", "light", "dark")


@cache
def asset(path: str) -> str:
    """A static file's address with a fingerprint of its content, so that browsers may keep it for long."""
    found = finders.find(path)
    assert isinstance(found, str), f"no static file {path}"
    return f"{static(path)}?v={hashlib.sha256(Path(found).read_bytes()).hexdigest()[:12]}"


@pass_context
def _moment(context: Context, ms: int | None, style: str = "both") -> Markup:
    return formats.moment(ms, context["now_ms"], style)


@pass_context
def _ago(context: Context, ms: int) -> str:
    return formats.ago(ms, context["now_ms"])


def case_url(case_id: str) -> str:
    """The address of a return's page."""
    return reverse("return", args=[case_id])


def environment(**options: Any) -> Environment:
    """Strict: a name the template misspells is an error, never an empty cell."""
    env = Environment(**{**options, "undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True})
    env.globals.update(
        asset=asset,
        url=reverse,
        case_url=case_url,
        words=words,
        kind_of=kind_of,
        themes=THEMES,
        who_may=who_may,
        places=places,
        cause_title=cause_title,
        cause_url=cause_address,
    )
    env.filters.update(
        moment=_moment,
        ago=_ago,
        money=formats.money,
        amount=formats.amount_text,
        counted=formats.counted,
        distance=formats.distance,
        plain=words.plain,
        vendor_option=lambda name: (name, words.vendor(name)),
        same_option=lambda text: (text, text),
        spoken_option=lambda text: (text, words.spoken(text)),
    )
    return env


def page_context(request: HttpRequest) -> dict[str, Any]:
    """The theme, the clock and how fresh our knowledge is, for every page."""
    now = now_ms()
    theme = request.COOKIES.get("theme", "system")
    context: dict[str, Any] = {"theme": theme if theme in THEMES else "system", "now_ms": now, "as_of_ms": None}
    context["here"] = request.resolver_match.url_name if request.resolver_match else ""
    if getattr(request, "user", None) is not None and request.user.is_authenticated:
        with current().database.read() as tx:
            last = tx.one("console_last_entry")
        context["as_of_ms"] = last["at_ms"] if last else None
    return context
