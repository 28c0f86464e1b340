"""Kept versions of policies, and the recorded returns a changed policy is tried on."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from counterfoil.core.inner_events import AnyFact
from counterfoil.store import log
from counterfoil.store.cases import decode_fact
from counterfoil.store.database import Transaction, now_ms


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One version as it was kept: the TOML byte for byte, its hash, who kept it, when, and from which day it holds."""

    brand: str
    portal: str
    version: str
    erp: str
    name: str
    starts_on: str
    content: str
    hash: str
    saved_ms: int
    saved_by: str


def versions(tx: Transaction, brand: str, portal: str) -> tuple[Kept, ...]:
    """Every version of a brand and portal, the first to start first."""
    return tuple(msgspec.convert(row, Kept) for row in tx.rows("policy_versions_of", brand=brand, portal=portal))


def pairs(tx: Transaction) -> tuple[tuple[str, str], ...]:
    """The brands and portals that have kept versions."""
    return tuple((row["brand"], row["portal"]) for row in tx.rows("policy_pairs"))


def put(tx: Transaction, kept: Kept) -> None:
    """Keep a version, and say so in the log. A version that exists is never changed."""
    values = {
        name: value for name, value in msgspec.structs.asdict(kept).items() if name not in ("saved_ms", "saved_by")
    }
    if tx.run("policy_put", **values, now=now_ms(), by=kept.saved_by) != 1:
        return
    said = {"version": kept.version, "starts_on": kept.starts_on, "hash": kept.hash}
    log.note(
        tx,
        stream=f"system/policies/{kept.brand}/{kept.portal}",
        key=f"policy/{kept.version}",
        name="PolicyKept.v1",
        actor=kept.saved_by,
        payload=msgspec.json.encode(said).decode(),
    )


def open_rmas(tx: Transaction, brand: str, portal: str) -> int:
    """Returns under way that have an RMA (D13)."""
    row = tx.one("policy_open_rmas", brand=brand, portal=portal)
    return int(row["open_rmas"]) if row is not None else 0


def recorded(tx: Transaction, brand: str, portal: str, since_ms: int) -> Iterator[tuple[str, int]]:
    """(return, when it was opened) of every return opened since a moment, a page at a time."""
    last = ""
    while True:
        page = tx.rows("policy_recorded", brand=brand, portal=portal, since=since_ms, last=last)
        yield from ((row["case_id"], row["opened_ms"]) for row in page)
        if not page:
            return
        last = page[-1]["case_id"]


def facts_of(tx: Transaction, case_id: str) -> tuple[tuple[int, AnyFact], ...]:
    """(when it was written, fact) of a return's whole log."""
    return tuple((row["at_ms"], decode_fact(row["payload"])) for row in tx.rows("policy_log_of", stream=case_id))
