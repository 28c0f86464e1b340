"""Returns and what leads to them: load, save with their log entries, references, orders, claims, loose facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from counterfoil.core.case import Acceptance, Reception, ReturnCase
from counterfoil.core.ceiling import movements_of, outside_movements
from counterfoil.core.commands import AnyCommand
from counterfoil.core.events import OrderSeen, OutsideFact, RefundMoved
from counterfoil.core.inner_events import AnyFact, UnitClaim
from counterfoil.core.look import Decision, Ledger
from counterfoil.core.movements import Movement
from counterfoil.store import log
from counterfoil.store.database import Row, Transaction, now_ms

Key = tuple[str, str]  # kind of reference, value

_case = msgspec.json.Decoder(ReturnCase)
_fact = msgspec.json.Decoder(AnyFact)
_command = msgspec.json.Decoder(AnyCommand)
_outside = msgspec.json.Decoder(OutsideFact)


class ConflictError(RuntimeError):
    """Somebody else changed the return meanwhile; load it again and decide again."""


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A return as stored: its state, and where its log ends."""

    case: ReturnCase
    seq: int
    chain: str
    opened_ms: int


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A fact to be logged, with who brought it."""

    fact: AnyFact
    actor: str


def decode_fact(payload: str | bytes) -> AnyFact:
    """A fact from the log."""
    fact: AnyFact = _fact.decode(payload)
    return fact


def decode_case(state: str | bytes) -> ReturnCase:
    """A return from its stored state."""
    case: ReturnCase = _case.decode(state)
    return case


def decode_command(body: str | bytes) -> AnyCommand:
    """A command from its stored body."""
    command: AnyCommand = _command.decode(body)
    return command


def load(tx: Transaction, case_id: str) -> Stored | None:
    """A return, locked for this transaction; None when there is none."""
    row = tx.one("case_lock", case_id=case_id)
    if row is None:
        return None
    return Stored(case=_case.decode(row["state"]), seq=row["seq"], chain=row["chain"], opened_ms=row["opened_ms"])


def peek(tx: Transaction, case_id: str) -> ReturnCase | None:
    """A return's state, without locking it."""
    row = tx.one("case_get", case_id=case_id)
    return None if row is None else _case.decode(row["state"])


def all_cases(tx: Transaction) -> Iterator[tuple[ReturnCase, str]]:
    """Every return with its progress, a page at a time."""
    last = ""
    while True:
        page = tx.rows("cases_after", last=last)
        for row in page:
            yield _case.decode(row["state"]), row["progress"]
        if not page:
            return
        last = page[-1]["case_id"]


def create(tx: Transaction, case: ReturnCase) -> Stored:
    """Make a new return, or load it when somebody was quicker."""
    ref = case.case
    tx.run(
        "case_insert",
        case_id=case.case_id,
        brand=ref.brand,
        portal=ref.portal,
        return_id=ref.return_id,
        order_ref=ref.order_ref,
        order_name=ref.order_name,
        currency=case.currency,
        stage=case.stage.value,
        state=msgspec.json.encode(case).decode(),
        now=now_ms(),
    )
    stored = load(tx, case.case_id)
    assert stored is not None, "the row was just written"
    return stored


def knows(tx: Transaction, case_id: str, fact_key: str) -> bool:
    """Whether the return's log has this fact already (invariant 6)."""
    return tx.one("log_has", stream=case_id, fact_key=fact_key) is not None


def save(tx: Transaction, stored: Stored, case: ReturnCase, entries: Sequence[Entry], decision: Decision) -> Stored:
    """Write the new state, its log entries and what lists show of it. ConflictError when the return moved on."""
    seq, chain = stored.seq, stored.chain
    at_ms = now_ms()
    written = []
    for entry in entries:
        seq += 1
        line = log.linked(
            stream=case.case_id,
            seq=seq,
            previous=chain,
            key=entry.fact.key,
            name=str(type(entry.fact).__struct_config__.tag),
            actor=entry.actor,
            payload=msgspec.json.encode(entry.fact).decode(),
            at_ms=at_ms,
        )
        written.append(line)
        chain = line["hash"]
    if tx.run("case_save", **_columns(case, decision), seq=seq, chain=chain, now=at_ms, seq_before=stored.seq) != 1:
        raise ConflictError(f"{case.case_id} was changed meanwhile")
    for line in written:  # after the check, so that a conflict is called one
        tx.run("log_append", **line)
    for kind, value in references(case):
        tx.run("case_key_put", brand=case.case.brand, kind=kind, value=value, case_id=case.case_id)
    return msgspec.structs.replace(stored, case=case, seq=seq, chain=chain)


def _columns(case: ReturnCase, decision: Decision) -> dict[str, Any]:
    credit = case.done("credit-1")
    look_again = decision.look_again_at
    return {
        "case_id": case.case_id,
        "order_ref": case.case.order_ref,
        "order_name": case.case.order_name,
        "stage": case.stage.value,
        "progress": decision.progress,
        "waits_for": decision.waits[0].reason if decision.waits else "",
        "state": msgspec.json.encode(case).decode(),
        "look_again_ms": None if look_again is None else int(datetime.fromisoformat(look_again).timestamp() * 1000),
        "problems_open": len(decision.problems),
        "units_returned": len(case.units),
        "units_received": sum(unit.reception is Reception.RECEIVED for unit in case.units),
        "value_minor": decision.value,
        "refunded_minor": case.money_out,
        "credited_minor": (case.credit.total_gross if case.credit is not None else 0) if credit else 0,
        "rma_number": case.rma.number if case.rma else None,
        "credit_number": credit.number if credit else None,
    }


def references(case: ReturnCase) -> Iterable[Key]:
    """Every reference under which the outside world may speak of this return."""
    ref = case.case
    yield "return", ref.return_id
    if ref.order_ref:
        yield "order", ref.order_ref
    if ref.order_name:
        yield "order_name", ref.order_name.lstrip("#")
    if case.erp_order is not None:
        yield "order_name", case.erp_order.number
    if case.tracking:
        yield "tracking", case.tracking
    if case.rma is not None:
        yield from (("rma", name) for name in (case.rma.number, case.rma.ref) if name)
    for refund in case.refunds:
        for number in (refund.ref, *refund.also):
            yield "money", number
        if refund.payment_ref:
            yield "payment", refund.payment_ref
        if refund.refund_ref:
            yield "refund", refund.refund_ref
    yield from (("money", adopted) for adopted in case.adopted_refunds)
    for counted in case.receipts:
        yield "receipt", counted.key


def by_key(tx: Transaction, brand: str, key: Key) -> tuple[str, ...]:
    """Returns a reference leads to, in a fixed order."""
    kind, value = key
    return tuple(row["case_id"] for row in tx.rows("case_by_key", brand=brand, kind=kind, value=value))


def lock_order(tx: Transaction, brand: str, order_ref: str) -> None:
    """From here on nobody else decides about this order until the transaction ends."""
    tx.rows("order_lock", lock=f"order/{brand}/{order_ref}")


def put_order(tx: Transaction, brand: str, fact: OrderSeen) -> None:
    """Keep the newest view of an order."""
    tx.run(
        "order_put",
        brand=brand,
        order_ref=fact.order.order_ref,
        order_name=fact.order.name,
        fact=msgspec.json.encode(fact).decode(),
        now=now_ms(),
    )


def get_order(tx: Transaction, brand: str, order_ref: str) -> OrderSeen | None:
    """The newest view of an order, when the shop has told us."""
    row = tx.one("order_get", brand=brand, order_ref=order_ref)
    if row is None:
        return None
    fact = _outside.decode(row["fact"])
    assert isinstance(fact, OrderSeen)
    return fact


def ledger(tx: Transaction, case: ReturnCase) -> Ledger:
    """What other returns of the same order took up, hold, and were paid."""
    ref = case.case
    if ref.order_ref is None:
        return Ledger()
    taken = {
        row["order_line_ref"]: row["highest"]
        for row in tx.rows("claims_of_order", brand=ref.brand, order_ref=ref.order_ref, case_id=case.case_id)
    }
    elsewhere: dict[str, int] = {}
    money, shipping, shipping_tax, rounding = 0, 0, 0, 0
    moved: tuple[Movement, ...] = outside_movements(outside_refunds(tx, ref.brand, ref.order_ref))
    for row in tx.rows("cases_of_order", brand=ref.brand, order_ref=ref.order_ref):
        if row["case_id"] == case.case_id:
            continue
        other = _case.decode(row["state"])
        money += other.money_out
        moved += movements_of(other)
        for charge in other.credit.charges if other.credit is not None else ():
            if charge.code == "shipping":
                shipping, shipping_tax = shipping + charge.gross, shipping_tax + charge.tax
            elif charge.code == "rounding":
                rounding += charge.gross
        if row["progress"] != "cancelled":
            _count_units(other, elsewhere)
    return Ledger(
        taken=taken,
        elsewhere=elsewhere,
        money_out=money,
        shipping=(shipping, shipping_tax),
        rounding=rounding,
        moved=moved,
    )


def outside_refunds(tx: Transaction, brand: str, order_ref: str) -> Iterator[RefundMoved]:
    """Refunds of the order no return has named yet."""
    for row in tx.rows("loose_by_key", brand=brand, kind="order", value=order_ref):
        fact = _outside.decode(row["fact"])
        if isinstance(fact, RefundMoved):
            yield fact


def _count_units(case: ReturnCase, held: dict[str, int]) -> None:
    """Units other returns hold; refused ones went back to the customer and may come again."""
    for unit in case.units:
        if unit.order_line_ref is not None and unit.acceptance is not Acceptance.REJECTED:
            held[unit.order_line_ref] = held.get(unit.order_line_ref, 0) + 1


def claim(tx: Transaction, case: ReturnCase, step: str, claims: Sequence[UnitClaim]) -> None:
    """Take up units of the order; a unit somebody else has breaks the transaction."""
    for one in claims:
        tx.run(
            "claim_put",
            brand=case.case.brand,
            order_ref=case.case.order_ref,
            order_line_ref=one.order_line_ref,
            order_unit=one.order_unit,
            case_id=case.case_id,
            step=step,
        )


# --- facts that belong to no return yet -----------------------------------------------------------------------------


def put_loose(tx: Transaction, brand: str, fact: OutsideFact, keys: Sequence[Key], delivery_id: int | None) -> None:
    """Keep a fact until the return it belongs to is known; a repeat changes nothing."""
    row = tx.one(
        "loose_put",
        brand=brand,
        fact_key=fact.key,
        fact=msgspec.json.encode(fact).decode(),
        keys=msgspec.json.encode(keys).decode(),
        now=now_ms(),
        delivery_id=delivery_id,
    )
    if row is None:
        return
    for kind, value in keys:
        tx.run("loose_key_put", brand=brand, kind=kind, value=value, loose_id=row["id"])


class Loose(msgspec.Struct, frozen=True):
    """A waiting fact and every reference it came with, most telling first."""

    id: int
    fact: OutsideFact
    keys: tuple[Key, ...]


def loose_for(tx: Transaction, case: ReturnCase) -> list[Loose]:
    """Waiting facts this return's references lead to, in order of arrival."""
    found: dict[int, Row] = {}
    for kind, value in references(case):
        for row in tx.rows("loose_by_key", brand=case.case.brand, kind=kind, value=value):
            found[row["id"]] = row
    return [
        Loose(number, _outside.decode(row["fact"]), tuple((k, v) for k, v in msgspec.json.decode(row["keys"])))
        for number, row in sorted(found.items())
    ]


def loose_refund(tx: Transaction, brand: str, ref: str) -> RefundMoved | None:
    """The newest telling of a refund, by its own reference, that waits for its return."""
    told = [_outside.decode(row["fact"]) for row in tx.rows("loose_by_key", brand=brand, kind="money", value=ref)]
    found = [fact for fact in told if isinstance(fact, RefundMoved) and fact.ref == ref]
    return found[-1] if found else None


def adopt(tx: Transaction, loose_id: int, case_id: str) -> None:
    """The return has taken the fact up."""
    tx.run("loose_adopt", id=loose_id, case_id=case_id)
