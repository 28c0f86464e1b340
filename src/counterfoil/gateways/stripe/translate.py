"""Stripe's events and API answers in our words (payments sheet §9, §11; outputs §1). Pure.

Refund objects make facts, whatever event carries them. `charge.refunded` only says that something was refunded;
disputes and failed payouts need a person; everything else needs nobody and is passed over with a reason.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from counterfoil.adapterkit.parse import Fields, UnreadableError, read_object
from counterfoil.core.events import RefundMoved
from counterfoil.core.money import to_text
from counterfoil.core.problems import Owner
from counterfoil.gateways.stripe.disputes import chargeback_moved
from counterfoil.gateways.stripe.refunds import amount, moment, order_ref, refund_moved
from counterfoil.gateways.stripe.webhooks import SIGNATURE
from counterfoil.ports.translation import Answer, Finding, Kind, RefundNotice, Signature, Translation
from counterfoil.ports.vendors import Delivery

VENDOR = "stripe"

_SAID_ELSEWHERE = (
    "charge.refunded gives the charge and its running total, not the refund; refund.created and refund.updated tell it"
)
_PAYOUT_READY = "the payout can be reconciled now: import its payout reconciliation report"
_GROUPS_ASIDE = {
    "charge": "money taken, not paid back",
    "payment_intent": "money taken, not paid back",
    "checkout": "money taken, not paid back",
    "balance": "the account's balance is not part of a return",
    "reporting": "a report is ready; it is read as a file",
    "payout": "a payout on its way; it counts when it can be reconciled",
}


def translate(delivery: Delivery) -> Translation:
    """One event or API answer. The signature is checked by the hook; here only its absence is seen."""
    if delivery.status is not None:
        return _answer(delivery)
    topic = None
    try:
        body = read_object(delivery.body)
        if body.text("object") in ("refund", "list"):
            return _records(body)
        topic = body.text("type")
        found = _event(body, body.need("type"))
    except UnreadableError as error:
        found = _unreadable(error, topic)
    if not delivery.headers.get(SIGNATURE, "").strip():
        found = msgspec.structs.replace(found, signature=Signature.ABSENT)
    return msgspec.structs.replace(found, topic=topic)


def _event(event: Fields, topic: str) -> Translation:
    data = event.child("data")
    record = data.child("object") if data else None
    if record is None:
        raise UnreadableError("data.object is missing")
    if record.text("object") == "refund":
        return _refunds((refund_moved(record, moment(event, "created")),))
    if topic.startswith("charge.dispute."):
        return _dispute(record, topic, moment(event, "created"))
    if topic == "charge.refunded":
        return Translation(vendor=VENDOR, kind=Kind.OTHER, ignored_because=_SAID_ELSEWHERE)
    if topic == "payout.failed":
        return _payout_failed(record)
    if topic == "payout.reconciliation_completed":
        return Translation(vendor=VENDOR, kind=Kind.OTHER, ignored_because=f"{record.need('id')}: {_PAYOUT_READY}")
    because = _GROUPS_ASIDE.get(topic.partition(".")[0])
    if because is not None:
        return Translation(vendor=VENDOR, kind=Kind.OTHER, ignored_because=because)
    return _unknown(topic)


def _refunds(facts: tuple[RefundMoved, ...]) -> Translation:
    return Translation(
        vendor=VENDOR,
        kind=Kind.REFUND,
        events=facts,
        refunds=tuple(RefundNotice(moved=fact) for fact in facts),
        ignored_because=None if facts else "the list holds no refund",
    )


# --- what needs a person --------------------------------------------------------------------------------------------


def _dispute(dispute: Fields, topic: str, at: str | None) -> Translation:
    """A chargeback takes money past the refund: a fact for the refund ceiling, and at its opening a person is told."""
    moved = chargeback_moved(dispute, at)
    if topic != "charge.dispute.created":
        return Translation(vendor=VENDOR, kind=Kind.OTHER, events=(moved,))
    currency = dispute.need("currency").upper()
    text = f"{to_text(amount(dispute, 'amount', currency), currency)} {currency}"
    payment = dispute.text("payment_intent") or dispute.need("charge")
    of_order = f" of order {order}" if (order := order_ref(dispute)) else ""
    why = dispute.text("reason") or "no reason given"
    message = f"The customer's bank disputes {text} of payment {payment}{of_order} ({why})."
    finding = Finding(kind="chargeback_opened", owner=Owner.FINANCE, message=message, subject=payment)
    return Translation(vendor=VENDOR, kind=Kind.OTHER, events=(moved,), problems=(finding,))


def _payout_failed(payout: Fields) -> Translation:
    why = payout.text("failure_message") or payout.text("failure_code") or "no reason given"
    message = f"Payout {payout.need('id')} did not reach the bank: {why}."
    finding = Finding(kind="payout_failed", owner=Owner.FINANCE, message=message, subject=payout.need("id"))
    return Translation(vendor=VENDOR, kind=Kind.OTHER, problems=(finding,))


def _unknown(topic: str) -> Translation:
    what = f"The event {topic} is not one we use"
    finding = Finding(
        kind="unknown_topic",
        owner=Owner.INTEGRATION,
        message=f"{what}; unsubscribe the endpoint from it or tell us what it means.",
        subject=topic,
    )
    return Translation(vendor=VENDOR, kind=Kind.OTHER, problems=(finding,), ignored_because=what)


def _unreadable(error: UnreadableError, topic: str | None) -> Translation:
    """An event whose bytes must be kept, because we could not make sense of it."""
    finding = Finding(
        kind="unreadable_delivery",
        owner=Owner.INTEGRATION,
        message=f"This cannot be read: {error}.",
        subject=topic or "",
    )
    return Translation(vendor=VENDOR, kind=Kind.UNREADABLE, problems=(finding,))


# --- API answers ----------------------------------------------------------------------------------------------------


def _records(body: Fields) -> Translation:
    """A refund or a list of refunds, as the API gives them: the same facts as the events'."""
    if body.text("object") == "refund":
        return _refunds((refund_moved(body),))
    return _refunds(tuple(refund_moved(row) for row in body.each("data") if row.text("object") == "refund"))


def _answer(delivery: Delivery) -> Translation:
    """An answer of the API: the refunds it holds, or what its refusal means."""
    status = delivery.status or 0
    try:
        body = read_object(delivery.body)
        if 200 <= status < 300 and body.text("object") in ("refund", "list"):
            return _records(body)
        code, said = _error(body)
    except UnreadableError as error:
        if 200 <= status < 300:
            return _unreadable(error, None)
        code, said = None, ""
    return Translation(vendor=VENDOR, kind=Kind.ANSWER, answer=_meaning(status, code, said, delivery.headers))


def _error(body: Fields) -> tuple[str | None, str]:
    error = body.child("error") or Fields({})
    return error.text("code") or error.text("type"), error.text("message") or ""


def _meaning(status: int, code: str | None, said: str, headers: Mapping[str, str]) -> Answer:
    """What a status means for whoever called; the sheet describes no errors, so these are HTTP's own meanings."""
    if 200 <= status < 300:
        return Answer(result="ok", retryable=False, message="Stripe answered; there is no refund in it.")
    if status in (409, 429) or status >= 500:
        wait = headers.get("retry-after", "")
        return Answer(
            result="retry",
            retryable=True,
            after_s=float(wait) if wait.isascii() and wait.isdecimal() else None,
            message="Stripe is busy or did not manage; ask again.",
            primary_code=code,
            then="resend",
        )
    missing = status == 404
    rejected = f"Stripe refused with {status}{f': {said}' if said else ''}."
    return Answer(
        result="not_found" if missing else "rejected",
        retryable=False,
        owner=Owner.FINANCE if missing else Owner.INTEGRATION,
        message="Stripe has no such record." if missing else rejected,
        primary_code=code,
        then="park",
    )
