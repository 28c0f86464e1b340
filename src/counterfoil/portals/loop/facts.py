"""From one return to the facts it states, with keys that are equal in every view of the same fact.

Loop gives no event id (Loop sheet §1.1), so a key is the return's id and what webhook, list row and details all say
about the fact, after reading: never an arrival time, never a field only one view has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from counterfoil.adapterkit.parse import Fields
from counterfoil.adapterkit.signing import digest
from counterfoil.core.events import (
    LabelMoved,
    OutsideFact,
    PortalInspected,
    RefundReported,
    ReturnAuthorised,
    ReturnCancelled,
    ReturnExpired,
    ReturnProcessed,
    ReturnRequested,
)
from counterfoil.core.returns import ExchangeLine, PortalReturn, ReturnLine, Stage
from counterfoil.portals.loop.snapshot import PORTAL, label_status, labels_of, moment
from counterfoil.portals.loop.words import STAGES


def facts_of(row: Fields, seen: PortalReturn) -> tuple[OutsideFact, ...]:
    """Everything one view of a return states, each fact once."""
    found = [*_stage(seen), *_refunds(seen), *_labels(row, seen.return_id), *_inspections(seen)]
    return once(found)


def once(facts: Iterable[OutsideFact]) -> tuple[OutsideFact, ...]:
    """The facts in order, the first of each key."""
    by_key: dict[str, OutsideFact] = {}
    for fact in facts:
        by_key.setdefault(fact.key, fact)
    return tuple(by_key.values())


def _stage(seen: PortalReturn) -> Iterator[OutsideFact]:
    """The stage the return is in; nothing for a state we do not know, which must not move the return."""
    if seen.state not in STAGES:
        return
    of = f"{PORTAL}/{seen.return_id}"
    match seen.stage:
        case Stage.REQUESTED:
            yield ReturnRequested(
                key=f"{of}/requested/{_lines_digest(seen)}", occurred_at=_when(seen), portal_return=seen
            )
        case Stage.AUTHORISED:
            key = f"{of}/authorised/{_lines_digest(seen)}"
            yield ReturnAuthorised(key=key, occurred_at=_when(seen), portal_return=seen)
        case Stage.PROCESSED:
            yield ReturnProcessed(key=f"{of}/processed", portal_return=seen)
        case Stage.CANCELLED:
            yield ReturnCancelled(key=f"{of}/cancelled", portal_return=seen)
        case Stage.EXPIRED:
            yield ReturnExpired(key=f"{of}/expired", portal_return=seen)


def _when(seen: PortalReturn) -> str | None:
    """When the lines became what they are: the last edit, else the creation. No other move has a time (§4.1)."""
    return seen.edited_at or seen.created_at


def _lines_digest(seen: PortalReturn) -> str:
    """The identity of returned lines and new goods: an edit changes it, another typing or another view does not.

    Details may name the exchange order without its goods (§4.3); what they leave out is no part of the identity.
    """
    new = [_new_words(line) for line in seen.exchange_lines if line.sku is not None]
    return digest(*sorted(_line_words(line) for line in seen.lines), *sorted(new))[:16]


def _new_words(line: ExchangeLine) -> str:
    words = (line.exchange_id, line.sku, line.total, line.order_ref, line.out_of_stock)
    return "\x1f".join("" if word is None else str(word) for word in words)


def _line_words(line: ReturnLine) -> str:
    amounts = (line.gross, line.discount or 0, line.tax or 0, line.cash_refund or 0)
    words = (line.line_id, line.order_line_ref, line.sku, *amounts, line.reason)
    return "\x1f".join("" if word is None else str(word) for word in words)


def _refunds(seen: PortalReturn) -> Iterator[RefundReported]:
    """One fact for each part of each refund: one shop refund can span several gateways (§4.1)."""
    times: Counter[str] = Counter()
    for refund in seen.refunds:
        identity = f"{refund.ref or '-'}/{refund.gateway or '-'}/{refund.amount}{refund.currency}"
        times[identity] += 1
        again = f"/{times[identity]}" if times[identity] > 1 else ""
        yield RefundReported(
            key=f"{PORTAL}/{seen.return_id}/refund/{identity}{again}",
            portal=PORTAL,
            return_id=seen.return_id,
            ref=refund.ref,
            gateway=refund.gateway,
            amount=refund.amount,
            currency=refund.currency,
        )


def _labels(row: Fields, return_id: str) -> Iterator[LabelMoved]:
    for label in labels_of(row):
        yield from label_fact(label, return_id)


def label_fact(label: Fields, return_id: str) -> Iterator[LabelMoved]:
    """What a label says, if it says anything: by label topic and by return the same fact has the same key."""
    status, tracking = (label_status(label, "label_status"), label.text("tracking_number"))
    if status is None and tracking is None:
        return
    yield LabelMoved(
        key=f"{PORTAL}/{return_id}/label/{tracking or '-'}/{status or '-'}",
        occurred_at=moment(label, "label_updated_at"),
        portal=PORTAL,
        return_id=return_id,
        label_status=status,
        tracking=tracking,
        carrier=label.text("carrier"),
    )


def _inspections(seen: PortalReturn) -> Iterator[PortalInspected]:
    for line in seen.lines:
        if line.disposition is None and line.grade is None:
            continue
        yield PortalInspected(
            key=f"{PORTAL}/{seen.return_id}/inspected/{line.line_id}/{line.disposition or '-'}/{line.grade or '-'}",
            portal=PORTAL,
            return_id=seen.return_id,
            line_id=line.line_id,
            disposition=line.disposition,
            grade=line.grade,
        )
