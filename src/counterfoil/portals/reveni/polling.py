"""What changed at Reveni between two moments: the list by whole days, then each return by itself (Reveni sheet §6).

The list is inferred and its rows are short, so it only names returns; their facts come from the details, like those
after a webhook. It has no published order: pages are read again while they name fewer returns than Reveni counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urljoin

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.portals.reveni.mapping import ReveniMapping
from counterfoil.portals.reveni.paths import Mapped
from counterfoil.portals.reveni.snapshot import tidy_id
from counterfoil.portals.reveni.translate import translate_details, translate_row
from counterfoil.portals.reveni.transport import Heard
from counterfoil.ports.outcomes import Busy, Outcome, Refused
from counterfoil.ports.translation import Translation

LIST_PATH = "/returns"
PAGE_SIZE = 50
PAGES_MAX = 5_000
PASSES = 3  # a return that changes while we read moves its neighbours to other pages
MARGIN = timedelta(minutes=1)  # clocks differ

Get = Callable[[str, Mapping[str, str] | None], Heard | Outcome]
Row = Mapping[str, Any]


class PollStoppedError(RuntimeError):
    """The list could not be read to its end; what was yielded is good, and the window must be asked again."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


def return_path(return_id: str) -> str:
    """Where one return is read."""
    return f"{LIST_PATH}/{quote(return_id, safe='')}"


def changes(get: Get, base_url: str, mapping: ReveniMapping, since: str, until: str) -> Iterator[Translation]:
    """Every return created or changed in [since, until], read by itself. Raises PollStoppedError."""
    start, end = (_at(since), _at(until))
    not_before = (start - MARGIN).strftime("%Y-%m-%dT%H:%M:%SZ")
    for return_id, row in _listed(get, base_url, mapping, start, end).items():
        changed_at = Mapped(Fields(row), mapping).moment("updated_at")
        if changed_at is not None and changed_at < not_before:
            continue  # the list knows days only
        details = _details(get, return_id)
        yield translate_row(row, mapping) if details is None else translate_details(details, mapping)


def _at(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _listed(get: Get, base_url: str, mapping: ReveniMapping, start: datetime, end: datetime) -> dict[str, Row]:
    """Every row by return id. A day is added at the end: nobody says whether `updated_to` includes its day."""
    asked = {
        "updated_from": (start - MARGIN).strftime("%Y-%m-%d"),
        "updated_to": (end + timedelta(days=1)).strftime("%Y-%m-%d"),
        "page": "1",
        "page_size": str(PAGE_SIZE),
    }
    rows: dict[str, Row] = {}
    for _ in range(PASSES):
        counted = 0
        for page in _pages(get, base_url, asked):
            counted = page.whole("count") or 0
            for row in page.each("results"):
                rows.setdefault(_id(row, mapping), row.data)
        if len(rows) >= counted:
            break
    return rows


def _pages(get: Get, base_url: str, asked: Mapping[str, str]) -> Iterator[Fields]:
    """Page by page, following `next` as it stands, until there is none or it repeats."""
    path, params, followed = (LIST_PATH, dict(asked) or None, {LIST_PATH})
    for _ in range(PAGES_MAX):
        page = _page(get(path, params))
        yield page
        following = page.data.get("next")
        if not isinstance(following, str) or not following:
            return
        path, params = _ours(following, base_url), None
        if path in followed:
            return
        followed.add(path)
    raise PollStoppedError(Refused(kind="portal_refused", message=f"Reveni's list has more than {PAGES_MAX} pages."))


def _ours(following: str, base_url: str) -> str:
    """The next page's address. Our key goes to no other place than this store's, whatever an answer says."""
    address = urljoin(f"{base_url}{LIST_PATH}", following)
    if address.startswith(f"{base_url}{LIST_PATH}"):
        return address
    message = "Reveni's list points to a next page at another address; it was not followed."
    raise PollStoppedError(Refused(kind="configuration_rejected", message=message, detail=address[:200]))


def _page(heard: Heard | Outcome) -> Fields:
    """A page with its rows checked; a bare array is a page without a next one."""
    if not isinstance(heard, Heard):
        raise PollStoppedError(heard)
    value = {"results": heard.value} if isinstance(heard.value, list) else heard.value
    if not isinstance(value, dict) or not isinstance(value.get("results"), list):
        raise PollStoppedError(Busy(message="Reveni's list answer had no rows in it."))
    rows = [row if isinstance(row, dict) else {"unreadable": row} for row in value["results"]]
    return Fields({**value, "results": rows})


def _id(row: Fields, mapping: ReveniMapping) -> str:
    """The return's id; a row that does not say has a name of its own, so that it is still reported."""
    try:
        return tidy_id(Mapped(row, mapping).need("id"))
    except UnreadableError:
        return f"unreadable:{row.path}:{row.data!r}"


def _details(get: Get, return_id: str) -> Row | None:
    """The return by itself; None when Reveni does not know it any more, so that the row speaks for itself."""
    if return_id.startswith("unreadable:"):
        return None
    heard = get(return_path(return_id), None)
    if isinstance(heard, Refused):
        return None
    if not isinstance(heard, Heard):
        raise PollStoppedError(heard)
    return heard.value if isinstance(heard.value, dict) else None
