"""The proof as people work on it: figures, records, pairs, decisions and what was said. Thin; the meaning is closing's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from counterfoil.store.database import Row, Transaction, now_ms
from counterfoil.store.sql import bound

PAGE = 500
CANDIDATES = 5

Cursor = tuple[str, str, str, str]  # day, leg, left id, right id


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Which open items a list shows. Empty means all; several values of one field mean any of them."""

    leg: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    reason: tuple[str, ...] = ()
    bucket: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    brand: tuple[str, ...] = ()
    unit: tuple[str, ...] = ()
    decided: str = ""  # yes, no, or nothing


def items_page(tx: Transaction, chosen: ItemFilter, rows: int, after: Cursor | None = None) -> list[Row]:
    """Open items, oldest record first, below `after`."""
    parts: list[str] = [] if chosen.kind else ["class <> 'timing'"]
    values: dict[str, Any] = {"page_rows": rows}
    for column, wanted in (
        ("leg", chosen.leg),
        ("class", chosen.kind),
        ("reason", chosen.reason),
        ("bucket", chosen.bucket),
        ("owner", chosen.owner),
        ("brand", chosen.brand),
        ("unit", chosen.unit),
    ):
        names = [f"{column}_{place}" for place in range(len(wanted))]
        values.update(zip(names, wanted, strict=True))
        if names:
            parts.append(f"{column} in ({', '.join(f':{name}' for name in names)})")
    if chosen.decided:
        parts.append(f"decision_id is {'not ' if chosen.decided == 'yes' else ''}null")
    if after is not None:
        values.update(zip(("a_day", "a_leg", "a_left", "a_right"), after, strict=True))
        parts.append("(day, leg, left_id, right_id) > (:a_day, :a_leg, :a_left, :a_right)")
    where = f" where {' and '.join(parts)}" if parts else ""
    sql = f"select * from proof_items{where} order by day, leg, left_id, right_id limit :page_rows"
    return tx.query(bound(sql, tx.dialect), values)


def figures(tx: Transaction, run_id: int) -> list[Row]:
    """The figures of a run."""
    return tx.rows("proof_figures_of", run_id=run_id)


def item_of(tx: Transaction, leg: str, left_id: str, right_id: str) -> Row | None:
    """The open item of a record, whichever side it is on."""
    if left_id:
        return tx.one("proof_item_of_left", leg=leg, record_id=left_id)
    return tx.one("proof_item_of_right", leg=leg, record_id=right_id)


def candidates(tx: Transaction, item: Row) -> list[Row]:
    """Open records of the other side that could be the partner, the nearest amounts first."""
    classes = ("missing_left",) if item["left_id"] else ("missing_right", "in_transit", "variance")
    asked = {"leg": item["leg"], "brand": item["brand"], "unit": item["unit"], "amount": item["amount_minor"]}
    found = [
        row
        for kind in classes
        for name in ("proof_near_above", "proof_near_below")
        for row in tx.rows(name, **asked, **{"class": kind, "rows": CANDIDATES})
    ]
    found.sort(key=lambda row: (abs(row["amount_minor"] - item["amount_minor"]), row["left_id"], row["right_id"]))
    return found[:CANDIDATES]


def pairs_of(tx: Transaction, leg: str, left_id: str, right_id: str) -> list[Row]:
    """The pairs of a record, whichever side it is on."""
    if left_id:
        return tx.rows("proof_pairs_of_left", leg=leg, record_id=left_id)
    return tx.rows("proof_pairs_of_right", leg=leg, record_id=right_id)


def keep_workings(
    tx: Transaction,
    run_id: int,
    figures: Iterable[Mapping[str, Any]],
    records: Sequence[Mapping[str, Any]],
    pairs: Sequence[Mapping[str, Any]],
) -> None:
    """What the newest run leaves for people to look into; the run before goes."""
    tx.many("proof_figure_put", [{**figure, "run_id": run_id} for figure in figures])
    tx.many("proof_record_put", [{**record, "run_id": run_id} for record in records])
    tx.many("proof_pair_put", [{**pair, "run_id": run_id} for pair in pairs])
    tx.run("proof_records_drop", run_id=run_id)
    tx.run("proof_pairs_drop", run_id=run_id)


# --- decisions ------------------------------------------------------------------------------------------------------


def decisions(tx: Transaction, state: str) -> list[Row]:
    """All decisions in a state, each with its parts and records."""
    found: list[Row] = []
    last = 0
    while True:
        page = tx.rows("proof_decisions_in", state=state, last=last, rows=PAGE)
        found += [_whole(tx, row) for row in page]
        if len(page) < PAGE:
            return found
        last = page[-1]["id"]


def newest_decisions(tx: Transaction, state: str, rows: int) -> list[Row]:
    """The newest decisions in a state, each with its parts and records."""
    return [_whole(tx, row) for row in tx.rows("proof_decisions_newest", state=state, rows=rows)]


def decision(tx: Transaction, number: int) -> Row | None:
    """One decision, with its parts and records."""
    row = tx.one("proof_decision_one", id=number)
    return _whole(tx, row) if row is not None else None


def decide(
    tx: Transaction, row: Mapping[str, Any], parts: Sequence[Mapping[str, Any]], records: Sequence[Mapping[str, Any]]
) -> int:
    """Keep a new decision, and mark what it is about; its number."""
    made = tx.one("proof_decision_put", **{**row, "at_ms": now_ms()})
    assert made is not None, "a row that was just written has a number"
    number = int(made["id"])
    tx.many("proof_decision_part_put", [{**part, "decision_id": number} for part in parts])
    tx.many("proof_decision_record_put", [{**record, "decision_id": number} for record in records])
    mark(tx, number, str(row["leg"]), parts)
    return number


def mark(tx: Transaction, number: int, leg: str, parts: Iterable[Mapping[str, Any]]) -> None:
    """The items and pairs a decision is about say so until the next run."""
    for part in parts:
        sides = {"decision_id": number, "leg": leg, "left_id": part["left_id"], "right_id": part["right_id"]}
        if part["left_id"]:
            tx.run("proof_item_decided", **{**sides, "right_id": ""})
        if part["right_id"]:
            tx.run("proof_item_decided", **{**sides, "left_id": ""})
        if part["left_id"] and part["right_id"]:
            tx.run("proof_pair_decided", **sides)


def unmark(tx: Transaction, number: int) -> None:
    """They are open to others again."""
    tx.run("proof_item_undecided", decision_id=number)
    tx.run("proof_pair_undecided", decision_id=number)


def note(tx: Transaction, records: Iterable[tuple[str, str]], by: str, what: str, words: str) -> None:
    """Something said or done about records."""
    at = now_ms()
    rows = [
        {"file": file, "record_id": record_id, "at_ms": at, "by_whom": by, "what": what, "words": words}
        for file, record_id in records
    ]
    tx.many("proof_note_put", rows)


def _whole(tx: Transaction, row: Row) -> Row:
    return {
        **row,
        "parts": tx.rows("proof_decision_parts_of", id=row["id"]),
        "records": tx.rows("proof_decision_records_of", id=row["id"]),
    }
