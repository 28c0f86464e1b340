"""One movement of money, told by several: portal, shop and gateway each have their own word and number for it (R85).

A movement counts once. It is the same when a reference says so, or when another source tells the same amount of the
same payment or order that this source has not told yet. Two equal refunds of one order are two movements: each source
tells both, so each telling takes the next one that its source has not told.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from counterfoil.core.case import Refund, ReturnCase
from counterfoil.core.commands import CaseRef
from counterfoil.core.events import RefundMoved


def place_of(refunds: Sequence[Refund], new: Refund) -> int | None:
    """Which of the known movements this telling is about; None when it is a new one."""
    for same in (_by_reference, _by_report, _by_amount):
        fitting = [place for place, known in enumerate(refunds) if same(known, new)]
        if fitting:
            named = [place for place in fitting if _says_gateway(refunds[place], new)]
            return (named or fitting)[0]
    return None


def joined(known: Refund, new: Refund, stronger: Refund) -> Refund:
    """The movement after both tellings: the stronger's state, every reference and source of either.

    Whoever told first must not show in the outcome, so what could be either's is chosen by its text. A portal's
    report only adds the shop's number.
    """
    refund_ref = known.refund_ref or new.refund_ref
    if known.reported_only or new.reported_only:
        knowing = new if known.reported_only else known
        return replace(stronger if known.reported_only == new.reported_only else knowing, refund_ref=refund_ref)
    payment_ref = min(filter(None, (known.payment_ref, new.payment_ref)), default=None)
    if set(sources(new)) <= set(sources(known)):
        kept = {name: getattr(known, name) for name in ("ref", "also", "told_by", "source", "gateway")}
        kept["gateway"] = known.gateway or new.gateway
        return replace(stronger, **kept, payment_ref=payment_ref, refund_ref=refund_ref)
    refs = sorted({known.ref, *known.also, new.ref, *new.also})
    told_by = tuple(sorted({*sources(known), *sources(new)}))
    return replace(
        stronger,
        ref=refs[0],
        also=tuple(refs[1:]),
        told_by=told_by,
        source=told_by[0],
        at=_earlier(known, new) if known.status is new.status else stronger.at,
        refund_ref=refund_ref,
        payment_ref=payment_ref,
        gateway=_gateway(known, new, told_by),
    )


def _earlier(known: Refund, new: Refund) -> str | None:
    return min(filter(None, (known.at, new.at)), default=None)


def _gateway(known: Refund, new: Refund, told_by: Sequence[str]) -> str | None:
    """The shop's name for it, which portals and ERPs use too, rather than what the gateway calls itself."""
    names = sorted(filter(None, {known.gateway, new.gateway}))
    return next((name for name in names if name not in told_by), names[0] if names else None)


def sources(refund: Refund) -> tuple[str, ...]:
    """Everybody who knows of it; a portal's report is hearsay."""
    return () if refund.reported_only else refund.told_by or (refund.source,)


def awaited_by(case: ReturnCase, fact: RefundMoved) -> bool:
    """Whether this return knows money of which the fact can be another telling, of its order or its payment.

    Only for facts that name no refund of the shop: those that do are joined by that name.
    """
    if fact.refund_ref is not None:
        return False
    told = as_telling(fact)
    return any(_by_amount(known, told) and _of_the_same(case.case, known, fact) for known in case.refunds)


def as_telling(fact: RefundMoved) -> Refund:
    """A gateway's fact in the form it is compared in."""
    return Refund(
        ref=fact.ref,
        amount=fact.amount,
        currency=fact.currency,
        status=fact.status,
        source=fact.source,
        gateway=fact.gateway,
        payment_ref=fact.payment_ref,
    )


def _of_the_same(ref: CaseRef, known: Refund, fact: RefundMoved) -> bool:
    if fact.payment_ref is not None and fact.payment_ref == known.payment_ref:
        return True
    if fact.order_ref is None:
        return False
    named = (ref.order_name or "").lstrip("#")
    return fact.order_ref == ref.order_ref or (bool(named) and fact.order_ref.lstrip("#") == named)


def _by_reference(known: Refund, new: Refund) -> bool:
    """Both quote the gateway's own number of the movement."""
    return not {known.ref, *known.also}.isdisjoint({new.ref, *new.also})


def _by_report(known: Refund, new: Refund) -> bool:
    """The portal's report of a refund the shop knows by that number, whichever of them came first."""
    if new.refund_ref is None or new.refund_ref != known.refund_ref:
        return False
    if known.reported_only != new.reported_only:
        return known.gateway == new.gateway or None in (known.gateway, new.gateway)
    return _by_amount(known, new)


def _by_amount(known: Refund, new: Refund) -> bool:
    """Another source tells the same amount, and this source has not told of this movement. Store credit is no money."""
    if known.store_credit != new.store_credit or (known.reported_only and new.reported_only):
        return False
    if new.source in sources(known) or (new.reported_only and known.refund_ref is not None):
        return False
    if (known.amount, known.currency) != (new.amount, new.currency):
        return False
    return None in (known.refund_ref, new.refund_ref) or known.refund_ref == new.refund_ref


def _says_gateway(known: Refund, new: Refund) -> bool:
    """Whether the two name the same gateway, as far as names of gateways go: shops write their own."""
    if known.gateway is None or new.gateway is None:
        return False
    one, other = known.gateway.casefold(), new.gateway.casefold()
    return one in other or other in one
