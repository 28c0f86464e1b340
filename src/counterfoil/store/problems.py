"""Exceptions as rows: opened and ended by decisions, resolved by people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from counterfoil.core.case import ReturnCase
from counterfoil.core.problem_kinds import kind_of
from counterfoil.core.problems import Owner, Problem
from counterfoil.store.database import Transaction, now_ms


def sync(tx: Transaction, case: ReturnCase, holding: Sequence[Problem], owners: dict[str, Owner]) -> None:
    """Make the open problems of a return equal to those that hold now; what no longer holds ends by itself.

    `owners` names another owner for a problem's subject, where an adapter knew better than the kind.
    """
    known = {(row["kind"], row["subject"]): row for row in tx.rows("problems_of_case", case_id=case.case_id)}
    for problem in holding:
        open_already = known.pop((problem.kind, problem.subject), None)
        if open_already is None or _differs(open_already, problem):
            put(tx, case.case.brand, problem, case_id=case.case_id, owner=owners.get(problem.subject))
    for row in known.values():
        tx.run("problem_end", id=row["id"], state="ended", by="counterfoil", because="its cause is gone", now=now_ms())


def _differs(row: dict[str, Any], problem: Problem) -> bool:
    return (row["message"], row["amount_minor"], row["units"]) != (problem.message, problem.amount, problem.units)


def put(
    tx: Transaction,
    brand: str,
    problem: Problem,
    *,
    case_id: str | None = None,
    owner: Owner | None = None,
    connection: str | None = None,
    delivery_id: int | None = None,
) -> None:
    """Open a problem, or bring the open one up to date. One that was there before is marked as come back."""
    kind = kind_of(problem.kind)
    before = tx.one("problem_before", brand=brand, case_id=case_id or "", kind=problem.kind, subject=problem.subject)
    tx.run(
        "problem_put",
        brand=brand,
        case_id=case_id,
        kind=problem.kind,
        subject=problem.subject,
        owner=(owner or kind.owner).value,
        severity=kind.severity.value,
        message=problem.message,
        amount_minor=problem.amount,
        currency=problem.currency,
        units=problem.units,
        now=now_ms(),
        came_back=int(bool(before and before["times"])),
        connection=connection,
        delivery_id=delivery_id,
    )


def end_loose(tx: Transaction, brand: str, kind: str, subject: str, because: str) -> None:
    """End a problem outside any return."""
    tx.run("problem_end_loose", brand=brand, kind=kind, subject=subject, because=because, now=now_ms())
