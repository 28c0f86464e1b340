"""What an exchange is: the new goods, what pays for them, the ERP's order for them, and how far that is (R100–R114).

The value of what comes back is paid out as money, as store credit, or as new goods. Value used for new goods counts as
given back once their order stands in the ERP, so that nothing is credited for goods nobody sends.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec.structs import replace

from counterfoil.core.case import Acceptance, Reception, ReturnCase, Step, StepState
from counterfoil.core.documents import ErpOrder, ExchangeItem, ExchangeTerms
from counterfoil.core.mapping import Mapping
from counterfoil.core.money import allocate
from counterfoil.core.returns import ExchangeLine, LabelStatus, Stage

BY_HAND = "exchange_by_hand"
UNAVAILABLE = "exchange_unavailable"
OUT_OF_STOCK = "exchange_out_of_stock"
_MADE_BY_HAND = (BY_HAND, "exchange_incomplete", "exchange_sku_not_found", "exchange_does_not_balance")
_GIVEN_UP = (UNAVAILABLE, OUT_OF_STOCK)


class ExchangeError(ValueError):
    """An exchange that cannot be ordered as the portal shows it; `kind` is the problem kind, the message says why."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Form(StrEnum):
    """How the portal carries the exchange in the shop (Loop sheet §9, ReturnGO §4, Reveni §4)."""

    PENDING = "pending"  # no order there yet
    DRAFT = "draft"  # a draft with a name of its own, to be made an order later
    SEPARATE = "separate"  # an order of its own
    NATIVE = "native"  # on the original order
    INSTANT = "instant"  # an order that was there before any goods moved: advanced and instant exchanges


# --- what was wanted ------------------------------------------------------------------------------------------------


def wanted(case: ReturnCase) -> tuple[ExchangeLine, ...]:
    """The new goods the customer chose and can have; what the portal itself found sold out is paid out otherwise."""
    shown = case.portal_return
    return tuple(line for line in shown.exchange_lines if not line.out_of_stock) if shown is not None else ()


def used(case: ReturnCase) -> int | None:
    """The returned value the portal says goes into new goods, None when it does not say.

    Where a price range lets a dearer item go for nothing (ReturnGO sheet §4), the portal's figure exceeds what came
    back; the excess is the merchant's allowance on the new goods and no returned value.
    """
    shown = case.portal_return
    if shown is None:
        return None
    told = shown.tenders.exchange_used
    if told is None:
        totals = [line.total for line in wanted(case)]
        if not totals or None in totals:
            return None
        told = sum(total or 0 for total in totals) - (shown.tenders.upsell_collected or 0)
    return max(0, told - _beyond(case, told))


def _beyond(case: ReturnCase, told: int) -> int:
    """What the portal's outcomes exceed the returned value by, as far as new goods do it."""
    shown = case.portal_return
    assert shown is not None, "only asked about a return the portal showed"
    values = [line.line_value for line in shown.lines]
    tenders = shown.tenders
    if not values or None in values or not told:
        return 0
    value = sum(value or 0 for value in values) + (tenders.shipping_refunded or 0) - (tenders.fee_withheld or 0)
    return max(0, min(told, (tenders.refund or 0) + (tenders.store_credit or 0) + told - value))


def unpaid(case: ReturnCase) -> int:
    """What the customer was billed for dearer new goods and has not paid yet."""
    shown = case.portal_return
    return (shown.tenders.upsell_due or 0) if shown is not None else 0


def wants(case: ReturnCase) -> bool:
    """Whether any of the return's value is to go into new goods."""
    return bool(wanted(case)) or bool(case.portal_return and case.portal_return.tenders.exchange_used)


def form(case: ReturnCase) -> Form:
    """How the portal carries it, as it shows now."""
    named = next((line for line in wanted(case) if line.order_ref is not None), None)
    if named is None:
        return Form.DRAFT if any(line.order_name for line in wanted(case)) else Form.PENDING
    if named.order_ref == case.case.order_ref:
        return Form.NATIVE
    moved = case.label_status in (LabelStatus.IN_TRANSIT, LabelStatus.DELIVERED) or case.stage is Stage.PROCESSED
    return Form.SEPARATE if moved or _any_here(case) else Form.INSTANT


def shop_order(case: ReturnCase) -> tuple[str | None, str | None]:
    """Reference and name of the shop's own exchange order; (None, None) while it is a draft or on the original order."""
    if form(case) not in (Form.SEPARATE, Form.INSTANT):
        return None, None
    return next((line.order_ref, line.order_name) for line in wanted(case) if line.order_ref is not None)


# --- what it comes to -----------------------------------------------------------------------------------------------


def terms(case: ReturnCase, order: ErpOrder, mapping: Mapping, *, held: bool) -> ExchangeTerms:
    """The order's lines and what pays for them. ExchangeError when the portal's view is incomplete or does not add up.

    Lines of one SKU and price become one. What the goods cost beyond value used and money collected is an allowance,
    taken off the lines by their size, so that the order comes to exactly what pays for it.
    """
    lines = wanted(case)
    if not lines or any(line.sku is None or line.total is None for line in lines):
        raise ExchangeError("exchange_incomplete", "The portal names no item or no price for the exchange.")
    carried = used(case) or 0
    shown = case.portal_return
    collected = (shown.tenders.upsell_collected or 0) if shown is not None else 0
    gross = sum(line.total or 0 for line in lines)
    allowance = gross - carried - collected
    if allowance < 0 or (allowance and not _allowed(case, allowance)):
        words = f"The new goods cost {gross}, but {carried} of value and {collected} paid on top are named"
        raise ExchangeError("exchange_does_not_balance", f"{words} (minor units of {case.currency}).")
    items = _items(lines, order, mapping)
    if allowance:
        off = allocate(allowance, [item.gross for item in items])
        items = tuple(replace(item, gross=item.gross - part) for item, part in zip(items, off, strict=True))
    return ExchangeTerms(items=items, carried_over=carried, collected=collected, allowance=allowance, held=held)


def _allowed(case: ReturnCase, allowance: int) -> bool:
    """Whether the difference is what the portal itself gave away."""
    shown = case.portal_return
    told = shown.tenders.exchange_used if shown is not None else None
    return told is not None and _beyond(case, told) == allowance


def _items(lines: tuple[ExchangeLine, ...], order: ErpOrder, mapping: Mapping) -> tuple[ExchangeItem, ...]:
    groups: dict[tuple[str, int], list[ExchangeLine]] = {}
    for line in lines:
        groups.setdefault((line.sku or "", (line.total or 0) // line.qty), []).append(line)
    items = []
    for number, ((sku, _), members) in enumerate(groups.items(), start=1):
        held = mapping.sku(sku)
        if held is None:
            raise ExchangeError("exchange_sku_not_found", f"The new item {sku} has no number in the ERP mapping.")
        sold = next((line for line in order.lines if line.sku.casefold() == held.casefold()), None)
        items.append(
            ExchangeItem(
                line_no=number,
                sku=held,
                quantity=sum(line.qty for line in members),
                gross=sum(line.total or 0 for line in members),
                item_ref=sold.item_ref if sold is not None else None,
            )
        )
    return tuple(items)


# --- how far it is --------------------------------------------------------------------------------------------------


def order_step(case: ReturnCase) -> Step | None:
    """The newest exchange order, in whatever state."""
    asked = case.named("CreateExchangeOrder")
    return asked[-1] if asked else None


def withdrawal(case: ReturnCase, order: Step) -> Step | None:
    """The step that withdraws this exchange order."""
    return case.steps.get(order.step.replace("exchange-", "exchange-cancel-"))


def release(case: ReturnCase, order: Step) -> Step | None:
    """The step that lets this exchange order ship."""
    return case.steps.get(order.step.replace("exchange-", "exchange-release-"))


def standing(case: ReturnCase) -> Step | None:
    """The exchange order that stands in the ERP; None before it is made, and once it is withdrawn."""
    order = order_step(case)
    if order is None or order.state is not StepState.DONE:
        return None
    gone = withdrawal(case, order)
    return order if gone is None or gone.state is not StepState.DONE else None


def by_hand(case: ReturnCase) -> bool:
    """Whether a person takes care of the exchange order, having accepted that we cannot."""
    return any(kind in case.accepted_differences for kind in _MADE_BY_HAND)


def given_up(case: ReturnCase) -> bool:
    """Whether the customer gets something else instead."""
    return why_given_up(case) is not None


def why_given_up(case: ReturnCase) -> str | None:
    """Who accepted that, and why."""
    return next((case.accepted_differences[kind] for kind in _GIVEN_UP if kind in case.accepted_differences), None)


def value_used(case: ReturnCase) -> int:
    """Returned value that has gone into new goods: nothing before their order stands or a person made it."""
    if given_up(case) or not wants(case):
        return 0
    if standing(case) is not None and case.exchange is not None:
        return case.exchange.carried_over
    return (used(case) or 0) if by_hand(case) else 0


def given_back(case: ReturnCase) -> int:
    """Everything the customer has got for the returned goods: confirmed money, store credit and new goods."""
    return case.money_out + value_used(case)


def refused_outright(case: ReturnCase) -> bool:
    """Whether everything came and the inspection took nothing of it back: then no new goods are owed."""
    return bool(case.units) and all(
        unit.reception is Reception.RECEIVED and unit.acceptance is Acceptance.REJECTED for unit in case.units
    )


def concluded(case: ReturnCase) -> bool:
    """Whether nothing is left to do about the exchange: none wanted, given up, by hand, or on its way."""
    if not wants(case) or by_hand(case) or given_up(case):
        return True
    order = standing(case)
    if order is None or case.exchange is None:
        return False
    let_go = release(case, order)
    return not case.exchange.held or (let_go is not None and let_go.state is StepState.DONE) or _let_go_by_hand(case)


def _let_go_by_hand(case: ReturnCase) -> bool:
    return "release_exchange_by_hand" in case.accepted_differences


def _any_here(case: ReturnCase) -> bool:
    return any(unit.reception is Reception.RECEIVED for unit in case.units)
