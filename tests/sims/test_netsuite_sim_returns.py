"""The road of a return through the simulated NetSuite: transforms, states, money, kits (NetSuite sheet §4-§6, §10)."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from counterfoil.erps.netsuite.sim.example import EXAMPLE_WORLD
from counterfoil.erps.netsuite.sim.trial import Answer, TrialAccount

D = Decimal
SO_TO_RMA = "salesOrder/3001/!transform/returnAuthorization"


@pytest.fixture(scope="module")
def running() -> Iterator[TrialAccount]:
    with TrialAccount() as account:
        yield account


@pytest.fixture
def account(running: TrialAccount) -> TrialAccount:
    running.reload(EXAMPLE_WORLD)
    return running


def prefer(account: TrialAccount, **preferences: Any) -> None:
    """Start again with other switches."""
    account.reload({**EXAMPLE_WORLD, "preferences": preferences})


def world_with(**changes: Any) -> dict[str, Any]:
    return {**deepcopy(EXAMPLE_WORLD), **changes}


def body_of(*lines: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**fields, "item": {"items": list(lines)}}


def returned(account: TrialAccount, *lines: dict[str, Any], **fields: Any) -> str:
    """A return of these lines of order 3001; without lines, one shirt."""
    body = body_of(*(lines or ({"orderLine": 1, "quantity": 1},)), **fields)
    return made(account.call("POST", f"{SO_TO_RMA}?replace=item", body))


def received(account: TrialAccount, rma: str, *lines: dict[str, Any], **fields: Any) -> str:
    body = body_of(*lines, **fields) if lines else fields or None
    return made(account.call("POST", f"returnAuthorization/{rma}/!transform/itemReceipt", body))


def credited(account: TrialAccount, rma: str, *lines: dict[str, Any], **fields: Any) -> str:
    fields = {"autoApply": False, **fields}
    path = f"returnAuthorization/{rma}/!transform/creditMemo" + ("?replace=item" if lines else "")
    return made(account.call("POST", path, body_of(*lines, **fields) if lines else fields))


def made(answer: Answer) -> str:
    assert answer.status == 204, answer.body
    assert answer.body == b""
    return answer.made_id


def refused(answer: Answer, words: str) -> None:
    """A business refusal: 400, USER_ERROR, and these words in the sentence (sheet §8)."""
    status, code, detail = answer.error
    assert (status, code) == (400, "USER_ERROR")
    assert words in detail


def read(account: TrialAccount, kind: str, record: str) -> Any:
    answer = account.call("GET", f"{kind}/{record}?expandSubResources=true")
    assert answer.status == 200, answer.body
    return answer.json


def lines_of(account: TrialAccount, kind: str, record: str) -> list[Any]:
    found: list[Any] = read(account, kind, record)["item"]["items"]
    return found


def letter(account: TrialAccount, record: str, kind: str = "returnAuthorization") -> str:
    return str(read(account, kind, record)["status"]["id"])


def on_hand(account: TrialAccount, item: str, location: str = "6", **more: str) -> Any:
    rows = [r for r in account.state()["stock"] if (r["item"], r["location"]) == (item, location)]
    rows = [r for r in rows if all(r[name] == value for name, value in more.items())]
    return sum((D(r["quantityOnHand"]) for r in rows), D(0))


# --- the whole road ---


def test_a_return_is_opened_received_credited_and_refunded_step_by_step(account: TrialAccount) -> None:
    rma = returned(account, externalId="r-1", orderStatus={"id": "B"}, memo="Too small", otherRefNum="LOOP-77")
    assert letter(account, rma) == "B"
    receipt = received(
        account,
        rma,
        {"orderLine": 1, "itemReceive": True, "quantity": 1, "location": {"id": "6"}},
        externalId="r-1-rcpt",
    )
    assert letter(account, rma) == "F"
    memo = credited(account, rma, {"orderLine": 1, "quantity": 1}, externalId="r-1-cm")
    assert letter(account, rma) == "G"
    apply = {"items": [{"doc": {"id": memo}, "apply": True, "amount": 48.00}]}
    refund = made(
        account.call(
            "POST",
            f"creditMemo/{memo}/!transform/customerRefund",
            {
                "externalId": "r-1-rf",
                "account": {"id": "120"},
                "paymentOption": {"id": "9"},
                "handlingMode": {"id": "SAVE_ONLY"},
                "apply": apply,
            },
        )
    )
    credit = read(account, "creditMemo", memo)
    assert (credit["status"]["id"], credit["total"], credit["amountRemaining"]) == ("B", D(48), D(0))
    assert read(account, "customerRefund", refund)["total"] == D(48)
    assert read(account, "itemReceipt", receipt)["createdFrom"]["id"] == rma
    assert account.state()["payments_sent"] == []


def test_the_documents_made_are_shown_in_full_by_the_control_path(account: TrialAccount) -> None:
    rma = returned(account, externalId="r-1")
    documents = account.state()["documents"]
    assert [document["id"] for document in documents["returnAuthorization"]] == [rma]
    assert documents["returnAuthorization"][0]["item"]["items"][0]["orderLine"] == 1
    assert documents["salesOrder"] == []  # the world's own documents are not ours


def test_resetting_forgets_the_documents(account: TrialAccount) -> None:
    returned(account)
    account.send("POST", "/__sim/reset")
    assert account.state()["documents"]["returnAuthorization"] == []


# --- order to return ---


def test_line_numbers_are_not_sequential(account: TrialAccount) -> None:
    assert [line["line"] for line in lines_of(account, "salesOrder", "3001")] == [1, 4, 7]


def test_without_a_body_everything_that_remains_is_returned(account: TrialAccount) -> None:
    rma = made(account.call("POST", SO_TO_RMA))
    lines = lines_of(account, "returnAuthorization", rma)
    assert [(line["item"]["refName"], line["quantity"], line["orderLine"]) for line in lines] == [
        ("SHIRT-M", D(2), 1),
        ("BELT", D(1), 4),
        ("TEA-SET", D(1), 7),
    ]


def test_lines_not_mentioned_keep_their_default_unless_replace_is_asked_for(account: TrialAccount) -> None:
    asked = body_of({"orderLine": 1, "quantity": 1})
    rma = made(account.call("POST", SO_TO_RMA, asked))
    assert [line["quantity"] for line in lines_of(account, "returnAuthorization", rma)] == [D(1), D(1), D(1)]
    account.reload(EXAMPLE_WORLD)
    assert len(lines_of(account, "returnAuthorization", returned(account))) == 1


def test_two_return_lines_may_share_one_order_line(account: TrialAccount) -> None:
    rma = returned(
        account,
        {"orderLine": 1, "quantity": 1, "custcol_reason": "size"},
        {"orderLine": 1, "quantity": 1, "custcol_reason": "colour"},
    )
    lines = lines_of(account, "returnAuthorization", rma)
    assert [(line["line"], line["orderLine"], line["custcol_reason"]) for line in lines] == [
        (1, 1, "size"),
        (4, 1, "colour"),
    ]


def test_no_more_than_was_shipped_can_be_returned_however_it_is_split(account: TrialAccount) -> None:
    asked = body_of({"orderLine": 1, "quantity": 1}, {"orderLine": 1, "quantity": 2})
    refused(account.call("POST", f"{SO_TO_RMA}?replace=item", asked), "quantity remaining on line 1 is 2")
    returned(account, {"orderLine": 1, "quantity": 2})
    again = body_of({"orderLine": 1, "quantity": 1})
    refused(account.call("POST", f"{SO_TO_RMA}?replace=item", again), "remaining")


def test_a_return_from_the_bill_and_one_from_the_order_share_the_same_goods(account: TrialAccount) -> None:
    rows = account.query(
        "SELECT DISTINCT transaction FROM transactionline l "
        "JOIN transaction t ON t.id = l.transaction "
        "WHERE l.createdfrom = 3001 AND t.type = 'CashSale'"
    ).json["items"]
    bill = rows[0]["transaction"]
    path = f"cashSale/{bill}/!transform/returnAuthorization?replace=item"
    made(account.call("POST", path, body_of({"orderLine": 1, "quantity": 2})))
    refused(account.call("POST", f"{SO_TO_RMA}?replace=item", body_of({"orderLine": 1, "quantity": 1})), "remaining")


def test_an_order_that_was_never_shipped_nor_billed_has_nothing_to_return(account: TrialAccount) -> None:
    account.reload(world_with(salesOrder=[{"id": "1", "entity": "501", "billing": None, "lines": [{"item": "301"}]}]))
    assert letter(account, "1", "salesOrder") == "B"
    refused(account.call("POST", "salesOrder/1/!transform/returnAuthorization"), "at least one line item")


def test_a_partly_shipped_order_can_be_returned_as_far_as_it_was_shipped(account: TrialAccount) -> None:
    line = {"item": "301", "quantity": 3, "rate": 10, "quantityFulfilled": 2}
    account.reload(world_with(salesOrder=[{"id": "1", "entity": "501", "lines": [line], "location": "6"}]))
    assert letter(account, "1", "salesOrder") == "E"
    rma = made(account.call("POST", "salesOrder/1/!transform/returnAuthorization"))
    assert lines_of(account, "returnAuthorization", rma)[0]["quantity"] == D(2)


def test_an_order_pending_approval_cannot_be_returned(account: TrialAccount) -> None:
    order = {"id": "1", "entity": "501", "status": "A", "lines": [{"item": "301"}]}
    account.reload(world_with(salesOrder=[order]))
    refused(account.call("POST", "salesOrder/1/!transform/returnAuthorization"), "Pending Approval")


def test_an_order_line_that_does_not_exist_is_an_invalid_value(account: TrialAccount) -> None:
    answer = account.call("POST", f"{SO_TO_RMA}?replace=item", body_of({"orderLine": 2, "quantity": 1}))
    assert answer.error[1] == "INVALID_CONTENT"
    assert answer.json["o:errorDetails"][0]["o:errorPath"] == "item.items[0].orderLine"


@pytest.mark.parametrize("quantity", [0, -1])
def test_a_quantity_must_be_positive(account: TrialAccount, quantity: int) -> None:
    refused(
        account.call("POST", f"{SO_TO_RMA}?replace=item", body_of({"orderLine": 1, "quantity": quantity})), "quantity"
    )


def test_a_line_of_its_own_can_be_added_for_a_fee(account: TrialAccount) -> None:
    rma = returned(account, {"orderLine": 1, "quantity": 1}, {"item": {"id": "390"}, "quantity": 1, "amount": -5})
    document = read(account, "returnAuthorization", rma)
    assert (document["subtotal"], document["total"]) == (D(35), D(43))


def test_a_return_starts_in_the_accounts_default_state_unless_told(account: TrialAccount) -> None:
    prefer(account, default_return_authorization_status="Pending Approval")
    rma = returned(account)
    assert letter(account, rma) == "A"
    refused(account.call("POST", f"returnAuthorization/{rma}/!transform/itemReceipt"), "Pending Approval")
    assert account.call("PATCH", f"returnAuthorization/{rma}", {"orderStatus": {"id": "B"}}).status == 204
    assert letter(account, rma) == "B"
    assert letter(account, returned(account, orderStatus={"id": "B"})) == "B"


@pytest.mark.parametrize("status", ["C", "G", "H"])
def test_only_two_order_states_are_writable(account: TrialAccount, status: str) -> None:
    body = body_of({"orderLine": 1, "quantity": 1}, orderStatus={"id": status})
    answer = account.call("POST", f"{SO_TO_RMA}?replace=item", body)
    assert answer.error[:2] == (400, "INVALID_CONTENT")


def test_returns_need_the_feature(account: TrialAccount) -> None:
    prefer(account, return_authorizations=False)
    refused(account.call("POST", SO_TO_RMA), "not supported")


def test_a_transform_wants_an_internal_id(account: TrialAccount) -> None:
    path = "salesOrder/eid:shop-1001/!transform/returnAuthorization"
    assert account.call("POST", path).error[:2] == (404, "NONEXISTENT_ID")
    prefer(account, transform_by_external_id=True)
    assert account.call("POST", path).status == 204


def test_a_transform_can_be_previewed_without_saving_anything(account: TrialAccount) -> None:
    accept = "application/vnd.oracle.resource+json; type=create-form"
    answer = account.call("POST", SO_TO_RMA, None, Accept=accept)
    assert answer.status == 200
    assert (answer.json["total"], len(answer.json["item"]["items"])) == (D("143.99"), 3)
    assert "id" not in answer.json
    assert account.state()["documents"]["returnAuthorization"] == []


def test_type_names_in_a_transform_ignore_case(account: TrialAccount) -> None:
    assert account.call("POST", "salesorder/3001/!transform/returnauthorization").status == 204


def test_an_unknown_transform_is_refused(account: TrialAccount) -> None:
    refused(account.call("POST", "salesOrder/3001/!transform/creditMemo"), "not supported")
    assert account.call("POST", "salesOrder/3001/!transform/nonsense").error[0] == 404


def test_minimum_quantities_can_be_enforced_on_returns(account: TrialAccount) -> None:
    items = [{**item, "minimumQuantity": 2} for item in EXAMPLE_WORLD["inventoryItem"]]
    account.reload(world_with(inventoryItem=items))
    returned(account)
    switches = {"enforce_minimum_quantity_on_return_authorizations": True}
    account.reload(world_with(inventoryItem=items, preferences=switches))
    refused(account.call("POST", f"{SO_TO_RMA}?replace=item", body_of({"orderLine": 1, "quantity": 1})), "minimum")


# --- receipts ---


def test_a_receipt_takes_everything_that_is_open_unless_lines_are_excluded(account: TrialAccount) -> None:
    rma = returned(account, {"orderLine": 1, "quantity": 2}, {"orderLine": 4, "quantity": 1})
    receipt = received(account, rma, {"orderLine": 4, "itemReceive": False})
    assert [(line["orderLine"], line["quantity"]) for line in lines_of(account, "itemReceipt", receipt)] == [(1, D(2))]
    assert letter(account, rma) == "E"
    received(account, rma)
    assert letter(account, rma) == "F"


def test_a_receipt_line_may_be_keyed_by_line_instead(account: TrialAccount) -> None:
    rma = returned(account, {"orderLine": 1, "quantity": 2})
    received(account, rma, {"line": 1, "quantity": 1})
    assert lines_of(account, "returnAuthorization", rma)[0]["quantityReceived"] == D(1)
    prefer(account, transform_line_key="orderLine")
    rma = returned(account, {"orderLine": 1, "quantity": 2})
    answer = account.call(
        "POST", f"returnAuthorization/{rma}/!transform/itemReceipt", body_of({"line": 1, "quantity": 1})
    )
    assert answer.error[:2] == (400, "INVALID_CONTENT")


def test_over_receipt_is_refused_unless_the_account_allows_it(account: TrialAccount) -> None:
    rma, body = returned(account), body_of({"orderLine": 1, "quantity": 2, "location": {"id": "6"}})
    refused(account.call("POST", f"returnAuthorization/{rma}/!transform/itemReceipt", body), "cannot receive 2")
    assert account.state()["documents"]["itemReceipt"] == []
    prefer(account, allow_over_receipt=True)
    rma = returned(account)
    assert account.call("POST", f"returnAuthorization/{rma}/!transform/itemReceipt", body).status == 204


def test_a_second_receipt_of_the_same_goods_is_refused(account: TrialAccount) -> None:
    rma = returned(account)
    received(account, rma)
    refused(account.call("POST", f"returnAuthorization/{rma}/!transform/itemReceipt"), "Pending Refund")


def test_a_receipt_of_nothing_is_refused(account: TrialAccount) -> None:
    rma = returned(account)
    body = body_of({"orderLine": 1, "itemReceive": False})
    refused(account.call("POST", f"returnAuthorization/{rma}/!transform/itemReceipt", body), "at least one line item")


def test_a_receipt_needs_a_location(account: TrialAccount) -> None:
    order = {"id": "1", "entity": "501", "lines": [{"item": "301", "rate": 5}], "billing": "cashSale"}
    account.reload(world_with(salesOrder=[order]))
    rma = made(account.call("POST", "salesOrder/1/!transform/returnAuthorization"))
    refused(
        account.call("POST", f"returnAuthorization/{rma}/!transform/itemReceipt"), "Please enter value(s) for: Location"
    )
    received(account, rma, location={"id": "6"})
    assert on_hand(account, "301") == D(11)


def test_receipts_cannot_be_created_from_nothing(account: TrialAccount) -> None:
    refused(account.call("POST", "itemReceipt", body_of({"item": "301", "quantity": 1})), "Created From")


def test_without_advanced_receiving_the_credit_is_the_receipt(account: TrialAccount) -> None:
    prefer(account, advanced_receiving=False)
    rma = returned(account)
    refused(account.call("POST", f"returnAuthorization/{rma}/!transform/itemReceipt"), "not supported")
    before = on_hand(account, "301")
    credited(account, rma)
    assert (letter(account, rma), on_hand(account, "301") - before) == ("G", D(1))


def test_received_goods_go_back_on_the_shelf(account: TrialAccount) -> None:
    received(account, returned(account, {"orderLine": 1, "quantity": 2}))
    assert on_hand(account, "301") == D(12)


def test_goods_are_written_off_when_the_account_does_not_restock(account: TrialAccount) -> None:
    prefer(account, restock_returned_items=False)
    received(account, returned(account))
    assert on_hand(account, "301") == D(10)


def test_goods_can_be_received_into_an_inventory_status_that_is_not_available(account: TrialAccount) -> None:
    detail = {"inventoryAssignment": {"items": [{"quantity": 1, "inventoryStatus": {"id": "2"}}]}}
    received(account, returned(account), {"orderLine": 1, "inventoryDetail": detail})
    assert on_hand(account, "301", inventoryStatus="2") == D(1)
    row = account.query("SELECT quantityonhand, quantityavailable FROM inventorybalance WHERE inventorystatus = 2")
    assert row.json["items"] == [{"links": [], "quantityonhand": "1", "quantityavailable": "0"}]


def test_an_inventory_detail_must_add_up_and_name_a_known_status(account: TrialAccount) -> None:
    rma = returned(account)
    path = f"returnAuthorization/{rma}/!transform/itemReceipt"
    for entry, words in (({"quantity": 2}, "must be equal"), ({"quantity": 1, "inventoryStatus": "77"}, "77")):
        detail = {"inventoryAssignment": {"items": [entry]}}
        answer = account.call("POST", path, body_of({"orderLine": 1, "inventoryDetail": detail}))
        assert answer.status == 400
        assert words in answer.error[2]


# --- states ---


def test_partly_received_and_partly_credited_returns_have_their_own_states(account: TrialAccount) -> None:
    rma = returned(account, {"orderLine": 1, "quantity": 2})
    received(account, rma, {"orderLine": 1, "quantity": 1})
    assert letter(account, rma) == "E"
    credited(account, rma, {"orderLine": 1, "quantity": 1})
    assert letter(account, rma) == "D"
    received(account, rma)
    assert letter(account, rma) == "F"
    credited(account, rma)
    assert letter(account, rma) == "G"


def test_a_credit_before_the_goods_is_refused(account: TrialAccount) -> None:
    rma = returned(account, {"orderLine": 1, "quantity": 2})
    path = f"returnAuthorization/{rma}/!transform/creditMemo?replace=item"
    refused(account.call("POST", path, body_of({"orderLine": 1, "quantity": 1})), "Pending Receipt")
    received(account, rma, {"orderLine": 1, "quantity": 1})
    refused(account.call("POST", path, body_of({"orderLine": 1, "quantity": 2})), "cannot credit 2")


def test_refund_in_advance_lets_the_credit_come_first(account: TrialAccount) -> None:
    prefer(account, refund_in_advance_of_return=True)
    rma = returned(account)
    credited(account, rma)
    assert letter(account, rma) == "B"
    received(account, rma)
    assert letter(account, rma) == "G"


def test_goods_cannot_be_credited_twice(account: TrialAccount) -> None:
    rma = returned(account)
    received(account, rma)
    credited(account, rma)
    refused(account.call("POST", f"returnAuthorization/{rma}/!transform/creditMemo"), "Refunded")


def test_closing_every_line_closes_the_return(account: TrialAccount) -> None:
    rma = returned(account, {"orderLine": 1, "quantity": 2}, {"orderLine": 4, "quantity": 1})
    close = {"items": [{"line": 1, "isClosed": True}, {"line": 4, "isClosed": True}]}
    assert account.call("PATCH", f"returnAuthorization/{rma}", {"item": close}).status == 204
    assert letter(account, rma) == "H"
    refused(account.call("POST", f"returnAuthorization/{rma}/!transform/itemReceipt"), "Closed")
    returned(account, {"orderLine": 1, "quantity": 2})  # what never came back can be returned again


def test_a_refunded_return_stays_refunded_when_its_lines_are_closed(account: TrialAccount) -> None:
    rma = returned(account)
    received(account, rma)
    credited(account, rma)
    account.call("PATCH", f"returnAuthorization/{rma}", {"item": {"items": [{"line": 1, "isClosed": True}]}})
    assert letter(account, rma) == "G"


def test_a_deleted_receipt_takes_the_goods_and_the_state_back(account: TrialAccount) -> None:
    rma = returned(account)
    receipt = received(account, rma)
    assert account.call("DELETE", f"returnAuthorization/{rma}").error[0] == 400  # others are linked to it
    assert account.call("DELETE", f"itemReceipt/{receipt}").status == 204
    assert (letter(account, rma), on_hand(account, "301")) == ("B", D(10))
    assert account.call("DELETE", f"returnAuthorization/{rma}").status == 204


# --- money ---


def test_amounts_and_taxes_are_copied_through_the_chain_and_computed_to_the_cent(account: TrialAccount) -> None:
    rma = returned(account, {"orderLine": 1, "quantity": 1}, {"orderLine": 4, "quantity": 1})
    received(account, rma)
    for kind, record in (("returnAuthorization", rma), ("creditMemo", credited(account, rma))):
        document = read(account, kind, record)
        figures = [document[name] for name in ("subtotal", "taxTotal", "total")]
        assert figures == [D("59.99"), D("12.00"), D("71.99")]


def test_an_odd_tax_of_the_order_is_copied_in_proportion(account: TrialAccount) -> None:
    line = {"item": "301", "quantity": 3, "rate": "10.00", "tax1Amt": "5.55"}
    account.reload(
        world_with(salesOrder=[{"id": "1", "entity": "501", "location": "6", "billing": "cashSale", "lines": [line]}])
    )
    assert read(account, "salesOrder", "1")["taxTotal"] == D("5.55")
    path = "salesOrder/1/!transform/returnAuthorization?replace=item"
    part = made(account.call("POST", path, body_of({"orderLine": 1, "quantity": 1})))
    assert read(account, "returnAuthorization", part)["taxTotal"] == D("1.85")


def test_a_tax_on_the_document_as_a_whole_is_copied_in_proportion(account: TrialAccount) -> None:
    order = {
        "id": "1",
        "entity": "501",
        "location": "6",
        "billing": "invoice",
        "taxTotal": "2.21",
        "lines": [{"item": "301", "quantity": 2, "rate": "10.00"}, {"item": "302", "quantity": 1, "rate": "5.00"}],
    }
    account.reload(world_with(salesOrder=[order]))
    path = "salesOrder/1/!transform/returnAuthorization?replace=item"
    rma = made(account.call("POST", path, body_of({"orderLine": 4, "quantity": 1})))
    assert read(account, "returnAuthorization", rma)["taxTotal"] == D("0.44")


def test_an_amount_or_a_rate_sent_by_the_caller_wins(account: TrialAccount) -> None:
    first = returned(account, {"orderLine": 1, "quantity": 1, "amount": 33.33})
    assert lines_of(account, "returnAuthorization", first)[0]["rate"] == D("33.33")
    assert read(account, "returnAuthorization", first)["total"] == D("40.00")  # 33.33 + 20 %
    second = returned(account, {"orderLine": 1, "quantity": 1, "rate": 10.005})
    assert lines_of(account, "returnAuthorization", second)[0]["amount"] == D("10.01")


def test_a_whole_line_keeps_its_amount_to_the_cent(account: TrialAccount) -> None:
    line = {"item": "301", "quantity": 3, "amount": "10.00"}
    account.reload(
        world_with(salesOrder=[{"id": "1", "entity": "501", "location": "6", "billing": "cashSale", "lines": [line]}])
    )
    path = "salesOrder/1/!transform/returnAuthorization?replace=item"
    rma = made(account.call("POST", path, body_of({"orderLine": 1, "quantity": 3})))
    assert read(account, "returnAuthorization", rma)["total"] == D("10.00")


@pytest.mark.parametrize(("symbol", "rate", "tax"), [("JPY", "333", "33"), ("KWD", "3.337", "0.334")])
def test_totals_have_the_digits_of_their_currency(account: TrialAccount, symbol: str, rate: str, tax: str) -> None:
    order = {
        "id": "1",
        "entity": "501",
        "currency": "5",
        "location": "6",
        "lines": [{"item": "301", "quantity": 1, "rate": rate, "taxRate": 10}],
    }
    account.reload(world_with(currency=[{"id": "5", "name": symbol, "symbol": symbol}], salesOrder=[order]))
    document = read(account, "salesOrder", "1")
    assert (document["taxTotal"], document["total"]) == (D(tax), D(rate) + D(tax))


def test_legacy_tax_cannot_be_set_by_the_caller(account: TrialAccount) -> None:
    rma = returned(account, {"orderLine": 1, "quantity": 1, "tax1Amt": 1.00})
    assert read(account, "returnAuthorization", rma)["taxTotal"] == D(8)
    body = body_of({"orderLine": 1, "quantity": 1, "tax1Amt": 1.00})
    prefer(account, legacy_tax_fields="refused")
    assert account.call("POST", f"{SO_TO_RMA}?replace=item", body).error[1] == "INVALID_CONTENT"
    prefer(account, legacy_tax_fields="accepted")
    rma = made(account.call("POST", f"{SO_TO_RMA}?replace=item", body))
    assert read(account, "returnAuthorization", rma)["taxTotal"] == D(1)


def test_suitetax_lets_the_caller_set_tax_details(account: TrialAccount) -> None:
    details = {"items": [{"taxDetailsReference": "a", "taxAmount": 7.77, "taxBasis": 40, "taxRate": 19.4}]}
    body = {
        **body_of({"orderLine": 1, "quantity": 1, "taxDetailsReference": "a"}),
        "taxDetailsOverride": True,
        "taxDetails": details,
    }
    prefer(account, suitetax=True)
    rma = made(account.call("POST", f"{SO_TO_RMA}?replace=item", body))
    assert read(account, "returnAuthorization", rma)["taxTotal"] == D("7.77")
    account.reload(EXAMPLE_WORLD)
    answer = account.call("POST", f"{SO_TO_RMA}?replace=item", body, X_NetSuite_PropertyNameValidation="Error")
    assert {d["o:errorPath"] for d in answer.json["o:errorDetails"]} == {"taxDetailsOverride", "taxDetails"}


def test_a_header_discount_does_not_follow_into_the_return_unless_the_switch_says_so(account: TrialAccount) -> None:
    order = {
        "id": "1",
        "entity": "501",
        "location": "6",
        "discountRate": "-10%",
        "billing": "cashSale",
        "lines": [{"item": "301", "quantity": 1, "rate": 40}],
    }
    for switch, total in (("dropped", 40), ("copied", 36)):
        account.reload(world_with(salesOrder=[order], preferences={"header_discount_on_transform": switch}))
        assert read(account, "salesOrder", "1")["total"] == D(36)
        rma = made(account.call("POST", "salesOrder/1/!transform/returnAuthorization"))
        assert read(account, "returnAuthorization", rma)["total"] == D(total)


def test_shipping_is_credited_from_the_credit_memo(account: TrialAccount) -> None:
    rma = made(account.call("POST", "salesOrder/3002/!transform/returnAuthorization"))
    received(account, rma)
    memo = read(account, "creditMemo", credited(account, rma, shippingCost=4.95))
    assert (memo["shippingCost"], memo["total"]) == (D("4.95"), D("54.85"))


def test_a_negative_total_is_refused(account: TrialAccount) -> None:
    body = body_of({"orderLine": 1, "quantity": 1}, {"item": {"id": "390"}, "quantity": 1, "amount": -50})
    refused(account.call("POST", f"{SO_TO_RMA}?replace=item", body), "negative")


# --- refunds ---


def credit(account: TrialAccount) -> str:
    rma = returned(account)
    received(account, rma)
    return credited(account, rma)


def test_a_refund_needs_an_account(account: TrialAccount) -> None:
    answer = account.call("POST", f"creditMemo/{credit(account)}/!transform/customerRefund", {})
    refused(answer, "Please enter value(s) for: Account")


def test_part_of_a_credit_can_be_refunded_but_not_more_than_remains(account: TrialAccount) -> None:
    memo = credit(account)
    path = f"creditMemo/{memo}/!transform/customerRefund"

    def refund(amount: float) -> Answer:
        apply = {"items": [{"doc": {"id": memo}, "apply": True, "amount": amount}]}
        return account.call("POST", path, {"account": "120", "apply": apply})

    made(refund(20.01))
    document = read(account, "creditMemo", memo)
    assert (document["status"]["id"], document["amountRemaining"]) == ("A", D("27.99"))
    refused(refund(28), "27.99")
    made(refund(27.99))
    refused(refund(1), "cannot be refunded")


def test_where_the_refund_transform_is_missing_a_refund_is_posted_with_apply_lines(account: TrialAccount) -> None:
    prefer(account, credit_memo_to_customer_refund=False)
    memo = credit(account)
    refused(account.call("POST", f"creditMemo/{memo}/!transform/customerRefund", {"account": "120"}), "not supported")
    apply = {"items": [{"doc": {"id": memo}, "apply": True, "amount": 48}]}
    made(account.call("POST", "customerRefund", {"customer": {"id": "501"}, "account": "120", "apply": apply}))
    assert letter(account, memo, "creditMemo") == "B"


def test_a_refund_of_nothing_or_of_another_customers_credit_is_refused(account: TrialAccount) -> None:
    other = {"id": "502", "companyName": "Alex Example", "currency": "1"}
    account.reload(world_with(customer=[*EXAMPLE_WORLD["customer"], other]))
    memo = credit(account)
    refused(account.call("POST", "customerRefund", {"customer": "501", "account": "120"}), "at least one")
    apply = {"items": [{"doc": {"id": memo}, "apply": True, "amount": 1}]}
    answer = account.call("POST", "customerRefund", {"customer": "502", "account": "120", "apply": apply})
    assert answer.error[1] == "INVALID_CONTENT"


def test_a_credit_applies_itself_to_open_invoices_unless_told_not_to(account: TrialAccount) -> None:
    order = {**EXAMPLE_WORLD["salesOrder"][1], "paid": False}
    account.reload(world_with(salesOrder=[order]))

    def credit_of(**fields: Any) -> Any:
        rma = made(account.call("POST", "salesOrder/3002/!transform/returnAuthorization"))
        received(account, rma)
        path = f"returnAuthorization/{rma}/!transform/creditMemo"
        return read(account, "creditMemo", made(account.call("POST", path, fields)))

    assert credit_of()["amountRemaining"] == D(0)
    account.reload(world_with(salesOrder=[order]))
    assert credit_of(autoApply=False)["amountRemaining"] == D("49.90")


def test_money_netsuite_would_send_itself_is_noted(account: TrialAccount) -> None:
    memo = credit(account)
    made(
        account.call("POST", f"creditMemo/{memo}/!transform/customerRefund", {"account": "120", "paymentOption": "10"})
    )
    assert [payment["amount"] for payment in account.state()["payments_sent"]] == [48]


def test_a_cash_refund_settles_a_return_by_itself(account: TrialAccount) -> None:
    rma = returned(account)
    received(account, rma)
    refund = made(account.call("POST", f"returnAuthorization/{rma}/!transform/cashRefund", {"account": "120"}))
    assert (letter(account, rma), read(account, "cashRefund", refund)["total"]) == ("G", D(48))


def test_an_invoice_and_a_cash_sale_can_be_credited_directly(account: TrialAccount) -> None:
    bills = account.query("SELECT id, type FROM transaction WHERE type IN ('CustInvc', 'CashSale')").json["items"]
    ids = {row["type"]: row["id"] for row in bills}
    memo = made(account.call("POST", f"invoice/{ids['CustInvc']}/!transform/creditMemo", {"autoApply": False}))
    assert read(account, "creditMemo", memo)["total"] == D("54.85")  # the bill's shipping comes along
    refund = made(account.call("POST", f"cashSale/{ids['CashSale']}/!transform/cashRefund"))
    assert read(account, "cashRefund", refund)["total"] == D("143.99")
    refused(account.call("POST", f"cashSale/{ids['CashSale']}/!transform/cashRefund"), "at least one line item")


# --- periods ---

PERIODS = [
    {"id": "90", "periodName": "Oct 2026", "startDate": "2026-10-01", "endDate": "2026-10-31", "closed": True},
    {"id": "91", "periodName": "Nov 2026", "startDate": "2026-11-01", "endDate": "2026-11-30", "arLocked": True},
    {"id": "92", "periodName": "Dec 2026", "startDate": "2026-12-01", "endDate": "2026-12-31"},
]
CLOSED = "The transaction date is not within an open accounting period"


def test_posting_into_a_closed_period_is_refused_and_a_return_is_not_posting(account: TrialAccount) -> None:
    account.reload(world_with(accountingPeriod=PERIODS, preferences={"today": "2026-12-05"}))
    rma = returned(account, tranDate="2026-10-20")
    path = f"returnAuthorization/{rma}/!transform/itemReceipt"
    refused(account.call("POST", path, {"tranDate": "2026-10-20"}), CLOSED)
    refused(account.call("POST", path, {"tranDate": "2027-01-02"}), CLOSED)
    receipt = received(account, rma)
    assert read(account, "itemReceipt", receipt)["postingPeriod"]["refName"] == "Dec 2026"


def test_a_lock_on_receivables_stops_credits_but_not_receipts(account: TrialAccount) -> None:
    world = world_with(accountingPeriod=PERIODS, preferences={"today": "2026-11-05"})
    account.reload(world)
    rma = returned(account)
    received(account, rma)
    refused(account.call("POST", f"returnAuthorization/{rma}/!transform/creditMemo"), CLOSED)
    account.reload({**world, "preferences": {"today": "2026-11-05", "override_period_restrictions": True}})
    rma = returned(account)
    received(account, rma)
    credited(account, rma)


def test_a_posting_period_may_be_chosen_against_the_date(account: TrialAccount) -> None:
    account.reload(world_with(accountingPeriod=PERIODS, preferences={"today": "2026-12-05"}))
    received(account, returned(account), tranDate="2026-10-20", postingPeriod={"id": "92"})


# --- kits ---


def test_a_kit_is_one_line_in_rest_and_its_parts_show_in_suiteql(account: TrialAccount) -> None:
    rma = returned(account, {"orderLine": 7, "quantity": 1})
    assert [line["itemType"] for line in lines_of(account, "returnAuthorization", rma)] == ["Kit"]
    rows = account.query(
        "SELECT id, item, itemtype, quantity, kitmemberof FROM transactionline "
        f"WHERE transaction = {rma} "
        "AND mainline = 'F' AND taxline = 'F' ORDER BY id"
    ).json["items"]
    assert [(r["item"], r["quantity"], r.get("kitmemberof")) for r in rows] == [
        ("350", "1", None),
        ("303", "2", "1"),
        ("304", "1", "1"),
    ]


def test_receiving_a_kit_receives_its_parts_and_restocks_them(account: TrialAccount) -> None:
    rma = returned(account, {"orderLine": 7, "quantity": 1})
    receipt = received(account, rma)
    lines = lines_of(account, "itemReceipt", receipt)
    assert [(line["item"]["id"], line.get("kitMemberOf")) for line in lines] == [("350", None), ("303", 1), ("304", 1)]
    assert (on_hand(account, "303"), on_hand(account, "304"), on_hand(account, "350")) == (D(2), D(1), D(0))
    assert letter(account, rma) == "F"


def test_parts_of_a_kit_cannot_be_received_apart_or_elsewhere(account: TrialAccount) -> None:
    rma = returned(account, {"orderLine": 7, "quantity": 1})
    path = f"returnAuthorization/{rma}/!transform/itemReceipt"
    apart = body_of({"orderLine": 1, "quantity": 1}, {"orderLine": 2, "itemReceive": False})
    refused(account.call("POST", path, apart), "received together")
    elsewhere = body_of({"orderLine": 1, "quantity": 1}, {"orderLine": 2, "location": {"id": "7"}})
    refused(account.call("POST", path, elsewhere), "one location")


def test_a_later_change_of_the_kit_does_not_change_the_return(account: TrialAccount) -> None:
    member = {"items": [{"line": 1, "item": "303", "quantity": 5}]}
    assert account.call("PATCH", "kitItem/350?replace=member", {"member": member}).status == 204
    rma = returned(account, {"orderLine": 7, "quantity": 1})
    rows = account.query(f"SELECT quantity FROM transactionline WHERE transaction = {rma} AND kitmemberof IS NOT NULL")
    assert [row["quantity"] for row in rows.json["items"]] == ["2", "1"]


# --- the other direction ---


def test_an_exchange_order_is_shipped_and_billed(account: TrialAccount) -> None:
    order = made(
        account.call(
            "POST",
            "salesOrder",
            body_of(
                {"item": {"id": "301"}, "quantity": 1, "rate": 0}, entity={"externalId": "shop-501"}, externalId="x-1"
            ),
        )
    )
    assert letter(account, order, "salesOrder") == "B"
    refused(account.call("POST", f"salesOrder/{order}/!transform/itemFulfillment"), "Location")
    shipped = made(account.call("POST", f"salesOrder/{order}/!transform/itemFulfillment", {"location": "6"}))
    assert (letter(account, order, "salesOrder"), on_hand(account, "301")) == ("F", D(9))
    made(account.call("POST", f"salesOrder/{order}/!transform/cashSale"))
    assert letter(account, order, "salesOrder") == "G"
    assert read(account, "itemFulfillment", shipped)["createdFrom"]["id"] == order


def test_an_inventory_adjustment_needs_an_account_and_moves_stock(account: TrialAccount) -> None:
    lines = {"items": [{"item": {"id": "301"}, "adjustQtyBy": -2, "location": {"id": "6"}}]}
    refused(account.call("POST", "inventoryAdjustment", {"inventory": lines}), "Please enter value(s) for: Account")
    made(account.call("POST", "inventoryAdjustment", {"account": "121", "inventory": lines}))
    assert on_hand(account, "301") == D(8)
