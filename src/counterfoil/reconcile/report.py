"""`report.html`: the summary for people, one page without scripts or anything fetched, the same bytes each time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2

from counterfoil.core.reconcile.classes import CLASSES
from counterfoil.core.reconcile.legs import BY_NAME
from counterfoil.reconcile.summary import Json, amount


def write_report(path: Path, summary: Json, examples: dict[str, list[dict[str, Any]]]) -> None:
    """Write the page; `examples` are the largest open items per leg."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("counterfoil.reconcile", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    page = environment.get_template("report.html").render(
        summary=summary, examples=examples, classes=CLASSES, legs=BY_NAME, shown=_shown, words=words
    )
    path.write_text(page, "utf-8")


def words(name: str) -> str:
    """A name of the outputs as a person reads it."""
    return name.replace("_", " ")


def _shown(minor: int, unit: str, leg: str) -> str:
    if not BY_NAME[leg].money:
        return f"{minor} × {unit}"
    return f"{amount(minor, unit)} {unit}"
