"""The records of the simulated shop and what can happen to them: orders placed, refunds made, transactions settled.

Every operation returns what happened as (topic, record id) pairs; `hooks.py` turns them into deliveries.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from counterfoil.gateways.shopify.sim.money import to_minor, to_text
from counterfoil.gateways.shopify.sim.orders import Ids, Json, bag, complete, currency, order_value, retotal
from counterfoil.gateways.shopify.sim.refunds import (
    Refund,
    Refusal,
    Tender,
    clear_pending,
    in_shop_book,
    plan,
    render,
    settle,
    spread,
    take_units,
    tenders,
    wire_transaction,
    worth,
)
from counterfoil.gateways.shopify.sim.wire import gid, stamp

Happening = tuple[str, int]
MOVES_NO_MONEY = ("gift_card", "shopify_store_credit")  # a liability, never a tender transaction (sheet §5)


class Shop:
    """Orders, refunds and money of one shop. `now` is the shop's clock."""

    def __init__(self, settings: Json, now: Callable[[], datetime]) -> None:
        self.settings = settings
        self.now = now
        self.ids = Ids()
        self.orders: dict[int, Json] = {}
        self.refunds: dict[int, list[Refund]] = {}
        self.transactions: dict[int, list[Json]] = {}
        self.tenders: list[Json] = []
        self._last_number = 1000
        self._refund_of: dict[int, Refund] = {}
        self._row_of: dict[int, Json] = {}  # transactions and tender transactions, by id

    def place(self, raw: Json) -> tuple[Json, list[Happening]]:
        """Take an order in, with its payments and any refunds its body already lists. Raises ValueError."""
        raw = {**raw, "order_number": self._number(raw)}
        order = complete(raw, self.ids, self.now(), self.settings["currency"])
        number = order["id"]
        if number in self.orders:
            raise ValueError(f"order {number} exists already")
        self.orders[number] = order
        self.refunds[number] = []
        self.transactions[number] = []
        happened: list[Happening] = [("orders/create", number)]
        for payment in self._payments(order, raw):
            happened += self._pay(order, payment)
        order["payment_gateway_names"] = list(dict.fromkeys(row["gateway"] for row in self.transactions[number]))
        for old in raw.get("refunds") or []:
            self.refund(number, old)
        if raw.get("updated_at"):
            order["updated_at"] = raw["updated_at"]
        return order, happened

    def _number(self, raw: Json) -> int:
        """The order's number: as given, as in a name like #1001, or the next one."""
        name = str(raw.get("name") or "")
        digits = name[1:] if name.startswith("#") and name[1:].isdigit() else self._last_number + 1
        number = int(raw.get("order_number") or digits)
        self._last_number = max(self._last_number, number)
        return number

    def _payments(self, order: Json, raw: Json) -> list[Json]:
        rows = raw.get("transactions") or raw.get("payments")
        if rows is not None:
            return [row for row in rows if row.get("kind", "sale") != "refund"]
        total = order_value(order, "presentment")
        gateway = (raw.get("payment_gateway_names") or ["shopify_payments"])[0]
        return [{"gateway": gateway, "amount": to_text(total, currency(order, "presentment"))}] if total else []

    def _pay(self, order: Json, payment: Json) -> list[Happening]:
        unit = currency(order, "presentment")
        amount = to_minor(payment["amount"], unit)
        kind = payment.get("kind", "sale")
        row = self._transaction(order, kind, payment.get("gateway", "shopify_payments"), amount, None, payment)
        return [("order_transactions/create", row["id"]), *self._tender(order, row)]

    def _transaction(
        self,
        order: Json,
        kind: str,
        gateway: str,
        amount: int,
        parent: Json | None,
        given: Json,
        worth_shop: int | None = None,
    ) -> Json:
        unit = currency(order, "presentment")
        whole = {"shop": order_value(order, "shop"), "presentment": order_value(order, "presentment")}
        shop_amount = in_shop_book(order, amount, whole) if worth_shop is None else worth_shop
        number = int(given.get("id") or self.ids.next("transaction"))
        row: Json = {
            "id": number,
            "admin_graphql_api_id": gid("OrderTransaction", number),
            "order_id": order["id"],
            "parent_id": None if parent is None else parent["id"],
            "kind": kind,
            "gateway": gateway,
            "status": given.get("status", "success"),
            "amount": to_text(amount, unit),
            "currency": unit,
            "authorization": given.get("authorization", _reference(gateway, kind, number)),
            "payment_id": given.get("payment_id", f"c{order['id']}.{len(self.transactions[order['id']]) + 1}"),
            "created_at": given.get("created_at", stamp(self.now())),
            "processed_at": given.get("processed_at", given.get("created_at", stamp(self.now()))),
            "message": None,
            "receipt": given.get("receipt", _receipt(gateway, parent)),
            "test": False,
            "error_code": None,
            "source_name": "web",
            "user_id": None,
            "amount_set": bag(order, {"shop": shop_amount, "presentment": amount}),
        }
        self.transactions[order["id"]].append(row)
        self._row_of[number] = row
        return row

    def _tender(self, order: Json, row: Json) -> list[Happening]:
        """The tender transaction of a transaction that moved real money (sheet §5), negative for a refund."""
        moving = row["status"] == "success" and row["kind"] in ("sale", "capture", "refund")
        if not moving or row["gateway"] in MOVES_NO_MONEY:
            return []
        amount = to_minor(row["amount"], row["currency"])
        number = self.ids.next("tender")
        methods = self.settings["tender_payment_method"]
        method = methods if isinstance(methods, str) else methods.get(row["gateway"], "credit_card")
        self.tenders.append(
            {
                "id": number,
                "admin_graphql_api_id": gid("TenderTransaction", number),
                "order_id": order["id"],
                "amount": to_text(-amount if row["kind"] == "refund" else amount, row["currency"]),
                "currency": row["currency"],
                "payment_method": method,
                "payment_details": {"credit_card_company": "Visa"} if method == "credit_card" else None,
                "processed_at": row["processed_at"],
                "remote_reference": row["authorization"],
                "test": False,
                "user_id": None,
            }
        )
        self._row_of[number] = self.tenders[-1]
        return [("tender_transactions/create", number)]

    def refund(self, order_id: int, request: Json) -> tuple[Refund, list[Happening]]:
        """Make a refund as the REST request says. Raises Refusal; then nothing has changed."""
        order, money = self.orders[order_id], self.transactions[order_id]
        refund = plan(order, request, self.refunds[order_id], money, self.ids, stamp(self.now()))
        wanted = tenders(order, request.get("transactions") or [], money)
        take_units(order, refund)
        happened: list[Happening] = [("refunds/create", refund.id)]
        for row in self._move(order, refund, wanted):
            happened += [("order_transactions/create", row["id"]), *self._tender(order, row)]
        settle(order, refund, self.ids)
        self.refunds[order_id].append(refund)
        self._refund_of[refund.id] = refund
        self._touch(order)
        return refund, [*happened, ("orders/updated", order_id)]

    def _move(self, order: Json, refund: Refund, wanted: list[Tender]) -> list[Json]:
        """The refund's transactions; the shop's book is split so that its parts add up to the whole."""
        total = sum(tender.amount for tender in wanted)
        left = in_shop_book(order, total, worth(order, refund))
        status = "pending" if self.settings["money_pending"] else "success"
        for index, tender in enumerate(wanted, 1):
            part = left if index == len(wanted) else left * tender.amount // total
            left, total = left - part, total - tender.amount
            given = {"status": status, "created_at": refund.created_at}
            row = self._transaction(
                order, "refund", tender.parent["gateway"], tender.amount, tender.parent, given, part
            )
            refund.transactions.append(row)
        return refund.transactions

    def _touch(self, order: Json) -> None:
        """Bring the order's running figures and its status in line with its refunds."""
        unit = currency(order, "presentment")
        rows = [row for row in self.transactions[order["id"]] if row["status"] == "success"]
        back = sum(to_minor(row["amount"], unit) for row in rows if row["kind"] == "refund")
        paid = sum(to_minor(row["amount"], unit) for row in rows if row["kind"] in ("sale", "capture"))
        if back:
            order["financial_status"] = "refunded" if back >= paid else "partially_refunded"
        retotal(order)
        order["updated_at"] = stamp(self.now())

    def settle_transaction(self, number: int, success: bool) -> list[Happening]:
        """A pending refund transaction succeeds or fails. There is no refunds/update: only the money is announced."""
        row = self._row_of[number]
        order_id = row["order_id"]
        if row.get("status") != "pending":
            raise Refusal("transactions", f"transaction {number} is not pending")
        order = self.orders[order_id]
        row["status"] = "success" if success else "failure"
        row["processed_at"] = stamp(self.now())
        if not success:
            row["error_code"] = "processing_error"
        refund = next(r for r in self.refunds[order_id] if row in r.transactions)
        if success:
            clear_pending(order, refund, row, self.ids)
        happened: list[Happening] = [("order_transactions/create", number), *self._tender(order, row)]
        self._touch(order)
        return [*happened, ("orders/updated", order_id)]

    def admin_request(self, order_id: int, given: Json) -> Json:
        """A refund request from a person's words: lines by id or SKU, and a sum spread over the payments.

        Without `amount` the money is what the lines and the shipping come to, as far as it is still there.
        """
        if "refund_line_items" in given or "transactions" in given:
            return given
        order = self.orders[order_id]
        lines = [self._admin_line(order, line) for line in given.get("lines", [])]
        request: Json = {"note": given.get("note"), "user_id": 900001, "refund_line_items": lines}
        if given.get("shipping"):
            shipping = given["shipping"]
            request["shipping"] = shipping if isinstance(shipping, dict) else {"amount": shipping}
        unit = currency(order, "presentment")
        if given.get("amount") is not None:
            amount = to_minor(given["amount"], unit)
        else:
            draft = plan(order, request, self.refunds[order_id], [], self.ids, "")
            amount = worth(order, draft)["presentment"]
        if given.get("gateway"):
            request["transactions"] = [{"gateway": given["gateway"], "kind": "refund", "amount": to_text(amount, unit)}]
        else:
            request["transactions"] = spread(order, self.transactions[order_id], amount)
        return request

    @staticmethod
    def _admin_line(order: Json, line: Json) -> Json:
        wanted = line.get("line_item_id") or next(
            (item["id"] for item in order["line_items"] if item["sku"] == line.get("sku")), None
        )
        return {"restock_type": "no_restock", **line, "line_item_id": wanted, "quantity": line.get("quantity", 1)}

    def cancel(self, order_id: int) -> list[Happening]:
        """Mark an order as cancelled, without a refund."""
        order = self.orders[order_id]
        order["cancelled_at"] = order["updated_at"] = stamp(self.now())
        return [("orders/cancelled", order_id), ("orders/updated", order_id)]

    def order_body(self, order_id: int, version: str, numbers: bool | None = None) -> Json:
        """The order's REST body."""
        order = self.orders[order_id]
        refunds = [self.refund_body(refund, version, numbers) for refund in self.refunds[order_id]]
        return {**order, "refunds": refunds}

    def refund_body(self, refund: Refund, version: str, numbers: bool | None = None) -> Json:
        """The refund's REST body in one version; line amounts as JSON numbers unless the world says otherwise."""
        if numbers is None:
            numbers = self.settings["line_amounts"] == "number"
        return render(self.orders[refund.order_id], refund, version, numbers)

    def body(self, topic: str, number: int, version: str) -> Json:
        """What a webhook of this topic says about a record. Raises KeyError when there is no such record."""
        match topic.split("/", maxsplit=1)[0]:
            case "orders":
                return self.order_body(number, version)
            case "refunds":
                return self.refund_body(self._refund_of[number], version)
            case "order_transactions":
                return wire_transaction(self._row_of[number])
            case "tender_transactions":
                return self._row_of[number]
        raise KeyError(topic)

    def find_refund(self, number: int) -> Refund | None:
        """A refund by its id."""
        return self._refund_of.get(number)

    def search(self, keep: Callable[[Json], bool]) -> list[Json]:
        """Orders that fit, by id."""
        return [self.orders[number] for number in sorted(self.orders) if keep(self.orders[number])]


def _reference(gateway: str, kind: str, number: int) -> str | None:
    """The gateway's own reference, in the manner of the gateway."""
    if gateway in (*MOVES_NO_MONEY, "manual"):
        return None
    if gateway == "adyen":
        return f"PSP{number:013d}"
    return f"{'re' if kind == 'refund' else 'ch'}_sim{number}"


def _receipt(gateway: str, parent: Json | None) -> Json:
    if gateway != "gift_card":
        return {}
    return parent["receipt"] if parent else {"gift_card_id": 550_000_001, "gift_card_last_characters": "7f3c"}
