"""Every route with every role, asked over HTTP: what the matrix prints is what the gate does."""

from __future__ import annotations

from typing import Any

import pytest

ROLES = ("finance", "ops", "cx", "integration", "auditor", "admin")
READERS = frozenset(ROLES)
WORKERS = READERS - {"auditor"}
RETRIERS = frozenset({"finance", "ops", "integration", "admin"})
WHO = {
    "returns.view": READERS,
    "audit.view": frozenset({"finance", "integration", "auditor", "admin"}),
    "refunds.approve": WORKERS,
    "problems.retry": RETRIERS,
    "problems.accept": frozenset({"finance", "admin"}),
    "problems.settle": frozenset({"finance", "ops", "admin"}),
    "problems.resolve": WORKERS,
    "problems.work": WORKERS,
    "steps.edit": RETRIERS,
    "words.change": WORKERS,
    "connections.pause": RETRIERS,
    "connections.resume": frozenset({"integration", "admin"}),
    "deliveries.view": frozenset({"integration", "auditor", "admin"}),
    "deliveries.requeue": frozenset({"integration", "admin"}),
    "proof.comment": READERS,
    "proof.decide": frozenset({"finance", "ops", "admin"}),
    "proof.approve": frozenset({"finance", "admin"}),
    "people.view": frozenset({"auditor", "admin"}),
    "people.change": frozenset({"admin"}),
    "signed in": READERS,
    "public": READERS,
    "closed": frozenset(),
}
"""Written by hand, apart from the code: who has each permission."""

PARTS = {
    "<path:case_id>": "north/loop/88031",
    "<str:name>": "north-loop",
    "<str:brand>": "north",
    "<str:portal>": "loop",
    "<int:problem_id>": "1",
    "<int:run_id>": "1",
    "<int:change_id>": "1",
    "<int:delivery_id>": "1",
    "<str:period>": "2026-10",
    "<str:form>": "html",
}


def address(path: str) -> str:
    """A route's path with its parts filled in."""
    for part, value in PARTS.items():
        path = path.replace(part, value)
    return path


def ours() -> list[Any]:
    """Every route but those of the account package, which are tried by hand in test_access."""
    from counterfoil.web.roles import routes

    return [route for route in routes() if not route.path.startswith("/account/")]


def test_every_route_declares_what_it_asks_for_and_the_matrix_says_who_has_it(system: Any) -> None:
    from counterfoil.web.roles import routes

    found = routes()
    assert len(found) > 90
    assert {route.path for route in found if route.permission is None} == set()
    assert {route.path for route in found if frozenset(route.roles) != WHO[str(route.permission)]} == set()
    assert not [route.path for route in ours() if "<" in address(route.path)]


@pytest.mark.parametrize("role", ROLES)
def test_the_gate_lets_exactly_those_pass(
    system: Any, sign_in: Any, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A method no view knows: who passes the gate gets 405 from the view, who does not gets 403 from the gate."""
    from django.contrib.auth.models import User

    from counterfoil.store import access as stored
    from counterfoil.store.database import now_ms
    from counterfoil.web import bearer
    from counterfoil.web.access import SCOPES

    client, wrong = sign_in(role), {}
    user = User.objects.get(username=role)
    with system.database.write() as tx:
        _, token = stored.make_token(
            tx, user_id=user.pk, username=role, name="t", scopes=SCOPES, expires_ms=now_ms() + 60_000, by=role
        )
    monkeypatch.setattr(bearer, "PACE", bearer.Pace(burst=10_000.0))
    for route in ours():
        headers = {"Authorization": f"Bearer {token}"} if route.path.startswith("/api/") else {}
        status = client.generic("PURGE", address(route.path), headers=headers).status_code
        if status != (405 if role in WHO[str(route.permission)] else 403):
            wrong[route.path] = status
    assert wrong == {}


def test_a_stranger_passes_nowhere_but_where_it_is_public(system: Any, sign_in: Any) -> None:
    client = sign_in()
    passed = {route.path for route in ours() if client.generic("PURGE", address(route.path)).status_code == 405}
    assert passed == {"/theme", "/api/v1/openapi.json"}


def test_a_permission_too_many_would_show(system: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from counterfoil.web.pages import act
    from counterfoil.web.roles import routes

    monkeypatch.setattr(act.accept, "permission", "problems.work")
    (route,) = [route for route in routes() if route.path == "/problems/accept"]
    assert frozenset(route.roles) != WHO["problems.accept"]
