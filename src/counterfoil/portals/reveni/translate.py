"""Reveni's payloads into our words (Reveni sheet §3, §6). Pure: bytes in, values out, never an exception.

A webhook says which return to read again and nothing else. A row of the list is shown, and read again. Only the details
of a return state facts. Everything else is what the API answered to something we did.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from counterfoil.adapterkit.parse import Fields, UnreadableError, read_json
from counterfoil.core.events import OutsideFact
from counterfoil.core.problems import Owner
from counterfoil.core.returns import PortalReturn
from counterfoil.portals.reveni.doubts import doubts
from counterfoil.portals.reveni.errors import is_error, judge
from counterfoil.portals.reveni.facts import facts_of, once
from counterfoil.portals.reveni.mapping import USUAL, ReveniMapping
from counterfoil.portals.reveni.paths import Mapped
from counterfoil.portals.reveni.snapshot import PORTAL, Seen, read_details, read_return, tidy_id
from counterfoil.portals.reveni.webhooks import signature_headers
from counterfoil.ports.translation import Finding, Kind, Translation
from counterfoil.ports.vendors import Delivery

_THIN = "The body is not signed and believed for its id only; the return is read from Reveni."

TOPICS = ("return.created", "return.updated")


def translate(delivery: Delivery) -> Translation:
    """Everything one delivery or one API answer says, where the account names its fields as the sheet proposes."""
    return translate_as(delivery, USUAL)


def translate_as(delivery: Delivery, mapping: ReveniMapping) -> Translation:
    """The same with an account's own field names and words. Unreadable input gives kind `unreadable`."""
    if not delivery.body.strip():
        return _empty(delivery)
    try:
        value = read_json(delivery.body)
    except UnreadableError as error:
        return _judged(delivery, None) if _failed(delivery.status) else _unreadable(str(error))
    if _failed(delivery.status):
        return _judged(delivery, value)
    try:
        return _of_value(value, delivery, mapping)
    except UnreadableError as error:
        return _unreadable(str(error), value)


def translate_details(value: Mapping[str, Any], mapping: ReveniMapping) -> Translation:
    """One return as the API gives it by its id. What cannot be read gives kind `unreadable`, never an exception."""
    try:
        return _return(read_details(Fields(value), mapping), mapping)
    except UnreadableError as error:
        return _unreadable(str(error), value)


def translate_row(value: Mapping[str, Any], mapping: ReveniMapping) -> Translation:
    """One row of the list."""
    try:
        return _return(read_return(Fields(value), mapping), mapping)
    except UnreadableError as error:
        return _unreadable(str(error), value)


def _failed(status: int | None) -> bool:
    return status is not None and status >= 300


def _empty(delivery: Delivery) -> Translation:
    """Deleting a webhook answers with nothing; a webhook without a body names no return."""
    return _judged(delivery, None) if delivery.status is not None else _unreadable("the body is empty")


def _of_value(value: Any, delivery: Delivery, mapping: ReveniMapping) -> Translation:
    if isinstance(value, list):
        return _page(value, mapping)
    if not isinstance(value, dict):
        raise UnreadableError("the body is neither an object nor a list")
    body = Fields(value)
    if "event" in value and delivery.status is None:
        return _event(body, delivery)
    if isinstance(value.get("results"), list):
        return _page(value["results"], mapping)
    if _is_return(body, mapping):
        return _return(read_return(body, mapping), mapping)
    if delivery.status is not None or is_error(value) or "event_types" in value:
        return _judged(delivery, value)
    return _unknown_topic(None, "The body is no event of Reveni's and no answer of its API that we know.")


def _is_return(body: Fields, mapping: ReveniMapping) -> bool:
    """A return has an id, and a status or items; a webhook subscription has an id, too."""
    row = Mapped(body, mapping)
    return row.has("id") and (row.has("status") or row.has("items")) and "event_types" not in body


# --- webhooks (§3) --------------------------------------------------------------------------------------------------


def _event(body: Fields, delivery: Delivery) -> Translation:
    """A thin event. Nothing in it is signed, so only the id is taken, and the return is read again by API."""
    topic = body.need("event")
    notices = tuple(_signed(delivery))
    if not topic.startswith("return."):
        unknown = _unknown_topic(topic, f"Reveni sent the topic {topic!r}, which we do not know.")
        return _with(unknown, notices)
    data = body.child("data")
    if data is None:
        raise UnreadableError("data is missing")
    return_id = tidy_id(data.need("resource_id"))
    if topic not in TOPICS:
        message = f"Reveni sent the topic {topic!r}, which we do not know; return {return_id} is read again."
        notices = (_finding("unknown_topic", message, topic), *notices)
    return Translation(
        vendor=PORTAL, kind=Kind.OTHER, topic=topic, problems=notices, reread=(return_id,), ignored_because=_THIN
    )


def _signed(delivery: Delivery) -> list[Finding]:
    """Reveni is not known to sign. When it begins to, the connection can be made safer (sheet §3)."""
    return [
        _finding(
            "portal_signs_webhooks",
            f"Reveni sent a header {name!r}: find out how it signs, and give its secret to the connection.",
            name,
        )
        for name in signature_headers(delivery)
    ]


def _with(found: Translation, notices: tuple[Finding, ...]) -> Translation:
    return Translation(vendor=found.vendor, kind=found.kind, topic=found.topic, problems=(*found.problems, *notices))


# --- returns --------------------------------------------------------------------------------------------------------


def _return(seen: Seen, mapping: ReveniMapping) -> Translation:
    return Translation(
        vendor=PORTAL,
        kind=Kind.RETURN,
        portal_return=seen.portal_return,
        events=facts_of(seen, mapping),
        problems=tuple(doubts(seen, mapping)) if seen.whole else (),
        reread=() if seen.whole else (seen.return_id,),
    )


def _page(rows: list[Any], mapping: ReveniMapping) -> Translation:
    """A page of the list. A row that cannot be read is a finding of its own and does not hide its neighbours."""
    returns: list[PortalReturn] = []
    facts: list[OutsideFact] = []
    problems: list[Finding] = []
    reread: list[str] = []
    for position, row in enumerate(rows):
        try:
            if not isinstance(row, dict):
                raise UnreadableError(f"row {position} of the list is not an object")
            read = _return(read_return(Fields(row), mapping), mapping)
        except UnreadableError as error:
            problems.append(_not_read(str(error), row))
            continue
        returns += [read.portal_return] if read.portal_return else []
        facts += read.events
        problems += read.problems
        reread += read.reread
    return Translation(
        vendor=PORTAL,
        kind=Kind.LIST_PAGE,
        returns=tuple(returns),
        events=once(facts),
        problems=tuple(problems),
        reread=tuple(dict.fromkeys(reread)),
    )


# --- answers and what cannot be read --------------------------------------------------------------------------------


def _judged(delivery: Delivery, value: Any) -> Translation:
    verdict = judge(delivery.status, value, _retry_after_s(delivery))
    return Translation(vendor=PORTAL, kind=Kind.ANSWER, answer=verdict.answer, problems=verdict.findings())


def _retry_after_s(delivery: Delivery) -> float | None:
    given = delivery.headers.get("retry-after", "")
    return float(given) if given.isdecimal() and len(given) < 7 else None


def _unknown_topic(topic: str | None, message: str) -> Translation:
    problem = _finding("unknown_topic", message, topic or "")
    return Translation(vendor=PORTAL, kind=Kind.OTHER, topic=topic, problems=(problem,))


def _unreadable(why: str, value: Any = None) -> Translation:
    return Translation(vendor=PORTAL, kind=Kind.UNREADABLE, problems=(_not_read(why, value),))


def _not_read(why: str, value: Any) -> Finding:
    named = value.get("id") or value.get("uuid") if isinstance(value, Mapping) else None
    subject = str(named) if isinstance(named, str | int) and not isinstance(named, bool) else ""
    of = f" ({subject})" if subject else ""
    return _finding("unreadable_delivery", f"Something from Reveni{of} could not be read: {why}.", subject)


def _finding(kind: str, message: str, subject: str) -> Finding:
    return Finding(kind=kind, owner=Owner.INTEGRATION, message=message, subject=subject)
