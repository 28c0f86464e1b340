"""The record types and their fields, as the 2026.1 REST browser lists them (NetSuite sheet §4).

A field table is text: `name:type/target` with `!` for read-only and `?switch` for fields that exist only when a
preference is on. Types: string (default), number, integer, boolean, date, datetime, enum, ref, any, and rate (an
amount, or a percentage with its sign).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from counterfoil.erps.netsuite.sim.preferences import Preferences

_FIELD = re.compile(r"^(\w+)(?::(\w+)(?:/([\w,]+))?)?(!)?(?:\?(\w+))?$")
CUSTOM_BODY = re.compile(r"^cust(body|entity|item|record)_\w+$")
CUSTOM_LINE = re.compile(r"^custcol_?\w+$")


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its type, what it refers to or may hold, and whether a client may write it."""

    name: str
    type: str = "string"
    targets: tuple[str, ...] = ()
    read_only: bool = False
    switch: str | None = None


@dataclass(frozen=True, slots=True)
class Sublist:
    """One sublist. `key` names the field that identifies a line (sheet §3); None: lines cannot be addressed."""

    name: str
    key: str | None
    fields: Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class Kind:
    """One record type."""

    name: str
    title: str
    family: str  # "transaction", "item" or the name of the list itself: the space its internal ids live in
    fields: Mapping[str, Field]
    lists: Mapping[str, Sublist] = field(default_factory=dict)
    sql_type: str | None = None
    prefix: str = ""
    posting: bool = False
    states: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_transaction(self) -> bool:
        """Whether this is a transaction (sheet §4: they share internal ids)."""
        return self.family == "transaction"


def _table(text: str) -> dict[str, Field]:
    return {parsed.name: parsed for parsed in map(_parse, text.split())}


def _parse(token: str) -> Field:
    match = _FIELD.match(token)
    assert match is not None, f"unreadable field token {token!r}"
    name, kind, targets, read_only, switch = match.groups()
    return Field(name, kind or "string", tuple((targets or "").split(",")) if targets else (), bool(read_only), switch)


_TRANSACTION = """
id! externalId tranId tranDate:date memo entity:ref/customer subsidiary:ref/subsidiary currency:ref/currency
exchangeRate:number location:ref/location department:ref/department class:ref customForm:ref
createdFrom:ref/transaction! createdDate:datetime! lastModifiedDate:datetime! deletionReason:any
deletionReasonMemo email
"""
_POSTING = " postingPeriod:ref/accountingPeriod"
_PRICED = """
subtotal:number! discountTotal:number! taxTotal:number! total:number! discountItem:ref/discountItem discountRate:rate
shippingCost:number handlingCost:number shipMethod:ref shippingAddress:any shipAddressList:any billingAddress:any
billAddressList:any taxItem:ref taxRate:number isTaxable:boolean taxDetailsOverride:boolean?suitetax
taxRegOverride:boolean?suitetax nexus:ref?suitetax otherRefNum salesRep:ref paymentOption:ref
"""
_LINE = """
line:integer lineUniqueKey:integer! item:ref/item itemType! quantity:number rate:number amount:number price:ref
description location:ref/location department:ref/department class:ref units:ref isClosed:boolean
orderDoc:ref/transaction orderLine:integer taxCode:ref taxRate1:number tax1Amt:number grossAmt:number!
taxDetailsReference inventoryDetail:any kitMemberOf:integer! costEstimate:number commitInventory:any
quantityCommitted:number! quantityFulfilled:number! quantityBilled:number! quantityBackOrdered:number!
quantityReceived:number! isTaxable:boolean
"""
_RECEIPT_LINE = """
line:integer lineUniqueKey:integer! item:ref/item! itemType! itemReceive:boolean quantity:number
quantityRemaining:number! location:ref/location rate:number unitCostOverride:number description orderDoc:ref/transaction
orderLine:integer kitMemberOf:integer! inventoryDetail:any restock:boolean?item_receipt_restock
"""
_APPLY = """
line:integer doc:ref/transaction apply:boolean amount:number due:number! total:number! refNum! type! applyDate:date!
currency!
"""
_TAX_DETAIL = """
taxDetailsReference taxType:ref taxCode:ref taxBasis:number taxRate:number taxAmount:number lineType lineName
netAmount:number
"""
_ITEM = """
id! externalId itemId displayName salesDescription purchaseDescription upcCode isInactive:boolean basePrice:number
cost:number subsidiary:any location:ref/location isFulfillable:boolean itemType! createdDate:datetime!
lastModifiedDate:datetime! customForm:ref class:ref department:ref/department taxSchedule:ref minimumQuantity:number
weight:number incomeAccount:ref/account assetAccount:ref/account cogsAccount:ref/account
"""
_NAMED = "id! externalId name isInactive:boolean fullName parent:ref"

RETURN_STATES = {
    "A": "Pending Approval",
    "B": "Pending Receipt",
    "C": "Cancelled",
    "D": "Partially Received",
    "E": "Pending Refund/Partially Received",
    "F": "Pending Refund",
    "G": "Refunded",
    "H": "Closed",
}
ORDER_STATES = {
    "A": "Pending Approval",
    "B": "Pending Fulfillment",
    "C": "Cancelled",
    "D": "Partially Fulfilled",
    "E": "Pending Billing/Partially Fulfilled",
    "F": "Pending Billing",
    "G": "Billed",
    "H": "Closed",
}
CREDIT_STATES = {"A": "Open", "B": "Fully Applied", "V": "Voided"}
CASH_STATES = {"A": "Unapproved Payment", "B": "Not Deposited", "C": "Deposited"}
DEPOSIT_STATES = {"A": "Not Deposited", "B": "Deposited", "C": "Fully Applied"}
ENUMS = {
    "orderStatus": {"A", "B"},
    "handlingMode": {"MIMIC", "PROCESS", "SAVE_ONLY"},
    "paymentOperation": {"CREDIT", "REFUND"},
}


def _lists(*sublists: tuple[str, str | None, str]) -> dict[str, Sublist]:
    return {name: Sublist(name, key, _table(text)) for name, key, text in sublists}


_LINES = ("item", "line", _LINE)
_TAXES = ("taxDetails", None, _TAX_DETAIL)
_APPLIES = ("apply", "doc", _APPLY)
_RECEIVES = ("item", "line", _RECEIPT_LINE)
_PARTS = ("member", "line", "line:integer item:ref/item quantity:number memberDescr itemSource")


def _transaction(
    name: str, title: str, sql_type: str, prefix: str, extra: str, *sublists: tuple[str, str | None, str], **rest: Any
) -> Kind:
    return Kind(
        name, title, "transaction", _table(_TRANSACTION + extra), _lists(*sublists), sql_type, prefix=prefix, **rest
    )


_SALES_EXTRA = _PRICED + " orderStatus:enum status:enum! shipDate:date source"
_RETURN_EXTRA = _PRICED + " orderStatus:enum status:enum! transactionToRefund:ref/transaction intercoStatus:enum"
_CREDIT_EXTRA = (
    _PRICED
    + _POSTING
    + " status:enum! applied:number! unapplied:number! amountPaid:number! amountRemaining:number! autoApply:boolean"
    + " salesReturn:ref/transaction account:ref/account"
)
_CASH_EXTRA = (
    _PRICED
    + _POSTING
    + " status:enum! account:ref/account undepFunds:any handlingMode:enum paymentOperation:enum paymentMethod:ref"
)
_INVOICE_EXTRA = (
    _PRICED
    + _POSTING
    + " status:enum! amountPaid:number! amountRemaining:number! account:ref/account dueDate:date terms:ref"
)
_REFUND_EXTRA = (
    _POSTING
    + " customer:ref/customer account:ref/account arAcct:ref/account paymentOption:ref total:number! status:enum!"
    + " handlingMode:enum paymentOperation:enum checkNum checkNumber balance:number!"
)
_DEPOSIT_EXTRA = (
    _POSTING
    + " customer:ref/customer salesOrder:ref/salesOrder payment:number total:number! status:enum! account:ref/account"
    + " arAcct:ref/account undepFunds:any paymentOption:ref"
)
_DEPOSIT_USED_EXTRA = (
    _POSTING + " customer:ref/customer deposit:ref/customerDeposit total:number! applied:number! status:enum!"
)
_RECEIPT_EXTRA = _POSTING + " landedCostMethod:enum"
_SHIP_EXTRA = _POSTING + " shipStatus:enum status:enum! shipMethod:ref shippingAddress:any"
_ADJUST_EXTRA = _POSTING + " account:ref/account adjLocation:ref/location estimatedTotalValue:number!"
_ADJUST_LINES = (
    "inventory",
    "line",
    "line:integer item:ref/item adjustQtyBy:number location:ref/location unitCost:number memo inventoryDetail:any "
    "description units:ref department:ref/department class:ref",
)


def _item(name: str, title: str, extra: str = "", *sublists: tuple[str, str | None, str]) -> Kind:
    return Kind(name, title, "item", _table(_ITEM + extra), _lists(*sublists))


def _list(name: str, title: str, extra: str = "") -> Kind:
    return Kind(name, title, name, _table(_NAMED + " " + extra))


_ALL = (
    _transaction("salesOrder", "Sales Order", "SalesOrd", "SO", _SALES_EXTRA, _LINES, _TAXES, states=ORDER_STATES),
    _transaction(
        "returnAuthorization", "Return Authorization", "RtnAuth", "RMA", _RETURN_EXTRA, _LINES, _TAXES,
        states=RETURN_STATES,
    ),
    _transaction("itemReceipt", "Item Receipt", "ItemRcpt", "IR", _RECEIPT_EXTRA, _RECEIVES, posting=True),
    _transaction(
        "creditMemo", "Credit Memo", "CustCred", "CM", _CREDIT_EXTRA, _LINES, _APPLIES, _TAXES, posting=True,
        states=CREDIT_STATES,
    ),
    _transaction(
        "customerRefund", "Customer Refund", "CustRfnd", "RF", _REFUND_EXTRA, _APPLIES,
        ("deposit", "doc", _APPLY), posting=True, states={"R": "Issued", "V": "Voided"},
    ),
    _transaction("customerDeposit", "Customer Deposit", "CustDep", "DEP", _DEPOSIT_EXTRA, posting=True,
                 states=DEPOSIT_STATES),
    _transaction("depositApplication", "Deposit Application", "DepAppl", "DA", _DEPOSIT_USED_EXTRA, _APPLIES,
                 posting=True),
    _transaction(
        "cashRefund", "Cash Refund", "CashRfnd", "CR", _CASH_EXTRA, _LINES, _TAXES, posting=True, states=CASH_STATES
    ),
    _transaction(
        "cashSale", "Cash Sale", "CashSale", "CS", _CASH_EXTRA, _LINES, _TAXES, posting=True, states=CASH_STATES
    ),
    _transaction(
        "invoice", "Invoice", "CustInvc", "INV", _INVOICE_EXTRA, _LINES, _TAXES, posting=True,
        states={"A": "Open", "B": "Paid In Full", "V": "Voided"},
    ),
    _transaction(
        "itemFulfillment", "Item Fulfillment", "ItemShip", "IF", _SHIP_EXTRA, _RECEIVES, posting=True,
        states={"A": "Picked", "B": "Packed", "C": "Shipped"},
    ),
    _transaction("inventoryAdjustment", "Inventory Adjustment", "InvAdjst", "ADJ", _ADJUST_EXTRA, _ADJUST_LINES,
                 posting=True),
    Kind(
        "customer", "Customer", "entity",
        _table(
            "id! externalId entityId companyName isPerson:boolean firstName lastName email phone comments "
            "subsidiary:ref/subsidiary currency:ref/currency isInactive:boolean taxRate:number terms:ref category:ref "
            "addressBook:any customForm:ref dateCreated:datetime! lastModifiedDate:datetime! balance:number!"
        ),
    ),
    _item("inventoryItem", "Inventory Item", "quantityOnHand:number! quantityAvailable:number! locations:any"),
    _item("nonInventorySaleItem", "Non-inventory Item"),
    _item("otherChargeSaleItem", "Other Charge"),
    _item("discountItem", "Discount", "rate account:ref/account"),
    _item("assemblyItem", "Assembly"),
    _item("kitItem", "Kit/Package", "", _PARTS),
    _list("location", "Location", "subsidiary:ref/subsidiary useBins:boolean makeInventoryAvailable:boolean"),
    _list("subsidiary", "Subsidiary", "currency:ref/currency country:any"),
    _list("currency", "Currency", "symbol exchangeRate:number currencyPrecision:enum isBaseCurrency:boolean"),
    _list("department", "Department"),
    _list("paymentMethod", "Payment Method", "creditCard:boolean account:ref/account"),
    _list("account", "Account", "acctNumber acctName acctType:enum currency:ref/currency"),
    _list("inventoryStatus", "Inventory Status", "description inventoryAvailable:boolean"),
    Kind(
        "accountingPeriod", "Accounting Period", "accountingPeriod",
        _table(
            "id! periodName startDate:date endDate:date closed:boolean arLocked:boolean apLocked:boolean "
            "allLocked:boolean allowNonGLChanges:boolean isYear:boolean isQuarter:boolean isAdjust:boolean"
        ),
    ),
)  # fmt: skip
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ALL}
_BY_LOWER = {name.lower(): kind for name, kind in KINDS.items()}
TRANSACTION_KINDS = tuple(kind.name for kind in _ALL if kind.is_transaction)
ITEM_KINDS = tuple(kind.name for kind in _ALL if kind.family == "item")
ITEM_TYPES = {
    "inventoryItem": "InvtPart",
    "nonInventorySaleItem": "NonInvtPart",
    "otherChargeSaleItem": "OthCharge",
    "discountItem": "Discount",
    "assemblyItem": "Assembly",
    "kitItem": "Kit",
}


def kind_named(name: str) -> Kind | None:
    """A record type by its name; case does not matter in a URL (sheet §1)."""
    return _BY_LOWER.get(name.lower())


def kinds_meant(target: str) -> tuple[str, ...]:
    """The record types a reference may point to: `item` and `transaction` stand for their whole family."""
    return {"item": ITEM_KINDS, "transaction": TRANSACTION_KINDS}.get(target, (target,))


def shown(table: Mapping[str, Field], preferences: Preferences) -> Iterator[Field]:
    """The fields of a table that exist in this account."""
    return (f for f in table.values() if f.switch is None or getattr(preferences, f.switch))


def find_field(table: Mapping[str, Field], name: str, preferences: Preferences) -> Field | None:
    """A field by name, if this account has it."""
    known = table.get(name)
    return known if known is not None and (known.switch is None or getattr(preferences, known.switch)) else None
