"""A new vendor's folder, written out so that the kit fails on it with instructions until it is filled in."""

from __future__ import annotations

import re
from pathlib import Path

KINDS = ("portal", "erp")
SUFFIX = ".txt"
_NAME = re.compile(r"[a-z][a-z0-9_]{1,30}")


class SkeletonError(ValueError):
    """The folder cannot be written; the message says why."""


def write(kind: str, name: str, into: Path) -> tuple[Path, ...]:
    """Write the folder `into/name`; the files made. SkeletonError for a bad name or a folder that exists."""
    if kind not in KINDS:
        raise SkeletonError(f"{kind!r} is neither a portal nor an erp")
    if not _NAME.fullmatch(name):
        raise SkeletonError(f"{name!r} is no name for an adapter; use small letters, digits and underscores")
    target = into / name
    if target.exists():
        raise SkeletonError(f"{target} exists already; choose another name or another folder")
    if not into.is_dir():
        raise SkeletonError(f"{into} is no folder")
    words = _words(name, package_of(into, name))
    source = Path(__file__).parent / kind
    made = []
    for template in sorted(source.rglob(f"*{SUFFIX}")):
        path = target / template.relative_to(source).with_suffix("")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_filled(template.read_text("utf-8"), words), encoding="utf-8")
        made.append(path)
    return tuple(made)


def package_of(into: Path, name: str) -> str:
    """The import name of the new folder: below whatever packages it is put into."""
    parts = [name]
    here = into.resolve()
    while (here / "__init__.py").exists():
        parts.insert(0, here.name)
        here = here.parent
    return ".".join(parts)


def _words(name: str, package: str) -> dict[str, str]:
    plain = name.split("_")
    return {
        "name": name,
        "dashed": name.replace("_", "-"),
        "title": " ".join(part.capitalize() for part in plain),
        "Class": "".join(part.capitalize() for part in plain),
        "package": package,
    }


def _filled(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(f"{{{{{word}}}}}", value)
    return text
