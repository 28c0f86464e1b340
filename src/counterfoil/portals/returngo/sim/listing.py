"""The two list calls: pages by a keyset on ids, filters with operators (ReturnGO sheet §2)."""

from __future__ import annotations

import base64
import operator
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from counterfoil.portals.returngo.sim.moves import STATUSES
from counterfoil.portals.returngo.sim.office import Office, Refused
from counterfoil.portals.returngo.sim.records import Json, Rma, Transaction
from counterfoil.portals.returngo.sim.views import summary, transaction
from counterfoil.simkit.http import Request

LARGEST_PAGE = 500
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "eq": operator.eq,
    "neq": operator.ne,
}
SORTABLE = ("rma_created_at", "rma_updated_at")
Row = TypeVar("Row")


def rmas(office: Office, request: Request, portal: str | None) -> Json:
    """`GET /rmas`. Raises Refused (400)."""
    updated: Callable[[Rma], datetime] = lambda made: made.last_updated  # noqa: E731 - one of two readings (T4)
    if office.settings["updated_filter"] == "touched":
        updated = lambda made: made.touched_at  # noqa: E731
    found = [made for made in office.rmas.values() if portal is None or made.portal in (None, portal)]
    found = _dated(found, request, "rma_created_at", lambda made: made.created_at)
    found = _dated(found, request, "rma_updated_at", updated)
    statuses = _words(request, "status")
    if statuses and not statuses <= set(STATUSES):
        raise Refused(400, "Invalid status")
    found = _among(found, statuses, lambda made: {made.status})
    found = _among(found, _words(request, "order_name"), lambda made: {str(made.order.get("name", ""))})
    found = _among(found, _words(request, "customer_ids"), _customer)
    found = _among(found, _words(request, "tracking_numbers"), lambda made: {p.tracking_number for p in made.shipments})
    found.sort(key=lambda made: made.id, reverse=True)
    for column, falling in reversed(_sorting(request)):
        found.sort(key=updated if column == "rma_updated_at" else (lambda made: made.created_at), reverse=falling)
    page, following = _page(found, request, "returns.id:", lambda made: made.id, office.settings["last_page"])
    return _answer("rmas", [summary(made) for made in page], following, office.settings["last_page"])


def transactions(office: Office, request: Request) -> Json:
    """`GET /transactions`; the rows do not say which RMA they belong to. Raises Refused (400)."""
    owners = {row.id: made for made in office.rmas.values() for row in made.transactions}
    found = [row for made in office.rmas.values() for row in made.transactions]
    found = _dated(found, request, "created_at", lambda row: row.created_at)
    found = _dated(found, request, "updated_at", lambda row: row.last_updated)
    read: dict[str, Callable[[Transaction], set[Any]]] = {
        "rma_ids": lambda row: {str(owners[row.id].id)},
        "order_ids": lambda row: {owners[row.id].order_id},
        "statuses": lambda row: {row.status},
        "types": lambda row: {row.type},
        "processors": lambda row: {row.processor},
        "ids": lambda row: {str(row.id)},
    }
    for name, values in read.items():
        found = _among(found, _words(request, name), values)
    found.sort(key=lambda row: row.id, reverse=True)
    end = office.settings["last_page"]
    page, following = _page(found, request, "", lambda row: row.id, end)
    return _answer("transactions", [transaction(owners[r.id], r, office.settings) for r in page], following, end)


def _customer(made: Rma) -> set[Any]:
    return {str((made.order.get("customer") or {}).get("id", ""))}


def _words(request: Request, name: str) -> set[str]:
    """A comma list; empty when the filter is not there."""
    text = request.param(name) or ""
    return {word.strip() for word in text.split(",") if word.strip()}


def _among(rows: list[Row], wanted: set[str], read: Callable[[Row], set[Any]]) -> list[Row]:
    return [row for row in rows if read(row) & wanted] if wanted else rows


def _dated(rows: list[Row], request: Request, name: str, read: Callable[[Row], datetime]) -> list[Row]:
    """`op:YYYY-MM-DDTHH:mm:ss`, no zone, given once or several times."""
    for key, text in request.query:
        if key != name:
            continue
        word, _, date = text.partition(":")
        try:
            at = datetime.strptime(date, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
            compare = OPERATORS[word]
        except (ValueError, KeyError):
            raise Refused(400, f"Invalid {name}") from None
        rows = [row for row in rows if compare(read(row).replace(microsecond=0), at)]
    return rows


def _sorting(request: Request) -> list[tuple[str, bool]]:
    """`+col,-col`; a plus that was not written %2B arrives as a space and is refused."""
    columns = []
    for word in (request.param("sort_by") or "").split(","):
        if not word:
            continue
        if word[0] not in "+-" or word[1:] not in SORTABLE:
            raise Refused(400, "Invalid sort_by")
        columns.append((word[1:], word[0] == "-"))
    return columns


def _page(
    rows: Sequence[Row], request: Request, prefix: str, number: Callable[[Row], int], end: str
) -> tuple[Sequence[Row], str | None]:
    """One page and the cursor behind it: base64 of the last row's id. A full last page may lead to an empty one."""
    text = request.param("pagesize") or ""
    if not text.isdigit() or not 1 <= int(text) <= LARGEST_PAGE:
        raise Refused(400, f"pagesize must be between 1 and {LARGEST_PAGE}")
    size = int(text)
    cursor = request.param("cursor")
    start = _after(rows, cursor, prefix, number) if cursor else 0
    page = rows[start : start + size]
    more = len(rows) > start + size or (end == "empty" and bool(page))
    mark = base64.b64encode(f"{prefix}{number(page[-1])}".encode()).decode() if more else None
    return page, mark


def _after(rows: Sequence[Row], cursor: str, prefix: str, number: Callable[[Row], int]) -> int:
    """Where the page after the cursor's row starts; a row that has left the list is looked for by its id."""
    try:
        last = int(base64.b64decode(cursor, validate=True).decode().removeprefix(prefix))
    except ValueError:
        raise Refused(400, "Invalid cursor") from None
    for place, row in enumerate(rows):
        if number(row) == last:
            return place + 1
    return next((place for place, row in enumerate(rows) if number(row) < last), len(rows))


def _answer(name: str, rows: list[Json], following: str | None, end: str) -> Json:
    """The last page has a null cursor, or none at all."""
    if following is None and end == "missing":
        return {name: rows}
    return {name: rows, "next_cursor": following}
