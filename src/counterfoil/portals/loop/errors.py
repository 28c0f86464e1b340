"""What an answer of Loop's API means (Loop sheet §7): one table, used by `translate` and by the client.

A refusal comes with HTTP 200. An action succeeded only when the status is 2xx *and* the body is `true`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from counterfoil.core.problems import Owner
from counterfoil.ports.translation import Answer, Finding

RETRY_AFTER_S = 5.0  # Loop says "pause briefly"; an integration vendor begins with five seconds (§7)
_WORDS_MAX = 200
_EMPTY = "Loop answered with nothing; whether it did what was asked shows in the return."


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """An answer and, where it is a refusal, the kind of problem it is."""

    answer: Answer
    kind: str | None = None

    @property
    def good(self) -> bool:
        """Whether the call did what it was for; "no notes" is an answer to a question, not a refusal."""
        return self.kind is None and not self.answer.retryable

    def findings(self, subject: str = "") -> tuple[Finding, ...]:
        """The refusal as something a person must look at; nothing for success and for what passes by itself."""
        if self.kind is None or self.answer.owner is None:
            return ()
        return (Finding(kind=self.kind, owner=self.answer.owner, message=self.answer.message, subject=subject),)


class _Refusal(msgspec.Struct, frozen=True):
    result: str
    kind: str
    owner: Owner
    says: str


_REFUSED = _Refusal("rejected", "portal_refused", Owner.CX, "Loop refused")
_NO_RIGHT = _Refusal("rejected", "permission_missing", Owner.INTEGRATION, "Loop does not accept the key or its scopes")
_NO_RETURN = _Refusal("not_found", "return_not_found_in_portal", Owner.INTEGRATION, "Loop has no such thing")
_CONFIG = _Refusal("rejected", "configuration_rejected", Owner.INTEGRATION, "Loop refused the set-up")
_FIELD = _Refusal("rejected", "field_rejected", Owner.INTEGRATION, "Loop refused a value we sent")

# Loop's own codes (§7). UNEXPECTED_ERROR with a 200 is a refusal like the others: it is never repeated as a fault.
_BY_CODE: Mapping[str, _Refusal] = {
    "UNEXPECTED_ERROR": _REFUSED,
    "ORDER_NOT_FOUND": _Refusal("not_found", "order_not_found", Owner.CX, "Loop does not know the order"),
    "NOT_AUTHORIZED": _NO_RIGHT,
    "GEN-UNAUTHORIZED": _NO_RIGHT,
    "NOT_FOUND": _NO_RETURN,
    "UNPROCESSABLE_RETURN": _Refusal("rejected", "portal_refused", Owner.CX, "Loop cannot process the return"),
    "UNPROCESSABLE_FLAGGED_RETURN": _Refusal(
        "rejected", "return_flagged_in_portal", Owner.CX, "Loop does not process a return that is in review"
    ),
    "FAILED_TO_GET_WEBHOOK": _CONFIG,
    "FAILED_TO_GET_WEBHOOKS": _CONFIG,
    "FAILED_TO_CREATE_WEBHOOK": _CONFIG,
    "FAILED_TO_UPDATE_WEBHOOK": _CONFIG,
    "FAILED_TO_DELETE_WEBHOOK": _CONFIG,
    "FAILED_TO_GET_SAMPLE_WEBHOOK": _CONFIG,
    "DESTINATION_LIMIT_EXCEEDED": _CONFIG,
}

# By HTTP status, where no code decides. 400 and 405 mean that we built the request wrongly; what is not
# listed (a redirect, say) that we were pointed to the wrong place.
_BY_STATUS: Mapping[int, _Refusal] = {
    401: _NO_RIGHT,
    403: _REFUSED,
    404: _NO_RETURN,
    409: _REFUSED,
    400: _FIELD,
    405: _FIELD,
    422: _FIELD,
}


def judge(status: int | None, value: Any, retry_after_s: float | None = None) -> Verdict:
    """What an answer means. `value` is the parsed body, None when it was empty or no JSON; `status` None is unknown."""
    code, words = _code_of(value), words_of(value)
    if status is None:
        status = 401 if code == "GEN-UNAUTHORIZED" else 200
    if status in (408, 429) or status >= 500:
        return _later(status, retry_after_s)
    if 200 <= status < 300:
        return _with_200(status, value, code, words)
    if status == 422 and value is False:
        return _verdict(_Refusal("not_found", "", Owner.CX, "Loop has no notes on this return"), code, words)
    return _verdict(_BY_CODE.get(code or "") or _BY_STATUS.get(status, _CONFIG), code, words)


def _with_200(status: int, value: Any, code: str | None, words: str | None) -> Verdict:
    if value is True or value == "true":
        return _fine("accepted", "Loop accepted it and queued the work; the return shows when it is done.", "read_back")
    if status == 202:
        return _fine("accepted", "Loop acknowledged it; the work follows.", "read_back")
    if value is False or value == "false":
        return _verdict(_REFUSED, code, words)
    if value is None and status == 200:  # an empty body says neither yes nor no
        return Verdict(answer=Answer(result="incomplete", retryable=False, message=_EMPTY, then="read_back"))
    if not _is_refusal(value):
        return _fine("created" if status == 201 else "ok", "Loop answered as asked.")
    if "error" in value:  # only details refuses in the singular: it found nothing (§6.2)
        return _verdict(_BY_CODE.get(code or "", _NO_RETURN), code, words)
    return _verdict(_BY_CODE.get(code or "", _REFUSED), code, words)


def _is_refusal(value: Any) -> bool:
    """Whether a 2xx body says no: `errors`, `error`, or nothing but a sentence (§7). Records have an id."""
    if not isinstance(value, dict) or "id" in value or "return_id" in value:
        return False
    return bool(value.get("errors") or value.get("error")) or (bool(value) and value.keys() <= {"message", "content"})


def _later(status: int, retry_after_s: float | None) -> Verdict:
    """429 was surely not carried out; after a 5xx nobody knows, so the return is read before repeating (§6.3)."""
    throttled = status == 429
    message = "Loop asks us to slow down." if throttled else f"Loop is in trouble (HTTP {status})."
    answer = Answer(
        result="retry",
        retryable=True,
        message=message,
        after_s=RETRY_AFTER_S if retry_after_s is None else retry_after_s,
        then="resend" if throttled else "read_back",
    )
    return Verdict(answer=answer)


def _fine(result: str, message: str, then: str | None = None) -> Verdict:
    return Verdict(answer=Answer(result=result, retryable=False, message=message, then=then))


def _verdict(refusal: _Refusal, code: str | None, words: str | None) -> Verdict:
    message = f"{refusal.says}: {words}" if words else f"{refusal.says}."
    answer = Answer(
        result=refusal.result,
        retryable=False,
        message=message,
        owner=refusal.owner if refusal.kind else None,
        primary_code=code,
        then="park" if refusal.kind else None,
    )
    return Verdict(answer=answer, kind=refusal.kind or None)


def _parts(value: Any) -> list[Any]:
    """The places an error can stand in, nearest first."""
    if not isinstance(value, dict):
        return []
    errors = value.get("errors")
    found: list[Any] = [value.get("error"), errors]
    found += errors[:1] if isinstance(errors, list) else []
    return [part for part in [*found, value] if part]


def _code_of(value: Any) -> str | None:
    """Loop's code. In the gateway's 401 the two codes have each other's name, so the one in words is taken (§7)."""
    for part in _parts(value):
        if isinstance(part, dict):
            codes = [part.get("code"), part.get("http_code")]
            worded = [code for code in codes if isinstance(code, str) and code and not code.isdigit()]
            if worded:
                return worded[0]
    return None


def words_of(value: Any) -> str | None:
    """Loop's own sentence, shortened, with the names of rejected fields. Never a page of HTML."""
    for part in _parts(value):
        text = part if isinstance(part, str) else None
        if isinstance(part, dict):
            text = part.get("message") or part.get("content")
        if isinstance(text, str) and text.strip():
            return _sentence(text.strip().rstrip(".") + _fields_of(value))
    return None


def _fields_of(value: Any) -> str:
    errors = value.get("errors") if isinstance(value, dict) else None
    if not isinstance(errors, dict):
        return ""
    names = [str(name) for name, why in errors.items() if isinstance(why, list)]
    return f" ({', '.join(names)})" if names else ""


def _sentence(text: str) -> str:
    line = " ".join(text.split())[:_WORDS_MAX].rstrip()
    return line if line.endswith((".", "!", "?")) else line + "."
