"""The days in which the merchant must accept or reject an instant return, and the money that hangs on it (sheet §4).

Reveni has paid the shopper already. Who does not decide in time has accepted: Reveni then covers nothing.
"""

from __future__ import annotations

from counterfoil.core.money import to_text
from counterfoil.portals.reveni.snapshot import Seen


def running(seen: Seen) -> bool:
    """Whether the window is open: an instant return that nobody has decided."""
    return seen.instant is True and seen.undecided


def at_stake(seen: Seen) -> str:
    """What the shopper already has, money and goods, in words that begin a sentence."""
    shown = seen.portal_return
    given = [shown.tenders.refund, shown.tenders.store_credit, shown.tenders.exchange_used]
    if not shown.currency or all(part is None for part in given):
        return "An amount Reveni does not say"
    return f"{to_text(sum(part or 0 for part in given), shown.currency)} {shown.currency}"
