"""All returns of one Reveni store and what happens to them: parcels, verdicts, deadlines (Reveni sheet §4)."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from counterfoil.portals.reveni.sim.hooks import Hooks
from counterfoil.portals.reveni.sim.intake import Ids, checked_method, create, delivery
from counterfoil.portals.reveni.sim.records import FINAL, STATUSES, Json, Return, Row
from counterfoil.portals.reveni.sim.till import Till
from counterfoil.simkit.clock import Clock

# What a carrier or another portal's control path calls the state of a parcel.
PARCEL_WORDS = {"in_transit": "SHIPPED", "out_for_delivery": "SHIPPED", "delivered": "RECEIVED"}
VERDICTS = ("accepted", "rejected", "for_review")


class Refused(Exception):
    """Reveni will not do it; `status` is the answer's HTTP status, `code` its word."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Desk:
    """Returns, and the sentences spoken about them."""

    def __init__(self, settings: Json, clock: Clock, hooks: Hooks, ids: Ids) -> None:
        self.settings = settings
        self.clock = clock
        self.hooks = hooks
        self.ids = ids
        self.returns: dict[str, Return] = {}
        self.verdicts: list[Json] = []
        self.till = Till(settings, clock, ids)

    def now(self) -> datetime:
        """Reveni's clock."""
        return self.clock.now()

    # -- returns come to be

    async def submit(self, given: Json) -> Return:
        """A shopper asks for a return; an instant one is paid on the spot. Raises ValueError, ShopTrouble."""
        order = given.get("order")
        if order is None:
            if self.till.shop is None:
                raise ValueError("no shop in the world: give the order inline")
            order = await self.till.shop.order(given["order_id"])
        made = self.take({**given, "order": order})
        if made.instant:
            await self.till.settle(made)
        self.hooks.announce("return.created", made, self.now())
        return made

    def take(self, given: Json) -> Return:
        """A return of the world, with its order inline. Announces and pays nothing. Raises ValueError."""
        if "order" not in given:
            raise ValueError("a return of the world needs an inline `order`")
        order = given["order"]
        earlier = [known for known in self.returns.values() if known.order_id == str(order["id"])]
        made = create(given, order, earlier, self.ids, self.now(), self.settings)
        if made.id in self.returns:
            raise ValueError(f"return {made.id} exists already")
        self.returns[made.id] = made
        return made

    def find(self, number: str, sandbox: bool | None = None) -> Return:
        """A return by its id. Raises Refused (404)."""
        made = self.returns.get(number)
        if made is None or (sandbox is not None and made.sandbox != sandbox):
            raise Refused(404, "not_found", "Not found.")
        return made

    def changed(self, made: Return) -> None:
        """Note the time and tell the webhooks."""
        made.updated_at = self.now()
        self.hooks.announce("return.updated", made, made.updated_at)

    # -- parcels

    def move(self, made: Return, status: str) -> None:
        """Another status; final ones keep their time. Raises ValueError."""
        if status not in STATUSES:
            raise ValueError(f"unknown status {status!r}; one of {', '.join(STATUSES)}")
        made.status = status
        made.final_at = self.now() if status in FINAL else None
        self.changed(made)

    def scan(self, made: Return, given: Json) -> None:
        """The parcel moves; takes Reveni's words or a carrier's. Raises ValueError."""
        word = str(given.get("status", "in_transit"))
        status = PARCEL_WORDS.get(word, word.upper())
        known = {name: value for name, value in (made.delivery or {}).items() if value is not None}
        made.delivery = delivery({**known, **given, "status": word})
        arrived = status == "RECEIVED" and not self.settings["delivery_receives"]
        order = ("IN_PROGRESS", "SHIPPED", "RECEIVED")
        forward = made.status in order and status in order and order.index(status) > order.index(made.status)
        if forward and not arrived:
            self.move(made, status)
        else:
            self.changed(made)

    def cancel(self, made: Return) -> None:
        """Call it off. Raises ValueError once goods or money have moved."""
        if made.status not in ("IN_PROGRESS", "PENDING", "ON_HOLD") or made.refunds or made.exchange_order:
            raise ValueError(f"return {made.id} is {made.status} and cannot be cancelled")
        self.move(made, "CANCELLED")

    # -- verdicts

    async def partial_validate(self, made: Return, body: Any) -> None:
        """The warehouse's verdict per item, through the API. Raises Refused (409 or 422); then nothing is noted."""
        if made.status in FINAL:
            status = int(self.settings["verdict_refusal"])
            raise Refused(status, "already_decided", f"The return is {made.status.lower()}.")
        items = body.get("items") if isinstance(body, dict) else None
        if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
            raise Refused(422, "invalid", "items: this field is required.")
        left = Counter({row.id: row.undecided for row in made.rows})
        steps = [step for item in items if (step := self._step(made, item, left)) is not None]
        for row, quantity, item in steps:
            _note(row, quantity, item, self.settings["api_restock"])
        self.verdicts.append({"return_id": made.id, "items": items})
        await self._after_verdict(made, bool(self.settings["validate_finishes"]))

    def _step(self, made: Return, item: Json, left: Counter[str]) -> tuple[Row, int, Json] | None:
        """One item of a verdict, checked; None when it says again what was said and such repeats are ignored."""
        row = next((row for row in made.rows if row.id == str(item.get("item_id"))), None)
        if row is None:
            raise Refused(422, "invalid", "item_id: not an item of this return.")
        quantity = item.get("quantity", row.quantity)
        if not isinstance(quantity, int) or isinstance(quantity, bool) or quantity < 1:
            raise Refused(422, "invalid", "quantity: a positive integer is required.")
        if item.get("status") not in VERDICTS:
            raise Refused(422, "invalid", f"status: one of {', '.join(VERDICTS)}.")
        if item["status"] == "rejected" and not item.get("reject_reason"):
            raise Refused(422, "invalid", "reject_reason: required to reject.")
        if quantity > left[row.id]:
            if self.settings["repeat_verdict"] == "ignored" and not left[row.id]:
                return None
            raise Refused(422, "quantity_exceeded", "quantity: more than is left to decide.")
        left[row.id] -= quantity if item["status"] != "for_review" else 0
        return row, quantity, item

    async def validate(self, made: Return, given: Json) -> None:
        """A person decides in the dashboard, where accepting can say `restock`; no items means all is accepted.

        Each of `items` names rows by `item_id`, `line_item_id` or `sku`, with `status`, `quantity`, `reject_reason`,
        `reject_reason_text`, `restock`. Raises ValueError.
        """
        if made.status in FINAL:
            raise ValueError(f"return {made.id} is {made.status}")
        for item in given.get("items") or [{}]:
            left = int(item.get("quantity", 0))
            for row in _meant(made.rows, item):
                quantity = min(left, row.undecided) if "quantity" in item else row.undecided
                left -= quantity
                if quantity:
                    _note(row, quantity, {"status": "accepted", **item}, item.get("restock", True))
        await self._after_verdict(made, finishes=True)

    async def _after_verdict(self, made: Return, finishes: bool) -> None:
        if any(row.undecided for row in made.rows):
            if any(row.review for row in made.rows):
                made.status = "FOR_REVIEW"
        elif finishes:
            await self.finish(made)
            return
        self.changed(made)

    async def finish(self, made: Return) -> None:
        """All items are decided: the return takes its final status; an ordinary one is paid now. Raises ValueError."""
        if any(row.undecided for row in made.rows) or made.status in FINAL:
            raise ValueError(f"return {made.id} cannot be finished now")
        self._close(made)
        if not made.instant and made.status != "REJECTED":
            await self.till.settle(made)
        self.changed(made)

    def _close(self, made: Return) -> None:
        accepted = sum(row.accepted for row in made.rows)
        rejected = sum(row.rejected for row in made.rows)
        made.status = "REJECTED" if not accepted else "PARTLY_ACCEPTED" if rejected else "ACCEPTED"
        made.final_at = self.now()

    # -- what the merchant does about money

    async def issue(self, made: Return, given: Json) -> None:
        """Issue a refund that was withheld or has failed, with another amount or method if so asked."""
        await self.till.issue(made, given)
        self.changed(made)

    async def adjust(self, made: Return, given: Json) -> None:
        """An adjustment refund, at any time."""
        await self.till.adjust(made, given)
        self.changed(made)

    def change_method(self, made: Return, given: Json) -> None:
        """Another refund method; only ordinary returns that are not paid yet allow it (§4). Raises ValueError."""
        if made.instant or made.settled:
            raise ValueError(f"the refund method of return {made.id} cannot be changed any more")
        made.method = checked_method(given["method"], made.instant)
        self.changed(made)

    # -- time passes

    def keep_deadlines(self) -> None:
        """Accept instant returns nobody decided in thirty days; cancel ordinary ones that never moved, by policy."""
        now, days = self.now(), self.settings["auto_cancel_days"]
        limit = timedelta(days=int(self.settings["undecided_days"]))
        patience = None if days is None else timedelta(days=int(days))
        for made in [made for made in self.returns.values() if made.status not in FINAL]:
            age = now - made.created_at
            if made.instant and age >= limit:
                for row in made.rows:
                    row.accepted += row.undecided
                self._close(made)
                self.changed(made)
            elif not made.instant and made.status == "IN_PROGRESS" and patience is not None and age >= patience:
                self.move(made, "CANCELLED")


def _note(row: Row, quantity: int, item: Json, restock: Any) -> None:
    """Put a verdict on a row."""
    match item["status"]:
        case "accepted":
            row.accepted += quantity
            row.restock = None if restock is None else bool(restock)
        case "rejected":
            row.rejected += quantity
            row.reject_reason = str(item.get("reject_reason") or "defect")
            row.reject_text = item.get("reject_reason_text")
        case "for_review":
            row.review = True
        case unknown:
            raise ValueError(f"unknown verdict {unknown!r}; one of {', '.join(VERDICTS)}")


def _meant(rows: list[Row], item: Json) -> list[Row]:
    """The rows an item of the control path names. Raises ValueError."""
    found = list(rows)
    if "item_id" in item:
        found = [row for row in found if row.id == str(item["item_id"])]
    if "line_item_id" in item:
        found = [row for row in found if row.units[0].order_line == str(item["line_item_id"])]
    if "sku" in item:
        found = [row for row in found if row.units[0].sku == str(item["sku"])]
    if not found or sum(row.undecided for row in found) < int(item.get("quantity", 1)):
        raise ValueError(f"no such undecided units: {item}")
    return found
