"""What the adapter writes: external ids, exact numbers, whole bodies, and how credits meet their totals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.adapterkit.parse import Fields, read_object
from counterfoil.core.commands import CaseRef, OpenReturnAuthorisation, PostCreditNote, ReceiveStock, RecordRefund
from counterfoil.core.documents import (
    CreditCharge,
    CreditLine,
    CreditNote,
    DocumentRef,
    ErpOrder,
    ErpOrderLine,
    RmaLine,
    StockLine,
)
from counterfoil.core.returns import Disposition
from counterfoil.erps.netsuite import SPEC, wire
from counterfoil.erps.netsuite.authorisations import check_authorisation, plan_authorisation
from counterfoil.erps.netsuite.config import NetSuiteConfig
from counterfoil.erps.netsuite.credits import Part, fit, plan_credit, record_type, tax_on, trouble, unpostable
from counterfoil.erps.netsuite.orders import candidates, line_value
from counterfoil.erps.netsuite.post import Desk, Plan
from counterfoil.erps.netsuite.receipts import place, plan_receipt
from counterfoil.erps.netsuite.refunds import plan_refund
from counterfoil.erps.netsuite.session import Session
from counterfoil.ports.capabilities import Cap
from counterfoil.ports.outcomes import Done, NotYet, Refused

CASE = CaseRef(brand="acme", portal="loop", return_id="77", order_ref="900001", order_name="#1001")
ORDER = ErpOrder(
    ref="3001",
    number="SO3001",
    currency="GBP",
    customer="10",
    lines=(ErpOrderLine(erp_line="1", sku="TEE-M", quantity=2), ErpOrderLine(erp_line="4", sku="MUG", quantity=1)),
    billing="invoice",
)
RMA = DocumentRef(ref="4001", number="RA41")


class NoSession(Session):
    """A session nothing may be asked of: planning is pure."""

    def __init__(self) -> None:
        pass


def desk(**settings: Any) -> Desk:
    """A desk with a configuration and no connection."""
    usual: dict[str, Any] = {
        "account": "1234567_SB1",
        "locations": {"MAIN": "6", "MAIN/quarantine": "7"},
        "charge_items": {"return_fee": "200", "rounding": "201"},
        "refund_account": "120",
    }
    return Desk(NoSession(), NetSuiteConfig(**(usual | settings)))


def sent(plan: object) -> dict[str, Any]:
    """A plan's body as it crosses the wire."""
    assert isinstance(plan, Plan), plan
    body = read_object(wire.encode(plan.body)).data
    assert isinstance(body, dict)
    return body


# --- external ids -----------------------------------------------------------------------------------------------------


def test_an_external_id_names_brand_portal_return_and_step() -> None:
    assert wire.external_id(CASE, "receipt-2") == "cf-acme-loop-77-receipt-2"


texts = st.text(min_size=1, max_size=80)


@given(texts, texts, texts)
def test_an_external_id_is_safe_in_a_url_and_short_enough(brand: str, return_id: str, step: str) -> None:
    case = CaseRef(brand=brand, portal="loop", return_id=return_id)
    made = wire.external_id(case, step)
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,100}", made)
    assert made == wire.external_id(case, step)


def test_ids_that_look_alike_once_cleaned_stay_apart() -> None:
    slash = wire.external_id(CaseRef(brand="acme", portal="loop", return_id="7/7"), "rma")
    space = wire.external_id(CaseRef(brand="acme", portal="loop", return_id="7 7"), "rma")
    plain = wire.external_id(CaseRef(brand="acme", portal="loop", return_id="7_7"), "rma")
    assert len({slash, space, plain}) == 3


def test_long_ids_that_begin_alike_stay_apart() -> None:
    first = wire.external_id(CaseRef(brand="acme", portal="loop", return_id="7" * 120), "rma")
    second = wire.external_id(CaseRef(brand="acme", portal="loop", return_id="7" * 121), "rma")
    assert first != second


# --- numbers, quoting, reading ----------------------------------------------------------------------------------------


def test_amounts_cross_the_wire_as_exact_numbers() -> None:
    assert wire.encode({"amount": wire.amount(4990, "GBP")}) == b'{"amount":49.90}'
    assert wire.encode({"amount": wire.amount(-5, "KWD")}) == b'{"amount":-0.005}'
    assert wire.encode({"amount": wire.amount(500, "JPY")}) == b'{"amount":500}'


def test_quotes_in_a_query_are_doubled() -> None:
    assert wire.quoted(["O'Brien", "x"]) == "'O''Brien', 'x'"


@pytest.mark.parametrize(
    "status",
    [
        {"id": "B", "refName": "Pending Receipt"},
        {"id": "Pending Receipt"},
        "B",
        "RtnAuth:B",
        {"refName": "pending receipt"},
    ],
    ids=str,
)
def test_a_status_is_read_as_letter_or_as_name_in_either_place(status: object) -> None:
    assert wire.letter(Fields({"status": status}), "status", wire.RMA_STATUSES) == "B"


@pytest.mark.parametrize("value", [{"id": "6", "refName": "Main"}, "6", 6], ids=str)
def test_a_reference_may_be_an_object_or_a_bare_value(value: object) -> None:
    assert wire.reference(Fields({"location": value}), "location") == "6"


def test_components_of_a_kit_are_not_lines_of_their_own() -> None:
    rows = [{"line": 1, "item": {"id": "300"}}, {"line": 2, "kitMemberOf": 1}]
    assert [row.text("line") for row in wire.item_lines(Fields({"item": {"items": rows}}))] == ["1"]


def test_a_line_without_visible_tax_has_no_value_rather_than_a_guess() -> None:
    assert line_value(Fields({"amount": Decimal("10.00")}), "GBP") is None
    assert line_value(Fields({"amount": Decimal("10.00"), "tax1Amt": Decimal("2.00")}), "GBP") == 1200
    assert line_value(Fields({"amount": Decimal("10.00"), "grossAmt": Decimal("12.01")}), "GBP") == 1201


def test_an_order_is_sought_by_every_configured_way_of_writing_it() -> None:
    config = NetSuiteConfig(account="1", order_patterns=("shop-{order_ref}", "{order_name}", "{order_number}"))
    assert candidates(config, CASE) == ("shop-900001", "#1001", "1001")
    assert candidates(config, CaseRef(brand="a", portal="loop", return_id="1", order_name="1001")) == ("1001",)


# --- return authorisations --------------------------------------------------------------------------------------------


def opening(*lines: RmaLine, **more: Any) -> OpenReturnAuthorisation:
    """The command to open an RMA."""
    return OpenReturnAuthorisation(
        case=CASE, step="rma", order=ORDER, lines=lines, authorised_at="2026-11-18T09:00:00Z", **more
    )


def rma_line(line_no: int = 1, erp_line: str = "1", sku: str = "TEE-M", quantity: int = 1, **more: Any) -> RmaLine:
    """One line of it."""
    return RmaLine(line_no=line_no, erp_line=erp_line, sku=sku, quantity=quantity, **({"reason_code": "small"} | more))


def test_an_authorisation_is_a_transform_of_the_order_with_only_the_wanted_lines() -> None:
    plan = plan_authorisation(desk(), opening(rma_line(expected_depot="MAIN"), memo="Too small"))
    assert isinstance(plan, Plan)
    assert plan.path == "/services/rest/record/v1/salesOrder/3001/!transform/returnAuthorization"
    assert plan.params == {"replace": "item"}
    assert sent(plan) == {
        "externalId": "cf-acme-loop-77-rma",
        "tranDate": "2026-11-18",
        "orderStatus": {"id": "B"},
        "otherRefNum": "LOOP-77",
        "memo": "Too small",
        "item": {"items": [{"orderLine": 1, "quantity": 1, "location": {"id": "6"}}]},
    }


def test_one_order_line_may_come_back_for_two_reasons() -> None:
    settings = {"reason_field": "custcol_reason", "reasons": {"small": "11", "colour": "12"}}
    lines = (rma_line(1), rma_line(2, reason_code="colour"))
    rows = sent(plan_authorisation(desk(**settings), opening(*lines)))["item"]["items"]
    assert [row["custcol_reason"] for row in rows] == [{"id": "11"}, {"id": "12"}]
    assert [row["orderLine"] for row in rows] == [1, 1]


def test_a_reason_without_mapping_is_refused_never_sent_as_something_else() -> None:
    refused = plan_authorisation(desk(reason_field="custcol_reason", reasons={"colour": "12"}), opening(rma_line()))
    assert isinstance(refused, Refused)
    assert refused.kind == "reason_not_mapped"


def test_a_depot_without_location_is_refused() -> None:
    refused = plan_authorisation(desk(), opening(rma_line(expected_depot="NOWHERE")))
    assert isinstance(refused, Refused)
    assert refused.kind == "depot_not_mapped"


def test_a_part_of_a_kit_is_for_a_person() -> None:
    refused = plan_authorisation(desk(), opening(rma_line(sku="TEE-COMPONENT")))
    assert isinstance(refused, Refused)
    assert refused.kind == "kit_part_returned"


def test_tracking_known_at_the_start_goes_into_its_field_or_the_memo() -> None:
    with_field = sent(plan_authorisation(desk(tracking_field="custbody_track"), opening(rma_line(), tracking="AB1")))
    assert with_field["custbody_track"] == "AB1"
    without = sent(plan_authorisation(desk(), opening(rma_line(), tracking="AB1", memo="x")))
    assert without["memo"] == "x | Tracking AB1"


def rma_record(*rows: Mapping[str, Any], **more: Any) -> Fields:
    """An RMA as NetSuite shows it."""
    record = {
        "id": "4001",
        "tranId": "RA41",
        "createdFrom": {"id": "3001"},
        "currency": {"id": "1", "refName": "GBP"},
        "status": {"id": "B"},
        "total": Decimal("40.00"),
        "item": {"items": list(rows)},
    }
    return Fields(record | more)


def test_an_authorisation_read_back_maps_our_lines_to_netsuites() -> None:
    rows = ({"line": 1, "orderLine": 4, "quantity": 1}, {"line": 4, "orderLine": 1, "quantity": Decimal("2.0")})
    command = opening(rma_line(1, quantity=2), rma_line(2, erp_line="4", sku="MUG"))
    checked = check_authorisation(desk(), command, rma_record(*rows))
    assert isinstance(checked, Done)
    assert [(line.line_no, line.erp_line) for line in checked.lines] == [(1, "4"), (2, "1")]
    assert (checked.ref, checked.number, checked.total) == ("4001", "RA41", 4000)


@pytest.mark.parametrize(
    "record",
    [
        rma_record({"line": 1, "orderLine": 1, "quantity": 2}),
        rma_record({"line": 1, "orderLine": 4, "quantity": 1}),
        rma_record({"line": 1, "orderLine": 1, "quantity": 1}, {"line": 4, "orderLine": 4, "quantity": 1}),
        rma_record({"line": 1, "orderLine": 1, "quantity": 1}, createdFrom={"id": "3002"}),
        rma_record(),
    ],
    ids=["quantity", "line", "extra", "order", "empty"],
)
def test_an_authorisation_that_says_something_else_is_parked_with_its_id(record: Fields) -> None:
    checked = check_authorisation(desk(), opening(rma_line()), record)
    assert isinstance(checked, Refused)
    assert (checked.kind, checked.ref, checked.number) == ("document_differs", "4001", "RA41")


# --- receipts ---------------------------------------------------------------------------------------------------------


def unit(line_no: int, rma_line: str, quantity: int, depot: str | None, found: Disposition, **more: Any) -> StockLine:
    """Units that came back."""
    return StockLine(
        line_no=line_no,
        rma_line_no=line_no,
        rma_erp_line=rma_line,
        sku="TEE-M",
        quantity=quantity,
        depot=depot,
        disposition=found,
        **more,
    )


def receipt_body(settings: Mapping[str, Any], *lines: StockLine) -> dict[str, Any]:
    """What is sent for units that fit one receipt."""
    at = desk(**settings)
    passes = place(at.config, lines)
    assert isinstance(passes, list)
    [placed] = passes
    command = ReceiveStock(
        case=CASE,
        step="receipt-1",
        rma=RMA,
        order=ORDER,
        lines=lines,
        open_lines=("1", "4"),
        received_at="2026-11-19T10:00:00Z",
        warehouse="MAIN",
        warehouse_ref="R-1",
    )
    rma = rma_record(
        {"line": 1, "quantity": 2}, {"line": 4, "quantity": 1}, {"line": 7, "quantity": 1, "isClosed": True}
    )
    return sent(plan_receipt(at, command, rma, placed, 1))


def test_every_open_line_is_named_and_those_not_received_are_said_to_be_so() -> None:
    body = receipt_body({}, unit(1, "1", 2, "MAIN", Disposition.SELLABLE))
    assert body["item"]["items"] == [
        {"orderLine": 4, "itemReceive": False},
        {"orderLine": 1, "itemReceive": True, "quantity": 2, "location": {"id": "6"}},
    ]
    assert (body["externalId"], body["tranDate"], body["memo"]) == (
        "cf-acme-loop-77-receipt-1",
        "2026-11-19",
        "MAIN R-1",
    )


def test_the_disposition_chooses_the_more_exact_location() -> None:
    body = receipt_body({}, unit(1, "1", 1, "MAIN", Disposition.QUARANTINE))
    assert body["item"]["items"][1]["location"] == {"id": "7"}


def test_dispositions_may_be_inventory_statuses_in_one_place() -> None:
    settings = {"locations": {"MAIN": "6"}, "inventory_statuses": {"sellable": "1", "quarantine": "3"}}
    both = (unit(1, "1", 1, "MAIN", Disposition.SELLABLE), unit(2, "1", 1, "MAIN", Disposition.QUARANTINE))
    row = receipt_body(settings, *both)["item"]["items"][1]
    assert row["quantity"] == 2
    assert row["inventoryDetail"]["inventoryAssignment"]["items"] == [
        {"quantity": 1, "inventoryStatus": {"id": "1"}},
        {"quantity": 1, "inventoryStatus": {"id": "3"}},
    ]


def test_serial_numbers_are_sent_one_by_one_where_configured() -> None:
    line = unit(1, "1", 2, "MAIN", Disposition.SELLABLE, serials=("S1", "S2"))
    assert "inventoryDetail" not in receipt_body({}, line)["item"]["items"][1]
    row = receipt_body({"send_lots": True}, line)["item"]["items"][1]
    assert row["inventoryDetail"]["inventoryAssignment"]["items"] == [
        {"quantity": 1, "receiptInventoryNumber": "S1"},
        {"quantity": 1, "receiptInventoryNumber": "S2"},
    ]


def test_written_off_units_never_go_to_a_depot() -> None:
    written_off = unit(1, "1", 1, None, Disposition.DISPOSE)
    refused = place(desk().config, [written_off])
    assert isinstance(refused, Refused)
    assert refused.kind == "depot_not_mapped"
    body = receipt_body({"write_off_location": "9"}, written_off)
    assert body["item"]["items"][1]["location"] == {"id": "9"}


def test_units_are_divided_into_as_few_receipts_as_their_places_need() -> None:
    lines = (
        unit(1, "1", 1, "MAIN", Disposition.SELLABLE),
        unit(2, "1", 1, "MAIN", Disposition.QUARANTINE),
        unit(3, "4", 1, "MAIN", Disposition.SELLABLE),
        unit(4, "1", 1, "MAIN", Disposition.SELLABLE),
    )
    passes = place(desk().config, lines)
    assert isinstance(passes, list)
    got = [{line: [each.line_no for each in units] for line, units in placed.items()} for placed in passes]
    assert got == [{"1": [1, 4], "4": [3]}, {"1": [2]}]


# --- credits ----------------------------------------------------------------------------------------------------------


def credit_line(rma_erp_line: str | None, quantity: int, net: int, tax: int, line_no: int = 1) -> CreditLine:
    """One credited line."""
    return CreditLine(
        line_no=line_no,
        erp_line="1",
        rma_line_no=1,
        rma_erp_line=rma_erp_line,
        order_line_ref="L1",
        sku="TEE-M",
        quantity=quantity,
        net=net,
        tax=tax,
        gross=net + tax,
    )


def crediting(*lines: CreditLine, charges: tuple[CreditCharge, ...] = (), **order: Any) -> PostCreditNote:
    """The command to post a credit."""
    note = CreditNote(currency="GBP", lines=lines, charges=charges, refund_refs=("555",))
    return PostCreditNote(
        case=CASE,
        step="credit",
        rma=RMA,
        order=msgspec.structs.replace(ORDER, **order),
        credit=note,
        credit_date="2026-11-20",
    )


def received(**more: Any) -> Fields:
    """The RMA once its goods are here."""
    row = {"line": 1, "quantity": 2, "quantityReceived": 2, "taxRate1": Decimal("20.0")}
    return rma_record(row, status={"id": "F"}, **more)


def test_a_credit_memo_sends_amounts_without_tax_and_applies_itself_to_nothing() -> None:
    charges = (
        CreditCharge(code="shipping", net=495, tax=0, gross=495),
        CreditCharge(code="return_fee", net=-250, tax=0, gross=-250),
    )
    plan = plan_credit(desk(), crediting(credit_line("1", 2, 3334, 667), charges=charges), received())
    assert isinstance(plan, Plan)
    assert plan.path == "/services/rest/record/v1/returnAuthorization/4001/!transform/creditMemo"
    assert sent(plan) == {
        "externalId": "cf-acme-loop-77-credit",
        "tranDate": "2026-11-20",
        "memo": "Order SO3001, return 77, refund 555",
        "autoApply": False,
        "shippingCost": Decimal("4.95"),
        "item": {
            "items": [
                {
                    "orderLine": 1,
                    "quantity": 2,
                    "amount": Decimal("33.34"),
                    "rate": Decimal("16.67"),
                    "price": {"id": "-1"},
                },
                {
                    "item": {"id": "200"},
                    "quantity": 1,
                    "description": "return fee",
                    "amount": Decimal("-2.50"),
                    "rate": Decimal("-2.50"),
                    "price": {"id": "-1"},
                },
            ]
        },
    }


def test_a_cash_sale_is_credited_by_a_cash_refund() -> None:
    command = crediting(credit_line("1", 1, 1667, 333), billing="cash_sale")
    assert record_type(command) == "cashRefund"
    body = sent(plan_credit(desk(), command, received()))
    assert "autoApply" not in body


def test_lines_of_one_rma_line_are_credited_together() -> None:
    command = crediting(credit_line("1", 1, 1667, 333), credit_line("1", 1, 1666, 334, line_no=2))
    [row] = sent(plan_credit(desk(), command, received()))["item"]["items"]
    assert (row["quantity"], row["amount"]) == (2, Decimal("33.33"))


def test_a_cent_that_no_net_can_reach_becomes_rounding_or_is_refused_before_posting() -> None:
    command = crediting(credit_line("1", 1, 2, 1))  # 0.03 at 20 %: 0.02 makes 0.02, 0.03 makes 0.04
    rows = sent(plan_credit(desk(), command, received()))["item"]["items"]
    assert [(row.get("item"), row["amount"]) for row in rows] == [
        (None, Decimal("0.02")),
        ({"id": "201"}, Decimal("0.01")),
    ]
    refused = plan_credit(desk(charge_items={}), command, received())
    assert isinstance(refused, Refused)
    assert refused.kind == "totals_mismatch"


@given(st.integers(1, 10**6), st.integers(0, 3000))
def test_a_fitted_net_reaches_the_gross_exactly_or_says_by_how_much_it_misses(gross: int, hundredths: int) -> None:
    tax_rate = Decimal(hundredths) / 100
    net = int((gross / (1 + tax_rate / 100)).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    part = Part(rma_line="1", line_nos=(1,), sku="X", quantity=1, net=net, tax=gross - net, gross=gross)
    fitted = fit(part, tax_rate)
    assert fitted.off is not None
    assert fitted.net + tax_on(fitted.net, tax_rate) + fitted.off == gross
    assert abs(fitted.off) <= 1


def test_an_unknown_tax_rate_leaves_the_net_alone() -> None:
    part = Part(rma_line="1", line_nos=(1,), sku="X", quantity=1, net=3, tax=1, gross=4)
    assert (fit(part, None).net, fit(part, None).off) == (3, None)


def test_our_tax_is_only_sent_where_suitetax_is_told_so() -> None:
    command = crediting(credit_line("1", 1, 1667, 333))
    assert "taxDetails" not in sent(plan_credit(desk(), command, received()))
    settings = {"tax_mode": "suitetax", "tax_override": True, "tax_type": "3"}
    body = sent(plan_credit(desk(**settings), command, received()))
    assert body["taxDetailsOverride"] is True
    assert body["taxDetails"]["items"] == [
        {
            "taxDetailsReference": "L1",
            "taxBasis": Decimal("16.67"),
            "taxAmount": Decimal("3.33"),
            "taxType": {"id": "3"},
        }
    ]


def test_what_cannot_be_written_down_is_refused_at_once() -> None:
    config = desk().config
    goodwill = (CreditCharge(code="goodwill", net=100, tax=0, gross=100),)
    cases = {
        "charge_not_mapped": crediting(credit_line("1", 1, 1, 0), charges=goodwill),
        "line_not_on_return": crediting(credit_line(None, 1, 1, 0)),
        "credit_currency_differs": crediting(credit_line("1", 1, 1, 0), currency="EUR"),
    }
    assert {kind: refused.kind for kind, each in cases.items() if (refused := unpostable(config, each))} == {
        kind: kind for kind in cases
    }


def test_goods_the_customer_kept_are_credited_without_raising_stock() -> None:
    at = desk(charge_items={"kept_goods": "205"})
    command = crediting(credit_line(None, 1, 1000, 0))
    assert unpostable(at.config, command) is None
    [row] = sent(plan_credit(at, command, received()))["item"]["items"]
    assert row["item"] == {"id": "205"}
    assert "orderLine" not in row


@pytest.mark.parametrize(("status", "kind"), [("C", "return_closed_in_erp"), ("G", "already_credited")])
def test_the_state_of_the_authorisation_explains_a_refusal(status: str, kind: str) -> None:
    part = Part(rma_line="1", line_nos=(1,), sku="X", quantity=1, net=1, tax=0, gross=1)
    refused = trouble(rma_record({"line": 1, "quantity": 2}, status={"id": status}), [part])
    assert isinstance(refused, Refused)
    assert refused.kind == kind
    assert isinstance(trouble(rma_record({"line": 1, "quantity": 2}, status={"id": "A"}), [part]), NotYet)


# --- refunds ----------------------------------------------------------------------------------------------------------


def test_a_refund_is_saved_only_and_goes_to_the_account_of_its_tender() -> None:
    command = RecordRefund(
        case=CASE,
        step="refund-1",
        credit=DocumentRef(ref="6001", number="CM101"),
        order=ORDER,
        amount=4990,
        currency="GBP",
        refund_ref="555",
        tender="paypal",
        paid_on="2026-11-20",
    )
    settings = {"refund_accounts": {"paypal": "121"}, "payment_option": "9"}
    body = sent(plan_refund(desk(**settings), command))
    assert body["handlingMode"] == {"id": "SAVE_ONLY"}
    assert (body["account"], body["paymentOption"]) == ({"id": "121"}, {"id": "9"})
    assert body["apply"]["items"] == [{"doc": {"id": "6001"}, "apply": True, "amount": Decimal("49.90")}]


# --- the vendor's face ------------------------------------------------------------------------------------------------


def test_exchanges_and_stock_are_abilities_of_every_account() -> None:
    able = SPEC.capabilities(NetSuiteConfig(account="1"))
    assert {Cap.CHECK_STOCK, Cap.CREATE_EXCHANGE, Cap.RELEASE_EXCHANGE, Cap.CANCEL_EXCHANGE} <= able


def test_deleting_receipts_is_an_ability_only_where_it_is_allowed() -> None:
    assert Cap.REVERSE_RECEIPT not in SPEC.capabilities(NetSuiteConfig(account="1"))
    assert Cap.REVERSE_RECEIPT in SPEC.capabilities(NetSuiteConfig(account="1", allow_receipt_deletion=True))
    assert Cap.DRAFT_CREDIT not in SPEC.capabilities(NetSuiteConfig(account="1"))


def test_addresses_follow_from_the_account_and_may_be_replaced() -> None:
    config = NetSuiteConfig(account="1234567_SB1", base_url="http://127.0.0.1:9/")
    assert config.api_url == "http://127.0.0.1:9"
    assert config.token_audience == (
        "https://1234567-sb1.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token"
    )
    assert NetSuiteConfig(account="1234567_SB1").api_url == "https://1234567-sb1.suitetalk.api.netsuite.com"


def test_every_setting_has_a_title_and_a_help_text() -> None:
    properties = msgspec.json.schema(NetSuiteConfig)["$defs"]["NetSuiteConfig"]["properties"]
    assert [name for name, each in properties.items() if not (each.get("title") and each.get("description"))] == []
    assert set(SPEC.secrets) <= set(properties)


def test_a_document_of_several_parts_links_to_its_first() -> None:
    assert SPEC.document_url is not None
    link = SPEC.document_url(NetSuiteConfig(account="1"), "receipt", "5001,5002")
    assert link == "https://1.app.netsuite.com/app/accounting/transactions/transaction.nl?id=5001"
