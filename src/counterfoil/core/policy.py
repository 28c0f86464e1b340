"""The flow policy: what waits for what. One value for each (brand, portal, ERP), every axis D1–D13 named.

Gate means facts, approval means people; they are kept apart (D4). Presets are starting points, not modes: code asks
the axes, never the preset's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from counterfoil.core.legal import LegalClock


class StockOn(StrEnum):
    """D1: what raises stock."""

    WMS_INSPECTED = "wms_inspected"
    ERP_RECEIPT = "erp_receipt"
    PORTAL_FINAL = "portal_final"
    PORTAL_RESTOCK = "portal_restock"


class CreditOrder(StrEnum):
    """D2: which leg of the settlement pair comes first."""

    CREDIT_THEN_REFUND = "credit_then_refund"
    REFUND_THEN_CREDIT = "refund_then_credit"


class RefundGate(StrEnum):
    """D3: the facts a refund waits for."""

    RECEIPT_INSPECTION = "receipt+inspection"
    RECEIPT = "receipt"
    CARRIER_SCAN = "carrier_scan"
    INSTANT = "instant"


class Approval(StrEnum):
    """D4: who must agree once the facts are there."""

    AUTOMATIC = "automatic"
    ABOVE_THRESHOLD = "above_threshold"
    ALWAYS = "always"


class AmountAuthority(StrEnum):
    """D5: whose number the refund is."""

    ERP = "erp"
    PORTAL_WITHIN_TOLERANCE = "portal_within_tolerance"


class RmaOn(StrEnum):
    """D6: when the RMA is made."""

    REQUESTED = "requested"
    AUTHORISED = "authorised"
    IN_TRANSIT = "in_transit"
    FINALISED = "finalised"


class DispositionSource(StrEnum):
    """D7: whose disposition moves stock."""

    WAREHOUSE = "warehouse"
    PORTAL = "portal"


class Posting(StrEnum):
    """D9: when a kind of record is posted."""

    REAL_TIME = "real_time"
    CYCLE = "cycle"


class RefundExecutor(StrEnum):
    """D10: who pays."""

    PORTAL = "portal"  # after our release
    PORTAL_ITSELF = "portal_itself"  # the portal pays on its own events
    ERP = "erp"
    GATEWAY = "gateway"
    COUNTERPARTY = "counterparty"


class CreditDocument(StrEnum):
    """D11: the form of the financial record."""

    BY_BILLING = "by_billing"
    CREDIT_MEMO = "credit_memo"
    CASH_REFUND = "cash_refund"


class ExchangeRelease(StrEnum):
    """D12: when an exchange may ship."""

    ON_CONFIRM = "on_confirm"
    ON_CARRIER_SCAN = "on_carrier_scan"
    ON_RECEIPT = "on_receipt"
    ON_INSPECTION = "on_inspection"


class ExchangeFallback(StrEnum):
    """What the customer is offered when the exchange cannot be carried out (R110, R114)."""

    REFUND = "refund"
    STORE_CREDIT = "store_credit"


class RmaGranularity(StrEnum):
    """D13: one RMA for what."""

    PER_RETURN = "per_return"
    PER_ORDER = "per_order"
    PER_SHIPMENT = "per_shipment"


class ApprovalRule(msgspec.Struct, frozen=True, kw_only=True):
    """People who must agree before money of this kind leaves (D4, R75–R77). Every condition named must hold.

    `value_above` is in minor units of `currency`, without one of the case's own; an empty tuple asks nothing. `risk` names signals such
    as "repeat_returns", "high_value", "address_mismatch" and "damage_claim" (R86); one of them is enough. `method` is
    "original" or "store_credit" (R77). A rule touches approval only, never the gate, unless `waives_gate` names it.
    """

    value_above: int | None = None
    currency: str | None = None
    categories: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    risk: tuple[str, ...] = ()
    method: str | None = None
    approvers: tuple[str, ...] = ()
    people: int = 1
    waives_gate: str | None = None


class Cover(msgspec.Struct, frozen=True, kw_only=True):
    """What covers money that leaves before the goods are inspected (D3). Every condition named must hold.

    `value_max` is in minor units of `currency` and needs it; `counterparty` is who pays at its own risk.
    """

    value_max: int | None = None
    currency: str | None = None
    categories: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    counterparty: str | None = None


class FlowPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the policy. Hours are wall-clock hours; amounts are minor units of the case's currency.

    `rule` names the override that gave these values; "" where the policy's own axes hold.
    """

    name: str = "controlled"
    version: str = "1"
    rule: str = ""
    stock_on: StockOn = StockOn.WMS_INSPECTED  # D1
    attestor: str | None = None  # D1: who saw the goods, for the looser settings
    credit_order: CreditOrder = CreditOrder.CREDIT_THEN_REFUND  # D2
    refund_gate: RefundGate = RefundGate.RECEIPT_INSPECTION  # D3
    refund_cover: str | None = None  # D3: what covers a looser gate
    approval: Approval = Approval.AUTOMATIC  # D4
    approval_threshold: int | None = None  # D4
    amount_authority: AmountAuthority = AmountAuthority.ERP  # D5
    tolerance_per_partial_line: int = 1  # D5, ATTR-1: minor units for each line that is only partly refunded
    rma_on: RmaOn = RmaOn.AUTHORISED  # D6
    disposition_source: DispositionSource = DispositionSource.WAREHOUSE  # D7
    location_key: tuple[str, ...] = ("received_at+disposition", "disposition", "reason")  # D8
    stock_posting: Posting = Posting.REAL_TIME  # D9
    money_posting: Posting = Posting.REAL_TIME  # D9
    refund_executor: RefundExecutor = RefundExecutor.PORTAL  # D10
    credit_document: CreditDocument = CreditDocument.BY_BILLING  # D11
    exchange_release: ExchangeRelease = ExchangeRelease.ON_RECEIPT  # D12
    exchange_fallback: ExchangeFallback = (
        ExchangeFallback.STORE_CREDIT
    )  # what is offered when the goods are not to be had
    exchange_lease_hours: int = 336  # how long goods are kept for a parcel nobody has seen moving
    exchange_recheck_hours: int = 24  # how often missing stock is looked for again
    exchange_order_type: str | None = None  # R102; None: the ERP connection's own
    rma_granularity: RmaGranularity = RmaGranularity.PER_RETURN  # D13
    damaged_needs_review: bool = False  # R76, warehouse sheet §3.6
    credit_within_hours: int = 24  # R93
    inspect_within_hours: int = 48  # R124
    approvals: tuple[ApprovalRule, ...] = ()  # D4, R75, R76
    chargeback_stops_refund: bool = True  # R85
    repeat_returns_from: int = 3  # R86: so many earlier returns of one customer are a signal
    high_value_above: int | None = None  # R86: minor units of the case's currency
    cover: Cover | None = None  # D3: the terms of `refund_cover`; None: no terms are checked
    tolerance: int = 0  # D5: minor units the portal's figure may differ by, for the whole return
    rounding_account: str | None = None  # D5: where a tolerated difference goes
    money_cycle_hours: int = 24  # D9: the length of a cycle when money is posted by cycle
    legal: LegalClock | None = None  # the withdrawal deadline beside the gate; None: not chosen
    cover_reminder_hours: int = 72  # how long before a provider's cover ends somebody is told
    stock_cycle_hours: int = 24  # D9: the length of a verification cycle, counted from midnight UTC

    @property
    def label(self) -> str:
        """The policy in one line: name, version and, where an override fitted, its name."""
        return f"{self.name} {self.version}" + (f" ({self.rule})" if self.rule else "")


PRESETS: dict[str, FlowPolicy] = {
    "controlled": FlowPolicy(),
    "credit-first": FlowPolicy(name="credit-first", rma_on=RmaOn.REQUESTED, refund_executor=RefundExecutor.ERP),
    "portal-led": FlowPolicy(
        name="portal-led",
        refund_gate=RefundGate.RECEIPT,
        credit_order=CreditOrder.REFUND_THEN_CREDIT,
        refund_executor=RefundExecutor.PORTAL_ITSELF,
    ),
    "restock-mirror": FlowPolicy(
        name="restock-mirror",
        rma_on=RmaOn.REQUESTED,
        stock_on=StockOn.PORTAL_RESTOCK,
        refund_gate=RefundGate.RECEIPT,
        credit_order=CreditOrder.REFUND_THEN_CREDIT,
        refund_executor=RefundExecutor.PORTAL_ITSELF,
    ),
    "instant-funded": FlowPolicy(
        name="instant-funded",
        refund_gate=RefundGate.INSTANT,
        refund_cover="counterparty",
        credit_order=CreditOrder.REFUND_THEN_CREDIT,
        refund_executor=RefundExecutor.COUNTERPARTY,
    ),
}
"""The five presets of requirements §1b."""


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """When an override holds. Every condition named must hold; an empty one asks nothing.

    Values are minor units of `currency`: from `value_from` on, and less than `value_below`.
    """

    countries: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    currency: str | None = None
    value_from: int | None = None
    value_below: int | None = None


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """One rule for some returns: its conditions, and the whole policy that then holds."""

    name: str
    when: Conditions
    policy: FlowPolicy


class Edition(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the whole agreement, in force for returns authorised from `starts_on` (YYYY-MM-DD) on.

    `categories` gives each category its SKU patterns (`*` stands for anything), `tiers` each customer tier the words
    by which the shop marks its customers.
    """

    policy: FlowPolicy
    overrides: tuple[Override, ...] = ()
    categories: Mapping[str, tuple[str, ...]] = {}
    tiers: Mapping[str, tuple[str, ...]] = {}
    starts_on: str = ""


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """Policy plus what the connected systems, as configured, can do: everything a decision may lean on.

    `editions`, oldest first, take the policy's place for returns authorised from their day on.
    """

    policy: FlowPolicy
    portal_can: frozenset[str] = frozenset()
    erp_can: frozenset[str] = frozenset()
    mapping_version: str = "1"
    editions: tuple[Edition, ...] = ()
