"""The simulated record service: addressing, validation, sublists, external ids (NetSuite sheet §1, §3, §7)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from counterfoil.erps.netsuite.sim.example import EXAMPLE_WORLD
from counterfoil.erps.netsuite.sim.trial import Answer, TrialAccount

D = Decimal
STRICT = {"X_NetSuite_PropertyNameValidation": "Error"}
ORDER: dict[str, Any] = {
    "entity": {"id": "501"},
    "item": {"items": [{"item": {"id": "301"}, "quantity": 2, "rate": 10}]},
}


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


def order_with(*lines: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"entity": "501", "item": {"items": list(lines)}, **fields}


def made(answer: Answer) -> str:
    assert answer.status == 204, answer.body
    return answer.made_id


def items_of(account: TrialAccount, order: str) -> list[Any]:
    found: list[Any] = account.call("GET", f"salesOrder/{order}?expandSubResources=true").json["item"]["items"]
    return found


# --- reading ---


def test_a_record_has_links_references_and_enumerations(account: TrialAccount) -> None:
    order = account.call("GET", "salesOrder/3001").json
    assert order["links"] == [{"rel": "self", "href": f"{account.root}/services/rest/record/v1/salesOrder/3001"}]
    assert (order["entity"]["id"], order["entity"]["refName"]) == ("501", "Robin Example")
    assert order["entity"]["links"][0]["href"].endswith("/customer/501")
    assert order["status"] == {"id": "G", "refName": "Billed"}
    assert list(order["item"]) == ["links"]


def test_money_is_a_json_number_without_noise(account: TrialAccount) -> None:
    body = account.call("GET", "salesOrder/3001").body
    assert b'"total":143.99' in body
    assert b'"exchangeRate":1.0' in body


def test_sublists_are_expanded_on_request_and_can_be_read_by_themselves(account: TrialAccount) -> None:
    expanded = account.call("GET", "salesOrder/3001?expandSubResources=true").json["item"]
    assert (expanded["count"], expanded["hasMore"], expanded["totalResults"]) == (3, False, 3)
    alone = account.call("GET", "salesOrder/3001/item").json
    assert [entry["links"][0]["href"].rsplit("/", 1)[1] for entry in alone["items"]] == ["1", "4", "7"]
    assert account.call("GET", "salesOrder/3001/item/4").json["item"]["refName"] == "BELT"
    assert account.call("GET", "salesOrder/3001/item/2").status == 404
    assert account.call("GET", "salesOrder/3001/nonsense").status == 404


def test_fields_and_simple_enumerations_narrow_the_answer(account: TrialAccount) -> None:
    assert account.call("GET", "salesOrder/3001?fields=tranId,status&simpleEnumFormat=true").json == {
        "links": [{"rel": "self", "href": f"{account.root}/services/rest/record/v1/salesOrder/3001"}],
        "id": "3001",
        "tranId": "SO1001",
        "status": "G",
    }


def test_type_names_ignore_case_and_external_ids_address_records(account: TrialAccount) -> None:
    assert account.call("GET", "salesorder/eid:shop-1001").json["id"] == "3001"
    assert account.call("GET", "CUSTOMER/eid%3Ashop-501").json["id"] == "501"


@pytest.mark.parametrize(
    "path", ["customer/99", "salesOrder/99", "salesOrder/eid:none", "returnAuthorization/eid:shop-1001"]
)
def test_a_missing_record_does_not_exist(account: TrialAccount, path: str) -> None:
    answer = account.call("GET", path)
    assert answer.error[:2] == (404, "NONEXISTENT_ID")
    assert answer.error[2].startswith("The record instance does not exist.")


def test_the_id_of_another_transaction_type_is_the_wrong_type(account: TrialAccount) -> None:
    assert account.call("GET", "creditMemo/3001").error == (
        400,
        "USER_ERROR",
        "Error while accessing a resource. Transaction type specified is incorrect.",
    )
    prefer(account, missing_transaction="400")
    assert account.call("GET", "creditMemo/99").error[:2] == (400, "USER_ERROR")
    assert account.call("GET", "creditMemo/eid:none").error[:2] == (404, "NONEXISTENT_ID")


def test_an_unknown_record_type_is_named(account: TrialAccount) -> None:
    answer = account.call("GET", "bad-path/1")
    assert (answer.status, answer.error[2]) == (404, "Record type 'bad-path' does not exist")


@pytest.mark.parametrize("kind", ["inventoryStatusChange", "item"])
def test_types_rest_does_not_have_are_not_there(account: TrialAccount, kind: str) -> None:
    assert account.call("GET", kind).status == 404


def test_a_space_in_the_address_is_refused(account: TrialAccount) -> None:
    answer = account.call("GET", "salesOrder/eid:a%20b")
    assert (answer.status, answer.error[2]) == (400, "Invalid url. Spaces are not allowed in the URL")


def test_lists_are_paged_and_filtered(account: TrialAccount) -> None:
    page = account.call("GET", "inventoryItem?limit=3").json
    assert (page["count"], page["hasMore"], page["totalResults"]) == (3, True, 4)
    rest = account.call("GET", "inventoryItem?limit=3&offset=3").json
    assert [entry["id"] for entry in rest["items"]] == ["304"]
    assert account.call("GET", "inventoryItem?limit=1001").status == 400

    def ids(query: str) -> list[str]:
        answer = account.call("GET", f"salesOrder?q={query}")
        assert answer.status == 200, answer.body
        return [str(entry["id"]) for entry in answer.json["items"]]

    assert ids("externalId%20IS%20%22shop-1002%22") == ["3002"]
    assert ids("entity%20EQUAL%20501%20AND%20total%20GREATER%20100") == ["3001"]
    assert ids("tranId%20START_WITH%20%22SO%22") == ["3001", "3002"]
    assert ids("id%20ANY_OF%20%5B3002,%203009%5D%20OR%20tranId%20IS%20SO1001") == ["3001", "3002"]
    assert ids("externalId%20IS_NOT%20%22shop-1002%22") == ["3001"]
    for bad in ("nonsense%20IS%201", "tranId%20LIKE%201", "tranId", "tranId%20IS"):
        assert account.call("GET", f"salesOrder?q={bad}").error[:2] == (400, "INVALID_PARAMETER")


def test_methods_without_a_meaning_are_refused(account: TrialAccount) -> None:
    assert account.call("PUT", "salesOrder/3001", {}).status == 405
    assert account.call("GET", "/services/rest/nonsense").status == 404


# --- writing ---


def test_a_record_is_created_with_an_empty_answer_and_a_location(account: TrialAccount) -> None:
    answer = account.call("POST", "salesOrder", {**ORDER, "externalId": "x-1"})
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["location"] == f"{account.root}/services/rest/record/v1/salesOrder/{answer.made_id}"
    order = account.call("GET", "salesOrder/eid:x-1").json
    assert (order["id"], order["total"], order["status"]["id"]) == (answer.made_id, D(20), "B")


def test_references_may_be_bare_scalars_or_external_ids(account: TrialAccount) -> None:
    for entity in ("501", 501, {"id": 501}, {"externalId": "shop-501"}):
        made(account.call("POST", "salesOrder", {**ORDER, "entity": entity}))


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (order_with({"item": {"id": "9999"}}), "item.items[0].item"),
        (order_with({"item": "301", "location": "99"}), "item.items[0].location"),
        (order_with({"item": "301", "quantity": "many"}), "item.items[0].quantity"),
        (order_with({"item": "301", "isClosed": "perhaps"}), "item.items[0].isClosed"),
        (order_with({"item": "301"}, tranDate="20/11/2026"), "tranDate"),
        (order_with({"item": "301"}, entity={"externalId": "nobody"}), "entity"),
        (order_with({"item": "301"}, orderStatus={"id": "F"}), "orderStatus"),
        (order_with({"item": "301"}, memo={"a": 1}), "memo"),
        ({"entity": "501", "item": [{"item": "301"}]}, "item"),
    ],
)
def test_a_value_a_field_cannot_take_is_refused_with_its_path(account: TrialAccount, body: Any, path: str) -> None:
    answer = account.call("POST", "salesOrder", body)
    assert answer.error[:2] == (400, "INVALID_CONTENT")
    assert "Invalid Field Value" in answer.error[2]
    assert [detail["o:errorPath"] for detail in answer.json["o:errorDetails"]] == [path]


def test_all_problems_are_reported_at_once(account: TrialAccount) -> None:
    answer = account.call("POST", "salesOrder", order_with({"item": "8"}, tranDate="x", nonsense=1), **STRICT)
    assert {detail["o:errorPath"] for detail in answer.json["o:errorDetails"]} == {
        "item.items[0].item",
        "tranDate",
        "nonsense",
    }


def test_value_validation_can_be_switched_off(account: TrialAccount) -> None:
    body = order_with({"item": "301"}, tranDate="x", memo="kept")
    order = made(account.call("POST", "salesOrder", body, X_NetSuite_PropertyValueValidation="Ignore"))
    assert account.call("GET", f"salesOrder/{order}").json["memo"] == "kept"


def test_an_unknown_field_is_dropped_silently_unless_names_are_validated(account: TrialAccount) -> None:
    body = order_with({"item": "301", "nonsense": 1}, alsoNonsense=1)
    order = made(account.call("POST", "salesOrder", body))
    read = account.call("GET", f"salesOrder/{order}?expandSubResources=true").json
    assert "alsoNonsense" not in read
    assert "nonsense" not in read["item"]["items"][0]
    made(account.call("POST", "salesOrder", body, X_NetSuite_PropertyNameValidation="Ignore"))
    answer = account.call("POST", "salesOrder", body, **{"x_netsuite_propertynamevalidation": "error"})
    assert [(d["o:errorCode"], d["o:errorPath"]) for d in answer.json["o:errorDetails"]] == [
        ("NONEXISTENT_FIELD", "item.items[0].nonsense"),
        ("NONEXISTENT_FIELD", "alsoNonsense"),
    ]
    assert account.call("POST", "salesOrder", body, X_NetSuite_PropertyNameValidation="Perhaps").status == 400


def test_restock_is_no_field_of_an_item_receipt_unless_the_account_has_it(account: TrialAccount) -> None:
    rma = made(account.call("POST", "salesOrder/3001/!transform/returnAuthorization"))
    body = {"item": {"items": [{"orderLine": 1, "restock": False}]}}
    path = f"returnAuthorization/{rma}/!transform/itemReceipt"
    assert account.call("POST", path, body, **STRICT).error[1] == "NONEXISTENT_FIELD"
    prefer(account, item_receipt_restock=True)
    rma = made(account.call("POST", "salesOrder/3001/!transform/returnAuthorization"))
    made(account.call("POST", f"returnAuthorization/{rma}/!transform/itemReceipt", body, **STRICT))
    stock = {row["item"]: row["quantityOnHand"] for row in account.state()["stock"]}
    assert (stock["301"], stock["302"]) == (10, 1)


def test_custom_fields_exist_by_prefix_or_only_as_declared(account: TrialAccount) -> None:
    body = order_with({"item": "301", "custcol_a": "1"}, custbody_b="2")
    order = made(account.call("POST", "salesOrder", body, **STRICT))
    assert account.call("GET", f"salesOrder/{order}").json["custbody_b"] == "2"
    account.reload({**EXAMPLE_WORLD, "customFields": ["custbody_b"]})
    answer = account.call("POST", "salesOrder", body, **STRICT)
    assert [detail["o:errorPath"] for detail in answer.json["o:errorDetails"]] == ["item.items[0].custcol_a"]


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b'"text"', b'{"memo": NaN}', b"\xff"])
def test_malformed_json_is_invalid_content(account: TrialAccount, body: bytes) -> None:
    answer = account.call("POST", "salesOrder", body)
    assert answer.error[:2] == (400, "INVALID_CONTENT")
    assert answer.error[2].startswith("Invalid content in the request body")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"item": {"items": [{"item": "301"}]}}, "Please enter value(s) for: Customer"),
        ({"entity": "501"}, "at least one line item"),
        ({"entity": "501", "item": {"items": [{"quantity": 1}]}}, "Please enter value(s) for: Item"),
    ],
)
def test_required_fields_are_asked_for_by_their_labels(account: TrialAccount, body: Any, words: str) -> None:
    status, code, detail = account.call("POST", "salesOrder", body).error
    assert (status, code) == (400, "USER_ERROR")
    assert words in detail


def test_an_error_has_the_shape_of_the_sheet(account: TrialAccount) -> None:
    body = account.call("POST", "salesOrder", {"entity": "501"}).json
    assert (body["title"], body["status"]) == ("Bad Request", 400)
    assert body["type"].startswith("https://")
    assert set(body["o:errorDetails"][0]) == {"detail", "o:errorCode"}


def test_patch_keeps_what_is_not_named_and_null_clears(account: TrialAccount) -> None:
    order = made(account.call("POST", "salesOrder", {**ORDER, "memo": "a", "otherRefNum": "b"}))
    assert account.call("PATCH", f"salesOrder/{order}", {"memo": None}).status == 204
    read = account.call("GET", f"salesOrder/{order}").json
    assert "memo" not in read
    assert read["otherRefNum"] == "b"


def test_a_line_with_its_key_is_updated_and_one_without_is_added(account: TrialAccount) -> None:
    order = made(account.call("POST", "salesOrder", ORDER))
    keyed = {"item": {"items": [{"line": 1, "quantity": 5}]}}
    account.call("PATCH", f"salesOrder/{order}", keyed)
    assert [(line["quantity"], line["amount"]) for line in items_of(account, order)] == [(D(5), D(50))]
    account.call("PATCH", f"salesOrder/{order}", {"item": {"items": [{"item": "302", "quantity": 1}]}})
    assert [(line["line"], line["item"]["id"]) for line in items_of(account, order)] == [(1, "301"), (4, "302")]


def test_replace_removes_the_lines_nobody_mentioned(account: TrialAccount) -> None:
    order = made(account.call("POST", "salesOrder", order_with({"item": "301"}, {"item": "302"})))
    account.call("PATCH", f"salesOrder/{order}?replace=item", {"item": {"items": [{"line": 4}]}})
    assert [(line["line"], line["item"]["id"]) for line in items_of(account, order)] == [(4, "302")]


def test_put_by_external_id_creates_then_updates(account: TrialAccount) -> None:
    first = made(account.call("PUT", "salesOrder/eid:x-1", ORDER))
    assert made(account.call("PUT", "salesOrder/eid:x-1", {"memo": "again"})) == first
    assert account.call("GET", f"salesOrder/{first}").json["memo"] == "again"


def test_repeating_an_upsert_without_line_keys_adds_the_lines_a_second_time(account: TrialAccount) -> None:
    for _ in range(2):
        order = made(account.call("PUT", "salesOrder/eid:x-1", ORDER))
    assert len(items_of(account, order)) == 2
    order = made(account.call("PUT", "salesOrder/eid:x-1?replace=item", ORDER))
    assert len(items_of(account, order)) == 1


def test_a_used_external_id_is_refused_as_measured(account: TrialAccount) -> None:
    answer = account.call("POST", "customer", {"companyName": "Sam Example", "externalId": "shop-501"})
    assert answer.error == (400, "USER_ERROR", "Error while accessing a resource. This entity already exists.")
    answer = account.call("POST", "salesOrder", {**ORDER, "externalId": "shop-1001"})
    assert answer.error[:2] == (400, "USER_ERROR")
    assert "already exists" in answer.error[2]
    prefer(account, duplicate_transaction_code="DUP_RCRD")
    assert account.call("POST", "salesOrder", {**ORDER, "externalId": "shop-1001"}).error[1] == "DUP_RCRD"


def test_a_refused_duplicate_leaves_nothing_behind(account: TrialAccount) -> None:
    path = "salesOrder/3001/!transform/returnAuthorization"
    made(
        account.call(
            "POST", f"{path}?replace=item", {"externalId": "r", "item": {"items": [{"orderLine": 1, "quantity": 1}]}}
        )
    )
    assert account.call("POST", path, {"externalId": "r"}).status == 400
    assert len(account.state()["documents"]["returnAuthorization"]) == 1


def test_external_ids_are_unique_by_type_or_over_all_transactions(account: TrialAccount) -> None:
    path, body = "salesOrder/3001/!transform/returnAuthorization", {"externalId": "shop-1001"}
    made(account.call("POST", path, body))
    prefer(account, external_id_scope="transactions")
    assert account.call("POST", path, body).error[0] == 400


def test_a_deleted_record_is_gone_and_its_external_id_free(account: TrialAccount) -> None:
    made(account.call("POST", "salesOrder", {**ORDER, "externalId": "x-1"}))
    assert account.call("DELETE", "salesOrder/eid:x-1").status == 204
    assert account.call("GET", "salesOrder/eid:x-1").status == 404
    made(account.call("POST", "salesOrder", {**ORDER, "externalId": "x-1"}))


def test_an_account_may_ask_for_a_deletion_reason(account: TrialAccount) -> None:
    prefer(account, deletion_reason_required=True)
    order = made(account.call("POST", "salesOrder", ORDER))
    assert "Deletion Reason" in account.call("DELETE", f"salesOrder/{order}").error[2]
    assert account.call("DELETE", f"salesOrder/{order}", {"deletionReason": {"id": "1"}}).status == 204


def test_every_list_the_flow_reads_is_there(account: TrialAccount) -> None:
    for kind in (
        "location",
        "subsidiary",
        "currency",
        "accountingPeriod",
        "paymentMethod",
        "account",
        "department",
        "nonInventorySaleItem",
        "otherChargeSaleItem",
        "discountItem",
        "kitItem",
        "inventoryItem",
    ):
        assert account.call("GET", kind).status == 200
    kit = account.call("GET", "kitItem/350?expandSubResources=true").json
    assert [(m["item"]["refName"], m["quantity"]) for m in kit["member"]["items"]] == [("MUG", D(2)), ("TEA", D(1))]


# --- permissions ---


def test_a_missing_permission_looks_like_nothing_found_and_refuses_writes(account: TrialAccount) -> None:
    world = {**EXAMPLE_WORLD, "returnAuthorization": [{"id": "3900", "externalId": "r-1", "createdFrom": "3001"}]}
    account.reload(world)
    assert account.call("GET", "returnAuthorization/eid:r-1").json["total"] == D("143.99")
    account.reload({**world, "role": {"missing_permissions": ["Return Authorization"]}})
    assert account.call("GET", "returnAuthorization").json["totalResults"] == 0
    assert account.call("GET", "returnAuthorization/eid:r-1").error[:2] == (404, "NONEXISTENT_ID")
    answer = account.call("POST", "salesOrder/3001/!transform/returnAuthorization")
    assert answer.error[:2] == (403, "INSUFFICIENT_PERMISSION")
    assert answer.error[2].startswith("Permission Violation")


def test_existing_records_are_hidden_without_the_permission(account: TrialAccount) -> None:
    account.reload({**EXAMPLE_WORLD, "role": {"missing_permissions": ["SalesOrd"]}})
    assert account.call("GET", "salesOrder/3001").error[0] == 404
    assert account.query("SELECT id FROM transaction WHERE type = 'SalesOrd'").json["totalResults"] == 0
    assert account.query("SELECT id FROM transaction WHERE type = 'CustInvc'").json["totalResults"] == 1
    account.reload(
        {
            **EXAMPLE_WORLD,
            "role": {"missing_permissions": ["SalesOrd"]},
            "preferences": {"missing_permission_on_read": "403"},
        }
    )
    assert account.call("GET", "salesOrder/3001").error[:2] == (403, "INSUFFICIENT_PERMISSION")


def test_limits_are_for_the_administrator(account: TrialAccount) -> None:
    path = "/services/rest/system/v1/governanceLimits"
    assert account.call("GET", path).json["accountConcurrencyLimit"] == 5
    account.reload({**EXAMPLE_WORLD, "role": {"administrator": False}})
    assert account.call("GET", path).status == 403


# --- metadata ---


def test_the_catalog_describes_a_type_as_json_schema(account: TrialAccount) -> None:
    answer = account.call("GET", "metadata-catalog/itemReceipt", Accept="application/schema+json")
    line = answer.json["properties"]["item"]["properties"]["items"]["items"]["properties"]
    assert {"orderLine", "itemReceive", "quantity", "location"} <= set(line)
    assert "restock" not in line
    assert "restock" not in answer.json["properties"]
    prefer(account, item_receipt_restock=True)
    again = account.call("GET", "metadata-catalog/itemreceipt", Accept="application/schema+json").json
    assert "restock" in again["properties"]["item"]["properties"]["items"]["items"]["properties"]


def test_the_catalog_lists_types_and_narrows_the_openapi_document(account: TrialAccount) -> None:
    names = {entry["name"] for entry in account.call("GET", "metadata-catalog").json["items"]}
    assert {"salesOrder", "creditMemo", "customerRefund", "accountingPeriod"} <= names
    path = "metadata-catalog?select=creditMemo,customerRefund"
    document = account.call("GET", path, Accept="application/swagger+json").json
    assert set(document["components"]["schemas"]) == {"creditMemo", "customerRefund"}
    refund = document["components"]["schemas"]["customerRefund"]["properties"]
    assert "paymentMethod" not in refund  # only paymentOption in 2026.1
    assert account.call("GET", "metadata-catalog/nonsense").status == 404


# --- the world ---


def test_a_brief_world_is_filled_up(account: TrialAccount) -> None:
    account.reload(
        {
            "account": "TSTDRV1",
            "salesOrder": [
                {
                    "externalId": "o-1",
                    "entity": "77",
                    "lines": [{"item": "SKU-9", "quantity": 2, "rate": 12.5, "line": 3}],
                }
            ],
            "preferences": {"notAPreference": 1},
        }
    )
    order = account.call("GET", "salesOrder/eid:o-1?expandSubResources=true").json
    assert (order["total"], order["status"]["id"], order["entity"]["id"]) == (D(25), "G", "77")
    assert [(line["line"], line["item"]["refName"]) for line in order["item"]["items"]] == [(3, "SKU-9")]
    assert account.state()["unknown_preferences"] == ["not_a_preference"]


def test_an_order_billed_by_invoice_brings_its_invoice_and_its_shipment(account: TrialAccount) -> None:
    rows = account.query(
        "SELECT DISTINCT t.type, t.status FROM transactionline l JOIN transaction t "
        "ON t.id = l.transaction WHERE l.createdfrom = 3002 ORDER BY t.type"
    ).json["items"]
    assert [(row["type"], row["status"]) for row in rows] == [("CustInvc", "B"), ("ItemShip", "C")]


def test_bills_listed_by_the_world_take_the_place_of_implied_ones(account: TrialAccount) -> None:
    order = {"id": "1", "entity": "501", "lines": [{"item": "301", "quantity": 2, "rate": 10}]}
    bill = {
        "id": "2",
        "createdFrom": "1",
        "entity": "501",
        "amountRemaining": 20,
        "paid": False,
        "lines": [{"item": "301", "quantity": 2, "rate": 10}],
    }
    account.reload({**EXAMPLE_WORLD, "salesOrder": [order], "invoice": [bill]})
    invoice = account.call("GET", "invoice/2").json
    assert (invoice["status"]["id"], invoice["amountRemaining"]) == ("A", D(20))
    assert account.query("SELECT id FROM transaction WHERE type IN ('CashSale', 'CustInvc')").json["totalResults"] == 1
    assert account.call("GET", "salesOrder/1").json["status"]["id"] == "G"


def test_made_up_documents_never_take_an_id_of_the_world(account: TrialAccount) -> None:
    orders = [
        {"id": str(9000 + n), "entity": "501", "billing": "invoice", "lines": [{"item": "301"}]} for n in range(3)
    ]
    account.reload({**EXAMPLE_WORLD, "salesOrder": orders})
    found = account.query("SELECT type, COUNT(*) AS n FROM transaction GROUP BY type ORDER BY type").json["items"]
    assert [(row["type"], row["n"]) for row in found] == [("CustInvc", "3"), ("ItemShip", "3"), ("SalesOrd", "3")]


def test_an_id_given_twice_in_a_world_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="9000"):
        TrialAccount({"salesOrder": [{"id": "9000", "entity": "1"}], "invoice": [{"id": "9000", "entity": "1"}]})
