"""The tables SuiteQL sees, kept in an in-memory SQLite beside the records (NetSuite sheet §12).

Only what changed since the last query is written again. Dates carry a mark in front, so that a bare date column
can be shown in the account's display format while TO_CHAR shows what was asked for.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from counterfoil.erps.netsuite.sim import stock
from counterfoil.erps.netsuite.sim.account import Account
from counterfoil.erps.netsuite.sim.book import Line, Record
from counterfoil.erps.netsuite.sim.quantities import BILLS, units
from counterfoil.erps.netsuite.sim.schema import ITEM_KINDS, ITEM_TYPES
from counterfoil.erps.netsuite.sim.values import ZERO, plain, ref_id, truth

DATE_MARK = "\x01"
Row = dict[str, Any]

# Columns are "name" (TEXT), "name#" (whole number or reference) or "name$" (number).
TABLES: Mapping[str, str] = {
    "transaction": """
        id# type tranid transactionnumber externalid trandate createddate lastmodifieddate status entity# currency#
        exchangerate$ foreigntotal$ foreignamountunpaid$ foreignamountpaid$ foreignpaymentamountused$
        foreignpaymentamountunused$ memo otherrefnum subsidiary# postingperiod# posting voided recordtype
        trandisplayname location#""",
    "transactionline": """
        transaction# id# uniquekey# linesequencenumber# mainline taxline item# itemtype quantity$ quantityshiprecv$
        quantitybilled$ rate$ foreignamount$ netamount$ location# createdfrom# isclosed kitmemberof# memo
        subsidiary# department# class# entity#""",
    "transactionaccountingline": """
        transaction# transactionline# account# accounttype amount$ posting amountpaid$ amountunpaid$""",
    "previoustransactionlinelink": "previousdoc# previousline# nextdoc# nextline# linktype foreignamount$",
    "nexttransactionlinelink": "previousdoc# previousline# nextdoc# nextline# linktype foreignamount$",
    "nexttransactionlink": "previousdoc# nextdoc# linktype",
    "previoustransactionlink": "previousdoc# nextdoc# linktype",
    "inventorybalance": """
        item# location# binnumber inventorynumber inventorystatus# quantityonhand$ quantityavailable$""",
    "aggregateitemlocation": "item# location# quantityonhand$ quantityavailable$ quantitycommitted$",
    "item": "id# externalid itemid displayname itemtype isinactive upccode subsidiary# fullname",
    "customer": "id# externalid entityid companyname firstname lastname email isinactive subsidiary# currency#",
    "location": "id# externalid name fullname isinactive subsidiary#",
    "subsidiary": "id# externalid name fullname isinactive currency#",
    "currency": "id# externalid name symbol exchangerate$ currencyprecision# isinactive",
    "department": "id# externalid name isinactive",
    "paymentmethod": "id# externalid name isinactive",
    "account": "id# externalid acctnumber acctname accountsearchdisplayname accttype isinactive",
    "inventorystatus": "id# name inventoryavailable isinactive",
    "accountingperiod": "id# periodname startdate enddate closed arlocked aplocked alllocked isyear isquarter isadjust",
}
_AFFINITY = {"#": "INTEGER", "$": "NUMERIC"}
_OWN_TABLES = {
    "customer": "customer", "location": "location", "subsidiary": "subsidiary", "currency": "currency",
    "department": "department", "paymentMethod": "paymentmethod", "account": "account",
    "inventoryStatus": "inventorystatus", "accountingPeriod": "accountingperiod",
}  # fmt: skip
_LINKED = ("previoustransactionlinelink", "nexttransactionlinelink", "nexttransactionlink", "previoustransactionlink")
_SALES = frozenset({"salesOrder", "invoice", "cashSale", "itemFulfillment"})
_CREDITS = frozenset({"creditMemo", "cashRefund"})
_DATES = frozenset({"tranDate", "createdDate", "lastModifiedDate", "startDate", "endDate"})


def columns(table: str) -> dict[str, str]:
    """The columns of a table and their SQLite types."""
    return {name.rstrip("#$"): _AFFINITY.get(name[-1], "TEXT") for name in TABLES[table].split()}


class Mirror:
    """Writes records into tables. `connection` is what queries run on."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._columns = {table: set(columns(table)) for table in TABLES}
        for table in TABLES:
            parts = ", ".join(f"[{name}] {kind}" for name, kind in columns(table).items())
            self.connection.execute(f"CREATE TABLE [{table}] ({parts})")
        for table, column in (("transaction", "id"), ("transactionline", "transaction"), ("item", "id")):
            self.connection.execute(f"CREATE INDEX [by_{table}] ON [{table}] ([{column}])")
        for table in _LINKED:
            self.connection.execute(f"CREATE INDEX [by_{table}] ON [{table}] ([nextdoc])")
        for name in sorted(account.custom_fields or ()):
            self._add_custom(name)

    def columns_of(self, table: str) -> list[str]:
        """The columns a query may name, custom fields included."""
        return sorted(self._columns[table])

    def sync(self) -> None:
        """Bring the tables up to date. What the role may not see is simply not there (sheet §2.4)."""
        book = self._account.book
        self.connection.execute("BEGIN")
        for kind, record_id in list(book.changed):
            self._forget(kind, record_id)
            record = book.get(kind, record_id)
            if record is not None and not self._account.role.lacks(kind):
                self._write(record)
        if book.changed:
            self._write_stock()
        book.changed.clear()
        self.connection.execute("COMMIT")

    def _forget(self, kind: str, record_id: str) -> None:
        execute = self.connection.execute
        if kind in _OWN_TABLES or kind in ITEM_KINDS:
            execute(f"DELETE FROM [{_OWN_TABLES.get(kind, 'item')}] WHERE id = ?", (record_id,))
            return
        execute("DELETE FROM [transaction] WHERE id = ?", (record_id,))
        for table in ("transactionline", "transactionaccountingline"):
            execute(f"DELETE FROM [{table}] WHERE [transaction] = ?", (record_id,))
        for table in _LINKED:
            execute(f"DELETE FROM [{table}] WHERE nextdoc = ?", (record_id,))

    def _write(self, record: Record) -> None:
        if not record.schema.is_transaction:
            self._insert(_OWN_TABLES.get(record.kind, "item"), _list_row(record))
            return
        self._insert("transaction", self._head(record))
        for row in self._line_rows(record):
            self._insert("transactionline", row)
        for row in _ledger_rows(record):
            self._insert("transactionaccountingline", row)
        pairs = set()
        for row in _link_rows(self._account, record):
            self._insert("previoustransactionlinelink", row)
            self._insert("nexttransactionlinelink", row)
            pairs.add((row["previousdoc"], row["linktype"]))
        for previous, link in sorted(pairs):
            for table in ("nexttransactionlink", "previoustransactionlink"):
                self._insert(table, {"previousdoc": previous, "nextdoc": record.id, "linktype": link})

    def _insert(self, table: str, row: Row) -> None:
        for name in row:
            if name not in self._columns[table] and name.startswith("cust"):
                self._add_custom(name)
        known = {name: _cell(value) for name, value in row.items() if name in self._columns[table]}
        names, marks = ", ".join(f"[{name}]" for name in known), ", ".join("?" * len(known))
        self.connection.execute(f"INSERT INTO [{table}] ({names}) VALUES ({marks})", tuple(known.values()))

    def _add_custom(self, name: str) -> None:
        table = {"custbody": "transaction", "custcol": "transactionline", "custitem": "item"}.get(_prefix(name))
        table = table or ("customer" if name.startswith("custentity") else None)
        if table is not None and name not in self._columns[table]:
            self.connection.execute(f"ALTER TABLE [{table}] ADD COLUMN [{name}] TEXT")
            self._columns[table].add(name)

    def _head(self, record: Record) -> Row:
        fields, total = record.fields, record.fields.get("total")
        sign = -1 if record.kind in {*_CREDITS, "customerRefund"} else 1
        if self._account.preferences.suiteql_credit_total_sign == "positive":
            sign = 1
        left = fields.get("amountRemaining")
        row: Row = {
            "id": record.id,
            "type": record.schema.sql_type,
            "recordtype": record.kind.lower(),
            "transactionnumber": fields.get("tranId"),
            "trandisplayname": record.label,
            "status": record.ref("status"),
            "entity": record.ref("entity") or record.ref("customer"),
            "foreigntotal": None if total is None else sign * total,
            "posting": "T" if record.schema.posting else "F",
            "voided": "T" if record.ref("status") == "V" else "F",
        }
        if record.kind == "creditMemo":
            row |= {"foreignpaymentamountused": fields.get("applied"), "foreignpaymentamountunused": left}
        if record.kind == "customerDeposit":
            row["foreignpaymentamountunused"] = fields.get("_left")
        if record.kind == "invoice":
            row |= {"foreignamountunpaid": left, "foreignamountpaid": fields.get("amountPaid")}
        plain_names = ("tranId", "externalId", "tranDate", "createdDate", "lastModifiedDate", "exchangeRate", "memo",
                       "otherRefNum", "currency", "subsidiary", "postingPeriod", "location")  # fmt: skip
        row |= {name.lower(): _field(record, name) for name in plain_names}
        return row | {n.lower(): _custom(v) for n, v in fields.items() if n.startswith("custbody")}

    def _line_rows(self, record: Record) -> Iterator[Row]:
        """The main line, the item lines with their kit components, and one tax line."""
        shared = {"transaction": record.id, "entity": record.ref("entity"), "subsidiary": record.ref("subsidiary")}
        sign = -1 if record.kind in _SALES else 1
        main = {"id": 0, "uniquekey": int(record.id) * 10**6, "linesequencenumber": 0, "mainline": "T", "taxline": "F"}
        total = record.fields.get("total")
        main |= {"foreignamount": None if total is None else -sign * total, "memo": record.fields.get("memo")}
        if self._account.preferences.createdfrom_on_mainline:
            main["createdfrom"] = record.ref("createdFrom")
        yield {**shared, **main}
        lines = [*record.lines, *record.parts, *record.lists.get("inventory", [])]
        for sequence, line in enumerate(sorted(lines, key=lambda one: int(one["line"])), start=1):
            yield {**shared, **_line_row(record, line, sign), "linesequencenumber": sequence}
        tax = record.fields.get("taxTotal")
        if tax:
            number = max((int(line["line"]) for line in lines), default=0) + 1
            row = {"id": number, "uniquekey": int(record.id) * 10**6 + 1, "mainline": "F", "taxline": "T"}
            yield {**shared, **row, "linesequencenumber": len(lines) + 1, "foreignamount": sign * tax,
                   "netamount": sign * tax, "createdfrom": record.ref("createdFrom")}  # fmt: skip

    def _write_stock(self) -> None:
        self.connection.execute("DELETE FROM inventorybalance")
        self.connection.execute("DELETE FROM aggregateitemlocation")
        sums: dict[tuple[str, str], list[Decimal]] = {}
        held = stock.committed(self._account)
        promised = dict(held)
        for place, quantity in sorted(self._account.stock.items()):
            item, location, shelf, status = place
            free = stock.available(self._account, place, promised)
            self._insert("inventorybalance", {
                "item": item, "location": location or None, "binnumber": shelf or None,
                "inventorystatus": status or None, "quantityonhand": quantity, "quantityavailable": free,
            })  # fmt: skip
            entry = sums.setdefault((item, location), [ZERO, ZERO])
            entry[0], entry[1] = entry[0] + quantity, entry[1] + free
        for (item, location), (on_hand, free) in sums.items():
            row = {"item": item, "location": location or None, "quantityonhand": on_hand, "quantityavailable": free}
            self._insert("aggregateitemlocation", {**row, "quantitycommitted": held.get((item, location), ZERO)})


def _prefix(name: str) -> str:
    return next((prefix for prefix in ("custbody", "custcol", "custitem") if name.startswith(prefix)), "")


def _cell(value: Any) -> Any:
    """A value for SQLite. Decimals go in as text; the column's affinity makes a number of it."""
    if isinstance(value, bool):
        return "T" if value else "F"
    return plain(value) if isinstance(value, Decimal) else value


def _custom(value: Any) -> Any:
    """The value of a custom field: a checkbox as T or F, a list choice by its id, anything else as text."""
    return value if isinstance(value, bool) else ref_id(value)


def _field(record: Record, name: str) -> Any:
    value = record.fields.get(name)
    if name in _DATES and value is not None:
        return marked(str(value))
    return ref_id(value) if isinstance(value, Mapping) else value


def marked(text: str) -> str:
    """A date or date-time as it is stored: marked, with a blank between day and time."""
    return DATE_MARK + text.replace("T", " ").rstrip("Z")


def _list_row(record: Record) -> Row:
    fields = record.fields
    row: Row = {"id": record.id}
    for name, value in fields.items():
        flag = name.startswith("is") or name in {"closed", "arLocked", "apLocked", "allLocked", "inventoryAvailable"}
        row[name.lower()] = bool(truth(value)) if flag else _field(record, name)
    row.setdefault("isinactive", False)
    for flag_name in ("closed", "arlocked", "aplocked", "alllocked", "isyear", "isquarter", "isadjust"):
        if record.kind == "accountingPeriod":
            row.setdefault(flag_name, False)
    row["fullname"] = fields.get("fullName") or record.label
    row["accountsearchdisplayname"] = record.label
    if record.kind in ITEM_KINDS:
        row["itemtype"] = ITEM_TYPES[record.kind]
    if record.kind == "currency":
        row["currencyprecision"] = record.ref("currencyPrecision")
    return {name: value for name, value in row.items() if not isinstance(value, (dict, list))}


def _line_row(record: Record, line: Line, sign: int) -> Row:
    """One item line. Sales lines are negative, return and credit lines positive (sheet §12)."""
    quantity, amount = line.get("quantity", line.get("adjustQtyBy")), line.get("amount")
    moved = line.get("quantityReceived", line.get("quantityFulfilled"))
    row: Row = {
        "id": line["line"],
        "uniquekey": line.get("lineUniqueKey", int(record.id) * 10**6 + int(line["line"])),
        "mainline": "F",
        "taxline": "F",
        "itemtype": line.get("itemType"),
        "quantity": None if quantity is None else sign * quantity,
        "quantityshiprecv": moved,
        "quantitybilled": line.get("quantityBilled"),
        "rate": line.get("rate"),
        "foreignamount": None if amount is None else sign * amount,
        "netamount": None if amount is None else sign * amount,
        "createdfrom": ref_id(line.get("orderDoc")) or record.ref("createdFrom"),
        "isclosed": bool(line.get("isClosed")),
        "kitmemberof": line.get("kitMemberOf"),
        "memo": line.get("description"),
    }
    row |= {name: ref_id(line.get(name)) for name in ("item", "location", "department", "class")}
    return row | {name.lower(): _custom(value) for name, value in line.items() if name.startswith("custcol")}


def _ledger_rows(record: Record) -> Iterator[Row]:
    """The main line and the lines of a posting document in the books; the credit side of sales is negative."""
    total = record.fields.get("total")
    if not record.schema.posting or total is None:
        return
    sign = 1 if record.kind in BILLS or record.kind == "customerRefund" else -1
    rate = record.fields.get("exchangeRate", Decimal(1))
    main = {
        "transaction": record.id, "transactionline": 0, "account": record.ref("account"), "accounttype": "AcctRec",
        "amount": sign * total * rate, "posting": "T", "amountpaid": record.fields.get("amountPaid"),
        "amountunpaid": record.fields.get("amountRemaining"),
    }  # fmt: skip
    yield main
    for line in record.lines:
        if line.get("amount") is not None:
            amount = -sign * line["amount"] * rate
            yield {"transaction": record.id, "transactionline": line["line"], "accounttype": "Income",
                   "amount": amount, "posting": "T"}  # fmt: skip


def _link_rows(account: Account, record: Record) -> Iterator[Row]:
    """One row for each pair of lines (sheet §12); a role that may not see the source does not see the link."""
    for line in [*record.lines, *record.parts]:
        source = account.book.transaction(ref_id(line.get("orderDoc")))
        if source is None or account.role.lacks(source.kind):
            continue
        amount = line.get("amount", line.get("rate", ZERO) * units(line))
        row = {"previousdoc": source.id, "previousline": line.get("orderLine"), "nextdoc": record.id}
        row |= {"nextline": line["line"], "foreignamount": amount}
        yield {**row, "linktype": _link_type(source, record)}
        if line.get("kitMemberOf") is not None and record.kind in {"itemReceipt", "itemFulfillment"}:
            yield {**row, "linktype": "KitShip"}
    for line in record.lists.get("apply", []):
        document = account.book.transaction(ref_id(line.get("doc")))
        if line.get("apply") and document is not None and not account.role.lacks(document.kind):
            yield {"previousdoc": document.id, "previousline": 0, "nextdoc": record.id, "nextline": 0,
                   "linktype": "Payment", "foreignamount": line.get("amount")}  # fmt: skip


def _link_type(source: Record, record: Record) -> str:
    if record.kind == "returnAuthorization":
        return "SaleRet"
    if record.kind in {"itemReceipt", "itemFulfillment"}:
        return "ShipRcpt"
    return "OrdBill" if source.kind in {"salesOrder", "returnAuthorization"} else "SaleRet"
