"""What has to be mended: problems that one fix would end together share a cause (R133).

A cause is readable text: the kind alone where each return needs its own look; the kind and the word where a mapping
lacks it; the kind and the connection where an account is at fault; the kind and what the other system said, without
this return's own numbers, where a step was refused.
"""

from __future__ import annotations

import re

from counterfoil.core.case import ReturnCase, StepState
from counterfoil.core.mapping import MapKind
from counterfoil.core.problem_kinds import kind_of
from counterfoil.core.problems import Problem, Severity

WORD_MISSING: dict[str, MapKind] = {
    "reason_not_mapped": MapKind.REASON,
    "sku_not_found": MapKind.SKU,
    "depot_not_mapped": MapKind.DEPOT,
}
"""Kinds whose subject is a word the mapping lacks."""

OF_ACCOUNT = frozenset({"connection_locked_out", "signature_invalid"})
"""Kinds whose subject is a connection."""

LENGTH_MAX = 160
SAID = "“"
"""How a cause begins that is named by what another system said, so that it is never taken for a word."""

_AMOUNT = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)+(?![\w.])")
_NUMBER = re.compile(r"\d{5,}")


def cause_of(problem: Problem, case: ReturnCase | None = None) -> str:
    """The cause a problem belongs to."""
    step = case.steps.get(problem.subject) if case is not None else None
    if case is not None and step is not None and step.state is StepState.REFUSED:
        return f"{problem.kind}:{SAID}{_without_own_numbers(problem.message, case)}"
    if problem.kind in WORD_MISSING or problem.kind in OF_ACCOUNT:
        return f"{problem.kind}:{problem.subject}"
    return problem.kind


def kind_and_words(cause: str) -> tuple[str, str]:
    """A cause as its kind and what else names it."""
    kind, _, words = cause.partition(":")
    return kind, words


def word_missing(cause: str) -> tuple[MapKind, str] | None:
    """The kind of word and the word whose absence is the cause; None when no mapping would help."""
    kind, word = kind_and_words(cause)
    return (WORD_MISSING[kind], word) if kind in WORD_MISSING and not word.startswith(SAID) else None


def is_shared(cause: str) -> bool:
    """Whether one fix may end every problem of the cause; otherwise each needs its own look."""
    return bool(kind_and_words(cause)[1])


def held_by(problem: Problem, case: ReturnCase) -> tuple[int | None, str | None]:
    """The money a problem holds: its own figure, else what the customer of a stopped return still waits for.

    A return stopped by two causes counts in both. (None, None) where nobody knows.
    """
    if problem.amount is not None or kind_of(problem.kind).severity is not Severity.BLOCKS:
        return problem.amount, problem.currency
    shown = case.portal_return
    if shown is None:
        return None, None
    promised = [part for part in (shown.tenders.refund, shown.tenders.store_credit) if part is not None]
    return (max(sum(promised) - case.money_out, 0), case.currency) if promised else (None, None)


def _without_own_numbers(message: str, case: ReturnCase) -> str:
    """The message with this return's references, amounts and long numbers blanked, so that equal refusals are equal."""
    text = message
    for reference in sorted(_references(case), key=len, reverse=True):
        text = text.replace(reference, "…")
    text = _NUMBER.sub("…", _AMOUNT.sub("…", text))
    return " ".join(text.split())[:LENGTH_MAX] + "”"


def _references(case: ReturnCase) -> set[str]:
    ref = case.case
    found = {ref.return_id, ref.order_ref, ref.order_name, case.tracking}
    if case.erp_order is not None:
        found |= {case.erp_order.ref, case.erp_order.number}
    for step in case.steps.values():
        found |= {step.ref, step.number}
    return {text for text in found if text and len(text) >= 3}
