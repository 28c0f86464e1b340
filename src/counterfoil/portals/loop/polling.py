"""What changed at Loop between two moments: the list in windows, pages and state groups (Loop sheet §6.1).

The list hides cancelled returns and those in review, so each needs its own pass; its `nextPageUrl` forgets our own
parameters, so only the cursor is taken from it; and its rows have no refunds, so processed returns are read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.adapterkit.signing import digest
from counterfoil.core.returns import Stage
from counterfoil.portals.loop.snapshot import moment, return_id_of, state_of
from counterfoil.portals.loop.translate import translate_row
from counterfoil.portals.loop.transport import Heard
from counterfoil.portals.loop.words import STAGES
from counterfoil.ports.outcomes import Busy, Outcome, Refused
from counterfoil.ports.translation import Translation

LIST_PATH = "/warehouse/return/list"
DETAILS_PATH = "/warehouse/return/details"
WINDOW_MAX = timedelta(days=119)  # Loop allows 120; with the overlap a window stays below
OVERLAP = timedelta(seconds=10)  # a cursor names a second without a tie-breaker, and clocks differ
PAGE_SIZE = 750  # Loop's largest: the fewer page boundaries, the fewer rows that can fall between two
PAGES_MAX = 2_000
STATE_GROUPS: tuple[str | None, ...] = (None, "review", "cancelled")

Get = Callable[[str, Mapping[str, str]], Heard | Outcome]
Row = Mapping[str, Any]


class PollStoppedError(RuntimeError):
    """The list could not be read to its end; what was yielded is good, and the window must be asked again."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


def changes(get: Get, since: str, until: str) -> Iterator[Translation]:
    """Every return created or changed in [since, until], each once per change. Raises PollStoppedError."""
    told: dict[str, str] = {}
    for start, end in windows(_at(since), _at(until)):
        for return_id, row in _window(get, start, end).items():
            stamp = _updated_at(row)
            if told.get(return_id) == stamp:
                continue  # seen in the overlap of the window before
            told[return_id] = stamp
            yield translate_row(row, _details(get, return_id) if _needs_details(row) else None)


def windows(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The span in parts Loop accepts, each beginning a little before the one before ended."""
    start = since
    while start < until:
        end = min(start + WINDOW_MAX, until)
        yield start - OVERLAP, end
        start = end


def _at(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _window(get: Get, start: datetime, end: datetime) -> dict[str, Row]:
    """Every row of a window by return id; of two rows of one return the later."""
    rows: dict[str, Row] = {}
    for state in STATE_GROUPS:
        for row in _rows(get, start, end, state):
            return_id = _id(row)
            known = rows.get(return_id)
            if known is None or _updated_at(known) <= _updated_at(row):
                rows[return_id] = row
    return rows


def _rows(get: Get, start: datetime, end: datetime, state: str | None) -> Iterator[Row]:
    """One pass, page by page, until the cursor is missing or repeats."""
    own = {
        "from": _text(start),
        "to": _text(end),
        "filter": "updated_at",
        "paginate": "true",
        "pageSize": str(PAGE_SIZE),
    }
    if state is not None:
        own["state"] = state
    cursors: set[str] = set()
    cursor: str | None = None
    for _ in range(PAGES_MAX):
        page = _need(get(LIST_PATH, own if cursor is None else {**own, "cursor": cursor}))
        rows = _rows_of(page.value)
        yield from rows
        cursor = _cursor(page.value)
        if cursor is None or cursor in cursors:
            return
        cursors.add(cursor)
        yield from _boundary(get, own, rows)
    raise PollStoppedError(Refused(kind="portal_refused", message=f"Loop's list has more than {PAGES_MAX} pages."))


def _boundary(get: Get, own: Mapping[str, str], rows: Sequence[Row]) -> Sequence[Row]:
    """The rows that share the second a page ended in: the cursor has no tie-breaker and may skip them (§6.1)."""
    stamp = _updated_at(rows[-1]) if rows else ""
    if not stamp:
        return ()
    second = stamp.removesuffix("Z")
    same_second = {**own, "from": f"{second}.000Z", "to": f"{second}.999Z"}
    return _rows_of(_need(get(LIST_PATH, same_second)).value)


def _rows_of(page: Any) -> Sequence[Row]:
    rows = page.get("returns") if isinstance(page, dict) else page
    if not isinstance(rows, list):
        raise PollStoppedError(Busy(message="Loop's list answer had no rows in it."))
    return [row if isinstance(row, dict) else {"unreadable": row} for row in rows]


def _cursor(page: Any) -> str | None:
    url = page.get("nextPageUrl") if isinstance(page, dict) else None
    if not isinstance(url, str):
        return None
    found = parse_qs(urlsplit(url).query).get("cursor")
    return found[0] if found else None


def _needs_details(row: Row) -> bool:
    """Whether money may have moved: refunds appear at processing, and are in the details only."""
    try:
        return STAGES.get(state_of(Fields(row))) is Stage.PROCESSED
    except UnreadableError:
        return False


def _details(get: Get, return_id: str) -> Row | None:
    """The details of a return; None when Loop has none, so that the row speaks for itself."""
    heard = get(DETAILS_PATH, {"return_id": return_id})
    if isinstance(heard, Refused):
        return None
    value = _need(heard).value
    return value if isinstance(value, dict) else None


def _need(heard: Heard | Outcome) -> Heard:
    if isinstance(heard, Heard):
        return heard
    raise PollStoppedError(heard)


def _id(row: Row) -> str:
    """The return's id; a row that does not say gets a name of its own, so that it is still reported."""
    try:
        return return_id_of(Fields(row))
    except UnreadableError:
        return f"unreadable:{digest(repr(row))}"


def _updated_at(row: Row) -> str:
    return moment(Fields(row), "updated_at") or ""


def _text(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.000Z")
