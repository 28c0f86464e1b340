"""What the console reads: returns, problems, connections and the log. Nothing here writes.

Fixed questions are named statements in `queries/console.sql`; lists whose filters come from an address are built
here from fixed fragments, with every value bound. Lists are paged by key, never by offset.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from counterfoil.store.database import Row, Transaction
from counterfoil.store.sql import bound

COUNT_MAX = 2_000
"""Lists are counted and summed up to this many rows; beyond it a page says "more than"."""

OFFERED_MAX = 20
"""The most reasons to wait a filter offers, commonest first."""

Cursor = tuple[int, str]

_LISTED = (
    "case_id, brand, portal, return_id, order_ref, order_name, currency, stage, progress, waits_for, opened_ms, "
    "updated_ms, problems_open, units_returned, units_received, value_minor, refunded_minor, credited_minor, "
    "rma_number, credit_number"
)


@dataclass(frozen=True, slots=True)
class ReturnFilter:
    """Which returns a list shows. Empty means all; several values of one field mean any of them."""

    q: str = ""
    progress: tuple[str, ...] = ()
    stage: tuple[str, ...] = ()
    portal: tuple[str, ...] = ()
    brand: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    problem: tuple[str, ...] = ()
    quiet_before_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ProblemFilter:
    """Which problems a list shows; see `ReturnFilter`. `state` is open, resting or closed; `due_before_ms`: late ones.

    `alone` leaves out what one fix of its cause may end.
    """

    state: str = "open"
    owner: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    brand: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    assignee: tuple[str, ...] = ()
    cause: str = ""
    alone: bool = False
    due_before_ms: int | None = None


class _Where:
    """Conditions joined by `and`, with their bound values."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.params: dict[str, Any] = {}

    def any_of(self, column: str, values: tuple[str, ...], pattern: str = "{column} in ({names})") -> None:
        """`column` is one of `values`; nothing when there are none."""
        if not values:
            return
        stem = column.replace(".", "_")
        names = [f"{stem}_{index}" for index in range(len(values))]
        self.params.update(zip(names, values, strict=True))
        self.parts.append(pattern.format(column=column, names=", ".join(f":{name}" for name in names)))

    def add(self, condition: str, **params: Any) -> None:
        """A condition of our own words."""
        self.parts.append(condition)
        self.params.update(params)

    @property
    def text(self) -> str:
        """The whole clause, or nothing."""
        return " where " + " and ".join(self.parts) if self.parts else ""


def returns_page(tx: Transaction, chosen: ReturnFilter, rows: int, after: Cursor | None = None) -> list[Row]:
    """Returns, newest change first, below `after` (updated_ms, case_id)."""
    where = _returns_where(chosen)
    if after is not None:
        where.add("(updated_ms, case_id) < (:after_ms, :after_id)", after_ms=after[0], after_id=after[1])
    sql = f"select {_LISTED} from cases{where.text} order by updated_ms desc, case_id desc limit :page_rows"
    return tx.query(bound(sql, tx.dialect), {**where.params, "page_rows": rows})


def returns_totals(tx: Transaction, chosen: ReturnFilter) -> list[Row]:
    """Counts and sums of a list by currency, over at most COUNT_MAX + 1 rows."""
    where = _returns_where(chosen)
    inner = f"select {_LISTED} from cases{where.text} limit :count_rows"
    sql = (
        "select currency, count(*) as returns, count(value_minor) as priced, "
        "cast(sum(value_minor) as bigint) as value_minor, cast(sum(refunded_minor) as bigint) as refunded_minor, "
        "cast(sum(credited_minor) as bigint) as credited_minor "
        f"from ({inner}) as listed group by currency order by count(*) desc, currency"
    )
    return tx.query(bound(sql, tx.dialect), {**where.params, "count_rows": COUNT_MAX + 1})


def _returns_where(chosen: ReturnFilter) -> _Where:
    where = _Where()
    where.any_of("progress", chosen.progress)
    where.any_of("stage", chosen.stage)
    where.any_of("portal", chosen.portal)
    where.any_of("brand", chosen.brand)
    where.any_of("waits_for", tuple(word for word in chosen.waits if word))
    if chosen.waits:
        where.add("waits_for <> ''")  # said so that the index of what waits can be used
    where.any_of(
        "kind",
        chosen.problem,
        "case_id in (select p.case_id from problems p where p.state = 'open' and p.{column} in ({names}))",
    )
    if chosen.quiet_before_ms is not None:
        where.add("updated_ms < :quiet_before_ms", quiet_before_ms=chosen.quiet_before_ms)
    if chosen.q:
        _add_search(where, chosen.q)
    return where


_SEARCHED = ("return_id", "order_name", "rma_number", "credit_number")


def _add_search(where: _Where, q: str) -> None:
    """A whole reference: order, return, RMA, credit, tracking or refund number. "1001" also finds "#1001"."""
    forms = tuple(dict.fromkeys((q, q.upper(), f"#{q}", q.removeprefix("#"))))
    names = ", ".join(f":q_{index}" for index in range(len(forms)))
    kept = [f"select case_id from cases where {column} in ({names})" for column in _SEARCHED]
    kept.append(f"select case_id from case_keys where value in ({names})")
    # a union, because PostgreSQL reads the whole table for alternatives of which one is a subquery
    where.add(f"case_id in ({' union '.join(kept)})", **{f"q_{index}": form for index, form in enumerate(forms)})


_PROBLEM_STATES = {
    "open": ("p.state = 'open' and p.snoozed = 0", "p.due_ms", "asc"),
    "resting": ("p.state = 'open' and p.snoozed = 1", "p.snoozed_until_ms", "asc"),
    "closed": ("p.state <> 'open'", "p.closed_ms", "desc"),
}
"""Condition, sort key and direction of each state; the conditions are those of partial indexes."""


def problems_page(tx: Transaction, chosen: ProblemFilter, rows: int, after: tuple[int, int] | None = None) -> list[Row]:
    """Problems with their return's name, first due (or last closed) first, beyond `after` (sort key, id)."""
    condition, key, direction = _PROBLEM_STATES[chosen.state]
    where = _Where()
    where.add(condition)
    where.any_of("p.owner", chosen.owner)
    where.any_of("p.kind", chosen.kind)
    where.any_of("p.brand", chosen.brand)
    where.any_of("p.severity", chosen.severity)
    where.any_of("p.assignee", chosen.assignee)
    if chosen.cause:
        where.add("p.cause = :cause", cause=chosen.cause)
    if chosen.alone:
        where.add("p.shared = 0")
    if chosen.due_before_ms is not None:
        where.add("p.due_ms < :due_before_ms", due_before_ms=chosen.due_before_ms)
    if after is not None:
        beyond = ">" if direction == "asc" else "<"
        where.add(f"({key}, p.id) {beyond} (:after_ms, :after_id)", after_ms=after[0], after_id=after[1])
    sql = (
        f"select p.*, {key} as sort_ms, c.order_name, c.portal, c.return_id, c.stage, c.waits_for from problems p "
        f"left join cases c on c.case_id = p.case_id{where.text} order by {key} {direction}, p.id {direction} "
        "limit :page_rows"
    )
    return tx.query(bound(sql, tx.dialect), {**where.params, "page_rows": rows})


def known_values(tx: Transaction) -> dict[str, list[str]]:
    """What filters can offer: brands and portals from the connections, waits from returns that wait now."""
    connections = tx.rows("console_connections")
    waiting = tx.rows("console_waits", looked_at=COUNT_MAX, rows=OFFERED_MAX)
    return {
        "brand": sorted({row["brand"] for row in connections}),
        "portal": sorted({row["vendor"] for row in connections if row["family"] == "portal"}),
        "waits": sorted(row["waits_for"] for row in waiting),
    }
