"""What differs from account to account in NetSuite: periods, permissions, subsidiaries, queued writes, no transforms."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from netsuite_bench import (
    CASE,
    FULL,
    Sim,
    connected,
    crediting,
    done,
    found_order,
    opening,
    order,
    received,
    receiving,
    refunding,
    refusal,
    stock,
    world,
)

from counterfoil.core.commands import CheckStock, FindSalesOrder
from counterfoil.core.documents import ErpOrder
from counterfoil.core.returns import Disposition
from counterfoil.erps.netsuite.client import NetSuiteClient
from counterfoil.ports.outcomes import AlreadyDone, Done, NotYet, Refused

# --- closed periods ---------------------------------------------------------------------------------------------------


def period(number: int, month: str, *, closed: bool = False, **more: Any) -> dict[str, Any]:
    days = {"2026-11": "30", "2026-12": "31", "2027-01": "31"}
    return {
        "id": str(number), "periodName": month, "startDate": f"{month}-01", "endDate": f"{month}-{days[month]}",
        "closed": closed, **more,
    }  # fmt: skip


QUARTER = {
    "id": "9",
    "periodName": "Q4",
    "startDate": "2026-10-01",
    "endDate": "2026-12-31",
    "isQuarter": True,
    "closed": False,
}


def shut_november(**december: Any) -> dict[str, Any]:
    months = [period(1, "2026-11", closed=True), period(2, "2026-12", **december), period(3, "2027-01")]
    return world(accountingPeriod=[*months, QUARTER])


def test_a_closed_period_is_refused_and_the_next_open_one_named(netsuite: Sim) -> None:
    netsuite.load(shut_november())
    with connected(netsuite) as client:
        found = found_order(client)
        rma = done(client.perform(opening(found, 2, 1)))  # not posting: it may be made
        refused = client.perform(receiving(found, rma, stock(rma, *FULL)))
    assert refusal(refused) == "period_closed"
    assert isinstance(refused, Refused)
    assert "The next open period is 2026-12 (2026-12-01 to 2026-12-31)" in refused.message
    assert netsuite.documents("itemReceipt") == []


@pytest.mark.parametrize(("rule", "dated"), [("keep", "2026-11-20"), ("first_day", "2026-12-01")])
def test_with_a_persons_agreement_everything_posts_into_the_next_open_period(
    netsuite: Sim, rule: str, dated: str
) -> None:
    netsuite.load(shut_november())
    with connected(netsuite, closed_period_date=rule) as client:
        found = found_order(client)
        rma = done(client.perform(opening(found, 2, 1)))
        receipt = receiving(found, rma, stock(rma, *FULL))
        done(client.perform(msgspec.structs.replace(receipt, post_in_open_period=True)))
        command = crediting(found, rma, {1: (2, 3334, 666), 2: (1, 833, 167)})
        credit = done(client.perform(msgspec.structs.replace(command, post_in_open_period=True)))
        paid = refunding(found, credit, 5000)
        done(client.perform(msgspec.structs.replace(paid, post_in_open_period=True)))
    made = [netsuite.documents(kind)[0] for kind in ("itemReceipt", "creditMemo", "customerRefund")]
    assert [each["postingPeriod"]["id"] for each in made] == ["2", "2", "2"]
    assert [each["tranDate"] for each in made[1:]] == [dated, dated]
    assert ("Of 2026-11-20." in made[1]["memo"]) == (rule == "first_day")


def test_a_lock_on_receivables_moves_the_credit_on_and_leaves_the_receipt_alone(netsuite: Sim) -> None:
    locked = [period(1, "2026-11", arLocked=True), period(2, "2026-12", arLocked=True), period(3, "2027-01")]
    netsuite.load(world(accountingPeriod=locked))
    with connected(netsuite) as client:
        found = found_order(client)
        rma = received(client, found)
        command = crediting(found, rma, {1: (2, 3334, 666)})
        refused = client.perform(command)
        assert isinstance(refused, Refused)
        assert "The next open period is 2027-01" in refused.message
        done(client.perform(msgspec.structs.replace(command, post_in_open_period=True)))
    [memo] = netsuite.documents("creditMemo")
    assert memo["postingPeriod"]["id"] == "3"


def test_an_agreement_changes_nothing_while_the_period_is_open(netsuite: Sim) -> None:
    with connected(netsuite) as client:
        found = found_order(client)
        rma = done(client.perform(opening(found, 2, 1)))
        receipt = receiving(found, rma, stock(rma, *FULL))
        done(client.perform(msgspec.structs.replace(receipt, post_in_open_period=True)))
    [made] = netsuite.documents("itemReceipt")
    assert (made["tranDate"], made["postingPeriod"]["refName"]) == ("2026-11-19", "Nov 2026")


def test_without_any_open_period_the_refusal_says_so(netsuite: Sim) -> None:
    netsuite.load(world(accountingPeriod=[period(1, "2026-11", closed=True)]))
    with connected(netsuite) as client:
        found = found_order(client)
        rma = done(client.perform(opening(found, 2, 1)))
        refused = client.perform(receiving(found, rma, stock(rma, *FULL)))
    assert isinstance(refused, Refused)
    assert "no open period after 2026-11-19" in refused.message


def test_a_deposit_is_not_paid_out_of_a_closed_period_either(netsuite: Sim) -> None:
    months = [period(1, "2026-11", arLocked=True), period(2, "2026-12")]
    netsuite.load(world(salesOrder=[order("3001", "#1001", "900001", "deposit")], accountingPeriod=months))
    with connected(netsuite) as client:
        found = found_order(client)
        rma = received(client, found)
        command = crediting(found, rma, {1: (2, 3334, 666)})
        refused = client.perform(command)
        assert isinstance(refused, Refused)
        assert "The next open period is 2026-12" in refused.message
        done(client.perform(msgspec.structs.replace(command, post_in_open_period=True)))
    assert netsuite.documents("customerRefund")[0]["postingPeriod"]["id"] == "2"


# --- permissions ------------------------------------------------------------------------------------------------------

KNOWN = {
    "returnAuthorization": "Transactions > Return Authorization",
    "itemReceipt": "Transactions > Item Receipt",
    "creditMemo": "Transactions > Credit Memo",
    "salesOrder": "Transactions > Sales Order",
    "customer": "Lists > Customers",
    "location": "Lists > Locations",
    "inventoryItem": "Lists > Items",
    "currency": "Lists > Currency",
    "accountingPeriod": "Setup > Manage Accounting Periods (view)",
}


@pytest.mark.parametrize("missing", sorted(KNOWN))
def test_the_start_up_check_names_the_missing_permission(netsuite: Sim, missing: str) -> None:
    hidden = [missing] if missing != "inventoryItem" else ["inventoryItem", "otherChargeSaleItem"]
    made = {
        "returnAuthorization": [{"id": "4001", "createdFrom": "3001"}],
        "itemReceipt": [{"id": "5001", "createdFrom": "4001"}],
        "creditMemo": [{"id": "6001", "createdFrom": "4001"}],
    }
    netsuite.load(world(role={"missing_permissions": hidden}, **made))
    with connected(netsuite, new_account=False) as client:
        health = client.probe()
    assert not health.ok
    assert any(KNOWN[missing] in text for fine, text in health.checks if not fine), health.checks


@pytest.mark.parametrize(("billing", "hidden"), [("invoice", "invoice"), ("cashSale", "cashSale")])
def test_a_bill_that_is_hidden_from_us_stops_the_return_instead_of_bending_its_credit(
    netsuite: Sim, billing: str, hidden: str
) -> None:
    sold = [order("3001", "#1001", "900001", billing)]
    netsuite.load(world(salesOrder=sold, role={"missing_permissions": [hidden]}))
    with connected(netsuite, new_account=False) as client:
        refused = client.perform(FindSalesOrder(case=CASE, step="order"))
        assert refusal(refused) == "permission_missing"
        failed = [text for fine, text in client.probe().checks if not fine]
    assert any(KNOWN_BILLS[hidden] in text for text in failed), failed


KNOWN_BILLS = {"invoice": "Transactions > Invoice", "cashSale": "Transactions > Cash Sale"}


def test_a_role_with_every_permission_passes_the_start_up_check(netsuite: Sim) -> None:
    made = {
        "returnAuthorization": [{"id": "4001", "createdFrom": "3001"}],
        "itemReceipt": [{"id": "5001", "createdFrom": "4001"}],
        "creditMemo": [{"id": "6001", "createdFrom": "4001"}],
    }
    netsuite.load(world(**made))
    with connected(netsuite, new_account=False) as client:
        health = client.probe()
    assert health.ok, health.checks


# --- subsidiaries -----------------------------------------------------------------------------------------------------


def two_houses() -> dict[str, Any]:
    houses = [{"id": "1", "name": "Example UK"}, {"id": "2", "name": "Example US"}]
    places = [
        {"id": "6", "name": "Main", "subsidiary": "1"},
        {"id": "7", "name": "Held", "subsidiary": "1"},
        {"id": "9", "name": "Write-off", "subsidiary": "1"},
        {"id": "26", "name": "Main US", "subsidiary": "2"},
        {"id": "29", "name": "Write-off US", "subsidiary": "2"},
    ]
    american = order("3001", "#1001", "900001", "invoice", subsidiary="2")
    for line in american["item"]["items"]:
        line["location"] = "26"
    return world(subsidiary=houses, location=places, salesOrder=[american])


def test_a_place_of_another_subsidiary_is_refused_with_a_sentence_before_anything_is_made(netsuite: Sim) -> None:
    netsuite.load(two_houses())
    with connected(netsuite) as client:
        found = found_order(client)
        assert found.company == "2"
        refused = client.perform(opening(found, 2, 1))
        assert refusal(refused) == "depot_not_mapped"
        assert isinstance(refused, Refused)
        assert "Location 6 belongs to Example UK" in refused.message
        assert "SO3001 to another subsidiary (2)" in refused.message
    assert netsuite.documents("returnAuthorization") == []


def test_each_subsidiary_has_its_own_places(netsuite: Sim) -> None:
    netsuite.load(two_houses())
    own = {"2": {"MAIN": "26", "write_off": "29"}}
    with connected(netsuite, subsidiary_locations=own) as client:
        found = found_order(client)
        rma = done(client.perform(opening(found, 2, 1)))
        split = stock(rma, (1, 2, "MAIN", Disposition.SELLABLE), (2, 1, None, Disposition.DAMAGED))
        done(client.perform(receiving(found, rma, split)))
        held = stock(rma, (1, 1, "HELD", Disposition.QUARANTINE))
        assert refusal(client.perform(receiving(found, rma, held, step="receipt-2"))) == "depot_not_mapped"
    [receipt] = netsuite.documents("itemReceipt")
    assert [line["location"]["id"] for line in receipt["item"]["items"]] == ["26", "29"]


def test_what_a_subsidiary_sold_and_can_promise_is_told_by_its_own_depots(netsuite: Sim) -> None:
    written_off = [{"item": "100", "location": "29", "quantityOnHand": 4}]
    here = [{"item": "100", "location": "26", "quantityOnHand": 2}]
    netsuite.load({**two_houses(), "inventoryBalance": here + written_off})
    own = {"2": {"MAIN": "26", "write_off": "29"}}
    with connected(netsuite, subsidiary_locations=own, locations={}) as client:
        found = found_order(client)
        assert [line.depot for line in found.lines] == ["MAIN", "MAIN"]
        outcome = done(client.perform(CheckStock(case=CASE, step="stock-1", order=found, skus=("TEE-M",))))
    assert {level.depot: level.available for level in outcome.stock} == {"MAIN": 2, None: 2}


def test_netsuite_itself_refuses_a_place_of_another_subsidiary(netsuite: Sim) -> None:
    """Also where our look at the locations found nothing, the refusal is read as one about the depot."""
    netsuite.load(two_houses())
    with connected(netsuite) as client:
        found = msgspec.structs.replace(found_order(client), company=None)
        assert refusal(client.perform(opening(found, 2, 1))) == "depot_not_mapped"
    assert netsuite.documents("returnAuthorization") == []


# --- queued writes ----------------------------------------------------------------------------------------------------


def counted(sim: Sim, kind: str) -> int:
    return len(sim.documents(kind))


def test_writes_are_synchronous_unless_the_account_is_told_otherwise(netsuite: Sim) -> None:
    netsuite.load(world(preferences={"job_polls": 1000}))  # a queued write would never be done
    with connected(netsuite) as client:
        done(client.perform(opening(found_order(client), 2, 1)))
    assert counted(netsuite, "returnAuthorization") == 1


def test_queued_writes_end_in_the_same_documents(netsuite: Sim) -> None:
    with connected(netsuite, async_writes=True) as client:
        found = found_order(client)
        rma = received(client, found)
        command = crediting(found, rma, {1: (2, 3334, 666), 2: (1, 833, 167)})
        credit = done(client.perform(command))
        done(client.perform(refunding(found, credit, 5000)))
    kinds = ("returnAuthorization", "itemReceipt", "creditMemo", "customerRefund")
    assert [counted(netsuite, kind) for kind in kinds] == [1, 1, 1, 1]


def test_a_job_that_is_not_done_is_waited_for_by_the_worker_that_comes_after_a_restart(netsuite: Sim) -> None:
    netsuite.load(world(preferences={"job_polls": 3}))
    with connected(netsuite, async_writes=True, async_wait_s=0) as client:
        found = found_order(client)
        command = opening(found, 2, 1)
        assert isinstance(client.perform(command), NotYet)
    assert counted(netsuite, "returnAuthorization") == 0
    outcomes = []
    for _ in range(4):  # each time another process: nothing is remembered
        with connected(netsuite, async_writes=True, async_wait_s=0) as client:
            outcomes.append(client.find(command) or client.perform(command))
    assert [type(each) for each in outcomes[:2]] == [NotYet, NotYet]
    assert isinstance(outcomes[-1], Done)
    assert counted(netsuite, "returnAuthorization") == 1


def test_a_refused_job_is_told_and_can_be_queued_again_after_the_cause_is_mended(netsuite: Sim) -> None:
    netsuite.load(shut_november())
    with connected(netsuite, async_writes=True) as client:
        found = found_order(client)
        rma = done(client.perform(opening(found, 2, 1)))
        command = receiving(found, rma, stock(rma, *FULL))
        assert refusal(client.perform(command)) == "period_closed"
        shut = netsuite.simulator.account.book.get("accountingPeriod", "1")
        assert shut is not None
        shut.fields["closed"] = False
        done(client.perform(command))
        assert isinstance(client.perform(command), AlreadyDone)
    assert counted(netsuite, "itemReceipt") == 1


# --- accounts without transforms --------------------------------------------------------------------------------------


def test_where_no_transform_is_offered_documents_are_posted_with_their_source(netsuite: Sim) -> None:
    netsuite.load(world(preferences={"transforms": False, "created_from_on_create": "accepted"}))
    with connected(netsuite) as client:
        found = found_order(client)
        rma = received(client, found)
        credit = done(client.perform(crediting(found, rma, {1: (2, 3334, 666)})))
        done(client.perform(refunding(found, credit, 4000)))
    [memo] = netsuite.documents("creditMemo")
    assert memo["createdFrom"]["id"] == rma.ref
    assert netsuite.documents("returnAuthorization")[0]["createdFrom"]["id"] == "3001"


def test_an_account_that_offers_neither_way_refuses_and_nothing_is_made(netsuite: Sim) -> None:
    netsuite.load(world(preferences={"transforms": False}))
    with connected(netsuite) as client:
        assert isinstance(client.perform(opening(found_order(client), 2, 1)), Refused)
    assert netsuite.documents("returnAuthorization") == []


# --- changing a record ------------------------------------------------------------------------------------------------


def test_lines_without_a_key_are_never_sent_in_a_change_that_would_add_them_again(netsuite: Sim) -> None:
    body = {"item": {"items": [{"item": {"id": "101"}, "quantity": 1}]}}
    path = "/services/rest/record/v1/salesOrder/eid:ours"
    with connected(netsuite) as client:
        session = client._desk.session
        with pytest.raises(AssertionError, match="added again"):
            session.write("PUT", path, body=body)
        for _ in range(2):
            made = session.write("PUT", path, body={"entity": {"id": "10"}, **body}, params={"replace": "item"})
            assert made.record_id
    [kept] = netsuite.documents("salesOrder")
    assert len(kept["item"]["items"]) == 1


# --- reading back -----------------------------------------------------------------------------------------------------


def whole_road(client: NetSuiteClient) -> tuple[ErpOrder, Done]:
    found = found_order(client)
    rma = received(client, found)
    credit = done(client.perform(crediting(found, rma, {1: (2, 3334, 666)})))
    done(client.perform(refunding(found, credit, 4000)))
    return found, rma


@pytest.mark.parametrize("transform", [True, False], ids=["transform", "by itself"])
def test_every_document_is_read_back_with_its_return_and_its_order(netsuite: Sim, transform: bool) -> None:
    netsuite.load(world(preferences={"credit_memo_to_customer_refund": transform}))
    with connected(netsuite) as client:
        _, rma = whole_road(client)
        for kind in ("rma", "receipt", "credit_note", "refund"):
            [read] = client.documents(kind, "2026-11-01", "2026-11-30")
            assert (read.kind, read.rma_ref, read.order_number) == (kind, rma.ref, "SO3001")
            assert read.external_ref is not None
            assert read.external_ref.startswith(f"cf-acme-loop-{CASE.return_id}-")


def test_units_go_to_the_bin_the_warehouse_named_where_bins_are_configured(netsuite: Sim) -> None:
    with connected(netsuite, bins={"A-01": "55"}) as client:
        found = found_order(client)
        rma = done(client.perform(opening(found, 2, 1)))
        [first, second] = stock(rma, *FULL)
        shelved = (msgspec.structs.replace(first, location="A-01"), msgspec.structs.replace(second, location="B-99"))
        done(client.perform(receiving(found, rma, shelved)))
    kept = {(row["item"], row["binNumber"]): row["quantityOnHand"] for row in netsuite.simulator.state()["stock"]}
    assert kept == {("100", "55"): 2, ("101", ""): 1}


def test_a_receipt_is_read_back_with_what_lies_where(netsuite: Sim) -> None:
    with connected(netsuite) as client:
        found = found_order(client)
        rma = done(client.perform(opening(found, 2, 1)))
        units = stock(rma, (1, 2, "MAIN", Disposition.SELLABLE), (2, 1, None, Disposition.DAMAGED))
        done(client.perform(receiving(found, rma, units)))
        [receipt] = client.documents("receipt", "2026-11-01", "2026-11-30")
    assert [(line.sku, line.quantity, line.depot) for line in receipt.lines] == [("TEE-M", 2, "MAIN"), ("MUG", 1, "9")]


def test_a_voided_refund_of_a_deposit_is_read_back_as_voided(netsuite: Sim) -> None:
    netsuite.load(world(salesOrder=[order("3001", "#1001", "900001", "deposit")]))
    with connected(netsuite) as client:
        found = found_order(client)
        done(client.perform(crediting(found, received(client, found), {1: (2, 3334, 666)})))
        [refund] = netsuite.simulator.account.book.all("customerRefund")
        refund.fields["status"] = {"id": "V", "refName": "Voided"}
        netsuite.simulator.account.book.touch(refund)
        [read] = client.documents("credit_note", "2026-11-01", "2026-11-30")
    assert read.status == "Voided"
