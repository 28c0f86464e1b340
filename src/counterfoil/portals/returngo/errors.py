"""What an answer of ReturnGO's API means (ReturnGO sheet §1): one table, used by `translate` and by the client.

Statuses are documented, bodies are not. The API stands behind a gateway that answers 403 for a bad key, so 401 and 403
are one class. Only 429 and 5xx are worth a second try.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from counterfoil.core.problems import Owner
from counterfoil.ports.translation import Answer, Finding

RETRY_AFTER_S = 5.0  # where no Retry-After says otherwise; the worker backs off exponentially from here (§1)
_WORDS_MAX = 200


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """An answer and, where it is a refusal, the kind of problem it is."""

    answer: Answer
    kind: str | None = None

    @property
    def good(self) -> bool:
        """Whether the call did what it was for."""
        return self.kind is None and not self.answer.retryable

    def findings(self) -> tuple[Finding, ...]:
        """The refusal as something a person must look at; nothing for success and for what passes by itself."""
        if self.kind is None or self.answer.owner is None:
            return ()
        return (Finding(kind=self.kind, owner=self.answer.owner, message=self.answer.message),)


class _Refusal(msgspec.Struct, frozen=True):
    result: str
    kind: str
    owner: Owner
    says: str


_NO_RIGHT = _Refusal(
    "rejected", "permission_missing", Owner.INTEGRATION, "ReturnGO does not accept the key for this shop"
)
_CONFIG = _Refusal("rejected", "configuration_rejected", Owner.INTEGRATION, "ReturnGO does not answer at this address")

_BY_STATUS: Mapping[int, _Refusal] = {
    400: _Refusal("rejected", "portal_refused", Owner.CX, "ReturnGO refused it (a wrong id, or a move it forbids)"),
    401: _NO_RIGHT,
    403: _NO_RIGHT,
    404: _Refusal("not_found", "return_not_found_in_portal", Owner.INTEGRATION, "ReturnGO has no such thing"),
    405: _CONFIG,
    409: _Refusal("rejected", "portal_refused", Owner.CX, "ReturnGO refused it"),
    422: _Refusal("rejected", "field_rejected", Owner.INTEGRATION, "ReturnGO refused a value we sent"),
}

# What the gateway in front of the API says, for an answer whose status nobody kept.
_BY_WORDS: Mapping[str, int] = {
    "forbidden": 403,
    "unauthorized": 401,
    "missing authentication token": 403,
    "invalid api key": 401,
    "too many requests": 429,
    "limit exceeded": 429,
    "rate exceeded": 429,
    "not found": 404,
    "internal server error": 500,
    "service unavailable": 503,
    "endpoint request timed out": 504,
}


def judge(status: int | None, value: Any, retry_after_s: float | None = None) -> Verdict:
    """What an answer means. `value` is the parsed body, None when it was empty or no JSON; `status` None is unknown."""
    words = words_of(value)
    if status is None:
        status = _status_from(words)
    if status in (408, 429) or status >= 500:
        return _later(status, retry_after_s)
    if 200 <= status < 300:
        result = "created" if status == 201 else "ok"
        message = "ReturnGO answered as asked." if words is None else f"ReturnGO answered: {words}"
        return Verdict(answer=Answer(result=result, retryable=False, message=message))
    return _refused(_BY_STATUS.get(status, _CONFIG), words)


def _status_from(words: str | None) -> int:
    if words is None:
        return 200
    said = words.casefold()
    return next((status for phrase, status in _BY_WORDS.items() if phrase in said), 400)


def _later(status: int, retry_after_s: float | None) -> Verdict:
    """429 was surely not carried out; after a 5xx nobody knows, so the return is read before repeating."""
    throttled = status == 429
    message = "ReturnGO asks us to slow down." if throttled else f"ReturnGO is in trouble (HTTP {status})."
    answer = Answer(
        result="retry",
        retryable=True,
        message=message,
        after_s=RETRY_AFTER_S if retry_after_s is None else retry_after_s,
        then="resend" if throttled else "read_back",
    )
    return Verdict(answer=answer)


def _refused(refusal: _Refusal, words: str | None) -> Verdict:
    message = f"{refusal.says}: {words}" if words else f"{refusal.says}."
    answer = Answer(result=refusal.result, retryable=False, message=message, owner=refusal.owner, then="park")
    return Verdict(answer=answer, kind=refusal.kind)


def words_of(value: Any) -> str | None:
    """ReturnGO's own sentence, shortened: `message`, or `error` in its two usual shapes. Never a page of HTML."""
    if not isinstance(value, dict):
        return None
    error = value.get("error")
    nested = error.get("message") if isinstance(error, dict) else error
    for text in (value.get("message"), value.get("Message"), nested):
        if isinstance(text, str) and text.strip():
            line = " ".join(text.split())[:_WORDS_MAX].rstrip()
            return line if line.endswith((".", "!", "?")) else line + "."
    return None
