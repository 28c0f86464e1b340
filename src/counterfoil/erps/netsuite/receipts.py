"""Item receipts: units booked against a return authorisation, and taken back (NetSuite sheet §4.2, §5, §6).

A receipt line has one location, so units of one RMA line that go to two places need two receipts. The first carries
the external id of the step, the others the same with `.2`, `.3` …; their ids travel together, joined by commas.
REST has no `restock` (§4.2): where units go is said by the receiving location and the inventory status alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from counterfoil.adapterkit.parse import Fields
from counterfoil.core.commands import ReceiveStock, ReverseReceipt
from counterfoil.core.documents import DocumentLine, StockLine
from counterfoil.core.problems import Owner
from counterfoil.erps.netsuite import periods, wire
from counterfoil.erps.netsuite.authorisations import (
    closed_or_waiting,
    depot_not_mapped,
    location_of,
    read_authorisation,
)
from counterfoil.erps.netsuite.config import NetSuiteConfig
from counterfoil.erps.netsuite.errors import Meaning, outcome_of
from counterfoil.erps.netsuite.post import Desk, Plan, already, differs
from counterfoil.ports.outcomes import AlreadyDone, Done, Outcome, Refused, Unsupported

RECORD = "itemReceipt"

Placed = dict[str, list[StockLine]]  # RMA line -> the units of it in one receipt, all to one location


def receive(desk: Desk, command: ReceiveStock) -> Outcome:
    """Book the units. The RMA is read first: its open lines may differ from what we remember (§6)."""
    passes = place(serving(desk, command), command.lines)
    if isinstance(passes, Refused):
        return passes
    stranger = _stranger(desk, command)
    if stranger is not None:
        return stranger
    rma = read_authorisation(desk, command.rma)
    done: list[Done] = []
    for number, placed in enumerate(passes, start=1):
        plan = plan_receipt(desk, command, rma, placed, number)
        outcome = _one(desk, rma, plan, placed, careful=len(passes) > 1)
        if not isinstance(outcome, Done):
            return periods.explained(desk, outcome, RECORD, command.received_at)
        done.append(outcome)
        if number < len(passes):
            rma = read_authorisation(desk, command.rma)
    return _together(done)


def serving(desk: Desk, command: ReceiveStock) -> NetSuiteConfig:
    """The configuration with the locations of the subsidiary that sold the order."""
    return desk.config.serving(command.order.company)


def _stranger(desk: Desk, command: ReceiveStock) -> Refused | None:
    """Why one of the places belongs to another subsidiary, if one does."""
    config, company = serving(desk, command), command.order.company
    targets = sorted({place for line in command.lines if isinstance(place := target_of(config, line), str)})
    found = (desk.stranger(place, company, f"order {command.order.number}") for place in targets)
    return next((each for each in found if each is not None), None)


def _one(desk: Desk, rma: Fields, plan: Plan, placed: Placed, *, careful: bool) -> Outcome:
    """One receipt. What stands in the way may be our own earlier receipt, so that is looked for first."""
    obstacle = trouble(rma, placed)
    if obstacle is not None or careful:
        found = desk.peek(plan)
        if found is not None:
            return already(found)
    return obstacle or desk.deliver(plan)


def find_receipts(desk: Desk, command: ReceiveStock) -> Outcome | None:
    """What an earlier attempt booked. None unless every receipt is there: sending again then adds only the rest."""
    passes = place(serving(desk, command), command.lines)
    if isinstance(passes, Refused):
        return passes
    rma = read_authorisation(desk, command.rma)
    done: list[Done] = []
    for number, placed in enumerate(passes, start=1):
        found = desk.lookup(plan_receipt(desk, command, rma, placed, number))
        if found is None:
            return None
        if not isinstance(found, Done):
            return found
        done.append(found)
    return _together(done)


def _together(done: Sequence[Done]) -> Outcome:
    if len(done) == 1:
        return done[0]
    made = Done(
        ref=",".join(each.ref or "" for each in done),
        number=", ".join(each.number or "" for each in done),
        url=done[0].url,
        lines=tuple(line for each in done for line in each.lines),
        message=f"NetSuite needed {len(done)} receipts, one for each place the units went to.",
    )
    return already(made) if all(isinstance(each, AlreadyDone) for each in done) else made


# --- where units go ---------------------------------------------------------------------------------------------------


def place(config: NetSuiteConfig, lines: Sequence[StockLine]) -> list[Placed] | Refused:
    """Divide units into as few receipts as possible, with one location for each RMA line in each."""
    passes: list[Placed] = []
    for line in lines:
        target = target_of(config, line)
        if isinstance(target, Refused):
            return target
        fitting = (each for each in passes if _fits(config, each.get(line.rma_erp_line), target))
        chosen = next(fitting, None)
        if chosen is None:
            chosen = {}
            passes.append(chosen)
        chosen.setdefault(line.rma_erp_line, []).append(line)
    return passes


def _fits(config: NetSuiteConfig, there: list[StockLine] | None, target: str) -> bool:
    return not there or target_of(config, there[0]) == target


def target_of(config: NetSuiteConfig, line: StockLine) -> str | Refused:
    """The receiving location of units: by depot and disposition, or the write-off location."""
    if line.depot is None:
        if config.write_off_location:
            return config.write_off_location
        told = f"{line.quantity} of {line.sku} are written off, but no write-off location is configured."
        return Refused(message=told, kind="depot_not_mapped", owner=Owner.OPS)
    return location_of(config, line.depot, line.disposition.value) or depot_not_mapped(line.depot)


# --- writing ----------------------------------------------------------------------------------------------------------


def plan_receipt(desk: Desk, command: ReceiveStock, rma: Fields, placed: Placed, number: int) -> Plan:
    """One receipt: the units of `placed`, and every other open line named as not received."""
    external_id = wire.external_id(command.case, command.step + (f".{number}" if number > 1 else ""))
    key = desk.config.receipt_line_key
    rows: list[dict[str, Any]] = [
        {key: wire.line_key(line), "itemReceive": False} for line in open_lines(rma) if line not in placed
    ]
    rows += [_row(serving(desk, command), key, line, units) for line, units in placed.items()]
    memo = f"{command.warehouse} {command.warehouse_ref}".strip()
    return Plan(
        record_type=RECORD,
        external_id=external_id,
        path=f"{wire.RECORDS}/returnAuthorization/{command.rma.ref}/!transform/{RECORD}",
        body={
            "externalId": external_id,
            **periods.dated(desk, RECORD, command.received_at, memo, later=command.post_in_open_period),
            "item": {"items": rows},
        },
        created_from=command.rma.ref,
        check=lambda record: check_receipt(desk, command, placed, record),
    )


def open_lines(rma: Fields) -> list[str]:
    """Lines of the RMA with units still to come."""
    return [row.need("line") for row in wire.item_lines(rma) if remaining(row) > 0]


def remaining(row: Fields) -> int:
    """Units of an RMA line still to come; none on a closed line."""
    return 0 if row.flag("isClosed") else wire.quantity(row, "quantity") - wire.quantity(row, "quantityReceived")


def _row(config: NetSuiteConfig, key: str, line: str, units: list[StockLine]) -> dict[str, Any]:
    location = target_of(config, units[0])
    assert isinstance(location, str), "units without a location are refused before anything is written"
    row: dict[str, Any] = {
        key: wire.line_key(line),
        "itemReceive": True,
        "quantity": sum(each.quantity for each in units),
        "location": wire.ref(location),
    }
    assignments = [each for unit in units for each in _assignments(config, unit)]
    if assignments:
        row["inventoryDetail"] = {"inventoryAssignment": {"items": assignments}}
    return row


def _assignments(config: NetSuiteConfig, unit: StockLine) -> list[dict[str, Any]]:
    """Inventory detail: status by disposition, bin, and lot or serial numbers (R20), each only where configured."""
    status = config.inventory_statuses.get(unit.disposition.value)
    said: dict[str, Any] = {"inventoryStatus": wire.ref(status)} if status else {}
    shelf = config.bins.get(unit.location or "")
    if shelf:
        said["binNumber"] = wire.ref(shelf)
    if config.send_lots and unit.serials:
        return [{"quantity": 1, "receiptInventoryNumber": serial, **said} for serial in unit.serials]
    if config.send_lots and unit.lot:
        said["receiptInventoryNumber"] = unit.lot
    return [{"quantity": unit.quantity, **said}] if said else []


def trouble(rma: Fields, placed: Placed) -> Outcome | None:
    """Why the RMA cannot take these units, if so; read from its state, since refusal texts are not documented."""
    blocked = closed_or_waiting(rma)
    if blocked is not None:
        return blocked
    rows = {row.need("line"): row for row in wire.item_lines(rma)}
    number = rma.text("tranId") or rma.text("id")
    for line, units in placed.items():
        wanted, row = sum(each.quantity for each in units), rows.get(line)
        if row is None or row.flag("isClosed"):
            told = f"Line {line} of {number} is closed or gone in NetSuite."
            return Refused(message=told, kind="return_closed_in_erp", owner=Owner.OPS, ref=rma.text("id"))
        if wanted > remaining(row):
            told = f"{wanted} of {units[0].sku} came back, but {number} expects only {remaining(row)} more."
            return Refused(message=told, kind="quantity_exceeds_authorised", owner=Owner.OPS, ref=rma.text("id"))
    return None


# --- reading back -----------------------------------------------------------------------------------------------------


def check_receipt(desk: Desk, command: ReceiveStock, placed: Placed, record: Fields) -> Outcome:
    """Whether a receipt is the one asked for: of this RMA, with exactly these units at these places."""
    if wire.reference(record, "createdFrom") != command.rma.ref:
        return differs(record, f"it does not belong to {command.rma.number}")
    rows = {_source_line(row): row for row in wire.item_lines(record) if _received(row)}
    if set(rows) != set(placed):
        return differs(record, f"it has lines {_named(rows)} instead of {_named(placed)}")
    lines: list[DocumentLine] = []
    for line, units in placed.items():
        row, wanted = rows[line], sum(each.quantity for each in units)
        if wire.quantity(row, "quantity") != wanted:
            return differs(record, f"line {line} has {wire.quantity(row, 'quantity')} units instead of {wanted}")
        place_there = wire.reference(row, "location")
        if place_there is not None and place_there != target_of(serving(desk, command), units[0]):
            return differs(record, f"line {line} went to location {place_there}")
        lines += [DocumentLine(line_no=each.line_no, erp_line=row.need("line")) for each in units]
    record_id = record.need("id")
    number = record.text("tranId") or record_id
    return Done(ref=record_id, number=number, url=desk.url(record_id), lines=tuple(lines))


def _source_line(row: Fields) -> str:
    return row.text("orderLine") or row.need("line")


def _received(row: Fields) -> bool:
    return row.flag("itemReceive") is not False and wire.quantity(row, "quantity") > 0


def _named(lines: Sequence[str] | dict[str, Any]) -> str:
    return ", ".join(lines) or "none"


# --- taking back ------------------------------------------------------------------------------------------------------


def reverse(desk: Desk, command: ReverseReceipt) -> Outcome:
    """Delete the receipt, where the configuration allows it; REST has no other way to undo one."""
    if not desk.config.allow_receipt_deletion:
        return Unsupported(message="This connection may not delete item receipts; reverse it in NetSuite by hand.")
    present = [each for each in command.receipt.ref.split(",") if _exists(desk, each)]
    done = Done(ref=command.receipt.ref, number=command.receipt.number)
    if not present:
        return already(done) if desk.sees(RECORD) else desk.blind(RECORD)
    for record_id in present:
        refused = _delete(desk, record_id)
        if refused is not None:
            return refused
    return done


def find_reversed(desk: Desk, command: ReverseReceipt) -> Outcome | None:
    """Whether an earlier attempt deleted it: gone counts only where receipts are visible to us."""
    if any(_exists(desk, each) for each in command.receipt.ref.split(",")):
        return None
    done = Done(ref=command.receipt.ref, number=command.receipt.number)
    return done if desk.sees(RECORD) else desk.blind(RECORD)


def _exists(desk: Desk, record_id: str) -> bool:
    found = desk.session.seek(f"{wire.RECORDS}/{RECORD}/{record_id}")
    if found is not None:
        desk.saw(RECORD)
    return found is not None


def _delete(desk: Desk, record_id: str) -> Outcome | None:
    path = f"{wire.RECORDS}/{RECORD}/{record_id}"
    if desk.config.deletion_reason:  # a field of the record (§4), so it is written before the record goes (inferred)
        verdict = desk.session.write("PATCH", path, body={"deletionReason": wire.ref(desk.config.deletion_reason)})
        if verdict.meaning not in (Meaning.CREATED, Meaning.OK):
            return outcome_of(verdict, writes=True)
    verdict = desk.session.write("DELETE", path)
    if verdict.meaning in (Meaning.CREATED, Meaning.OK, Meaning.NOT_FOUND):
        return None
    return outcome_of(verdict, writes=True)
