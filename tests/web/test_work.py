"""People's work through the pages: taking, resting, commenting, closing; what moved on meanwhile; what is too long."""

from __future__ import annotations

from typing import Any

import pytest
import world


def problem(system: world.FakeSystem, kind: str) -> dict[str, Any]:
    """The first open problem of a kind."""
    with system.database.read() as tx:
        rows = tx.query("select * from problems where kind = :kind and state = 'open' order by id", {"kind": kind})
    return rows[0]


def fresh(system: world.FakeSystem, number: int) -> dict[str, Any]:
    with system.database.read() as tx:
        row = tx.one("problem_get", id=number)
    assert row is not None
    return row


def named(row: dict[str, Any]) -> str:
    return f"{row['id']}~{row['version']}"


def test_taking_an_exception_puts_it_among_mine(sign_in: Any, system: world.FakeSystem) -> None:
    client, row = sign_in("finance"), problem(system, "period_closed")
    client.post("/problems/assign", {"problem": named(row), "to": "finance", "next": "/problems"})
    assert fresh(system, row["id"])["assignee"] == "finance"
    assert [r["id"] for r in client.get("/problems.json?assignee=me").json()["exceptions"]] == [row["id"]]
    assert "1 exception with you" in client.get("/").content.decode()


def test_of_two_on_one_exception_the_second_is_told_and_nothing_is_done_twice(
    sign_in: Any, system: world.FakeSystem
) -> None:
    row = problem(system, "period_closed")
    sign_in("finance").post("/problems/resolve", {"problem": named(row), "reason": "posted in November"})
    second = sign_in("admin")
    second.post("/problems/resolve", {"problem": named(row), "reason": "mine", "next": "/problems"})
    assert "was already closed" in second.get("/problems").content.decode()
    again = problem(system, "refund_value_differs")
    sign_in("finance").post("/problems/assign", {"problem": named(again), "to": "finance"})
    second.post("/problems/snooze", {"problem": named(again), "for": "1d", "next": "/problems"})
    text = second.get("/problems").content.decode()
    assert "Nothing was done: finance assigned it meanwhile" in text
    assert (fresh(system, again["id"])["snoozed"], fresh(system, again["id"])["assignee"]) == (0, "finance")


def test_in_a_bulk_action_rows_that_changed_are_named_and_the_others_are_done(
    sign_in: Any, system: world.FakeSystem
) -> None:
    client = sign_in("finance", "ops")
    rows = [problem(system, kind) for kind in ("period_closed", "refund_value_differs", "received_not_inspected")]
    client.post("/problems/assign", {"problem": named(rows[1]), "to": "finance-ops"})
    client.post("/problems/snooze", {"problem": [named(row) for row in rows], "for": "1d", "next": "/problems"})
    text = client.get("/problems?state=resting").content.decode()
    assert "2 exceptions put to rest." in text and "The refund differs from the value of the goods, harbour" in text
    assert [fresh(system, row["id"])["snoozed"] for row in rows] == [1, 0, 1]
    client.post("/problems/wake", {"problem": rows[0]["id"]})
    assert fresh(system, rows[0]["id"])["snoozed"] == 0


def test_a_closed_exception_is_opened_again_with_a_reason(sign_in: Any, system: world.FakeSystem) -> None:
    client, row = sign_in("finance"), problem(system, "period_closed")
    client.post("/problems/resolve", {"problem": named(row), "reason": "done"})
    client.post("/problems/reopen", {"problem": named(fresh(system, row["id"])), "reason": " "})
    assert fresh(system, row["id"])["state"] == "resolved"
    client.post("/problems/reopen", {"problem": named(fresh(system, row["id"])), "reason": "not done"})
    assert (fresh(system, row["id"])["state"], fresh(system, row["id"])["came_back"]) == ("open", 1)
    text = client.get(f"/problems/{row['id']}").content.decode()
    assert "came back" in text and text.index("Closed by a person") < text.index("Opened again")


def test_a_comment_reaches_whom_it_names(sign_in: Any, system: world.FakeSystem) -> None:
    row = problem(system, "period_closed")
    sign_in("ops").get("/")  # the account exists
    sign_in("finance").post(f"/problems/{row['id']}/comment", {"text": "@ops can you call <b>them</b>? 🙂"})
    other = sign_in("ops")
    assert "finance named you" in other.get("/").content.decode()
    text = other.get(f"/problems/{row['id']}").content.decode()
    assert "@ops can you call &lt;b&gt;them&lt;/b&gt;? 🙂" in text
    assert "finance named you" not in other.get("/").content.decode()


def test_a_comment_of_a_megabyte_is_refused_with_a_sentence_and_its_beginning_kept(
    sign_in: Any, system: world.FakeSystem
) -> None:
    row = problem(system, "period_closed")
    answer = sign_in("finance").post(f"/problems/{row['id']}/comment", {"text": "long " * 200_000})
    assert answer.status_code == 422
    assert "4,000 fit" in answer.content.decode() and "long long" in answer.content.decode()
    assert len(answer.content) < 60_000


def test_what_was_written_is_not_lost_when_the_session_ended(sign_in: Any, system: world.FakeSystem) -> None:
    row = problem(system, "period_closed")
    answer = sign_in().post(f"/problems/{row['id']}/comment", {"text": "three calls, no answer <yet>"})
    assert answer.status_code == 401
    text = answer.content.decode()
    assert "Nothing was done" in text and "three calls, no answer &lt;yet&gt;" in text


@pytest.mark.parametrize(
    ("path", "data", "sentence"),
    [
        ("/problems/assign", {"to": "nobody"}, "nobody called"),
        ("/problems/snooze", {"for": "for ever"}, "for how long"),
        ("/problems/assign", {"problem": ""}, "Choose at least one"),
        ("/problems/assign", {"problem": "1' or 1=1"}, "Choose at least one"),
    ],
)
def test_what_cannot_be_is_explained_with_422(
    sign_in: Any, system: world.FakeSystem, path: str, data: dict[str, str], sentence: str
) -> None:
    given = {"problem": named(problem(system, "period_closed")), **data}
    answer = sign_in("finance").post(path, given)
    assert answer.status_code == 422 and sentence in answer.content.decode()


@pytest.mark.parametrize("path", ["/problems/assign", "/problems/snooze", "/problems/wake", "/problems/reopen"])
def test_an_auditor_changes_nothing(sign_in: Any, system: world.FakeSystem, path: str) -> None:
    row = problem(system, "period_closed")
    answer = sign_in("auditor").post(path, {"problem": named(row), "for": "1d", "to": "", "reason": "x"})
    assert answer.status_code == 403 and fresh(system, row["id"])["version"] == row["version"]


def test_a_view_is_kept_shared_and_forgotten(sign_in: Any) -> None:
    client = sign_in("finance")
    client.post("/views/keep", {"page": "problems", "name": "Late money", "query": "owner=finance&late=yes&after=1~2"})
    client.post(
        "/views/keep", {"page": "problems", "name": "Period", "query": "kind=period_closed", "everybody": "yes"}
    )
    text = client.get("/problems").content.decode()
    assert 'href="/problems?owner=finance&amp;late=yes">Late money' in text
    other = sign_in("cx").get("/problems").content.decode()
    assert "Period" in other and "Late money" not in other
    number = text.split('name="view" value="')[1].split('"')[0]
    assert (
        "Only your own views"
        in sign_in("cx").post("/views/drop", {"page": "problems", "view": number}, follow=True).content.decode()
    )
    client.post("/views/drop", {"page": "problems", "view": number})
    assert "Late money" not in client.get("/problems").content.decode().split("is forgotten")[-1]


def test_four_systems_stand_side_by_side_on_the_page_of_a_return(sign_in: Any) -> None:
    text = sign_in("finance").get("/returns/north/loop/88031").content.decode()
    part = text.split('class="sides"')[1].split("</section>")[0]
    assert "62.45" in part and "last refund confirmed" in part and "return authorisation RMA-3307" in part
    assert "agree so far" in part or "they differ" in part
