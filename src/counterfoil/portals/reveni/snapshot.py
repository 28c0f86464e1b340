"""One return as Reveni shows it, read into the normalised form and what our form has no place for (Reveni sheet §6).

What is blank, null or absent reads as unknown; what cannot be read raises UnreadableError, and the return is set aside
with its bytes. Nothing here decides: `facts` says what happened, `doubts` what a person should know.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import msgspec

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.core.returns import (
    Disposition,
    ExchangeLine,
    LabelStatus,
    PortalRefund,
    PortalReturn,
    ReturnLine,
    Stage,
)
from counterfoil.portals.reveni.items import Item, read_items
from counterfoil.portals.reveni.mapping import Move, PaidBy, ReveniMapping, normal
from counterfoil.portals.reveni.money import Payment, Summary, read_payments, read_summary, tenders
from counterfoil.portals.reveni.paths import Mapped

PORTAL = "reveni"

_DASHED = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_STAGES = {
    Move.AUTHORISED: Stage.AUTHORISED,
    Move.PROCESSED: Stage.PROCESSED,
    Move.REJECTED: Stage.CANCELLED,  # closed without credit; the reason is in the lines
    Move.CANCELLED: Stage.CANCELLED,
}


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One view of a return. `move` None: a status we do not know; `instant` None: Reveni did not say.

    `whole` is false for a row of the list, which has no items and is believed only for its id and status.
    """

    portal_return: PortalReturn
    move: Move | None
    kind: str
    instant: bool | None
    whole: bool
    items: tuple[Item, ...]
    payments: tuple[Payment, ...]
    summary: Summary
    exchange_total: int | None
    exchange_currency: str | None

    @property
    def return_id(self) -> str:
        """Reveni's id of the return."""
        return self.portal_return.return_id

    @property
    def undecided(self) -> bool:
        """Whether the merchant still may accept or reject."""
        return self.move is Move.AUTHORISED


def read_return(fields: Fields, mapping: ReveniMapping) -> Seen:
    """The return this object describes. Raises UnreadableError for a missing id or an amount that cannot be read."""
    row = Mapped(fields, mapping)
    currency = currency_of(row)
    state = normal(row.word("status"))
    move = mapping.status(state)
    items = read_items(row, currency)
    payments, summary = (read_payments(row, currency), read_summary(row, currency))
    shown = PortalReturn(
        portal=PORTAL,
        return_id=tidy_id(row.need("id")),
        state="cancelled" if state == "canceled" else state,
        stage=_STAGES.get(move, Stage.REQUESTED) if move is not None else Stage.REQUESTED,
        order_ref=row.text("order_ref"),
        order_name=row.text("order_name"),
        currency=currency or "",
        created_at=row.moment("created_at"),
        edited_at=row.moment("updated_at"),
        lines=tuple(_line(item) for item in items),
        exchange_lines=tuple(line for item in items for line in _exchange_lines(item, row)),
        tenders=tenders(summary, payments, currency),
        refunds=tuple(_refund(payment, mapping) for payment in payments if payment.moved),
        instant=_instant(row, payments),
        decide_by=_decide_by(row, mapping.decide_within_days),
        label_status=_label_status(row, state),
        tracking=row.text("tracking"),
        carrier=row.text("carrier"),
    )
    exchange_currency = row.text("exchange_order_currency") or currency
    return Seen(
        portal_return=shown,
        move=move,
        kind=normal(row.word("type")),
        instant=_instant(row, payments),
        whole=row.has("items"),
        items=items,
        payments=payments,
        summary=summary,
        exchange_total=row.amount("exchange_order_total", exchange_currency),
        exchange_currency=exchange_currency,
    )


def read_details(fields: Fields, mapping: ReveniMapping) -> Seen:
    """The same for an answer that must be whole: a return whose items we do not find would never be opened."""
    seen = read_return(fields, mapping)
    if not seen.whole:
        raise UnreadableError(f"{mapping.paths('items')[0]} is missing")
    return seen


def tidy_id(text: str) -> str:
    """A return's id as its 32 hex characters (sheet §1), also when it was written with dashes."""
    return text.replace("-", "").lower() if _DASHED.fullmatch(text) else text


def currency_of(row: Mapped) -> str | None:
    """The currency the order was paid in, in which every amount of the return is read."""
    currency = row.text("currency")
    return currency.upper() if currency else None


def _instant(row: Mapped, payments: tuple[Payment, ...]) -> bool | None:
    """Whether the shopper was paid before the goods came back; bank transfers are for those alone (sheet §4, mode)."""
    flag = row.flag("instant")
    if flag is not None:
        return flag
    mode = row.text("mode")
    if mode is not None:
        return normal(mode) == "instant"
    return True if any(payment.paid_by is PaidBy.PROVIDER for payment in payments) else None


def _decide_by(row: Mapped, days: int) -> str | None:
    """Until when an instant return can be refused, counted from the request (sheet §4); None where that is not said."""
    asked = row.moment("created_at")
    if asked is None:
        return None
    try:
        return (datetime.fromisoformat(asked) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:
        return None


def _line(item: Item) -> ReturnLine:
    """One row, for its whole quantity. `price` is what was paid for a unit, tax within (sheet §6)."""
    gross = None if item.price is None or item.discount is None else (item.price + item.discount) * item.quantity
    return ReturnLine(
        line_id=item.item_id,
        sku=item.sku,
        qty=item.quantity,
        gross=gross,
        discount=None if item.discount is None else item.discount * item.quantity,
        tax=None if item.tax is None else item.tax * item.quantity,
        line_value=item.value,
        line_outcome="exchange" if item.swap else "refund",
        reason=item.reason,
        disposition=_one_disposition(item),
    )


def _one_disposition(item: Item) -> Disposition | None:
    """What was decided, where it is the same for every unit: two answers for one line would misplace stock."""
    found = {disposition for disposition, _ in item.parts}
    decided = sum(units for _, units in item.parts)
    return next(iter(found)) if len(found) == 1 and decided == item.quantity else None


def _exchange_lines(item: Item, row: Mapped) -> tuple[ExchangeLine, ...]:
    """The new items, one for each unit: an exchange line has no quantity."""
    if item.swap is None:
        return ()
    units = item.swap.quantity
    return tuple(
        ExchangeLine(
            exchange_id=item.item_id if units == 1 else f"{item.item_id}-{unit}",
            sku=item.swap.sku,
            total=item.swap.price,
            order_ref=row.text("exchange_order_ref"),
            order_name=row.text("exchange_order_name"),
        )
        for unit in range(1, units + 1)
    )


def _refund(payment: Payment, mapping: ReveniMapping) -> PortalRefund:
    assert payment.amount is not None, "money that moved has an amount"
    return PortalRefund(
        gateway=gateway_of(payment, mapping),
        amount=payment.amount,
        currency=payment.currency,
        ref=reference_of(payment),
    )


def gateway_of(payment: Payment, mapping: ReveniMapping) -> str | None:
    """Reveni's clearing for what Reveni paid itself; otherwise the shop knows its gateway, and Reveni does not say."""
    return mapping.clearing if payment.paid_by is PaidBy.PROVIDER else None


def reference_of(payment: Payment) -> str | None:
    """What a refund is known by: by Reveni's id where Reveni paid, else by the shop's, which the shop will confirm."""
    if payment.paid_by is PaidBy.PROVIDER:
        return payment.refund_id
    return payment.external_id or payment.refund_id


def _label_status(row: Mapped, state: str) -> LabelStatus | None:
    """Where the parcel is: at the warehouse when the return's status says so, else what the parcel itself says."""
    by_return = row.mapping.parcel(state)
    word = row.text("delivery_status")
    by_parcel = row.mapping.delivery(word) if word else None
    return by_return if by_return is LabelStatus.DELIVERED else by_parcel or by_return
