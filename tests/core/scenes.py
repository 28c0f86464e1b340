"""Scenes for the core's tests: an order in words, what happened to it in words, and the look that follows."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from counterfoil.core.decide import decide
from counterfoil.core.look import Decision, Look, Request, Wait
from counterfoil.testing.stories import perform, play, read_story
from counterfoil.testing.story_core import CoreStage

ORDER = """
given order 1001 in GBP, tax included
  A  2 x 20.00, tax 20%
  B  1 x 35.00, tax 20%
  shipping 4.95, tax 20%
"""


def after(*sentences: str, order: str = ORDER, given: str = "", drafts: bool = True, sound: bool = True) -> CoreStage:
    """A stage on which these sentences have been played. `given` adds lines to the order's.

    `sound` is False where a deliberate mistake is to break an invariant.
    """
    when = "\n".join(f"when {sentence}" for sentence in sentences)
    story = read_story(f"story: a scene\n{order}{given}\n{when or 'when 0 hours pass'}\n", "scene")
    stage = CoreStage(story.given, drafts=drafts)
    (play if sound else perform)(story, stage)
    return stage


def look_after(*sentences: str, **options: Any) -> Look:
    """What the next decision about the first return leans on."""
    return after(*sentences, **options).look("R1")


def with_case(look: Look, **changes: Any) -> Look:
    """The same look at a case with other fields."""
    return replace(look, case=replace(look.case, **changes))


def with_policy(look: Look, **changes: Any) -> Look:
    """The same look under another policy."""
    return replace(look, agreement=replace(look.agreement, policy=replace(look.policy, **changes)))


def kinds(decision: Decision | Look) -> set[str]:
    """The exceptions that hold."""
    found = decide(decision) if isinstance(decision, Look) else decision
    return {problem.kind for problem in found.problems}


def requested(decision: Decision | Look) -> list[str]:
    """The commands asked for, by type."""
    found = decide(decision) if isinstance(decision, Look) else decision
    return [type(request.command).__name__ for request in found.requests]


def waits(decision: Decision | Look) -> list[str]:
    """The rules that wait."""
    found = decide(decision) if isinstance(decision, Look) else decision
    return [wait.rule for wait in found.waits]


__all__ = ["ORDER", "Request", "Wait", "after", "kinds", "look_after", "requested", "waits", "with_case", "with_policy"]
