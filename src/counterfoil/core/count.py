"""Counting parcels: which physical unit a warehouse line stands for (warehouse sheet §3).

A receipt's higher revision replaces the lower one, so a receipt is counted against what it claimed before: only the
difference moves units. Units beyond what was authorised are kept apart and never post by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec.structs import replace

from counterfoil.core.bundles import unpacked
from counterfoil.core.case import (
    Acceptance,
    CountedReceipt,
    Reception,
    ReturnCase,
    UnexpectedUnits,
    Unit,
    receipt_key,
)
from counterfoil.core.receipts import FoundUnits, Inspection, Receipt, ReceiptKind, ReceiptLine
from counterfoil.core.returns import Disposition

_NEVER_ACCEPTED = (Disposition.RETURN_TO_CUSTOMER, Disposition.MISSING)
_OPEN = (Reception.EXPECTED, Reception.IN_TRANSIT, Reception.LOST)


def count_receipt(case: ReturnCase, receipt: Receipt) -> ReturnCase:
    """Take a warehouse message into the case, whatever order the messages come in."""
    match receipt.event_type:
        case ReceiptKind.CLOSED:
            return replace(case, receiving_closed=True)
        case ReceiptKind.REVERSED:
            return _reverse(case, receipt)
    case = _seen(case, receipt)
    known = _known(case, receipt)
    if known is not None and not _supersedes(known, receipt):
        return _conflicting(case, known, receipt)
    return _count(case, known, receipt)


def _seen(case: ReturnCase, receipt: Receipt) -> ReturnCase:
    """Goods are here since the earliest message, whichever comes first."""
    here = receipt.received_at or receipt.occurred_at
    return replace(case, first_receipt_at=min(case.first_receipt_at or here, here))


def _known(case: ReturnCase, receipt: Receipt) -> CountedReceipt | None:
    key = receipt_key(receipt.source, receipt.receipt_id)
    return next((counted for counted in case.receipts if counted.key == key), None)


def _supersedes(known: CountedReceipt, new: Receipt) -> bool:
    """A higher revision does; so does the inspection of what was so far only counted."""
    old = known.receipt
    if new.revision != old.revision:
        return new.revision > old.revision
    return new.event_type is ReceiptKind.INSPECTED and old.event_type is ReceiptKind.RECEIVED


def _content(receipt: Receipt) -> bytes:
    return msgspec.json.encode((receipt.event_type, receipt.warehouse_code, receipt.lines))


def _conflicting(case: ReturnCase, known: CountedReceipt, new: Receipt) -> ReturnCase:
    """Two contents under one revision: the first stays, a person must look (RECEIPT_CONFLICT)."""
    same = new.revision == known.receipt.revision and new.event_type is known.receipt.event_type
    if not same or _content(new) == _content(known.receipt):
        return case  # an older message that came late, or a repeat
    sentence = f"receipt {new.receipt_id} revision {new.revision} came twice with different contents"
    return _stored(case, replace(known, conflict=sentence))


def _stored(case: ReturnCase, counted: CountedReceipt) -> ReturnCase:
    others = tuple(known for known in case.receipts if known.key != counted.key)
    return replace(case, receipts=(*others, counted))


def _reverse(case: ReturnCase, receipt: Receipt) -> ReturnCase:
    """Mark the receipt undone. Units not yet booked are freed at once; booked ones wait for the ERP's reversal."""
    key = receipt_key(receipt.source, receipt.reverses_receipt_id or receipt.receipt_id)
    known = next((counted for counted in case.receipts if counted.key == key), None)
    if known is None and receipt.reverses_receipt_id in (None, receipt.receipt_id):
        return case  # a running total of nothing, before anything was counted: what follows counts
    if known is None:  # the reversal was quicker than its receipt, which must not count when it comes
        return replace(case, early_reversals=(*case.early_reversals, key))
    if receipt.reverses_receipt_id == receipt.receipt_id and receipt.revision < known.receipt.revision:
        return case  # an older total of nothing that was taken up late (warehouse sheet §3.10)
    units = tuple(
        _freed(unit) if _of(unit, key) and unit.posted_by is None and unit.credited_by is None else unit
        for unit in case.units
    )
    unexpected = tuple(extra for extra in case.unexpected if not extra.receipt.startswith(f"{key}/"))
    return _stored(replace(case, units=units, unexpected=unexpected), replace(known, reversed=True))


def _of(unit: Unit, key: str) -> bool:
    return unit.receipt is not None and unit.receipt.rsplit("/", 1)[0] == key


def _freed(unit: Unit) -> Unit:
    return replace(
        unit,
        reception=Reception.IN_TRANSIT,
        acceptance=Acceptance.UNDECIDED,
        receipt=None,
        disposition=None,
        condition=None,
        grade=None,
        location=None,
        lot=None,
        serial=None,
    )


def _count(case: ReturnCase, known: CountedReceipt | None, receipt: Receipt) -> ReturnCase:
    inspected = receipt.event_type is ReceiptKind.INSPECTED
    counted = CountedReceipt(
        receipt=receipt, inspected=inspected, conflict=known.conflict if known is not None else None
    )
    key = counted.key
    if key in case.early_reversals:
        return _stored(case, replace(counted, reversed=True))
    case = replace(case, unexpected=tuple(e for e in case.unexpected if not e.receipt.startswith(f"{key}/")))
    wanted = frozenset(unit.sku.casefold() for unit in case.units if unit.sku is not None)
    for line in (part for whole in receipt.lines for part in unpacked(case.order, whole, wanted)):
        case, wrong = _count_line(case, f"{key}/{line.line_id}", line, receipt)
        if wrong:
            counted = replace(counted, bad_sum=wrong)
    return _stored(case, counted)


def _count_line(case: ReturnCase, slot: str, line: ReceiptLine, receipt: Receipt) -> tuple[ReturnCase, str | None]:
    held = [unit for unit in case.units if unit.receipt == slot]
    missing = line.received_quantity - len(held)
    if missing < 0:
        held = _let_go(held, -missing)
    elif missing > 0:
        held += _candidates(case, line)[:missing]
    over = line.received_quantity - len(held)
    if over > 0:
        case = _unexpected(case, slot, line, over)
    held, beyond = held[: line.received_quantity], held[line.received_quantity :]
    fates, wrong = _fates(line, len(held))
    marked = {unit.unit_id: _marked(unit, slot, fate, line, receipt) for unit, fate in zip(held, fates, strict=True)}
    kept = {unit.unit_id for unit in (*held, *beyond)}
    released = {u.unit_id for u in case.units if u.receipt == slot and u.unit_id not in kept and u.posted_by is None}
    units = tuple(
        marked.get(unit.unit_id) or (_freed(unit) if unit.unit_id in released else unit) for unit in case.units
    )
    changed = _changed_after_posting(case.units, units)
    if beyond:
        changed = f"receipt {receipt.receipt_id} now counts {line.received_quantity} of {line.sku}, more are booked"
    return replace(case, units=units, disposition_changed=changed or case.disposition_changed), wrong


def _let_go(held: list[Unit], number: int) -> list[Unit]:
    """Keep what is booked; of the rest the last counted go first."""
    free = [unit for unit in held if unit.posted_by is None and unit.credited_by is None]
    gone = {unit.unit_id for unit in free[len(free) - min(number, len(free)) :]}
    return [unit for unit in held if unit.unit_id not in gone]


def _candidates(case: ReturnCase, line: ReceiptLine) -> list[Unit]:
    """Open units this line can stand for: the line it names, else its SKU, in line order (warehouse sheet §3.3)."""
    open_units = [unit for unit in case.units if unit.receipt is None and unit.reception in _OPEN]
    if line.rma_line_ref is not None:
        named = [unit for unit in open_units if unit.line_id == line.rma_line_ref]
        if named:
            return named
    if line.sku is None:
        return []
    return [unit for unit in open_units if unit.sku is not None and unit.sku.casefold() == line.sku.casefold()]


def _unexpected(case: ReturnCase, slot: str, line: ReceiptLine, over: int) -> ReturnCase:
    wanted = {unit.sku.casefold() for unit in case.units if unit.sku is not None}
    known = {sold.sku.casefold() for sold in (case.order.lines if case.order else ()) if sold.sku is not None}
    sku = (line.sku or "").casefold()
    kind = "over_receipt" if sku in wanted else "wrong_item" if sku in known else "sku_unknown"
    extra = UnexpectedUnits(receipt=slot, kind=kind, sku=line.sku or line.barcode, quantity=over)
    return replace(case, unexpected=(*case.unexpected, extra))


Fate = tuple[FoundUnits | None, bool]


def _fates(line: ReceiptLine, units: int) -> tuple[list[Fate], str | None]:
    """For each unit what was found and whether it was rejected; None while it is not inspected.

    A sum that does not add up decides nothing for the whole line (DISPOSITION_SUM).
    """
    if line.inspection_status is Inspection.PENDING:
        return [(None, False)] * units, None
    found = sum(part.quantity for part in line.dispositions)
    if found + line.rejected_quantity != line.received_quantity:
        sentence = (
            f"line {line.line_id}: {line.received_quantity} received, {line.rejected_quantity} rejected, "
            f"but the dispositions add up to {found}"
        )
        return [(None, False)] * units, sentence
    fates: list[Fate] = [(each, False) for part in line.dispositions for each in _one_by_one(part)]
    fates += [(None, True)] * line.rejected_quantity
    return fates[:units], None


def _one_by_one(part: FoundUnits) -> Iterator[FoundUnits]:
    """Each unit of a part with the serial number that is its own (R20); a list of another length is nobody's."""
    own = part.serial_numbers if len(part.serial_numbers) == part.quantity else ("",) * part.quantity
    for serial in own:
        yield replace(part, quantity=1, serial_numbers=(serial,) if serial else ())


def _marked(unit: Unit, slot: str, fate: Fate, line: ReceiptLine, receipt: Receipt) -> Unit:
    found, rejected = fate
    unit = replace(unit, receipt=slot, reception=Reception.RECEIVED, warehouse=receipt.warehouse_code)
    if rejected:
        return replace(unit, acceptance=Acceptance.REJECTED, disposition=Disposition.RETURN_TO_CUSTOMER)
    if found is None:
        return replace(unit, acceptance=Acceptance.UNDECIDED, disposition=None)
    unit = replace(
        unit,
        disposition=found.disposition,
        condition=found.condition,
        grade=found.grade,
        location=found.location_code,
        lot=found.lot_number,
        serial=found.serial_numbers[0] if found.serial_numbers else None,
    )
    if found.disposition is Disposition.MISSING:
        return replace(unit, reception=Reception.LOST, acceptance=Acceptance.REVIEW)
    if found.condition == "wrong_item" or found.disposition in _NEVER_ACCEPTED:
        return replace(unit, acceptance=Acceptance.REJECTED)
    return replace(unit, acceptance=Acceptance.ACCEPTED)


def _changed_after_posting(before: Iterable[Unit], after: Iterable[Unit]) -> str | None:
    for old, new in zip(before, after, strict=True):
        if old.posted_by is not None and old.disposition is not new.disposition:
            was = old.disposition.value if old.disposition else "nothing"
            now = new.disposition.value if new.disposition else "nothing"
            return f"unit {old.unit_id} was booked as {was} and is now {now}"
    return None
