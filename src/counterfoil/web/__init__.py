"""The console: what finance, operations, CX and integration look at. Django lives here and nowhere else.

`prepare` once, then `make_wsgi`; imports happen inside, so that a program that only works never loads Django.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from counterfoil.web.system import System


def prepare(system: System, *, data_dir: Path, secret_key: str, allowed_hosts: list[str], debug: bool = False) -> None:
    """Configure Django and bring its own tables (users, sessions, second factors) and the role groups up to date."""
    from counterfoil.web.settings import configure, prepare_tables

    configure(system, data_dir=data_dir, secret_key=secret_key, allowed_hosts=allowed_hosts, debug=debug)
    prepare_tables()


def make_wsgi(
    system: System, *, data_dir: Path, secret_key: str, allowed_hosts: list[str], debug: bool = False
) -> Callable[..., Any]:
    """The console as a WSGI application over `system`. `prepare` must have run on the same `data_dir` before.

    Cookies are marked secure unless every allowed host is the loopback.
    """
    from counterfoil.web.settings import configure

    configure(system, data_dir=data_dir, secret_key=secret_key, allowed_hosts=allowed_hosts, debug=debug)
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()


def ensure_demo_user(username: str, password: str) -> None:
    """A user with every role and this password, made or brought up to date; for demonstrations and first steps."""
    from counterfoil.web.access import ROLES
    from counterfoil.web.people import ensure_user

    ensure_user(username, password, roles=ROLES)


def roles_of(username: str, password: str) -> tuple[str, ...]:
    """The roles of a person who proves who they are with their password; after `prepare`.

    PermissionError with a sentence when they do not, or when their account has a second factor, which only the console
    can ask for.
    """
    from counterfoil.web.people import proven_roles

    return proven_roles(username, password)


def review_accounts(system: System) -> list[dict[str, Any]]:
    """Every account with its roles, second factor, last sign-in, living sessions and tokens; after `prepare`."""
    import msgspec

    from counterfoil.web.accounts import accounts
    from counterfoil.web.system import install

    install(system)
    return [msgspec.to_builtins(account) for account in accounts()]
