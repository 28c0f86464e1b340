"""Every kind of exception, with the team that owns it, how grave it is, and what to do about it.

A problem is a value. It is named by what is wrong (`kind`) and where (`subject`), so the same trouble found twice is
one problem, and it ends by itself when a later look no longer finds it.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Owner(StrEnum):
    """The team a problem belongs to (R128–R131)."""

    OPS = "ops"
    FINANCE = "finance"
    CX = "cx"
    INTEGRATION = "integration"


class Severity(StrEnum):
    """`blocks` stops the return; `watch` does not, but somebody must look."""

    BLOCKS = "blocks"
    WATCH = "watch"


class ProblemKind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of exception. `title` is what a clerk would call it; `runbook` is what to do, step by step."""

    kind: str
    owner: Owner
    title: str
    runbook: tuple[str, ...]
    severity: Severity = Severity.BLOCKS
    target_hours: int = 24


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One exception, now. `subject` tells several problems of one kind on one return apart."""

    kind: str
    message: str
    subject: str = ""
    amount: int | None = None
    currency: str | None = None
    units: int = 0
