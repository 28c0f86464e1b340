"""One owner for each field (R1–R5): which family of systems may state which fact, and which role a command goes to.

A fact from a system that does not own it is refused at the door and logged; it never reaches a return.
"""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil.core.commands import Role

PORTAL, ERP, GATEWAY, WAREHOUSE = "portal", "erp", "gateway", "warehouse"

FACT_OWNERS: Mapping[str, frozenset[str]] = {
    "ReturnRequested": frozenset({PORTAL}),
    "ReturnAuthorised": frozenset({PORTAL}),
    "ReturnProcessed": frozenset({PORTAL}),
    "ReturnCancelled": frozenset({PORTAL}),
    "ReturnExpired": frozenset({PORTAL}),
    "ProcessingFailed": frozenset({PORTAL}),
    "LabelMoved": frozenset({PORTAL}),
    "RestockSignalled": frozenset({PORTAL}),
    "RefundReported": frozenset({PORTAL}),
    "PortalInspected": frozenset({PORTAL}),
    "StoreCreditIssued": frozenset({PORTAL, GATEWAY}),
    "OrderSeen": frozenset({GATEWAY}),
    "RefundMoved": frozenset({GATEWAY, PORTAL}),  # a portal that pays the customer itself states its own payment
    "ChargebackMoved": frozenset({GATEWAY}),
    "WarehouseReported": frozenset({WAREHOUSE}),
}
"""Facts by the name of their type. A fact that is not named here may come from anywhere."""

ROLE_FAMILY: Mapping[Role, str] = {Role.PORTAL: PORTAL, Role.SHOP: GATEWAY, Role.ERP: ERP}
"""The family of systems each role's commands go to."""


def may_state(family: str, fact: str) -> bool:
    """Whether a system of this family may state a fact of this type."""
    owners = FACT_OWNERS.get(fact)
    return owners is None or family in owners
