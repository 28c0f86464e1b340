"""Loop's payloads into our words (Loop sheet §4, §6, §7). Pure: bytes in, values out, never an exception.

What a body is is decided by its `topic`; the trigger is a hint only (§3). A body without a topic is an answer of the
API: a list page, the details of one return, or what an action said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from counterfoil.adapterkit.parse import Fields, UnreadableError, read_json
from counterfoil.adapterkit.signing import digest
from counterfoil.core.events import LabelMoved, OutsideFact, ProcessingFailed, RestockSignalled, StoreCreditIssued
from counterfoil.core.problems import Owner
from counterfoil.core.returns import PortalReturn
from counterfoil.portals.loop.errors import Verdict, judge, words_of
from counterfoil.portals.loop.facts import facts_of, label_fact, once
from counterfoil.portals.loop.identities import check_money
from counterfoil.portals.loop.snapshot import (
    AMOUNT_FIELDS,
    PORTAL,
    currency_of,
    read_return,
    return_id_of,
    unknown_words,
)
from counterfoil.portals.loop.words import STAGES
from counterfoil.ports.translation import Finding, GiftCard, Kind, Translation
from counterfoil.ports.vendors import Delivery


def translate(delivery: Delivery) -> Translation:
    """Everything one delivery or one API answer of Loop says. Unreadable input gives kind `unreadable`."""
    if not delivery.body.strip():
        return _empty(delivery)
    try:
        value = read_json(delivery.body)
    except UnreadableError as error:
        return _judged(delivery, None) if _failed(delivery.status) else _unreadable(str(error))
    if _failed(delivery.status):
        return _judged(delivery, value)
    try:
        return _of_list(value, delivery) if isinstance(value, list) else _of_one(value, delivery)
    except UnreadableError as error:
        return _unreadable(str(error), value)


def translate_row(row: Mapping[str, Any], details: Mapping[str, Any] | None = None) -> Translation:
    """One row of the list, completed with what only details knows: the refunds that were made (§6.1, §6.2)."""
    whole = dict(row)
    if details is not None:
        whole["refunds"] = details.get("refunds") or row.get("refunds")
    try:
        return _return(Fields(whole))
    except UnreadableError as error:
        return _unreadable(str(error), whole)


def _failed(status: int | None) -> bool:
    return status is not None and status >= 300


def _empty(delivery: Delivery) -> Translation:
    """A mismatched topic and trigger deliver an empty payload (§3); deletions and updates answer with 204 (§6.5)."""
    if delivery.status is not None:
        return _judged(delivery, None)
    because = "The body is empty: Loop sends this when a subscription's topic and trigger do not fit each other."
    return Translation(vendor=PORTAL, kind=Kind.OTHER, ignored_because=because)


def _of_one(value: Any, delivery: Delivery) -> Translation:
    if value is None:
        return _empty(delivery)
    if isinstance(value, bool) or value in ("true", "false"):
        return _judged(delivery, value)
    if not isinstance(value, dict):
        raise UnreadableError("the body is neither an object, a list, nor an answer in one word")
    body = Fields(value)
    topic = body.text("topic")
    if topic is not None and not ("url" in value and "status" in value and "state" not in value):
        return _of_topic(body, topic, delivery)
    if not value and delivery.status is None:
        return _empty(delivery)
    if isinstance(value.get("returns"), list):
        return _page(list(value["returns"]))
    if ("id" in value or "return_id" in value) and ("line_items" in value or "state" in value):
        return _return(body)
    if delivery.status is None and not (value.keys() & _ANSWER_KEYS):
        return _unknown_topic(None, None, "The body has no topic and is no answer of Loop's API that we know.")
    return _judged(delivery, value)


# What tells an API answer from a webhook when nobody said which it is (§6.3–§6.6, §7).
_ANSWER_KEYS = frozenset({"errors", "error", "message", "content", "webhooks", "destinations", "notes", "data", "url"})


def _of_list(rows: list[Any], delivery: Delivery) -> Translation:
    """A bare array: the list of returns, unless its first row is something else (§6.1, §6.4, §6.6)."""
    first = next((row for row in rows if isinstance(row, dict)), None)
    if rows and first is None:
        raise UnreadableError("the body is a list without an object in it")
    keys = set(first or ())
    if keys & {"return_line_item_id", "content"} or ("line_item_id" in keys and not keys & {"state", "line_items"}):
        return _judged(delivery, rows)
    return _page(rows)


def _of_topic(body: Fields, topic: str, delivery: Delivery) -> Translation:
    trigger = body.text("trigger")
    read = _TOPICS.get(topic.lower())
    if read is None:
        return _unknown_topic(topic, trigger, f"Loop sent the topic {topic!r}, which we do not know.")
    try:
        found = read(body)
    except UnreadableError as error:
        found = _unreadable(str(error), body.data)
    return _named(found, topic, trigger)


def _named(found: Translation, topic: str | None, trigger: str | None) -> Translation:
    return msgspec.structs.replace(found, topic=topic, trigger=trigger)


# --- returns --------------------------------------------------------------------------------------------------------


def _return(body: Fields) -> Translation:
    seen = read_return(body)
    return Translation(
        vendor=PORTAL,
        kind=Kind.RETURN,
        portal_return=seen,
        events=facts_of(body, seen),
        problems=tuple(_doubts(body, seen)),
    )


def _page(rows: list[Any]) -> Translation:
    """A page of the list. A row that cannot be read is a finding of its own and does not hide its neighbours."""
    returns: list[PortalReturn] = []
    facts: list[OutsideFact] = []
    problems: list[Finding] = []
    for position, row in enumerate(rows):
        try:
            if not isinstance(row, dict):
                raise UnreadableError(f"row {position} of the list is not an object")
            read = _return(Fields(row))
        except UnreadableError as error:
            problems.append(_not_read(str(error), row))
            continue
        returns += [read.portal_return] if read.portal_return else []
        facts += read.events
        problems += read.problems
    return Translation(
        vendor=PORTAL, kind=Kind.LIST_PAGE, returns=tuple(returns), events=once(facts), problems=tuple(problems)
    )


def _doubts(body: Fields, seen: PortalReturn) -> Iterator[Finding]:
    """What a person should know about a return that could be read."""
    yield from check_money(body, seen)
    if not seen.currency and any(body.raw(name) is not None for name in AMOUNT_FIELDS):
        message = f"Return {seen.return_id} has amounts and no currency; its amounts are left unknown."
        yield _finding("currency_missing", message, seen.return_id)
    if seen.state not in STAGES:
        said = f"is in the state {seen.state!r}, which we do not know" if seen.state else "does not say its state"
        yield _finding("unknown_portal_word", f"Return {seen.return_id} {said}; it was not moved.", seen.return_id)
    for where, word in unknown_words(body):
        if where != "state":
            message = f"Return {seen.return_id}: {where} says {word!r}, which we do not know; it reads as unknown."
            yield _finding("unknown_portal_word", message, f"{seen.return_id} {where}")


# --- the other topics (§4.4) ----------------------------------------------------------------------------------------


def _label(body: Fields) -> Translation:
    facts: tuple[LabelMoved, ...] = tuple(label_fact(body, return_id_of(body)))
    problems = tuple(
        _finding("unknown_portal_word", f"{where} says {word!r}, which we do not know.", return_id_of(body))
        for where, word in unknown_words(body)
        if where == "label_status"
    )
    because = None if facts or problems else "The label has neither a status nor a tracking number."
    return Translation(vendor=PORTAL, kind=Kind.LABEL, events=facts, problems=problems, ignored_because=because)


def _restock(body: Fields) -> Translation:
    """A wish to raise stock: kept as a fact, never a movement (R52)."""
    items = [
        (item.text("location_id") or "", item.text("variant_id") or "", item.whole("available_adjustment") or 0)
        for item in body.each("restock_items")
    ]
    identity = digest(*sorted(f"{place}\x1f{variant}\x1f{units}" for place, variant, units in items))[:16]
    return_id = return_id_of(body)
    fact = RestockSignalled(
        key=f"{PORTAL}/{return_id}/restock/{identity}",
        portal=PORTAL,
        return_id=return_id,
        quantity=sum(units for _, _, units in items),
    )
    return Translation(vendor=PORTAL, kind=Kind.RESTOCK, events=(fact,))


def _gift_card(body: Fields) -> Translation:
    """A gift card; its id is null when Loop made it because an exchange item was out of stock."""
    currency = currency_of(body)
    if currency is None:
        raise UnreadableError("currency is missing")
    issued = body.amount("total_credit_issued", currency)
    if issued is None:
        raise UnreadableError("total_credit_issued is missing")
    card = GiftCard(
        gift_card_id=body.text("id"),
        issued=issued,
        subtotal=body.amount("gift_card_subtotal", currency),
        tax=body.amount("gift_card_tax", currency),
        bonus=body.amount("gift_card_bonus_credit", currency),
        currency=currency,
        return_id=body.text("return_id"),
    )
    order_ref = body.text("external_order_id")
    nameless = f"{card.return_id or order_ref or '-'}/{issued}{currency}"
    fact = StoreCreditIssued(
        key=f"{PORTAL}/giftcard/{card.gift_card_id or nameless}",
        portal=PORTAL,
        return_id=card.return_id,
        gift_card_id=card.gift_card_id,
        order_ref=order_ref,
        issued=issued,
        bonus=card.bonus or 0,
        currency=currency,
    )
    return Translation(vendor=PORTAL, kind=Kind.GIFT_CARD, gift_card=card, events=(fact,))


def _processing(body: Fields) -> Translation:
    """Processing failed. The body is not public (§4.4): only topic, trigger and some return id are relied on."""
    trigger = body.text("trigger") or "return.processing.failed"
    if not trigger.endswith("failed"):
        return _unknown_topic(None, None, f"Loop sent return.processing under the trigger {trigger!r}.")
    return_id = body.text("return_id") or body.text("id")
    reason = words_of(body.data) or "Loop gave no reason."
    named = f"return {return_id}" if return_id else "a return it did not name"
    message = f"Loop could not carry out the outcome of {named}. {reason}"
    facts: tuple[OutsideFact, ...] = ()
    if return_id:
        key = f"{PORTAL}/{return_id}/processing_failed/{digest(repr(sorted(body.data.items())))[:16]}"
        facts = (ProcessingFailed(key=key, portal=PORTAL, return_id=return_id, reason=reason),)
    finding = Finding(kind="processing_failed", owner=Owner.CX, message=message, subject=return_id or "")
    return Translation(vendor=PORTAL, kind=Kind.OTHER, events=facts, problems=(finding,))


def _shipment(body: Fields) -> Translation:
    because = "A Happy Returns shipment pools many returns and names none of them; the warehouse counts them."
    return Translation(vendor=PORTAL, kind=Kind.OTHER, ignored_because=because)


def _label_request(body: Fields) -> Translation:
    because = "A request to make a label is for a label provider; we learn of the label from its own topic."
    return Translation(vendor=PORTAL, kind=Kind.OTHER, ignored_because=because)


_TOPICS: Mapping[str, Callable[[Fields], Translation]] = {
    "return": _return,
    "return.processing": _processing,
    "label": _label,
    "restock": _restock,
    "giftcard": _gift_card,
    "happy.returns.shipment": _shipment,
    "label.request": _label_request,
}


# --- answers and what cannot be read --------------------------------------------------------------------------------


def _judged(delivery: Delivery, value: Any) -> Translation:
    """An answer of the API. A switched-off webhook subscription is worth a word: nothing will arrive (§6.5)."""
    verdict: Verdict = judge(delivery.status, value, _retry_after_s(delivery))
    asleep = tuple(_inactive(value)) if verdict.good else ()
    return Translation(vendor=PORTAL, kind=Kind.ANSWER, answer=verdict.answer, problems=(*verdict.findings(), *asleep))


def _inactive(value: Any) -> Iterator[Finding]:
    if not isinstance(value, dict):
        return
    listed = value.get("webhooks")
    for one in listed if isinstance(listed, list) else [value]:
        if isinstance(one, dict) and one.get("status") == "inactive" and "trigger" in one:
            message = f"The webhook for {one['trigger']} is switched off at Loop; its deliveries will not arrive."
            yield _finding("portal_webhook_inactive", message, str(one["trigger"]))


def _retry_after_s(delivery: Delivery) -> float | None:
    given = delivery.headers.get("retry-after", "")
    return float(given) if given.isdecimal() and len(given) < 7 else None


def _unknown_topic(topic: str | None, trigger: str | None, message: str) -> Translation:
    problem = _finding("unknown_topic", message, topic or "")
    return Translation(vendor=PORTAL, kind=Kind.OTHER, topic=topic, trigger=trigger, problems=(problem,))


def _unreadable(why: str, value: Any = None) -> Translation:
    return Translation(vendor=PORTAL, kind=Kind.UNREADABLE, problems=(_not_read(why, value),))


def _not_read(why: str, value: Any) -> Finding:
    named = value.get("id") or value.get("return_id") if isinstance(value, Mapping) else None
    subject = str(named) if isinstance(named, str | int) else ""
    of = f" of return {subject}" if subject else ""
    return _finding("unreadable_delivery", f"Something{of} from Loop could not be read: {why}.", subject)


def _finding(kind: str, message: str, subject: str) -> Finding:
    return Finding(kind=kind, owner=Owner.INTEGRATION, message=message, subject=subject)
