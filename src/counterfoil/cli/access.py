"""Commands about who may do what: the matrix of routes and roles, the review of accounts, the API's document."""

from __future__ import annotations

import sys

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
