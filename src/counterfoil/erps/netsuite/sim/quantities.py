"""How much of a line is left for the next document, always counted from the documents themselves (sheet §5, §6)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from counterfoil.erps.netsuite.sim.account import Account
from counterfoil.erps.netsuite.sim.book import Line, Record
from counterfoil.erps.netsuite.sim.values import ZERO, ref_id

BILLS = ("invoice", "cashSale")
REFUNDS = ("creditMemo", "cashRefund")
ONE = Decimal(1)


def units(line: Line) -> Decimal:
    """A line's quantity; a line without one (a discount) counts as one."""
    value = line.get("quantity")
    return value if isinstance(value, Decimal) else ONE


def made_from(record: Record, source_id: str, number: object) -> list[Line]:
    """The lines of a record that come from this line of a source; kit components are left out."""
    return [
        line
        for line in record.lines
        if ref_id(line.get("orderDoc")) == source_id
        and str(line.get("orderLine")) == str(number)
        and line.get("kitMemberOf") is None
    ]


def taken(account: Account, source: Record, line: Line, kinds: Iterable[str], besides: str | None = None) -> Decimal:
    """How much of a source line documents of these types already carry, not counting the one called `besides`."""
    total = ZERO
    for record in account.book.referring(source.id, kinds):
        if record.id == besides or is_void(record):
            continue
        for made in made_from(record, source.id, line["line"]):
            closed = record.kind == "returnAuthorization" and made.get("isClosed")
            total += received(account, record, made) if closed else units(made)
    return total


def is_void(record: Record) -> bool:
    """Whether a document no longer counts: voided, or cancelled."""
    return record.ref("status") == "V" or record.fields.get("_state") == "cancelled"


def received(account: Account, rma: Record, line: Line, besides: str | None = None) -> Decimal:
    """What was received on a return line. Without Advanced Receiving the refund is the receipt (sheet §5)."""
    kinds = ("itemReceipt",) if account.preferences.advanced_receiving else REFUNDS
    return taken(account, rma, line, kinds, besides)


def refunded(account: Account, rma: Record, line: Line, besides: str | None = None) -> Decimal:
    """What was credited or refunded of a return line."""
    return taken(account, rma, line, REFUNDS, besides)


def fulfilled(account: Account, order: Record, line: Line, besides: str | None = None) -> Decimal:
    """What of an order line was shipped."""
    return taken(account, order, line, ("itemFulfillment",), besides)


def billed(account: Account, order: Record, line: Line, besides: str | None = None) -> Decimal:
    """What of an order line was invoiced or sold for cash."""
    return taken(account, order, line, BILLS, besides)


def remaining(account: Account, source: Record, line: Line, target: str, besides: str | None = None) -> Decimal:
    """How much of a source line a new document of type `target` may still carry; never negative."""
    if line.get("isClosed") and target in {"itemReceipt", "itemFulfillment", *BILLS}:
        return ZERO
    match source.kind, target:
        case "salesOrder", "returnAuthorization":
            left = _returnable(account, source, line, besides)
        case "salesOrder", "itemFulfillment":
            left = units(line) - fulfilled(account, source, line, besides) if account.receivable(line) else ZERO
        case "salesOrder", _:
            left = units(line) - billed(account, source, line, besides)
        case "returnAuthorization", "itemReceipt":
            left = units(line) - received(account, source, line, besides) if account.receivable(line) else ZERO
        case "returnAuthorization", _:
            left = _refundable(account, source, line, besides)
        case _, "returnAuthorization":
            left = _returnable_from_bill(account, source, line, besides)
        case _:
            left = units(line) - taken(account, source, line, REFUNDS, besides)
    return max(left, ZERO)


def _returnable(account: Account, order: Record, line: Line, besides: str | None) -> Decimal:
    """Fulfilled or billed, minus what earlier returns took, from the order itself or from its bills (sheet §6)."""
    base = max(fulfilled(account, order, line), billed(account, order, line))
    gone = taken(account, order, line, ("returnAuthorization",), besides)
    for bill in account.book.referring(order.id, BILLS):
        for copy in made_from(bill, order.id, line["line"]):
            gone += taken(account, bill, copy, ("returnAuthorization",), besides)
    return base - gone


def _returnable_from_bill(account: Account, bill: Record, line: Line, besides: str | None) -> Decimal:
    own = units(line) - taken(account, bill, line, ("returnAuthorization",), besides)
    order = account.book.transaction(ref_id(line.get("orderDoc")))
    origin = order.line(line.get("orderLine")) if order is not None else None
    return own if order is None or origin is None else min(own, _returnable(account, order, origin, besides))


def _refundable(account: Account, rma: Record, line: Line, besides: str | None) -> Decimal:
    preferences = account.preferences
    in_advance = preferences.refund_in_advance_of_return or not preferences.advanced_receiving
    whole = in_advance or not account.receivable(line)
    if line.get("isClosed") and preferences.advanced_receiving:
        whole = False
    base = units(line) if whole else received(account, rma, line)
    return base - refunded(account, rma, line, besides)
