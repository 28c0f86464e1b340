"""One answer of Prima, by whatever transport, as the published answer (outputs §1). Pure.

The bytes tell the transport: JSON is the REST gateway, XML the order manager or the file drop, `FH,` a CSV file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from counterfoil.adapterkit.parse import Fields, UnreadableError, read_json
from counterfoil.adapterkit.xml import decode_xml, local_name, parse_xml_text
from counterfoil.core.problems import Owner
from counterfoil.erps.prima import filedrop, soap
from counterfoil.erps.prima.answers import Part, folded
from counterfoil.erps.prima.errors import answer_of, read_error, sentence
from counterfoil.ports.translation import Answer, Finding, Kind, Translation
from counterfoil.ports.vendors import Delivery

VENDOR = "prima"


def translate(delivery: Delivery) -> Translation:
    """Read one answer. Never raises: what cannot be read is of kind `unreadable`, with a finding."""
    try:
        return _read(delivery)
    except UnreadableError as error:
        return _unreadable(delivery, sentence(str(error)))


def _read(delivery: Delivery) -> Translation:
    head = delivery.body[:400].lstrip(b"\xef\xbb\xbf \t\r\n")
    failed = delivery.status is not None and not 200 <= delivery.status < 300
    if head.startswith((b"{", b"[")) and not failed:
        return _json_answer(delivery)
    if head.startswith(b"<") or delivery.body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _xml_answer(delivery)
    if re.match(rb'"?FH"?\s*,', head, re.IGNORECASE):
        return _file_answer(filedrop.read_csv(delivery.body))
    if failed:
        return _http_failure(delivery)
    if delivery.status is not None and not delivery.body.strip():
        message = f"Prima answered with HTTP status {delivery.status} and no content."
        return _answered(Answer(result="ok", retryable=False, message=message))
    raise UnreadableError("the body is neither JSON, nor XML, nor a file-drop answer")


def _answered(answer: Answer, problems: Sequence[Finding] = (), topic: str | None = None) -> Translation:
    return Translation(vendor=VENDOR, kind=Kind.ANSWER, answer=answer, problems=tuple(problems), topic=topic)


def _unreadable(delivery: Delivery, message: str) -> Translation:
    """An answer that cannot be read. With a status of success, what was asked may well have happened."""
    finding = Finding(
        kind="unreadable_delivery", owner=Owner.INTEGRATION, message=f"The answer is unreadable: {message}."
    )
    answer = None
    if delivery.status is not None and 200 <= delivery.status < 300:
        told = f"Prima answered with HTTP status {delivery.status}, but {message}."
        answer = Answer(result="ambiguous", retryable=True, message=told, then="read_back")
    return Translation(vendor=VENDOR, kind=Kind.UNREADABLE, problems=(finding,), answer=answer)


# --- REST profile (§5) ----------------------------------------------------------------------------------------------


def _json_answer(delivery: Delivery) -> Translation:
    value = read_json(delivery.body)
    if isinstance(value, dict) and isinstance(value.get("error"), dict):
        return _http_failure(delivery)
    rows = records_of(value)
    if rows is None:
        return _answered(_record_answer(Fields(value), delivery))
    if not rows:
        return _answered(Answer(result="not_found", retryable=False, message="Prima holds no such record."))
    parts = [_row(row) for row in rows]
    return _answered(folded(parts, f"Prima holds {len(parts)} records."))


def records_of(value: object) -> list[Fields] | None:
    """The records of a list answer, None when it is one record (the sheet leaves the list's shape open)."""
    if isinstance(value, dict):
        lists = [name for name in ("items", "data", "results", "records") if isinstance(value.get(name), list)]
        if not lists:
            return None
        value = value[lists[0]]
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise UnreadableError("the answer is not a list of records")
    return [Fields(row, f"[{i}]") for i, row in enumerate(value)]


def _record_answer(record: Fields, delivery: Delivery) -> Answer:
    number = number_of(record)
    replayed = delivery.headers.get("idempotent-replayed", "").lower() == "true"
    told = f"{number} ({record.text('status')})" if record.text("status") else str(number or "a record")
    if replayed:
        message = f"Prima had stored this before, as {told}."
        return Answer(result="duplicate", retryable=False, message=message, erp_number=number, then=None)
    if delivery.status == 201:
        return Answer(result="created", retryable=False, message=f"Prima stored {told}.", erp_number=number)
    return Answer(result="ok", retryable=False, message=f"Prima answered with {told}.", erp_number=number)


def _row(record: Fields) -> Part:
    number = number_of(record)
    ref = record.text("external_ref") or number or record.text("code") or record.text("sku")
    return Part(ref=ref, result="ok", erp_number=number, message=f"Prima holds {number or ref or 'a record'}.")


def number_of(record: Fields) -> str | None:
    """The record's own ERP number: a receipt also names its return, a credit its order, an exchange all of them."""
    names = ["receipt_number", "credit_number", "return_number", "order_number"]
    if "original_order_number" in record:
        names = ["order_number"]
    return next((number for name in names if (number := record.text(name)) is not None), None)


_STATUS_OF_CODE = {"PERIOD_CLOSED": 423, "RATE_LIMITED": 429, "ERP_UNAVAILABLE": 503, "ERP_TIMEOUT": 504}


def _http_failure(delivery: Delivery) -> Translation:
    """An error answer; without a status (a body kept alone) its code decides."""
    status = delivery.status
    error = read_error(status if status is not None else 422, delivery.headers, delivery.body)
    if status is None and error.code in _STATUS_OF_CODE:
        error = read_error(_STATUS_OF_CODE[error.code], delivery.headers, delivery.body)
    answer = answer_of(error)
    problems = []
    if answer.then == "park" and answer.owner is not None:
        subject = error.field or ""
        problems.append(Finding(kind=error.rule.kind, owner=answer.owner, message=error.message, subject=subject))
    return _answered(answer, problems)


# --- order manager (§2) and file drop (§6) --------------------------------------------------------------------------


def _xml_answer(delivery: Delivery) -> Translation:
    content_type = delivery.headers.get("content-type", "")
    try:
        text = decode_xml(delivery.body, content_type=content_type, fallback=soap.ENCODING)
        if filedrop.unfinished_xml(text):
            return _file_answer(filedrop.read_xml_form(delivery.body))
        root = parse_xml_text(text)
        if local_name(root).lower() == "primafile":
            return _file_answer(filedrop.read_xml_root(root))
        answer, problems, request_type = soap.read_answer(root)
    except UnreadableError:
        # A proxy's page instead of Prima's answer: the status is all there is to go by.
        if delivery.status is not None and not 200 <= delivery.status < 300:
            return _http_failure(delivery)
        raise
    return _answered(answer, problems, request_type or None)


def _file_answer(file: filedrop.AnswerFile) -> Translation:
    answer, problems = filedrop.answer(file)
    return _answered(answer, problems, file.type or None)
