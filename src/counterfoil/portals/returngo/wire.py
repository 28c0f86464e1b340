"""An RMA as ReturnGO's API gives it, read once in whichever typing it came (ReturnGO sheet §3, T10).

Ids come as text or numbers, booleans as 0 and 1, nothing as null, "" or a missing key; keys we do not know are ignored.
Amounts are minor units of the currency beside them. Nothing here travels further than this folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.core.money import Money, MoneyError
from counterfoil.portals.returngo.config import Book, ReturnGOMapping
from counterfoil.portals.returngo.words import ARRIVED, LABEL_CANCELLED, plain

_FEES = ("restockingFee", "returnFee", "shipmentFee")


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what an RMA is made of."""


class Wanted(Part, frozen=True, kw_only=True):
    """A new item the customer chose. `price` is its own full price each, not net of the return (§4)."""

    sku: str | None
    quantity: int
    price: Money | None


class Validation(Part, frozen=True, kw_only=True):
    """What the inspector answered. Meaningless until somebody `looked`: the booleans say false before that (T1)."""

    looked: bool = False
    at: str | None = None
    returned: bool | None = None
    restockable: bool | None = None
    reason: str | None = None


class UnitRow(Part, frozen=True, kw_only=True):
    """One returned unit: ReturnGO has no quantities (T2). Return and label fee are the whole return's, repeated (T6)."""

    unit_id: str
    order_line_ref: str | None
    sku: str | None
    paid: Money | None
    tax: Money | None
    tax_included: bool | None
    reason: str | None
    detail: str | None
    resolution: str | None
    restocking: int
    return_fee: int
    label_fee: int
    method: str | None
    validation: Validation
    wanted: tuple[Wanted, ...]


class Parcel(Part, frozen=True, kw_only=True):
    """One shipment on its way back."""

    shipment_id: str | None
    status: str
    tracking: str | None
    carrier: str | None
    country: str | None


class Transaction(Part, frozen=True, kw_only=True):
    """One movement of money ReturnGO initiated. The amount is always positive; the type says the direction."""

    id: str
    type: str
    status: str
    amount: Money
    ref: str | None
    ref_type: str | None
    processor: str | None
    unit_ids: tuple[str, ...]
    at: str | None


class ExchangeOrder(Part, frozen=True, kw_only=True):
    """An order made for the new items: a draft as long as `order_ref` is empty (§4)."""

    type: str
    order_ref: str | None
    name: str | None


class Moment(Part, frozen=True, kw_only=True):
    """Something that happened, by name: an event of the summary or a comment of the timeline."""

    name: str
    at: str | None


class Rma(Part, frozen=True, kw_only=True):
    """One RMA. A summary has no more than the first four fields."""

    rma_id: str
    status: str
    order_name: str | None
    events: tuple[Moment, ...] = ()
    order_ref: str | None = None
    updated_at: str | None = None
    created_at: str | None = None
    units: tuple[UnitRow, ...] = ()
    parcels: tuple[Parcel, ...] = ()
    transactions: tuple[Transaction, ...] = ()
    exchange_orders: tuple[ExchangeOrder, ...] = ()
    wanted: tuple[Wanted, ...] = ()
    comments: tuple[Moment, ...] = ()
    currency: str = ""
    moneyless: bool = False  # an amount stands there without its currency
    cancellation_fee: bool = False
    fees_given: bool = False

    @property
    def arrived(self) -> bool:
        """Whether ReturnGO says that the goods came: the RMA's own word, or a shipment's (§7)."""
        return self.status in ARRIVED or any(parcel.status in ARRIVED for parcel in self.parcels)

    @property
    def approvals(self) -> int:
        """How often the return was approved; more than once after it was reopened."""
        return sum(1 for event in self.events if event.name == "RMA_APPROVED")


def rma_id_of(text: str | None) -> str | None:
    """The RMA's number as the API wants it: without the prefix people read (§2)."""
    number = (text or "").strip()
    return (number[3:] if number[:3].upper() == "RMA" else number).strip(" -#") or None


def read_summary(row: Fields) -> Rma:
    """A row of the list: id, status, order name and events (§3). UnreadableError without an id."""
    rma_id = rma_id_of(row.text("rmaId"))
    if rma_id is None:
        raise UnreadableError(f"{row.where('rmaId')} is missing")
    events = tuple(
        Moment(name=event.text("eventName") or "", at=moment(event, "eventDate")) for event in row.each("events")
    )
    created = next((event.at for event in events if event.name == "RMA_CREATED"), None)
    return Rma(
        rma_id=rma_id,
        status=(row.text("status") or "").lower(),
        order_name=row.text("order_name"),
        events=events,
        created_at=created,
    )


def read_rma(body: Fields, mapping: ReturnGOMapping) -> Rma:
    """A whole RMA. UnreadableError for a missing id, two currencies, or an amount that cannot be read exactly."""
    head = body.child("rmaSummary")
    if head is None:
        raise UnreadableError("rmaSummary is missing")
    summary = read_summary(head)
    currency = _currency(body, mapping.book)
    purse = Purse(mapping.book, currency)
    order = body.child("orderDetails") or Fields({})
    units = tuple(_unit(item, purse) for item in body.each("items"))
    _each_once(units)
    return msgspec.structs.replace(
        summary,
        order_name=order.text("order_name") or summary.order_name,
        order_ref=order.text("orderId"),
        created_at=moment(body, "createdAt") or summary.created_at,
        updated_at=moment(body, "lastUpdated"),
        units=units,
        parcels=tuple(_parcel(row) for row in body.each("shipments") if row.flag("isOutbound") is not True),
        transactions=tuple(_transaction(row, purse) for row in body.each("transactions")),
        exchange_orders=tuple(_exchange_order(row) for row in body.each("exchangeOrders")),
        wanted=tuple(_wanted(row, purse) for row in body.each("exchangeItems")),
        comments=tuple(_comment(row) for row in body.each("comments")),
        currency=currency or "",
        moneyless=purse.moneyless,
        fees_given=_fees_given(body),
        cancellation_fee=_is_charged(body, "cancellationFee"),
    )


def moment(row: Fields, name: str) -> str | None:
    """A time in UTC, or None. A time that cannot be read costs nobody money and is left unknown."""
    try:
        return row.moment(name)
    except UnreadableError:
        return None


class Purse:
    """Reads money objects `{amount, currency, shopAmount, shopCurrency}` in the configured book (§3)."""

    def __init__(self, book: Book, currency: str | None) -> None:
        self._amount, self._unit = _names(book)
        self._currency = currency
        self.moneyless = False

    def money(self, row: Fields, name: str) -> Money | None:
        """The amount in its own currency; None when it is not given or has no currency."""
        given = row.child(name)
        if given is None or given.raw(self._amount) is None:
            return None
        currency = given.text(self._unit)
        if currency is None:
            self.moneyless = True
            return None
        minor = given.amount(self._amount, currency.upper())
        return None if minor is None else Money(minor, currency.upper())

    def own(self, row: Fields, name: str) -> Money | None:
        """The same, where it must be in the return's one currency."""
        found = self.money(row, name)
        if found is not None and found.currency != self._currency:
            raise UnreadableError(f"{row.where(name)} is in {found.currency}, the return in {self._currency}")
        return found

    def fee(self, row: Fields, name: str) -> int:
        """A fee: a bare number without a currency of its own (§3); absent is no fee."""
        if self._currency is None:
            self.moneyless = self.moneyless or _is_charged(row, name)
            return 0
        return row.amount(name, self._currency) or 0


def _names(book: Book) -> tuple[str, str]:
    return ("shopAmount", "shopCurrency") if book is Book.SHOP else ("amount", "currency")


def _currency(body: Fields, book: Book) -> str | None:
    """The return's currency: that of its first amount."""
    _, unit = _names(book)
    places = [(row, name) for row in body.each("items") for name in ("paidPrice", "paidTax")]
    places += [(row, "amount") for row in body.each("transactions")]
    for row, name in places:
        money = row.child(name)
        code = money.text(unit) if money else None
        if code:
            return _known(code.upper(), row.where(name))
    return None


def _known(code: str, where: str) -> str:
    try:
        Money.parse(0, code)
    except MoneyError as error:
        raise UnreadableError(f"{where}: {error}") from None
    return code


def _each_once(units: Sequence[UnitRow]) -> None:
    ids = [unit.unit_id for unit in units]
    if len(set(ids)) != len(ids):
        twice = next(unit_id for unit_id in ids if ids.count(unit_id) > 1)
        raise UnreadableError(f"the returned item {twice} appears twice")


def _unit(item: Fields, purse: Purse) -> UnitRow:
    method = item.child("returnMethod")
    validation = item.child("itemValidationStatusResponse")
    return UnitRow(
        unit_id=item.need("returnedItemId"),
        order_line_ref=item.text("shopLineItemId"),
        sku=item.text("sku"),
        paid=purse.own(item, "paidPrice"),
        tax=purse.own(item, "paidTax"),
        tax_included=item.flag("taxIncluded"),
        reason=item.text("returnReason"),
        detail=_detail(item.text("extendedReason")),
        resolution=item.text("resolutionType"),
        restocking=purse.fee(item, "restockingFee"),
        return_fee=purse.fee(item, "returnFee"),
        label_fee=purse.fee(item, "shipmentFee"),
        method=method.text("type") if method else None,
        validation=_validation(validation) if validation else Validation(),
        wanted=tuple(_wanted(row, purse) for row in item.each("exchangeItems")),
    )


def _detail(text: str | None) -> str | None:
    """Joined answers come with a leading separator (§3)."""
    return (text or "").strip(" >") or None


def _validation(row: Fields) -> Validation:
    """T1: only a validation date says that somebody looked. One that cannot be read still says so."""
    return Validation(
        looked=row.raw("lastValidationDate") is not None,
        at=moment(row, "lastValidationDate"),
        returned=row.flag("isReturned"),
        restockable=row.flag("isRestockable"),
        reason=row.text("nonRestockableReason"),
    )


def _fees_given(body: Fields) -> bool:
    """Whether every item states every fee: a sum with a part missing is unknown, not smaller."""
    stated = [item.raw(name) is not None for item in body.each("items") for name in _FEES]
    return bool(stated) and all(stated)


def _wanted(row: Fields, purse: Purse) -> Wanted:
    quantity = row.whole("quantity")
    return Wanted(
        sku=row.text("sku"), quantity=1 if quantity is None else quantity, price=purse.own(row, "effectivePrice")
    )


def _parcel(row: Fields) -> Parcel:
    address = row.child("customerAddress")
    return Parcel(
        shipment_id=row.text("shipmentId"),
        status=(row.text("status") or "").lower().replace("cancelled", LABEL_CANCELLED),
        tracking=row.text("trackingNumber"),
        carrier=row.text("carrierName"),
        country=address.text("country") if address else None,
    )


def _transaction(row: Fields, purse: Purse) -> Transaction:
    amount = purse.money(row, "amount")
    if amount is None:
        raise UnreadableError(f"{row.where('amount')} is missing or has no currency")
    if amount.minor < 0:
        raise UnreadableError(f"{row.where('amount')} is negative, where only the type gives a direction")
    listed: Any = row.raw("returnItemIds") or []
    if not isinstance(listed, list) or not all(isinstance(one, str | int) for one in listed):
        raise UnreadableError(f"{row.where('returnItemIds')} is not a list of ids")
    return Transaction(
        id=row.need("id"),
        type=row.text("type") or "",
        status=(row.text("status") or "").lower(),
        amount=amount,
        ref=row.text("externalReferenceId"),
        ref_type=row.text("externalReferenceType"),
        processor=row.text("processor"),
        unit_ids=tuple(str(one) for one in listed),
        at=moment(row, "createdAt"),
    )


def _exchange_order(row: Fields) -> ExchangeOrder:
    return ExchangeOrder(
        type=(row.text("type") or "").lower(), order_ref=row.text("orderId"), name=row.text("orderName")
    )


def _comment(row: Fields) -> Moment:
    return Moment(name=plain(row.text("htmlText") or ""), at=moment(row, "datetime"))


def _is_charged(row: Fields, name: str) -> bool:
    """Whether a number without a currency is anything but zero."""
    value = row.text(name)
    try:
        return value is not None and Decimal(value) != 0
    except ArithmeticError:
        raise UnreadableError(f"{row.where(name)} is {value!r} where an amount is due") from None
