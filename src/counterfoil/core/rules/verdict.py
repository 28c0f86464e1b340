"""What a rule can answer. It always gives a reason in words, because the reason ends up in front of finance."""

from __future__ import annotations

import msgspec

from counterfoil.core.problems import Problem


class Pass(msgspec.Struct, frozen=True):
    """The gate is open."""

    because: str


class Hold(msgspec.Struct, frozen=True):
    """The gate is shut for now; `opens_when` names the next fact that would change it."""

    opens_when: str
    until: str | None = None


class Person(msgspec.Struct, frozen=True):
    """A person must look."""

    problem: Problem


Verdict = Pass | Hold | Person
