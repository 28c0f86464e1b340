"""The return authorisation: made from the sales order, given its tracking, closed (NetSuite sheet §4.1, §5, §6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec

from counterfoil.adapterkit.parse import Fields
from counterfoil.core.commands import CancelReturnAuthorisation, OpenReturnAuthorisation, StoreTracking
from counterfoil.core.documents import DocumentLine, DocumentRef, ErpComponent, RmaLine
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
# What an account may say that takes no line of its own in a transform (the exact text is unknown, §10, §16.4).
_LINE_KINDS = frozenset({"field_rejected", "sku_not_found", "unmapped_erp_error"})


# --- opening ----------------------------------------------------------------------------------------------------------


def open_authorisation(desk: Desk, command: OpenReturnAuthorisation) -> Outcome:
    """Make the RMA from the sales order."""
    plan = plan_authorisation(desk, command)
    if isinstance(plan, Refused):
        return plan
    stranger = _stranger(desk, command, plan)
    if stranger is not None:
        return stranger
    outcome = desk.deliver(plan)
    if parts_of_kits(command) and isinstance(outcome, Refused) and outcome.ref is None and outcome.kind in _LINE_KINDS:
        outcome = desk.deliver(standing_alone(desk, command, plan))  # refused: nothing was made yet
    if isinstance(outcome, Refused) and outcome.kind == "quantity_exceeds_authorised":
        return msgspec.structs.replace(outcome, kind="quantity_exceeds_despatched", owner=Owner.OPS)
    return outcome


def plan_authorisation(desk: Desk, command: OpenReturnAuthorisation) -> Plan | Refused:
    """The transform of the sales order, or why it cannot be written."""
    config = desk.config.serving(command.order.company)
    parts, rows = parts_of_kits(command), []
    for line in command.lines:
        odd = _is_other_item(command, line) and (line.line_no not in parts or not parts[line.line_no].item_ref)
        if odd:
            told = f"{line.sku} is a part of what was sold on line {line.erp_line}: NetSuite has no line for it."
            return Refused(message=told, kind="kit_part_returned", owner=Owner.OPS)
        row = _row(config, line, parts.get(line.line_no))
        if isinstance(row, Refused):
            return row
        rows.append(row)
    return replace(bare_plan(desk, command), body={**_head(config, command), "item": {"items": rows}})


def _stranger(desk: Desk, command: OpenReturnAuthorisation, plan: Plan) -> Refused | None:
    """Why the place of a line belongs to another subsidiary than the order, if it does."""
    places = {wire.reference(Fields(row), "location") for row in plan.body["item"]["items"]} - {None}
    what = f"order {command.order.number}"
    found = (desk.stranger(place, command.order.company, what) for place in sorted(filter(None, places)))
    return next((each for each in found if each is not None), None)


def parts_of_kits(command: OpenReturnAuthorisation) -> dict[int, ErpComponent]:
    """Lines of the return that are members of a kit, by our line number.

    A part is named by its own SKU on the kit's line, or by the line SuiteQL shows for it (§10).
    """
    found: dict[int, ErpComponent] = {}
    for line in command.lines:
        for sold in command.order.lines:
            for part in sold.components:
                on_kit = line.erp_line == sold.erp_line and line.sku != sold.sku and line.sku == part.sku
                if on_kit or (part.erp_line is not None and line.erp_line == part.erp_line):
                    found[line.line_no] = part
    return found


def standing_alone(desk: Desk, command: OpenReturnAuthorisation, plan: Plan) -> Plan:
    """The same return as an RMA of its own, for accounts whose transform takes no line for a part (§10).

    Every line names its item; the memo keeps the order. It is flagged for a person when it is read back.
    """
    order = desk.session.record("salesOrder", command.order.ref, missing="order_not_found")
    rates = {row.need("line"): row for row in wire.item_lines(order)}
    items = {line.erp_line: line.item_ref for line in command.order.lines}
    rows = []
    for row in plan.body["item"]["items"]:
        alone = {name: value for name, value in row.items() if name != "orderLine"}
        if "orderLine" in row:
            sold = str(row["orderLine"])
            alone["item"] = wire.ref(items.get(sold) or "")
            rate = rates[sold].text("rate") if sold in rates else None
            alone |= {"rate": Decimal(rate)} if rate is not None else {}
        rows.append(alone)
    head = {name: value for name, value in plan.body.items() if name != "item"}
    for name in ("entity", "currency", "subsidiary", "location", "department", "class"):
        held = wire.reference(order, name)
        if held is not None:
            head[name] = wire.ref(held)
    head["memo"] = f"Order {command.order.number} | {head['memo']}"[:MEMO_MAX]
    return replace(
        plan, path=f"{wire.RECORDS}/{RECORD}", body={**head, "item": {"items": rows}}, params={}, created_from=""
    )


def bare_plan(desk: Desk, command: OpenReturnAuthorisation) -> Plan:
    """How the RMA is recognised, without what would be sent."""
    return Plan(
        record_type=RECORD,
        external_id=wire.external_id_of(command),
        path=f"{wire.RECORDS}/salesOrder/{command.order.ref}/!transform/{RECORD}",
        params=wire.REPLACE_LINES,
        body={},
        created_from=command.order.ref,
        check=lambda record: check_authorisation(desk, command, record),
    )


def find_authorisation(desk: Desk, command: OpenReturnAuthorisation) -> Outcome | None:
    """What an earlier attempt made, also where the mapping it was made with is gone by now."""
    return desk.lookup(bare_plan(desk, command))


def _is_other_item(command: OpenReturnAuthorisation, line: RmaLine) -> bool:
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


def _row(config: NetSuiteConfig, line: RmaLine, part: ErpComponent | None) -> dict[str, Any] | Refused:
    """One line: a line of the order, or a member of a kit by its item.

    A member was never priced by itself and the credit carries its value later, so it stands at zero on the RMA.
    """
    row: dict[str, Any] = {"orderLine": wire.line_key(line.erp_line), "quantity": line.quantity}
    if part is not None:
        price = {"price": wire.ref(config.custom_price_level)} if config.custom_price_level else {}
        row = {"item": wire.ref(part.item_ref or ""), "quantity": line.quantity, "rate": 0, "amount": 0, **price}
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
    parts = parts_of_kits(command)
    origin = wire.reference(record, "createdFrom")
    alone = origin is None and bool(parts) and wire.reference(record, "entity") == command.order.customer
    if origin != command.order.ref and not alone:
        return differs(record, f"it does not come from order {command.order.number}")
    rows = wire.item_lines(record)
    if len(rows) != len(command.lines):
        return differs(record, f"it has {len(rows)} lines instead of {len(command.lines)}")
    lines: list[DocumentLine] = []
    for line in command.lines:
        item = _item_of(command, line, parts) if alone or line.line_no in parts else None
        row = next((each for each in rows if _same(desk.config, line, item, each)), None)
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
    notes = ["It stands by itself, as NetSuite has no line for a part of a kit: please look at it."] if alone else []
    if wire.letter(record, "status", wire.RMA_STATUSES) == "A":
        notes.append("It waits for approval in NetSuite.")
    return with_note(done, " ".join(notes)) if notes else done


def _item_of(command: OpenReturnAuthorisation, line: RmaLine, parts: Mapping[int, ErpComponent]) -> str | None:
    if line.line_no in parts:
        return parts[line.line_no].item_ref
    return next((sold.item_ref for sold in command.order.lines if sold.erp_line == line.erp_line), None)


def _same(config: NetSuiteConfig, line: RmaLine, item: str | None, row: Fields) -> bool:
    """Whether a row is this line: by its order line, or by its item where it comes from no order line."""
    if wire.quantity(row, "quantity") != line.quantity:
        return False
    if item is not None and (row.text("orderLine") is not None or wire.reference(row, "item") != item):
        return False
    if item is None and row.text("orderLine") != line.erp_line:
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
