"""What an answer of NetSuite means: one table from status, code and text to what should happen next. Pure.

Most business refusals share the code USER_ERROR and tell their cause only in English text (NetSuite sheet §8), so
the table matches text; `type` and `title` of the body are never looked at. Texts marked inferred were not seen on a
live account.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from counterfoil.adapterkit.parse import Fields, UnreadableError, read_object
from counterfoil.core.problems import Owner
from counterfoil.ports.outcomes import Busy, LockedOut, Outcome, Refused, Unknown

FREQUENCY_PAUSE_S = 60.0  # the 60 second window of the frequency limit (§8)
OUTAGE_PAUSE_S = 30.0


class Meaning(StrEnum):
    """What kind of answer it is."""

    CREATED = "created"
    OK = "ok"
    ACCEPTED = "accepted"  # queued; a job will say
    DUPLICATE = "duplicate"  # our external id is taken
    NOT_FOUND = "not_found"
    REJECTED = "rejected"
    UNSUPPORTED = "unsupported"  # this account has no such transform
    LOCKED_OUT = "locked_out"
    THROTTLED = "throttled"  # nothing was written
    CHANGED = "changed"  # nothing was written; the record must be read again before it is
    BROKEN = "broken"  # something may have been written
    UNCLEAR = "unclear"  # not an answer of NetSuite's own making


class Detail(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of `o:errorDetails`."""

    code: str = ""
    text: str = ""
    path: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one answer means. `kind` and `owner` are set where a person must act."""

    meaning: Meaning
    message: str
    detail: str = ""
    code: str | None = None
    kind: str = ""
    owner: Owner | None = None
    after_s: float | None = None
    path: str = ""
    record_id: str | None = None


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table. It fits when the code or the text fits."""

    meaning: Meaning
    message: str
    codes: tuple[str, ...] = ()
    text: str = ""
    code: str | None = None  # what we call it; the vendor's own code otherwise
    kind: str = ""
    owner: Owner | None = None
    after_s: float | None = None

    def fits(self, detail: Detail) -> bool:
        """Whether this row is about this detail."""
        if detail.code.upper() in self.codes:
            return True
        return bool(self.text) and re.search(self.text, detail.text, re.IGNORECASE) is not None


# The order is the precedence when several details come at once: what stops us from asking at all comes first.
RULES: tuple[Rule, ...] = (
    Rule(
        meaning=Meaning.LOCKED_OUT,
        codes=("INVALID_LOGIN", "INVALID_LOGIN_ATTEMPT"),
        text=r"invalid login attempt",
        kind="permission_missing",
        owner=Owner.INTEGRATION,
        message="NetSuite does not accept our login",
    ),
    Rule(
        meaning=Meaning.LOCKED_OUT,
        codes=("INSUFFICIENT_PERMISSION",),
        text=r"permission violation|you do not have (the )?permission",
        code="INSUFFICIENT_PERMISSION",
        kind="permission_missing",
        owner=Owner.INTEGRATION,
        message="Our role in NetSuite lacks a permission",
    ),
    Rule(
        meaning=Meaning.THROTTLED,
        codes=("CONCURRENCY_LIMIT_EXCEEDED", "SSS_REQUEST_LIMIT_EXCEEDED"),
        text=r"concurrent request limit|request limit exceeded",
        after_s=1.0,
        message="NetSuite is at its limit of concurrent requests",
    ),
    Rule(
        meaning=Meaning.CHANGED,
        codes=("RCRD_HAS_BEEN_CHANGED",),
        text=r"record has been changed",
        code="RCRD_HAS_BEEN_CHANGED",
        after_s=2.0,
        message="The record was changed by somebody else at the same moment",
    ),
    Rule(
        meaning=Meaning.DUPLICATE,
        codes=("IDEMPOTENCY_ERROR",),
        text=r"same idempotency key",
        code="IDEMPOTENCY_ERROR",
        message="NetSuite already has a request with this idempotency key",
    ),
    Rule(
        meaning=Meaning.DUPLICATE,
        codes=("DUP_RCRD", "DUP_ENTITY", "DUP_ITEM"),
        text=r"already exists",
        code="DUP_RCRD",
        message="NetSuite already has a record with this external id",
    ),
    Rule(
        meaning=Meaning.REJECTED,
        codes=("PERIOD_CLOSED",),
        text=r"not within an open accounting period|accounting period .*(closed|locked)|(closed|locked) .*period"
        r"|period (is|has been) (closed|locked)",  # the first is third-party text, the others inferred
        code="PERIOD_CLOSED",
        kind="period_closed",
        owner=Owner.FINANCE,
        message="The posting date lies in a closed accounting period",
    ),
    Rule(
        meaning=Meaning.NOT_FOUND,
        codes=("NONEXISTENT_ID", "RCRD_DSNT_EXIST"),
        text=r"transaction type specified is incorrect|record instance does not exist",
        message="NetSuite has no such record",
    ),
    Rule(
        meaning=Meaning.UNSUPPORTED,
        text=r"transform\w*\b.*\b(not supported|unsupported|not available|invalid|not allowed)"
        r"|(not supported|unsupported|invalid).*\btransform",  # inferred (§6, §16.3)
        kind="configuration_rejected",
        owner=Owner.INTEGRATION,
        message="This account does not offer that transform",
    ),
    Rule(
        meaning=Meaning.REJECTED,
        text=r"record type '?[^']*'? does not exist",
        kind="configuration_rejected",
        owner=Owner.INTEGRATION,
        message="NetSuite does not know this record type: a feature may be switched off",
    ),
    Rule(
        meaning=Meaning.REJECTED,
        text=r"invalid search (query|type)|search error occurred|unknown identifier",
        kind="permission_missing",
        owner=Owner.INTEGRATION,
        message="NetSuite could not run a query: a permission or a feature may be missing",
    ),
    Rule(
        meaning=Meaning.REJECTED,
        text=r"quantity.*(exceed|greater|more than|remaining)"
        r"|(exceed|greater|more than).*(remaining|quantity)",  # inferred
        kind="quantity_exceeds_authorised",
        owner=Owner.OPS,
        message="NetSuite has fewer units open than were asked for",
    ),
    Rule(
        meaning=Meaning.REJECTED,
        codes=("INVALID_KEY_OR_REF",),
        text=r"invalid field value|invalid reference|invalid .*reference key",
        kind="field_rejected",
        owner=Owner.INTEGRATION,
        message="NetSuite does not accept a value",
    ),
    Rule(
        meaning=Meaning.REJECTED,
        codes=("NONEXISTENT_FIELD",),
        text=r"must enter a value for|please enter value|unknown field|field .*does not exist|unknown propert",
        kind="field_rejected",
        owner=Owner.INTEGRATION,
        message="NetSuite wants a field filled differently",
    ),
    Rule(
        meaning=Meaning.REJECTED,
        text=r"invalid content in the request body|invalid url",
        kind="field_rejected",
        owner=Owner.INTEGRATION,
        message="NetSuite could not read our request",
    ),
    Rule(
        meaning=Meaning.BROKEN,
        codes=("UNEXPECTED_ERROR",),
        text=r"an unexpected error occurred",
        after_s=5.0,
        message="NetSuite had an error of its own",
    ),
)

# Which problem a refused field is, by the last part of its path or by the field named in the text.
FIELD_KINDS: tuple[tuple[str, str, Owner], ...] = (
    (r"item", "sku_not_found", Owner.OPS),
    (r"location|adjlocation", "depot_not_mapped", Owner.OPS),
    (r"entity|customer", "customer_not_found", Owner.FINANCE),
    (r"taxcode|taxitem|taxtype|shippingtaxcode", "tax_code_rejected", Owner.FINANCE),
)


def classify(status: int, headers: Mapping[str, str], body: bytes) -> Verdict:
    """What an answer means. Header names are lower case. Never raises."""
    if 200 <= status < 300:
        return _success(status, headers)
    details = error_details(body)
    if status == 429:
        return _throttled(details, headers)
    for rule in RULES:
        detail = next((each for each in details if rule.fits(each)), None)
        if detail is not None:
            return _by_rule(rule, detail)
    return _by_status(status, details, headers, body)


def error_details(body: bytes) -> list[Detail]:
    """The entries of `o:errorDetails`; empty for HTML, for nothing, and for anything else."""
    try:
        return [
            Detail(code=each.text("o:errorCode") or "", text=each.text("detail") or "", path=_path(each))
            for each in read_object(body).each("o:errorDetails")
        ]
    except UnreadableError:
        return []


def outcome_of(verdict: Verdict, *, writes: bool, missing: str = "return_not_found_in_erp") -> Outcome:
    """The outcome of a call that did not succeed. `missing` is the problem kind of a record that is not there."""
    message, detail, code = verdict.message, verdict.detail, verdict.code
    match verdict.meaning:
        case Meaning.THROTTLED | Meaning.CHANGED:
            return Busy(message=message, detail=detail, code=code, after_s=verdict.after_s)
        case Meaning.LOCKED_OUT:
            return LockedOut(message=message, detail=detail, code=code)
        case Meaning.NOT_FOUND:
            return Refused(message=message, detail=detail, code=code, kind=missing)
        case Meaning.REJECTED | Meaning.UNSUPPORTED:
            return Refused(message=message, detail=detail, code=code, kind=verdict.kind, owner=verdict.owner)
    if writes:
        return Unknown(message=message, detail=detail, code=code)
    return Busy(message=message, detail=detail, code=code, after_s=verdict.after_s)


def _success(status: int, headers: Mapping[str, str]) -> Verdict:
    location = headers.get("location", "")
    if status == 202:
        return Verdict(meaning=Meaning.ACCEPTED, message="NetSuite queued the request.", record_id=record_id(location))
    if location:
        made = record_id(location)
        return Verdict(meaning=Meaning.CREATED, message=f"NetSuite saved record {made}.", record_id=made)
    return Verdict(meaning=Meaning.OK, message="NetSuite answered.")


def record_id(location: str) -> str | None:
    """The internal id: the last segment of the path of a `Location` (§3)."""
    return location.split("?", 1)[0].rstrip("/").rpartition("/")[2] or None


def _throttled(details: list[Detail], headers: Mapping[str, str]) -> Verdict:
    first = details[0] if details else Detail()
    frequent = bool(details) and not any("CONCURRENCY" in d.code or "oncurrent" in d.text for d in details)
    message = "NetSuite counts too many requests" if frequent else "NetSuite is at its limit of concurrent requests"
    asked = headers.get("retry-after", "")
    after_s = float(asked) if asked.isdigit() else FREQUENCY_PAUSE_S if frequent else 1.0
    return Verdict(
        meaning=Meaning.THROTTLED,
        message=message + "; it was not carried out.",
        detail=_tell(first),
        code=first.code or None,
        after_s=after_s,
    )


def _by_rule(rule: Rule, detail: Detail) -> Verdict:
    kind, owner = rule.kind, rule.owner
    if kind == "field_rejected":
        kind, owner = _field_kind(detail)
    return Verdict(
        meaning=rule.meaning,
        message=_sentence(rule.message, detail),
        detail=_tell(detail),
        code=rule.code or detail.code or None,
        kind=kind,
        owner=owner,
        after_s=rule.after_s,
        path=detail.path,
    )


def _field_kind(detail: Detail) -> tuple[str, Owner]:
    named = re.search(r"following field:?\s*([\w.]+)|invalid (\w+) reference key", detail.text, re.IGNORECASE)
    field = (detail.path.rpartition(".")[2] or ((named.group(1) or named.group(2)) if named else "")).lower()
    for pattern, kind, owner in FIELD_KINDS:
        if re.fullmatch(rf"(?:{pattern})(\[\d+\])?", field):
            return kind, owner
    return "field_rejected", Owner.INTEGRATION


def _by_status(status: int, details: list[Detail], headers: Mapping[str, str], body: bytes) -> Verdict:
    first = details[0] if details else Detail()
    detail, code = _tell(first) or f"HTTP {status}", first.code or None
    if status >= 500 or status == 408:
        after_s = 5.0 if status == 500 else OUTAGE_PAUSE_S
        asked = headers.get("retry-after", "")
        after_s = float(asked) if asked.isdigit() else after_s
        text = "NetSuite had an error of its own." if status == 500 else "NetSuite is not available at the moment."
        return Verdict(meaning=Meaning.BROKEN, message=text, detail=detail, code=code, after_s=after_s)
    refusal = _token_refusal(body)
    if refusal:
        return refusal
    if status in (401, 403):
        text = "NetSuite does not accept our login." if status == 401 else "Our role in NetSuite lacks a permission."
        return Verdict(
            meaning=Meaning.LOCKED_OUT,
            message=text,
            detail=detail,
            code=code,
            kind="permission_missing",
            owner=Owner.INTEGRATION,
        )
    if not details:
        return Verdict(
            meaning=Meaning.UNCLEAR,
            message=f"Something between us and NetSuite answered with status {status}.",
            detail=detail,
            kind="unmapped_erp_error",
            owner=Owner.INTEGRATION,
            after_s=OUTAGE_PAUSE_S,
        )
    return Verdict(
        meaning=Meaning.REJECTED,
        message=_sentence("NetSuite refused", first),
        detail=detail,
        code=code,
        kind="unmapped_erp_error",
        owner=Owner.INTEGRATION,
        path=first.path,
    )


def _token_refusal(body: bytes) -> Verdict | None:
    """What the token endpoint says in the form of RFC 6749 §5.2 (sheet §2.1: the real bodies are unknown)."""
    try:
        code = read_object(body).text("error")
    except UnreadableError:
        return None
    if code is None:
        return None
    return Verdict(
        meaning=Meaning.LOCKED_OUT,
        message=f"NetSuite gives us no access token ({_plain(code)}): look at the certificate mapping.",
        detail=_plain(code),
        code=code,
        kind="permission_missing",
        owner=Owner.INTEGRATION,
    )


def _path(detail: Fields) -> str:
    for name in ("o:errorPath", "o:errorQueryParam", "o:errorHeader", "o:errorUrl", "o:urlPath"):
        value = detail.text(name)
        if value:
            return value.removeprefix("$.")
    return ""


def _tell(detail: Detail) -> str:
    return " ".join(part for part in (detail.code, _plain(detail.text), detail.path and f"at {detail.path}") if part)


def _sentence(message: str, detail: Detail) -> str:
    said = _plain(detail.text).rstrip(".")
    return f"{message}: {said}." if said else f"{message}."


def _plain(text: str) -> str:
    """The vendor's text as one short line: no opening that says nothing, no stack trace."""
    line = text.strip().splitlines()[0] if text.strip() else ""
    line = re.sub(r"^Error while accessing (a )?resource[:.]?\s*", "", line)
    line = re.split(r"\s+at (?:com|java|org|net)\.", line)[0]
    return line if len(line) <= 200 else line[:199] + "…"
