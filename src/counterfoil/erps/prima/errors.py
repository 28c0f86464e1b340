"""What each Prima error means and who acts on it: the whole table of Prima sheet §5, and the SOAP codes of §2.5.

One table serves both readers: the client turns an error into an outcome, `counterfoil translate` into an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from counterfoil.adapterkit.parse import Fields, UnreadableError, read_object
from counterfoil.core.problems import Owner
from counterfoil.ports.outcomes import Busy, LockedOut, Refused, Unknown
from counterfoil.ports.translation import Answer


class Treatment(StrEnum):
    """What should happen next."""

    PARK = "park"  # a person decides; the same request would fail again
    READ_BACK = "read_back"  # it exists under our reference: look, compare, treat as success
    THROTTLED = "throttled"  # surely nothing was written; come back later
    AMBIGUOUS = "ambiguous"  # it may have been written: look it up before sending again
    LOCKED_OUT = "locked_out"  # our credentials or rights
    ABSENT = "absent"  # what was asked for is not there


class Rule(msgspec.Struct, frozen=True):
    """One row of the table: treatment, the kind of problem it opens, and its owner."""

    treatment: Treatment
    kind: str = "unmapped_erp_error"
    owner: Owner | None = None


def _park(kind: str, owner: Owner = Owner.OPS) -> Rule:
    return Rule(Treatment.PARK, kind, owner)


CODES: Mapping[str, Rule] = {
    "UNKNOWN_ORDER": _park("order_not_found"),
    "UNKNOWN_CUSTOMER": _park("customer_not_found"),
    "UNKNOWN_SKU": _park("sku_not_found"),
    "UNKNOWN_DEPOT": _park("depot_not_mapped"),
    "UNKNOWN_REASON": _park("reason_not_mapped"),
    "UNKNOWN_TAX_CODE": _park("tax_code_rejected", Owner.FINANCE),
    "UNKNOWN_ORDER_TYPE": _park("order_type_rejected"),
    "QTY_EXCEEDS_DESPATCHED": _park("quantity_exceeds_despatched"),
    "QTY_EXCEEDS_AUTHORISED": _park("quantity_exceeds_authorised"),
    "RETURN_NOT_FOUND": _park("return_not_found_in_erp"),
    "RETURN_CLOSED": _park("return_closed_in_erp"),
    "RETURN_NOT_RECEIVED": _park("return_not_received_in_erp"),
    "ALREADY_CREDITED": _park("already_credited", Owner.FINANCE),
    "CREDIT_EXCEEDS_LINE_VALUE": _park("credit_exceeds_line_value", Owner.FINANCE),
    "TOTALS_MISMATCH": _park("totals_mismatch", Owner.FINANCE),
    "PERIOD_CLOSED": _park("period_closed", Owner.FINANCE),
    "STOCK_UNAVAILABLE": _park("stock_unavailable"),
    "ORDER_ON_HOLD": _park("order_on_hold"),
    "DUPLICATE_REF": Rule(Treatment.READ_BACK, "document_differs"),
    "IDEMPOTENCY_CONFLICT": _park("document_differs", Owner.INTEGRATION),
    "RATE_LIMITED": Rule(Treatment.THROTTLED),
    "ERP_UNAVAILABLE": Rule(Treatment.AMBIGUOUS),
    "ERP_TIMEOUT": Rule(Treatment.AMBIGUOUS),
    # SOAP order manager, §2.5
    "E:21": Rule(Treatment.READ_BACK, "document_differs"),
    "E:194": _park("sku_not_found"),
    "E:548": _park("configuration_rejected", Owner.FINANCE),
    # File drop, §6.3: the file as a whole was refused and nothing of it was applied
    "BAD_FORMAT": _park("file_rejected", Owner.INTEGRATION),
    "BAD_CONTROL_TOTAL": _park("file_rejected", Owner.INTEGRATION),
    "BAD_COUNT": _park("file_rejected", Owner.INTEGRATION),
    "DUPLICATE_FILE": _park("file_rejected", Owner.INTEGRATION),
    "SEQUENCE_GAP": _park("file_rejected", Owner.INTEGRATION),
    "UNKNOWN_TYPE": _park("file_rejected", Owner.INTEGRATION),
    "TRUNCATED": _park("file_rejected", Owner.INTEGRATION),
}

UNMAPPED = Rule(Treatment.PARK, "unmapped_erp_error", Owner.OPS)
XML_REFUSED = _park("xml_refused_by_erp", Owner.INTEGRATION)


def rule_for(code: str | None) -> Rule:
    """The rule of a code; a code nobody mapped is parked with its text kept (§2.5)."""
    return CODES.get(code or "", UNMAPPED)


class ErpError(msgspec.Struct, frozen=True, kw_only=True):
    """One error answer of the REST profile, read."""

    status: int
    rule: Rule
    code: str | None = None
    message: str = ""
    field: str | None = None
    request_id: str | None = None
    after_s: float | None = None

    @property
    def detail(self) -> str:
        """For the log: status, field and request id."""
        parts = [f"HTTP {self.status}", self.field or "", f"request {self.request_id}" if self.request_id else ""]
        return " · ".join(part for part in parts if part)


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> ErpError:
    """Read an answer whose status is not 2xx. The body may be anything: a proxy's page says only its status."""
    found = _error_fields(body)
    code = _text(found, "code")
    message = sentence(_text(found, "message") or f"Prima answered with HTTP status {status}.")
    after = headers.get("retry-after", "")
    return ErpError(
        status=status,
        rule=_rule(status, code, retryable=_flag(found)),
        code=code,
        message=message,
        field=_text(found, "field"),
        request_id=_text(found, "request_id") or headers.get("x-request-id"),
        after_s=float(after) if after.isdecimal() and after.isascii() else None,
    )


def _error_fields(body: bytes) -> Fields | None:
    try:
        return read_object(body).child("error")
    except UnreadableError:
        return None


def _text(found: Fields | None, name: str) -> str | None:
    value = found.data.get(name) if found is not None else None
    return clean(value.strip()) or None if isinstance(value, str) else None


def _flag(found: Fields | None) -> bool:
    return found is not None and found.data.get("retryable") is True


def _rule(status: int, code: str | None, *, retryable: bool) -> Rule:
    if code is not None and code in CODES:
        return CODES[code]
    if status in (401, 403):
        kind = "permission_missing" if status == 403 else "credentials_rejected"
        return Rule(Treatment.LOCKED_OUT, kind, Owner.INTEGRATION)
    if status == 429:
        return Rule(Treatment.THROTTLED)
    if status >= 500 or status in (0, 408) or status < 400:
        return Rule(Treatment.AMBIGUOUS)
    if status == 404:
        return Rule(Treatment.ABSENT, "configuration_rejected", Owner.INTEGRATION)
    if status == 423:
        return CODES["PERIOD_CLOSED"]
    if status in (400, 405, 406, 411, 413, 415):
        return Rule(Treatment.PARK, "field_rejected", Owner.INTEGRATION)
    return Rule(Treatment.AMBIGUOUS) if retryable else UNMAPPED


def failure_of(error: ErpError, *, writes: bool) -> Busy | Unknown | Refused | LockedOut:
    """The outcome an error leaves us with. READ_BACK and ABSENT are refusals here; callers look at them first."""
    message, detail, code = error.message, error.detail, error.code
    match error.rule.treatment:
        case Treatment.AMBIGUOUS if writes:
            return Unknown(message=message, detail=detail, code=code)
        case Treatment.THROTTLED | Treatment.AMBIGUOUS:
            return Busy(after_s=error.after_s, message=message, detail=detail, code=code)
        case Treatment.LOCKED_OUT:
            return LockedOut(message=message, detail=detail, code=code)
    return Refused(kind=error.rule.kind, owner=error.rule.owner, message=message, detail=detail, code=code)


_WORDS = {
    Treatment.PARK: ("rejected", False, "park"),
    Treatment.READ_BACK: ("duplicate", False, "read_back"),
    Treatment.THROTTLED: ("retry", True, "resend"),
    Treatment.AMBIGUOUS: ("ambiguous", True, "read_back"),
    Treatment.LOCKED_OUT: ("rejected", False, "park"),
    Treatment.ABSENT: ("not_found", False, None),
}


def words_of(treatment: Treatment) -> tuple[str, bool, str | None]:
    """The published words of a treatment: result, retryable, then (outputs §1)."""
    return _WORDS[treatment]


def answer_of(error: ErpError, erp_number: str | None = None) -> Answer:
    """The error as `counterfoil translate` prints it."""
    result, retryable, then = words_of(error.rule.treatment)
    return Answer(
        result=result,
        retryable=retryable,
        message=error.message,
        after_s=error.after_s if retryable else None,
        owner=error.rule.owner if error.rule.treatment in (Treatment.PARK, Treatment.LOCKED_OUT) else None,
        primary_code=error.code,
        erp_number=erp_number,
        then=then,
    )


def sentence(text: str) -> str:
    """One sentence out of what the ERP wrote: no stack trace, no line breaks, a bounded length."""
    for mark in ("DEV MODE", "Traceback (most recent call last)"):
        text = text.split(mark, 1)[0]
    lines = [line.strip() for line in clean(text).strip().splitlines() if line.strip()]
    return lines[0][:300] if lines else ""


def clean(text: str) -> str:
    """The text without characters that cannot be stored or printed (lone surrogates, NUL)."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")
