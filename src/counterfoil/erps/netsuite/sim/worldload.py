"""The world file into an account: lists first, then orders with their bills and shipments (outputs sheet §3).

A world may be brief. Records it only mentions (an item in an order line, a customer) are made up, an order that
says nothing about billing was sold for cash and shipped, and months without periods are open.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from counterfoil.erps.netsuite.sim import posting
from counterfoil.erps.netsuite.sim.account import Account, role_from
from counterfoil.erps.netsuite.sim.book import Line, Record
from counterfoil.erps.netsuite.sim.preferences import read_preferences
from counterfoil.erps.netsuite.sim.schema import ITEM_KINDS, ITEM_TYPES, KINDS, Field, kinds_meant
from counterfoil.erps.netsuite.sim.statuses import refresh_chain
from counterfoil.erps.netsuite.sim.totals import scaled
from counterfoil.erps.netsuite.sim.values import ZERO, as_day, as_decimal, ref_id, reference, rounded, truth

DEFAULT_ACCOUNT = "1234567_SB1"
_LISTS = ("subsidiary", "currency", "location", "department", "inventoryStatus", "paymentMethod", "accountingPeriod")
_LATER = (
    "customerDeposit",
    "depositApplication",
    "returnAuthorization",
    "itemReceipt",
    "creditMemo",
    "cashRefund",
    "customerRefund",
    "inventoryAdjustment",
)
_SHIPMENTS = frozenset({"itemReceipt", "itemFulfillment"})
_TITLES_TO_KINDS = {sql: kind for kind, sql in ITEM_TYPES.items()}
_YEARS_OF_PERIODS = 2  # before and after today, when the world names no periods


def load_account(world: Mapping[str, Any]) -> tuple[Account, list[str]]:
    """The account a world describes, and the preference names that mean nothing. Raises ValueError with a sentence."""
    preferences, unknown = read_preferences(world)
    account = Account(str(world.get("account") or DEFAULT_ACCOUNT), preferences, role_from(world.get("role")))
    declared = world.get("customFields")
    account.custom_fields = None if declared is None else frozenset(map(str, declared))
    loader = _Loader(account)
    loader.reserve(world)
    loader.lists(world)
    loader.orders(world)
    loader.stock(world)
    return account, unknown


def _entries(value: Any) -> list[dict[str, Any]]:
    """A list of records, or an object of them by id."""
    if isinstance(value, Mapping) and not ("id" in value or "name" in value):
        return [{"id": key, **entry} for key, entry in value.items() if isinstance(entry, Mapping)]
    if isinstance(value, Mapping):
        return [dict(value)]
    return [dict(entry) if isinstance(entry, Mapping) else {"id": entry} for entry in value or ()]


class _Loader:
    def __init__(self, account: Account) -> None:
        self._account = account
        self._book = account.book

    def reserve(self, world: Mapping[str, Any]) -> None:
        """Note every id of the world first, so that nothing made up takes one of them."""
        for name, entries in world.items():
            kind = "account" if name == "accounts" else "inventoryItem" if name == "item" else name
            if kind not in KINDS or name == "account":
                continue
            for entry in _entries(entries):
                self._book.reserve_id(kind, ref_id(entry.get("id")) or "")

    # --- lists and items ---

    def lists(self, world: Mapping[str, Any]) -> None:
        """Subsidiaries, currencies, customers, items and so on."""
        for kind in _LISTS:
            for entry in _entries(world.get(kind)):
                self._add(kind, entry)
        for period in self._book.all("accountingPeriod"):
            self._check_period(period)
        for entry in _entries(world.get("accounts")):
            self._add("account", entry)
        if not self._book.count("accountingPeriod"):
            self._open_periods()
        for entry in _entries(world.get("customer")):
            self._add("customer", entry)
        for kind in (*(name for name in ITEM_KINDS if name != "kitItem"), "kitItem"):
            for entry in _entries(world.get(kind)):
                self._add_item(kind, entry)
        for entry in _entries(world.get("item")):
            self._add_item(_TITLES_TO_KINDS.get(str(entry.get("itemType")), "inventoryItem"), entry)

    def _add(self, kind: str, entry: Mapping[str, Any], **extra: Any) -> Record:
        record_id = ref_id(entry.get("id")) or self._book.next_id(kind)
        self._book.reserve_id(kind, record_id)
        record = Record(kind, record_id)
        record.fields = self._fields(KINDS[kind].fields, {**entry, **extra}, skip=KINDS[kind].lists)
        self._book.put(record)
        return record

    def _add_item(self, kind: str, entry: Mapping[str, Any]) -> None:
        named = {"itemId": entry.get("itemId") or entry.get("sku") or entry.get("name") or ref_id(entry.get("id"))}
        record = self._add(kind, {**entry, **named})
        rate = as_decimal(entry.get("taxRate1", entry.get("taxRate")))
        price = as_decimal(entry.get("basePrice", entry.get("rate")))
        record.fields |= {"_taxRate": rate} if rate is not None else {}
        record.fields |= {"basePrice": price} if price is not None else {}
        members = entry.get("member") or entry.get("members")
        if members is not None:
            record.lists["member"] = [self._member(n, line) for n, line in enumerate(_lines_of(members), start=1)]
        self._book.put(record)

    def _member(self, number: int, line: Mapping[str, Any]) -> Line:
        quantity = as_decimal(line.get("quantity", 1)) or Decimal(1)
        return {"line": number, "item": self._ref("item", line.get("item", line.get("id"))), "quantity": quantity}

    def _check_period(self, period: Record) -> None:
        fields = period.fields
        fields.setdefault("periodName", fields.get("name", period.id))
        if as_day(fields.get("startDate")) is None or as_day(fields.get("endDate")) is None:
            raise ValueError(f"accountingPeriod {period.id} needs startDate and endDate (YYYY-MM-DD)")

    def _open_periods(self) -> None:
        this_year = self._account.today().year
        for year in range(this_year - _YEARS_OF_PERIODS, this_year + _YEARS_OF_PERIODS + 1):
            for month in range(1, 13):
                first = date(year, month, 1)
                last = first.replace(day=calendar.monthrange(year, month)[1])
                entry = {"periodName": first.strftime("%b %Y"), "closed": False}
                self._add("accountingPeriod", {**entry, "startDate": str(first), "endDate": str(last)})

    # --- fields ---

    def _fields(self, table: Mapping[str, Field], entry: Mapping[str, Any], skip: Iterable[str] = ()) -> dict[str, Any]:
        left_out = {*skip, "id", "lines", "members", "billing", "links"}
        spelled = {_spelled(table, name): value for name, value in entry.items()}
        found = {n: self._field(table.get(n), v) for n, v in spelled.items() if n not in left_out and v is not None}
        return {name: value for name, value in found.items() if value is not None}

    def _field(self, known: Field | None, value: Any) -> Any:
        """A value of the world; fields the schema does not know are kept as they are."""
        match known.type if known is not None else "any":
            case "number":
                return as_decimal(value)
            case "integer":
                return int(value)
            case "boolean":
                return bool(truth(value))
            case "ref" if known is not None and known.targets:
                return self._ref(known.targets[0], value)
            case "ref" | "enum":
                return dict(value) if isinstance(value, Mapping) else reference(value)
            case "string":
                return value if isinstance(value, Mapping) else str(value)
            case _:
                return value

    def _ref(self, target: str, value: Any) -> dict[str, Any] | None:
        """A reference by id, external id or name. A record that is only mentioned here is made up."""
        kinds = kinds_meant(target)
        inner = value if isinstance(value, Mapping) else {"id": value}
        wanted = next((str(inner[n]) for n in ("id", "externalId", "refName", "name") if inner.get(n) is not None), "")
        if not wanted:
            return None
        found = self._book.first(kinds, wanted) or self._named(kinds, wanted)
        if found is None and target != "transaction":
            found = self._made_up(kinds[0], wanted, inner)
        return reference(found.id, found.label) if found is not None else reference(wanted)

    def _named(self, kinds: Iterable[str], wanted: str) -> Record | None:
        names = ("externalId", "itemId", "symbol", "name", "entityId", "companyName", "tranId")
        for kind in kinds:
            for record in self._book.all(kind):
                if any(str(record.fields.get(name)) == wanted for name in names):
                    return record
        return None

    def _made_up(self, kind: str, wanted: str, given: Mapping[str, Any]) -> Record:
        name = str(given.get("refName") or given.get("name") or wanted)
        fields = {"itemId": name, "entityId": name, "name": name, "symbol": name, "acctName": name}
        own = {field: text for field, text in fields.items() if field in KINDS[kind].fields}
        return self._add(kind, {**({"id": wanted} if wanted.isdigit() else {}), **own})

    # --- transactions ---

    def orders(self, world: Mapping[str, Any]) -> None:
        """Sales orders with the bills and shipments they imply, then transactions given one by one."""
        given = {kind: _entries(world.get(kind)) for kind in ("itemFulfillment", "invoice", "cashSale")}
        named = {
            kind: {ref_id(entry.get("createdFrom")) for entry in entries} - {None} for kind, entries in given.items()
        }
        for entry in _entries(world.get("salesOrder")):
            keys = {ref_id(entry.get("id")), entry.get("tranId"), entry.get("externalId")}
            has_bill = bool(keys & (named["invoice"] | named["cashSale"]))
            self._order(entry, has_bill, has_shipment=bool(keys & named["itemFulfillment"]))
        for kind, entries in given.items():
            for entry in entries:
                self._transaction(kind, entry, paid=entry.get("paid", kind == "invoice"))
        for kind in _LATER:
            for entry in _entries(world.get(kind)):
                self._transaction(kind, entry)
        self._account.payments.clear()

    def _order(self, entry: dict[str, Any], has_bill: bool, has_shipment: bool) -> None:
        """An order, and what the world implies of its shipment and its bill but does not list itself."""
        order = self._transaction("salesOrder", entry)
        shipped = [
            as_decimal(_any(line, "quantityFulfilled", "fulfilled", "quantity_fulfilled")) for line in _lines_of(entry)
        ]
        settled = [as_decimal(_any(line, "quantityBilled", "billed", "quantity_billed")) for line in _lines_of(entry)]
        partly = any(amount is not None for amount in [*shipped, *settled])
        billing = _billing(entry, silent=not (partly or has_bill or has_shipment))
        whole = [line.get("quantity", Decimal(1)) for line in order.lines]
        if not has_shipment:
            ship_all = billing is not None or has_bill or ref_id(entry.get("status")) in {"F", "Pending Billing"}
            self._follow(order, "itemFulfillment", _filled(shipped, whole, ship_all), entry)
        if billing == "deposit":
            self._deposit(order)
        elif not has_bill:
            quantities = _filled(settled, whole, billing is not None)
            self._follow(order, billing or "cashSale", quantities, entry)

    def _deposit(self, order: Record) -> None:
        """The order was paid by a deposit and shipped; its bill has not been written yet."""
        names = ("subsidiary", "currency", "tranDate")
        fields = {name: order.fields[name] for name in names if order.fields.get(name) is not None}
        fields |= {"customer": order.fields["entity"], "salesOrder": reference(order.id, order.label)}
        fields["payment"] = order.fields["total"]
        self._keep(Record("customerDeposit", self._book.next_id("customerDeposit"), fields))

    def _follow(self, order: Record, kind: str, quantities: list[Decimal], entry: Mapping[str, Any]) -> None:
        """The shipment or the bill of an order, for these quantities of its lines."""
        lines = self._copies(order, kind, quantities)
        if not lines:
            return
        fields = {n: v for n, v in order.fields.items() if n in _CARRIED or n.startswith("custbody")}
        fields |= {"createdFrom": reference(order.id, order.label), "_source": "salesOrder"}
        if kind == "itemFulfillment":
            fields = {n: v for n, v in fields.items() if n not in _MONEY_FIELDS}
        record = Record(kind, self._book.next_id(kind), fields, {"item": lines})
        self._keep(record)
        if kind == "invoice" and bool(truth(entry.get("paid", True))):
            self._settle(record)

    def _copies(self, order: Record, kind: str, quantities: list[Decimal]) -> list[Line]:
        goods, lines = kind in _SHIPMENTS, []
        for line, quantity in zip(order.lines, quantities, strict=True):
            if quantity <= 0 or (goods and not self._account.receivable(line)):
                continue
            names = ("item", "description", "location", "taxRate1", "_taxBasis", "taxCode", "itemType")
            copied = {name: line[name] for name in names if name in line}
            copied |= {name: value for name, value in line.items() if name.startswith("custcol")}
            copied |= {"orderDoc": reference(order.id, order.label), "orderLine": line["line"]}
            if "quantity" in line:
                copied["quantity"] = quantity
            if not goods:
                copied |= scaled(line, quantity, self._account.digits(order))
            lines.append({name: value for name, value in copied.items() if value is not None})
        return lines

    def _transaction(self, kind: str, entry: dict[str, Any], paid: Any = False) -> Record:
        """One transaction as the world gives it."""
        record_id = ref_id(entry.get("id")) or self._book.next_id(kind)
        if self._book.transaction(record_id) is not None:
            raise ValueError(f"the world has two transactions with the id {record_id}")
        fields = self._fields(KINDS[kind].fields, entry, skip=KINDS[kind].lists)
        record = Record(kind, record_id, fields)
        for name, sublist in KINDS[kind].lists.items():
            given = _lines_of(entry) if name == "item" else _lines_of(entry.get(name))
            if given:
                record.lists[name] = [self._line(sublist.fields, line, entry) for line in given]
        record.fields["_state"] = _state_of(entry)
        self._header_money(record, entry)
        self._link_lines(record)
        self._keep(record)
        if kind == "invoice" and bool(truth(paid)) and as_decimal(entry.get("amountRemaining")) in {None, ZERO}:
            self._settle(record)
        return record

    def _keep(self, record: Record) -> None:
        """Complete and keep without the checks of a request: the past may be in closed periods."""
        if record.ref("entity") is None and record.kind not in _WITHOUT_ENTITY:
            record.fields["entity"] = self._ref("customer", "1")
        posting.complete(self._account, record)
        stock_before = dict(self._account.stock)
        posting.commit(self._account, record, None)
        self._account.stock.clear()
        self._account.stock.update(stock_before)  # the world's balances are those after its own documents

    def _settle(self, invoice: Record) -> None:
        invoice.fields["_paid"] = invoice.fields["total"]
        refresh_chain(self._account, invoice)

    def _header_money(self, record: Record, entry: Mapping[str, Any]) -> None:
        fields = record.fields
        shipping_rate = as_decimal(_any(entry, "shippingTax1Rate", "shippingTaxRate"))
        discount = as_decimal(entry.get("discountTotal"))
        tax = as_decimal(entry.get("taxTotal"))
        taxed = any("taxRate1" in line or "_taxBasis" in line for line in record.lines)
        fields |= {"_shippingTaxRate": shipping_rate} if shipping_rate is not None else {}
        fields |= {"_discount": discount} if discount is not None and "discountRate" not in entry else {}
        if tax is not None and not taxed and "taxRate" not in entry:
            fields["_taxBasis"] = (tax, sum((_amount(line) for line in record.lines), ZERO))

    def _line(self, table: Mapping[str, Field], line: Mapping[str, Any], entry: Mapping[str, Any]) -> Line:
        own = self._fields(table, line)
        if "item" not in own and _any(line, "sku", "itemId") is not None:
            own["item"] = self._ref("item", _any(line, "sku", "itemId")) or {}
        rate = as_decimal(_any(line, "taxRate1", "taxRate"))
        tax = as_decimal(_any(line, "tax1Amt", "taxAmount", "tax"))
        for name in ("taxRate", "taxAmount", "tax", "tax1Amt", "fulfilled", "billed", "sku", "itemId"):
            own.pop(name, None)
        own |= {"taxRate1": rate} if rate is not None else {}
        if tax is not None and (rate is None or tax != rounded(_amount(own) * rate / 100, 2)):
            own["_taxBasis"] = (tax, _amount(own))
        if "location" not in own and entry.get("location") is not None:
            own["location"] = self._ref("location", entry["location"])
        return own

    def _link_lines(self, record: Record) -> None:
        """Lines of a bill or return that name no source line follow their source by item."""
        source = self._book.transaction(record.ref("createdFrom"))
        if source is None:
            return
        record.fields["_source"] = source.kind
        if not record.lines:
            whole = [line.get("quantity", Decimal(1)) for line in source.lines]
            record.lists["item"] = self._copies(source, record.kind, whole)
        record.fields.setdefault("entity", source.fields.get("entity"))
        for line in record.lines:
            line.setdefault("orderDoc", reference(source.id, source.label))
            same = (o for o in source.lines if ref_id(o.get("item")) == ref_id(line.get("item")))
            origin = source.line(line["orderLine"]) if "orderLine" in line else next(same, None)
            if origin is not None:
                line["orderLine"] = origin["line"]

    # --- stock ---

    def stock(self, world: Mapping[str, Any]) -> None:
        """Balances, from `inventoryBalance` rows or from the items' own `locations`."""
        for row in _entries(world.get("inventoryBalance") or world.get("inventorybalance")):
            self._balance(row.get("item"), row)
        for kind in ITEM_KINDS:
            for entry in _entries(world.get(kind)):
                for row in _lines_of(entry.get("locations")):
                    self._balance(entry.get("id") or entry.get("itemId"), row)

    def _balance(self, item: Any, row: Mapping[str, Any]) -> None:
        reference_to_item = self._ref("item", item)
        where = self._ref("location", _any(row, "location", "locationId"))
        amount = as_decimal(_any(row, "quantityOnHand", "quantityonhand", "onHand", "quantity")) or ZERO
        status = ref_id(_any(row, "inventoryStatus", "inventorystatus")) or ""
        shelf = ref_id(_any(row, "binNumber", "binnumber")) or ""
        place = (str(ref_id(reference_to_item)), ref_id(where) or "", shelf, status)
        self._account.stock[place] = self._account.stock.get(place, ZERO) + amount


_WITHOUT_ENTITY = frozenset({"inventoryAdjustment", "customerRefund", "customerDeposit", "depositApplication"})
_MONEY_FIELDS = frozenset({
    "shippingCost", "handlingCost", "discountItem", "discountRate", "_discount", "taxItem", "taxRate",
    "_shippingTaxRate", "_taxBasis", "otherRefNum",
})  # fmt: skip
_CARRIED = _MONEY_FIELDS | {"entity", "subsidiary", "currency", "exchangeRate", "location", "tranDate", "department"}


def _spelled(table: Mapping[str, Field], name: str) -> str:
    """A field of the world as the schema spells it: `start_date` and `startdate` both mean `startDate`."""
    if name in table:
        return name
    bare = name.replace("_", "").lower()
    return next((known for known in table if known.lower() == bare), name)


def _any(entry: Mapping[str, Any], *names: str) -> Any:
    return next((entry[name] for name in names if entry.get(name) is not None), None)


def _lines_of(value: Any) -> list[dict[str, Any]]:
    """Lines under `lines`, under `item.items`, under `items`, or as a bare list."""
    if isinstance(value, Mapping):
        inner = value.get("lines", value.get("items"))
        return _lines_of(inner if inner is not None else value.get("item") if "item" in value else [])
    return [dict(line) for line in value or () if isinstance(line, Mapping)]


def _billing(entry: Mapping[str, Any], silent: bool) -> str | None:
    """`cashSale`, `invoice` or None. An order that says nothing at all was sold for cash (prepaid web order)."""
    if "billing" in entry:
        word = str(entry["billing"] or "").replace("_", "").lower()
        return {"cashsale": "cashSale", "invoice": "invoice", "deposit": "deposit"}.get(word)
    letter = ref_id(entry.get("status")) or ref_id(entry.get("orderStatus")) or ""
    return "cashSale" if silent and letter in {"", "G", "Billed"} else None


def _filled(given: list[Decimal | None], whole: list[Decimal], everything: bool) -> list[Decimal]:
    """The quantities the world gives; where it gives none, all or nothing."""
    rest = [quantity if everything else ZERO for quantity in whole]
    return [rest[n] if units is None else units for n, units in enumerate(given)]


def _amount(line: Mapping[str, Any]) -> Decimal:
    """A line's amount before it is completed."""
    given = as_decimal(line.get("amount"))
    if given is not None:
        return given
    return (as_decimal(line.get("rate")) or ZERO) * (as_decimal(line.get("quantity", 1)) or ZERO)


def _state_of(entry: Mapping[str, Any]) -> str:
    """Held states a world may give an order or a return; everything else is computed."""
    letter = ref_id(entry.get("status")) or ref_id(entry.get("orderStatus")) or ""
    names = {"A": "pending", "C": "cancelled", "H": "closed"}
    words = {"Pending Approval": "pending", "Cancelled": "cancelled", "Closed": "closed"}
    return names.get(letter) or words.get(letter) or "open"
