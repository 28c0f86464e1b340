"""Reading answers of the SOAP/XML order manager (Prima sheet §2). Pure.

Names are matched without regard to case, statuses are looked for on the root and on each `Data`, and one `Error`
text may hold several messages, told apart by their `(E:n)` marks.
"""

from __future__ import annotations

import re

import msgspec
from lxml import etree

from counterfoil.adapterkit.parse import UnreadableError
from counterfoil.adapterkit.xml import attributes, local_name, parse_xml_text
from counterfoil.core.problems import Owner
from counterfoil.erps.prima.answers import Part, findings, folded, refused_part
from counterfoil.erps.prima.errors import XML_REFUSED, sentence
from counterfoil.ports.translation import Answer, Finding

ENCODING = "iso-8859-1"  # what the answers are written in when they do not say (sheet §2.1)

_CODE = re.compile(r"\(E:(\d+)\)")
_EXISTING = re.compile(r"Order Number equal to[:\s]+['\"]?([A-Za-z0-9/_-]+)", re.IGNORECASE)
_FOLLOW_ON = "E:194"
_SAX_FAILURE = re.compile(r"SAX parser error|XML may be Invalid", re.IGNORECASE)
_FAULT_TEXTS = ("faultstring", "text", "reason")
_WRITES = frozenset({"neworder", "multineworder"})
_STOCK = frozenset({"productavailabletosell", "multiavailabletosell"})


class Said(msgspec.Struct, frozen=True):
    """One message of the ERP: its code such as `E:21`, or None, and its text without the stack trace."""

    code: str | None
    text: str


def messages(error: str) -> list[Said]:
    """The messages one `Error` attribute holds; an XML parser turned their line breaks into spaces (§2.2)."""
    marks = list(_CODE.finditer(error))
    if not marks:
        text = sentence(error)
        return [Said(None, text)] if text else []
    ends = [*(mark.start() for mark in marks[1:]), len(error)]
    pairs = zip(marks, ends, strict=True)
    return [Said(f"E:{mark.group(1)}", sentence(error[mark.end() : end])) for mark, end in pairs]


def primary(said: list[Said]) -> Said | None:
    """The primary cause: the first message that is not the follow-on E:194; if all are, the first (§2.5)."""
    return next((one for one in said if one.code != _FOLLOW_ON), said[0] if said else None)


def read_answer(root: etree._Element) -> tuple[Answer, tuple[Finding, ...], str]:
    """What a `Result` document, possibly inside a SOAP envelope, means; also its RequestType.

    Raises UnreadableError when it is neither.
    """
    result = unwrapped(root)
    if local_name(result).lower() == "fault":
        return _fault(result)
    if local_name(result).lower() != "result":
        raise UnreadableError(f"the root element is {local_name(result)!r}, not a Prima Result")
    request_type = attributes(result).get("requesttype", "")
    parts = _parts(result, request_type.lower())
    return folded(parts), findings(parts), request_type


def unwrapped(root: etree._Element) -> etree._Element:
    """The document itself: an envelope carries it as text (§2.1: one string in, one string out) or as elements."""
    if local_name(root).lower() != "envelope":
        return root
    for element in root.iter():
        name = local_name(element).lower()
        if name in ("result", "fault") and (len(element) or element.attrib):
            return element
        if (element.text or "").lstrip().startswith("<"):
            return parse_xml_text((element.text or "").strip())
    raise UnreadableError("the SOAP envelope carries no answer document")


def _fault(fault: etree._Element) -> tuple[Answer, tuple[Finding, ...], str]:
    """A SOAP fault: the server broke off, and an order may or may not have been made."""
    texts = [sentence(element.text or "") for element in fault.iter() if local_name(element).lower() in _FAULT_TEXTS]
    text = next((text for text in texts if text), "the SOAP server broke off")
    message = f"Prima answered with a SOAP fault: {text}"
    return Answer(result="ambiguous", retryable=True, message=message, then="read_back"), (), "Fault"


def _parts(result: etree._Element, request_type: str) -> list[Part]:
    blocks = _children(result, "data")
    loose = _own_errors(result)
    if not blocks or request_type in _STOCK:
        return [_whole(result, blocks, loose, request_type)]
    return [_part(block, loose, request_type, _status(result)) for block in blocks]


def _children(element: etree._Element, name: str) -> list[etree._Element]:
    return [child for child in element if local_name(child).lower() == name]


def _status(element: etree._Element) -> str:
    return attributes(element).get("requeststatus", "").strip().upper()


def _own_errors(element: etree._Element) -> list[tuple[str, Said]]:
    """Messages written on this element and in its `RequestError` children, each with the UniqueID it names."""
    found = [("", said) for said in messages(attributes(element).get("error", ""))]
    for child in _children(element, "requesterror"):
        names = attributes(child)
        found += [(names.get("uniqueid", ""), said) for said in messages(names.get("error", ""))]
    return found


def _whole(
    result: etree._Element, blocks: list[etree._Element], loose: list[tuple[str, Said]], request_type: str
) -> Part:
    """An answer about the request as a whole: a refused document, or rows of stock."""
    said = [one for _, one in loose] + [one for block in blocks for _, one in _own_errors(block)]
    statuses = {_status(element) for element in (result, *blocks)}
    if said or "ERROR" in statuses:
        return _refused(None, said, None)
    if "OK" in statuses or request_type in _STOCK:
        rows = sum(1 for element in result.iter() if local_name(element).lower() == "sku")
        return Part(ref=None, result="ok", message=f"Prima answered with {rows} rows.")
    raise UnreadableError("the Result says neither OK nor ERROR")


def _part(block: etree._Element, loose: list[tuple[str, Said]], request_type: str, overall: str) -> Part:
    names = attributes(block)
    unique = names.get("uniqueid", "")
    ref = unique or names.get("tpguid") or names.get("ordernumber") or None
    own = [said for _, said in _own_errors(block)] + [said for named, said in loose if named and named == unique]
    status = _status(block) or overall
    shared = [said for named, said in loose if not named]
    another = any(named != unique for named, _ in loose if named)
    if another and not own and status == "ERROR" and not _status(block):
        message = "Prima refused another document of the request and does not say what became of this one."
        return Part(ref=ref, result="ambiguous", message=message, retryable=True, then="read_back")
    if own or status == "ERROR":
        return _refused(ref, own or shared, names.get("ordernumber") or None)
    if status != "OK" and request_type in _WRITES:
        message = "Prima's answer does not say whether the order was made."
        return Part(ref=ref, result="ambiguous", message=message, retryable=True, then="read_back")
    return _accepted(ref, names, request_type)


def _refused(ref: str | None, said: list[Said], number: str | None) -> Part:
    cause = primary(said)
    if cause is None:
        return refused_part(ref, None, "")
    if cause.code is None and _SAX_FAILURE.search(cause.text):
        return Part(
            ref=ref,
            result="rejected",
            message="Prima could not read the request as XML; nothing of it was applied.",
            kind=XML_REFUSED.kind,
            owner=Owner.INTEGRATION,
            then="park",
        )
    part = refused_part(ref, cause.code, f"{cause.code}: {cause.text}" if cause.code else cause.text)
    if part.result != "duplicate":
        return part  # a refused order has no number, whatever the answer echoes
    named = _EXISTING.search(cause.text)
    return msgspec.structs.replace(part, erp_number=number or (named.group(1) if named else None))


def _accepted(ref: str | None, names: dict[str, str], request_type: str) -> Part:
    number = names.get("ordernumber") or None
    if request_type in _WRITES:
        return Part(ref=ref, result="created", erp_number=number, message=f"Prima made order {number}.")
    state = names.get("orderstatus")
    message = f"Order {number or ref} is {state}." if state else "Prima answered."
    return Part(ref=ref, result="ok", erp_number=number, message=message)
