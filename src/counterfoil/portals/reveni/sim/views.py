"""A return, a list row and an event as Reveni might write them (Reveni sheet §3, §6)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from counterfoil.portals.reveni.sim.records import Json, Refund, Return, Row, summary
from counterfoil.simkit.amounts import number_of, text_of
from counterfoil.simkit.purchases import currencies_of, order_worth


class Writer:
    """Writes records under the switches of the moment."""

    def __init__(self, settings: Json) -> None:
        self._settings = settings

    def money(self, amount: int, currency: str) -> Decimal | str:
        """A number, or text with the currency's digits."""
        return text_of(amount, currency) if self._settings["money_as"] == "text" else number_of(amount, currency)

    def time(self, at: datetime) -> str | int:
        """ISO 8601, or unix seconds."""
        if self._settings["times_as"] == "unix":
            return int(at.timestamp())
        return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"

    def status(self, made: Return, case: str) -> str:
        """The status word, in the case of the API or of the webhooks."""
        word = self._settings["partly_word"] if made.status == "PARTLY_ACCEPTED" else made.status
        return str(word.upper() if self._settings[case] == "upper" else word.lower())

    def whole(self, made: Return) -> Json:
        """`GET returns/{id}`."""
        customer = made.order.get("customer") or {}
        body: Json = {
            **self._head(made),
            "customer": {
                "email": customer.get("email", "robin@example.com"),
                "first_name": customer.get("first_name", "Robin"),
                "last_name": customer.get("last_name", "Example"),
            },
            "return_items": [self._row(made, row) for row in made.rows],
            "delivery": made.delivery,
            "warehouse": self._settings["warehouse"],
            "refunds": [self.refund(made, row) for row in made.refunds],
            "exchange_order": self._exchange_order(made),
            "summary": self._summary(made),
        }
        if self._settings["unknown_keys"]:
            body |= {"covered": made.instant, "metadata": {"flow": "v3", "tags": []}}
        return body

    def row(self, made: Return) -> Json:
        """`ReturnSummary` of the list."""
        shown = self._summary(made)
        customer = made.order.get("customer") or {}
        return {
            **self._head(made),
            "customer": {"email": customer.get("email", "robin@example.com")},
            "summary": {"total": shown["total"], "currency": shown["currency"]},
        }

    def _head(self, made: Return) -> Json:
        """Identity, state and order, under the main names or the bracketed ones of §6."""
        other = self._settings["naming"] == "other"
        kind = made.kind.upper() if other else made.kind
        order: Json = {"id": made.order_uid, "external_id": made.order_id}
        name = str(made.order.get("name", ""))
        head: Json = {
            "uuid" if other else "id": made.id,
            "status": self.status(made, "api_case"),
            "transaction_type" if other else "type": kind,
            "created" if other else "created_at": self.time(made.created_at),
            "updated" if other else "updated_at": self.time(made.updated_at),
        }
        if other:
            mode = "instant" if made.instant else "not_instant"
            return {**head, "mode": mode, "currency": made.currency, "order": {**order, "name": name}}
        return {**head, "instant": made.instant, "order": {**order, "number": name, "currency": made.currency}}

    def _row(self, made: Return, row: Row) -> Json:
        unit = row.units[0]
        wanted = row.wanted
        body: Json = {
            "item_id" if self._settings["naming"] == "other" else "id": row.id,
            "sku": unit.sku,
            "quantity": row.quantity,
            "return_reason": row.reason,
            "return_reason_text": row.reason_text,
            "exchange": None
            if wanted is None
            else {
                "sku": wanted.sku,
                "variant_id": wanted.variant_id,
                "quantity": row.quantity,
                "price": self.money(wanted.price, made.currency),
            },
            "product_id": unit.product_id,
            "variant_id": unit.variant_id,
            "name": unit.title,
            "price": self.money(row.price, made.currency),
            "status": self._verdict(row),
            "reject_reason": row.reject_reason,
            "reject_reason_text": row.reject_text,
            "restock": row.restock,
        }
        if self._settings["show_tax"]:
            paid = unit.money["presentment"]
            body["discount_amount"] = self.money(paid.discount, made.currency)
            body["tax_amount"] = self.money(paid.tax, made.currency)
        if 0 < row.accepted < row.quantity:
            body["accepted_quantity"] = row.accepted
        return body

    def _verdict(self, row: Row) -> str:
        """A row's status: what has been decided of it, as long as not everything is."""
        if row.undecided:
            return "for_review" if row.review else str(self._settings["pending_word"])
        return "accepted" if row.accepted else "rejected"

    def refund(self, made: Return, row: Refund) -> Json:
        """One of `refunds[]`; what was actually paid."""
        return {
            "id": row.id,
            "amount": self.money(row.amount, made.currency),
            "currency": made.currency,
            "method": row.method,
            "status": row.status,
            "created_at": self.time(row.created_at),
            "external_id": row.external_id,
        }

    def _exchange_order(self, made: Return) -> Json | None:
        """The new order; its total is what the shopper was charged (§6)."""
        placed = made.exchange_order
        if placed is None:
            return None
        total = self.money(placed["total"], made.currency)
        return {
            "external_id": placed["external_id"],
            "number": placed["number"],
            "total": total,
            "currency": made.currency,
            "status": placed["status"],
        }

    def _summary(self, made: Return) -> Json:
        found = summary(made)
        amounts = {
            "products": found.products,
            "new_products": found.new_products,
            "fees": found.fees,
            "bonuses": found.bonuses,
            "shipping": found.shipping,
            "total": found.total,
        }
        shown: Json = {name: self.money(amount, made.currency) for name, amount in amounts.items()}
        rate = exchange_rate(made.order)
        return {
            **shown,
            "currency": made.currency,
            "exchange_rate": str(rate) if self._settings["money_as"] == "text" else rate,
        }

    def event(self, made: Return, name: str, number: str, at: datetime) -> Json:
        """The thin envelope of a webhook (§3)."""
        return {
            "id": number,
            "event": name,
            "created": int(at.timestamp()),
            "data": {"resource_id": made.id, "status": self.status(made, "hook_case")},
        }


def exchange_rate(order: Json) -> Decimal:
    """Store-currency units for one unit of the order's currency, to six digits (inferred)."""
    units = currencies_of(order)
    worth = order_worth(order)
    if units["shop"] == units["presentment"] or not worth["presentment"]:
        return Decimal(1)
    store = Decimal(text_of(worth["shop"], units["shop"]))
    customer = Decimal(text_of(worth["presentment"], units["presentment"]))
    return (store / customer).quantize(Decimal("0.000001"))
