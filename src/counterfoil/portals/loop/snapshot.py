"""One return as Loop shows it, in any of its typings, read into the normalised form (Loop sheet §4.1–§4.3).

Webhook, list row and details give the same return with different types: ids as text or numbers, amounts as text or
numbers, the exchange per line or at the top. What is blank, null or absent reads as unknown; what cannot be read
raises UnreadableError and the return is set aside with its bytes.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import TypeVar

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.core.returns import (
    Disposition,
    ExchangeLine,
    LabelStatus,
    PortalRefund,
    PortalReturn,
    ReturnLine,
    Stage,
    Tenders,
)
from counterfoil.portals.loop.words import DISPOSITIONS, LABEL_STATUSES, STAGES

PORTAL = "loop"

# Every amount of a return that needs the return's currency to be read.
AMOUNT_FIELDS = (
    "return_total",
    "return_product_total",
    "return_discount_total",
    "return_tax_total",
    "exchange_total",
    "exchange_credit_total",
    "gift_card",
    "handling_fee",
    "refund",
    "upsell",
    "refund_shipping_total",
    "refund_shipping_tax_total",
)

T = TypeVar("T")


def read_return(row: Fields) -> PortalReturn:
    """The return this object describes. Raises UnreadableError for a missing id or an amount that cannot be read."""
    currency = currency_of(row)
    label = _label_of_record(row)
    return PortalReturn(
        portal=PORTAL,
        return_id=return_id_of(row),
        state=state_of(row),
        stage=STAGES.get(state_of(row), Stage.REQUESTED),
        order_ref=row.text("provider_order_id"),
        order_name=row.text("order_name"),
        currency=currency or "",
        created_at=moment(row, "created_at"),
        edited_at=moment(row, "edited_at"),
        lines=tuple(_line(line, currency) for line in row.each("line_items")),
        exchange_lines=_exchange_lines(row, currency),
        tenders=_tenders(row, currency),
        refunds=tuple(_refund(entry, currency) for entry in row.each("refunds")),
        label_status=label_status(label, "label_status"),
        tracking=label.text("tracking_number"),
        carrier=label.text("carrier"),
        country=_country(row),
    )


def return_id_of(row: Fields) -> str:
    """The return's id as text; the oldest page calls it `return_id`."""
    return row.text("id") or row.need("return_id")


def state_of(row: Fields) -> str:
    """Loop's word for the state, lower case; "" when it is not given."""
    return (row.text("state") or "").lower()


def currency_of(row: Fields) -> str | None:
    """The store's currency, in which every amount of the return is given."""
    currency = row.text("currency")
    return currency.upper() if currency else None


def amount(row: Fields, name: str, currency: str | None) -> int | None:
    """An amount in minor units; unknown when the currency is (a number without a currency is not money)."""
    return None if currency is None else row.amount(name, currency)


def moment(row: Fields, name: str) -> str | None:
    """A time in UTC, or None. A time that cannot be read costs nobody money and is left unknown (§5.6)."""
    try:
        return row.moment(name)
    except (UnreadableError, OverflowError):
        return None


def label_status(row: Fields, name: str) -> LabelStatus | None:
    """Our word for a label status; None for "N/A", blanks and words we do not know."""
    return _in(LABEL_STATUSES, row.text(name))


def disposition(line: Fields) -> Disposition | None:
    """Our word for the line's disposition; None when nobody inspected it."""
    given = nested(line, "disposition")
    return _in(DISPOSITIONS, given.text("disposition_outcome")) if given else None


def labels_of(row: Fields) -> list[Fields]:
    """Every label of a return once, with the names of the top-level fields (`label_status`, `label_updated_at`).

    The top level is the label of record: an older word for the same parcel in `labels[]` does not contradict it.
    """
    named = [
        Fields({**part.data, "label_status": part.raw("status"), "label_updated_at": part.raw("updated_at")}, part.path)
        for part in row.each("labels")
    ]
    if not _says_something(row):
        return named
    of_record = row.text("tracking_number")
    return [row, *(label for label in named if label.text("tracking_number") not in (None, of_record))]


def _says_something(row: Fields) -> bool:
    return row.text("tracking_number") is not None or row.text("label_status") is not None


def _label_of_record(row: Fields) -> Fields:
    """The top-level label, else the label that moved last, else the row (which then says nothing)."""
    labels = labels_of(row)
    if not labels or labels[0] is row:
        return row
    return max(labels, key=lambda label: moment(label, "label_updated_at") or "")


def nested(row: Fields, name: str) -> Fields | None:
    """A nested object. PHP writes an empty one as `[]`, which is nothing."""
    return None if row.raw(name) == [] else row.child(name)


def _line(line: Fields, currency: str | None) -> ReturnLine:
    gross, discount, tax = (amount(line, name, currency) for name in ("price", "discount", "tax"))
    known = gross is not None and discount is not None and tax is not None
    condition = nested(line, "condition")
    return ReturnLine(
        line_id=line.need("line_item_id"),
        order_line_ref=line.text("provider_line_item_id"),
        sku=line.text("sku"),
        qty=1,  # §1.6: one line for each returned unit
        gross=gross,
        discount=discount,
        tax=tax,
        line_value=(gross or 0) - (discount or 0) + (tax or 0) if known else None,  # §4.2
        cash_refund=amount(line, "refund", currency),
        line_outcome=line.text("outcome"),
        reason=line.text("return_reason"),
        reason_parent=line.text("parent_return_reason"),
        disposition=disposition(line),
        grade=(condition.text("condition_category") or "").lower() or None if condition else None,
    )


def _exchange_lines(row: Fields, currency: str | None) -> tuple[ExchangeLine, ...]:
    """The new items. Details names the exchange order at the top level and may have no lines (§4.3)."""
    lines = tuple(_exchange_line(line, i, row, currency) for i, line in enumerate(row.each("exchanges"), start=1))
    order_ref, order_name = (row.text("exchange_order_id"), row.text("exchange_order_name"))
    if lines or (order_ref is None and order_name is None):
        return lines
    whole = ExchangeLine(
        exchange_id=order_ref or order_name or "",
        total=amount(row, "exchange_total", currency),
        order_ref=order_ref,
        order_name=order_name,
    )
    return (whole,)


def _exchange_line(line: Fields, position: int, row: Fields, currency: str | None) -> ExchangeLine:
    order_ref = line.text("exchange_order_id") or row.text("exchange_order_id")
    return ExchangeLine(
        exchange_id=line.text("exchange_id") or f"{order_ref or 'exchange'}-{position}",
        sku=line.text("sku"),
        total=amount(line, "total", currency),
        order_ref=order_ref,
        order_name=line.text("exchange_order_name") or row.text("exchange_order_name"),
        out_of_stock=line.flag("out_of_stock") is True,
    )


def _tenders(row: Fields, currency: str | None) -> Tenders:
    shipping = [amount(row, name, currency) for name in ("refund_shipping_total", "refund_shipping_tax_total")]
    return Tenders(
        refund=amount(row, "refund", currency),
        store_credit=amount(row, "gift_card", currency),
        exchange_used=_exchange_used(row, currency),
        upsell_collected=amount(row, "upsell", currency),
        fee_withheld=amount(row, "handling_fee", currency),
        shipping_refunded=None if shipping[0] is None else sum(part or 0 for part in shipping),
    )


def _exchange_used(row: Fields, currency: str | None) -> int | None:
    """The part of the return's value that went into new items: the upsell is the customer's own money (§4.1, §8)."""
    used = amount(row, "exchange_credit_total", currency)
    total, upsell = (amount(row, "exchange_total", currency), amount(row, "upsell", currency))
    if used is not None or total is None:
        return used
    return total - (upsell or 0)


def _refund(entry: Fields, currency: str | None) -> PortalRefund:
    """Money that moved; its currency may differ from the return's (§8)."""
    own = currency_of(entry) or currency
    if own is None:
        raise UnreadableError(f"{entry.where('currency')} is missing")
    moved = entry.amount("amount", own)
    if moved is None:
        raise UnreadableError(f"{entry.where('amount')} is missing")
    return PortalRefund(gateway=entry.text("gateway"), amount=moved, currency=own, ref=entry.text("provider_refund_id"))


def _country(row: Fields) -> str | None:
    """Where the parcel comes from: the list says it itself, elsewhere the address does."""
    given = row.text("origin_country_code")
    address = nested(row, "address") if given is None else None
    return given or (address.text("country_code") if address else None)


def _in(words: Mapping[str, T], text: str | None) -> T | None:
    return words.get(text.lower()) if text else None


def unknown_words(row: Fields) -> Sequence[tuple[str, str]]:
    """Words of Loop's that our tables do not have, each with where it stands: they pass, but somebody should know."""
    given: list[tuple[str, str | None, Container[str]]] = [("state", row.text("state"), STAGES)]
    given += [(label.where("label_status"), label.text("label_status"), LABEL_STATUSES) for label in labels_of(row)]
    for line in row.each("line_items"):
        inspected = nested(line, "disposition")
        if inspected:
            where = inspected.where("disposition_outcome")
            given.append((where, inspected.text("disposition_outcome"), DISPOSITIONS))
    return [(where, word) for where, word, table in given if word and word.lower() not in table]
