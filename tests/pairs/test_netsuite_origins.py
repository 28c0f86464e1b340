"""Each way an order was billed has its own credit (R91, D11), and kits their own lines (R65, R123), in NetSuite.

The adapter against the simulator over real HTTP; every story ends with the books: the credit is used up to the cent.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from netsuite_bench import (
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

from counterfoil.core.documents import CreditCharge, RmaLine
from counterfoil.core.returns import Disposition
from counterfoil.ports.outcomes import AlreadyDone, Refused, Unknown

WHOLE = {1: (2, 3334, 666), 2: (1, 833, 167)}
KINDS = ("creditMemo", "cashRefund", "customerRefund", "depositApplication")


def sold(billing: str, **more: Any) -> dict[str, Any]:
    return world(salesOrder=[order("3001", "#1001", "900001", billing)], **more)


def counts(sim: Sim) -> dict[str, int]:
    """How many documents of each money kind were made."""
    return {kind: len(sim.documents(kind)) for kind in KINDS if sim.documents(kind)}


# --- the story of each origin -----------------------------------------------------------------------------------------


def test_story_of_an_invoice_ends_with_the_credit_memo_fully_applied(netsuite: Sim) -> None:
    netsuite.load(sold("invoice"))
    with connected(netsuite) as client:
        found = found_order(client)
        assert found.billing == "invoice"
        rma = received(client, found)
        credit = done(client.perform(crediting(found, rma, WHOLE)))
        assert done(client.perform(refunding(found, credit, 5000))).total == 5000
    [memo] = netsuite.documents("creditMemo")
    assert (memo["status"]["refName"], memo["amountRemaining"]) == ("Fully Applied", 0)
    assert counts(netsuite) == {"creditMemo": 1, "customerRefund": 1}
    assert netsuite.simulator.state()["payments_sent"] == []


def test_story_of_a_cash_sale_ends_with_one_cash_refund(netsuite: Sim) -> None:
    netsuite.load(sold("cashSale"))
    with connected(netsuite) as client:
        found = found_order(client)
        assert found.billing == "cash_sale"
        rma = received(client, found)
        credit = done(client.perform(crediting(found, rma, WHOLE)))
        assert (credit.total, done(client.perform(refunding(found, credit, 5000))).ref) == (5000, None)
    assert counts(netsuite) == {"cashRefund": 1}
    [rma_now] = netsuite.documents("returnAuthorization")
    assert rma_now["status"]["refName"] == "Refunded"


def test_story_of_an_unbilled_deposit_ends_with_its_refund_and_a_closed_return(netsuite: Sim) -> None:
    netsuite.load(sold("deposit"))
    with connected(netsuite) as client:
        found = found_order(client)
        assert found.billing == "deposit"
        rma = received(client, found)
        credit = done(client.perform(crediting(found, rma, WHOLE)))
        assert credit.total == 5000
        assert done(client.perform(refunding(found, credit, 5000))).ref is None
        [noted] = client.documents("credit_note", "2026-11-01", "2026-11-30")
        assert (noted.amount, noted.order_number, noted.external_ref) == (5000, "SO3001", "cf-acme-loop-77-credit")
        assert list(client.documents("refund", "2026-11-01", "2026-11-30")) == []
    assert counts(netsuite) == {"customerRefund": 1, "depositApplication": 1}
    [rma_now] = netsuite.documents("returnAuthorization")
    assert rma_now["status"]["refName"] == "Closed"
    [refund] = netsuite.documents("customerRefund")
    assert refund["deposit"]["items"] == []
    assert [line["type"] for line in refund["apply"]["items"]] == ["Deposit Application"]
    assert netsuite.simulator.state()["payments_sent"] == []


def test_story_of_a_deposit_that_was_applied_to_the_bill_is_the_story_of_the_bill(netsuite: Sim) -> None:
    paid = {
        "customerDeposit": [{"id": "3500", "customer": "10", "salesOrder": "3001", "payment": "50.00", "currency": "1"}],
        "invoice": [{"id": "3600", "createdFrom": "3001", "currency": "1", "paid": False}],
        "depositApplication": [
            {"id": "3700", "customer": "10", "deposit": "3500", "createdFrom": "3500", "currency": "1",
             "apply": [{"doc": "3600", "apply": True, "amount": "50.00"}]}
        ],
    }  # fmt: skip
    netsuite.load(sold("invoice", **paid))
    with connected(netsuite) as client:
        found = found_order(client)
        assert (found.billing, found.billing_ref) == ("invoice", "3600")
        rma = received(client, found)
        credit = done(client.perform(crediting(found, rma, WHOLE)))
        done(client.perform(refunding(found, credit, 5000)))
    [memo] = netsuite.documents("creditMemo")
    assert memo["amountRemaining"] == 0


def test_an_unbilled_deposit_can_be_credited_by_a_memo_where_the_merchant_wants_that(netsuite: Sim) -> None:
    netsuite.load(sold("deposit"))
    with connected(netsuite, deposit_document="credit_memo") as client:
        found = found_order(client)
        rma = received(client, found)
        credit = done(client.perform(crediting(found, rma, WHOLE)))
        assert done(client.perform(refunding(found, credit, 5000))).total == 5000
    assert counts(netsuite) == {"creditMemo": 1, "customerRefund": 1}


def test_an_order_billed_by_nothing_at_all_is_credited_by_a_memo(netsuite: Sim) -> None:
    unbilled = {**order("3001", "#1001", "900001", ""), "billing": None}
    for line in unbilled["item"]["items"]:
        line["quantityFulfilled"] = line["quantity"]
    netsuite.load(world(salesOrder=[unbilled]))
    with connected(netsuite) as client:
        found = found_order(client)
        assert found.billing is None
        rma = received(client, found)
        done(client.perform(crediting(found, rma, WHOLE)))
    assert counts(netsuite) == {"creditMemo": 1}


# --- deposits, when things go wrong -----------------------------------------------------------------------------------


def test_a_part_of_a_deposit_is_paid_out_and_the_rest_stays(netsuite: Sim) -> None:
    netsuite.load(sold("deposit"))
    with connected(netsuite) as client:
        found = found_order(client)
        rma = received(client, found)
        assert done(client.perform(crediting(found, rma, {2: (1, 833, 167)}))).total == 1000
        later = msgspec.structs.replace(crediting(found, rma, {1: (2, 3334, 666)}), step="credit-2")
        assert done(client.perform(later)).total == 4000
        more = msgspec.structs.replace(later, step="credit-3")
        refused = client.perform(more)
    assert refusal(refused) == "credit_already_applied"
    assert isinstance(refused, Refused)
    assert "0.00" in refused.message


def test_goods_that_were_not_received_are_not_paid_out_of_the_deposit(netsuite: Sim) -> None:
    netsuite.load(sold("deposit"))
    with connected(netsuite) as client:
        found = found_order(client)
        rma = done(client.perform(opening(found, 2, 1)))
        assert refusal(client.perform(crediting(found, rma, WHOLE))) == "return_not_received_in_erp"
    assert counts(netsuite) == {}


@pytest.mark.parametrize("fault", ["500", "500_after_commit"])
def test_a_deposit_is_paid_out_once_whatever_happens_on_the_way(netsuite: Sim, fault: str) -> None:
    netsuite.load(sold("deposit"))
    with connected(netsuite) as client:
        found = found_order(client)
        rma = received(client, found)
        netsuite.fault(fault, "POST", "!transform/customerRefund")
        command = crediting(found, rma, WHOLE)
        assert isinstance(client.perform(command), Unknown)  # by now the lines of the RMA are closed
        outcome = client.find(command) or client.perform(command)
        assert done(outcome).total == 5000
        assert isinstance(client.perform(command), AlreadyDone)
    assert counts(netsuite) == {"customerRefund": 1, "depositApplication": 1}


# --- kits -------------------------------------------------------------------------------------------------------------

MEMBERS = {"items": [{"item": "100", "quantity": 1}, {"item": "101", "quantity": 2}]}
KIT = {"id": "300", "itemId": "GIFT-SET", "member": MEMBERS}
KIT_LINES = [
    {"line": 1, "item": "300", "quantity": 2, "rate": "25.00", "amount": "50.00", "taxRate1": "20", "location": "6"},
    {"line": 7, "item": "101", "quantity": 1, "rate": "8.33", "amount": "8.33", "taxRate1": "20", "location": "6"},
]


def kit_world(billing: str = "invoice", **more: Any) -> dict[str, Any]:
    sale = {**order("3001", "#1001", "900001", billing), "item": {"items": KIT_LINES}}
    goods = [
        {"id": "100", "itemId": "TEE-M", "taxRate": 20},
        {"id": "101", "itemId": "MUG", "taxRate": 20, "basePrice": "9.00"},
    ]
    return world(kitItem=[KIT], inventoryItem=goods, salesOrder=[sale], **more)


def part_line(line_no: int, sku: str, quantity: int) -> RmaLine:
    """A member of the kit on line 1, named by its own SKU."""
    return RmaLine(
        line_no=line_no, erp_line="1", sku=sku, quantity=quantity, reason_code="broken", expected_depot="MAIN"
    )


def test_a_kit_line_carries_its_members_as_they_were_sold(netsuite: Sim) -> None:
    netsuite.load(kit_world())
    with connected(netsuite) as client:
        found = found_order(client)
    assert [line.sku for line in found.lines] == ["GIFT-SET", "MUG"]
    parts = found.lines[0].components
    assert [(part.sku, part.quantity, part.item_ref) for part in parts] == [("TEE-M", 1, "100"), ("MUG", 2, "101")]
    assert all(part.erp_line for part in parts)
    assert found.lines[1].components == ()


def test_a_kit_that_was_changed_since_still_shows_what_was_sold(netsuite: Sim) -> None:
    netsuite.load(kit_world())
    kit = netsuite.simulator.account.book.get("kitItem", "300")
    assert kit is not None
    kit.lists["member"] = kit.lists["member"][:1]
    with connected(netsuite) as client:
        assert [part.sku for part in found_order(client).lines[0].components] == ["TEE-M", "MUG"]


@pytest.mark.parametrize("named_by", ["kit line", "own line"])
def test_parts_of_a_kit_come_back_on_lines_of_their_own_and_reach_the_credit_to_the_cent(
    netsuite: Sim, named_by: str
) -> None:
    netsuite.load(kit_world())
    with connected(netsuite) as client:
        found = found_order(client)
        command = opening(found)
        line = part_line(1, "MUG", 2)
        if named_by == "own line":
            line = msgspec.structs.replace(line, erp_line=found.lines[0].components[1].erp_line or "")
        command = msgspec.structs.replace(command, lines=(line,))
        rma = done(client.perform(command))
        assert isinstance(client.perform(command), AlreadyDone)
        units = stock(rma, (1, 2, "MAIN", Disposition.SELLABLE))
        done(client.perform(receiving(found, rma, units)))
        credit = done(client.perform(crediting(found, rma, {1: (2, 1200, 240)})))
        assert credit.total == 1440
        assert done(client.perform(refunding(found, credit, 1440))).total == 1440
    [rma_now] = netsuite.documents("returnAuthorization")
    assert (rma_now["createdFrom"]["id"], rma_now["status"]["refName"]) == ("3001", "Refunded")
    [line_now] = rma_now["item"]["items"]
    assert (line_now["item"]["id"], line_now["quantity"]) == ("101", 2)
    assert line_now["amount"] == 0  # a part was never priced alone; the credit carries its value
    moved = {row["item"]: row["quantityOnHand"] for row in netsuite.simulator.state()["stock"]}
    assert moved == {"101": 2}  # the mugs alone: the shirt of the set did not come back


def test_a_whole_kit_and_a_part_of_another_travel_on_one_return(netsuite: Sim) -> None:
    netsuite.load(kit_world())
    with connected(netsuite) as client:
        found = found_order(client)
        command = opening(found, 1)
        command = msgspec.structs.replace(command, lines=(*command.lines, part_line(2, "TEE-M", 1)))
        rma = done(client.perform(command))
        units = stock(rma, (1, 1, "MAIN", Disposition.SELLABLE), (2, 1, "MAIN", Disposition.SELLABLE))
        done(client.perform(receiving(found, rma, units)))
        credit = crediting(found, rma, {1: (1, 2500, 500), 2: (1, 1000, 200)})
        assert done(client.perform(credit)).total == 4200
    moved = {row["item"]: row["quantityOnHand"] for row in netsuite.simulator.state()["stock"]}
    assert moved == {"100": 2, "101": 2}


def test_where_the_transform_takes_no_parts_the_return_stands_alone_and_says_so(netsuite: Sim) -> None:
    netsuite.load(kit_world(preferences={"added_return_lines": "refused"}))
    with connected(netsuite) as client:
        found = found_order(client)
        command = opening(found, 1)
        command = msgspec.structs.replace(command, lines=(*command.lines, part_line(2, "TEE-M", 1)))
        rma = done(client.perform(command))
        assert "please look at it" in rma.message
        assert isinstance(client.perform(command), AlreadyDone)
        units = stock(rma, (1, 1, "MAIN", Disposition.SELLABLE), (2, 1, "MAIN", Disposition.SELLABLE))
        done(client.perform(receiving(found, rma, units)))
    [made] = netsuite.documents("returnAuthorization")
    assert "createdFrom" not in made
    assert "SO3001" in made["memo"]


def test_what_is_no_part_of_the_kit_is_for_a_person(netsuite: Sim) -> None:
    netsuite.load(kit_world())
    with connected(netsuite) as client:
        found = found_order(client)
        command = msgspec.structs.replace(opening(found), lines=(part_line(1, "LAMP", 1),))
        assert refusal(client.perform(command)) == "kit_part_returned"
    assert netsuite.documents("returnAuthorization") == []


def test_a_part_whose_tax_netsuite_does_not_know_is_refused_before_anything_is_posted(netsuite: Sim) -> None:
    untaxed = [{"id": "100", "itemId": "TEE-M"}, {"id": "101", "itemId": "MUG"}]
    netsuite.load({**kit_world(), "inventoryItem": untaxed})
    with connected(netsuite) as client:
        found = found_order(client)
        rma = done(client.perform(msgspec.structs.replace(opening(found), lines=(part_line(1, "MUG", 2),))))
        done(client.perform(receiving(found, rma, stock(rma, (1, 2, "MAIN", Disposition.SELLABLE)))))
        assert refusal(client.perform(crediting(found, rma, {1: (2, 1200, 240)}))) == "totals_mismatch"
    assert counts(netsuite) == {}


def test_an_order_without_kits_has_no_components(netsuite: Sim) -> None:
    with connected(netsuite) as client:
        assert {line.components for line in found_order(client).lines} == {()}


def test_fees_are_taken_off_what_a_deposit_pays(netsuite: Sim) -> None:
    netsuite.load(sold("deposit"))
    fee = CreditCharge(code="return_fee", net=-395, tax=0, gross=-395)
    with connected(netsuite, charge_items={}) as client:  # a refund has no lines, so no item is needed
        found = found_order(client)
        rma = received(client, found)
        made = done(client.perform(crediting(found, rma, WHOLE, fee)))
        assert made.total == 5000 - 395
    assert "return 77" in netsuite.documents("customerRefund")[0]["memo"]
