"""Saving a record: complete it, check it against everything the account enforces, then keep it.

All checks come before the first change, so a refused request leaves no trace.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import date
from decimal import Decimal

from counterfoil.erps.netsuite.sim import stock
from counterfoil.erps.netsuite.sim.account import Account
from counterfoil.erps.netsuite.sim.applying import (
    check_applications,
    complete_applications,
    draw_deposits,
    note_payment,
)
from counterfoil.erps.netsuite.sim.book import Line, Record, links_of
from counterfoil.erps.netsuite.sim.errors import USER_ERROR, Refusal, bad_value, needs_value, refusal, user_error
from counterfoil.erps.netsuite.sim.lines import RECEIVED_KINDS, complete_items, explode_kits, number_lines
from counterfoil.erps.netsuite.sim.quantities import made_from, remaining, units
from counterfoil.erps.netsuite.sim.schema import TRANSACTION_KINDS
from counterfoil.erps.netsuite.sim.statuses import refresh_chain
from counterfoil.erps.netsuite.sim.totals import PRICED, price
from counterfoil.erps.netsuite.sim.values import ZERO, as_decimal, plain, ref_id, reference, truth

_LEDGER_FREE = frozenset({"memo", "externalId", "otherRefNum", "lastModifiedDate", "email"})


def save(account: Account, record: Record, previous: Record | None = None) -> Record:
    """Keep a new or changed record. Raises Refusal, with nothing changed, when the account would not take it."""
    complete(account, record, previous)
    check(account, record, previous)
    record.made = record.made or previous is None
    commit(account, record, previous)
    return record


def complete(account: Account, record: Record, previous: Record | None = None) -> None:
    """Fill in everything NetSuite fills in: dates, numbers, defaults of the customer, lines, totals."""
    fields, now = record.fields, account.now()
    fields["lastModifiedDate"] = now
    if not record.schema.is_transaction:
        fields.setdefault("createdDate", now)
        return
    fields.setdefault("createdDate", now)
    fields.setdefault("tranDate", account.today().isoformat())
    _from_customer(account, record)
    fields.setdefault("exchangeRate", Decimal(1))
    _set_period(account, record, previous)
    number_lines(account, record)
    complete_items(account, record)
    explode_kits(account, record)
    if record.kind in PRICED:
        price(account, record)
    complete_applications(account, record, new=previous is None)
    number_lines(account, record)


def _from_customer(account: Account, record: Record) -> None:
    customer = account.book.get("customer", record.ref("entity") or record.ref("customer") or "")
    if customer is None:
        return
    for name in ("subsidiary", "currency"):
        value = customer.fields.get(name) or _only(account, name)
        if value is not None:
            record.fields.setdefault(name, value)


def _only(account: Account, kind: str) -> dict[str, str] | None:
    """The first currency or subsidiary of the account, for customers that name none."""
    known = account.book.all(kind)
    return reference(known[0].id, known[0].label) if known else None


def _set_period(account: Account, record: Record, previous: Record | None) -> None:
    """`postingPeriod` follows `tranDate` unless it was sent (sheet §8)."""
    fields = record.fields
    if not record.schema.posting:
        return
    moved = previous is not None and previous.fields.get("tranDate") != fields["tranDate"]
    same = previous is not None and previous.ref("postingPeriod") == record.ref("postingPeriod")
    if fields.get("postingPeriod") is None or (moved and same):
        period = account.period_of(date.fromisoformat(fields["tranDate"]))
        fields.pop("postingPeriod", None)
        if period is not None:
            fields["postingPeriod"] = reference(period.id, period.label)


def check(account: Account, record: Record, previous: Record | None = None) -> None:
    """Refuse what the account would refuse."""
    if account.book.external_id_taken(record, account.preferences):
        raise _duplicate(account, record)
    if not record.schema.is_transaction:
        return
    _check_required(record)
    account.check_period(record, changed=previous is not None and _same_ledger(record, previous))
    if previous is not None and previous.ref("postingPeriod") != record.ref("postingPeriod"):
        account.check_period(previous)
    _check_quantities(account, record, previous)
    if record.kind in RECEIVED_KINDS:
        _check_receipt(account, record)
    if record.kind == "returnAuthorization":
        _check_minimum(account, record)
    if record.kind == "salesOrder" and previous is None:
        _check_items(account, record)
    _check_places(account, record)
    _check_details(account, record)
    check_applications(account, record)
    if record.fields.get("total", ZERO) < 0:
        raise user_error("The total of the transaction must not be negative.")


def _duplicate(account: Account, record: Record) -> Exception:
    """A used external id: measured on customers; the form on transactions is a switch (sheet §7)."""
    if not record.schema.is_transaction:
        return user_error("This entity already exists.")
    text = "Error while accessing a resource. This record already exists."
    return refusal(400, text, account.preferences.duplicate_transaction_code)


def _check_required(record: Record) -> None:
    fields, kind = record.fields, record.kind
    if kind in PRICED and not fields.get("entity"):
        raise needs_value("Customer")
    if kind == "customerRefund":
        missing = [label for name, label in (("customer", "Customer"), ("account", "Account")) if not fields.get(name)]
        if missing:
            raise needs_value(*missing)
    if kind == "inventoryAdjustment":
        _check_adjustment(record)
    if kind == "customerDeposit" and not (fields.get("customer") and fields.get("payment", ZERO) > 0):
        raise needs_value("Customer", "Payment Amount")
    if kind in PRICED or kind in RECEIVED_KINDS:
        if not record.lines:
            raise user_error("You must enter at least one line item for this transaction.")
        if any(not line.get("item") for line in record.lines):
            raise needs_value("Item")


def _check_adjustment(record: Record) -> None:
    if not record.fields.get("account"):
        raise needs_value("Account")
    lines = record.lists.get("inventory", [])
    if not lines:
        raise user_error("You must enter at least one line item for this transaction.")
    for line in lines:
        if not line.get("item"):
            raise needs_value("Item")
        if not line.get("location") and not record.fields.get("adjLocation"):
            raise needs_value("Location")
        if not line.get("adjustQtyBy"):
            raise needs_value("Adjust Qty. By")


def _check_quantities(account: Account, record: Record, previous: Record | None) -> None:
    """No more than is left on each source line (sheet §6); two lines may share one source line."""
    for line in record.lines:
        quantity = line.get("quantity")
        if quantity is not None and quantity <= 0 and line.get("kitMemberOf") is None:
            raise user_error(f"Invalid quantity {plain(quantity)} on line {line.get('line')}.")
    sources = {(ref_id(line.get("orderDoc")), str(line.get("orderLine"))) for line in record.lines}
    for source_id, number in sorted((s, n) for s, n in sources if s is not None):
        source = account.book.transaction(source_id)
        origin = source.line(number) if source is not None else None
        if source is None or origin is None:
            continue
        wanted = sum((units(line) for line in made_from(record, source_id, number)), ZERO)
        already = _before(previous, source_id, number)
        left = remaining(account, source, origin, record.kind, besides=record.id)
        if wanted > left and wanted > already and not _overage_allowed(account, record):
            raise _too_many(record, wanted, left, number)


def _before(previous: Record | None, source_id: str, number: str) -> Decimal:
    """What the same record carried before: a change that adds nothing needs no room."""
    return sum((units(line) for line in made_from(previous, source_id, number)), ZERO) if previous else ZERO


def _overage_allowed(account: Account, record: Record) -> bool:
    return record.kind == "itemReceipt" and account.preferences.allow_over_receipt


def _too_many(record: Record, wanted: Decimal, left: Decimal, number: str) -> Exception:
    verb = {"itemReceipt": "receive", "returnAuthorization": "return", "itemFulfillment": "fulfill"}.get(record.kind)
    text = f"You cannot {verb or 'credit'} {plain(wanted)}: the quantity remaining on line {number} is {plain(left)}."
    return user_error(text)


def _check_receipt(account: Account, record: Record) -> None:
    """Locations, and one location for all components of a kit (sheet §6, §10)."""
    for line in record.lines:
        if line.get("location") is None and record.fields.get("location") is not None:
            line["location"] = record.fields["location"]
        if account.preferences.multi_location_inventory and not line.get("location"):
            raise needs_value("Location")
    for part in (line for line in record.lines if line.get("kitMemberOf") is not None):
        parent = record.line(part["kitMemberOf"])
        if parent is not None and ref_id(part.get("location")) != ref_id(parent.get("location")):
            raise user_error("All components of a kit must be received at one location.")


def _check_places(account: Account, record: Record) -> None:
    """A location that belongs to a subsidiary only serves that subsidiary's documents (OneWorld; wording inferred)."""
    subsidiary = record.ref("subsidiary")
    for name, line in [
        ("location", record.fields),
        *((f"item.items[{n}].location", ln) for n, ln in enumerate(record.lines)),
    ]:
        place = account.book.get("location", ref_id(line.get("location")) or "")
        owner = place.ref("subsidiary") if place is not None else None
        if place is not None and owner is not None and subsidiary is not None and owner != subsidiary:
            text = f"Invalid location reference key {place.id} for subsidiary {subsidiary}."
            raise refusal(400, f"Error while accessing a resource. {text}", USER_ERROR, path=name)


def _check_items(account: Account, record: Record) -> None:
    """A new order takes no item that was made inactive."""
    for number, line in enumerate(record.lines):
        item = account.book.item(ref_id(line.get("item")))
        if item is not None and truth(item.fields.get("isInactive", False)):
            raise Refusal(400, (bad_value(item.id, "item", f"item.items[{number}].item"),))


def _check_minimum(account: Account, record: Record) -> None:
    """*Enforce Minimum Quantity on Return Authorizations* (sheet §5)."""
    if not account.preferences.enforce_minimum_quantity_on_return_authorizations:
        return
    for line in record.lines:
        item = account.book.item(ref_id(line.get("item")))
        least = item.fields.get("minimumQuantity") if item is not None else None
        if least is not None and units(line) < least:
            raise user_error(f"The minimum quantity for {item.label if item else 'this item'} is {plain(least)}.")


def _check_details(account: Account, record: Record) -> None:
    """An inventory detail must add up to its line and name an inventory status that exists."""
    for line in [*record.lines, *record.lists.get("inventory", [])]:
        _check_detail(account, line, abs(line.get("adjustQtyBy", units(line))))


def _check_detail(account: Account, line: Line, quantity: Decimal) -> None:
    entries = stock.assignments(line)
    if not entries:
        return
    if sum((abs(as_decimal(entry.get("quantity")) or ZERO) for entry in entries), ZERO) != quantity:
        raise user_error("The total inventory detail quantity must be equal to the quantity of the line.")
    for entry in entries:
        status = ref_id(entry.get("inventoryStatus"))
        known = account.book.count("inventoryStatus") == 0 or account.book.get("inventoryStatus", status or "")
        if status is not None and not known:
            text = f"You have entered an Invalid Field Value {status} for the following field: inventoryStatus"
            raise refusal(400, f"Error while accessing resource: {text}", "INVALID_CONTENT")


def _same_ledger(record: Record, previous: Record) -> bool:
    """Whether only fields outside the ledger differ (sheet §8, *Allow Non-G/L Changes*)."""
    names = {n for n in {*record.fields, *previous.fields} if n not in _LEDGER_FREE and not n.startswith("cust")}
    return record.lists == previous.lists and all(record.fields.get(n) == previous.fields.get(n) for n in names)


def commit(account: Account, record: Record, previous: Record | None) -> None:
    """Keep the record, move the goods, and bring everything it touches up to date."""
    if record.schema.is_transaction and not record.fields.get("tranId"):
        record.fields["tranId"] = account.book.next_number(record.kind)
    before = set() if previous is None else links_of(previous)
    if previous is not None:
        stock.move(account, previous, -1)
    account.book.put(record)
    stock.move(account, record)
    if record.schema.is_transaction:
        refresh_chain(account, record)
        for source in filter(None, map(account.book.transaction, sorted(before - links_of(record)))):
            refresh_chain(account, source)
    if previous is None:
        note_payment(account, record)
        for application in list(draw_deposits(account, record)):
            commit(account, application, None)


def delete(account: Account, record: Record, reason_given: bool) -> None:
    """Remove a record. Raises Refusal when others depend on it, its period is shut, or a reason is required."""
    account.check_period(record)
    if account.preferences.deletion_reason_required and record.schema.is_transaction and not reason_given:
        raise needs_value("Deletion Reason")
    for line in record.lists.get("deposit", []):
        application = account.book.transaction(line.get("_application"))
        if application is not None:
            delete(account, application, reason_given=True)
    if record.schema.is_transaction and any(True for _ in account.book.referring(record.id, TRANSACTION_KINDS)):
        raise user_error("This transaction cannot be deleted because other transactions are linked to it.")
    links = links_of(record) if record.schema.is_transaction else set()
    stock.move(account, record, -1)
    account.book.remove(record)
    for source in filter(None, map(account.book.transaction, sorted(links))):
        refresh_chain(account, source)


def copy_of(record: Record) -> Record:
    """A private copy to change, so that a refusal leaves the kept record as it was."""
    return deepcopy(record)
