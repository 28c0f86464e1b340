"""Requests, in the imperative. `decide` makes them, adapters carry them out.

A command names its return and its step; the two together are its key, so the same decision always makes the same
key, and a document in the ERP carries a reference computed from it (R66, R81).
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

import msgspec

from counterfoil.core.documents import CreditNote, DocumentRef, ErpOrder, ExchangeItem, RmaLine, StockLine
from counterfoil.core.returns import Disposition


class Role(StrEnum):
    """Which of a brand's connections carries a command out."""

    PORTAL = "portal"
    SHOP = "shop"
    ERP = "erp"


class CaseRef(msgspec.Struct, frozen=True, kw_only=True):
    """Which return a command is about."""

    brand: str
    portal: str
    return_id: str
    order_ref: str | None = None
    order_name: str | None = None

    @property
    def case_id(self) -> str:
        """Our key of the return."""
        return f"{self.brand}/{self.portal}/{self.return_id}"


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What every command has. `step` is unique within the return, such as `receipt-2`."""

    role: ClassVar[Role]
    writes: ClassVar[bool] = True  # a read may be repeated without looking anything up first

    case: CaseRef
    step: str

    @property
    def key(self) -> str:
        """The deterministic key: return and step."""
        return f"{self.case.case_id}/{self.step}"


class FetchOrder(Command, frozen=True, kw_only=True, tag="FetchOrder.v1"):
    """Read the order as sold from the shop."""

    role: ClassVar[Role] = Role.SHOP
    writes: ClassVar[bool] = False


class FindSalesOrder(Command, frozen=True, kw_only=True, tag="FindSalesOrder.v1"):
    """Find the original sales order in the ERP by the shop's order id or name (R37, R92)."""

    role: ClassVar[Role] = Role.ERP
    writes: ClassVar[bool] = False


class OpenReturnAuthorisation(Command, frozen=True, kw_only=True, tag="OpenReturnAuthorisation.v1"):
    """Make the RMA in the ERP (R41, R43)."""

    role: ClassVar[Role] = Role.ERP

    order: ErpOrder
    lines: tuple[RmaLine, ...]
    authorised_at: str
    memo: str = ""
    tracking: str | None = None


class StoreTracking(Command, frozen=True, kw_only=True, tag="StoreTracking.v1"):
    """Keep the parcel's tracking reference on the RMA (R49)."""

    role: ClassVar[Role] = Role.ERP

    rma: DocumentRef
    tracking: str
    carrier: str | None = None


class CancelReturnAuthorisation(Command, frozen=True, kw_only=True, tag="CancelReturnAuthorisation.v1"):
    """Withdraw an RMA nothing was received against."""

    role: ClassVar[Role] = Role.ERP

    rma: DocumentRef
    reason: str


class ReceiveStock(Command, frozen=True, kw_only=True, tag="ReceiveStock.v1"):
    """Book inspected units against the RMA, each to its depot (R50–R54, R58).

    `open_lines` names every line of the RMA, because some ERPs receive what is not mentioned.
    """

    role: ClassVar[Role] = Role.ERP

    rma: DocumentRef
    order: ErpOrder
    lines: tuple[StockLine, ...]
    open_lines: tuple[str, ...]
    received_at: str
    warehouse: str
    warehouse_ref: str
    post_in_open_period: bool = False  # a person agreed to the next open accounting period


class ReverseReceipt(Command, frozen=True, kw_only=True, tag="ReverseReceipt.v1"):
    """Undo exactly what a posted receipt booked (warehouse sheet §3.7)."""

    role: ClassVar[Role] = Role.ERP

    rma: DocumentRef
    receipt: DocumentRef
    reason: str


class DraftCreditNote(Command, frozen=True, kw_only=True, tag="DraftCreditNote.v1"):
    """Make the credit note without posting it, so that the ERP has agreed to its value before money moves (R84)."""

    role: ClassVar[Role] = Role.ERP

    rma: DocumentRef
    order: ErpOrder
    credit: CreditNote
    credit_date: str


class PostCreditNote(Command, frozen=True, kw_only=True, tag="PostCreditNote.v1"):
    """Make and post the credit note, or post the draft when there is one (R87–R92)."""

    role: ClassVar[Role] = Role.ERP

    rma: DocumentRef
    order: ErpOrder
    credit: CreditNote
    credit_date: str
    draft: DocumentRef | None = None
    post_in_open_period: bool = False
    batch: str | None = None  # D9: the cycle it is posted with; such credits reconcile as one line


class RecordRefund(Command, frozen=True, kw_only=True, tag="RecordRefund.v1"):
    """Record in the ERP the money that was paid out, against its credit note; the ERP must not pay again."""

    role: ClassVar[Role] = Role.ERP

    credit: DocumentRef
    order: ErpOrder
    amount: int
    currency: str
    refund_ref: str
    tender: str | None
    paid_on: str
    post_in_open_period: bool = False
    funded_by: str | None = None  # a provider's own money: `tender` is its clearing account, never a gateway


class CheckStock(Command, frozen=True, kw_only=True, tag="CheckStock.v1"):
    """Ask the ERP what it can promise of the replacement items (R109, R114). The answer is `Done.stock`."""

    role: ClassVar[Role] = Role.ERP
    writes: ClassVar[bool] = False

    order: ErpOrder
    skus: tuple[str, ...]


class CreateExchangeOrder(Command, frozen=True, kw_only=True, tag="CreateExchangeOrder.v1"):
    """Make the sales order of an exchange, linked to the return and to the original order (R100–R104).

    The adapter copies customer, delivery and every other field from `order` as the ERP holds it: personal data never
    passes through here. `order_type` is the merchant's own code for exchanges. `carried_over` is the returned value
    that pays for it and `collected` what the customer paid on top, in minor units of `currency`; both may be 0, and
    an order worth nothing is an order like any other (R101). `held` asks for an order that must not ship yet (D12).
    """

    role: ClassVar[Role] = Role.ERP

    order: ErpOrder
    rma: DocumentRef | None
    exchange_id: str
    items: tuple[ExchangeItem, ...]
    currency: str
    carried_over: int
    collected: int = 0
    held: bool = True
    order_type: str | None = None
    shop_order_ref: str | None = None
    shop_order_name: str | None = None


class ReleaseExchangeOrder(Command, frozen=True, kw_only=True, tag="ReleaseExchangeOrder.v1"):
    """Let a held exchange order ship (D12)."""

    role: ClassVar[Role] = Role.ERP

    exchange: DocumentRef


class CancelExchangeOrder(Command, frozen=True, kw_only=True, tag="CancelExchangeOrder.v1"):
    """Withdraw an exchange order that has not shipped, and with it the stock it holds."""

    role: ClassVar[Role] = Role.ERP

    exchange: DocumentRef
    reason: str


class ReleaseRefund(Command, frozen=True, kw_only=True, tag="ReleaseRefund.v1"):
    """Let the portal carry out the outcome, now that every gate is open (R74, D10)."""

    role: ClassVar[Role] = Role.PORTAL

    note: str = ""


class ReadReturn(Command, frozen=True, kw_only=True, tag="ReadReturn.v1"):
    """Read the return again from the portal: deliveries are unordered, the API is not."""

    role: ClassVar[Role] = Role.PORTAL
    writes: ClassVar[bool] = False


class SendNote(Command, frozen=True, kw_only=True, tag="SendNote.v1"):
    """Write a line on the return in the portal, for CX and the customer's status (R115)."""

    role: ClassVar[Role] = Role.PORTAL

    text: str


class FlagReturn(Command, frozen=True, kw_only=True, tag="FlagReturn.v1"):
    """Put the return into review at the portal."""

    role: ClassVar[Role] = Role.PORTAL

    reason: str


class CancelReturn(Command, frozen=True, kw_only=True, tag="CancelReturn.v1"):
    """Cancel the return at the portal: the items can be returned again."""

    role: ClassVar[Role] = Role.PORTAL


class CloseReturn(Command, frozen=True, kw_only=True, tag="CloseReturn.v1"):
    """Close the return at the portal without an outcome: the items cannot be returned again."""

    role: ClassVar[Role] = Role.PORTAL


class GradedUnit(msgspec.Struct, frozen=True, kw_only=True):
    """What the inspector found for one line of the portal."""

    line_id: str
    condition: str
    disposition: Disposition
    grade: str | None = None
    inspected_at: str | None = None
    note: str | None = None


class ReportInspection(Command, frozen=True, kw_only=True, tag="ReportInspection.v1"):
    """Tell the portal the grade and disposition of each line (Loop sheet §6.4)."""

    role: ClassVar[Role] = Role.PORTAL

    units: tuple[GradedUnit, ...]


AnyCommand = (
    FetchOrder
    | FindSalesOrder
    | OpenReturnAuthorisation
    | StoreTracking
    | CancelReturnAuthorisation
    | ReceiveStock
    | ReverseReceipt
    | DraftCreditNote
    | PostCreditNote
    | RecordRefund
    | CheckStock
    | CreateExchangeOrder
    | ReleaseExchangeOrder
    | CancelExchangeOrder
    | ReleaseRefund
    | ReadReturn
    | SendNote
    | FlagReturn
    | CancelReturn
    | CloseReturn
    | ReportInspection
)
