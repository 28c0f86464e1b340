"""Refunds a provider paid out of its own pocket: what the merchant owes for them, and what the provider bears (idea 6).

The customer has the money before anything came back. What the merchant accepts it credits and owes to the provider, on
the provider's clearing account; what it refuses in time the provider bears, and nobody credits.
"""

from __future__ import annotations

from counterfoil.core.case import Acceptance, Reception, Refund, ReturnCase
from counterfoil.core.exchange import given_back
from counterfoil.core.returns import Stage


def funded(case: ReturnCase) -> tuple[Refund, ...]:
    """Confirmed refunds of a provider's own money."""
    return tuple(refund for refund in case.confirmed if refund.funded_by is not None)


def funded_total(case: ReturnCase) -> int:
    """What the provider has paid, in minor units."""
    return sum(refund.amount for refund in funded(case))


def refused(case: ReturnCase) -> bool:
    """Whether some of the goods were refused or never came: the provider bears what was paid for them."""
    return any(unit.acceptance is Acceptance.REJECTED or unit.reception is Reception.LOST for unit in case.units)


def covered(case: ReturnCase, value: int) -> int:
    """What of the money given back the provider bears, when the accepted goods are worth `value`.

    Everything it paid once the portal shows the return as rejected; else what its money exceeds the accepted goods by.
    """
    paid = funded_total(case)
    if case.stage is Stage.CANCELLED:
        return paid
    return min(paid, max(0, given_back(case) - value)) if paid and refused(case) else 0


def borne(case: ReturnCase) -> int:
    """The same, by the credit that was decided; nothing is known of it before."""
    if case.stage is Stage.CANCELLED:
        return funded_total(case)
    return covered(case, case.credit.total_gross) if case.credit is not None else 0


def owed_by_merchant(case: ReturnCase) -> int:
    """Money out that the merchant has to stand for."""
    return case.money_out - borne(case)


def owed_since(case: ReturnCase) -> str | None:
    """When the clock of the pair starts: when money left; a provider's own money is owed once the goods are accepted."""
    shown = case.portal_return
    if funded_total(case) < case.money_out or shown is None:
        return case.first_refund_at
    return case.processed_at or shown.decide_by or case.first_refund_at
