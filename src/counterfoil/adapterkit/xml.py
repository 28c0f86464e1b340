"""Reading guests' XML: one parser for every vendor, with entities off, no network, and no document type allowed.

The text is decoded here, before the parser sees it, so that a wrong or missing encoding is our decision and an
encoding trick cannot hide a document type declaration from the check.
"""

from __future__ import annotations

import codecs
import re

from lxml import etree

from counterfoil.adapterkit.parse import UnreadableError

XML_LIMIT_BYTES = 64 * 1024 * 1024

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DECLARED = re.compile(rb"""\A\s*<\?xml[^>]*?\bencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]*)["']""")
_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z][A-Za-z0-9._-]*)""", re.IGNORECASE)


def read_xml(body: bytes, *, content_type: str = "", fallback: str = "utf-8") -> etree._Element:
    """Parse one XML document and return its root. Raises UnreadableError with a sentence.

    `fallback` is the encoding to use when neither a byte mark, nor the content type, nor the declaration names one
    and the bytes are not UTF-8.
    """
    return parse_xml_text(decode_xml(body, content_type=content_type, fallback=fallback))


def decode_xml(body: bytes, *, content_type: str = "", fallback: str = "utf-8") -> str:
    """The characters of an XML document. Raises UnreadableError when no named encoding fits the bytes.

    Looked at in order: byte mark, charset of the content type, declaration; UTF-8 and `fallback` only when none of
    them names an encoding.
    """
    if not body.strip():
        raise UnreadableError("the body is empty")
    if len(body) > XML_LIMIT_BYTES:
        raise UnreadableError(f"the body is longer than {XML_LIMIT_BYTES} bytes")
    named = _named_encodings(body, content_type)
    for encoding in named or ["utf-8", fallback]:
        try:
            return body.decode(encoding)
        except (LookupError, UnicodeError):
            continue
    raise UnreadableError(f"the body is not {' or '.join(named or ['UTF-8', fallback])}")


def _named_encodings(body: bytes, content_type: str) -> list[str]:
    marked = next((name for mark, name in _MARKS if body.startswith(mark)), None)
    if marked is not None:
        return [marked]
    charset = _CHARSET.search(content_type)
    declared = _DECLARED.match(body[:400])
    named = [charset.group(1) if charset else "", declared.group(1).decode("ascii") if declared else ""]
    return [name for name in named if name]


def parse_xml_text(text: str) -> etree._Element:
    """Parse characters that are already decoded. Raises UnreadableError with a sentence."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise UnreadableError("the document carries a document type declaration, which is refused")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        return etree.fromstring(_DECLARATION.sub("", text, count=1).encode("utf-8"), parser)
    except (etree.XMLSyntaxError, UnicodeEncodeError, ValueError) as error:
        raise UnreadableError(f"the body is not well-formed XML: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    return str(error).split("\n", 1)[0][:200]


def local_name(element: etree._Element) -> str:
    """The name of an element without its namespace; empty for what is not an element."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def attributes(element: etree._Element) -> dict[str, str]:
    """The attributes by lower-case name without namespace: senders are not steady in their spelling."""
    return {etree.QName(str(name)).localname.lower(): str(value) for name, value in element.attrib.items()}
