"""The OpenAPI document, made from the table of endpoints and their types."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from counterfoil.web.access import PERMISSIONS, PUBLIC, SIGNED_IN, scope_of, who_may
from counterfoil.web.api.endpoints import KEY_MAX, Endpoint

_PART = re.compile(r"<(\w+):(\w+)>")
_KINDS = {"int": "integer", "str": "string", "path": "string"}
_REFUSALS = {
    "400": "The call cannot be read, or the Idempotency-Key is missing.",
    "401": "No token, or one that is not good any more.",
    "403": "The token's scopes or its owner's roles do not allow it.",
    "404": "There is no such thing.",
    "409": "Not possible as things stand now, or the key was used for another call.",
    "422": "Understood, but it asks for something that cannot be.",
    "429": "Too many calls; Retry-After says how long to wait.",
}
_PROBLEM = {
    "type": "object",
    "description": "RFC 9457: `type` is a word a program can test, `detail` a sentence for a person.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}


def document(endpoints: Sequence[Endpoint]) -> str:
    """The document as text; the same endpoints give the same text."""
    types = [kind for endpoint in endpoints for kind in (endpoint.answer, endpoint.body) if kind is not None]
    types = list(dict.fromkeys(types))
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    named = dict(zip(types, schemas, strict=True))
    paths: dict[str, Any] = {}
    for endpoint in endpoints:
        place = paths.setdefault("/" + _PART.sub(r"{\2}", endpoint.path), {})
        place[endpoint.method.lower()] = _operation(endpoint, named)
    found = {
        "openapi": "3.1.0",
        "info": {
            "title": "Counterfoil",
            "version": "1",
            "description": "Everything the console can do. Amounts are decimal text, moments RFC 3339 in UTC.",
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": {**dict(sorted(components.items())), "Refusal": _PROBLEM},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def _operation(endpoint: Endpoint, named: dict[Any, Any]) -> dict[str, Any]:
    refused = {"$ref": "#/components/schemas/Refusal"}
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": _who(endpoint.permission),
        "parameters": _parameters(endpoint),
        "responses": {
            "200": {
                "description": "Done." if endpoint.body else "Found.",
                "content": {"application/json": {"schema": named[endpoint.answer]}},
            }
        },
    }
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": named[endpoint.body]}},
        }
    for status, words in _REFUSALS.items():
        content = {"application/problem+json": {"schema": refused}}
        operation["responses"][status] = {"description": words, "content": content}
    return operation


def _who(permission: str) -> str:
    if permission in (PUBLIC, SIGNED_IN):
        return "For every token."
    assert permission in PERMISSIONS
    return f"Permission {permission} ({who_may(permission)}), scope {scope_of(permission)}."


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": _KINDS[kind]}}
        for kind, name in _PART.findall(endpoint.path)
    ]
    found += [
        {"name": name, "in": "query", "description": words, "schema": {"type": "string"}}
        for name, words in endpoint.query.items()
    ]
    if endpoint.body is not None:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "description": "New for each thing you want done; the same key and body give the same answer.",
                "schema": {"type": "string", "minLength": 1, "maxLength": KEY_MAX},
            }
        )
    return found
