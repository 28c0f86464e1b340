"""The withdrawal deadline of one return, and whether it opens the gate (EU and UK law).

Off unless the policy chooses a country's values. The gate stays shut until its facts are there; evidence that the
goods were posted may open it from the warning on, where the policy says so or a person accepts the warning.
"""

from __future__ import annotations

import msgspec

from counterfoil.core.case import ReturnCase
from counterfoil.core.choose import country_of
from counterfoil.core.legal import LegalRule, deadline, warning
from counterfoil.core.look import Look
from counterfoil.core.returns import LabelStatus

NEAR, MISSED = "legal_deadline_near", "legal_deadline_missed"


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """The deadline of one return. Moments are RFC 3339 in UTC; `evidence` says what shows that goods are on their way."""

    rule: LegalRule
    warned_from: str
    too_late_from: str
    evidence: str | None


def clock_of(look: Look) -> Clock | None:
    """The deadline that runs for this return; None where no law was chosen, or it does not run yet."""
    legal = look.policy.legal
    rule = legal.rule(country_of(look.case)) if legal is not None else None
    if legal is None or rule is None:
        return None
    start = _start(look.case, rule)
    if start is None:
        return None
    return Clock(
        rule=rule,
        warned_from=warning(rule, start, legal.warn_business_days),
        too_late_from=deadline(rule, start),
        evidence=evidence(look.case, rule),
    )


def evidence(case: ReturnCase, rule: LegalRule) -> str | None:
    """What shows that the goods came or were sent back, where the law takes it; None while nothing does."""
    if case.first_receipt_at is not None:
        return "the goods are here"
    scanned = case.label_status in (LabelStatus.IN_TRANSIT, LabelStatus.DELIVERED)
    return "the carrier has the parcel" if scanned and rule.proof_of_posting else None


def opened_by_law(look: Look) -> str | None:
    """Why the gate opens although goods or inspection are missing: evidence, near the deadline. None: it does not."""
    clock = clock_of(look)
    if clock is None or clock.evidence is None or look.now < clock.warned_from:
        return None
    assert look.policy.legal is not None
    word = next((look.case.accepted_differences[kind] for kind in (NEAR, MISSED) if accepted(look, kind)), None)
    if word is None and not look.policy.legal.opens_gate:
        return None
    agreed = f"; agreed by {word}" if word else ""
    return f"{clock.evidence} and the money is due before {clock.too_late_from[:10]}{agreed}"


def _start(case: ReturnCase, rule: LegalRule) -> str | None:
    """When the period starts: the customer's notice, or the first evidence."""
    shown = case.portal_return
    notice = (shown.created_at if shown is not None else None) or case.authorised_at
    if rule.counts_from == "notice":
        return notice
    if evidence(case, rule) is None:
        return None
    known = [moment for moment in (case.posted_at, case.first_receipt_at) if moment is not None]
    return min(known, default=notice)


def accepted(look: Look, kind: str) -> bool:
    """Whether a person accepted this on the return."""
    return kind in look.case.accepted_differences
