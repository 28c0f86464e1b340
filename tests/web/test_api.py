"""The JSON API: tokens, scopes, idempotency, refusals, the OpenAPI document, and the same actions as the console."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from counterfoil.store import access as stored
from counterfoil.store.database import now_ms

HOUR_MS = 3_600_000
EVERYTHING = ("read", "work", "money", "words", "connections", "people")


class Program:
    """A program with a token."""

    def __init__(self, client: Any, token: str) -> None:
        self._client, self._token, self._keys = client, token, 0

    def get(self, path: str, **query: str) -> Any:
        return self._client.get(f"/api/v1/{path}", query, headers={"Authorization": f"Bearer {self._token}"})

    def post(self, path: str, body: Any, key: str | None = "new") -> Any:
        self._keys += 1
        headers = {"Authorization": f"Bearer {self._token}"}
        if key is not None:
            headers["Idempotency-Key"] = f"{self._token[-6:]}-{self._keys}" if key == "new" else key
        given = body if isinstance(body, str) else json.dumps(body)
        return self._client.post(f"/api/v1/{path}", given, content_type="application/json", headers=headers)


@pytest.fixture
def program(system: Any, sign_in: Any) -> Any:
    """`program("finance", scopes=("read",))` is a program of a person with these roles."""
    from django.contrib.auth.models import User
    from django.test import Client

    def make(*roles: str, scopes: tuple[str, ...] = EVERYTHING, lives_ms: int = HOUR_MS) -> Program:
        sign_in(*roles)
        user = User.objects.get(username="-".join(roles))
        with system.database.write() as tx:
            _, token = stored.make_token(
                tx,
                user_id=user.pk,
                username=user.username,
                name="test",
                scopes=scopes,
                expires_ms=now_ms() + lives_ms,
                by=user.username,
            )
        return Program(Client(enforce_csrf_checks=True, headers={"host": "testserver"}), token)

    return make


def open_problem(program: Program, kind: str) -> dict[str, Any]:
    return program.get("problems", kind=kind).json()["exceptions"][0]


def test_a_call_without_a_token_is_refused_with_a_problem_body(sign_in: Any) -> None:
    answer = sign_in("admin").get("/api/v1/returns")
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:counterfoil:problem:token-missing"


def test_lists_have_the_filters_of_the_console_and_follow_on(program: Any, sign_in: Any) -> None:
    caller, found, after = program("auditor"), [], ""
    while True:
        page = caller.get("returns", rows="4", **({"after": after} if after else {})).json()
        found += [row["case_id"] for row in page["returns"]]
        after = page["next"]
        if not after:
            break
    shown = sign_in("auditor").get("/returns.json").json()["returns"]
    assert found == [row["case_id"] for row in shown] and len(found) > 8
    assert page["count"] == len(found)
    waiting = caller.get("returns", progress="waiting").json()["returns"]
    assert {row["progress"] for row in waiting} == {"waiting"}


def test_a_misspelt_parameter_is_named_and_not_passed_over(program: Any) -> None:
    answer = program("auditor").get("returns", progres="waiting")
    assert answer.status_code == 422 and "“progres”" in answer.json()["detail"]


def test_one_return_tells_units_steps_documents_and_exceptions(program: Any) -> None:
    found = program("auditor").get("returns/north/loop/88031").json()
    assert found["row"]["value"] == "60.00" and found["row"]["currency"] == "GBP"
    assert {step["state"] for step in found["steps"]} >= {"done", "refused"}
    assert found["exceptions"][0]["kind"] in {"period_closed", "sku_not_found"}
    assert sum(unit["quantity"] for unit in found["units"]) == 3


@pytest.mark.parametrize(
    "path", ["returns", "problems", "causes", "approvals", "mappings/proposed", "connections", "audit", "proof", "me"]
)
def test_every_list_answers(program: Any, path: str) -> None:
    assert program("admin").get(path).status_code == 200


def test_words_in_force_are_listed_by_setup(program: Any) -> None:
    found = program("ops").get("mappings", brand="north", portal="loop", kind="reason").json()
    assert {"too_small"} <= {row["word"] for row in found["words"]}
    assert program("ops").get("mappings", brand="north", portal="elsewhere").status_code == 422


def test_the_same_key_and_body_give_the_same_answer_and_the_thing_is_done_once(program: Any) -> None:
    caller = program("finance")
    number = open_problem(caller, "period_closed")["id"]
    first = caller.post(f"problems/{number}/comment", {"text": "seen"}, key="k-1")
    again = caller.post(f"problems/{number}/comment", {"text": "seen"}, key="k-1")
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content and again.headers["Idempotent-Replayed"] == "true"
    history = caller.get(f"problems/{number}").json()["history"]
    assert [line["words"] for line in history if line["what"] == "commented"] == ["seen"]


def test_the_same_key_with_another_body_is_a_conflict(program: Any) -> None:
    caller = program("finance")
    number = open_problem(caller, "period_closed")["id"]
    caller.post(f"problems/{number}/comment", {"text": "one"}, key="k-2")
    answer = caller.post(f"problems/{number}/comment", {"text": "two"}, key="k-2")
    assert answer.status_code == 409 and answer.json()["type"].endswith("key-reused")


def test_two_people_may_choose_the_same_key(program: Any) -> None:
    number = open_problem(program("finance"), "period_closed")["id"]
    for role in ("finance", "ops"):
        assert program(role).post(f"problems/{number}/comment", {"text": role}, key="k-3").status_code == 200
    said = [line["words"] for line in program("cx").get(f"problems/{number}").json()["history"]]
    assert {"finance", "ops"} <= set(said)


def test_a_write_without_a_key_is_refused(program: Any) -> None:
    answer = program("finance").post("problems/1/comment", {"text": "x"}, key=None)
    assert answer.status_code == 400 and answer.json()["type"].endswith("key-missing")


def test_what_could_not_be_done_leaves_nothing_and_says_the_same_again(program: Any, system: Any) -> None:
    caller = program("finance")
    problem = open_problem(caller, "period_closed")
    body = {"version": problem["version"] + 7, "to": "finance"}
    answers = [caller.post(f"problems/{problem['id']}/assign", body, key="k-4") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [409, 409]
    assert answers[0].content == answers[1].content
    assert open_problem(caller, "period_closed")["assignee"] is None


def test_a_failure_of_ours_leaves_the_key_free_and_nothing_done(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = program("finance")
    number = open_problem(caller, "period_closed")["id"]
    with monkeypatch.context() as broken:
        broken.setattr(stored, "keep_answer", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            caller.post(f"problems/{number}/comment", {"text": "lost"}, key="k-5")
    assert all(line["what"] != "commented" for line in caller.get(f"problems/{number}").json()["history"])
    assert caller.post(f"problems/{number}/comment", {"text": "lost"}, key="k-5").status_code == 200


def test_assigning_resting_waking_closing_and_reopening_go_through_the_api(program: Any) -> None:
    caller = program("finance")
    number = open_problem(caller, "period_closed")["id"]

    def version() -> int:
        return int(caller.get(f"problems/{number}").json()["exception"]["version"])

    for verb, body in (
        ("assign", {"to": "finance"}),
        ("snooze", {"until": _in_days(3)}),
        ("wake", None),
        ("resolve", {"reason": "the month was opened"}),
        ("reopen", {"reason": "it was not"}),
    ):
        given = {} if body is None else {"version": version(), **body}
        if verb == "snooze":
            given["until"] = _in_days(3)
        answer = caller.post(f"problems/{number}/{verb}", given)
        assert answer.status_code == 200, (verb, answer.json())
    shown = caller.get(f"problems/{number}").json()
    assert shown["exception"]["state"] == "open" and shown["exception"]["came_back"]
    assert [line["what"] for line in shown["history"]] == ["assigned", "snoozed", "woke", "closed", "reopened"]


def _in_days(days: int) -> str:
    from datetime import UTC, datetime, timedelta

    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_trying_again_accepting_and_approving_ask_the_same_actions(program: Any, system: Any) -> None:
    caller = program("finance")
    problem = open_problem(caller, "period_closed")
    body = {"version": problem["version"], "reason": "opened"}
    assert caller.post(f"problems/{problem['id']}/retry", body).status_code == 200
    assert caller.post(f"problems/{problem['id']}/accept", body).status_code == 200
    answer = {"case_id": "a/b/1", "rule": "r", "amount": "12.50", "currency": "GBP", "agreed": True, "reason": "seen"}
    assert caller.post("approvals/answer", answer).status_code == 200
    assert [call[0] for call in system.actions.calls] == ["retry", "accept", "answer"]
    assert system.actions.calls[-1][3:6] == (1250, "finance", ("finance",))


def test_an_exception_of_another_team_cannot_be_closed(program: Any) -> None:
    caller = program("ops")
    problem = open_problem(caller, "period_closed")
    answer = caller.post(f"problems/{problem['id']}/resolve", {"version": problem["version"], "reason": "done"})
    assert answer.status_code == 403 and "the team that owns it" in answer.json()["detail"]


def test_a_token_does_only_what_its_scopes_say(program: Any) -> None:
    caller = program("admin", scopes=("read",))
    assert caller.get("returns").status_code == 200
    answer = caller.post("connections/north-loop/pause", {"reason": "moving"})
    assert answer.status_code == 403 and answer.json()["type"].endswith("scope-missing")


def test_a_token_never_does_more_than_its_owner_may_now(program: Any) -> None:
    from django.contrib.auth.models import User

    caller = program("integration")
    assert caller.get("audit").status_code == 200
    User.objects.get(username="integration").groups.clear()
    assert caller.get("audit").status_code == 403


def test_the_token_of_a_closed_account_ends_at_once(program: Any) -> None:
    from django.contrib.auth.models import User

    caller = program("cx")
    assert caller.get("me").json()["roles"] == ["cx"]
    User.objects.filter(username="cx").update(is_active=False)
    try:
        assert caller.get("me").status_code == 401
    finally:
        User.objects.filter(username="cx").update(is_active=True)


def test_an_old_and_an_ended_token_open_nothing(program: Any, system: Any) -> None:
    from django.contrib.auth.models import User

    assert program("cx", lives_ms=-1).get("me").status_code == 401
    caller = program("cx")
    with system.database.write() as tx:
        assert stored.end_tokens(tx, User.objects.get(username="cx").pk, "admin") == 2
    assert caller.get("me").status_code == 401


def test_of_a_token_only_its_hash_is_kept(program: Any, system: Any) -> None:
    token = program("ops")._token
    with system.database.read() as tx:
        rows = str(tx.query("select * from api_tokens", {})) + str(tx.query("select payload from log", {}))
    assert token not in rows and stored.hashed(token) in rows


def test_a_session_does_not_open_the_api_for_writing(sign_in: Any) -> None:
    answer = sign_in("admin").post("/api/v1/connections/north-loop/pause", "{}", content_type="application/json")
    assert answer.status_code == 401


def test_more_calls_than_the_pace_allows_are_told_how_long_to_wait() -> None:
    from counterfoil.web.bearer import Pace

    pace = Pace(per_s=2.0, burst=3.0)
    assert [pace.wait_s(1, 100.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert pace.wait_s(2, 100.0) == 0.0 and pace.wait_s(1, 100.5) == 0.0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{", "cannot be used"),
        ('{"text": "a", "text": "b"}', "cannot be used"),
        ('{"text": 7}', "$.text"),
        ('{"text": "a", "txet": "b"}', "txet"),
        ("{}", "text"),
    ],
)
def test_a_bad_body_is_refused_with_its_place(program: Any, body: str, said: str) -> None:
    answer = program("finance").post("problems/1/comment", body)
    assert answer.status_code == 422 and said in answer.json()["detail"]


def test_what_does_not_exist_is_said_in_the_api_s_own_words(program: Any) -> None:
    assert program("finance").get("returns/no/such/return").json()["type"].endswith("not-found")
    answer = program("finance").get("nothing-here")
    assert answer.status_code == 404 and answer.headers["Content-Type"] == "application/problem+json"
    assert program("finance").get("causes/mend").status_code == 405


def test_the_openapi_document_is_served_and_equals_the_committed_one(sign_in: Any) -> None:
    served = sign_in().get("/api/v1/openapi.json")
    committed = Path(__file__).parents[2] / "docs" / "openapi.json"
    assert served.content.decode() == committed.read_text("utf-8"), "counterfoil access openapi > docs/openapi.json"
    document = served.json()
    operations = [operation for place in document["paths"].values() for operation in place.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations) > 30


def test_every_permission_is_in_exactly_one_scope() -> None:
    from counterfoil.web.access import PERMISSIONS, SCOPES

    held = sorted(permission for permissions in SCOPES.values() for permission in permissions)
    assert held == sorted(PERMISSIONS)
