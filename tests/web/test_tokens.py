"""The page of tokens: made after a fresh sign-in, shown once, ended by their owner."""

from __future__ import annotations

import re
from typing import Any

FORM = {"name": "the nightly export", "scope": ["read"], "days": "30"}


def made(client: Any, **changed: Any) -> str:
    text = client.post("/tokens/make", {**FORM, **changed}).content.decode()
    found = re.search(r'<code id="made">(\S+)</code>', text)
    assert found, text
    return found[1]


def status(client: Any, token: str) -> int:
    return client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_token_is_shown_once_and_opens_the_api(sign_in: Any) -> None:
    client = sign_in("finance")
    token = made(client)
    assert status(sign_in(), token) == 200
    page = client.get("/tokens").content.decode()
    assert token not in page and "the nightly export" in page


def test_an_ended_token_opens_nothing_and_only_its_owner_ends_it(sign_in: Any, system: Any) -> None:
    owner, other = sign_in("finance"), sign_in("ops")
    token = made(owner)
    with system.database.read() as tx:
        (row,) = tx.query("select id from api_tokens", {})
    other.post("/tokens/end", {"token": row["id"]})
    assert status(sign_in(), token) == 200
    owner.post("/tokens/end", {"token": row["id"]})
    assert status(sign_in(), token) == 401


def test_making_one_asks_for_a_fresh_sign_in(sign_in: Any, system: Any) -> None:
    client = sign_in("finance")
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": 1.0}]
    session.save()
    answer = client.post("/tokens/make", FORM)
    assert answer.status_code == 303 and "/account/reauthenticate/" in answer.headers["Location"]
    with system.database.read() as tx:
        assert tx.query("select id from api_tokens", {}) == []


def test_a_token_that_may_let_money_go_lives_for_a_day(sign_in: Any) -> None:
    client = sign_in("finance")
    assert client.post("/tokens/make", {**FORM, "scope": ["read", "money"]}).status_code == 422
    assert status(sign_in(), made(client, scope=["read", "money"], days="1")) == 200
