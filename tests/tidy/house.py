"""The files of the repository, read once."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "counterfoil"
CORE = PACKAGE / "core"
FAMILIES = ("portals", "erps", "gateways", "warehouses")
_FOLDERS = ("src", "tests", "docs", "benchmarks", "scripts", "requirements", ".ci")
_TEXT = {".py", ".md", ".txt", ".toml", ".sql", ".html", ".css", ".js", ".svg", ".yml", ".yaml", ".lock", ".cfg", ".sh"}


@cache
def sources() -> tuple[Path, ...]:
    """Every Python file of the package."""
    return tuple(sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts))


@cache
def texts() -> tuple[Path, ...]:
    """Every text file that belongs to the repository, fixtures left out: those are other people's words."""
    top = [path for path in ROOT.iterdir() if path.is_file()]
    below = [path for folder in _FOLDERS if (ROOT / folder).is_dir() for path in (ROOT / folder).rglob("*")]
    return tuple(
        sorted(
            path
            for path in (*top, *below)
            if path.is_file()
            and (path.suffix in _TEXT or path.name in ("Makefile", "LICENSE"))
            and not {"__pycache__", "fixtures", "node_modules"} & set(path.parts)
        )
    )


@cache
def text(path: Path) -> str:
    """A file's text."""
    return path.read_text("utf-8")


@cache
def tree(path: Path) -> ast.Module:
    """A Python file, parsed."""
    return ast.parse(text(path))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Everything in a Python file, parsed."""
    return tuple(ast.walk(tree(path)))


@cache
def named(path: Path) -> str:
    """A path as people write it."""
    return path.relative_to(ROOT).as_posix()


def module(path: Path) -> str:
    """The dotted name of a source file."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def strings(path: Path) -> Iterator[str]:
    """Every string constant of a Python file, docstrings included."""
    for node in nodes(path):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def calls(path: Path, *names: str) -> Iterator[ast.Call]:
    """Calls of functions, classes or methods with these names."""
    for node in nodes(path):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in names:
                yield node


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of what is written for people: comments and docstrings of Python, all of Markdown.

    Words in backticks are names of things and are left out.
    """
    if path.suffix == ".md":
        body = re.sub(r"```.*?```", lambda block: "\n" * block[0].count("\n"), text(path), flags=re.S)
        for number, line in enumerate(body.splitlines(), start=1):
            yield number, re.sub(r"`[^`]*`", "", line)
        return
    for token in tokenize.generate_tokens(io.StringIO(text(path)).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], re.sub(r"`[^`]*`", "", token.string)
    for node in nodes(path):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            doc = ast.get_docstring(node)
            if doc:
                yield getattr(node, "lineno", 1), re.sub(r"`[^`]*`", "", doc)
