"""XML in and out: a parser that refuses document types, and a writer in ISO-8859-1."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import escape


class NotXml(Exception):
    """The text is not well-formed, or declares a document type."""


class _Builder(ET.TreeBuilder):
    """A builder that stops at a document type declaration, before any entity is defined (sheet §6.2)."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """Refuse it."""
        raise NotXml("a document type declaration is not allowed")


def parse(content: bytes, encoding: str | None = None) -> ET.Element:
    """The root element; `encoding` overrides what the text declares. Raises NotXml."""
    parser = ET.XMLParser(target=_Builder(), encoding=encoding)
    try:
        parser.feed(content)
        root = parser.close()
    except (ET.ParseError, ValueError, LookupError) as error:
        raise NotXml(str(error)) from error
    assert isinstance(root, ET.Element)
    return root


def local(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition("}")[2]


def children(parent: ET.Element, name: str) -> Iterator[ET.Element]:
    """Child elements of a name, whatever its case (sheet §2.2)."""
    return (child for child in parent if local(child.tag).lower() == name.lower())


def attribute(element: ET.Element, name: str) -> str:
    """An attribute by its name in any case; empty when not given."""
    return next((v for k, v in element.attrib.items() if local(k).lower() == name.lower()), "").strip()


@dataclass(slots=True)
class Node:
    """An element to be written: scalars are attributes."""

    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)

    def render(self, case: str = "recorded") -> str:
        """As text. Line breaks inside attributes stay raw, as Prima leaves them (sheet §2.2)."""
        named = {"lower": str.lower, "upper": str.upper}.get(case, str)
        pairs = "".join(f' {named(k)}="{_value(v)}"' for k, v in self.attributes.items())
        inner = "".join(child.render(case) for child in self.children)
        tag = named(self.name)
        return f"<{tag}{pairs}>{inner}</{tag}>" if inner else f"<{tag}{pairs}/>"


def _value(text: str) -> str:
    return escape(text, {'"': "&quot;", "'": "&apos;"})


def latin_document(root: Node, case: str = "recorded") -> bytes:
    """A document in ISO-8859-1, other characters as numeric references."""
    text = '<?xml version="1.0" encoding="ISO-8859-1"?>\n' + root.render(case)
    return text.encode("iso-8859-1", "xmlcharrefreplace")
