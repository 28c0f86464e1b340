"""One run of the proof: gather both sides, prove, keep what was found, and let exceptions follow it.

A record that ties in the next run ends its exception by itself; one that is open for the first time opens one. A run
over an ERP that could not be read says so and ends nothing of that ERP's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from counterfoil.closing import decided, own_books, read_back, workings
from counterfoil.closing.decided import Decided
from counterfoil.closing.own_books import Books
from counterfoil.core.problems import Owner, Problem
from counterfoil.core.proof_kinds import KIND_OF, PROOF_KINDS
from counterfoil.flow.world import World
from counterfoil.store import problems, proofs
from counterfoil.store.database import Transaction, now_ms
from counterfoil.store.proofs import KeptRun

if TYPE_CHECKING:
    from counterfoil.reconcile.proof import Run, Settings

_log = structlog.get_logger("counterfoil.nightly")

EARLIER = timedelta(days=7)  # ERP documents may carry an earlier date than the return that caused them
FIRST_DAY = "2000-01-01"
NIGHT_HOUR = 2  # UTC; the day before has ended everywhere the ERP posts
STORE = "proof.duckdb"
QUIET = frozenset({"timing", "in_transit"})  # worth a line in the report, no exception


@dataclass(frozen=True)
class Proven:
    """What a run came to."""

    number: int
    summary: dict[str, Any]
    balanced: bool
    open_records: int
    unbalanced: tuple[str, ...]
    trouble: tuple[str, ...]
    opened: int
    ended: int


def run(world: World, settings: Settings | None = None, *, write: Any = None) -> Proven:
    """Prove everything up to the world's today. `write` is given the finished run, to leave its files somewhere."""
    from counterfoil.reconcile.proof import Settings

    started = now_ms()
    today = date.fromisoformat(world.now()[:10])
    with world.database.read() as tx:
        books = own_books.read(tx)
        standing = workings.in_force(tx)
    since = _since(books)
    trouble = read_back.read(world, books, since, today.isoformat())
    laid = decided.lay({name: rows for name, rows in books.rows.items() if rows}, standing, complete=not trouble)
    given: dict[str, Any] = dict(laid.rows)
    with _proven(world, _both_sides(given), settings or Settings(as_of=today)) as found:
        if write is not None:
            write(found)
        return _keep(world, books, laid, found, since, started, tuple(trouble))


@contextmanager
def _proven(world: World, given: dict[str, Any], settings: Settings) -> Iterator[Run]:
    """The proof, through the store of the last run where it can be used, else of everything anew; the same answer.

    The store holds nothing that cannot be made again: one that another process has open, or that cannot be read, is
    left alone.
    """
    import duckdb

    from counterfoil.reconcile.proof import prove
    from counterfoil.reconcile.store import ReconStore

    with ExitStack() as stack:
        found: Run | None = None
        if world.folder is not None:
            try:
                world.folder.mkdir(parents=True, exist_ok=True)
                path = world.folder / STORE
                store = stack.enter_context(ReconStore(path, memory=settings.memory, threads=settings.threads))
                found = store.update(given, settings, whole=True)
            except (duckdb.Error, OSError) as error:
                _log.warning("proven_without_store", error=repr(error))
        yield found if found is not None else stack.enter_context(prove(given, settings))


def nightly_if_due(world: World) -> bool:
    """The proof of a day, once, in the first hours of the next; whoever holds the lock does it."""
    now = world.now()
    if int(now[11:13]) < NIGHT_HOUR:
        return False
    with world.database.write() as tx:
        newest = proofs.last(tx)
        if newest is not None and newest["as_of"] >= now[:10]:
            return False
        if not proofs.take_turn(tx, world.worker, now_ms()):
            return False
    run(world)
    return True


def _both_sides(given: dict[str, Any]) -> dict[str, Any]:
    """A side nobody told of is empty, not absent: then everything on the other one is open."""
    for left, right in (
        ("portal_refunds", "gateway_refunds"),
        ("portal_refunds", "erp_credit_notes"),
        ("portal_return_lines", "warehouse_receipts"),
        ("warehouse_receipts", "erp_stock_movements"),
    ):
        if left in given or right in given:
            given.setdefault(left, [])
            given.setdefault(right, [])
    return given


def _since(books: Books) -> str:
    days = [row["authorised_date"] for row in books.rows.get("portal_return_lines", ())]
    first = min(days, default=FIRST_DAY)
    return (date.fromisoformat(first) - EARLIER).isoformat()


def _keep(
    world: World, books: Books, laid: Decided, found: Run, since: str, started: int, trouble: tuple[str, ...]
) -> Proven:
    with world.database.read() as tx:
        made = workings.work_out(tx, books, laid, found)
    unbalanced = (*found.unbalanced, *made.faults())
    kept = KeptRun(
        as_of=found.as_of.isoformat(),
        since=since,
        started_ms=started,
        finished_ms=now_ms(),
        balanced=not unbalanced,
        open_records=found.open,
        summary=found.summary,
        trouble=(*trouble, *unbalanced),
    )
    with world.database.write() as tx:
        number = proofs.keep(tx, kept, made.items)
        workings.keep(tx, number, made, laid)
        opened, ended = _exceptions(tx, made.items, may_end=not trouble)
    return Proven(
        number=number,
        summary=found.summary,
        balanced=not unbalanced,
        open_records=found.open,
        unbalanced=unbalanced,
        trouble=trouble,
        opened=opened,
        ended=ended,
    )


# --- exceptions -----------------------------------------------------------------------------------------------------


def _exceptions(tx: Transaction, items: list[dict[str, Any]], *, may_end: bool) -> tuple[int, int]:
    """Open and update what is open now; end what is not. (opened, ended)."""
    before = dict(_open(tx))
    opened = 0
    for item in items:
        kind = KIND_OF.get((item["leg"], item["class"]))
        if kind is None or item["class"] in QUIET:
            continue
        subject = f"{item['leg']}/{item['left_id']}/{item['right_id']}"
        if before.pop((item["brand"], kind, subject), None) is None:
            opened += 1
        problems.put(tx, item["brand"], _problem(kind, subject, item), owner=Owner(item["owner"]))
    if may_end:
        for brand, kind, subject in before:
            problems.end_loose(tx, brand, kind, subject, "both sides tie in the newest proof")
    return opened, len(before) if may_end else 0


def _open(tx: Transaction) -> Iterator[tuple[tuple[str, str, str], int]]:
    for kind in PROOF_KINDS:
        for row in tx.rows("proof_problems_open", kind=kind.kind):
            yield (row["brand"], row["kind"], row["subject"]), row["id"]


def _problem(kind: str, subject: str, item: dict[str, Any]) -> Problem:
    money = item["leg"].startswith("refund_")
    size = abs(item["variance_minor"]) or item["amount_minor"]
    about = f" ({item['case_id']})" if item["case_id"] else ""
    return Problem(
        kind=kind,
        subject=subject,
        message=f"{item['why']}{about}",
        amount=size if money else None,
        currency=item["unit"] if money else None,
        units=0 if money else size,
    )
