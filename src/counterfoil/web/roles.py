"""Roles and routes: what each address asks for, and which roles have it; read off the addresses themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import msgspec

from counterfoil.web.access import CLOSED, PERMISSIONS, PUBLIC, ROLES, SIGNED_IN, declared

EVERYBODY = (PUBLIC, SIGNED_IN)


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One address: its name, what it asks for (None: it declares nothing and stays shut), and who passes."""

    path: str
    name: str
    permission: str | None
    roles: tuple[str, ...]


def routes() -> list[Route]:
    """Every address of the console and the API. Django must be configured."""
    from counterfoil.web import urls

    return [_route(path, part) for path, part in _walk(urls.urlpatterns)]


def roles_with(permission: str | None) -> tuple[str, ...]:
    """The roles a permission belongs to, before any question about one thing."""
    if permission in EVERYBODY:
        return ROLES
    if permission is None or permission == CLOSED:
        return ()
    return tuple(role for role in ROLES if PERMISSIONS[permission][0].test(_stand_in(role), None))


def as_text(found: list[Route]) -> str:
    """The matrix for a terminal: a line an address, a mark for each role."""
    width = max(len(route.path) for route in found)
    widest = max(len(route.permission or "nothing") for route in found)
    lines = [f"{'address':{width}}  {'asks for':{widest}}  " + "  ".join(ROLES)]
    for route in found:
        marks = "  ".join(("yes" if role in route.roles else "–").ljust(len(role)) for role in ROLES)
        lines.append(f"{route.path:{width}}  {route.permission or 'nothing':{widest}}  {marks}".rstrip())
    return "\n".join(lines)


def _route(path: str, part: Any) -> Route:
    permission = declared(part.callback, part.name, path)
    return Route(path=f"/{path}", name=part.name or "", permission=permission, roles=roles_with(permission))


def _walk(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for part in patterns:
        path = prefix + str(part.pattern)
        if hasattr(part, "url_patterns"):
            yield from _walk(part.url_patterns, path)
        else:
            yield path, part


def _stand_in(role: str) -> Any:
    """Somebody with this one role, as the predicates ask; no account is read."""
    return SimpleNamespace(groups=None, _group_names_cache={role})


def api_document() -> str:
    """The API's OpenAPI document. Django must be configured, or is configured over nothing for the asking."""
    with TemporaryDirectory() as folder:
        _configured(Path(folder))
        from counterfoil.web.api.openapi import document
        from counterfoil.web.api.urls import ENDPOINTS

        return document(ENDPOINTS)


def matrix() -> list[Route]:
    """The routes, without a running system."""
    with TemporaryDirectory() as folder:
        _configured(Path(folder))
        return routes()


def _configured(folder: Path) -> None:
    from django.conf import settings

    from counterfoil.web.settings import configure

    if not settings.configured:
        nothing: Any = SimpleNamespace(database=SimpleNamespace(dialect="sqlite"))
        configure(nothing, data_dir=folder, secret_key=folder.name, allowed_hosts=["localhost"])
