"""What an adapter noticed while reading becomes an exception with an owner, whichever way the reading came about."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.core.problems import Problem
from counterfoil.flow.world import Connection
from counterfoil.ports.translation import Finding
from counterfoil.store import problems
from counterfoil.store.database import Transaction


def put_findings(
    tx: Transaction,
    connection: Connection,
    findings: Sequence[Finding],
    *,
    about: str,
    case_id: str | None = None,
    delivery_id: int | None = None,
) -> None:
    """Open an exception for each. `about` names what was read, for findings that do not say; a return's id leads it."""
    for finding in findings:
        if finding.by_return:
            continue
        subject = finding.subject or about
        problem = Problem(
            kind=finding.kind, subject=f"{case_id}: {subject}" if case_id else subject, message=finding.message
        )
        problems.put(
            tx,
            connection.brand,
            problem,
            owner=finding.owner,
            connection=connection.name,
            delivery_id=delivery_id,
        )
