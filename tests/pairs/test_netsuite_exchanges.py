"""Exchange orders and stock in NetSuite, the adapter against the simulator over real HTTP (R100-R112)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from netsuite_bench import CASE, Sim, connected, document, done, found_order, opening, order, refusal, world

from counterfoil.core.commands import CancelExchangeOrder, CheckStock, CreateExchangeOrder, ReleaseExchangeOrder
from counterfoil.core.documents import DocumentRef, ErpOrder, ExchangeItem
from counterfoil.erps.netsuite.client import NetSuiteClient
from counterfoil.ports.outcomes import AlreadyDone, Done, Unknown

BALANCES = [
    {"item": "100", "location": "6", "quantityOnHand": 5},
    {"item": "100", "location": "7", "quantityOnHand": 3},
    {"item": "100", "location": "9", "quantityOnHand": 40},
    {"item": "101", "location": "6", "quantityOnHand": 7},
]
KIT = {
    "id": "300",
    "itemId": "GIFT-SET",
    "member": {"items": [{"item": "100", "quantity": 1}, {"item": "101", "quantity": 2}]},
}
ADDRESS = {"addressee": "Robin Example", "addr1": "1 Example Street", "city": "Exampleton", "zip": "EX1 1EX"}


def shop(**more: Any) -> dict[str, Any]:
    original = order("3001", "#1001", "900001", "invoice", shippingAddress=ADDRESS, email="robin@example.com")
    return world(salesOrder=[original], kitItem=[KIT], inventoryBalance=BALANCES, **more)


def exchanging(order: ErpOrder, *items: ExchangeItem, **more: Any) -> CreateExchangeOrder:
    wanted = items or (ExchangeItem(line_no=1, sku="MUG", quantity=1, gross=1000, item_ref="101", depot="MAIN"),)
    settings: dict[str, Any] = {
        "case": CASE,
        "step": "exchange-1",
        "order": order,
        "rma": None,
        "exchange_id": "EX-5",
        "items": wanted,
        "currency": "GBP",
        "carried_over": 1000,
        "shop_order_name": "#1001-EX",
    }
    return CreateExchangeOrder(**(settings | more))


def released(made: Done) -> ReleaseExchangeOrder:
    return ReleaseExchangeOrder(case=CASE, step="exchange-release-1", exchange=document(made))


def cancelled(made: Done) -> CancelExchangeOrder:
    return CancelExchangeOrder(case=CASE, step="exchange-cancel-1", exchange=document(made), reason="withdrawn")


def the_exchange(sim: Sim) -> dict[str, Any]:
    [made] = sim.documents("salesOrder")
    return made


# --- making one -------------------------------------------------------------------------------------------------------


def test_an_exchange_order_copies_customer_and_delivery_and_names_where_it_comes_from(netsuite: Sim) -> None:
    netsuite.load(shop())
    fields = {"exchange_rma_field": "custbody_rma", "exchange_origin_field": "custbody_origin"}
    typed = {"order_type_field": "custbody_type", "order_types": {"EXC": "4"}, "exchange_form": "77"}
    with connected(netsuite, **fields, **typed) as client:
        found = found_order(client)
        rma = done(client.perform(opening(found, 1)))
        made = done(client.perform(exchanging(found, rma=document(rma), order_type="EXC")))
    kept = the_exchange(netsuite)
    assert (kept["entity"]["id"], kept["email"], kept["subsidiary"]["id"]) == ("10", "robin@example.com", "1")
    assert kept["shippingAddress"] == ADDRESS
    assert (kept["custbody_rma"]["id"], kept["custbody_origin"]["id"]) == (rma.ref, "3001")
    assert (kept["custbody_type"]["id"], kept["customForm"]["id"]) == ("4", "77")
    assert (kept["externalId"], kept["otherRefNum"]) == ("cf-acme-loop-77-exchange-1", "#1001-EX")
    assert "for order SO3001" in kept["memo"]
    assert (made.total, [line.line_no for line in made.lines]) == (1000, [1])


def test_a_held_exchange_waits_for_approval_and_holds_no_stock_until_it_is_released(netsuite: Sim) -> None:
    netsuite.load(shop())
    with connected(netsuite) as client:
        found = found_order(client)
        made = done(client.perform(exchanging(found, held=True)))
        assert the_exchange(netsuite)["status"]["refName"] == "Pending Approval"
        assert mugs(client, found) == 7
        assert client.find(released(made)) is None
        done(client.perform(released(made)))
        assert the_exchange(netsuite)["status"]["refName"] == "Pending Fulfillment"
        assert mugs(client, found) == 6
        assert isinstance(client.perform(released(made)), AlreadyDone)
        assert isinstance(client.find(released(made)), Done)


def mugs(client: NetSuiteClient, order: ErpOrder) -> int:
    outcome = done(client.perform(CheckStock(case=CASE, step="stock-1", order=order, skus=("MUG",))))
    return next(level.available for level in outcome.stock if level.depot == "MAIN")


def test_an_exchange_that_may_ship_at_once_is_never_held(netsuite: Sim) -> None:
    netsuite.load(shop())
    with connected(netsuite) as client:
        done(client.perform(exchanging(found_order(client), held=False)))
    assert the_exchange(netsuite)["status"]["refName"] == "Pending Fulfillment"


def test_an_order_worth_nothing_is_an_order_like_any_other(netsuite: Sim) -> None:
    netsuite.load(shop())
    free = ExchangeItem(line_no=1, sku="TEE-M", quantity=2, gross=0, item_ref="100")
    with connected(netsuite) as client:
        made = done(client.perform(exchanging(found_order(client), free, carried_over=0)))
    assert made.total == 0
    [line] = the_exchange(netsuite)["item"]["items"]
    assert (line["quantity"], line["amount"]) == (2, 0)


@pytest.mark.parametrize(("carried", "total"), [(600, 400), (1000, 0), (5000, 0)])
def test_the_returned_value_comes_off_where_it_has_an_item(netsuite: Sim, carried: int, total: int) -> None:
    netsuite.load(shop())
    with connected(netsuite, exchange_credit_item="200") as client:
        made = done(client.perform(exchanging(found_order(client), carried_over=carried)))
    assert made.total == total


@pytest.mark.parametrize("gross", [999, 1000, 1999, 3])
def test_the_total_is_what_was_sold_although_netsuite_adds_the_tax_itself(netsuite: Sim, gross: int) -> None:
    netsuite.load({**shop(), "inventoryItem": [{"id": "100", "itemId": "TEE-M"}, {"id": "101", "itemId": "MUG", "taxRate": 20}]})  # fmt: skip
    item = ExchangeItem(line_no=1, sku="MUG", quantity=1, gross=gross, item_ref="101")
    with connected(netsuite) as client:
        found = found_order(client)
        assert done(client.perform(exchanging(found, item))).total == gross
    kept = the_exchange(netsuite)
    assert kept["taxTotal"] == pytest.approx(gross / 600, abs=0.02)


def test_items_without_an_id_are_found_by_their_sku(netsuite: Sim) -> None:
    netsuite.load(shop())
    with connected(netsuite) as client:
        found = found_order(client)
        done(client.perform(exchanging(found, ExchangeItem(line_no=1, sku="MUG", quantity=1, gross=0))))
        unknown = exchanging(found, ExchangeItem(line_no=1, sku="LAMP", quantity=1, gross=0), step="exchange-2")
        assert refusal(client.perform(unknown)) == "sku_not_found"
    assert the_exchange(netsuite)["item"]["items"][0]["item"]["id"] == "101"


def test_an_item_that_is_no_longer_sold_is_refused(netsuite: Sim) -> None:
    netsuite.load(shop())
    old = netsuite.simulator.account.book.get("inventoryItem", "101")
    assert old is not None
    old.fields["isInactive"] = True
    netsuite.simulator.account.book.touch(old)
    with connected(netsuite) as client:
        found = found_order(client)
        assert refusal(client.perform(exchanging(found))) == "sku_not_found"
        look = CheckStock(case=CASE, step="stock-1", order=found, skus=("MUG",))
        assert refusal(client.perform(look)) == "sku_not_found"
    assert netsuite.documents("salesOrder") == []


def test_an_order_type_nobody_mapped_and_a_depot_nobody_mapped_are_told_before_anything_is_made(netsuite: Sim) -> None:
    netsuite.load(shop())
    with connected(netsuite, order_type_field="custbody_type", order_types={"EXC": "4"}) as client:
        found = found_order(client)
        assert refusal(client.perform(exchanging(found, order_type="SWAP"))) == "order_type_rejected"
        lost = ExchangeItem(line_no=1, sku="MUG", quantity=1, gross=0, item_ref="101", depot="NOWHERE")
        assert refusal(client.perform(exchanging(found, lost))) == "depot_not_mapped"
        assert refusal(client.perform(exchanging(found, currency="EUR"))) == "currency_differs"
    assert netsuite.documents("salesOrder") == []


def test_an_exchange_never_hides_the_original_order(netsuite: Sim) -> None:
    netsuite.load(shop())
    with connected(netsuite) as client:
        found = found_order(client)
        done(client.perform(exchanging(found)))
        assert found_order(client).ref == found.ref


# --- once -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["timeout_after_commit", "500_after_commit", "500"])
def test_an_exchange_whose_answer_was_lost_is_found_and_not_made_twice(netsuite: Sim, fault: str) -> None:
    netsuite.load(shop())
    with connected(netsuite, timeout_s=1) as client:
        free = ExchangeItem(line_no=1, sku="MUG", quantity=1, gross=0, item_ref="101")  # nothing to preview
        command = exchanging(found_order(client), free)
        netsuite.fault(fault, "POST", "/salesOrder")
        assert isinstance(client.perform(command), Unknown)
        made = client.find(command)
        assert (made is None) == (fault == "500")
        done(made or client.perform(command))
        assert isinstance(client.perform(command), AlreadyDone)
    assert len(netsuite.documents("salesOrder")) == 1


def test_an_exchange_with_other_contents_under_our_key_is_parked_with_its_number(netsuite: Sim) -> None:
    netsuite.load(shop())
    with connected(netsuite) as client:
        found = found_order(client)
        done(client.perform(exchanging(found)))
        other = exchanging(found, ExchangeItem(line_no=1, sku="TEE-M", quantity=1, gross=1000, item_ref="100"))
        assert refusal(client.perform(other)) == "document_differs"
    assert len(netsuite.documents("salesOrder")) == 1


# --- withdrawing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("held", [True, False])
def test_a_withdrawn_exchange_gives_its_stock_back_and_cannot_be_released(netsuite: Sim, held: bool) -> None:
    netsuite.load(shop())
    with connected(netsuite) as client:
        found = found_order(client)
        made = done(client.perform(exchanging(found, held=held)))
        assert client.find(cancelled(made)) is None
        done(client.perform(cancelled(made)))
        assert the_exchange(netsuite)["status"]["refName"] == "Closed"
        assert mugs(client, found) == 7
        assert isinstance(client.perform(cancelled(made)), AlreadyDone)
        assert isinstance(client.find(cancelled(made)), Done)
        assert refusal(client.perform(released(made))) == "order_on_hold"
        assert client.find(released(made)) is None


def test_an_exchange_that_has_shipped_cannot_be_withdrawn(netsuite: Sim) -> None:
    netsuite.load(shop())
    with connected(netsuite) as client:
        made = done(client.perform(exchanging(found_order(client), held=False)))
        shipped = {"location": {"id": "6"}}
        answer = client._desk.session.write("POST", f"/services/rest/record/v1/salesOrder/{made.ref}/!transform/itemFulfillment", body=shipped)  # fmt: skip
        assert answer.record_id
        assert refusal(client.perform(cancelled(made))) == "document_differs"
    assert the_exchange(netsuite)["status"]["refName"] != "Closed"


# --- stock ------------------------------------------------------------------------------------------------------------


def test_stock_is_told_by_depot_and_over_all_mapped_depots(netsuite: Sim) -> None:
    netsuite.load(shop())
    with connected(netsuite) as client:
        found = found_order(client)
        outcome = done(client.perform(CheckStock(case=CASE, step="s", order=found, skus=("TEE-M", "GIFT-SET"))))
    levels = {(level.sku, level.depot): level.available for level in outcome.stock}
    assert levels == {
        ("TEE-M", "MAIN"): 5,
        ("TEE-M", "HELD"): 3,
        ("TEE-M", None): 8,  # what lies at the write-off location is nobody's to promise
        ("GIFT-SET", "MAIN"): 3,  # seven mugs make three sets
        ("GIFT-SET", "HELD"): 0,
        ("GIFT-SET", None): 3,
    }


def test_what_is_not_counted_is_never_short_and_what_was_never_stocked_is(netsuite: Sim) -> None:
    netsuite.load({**shop(), "inventoryBalance": []})
    with connected(netsuite) as client:
        found = found_order(client)
        outcome = done(client.perform(CheckStock(case=CASE, step="s", order=found, skus=("Return fee", "MUG"))))
    levels = {(level.sku, level.depot): level.available for level in outcome.stock}
    assert levels[("Return fee", None)] > 1000
    assert levels[("MUG", None)] == 0


def test_a_sub_item_is_found_by_its_own_part_of_the_name(netsuite: Sim) -> None:
    goods = [{"id": "100", "itemId": "TEE-M"}, {"id": "101", "itemId": "Kitchen : MUG"}]
    netsuite.load({**shop(), "inventoryItem": goods})
    with connected(netsuite) as client:
        assert mugs(client, found_order(client)) == 7


# --- reading back -----------------------------------------------------------------------------------------------------


def test_exchange_orders_are_read_back_with_the_return_and_the_order_they_come_from(netsuite: Sim) -> None:
    netsuite.load(shop())
    fields = {"exchange_rma_field": "custbody_rma", "exchange_origin_field": "custbody_origin"}
    with connected(netsuite, **fields) as client:
        found = found_order(client)
        rma = done(client.perform(opening(found, 1)))
        made = done(client.perform(exchanging(found, rma=document(rma))))
        [listed] = client.documents("exchange_order", "2026-11-01", "2026-11-30")
        assert (listed.ref, listed.amount, listed.units, listed.status) == (made.ref, 1000, 1, "Pending Approval")
        assert (listed.rma_ref, listed.order_number) == (rma.ref, "SO3001")
        again = client.find_by_ref("exchange_order", "cf-acme-loop-77-exchange-1")
        assert again is not None
        assert (again.ref, again.total) == (made.ref, 1000)


def test_an_exchange_of_another_customer_is_not_taken_for_ours(netsuite: Sim) -> None:
    netsuite.load(shop())
    with connected(netsuite) as client:
        found = found_order(client)
        done(client.perform(exchanging(found)))
        strange = msgspec.structs.replace(found, customer="999")
        assert refusal(client.find(exchanging(strange))) == "document_differs"


def test_a_released_order_that_is_gone_is_a_plain_refusal(netsuite: Sim) -> None:
    netsuite.load(shop())
    lost = ReleaseExchangeOrder(case=CASE, step="r", exchange=DocumentRef(ref="9999", number="SO9"))
    with connected(netsuite) as client:
        assert refusal(client.perform(lost)) == "record_not_found"


def test_without_a_preview_the_tax_rates_of_the_original_order_serve(netsuite: Sim) -> None:
    taxed = [{"id": "100", "itemId": "TEE-M"}, {"id": "101", "itemId": "MUG", "taxRate": 20}]
    netsuite.load({**shop(), "inventoryItem": taxed})
    with connected(netsuite) as client:
        found = found_order(client)
        netsuite.fault("500", "POST", "/salesOrder")  # the preview fails, the order itself is made
        item = ExchangeItem(line_no=1, sku="MUG", quantity=1, gross=999, item_ref="101")
        assert done(client.perform(exchanging(found, item))).total == 999
    assert len(netsuite.documents("salesOrder")) == 1
