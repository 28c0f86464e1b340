"""The engine's statements live in `sql/*.sql`: a name, a sentence, the statement. This finds and fills them.

A field such as `{late}` is replaced by a number or an allow-listed name of ours, never by anything from a file.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

import duckdb

_HEADER = re.compile(r"^-- name: (\w+)\s*$")
_FIELD = re.compile(r"\{([a-z_]+)\}")


@cache
def _library() -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in sorted(files("counterfoil.reconcile").joinpath("sql").iterdir(), key=lambda item: item.name):
        name = ""
        for line in entry.read_text("utf-8").splitlines() if entry.name.endswith(".sql") else ():
            header = _HEADER.match(line)
            if header:
                name = header.group(1)
                assert name not in found, f"the statement {name!r} is written twice"
                found[name] = ""
            elif name and not line.lstrip().startswith("--"):
                found[name] += line + "\n"
    return found


def statement(name: str, fields: dict[str, str | int]) -> str:
    """The named statement with its fields filled. KeyError for a name or a field that is not there."""
    return _FIELD.sub(lambda found: str(fields[found.group(1)]), _library()[name])


def perform(run: duckdb.DuckDBPyConnection, name: str, fields: dict[str, str | int]) -> None:
    """Run the named statements."""
    run.execute(statement(name, fields))
