"""The refund gate: every rule in order, each answer kept with its rule's name."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from counterfoil.core.look import Look
from counterfoil.core.problems import Problem
from counterfoil.core.rules import (
    exchange_is_carried,
    refund_equals_value,
    refund_needs_acceptance,
    refund_needs_inspection,
    refund_needs_receipt,
    refund_within_order,
    return_is_authorised,
)
from counterfoil.core.rules.verdict import Pass, Person, Verdict

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
        refund_within_order,
    )
)


class Answer(msgspec.Struct, frozen=True):
    """One rule's verdict."""

    rule: str
    verdict: Verdict


def gate(look: Look, rules: tuple[tuple[str, Rule], ...] = RULES) -> tuple[Answer, ...]:
    """Every rule's answer, up to and including the first that is not a pass."""
    answers: list[Answer] = []
    for name, rule in rules:
        answers.append(Answer(name, _judged(look, name, rule)))
        if not isinstance(answers[-1].verdict, Pass):
            break
    return tuple(answers)


def _judged(look: Look, name: str, rule: Rule) -> Verdict:
    """A rule that breaks holds the refund: money never moves because of our mistake."""
    try:
        return rule(look)
    except Exception as error:  # whatever it is, the gate stays shut and a person is told
        message = f"The rule {name} could not be worked out ({type(error).__name__}: {error})."
        return Person(Problem(kind="gate_failed", subject=name, message=message))
