"""What a translation says, looked at from outside: whether it says anything at all, and every amount in it."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.core.events import RefundMoved, RefundReported, StoreCreditIssued
from counterfoil.core.returns import PortalReturn
from counterfoil.ports.translation import Kind, Translation


def says_something(found: Translation) -> bool:
    """Facts, a question, an answer, a finding or a reason: a translation without any of them lost a delivery."""
    return bool(
        found.events
        or found.reread
        or found.answer is not None
        or found.problems
        or found.ignored_because
        or found.returns
        or found.refunds
        or found.order is not None
        or found.gift_card is not None
        or found.receipt is not None
        or found.kind is Kind.LIST_PAGE  # an empty page says that there is nothing
    )


def refuses(found: Translation) -> bool:
    """Whether it is told in a sentence that nothing can be taken from it: no fact, no success."""
    answer = found.answer
    if found.events or found.returns or found.reread:
        return False
    if answer is not None:
        failed = answer.result in ("rejected", "ambiguous", "retry", "incomplete", "mixed", "not_found")
        return failed and bool(answer.message)
    if found.kind is Kind.UNREADABLE:
        return any(problem.message for problem in found.problems)
    return bool(found.ignored_because or any(problem.message for problem in found.problems))


def amounts(found: Translation) -> dict[str, int]:
    """Every amount in a translation by a label that survives reordering, in minor units. Unknown ones are left out."""
    return dict(_amounts(found))


def _amounts(found: Translation) -> Iterator[tuple[str, int]]:
    shown = found.returns or ((found.portal_return,) if found.portal_return is not None else ())
    for one in shown:
        yield from _of_return(one)
    for event in found.events:
        match event:
            case RefundMoved():
                yield f"refund {event.ref}", event.amount
            case RefundReported():
                yield f"reported {event.return_id} {event.ref} {event.gateway}", event.amount
            case StoreCreditIssued():
                yield f"credit {event.return_id} {event.gift_card_id}", event.issued
    if found.gift_card is not None:
        yield f"gift card {found.gift_card.gift_card_id}", found.gift_card.issued
    if found.order is not None:
        for line in found.order.lines:
            yield f"order line {line.line_ref} gross", line.gross


def _of_return(shown: PortalReturn) -> Iterator[tuple[str, int]]:
    name = f"return {shown.return_id}"
    tenders = shown.tenders
    for tender in tenders.__struct_fields__:
        value = getattr(tenders, tender)
        if value is not None:
            yield f"{name} {tender}", value
    for line in shown.lines:
        for part in ("gross", "line_value", "cash_refund"):
            value = getattr(line, part)
            if value is not None:
                yield f"{name} line {line.line_id} {part}", value
    for refund in shown.refunds:
        yield f"{name} money {refund.ref} {refund.gateway}", refund.amount
