"""Our reference on every Prima document: `{TYPE}-{portal}-{portalReturnId}[-{seq}]` (Prima sheet §4, "Gotcha").

The same return and step always give the same reference, so a document whose answer was lost is found by it.
"""

from __future__ import annotations

import re

from counterfoil.adapterkit.signing import digest
from counterfoil.core.commands import CaseRef

REFERENCE_LENGTH_MAX = 40
_HASH_LENGTH = 10
_NOT_ALLOWED = re.compile(r"[^A-Z0-9]+")

# Words of a step that only name its document. What is left of the step tells several documents of a type apart;
# a draft and the posting of it must arrive at one reference, because they are one credit note.
_DOCUMENT_WORDS = {
    "SRET": frozenset({"rma", "return", "authorisation", "open", "sret"}),
    "GRN": frozenset({"receipt", "receive", "stock", "grn"}),
    "SCRN": frozenset({"credit", "note", "draft", "post", "scrn"}),
    "SORD": frozenset({"exchange", "order", "create", "sord"}),
}


def external_ref(document_type: str, case: CaseRef, step: str, *, with_brand: bool = False) -> str:
    """The reference of a document, at most 40 characters of A-Z, 0-9 and hyphen.

    When cleaning or shortening lost something, the tail is a hash of the full key: two returns never share one.
    """
    seq = _sequence(document_type, step)
    parts = [document_type, *([case.brand] if with_brand else []), case.portal, case.return_id, *([seq] if seq else [])]
    cleaned = "-".join(_NOT_ALLOWED.sub("-", part.upper()).strip("-") for part in parts)
    if len(cleaned) <= REFERENCE_LENGTH_MAX and not any(_loses(part) for part in parts) and not _ends_in_seq(case):
        return cleaned
    tail = digest(*parts)[:_HASH_LENGTH].upper()
    return f"{cleaned[: REFERENCE_LENGTH_MAX - _HASH_LENGTH - 1].rstrip('-')}-{tail}"


def _sequence(document_type: str, step: str) -> str:
    words = re.split(r"[^A-Za-z0-9]+", step)
    dropped = _DOCUMENT_WORDS.get(document_type, frozenset())
    return "-".join(word for word in words if word and word.lower() not in dropped)


def _loses(part: str) -> bool:
    """Whether two different parts could be cleaned into one: mixed case, or a character that is not allowed."""
    return re.fullmatch(r"[A-Z0-9]+(-[A-Z0-9]+)*|[a-z0-9]+(-[a-z0-9]+)*", part) is None


def _ends_in_seq(case: CaseRef) -> bool:
    """Whether the id ends like one of our own sequence numbers: `12-1` must not meet the first step of `12`."""
    return re.search(r"-[0-9]{1,2}$", case.return_id) is not None
