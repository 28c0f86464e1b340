"""What a suite found: passed with its evidence, failed with a cure, or not applicable with the reason."""

from __future__ import annotations

from enum import StrEnum

import msgspec

WRONGS_SHOWN = 5


class State(StrEnum):
    """How a suite ended. There is no fourth: what cannot be tried is said to be so."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not_applicable"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table. `cure` tells the author of the adapter what to do about a failure."""

    suite: str
    state: State
    detail: str
    wrongs: tuple[str, ...] = ()
    cure: str = ""


def passed(suite: str, detail: str) -> Verdict:
    """Everything held; `detail` says over how much."""
    return Verdict(suite=suite, state=State.PASSED, detail=detail)


def not_applicable(suite: str, reason: str) -> Verdict:
    """Cannot be tried with this vendor, and why."""
    return Verdict(suite=suite, state=State.NOT_APPLICABLE, detail=reason)


def judged(suite: str, wrongs: list[str], detail: str, cure: str) -> Verdict:
    """Passed when nothing is wrong, else failed with the first of them."""
    if not wrongs:
        return passed(suite, detail)
    more = len(wrongs) - WRONGS_SHOWN
    shown = tuple(wrongs[:WRONGS_SHOWN]) + ((f"and {more} more",) if more > 0 else ())
    return Verdict(suite=suite, state=State.FAILED, detail=wrongs[0], wrongs=shown, cure=cure)


def failed(suite: str, wrong: str, cure: str) -> Verdict:
    """One thing is wrong."""
    return judged(suite, [wrong], "", cure)
