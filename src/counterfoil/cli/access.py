"""Commands about who may do what: the matrix of routes and roles, the review of accounts, the API's document."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import msgspec


def openapi() -> int:
    """The API's OpenAPI document on standard output."""
    from counterfoil.web.roles import api_document

    sys.stdout.write(api_document())
    return 0


def matrix(as_json: bool) -> int:
    """Routes and roles; 1 when an address declares nothing."""
    from counterfoil.web.roles import as_text
    from counterfoil.web.roles import matrix as found_routes

    found = found_routes()
    if as_json:
        print(msgspec.json.format(msgspec.json.encode({"routes": found})).decode())
    else:
        print(as_text(found))
    return int(any(route.permission is None for route in found))


def review(settings_file: Path, as_csv: bool) -> int:
    """Every account, as an auditor asks for it once a quarter."""
    from counterfoil.cli.answers import open_current
    from counterfoil.cli.serve import open_console
    from counterfoil.settings import load
    from counterfoil.web import review_accounts

    settings = load(settings_file)
    world = open_current(settings)
    try:
        system, _ = open_console(settings, world)
        rows = review_accounts(system)
    finally:
        world.database.close()
    if as_csv:
        out = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]) if rows else ["username"], lineterminator="\r\n")
        out.writeheader()
        out.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    else:
        print(msgspec.json.format(msgspec.json.encode({"accounts": rows})).decode())
    return 0


def _cell(value: object) -> str:
    """A cell no spreadsheet runs as a formula."""
    from counterfoil.web.exports import safe_cell

    return safe_cell(", ".join(value) if isinstance(value, list | tuple) else value)
