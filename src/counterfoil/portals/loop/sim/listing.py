"""The list call: its windows, hidden states, two shapes and a cursor without a tie-breaker (Loop sheet §6.1)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from counterfoil.portals.loop.sim.intake import parse_time
from counterfoil.portals.loop.sim.records import Json, Return
from counterfoil.portals.loop.sim.views import spaced, with_millis

LONGEST_RANGE = timedelta(days=120)
PAGE_DEFAULT, PAGE_MAX = 100, 750
LISTED = ("open", "closed", "expired")
STATES = ("open", "closed", "cancelled", "expired", "review")


class Invalid(ValueError):
    """A parameter the list refuses with 422; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Window:
    """What one list request asks for."""

    start: datetime
    end: datetime
    by: str
    state: str | None
    paginate: bool
    size: int
    cursor: datetime | None


def read(param: Callable[[str], str | None], now: datetime) -> Window:
    """The request's parameters. Raises Invalid."""
    start, end = _range(param("from"), param("to"), now)
    by = param("filter") or "created_at"
    if by not in ("created_at", "updated_at"):
        raise Invalid("filter", "The selected filter is invalid.")
    state = param("state")
    if state and state not in STATES:
        raise Invalid("state", "The selected state is invalid.")
    size = _whole(param("pageSize"))
    if not 1 <= size <= PAGE_MAX:
        raise Invalid("pageSize", f"The page size must be between 1 and {PAGE_MAX}.")
    paginate = (param("paginate") or "false").lower() in ("true", "1")
    return Window(start, end, by, state or None, paginate, size, _cursor(param("cursor"), by))


def _whole(text: str | None) -> int:
    try:
        return int(text) if text else PAGE_DEFAULT
    except ValueError:
        raise Invalid("pageSize", "The page size must be an integer.") from None


def _range(start: str | None, end: str | None, now: datetime) -> tuple[datetime, datetime]:
    """Neither: the last day. `from` alone: the day after it. `to` alone: ignored."""
    day = timedelta(days=1)
    if not start:
        return now - day, now
    first = _moment("from", start)
    last = _moment("to", end) if end else first + day
    if last - first > LONGEST_RANGE:
        raise Invalid("to", "The range may not be longer than 120 days.")
    return first, last


def _moment(field: str, text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError:
        raise Invalid(field, f"The {field} is not a valid date.") from None


def _cursor(text: str | None, by: str) -> datetime | None:
    """The one time inside a cursor; a cursor of another list begins at the top."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(json.loads(base64.b64decode(text))[by]).replace(tzinfo=UTC)
    except (ValueError, KeyError, TypeError):
        raise Invalid("cursor", "The cursor is invalid.") from None


def select(returns: Iterable[Return], window: Window) -> tuple[list[Return], datetime | None]:
    """One page, newest first, and the time the next page's cursor carries (None at the end).

    The cursor has whole seconds and no tie-breaker: rows that share the boundary second with the page's last row are
    skipped by the next page, as the sheet fears.
    """
    found = [made for made in returns if _fits(made, window)]
    found.sort(key=lambda made: (_at(made, window), made.id), reverse=True)
    page = found[: window.size]
    return page, _at(page[-1], window) if len(found) > len(page) else None


def _fits(made: Return, window: Window) -> bool:
    at = _at(made, window)
    if window.cursor is not None and at >= window.cursor:
        return False
    seen = made.state == window.state if window.state else made.state in LISTED
    return seen and window.start.replace(microsecond=0) <= at <= window.end


def _at(made: Return, window: Window) -> datetime:
    moment = made.created_at if window.by == "created_at" else made.updated_at
    return moment.replace(microsecond=0)


def answer(rows: list[Json], window: Window, following: datetime | None, address: str) -> list[Json] | Json:
    """A bare array, or with `paginate=true` an object whose next link is incomplete (§6.1)."""
    if not window.paginate:
        return rows
    link = None
    if following is not None:
        mark = json.dumps({window.by: spaced(following), "_pointsToNextItems": True}).encode()
        kept = {
            "to": with_millis(window.end),
            "filter": window.by,
            "pageSize": str(window.size),
            "cursor": base64.b64encode(mark).decode(),
        }
        link = f"{address}?{urlencode(kept)}"
    return {"returns": rows, "nextPageUrl": link, "previousPageUrl": None}
