"""How Loop's own figures must add up (Loop sheet §8). A mismatch goes to finance; the return is still translated."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.adapterkit.parse import Fields
from counterfoil.core.money import to_text
from counterfoil.core.problems import Owner
from counterfoil.core.returns import PortalReturn
from counterfoil.portals.loop.snapshot import amount
from counterfoil.ports.translation import Finding

# return_total + refunded shipping + upsell = refund + gift_card + handling_fee + exchange_total
_PAID_OUT = ("refund", "gift_card", "handling_fee", "exchange_total")


def check_money(row: Fields, seen: PortalReturn) -> Iterator[Finding]:
    """One finding for each identity that does not hold. A figure that is not given leaves its identity unchecked.

    Only list rows name refunded shipping (§6.1). Elsewhere a surplus that refunded shipping would explain, the same in
    both identities, is not called a mismatch: the list row of the same return settles it.
    """
    if not seen.currency:
        return
    shipping = seen.tenders.shipping_refunded
    whole = _surplus_of_tenders(row, seen.currency)
    lines = _surplus_over_lines(seen)
    if shipping is None and _shipping_explains(whole, lines):
        return
    if whole is not None and whole != (shipping or 0):
        yield _broken(seen, "what is paid out", "what was returned and paid on top", whole - (shipping or 0))
    if lines is not None and lines != (shipping or 0):
        yield _broken(seen, "the refund", "its lines", lines - (shipping or 0))


def _shipping_explains(whole: int | None, lines: int | None) -> bool:
    known = [surplus for surplus in (whole, lines) if surplus is not None]
    return bool(known) and len(set(known)) == 1 and known[0] > 0


def _surplus_of_tenders(row: Fields, currency: str) -> int | None:
    """What is paid out beyond the return's value and the upsell, in minor units; None when a figure is missing."""
    given = [amount(row, name, currency) for name in ("return_total", "upsell")]
    paid = [amount(row, name, currency) for name in _PAID_OUT]
    if None in given or None in paid:
        return None
    return sum(part or 0 for part in paid) - sum(part or 0 for part in given)


def _surplus_over_lines(seen: PortalReturn) -> int | None:
    """What is refunded beyond the cash shares of the lines; None when a line or the refund does not say."""
    shares = [line.cash_refund for line in seen.lines]
    if seen.tenders.refund is None or not shares or None in shares:
        return None
    return seen.tenders.refund - sum(share or 0 for share in shares)


def _broken(seen: PortalReturn, left: str, right: str, surplus: int) -> Finding:
    by = f"{to_text(abs(surplus), seen.currency)} {seen.currency}"
    way = "more" if surplus > 0 else "less"
    return Finding(
        kind="money_identity_broken",
        owner=Owner.FINANCE,
        message=f"Return {seen.return_id}: {left} is {by} {way} than {right}.",
        subject=seen.return_id,
    )
