"""Whether a refund that leaves before the goods are inspected stays within what the policy says covers it (D3)."""

from __future__ import annotations

from counterfoil.core.choose import categories_of, edition_of, tier_of
from counterfoil.core.clock import opened_by_law
from counterfoil.core.look import Look
from counterfoil.core.money import to_text
from counterfoil.core.policy import Cover, Edition, RefundGate


def outside_cover(look: Look) -> str | None:
    """Why this return is not covered, in words; None when it is, or when the policy asks for every fact anyway.

    Outside the cover the strictest gate holds: money never leaves early because a condition could not be read.
    """
    policy = look.policy
    if policy.refund_gate is RefundGate.RECEIPT_INSPECTION or policy.cover is None:
        return None
    return _over_value(look, policy.cover) or _other_goods(look, policy.cover) or _other_customer(look, policy.cover)


def covered_early(look: Look) -> bool:
    """Whether money before the goods is as agreed: an early gate within its cover, or the law's (D3)."""
    early = look.policy.refund_gate in (RefundGate.INSTANT, RefundGate.CARRIER_SCAN)
    return (early and outside_cover(look) is None) or opened_by_law(look) is not None


def _over_value(look: Look, cover: Cover) -> str | None:
    if cover.value_max is None:
        return None
    case = look.case
    tenders = case.portal_return.tenders if case.portal_return is not None else None
    asked = max(case.money_out, (tenders.refund or 0) + (tenders.store_credit or 0) if tenders is not None else 0)
    limit = to_text(cover.value_max, cover.currency or case.currency)
    if cover.currency is not None and cover.currency != case.currency:
        return f"the cover is in {cover.currency}, the return in {case.currency}"
    if asked > cover.value_max:
        return f"{to_text(asked, case.currency)} {case.currency} is more than the {limit} that is covered"
    return None


def _edition(look: Look) -> Edition:
    return edition_of(look.agreement, look.case) or Edition(policy=look.policy)


def _other_goods(look: Look, cover: Cover) -> str | None:
    if not cover.categories:
        return None
    others = [name or "goods without a category" for name in categories_of(_edition(look), look.case)]
    outside = [name for name in others if name not in cover.categories]
    return f"{', '.join(outside)} is not covered" if outside else None


def _other_customer(look: Look, cover: Cover) -> str | None:
    if not cover.tiers or tier_of(_edition(look), look.case) in cover.tiers:
        return None
    return f"only customers of the tier {', '.join(cover.tiers)} are covered"
