"""The console over a fake system. Django is configured once for the whole run; each test may install its own system."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import world

from counterfoil import web

PASSWORD = "a long enough phrase"


@pytest.fixture(scope="session")
def django_ready() -> Iterator[None]:
    """Django configured and its tables made, in a folder of this run."""
    with tempfile.TemporaryDirectory() as folder:
        empty = world.system(Path(folder), empty=True)
        options: dict[str, Any] = {
            "data_dir": Path(folder),
            "secret_key": "only for tests " * 4,
            "allowed_hosts": ["testserver", "localhost", "127.0.0.1"],
        }
        web.prepare(empty, **options)
        web.make_wsgi(empty, **options)
        yield
        empty.database.close()


@pytest.fixture
def system(django_ready: None, tmp_path: Path) -> Iterator[world.FakeSystem]:
    """A seeded system, installed."""
    from django.core.cache import cache

    from counterfoil.web.system import install

    cache.clear()
    made = world.system(tmp_path)
    install(made)
    yield made
    made.database.close()


@pytest.fixture
def sign_in(system: world.FakeSystem) -> Any:
    """`sign_in("finance")` gives a client signed in with these roles; without roles, one that is signed out."""
    from django.test import Client

    def client(*roles: str) -> Client:
        made = Client(headers={"host": "testserver"})
        if roles:
            made.force_login(_user(roles), backend="django.contrib.auth.backends.ModelBackend")
            session = made.session  # as a sign-in through the form leaves it
            session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]
            session["account_authentication_methods_user"] = session["_auth_user_id"]
            session.save()
        return made

    return client


def _user(roles: tuple[str, ...]) -> Any:
    from django.contrib.auth.models import Group, User

    user, new = User.objects.get_or_create(username="-".join(roles))
    if new:  # hashing a password is slow on purpose
        user.set_password(PASSWORD)
        user.save()
    user.groups.set(Group.objects.filter(name__in=roles))
    return user
