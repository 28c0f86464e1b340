"""What people decide about open records: the one door that console, command line and API come through.

A decision is kept with who and why, is logged, and is applied by the next runs (decided.py). Money that is written off
needs a second person. Records of a period signed by both its preparer and its reviewer are left alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import uuid4

import msgspec

from counterfoil.closing.decided import MATCH, REJECT, WRITE_OFF, shown
from counterfoil.core.money import to_text
from counterfoil.core.proof_rules import ProofRules
from counterfoil.core.reconcile.legs import BY_NAME, Leg
from counterfoil.ports.actions import ActionError
from counterfoil.store import log, signoffs, workbench
from counterfoil.store.database import Database, Row, Transaction, now_ms

STREAM = "system/proof"
WORDS_MAX = 2000
PARTS_MAX = 50
ROLES = {"preparer", "reviewer"}

Chosen = Sequence[tuple[str, str, int | None]]
"""Left id, right id, and how much of the right one goes there (None: as much as the two have in common)."""


class ProofDesk:
    """Decisions about the proof. Every method raises ActionError with one sentence when it cannot be done."""

    def __init__(self, database: Database, rules: ProofRules | None = None) -> None:
        self._database = database
        self.rules = rules or ProofRules()

    def match(self, leg: str, chosen: Chosen, by: str, because: str) -> int:
        """Match open records by hand, one with one, one with several or several with one; the decision's number."""
        because = _reason(because)
        place = _leg(leg)
        if not chosen:
            raise ActionError("Choose the record it belongs to.")
        if len(chosen) > PARTS_MAX:
            raise ActionError(f"At most {PARTS_MAX} records are matched at once.")
        with self._database.write() as tx:
            _alone(tx)
            records = _records(tx, place, {left for left, _, _ in chosen}, {right for _, right, _ in chosen})
            _same(records)
            _unlocked(tx, records)
            parts = _parts(tx, place, chosen, {(row["file"], row["record_id"]): row for row in records})
            return _decide(tx, MATCH, place, records, parts, by, because)

    def accept(self, leg: str, right_id: str, by: str, because: str = "") -> int:
        """Accept what a rule proposed for a record of the right side, with all the lefts it was proposed for."""
        with self._database.read() as tx:
            pairs = tx.rows("proof_pairs_of_right", leg=leg, record_id=right_id)
        proposed = [row for row in pairs if row["standing"] == "proposed" and not row["decision_id"]]
        if not proposed:
            raise ActionError(f"Nothing is proposed for {right_id} any more; load the page again.")
        chosen = [(row["left_id"], right_id, row["allocated_minor"]) for row in proposed]
        return self.match(leg, chosen, by, because.strip() or f"as proposed: {proposed[0]['why']}")

    def reject(self, leg: str, right_id: str, by: str, because: str) -> int:
        """Reject what a rule proposed for a record of the right side; it is not proposed again."""
        because = _reason(because)
        place = _leg(leg)
        with self._database.write() as tx:
            _alone(tx)
            pairs = tx.rows("proof_pairs_of_right", leg=leg, record_id=right_id)
            proposed = [row for row in pairs if row["standing"] == "proposed"]
            if not proposed or any(row["decision_id"] for row in proposed):
                raise ActionError(f"Nothing is proposed for {right_id} any more; load the page again.")
            records = _records(tx, place, {row["left_id"] for row in proposed}, {right_id})
            _unlocked(tx, records)
            parts = [{"left_id": row["left_id"], "right_id": right_id, "minor": 0} for row in proposed]
            return _decide(tx, REJECT, place, records, parts, by, because)

    def write_off(self, leg: str, left_id: str, right_id: str, account: str, by: str, because: str) -> int:
        """Ask for a difference to be written off to a named account; it counts once a second person approves."""
        because = _reason(because)
        place = _leg(leg)
        if account not in self.rules.accounts:
            raise ActionError(f"Choose one of the accounts {', '.join(self.rules.accounts)}.")
        with self._database.write() as tx:
            _alone(tx)
            item = _item(tx, place, left_id, right_id)
            self._within(place, item)
            rights = {row["right_id"] for row in workbench.pairs_of(tx, leg, left_id, "")} if left_id else {right_id}
            records = _records(tx, place, {left_id} if left_id else set(), rights)
            _unlocked(tx, records)
            part = {"left_id": item["left_id"], "right_id": "" if left_id else right_id}
            parts = [{**part, "minor": item["difference_minor"]}]
            return _decide(tx, WRITE_OFF, place, records, parts, by, because, account=account)

    def approve(self, number: int, by: str, because: str = "") -> None:
        """Approve a write-off somebody else asked for."""
        with self._database.write() as tx:
            _alone(tx)
            row = _asked(tx, number)
            if row["by_whom"].casefold() == by.casefold():
                raise ActionError("Who asks for a write-off does not approve it; a second person must.")
            for record in row["records"]:
                now = tx.one("proof_record_one", file=record["file"], record_id=record["record_id"])
                if now is None or now["fingerprint"] != record["fingerprint"]:
                    raise ActionError(
                        f"{record['record_id']} changed since this was asked for; refuse it and look again."
                    )
            _unlocked(tx, row["records"])
            _move(tx, row, "in_force", by, because, "approve")

    def refuse(self, number: int, by: str, because: str) -> None:
        """Refuse a write-off; the difference stays open."""
        because = _reason(because)
        with self._database.write() as tx:
            row = _asked(tx, number)
            _move(tx, row, "refused", by, because, "refuse")
            workbench.unmark(tx, number)

    def undo(self, number: int, by: str, because: str) -> None:
        """Take a decision back; from the next run on its records are judged by the rules again."""
        because = _reason(because)
        with self._database.write() as tx:
            row = workbench.decision(tx, number)
            if row is None or row["state"] != "in_force":
                raise ActionError("This decision is not in force; there is nothing to take back.")
            _unlocked(tx, row["records"])
            _move(tx, row, "undone", by, because, "undo")
            workbench.unmark(tx, number)

    def comment(self, leg: str, left_id: str, right_id: str, by: str, words: str) -> None:
        """Say something about a record; it stays with it for good."""
        words = words.strip()[:WORDS_MAX]
        if not words:
            raise ActionError("Write the comment first.")
        place = _leg(leg)
        about = (place.left_file, left_id) if left_id else (place.right_file, right_id)
        with self._database.write() as tx:
            if tx.one("proof_record_one", file=about[0], record_id=about[1]) is None:
                raise ActionError("There is no such record in the newest proof.")
            workbench.note(tx, [about], by, "comment", words)
            _log(tx, "ProofCommented.v1", by, {"file": about[0], "record": about[1], "words": words})

    def _within(self, leg: Leg, item: Row) -> None:
        if item["class"] in ("timing", "in_transit"):
            raise ActionError("Nothing is wrong yet: the record is still in time, so there is nothing to write off.")
        if leg.name == "line_receipt" and not item["left_id"]:
            raise ActionError("Goods without a return are not written off: assign them, or have them sent back.")
        limit, size = self.rules.limit(item["unit"], money=leg.money), abs(item["difference_minor"])
        if size > limit:
            raise ActionError(
                f"{_size(size, item, leg)} is more than the {_size(limit, item, leg)} that may be written off."
            )


# --- what must hold -------------------------------------------------------------------------------------------------


def locked(tx: Transaction, period: str) -> bool:
    """Whether a period, such as 2026-10, was signed by its preparer and its reviewer."""
    return set(signoffs.of_period(tx, period)) >= ROLES


def _unlocked(tx: Transaction, records: Iterable[Row]) -> None:
    for period in sorted({row["day"][:7] for row in records}):
        if locked(tx, period):
            raise ActionError(f"The period {period} is signed and locked; nothing of it can be changed any more.")


def _reason(text: str) -> str:
    text = text.strip()[:WORDS_MAX]
    if not text:
        raise ActionError("Say why in a few words; the auditor reads it.")
    return text


def _leg(name: str) -> Leg:
    leg = BY_NAME.get(name)
    if leg is None:
        raise ActionError(f"There is no comparison {name!r}; there are {', '.join(BY_NAME)}.")
    return leg


def _item(tx: Transaction, leg: Leg, left_id: str, right_id: str) -> Row:
    item = workbench.item_of(tx, leg.name, left_id, right_id)
    if item is None:
        raise ActionError("This record is not open any more; load the page again.")
    if item["decision_id"]:
        raise ActionError(f"Decision {item['decision_id']} is about this record already.")
    return item


def _records(tx: Transaction, leg: Leg, lefts: Iterable[str], rights: Iterable[str]) -> list[Row]:
    wanted = [(leg.left_file, left) for left in sorted(lefts)] + [(leg.right_file, right) for right in sorted(rights)]
    found = []
    for file, record_id in wanted:
        row = tx.one("proof_record_one", file=file, record_id=record_id)
        if row is None:
            raise ActionError(f"{record_id} is not among the open records of the newest proof.")
        found.append(row)
    return found


def _same(records: list[Row]) -> None:
    for name, word in (("brand", "shops"), ("unit", "currencies or articles")):
        values = sorted({row[name] for row in records})
        if len(values) > 1:
            raise ActionError(f"They are of different {word} ({', '.join(values)}) and cannot be the same thing.")


def _parts(tx: Transaction, leg: Leg, chosen: Chosen, records: dict[tuple[str, str], Row]) -> list[dict[str, Any]]:
    """What each left takes of each right; no more than the right one has."""
    given: Counter[str] = Counter()
    parts: list[dict[str, Any]] = []
    for left, right, minor in chosen:
        both = records[leg.left_file, left]["amount_minor"], records[leg.right_file, right]["amount_minor"]
        several = sum(1 for _, other, _ in chosen if other == right) > 1
        taken = minor if minor is not None else min(both) if several else both[1]
        if taken <= 0:
            raise ActionError(f"{left} would take nothing of {right}.")
        given[right] += taken
        parts.append({"left_id": left, "right_id": right, "minor": taken})
    for right, total in given.items():
        row = records[leg.right_file, right]
        before = tx.one("proof_taken_of_record", leg=leg.name, file=leg.right_file, record_id=right) or {"minor": 0}
        if total + before["minor"] > row["amount_minor"]:
            told = shown(leg.right_file, msgspec.json.decode(row["body"]))
            raise ActionError(f"{right} is {told}; more than that would be matched with it.")
    if leg.name == "line_receipt" and len({part["left_id"] for part in parts}) > 1:
        raise ActionError("A receipt is not split over several return lines here: have the warehouse send it in two.")
    return parts


def _asked(tx: Transaction, number: int) -> Row:
    row = workbench.decision(tx, number)
    if row is None or row["state"] != "asked":
        raise ActionError("This write-off does not wait for anybody any more; load the page again.")
    return row


def _size(minor: int, item: Row, leg: Leg) -> str:
    return f"{to_text(minor, item['unit'])} {item['unit']}" if leg.money else f"{minor} × {item['unit']}"


# --- keeping it -----------------------------------------------------------------------------------------------------


def _alone(tx: Transaction) -> None:
    """One decision at a time, so that no record is given away twice."""
    if tx.dialect == "postgresql":
        tx.rows("order_lock", lock=STREAM)


def _decide(
    tx: Transaction,
    what: str,
    leg: Leg,
    records: list[Row],
    parts: list[dict[str, Any]],
    by: str,
    because: str,
    account: str = "",
) -> int:
    for part in parts:
        for sides in ((part["left_id"], ""), ("", part["right_id"])):
            item = workbench.item_of(tx, leg.name, *sides) if any(sides) else None
            if item is not None and item["decision_id"] and what != MATCH:
                raise ActionError(f"Decision {item['decision_id']} is about this record already.")
    row = {
        "what": what,
        "state": "asked" if what == WRITE_OFF else "in_force",
        "leg": leg.name,
        "brand": records[0]["brand"],
        "unit": records[0]["unit"],
        "minor": sum(part["minor"] for part in parts) if what == WRITE_OFF else 0,
        "account": account,
        "by_whom": by,
        "because": because,
    }
    kept = [
        {
            **{name: record[name] for name in ("file", "record_id", "fingerprint", "day")},
            "shown": shown(record["file"], msgspec.json.decode(record["body"])),
        }
        for record in records
    ]
    number = workbench.decide(tx, row, parts, kept)
    workbench.note(tx, [(record["file"], record["record_id"]) for record in records], by, what, because)
    _log(tx, "ProofDecided.v1", by, {**row, "decision": number, "parts": parts, "records": kept})
    return number


def _move(tx: Transaction, row: Row, state: str, by: str, because: str, what: str) -> None:
    moved = tx.run(
        "proof_decision_move", id=row["id"], state=state, was=row["state"], by_whom=by, because=because, now=now_ms()
    )
    if moved != 1:
        raise ActionError("Somebody was quicker; load the page again.")
    records = [(record["file"], record["record_id"]) for record in row["records"]]
    workbench.note(tx, records, by, what, because or f"decision {row['id']}")
    _log(tx, "ProofDecisionMoved.v1", by, {"decision": row["id"], "state": state, "reason": because})


def _log(tx: Transaction, name: str, by: str, what: dict[str, Any]) -> None:
    payload = msgspec.json.encode({"type": name, **what}).decode()
    log.note(tx, stream=STREAM, key=uuid4().hex, name=name, actor=f"person:{by}", payload=payload)
