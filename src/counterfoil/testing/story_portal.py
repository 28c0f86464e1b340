"""A portal in memory, for playing stories through the core alone: it promises what the goods are worth, and pays."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from counterfoil.core.credit.attribution import unit_values
from counterfoil.core.money import allocate
from counterfoil.core.orders import Payment, SoldLine, SoldOrder
from counterfoil.core.returns import ExchangeLine, PortalReturn, ReturnLine, Stage, Tenders
from counterfoil.testing.story_world import Ask, Item, Swap

PORTAL = "portal"


class Paper(msgspec.Struct, kw_only=True):
    """One return as the portal keeps it. `payments` is how it will be paid."""

    shown: PortalReturn
    ask: Ask
    payments: tuple[Payment, ...] = ()


class Desk:
    """The portal's returns of one order, by their names in the story. `parts` is the order with its bundles open."""

    def __init__(self, order: SoldOrder, parts: SoldOrder | None = None) -> None:
        self._order = order
        self._parts = parts or order
        self.papers: dict[str, Paper] = {}

    def take(self, name: str, ask: Ask, now: str) -> PortalReturn:
        """A new return, priced from the next units of the order nobody returns."""
        lines = self._lines(name, ask)
        new = tuple(_new(name, place, swap) for place, swap in enumerate(ask.swaps, start=1))
        tenders = _tenders(ask, sum(line.line_value or 0 for line in lines))
        if new:
            tenders = _swapped(tenders, sum(line.total or 0 for line in new))
        shown = PortalReturn(
            portal=PORTAL,
            return_id=f"{self._order.name.lstrip('#')}-{name}",
            state="review" if ask.review else "open",
            stage=Stage.REQUESTED if ask.review else Stage.AUTHORISED,
            order_ref=self._order.order_ref,
            order_name=self._order.name,
            currency=self._order.currency,
            created_at=now,
            lines=lines,
            exchange_lines=new,
            tenders=tenders,
        )
        self.papers[name] = Paper(shown=shown, ask=ask, payments=self._split(ask, tenders.refund or 0))
        return shown

    def edit(self, name: str, items: tuple[Item, ...], now: str) -> PortalReturn:
        """Other units come back than was asked at first."""
        paper = self.papers.pop(name)
        shown = replace(self.take(name, replace(paper.ask, items=items), now), edited_at=now)
        self.papers[name].shown = shown
        return shown

    def swap(self, name: str, order_ref: str, order_name: str) -> PortalReturn:
        """The portal makes the shop's exchange order, or names the original one."""
        paper = self.papers[name]
        lines = tuple(
            line if line.order_ref else replace(line, order_ref=order_ref, order_name=order_name)
            for line in paper.shown.exchange_lines
        )
        paper.shown = replace(paper.shown, exchange_lines=lines)
        return paper.shown

    def move(self, name: str, stage: Stage) -> PortalReturn:
        """The return reaches another stage."""
        paper = self.papers[name]
        state = {Stage.AUTHORISED: "open", Stage.PROCESSED: "closed"}.get(stage, stage.value)
        paper.shown = replace(paper.shown, stage=stage, state=state)
        return paper.shown

    def _lines(self, name: str, ask: Ask) -> tuple[ReturnLine, ...]:
        held: dict[tuple[str | None, str | None], int] = {}
        for paper in self.papers.values():
            for line in paper.shown.lines if paper.shown.stage not in (Stage.CANCELLED, Stage.EXPIRED) else ():
                place = (line.order_line_ref, line.sku)
                held[place] = held.get(place, 0) + line.qty
        return tuple(self._line(f"{name}-{place}", ask, item, held) for place, item in enumerate(ask.items, start=1))

    def _line(self, line_id: str, ask: Ask, item: Item, held: dict[tuple[str | None, str | None], int]) -> ReturnLine:
        """A line of the return; units beyond the order, or of items not on it, are priced at nothing."""
        whole = next((line for line in self._order.lines if line.sku == item.sku), None)
        part = next((line for line in self._parts.lines if line.sku == item.sku and line.part_of), None)
        sold = whole or part
        value = 0
        if sold is not None:
            first = min(held.get((_shop_line(sold), item.sku), 0), sold.quantity) + 1
            last = min(first + item.quantity - 1, sold.quantity)
            value = unit_values(self._order if whole else self._parts, sold.line_ref, first, last).gross
        return ReturnLine(
            line_id=line_id,
            order_line_ref=_shop_line(sold) if sold is not None else f"none-{item.sku}",
            sku=item.sku,
            qty=item.quantity,
            line_value=value,
            cash_refund=value,
            reason=ask.reason,
        )

    def _split(self, ask: Ask, refund: int) -> tuple[Payment, ...]:
        """As the story says, else over the order's payments in proportion."""
        if ask.split:
            return ask.split
        if not refund:
            return ()
        parts = allocate(refund, [payment.amount for payment in self._order.payments])
        paid = zip(self._order.payments, parts, strict=True)
        return tuple(Payment(gateway=payment.gateway, amount=part) for payment, part in paid if part)


def _tenders(ask: Ask, goods: int) -> Tenders:
    value = goods - ask.fee if ask.promises is None else ask.promises
    if ask.store_credit:
        return Tenders(refund=0, store_credit=value, fee_withheld=ask.fee or None)
    return Tenders(refund=value + ask.shipping, fee_withheld=ask.fee or None, shipping_refunded=ask.shipping or None)


def _new(name: str, place: int, swap: Swap) -> ExchangeLine:
    return ExchangeLine(
        exchange_id=f"{name}-X{place}", sku=swap.sku, qty=swap.quantity, total=swap.price * swap.quantity
    )


def _swapped(tenders: Tenders, cost: int) -> Tenders:
    """New goods are paid from the value first; the customer pays what is missing and gets what is left."""
    value = (tenders.refund or 0) + (tenders.store_credit or 0)
    used = min(cost, value)
    left = {"store_credit": value - used} if tenders.store_credit is not None else {"refund": value - used}
    return replace(tenders, **left, exchange_used=used, upsell_collected=cost - used)


def _shop_line(sold: SoldLine) -> str:
    """A component is named by its bundle's line: the shop has no other (Loop sheet §9)."""
    return sold.part_of.line_ref if sold.part_of is not None else sold.line_ref
