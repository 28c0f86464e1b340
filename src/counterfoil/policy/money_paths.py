"""Every path by which money could leave without its credit, or a credit stand without its money: found by trying.

The sample return is played under the policy with one thing left out at a time, and forty days pass. What is unpaired
at the end is a path; the exception that names it, and when, is read from the play, not from a list.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from counterfoil.core.policy import Approval, RefundExecutor
from counterfoil.core.problem_kinds import kind_of
from counterfoil.policy.clashes import Clash, Setting, Subject
from counterfoil.policy.rehearsal import Rehearsal, seconds_between
from counterfoil.policy.sample import HOUR, Sample

_WHEN = {
    "scan": "the carrier never scans the parcel",
    "count": "the warehouse never counts the goods",
    "inspect": "the inspection never comes",
    "money": "the payment is never confirmed",
    "credit": "the ERP refuses the credit note",
    "goods": "the goods never come",
}
_GATE_AXES = ("refund_gate", "rma_on", "credit_order", "refund_executor")


class MoneyPath(msgspec.Struct, frozen=True, kw_only=True):
    """One way to an unpaired end: what has to happen, what is then unpaired, who is told and after how many hours."""

    when: str
    unpaired: str  # "money without credit" or "credit without money"
    told: str  # the exception that says so; "" when nobody is told
    owner: str
    after_hours: int | None
    settings: tuple[Setting, ...]


def money_paths(subject: Subject) -> Iterator[MoneyPath]:
    """Every path this policy leaves open."""
    for event, words in _WHEN.items():
        played = _sample(subject, without=frozenset({event})).play()
        yield from _unpaired(subject, words, played)
    automatic = subject.read.document.attested.portal.automatic_processing != "off"
    if subject.refund_executor is RefundExecutor.PORTAL and automatic:
        early = _sample(subject, without=frozenset({"goods"}), early=True).play()
        yield from _unpaired(subject, "the portal pays by itself although we hold the gate", early)


def gate_that_never_opens(subject: Subject) -> Iterator[Clash]:
    """A return to which everything happens, and which is still not paid and credited after forty days."""
    played = _sample(subject).play()
    if played.case.money_out and played.case.done("credit-1") is not None:
        return
    waits = [wait.reason for wait in played.decision.waits]
    problems = [problem.message.rstrip(".") for problem in played.decision.problems]
    said = "; ".join(dict.fromkeys([*problems, *waits])) or "nothing asks for the money"
    yield Clash(
        code="gate_never_opens",
        sentence="No return would ever be paid and credited: each step waits for another.",
        settings=tuple(subject.axis(name) for name in _GATE_AXES),
        fact=f"played to the end with everything in place, it still says: {said}",
        cure="Let the RMA be made before the gate needs it, or let somebody else release the money.",
    )


def _sample(subject: Subject, without: frozenset[str] = frozenset(), *, early: bool = False) -> Sample:
    currency = subject.read.document.currency
    agreement = subject.agreement
    bare = msgspec.structs.replace(  # people are taken to agree: they are no part of what waits for what
        agreement.policy, approvals=(), approval=Approval.AUTOMATIC, approval_threshold=None, cover=None
    )
    agreement = msgspec.structs.replace(agreement, policy=bare)
    return Sample(agreement=agreement, currency=currency, without=without, early=early)


def _unpaired(subject: Subject, when: str, played: Rehearsal) -> Iterator[MoneyPath]:
    credited = played.case.done("credit-1") is not None
    if bool(played.case.money_out) == credited:
        return
    what = "credit without money" if credited else "money without credit"
    told = _alarm(played)
    yield MoneyPath(
        when=when,
        unpaired=what,
        told=told[0],
        owner=kind_of(told[0]).owner.value if told[0] else "",
        after_hours=told[1],
        settings=(subject.axis("refund_gate"), subject.axis("credit_order"), subject.axis("refund_executor")),
    )


def _alarm(played: Rehearsal) -> tuple[str, int | None]:
    """The first exception open at the end that was raised once the ends came apart, and the hours until it came."""
    apart = next(m.at for m in played.moments if m.fact is not None and _pairing(m.fact))
    last = {problem.kind for problem in played.decision.problems}
    for moment in played.moments:
        found = [p.kind for p in moment.decision.problems if p.kind in last and moment.at >= apart]
        if found:
            return found[0], seconds_between(apart, moment.at) // HOUR
    return "", None


def _pairing(fact: object) -> bool:
    """Whether a fact is one of the two legs: money, or a credit note."""
    return type(fact).__name__ == "RefundMoved" or getattr(fact, "step", "") == "credit-1"
