"""The refund gate: every rule in order, each answer kept with its rule's name."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from counterfoil.core.consent import name_of, wanted
from counterfoil.core.look import Look
from counterfoil.core.problems import Problem
from counterfoil.core.rules import (
    exchange_is_carried,
    refund_equals_value,
    refund_needs_acceptance,
    refund_needs_approval,
    refund_needs_inspection,
    refund_needs_receipt,
    refund_not_disputed,
    refund_within_order,
    return_is_authorised,
)
from counterfoil.core.rules.verdict import Hold, Pass, Person, Verdict

Rule = Callable[[Look], Verdict]

RULES: tuple[tuple[str, Rule], ...] = tuple(
    (module.__name__.rsplit(".", 1)[1], module.judge)
    for module in (
        return_is_authorised,
        refund_needs_receipt,
        refund_needs_inspection,
        refund_needs_acceptance,
        exchange_is_carried,
        refund_equals_value,
        refund_not_disputed,
        refund_within_order,
        refund_needs_approval,
    )
)

WAIVABLE = ("refund_needs_receipt", "refund_needs_inspection", "refund_needs_acceptance")
"""Gates an approval rule may name as waived (D4); the others no agreement of people opens."""


class Answer(msgspec.Struct, frozen=True):
    """One rule's verdict."""

    rule: str
    verdict: Verdict


def gate(look: Look, rules: tuple[tuple[str, Rule], ...] | None = None) -> tuple[Answer, ...]:
    """Every rule's answer, up to and including the first that is not a pass."""
    answers: list[Answer] = []
    for answer in every_answer(look, rules):
        answers.append(answer)
        if not isinstance(answer.verdict, Pass):
            break
    return tuple(answers)


def every_answer(look: Look, rules: tuple[tuple[str, Rule], ...] | None = None) -> Iterator[Answer]:
    """Each rule's answer in order, worked out as it is asked for; every rule there is unless some are named."""
    for name, rule in RULES if rules is None else rules:
        yield Answer(name, _waived(look, name, _judged(look, name, rule)))


def _waived(look: Look, name: str, verdict: Verdict) -> Verdict:
    """A gate the policy lets people waive is open once they agreed; nothing is looked up when it is open anyway."""
    if isinstance(verdict, Pass) or name not in WAIVABLE:
        return verdict
    named = any(rule.waives_gate == name for rule in look.policy.approvals)
    agreed = _judged(look, name, lambda seen: _by_people(seen, name)) if named else None
    return agreed if isinstance(agreed, Pass) else verdict


def _by_people(look: Look, name: str) -> Verdict:
    waiving = {name_of(rule) for rule in look.policy.approvals if rule.waives_gate == name}
    met = [wish for wish in wanted(look) if wish.rule in waiving and wish.met]
    if not met:
        return Hold("somebody waives it")
    people = " and ".join(sorted({voice.by for wish in met for voice in wish.given}))
    return Pass(f"{people} waived it, as the policy allows ({met[0].because})")


def _judged(look: Look, name: str, rule: Rule) -> Verdict:
    """A rule that breaks holds the refund: money never moves because of our mistake."""
    try:
        return rule(look)
    except Exception as error:  # whatever it is, the gate stays shut and a person is told
        return Person(failed(name, error))


def failed(name: str, error: Exception) -> Problem:
    """A rule or an alarm that broke, as something a person is told."""
    message = f"The rule {name} could not be worked out ({type(error).__name__}: {error})."
    return Problem(kind="gate_failed", subject=name, message=message)
