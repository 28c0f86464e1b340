"""ReturnGO's payloads into our words (ReturnGO sheet §3 to §7). Pure: bytes in, values out, never an exception.

An event (`eventName`) and a row of the list only name returns to be read by API; facts come from the whole RMA alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from counterfoil.adapterkit.parse import Fields, UnreadableError, read_json
from counterfoil.core.problems import Owner
from counterfoil.core.returns import PortalReturn, Stage
from counterfoil.portals.returngo.config import ReturnGOMapping
from counterfoil.portals.returngo.doubts import doubts
from counterfoil.portals.returngo.errors import judge
from counterfoil.portals.returngo.facts import facts_of
from counterfoil.portals.returngo.payouts import payouts
from counterfoil.portals.returngo.snapshot import grouped, snapshot
from counterfoil.portals.returngo.wire import Rma, read_rma, read_summary, rma_id_of
from counterfoil.portals.returngo.words import EVENTS, PORTAL, STAGES
from counterfoil.ports.translation import Finding, Kind, Translation
from counterfoil.ports.vendors import Delivery

DEFAULT = ReturnGOMapping()
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

_THIN = "The body is not signed and believed for its ids only; the return is read from ReturnGO."
_SUMMARY = "A summary has no items and no money; each return is read whole from ReturnGO."
_NO_ID = "The event names no return; the next poll finds what changed."


def translate(delivery: Delivery) -> Translation:
    """Everything one delivery or one API answer says, by the mapping as we ship it."""
    return translate_with(delivery, DEFAULT)


def translate_with(delivery: Delivery, mapping: ReturnGOMapping) -> Translation:
    """Everything one delivery or one API answer says. Unreadable input gives kind `unreadable`."""
    failed = delivery.status is not None and delivery.status >= 300
    try:
        value = read_json(delivery.body) if delivery.body.strip() or delivery.status is None else None
    except UnreadableError as error:
        return _judged(delivery, None) if failed else _unreadable(str(error))
    if failed:
        return _judged(delivery, value)
    try:
        return _of_body(value, delivery, mapping)
    except UnreadableError as error:
        return _unreadable(str(error), value)


def translate_rma(value: Any, mapping: ReturnGOMapping) -> Translation:
    """One whole RMA as parsed, from `GET /rma/{id}`."""
    try:
        return _rma(Fields(value), mapping)
    except UnreadableError as error:
        return _unreadable(str(error), value)


def _of_body(value: Any, delivery: Delivery, mapping: ReturnGOMapping) -> Translation:
    if isinstance(value, list) and (delivery.status is not None or _registrations(value)):
        return _judged(delivery, value)
    if not isinstance(value, dict):
        if delivery.status is not None and value is None:
            return _judged(delivery, None)
        raise UnreadableError("the body is neither an event, an RMA, a list, nor an answer of the API")
    body = Fields(value)
    if "eventName" in value and "url" not in value and delivery.status is None:
        return _event(body, mapping)
    if "rmaSummary" in value:
        return _rma(body, mapping) if _answered(delivery) else _event(body, mapping)
    if "rmas" in value:
        return _page(body)
    if "transactions" in value:
        return _transactions(body)
    if "rmaId" in value and "status" in value:
        return _summary(body)
    if delivery.status is None and not value.keys() & _ANSWER_KEYS:
        return _unknown(None, (), "ReturnGO sent a body without eventName that is no answer we know.")
    return _judged(delivery, value)


def _answered(delivery: Delivery) -> bool:
    """Whether the body is an answer of the API, which may be believed; a webhook's body never is (§5).

    A webhook comes with headers and without the status of an answer. A body with neither was given by a person.
    """
    return delivery.status is not None or not delivery.headers


# What tells an answer of the API from an event when nobody said which it is (§1, §2, §5).
_ANSWER_KEYS = frozenset({"message", "Message", "error", "errors", "url", "shipmentId", "trackingNumber"})


def _registrations(rows: Sequence[Any]) -> bool:
    """Whether a bare list is that of the webhooks (§5)."""
    return all(isinstance(row, dict) and "eventName" in row for row in rows)


# --- the whole RMA --------------------------------------------------------------------------------------------------


def _rma(body: Fields, mapping: ReturnGOMapping) -> Translation:
    rma = read_rma(body, mapping)
    money = payouts(rma, mapping)
    seen = snapshot(rma, mapping, money)
    return Translation(
        vendor=PORTAL,
        kind=Kind.RETURN,
        portal_return=grouped(rma, seen),
        events=facts_of(rma, seen, money, mapping),
        problems=tuple(doubts(rma, money, mapping)),
    )


# --- what only names returns ----------------------------------------------------------------------------------------


def _page(body: Fields) -> Translation:
    """A page of the list: summaries without items, money or order id (§3), so each return is read on its own.

    A row that cannot be read is a finding of its own and does not hide its neighbours.
    """
    rows = body.raw("rmas") or []
    if not isinstance(rows, list):
        raise UnreadableError("rmas is not a list")
    returns: list[PortalReturn] = []
    problems: list[Finding] = []
    for position, row in enumerate(rows):
        try:
            returns.append(_shown(read_summary(_head(row, position))))
        except UnreadableError as error:
            problems.append(_not_read(str(error), row))
    reread = tuple(dict.fromkeys(shown.return_id for shown in returns))
    because = _SUMMARY if rows else "The list has no returns in it."
    return Translation(
        vendor=PORTAL,
        kind=Kind.LIST_PAGE,
        returns=tuple(returns),
        problems=tuple(problems),
        reread=reread,
        ignored_because=because,
    )


def _head(row: Any, position: int) -> Fields:
    if not isinstance(row, Mapping):
        raise UnreadableError(f"row {position} of the list is not an object")
    row_fields = Fields(row, f"rmas[{position}]")
    return row_fields.child("rmaSummary") or row_fields


def _summary(body: Fields) -> Translation:
    shown = _shown(read_summary(body))
    return Translation(
        vendor=PORTAL, kind=Kind.RETURN, portal_return=shown, reread=(shown.return_id,), ignored_because=_SUMMARY
    )


def _shown(rma: Rma) -> PortalReturn:
    return PortalReturn(
        portal=PORTAL,
        return_id=rma.rma_id,
        state=rma.status,
        stage=STAGES.get(rma.status, Stage.REQUESTED),
        order_ref=None,
        order_name=rma.order_name,
        currency="",
        created_at=rma.created_at,
    )


def _transactions(body: Fields) -> Translation:
    """Rows of the transaction list do not say which return they belong to (§2); the RMA itself lists its own."""
    count = sum(1 for _ in body.each("transactions"))
    because = f"{count} transactions that do not name their return; each is read with its return."
    return Translation(vendor=PORTAL, kind=Kind.LIST_PAGE, ignored_because=because)


def _event(body: Fields, mapping: ReturnGOMapping) -> Translation:
    """A webhook. Whoever knows the address can write its body, so it is only a reason to look (§5)."""
    topic = body.text("eventName")
    named = _named(body, mapping)
    reread = (named,) if named else ()
    if topic not in EVENTS:
        return _unknown(topic, reread, f"ReturnGO sent the event {topic!r}, which we do not know.")
    if named:
        return Translation(vendor=PORTAL, kind=Kind.OTHER, topic=topic, reread=reread, ignored_because=_THIN)
    message = f"ReturnGO's event {topic} names no return in any of the places we look."
    problem = _finding("portal_event_without_id", message, topic or "")
    return Translation(vendor=PORTAL, kind=Kind.OTHER, topic=topic, problems=(problem,), ignored_because=_NO_ID)


def _named(body: Fields, mapping: ReturnGOMapping) -> str | None:
    """The return an event names, looked for in the configured places."""
    for path in mapping.return_id_paths:
        *parents, last = path.split(".")
        place: Any = body.data
        for parent in parents:
            place = place.get(parent) if isinstance(place, Mapping) else None
        found = place.get(last) if isinstance(place, Mapping) else None
        if isinstance(found, str | int) and not isinstance(found, bool):
            rma_id = rma_id_of(str(found))
            if rma_id and _ID.fullmatch(rma_id):
                return rma_id
    return None


# --- answers and what cannot be read --------------------------------------------------------------------------------


def _judged(delivery: Delivery, value: Any) -> Translation:
    verdict = judge(delivery.status, value, _retry_after_s(delivery))
    return Translation(vendor=PORTAL, kind=Kind.ANSWER, answer=verdict.answer, problems=verdict.findings())


def _retry_after_s(delivery: Delivery) -> float | None:
    """Read where it is present; no document promises it (§1)."""
    given = delivery.headers.get("retry-after", "")
    return float(given) if given.isdecimal() and len(given) < 7 else None


def _unknown(topic: str | None, reread: tuple[str, ...], message: str) -> Translation:
    problem = _finding("unknown_topic", message, topic or "")
    return Translation(vendor=PORTAL, kind=Kind.OTHER, topic=topic, reread=reread, problems=(problem,))


def _unreadable(why: str, value: Any = None) -> Translation:
    return Translation(vendor=PORTAL, kind=Kind.UNREADABLE, problems=(_not_read(why, value),))


def _not_read(why: str, value: Any) -> Finding:
    subject = _subject(value)
    of = f" of return {subject}" if subject else ""
    return _finding("unreadable_delivery", f"Something{of} from ReturnGO could not be read: {why}.", subject)


def _subject(value: Any) -> str:
    head = value.get("rmaSummary") if isinstance(value, Mapping) else None
    for place in (head, value):
        named = place.get("rmaId") if isinstance(place, Mapping) else None
        if isinstance(named, str | int) and not isinstance(named, bool):
            return str(named)[:64]
    return ""


def _finding(kind: str, message: str, subject: str) -> Finding:
    return Finding(kind=kind, owner=Owner.INTEGRATION, message=message, subject=subject)
