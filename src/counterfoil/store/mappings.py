"""The words in force and how they came to be: versioned rows, seeded from the settings, changed by people.

A change of a kind that moves money or stock is proposed by one person and confirmed by another; everything else is in
force at once. The version of a setup's mapping is the id of the newest change in force.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from counterfoil.core.case import ReturnCase
from counterfoil.core.mapping import FOUR_EYES, MapKind, Mapping, from_words
from counterfoil.store.database import Database, Row, Transaction, now_ms

DAY_MS = 86_400_000
COUNT_BATCH = 2_000


class Scope(msgspec.Struct, frozen=True):
    """Whose mapping: one brand's, for one portal."""

    brand: str
    portal: str

    @property
    def row(self) -> dict[str, str]:
        """As parameters."""
        return {"brand": self.brand, "portal": self.portal}


class WordChange(msgspec.Struct, frozen=True, kw_only=True):
    """One word and what it shall mean; None takes it away."""

    kind: MapKind
    word: str
    meaning: str | None


def version(tx: Transaction, scope: Scope) -> int | None:
    """The version in force; None while the store holds no mapping of this setup."""
    row = tx.one("mapping_head", **scope.row)
    return None if row is None else int(row["version"])


def load(tx: Transaction, scope: Scope, known: int) -> Mapping:
    """The mapping in force."""
    rows = tx.rows("mapping_words", **scope.row)
    return from_words(((MapKind(row["kind"]), row["word"], row["meaning"]) for row in rows), str(known))


def seed(database: Database, scope: Scope, mapping: Mapping) -> int:
    """Take over words the store never had from the settings; what people changed since stays. How many were new."""
    with database.write() as tx:
        fresh = [
            WordChange(kind=kind, word=word, meaning=meaning)
            for kind, word, meaning in mapping.words()
            if tx.one("mapping_ever", **scope.row, kind=kind.value, word=word) is None
        ]
        for change in fresh:
            put(tx, scope, change, by="settings", because="from the settings", source="settings", at_once=True)
        if not fresh and version(tx, scope) is None:
            tx.run("mapping_head_put", **scope.row, version=0)
    return len(fresh)


def needs_second(kind: MapKind) -> bool:
    """Whether another person must confirm."""
    return kind in FOUR_EYES


def put(
    tx: Transaction,
    scope: Scope,
    change: WordChange,
    *,
    by: str,
    because: str,
    source: str,
    at_once: bool = False,
    replay: str = "",
) -> Row:
    """Write a change down, and put it in force unless a second person is needed; the change's row."""
    proposed = needs_second(change.kind) and not at_once
    before = tx.one("mapping_word", **scope.row, kind=change.kind.value, word=change.word)
    now = now_ms()
    row = tx.one(
        "mapping_change_put",
        **scope.row,
        kind=change.kind.value,
        word=change.word,
        meaning_before=before["meaning"] if before else None,
        meaning=change.meaning,
        state="proposed" if proposed else "in_force",
        source=source,
        by=by,
        because=because,
        now=now,
        decided_by=None if proposed else by,
        decided_ms=None if proposed else now,
        replay=replay,
    )
    assert row is not None
    if not proposed:
        _in_force(tx, scope, change, row["id"], by)
    return {"id": row["id"], "state": "proposed" if proposed else "in_force"}


def decide(tx: Transaction, change: Row, *, by: str, confirmed: bool) -> bool:
    """Confirm or refuse a proposal; False when somebody was quicker."""
    state = "in_force" if confirmed else "refused"
    if tx.run("mapping_change_decide", id=change["id"], state=state, by=by, now=now_ms()) != 1:
        return False
    if confirmed:
        word = WordChange(kind=MapKind(change["kind"]), word=change["word"], meaning=change["meaning"])
        _in_force(tx, Scope(change["brand"], change["portal"]), word, change["id"], by)
    return True


def _in_force(tx: Transaction, scope: Scope, change: WordChange, change_id: int, by: str) -> None:
    key = {**scope.row, "kind": change.kind.value, "word": change.word}
    if change.meaning is None:
        tx.run("mapping_word_drop", **key)
    else:
        tx.run("mapping_word_put", **key, meaning=change.meaning, change_id=change_id, now=now_ms(), by=by)
    tx.run("mapping_head_put", **scope.row, version=change_id)


# --- words as returns bring them ------------------------------------------------------------------------------------


def words_of(case: ReturnCase) -> set[tuple[str, str]]:
    """(kind, word) of everything on a return that a mapping could be asked about."""
    found: set[tuple[str, str]] = set()
    for unit in case.units:
        if unit.sku:
            found.add((MapKind.SKU.value, unit.sku))
        if unit.reason:
            found.add((MapKind.REASON.value, unit.reason.strip()))
        if unit.disposition is not None:
            found.add((MapKind.DISPOSITION.value, unit.disposition.value))
            found.add((MapKind.DEPOT.value, f"{unit.warehouse}/{unit.disposition.value}"))
    for refund in case.refunds:
        if refund.gateway:
            found.add((MapKind.TENDER.value, refund.gateway))
    for line in case.erp_order.lines if case.erp_order is not None else ():
        if line.tax_code:
            found.add((MapKind.TAX_CODE.value, line.tax_code))
    return found


def note_sightings(tx: Transaction, before: ReturnCase, case: ReturnCase) -> None:
    """Write down the words this step of a return brought."""
    scope, now = Scope(case.case.brand, case.case.portal), now_ms()
    tx.many(
        "sighting_put",
        [
            {**scope.row, "kind": kind, "word": word, "case_id": case.case_id, "now": now}
            for kind, word in sorted(words_of(case) - words_of(before))
        ],
    )


def count_sightings(database: Database, batch: int = COUNT_BATCH) -> int:
    """Fold new sightings into what was seen, by word and by day; how many there were."""
    with database.write() as tx:
        rows = tx.rows("sightings_take", limit=batch)
        rows.sort(key=lambda row: (row["at_ms"], row["case_id"]))
        for key, group in _grouped(rows, ("brand", "portal", "kind", "word")):
            tx.run(
                "seen_add",
                **key,
                first_case=group[0]["case_id"],
                first_ms=group[0]["at_ms"],
                last_ms=group[-1]["at_ms"],
                returns=len(group),
            )
        days = [{**row, "day": row["at_ms"] // DAY_MS} for row in rows]
        for key, group in _grouped(days, ("brand", "portal", "kind", "day", "word")):
            tx.run("day_add", **key, returns=len(group))
    return len(rows)


def _grouped(rows: Iterable[Row], names: tuple[str, ...]) -> list[tuple[dict[str, Any], list[Row]]]:
    """Rows by a key, in the key's order, so that two workers take locks in the same sequence."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in names), []).append(row)
    return [(dict(zip(names, key, strict=True)), group) for key, group in sorted(found.items())]
