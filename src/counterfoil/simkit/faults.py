"""Faults a test or a demo schedules over `POST /__sim/faults`.

A fault is `{"match": …, "kind": …, "times": n}`. `match` is a substring of "METHOD path?query" or an object
`{"method": "POST", "path": "<regular expression>"}`; an empty match fits every request. Kinds:

* `timeout_before`: the request is never handled and never answered;
* `timeout_after_commit`: it is handled in full, the answer never leaves;
* `500_after_commit`: it is handled in full, the answer is a 500;
* `429`, `503`, `500`, `401`: refused before anything is done, in the vendor's own words;
* `wrong_body`: handled, but the answer's body is cut in half;
* `slow`: handled after `seconds` (default 2).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KINDS = frozenset(
    {"timeout_before", "timeout_after_commit", "500_after_commit", "429", "503", "500", "401", "wrong_body", "slow"}
)


@dataclass(slots=True)
class Fault:
    """One scheduled fault and how often it will still strike."""

    kind: str
    method: str | None
    pattern: re.Pattern[str]
    times: int
    seconds: float = 2.0

    def fits(self, method: str, target: str) -> bool:
        """Whether this fault strikes the request."""
        if self.times <= 0 or (self.method is not None and self.method != method):
            return False
        return self.pattern.search(target if self.method is not None else f"{method} {target}") is not None


class FaultPlan:
    """The faults in the order they were scheduled; the first that fits is used up first."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self.struck: dict[str, int] = {}

    def add(self, spec: Mapping[str, Any]) -> None:
        """Schedule one fault. Raises ValueError with a sentence for an unknown kind."""
        kind = str(spec.get("kind", ""))
        if kind not in KINDS:
            raise ValueError(f"unknown fault kind {kind!r}; one of {', '.join(sorted(KINDS))}")
        match = spec.get("match") or ""
        if isinstance(match, Mapping):
            method = str(match["method"]).upper() if match.get("method") else None
            source = str(match.get("path", ""))
            pattern = re.compile(source) if method else re.compile(rf"^\S+ .*{source}" if source else "")
        else:
            method, pattern = None, re.compile(re.escape(str(match)))
        self._faults.append(Fault(kind, method, pattern, int(spec.get("times", 1)), float(spec.get("seconds", 2.0))))

    def strike(self, method: str, target: str) -> Fault | None:
        """The fault that hits this request, if any; one of its times is spent."""
        for fault in self._faults:
            if fault.fits(method, target):
                fault.times -= 1
                self.struck[fault.kind] = self.struck.get(fault.kind, 0) + 1
                return fault
        return None

    def clear(self) -> None:
        """Forget every fault."""
        self._faults.clear()
        self.struck.clear()
