"""What people decided, laid over the rows before they are proven; pure.

A decision speaks through the rows: a record matched by hand carries the key of its partner, one paid out of several is
cut into the agreed parts, a write-off is an adjusting row of its own on the right side, and a rejected record carries a
reference nothing can be taken for. So the same rules judge everything and the same identities must balance. Before
this step the sources are gathered; after it comes `prove`.

A decision holds while its records are as they were (`fingerprint`); when one changed, it is reopened and says so.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from counterfoil.core.money import to_text
from counterfoil.core.reconcile.legs import BY_NAME, Leg

Row = Mapping[str, Any]
Rows = Mapping[str, Sequence[Row]]

MATCH, REJECT, WRITE_OFF = "match", "reject", "write_off"
NOTHING_LIKE_IT = "rejected by hand"  # letters only: no reference and no order number is spelled like it


@dataclass(frozen=True, slots=True)
class Shape:
    """Where a file of the contract keeps what a record is known by. `key` is what its partner's `link` must name."""

    id: str
    amount: str
    unit: str
    day: str
    link: str
    key: str = ""
    order: str = ""


SHAPES: dict[str, Shape] = {
    "portal_refunds": Shape("refund_id", "amount_minor", "currency", "refund_date", "gateway_txn_id", "refund_id"),
    "gateway_refunds": Shape(
        "gateway_txn_id", "amount_minor", "currency", "created_date", "reference", order="order_no"
    ),
    "erp_credit_notes": Shape(
        "credit_note_id", "amount_minor", "currency", "posted_date", "external_id", order="order_no"
    ),
    "portal_return_lines": Shape("return_line_id", "qty", "sku", "authorised_date", "return_id", "return_id"),
    "warehouse_receipts": Shape("receipt_id", "qty_received", "sku", "received_date", "rma_ref", "receipt_id"),
    "erp_stock_movements": Shape("movement_id", "qty", "sku", "posted_date", "external_id"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """How much of a right record goes to a left one; for a write-off the side without a record is empty."""

    left_id: str
    right_id: str
    minor: int


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision in force. `records` are (file, id, fingerprint, as it was shown)."""

    number: int
    what: str
    leg: str
    minor: int
    parts: tuple[Part, ...]
    records: tuple[tuple[str, str, str, str], ...]


@dataclass
class Decided:
    """The rows to prove, which decisions they hold, and which could not be held any more, with the sentence why."""

    rows: dict[str, list[Row]]
    applied: list[Decision] = field(default_factory=list)
    reopened: list[tuple[Decision, str]] = field(default_factory=list)
    parts: dict[str, str] = field(default_factory=dict)  # a part's own id -> the record it was cut from

    def whole(self, record_id: str) -> str:
        """The record a part was cut from; any other id is itself."""
        return self.parts.get(record_id, record_id)

    def written_off(self) -> dict[tuple[str, str], int]:
        """(leg, record id) of what write-offs cover, with how much at most."""
        return {
            (decision.leg, part.left_id or part.right_id): abs(part.minor)
            for decision in self.applied
            if decision.what == WRITE_OFF
            for part in decision.parts
        }

    def by_hand(self) -> set[tuple[str, str]]:
        """(leg, record id) of what was matched by hand."""
        matched = [decision for decision in self.applied if decision.what == MATCH]
        return {
            (decision.leg, record)
            for decision in matched
            for part in decision.parts
            for record in _sides(part)
            if record
        }


def fingerprint(file: str, row: Row) -> str:
    """What must not change for a decision to hold: amount, currency or SKU, store, and the reference it gives."""
    shape = SHAPES[file]
    told = "\n".join(str(row.get(name, "")) for name in (shape.amount, shape.unit, "store_id", shape.link))
    return hashlib.sha256(told.encode()).hexdigest()[:24]


def shown(file: str, row: Row) -> str:
    """The record's amount as a person reads it."""
    shape = SHAPES[file]
    if shape.amount == "amount_minor":
        return f"{to_text(int(row['amount_minor']), str(row['currency']))} {row['currency']}"
    return f"{row[shape.amount]} × {row[shape.unit]}"


def lay(rows: Rows, decisions: Iterable[Decision], *, complete: bool = True) -> Decided:
    """The rows with every decision in force laid over them.

    `complete` says that all systems could be read: only then is a record that is not there gone.
    """
    found = Decided(rows={name: list(given) for name, given in rows.items()})
    by_id = {(name, str(row[SHAPES[name].id])): row for name, row in _wanted(rows, decisions)}
    for decision in decisions:
        because = _changed(decision, by_id, complete=complete)
        if because is None:
            found.applied.append(decision)
        elif because:
            found.reopened.append((decision, because))
    for leg in {decision.leg for decision in found.applied}:
        _leg(found, BY_NAME[leg], by_id)
    return found


def _sides(part: Part) -> tuple[str, str]:
    return part.left_id, part.right_id


def _wanted(rows: Rows, decisions: Iterable[Decision]) -> Iterator[tuple[str, Row]]:
    """The rows decisions are about."""
    ids: dict[str, set[str]] = defaultdict(set)
    for decision in decisions:
        for file, record_id, _, _ in decision.records:
            ids[file].add(record_id)
    for file, wanted in ids.items():
        name = SHAPES[file].id
        yield from ((file, row) for row in rows.get(file, ()) if str(row[name]) in wanted)


def _changed(decision: Decision, by_id: Mapping[tuple[str, str], Row], *, complete: bool) -> str | None:
    """Why the decision does not hold any more; None when it does, nothing when that cannot be told today."""
    for file, record_id, was, told in decision.records:
        row = by_id.get((file, record_id))
        if row is None:
            return f"{record_id} is not there any more; it was {told} when this was decided" if complete else ""
        if fingerprint(file, row) != was:
            return f"{record_id} changed since: it was {told} and is {shown(file, row)}, or names another record now"
    return None


# --- laying a leg's decisions over its rows ----------------------------------------------------------------------


def _leg(found: Decided, leg: Leg, by_id: Mapping[tuple[str, str], Row]) -> None:
    mine = [decision for decision in found.applied if decision.leg == leg.name]
    _match(found, leg, by_id, [part for decision in mine if decision.what == MATCH for part in decision.parts])
    _reject(found, leg, {part.right_id for decision in mine if decision.what == REJECT for part in decision.parts})
    for decision in mine:
        if decision.what == WRITE_OFF:
            for part in decision.parts:
                _write_off(found, leg, by_id, decision, part)


def _match(found: Decided, leg: Leg, by_id: Mapping[tuple[str, str], Row], parts: list[Part]) -> None:
    """Each right record carries its left one's key; one that goes to several is cut, and its rest stays what it was."""
    shares: dict[str, list[Part]] = defaultdict(list)
    for part in parts:
        shares[part.right_id].append(part)
    shape, left = SHAPES[leg.right_file], SHAPES[leg.left_file]
    rows: list[Row] = []
    for row in found.rows.get(leg.right_file, []):
        record_id = str(row[shape.id])
        wanted = shares.get(record_id)
        if not wanted:
            rows.append(row)
            continue
        rest = int(row[shape.amount]) - sum(part.minor for part in wanted)
        whole = len(wanted) == 1 and not rest
        for place, part in enumerate(wanted, start=1):
            partner = by_id[leg.left_file, part.left_id]
            own = record_id if whole else f"{record_id} (part {place})"
            if own != record_id:
                found.parts[own] = record_id
            linked = {shape.link: partner[left.key], "store_id": partner.get("store_id", "")}
            rows.append({**row, **linked, shape.id: own, shape.amount: part.minor})
        if rest:
            rows.append({**row, shape.amount: rest})
    found.rows[leg.right_file] = rows


def _reject(found: Decided, leg: Leg, rights: set[str]) -> None:
    """A rejected record is not proposed again, to anybody; by its own reference it was not matched anyway."""
    if not rights:
        return
    shape = SHAPES[leg.right_file]
    other = {shape.link: NOTHING_LIKE_IT, **({shape.order: NOTHING_LIKE_IT} if shape.order else {})}
    found.rows[leg.right_file] = [
        {**row, **other} if str(row[shape.id]) in rights else row for row in found.rows.get(leg.right_file, [])
    ]


def _write_off(found: Decided, leg: Leg, by_id: Mapping[tuple[str, str], Row], decision: Decision, part: Part) -> None:
    if not part.left_id:  # nothing on the left: the right record alone is written off
        name = SHAPES[leg.right_file].id
        kept = [row for row in found.rows[leg.right_file] if str(row[name]) != part.right_id]
        found.rows[leg.right_file] = kept
        return
    left, shape = SHAPES[leg.left_file], SHAPES[leg.right_file]
    row = by_id[leg.left_file, part.left_id]
    if leg.name == "line_receipt":  # goods that will not come are no longer expected
        _expect_less(found, leg, part)
        return
    kind = {"gateway_refunds": {"line_type": WRITE_OFF}, "erp_stock_movements": {"movement_type": WRITE_OFF}}
    found.rows[leg.right_file].append(
        {
            shape.id: f"write-off {decision.number}",
            shape.link: row[left.key],
            "store_id": row.get("store_id", ""),
            shape.unit: row[left.unit],
            shape.amount: -part.minor,
            shape.day: row[left.day],
            **kind.get(leg.right_file, {}),
        }
    )


def _expect_less(found: Decided, leg: Leg, part: Part) -> None:
    shape = SHAPES[leg.left_file]
    changed = (
        {**row, shape.amount: int(row[shape.amount]) + part.minor} if str(row[shape.id]) == part.left_id else row
        for row in found.rows[leg.left_file]
    )
    found.rows[leg.left_file] = [row for row in changed if int(row[shape.amount])]
