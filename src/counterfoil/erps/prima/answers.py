"""Several documents' results folded into one answer, the same way for every transport."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from counterfoil.core.problems import Owner
from counterfoil.erps.prima.errors import rule_for, words_of
from counterfoil.ports.translation import Answer, DocumentAnswer, Finding

# From the gravest on.
_FAILED = ("rejected", "ambiguous", "retry", "not_found")


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One document's part of an answer, with what is needed to say why."""

    ref: str | None
    result: str
    erp_number: str | None = None
    code: str | None = None
    message: str = ""
    kind: str | None = None
    owner: Owner | None = None
    retryable: bool = False
    then: str | None = None

    @property
    def published(self) -> DocumentAnswer:
        """The part as `per_document` prints it."""
        return DocumentAnswer(ref=self.ref, result=self.result, erp_number=self.erp_number, primary_code=self.code)


def refused_part(ref: str | None, code: str | None, message: str, erp_number: str | None = None) -> Part:
    """A document the ERP refused, with what its code means (sheet §2.5, §5)."""
    rule = rule_for(code)
    result, retryable, then = words_of(rule.treatment)
    parked = then == "park"
    return Part(
        ref=ref,
        result=result,
        erp_number=erp_number,
        code=code,
        message=message or "Prima refused the document without saying why.",
        kind=rule.kind if parked else None,
        owner=rule.owner if parked else None,
        retryable=retryable,
        then=then,
    )


def folded(parts: Sequence[Part], message: str = "") -> Answer:
    """One answer for all parts: their common result, or `mixed` with the reason of the gravest."""
    results = {part.result for part in parts}
    telling = min(parts, key=lambda part: _FAILED.index(part.result) if part.result in _FAILED else len(_FAILED))
    steps = [part.then for part in parts]
    gravest: str | None = next((word for word in ("park", "read_back", "resend") if word in steps), None)
    return Answer(
        result=results.pop() if len(results) == 1 else "mixed",
        retryable=all(part.retryable for part in parts),
        message=telling.message or message,
        owner=telling.owner,
        primary_code=telling.code,
        erp_number=parts[0].erp_number if len(parts) == 1 else None,
        per_document=tuple(part.published for part in parts),
        then=gravest,
    )


def findings(parts: Sequence[Part]) -> tuple[Finding, ...]:
    """What a person must look at, one per parked document."""
    return tuple(
        Finding(kind=part.kind, owner=part.owner, message=part.message, subject=part.ref or "")
        for part in parts
        if part.kind is not None and part.owner is not None
    )
