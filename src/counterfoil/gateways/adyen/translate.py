"""Adyen's notifications in our words, item by item (payments sheet §10, §11; outputs §1). Pure.

An item that cannot be read becomes a finding beside the others; a notification nothing of which can be read is
quarantined. Only the eight signed fields are believed.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.core.chargebacks import ChargebackState
from counterfoil.core.events import ChargebackMoved, RefundMoved, RefundState
from counterfoil.core.money import to_text
from counterfoil.core.problems import Owner
from counterfoil.gateways.adyen.amounts import money
from counterfoil.gateways.adyen.items import Item, items
from counterfoil.ports.translation import Answer, Finding, Kind, RefundNotice, Signature, Translation
from counterfoil.ports.vendors import Delivery

VENDOR = "adyen"

# (event code, success) as a state of the refund; None where it changes nothing. Other pairs are not described.
STATES: dict[tuple[str, bool], RefundState | None] = {
    ("REFUND", True): RefundState.PROVISIONAL,
    ("REFUND", False): RefundState.FAILED,
    ("REFUND_WITH_DATA", True): RefundState.PROVISIONAL,
    ("REFUND_WITH_DATA", False): RefundState.FAILED,
    ("CANCEL_OR_REFUND", True): RefundState.PROVISIONAL,
    ("CANCEL_OR_REFUND", False): RefundState.FAILED,
    ("POSTPONED_REFUND", True): RefundState.PENDING,
    ("POSTPONED_REFUND", False): RefundState.FAILED,
    ("REFUND_FAILED", True): RefundState.FAILED,
    ("REFUNDED_REVERSED", True): RefundState.REVERSED,
    ("VOID_PENDING_REFUND", True): RefundState.FAILED,
    ("VOID_PENDING_REFUND", False): None,
}

# How far a dispute is after each of its events; the openings are told to a person as well.
_OPENINGS = ("NOTIFICATION_OF_CHARGEBACK", "CHARGEBACK", "SECOND_CHARGEBACK")
DISPUTES: dict[str, ChargebackState] = {
    "NOTIFICATION_OF_CHARGEBACK": ChargebackState.OPENED,
    "CHARGEBACK": ChargebackState.OPENED,  # the money is gone, and may be defended still
    "CHARGEBACK_REVERSED": ChargebackState.WON,
    "SECOND_CHARGEBACK": ChargebackState.LOST,
    "PREARBITRATION_WON": ChargebackState.WON,
    "PREARBITRATION_LOST": ChargebackState.LOST,
}
_ASIDE = {
    "AUTHORISATION": "money taken, not paid back",
    "AUTHORISATION_ADJUSTMENT": "money taken, not paid back",
    "CAPTURE": "money taken, not paid back",
    "CAPTURE_FAILED": "money taken, not paid back",
    "CANCELLATION": "nothing had been taken, so nothing goes back",
    "TECHNICAL_CANCEL": "nothing had been taken, so nothing goes back",
    "REQUEST_FOR_INFORMATION": "the course of a dispute; it counts when it becomes a chargeback",
    "INFORMATION_SUPPLIED": "the course of a dispute already told",
    "REPORT_AVAILABLE": "a report is ready; it is read as a file",
}


def translate(delivery: Delivery) -> Translation:
    """One notification or API answer. Signatures are checked by the hook; here only their absence is seen."""
    if delivery.status is not None:
        return _answer(delivery)
    try:
        told = items(delivery.body)
    except UnreadableError as error:
        return _unreadable((_finding(str(error), ""),))
    if not told:
        return _unreadable((_finding("the notification holds no item", ""),))
    return _together(told, [of_item(item) for item in told])


def _together(told: Sequence[Item], parts: Sequence[Translation]) -> Translation:
    problems = tuple(dict.fromkeys(problem for part in parts for problem in part.problems))
    if all(part.kind is Kind.UNREADABLE for part in parts):
        return msgspec.structs.replace(_unreadable(problems), signature=_signature(told))
    codes = list(dict.fromkeys(str(item.fields.data.get("eventCode")) for item in told))
    reasons = [part.ignored_because for part in parts if part.ignored_because]
    return Translation(
        vendor=VENDOR,
        kind=Kind.REFUND if any(part.kind is Kind.REFUND for part in parts) else Kind.OTHER,
        signature=_signature(told),
        topic=", ".join(codes),
        events=tuple(event for part in parts for event in part.events),
        problems=problems,
        refunds=tuple(notice for part in parts for notice in part.refunds),
        ignored_because="; ".join(dict.fromkeys(reasons)) if len(reasons) == len(parts) else None,
    )


def _signature(told: Sequence[Item]) -> Signature:
    """Absent when no item carries one; otherwise it is not for us to say without the keys."""
    return Signature.NOT_SIGNED if any(item.signature for item in told) else Signature.ABSENT


def of_item(item: Item) -> Translation:
    """What one item says, by itself. Never raises: what cannot be read is a finding."""
    try:
        code, success = item.code, item.success
        if item.about_refund:
            return _refund(item, code, success=success)
        if code in DISPUTES:
            return _dispute(item.fields, code)
    except UnreadableError as error:
        return _unreadable((_finding(str(error), item.fields.path),))
    because = _ASIDE.get(code)
    if because is not None:
        return Translation(vendor=VENDOR, kind=Kind.OTHER, ignored_because=f"{code}: {because}")
    return _unknown(code, f"The event code {code} is not one we use; switch it off or tell us what it means.")


# --- money going back -----------------------------------------------------------------------------------------------


def _refund(item: Item, code: str, *, success: bool) -> Translation:
    if (code, success) not in STATES:
        raise UnreadableError(f"{code} with success {str(success).lower()} is not described")
    state = STATES[code, success]
    if state is None:
        because = f"{code}: the refund could not be stopped and goes its way"
        return Translation(vendor=VENDOR, kind=Kind.OTHER, ignored_because=because)
    moved = _moved(item.fields, code, state, success=success)
    unsigned = None if item.signature else Signature.ABSENT
    notice = RefundNotice(moved=moved, signature=unsigned)
    return Translation(vendor=VENDOR, kind=Kind.REFUND, events=(moved,), refunds=(notice,))


def _moved(fields: Fields, code: str, state: RefundState, *, success: bool) -> RefundMoved:
    amount, currency = money(fields)
    ref = fields.need("pspReference")
    return RefundMoved(
        key=f"adyen/refund/{ref}/{code}/{str(success).lower()}",
        occurred_at=fields.moment("eventDate"),
        source=VENDOR,
        ref=ref,
        order_ref=fields.text("merchantReference"),
        amount=amount,
        currency=currency,
        status=state,
        payment_ref=fields.text("originalReference"),
        gateway=VENDOR,
    )


# --- what needs a person --------------------------------------------------------------------------------------------


def _dispute(fields: Fields, code: str) -> Translation:
    """A chargeback takes money past the refund: a fact for the ceiling; its openings together are one problem."""
    moved = _chargeback(fields, code)
    if code not in _OPENINGS:
        return Translation(vendor=VENDOR, kind=Kind.OTHER, events=(moved,))
    amount, currency = moved.amount, moved.currency
    payment = fields.text("originalReference") or fields.need("pspReference")
    order = fields.text("merchantReference") or "unknown"
    message = (
        f"The customer's bank disputes {to_text(amount, currency)} {currency} of payment {payment}, order {order}."
    )
    finding = Finding(kind="chargeback_opened", owner=Owner.FINANCE, message=message, subject=payment)
    return Translation(vendor=VENDOR, kind=Kind.OTHER, events=(moved,), problems=(finding,))


def _chargeback(fields: Fields, code: str) -> ChargebackMoved:
    """The dispute is told apart by its own reference, which all its items carry (inferred, see NOTES)."""
    amount, currency = money(fields)
    ref = fields.need("pspReference")
    return ChargebackMoved(
        key=f"adyen/dispute/{ref}/{code}",
        occurred_at=fields.moment("eventDate"),
        source=VENDOR,
        ref=ref,
        order_ref=fields.text("merchantReference"),
        amount=amount,
        currency=currency,
        status=DISPUTES[code],
        payment_ref=fields.text("originalReference"),
        gateway=VENDOR,
        reason=fields.text("reason"),
    )


def _unknown(code: str, message: str) -> Translation:
    finding = Finding(kind="unknown_topic", owner=Owner.INTEGRATION, message=message, subject=code)
    because = f"{code} is not an event we use"
    return Translation(vendor=VENDOR, kind=Kind.OTHER, problems=(finding,), ignored_because=because)


def _finding(why: str, where: str) -> Finding:
    message = f"This cannot be read: {why}."
    return Finding(kind="unreadable_delivery", owner=Owner.INTEGRATION, message=message, subject=where)


def _unreadable(problems: tuple[Finding, ...]) -> Translation:
    return Translation(vendor=VENDOR, kind=Kind.UNREADABLE, problems=problems)


# --- API answers ----------------------------------------------------------------------------------------------------


def _answer(delivery: Delivery) -> Translation:
    """We ask Adyen nothing, so the sheet describes no answers; a status keeps HTTP's own meaning."""
    status = delivery.status or 0
    good, again = 200 <= status < 300, status == 429 or status >= 500
    answer = Answer(
        result="ok" if good else "retry" if again else "rejected",
        retryable=again,
        owner=None if good or again else Owner.INTEGRATION,
        message="Adyen answered." if good else f"Adyen answered with status {status}.",
        primary_code=None if good else str(status),
        then="resend" if again else None if good else "park",
    )
    return Translation(vendor=VENDOR, kind=Kind.ANSWER, answer=answer)
