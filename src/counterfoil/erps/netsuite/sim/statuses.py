"""The status machines of the NetSuite sheet §5: letters computed from what the documents carry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from counterfoil.erps.netsuite.sim.account import Account
from counterfoil.erps.netsuite.sim.book import Record, links_of
from counterfoil.erps.netsuite.sim.quantities import billed, fulfilled, received, refunded, units
from counterfoil.erps.netsuite.sim.values import ZERO, ref_id, reference


@dataclass(frozen=True, slots=True)
class Progress:
    """One open line: ordered, moved (received or shipped) and settled (refunded or billed)."""

    ordered: Decimal
    moved: Decimal
    settled: Decimal
    goods: bool


def return_letter(lines: list[Progress]) -> str:
    """Rules 2 to 5 of sheet §5 for the lines of a return that are not closed."""
    goods = [line for line in lines if line.goods]
    some_received = any(line.moved > 0 for line in goods)
    all_received = all(line.moved >= line.ordered for line in goods)
    if all_received:
        return "G" if all(line.settled >= line.ordered for line in lines) else "F"
    if not some_received:
        return "B"
    return "E" if any(line.moved > line.settled for line in goods) else "D"


def order_letter(lines: list[Progress]) -> str:
    """The same machine for sales orders: shipped for received, billed for refunded (sheet §5)."""
    goods = [line for line in lines if line.goods]
    if lines and all(line.settled >= line.ordered for line in lines) and all(ln.moved >= ln.ordered for ln in goods):
        return "G"
    if all(line.moved >= line.ordered for line in goods):
        return "F"
    if not any(line.moved > 0 for line in goods):
        return "B"
    return "E" if any(line.moved > line.settled for line in goods) else "D"


def refresh_chain(account: Account, record: Record, seen: set[str] | None = None) -> None:
    """Bring a record and everything it was made from or applied to up to date."""
    seen = set() if seen is None else seen
    if record.id in seen:
        return
    seen.add(record.id)
    refresh(account, record)
    for target in sorted(links_of(record)):
        source = account.book.transaction(target)
        if source is not None:
            refresh_chain(account, source, seen)


def refresh(account: Account, record: Record) -> None:
    """Compute the derived fields of one record."""
    match record.kind:
        case "returnAuthorization":
            _refresh_return(account, record)
        case "salesOrder":
            _refresh_order(account, record)
        case "creditMemo":
            _refresh_credit(account, record)
        case "invoice":
            _refresh_invoice(account, record)
        case "customerRefund":
            _set_state(account, record, "R")
        case "customerDeposit":
            left = record.fields.get("payment", ZERO) - taken_of_deposit(account, record)
            record.fields["_left"] = left
            _set_state(account, record, "B" if left > 0 else "C")
        case "cashSale" | "cashRefund":
            _set_state(account, record, record.ref("status") or ("C" if record.kind == "cashSale" else "B"))
        case "itemFulfillment":
            _set_state(account, record, record.ref("status") or "C")


def _set_state(account: Account, record: Record, letter: str) -> None:
    status = reference(letter, record.schema.states.get(letter, letter))
    if record.fields.get("status") != status:
        record.fields["status"] = status
        record.fields["lastModifiedDate"] = account.now()
    account.book.touch(record)


def _refresh_return(account: Account, rma: Record) -> None:
    progress = []
    for line in rma.lines:
        line["quantityReceived"] = received(account, rma, line)
        line["quantityBilled"] = refunded(account, rma, line)
        if not line.get("isClosed"):
            settled, moved = line["quantityBilled"], line["quantityReceived"]
            progress.append(Progress(units(line), moved, settled, account.receivable(line)))
    for part in rma.parts:
        _refresh_part(rma, part, "quantityReceived")
    _set_state(account, rma, _held(rma) or _closed_or(rma, progress, return_letter))
    rma.fields["orderStatus"] = dict(rma.fields["status"])


def _refresh_part(record: Record, part: dict[str, object], name: str) -> None:
    """A kit component moves with its kit, in proportion (sheet §10)."""
    parent = record.line(part["kitMemberOf"])
    if parent is None:
        return
    whole, moved, own = units(parent), parent.get(name, ZERO), part["quantity"]
    assert isinstance(own, Decimal)
    part[name] = own * moved / whole if whole else ZERO


def _held(record: Record) -> str | None:
    """The state a document was put into; one whose lines are all closed waits for no approval (sheet §5, rule 1)."""
    if record.fields.get("_state") == "pending" and record.lines and all(ln.get("isClosed") for ln in record.lines):
        return None
    return {"pending": "A", "cancelled": "C", "closed": "H"}.get(str(record.fields.get("_state", "")))


def _closed_or(record: Record, progress: list[Progress], letter_of: Callable[[list[Progress]], str]) -> str:
    """All lines closed means H, unless everything had been refunded (or billed) before: then G (sheet §5, rule 1)."""
    if progress:
        return letter_of(progress)
    done = all(line["quantityBilled"] >= units(line) for line in record.lines)
    return "G" if done and record.lines else "H"


def _refresh_order(account: Account, order: Record) -> None:
    progress = []
    for line in order.lines:
        shipped, settled = fulfilled(account, order, line), billed(account, order, line)
        line["quantityFulfilled"], line["quantityBilled"] = shipped, settled
        line["quantityCommitted"] = max(units(line) - shipped, ZERO) if account.receivable(line) else ZERO
        line["quantityBackOrdered"] = ZERO
        if not line.get("isClosed"):
            progress.append(Progress(units(line), shipped, settled, account.receivable(line)))
    for part in order.parts:
        _refresh_part(order, part, "quantityFulfilled")
    _set_state(account, order, _held(order) or _closed_or(order, progress, order_letter))
    order.fields["orderStatus"] = dict(order.fields["status"])


def applied_to(account: Account, record: Record, besides: str | None = None) -> Decimal:
    """What refunds and credits have applied to this document (its own applications are not counted)."""
    total = ZERO
    for other in account.book.referring(record.id, ("customerRefund", "creditMemo", "depositApplication")):
        if other.id == besides or other.ref("status") == "V":
            continue
        for line in other.lists.get("apply", []):
            if line.get("apply") and ref_id(line.get("doc")) == record.id:
                total += line.get("amount", ZERO)
    return total


def taken_of_deposit(account: Account, deposit: Record) -> Decimal:
    """What was applied of a deposit to invoices or paid out of it."""
    used = account.book.referring(deposit.id, ("depositApplication",))
    return sum((each.fields.get("total", ZERO) for each in used if each.ref("deposit") == deposit.id), ZERO)


def own_applications(record: Record) -> Decimal:
    """What this document applies to others."""
    return sum((line.get("amount", ZERO) for line in record.lists.get("apply", []) if line.get("apply")), ZERO)


def _refresh_credit(account: Account, memo: Record) -> None:
    total = memo.fields.get("total", ZERO)
    used = own_applications(memo) + applied_to(account, memo)
    memo.fields.update(applied=used, amountPaid=used, amountRemaining=total - used, unapplied=total - used)
    _set_state(account, memo, "V" if memo.ref("status") == "V" else "A" if total - used > 0 else "B")


def _refresh_invoice(account: Account, invoice: Record) -> None:
    total = invoice.fields.get("total", ZERO)
    paid = invoice.fields.get("_paid", ZERO) + applied_to(account, invoice)
    invoice.fields.update(amountPaid=paid, amountRemaining=total - paid)
    _set_state(account, invoice, "A" if total - paid > 0 else "B")
