"""What our own records say of a customer's earlier returns and the order's addresses, as a fact without names (R86)."""

from __future__ import annotations

from counterfoil.core.approvals import Risk
from counterfoil.core.case import ReturnCase
from counterfoil.core.inner_events import RiskSeen
from counterfoil.store.database import Transaction

COUNTED_MAX = 100
"""More earlier returns than this make no difference."""


def risk_seen(tx: Transaction, case: ReturnCase, opened_ms: int, now: str) -> RiskSeen | None:
    """The fact, once for each return, as soon as its order is known; None where the order tells neither."""
    order = case.order
    if case.risk is not None or order is None or (order.customer is None and order.address_mismatch is None):
        return None
    earlier = None if order.customer is None else _earlier(tx, case, order.customer, opened_ms)
    risk = Risk(earlier_returns=earlier, address_mismatch=order.address_mismatch)
    return RiskSeen(key="risk", occurred_at=now, risk=risk)


def _earlier(tx: Transaction, case: ReturnCase, customer: str, opened_ms: int) -> int:
    """How many returns the customer opened before; this one is remembered for the next."""
    who = {"brand": case.case.brand, "customer": customer, "case_id": case.case_id, "opened_ms": opened_ms}
    tx.run("customer_return_put", **who)
    row = tx.one("customer_returns_before", **who, most=COUNTED_MAX)
    return int(row["n"]) if row is not None else 0
