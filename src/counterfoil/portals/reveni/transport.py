"""One call to Reveni's API: paced, with the key, and judged by the table of errors (Reveni sheet §1, §6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from counterfoil.adapterkit.http import Answered, Http
from counterfoil.adapterkit.parse import UnreadableError, read_json
from counterfoil.portals.reveni.errors import RETRY_AFTER_S, Verdict, judge
from counterfoil.portals.reveni.pace import Pace
from counterfoil.ports.outcomes import Busy, LockedOut, Outcome, Refused, Unknown

PATIENCE_S = 5.0  # what a single command waits for its turn before it goes back into the queue
PATIENCE_POLL_S = 120.0
ATTEMPTS = 4  # for reads that nobody waits for; five seconds, then twice as long
_LOCKED_OUT = ("credentials_rejected", "permission_missing")


class Heard(msgspec.Struct, frozen=True):
    """Reveni answered and did not refuse: the parsed body (None when empty) and what the answer means."""

    value: Any
    verdict: Verdict


class Transport:
    """Calls to one store at Reveni. Blocking, safe for several threads."""

    def __init__(self, http: Http, pace: Pace, sleep: Callable[[float], None]) -> None:
        self._http = http
        self._pace = pace
        self._sleep = sleep
        self.base_url = http.base_url

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Heard | Outcome:
        """Read once; trouble is Busy."""
        return self._call("GET", path, writes=False, params=params, patience_s=PATIENCE_S)

    def get_patiently(self, path: str, params: Mapping[str, str] | None = None) -> Heard | Outcome:
        """Read for a long job: waits for its turn and tries again a few times when Reveni is busy."""
        pause_s = RETRY_AFTER_S
        for _ in range(ATTEMPTS - 1):
            heard = self._call("GET", path, writes=False, params=params, patience_s=PATIENCE_POLL_S)
            if not isinstance(heard, Busy):
                return heard
            self._sleep(min(heard.after_s or pause_s, PATIENCE_POLL_S))
            pause_s *= 2
        return self._call("GET", path, writes=False, params=params, patience_s=PATIENCE_POLL_S)

    def post(self, path: str, json: Any) -> Heard | Outcome:
        """Write once; an answer that was lost is Unknown."""
        return self._call("POST", path, writes=True, json=json, patience_s=PATIENCE_S)

    def close(self) -> None:
        """Release sockets."""
        self._http.close()

    def _call(
        self,
        method: str,
        path: str,
        *,
        writes: bool,
        patience_s: float,
        json: Any = None,
        params: Mapping[str, str] | None = None,
    ) -> Heard | Outcome:
        wait_s = self._pace.reserve(patience_s)
        if wait_s > patience_s:
            return Busy(message="We are at our own limit of calls to Reveni.", after_s=wait_s)
        if wait_s > 0:
            self._sleep(wait_s)
        answered = self._http.call(method, path, writes=writes, json=json, params=params)
        if not isinstance(answered, Answered):
            return answered
        return _heard(answered, writes=writes, detail=f"{method} {path}: HTTP {answered.status}")


def _heard(answered: Answered, *, writes: bool, detail: str) -> Heard | Outcome:
    try:
        value = read_json(answered.body) if answered.body.strip() else None
    except UnreadableError as error:
        if answered.status < 300:
            return _in_doubt(writes, message="Reveni's answer could not be read.", detail=f"{detail}; {error}")
        value = None  # a page of a proxy: the status says enough
    verdict = judge(answered.status, value, answered.retry_after_s)
    return Heard(value, verdict) if verdict.good else _outcome_of(verdict, writes=writes, detail=detail)


def _outcome_of(verdict: Verdict, *, writes: bool, detail: str) -> Outcome:
    """What should happen next after an answer that was not a success."""
    answer = verdict.answer
    if answer.then == "resend":
        return Busy(message=answer.message, detail=detail, after_s=answer.after_s)
    if answer.retryable:
        return _in_doubt(writes, message=answer.message, detail=detail, after_s=answer.after_s)
    assert verdict.kind is not None, "what is neither good nor to be repeated is a refusal"
    if verdict.kind in _LOCKED_OUT:
        return LockedOut(message=answer.message, detail=detail, code=answer.primary_code)
    return Refused(
        kind=verdict.kind, owner=answer.owner, message=answer.message, detail=detail, code=answer.primary_code
    )


def _in_doubt(writes: bool, *, message: str, detail: str, after_s: float | None = None) -> Outcome:
    if writes:
        return Unknown(message=message, detail=detail)
    return Busy(message=message, detail=detail, after_s=after_s)
