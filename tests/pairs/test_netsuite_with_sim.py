"""The NetSuite adapter against the NetSuite simulator, over real HTTP on loopback.

The two share no code; what they disagree about is settled by the contract sheet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from netsuite_bench import (
    CASE,
    FULL,
    Sim,
    config,
    crediting,
    document,
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

from counterfoil.core.commands import (
    CancelReturnAuthorisation,
    CaseRef,
    FindSalesOrder,
    PostCreditNote,
    ReceiveStock,
    RecordRefund,
    ReverseReceipt,
    StoreTracking,
)
from counterfoil.core.documents import (
    CreditCharge,
)
from counterfoil.core.returns import Disposition
from counterfoil.erps.netsuite.client import NetSuiteClient
from counterfoil.ports.outcomes import (
    AlreadyDone,
    Busy,
    Done,
    LockedOut,
    NotYet,
    Refused,
    Unknown,
    Unsupported,
)


@pytest.fixture(scope="module")
def running() -> Iterator[Sim]:
    started = Sim(world())
    yield started
    started.stop()


@pytest.fixture
def sim(running: Sim) -> Sim:
    running.load(world())
    return running


@pytest.fixture
def client(sim: Sim) -> Iterator[NetSuiteClient]:
    opened = NetSuiteClient(config(sim))
    yield opened
    opened.close()


# --- the road of one return -------------------------------------------------------------------------------------------


def test_an_order_is_found_by_the_shops_id_with_its_lines_and_its_billing(client: NetSuiteClient) -> None:
    order = found_order(client)
    assert (order.ref, order.number, order.currency, order.billing) == ("3001", "SO3001", "GBP", "invoice")
    assert [(line.erp_line, line.sku, line.quantity) for line in order.lines] == [("1", "TEE-M", 2), ("4", "MUG", 1)]
    assert [line.despatched for line in order.lines] == [2, 1]


def test_an_invoiced_return_goes_from_authorisation_to_refund_to_the_cent(sim: Sim, client: NetSuiteClient) -> None:
    order = found_order(client)
    rma = received(client, order)
    credit = done(client.perform(crediting(order, rma, {1: (2, 3334, 666), 2: (1, 833, 167)})))
    assert credit.total == 5000
    refund = done(client.perform(refunding(order, credit, 5000)))
    assert refund.total == 5000
    assert [
        len(sim.documents(kind)) for kind in ("returnAuthorization", "itemReceipt", "creditMemo", "customerRefund")
    ] == [1, 1, 1, 1]


def test_a_cash_sale_is_credited_by_a_cash_refund_and_needs_no_further_refund(sim: Sim, client: NetSuiteClient) -> None:
    order = found_order(client, CaseRef(brand="acme", portal="loop", return_id="77", order_ref="900002"))
    assert order.billing == "cash_sale"
    rma = received(client, order)
    credit = done(client.perform(crediting(order, rma, {1: (1, 1667, 333)})))
    assert credit.total == 2000
    assert len(sim.documents("cashRefund")) == 1
    assert sim.documents("creditMemo") == []
    refund = done(client.perform(refunding(order, credit, 2000)))
    assert refund.ref is None
    assert sim.documents("customerRefund") == []


def test_another_step_of_the_same_return_makes_its_own_documents(sim: Sim, client: NetSuiteClient) -> None:
    order = found_order(client)
    rma = done(client.perform(opening(order, 2, 1)))
    done(client.perform(receiving(order, rma, stock(rma, FULL[0]))))
    done(client.perform(receiving(order, rma, stock(rma, FULL[1]), step="receipt-2")))
    assert [doc["externalId"] for doc in sim.documents("itemReceipt")] == [
        "cf-acme-loop-77-receipt-1",
        "cf-acme-loop-77-receipt-2",
    ]


def test_only_the_lines_that_came_back_are_received(sim: Sim, client: NetSuiteClient) -> None:
    order = found_order(client)
    rma = done(client.perform(opening(order, 2, 1)))
    done(client.perform(receiving(order, rma, stock(rma, (1, 1, "MAIN", Disposition.SELLABLE)))))
    [now] = sim.documents("returnAuthorization")
    assert [int(line.get("quantityReceived", 0)) for line in now["item"]["items"]] == [1, 0]


def test_units_of_one_line_for_two_places_become_two_receipts_with_one_answer(sim: Sim, client: NetSuiteClient) -> None:
    order = found_order(client)
    rma = done(client.perform(opening(order, 2, 1)))
    split = stock(rma, (1, 1, "MAIN", Disposition.SELLABLE), (1, 1, None, Disposition.DAMAGED))
    made = done(client.perform(receiving(order, rma, split)))
    receipts = sim.documents("itemReceipt")
    assert [doc["externalId"] for doc in receipts] == ["cf-acme-loop-77-receipt-1", "cf-acme-loop-77-receipt-1.2"]
    assert [doc["item"]["items"][0]["location"]["id"] for doc in receipts] == ["6", "9"]
    assert made.ref == ",".join(doc["id"] for doc in receipts)
    assert [line.line_no for line in made.lines] == [1, 2]


def test_fees_shipping_and_rounding_end_in_the_asked_total(sim: Sim, client: NetSuiteClient) -> None:
    order = found_order(client)
    rma = received(client, order)
    charges = (
        CreditCharge(code="return_fee", net=-395, tax=0, gross=-395),
        CreditCharge(code="shipping", net=495, tax=0, gross=495),
        CreditCharge(code="rounding", net=1, tax=0, gross=1),
    )
    credit = done(client.perform(crediting(order, rma, {1: (2, 3334, 666)}, *charges)))
    assert credit.total == 4000 - 395 + 495 + 1


@pytest.mark.parametrize("gross", [1, 2, 3, 9, 1999])  # 3 and 9 pence cannot be reached by a net at 20 %
def test_every_gross_amount_is_met_although_netsuite_computes_the_tax(
    sim: Sim, client: NetSuiteClient, gross: int
) -> None:
    order = found_order(client)
    rma = received(client, order)
    tax = gross - round(gross / 1.2)
    credit = done(client.perform(crediting(order, rma, {1: (1, gross - tax, tax)})))
    assert credit.total == gross


def test_tracking_is_kept_and_a_second_time_changes_nothing(sim: Sim, client: NetSuiteClient) -> None:
    order = found_order(client)
    rma = done(client.perform(opening(order, 2, 1)))
    command = StoreTracking(case=CASE, step="tracking", rma=document(rma), tracking="AB123", carrier="Example Post")
    assert client.find(command) is None
    done(client.perform(command))
    assert isinstance(client.perform(command), AlreadyDone)
    assert sim.documents("returnAuthorization")[0]["memo"] == "Too small | Tracking Example Post AB123"
    done(client.find(command))


def test_a_return_is_withdrawn_by_closing_its_lines(sim: Sim, client: NetSuiteClient) -> None:
    order = found_order(client)
    rma = done(client.perform(opening(order, 2, 1)))
    command = CancelReturnAuthorisation(case=CASE, step="cancel", rma=document(rma), reason="withdrawn")
    assert client.find(command) is None
    done(client.perform(command))
    done(client.find(command))
    assert all(line["isClosed"] for line in sim.documents("returnAuthorization")[0]["item"]["items"])
    late = client.perform(receiving(order, rma, stock(rma, *FULL)))
    assert refusal(late) == "return_closed_in_erp"


def test_a_return_with_goods_received_cannot_be_withdrawn(client: NetSuiteClient) -> None:
    rma = received(client, found_order(client))
    refused = client.perform(CancelReturnAuthorisation(case=CASE, step="cancel", rma=document(rma), reason="late"))
    assert refusal(refused) == "return_already_received"


def test_a_receipt_is_deleted_only_where_the_configuration_allows_it(sim: Sim, client: NetSuiteClient) -> None:
    order = found_order(client)
    rma = done(client.perform(opening(order, 2, 1)))
    receipt = done(client.perform(receiving(order, rma, stock(rma, *FULL))))
    command = ReverseReceipt(case=CASE, step="reverse-1", rma=document(rma), receipt=document(receipt), reason="error")
    assert isinstance(client.perform(command), Unsupported)
    allowed = NetSuiteClient(config(sim, allow_receipt_deletion=True, deletion_reason="1"))
    assert allowed.find(command) is None
    done(allowed.perform(command))
    done(allowed.find(command))
    assert isinstance(allowed.perform(command), AlreadyDone)
    assert sim.documents("itemReceipt") == []
    allowed.close()


# --- once, whatever happens on the way --------------------------------------------------------------------------------


def test_a_repeated_write_is_recognised_and_makes_nothing_new(sim: Sim, client: NetSuiteClient) -> None:
    order = found_order(client)
    rma = received(client, order)
    assert isinstance(client.perform(opening(order, 2, 1)), AlreadyDone)
    assert isinstance(client.perform(receiving(order, rma, stock(rma, *FULL))), AlreadyDone)
    command = crediting(order, rma, {1: (2, 3334, 666), 2: (1, 833, 167)})
    credit = done(client.perform(command))
    assert isinstance(client.perform(command), AlreadyDone)
    done(client.perform(refunding(order, credit, 5000)))
    assert isinstance(client.perform(refunding(order, credit, 5000)), AlreadyDone)
    kinds = ("returnAuthorization", "itemReceipt", "creditMemo", "customerRefund")
    assert [len(sim.documents(kind)) for kind in kinds] == [1, 1, 1, 1]


@pytest.mark.parametrize("fault", ["timeout_after_commit", "500_after_commit", "timeout_before", "500", "503"])
def test_a_lost_answer_is_looked_up_before_anything_is_sent_again(sim: Sim, fault: str) -> None:
    client = NetSuiteClient(config(sim, timeout_s=1))
    order = found_order(client)
    sim.fault(fault, "POST", "!transform/returnAuthorization")
    command = opening(order, 2, 1)
    assert isinstance(client.perform(command), Unknown)
    found = client.find(command)
    if fault.endswith("after_commit"):
        assert done(found).ref == sim.documents("returnAuthorization")[0]["id"]
        assert [line.line_no for line in done(found).lines] == [1, 2]
    else:
        assert found is None
        done(client.perform(command))
    assert len(sim.documents("returnAuthorization")) == 1
    client.close()


def test_a_split_receipt_interrupted_half_way_is_completed_not_repeated(sim: Sim, client: NetSuiteClient) -> None:
    order = found_order(client)
    rma = done(client.perform(opening(order, 2, 1)))
    split = stock(rma, (1, 1, "MAIN", Disposition.SELLABLE), (1, 1, "HELD", Disposition.QUARANTINE))
    command = receiving(order, rma, split)
    first = receiving(order, rma, split[:1])
    done(client.perform(first))
    assert client.find(command) is None
    made = done(client.perform(command))
    assert len(sim.documents("itemReceipt")) == 2
    assert isinstance(client.find(command), Done)
    assert (made.number or "").count(",") == 1


def test_a_failed_read_back_after_a_write_never_reads_as_nothing_happened(sim: Sim, client: NetSuiteClient) -> None:
    order = found_order(client)
    sim.fault("503", "GET", "/returnAuthorization/")
    command = opening(order, 2, 1)
    assert isinstance(client.perform(command), Unknown)
    done(client.find(command))


def test_an_overloaded_account_is_asked_again_later_without_alarm(sim: Sim, client: NetSuiteClient) -> None:
    order = found_order(client)
    sim.fault("429", "POST", "!transform/")
    outcome = client.perform(opening(order, 2, 1))
    assert isinstance(outcome, Busy)
    assert outcome.after_s == 1.0
    assert sim.documents("returnAuthorization") == []


def test_a_rejected_token_is_renewed_once_without_anybody_noticing(sim: Sim, client: NetSuiteClient) -> None:
    order = found_order(client)
    sim.fault("401", "POST", "!transform/")
    done(client.perform(opening(order, 2, 1)))


def test_a_token_that_stays_rejected_locks_the_connection(sim: Sim, client: NetSuiteClient) -> None:
    order = found_order(client)
    sim.fault("401", "POST", "!transform/", times=2)
    assert isinstance(client.perform(opening(order, 2, 1)), LockedOut)


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_a_credit_before_the_receipt_is_explained_as_not_received(client: NetSuiteClient) -> None:
    order = found_order(client)
    rma = done(client.perform(opening(order, 2, 1)))
    refused = client.perform(crediting(order, rma, {1: (2, 3334, 666)}))
    assert refusal(refused) == "return_not_received_in_erp"


def test_more_units_than_expected_are_refused_before_anything_is_booked(sim: Sim, client: NetSuiteClient) -> None:
    order = found_order(client)
    rma = done(client.perform(opening(order, 1, 1)))
    refused = client.perform(receiving(order, rma, stock(rma, (1, 2, "MAIN", Disposition.SELLABLE))))
    assert refusal(refused) == "quantity_exceeds_authorised"
    assert sim.documents("itemReceipt") == []


def test_a_return_of_more_than_was_sold_is_refused(client: NetSuiteClient) -> None:
    refused = client.perform(opening(found_order(client), 3, 1))
    assert refusal(refused) == "quantity_exceeds_despatched"


def test_a_closed_period_goes_to_finance(sim: Sim, client: NetSuiteClient) -> None:
    closed = [{"id": "1", "periodName": "Nov 2026", "startDate": "2026-11-01", "endDate": "2026-11-30", "closed": True}]
    sim.load(world(accountingPeriod=closed))
    order = found_order(client)
    rma = done(client.perform(opening(order, 2, 1)))
    refused = client.perform(receiving(order, rma, stock(rma, *FULL)))
    assert refusal(refused) == "period_closed"
    assert refused.code == "PERIOD_CLOSED"


def test_a_credit_beyond_what_is_left_is_refused_with_nothing_posted(sim: Sim, client: NetSuiteClient) -> None:
    order = found_order(client)
    rma = received(client, order)
    done(client.perform(crediting(order, rma, {1: (2, 3334, 666)})))
    again = msgspec.structs.replace(crediting(order, rma, {1: (1, 1667, 333)}), step="credit-2")
    refused = client.perform(again)
    assert refusal(refused) == "already_credited"
    assert len(sim.documents("creditMemo")) == 1


def test_a_refund_beyond_the_credit_is_refused(sim: Sim, client: NetSuiteClient) -> None:
    order = found_order(client)
    rma = received(client, order)
    credit = done(client.perform(crediting(order, rma, {1: (1, 1667, 333)})))
    refused = client.perform(refunding(order, credit, 2001))
    assert refusal(refused) == "credit_already_applied"
    assert sim.documents("customerRefund") == []


def test_a_document_changed_by_hand_is_parked_with_its_number_and_never_repeated(
    sim: Sim, client: NetSuiteClient
) -> None:
    order = found_order(client)
    rma = received(client, order)
    done(client.perform(crediting(order, rma, {1: (2, 3334, 666)})))
    other = crediting(order, rma, {1: (2, 3333, 666)})
    refused = client.find(other)
    assert refusal(refused) == "totals_mismatch"
    assert isinstance(refused, Refused)
    assert refused.ref == sim.documents("creditMemo")[0]["id"]


def test_an_order_nobody_knows_is_not_found(client: NetSuiteClient) -> None:
    unknown = CaseRef(brand="acme", portal="loop", return_id="78", order_ref="999", order_name="#9999")
    refused = client.perform(FindSalesOrder(case=unknown, step="order"))
    assert refusal(refused) == "order_not_found"


def test_two_orders_for_one_shop_order_are_for_a_person_to_tell_apart(sim: Sim, client: NetSuiteClient) -> None:
    twins = [order("3001", "#1001", "a", "invoice"), order("3002", "#1001", "b", "invoice")]
    sim.load(world(salesOrder=twins))
    refused = client.perform(FindSalesOrder(case=CASE, step="order"))
    assert refusal(refused) == "order_ambiguous"


def test_an_authorisation_waiting_for_approval_is_waited_for(sim: Sim, client: NetSuiteClient) -> None:
    found = found_order(client)
    rma = done(client.perform(opening(found, 2, 1)))
    simulator_record = sim.simulator
    waiting = [
        {
            "id": rma.ref,
            "createdFrom": "3001",
            "orderStatus": "A",
            "lines": [{"line": 1, "item": "100", "quantity": 2, "rate": "16.67", "orderLine": 1}],
        }
    ]
    simulator_record.load(world(returnAuthorization=waiting))
    outcome = client.perform(receiving(found, rma, stock(rma, FULL[0])))
    assert isinstance(outcome, NotYet)


# --- the trap of missing permissions (§2.4) ---------------------------------------------------------------------------


def test_nothing_found_is_not_believed_where_nothing_of_the_kind_was_ever_seen(sim: Sim) -> None:
    client = NetSuiteClient(config(sim, new_account=False, timeout_s=1))
    order = found_order(client)
    sim.fault("timeout_before", "POST", "!transform/")
    command = opening(order, 2, 1)
    assert isinstance(client.perform(command), Unknown)
    refused = client.find(command)
    assert refusal(refused) == "permission_missing"
    client.close()


def test_a_role_that_cannot_see_returns_is_not_taken_for_their_absence(sim: Sim) -> None:
    sim.load(world(role={"missing_permissions": ["returnAuthorization"]}))
    client = NetSuiteClient(config(sim, new_account=False, timeout_s=1))
    order = found_order(client)
    command = opening(order, 2, 1)
    found = client.find(command)
    assert isinstance(found, Refused | LockedOut)
    health = client.probe()
    assert not health.ok
    client.close()


def test_after_one_document_was_seen_the_absence_of_another_is_believed(sim: Sim) -> None:
    client = NetSuiteClient(config(sim, new_account=False))
    order = found_order(client)
    done(client.perform(opening(order, 1, 1)))
    assert client.find(opening(order, 1, 0, step="rma-2")) is None
    client.close()


# --- logging in -------------------------------------------------------------------------------------------------------


def test_an_rsa_certificate_signs_with_ps256(sim: Sim) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    sim.load(world(oauth2={"clients": [{"client_id": "client", "certificate_id": "cert", "public_key": public}]}))
    client = NetSuiteClient(config(sim, private_key=private, algorithm="PS256"))
    assert found_order(client).ref == "3001"
    client.close()


def test_token_based_authentication_works_as_well(sim: Sim) -> None:
    tokens = {"consumer_key": "ck", "consumer_secret": "cs", "token_id": "tk", "token_secret": "ts"}
    client = NetSuiteClient(config(sim, auth="tba", **tokens))
    order = found_order(client)
    done(client.perform(opening(order, 2, 1)))
    client.close()


def test_a_certificate_nobody_mapped_locks_the_connection(sim: Sim) -> None:
    client = NetSuiteClient(config(sim, certificate_id="unknown"))
    assert isinstance(client.perform(FindSalesOrder(case=CASE, step="order")), LockedOut)
    assert not client.probe().ok
    client.close()


# --- reading back -----------------------------------------------------------------------------------------------------


def test_everything_posted_is_read_back_with_its_origin(client: NetSuiteClient) -> None:
    order = found_order(client)
    rma = received(client, order)
    credit = done(client.perform(crediting(order, rma, {1: (2, 3334, 666), 2: (1, 833, 167)})))
    done(client.perform(refunding(order, credit, 5000)))
    [the_rma] = client.documents("rma", "2026-11-01", "2026-11-30")
    [receipt] = client.documents("receipt", "2026-11-01", "2026-11-30")
    [memo] = client.documents("credit_note", "2026-11-01", "2026-11-30")
    [refund] = client.documents("refund", "2026-11-01", "2026-11-30")
    assert (the_rma.external_ref, the_rma.units, the_rma.order_number) == ("cf-acme-loop-77-rma", 3, "SO3001")
    assert (receipt.external_ref, receipt.units, receipt.rma_ref) == ("cf-acme-loop-77-receipt-1", 3, rma.ref)
    assert (memo.amount, memo.currency, memo.rma_ref, memo.dated) == (5000, "GBP", rma.ref, "2026-11-20")
    assert (memo.order_number, memo.status) == ("SO3001", "Fully Applied")
    assert (refund.amount, refund.external_ref) == (5000, "cf-acme-loop-77-refund-1")
    assert list(client.documents("credit_note", "2026-12-01", "2026-12-31")) == []


def test_a_document_is_found_by_our_reference_alone(client: NetSuiteClient) -> None:
    order = found_order(client)
    rma = received(client, order)
    credit = done(client.perform(crediting(order, rma, {1: (2, 3334, 666)})))
    found = client.find_by_ref("credit_note", "cf-acme-loop-77-credit")
    assert found is not None
    assert (found.ref, found.total) == (credit.ref, 4000)
    assert client.find_by_ref("rma", "cf-acme-loop-78-rma") is None


def test_the_probe_tells_what_it_looked_at(client: NetSuiteClient) -> None:
    health = client.probe()
    assert health.ok, health.checks
    assert "NetSuite accepts our login." in [text for _, text in health.checks]


def test_the_probe_names_ids_that_netsuite_does_not_know(sim: Sim) -> None:
    client = NetSuiteClient(config(sim, locations={"MAIN": "6", "LOST": "66"}))
    health = client.probe()
    assert not health.ok
    assert any("66" in text for fine, text in health.checks if not fine)
    client.close()


# --- accounts that differ ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "preferences",
    [
        {"credit_memo_to_customer_refund": False},
        {"missing_transaction": "400"},
        {"duplicate_transaction_code": "DUP_RCRD"},
        {"suiteql_credit_total_sign": "positive"},
        {"transform_line_key": "orderLine"},
        {"expires_in_as_string": True},
        {"date_format": "DD/MM/YYYY"},
        {"external_id_scope": "transactions"},
        {"auto_apply_default": False},
        {"suiteql_omit_nulls": False},
    ],
    ids=str,
)
def test_the_road_works_in_accounts_that_behave_differently(
    sim: Sim, client: NetSuiteClient, preferences: dict[str, Any]
) -> None:
    sim.load(world(preferences=preferences))
    order = found_order(client)
    rma = received(client, order)
    command = crediting(order, rma, {1: (2, 3334, 666)})
    credit = done(client.perform(command))
    assert isinstance(client.perform(command), AlreadyDone)
    done(client.perform(refunding(order, credit, 4000)))
    [memo] = client.documents("credit_note", "2026-11-01", "2026-11-30")
    assert memo.amount == 4000
    assert client.find(opening(order, 1, 0, step="rma-2")) is None
    assert len(sim.documents("customerRefund")) == 1


def test_a_currency_without_decimals_is_credited_in_whole_units(sim: Sim, client: NetSuiteClient) -> None:
    lines = [{"line": 1, "item": "100", "quantity": 2, "rate": "500", "amount": "1000", "taxRate1": "10"}]
    yen = {**order("3003", "#1003", "900003", "invoice"), "currency": "2", "item": {"items": lines}}
    currencies = [{"id": "1", "name": "GBP", "symbol": "GBP"}, {"id": "2", "name": "Yen", "symbol": "JPY"}]
    sim.load(world(currency=currencies, salesOrder=[yen]))
    asked = NetSuiteClient(config(sim, currencies={"GBP": "1", "JPY": "2"}))
    found = found_order(asked, CaseRef(brand="acme", portal="loop", return_id="77", order_ref="900003"))
    assert found.currency == "JPY"
    rma = done(asked.perform(opening(found, 2)))
    done(asked.perform(receiving(found, rma, stock(rma, FULL[0]))))
    command = crediting(found, rma, {1: (1, 500, 50)})
    note = msgspec.structs.replace(command.credit, currency="JPY")
    assert done(asked.perform(msgspec.structs.replace(command, credit=note))).total == 550
    asked.close()


def test_an_unmapped_currency_is_for_the_integrator(sim: Sim, client: NetSuiteClient) -> None:
    sim.load(world(currency=[{"id": "1", "name": "Pound", "symbol": "GBP"}]))
    refused = client.perform(FindSalesOrder(case=CASE, step="order"))
    assert refusal(refused) == "currency_not_mapped"


def test_an_order_wide_discount_does_not_lower_the_credit_a_second_time(sim: Sim, client: NetSuiteClient) -> None:
    discounted = order("3001", "#1001", "900001", "invoice", discountItem="400", discountRate="-10%")
    sim.load(
        world(
            salesOrder=[discounted],
            discountItem=[{"id": "400", "itemId": "Ten off"}],
            preferences={"header_discount_on_transform": "copied"},
        )
    )
    found = found_order(client)
    assert [line.value for line in found.lines] == [None, None]
    rma = received(client, found)
    credit = done(client.perform(crediting(found, rma, {1: (2, 3000, 600)})))
    assert credit.total == 3600


def test_a_kit_comes_back_whole_on_its_own_line(sim: Sim, client: NetSuiteClient) -> None:
    kit = {
        "id": "300",
        "itemId": "GIFT-SET",
        "member": {"items": [{"item": "100", "quantity": 1}, {"item": "101", "quantity": 2}]},
    }
    lines = [
        {"line": 1, "item": "300", "quantity": 1, "rate": "25.00", "amount": "25.00", "taxRate1": "20", "location": "6"}
    ]
    sold = {**order("3001", "#1001", "900001", "invoice"), "item": {"items": lines}}
    sim.load(world(kitItem=[kit], salesOrder=[sold]))
    found = found_order(client)
    assert [(line.sku, line.quantity) for line in found.lines] == [("GIFT-SET", 1)]
    rma = done(client.perform(opening(found, 1)))
    done(client.perform(receiving(found, rma, stock(rma, (1, 1, "MAIN", Disposition.SELLABLE)))))
    assert done(client.perform(crediting(found, rma, {1: (1, 2500, 500)}))).total == 3000
    [receipt] = client.documents("receipt", "2026-11-01", "2026-11-30")
    assert receipt.units == 1


@pytest.mark.parametrize("fault", ["500_after_commit", "500"])
@pytest.mark.parametrize("target", ["itemReceipt", "creditMemo", "customerRefund"])
def test_every_posting_is_found_again_after_its_answer_was_lost(
    sim: Sim, client: NetSuiteClient, target: str, fault: str
) -> None:
    order = found_order(client)
    rma = done(client.perform(opening(order, 2, 1)))
    sim.fault(fault, "POST", f"!transform/{target}")

    def surely(command: ReceiveStock | PostCreditNote | RecordRefund) -> Done:
        """Carry out as the worker does: after Unknown, look before sending again."""
        outcome = client.perform(command)
        if isinstance(outcome, Unknown):
            outcome = client.find(command) or client.perform(command)
        return done(outcome)

    surely(receiving(order, rma, stock(rma, *FULL)))
    credit = surely(crediting(order, rma, {1: (2, 3334, 667)}))
    surely(refunding(order, credit, 4001))
    assert [len(sim.documents(kind)) for kind in ("itemReceipt", "creditMemo", "customerRefund")] == [1, 1, 1]


def test_our_tax_wins_in_a_suitetax_account_that_is_told_so(sim: Sim) -> None:
    sim.load(world(preferences={"suitetax": True}))
    client = NetSuiteClient(config(sim, tax_mode="suitetax", tax_override=True, tax_type="3"))
    order = found_order(client)
    rma = received(client, order)
    assert done(client.perform(crediting(order, rma, {1: (2, 3334, 700)}))).total == 4034
    client.close()
