"""The countdown of a provider's cover (idea 6): accept or reject in time, with the money at stake named beforehand.

What a provider paid at once it bears only if the merchant refuses the goods in time; silence is acceptance.
"""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.core.case import ReturnCase
from counterfoil.core.exchange import used
from counterfoil.core.funding import borne, funded_total
from counterfoil.core.look import Finding, Look, Wait, hours_after
from counterfoil.core.money import to_text
from counterfoil.core.problems import Problem
from counterfoil.core.returns import Stage


def countdown(look: Look) -> Iterator[Finding]:
    """The reminder before the cover ends, the loss once it has, and what the provider bears."""
    case = look.case
    yield from _borne(case)
    shown = case.portal_return
    if shown is None or shown.decide_by is None or not shown.instant or _decided(case):
        return
    remind = hours_after(shown.decide_by, -look.policy.cover_reminder_hours)
    if look.now < remind:
        yield Wait(rule="decision_before_cover_ends", reason="the return is accepted or rejected", until=remind)
    elif look.now < shown.decide_by:
        yield Wait(
            rule="decision_before_cover_ends", reason="the return is accepted or rejected", until=shown.decide_by
        )
        yield _due(case, "decision_due_in_portal", f"Accept or reject by {shown.decide_by}: then it counts as accepted")
    elif "provider_cover_ended" not in case.accepted_differences:
        yield _due(case, "provider_cover_ended", f"Nobody rejected it by {shown.decide_by}: the loss is ours")


def _decided(case: ReturnCase) -> bool:
    """Whether the portal shows a decision, or was told ours."""
    return case.stage is not Stage.AUTHORISED or case.done("inspection-1") is not None


def _due(case: ReturnCase, kind: str, words: str) -> Problem:
    stake = funded_total(case) + (used(case) or 0)
    message = f"{words}. {to_text(stake, case.currency)} {case.currency} is at stake."
    return Problem(kind=kind, message=message, amount=stake, currency=case.currency, units=len(case.units))


def _borne(case: ReturnCase) -> Iterator[Problem]:
    """Open on the provider's clearing account until its settlement shows it."""
    amount = borne(case)
    if amount and "refund_borne_by_provider" not in case.accepted_differences:
        text = f"{to_text(amount, case.currency)} {case.currency}"
        message = f"{text} is borne by the provider: the customer keeps it, and it is not credited."
        yield Problem(kind="refund_borne_by_provider", message=message, amount=amount, currency=case.currency)
