"""Accounts: roles at once, sessions and tokens ended at once, the last administrator kept, everything in the log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from counterfoil.store import access as stored
from counterfoil.store.database import now_ms


@pytest.fixture
def robin(sign_in: Any) -> Iterator[Any]:
    """Somebody to be changed, with a session of their own."""
    from django.contrib.auth.models import User

    client = sign_in("cx", "ops")
    user = User.objects.get(username="cx-ops")
    yield client, user
    user.delete()


def logged(system: Any) -> list[str]:
    with system.database.read() as tx:
        return [row["name"] for row in tx.query("select name from log where stream = 'system/access' order by id", {})]


def test_a_role_given_counts_at_once_and_is_logged(sign_in: Any, system: Any, robin: Any) -> None:
    client, user = robin
    assert client.get("/audit").status_code == 403
    answer = sign_in("admin").post("/people/roles", {"person": user.pk, "role": ["finance"]})
    assert answer.status_code == 303
    assert client.get("/audit").status_code == 200
    assert logged(system) == ["RolesGiven.v1"]


def test_a_closed_account_loses_sessions_and_tokens_at_once(sign_in: Any, system: Any, robin: Any) -> None:
    from django.contrib.sessions.models import Session

    client, user = robin
    with system.database.write() as tx:
        _, token = stored.make_token(
            tx,
            user_id=user.pk,
            username=user.username,
            name="t",
            scopes=["read"],
            expires_ms=now_ms() + 60_000,
            by="x",
        )
    key = client.session.session_key
    assert client.get("/returns").status_code == 200
    sign_in("admin").post("/people/close", {"person": user.pk})
    assert client.get("/returns").status_code == 302
    assert not Session.objects.filter(session_key=key).exists()
    assert sign_in().get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    sign_in("admin").post("/people/reopen", {"person": user.pk})
    assert client.get("/returns").status_code == 302
    assert sign_in().get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_ending_sessions_leaves_other_people_s_alone(sign_in: Any, robin: Any) -> None:
    client, user = robin
    other, admin = sign_in("finance"), sign_in("admin")
    admin.post("/people/end-sessions", {"person": user.pk})
    assert client.get("/returns").status_code == 302
    assert other.get("/returns").status_code == 200 and admin.get("/people").status_code == 200


def test_the_last_administrator_keeps_the_role(sign_in: Any) -> None:
    from django.contrib.auth.models import User

    admin = sign_in("admin")
    user = User.objects.get(username="admin")
    User.objects.filter(groups__name="admin").exclude(pk=user.pk).update(is_active=False)
    answers = [
        admin.post("/people/close", {"person": user.pk}),
        admin.post("/people/roles", {"person": user.pk, "role": ["ops"]}),
    ]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert "last administrator" in answers[0].content.decode()


def test_a_new_account_needs_a_good_password_and_a_free_name(sign_in: Any, system: Any) -> None:
    from django.contrib.auth.models import User

    admin = sign_in("admin")
    form = {"username": "sam.example", "password": "short", "role": ["cx"]}
    assert admin.post("/people/add", form).status_code == 422
    assert admin.post("/people/add", {**form, "password": "four words of one's own"}).status_code == 303
    assert admin.post("/people/add", {**form, "password": "four words of one's own"}).status_code == 422
    user = User.objects.get(username="sam.example")
    assert [group.name for group in user.groups.all()] == ["cx"] and logged(system) == ["AccountMade.v1"]
    user.delete()


def test_an_auditor_reads_the_accounts_and_changes_none(sign_in: Any, robin: Any) -> None:
    page = sign_in("auditor").get("/people").content.decode()
    assert "cx-ops" in page and "people/roles" not in page
    assert sign_in("auditor").post("/people/close", {"person": robin[1].pk}).status_code == 403


def test_changing_accounts_asks_for_a_fresh_sign_in(sign_in: Any, robin: Any) -> None:
    admin = sign_in("admin")
    session = admin.session
    session["account_authentication_methods"] = [{"method": "password", "at": 1.0}]
    session.save()
    answer = admin.post("/people/close", {"person": robin[1].pk})
    assert answer.status_code == 303 and "reauthenticate" in answer.headers["Location"]
    assert robin[0].get("/returns").status_code == 200


def test_the_access_review_names_roles_sessions_and_tokens(system: Any, robin: Any) -> None:
    from counterfoil.web import review_accounts

    (row,) = [row for row in review_accounts(system) if row["username"] == "cx-ops"]
    assert list(row["roles"]) == ["cx", "ops"] and row["active"] and row["sessions"] >= 1 and row["tokens"] == 0
