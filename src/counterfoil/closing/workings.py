"""What a run leaves for people to look into: open items, the records and pairs behind them, and the figures.

Only what is open, proposed or decided is kept, so that its size follows the trouble and not the trade.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from counterfoil.closing import figures
from counterfoil.closing.decided import REJECT, SHAPES, Decided, Decision, Part, fingerprint
from counterfoil.closing.figures import Figure
from counterfoil.closing.own_books import Books
from counterfoil.core.reconcile.legs import BY_NAME
from counterfoil.store import proofs, workbench
from counterfoil.store.database import Transaction

if TYPE_CHECKING:
    from counterfoil.reconcile.proof import Edge, Run

Row = dict[str, Any]


@dataclass(frozen=True)
class Workings:
    """Rows ready to be kept."""

    items: list[Row]
    records: list[Row]
    pairs: list[Row]
    figures: list[Figure]

    def faults(self) -> list[str]:
        """A sentence for each figure that does not add up."""
        return figures.faults(self.figures)


def in_force(tx: Transaction) -> list[Decision]:
    """The decisions every run applies, oldest first."""
    return [
        Decision(
            number=row["id"],
            what=row["what"],
            leg=row["leg"],
            minor=row["minor"],
            parts=tuple(Part(part["left_id"], part["right_id"], part["minor"]) for part in row["parts"]),
            records=tuple((r["file"], r["record_id"], r["fingerprint"], r["shown"]) for r in row["records"]),
        )
        for row in workbench.decisions(tx, "in_force")
    ]


def work_out(tx: Transaction, books: Books, decided: Decided, found: Run) -> Workings:
    """Everything about a finished run that people look into. `tx` still shows the run before."""
    pairs = _pairs(decided, found)
    wanted = _wanted(found, decided, pairs)
    rows = {(file, record_id): row for file, record_id, row in _rows(books, wanted)}
    items = [_item(books, decided, rows, item._asdict()) for item in found.classes()]
    before = proofs.before(tx)
    moved = figures.roll(
        (figures.opened(row) for row in before),
        (figures.opened(row) for row in items),
        decided.written_off(),
        decided.by_hand(),
        _there(books, before),
    )
    return Workings(
        items=items,
        records=[_record(books, file, record_id, row) for (file, record_id), row in sorted(rows.items())],
        pairs=[_pair(books, rows, pair) for pair in pairs],
        figures=[*moved, *figures.causes(items), *figures.sides(found.summary)],
    )


def keep(tx: Transaction, run_id: int, workings: Workings, decided: Decided) -> None:
    """Keep them beside the run, and what became of the decisions."""
    lines = [figure._asdict() for figure in workings.figures]
    workbench.keep_workings(tx, run_id, lines, workings.records, workings.pairs)
    for decision in decided.applied:
        tx.run("proof_decision_applied", id=decision.number, run_id=run_id)
    for decision, because in decided.reopened:
        if tx.run("proof_decision_end", id=decision.number, state="reopened", because=because, was="in_force"):
            records = [(file, record_id) for file, record_id, _, _ in decision.records]
            workbench.note(tx, records, "counterfoil", "reopen", because)
    _remark(tx, decided)


def _remark(tx: Transaction, decided: Decided) -> None:
    """What still waits for a second person goes on saying so; a rejected pair stays open and is not offered again."""
    for row in workbench.decisions(tx, "asked"):
        workbench.mark(tx, row["id"], row["leg"], row["parts"])
    for decision in decided.applied:
        if decision.what == REJECT:
            for part in decision.parts:
                sides = {"decision_id": decision.number, "leg": decision.leg}
                tx.run("proof_pair_decided", **sides, left_id=part.left_id, right_id=part.right_id)


# --- pairs ----------------------------------------------------------------------------------------------------------


def _pairs(decided: Decided, found: Run) -> list[Edge]:
    """Pairs of open records, and those that are only proposed; parts of a record under its own id."""
    from counterfoil.reconcile.proof import Edge

    kept: dict[tuple[str, str, str], Edge] = {}
    for leg in found.legs:
        ids = [item.left_id for item in found.classes(leg) if item.left_id and item.class_ not in figures.CALM]
        edges = found.edges(leg, ids) if ids else []
        sql = "select * from edges where leg = ? and standing = 'proposed' order by left_id, right_id"
        edges += [Edge(*row) for row in found.query(sql, [leg])]
        for edge in edges:
            own = edge._replace(right_id=decided.whole(edge.right_id))
            kept[leg, own.left_id, own.right_id] = own
    return list(kept.values())


def _wanted(found: Run, decided: Decided, pairs: Iterable[Edge]) -> dict[str, set[str]]:
    """Ids by file whose records are kept."""
    ids: dict[str, set[str]] = defaultdict(set)

    def want(leg: str, left_id: str | None, right_id: str | None) -> None:
        if left_id:
            ids[BY_NAME[leg].left_file].add(left_id)
        if right_id:
            ids[BY_NAME[leg].right_file].add(decided.whole(right_id))

    for item in found.classes():
        want(item.leg, item.left_id, item.right_id)
    for pair in pairs:
        want(pair.leg, pair.left_id, pair.right_id)
    return ids


def _rows(books: Books, wanted: Mapping[str, set[str]]) -> Iterator[tuple[str, str, Row]]:
    for file, ids in wanted.items():
        name = SHAPES[file].id
        for row in books.rows.get(file, ()):
            if str(row[name]) in ids:
                yield file, str(row[name]), row


def _there(books: Books, before: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    """Which of the records that were open are still told, by leg and side."""
    asked: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in before:
        side = "L" if row["left_id"] else "R"
        asked[row["leg"], side].add(row["left_id"] or row["right_id"])
    found: dict[str, set[str]] = {}
    for (leg, side), ids in asked.items():
        file = BY_NAME[leg].left_file if side == "L" else BY_NAME[leg].right_file
        name = SHAPES[file].id
        found[f"{leg}:{side}"] = {str(row[name]) for row in books.rows.get(file, ()) if str(row[name]) in ids}
    return found


# --- rows -----------------------------------------------------------------------------------------------------------


def _item(books: Books, decided: Decided, rows: Mapping[tuple[str, str], Row], item: Mapping[str, Any]) -> Row:
    leg = BY_NAME[item["leg"]]
    left_id, right_id = item["left_id"] or "", decided.whole(item["right_id"] or "")
    file, record_id = (leg.left_file, left_id) if left_id else (leg.right_file, right_id)
    row = rows.get((file, record_id), {})
    case_id = books.returns.get(left_id) or books.returns.get(right_id)
    gap = figures.difference(item["class_"], item["variance"], item["amount"])
    return {
        "brand": case_id.split("/", 1)[0] if case_id else str(row.get("store_id", "")),
        "leg": leg.name,
        "left_id": left_id,
        "right_id": right_id,
        "class": item["class_"],
        "reason": item["reason"],
        "variance_minor": item["variance"],
        "amount_minor": item["amount"],
        "unit": item["unit"],
        "age_days": item["age_days"],
        "bucket": item["bucket"],
        "owner": item["owner"],
        "why": item["why"],
        "case_id": case_id,
        "day": str(row.get(SHAPES[file].day, "")),
        "open_minor": 0 if item["class_"] in figures.CALM else abs(gap),
        "difference_minor": gap,
    }


def _record(books: Books, file: str, record_id: str, row: Row) -> Row:
    shape = SHAPES[file]
    return {
        "file": file,
        "record_id": record_id,
        "brand": str(row.get("store_id", "")),
        "unit": str(row[shape.unit]),
        "amount_minor": int(row[shape.amount]),
        "day": str(row[shape.day]),
        "fingerprint": fingerprint(file, row),
        "case_id": books.returns.get(record_id),
        "body": msgspec.json.encode(row).decode(),
    }


def _pair(books: Books, rows: Mapping[tuple[str, str], Row], pair: Edge) -> Row:
    leg = BY_NAME[pair.leg]
    left = rows.get((leg.left_file, pair.left_id), {})
    shape = SHAPES[leg.left_file]
    return {
        "leg": pair.leg,
        "left_id": pair.left_id,
        "right_id": pair.right_id,
        "brand": str(left.get("store_id", "")),
        "unit": str(left.get(shape.unit, "")),
        "rule": pair.rule,
        "standing": pair.standing,
        "allocated_minor": pair.allocated,
        "why": pair.why,
        "day": str(left.get(shape.day, "")),
    }
