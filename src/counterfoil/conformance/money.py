"""Suite: amounts equal the vendor's own totals, and nothing is credited that no payload states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from counterfoil.conformance.calling import credit_wrongs
from counterfoil.conformance.evidence import Evidence, EvidenceError
from counterfoil.conformance.verdict import Verdict, failed, judged
from counterfoil.core.money import to_text
from counterfoil.ports.translation import Translation
from counterfoil.ports.vendors import Family

MONEY = "money totals"
_CURE = (
    "Read figures off the vendor's payloads by eye and write them into kit.json under `totals`, for example "
    '{"return_closed.json": {"refund": "45.00", "currency": "GBP"}}; then mend translate.py until they agree. '
    "Amounts are read with Fields.amount: exact, or not at all."
)


def money(evidence: Evidence) -> Verdict:
    """Totals a person read off the payloads are those the adapter reads; an ERP's are read back as they were posted."""
    if evidence.spec.family is Family.ERP:
        return credit_wrongs(MONEY, evidence)
    totals = evidence.sheet.totals
    if not totals:
        return failed(MONEY, "no total of a payload is stated", _CURE)
    wrongs: list[str] = []
    for file, stated in totals.items():
        wrongs += _of_payload(evidence, file, stated)
    wrongs += _uneven(evidence)
    figures = sum(len(stated) for stated in totals.values())
    return judged(MONEY, wrongs, f"{figures} figures of {len(totals)} payloads as a person read them", _CURE)


def _of_payload(evidence: Evidence, file: str, stated: Mapping[str, str]) -> Iterator[str]:
    try:
        found = evidence.read(evidence.named(file))
    except EvidenceError as error:
        yield str(error)
        return
    figures = _figures(found)
    for name, wanted in stated.items():
        if figures.get(name) != wanted:
            yield f"{file}: {name} is read as {figures.get(name)!r}, the payload says {wanted!r}"


def _figures(found: Translation) -> dict[str, str]:
    """What a person can read off: tenders of a return, money told of, units of receipts."""
    figures: dict[str, str] = {}
    if found.portal_return is not None:
        shown = found.portal_return
        values = {name: getattr(shown.tenders, name) for name in shown.tenders.__struct_fields__}
        figures |= {name: to_text(value, shown.currency) for name, value in values.items() if value is not None}
        figures |= {"currency": shown.currency, "units": str(sum(line.qty for line in shown.lines))}
    if found.gift_card is not None:
        card = found.gift_card
        figures |= {"store_credit": to_text(card.issued, card.currency), "currency": card.currency}
    if found.refunds:
        told = [notice.moved for notice in found.refunds]
        figures["refunds"] = " ".join(sorted(to_text(moved.amount, moved.currency) for moved in told))
        figures["status"] = " ".join(sorted({moved.status.value for moved in told}))
        figures["currency"] = " ".join(sorted({moved.currency for moved in told}))
    if found.order is not None:
        order = found.order
        worth = sum(order.line_value(line) for line in order.lines)
        figures |= {"goods": to_text(worth, order.currency), "currency": order.currency}
    receipts = [event.receipt for event in found.events if hasattr(event, "receipt")]
    if receipts:
        figures["units"] = str(sum(line.received_quantity for receipt in receipts for line in receipt.lines))
    return figures


def _uneven(evidence: Evidence) -> Iterator[str]:
    """A line is worth its price less its discount, with the tax or without; nothing else."""
    for one, found in evidence.readable():
        shown = found.returns or ((found.portal_return,) if found.portal_return else ())
        for line in (line for each in shown for line in each.lines):
            if line.line_value is None or line.gross is None or line.discount is None:
                continue
            plain = line.gross - line.discount
            if line.line_value not in (plain, plain + (line.tax or 0)):
                yield f"{one.name}: line {line.line_id} is worth {line.line_value}, but {line.gross} less {line.discount}"
