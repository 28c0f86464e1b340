"""The return authorisation: made from the sales order, given its tracking, closed (NetSuite sheet §4.1, §5, §6)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from counterfoil.adapterkit.parse import Fields
from counterfoil.core.commands import CancelReturnAuthorisation, OpenReturnAuthorisation, StoreTracking
from counterfoil.core.documents import DocumentLine, DocumentRef, RmaLine
from counterfoil.core.problems import Owner
from counterfoil.erps.netsuite import wire
from counterfoil.erps.netsuite.config import NetSuiteConfig
from counterfoil.erps.netsuite.errors import Meaning, outcome_of
from counterfoil.erps.netsuite.orders import currency_of
from counterfoil.erps.netsuite.post import Desk, Plan, already, differs, with_note
from counterfoil.ports.outcomes import Done, NotYet, Outcome, Refused

RECORD = "returnAuthorization"
MEMO_MAX = 999  # longer memos are cut; the limit of the account is not documented
APPROVAL_PAUSE_S = 3600.0


# --- opening ----------------------------------------------------------------------------------------------------------


def open_authorisation(desk: Desk, command: OpenReturnAuthorisation) -> Outcome:
    """Make the RMA from the sales order."""
    plan = plan_authorisation(desk, command)
    if isinstance(plan, Refused):
        return plan
    outcome = desk.deliver(plan)
    if isinstance(outcome, Refused) and outcome.kind == "quantity_exceeds_authorised":
        return msgspec.structs.replace(outcome, kind="quantity_exceeds_despatched", owner=Owner.OPS)
    return outcome


def plan_authorisation(desk: Desk, command: OpenReturnAuthorisation) -> Plan | Refused:
    """The transform of the sales order, or why it cannot be written."""
    part = next((line for line in command.lines if _is_part_of_kit(command, line)), None)
    if part is not None:
        return Refused(
            message=f"{part.sku} is a part of what was sold on line {part.erp_line}: NetSuite has no line for it.",
            kind="kit_part_returned",
            owner=Owner.OPS,
        )
    rows: list[dict[str, Any]] = []
    for line in command.lines:
        row = _row(desk.config, line)
        if isinstance(row, Refused):
            return row
        rows.append(row)
    return replace(bare_plan(desk, command), body={**_head(desk.config, command), "item": {"items": rows}})


def bare_plan(desk: Desk, command: OpenReturnAuthorisation) -> Plan:
    """How the RMA is recognised, without what would be sent."""
    return Plan(
        record_type=RECORD,
        external_id=wire.external_id_of(command),
        path=f"{wire.RECORDS}/salesOrder/{command.order.ref}/!transform/{RECORD}",
        params=wire.REPLACE_LINES,
        body={},
        check=lambda record: check_authorisation(desk, command, record),
    )


def find_authorisation(desk: Desk, command: OpenReturnAuthorisation) -> Outcome | None:
    """What an earlier attempt made, also where the mapping it was made with is gone by now."""
    return desk.lookup(bare_plan(desk, command))


def _is_part_of_kit(command: OpenReturnAuthorisation, line: RmaLine) -> bool:
    sold = next((each for each in command.order.lines if each.erp_line == line.erp_line), None)
    return sold is not None and bool(sold.sku and line.sku) and sold.sku != line.sku


def _head(config: NetSuiteConfig, command: OpenReturnAuthorisation) -> dict[str, Any]:
    case = command.case
    memo = command.memo or f"Return {case.return_id} of order {case.order_name or command.order.number}"
    head: dict[str, Any] = {
        "externalId": wire.external_id_of(command),
        "tranDate": command.authorised_at[:10],
        "orderStatus": wire.ref("B"),
        "otherRefNum": f"{case.portal.upper()}-{case.return_id}",
    }
    if command.tracking and config.tracking_field:
        head[config.tracking_field] = command.tracking
    elif command.tracking:
        memo = f"{memo} | {tracking_note(command.tracking, None)}"
    return {**head, "memo": memo[:MEMO_MAX]}


def _row(config: NetSuiteConfig, line: RmaLine) -> dict[str, Any] | Refused:
    row: dict[str, Any] = {"orderLine": wire.line_key(line.erp_line), "quantity": line.quantity}
    if line.expected_depot is not None:
        location = location_of(config, line.expected_depot)
        if location is None:
            return depot_not_mapped(line.expected_depot)
        row["location"] = wire.ref(location)
    if config.reason_field and line.reason_code is not None:
        reason = _reason(config, line.reason_code)
        if reason is None:
            return Refused(
                message=f"The reason {line.reason_code!r} is not mapped to a value of {config.reason_field}.",
                kind="reason_not_mapped",
                owner=Owner.OPS,
            )
        row[config.reason_field] = reason
    return row


def _reason(config: NetSuiteConfig, code: str) -> dict[str, str] | str | None:
    """A list value by its id, or the code itself where the field is free text (no mapping given)."""
    if not config.reasons:
        return code
    return wire.ref(config.reasons[code]) if code in config.reasons else None


def location_of(config: NetSuiteConfig, depot: str, disposition: str = "") -> str | None:
    """The location id of a depot, the more exact `DEPOT/disposition` first; digits are an id already."""
    found = config.locations.get(f"{depot}/{disposition}") or config.locations.get(depot)
    return found or (depot if depot.isdigit() else None)


def depot_not_mapped(depot: str) -> Refused:
    """The refusal for a depot without a location."""
    return Refused(
        message=f"The depot {depot!r} is not mapped to a NetSuite location.", kind="depot_not_mapped", owner=Owner.OPS
    )


def check_authorisation(desk: Desk, command: OpenReturnAuthorisation, record: Fields) -> Outcome:
    """Whether an RMA is the one asked for: born from this order, with these lines and quantities."""
    if wire.reference(record, "createdFrom") != command.order.ref:
        return differs(record, f"it does not come from order {command.order.number}")
    rows = wire.item_lines(record)
    if len(rows) != len(command.lines):
        return differs(record, f"it has {len(rows)} lines instead of {len(command.lines)}")
    lines: list[DocumentLine] = []
    for line in command.lines:
        row = next((each for each in rows if _same(desk.config, line, each)), None)
        if row is None:
            return differs(record, f"{line.quantity} of {line.sku} are not on it")
        rows.remove(row)
        lines.append(DocumentLine(line_no=line.line_no, erp_line=row.need("line")))
    record_id = record.need("id")
    done = Done(
        ref=record_id,
        number=record.text("tranId") or record_id,
        total=wire.total_of(record, currency_of(desk.config, record), "total"),
        url=desk.url(record_id),
        lines=tuple(lines),
    )
    waits = wire.letter(record, "status", wire.RMA_STATUSES) == "A"
    return with_note(done, "It waits for approval in NetSuite.") if waits else done


def _same(config: NetSuiteConfig, line: RmaLine, row: Fields) -> bool:
    if wire.quantity(row, "quantity") != line.quantity or row.text("orderLine") != line.erp_line:
        return False
    if not config.reason_field or line.reason_code is None or row.raw(config.reason_field) is None:
        return True
    return wire.reference(row, config.reason_field) in (config.reasons.get(line.reason_code), line.reason_code)


# --- looking at one ---------------------------------------------------------------------------------------------------


def read_authorisation(desk: Desk, rma: DocumentRef) -> Fields:
    """The RMA with its lines. Raises StoppedError when it is not there."""
    record = desk.session.record(RECORD, rma.ref, missing="return_not_found_in_erp")
    desk.saw(RECORD)
    return record


def closed_or_waiting(record: Fields) -> Outcome | None:
    """Why nothing can be booked against an RMA in its state, if so (§5)."""
    number = record.text("tranId") or record.text("id")
    state = wire.letter(record, "status", wire.RMA_STATUSES)
    if state == "A":
        told = f"Return authorisation {number} still waits for approval in NetSuite."
        return NotYet(message=told, after_s=APPROVAL_PAUSE_S)
    if state in ("C", "H"):
        told = f"Return authorisation {number} is {wire.RMA_STATUSES[state].lower()} in NetSuite."
        return Refused(message=told, kind="return_closed_in_erp", owner=Owner.OPS, ref=record.text("id"))
    return None


# --- tracking ---------------------------------------------------------------------------------------------------------


def tracking_note(tracking: str, carrier: str | None) -> str:
    """How a parcel is written into a memo."""
    return f"Tracking {carrier} {tracking}" if carrier else f"Tracking {tracking}"


def has_tracking(config: NetSuiteConfig, record: Fields, command: StoreTracking) -> bool:
    """Whether the RMA already carries the parcel."""
    if config.tracking_field:
        return record.text(config.tracking_field) == command.tracking
    return command.tracking in (record.text("memo") or "")


def store_tracking(desk: Desk, command: StoreTracking) -> Outcome:
    """Write the tracking number into its field, or add it to the memo."""
    record = read_authorisation(desk, command.rma)
    done = Done(ref=command.rma.ref, number=command.rma.number, url=desk.url(command.rma.ref))
    if has_tracking(desk.config, record, command):
        return already(done)
    if desk.config.tracking_field:
        body = {desk.config.tracking_field: command.tracking}
    else:
        note = tracking_note(command.tracking, command.carrier)
        kept = (record.text("memo") or "")[: MEMO_MAX - len(note) - 3]
        body = {"memo": f"{kept} | {note}" if kept else note}
    return patch(desk, command.rma, body) or done


def find_tracking(desk: Desk, command: StoreTracking) -> Outcome | None:
    """Whether an earlier attempt wrote it."""
    record = read_authorisation(desk, command.rma)
    if not has_tracking(desk.config, record, command):
        return None
    return Done(ref=command.rma.ref, number=command.rma.number, url=desk.url(command.rma.ref))


def patch(desk: Desk, rma: DocumentRef, body: dict[str, Any]) -> Outcome | None:
    """Change fields of an RMA; None when it was done. Lines are keyed by `line`, so others stay (§3)."""
    verdict = desk.session.write("PATCH", f"{wire.RECORDS}/{RECORD}/{rma.ref}", body=body)
    if verdict.meaning in (Meaning.CREATED, Meaning.OK):
        return None
    return outcome_of(verdict, writes=True)


# --- cancelling -------------------------------------------------------------------------------------------------------


def is_closed(record: Fields) -> bool:
    """Whether nothing more can be received against the RMA."""
    if wire.letter(record, "status", wire.RMA_STATUSES) in ("C", "H"):
        return True
    rows = wire.item_lines(record)
    return bool(rows) and all(row.flag("isClosed") for row in rows)


def cancel_authorisation(desk: Desk, command: CancelReturnAuthorisation) -> Outcome:
    """Close every line of an RMA nothing was received against: REST has no other way to withdraw one (§5)."""
    record = read_authorisation(desk, command.rma)
    done = Done(ref=command.rma.ref, number=command.rma.number, url=desk.url(command.rma.ref))
    if is_closed(record):
        return already(done)
    if any(wire.quantity(row, "quantityReceived") for row in wire.item_lines(record)):
        return Refused(
            message=f"Goods were already received against {command.rma.number}; it cannot be withdrawn.",
            kind="return_already_received",
            owner=Owner.OPS,
            ref=command.rma.ref,
        )
    rows = [{"line": wire.line_key(row.need("line")), "isClosed": True} for row in wire.item_lines(record)]
    refused = patch(desk, command.rma, {"item": {"items": rows}})
    if refused is not None:
        return refused
    after = read_authorisation(desk, command.rma)
    return done if is_closed(after) else differs(after, "its lines are still open")


def find_cancelled(desk: Desk, command: CancelReturnAuthorisation) -> Outcome | None:
    """Whether an earlier attempt closed it."""
    if not is_closed(read_authorisation(desk, command.rma)):
        return None
    return Done(ref=command.rma.ref, number=command.rma.number, url=desk.url(command.rma.ref))
