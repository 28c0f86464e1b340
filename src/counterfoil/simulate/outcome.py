"""What a run counted and which promises it saw broken (outputs §5)."""

from __future__ import annotations

import msgspec


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """A promise that was broken."""

    step: int
    invariant: str
    message: str
    reproduce: str


class Outcome(msgspec.Struct, kw_only=True):
    """What a run counted."""

    seed: int
    steps: int = 0
    log_hash: str = ""
    returns: int = 0
    documents: dict[str, int] = msgspec.field(default_factory=dict)
    faults: dict[str, int] = msgspec.field(default_factory=dict)
    violations: list[Violation] = msgspec.field(default_factory=list)
    seconds: float = 0.0
    struck: dict[str, int] = msgspec.field(default_factory=dict)
