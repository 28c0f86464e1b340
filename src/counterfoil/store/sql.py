"""Statements live in `.sql` files: a name, a sentence, the statement. This finds them and fits them to a database.

A statement starts with `-- name: something`; `-- name: something [postgresql]` is that database's own form.
Parameters are written `:name` and bound by the driver, never pasted.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Literal

Dialect = Literal["sqlite", "postgresql"]

_HEADER = re.compile(r"^-- name: (\w+)(?: \[(sqlite|postgresql)\])?\s*$")
_PARAM = re.compile(r"(?<![:\w]):([a-z_]\w*)")
_WORDS = {
    "sqlite": {"serial": "integer primary key autoincrement", "bytes": "blob"},
    "postgresql": {"serial": "bigint generated always as identity primary key", "bytes": "bytea"},
}


@cache
def _library() -> dict[tuple[str, str | None], str]:
    found: dict[tuple[str, str | None], str] = {}
    for entry in sorted(files("counterfoil.store").joinpath("queries").iterdir(), key=lambda item: item.name):
        if not entry.name.endswith(".sql"):
            continue
        key: tuple[str, str | None] | None = None
        for line in entry.read_text("utf-8").splitlines():
            header = _HEADER.match(line)
            if header:
                key = (header.group(1), header.group(2))
                if key in found:
                    raise ValueError(f"the statement {key[0]!r} is written twice")
                found[key] = ""
            elif key is not None and not line.startswith("--"):
                found[key] += line + "\n"
    return found


@cache
def statement(name: str, dialect: Dialect) -> str:
    """The named statement in the driver's own parameter style."""
    library = _library()
    sql = library.get((name, dialect)) or library.get((name, None))
    if sql is None:
        raise KeyError(f"no statement {name!r} in store/queries")
    return bound(sql.strip().rstrip(";"), dialect)


def bound(sql: str, dialect: Dialect) -> str:
    """`:name` parameters in the driver's style; other percent signs are escaped for PostgreSQL's driver."""
    if dialect == "sqlite":
        return sql
    return _PARAM.sub(r"%(\1)s", sql.replace("%", "%%"))


def names() -> frozenset[str]:
    """Every statement's name."""
    return frozenset(name for name, _ in _library())


def ddl(text: str, dialect: Dialect) -> str:
    """Schema text with `{serial}` and `{bytes}` in the database's own words."""
    for word, meaning in _WORDS[dialect].items():
        text = text.replace("{" + word + "}", meaning)
    return text
