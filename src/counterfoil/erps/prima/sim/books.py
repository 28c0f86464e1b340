"""All of Prima's records: what the world brought and what clients have made, shared by the three transports."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from counterfoil.erps.prima.sim.fields import Record, day_of, dec, number_text
from counterfoil.erps.prima.sim.ledger import Ledger
from counterfoil.erps.prima.sim.refusals import Refusal
from counterfoil.erps.prima.sim.sku import Identity, matrix_of
from counterfoil.erps.prima.sim.stock import Stock, Units
from counterfoil.erps.prima.sim.switches import Switches

# Lists of codes in the world, and what a code outside of them is called (sheet §5).
CODE_LISTS = {
    "depots": "UNKNOWN_DEPOT",
    "reason_codes": "UNKNOWN_REASON",
    "order_types": "UNKNOWN_ORDER_TYPE",
    "tax_codes": "UNKNOWN_TAX_CODE",
    "customers": "UNKNOWN_CUSTOMER",
}
_LINE_NUMBERS = ("quantity", "unit_price", "line_discount", "tax_amount", "line_total", "despatched_quantity")


class Books:
    """Prima's master data, documents and stock. Raises Refusal where Prima would refuse."""

    def __init__(self, world: Mapping[str, Any], switches: Switches | None = None) -> None:
        self.switches = switches or Switches()
        self.company = ""
        self.products: dict[str, Record] = {}
        self.by_identity: dict[Identity, Record] = {}
        self.codes: dict[str, dict[str, Record]] = {name: {} for name in CODE_LISTS}
        self.periods: list[Record] = []
        self.request_types: dict[str, str] = {}  # RequestTypes of the order manager that only this world has
        self.stock = Stock()
        self.orders = Ledger(
            "sales_orders",
            "order_number",
            "SO",
            "original_order_number",
            "order_date",
            ("external_ref", "external_order_ref"),
        )
        self.returns = Ledger("sales_returns", "return_number", "SR", "order_number", "authorised_at")
        self.receipts = Ledger("stock_receipts", "receipt_number", "GR", "return_number", "received_at")
        self.credits = Ledger("sales_credit_notes", "credit_number", "CN", "order_number", "credit_date")
        self._product_skus: set[str] = set()
        self._order_skus: set[str] = set()
        self._fixed_now: datetime | None = None
        self.absorb(world)

    def absorb(self, world: Mapping[str, Any]) -> None:
        """Take records of a world in, beside those already here; one with a known key replaces it."""
        self.switches.apply(world.get("settings") or {})
        company = world.get("company", self.company)
        self.company = str(company.get("code", "")) if isinstance(company, Mapping) else str(company or "")
        if world.get("now"):
            self._fixed_now = datetime.fromisoformat(str(world["now"])).astimezone(UTC)
        for record in world.get("products") or []:
            self.products[str(record["sku"])] = self.by_identity[matrix_of(record)] = dict(record)
            self._product_skus |= {str(part["sku"]) for part in [record, *(record.get("components") or [])]}
        for name, records in self.codes.items():
            for record in world.get(name) or []:
                records[str(record["code"])] = dict(record)
        for depot in self.codes["depots"].values():
            self.stock.depot(str(depot["code"]), str(depot.get("kind", "sellable")))
        for row in world.get("depot_stock") or world.get("stock") or []:
            self.stock.put(row)
        self.request_types |= world.get("request_types") or {}
        self.periods = [*self.periods, *(world.get("periods") or [])]
        for order in world.get("sales_orders") or world.get("orders") or []:
            self.add_order(self._normal(order), made=False)

    def _normal(self, order: Mapping[str, Any]) -> Record:
        """An order of the world with its numbers as decimal text; despatched in full unless it says otherwise."""
        lines = []
        for place, line in enumerate(order.get("lines") or [], start=1):
            row = {**line, "line_no": int(line.get("line_no", place))}
            row.setdefault("despatched_quantity", row.get("quantity"))
            row.update({name: number_text(row[name]) for name in _LINE_NUMBERS if row.get(name) is not None})
            lines.append(row)
        money = {n: number_text(order[n]) for n in ("order_discount", "delivery_charge") if order.get(n) is not None}
        status = order.get("status") or "despatched"
        return {**order, **money, "order_number": str(order["order_number"]), "status": status, "lines": lines}

    def add_order(self, order: Record, made: bool = True) -> Record:
        """Keep a sales order."""
        self._order_skus |= {str(line.get("sku")) for line in order["lines"]}
        self._stamp(order)
        return self.orders.put(order, made)

    def keep(self, ledger: Ledger, record: Record) -> Record:
        """Keep a new document under the next number of its kind."""
        record[ledger.number_field] = ledger.next_number()
        self._stamp(record)
        return ledger.put(record)

    def touch(self, ledger: Ledger, record: Record) -> Record:
        """Note that a document has changed."""
        self._stamp(record)
        return ledger.changed(record)

    def _stamp(self, record: Record) -> None:
        record["updated_at"] = self.now()
        record.setdefault("created_at", record["updated_at"])

    def now(self) -> str:
        """The time in UTC; with `now` in the world a clock that moves one second per reading, so runs repeat."""
        moment = datetime.now(tz=UTC)
        if self._fixed_now is not None:
            moment, self._fixed_now = self._fixed_now, self._fixed_now + timedelta(seconds=1)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def check_code(self, name: str, code: str | None, where: str, needed: bool = False) -> None:
        """Refuse a code outside its list. A world without the list checks nothing."""
        if not self.codes[name] or (code is None and not needed):
            return
        if code is None or code not in self.codes[name]:
            raise Refusal(CODE_LISTS[name], f"{code!r} is not in the list of {name.replace('_', ' ')}", where)

    def check_sku(self, sku: str, where: str) -> None:
        """Refuse a SKU that is no product; without a product list, the SKUs of the orders are the products."""
        if sku not in (self._product_skus or self._order_skus):
            raise Refusal("UNKNOWN_SKU", f"product {sku!r} is unknown", where)

    def check_customer(self, code: str | None, where: str, order: Record | None = None) -> None:
        """Refuse an unknown customer, and one that is not the customer of the order."""
        self.check_code("customers", code, where)
        owner = order.get("customer_code") if order else None
        if code is not None and owner and code != owner:
            raise Refusal("UNKNOWN_CUSTOMER", f"{code!r} is not the customer of this order", where)

    def check_period(self, day: date, where: str) -> None:
        """Refuse a date in a closed period (423)."""
        for period in self.periods:
            start = day_of(str(period.get("from") or "0001-01-01"))
            end = day_of(str(period.get("to") or "9999-12-31"))
            if period.get("closed") and start <= day <= end:
                raise Refusal("PERIOD_CLOSED", f"the period {start} to {end} is closed", where)

    def check_new(self, ledger: Ledger, reference: str) -> None:
        """Refuse an external reference that a document of the kind carries already."""
        known = ledger.by_ref(reference)
        if known is not None:
            number = known[ledger.number_field]
            raise Refusal("DUPLICATE_REF", f"{reference} already exists as {number}", "external_ref")

    def order(self, number: str, where: str = "order_number") -> Record:
        """A sales order, or UNKNOWN_ORDER."""
        if number not in self.orders.records:
            raise Refusal("UNKNOWN_ORDER", f"sales order {number!r} does not exist", where)
        return self.orders.records[number]

    def order_line(self, order: Record, line_no: int, where: str) -> Record:
        """A line of a sales order, or UNKNOWN_ORDER about the line's field."""
        for line in order["lines"]:
            if line["line_no"] == line_no:
                return dict(line)
        raise Refusal("UNKNOWN_ORDER", f"sales order {order['order_number']} has no line {line_no}", where)

    def sales_return(self, number: str | None, where: str = "return_number") -> Record:
        """A sales return, or RETURN_NOT_FOUND."""
        if number is None or number not in self.returns.records:
            raise Refusal("RETURN_NOT_FOUND", f"sales return {number!r} does not exist", where)
        return self.returns.records[number]

    def units(self, sku: str, quantity: Decimal) -> Units:
        """What a quantity of a SKU is in single products: a bundle counts as its components (sheet §4 Product)."""
        parts = self.products.get(sku, {}).get("components") or []
        if not parts:
            return {sku: quantity}
        total: Units = {}
        for part in parts:
            each = dec(part.get("qty", part.get("quantity")), "1")
            total[str(part["sku"])] = total.get(str(part["sku"]), Decimal(0)) + each * quantity
        return total

    def documents(self) -> dict[str, list[Record]]:
        """Everything clients have made, in order of number."""
        kinds = (self.returns, self.receipts, self.credits, self.orders)
        return {ledger.name: [ledger.records[number] for number in ledger.made] for ledger in kinds}
