"""Who gets in, and to what: every route declares its permission and the server holds to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver

POSTS = {
    "act_retry": "problems.retry",
    "act_accept": "problems.accept",
    "act_settle": "problems.settle",
    "act_resolve": "problems.resolve",
    "approve": "refunds.approve",
    "connection_pause": "connections.pause",
    "connection_resume": "connections.resume",
    "delivery_requeue": "deliveries.requeue",
    "proof_match": "proof.decide",
    "proof_reject": "proof.decide",
    "proof_adopt": "proof.decide",
    "proof_write_off": "proof.decide",
    "proof_decision_move": "proof.approve",
    "proof_comment": "proof.comment",
}
MAY = {
    "problems.retry": {"finance", "ops", "integration", "admin"},
    "problems.accept": {"finance", "admin"},
    "problems.settle": {"finance", "ops", "admin"},
    "problems.resolve": {"finance", "ops", "cx", "integration", "admin"},
    "refunds.approve": {"finance", "ops", "cx", "integration", "admin"},
    "connections.pause": {"finance", "ops", "integration", "admin"},
    "connections.resume": {"integration", "admin"},
    "deliveries.requeue": {"integration", "admin"},
    "proof.decide": {"finance", "ops", "admin"},
    "proof.approve": {"finance", "admin"},
    "proof.comment": {"finance", "ops", "cx", "integration", "auditor", "admin"},
}


def routes(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every route with its whole path."""
    for part in patterns:
        if isinstance(part, URLResolver):
            yield from routes(part.url_patterns, prefix + str(part.pattern))
        else:
            yield prefix + str(part.pattern), part


def test_every_route_declares_a_permission(system: Any) -> None:
    from counterfoil.web import urls
    from counterfoil.web.access import declared

    found = list(routes(urls.urlpatterns))
    undeclared = [path for path, part in found if declared(part.callback, part.name, path) is None]
    assert len(found) > 20
    assert undeclared == []


def test_a_view_that_declares_nothing_is_refused(sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from counterfoil.web.pages import today

    monkeypatch.delattr(today.today, "permission")
    answer = sign_in("admin").get("/")
    assert answer.status_code == 403
    assert "declares no permission" in answer.content.decode()


def test_a_stranger_is_sent_to_the_sign_in_form_and_back(sign_in: Any) -> None:
    answer = sign_in().get("/returns?progress=waiting")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/account/login/?next=/returns%3Fprogress%3Dwaiting"


def test_an_account_without_a_role_sees_nothing(sign_in: Any) -> None:
    for path in ("/", "/returns", "/returns.csv", "/problems", "/connections", "/returns/north/loop/88031"):
        assert sign_in("nobody").get(path).status_code == 403


@pytest.mark.parametrize("role", ["finance", "ops", "cx", "integration", "auditor", "admin"])
def test_each_role_may_post_exactly_what_is_written_down(sign_in: Any, role: str) -> None:
    from django.urls import reverse

    client = sign_in(role)
    refused = {name for name in POSTS if client.post(reverse(name), {}).status_code == 403}
    assert refused == {name for name, permission in POSTS.items() if role not in MAY[permission]}


def test_a_role_taken_away_counts_at_once(sign_in: Any) -> None:
    from django.contrib.auth.models import User

    client = sign_in("finance")
    assert client.get("/audit").status_code == 200
    User.objects.get(username="finance").groups.clear()
    assert client.get("/audit").status_code == 403


def test_signing_up_and_resetting_passwords_are_closed(sign_in: Any) -> None:
    assert sign_in().get("/account/signup/").status_code == 404
    assert sign_in().get("/account/password/reset/").status_code == 404
    assert sign_in("finance").get("/account/email/").status_code == 404


def test_a_second_factor_can_be_set_up(sign_in: Any) -> None:
    assert sign_in("finance").get("/account/mfa/").status_code == 200


def test_five_wrong_passwords_lock_the_name_for_a_while(sign_in: Any) -> None:
    from axes.models import AccessAttempt

    client = sign_in("finance")
    client.logout()
    wrong = {"login": "finance", "password": "not this one"}
    statuses = [client.post("/account/login/", wrong).status_code for _ in range(5)]
    assert statuses[0] == 200 and statuses[-1] == 429
    right = client.post("/account/login/", {"login": "finance", "password": "a long enough phrase"})
    assert right.status_code == 429
    assert "quarter of an hour" in right.content.decode()
    AccessAttempt.objects.all().delete()


def test_pages_carry_a_strict_content_policy_and_are_not_cached(sign_in: Any) -> None:
    answer = sign_in("finance").get("/")
    policy = answer.headers["Content-Security-Policy"]
    for part in (
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    ):
        assert part in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    text = answer.content.decode()
    assert "style=" not in text and "<script>" not in text and " onclick=" not in text


def test_a_form_without_its_token_is_refused(system: Any) -> None:
    from django.test import Client

    answer = Client(enforce_csrf_checks=True).post("/theme", {"theme": "dark"})
    assert answer.status_code == 403
    assert "expired" in answer.content.decode()
