"""Deposits, queued jobs and stock held by orders in the simulated NetSuite (NetSuite sheet §1, §4.4, §6, §9)."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from counterfoil.erps.netsuite.sim.example import EXAMPLE_WORLD
from counterfoil.erps.netsuite.sim.trial import Answer, TrialAccount

D = Decimal
REFUND = "customerDeposit/3500/!transform/customerRefund"


def paid_world(**changes: Any) -> dict[str, Any]:
    deposit = {
        "id": "3500",
        "tranId": "DEP1",
        "customer": "501",
        "salesOrder": "3002",
        "payment": "54.85",
        "currency": "1",
    }
    return {**deepcopy(EXAMPLE_WORLD), "customerDeposit": [deposit], **changes}


@pytest.fixture(scope="module")
def running() -> Iterator[TrialAccount]:
    with TrialAccount() as account:
        yield account


@pytest.fixture
def account(running: TrialAccount) -> TrialAccount:
    running.reload(paid_world())
    return running


def drawn(amount: str | None, **fields: Any) -> dict[str, Any]:
    line: dict[str, Any] = {"doc": {"id": "3500"}, "apply": True}
    if amount is not None:
        line["amount"] = amount
    return {"account": {"id": "120"}, "deposit": {"items": [line]}, **fields}


def rows(account: TrialAccount, query: str) -> list[dict[str, str]]:
    """The rows of a query without their links."""
    return [{n: v for n, v in row.items() if n != "links"} for row in account.query(query).json["items"]]


def refunded(account: TrialAccount, amount: str | None) -> Answer:
    return account.call("POST", REFUND, drawn(amount))


def test_a_refund_takes_what_a_deposit_still_holds_unless_told_less(account: TrialAccount) -> None:
    first = account.call("GET", f"customerRefund/{refunded(account, '20').made_id}?expandSubResources=true").json
    assert (first["total"], first["deposit"]["items"]) == (D("20"), [])
    assert first["apply"]["items"][0]["type"] == "Deposit Application"
    rest = account.call("GET", f"customerRefund/{refunded(account, None).made_id}?expandSubResources=true").json
    assert rest["total"] == D("34.85")
    assert account.call("GET", "customerDeposit/3500").json["status"]["refName"] == "Fully Applied"


def test_no_more_than_a_deposit_holds_is_paid_out_of_it(account: TrialAccount) -> None:
    assert refunded(account, "54.86").status == 400
    assert refunded(account, "54.85").status == 204
    assert "cannot be refunded" in refunded(account, "0.01").error[2]


def test_a_deposit_of_another_customer_is_an_invalid_value(account: TrialAccount) -> None:
    other = {"id": "502", "entityId": "C502", "companyName": "Alex Example"}
    account.reload(paid_world(customer=[*EXAMPLE_WORLD["customer"], other]))
    answer = account.call("POST", "customerRefund", drawn("1", customer={"id": "502"}))
    assert answer.error[1] == "INVALID_CONTENT"


def test_a_deleted_refund_gives_its_deposit_back(account: TrialAccount) -> None:
    made = refunded(account, None).made_id
    assert account.call("DELETE", f"customerRefund/{made}").status == 204
    assert account.call("GET", "customerDeposit/3500").json["status"]["refName"] == "Deposited"
    assert refunded(account, "54.85").status == 204


def test_suiteql_shows_what_a_deposit_still_holds_and_its_order(account: TrialAccount) -> None:
    refunded(account, "20")
    query = (
        "SELECT t.id, t.foreignpaymentamountunused AS unused FROM transaction t JOIN transactionline l "
        "ON l.transaction = t.id WHERE t.type = 'CustDep' AND l.createdfrom = 3002"
    )
    assert rows(account, query) == [{"id": "3500", "unused": "34.85"}]


def test_a_closed_period_holds_deposits_back_as_well(account: TrialAccount) -> None:
    months = [{"id": "1", "periodName": "Nov", "startDate": "2026-11-01", "endDate": "2026-11-30", "arLocked": True}]
    account.reload(paid_world(accountingPeriod=months, today="2026-11-20"))
    assert "open accounting period" in refunded(account, "1").error[2]


def test_an_order_waiting_for_approval_holds_no_stock_and_an_approved_one_does(account: TrialAccount) -> None:
    free = "SELECT SUM(quantityavailable) AS free FROM inventorybalance WHERE item = 301"
    line = {"item": {"id": "301"}, "quantity": 3, "location": {"id": "6"}}
    body = {"entity": {"id": "501"}, "orderStatus": {"id": "A"}, "item": {"items": [line]}}
    order = account.call("POST", "salesOrder", body).made_id
    assert rows(account, free) == [{"free": "10"}]
    assert account.call("PATCH", f"salesOrder/{order}", {"orderStatus": {"id": "B"}}).status == 204
    assert rows(account, free) == [{"free": "7"}]
    account.call("PATCH", f"salesOrder/{order}", {"item": {"items": [{"line": 1, "isClosed": True}]}})
    assert rows(account, free) == [{"free": "10"}]
    assert account.call("PATCH", f"salesOrder/{order}", {"orderStatus": {"id": "B"}}).status == 400


def test_a_new_order_can_be_previewed_without_saving_anything(account: TrialAccount) -> None:
    form = {"accept": "application/vnd.oracle.resource+json; type=create-form"}
    body = {"entity": {"id": "501"}, "item": {"items": [{"item": {"id": "301"}, "quantity": 1}]}}
    shown = account.call("POST", "salesOrder", body, **form)
    assert (shown.status, shown.json["total"]) == (200, D("40"))
    assert account.state()["documents"]["salesOrder"] == []
