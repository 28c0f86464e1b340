"""What an answer of Reveni's API means (Reveni sheet §1, §6): one table, used by `translate` and by the client.

Error bodies are not published. The proposal is `{"detail": …}` or `{"code": …, "message": …}`; only the status decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from counterfoil.core.problems import Owner
from counterfoil.ports.translation import Answer, Finding

RETRY_AFTER_S = 5.0
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


_KEY = _Refusal("rejected", "credentials_rejected", Owner.INTEGRATION, "Reveni does not accept the key")
_STORE = _Refusal("rejected", "permission_missing", Owner.INTEGRATION, "The key belongs to another store at Reveni")
_NO_RETURN = _Refusal("not_found", "return_not_found_in_portal", Owner.INTEGRATION, "Reveni has no such thing")
_REFUSED = _Refusal("rejected", "portal_refused", Owner.OPS, "Reveni refused")
_FIELD = _Refusal("rejected", "field_rejected", Owner.INTEGRATION, "Reveni refused a value we sent")
_CONFIG = _Refusal("rejected", "configuration_rejected", Owner.INTEGRATION, "Reveni's API is not where we look for it")

# What is not listed (a redirect, say) means that we were pointed to the wrong place.
_BY_STATUS: Mapping[int, _Refusal] = {
    400: _FIELD,
    401: _KEY,
    403: _STORE,
    404: _NO_RETURN,
    405: _CONFIG,
    409: _REFUSED,
    415: _FIELD,
    422: _REFUSED,
}


def judge(status: int | None, value: Any, retry_after_s: float | None = None) -> Verdict:
    """What an answer means. `value` is the parsed body, None when it was empty or no JSON; `status` None is unknown."""
    if status in (408, 429) or (status is not None and status >= 500):
        return _later(status, retry_after_s)
    if status is None and is_error(value):
        return _refused(_REFUSED, value)
    if status is None or 200 <= status < 300:
        result = "created" if status == 201 else "ok"
        return Verdict(answer=Answer(result=result, retryable=False, message="Reveni answered as asked."))
    return _refused(_BY_STATUS.get(status, _CONFIG), value)


def is_error(value: Any) -> bool:
    """Whether a body of unknown status reads like one of the two error shapes (sheet §6)."""
    if not isinstance(value, dict):
        return False
    return "detail" in value or ("message" in value and "code" in value)


def _later(status: int, retry_after_s: float | None) -> Verdict:
    """429 was surely not carried out; after a 5xx nobody knows, so the return is read before repeating (§6)."""
    throttled = status == 429
    message = "Reveni asks us to slow down." if throttled else f"Reveni is in trouble (HTTP {status})."
    answer = Answer(
        result="retry",
        retryable=True,
        message=message,
        after_s=RETRY_AFTER_S if retry_after_s is None else retry_after_s,
        then="resend" if throttled else "read_back",
    )
    return Verdict(answer=answer)


def _refused(refusal: _Refusal, value: Any) -> Verdict:
    words = words_of(value)
    answer = Answer(
        result=refusal.result,
        retryable=False,
        message=f"{refusal.says}: {words}" if words else f"{refusal.says}.",
        owner=refusal.owner,
        primary_code=code_of(value),
        then="park",
    )
    return Verdict(answer=answer, kind=refusal.kind)


def code_of(value: Any) -> str | None:
    """Reveni's own code, where the body has one."""
    code = value.get("code") if isinstance(value, dict) else None
    return str(code)[:_WORDS_MAX] if isinstance(code, str | int) and not isinstance(code, bool) and code != "" else None


def words_of(value: Any) -> str | None:
    """Reveni's own sentence, shortened; the names of refused fields where the body is a list of those."""
    if not isinstance(value, dict):
        return None
    for name in ("detail", "message"):
        text = value.get(name)
        if isinstance(text, str) and text.strip():
            return _sentence(text)
    fields = [str(name) for name, why in value.items() if isinstance(why, list)]
    return _sentence(", ".join(fields)) if fields else None


def _sentence(text: str) -> str:
    line = " ".join(text.split())[:_WORDS_MAX].rstrip()
    return line if line.endswith((".", "!", "?")) else line + "."
