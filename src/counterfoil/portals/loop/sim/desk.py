"""What happens to returns in the simulated Loop: the actions of its API, processing, and what a test makes happen.

Every change bumps `updated_at` and tells the webhooks. A refusal is an exception that carries the answer's shape,
since Loop refuses with 200 in one place and 403 in another (Loop sheet §6.3, §7).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from counterfoil.portals.loop.sim import views
from counterfoil.portals.loop.sim.hooks import Hooks, Payload
from counterfoil.portals.loop.sim.intake import Numbers, create, ready_made
from counterfoil.portals.loop.sim.money import divide, minor_of, text_of
from counterfoil.portals.loop.sim.records import BOOKS, FINAL, Json, Return
from counterfoil.portals.loop.sim.shopside import ShopSide, ShopTrouble

LABEL_STATUSES = (
    *("new", "pre_transit", "in_transit", "out_for_delivery", "delivered"),
    *("error", "failure", "N/A", "pending", "expired"),
)


class Refused(Exception):
    """Loop will not do it; `body` and `status` are the answer."""

    def __init__(self, body: Json, status: int = 200) -> None:
        super().__init__(str(body))
        self.body = body
        self.status = status


def refused(code: str, message: str) -> Refused:
    """The usual refusal: HTTP 200 with `errors`."""
    return Refused({"errors": {"message": message, "code": code}})


class Desk:
    """All returns of one shop's Loop account."""

    def __init__(self, settings: Json, hooks: Hooks, now: Callable[[], datetime]) -> None:
        self.settings = settings
        self.hooks = hooks
        self.now = now
        self.numbers = Numbers(settings["first_id"])
        self.returns: dict[int, Return] = {}
        self._by_order: dict[str, list[Return]] = {}
        self.failures: list[Json] = []
        shop = settings["shop"]
        self.shop = ShopSide(shop["url"], shop["access_token"]) if shop else None
        self._tasks: set[asyncio.Task[None]] = set()

    def retire(self) -> None:
        """Cancel what is under way; another desk takes over."""
        for task in list(self._tasks):
            task.cancel()

    async def stop(self) -> None:
        """End processing that is under way and leave the shop."""
        self.retire()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.shop is not None:
            await self.shop.close()

    # -- returns come to be

    def take(self, given: Json) -> Return:
        """A return of the world: ready made, or created from an inline order. Announces nothing."""
        if "line_items" in given:
            made = ready_made(given, self.numbers, self.now(), self.settings["currency"])
        elif "order" in given:
            made = self._create(given, given["order"])
        else:
            raise ValueError("a return of the world needs `line_items` or an inline `order`")
        return self._keep(made)

    async def submit(self, given: Json) -> Return:
        """A customer submits a return; Loop reads the order from the shop. Raises ValueError, ShopTrouble."""
        order = given.get("order")
        if order is None:
            if self.shop is None:
                raise ValueError("no shop in the world: give the order inline")
            order = await self.shop.order(given["order_id"])
        made = self._keep(self._create(given, order))
        if given.get("instant") or any(item.get("instant") for item in _items(given)):
            await self._send_exchange(made)
        self.announce("return.created", made)
        self.announce("label.created", made)
        return made

    def _create(self, given: Json, order: Json) -> Return:
        style = self.settings["tax_included_prices"]
        earlier = self._by_order.get(str(order["id"]), [])
        return create(given, order, earlier, self.numbers, self.now(), style)

    def _keep(self, made: Return) -> Return:
        if made.id in self.returns:
            raise ValueError(f"return {made.id} exists already")
        self.returns[made.id] = made
        self._by_order.setdefault(made.provider_order_id, []).append(made)
        return made

    # -- webhooks

    def payload(self, made: Return) -> Payload:
        """How the webhooks tell about a return."""
        shop_id = self.settings["shop_id"]

        def build(topic: str, trigger: str, old: bool) -> Json | None:
            family = trigger.split(".", maxsplit=1)[0]
            match topic:
                case "return":
                    return (views.old_webhook if old else views.webhook)(made, shop_id, topic, trigger)
                case "label" if family == "label":
                    return views.label(made, shop_id, topic, trigger, old)
                case "restock" if family == "restock":
                    return views.restock(made, self.settings["restock_location_id"], topic, trigger, old)
                case "giftcard" if family == "giftcard":
                    return views.gift_card(made, topic, trigger, made.gift_card_id is None)
                case "return.processing" if family == "return":
                    message = next((f["message"] for f in self.failures if f["return_id"] == str(made.id)), "failed")
                    return {
                        "topic": topic,
                        "trigger": trigger,
                        "shop_id": shop_id,
                        "id": str(made.id),
                        "message": message,
                    }
            return None

        return build

    def announce(self, trigger: str, made: Return) -> None:
        """Tell the webhooks."""
        self.hooks.announce(trigger, made.id, self.payload(made))

    def _changed(self, made: Return, *triggers: str) -> None:
        made.updated_at = self.now()
        for trigger in triggers:
            self.announce(trigger, made)

    # -- the actions of the API

    def find(self, number: str) -> Return:
        """A return by its id. Raises Refused."""
        made = self.returns.get(int(number)) if number.isdigit() else None
        if made is None:
            raise refused("NOT_FOUND", f"There is no return {number}.")
        return made

    def process(self, made: Return, details: Json) -> None:
        """Queue the return; the outcome comes by webhook. Raises Refused."""
        self._processable(made)
        made.details = details
        if made.reshop:  # answered with true, and nothing follows (§6.3)
            return
        made.queued = True
        task = asyncio.get_running_loop().create_task(self._work(made, float(self.settings["processing_seconds"])))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _processable(self, made: Return) -> None:
        if made.state == "review" and not self.settings["process_flagged"]:
            raise refused("UNPROCESSABLE_FLAGGED_RETURN", "The return needs review and cannot be processed.")
        if made.state in FINAL or made.queued:
            raise refused("UNPROCESSABLE_RETURN", "The return cannot be processed in its present state.")

    async def remove(self, made: Return, ids: list[str]) -> None:
        """Remove lines, then process and close at once; without any line left the return is cancelled."""
        if not ids:
            raise Refused({"message": "Invalid.", "errors": {"line_item_id": ["The line_item_id is required."]}}, 422)
        known = {str(line.id): line for line in made.active}
        if any(number not in known for number in ids):
            raise Refused({"message": "Invalid.", "errors": {"line_item_id": ["Not a line of this return."]}}, 422)
        if made.outcome == "exchange" or made.exchanges:
            raise Refused({"errors": [{"message": "Lines of an exchange cannot be removed."}]}, 403)
        self._processable(made)
        for number in ids:
            known[number].removed = True
        made.settle()
        if not made.active:
            self._end(made, "cancelled")
            self._changed(made, "return.updated")
            return
        made.queued = True
        await self._work(made, 0.0)

    def cancel(self, made: Return) -> None:
        """Cancel an open return; its items can be returned again. Flagged and expired ones refuse (§5.1)."""
        if made.state != "open" or made.queued:
            raise refused("UNPROCESSABLE_RETURN", f"A return in state {made.state} cannot be cancelled.")
        self._end(made, "cancelled")
        self._changed(made, "return.updated")

    def flag(self, made: Return) -> None:
        """Put an open return to review."""
        if made.state != "open" or made.queued:
            raise refused("UNPROCESSABLE_RETURN", f"A return in state {made.state} cannot be flagged.")
        made.state = "review"
        self._changed(made, "return.updated")

    def close(self, made: Return) -> None:
        """Close by hand: no outcome is fulfilled and the items stay returned."""
        if made.state in FINAL or made.queued:
            raise refused("UNPROCESSABLE_RETURN", f"A return in state {made.state} cannot be closed.")
        self._end(made, "closed")
        self._changed(made, "return.updated", "return.closed")

    def note(self, made: Return, content: Any) -> None:
        """Add a note of up to 255 characters. Raises Refused (422)."""
        if not isinstance(content, str) or not 0 < len(content) <= 255:
            text = "The content must be between 1 and 255 characters."
            raise Refused({"message": text, "errors": {"content": [text]}}, 422)
        moment = views.with_z(self.now())
        made.notes.append({"id": len(made.notes) + 1, "content": content, "created_at": moment})

    def _end(self, made: Return, state: str) -> None:
        made.state = state
        made.closed_at = self.now()

    # -- processing

    async def _work(self, made: Return, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        try:
            await self._fulfil(made)
        except ShopTrouble as trouble:
            made.queued = False
            self.failures.append({"return_id": str(made.id), "message": str(trouble)})
            self._changed(made, "return.processing.failed")
            return
        made.queued = False
        self._end(made, "closed")
        self._changed(made, "return.updated", "return.closed")
        self._ask_others(made)

    async def _fulfil(self, made: Return) -> None:
        """Refund in the shop, place the exchange order, issue the credit. What an earlier try did is not repeated."""
        if not all(line.in_shop for line in made.active):
            made.refunds += await self._refund(made)
            for line in made.active:
                line.in_shop = True
        await self._send_exchange(made)
        self._issue_credit(made)

    async def _refund(self, made: Return) -> list[Json]:
        if self.shop is not None and made.provider_order_id != "0":
            restock = "return" if self.settings["restock"] == "shopify" else "no_restock"
            location = self.settings["restock_location_id"] if restock == "return" else None
            return await self.shop.refund(made, restock, location)
        unit, total = made.currencies["shop"], made.tenders["shop"].refund
        ways = [way if isinstance(way, dict) else {"gateway": way} for way in made.gateways or ["shopify_payments"]]
        fixed = [minor_of(way["amount"], unit) for way in ways if "amount" in way]
        parts = fixed if len(fixed) == len(ways) else divide(total, [1] * len(ways))
        number = str(next(self.numbers.refunds))
        return [
            {"gateway": way["gateway"], "amount": text_of(part, unit), "currency": unit, "provider_refund_id": number}
            for way, part in zip(ways, parts, strict=True)
            if part
        ]

    async def _send_exchange(self, made: Return) -> None:
        """The separate exchange order. A native exchange changes the original order and has none of its own (§9)."""
        waiting = [item for item in made.in_stock if item.order_id is None]
        if not waiting or made.native:
            return
        number = 1 + sum(
            any(item.order_id for item in known.exchanges) for known in self._by_order.get(made.provider_order_id, [])
        )
        prefix, discount = self.settings["exchange_prefix"], self.settings["loop_discount"]
        if self.shop is not None and made.provider_order_id != "0":
            order = await self.shop.place(made, prefix, number, discount, made.details)
        else:
            digits = "".join(c for c in str(made.order.get("name", "")) if c.isdigit())
            order = {
                "id": next(self.numbers.refunds),
                "name": f"{prefix}{digits}" + (f"-{number}" if number > 1 else ""),
            }
        for item in waiting:
            item.order_id, item.order_name = str(order["id"]), str(order["name"])

    def _issue_credit(self, made: Return) -> None:
        amount = made.tenders["shop"].gift_card
        automatic = any(item.out_of_stock for item in made.exchanges)
        if not amount:
            return
        if self.settings["store_credit"] == "shopify_store_credit":
            unit = made.currencies["shop"]
            row = {"gateway": "shopify_store_credit", "amount": text_of(amount, unit), "currency": unit}
            made.refunds.append({**row, "provider_refund_id": str(next(self.numbers.refunds))})
        elif not automatic:
            made.gift_card_id = str(next(self.numbers.gift_cards))

    def _ask_others(self, made: Return) -> None:
        """Webhooks that ask somebody else to act: a gift card provider, a stock system (§4.4)."""
        automatic = any(item.out_of_stock for item in made.exchanges)
        external = self.settings["gift_card_provider"] == "external"
        if made.tenders["shop"].gift_card and (external or automatic):
            self.announce("giftcard.requested", made)
        if self.settings["restock"] == "webhooks":
            self.announce("restock.requested", made)

    # -- what only a test can make happen

    def move_label(self, made: Return, given: Json) -> None:
        """The carrier scans the parcel. Raises ValueError for a status Loop does not have."""
        status = given.get("status", made.label.status)
        if status not in LABEL_STATUSES:
            raise ValueError(f"unknown label status {status!r}; one of {', '.join(LABEL_STATUSES)}")
        made.label.status = status
        made.label.carrier = str(given.get("carrier", made.label.carrier))
        made.label.tracking_number = str(given.get("tracking_number", made.label.tracking_number))
        made.label.updated_at = self.now()
        self._changed(made, "label.updated", "return.updated")
        if self.settings["auto_process"] and status == "delivered" and made.state == "open" and not made.queued:
            self.process(made, {})

    def approve(self, made: Return) -> None:
        """A person clears a review in the admin."""
        if made.state != "review":
            raise ValueError(f"return {made.id} is {made.state}, not in review")
        made.state = "open"
        self._changed(made, "return.updated")

    def expire(self, made: Return) -> None:
        """The label was never scanned."""
        if made.state != "open":
            raise ValueError(f"return {made.id} is {made.state}, not open")
        self._end(made, "expired")
        self._changed(made, "return.updated")

    def edit(self, made: Return, given: Json) -> None:
        """A person edits the return in the admin: fee, shipping, bonus, falsified fields. Raises ValueError."""
        unit = made.currencies["shop"]
        for name, books in (("handling_fee", made.fee), ("refund_shipping", made.shipping)):
            if name in given:
                books.update(dict.fromkeys(BOOKS, minor_of(given[name], unit)))
        if "refund_shipping" in given:
            made.shipping_tax = dict.fromkeys(BOOKS, 0)
        if "bonus" in given:
            made.bonus = minor_of(given["bonus"], unit)
        if "overrides" in given:
            made.overrides = dict(given["overrides"])
        made.settle()
        made.edited_at = self.now()
        self._changed(made, "return.updated")

    def ask(self, made: Return, what: str) -> None:
        """Send `restock.requested` or `giftcard.requested` now."""
        if what == "gift_card" and made.gift_card_id is None and not made.exchanges:
            made.gift_card_id = str(next(self.numbers.gift_cards))
        self._changed(made, {"restock": "restock.requested", "gift_card": "giftcard.requested"}[what])


def _items(given: Json) -> list[Json]:
    exchange = given.get("exchange") or []
    return exchange if isinstance(exchange, list) else [exchange]
