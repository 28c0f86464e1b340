"""What follows from the state of a return, given what was agreed. Pure; asked again after every fact.

It looks at the whole case each time, not at the fact alone: whatever order facts come in, the same state asks for the
same things, and a problem that is no longer named has ended.
"""

from __future__ import annotations

from counterfoil.core import exchange as new_goods
from counterfoil.core.case import Acceptance, Reception, ReturnCase, StepState
from counterfoil.core.credit.note import CannotValueError, value_return
from counterfoil.core.funding import borne
from counterfoil.core.look import Decision, Finding, Look, Request, Wait
from counterfoil.core.plan.attest import attest
from counterfoil.core.plan.authorise import authorise
from counterfoil.core.plan.book import book
from counterfoil.core.plan.compare import compare
from counterfoil.core.plan.countdown import countdown
from counterfoil.core.plan.exchange import exchange
from counterfoil.core.plan.law import law
from counterfoil.core.plan.restock import restock
from counterfoil.core.plan.settle import settle
from counterfoil.core.plan.tell import tell
from counterfoil.core.problem_kinds import kind_of
from counterfoil.core.problems import Problem, Severity
from counterfoil.core.returns import Stage


def decide(look: Look) -> Decision:
    """Requests to make now, every problem that holds now, and what is waited for."""
    findings: list[Finding] = []
    for stage in (authorise, exchange, book, attest, restock, compare, countdown, settle, law, tell):
        findings += stage(look)
    problems = _each_once((*(f for f in findings if isinstance(f, Problem)), *_refusals(look.case)))
    requests = tuple(f for f in findings if isinstance(f, Request))
    waits = tuple(f for f in findings if isinstance(f, Wait))
    return Decision(
        requests=requests,
        problems=problems,
        waits=waits,
        progress=_progress(look, requests, problems),
        value=_value(look),
        policy=look.policy.label,
    )


def _each_once(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Two stages that find the same trouble name one problem."""
    found: dict[tuple[str, str], Problem] = {}
    for problem in problems:
        found.setdefault((problem.kind, problem.subject), problem)
    return tuple(found.values())


def _refusals(case: ReturnCase) -> tuple[Problem, ...]:
    """A refused step is a problem until a person retries or settles it."""
    return tuple(
        Problem(
            kind=step.problem or "erp_refused",
            subject=step.step,
            message=step.message,
            amount=step.amount,
            currency=case.currency if step.amount is not None else None,
            units=len(step.units),
        )
        for step in case.steps.values()
        if step.state is StepState.REFUSED
    )


def _progress(look: Look, requests: tuple[Request, ...], problems: tuple[Problem, ...]) -> str:
    """open, finished or cancelled; finished means nothing is left to do and nothing is wrong."""
    case = look.case
    if requests or any(step.state is StepState.REQUESTED for step in case.steps.values()):
        return "open"
    if any(kind_of(problem.kind).severity is Severity.BLOCKS for problem in problems):
        return "open"
    if case.stage in (Stage.CANCELLED, Stage.EXPIRED):
        return "cancelled"
    return "finished" if _settled(look) else "open"


def _settled(look: Look) -> bool:
    case = look.case
    decided = all(
        unit.acceptance is not Acceptance.UNDECIDED or unit.reception is not Reception.RECEIVED for unit in case.units
    )
    outstanding = [u for u in case.units if u.reception in (Reception.EXPECTED, Reception.IN_TRANSIT)]
    if not decided or (outstanding and "short_receipt" not in case.accepted_differences):
        return False
    if case.done("credit-1") is None or case.credit is None:
        return False
    if not new_goods.concluded(case):
        return False
    balanced = new_goods.given_back(case) - borne(case) == case.credit.total_gross
    return balanced or "refund_differs_from_credit" in case.accepted_differences


def _value(look: Look) -> int | None:
    """What the return is worth as far as it is known: the decided credit, else the accepted units' value."""
    if look.case.credit is not None:
        return look.case.credit.total_gross
    try:
        value = value_return(look)
    except CannotValueError:
        return None
    return value.total if value is not None and value.note.lines else None
