"""SuiteQL in the simulated NetSuite: the sheet's queries, the dialect, the errors, the paging (NetSuite sheet §12)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from counterfoil.erps.netsuite.sim.example import EXAMPLE_WORLD
from counterfoil.erps.netsuite.sim.trial import QUERIES, Answer, TrialAccount

Q1 = """SELECT t.id, t.tranid, t.externalid, TO_CHAR(t.trandate,'YYYY-MM-DD') AS trandate, ABS(t.foreigntotal) AS total,
       BUILTIN.DF(t.currency) AS currency, t.status, ra.id AS rma_id,
       ra.tranid AS rma_tranid, ra.externalid AS rma_externalid
FROM transaction t
JOIN (SELECT DISTINCT transaction, createdfrom FROM transactionline WHERE createdfrom IS NOT NULL) src
     ON src.transaction = t.id
JOIN transaction ra ON ra.id = src.createdfrom AND ra.type = 'RtnAuth'
WHERE t.type = 'CustCred' AND t.trandate BETWEEN TO_DATE('{start}','YYYY-MM-DD') AND TO_DATE('{end}','YYYY-MM-DD')
      AND t.id > 0
ORDER BY t.id"""
Q2 = """SELECT r.id, r.tranid, r.externalid, src.createdfrom AS rma_id FROM transaction r
JOIN (SELECT DISTINCT transaction, createdfrom FROM transactionline WHERE createdfrom IS NOT NULL) src
     ON src.transaction = r.id
JOIN transaction ra ON ra.id = src.createdfrom AND ra.type = 'RtnAuth'
WHERE r.type = 'ItemRcpt' AND NOT EXISTS (SELECT 1 FROM transactionline l JOIN transaction c ON c.id = l.transaction
      WHERE l.createdfrom = ra.id AND c.type IN ('CustCred','CashRfnd')) ORDER BY r.id"""
Q3 = """SELECT item, location, SUM(quantityonhand) AS on_hand, SUM(quantityavailable) AS available
FROM inventorybalance WHERE item IN (301, 302) GROUP BY item, location ORDER BY item, location"""
Q4 = "SELECT id, type, tranid, externalid, status FROM transaction WHERE externalid = '{eid}' ORDER BY id"
Q5 = """SELECT id, uniquekey, item, itemtype, quantity, quantityshiprecv, kitmemberof, location, isclosed
FROM transactionline WHERE transaction = {rma} AND mainline = 'F' AND taxline = 'F' ORDER BY id"""
WORLD = {**EXAMPLE_WORLD, "preferences": {"today": "2026-11-05"}}


@pytest.fixture(scope="module")
def running() -> Iterator[TrialAccount]:
    with TrialAccount(WORLD) as account:
        yield account


@pytest.fixture
def account(running: TrialAccount) -> TrialAccount:
    running.reload(WORLD)
    return running


def rows(account: TrialAccount, query: str) -> list[dict[str, Any]]:
    answer = account.query(query)
    assert answer.status == 200, answer.body
    return [{name: value for name, value in row.items() if name != "links"} for row in answer.json["items"]]


def made(answer: Answer) -> str:
    assert answer.status == 204, answer.body
    return answer.made_id


def a_return(account: TrialAccount, key: str = "r-1", line: int = 1) -> str:
    body = {"externalId": key, "item": {"items": [{"orderLine": line, "quantity": 1}]}}
    return made(account.call("POST", "salesOrder/3001/!transform/returnAuthorization?replace=item", body))


def a_receipt(account: TrialAccount, rma: str, key: str = "r-1-rcpt") -> str:
    return made(account.call("POST", f"returnAuthorization/{rma}/!transform/itemReceipt", {"externalId": key}))


def a_credit(account: TrialAccount, rma: str, key: str = "r-1-cm") -> str:
    body = {"externalId": key, "autoApply": False}
    return made(account.call("POST", f"returnAuthorization/{rma}/!transform/creditMemo", body))


# --- the sheet's queries ---


def test_q1_finds_the_credit_memos_of_returns_in_a_period(account: TrialAccount) -> None:
    rma = a_return(account)
    a_receipt(account, rma)
    memo = a_credit(account, rma)
    assert rows(account, Q1.format(start="2026-11-01", end="2026-11-30")) == [
        {
            "id": memo,
            "tranid": "CM1001",
            "externalid": "r-1-cm",
            "trandate": "2026-11-05",
            "total": "48",
            "currency": "GBP",
            "status": "A",
            "rma_id": rma,
            "rma_tranid": "RMA1001",
            "rma_externalid": "r-1",
        }
    ]
    assert rows(account, Q1.format(start="2026-11-05", end="2026-11-05"))
    assert rows(account, Q1.format(start="2026-11-06", end="2026-11-30")) == []


def test_q2_finds_receipts_nobody_credited(account: TrialAccount) -> None:
    rma = a_return(account)
    receipt = a_receipt(account, rma)
    assert [(row["id"], row["rma_id"]) for row in rows(account, Q2)] == [(receipt, rma)]
    a_credit(account, rma)
    assert rows(account, Q2) == []


def test_q3_sums_the_stock_by_place(account: TrialAccount) -> None:
    a_receipt(account, a_return(account))
    assert rows(account, Q3) == [{"item": "301", "location": "6", "on_hand": "11", "available": "11"}]


def test_q4_resolves_an_external_id_and_shows_duplicates(account: TrialAccount) -> None:
    rma = a_return(account, key="shop-1001")  # the order has the same key; types have their own space
    assert [(row["id"], row["type"], row["status"]) for row in rows(account, Q4.format(eid="shop-1001"))] == [
        ("3001", "SalesOrd", "G"),
        (rma, "RtnAuth", "B"),
    ]
    assert rows(account, Q4.format(eid="it''s none")) == []


def test_q5_shows_return_lines_with_kit_members(account: TrialAccount) -> None:
    rma = a_return(account, line=7)
    found = rows(account, Q5.format(rma=rma))
    assert [(row["id"], row["item"], row["itemtype"], row.get("kitmemberof")) for row in found] == [
        ("1", "350", "Kit", None),
        ("2", "303", "InvtPart", "1"),
        ("3", "304", "InvtPart", "1"),
    ]
    assert {row["quantityshiprecv"] for row in found} == {"0"}
    a_receipt(account, rma)
    assert [row["quantityshiprecv"] for row in rows(account, Q5.format(rma=rma))] == ["1", "2", "1"]


def test_line_ids_and_unique_keys_are_those_of_rest(account: TrialAccount) -> None:
    rma = a_return(account)
    line = account.call("GET", f"returnAuthorization/{rma}?expandSubResources=true").json["item"]["items"][0]
    found = rows(account, Q5.format(rma=rma))[0]
    assert (found["id"], found["uniquekey"]) == (str(line["line"]), str(line["lineUniqueKey"]))


# --- values ---


def test_keys_are_lower_case_values_are_strings_and_nulls_are_left_out(account: TrialAccount) -> None:
    row = rows(
        account, "SELECT id AS TheId, foreigntotal AS Total, memo, exchangerate FROM transaction WHERE id = 3001"
    )
    assert row == [{"theid": "3001", "total": "143.99", "exchangerate": "1"}]
    account.reload({**WORLD, "preferences": {"suiteql_omit_nulls": False}})
    assert rows(account, "SELECT memo FROM transaction WHERE id = 3001") == [{"memo": None}]


def test_a_bare_date_comes_in_the_accounts_display_format(account: TrialAccount) -> None:
    query = "SELECT trandate, TO_CHAR(trandate, 'DD.MM.YYYY') AS own FROM transaction WHERE id = 3001"
    assert rows(account, query) == [{"trandate": "11/5/2026", "own": "05.11.2026"}]
    account.reload({**WORLD, "preferences": {"today": "2026-11-05", "date_format": "DD/MM/YYYY"}})
    assert rows(account, query)[0]["trandate"] == "05/11/2026"


def test_date_times_can_be_compared_and_printed(account: TrialAccount) -> None:
    query = (
        'SELECT TO_CHAR(lastmodifieddate, \'YYYY-MM-DD"T"HH24:MI:SS"Z"\') AS at FROM transaction '
        "WHERE id = 3001 "
        "AND lastmodifieddate >= TO_DATE('2026-11-05 00:00:00', 'YYYY-MM-DD HH24:MI:SS')"
    )
    assert rows(account, query)[0]["at"].startswith("2026-11-05T")
    assert rows(account, query.replace(">=", "<")) == []


def test_signs_follow_the_kind_of_document(account: TrialAccount) -> None:
    rma = a_return(account)
    a_receipt(account, rma)
    memo = a_credit(account, rma)
    quantity = (
        "SELECT quantity, foreignamount FROM transactionline WHERE mainline = 'F' AND taxline = 'F' AND transaction = "
    )
    assert rows(account, f"{quantity} 3001 AND id = 1") == [{"quantity": "-2", "foreignamount": "-80"}]
    assert rows(account, f"{quantity} {memo}") == [{"quantity": "1", "foreignamount": "40"}]
    total = f"SELECT foreigntotal, foreignpaymentamountunused AS unused FROM transaction WHERE id = {memo}"
    assert rows(account, total) == [{"foreigntotal": "-48", "unused": "48"}]


def test_a_status_is_a_letter_and_filters_take_the_prefixed_form_too(account: TrialAccount) -> None:
    rma = a_return(account)
    for form in ("B", "RtnAuth:B"):
        query = "SELECT id, status, BUILTIN.DF(status) AS words FROM transaction WHERE type = 'RtnAuth' AND status = "
        assert rows(account, f"{query} '{form}'") == [
            {"id": rma, "status": "B", "words": "Return Authorization : Pending Receipt"}
        ]


def test_booleans_are_t_and_f(account: TrialAccount) -> None:
    assert rows(account, "SELECT isinactive FROM item WHERE id = 301") == [{"isinactive": "F"}]
    assert rows(account, "SELECT DISTINCT closed FROM accountingperiod") == [{"closed": "F"}]


def test_created_from_is_a_column_of_lines_only(account: TrialAccount) -> None:
    rma = a_return(account)
    found = rows(
        account, f"SELECT mainline, createdfrom FROM transactionline WHERE transaction = {rma} AND taxline = 'F'"
    )
    assert [(row["mainline"], row["createdfrom"]) for row in found] == [("T", "3001"), ("F", "3001")]
    assert account.query("SELECT createdfrom FROM transaction").error[0] == 400


def test_sums_of_cents_are_exact(account: TrialAccount) -> None:
    lines = [{"item": "301", "quantity": 1, "rate": "0.10"}, {"item": "302", "quantity": 1, "rate": "0.20"}]
    account.reload({**WORLD, "salesOrder": [{"id": "1", "entity": "501", "billing": None, "lines": lines}]})
    query = "SELECT SUM(foreignamount) AS total FROM transactionline WHERE transaction = 1 AND mainline = 'F'"
    assert rows(account, query) == [{"total": "-0.3"}]


def test_documents_are_linked_line_by_line(account: TrialAccount) -> None:
    rma = a_return(account)
    receipt = a_receipt(account, rma)
    memo = a_credit(account, rma)
    query = (
        f"SELECT nextdoc, previousline, nextline, linktype FROM nexttransactionlinelink WHERE previousdoc = {rma} "
        "ORDER BY nextdoc"
    )
    assert [tuple(row.values()) for row in rows(account, query)] == [
        (receipt, "1", "1", "ShipRcpt"),
        (memo, "1", "1", "OrdBill"),
    ]
    assert rows(account, f"SELECT DISTINCT linktype FROM previoustransactionlinelink WHERE nextdoc = {rma}") == [
        {"linktype": "SaleRet"}
    ]


def test_a_refund_is_linked_to_its_credit_as_a_payment(account: TrialAccount) -> None:
    rma = a_return(account)
    a_receipt(account, rma)
    memo = a_credit(account, rma)
    refund = made(account.call("POST", f"creditMemo/{memo}/!transform/customerRefund", {"account": "120"}))
    query = f"SELECT nextdoc, linktype FROM nexttransactionlink WHERE previousdoc = {memo}"
    assert rows(account, query) == [{"nextdoc": refund, "linktype": "Payment"}]
    assert rows(account, f"SELECT status FROM transaction WHERE id = {memo}") == [{"status": "B"}]


def test_custom_fields_are_columns_once_they_exist(account: TrialAccount) -> None:
    account.reload({**WORLD, "customFields": ["custbody_portal", "custcol_reason"]})
    body = {"custbody_portal": "loop", "item": {"items": [{"orderLine": 1, "quantity": 1, "custcol_reason": "size"}]}}
    rma = made(account.call("POST", "salesOrder/3001/!transform/returnAuthorization?replace=item", body))
    query = (
        "SELECT t.custbody_portal AS portal, l.custcol_reason AS reason FROM transaction t "
        f"JOIN transactionline l ON l.transaction = t.id WHERE t.id = {rma} AND l.mainline = 'F' AND l.taxline = 'F'"
    )
    assert rows(account, query) == [{"portal": "loop", "reason": "size"}]
    assert account.query("SELECT custbody_other FROM transaction").status == 400


def test_a_deleted_record_is_gone_from_queries(account: TrialAccount) -> None:
    rma = a_return(account)
    account.call("DELETE", f"returnAuthorization/{rma}")
    assert rows(account, Q4.format(eid="r-1")) == []


# --- dialect ---


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT NVL(memo, 'none') AS m FROM transaction WHERE id = 3001", [{"m": "none"}]),
        ("SELECT NVL2(memo, 1, 2) AS m FROM transaction WHERE id = 3001", [{"m": "2"}]),
        ("SELECT DECODE(type, 'SalesOrd', 'order', 'other') AS d FROM transaction WHERE id = 3001", [{"d": "order"}]),
        ("SELECT id FROM item WHERE ROWNUM <= 2 ORDER BY id", [{"id": "301"}, {"id": "302"}]),
        ("SELECT TOP 1 id FROM item ORDER BY id DESC", [{"id": "391"}]),
        ("SELECT id FROM item ORDER BY id FETCH FIRST 1 ROWS ONLY", [{"id": "301"}]),
        ("SELECT COUNT(*) FROM (SELECT id FROM item WHERE ROWNUM < 3) x", [{"expr1": "2"}]),
        ("SELECT itemid FROM item WHERE itemid LIKE 'SHIRT%'", [{"itemid": "SHIRT-M"}]),
        ("SELECT itemid FROM item WHERE itemid LIKE 'shirt%'", []),
        ("SELECT itemid FROM item WHERE UPPER(itemid) = 'MUG' -- a comment", [{"itemid": "MUG"}]),
        ("SELECT BUILTIN.DF(entity) AS who FROM transaction WHERE id = 3001", [{"who": "Robin Example"}]),
        ("SELECT BUILTIN.DF(t.type) AS kind FROM transaction t WHERE t.id = 3001", [{"kind": "Sales Order"}]),
        ("SELECT ROUND(foreigntotal) AS r, 1 + 1 FROM transaction WHERE id = 3001", [{"r": "144", "expr2": "2"}]),
        ("SELECT GREATEST(1, 3, 2) AS g, LEAST(1, 3) AS l FROM item WHERE id = 301", [{"g": "3", "l": "1"}]),
        ("SELECT id FROM item WHERE id IN (301, 302) MINUS SELECT id FROM item WHERE id = 301", [{"id": "302"}]),
        ("SELECT symbol FROM currency WHERE id = '1'", [{"symbol": "GBP"}]),
        ("SELECT entityid, externalid FROM customer", [{"entityid": "C501", "externalid": "shop-501"}]),
    ],
)
def test_the_dialect(account: TrialAccount, query: str, expected: list[dict[str, str]]) -> None:
    assert rows(account, query) == expected


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM transaction",
        "UPDATE item SET itemid = 'x'",
        "PRAGMA table_info(item)",
        "INSERT INTO item VALUES (1)",
    ],
)
def test_only_select_is_understood(account: TrialAccount, query: str) -> None:
    answer = account.query(query)
    assert answer.error[:2] == (400, "INVALID_PARAMETER")
    assert rows(account, "SELECT COUNT(*) AS n FROM item") == [{"n": "7"}]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1; DELETE FROM item",
        "SELECT * FROM sqlite_master",
        'SELECT * FROM "sqlite_schema"',
        "SELECT * FROM pragma_table_info('item')",
        "SELECT FROM",
        "SELECT id FROM item WHERE",
    ],
)
def test_nothing_outside_the_accounts_tables_can_be_reached(account: TrialAccount, query: str) -> None:
    assert account.query(query).error[:2] == (400, "INVALID_PARAMETER")


def test_an_unknown_table_and_an_unknown_column_have_their_own_texts(account: TrialAccount) -> None:
    start = "Invalid search query. Detailed unprocessed description follows. "
    assert account.query("SELECT * FROM nonsense").error[2] == start + "Invalid search type: nonsense."
    detail = account.query("SELECT t.nonsense FROM transaction t").error[2]
    assert detail.startswith(
        start + "Search error occurred: Unknown identifier 'nonsense'. Available identifiers are: {"
    )
    assert "tranid=tranid" in detail


# --- paging and headers ---


def test_results_come_in_pages(account: TrialAccount) -> None:
    first = account.query("SELECT id FROM item ORDER BY id", limit=5).json
    assert (first["count"], first["hasMore"], first["offset"], first["totalResults"]) == (5, True, 0, 7)
    assert {link["rel"] for link in first["links"]} == {"self", "next"}
    second = account.query("SELECT id FROM item ORDER BY id", limit=5, offset=5).json
    assert ([row["id"] for row in second["items"]], second["hasMore"]) == (["390", "391"], False)


@pytest.mark.parametrize(("limit", "offset"), [(1001, 0), (0, 0), (5, 3), (1000, 100_000)])
def test_a_page_outside_the_rules_is_refused(account: TrialAccount, limit: int, offset: int) -> None:
    assert account.query("SELECT id FROM item", limit, offset).error[:2] == (400, "INVALID_PARAMETER")


def test_the_transient_preference_is_required_unless_the_switch_says_otherwise(account: TrialAccount) -> None:
    body = {"q": "SELECT id FROM item"}
    assert account.call("POST", QUERIES, body).error[0] == 400
    account.reload({**WORLD, "preferences": {"suiteql_without_prefer": "accepted"}})
    assert account.call("POST", QUERIES, body).status == 200


@pytest.mark.parametrize("body", [{}, {"q": ""}, {"q": 1}, b"{"])
def test_a_request_without_a_query_is_refused(account: TrialAccount, body: Any) -> None:
    assert account.call("POST", QUERIES, body, Prefer="transient").error[:2] == (400, "INVALID_CONTENT")
