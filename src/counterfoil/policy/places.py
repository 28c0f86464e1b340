"""Where each setting of a TOML file stands: line and text, so that a complaint can quote the person who wrote it.

The file is parsed by the standard library; this scan only remembers lines. It knows tables, arrays of tables, dotted
and quoted keys, and values that go on over several lines.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

Path = tuple[str | int, ...]

_HEAD = re.compile(r"\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(?:#.*)?$")
_PART = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*""")


class Place(msgspec.Struct, frozen=True):
    """One line of a file, as it was written."""

    line: int
    text: str


def scan(text: str) -> Mapping[Path, Place]:
    """The place of every key and table header. Array tables carry their index, from 0."""
    found: dict[Path, Place] = {}
    prefix: Path = ()
    counts: dict[Path, int] = {}
    depth, quote = 0, ""
    for number, raw in enumerate(text.splitlines(), start=1):
        if not depth and not quote:
            head = _HEAD.match(raw)
            keys = _keys(head[2]) if head else _keys(raw.partition("=")[0]) if "=" in raw else None
            if head is not None and keys is not None and len(keys[1].strip()) == 0:
                prefix = _table(keys[0], counts, array=head[1] == "[[")
                found[prefix] = Place(number, raw.strip())
                continue
            if keys is not None and not keys[1].strip() and not raw.lstrip().startswith("#"):
                found.setdefault((*prefix, *keys[0]), Place(number, raw.strip()))
        depth, quote = _open(raw, depth, quote)
    return found


def nearest(places: Mapping[Path, Place], path: Path) -> Place:
    """The place of a setting, else of what it stands in; line 0 when nothing of it is written."""
    for length in range(len(path), 0, -1):
        if path[:length] in places:
            return places[path[:length]]
    return Place(0, f"nothing is written about {'.'.join(str(step) for step in path)}")


def _keys(text: str) -> tuple[Path, str] | None:
    """A dotted key and what follows it; None when the text starts with no key."""
    parts: list[str] = []
    at = 0
    while found := _PART.match(text, at):
        parts.append(next(part for part in found.groups() if part is not None))
        at = found.end()
        if at >= len(text) or text[at] != ".":
            break
        at += 1
    return (tuple(parts), text[at:]) if parts else None


def _table(keys: Path, counts: dict[Path, int], *, array: bool) -> Path:
    """The full path of a table header; parts that are arrays of tables mean their newest element."""
    path: Path = ()
    for place, key in enumerate(keys):
        path = (*path, key)
        if array and place == len(keys) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _open(line: str, depth: int, quote: str) -> tuple[int, str]:
    """How many brackets, and which long quotation, are still open after a line."""
    at = 0
    while at < len(line):
        three = line[at : at + 3]
        if quote:
            if three == quote:
                quote, at = "", at + 2
        elif three in ('"""', "'''"):
            quote, at = three, at + 2
        elif line[at] in "\"'":
            at = _closing(line, at)
        elif line[at] == "#":
            break
        else:
            depth += (line[at] in "[{") - (line[at] in "]}")
        at += 1
    return depth, quote


def _closing(line: str, start: int) -> int:
    """Where a short quotation ends."""
    at = start + 1
    while at < len(line) and line[at] != line[start]:
        at += 2 if line[at] == "\\" and line[start] == '"' else 1
    return at
