"""Judgements as rows, one for each change of verdict, with what is needed to work them out again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from counterfoil.core.consent import Wanted
from counterfoil.core.inner_events import AnyFact
from counterfoil.core.judgement import Judgement, Record, recompute
from counterfoil.core.look import Look
from counterfoil.core.mapping import Mapping
from counterfoil.core.policy import Agreement
from counterfoil.store.cases import decode_fact
from counterfoil.store.database import Row, Transaction, now_ms

_record = msgspec.json.Decoder(Record)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A stored judgement with its row."""

    id: int
    at_ms: int
    record: Record


def put(tx: Transaction, look: Look, seq: int, judgement: Judgement) -> bool:
    """Store a judgement when its verdict differs from the return's last; whether it did."""
    last = newest(tx, look.case.case_id)
    if last is not None and last.record.judgement.signature == judgement.signature:
        return False
    record = Record(
        case_id=look.case.case_id,
        seq=seq,
        now=look.now,
        ledger=look.ledger,
        judgement=judgement,
        agreement=_agreed(tx, look.agreement),
        mapping=_agreed(tx, look.mapping),
    )
    tx.run(
        "decision_put",
        case_id=record.case_id,
        seq=seq,
        at_ms=now_ms(),
        verdict=judgement.verdict.value,
        rule=judgement.rule,
        next_fact=judgement.next_fact,
        policy_name=judgement.policy_name,
        policy_version=judgement.policy_version,
        body=msgspec.json.encode(record).decode(),
    )
    return True


def _agreed(tx: Transaction, value: Agreement | Mapping) -> str:
    """Keep a value under the hash of its content; the hash."""
    body = msgspec.json.encode(value, order="deterministic")
    digest = hashlib.sha256(body).hexdigest()
    tx.run("agreed_put", hash=digest, body=body.decode(), now=now_ms())
    return digest


def newest(tx: Transaction, case_id: str) -> Kept | None:
    """The verdict a return is under now."""
    row = tx.one("decision_last", case_id=case_id)
    return _kept(row) if row is not None else None


def of_case(tx: Transaction, case_id: str) -> list[Kept]:
    """Every verdict of a return, oldest first."""
    return [_kept(row) for row in tx.rows("decisions_of_case", case_id=case_id)]


def again(tx: Transaction, record: Record) -> Judgement | None:
    """A stored judgement worked out again from the log and what was agreed then; None when those are gone."""
    bodies = [tx.one("agreed_get", hash=digest) for digest in (record.agreement, record.mapping)]
    if None in bodies:
        return None
    agreement, mapping = (row["body"] if row is not None else "" for row in bodies)
    facts: Sequence[AnyFact] = [decode_fact(row["payload"]) for row in tx.rows("log_of_case", stream=record.case_id)]
    return recompute(
        record,
        facts,
        msgspec.json.decode(agreement, type=Agreement),
        msgspec.json.decode(mapping, type=Mapping),
    )


def ask(tx: Transaction, look: Look, wishes: Sequence[Wanted]) -> None:
    """Make the approvals asked for on a return equal to these."""
    case = look.case
    known = {row["rule"] for row in tx.rows("approvals_of_case", case_id=case.case_id)}
    for wish in wishes:
        tx.run("approval_ask", **_asked(case.case_id, case.case.brand, wish), now=now_ms())
    for rule in known - {wish.rule for wish in wishes}:
        tx.run("approval_ended", case_id=case.case_id, rule=rule)


def _asked(case_id: str, brand: str, wish: Wanted) -> dict[str, Any]:
    return {
        "case_id": case_id,
        "rule": wish.rule,
        "brand": brand,
        "because": wish.because,
        "amount_minor": wish.terms.amount,
        "currency": wish.terms.currency,
        "method": wish.terms.method,
        "approvers": ",".join(wish.approvers),
        "people": wish.people,
        "given": len(wish.given),
    }


def _kept(row: Row) -> Kept:
    return Kept(id=row["id"], at_ms=row["at_ms"], record=_record.decode(row["body"]))
