"""Payloads of a portal described by a mapping, in our words. Pure: bytes and the mapping in, facts or a reason out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from counterfoil.adapterkit.parse import Fields, UnreadableError, read_object
from counterfoil.adapterkit.signing import digest
from counterfoil.core.events import (
    OutsideFact,
    PortalFact,
    RefundReported,
    ReturnAuthorised,
    ReturnCancelled,
    ReturnExpired,
    ReturnProcessed,
    ReturnRequested,
)
from counterfoil.core.problems import Owner
from counterfoil.core.returns import LabelStatus, PortalRefund, PortalReturn, ReturnLine, Stage, Tenders
from counterfoil.portals.signed.mapping import SignedMapping
from counterfoil.portals.signed.paths import Place, at
from counterfoil.ports.translation import Finding, Kind, Signature, Translation
from counterfoil.ports.vendors import Delivery

VENDOR = "signed"
LINES_MAX = 500
QUANTITY_MAX = 10_000
_FACTS: dict[Stage, type[PortalFact]] = {
    Stage.REQUESTED: ReturnRequested,
    Stage.AUTHORISED: ReturnAuthorised,
    Stage.PROCESSED: ReturnProcessed,
    Stage.CANCELLED: ReturnCancelled,
    Stage.EXPIRED: ReturnExpired,
}
_COMMA = re.compile(r"-?\d{1,3}(\.\d{3})*(,\d+)?|-?\d+(,\d+)?", re.ASCII)


class UnknownWordError(UnreadableError):
    """A word the mapping does not have: the delivery is kept until a person adds it."""


def translate(delivery: Delivery) -> Translation:
    """A payload in the format we propose (the mapping's defaults)."""
    return _translate(SignedMapping(), delivery)


def translate_for(mapping: SignedMapping) -> Callable[[Delivery], Translation]:
    """The translation of a portal with this mapping."""

    def translate_mapped(delivery: Delivery) -> Translation:
        return _translate(mapping, delivery)

    return translate_mapped


def _translate(mapping: SignedMapping, delivery: Delivery) -> Translation:
    topic = None
    try:
        body = read_object(delivery.body)
        topic = at(body, mapping.paths.topic).text
        if mapping.topics and topic not in mapping.topics:
            because = f"the mapping does not list the topic {topic}"
            return Translation(vendor=VENDOR, kind=Kind.OTHER, topic=topic, ignored_because=because)
        return _return(mapping, body, topic)
    except UnknownWordError as error:
        return _set_aside("unknown_portal_word", f"{error}.", topic)
    except UnreadableError as error:
        return _set_aside("unreadable_delivery", f"This cannot be read: {error}.", topic)


def _set_aside(kind: str, message: str, topic: str | None) -> Translation:
    finding = Finding(kind=kind, owner=Owner.INTEGRATION, message=message, subject=topic or "")
    return Translation(vendor=VENDOR, kind=Kind.UNREADABLE, topic=topic, problems=(finding,))


def _return(mapping: SignedMapping, body: Fields, topic: str | None) -> Translation:
    shown = _shown(mapping, body)
    moment = shown.edited_at or shown.created_at
    mark = moment or digest(str(body.data))[:24]
    fact = _FACTS[shown.stage](
        key=f"{VENDOR}/{shown.return_id}/{shown.stage}/{mark}", occurred_at=moment, portal_return=shown
    )
    return Translation(
        vendor=VENDOR,
        kind=Kind.RETURN,
        signature=Signature.NOT_SIGNED,
        topic=topic,
        portal_return=shown,
        events=(fact, *_reported(shown, moment)),
        problems=tuple(_findings(mapping, shown)),
    )


def _reported(shown: PortalReturn, moment: str | None) -> Iterator[OutsideFact]:
    """Money the portal says it paid, one fact a movement; without the shop's number it is known by its place."""
    for place, refund in enumerate(shown.refunds):
        yield RefundReported(
            key=f"{VENDOR}/{shown.return_id}/refund/{refund.ref or place}/{refund.gateway}",
            occurred_at=moment,
            portal=VENDOR,
            return_id=shown.return_id,
            ref=refund.ref,
            gateway=refund.gateway,
            amount=refund.amount,
            currency=refund.currency,
        )


def _shown(mapping: SignedMapping, body: Fields) -> PortalReturn:
    paths = mapping.paths
    currency = (at(body, paths.currency).text or mapping.currency).upper()
    if not currency:
        raise UnreadableError(f"{paths.currency or 'the currency'} is missing")
    word = _needed(at(body, paths.state), paths.state)
    stage = mapping.states.get(word) or mapping.states.get(word.lower())
    if stage is None:
        raise UnknownWordError(f"The mapping has no stage for the state {word!r}")
    lines = tuple(_lines(mapping, body, currency))
    return PortalReturn(
        portal=VENDOR,
        return_id=_needed(at(body, paths.return_id), paths.return_id),
        state=word.lower(),
        stage=stage,
        order_ref=at(body, paths.order_ref).text,
        order_name=at(body, paths.order_name).text,
        currency=currency,
        created_at=at(body, paths.created_at).moment,
        edited_at=at(body, paths.edited_at).moment,
        lines=lines,
        tenders=Tenders(
            refund=_amount(mapping, at(body, paths.refund), currency),
            store_credit=_amount(mapping, at(body, paths.store_credit), currency),
            fee_withheld=_amount(mapping, at(body, paths.fee), currency),
            shipping_refunded=_amount(mapping, at(body, paths.shipping), currency),
        ),
        refunds=tuple(_refunds(mapping, body, currency)),
        label_status=_parcel_state(mapping, at(body, paths.label_state).text),
        tracking=at(body, paths.tracking).text,
        carrier=at(body, paths.carrier).text,
        country=at(body, paths.country).text,
    )


def _parcel_state(mapping: SignedMapping, word: str | None) -> LabelStatus | None:
    if word is None:
        return None
    found = mapping.parcel_states.get(word) or mapping.parcel_states.get(word.lower())
    if found is None:
        raise UnknownWordError(f"The mapping has no meaning for the parcel's state {word!r}")
    return found


def _lines(mapping: SignedMapping, body: Fields, currency: str) -> Iterator[ReturnLine]:
    names = mapping.line
    rows = list(at(body, mapping.paths.lines).rows)
    if len(rows) > LINES_MAX:
        raise UnreadableError(f"{mapping.paths.lines} holds {len(rows)} lines, more than {LINES_MAX}")
    seen: set[str] = set()
    for row in rows:
        line_id = _needed(at(row, names.id), row.where(names.id))
        if line_id in seen:
            raise UnreadableError(f"the line {line_id!r} appears twice")
        seen.add(line_id)
        code = at(row, names.reason).text
        yield ReturnLine(
            line_id=line_id,
            order_line_ref=at(row, names.order_line).text,
            sku=at(row, names.sku).text,
            qty=_quantity(row, names.quantity),
            line_value=_amount(mapping, at(row, names.worth), currency),
            reason=mapping.reasons.get(code, code) if code is not None else None,
            disposition=mapping.dispositions.get(at(row, names.disposition).text or ""),
        )


def _quantity(row: Fields, path: str) -> int:
    place = at(row, path)
    quantity = place.fields.whole(place.name) if place.fields is not None else None
    if quantity is None or not 1 <= quantity <= QUANTITY_MAX:
        raise UnreadableError(f"{row.where(path)} is {quantity}, where 1 to {QUANTITY_MAX} units are due")
    return quantity


def _refunds(mapping: SignedMapping, body: Fields, currency: str) -> Iterator[PortalRefund]:
    names = mapping.refund_row
    for row in at(body, mapping.paths.refunds).rows:
        amount = _amount(mapping, at(row, names.amount), currency)
        if amount is None:
            raise UnreadableError(f"{row.where(names.amount)} is missing in money that moved")
        yield PortalRefund(
            gateway=at(row, names.gateway).text, amount=amount, currency=currency, ref=at(row, names.ref).text
        )


def _needed(place: Place, name: str) -> str:
    if (value := place.text) is None:
        raise UnreadableError(f"{name} is missing")
    return value


def _amount(mapping: SignedMapping, place: Place, currency: str) -> int | None:
    """An amount as the mapping says they are written; None when the portal does not say, never zero."""
    if place.fields is None or place.fields.raw(place.name) is None:
        return None
    value = _as_written(mapping.money, place, currency)
    if value is not None and value < 0:
        raise UnreadableError(f"{place.fields.where(place.name)} is negative")
    return value


def _as_written(money: str, place: Place, currency: str) -> int | None:
    assert place.fields is not None, "an absent amount was told before"
    where = place.fields.where(place.name)
    if money == "minor":
        place.fields.amount(place.name, currency)  # refuses an unknown currency
        return place.fields.whole(place.name)
    if money == "major":
        return place.fields.amount(place.name, currency)
    text = (place.text or "").strip()
    if not _COMMA.fullmatch(text):
        raise UnreadableError(f"{where} is {text!r}, where an amount like 1.234,50 is due")
    return Fields({where: text.replace(".", "").replace(",", ".")}).amount(where, currency)


def _findings(mapping: SignedMapping, shown: PortalReturn) -> Iterator[Finding]:
    """A reason the mapping does not translate is told; it goes on under the portal's own word."""
    known = set(mapping.reasons.values()) | set(mapping.reasons)
    if not mapping.reasons:
        return
    for word in sorted({line.reason for line in shown.lines if line.reason and line.reason not in known}):
        message = f"Return {shown.return_id}: the mapping has no words for the reason {word!r}."
        yield Finding(kind="unknown_portal_word", owner=Owner.INTEGRATION, message=message, subject=word)
