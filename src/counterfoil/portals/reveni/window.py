"""The days in which the merchant must accept or reject an instant return, and the money that hangs on it (sheet §4).

Reveni has paid the shopper already. Who does not decide in time has accepted: Reveni then covers nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from counterfoil.core.money import to_text
from counterfoil.portals.reveni.snapshot import Seen


def running(seen: Seen) -> bool:
    """Whether the window is open: an instant return that nobody has decided."""
    return seen.instant is True and seen.undecided


def decide_by(seen: Seen, days: int) -> str | None:
    """The last moment, counted from the request, as RFC 3339 in UTC; None when Reveni does not say when that was."""
    asked = seen.portal_return.created_at
    if asked is None:
        return None
    try:
        return (datetime.fromisoformat(asked) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:
        return None


def at_stake(seen: Seen) -> str:
    """What the shopper already has, money and goods, in words that begin a sentence."""
    shown = seen.portal_return
    given = [shown.tenders.refund, shown.tenders.store_credit, shown.tenders.exchange_used]
    if not shown.currency or all(part is None for part in given):
        return "An amount Reveni does not say"
    return f"{to_text(sum(part or 0 for part in given), shown.currency)} {shown.currency}"
