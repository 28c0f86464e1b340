"""Traffic in the simulated NetSuite: concurrency, frequency, asynchronous jobs, faults (NetSuite sheet §7-§9)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from counterfoil.erps.netsuite.sim.example import EXAMPLE_WORLD
from counterfoil.erps.netsuite.sim.trial import Answer, TrialAccount

RMA = "salesOrder/3001/!transform/returnAuthorization?replace=item"
ONE_SHIRT = {"item": {"items": [{"orderLine": 1, "quantity": 1}]}}
ASYNC = {"Prefer": "respond-async"}


@pytest.fixture(scope="module")
def running() -> Iterator[TrialAccount]:
    with TrialAccount() as account:
        yield account


@pytest.fixture
def account(running: TrialAccount) -> TrialAccount:
    running.reload(EXAMPLE_WORLD)
    return running


def prefer(account: TrialAccount, **preferences: Any) -> None:
    account.reload({**EXAMPLE_WORLD, "preferences": preferences})


def at_once(account: TrialAccount, *calls: tuple[Any, ...]) -> list[Answer]:
    """The answers of requests sent at the same moment, each on its own connection."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: account.call(*call), calls))


def fault(account: TrialAccount, **spec: Any) -> None:
    account.send("POST", "/__sim/faults", json.dumps(spec).encode())


def test_the_sixth_request_at_once_is_blocked_without_a_waiting_time(account: TrialAccount) -> None:
    prefer(account, latency_s=0.15)
    answers = at_once(account, *[("GET", "salesOrder/3001")] * 6)
    assert sorted(answer.status for answer in answers) == [200] * 5 + [429]
    blocked = next(answer for answer in answers if answer.status == 429)
    assert blocked.error == (429, "CONCURRENCY_LIMIT_EXCEEDED", "Concurrent request limit exceeded. Request blocked.")
    assert blocked.json["title"] == "Bad Request"
    assert "retry-after" not in blocked.headers
    assert account.state()["max_in_flight"] == 5


def test_the_limit_is_the_worlds(account: TrialAccount) -> None:
    prefer(account, latency_s=0.1, concurrency_limit=1)
    answers = at_once(account, *[("GET", "salesOrder/3001")] * 2)
    assert sorted(answer.status for answer in answers) == [200, 429]


def test_a_refusal_can_be_forced(account: TrialAccount) -> None:
    prefer(account, force_429=True)
    assert account.call("GET", "salesOrder/3001").status == 429


def test_a_frequency_limit_has_its_own_code(account: TrialAccount) -> None:
    prefer(account, frequency_limit=2)
    answers = [account.call("GET", "salesOrder/3001") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].error[1] == "USER_ERROR"


def test_requests_are_counted_by_kind(account: TrialAccount) -> None:
    account.call("GET", "salesOrder/3001")
    account.call("POST", RMA, ONE_SHIRT)
    account.query("SELECT id FROM item")
    account.call("GET", "salesOrder/99")
    counts = account.state()["requests"]
    assert (counts["total"], counts["GET salesOrder"], counts["suiteql"]) == (4, 2, 1)
    assert (counts["transform salesOrder to returnAuthorization"], counts["answered 404"]) == (1, 1)


@pytest.mark.parametrize("switched_on", [True, False])
def test_two_transforms_of_one_record_at_once_collide(account: TrialAccount, switched_on: bool) -> None:
    prefer(account, latency_s=0.1, detect_parallel_change=switched_on)
    answers = at_once(account, ("POST", RMA, ONE_SHIRT), ("POST", RMA, ONE_SHIRT))
    assert sorted(answer.status for answer in answers) == ([204, 400] if switched_on else [204, 204])
    late = [answer.error[1:] for answer in answers if answer.status == 400]
    assert late == ([("RCRD_HAS_BEEN_CHANGED", "Record has been changed")] if switched_on else [])


def test_switches_can_be_changed_while_it_runs(account: TrialAccount) -> None:
    account.send("POST", "/__sim/preferences", b'{"concurrencyLimit": 0}')
    assert account.call("GET", "salesOrder/3001").status == 429
    account.send("POST", "/__sim/preferences", b'{"concurrencyLimit": 5}')
    assert account.call("GET", "salesOrder/3001").status == 200


# --- asynchronous jobs ---


def test_an_asynchronous_write_answers_with_a_job_that_is_done(account: TrialAccount) -> None:
    answer = account.call("POST", RMA, ONE_SHIRT, **ASYNC)
    assert (answer.status, answer.headers["preference-applied"]) == (202, "respond-async")
    job = answer.headers["location"].removeprefix(account.root)
    assert account.call("GET", job).json["progress"] == "succeeded"
    assert account.call("GET", f"{job}/task").json["count"] == 1
    result = account.call("GET", f"{job}/task/1/result")
    assert (result.status, result.headers["location"].rsplit("/", 2)[1]) == (204, "returnAuthorization")


def test_an_asynchronous_failure_shows_in_the_job(account: TrialAccount) -> None:
    job = account.call("POST", "salesOrder", {}, **ASYNC).headers["location"].removeprefix(account.root)
    assert account.call("GET", job).json["progress"] == "failed"
    assert account.call("GET", f"{job}/task/1/result").error[1] == "USER_ERROR"
    assert account.call("GET", job[:-1] + "99").status == 404


def test_an_idempotency_key_protects_asynchronous_writes_only(account: TrialAccount) -> None:
    keyed = {"X_NetSuite_Idempotency_Key": "0b9a"}
    first = account.call("POST", RMA, ONE_SHIRT, **ASYNC, **keyed)
    second = account.call("POST", RMA, ONE_SHIRT, **ASYNC, **keyed)
    assert second.error[:2] == (400, "IDEMPOTENCY_ERROR")
    assert (second.json["title"], second.headers["location"]) == ("Conflict", first.headers["location"])
    account.reload(EXAMPLE_WORLD)
    assert [account.call("POST", RMA, ONE_SHIRT, **keyed).status for _ in range(2)] == [204, 204]


def test_a_batch_is_asynchronous_and_at_most_a_hundred_records(account: TrialAccount) -> None:
    kind = {"Content_Type": "application/vnd.oracle.resource+json; type=collection"}
    customers = {"items": [{"companyName": f"Customer {n}"} for n in range(3)]}
    assert account.call("POST", "customer", customers, **kind).status == 400
    job = account.call("POST", "customer", customers, **kind, **ASYNC).headers["location"].removeprefix(account.root)
    assert account.call("GET", f"{job}/task/1/result").json["count"] == 3
    many = {"items": [{"companyName": "x"}] * 101}
    job = account.call("POST", "customer", many, **kind, **ASYNC).headers["location"].removeprefix(account.root)
    assert account.call("GET", job).json["progress"] == "failed"


# --- scheduled faults, in NetSuite's words ---


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [("401", 401, "INVALID_LOGIN"), ("429", 429, "CONCURRENCY_LIMIT_EXCEEDED"), ("500", 500, "UNEXPECTED_ERROR")],
)
def test_a_scheduled_refusal_has_the_shape_of_the_real_one(
    account: TrialAccount, kind: str, status: int, code: str
) -> None:
    fault(account, kind=kind, match="returnAuthorization")
    assert account.call("POST", RMA, ONE_SHIRT).error[:2] == (status, code)
    assert account.state()["documents"]["returnAuthorization"] == []
    assert account.call("POST", RMA, ONE_SHIRT).status == 204


def test_maintenance_is_an_html_page(account: TrialAccount) -> None:
    fault(account, kind="503")
    answer = account.call("GET", "salesOrder/3001")
    assert (answer.status, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")


def test_a_lost_answer_leaves_the_document_behind_its_external_id(account: TrialAccount) -> None:
    fault(account, kind="500_after_commit")
    assert account.call("POST", RMA, {**ONE_SHIRT, "externalId": "r-1"}).status == 500
    assert account.call("GET", "returnAuthorization/eid:r-1").status == 200
    assert "already exists" in account.call("POST", RMA, {**ONE_SHIRT, "externalId": "r-1"}).error[2]
