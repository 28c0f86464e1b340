"""One call to ReturnGO's API: metered, one at a time, and judged by the table of errors (ReturnGO sheet §1)."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import msgspec

from counterfoil.adapterkit.http import Answered, Http
from counterfoil.adapterkit.parse import UnreadableError, read_json
from counterfoil.portals.returngo.errors import Verdict, judge
from counterfoil.portals.returngo.meter import Meter, Purpose
from counterfoil.ports.outcomes import Busy, LockedOut, Outcome, Refused, Unknown

_SUPPORT_HEADERS = ("x-amzn-requestid", "x-amz-apigw-id", "x-amzn-trace-id")  # what ReturnGO's support asks for (§1)


class Heard(msgspec.Struct, frozen=True):
    """ReturnGO answered and did not refuse: the parsed body (None when empty) and what the answer means."""

    value: Any
    verdict: Verdict


class Transport:
    """Calls to one shop at ReturnGO. Blocking; the advised concurrency is one (§1)."""

    def __init__(self, http: Http, meter: Meter) -> None:
        self._http = http
        self.meter = meter
        self._one_at_a_time = threading.Lock()

    def get(
        self, path: str, params: Mapping[str, str] | None = None, purpose: Purpose = Purpose.READ
    ) -> Heard | Outcome:
        """Read once; trouble is Busy."""
        return self._call("GET", path, purpose, params=params)

    def write(self, method: str, path: str, json: Any) -> Heard | Outcome:
        """Write once; an answer that was lost is Unknown."""
        return self._call(method, path, Purpose.WRITE, json=json)

    def close(self) -> None:
        """Release sockets."""
        self._http.close()

    def _call(
        self, method: str, path: str, purpose: Purpose, *, json: Any = None, params: Mapping[str, str] | None = None
    ) -> Heard | Outcome:
        wait_s = self.meter.spend(purpose)
        if wait_s > 0:
            return Busy(message=f"The day's calls to ReturnGO for a {purpose} are spent.", after_s=wait_s)
        writes = method != "GET"  # looking a write up is paid from its purse, and is a reading all the same
        with self._one_at_a_time:
            answered = self._http.call(method, path, writes=writes, json=json, params=params)
        if not isinstance(answered, Answered):
            return answered
        return _heard(answered, writes=writes, detail=_detail(method, path, answered))


def _detail(method: str, path: str, answered: Answered) -> str:
    ids = [f"{name} {answered.headers[name]}" for name in _SUPPORT_HEADERS if name in answered.headers]
    return "; ".join([f"{method} {path}: HTTP {answered.status}", *ids])


def _heard(answered: Answered, *, writes: bool, detail: str) -> Heard | Outcome:
    """The body of a write is not documented: an unreadable one with a 2xx is no reason to doubt the write (§2)."""
    try:
        value = read_json(answered.body) if answered.body.strip() else None
    except UnreadableError as error:
        if answered.status < 300 and not writes:
            return Busy(message="ReturnGO's answer could not be read.", detail=f"{detail}; {error}")
        value = None
    verdict = judge(answered.status, value, answered.retry_after_s)
    return Heard(value, verdict) if verdict.good else outcome_of(verdict, writes=writes, detail=detail)


def outcome_of(verdict: Verdict, *, writes: bool, detail: str) -> Outcome:
    """What should happen next after an answer that was not a success."""
    answer = verdict.answer
    if answer.then == "resend" or (answer.retryable and not writes):
        return Busy(message=answer.message, detail=detail, after_s=answer.after_s)
    if answer.retryable:
        return Unknown(message=answer.message, detail=detail)
    if verdict.kind == "permission_missing":
        return LockedOut(message=answer.message, detail=detail)
    return Refused(kind=verdict.kind or "portal_refused", owner=answer.owner, message=answer.message, detail=detail)
