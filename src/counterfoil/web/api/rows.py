"""Stored rows as the API says them."""

from __future__ import annotations

from counterfoil.store.database import Row
from counterfoil.web.api import shapes
from counterfoil.web.formats import iso, plain_amount
from counterfoil.web.system import kind_of


def return_row(row: Row) -> shapes.ReturnRow:
    """A return of a list."""
    same = ("case_id", "brand", "portal", "return_id", "order_name", "stage", "progress", "waits_for", "problems_open")
    also = ("units_returned", "units_received", "currency", "rma_number", "credit_number")
    return shapes.ReturnRow(
        **{name: row[name] for name in same + also},
        value=plain_amount(row["value_minor"], row["currency"]),
        refunded=plain_amount(row["refunded_minor"], row["currency"]),
        credited=plain_amount(row["credited_minor"], row["currency"]),
        opened_at=iso(row["opened_ms"]),
        updated_at=iso(row["updated_ms"]),
    )


def problem_row(row: Row) -> shapes.ProblemRow:
    """An exception, with the order's name where the row carries it."""
    same = ("id", "version", "brand", "case_id", "kind", "cause", "subject", "owner", "assignee", "severity", "message")
    also = ("currency", "units", "state", "closed_by", "closed_because")
    return shapes.ProblemRow(
        **{name: row[name] for name in same + also},
        order_name=row.get("order_name"),
        title=kind_of(row["kind"]).title,
        amount=plain_amount(row["amount_minor"], row["currency"]),
        opened_at=iso(row["opened_ms"]),
        due_at=iso(row["due_ms"]),
        resting_until=iso(row["snoozed_until_ms"]),
        closed_at=iso(row["closed_ms"]),
        came_back=bool(row["came_back"]),
    )


def log_entry(row: Row) -> shapes.LogEntry:
    """An entry of the log."""
    same = {name: row[name] for name in ("id", "stream", "seq", "name", "actor", "hash")}
    return shapes.LogEntry(**same, at=iso(row["at_ms"]), fact=shapes.fact_of(row["payload"]))
