"""Refunds of a return as several sources tell them: one movement stays one, and what confirms wins over what reports."""

from __future__ import annotations

from msgspec.structs import replace

from counterfoil.core.case import Refund, ReturnCase
from counterfoil.core.events import RefundMoved, RefundReported, RefundState, StoreCreditIssued
from counterfoil.core.same_money import joined, place_of

_REFUND_RANK = {
    RefundState.PENDING: 0,
    RefundState.PROVISIONAL: 1,
    RefundState.CONFIRMED: 2,
    RefundState.FAILED: 3,
    RefundState.REVERSED: 3,
}


def take_money(case: ReturnCase, fact: RefundReported | StoreCreditIssued | RefundMoved) -> ReturnCase:
    """The case with this movement, told for the first time or once more."""
    new = _as_refund(fact)
    refunds = list(case.refunds)
    place = place_of(refunds, new)
    if place is None:
        refunds.append(new)
    else:
        refunds[place] = joined(refunds[place], new, _stronger(refunds[place], new))
    first = case.first_refund_at
    if new.status is RefundState.CONFIRMED and fact.occurred_at is not None:
        first = min(first or fact.occurred_at, fact.occurred_at)
    return replace(case, refunds=tuple(refunds), first_refund_at=first)


def _as_refund(fact: RefundReported | StoreCreditIssued | RefundMoved) -> Refund:
    match fact:
        case RefundMoved():
            return Refund(
                ref=fact.ref,
                amount=fact.amount,
                currency=fact.currency,
                status=fact.status,
                source=fact.source,
                gateway=fact.gateway,
                refund_ref=fact.refund_ref,
                at=fact.occurred_at,
                store_credit=_is_store_credit(fact.gateway),
                payment_ref=fact.payment_ref,
                funded_by=fact.funded_by,
            )
        case StoreCreditIssued():
            return Refund(
                ref=f"gift-card:{fact.gift_card_id or fact.key}",
                amount=fact.issued - fact.bonus,
                currency=fact.currency,
                status=RefundState.CONFIRMED,
                source=fact.portal,
                gateway="gift_card",
                at=fact.occurred_at,
                store_credit=True,
            )
        case RefundReported():
            return Refund(
                ref=f"reported:{fact.key}",  # a refund on two gateways is reported in two parts
                amount=fact.amount,
                currency=fact.currency,
                status=RefundState.PROVISIONAL,
                source=fact.portal,
                gateway=fact.gateway,
                refund_ref=fact.ref,
                at=fact.occurred_at,
                reported_only=True,
            )


def _is_store_credit(gateway: str | None) -> bool:
    """Gift cards, and store credit under whatever name a shop gives it: a liability, no money out."""
    return gateway is not None and (gateway == "gift_card" or gateway.endswith("store_credit"))


def _stronger(known: Refund, new: Refund) -> Refund:
    """What confirms replaces what reports; states only move forward."""
    if new.reported_only and not known.reported_only:
        return known
    if known.reported_only and not new.reported_only:
        return new
    if _REFUND_RANK[new.status] < _REFUND_RANK[known.status]:
        return replace(known, refund_ref=known.refund_ref or new.refund_ref)
    return replace(new, refund_ref=new.refund_ref or known.refund_ref, gateway=new.gateway or known.gateway)
