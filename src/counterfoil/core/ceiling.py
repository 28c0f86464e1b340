"""One ceiling for everything that leaves an order (invariant 2, R81, R85).

Refunds, chargebacks, store credit, exchange value, and what was paid outside the portal are added up: a sum over what
moved, so that the order of arrival cannot matter. Pure.

Three limits are asked, and the narrowest counts: the order's worth, each payment it was paid by, and each unit sold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from enum import StrEnum

import msgspec

from counterfoil.core.case import ReturnCase
from counterfoil.core.chargebacks import Chargeback
from counterfoil.core.credit.note import credited_units, promised
from counterfoil.core.events import RefundMoved, RefundState
from counterfoil.core.exchange import given_up, used, value_used
from counterfoil.core.look import Look
from counterfoil.core.money import to_text
from counterfoil.core.movements import Movement, MovementKind
from counterfoil.core.orders import SoldOrder
from counterfoil.core.phrases import number_of
from counterfoil.core.returns import Stage
from counterfoil.core.units import sold_line

__all__ = ["Excess", "Limit", "excess", "movements_of", "outside_movements", "worth"]

_LEAVING = (RefundState.CONFIRMED, RefundState.PENDING, RefundState.PROVISIONAL)
_RANK = {RefundState.PENDING: 0, RefundState.PROVISIONAL: 1, RefundState.CONFIRMED: 2}


ISSUED = "issued store credit"  # new money, and no payment of the order: the gift-card tender did not bring it (R77)


class Limit(StrEnum):
    """Which limit is passed."""

    ORDER = "order"
    TENDER = "tender"
    UNIT = "unit"


class Excess(msgspec.Struct, frozen=True, kw_only=True):
    """By how much a limit is passed: minor units, or for units their value. `sentence` adds the figures up."""

    limit: Limit
    amount: int
    sentence: str


def worth(order: SoldOrder) -> int:
    """What the customer paid for the order by its own lines and shipping: the most that can ever leave."""
    goods = sum(order.line_value(line) for line in order.lines)
    return goods + sum(p.price - p.discount + (0 if order.taxes_included else p.tax) for p in order.shipping)


def movements_of(case: ReturnCase) -> tuple[Movement, ...]:
    """What one return moved or still owes: refunds on their way, store credit, exchange value, an unpaid credit."""
    moved = [
        Movement(
            ref=refund.ref,
            kind=MovementKind.STORE_CREDIT if refund.store_credit else MovementKind.REFUND,
            amount=refund.amount,
            tender=ISSUED if refund.ref.startswith("gift-card:") else refund.gateway,
        )
        for refund in case.refunds
        if refund.status in _LEAVING and not refund.reported_only
    ]
    posted = case.credit.total_gross if case.credit is not None and case.done("credit-1") is not None else 0
    swapped = _swapped(case)
    owed = posted - swapped - sum(movement.amount for movement in moved)
    if owed > 0:
        moved.append(Movement(ref=f"{case.case_id}/credit-1", kind=MovementKind.OWED, amount=owed))
    if swapped:
        moved.append(Movement(ref=f"{case.case_id}/exchange", kind=MovementKind.EXCHANGE, amount=swapped))
    return tuple(moved)


def outside_movements(facts: Iterable[RefundMoved]) -> tuple[Movement, ...]:
    """Refunds no return has named (R85), each once however often and in whatever order it was told."""
    told: dict[str, list[RefundMoved]] = {}
    for fact in facts:
        told.setdefault(fact.ref, []).append(fact)
    found = []
    for ref, tellings in sorted(told.items()):
        if any(fact.status not in _LEAVING for fact in tellings):
            continue  # it failed or came back
        surest = max(tellings, key=lambda fact: (_RANK[fact.status], fact.amount, fact.key))
        units = tuple(sorted((row.order_line_ref, row.quantity) for row in surest.units))
        outside = Movement(ref=ref, kind=MovementKind.OUTSIDE, amount=surest.amount, tender=surest.gateway, units=units)
        found.append(outside)
    return tuple(found)


def excess(look: Look, *, asked: bool) -> Excess | None:
    """The first limit that is passed, with what this return asks for still to leave, or by what has left alone.

    Once the refund is released nothing more is asked for: a refund nobody has named yet may be this one.
    """
    if look.case.order is None:
        return None
    released = look.step("release-1") is not None or look.case.stage is Stage.PROCESSED
    asked = asked and not released
    for limit in (_by_order, _by_tender, _by_unit):
        found = limit(look, look.case.order, asked)
        if found is not None:
            return found
    return None


# --- the three limits -----------------------------------------------------------------------------------------------


def _by_order(look: Look, order: SoldOrder, asked: bool) -> Excess | None:
    here, elsewhere, disputed = _here(look, asked), _elsewhere(look), _disputed(look.case.chargebacks, order)
    elsewhere -= 0 if asked else _perhaps_the_same(look)
    over = here + elsewhere + disputed - worth(order)
    if over <= 0:
        return None
    say = _sayer(order)
    parts = [f"{say(elsewhere)} already left elsewhere"] if elsewhere else []
    parts += [f"{say(disputed)} is with the customer's bank"] if disputed else []
    parts.append(f"{say(here)} {'is asked for' if asked else 'left'} here")
    sentence = f"Order {order.name} was worth {say(worth(order))} {order.currency}; {', '.join(parts)}."
    return Excess(limit=Limit.ORDER, amount=over, sentence=sentence)


def _by_tender(look: Look, order: SoldOrder, asked: bool) -> Excess | None:
    """No payment gives back more than it brought. Only asked where the payments add up to the order's worth."""
    paid: Counter[str] = Counter()
    for payment in order.payments:
        paid[payment.gateway] += payment.amount
    if sum(paid.values()) != worth(order):
        return None
    gone: Counter[str] = Counter()
    for movement in (*movements_of(look.case), *look.ledger.moved):
        if movement.kind in (MovementKind.REFUND, MovementKind.OUTSIDE, MovementKind.STORE_CREDIT):
            gone[movement.tender or ""] += movement.amount
    for chargeback in look.case.chargebacks:
        gone[chargeback.gateway or ""] += chargeback.amount if chargeback.gone else 0
    for tender, brought in sorted(paid.items()):
        if gone[tender] > brought:
            say = _sayer(order)
            sentence = f"{say(gone[tender])} {order.currency} left through {tender}, which brought {say(brought)}."
            return Excess(limit=Limit.TENDER, amount=gone[tender] - brought, sentence=sentence)
    return _by_original(look, order, paid, gone) if asked else None


def _by_original(look: Look, order: SoldOrder, paid: Counter[str], gone: Counter[str]) -> Excess | None:
    """What is asked for on the original payments fits into what is left of them; store credit is new money (R77)."""
    shown = look.case.portal_return
    wanted = (shown.tenders.refund or 0) if shown is not None else 0
    if look.case.money_out or not wanted:
        return None
    unnamed = sum(amount for tender, amount in gone.items() if tender not in paid and not _is_credit(look, tender))
    left = sum(brought - gone[tender] for tender, brought in paid.items()) - unnamed
    if wanted <= left:
        return None
    say = _sayer(order)
    sentence = f"{say(wanted)} {order.currency} is asked for on the original payments, of which {say(left)} is left."
    return Excess(limit=Limit.TENDER, amount=wanted - left, sentence=sentence)


def _is_credit(look: Look, tender: str) -> bool:
    """Whether money of this name was store credit, which takes nothing from the original payments."""
    moved = (*movements_of(look.case), *look.ledger.moved)
    return any(m.tender == tender and m.kind is MovementKind.STORE_CREDIT for m in moved)


def _by_unit(look: Look, order: SoldOrder, asked: bool) -> Excess | None:
    """A unit whose value left outside the portal cannot be refunded again."""
    if not asked:
        return None
    outside: Counter[str] = Counter()
    for movement in look.ledger.moved:
        for line_ref, quantity in movement.units:
            outside[line_ref] += quantity
    here: Counter[str] = Counter()
    for unit in credited_units(look.case):
        line = sold_line(look.case, unit)
        if line is not None:
            here[line.line_ref] += 1
    for sold in order.lines:
        taken, beyond = look.ledger.taken.get(sold.line_ref, 0), outside[sold.line_ref]
        over = here[sold.line_ref] + taken + beyond - sold.quantity
        if beyond and over > 0 and here[sold.line_ref]:
            item = sold.sku or sold.title
            sentence = (
                f"{item}: {sold.quantity} sold, {number_of(beyond, 'unit')} refunded outside the portal already, "
                f"{taken} elsewhere, {here[sold.line_ref]} asked for here."
            )
            return Excess(limit=Limit.UNIT, amount=order.line_value(sold) * over // sold.quantity, sentence=sentence)
    return None


# --- figures --------------------------------------------------------------------------------------------------------


def _here(look: Look, asked: bool) -> int:
    moved = sum(movement.amount for movement in movements_of(look.case))
    if not asked:
        return moved
    wish = promised(look.case)
    return max(moved, (used(look.case) or 0) if wish is None else wish)


def _swapped(case: ReturnCase) -> int:
    """Value that has gone into new goods, or that the portal says has although no order of ours stands for it."""
    done = value_used(case)
    return done if done or given_up(case) or case.stage is not Stage.PROCESSED else used(case) or 0


def _elsewhere(look: Look) -> int:
    """Other returns and outside refunds; the ledger's plain sum of refunds is a floor for the list of movements."""
    paid = (MovementKind.REFUND, MovementKind.STORE_CREDIT)
    listed = sum(movement.amount for movement in look.ledger.moved if movement.kind in paid)
    rest = sum(movement.amount for movement in look.ledger.moved if movement.kind not in paid)
    return max(listed, look.ledger.money_out) + rest


def _perhaps_the_same(look: Look) -> int:
    """Money that may be counted twice for a moment: a refund nobody has named yet may pay a credit that is owed.

    What is asked for must fit beside both; what has left already is not called too much because of it.
    """
    moved = (*movements_of(look.case), *look.ledger.moved)
    owed = sum(movement.amount for movement in moved if movement.kind is MovementKind.OWED)
    outside = sum(movement.amount for movement in moved if movement.kind is MovementKind.OUTSIDE)
    return min(owed, outside)


def _disputed(chargebacks: Iterable[Chargeback], order: SoldOrder) -> int:
    """Money with banks. A dispute in another currency cannot be added: it counts as the whole order."""
    gone = [chargeback for chargeback in chargebacks if chargeback.gone]
    if any(chargeback.currency != order.currency for chargeback in gone):
        return worth(order)
    return sum(chargeback.amount for chargeback in gone)


def _sayer(order: SoldOrder) -> Callable[[int], str]:
    """Amounts of the order's currency as text."""
    return lambda amount: to_text(amount, order.currency)
