"""The list of returns: comma filters, dates, a search, numbered pages (Reveni sheet §6, all inferred)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import urlencode

from counterfoil.portals.reveni.sim.desk import Refused
from counterfoil.portals.reveni.sim.records import Json, Return
from counterfoil.portals.reveni.sim.views import Writer
from counterfoil.simkit.http import Request

PAGE_DEFAULT, LARGEST_PAGE = 50, 200


def answer(returns: Iterable[Return], request: Request, address: str, writer: Writer) -> Json:
    """One page, newest request first, with links to its neighbours. Raises Refused (422)."""
    found = sorted(_among(returns, request, writer), key=lambda made: (made.created_at, made.id), reverse=True)
    size = _whole(request, "page_size", PAGE_DEFAULT)
    page = _whole(request, "page", 1)
    if size > LARGEST_PAGE:
        raise Refused(422, "invalid", f"page_size: at most {LARGEST_PAGE}.")
    rows = found[(page - 1) * size : page * size]
    return {
        "count": len(found),
        "next": _link(request, address, page + 1) if page * size < len(found) else None,
        "previous": _link(request, address, page - 1) if page > 1 else None,
        "results": [writer.row(made) for made in rows],
    }


def _link(request: Request, address: str, page: int) -> str:
    kept = [(name, value) for name, value in request.query if name != "page"]
    return f"{address}?{urlencode([*kept, ('page', str(page))])}"


def _whole(request: Request, name: str, default: int) -> int:
    text = request.param(name) or str(default)
    if not text.isdigit() or int(text) < 1:
        raise Refused(422, "invalid", f"{name}: a positive integer is required.")
    return int(text)


def _among(returns: Iterable[Return], request: Request, writer: Writer) -> Iterable[Return]:
    statuses, kinds = _words(request, "status"), _words(request, "transaction_type")
    first, last = _day(request, "updated_from"), _day(request, "updated_to")
    text = (request.param("search") or "").lower()
    for made in returns:
        day = made.updated_at.astimezone(UTC).strftime("%Y-%m-%d")
        wanted = (
            (not statuses or writer.status(made, "api_case").upper() in statuses)
            and (not kinds or made.kind.upper() in kinds or made.kind == "mixed")
            and (not first or first <= day)
            and (not last or day <= last)
            and (not text or text in _searched(made))
        )
        if wanted:
            yield made


def _words(request: Request, name: str) -> set[str]:
    return {word.strip().upper() for word in (request.param(name) or "").split(",") if word.strip()}


def _day(request: Request, name: str) -> str:
    """A date, `YYYY-MM-DD`; both ends of a range count."""
    text = request.param(name) or ""
    if text:
        try:
            datetime.strptime(text, "%Y-%m-%d")
        except ValueError:
            raise Refused(422, "invalid", f"{name}: a date as YYYY-MM-DD is required.") from None
    return text


def _searched(made: Return) -> str:
    """What the full-text search looks in: order name, e-mail, tracking (§2)."""
    customer = made.order.get("customer") or {}
    tracking = (made.delivery or {}).get("tracking_number") or ""
    return " ".join((str(made.order.get("name", "")), str(customer.get("email", "")), str(tracking))).lower()
