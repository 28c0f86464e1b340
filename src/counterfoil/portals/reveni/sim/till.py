"""Money in the simulated Reveni: refunds, exchange orders, and who pays (Reveni sheet §4, §5).

A bank transfer of an instant return comes from Reveni itself: the shop and its gateway never hear of it. Store credit
has no shop refund either; a refund to the original payment method is made in the shop.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from counterfoil.portals.reveni.sim.intake import Ids, checked_method
from counterfoil.portals.reveni.sim.records import Json, Refund, Return, Row, summary
from counterfoil.simkit.amounts import minor_of
from counterfoil.simkit.clock import Clock
from counterfoil.simkit.purchases import Bought, currencies_of, in_both
from counterfoil.simkit.shopside import NewItem, RefundRequest, ShopSide, ShopTrouble, exchange_order


class Till:
    """Pays and charges for returns."""

    def __init__(self, settings: Json, clock: Clock, ids: Ids) -> None:
        self._settings = settings
        self._clock = clock
        self._ids = ids
        shop = settings["shop"]
        self.shop = ShopSide(shop["url"], shop["access_token"]) if shop else None

    async def stop(self) -> None:
        """Leave the shop."""
        if self.shop is not None:
            await self.shop.close()

    async def settle(self, made: Return) -> None:
        """Make the new order and the refund, once: at request for instant returns, else at acceptance."""
        if made.settled:
            return
        made.settled = True
        total = summary(made, face_value=made.instant).total
        counts = [(row, _count(made, row)) for row in made.rows]
        if any(row.wanted and count for row, count in counts):
            made.exchange_order = await self._place(made, counts, max(-total, 0))
        if total > 0:
            refund = self._note(made, total, made.method)
            if not made.withhold:
                await self._pay(made, refund)

    def _note(self, made: Return, amount: int, method: str, adjustment: bool = False) -> Refund:
        refund = Refund(self._ids.new("refund"), amount, method, "pending", self._clock.now(), adjustment=adjustment)
        made.refunds.append(refund)
        return refund

    async def issue(self, made: Return, given: Json) -> None:
        """Issue a pending or failed refund by hand. Raises ValueError."""
        wanted = given.get("refund_id")
        found = [row for row in made.refunds if row.status != "issued" and wanted in (None, row.id)]
        if not found:
            raise ValueError(f"return {made.id} has no refund to issue")
        refund = found[0]
        if given.get("method"):
            refund.method = checked_method(given["method"], made.instant)
        if given.get("amount") is not None:
            refund.amount = _positive(given["amount"], made.currency)
        await self._pay(made, refund)

    async def adjust(self, made: Return, given: Json) -> None:
        """A refund of its own, on top of the others. Raises ValueError."""
        method = checked_method(given.get("method") or made.method, made.instant)
        refund = self._note(made, _positive(given["amount"], made.currency), method, adjustment=True)
        await self._pay(made, refund)

    async def _pay(self, made: Return, refund: Refund) -> None:
        """Move the money; a shop that refuses makes the refund `failed`."""
        if refund.method == "bank_transfer":
            refund.external_id = f"RVP-{self._ids.number('payout'):06d}"
        elif refund.method == "store_credit":
            refund.external_id = f"RVC-{self._ids.number('credit'):06d}"
        elif self.shop is None:
            refund.external_id = str(920_000_000_000 + self._ids.number("shop refund"))
        else:
            try:
                refund.external_id = await self._in_shop(self.shop, made, refund)
            except ShopTrouble:
                refund.status = "failed"
                return
        refund.status = "issued"

    async def _in_shop(self, shop: ShopSide, made: Return, refund: Refund) -> str:
        """The shop's refund; its first one takes the units and the shipping. Raises ShopTrouble."""
        units = [] if refund.adjustment else _refundable(made)
        places = {(unit.order_line, unit.unit) for unit in units}
        made.told_shop |= places
        asked = RefundRequest(
            order_id=made.order_id,
            note=f"Reveni return {made.id}",
            currency=made.currency,
            units=Counter(unit.order_line for unit in units),
            amount=refund.amount,
            shipping=min(made.shipping, refund.amount) if units else 0,
            restock_type=self._settings["shop_restock"],
            location_id=self._settings["shop_location_id"],
        )
        try:
            return str((await shop.refund(asked))["id"])
        except ShopTrouble:
            made.told_shop -= places
            raise

    async def _place(self, made: Return, counts: list[tuple[Row, int]], charged: int) -> Json:
        """The new order: real when there is a shop. A shop that refuses leaves it pending without an id."""
        placed: Json = {"external_id": None, "number": None, "total": charged, "status": "pending"}
        if self.shop is None:
            number = self._ids.number("exchange order")
            return {**placed, "external_id": str(5_700_000_000_000 + number), "number": f"#EX{number}", **_CREATED}
        note = f"Exchange for {made.order.get('name')}, Reveni return {made.id}"
        lines = _new_lines(made, counts)
        body = exchange_order(made.order, "", note, "reveni", currencies_of(made.order)["shop"], lines)
        try:
            order = await self.shop.place(body)
        except ShopTrouble:
            return placed
        return {**placed, "external_id": str(order["id"]), "number": str(order["name"]), **_CREATED}


_CREATED: Json = {"status": "created"}


def _positive(value: Any, currency: str) -> int:
    amount = minor_of(value, currency)
    if amount <= 0:
        raise ValueError(f"{value!r} is not an amount to refund")
    return amount


def _count(made: Return, row: Row) -> int:
    """How many units of a row are paid for."""
    return row.quantity if made.instant else row.accepted


def _refundable(made: Return) -> list[Bought]:
    """Units the shop's refund takes: those paid for in money that it has not taken yet."""
    units = [unit for row in made.rows if row.wanted is None for unit in row.units[: _count(made, row)]]
    return [unit for unit in units if (unit.order_line, unit.unit) not in made.told_shop]


def _new_lines(made: Return, counts: list[tuple[Row, int]]) -> list[NewItem]:
    """The new goods at full price, what was returned for them as a discount; in the shop's currency."""
    lines = []
    for row, count in counts:
        if row.wanted is not None and count:
            price = in_both(made.order, row.wanted.price)["shop"]
            credit = in_both(made.order, row.worth(count))["shop"]
            discount = min(credit, price * count)
            wanted = row.wanted
            lines.append(NewItem(wanted.sku, wanted.title, count, price, discount, variant_id=wanted.variant_id))
    return lines
