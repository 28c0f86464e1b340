"""A return whose value goes into an exchange must not be refunded as if it did not."""

from __future__ import annotations

from counterfoil.core.look import Look
from counterfoil.core.problems import Problem
from counterfoil.core.rules.verdict import Pass, Person, Verdict


def judge(look: Look) -> Verdict:
    """Open for returns without an exchange; the others wait for a person."""
    shown = look.case.portal_return
    if shown is None or not (shown.exchange_lines or shown.tenders.exchange_used):
        return Pass("no exchange is involved")
    if "exchange_by_hand" in look.case.accepted_differences:
        return Pass("a person takes care of the exchange order")
    message = f"{len(shown.exchange_lines)} exchange lines: the exchange order has to be made in the ERP by hand."
    return Person(Problem(kind="exchange_by_hand", message=message, units=len(shown.exchange_lines)))
