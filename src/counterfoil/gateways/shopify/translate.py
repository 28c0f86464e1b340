"""The shop's webhooks and API answers in our words (shop sheet §2-§5, outputs §1). Pure.

The topic comes from the header; without headers the body's shape says what it is. What cannot be read becomes a
finding, never an exception and never a zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from counterfoil.adapterkit.parse import Fields, UnreadableError, read_json
from counterfoil.core.chargebacks import ChargebackState
from counterfoil.core.events import OutsideFact, RefundMoved
from counterfoil.core.problems import Owner
from counterfoil.gateways.shopify.books import Currencies, order_currencies, refund_currencies
from counterfoil.gateways.shopify.disputes import chargeback_moved
from counterfoil.gateways.shopify.errors import Trouble, graph_trouble, http_trouble
from counterfoil.gateways.shopify.facts import movement, movements, settled_unaided, tender_movement
from counterfoil.gateways.shopify.graph import order_body
from counterfoil.gateways.shopify.orders import order_seen, read_order
from counterfoil.gateways.shopify.refunds import Refund, Settled, read_refund, read_transaction, settle
from counterfoil.gateways.shopify.shapes import Shape, bodies, shape
from counterfoil.gateways.shopify.webhooks import SIGNATURE, header, topic_of
from counterfoil.ports.outcomes import Busy, LockedOut, Refused
from counterfoil.ports.translation import Answer, Finding, Kind, RefundNotice, Signature, Translation
from counterfoil.ports.vendors import Delivery

VENDOR = "shopify"

_TOPIC_OF_SHAPE = {
    Shape.REFUND: "refunds/create",
    Shape.TRANSACTION: "order_transactions/create",
    Shape.TENDER: "tender_transactions/create",
    Shape.DISPUTE: "disputes/create",
}
_IGNORED = {
    "returns": "the portal tells returns; the shop's own return is not used beside it",
    "reverse_fulfillment_orders": "the warehouse tells what was inspected, not the shop",
    "reverse_deliveries": "the portal tells the parcel's label",
    "fulfillments": "despatch is not part of a return",
}


def translate(delivery: Delivery) -> Translation:
    """One webhook or API answer. The signature is checked by the hook; here only its absence is seen."""
    if delivery.status is not None:
        return _answer(delivery)
    try:
        value = read_json(delivery.body)
        if isinstance(value, Mapping) and (set(value) <= {"data", "errors", "extensions"}) and value:
            return _answer(delivery)
        found = _webhook(topic_of(delivery), value)
    except UnreadableError as error:
        found = unreadable(error, topic_of(delivery))
    if header(delivery, SIGNATURE) is None:
        found = msgspec.structs.replace(found, signature=Signature.ABSENT)
    return found


def _webhook(topic: str | None, value: Any) -> Translation:
    if topic is None:
        return _all(bodies(value))
    group, _, _ = topic.partition("/")
    if group in _IGNORED:
        return _other(topic, _IGNORED[group])
    reader = _READERS.get(group)
    if reader is None:
        return _unknown(topic)
    if not isinstance(value, Mapping):
        raise UnreadableError("the body of a webhook is an object, and this is not one")
    return msgspec.structs.replace(reader(bodies(value)[0]), topic=topic)


def _all(records: list[Fields]) -> Translation:
    """Records without a topic: each read by its shape, told together."""
    told = [_by_shape(record) for record in records]
    if len(told) == 1:
        return told[0]
    reasons = [part.ignored_because for part in told if part.ignored_because]
    return Translation(
        vendor=VENDOR,
        kind=told[0].kind if told else Kind.OTHER,
        topic=told[0].topic if told else None,
        events=tuple(event for part in told for event in part.events),
        problems=tuple(problem for part in told for problem in part.problems),
        refunds=tuple(refund for part in told for refund in part.refunds),
        ignored_because="the list is empty" if not told else (reasons[0] if len(reasons) == len(told) else None),
    )


def _by_shape(body: Fields) -> Translation:
    found = shape(body)
    if found is Shape.ORDER:
        return order_translation(body)
    topic = _TOPIC_OF_SHAPE.get(found)
    if topic is None:
        return _order(body) if "order_edit" in body else _unknown(None)
    return msgspec.structs.replace(_READERS[topic.partition("/")[0]](body), topic=topic)


# --- orders ---------------------------------------------------------------------------------------------------------


def _order(body: Fields) -> Translation:
    if "order_edit" not in body:
        return order_translation(body)
    because = "it names only what changed; the order itself comes with orders/updated"
    return Translation(vendor=VENDOR, kind=Kind.ORDER, ignored_because=because)


def order_translation(body: Fields) -> Translation:
    """An order with the refunds its body lists. A refund that cannot be read is a finding beside the rest.

    Raises UnreadableError when the order itself cannot be read.
    """
    seen, currencies = order_seen(body), order_currencies(body)
    facts: list[OutsideFact] = [seen]
    problems: list[Finding] = []
    for raw in body.each("refunds"):
        try:
            told = _refund_of_order(body, raw, currencies)
        except UnreadableError as error:
            problems.append(_finding("unreadable_delivery", Owner.INTEGRATION, str(error), raw.text("id") or ""))
            continue
        facts += told.events
        problems += told.problems
    return Translation(vendor=VENDOR, kind=Kind.ORDER, events=tuple(facts), problems=tuple(problems), order=seen.order)


def _refund_of_order(order: Fields, raw: Fields, currencies: Currencies) -> Translation:
    books = read_order(order)
    refund = read_refund(raw, currencies, books.shop.order_ref)
    return _told(refund, settle(refund, books.shop.taxes_included, books))


# --- money going back -----------------------------------------------------------------------------------------------


def _refund(body: Fields) -> Translation:
    refund = read_refund(body, refund_currencies(body))
    return _told(refund, settled_unaided(refund))


def _told(refund: Refund, settled: Settled) -> Translation:
    """A refund as facts: one per transaction. Without any, no money has moved and the units alone are told in words."""
    facts = movements(refund, settled)
    problems: tuple[Finding, ...] = ()
    if settled.balances is False and settled.note:
        problems = (_finding("money_identity_broken", Owner.FINANCE, settled.note, refund.ref),)
    units = sum(row.quantity for row in refund.units)
    because = f"refund {refund.ref} has no refund transaction, so no money has moved; it takes {units} units"
    return _refund_translation(facts, problems, None if facts else because)


def _transaction(body: Fields) -> Translation:
    kind = (body.text("kind") or "").lower()
    if kind != "refund":
        return _refund_translation((), (), f"a transaction of kind {kind or 'unknown'} pays nothing back")
    return _refund_translation((movement(read_transaction(body)),), (), None)


def _tender(body: Fields) -> Translation:
    if body.text("remote_reference") is None:
        because = "the tender names no gateway reference; the refund's own transaction tells of the same money"
        return _refund_translation((), (), because)
    fact = tender_movement(body)
    return _refund_translation((fact,) if fact else (), (), None if fact else "money taken, not paid back")


def _refund_translation(
    facts: tuple[RefundMoved, ...], problems: tuple[Finding, ...], because: str | None
) -> Translation:
    return Translation(
        vendor=VENDOR,
        kind=Kind.REFUND,
        events=facts,
        problems=problems,
        refunds=tuple(RefundNotice(moved=fact) for fact in facts),
        ignored_because=because,
    )


def _dispute(body: Fields) -> Translation:
    """A chargeback takes money back past the refund: a fact for the ceiling, and a person is told while it is open."""
    moved = chargeback_moved(body)
    if moved is not None and moved.status is not ChargebackState.OPENED:
        return Translation(vendor=VENDOR, kind=Kind.OTHER, events=(moved,))
    order_ref, amount = body.text("order_id"), body.text("amount")
    words = f"The customer's bank disputes {amount or 'an amount'} {body.text('currency') or ''}".rstrip()
    message = f"{words} of order {order_ref or 'unknown'} (status {body.text('status') or 'unknown'})."
    finding = _finding("chargeback_opened", Owner.FINANCE, message, order_ref or body.text("id") or "")
    events = (moved,) if moved is not None else ()
    return Translation(vendor=VENDOR, kind=Kind.OTHER, events=events, problems=(finding,))


_READERS: Mapping[str, Callable[[Fields], Translation]] = {
    "orders": _order,
    "refunds": _refund,
    "order_transactions": _transaction,
    "tender_transactions": _tender,
    "disputes": _dispute,
}


# --- API answers ----------------------------------------------------------------------------------------------------


def _answer(delivery: Delivery) -> Translation:
    """An answer of the Admin API: the order it holds, or what its refusal means."""
    status = 200 if delivery.status is None else delivery.status
    try:
        value: Any = read_json(delivery.body)
    except UnreadableError as error:
        trouble = http_trouble(status, delivery.headers, None)
        return _refusal(trouble) if trouble else unreadable(error, None)
    trouble = http_trouble(status, delivery.headers, value) or graph_trouble(value)
    if trouble is not None:
        return _refusal(trouble)
    try:
        return _content(value)
    except UnreadableError as error:
        return unreadable(error, None)


def _content(value: Any) -> Translation:
    data = value.get("data") if isinstance(value, Mapping) else None
    if not isinstance(data, Mapping):
        return _all(bodies(value))
    if "order" in data and data["order"] is None:
        missing = Refused(kind="order_not_found", message="The shop has no such order.")
        return _refusal(missing)
    node = data.get("order")
    if isinstance(node, Mapping):
        return order_translation(order_body(node))
    listed = data.get("orders")
    rows = listed.get("nodes") if isinstance(listed, Mapping) else None
    if isinstance(rows, list):
        return _all([order_body(row) for row in rows if isinstance(row, Mapping)])
    said = Answer(result="ok", retryable=False, message="Shopify answered; there is no order in it.")
    return Translation(vendor=VENDOR, kind=Kind.ANSWER, answer=said)


def _refusal(trouble: Trouble) -> Translation:
    return Translation(vendor=VENDOR, kind=Kind.ANSWER, answer=_meaning(trouble))


def _meaning(trouble: Trouble) -> Answer:
    """What a refusal means for whoever called."""
    match trouble:
        case Busy():
            return Answer(
                result="retry",
                retryable=True,
                after_s=trouble.after_s,
                message=trouble.message,
                primary_code=trouble.code,
                then="resend",
            )
        case LockedOut():
            owner: Owner | None = Owner.INTEGRATION
            result = "rejected"
        case Refused():
            missing = trouble.kind == "order_not_found"
            owner, result = (Owner.OPS, "not_found") if missing else (trouble.owner, "rejected")
    return Answer(
        result=result,
        retryable=False,
        owner=owner,
        message=trouble.message,
        primary_code=trouble.code,
        then="park",
    )


# --- what needs nobody, and what needs somebody ---------------------------------------------------------------------


def _other(topic: str, because: str) -> Translation:
    return Translation(vendor=VENDOR, kind=Kind.OTHER, topic=topic, ignored_because=because)


def _unknown(topic: str | None) -> Translation:
    what = f"The topic {topic} is not one we use" if topic else "The body is not one we know, and no header names it"
    message = f"{what}; unsubscribe from it or tell us what it means."
    finding = _finding("unknown_topic", Owner.INTEGRATION, message, topic or "")
    return Translation(vendor=VENDOR, kind=Kind.OTHER, topic=topic, problems=(finding,), ignored_because=what)


def unreadable(error: UnreadableError, topic: str | None) -> Translation:
    """A payload whose bytes must be kept, because we could not make sense of it."""
    finding = _finding("unreadable_delivery", Owner.INTEGRATION, f"This cannot be read: {error}.", topic or "")
    return Translation(vendor=VENDOR, kind=Kind.UNREADABLE, topic=topic, problems=(finding,))


def _finding(kind: str, owner: Owner, message: str, subject: str) -> Finding:
    return Finding(kind=kind, owner=owner, message=message, subject=subject)
