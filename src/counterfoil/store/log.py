"""The append-only log: one hash chain a stream, and seals that tie all streams together.

An entry's hash covers the stream's previous hash and everything the entry says, so an edit, a deletion or a swap
inside a stream shows. A seal covers the hashes of all entries since the seal before it; the newest seal's hash,
exported daily to somewhere else, makes a cut tail show too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec

from counterfoil.store.database import Database, Transaction, now_ms

SEAL_AFTER_MS = 60_000  # entries younger than this may still lie in open transactions
PAGE = 2_000


def entry_hash(previous: str, entry: dict[str, Any]) -> str:
    """SHA-256 over the previous hash and every field of the entry, each with its length."""
    total = hashlib.sha256()
    for part in (
        previous,
        entry["stream"],
        str(entry["seq"]),
        entry["fact_key"],
        entry["name"],
        entry["actor"],
        str(entry["at_ms"]),
        entry["payload"],
    ):
        data = part.encode()
        total.update(len(data).to_bytes(8, "big"))
        total.update(data)
    return total.hexdigest()


def linked(
    *, stream: str, seq: int, previous: str, key: str, name: str, actor: str, payload: str, at_ms: int
) -> dict[str, Any]:
    """One entry after `previous`, with its hash, not yet written."""
    entry = {
        "stream": stream,
        "seq": seq,
        "fact_key": key,
        "name": name,
        "actor": actor,
        "at_ms": at_ms,
        "payload": payload,
    }
    return {**entry, "hash": entry_hash(previous, entry)}


def append(
    tx: Transaction, *, stream: str, seq: int, previous: str, key: str, name: str, actor: str, payload: str, at_ms: int
) -> str:
    """Write one entry after `previous`; returns its hash. A gap or a repeat breaks a unique key and the transaction."""
    entry = linked(
        stream=stream, seq=seq, previous=previous, key=key, name=name, actor=actor, payload=payload, at_ms=at_ms
    )
    tx.run("log_append", **entry)
    return str(entry["hash"])


def note(tx: Transaction, *, stream: str, key: str, name: str, actor: str, payload: str) -> None:
    """Append to a stream that is no return (people's actions on connections, deliveries, policies)."""
    tx.rows("order_lock", lock=f"log/{stream}") if tx.dialect == "postgresql" else None
    last = tx.one("log_last", stream=stream) or {"seq": 0, "hash": ""}
    append(
        tx,
        stream=stream,
        seq=last["seq"] + 1,
        previous=last["hash"],
        key=key,
        name=name,
        actor=actor,
        payload=payload,
        at_ms=now_ms(),
    )


def entries(tx: Transaction, last: int = 0) -> Iterator[dict[str, Any]]:
    """Every entry in order of writing."""
    while True:
        page = tx.rows("log_after", last=last, limit=PAGE)
        yield from page
        if len(page) < PAGE:
            return
        last = page[-1]["id"]


def seal(database: Database, *, settle_ms: int = SEAL_AFTER_MS) -> str | None:
    """Seal what is old enough; the new head, or None when there is nothing new."""
    with database.write() as tx:
        tx.rows("order_lock", lock="seal") if tx.dialect == "postgresql" else None
        newest = tx.one("log_sealable", before=now_ms() - settle_ms)
        last_seal = tx.one("seal_last") or {"last_id": 0, "hash": ""}
        last_id = (newest or {}).get("last_id") or 0
        if last_id <= last_seal["last_id"]:
            return None
        digest, count = _cover(tx, last_seal["hash"], last_seal["last_id"], last_id)
        tx.run("seal_put", at_ms=now_ms(), last_id=last_id, entries=count, hash=digest)
        return digest


def _cover(tx: Transaction, previous: str, after: int, until: int) -> tuple[str, int]:
    total = hashlib.sha256(previous.encode())
    count = 0
    for entry in entries(tx, after):
        if entry["id"] > until:
            break
        total.update(f"{entry['id']}:{entry['hash']}".encode())
        count += 1
    return total.hexdigest(), count


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What checking the whole log found. `head` is the newest seal; export it daily."""

    entries: int
    streams: int
    seals: int
    head: str | None
    faults: tuple[str, ...] = ()


def verify(database: Database, anchor: str | None = None) -> Verification:
    """Recompute every chain and every seal; `anchor` is a head exported earlier, which must still be among them."""
    faults: list[str] = []
    heads: dict[str, tuple[int, str]] = {}
    count = 0
    with database.read() as tx:
        for entry in entries(tx):
            count += 1
            seq, previous = heads.get(entry["stream"], (0, ""))
            if entry["seq"] != seq + 1:
                faults.append(f"{entry['stream']}: entry {seq + 1} is missing or out of place")
            elif entry_hash(previous, entry) != entry["hash"]:
                faults.append(f"{entry['stream']}: entry {entry['seq']} is not what was written")
            heads[entry["stream"]] = (entry["seq"], entry["hash"])
        seals = tx.rows("seals_all")
        faults += _verify_seals(tx, seals)
        faults += _verify_tails(tx, heads)
    if anchor is not None and anchor not in {row["hash"] for row in seals}:
        faults.append("the anchored head is not among the seals: the log's tail was cut or rewritten")
    head = seals[-1]["hash"] if seals else None
    return Verification(entries=count, streams=len(heads), seals=len(seals), head=head, faults=tuple(faults))


def _verify_seals(tx: Transaction, seals: list[dict[str, Any]]) -> list[str]:
    faults = []
    previous, after = "", 0
    for row in seals:
        digest, count = _cover(tx, previous, after, row["last_id"])
        if digest != row["hash"] or count != row["entries"]:
            faults.append(f"seal {row['id']}: the entries it covers are not what was sealed")
        previous, after = row["hash"], row["last_id"]
    return faults


def _verify_tails(tx: Transaction, heads: dict[str, tuple[int, str]]) -> list[str]:
    """Each return remembers its own end: a cut tail of one stream shows at once."""
    rows = tx.query("select case_id, seq, chain from cases", {})
    return [
        f"{row['case_id']}: the log ends at {heads.get(row['case_id'], (0, ''))[0]}, the return at {row['seq']}"
        for row in rows
        if heads.get(row["case_id"], (0, "")) != (row["seq"], row["chain"])
    ]
