"""Gather what the invariants look at from the store, and from the ERPs when asked, and say what does not hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from counterfoil.core.commands import Role
from counterfoil.core.invariants import Books, Held, Kept, Logged, Sent, Violation, violations
from counterfoil.flow.world import World
from counterfoil.ports.capabilities import Cap
from counterfoil.ports.vendors import ErpClient, Family
from counterfoil.store import cases
from counterfoil.store.database import Row, Transaction

ORDERS_AT_ONCE = 200
"""How many orders are looked at together: enough for quick reading, few enough for a small process."""


def check(world: World, *, read_back: bool = False) -> tuple[Violation, ...]:
    """Every violation in the store; with `read_back` the ERPs are asked for their documents as well."""
    found: list[Violation] = []
    with world.database.read() as tx:
        if read_back:
            books = gather(world, tx, [row["case_id"] for row in tx.rows("cases_by_order")])
            return violations(_with_documents(world, books))
        for part in _parts(tx):
            found += violations(gather(world, tx, part))
    return tuple(found)


def gather(world: World, tx: Transaction, case_ids: Iterable[str]) -> Books:
    """The books of these returns. Returns of one order belong together."""
    returns: list[Kept] = []
    sent: list[Sent] = []
    for case_id in case_ids:
        row = tx.one("case_get", case_id=case_id)
        if row is None:
            continue
        returns.append(_kept(world, tx, row))
        sent += [_sent(world, command) for command in tx.rows("commands_of_case", case_id=case_id)]
    orders = {(k.case.case.brand, k.case.case.order_ref) for k in returns if k.case.case.order_ref is not None}
    outside = [fact for brand, ref in sorted(orders) for fact in cases.outside_refunds(tx, brand, ref or "")]
    return Books(returns=tuple(returns), sent=tuple(sent), now=world.now(), outside=tuple(outside))


def _parts(tx: Transaction) -> Iterator[list[str]]:
    """Returns in parts that never tear an order apart."""
    part: list[str] = []
    orders: set[tuple[str, str | None]] = set()
    for row in tx.rows("cases_by_order"):
        orders.add((row["brand"], row["order_ref"]))
        if len(orders) > ORDERS_AT_ONCE:
            yield part
            part, orders = [], {(row["brand"], row["order_ref"])}
        part.append(row["case_id"])
    if part:
        yield part


def _kept(world: World, tx: Transaction, row: Row) -> Kept:
    case = cases.decode_case(row["state"])
    log: list[Logged] = []
    unreadable: list[int] = []
    for entry in tx.rows("log_of_case", stream=case.case_id):
        try:
            fact = cases.decode_fact(entry["payload"])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            unreadable.append(entry["seq"])
            continue
        log.append(Logged(fact=fact, family=_family(world, entry["actor"])))
    return Kept(
        case=case,
        progress=row["progress"],
        log=tuple(log),
        unreadable=tuple(unreadable),
        open_kinds=frozenset(problem["kind"] for problem in tx.rows("problem_kinds_of_case", case_id=case.case_id)),
        policy=world.setup(case.case.brand, case.case.portal).agreement.policy,
    )


def _family(world: World, actor: str) -> str | None:
    """The family of the system that stated a fact; None for people, for us, and where the log does not say."""
    connection = world.connections.get(actor.removesuffix(" poll"))
    return connection.family.value if connection is not None else None


def _sent(world: World, row: Row) -> Sent:
    connection = world.connections.get(row["connection"])
    return Sent(
        command=cases.decode_command(row["body"]),
        edition=row["edition"],
        done=row["state"] == "done",
        family=connection.family.value if connection is not None else "connection that is gone",
    )


def _with_documents(world: World, books: Books) -> Books:
    """The same books with what the ERPs hold. Their lists are read once, over the days our returns span.

    Where one of them has no list to read (Cap.READ_BACK), what stands in the ERP cannot be judged and is left out.
    """
    held: list[Held] = []
    since, until = _span(books)
    names = {setup.connections[Role.ERP] for setup in world.setups.values()}
    if any(Cap.READ_BACK not in world.connections[name].can() for name in names):
        return books
    for connection in (world.connections[name] for name in sorted(names)):
        if connection.family is not Family.ERP or connection.spec.build is None:
            continue
        client: ErpClient = connection.client  # type: ignore[assignment]
        for document in client.documents("credit_note", since, until):
            ours = document.external_ref is not None
            held.append(
                Held(
                    kind=document.kind,
                    number=document.number,
                    amount=document.amount,
                    currency=document.currency,
                    ours=ours,
                )
            )
    return msgspec.structs.replace(books, documents=tuple(held))


def _span(books: Books) -> tuple[str, str]:
    """From the first step of any return to tomorrow, `YYYY-MM-DD`."""
    now = datetime.fromisoformat(books.now)
    first = min((step.at for kept in books.returns for step in kept.case.steps.values() if step.at), default=books.now)
    return first[:10], (now + timedelta(days=1)).strftime("%Y-%m-%d")
