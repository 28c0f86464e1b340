"""From the confirmed exchange to new goods on their way (R100–R114, D12): stock, order, lease, release, withdrawal.

The order is made as soon as its parents stand and held until the agreed fact is there, so the goods are kept for the
customer meanwhile. That promise is a lease: it renews when the parcel moves, converts when the order is let go, and
frees the goods by itself when nothing comes (idea 14); the customer is then offered the agreed alternative.
"""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.core import exchange as ex
from counterfoil.core.case import Acceptance, Reception, ReturnCase, Step, StepState
from counterfoil.core.commands import CancelExchangeOrder, CheckStock, CreateExchangeOrder, ReleaseExchangeOrder
from counterfoil.core.documents import ExchangeTerms
from counterfoil.core.look import Finding, Look, Request, Wait, hours_after
from counterfoil.core.money import to_text
from counterfoil.core.phrases import number_of
from counterfoil.core.policy import ExchangeFallback, ExchangeRelease
from counterfoil.core.problems import Problem
from counterfoil.core.returns import LabelStatus, Stage

_FALLBACKS = {ExchangeFallback.REFUND: "a refund", ExchangeFallback.STORE_CREDIT: "store credit"}


def exchange(look: Look) -> Iterator[Finding]:
    """Everything that concerns the new goods."""
    case = look.case
    if case.stage in (Stage.CANCELLED, Stage.EXPIRED) or ex.refused_outright(case):
        yield from _withdraw(look, _why_ended(case))
    elif not ex.wants(case) or ex.given_up(case):
        yield from _withdraw(look, "the customer gets something else instead")
    elif case.stage is not Stage.REQUESTED and not ex.by_hand(case):
        yield from _carry(look)


def _why_ended(case: ReturnCase) -> str:
    if case.stage in (Stage.CANCELLED, Stage.EXPIRED):
        return f"the return is {case.stage.value}"
    return "the inspection refused the goods"


def _carry(look: Look) -> Iterator[Finding]:
    case = look.case
    if "create_exchange" not in look.agreement.erp_can:
        count = number_of(len(ex.wanted(case)), "exchange line")
        message = f"{count}: the exchange order has to be made in the ERP by hand."
        yield Problem(kind=ex.BY_HAND, message=message, units=len(ex.wanted(case)))
        return
    order = ex.order_step(case)
    if order is None or (order.state is StepState.DONE and ex.standing(case) is None):
        yield from _place(look)
    elif order.state is StepState.REQUESTED:
        yield Wait(rule="exchange_before_outcome", reason="the exchange order is being made in the ERP")
    elif order.state is StepState.DONE:
        yield from _changed(look)
        yield from _keep_or_let_go(look, order)


# --- placing it -----------------------------------------------------------------------------------------------------


def _place(look: Look) -> Iterator[Finding]:
    """Make the order once its parents stand (R108) and the goods are there (R109)."""
    case = look.case
    if case.erp_order is None or case.rma is None:
        yield Wait(rule="exchange_after_its_parents", reason="sales order and RMA must exist before the exchange order")
        return
    if _promise_ended(look):
        yield _unavailable(look, "Nothing was seen of the parcel in the agreed time, so the new goods were let go.")
        return
    if not ex.wanted(case):
        yield _unavailable(look, "The portal has no stock for the new goods any more.")
        return
    if ex.unpaid(case):
        bill = to_text(ex.unpaid(case), case.currency)
        yield Wait(rule="exchange_paid_before_order", reason=f"the customer pays {bill} {case.currency} on top")
        return
    reason = _let_go_because(look)
    try:
        terms = ex.terms(case, case.erp_order, look.mapping, held=reason is None)
    except ex.ExchangeError as error:
        yield Problem(kind=error.kind, message=str(error), currency=case.currency)
        return
    stock = list(_stock(look, terms))
    yield from stock
    if terms.held and not stock and "release_exchange" not in look.agreement.erp_can:
        why = "the ERP cannot release a held order, so the exchange order is made once"
        yield Wait(
            rule="exchange_released_when_agreed", reason=f"{why} {_fact_awaited(look)}", until=_lease_until(look)
        )
    elif not stock:
        yield _order(look, terms, reason)


def _order(look: Look, terms: ExchangeTerms, reason: str | None) -> Request:
    case = look.case
    assert case.erp_order is not None and case.rma is not None, "parents stand"
    shop_ref, shop_name = ex.shop_order(case)
    value = to_text(terms.gross, case.currency)
    because = f"the portal confirmed the exchange for goods of {value} {case.currency} (R100); "
    because += f"it may ship at once: {reason}" if reason else f"it is held until {_fact_awaited(look)} (D12)"
    return Request(
        command=CreateExchangeOrder(
            case=case.case,
            step=_next(case, "CreateExchangeOrder", "exchange"),
            order=case.erp_order,
            rma=case.rma.document,
            exchange_id=ex.wanted(case)[0].exchange_id,
            items=terms.items,
            currency=case.currency,
            carried_over=terms.carried_over,
            collected=terms.collected,
            held=terms.held,
            order_type=look.policy.exchange_order_type,
            shop_order_ref=shop_ref,
            shop_order_name=shop_name,
        ),
        rule="exchange_at_once",
        because=because,
        amount=terms.gross,
        exchange=terms,
    )


def _next(case: ReturnCase, name: str, word: str) -> str:
    """The next step name; one put back for a retry keeps its own."""
    for step in sorted(case.editions):
        if step.rsplit("-", 1)[0] == word and step not in case.steps:
            return step
    return f"{word}-{1 + len(case.named(name))}"


def _stock(look: Look, terms: ExchangeTerms) -> Iterator[Finding]:
    """Nothing when the goods are there; else the question, or what is missing (R109, R114)."""
    case = look.case
    if "check_stock" not in look.agreement.erp_can:
        return
    checks = case.named("CheckStock")
    last = checks[-1] if checks else None
    if last is not None and last.state is StepState.REFUSED:
        return  # the refusal itself is the problem; the order is not made on a guess
    if last is not None and last.state is StepState.REQUESTED:
        yield Wait(rule="exchange_needs_stock", reason="the ERP says what it can promise of the new goods")
        return
    again = hours_after(last.at, look.policy.exchange_recheck_hours) if last is not None and last.at else None
    if last is None or again is None or look.now >= again or _freed_since(case, last):
        yield _ask_for_stock(look, terms)
        return
    short = _short_of(terms, last)
    if short:
        yield Problem(
            kind=ex.OUT_OF_STOCK,
            message=f"{'; '.join(short)}. It is looked for again by itself; else offer {_fallback(look)}.",
            amount=terms.carried_over,
            currency=case.currency,
            units=sum(item.quantity for item in terms.items),
        )
        yield Wait(rule="exchange_needs_stock", reason="stock of the new goods comes in", until=again)


def _ask_for_stock(look: Look, terms: ExchangeTerms) -> Request:
    case = look.case
    assert case.erp_order is not None, "parents stand"
    skus = tuple(dict.fromkeys(item.sku for item in terms.items))
    step = _next(case, "CheckStock", "exchange-stock")
    return Request(
        command=CheckStock(case=case.case, step=step, order=case.erp_order, skus=skus),
        rule="exchange_needs_stock",
        because="an exchange is only promised for goods the ERP has and has not given to others (R109, R114)",
    )


def _freed_since(case: ReturnCase, check: Step) -> bool:
    """Whether an exchange order was withdrawn after this look at the stock."""
    ends = [step.at for step in case.named("CancelExchangeOrder") if step.state is StepState.DONE and step.at]
    return bool(ends) and (check.at or "") < max(ends)


def _short_of(terms: ExchangeTerms, check: Step) -> list[str]:
    """What is missing, in words. A figure over all depots counts for itself, else those of the depots together."""
    found = []
    wanted: dict[str, int] = {}
    for item in terms.items:
        wanted[item.sku] = wanted.get(item.sku, 0) + item.quantity
    for sku, quantity in wanted.items():
        levels = [level for level in check.stock if level.sku.casefold() == sku.casefold()]
        over_all = [level.available for level in levels if level.depot is None]
        there = over_all[0] if over_all else sum(max(0, level.available) for level in levels)
        if there < quantity:
            found.append(f"{sku}: {quantity} wanted, {max(0, there)} to be had")
    return found


# --- keeping it -----------------------------------------------------------------------------------------------------


def _changed(look: Look) -> Iterator[Finding]:
    """The portal's wish is no longer what was ordered."""
    case = look.case
    assert case.erp_order is not None and case.exchange is not None, "an order was made"
    if "exchange_changed_after_order" in case.accepted_differences:
        return
    try:
        now = ex.terms(case, case.erp_order, look.mapping, held=case.exchange.held)
    except ex.ExchangeError as error:
        yield Problem(kind=error.kind, message=str(error), currency=case.currency)
        return
    if now != case.exchange:
        was, is_ = (_spelled(one, case.currency) for one in (case.exchange, now))
        message = f"The exchange order was made for {was}; the portal now shows {is_}."
        yield Problem(kind="exchange_changed_after_order", message=message)


def _spelled(terms: ExchangeTerms, currency: str) -> str:
    goods = ", ".join(f"{item.quantity} × {item.sku}" for item in terms.items)
    return f"{goods} at {to_text(terms.gross, currency)} {currency}"


def _keep_or_let_go(look: Look, order: Step) -> Iterator[Finding]:
    case = look.case
    assert case.exchange is not None, "an order was made"
    if not case.exchange.held or ex.release(case, order) is not None or ex.withdrawal(case, order) is not None:
        return
    reason = _let_go_because(look)
    if reason is not None:
        yield from _let_go(look, order, reason)
        return
    if _promise_ended(look):
        yield from _withdraw(look, "nothing was seen of the parcel in the agreed time")
        return
    yield Wait(
        rule="exchange_released_when_agreed",
        reason=f"exchange order {order.number} is held until {_fact_awaited(look)}",
        until=_lease_until(look),
    )
    if ex.form(case) is ex.Form.INSTANT and "exchange_promised_early" not in case.accepted_differences:
        message = f"The portal made the exchange order at once; ours is held until {_fact_awaited(look)}."
        yield Problem(kind="exchange_promised_early", message=message)


def _let_go(look: Look, order: Step, reason: str) -> Iterator[Finding]:
    case = look.case
    if "release_exchange" not in look.agreement.erp_can:
        if "release_exchange_by_hand" not in case.accepted_differences:
            message = f"Exchange order {order.number} may ship ({reason}); it has to be released in the ERP by hand."
            yield Problem(kind="release_exchange_by_hand", subject=order.step, message=message)
        return
    assert order.document is not None, "the order stands"
    yield Request(
        command=ReleaseExchangeOrder(
            case=case.case,
            step=order.step.replace("exchange-", "exchange-release-"),
            exchange=order.document,
        ),
        rule="exchange_released_when_agreed",
        because=reason,
        amount=order.amount,
    )


def _let_go_because(look: Look) -> str | None:
    """The fact that lets the order ship (D12), None while it is missing."""
    case = look.case
    here = [unit for unit in case.units if unit.reception is Reception.RECEIVED]
    complete = bool(here) and (len(here) == len(case.units) or "short_receipt" in case.accepted_differences)
    match look.policy.exchange_release:
        case ExchangeRelease.ON_CONFIRM:
            return "the portal confirmed the exchange"
        case ExchangeRelease.ON_CARRIER_SCAN:
            moving = case.label_status in (LabelStatus.IN_TRANSIT, LabelStatus.DELIVERED)
            return "the carrier has the parcel" if moving or here else None
        case ExchangeRelease.ON_RECEIPT:
            return "the returned goods are here" if complete else None
        case ExchangeRelease.ON_INSPECTION:
            passed = all(unit.acceptance is Acceptance.ACCEPTED for unit in here)
            return "the returned goods passed the inspection" if complete and passed else None


def _fact_awaited(look: Look) -> str:
    return {
        ExchangeRelease.ON_CONFIRM: "the portal confirms the exchange",
        ExchangeRelease.ON_CARRIER_SCAN: "the carrier scans the parcel",
        ExchangeRelease.ON_RECEIPT: "the returned goods are here",
        ExchangeRelease.ON_INSPECTION: "the returned goods passed the inspection",
    }[look.policy.exchange_release]


# --- the lease ------------------------------------------------------------------------------------------------------


def _lease_until(look: Look) -> str | None:
    """How long the goods are kept: from the confirmation, anew from the carrier's scan; without end once goods came."""
    case = look.case
    if any(unit.reception is Reception.RECEIVED for unit in case.units) or _let_go_because(look) is not None:
        return None
    known = [moment for moment in (case.authorised_at, case.in_transit_at) if moment]
    undated = case.in_transit_at is None and case.label_status in (LabelStatus.IN_TRANSIT, LabelStatus.DELIVERED)
    hours = look.policy.exchange_lease_hours * (2 if undated else 1)  # some portals do not say when it was scanned
    return hours_after(max(known), hours) if known else None


def _promise_ended(look: Look) -> bool:
    until = _lease_until(look)
    return until is not None and look.now >= until


def _fallback(look: Look) -> str:
    return _FALLBACKS[look.policy.exchange_fallback]


def _unavailable(look: Look, why: str) -> Problem:
    """The promise cannot be kept; what the customer is offered instead is agreed beforehand."""
    amount = ex.used(look.case)
    return Problem(
        kind=ex.UNAVAILABLE,
        message=f"{why} Offer {_fallback(look)} instead.",
        amount=amount,
        currency=look.case.currency if amount is not None else None,
    )


# --- taking it back -------------------------------------------------------------------------------------------------


def _withdraw(look: Look, reason: str) -> Iterator[Finding]:
    """An exchange order whose return ended, or whose promise ran out, goes before it ships (R111)."""
    case = look.case
    order = ex.order_step(case)
    if order is None or order.state is StepState.REFUSED or ex.withdrawal(case, order) is not None:
        return
    if order.document is None:
        yield Wait(rule="exchange_before_withdrawal", reason="the exchange order is still being made; it goes then")
        return
    if "cancel_exchange" not in look.agreement.erp_can:
        if "cancel_exchange_by_hand" not in case.accepted_differences:
            message = f"Exchange order {order.number} must be withdrawn in the ERP by hand: {reason}."
            yield Problem(kind="cancel_exchange_by_hand", subject=order.step, message=message)
        return
    yield Request(
        command=CancelExchangeOrder(
            case=case.case,
            step=order.step.replace("exchange-", "exchange-cancel-"),
            exchange=order.document,
            reason=reason,
        ),
        rule="ended_return_ends_its_exchange",
        because=f"{reason}; the goods it holds are free again",
        amount=order.amount,
    )
