"""ShipHero's snapshots: signature, receipts, and that counting them posts only differences (warehouse sheet §1, §3.9)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.core.case import Reception, ReturnCase, Unit
from counterfoil.core.commands import CaseRef
from counterfoil.core.count import count_receipt
from counterfoil.core.events import WarehouseReported
from counterfoil.core.receipts import FoundUnits, Inspection, Receipt, ReceiptKind
from counterfoil.core.returns import Disposition, Stage
from counterfoil.ports.translation import Kind, Signature, Translation
from counterfoil.ports.vendors import Delivery, Family
from counterfoil.warehouses.shiphero import SPEC
from counterfoil.warehouses.shiphero.webhooks import HOOK

FIXTURES = Path(__file__).parents[3] / "src/counterfoil/warehouses/shiphero/fixtures"
ALL = sorted(path.stem for path in FIXTURES.glob("*.json"))
AT = 1_772_446_500.0
BODY = b'{"webhook_type":"Return Update"}'
SIGNED = "HC9OBIj2Qqb6v2dK57zh0zd3RVDFOtWFsnj+PFmJbGs="  # of BODY with example-secret, made by openssl


def snapshot(name: str = "two_of_three_received", **item: Any) -> dict[str, Any]:
    """A fixture with fields of its first item changed."""
    body: dict[str, Any] = msgspec.json.decode((FIXTURES / f"{name}.json").read_bytes())
    if item:
        body["items"][0].update(item)
    return body


def told(body: str | bytes | dict[str, Any], at: float = AT, message: str = "", **more: Any) -> Translation:
    if isinstance(body, str):
        body = snapshot(body)
    content = msgspec.json.encode(body) if isinstance(body, dict) else body
    headers = {"x-shiphero-message-id": message} if message else {}
    return SPEC.translate(Delivery(body=content, headers=headers, arrived_at=at, **more))


def receipt(body: str | dict[str, Any], at: float = AT) -> Receipt:
    [event] = told(body, at).events
    assert isinstance(event, WarehouseReported)
    return event.receipt


def found(quantity: int, disposition: Disposition, **more: Any) -> FoundUnits:
    return FoundUnits(quantity=quantity, condition="unknown", disposition=disposition, **more)


# --- the webhook


def test_a_signature_made_by_another_program_is_valid_under_any_secret() -> None:
    delivery = Delivery(body=BODY, headers={"x-shiphero-hmac-sha256": SIGNED})
    assert HOOK.verify(delivery, ["next", "example-secret"]) is Signature.VALID
    assert HOOK.verify(delivery, ["next", ""]) is Signature.INVALID
    assert HOOK.verify(msgspec.structs.replace(delivery, body=BODY + b" "), ["example-secret"]) is Signature.INVALID
    assert HOOK.verify(Delivery(body=BODY), ["example-secret"]) is Signature.ABSENT


def test_the_message_id_is_the_key_and_without_one_the_bytes_are() -> None:
    first = Delivery(body=BODY, headers={"x-shiphero-message-id": "m-1"})
    again = Delivery(body=b"{}", headers={"x-shiphero-message-id": "m-1"})
    assert HOOK.delivery_key(first) == HOOK.delivery_key(again) == "shiphero/m-1"
    assert HOOK.delivery_key(Delivery(body=BODY)) != HOOK.delivery_key(Delivery(body=b"{}"))


def test_the_answer_is_the_documented_one_and_strangers_are_refused() -> None:
    assert HOOK.accepted(Delivery(body=BODY)).body == b'{"code":"200","Message":"Success"}'
    assert HOOK.duplicate(Delivery(body=BODY)).status == 200
    refused = HOOK.refuse(Delivery(body=BODY), Signature.ABSENT)
    assert refused is not None
    assert refused.status == 401
    assert HOOK.refuse(Delivery(body=BODY), Signature.VALID) is None


# --- one snapshot


def test_units_put_back_are_sellable_and_the_others_are_set_apart() -> None:
    got = receipt("two_of_three_received")
    assert (got.event_type, got.receipt_id, got.warehouse_code) == (ReceiptKind.INSPECTED, "3390001@3141", "3141")
    assert (got.order_number, got.tracking_number) == ("#1001", "1ZEXAMPLE0000000001")
    assert got.occurred_at == "2026-03-02T10:15:00Z"
    [line] = got.lines
    assert (line.sku, line.received_quantity, line.expected_quantity) == ("TEE-BLK-M", 2, 3)
    assert line.dispositions == (
        found(1, Disposition.SELLABLE),
        found(1, Disposition.QUARANTINE, reason_code="Too small"),
    )


def test_without_a_word_on_stock_a_line_is_only_counted() -> None:
    got = receipt("received_without_word_on_stock")
    [line] = got.lines
    assert (got.event_type, line.inspection_status, line.dispositions) == (
        ReceiptKind.RECEIVED,
        Inspection.PENDING,
        (),
    )


def test_truth_values_speak_for_all_units_and_each_warehouse_has_its_receipt() -> None:
    events = told("two_items_in_two_warehouses").events
    receipts = [event.receipt for event in events if isinstance(event, WarehouseReported)]
    assert [one.receipt_id for one in receipts] == ["3390001@3141", "3390001@3150"]
    first, second = (one.lines[0].dispositions[0] for one in receipts)
    assert (first.disposition, first.condition) == (Disposition.SELLABLE, "unknown")
    assert (second.disposition, second.condition) == (Disposition.QUARANTINE, "damaged")
    assert len({event.key for event in events}) == 2


def test_an_item_without_warehouse_has_a_code_to_be_mapped_and_a_unit_too_many_is_counted() -> None:
    got = receipt("item_without_warehouse")
    assert (got.warehouse_code, got.lines[0].oversupply_quantity) == ("shiphero", 1)


def test_more_restocked_than_came_decides_nothing_and_is_told() -> None:
    body = snapshot(quantity_received=1, restock=2)
    assert [problem.kind for problem in told(body).problems] == ["disposition_sum"]
    counted = count_receipt(case(), receipt(body))
    assert [unit.disposition for unit in counted.units] == [None, None, None]


def test_a_return_that_names_nothing_is_blind() -> None:
    assert [problem.kind for problem in told("no_order_and_no_parcel").problems] == ["blind_receipt"]


@pytest.mark.parametrize(
    "item",
    [
        {"quantity_received": None},
        {"quantity_received": -1},
        {"quantity_received": 1.5},
        {"quantity_received": "many"},
        {"restock": -1},
        {"sku": ""},
        {"id": None},
    ],
)
def test_an_item_that_cannot_be_read_keeps_the_snapshot_for_a_person(item: dict[str, Any]) -> None:
    result = told(snapshot(**item))
    assert (result.kind, result.events, [problem.kind for problem in result.problems]) == (
        Kind.UNREADABLE,
        (),
        ["unreadable_delivery"],
    )


def test_an_item_id_twice_is_unreadable() -> None:
    body = snapshot()
    body["items"] *= 2
    assert told(body).kind is Kind.UNREADABLE


@given(st.binary(max_size=200))
def test_no_bytes_raise(body: bytes) -> None:
    for status in (None, 200, 500):
        assert told(body, status=status).vendor == "shiphero"


def test_other_webhooks_are_asked_about() -> None:
    result = told("other_webhook")
    assert (result.kind, result.topic, result.problems[0].kind) == (Kind.OTHER, "Inventory Update", "unknown_topic")


# --- many snapshots


def case() -> ReturnCase:
    """A return of three units, of which nothing has come."""
    units = tuple(Unit(unit_id=f"u{i}", line_id="l1", order_line_ref="L1", sku="TEE-BLK-M") for i in (1, 2, 3))
    ref = CaseRef(brand="acme", portal="loop", return_id="r-1")
    return ReturnCase(case=ref, currency="GBP", stage=Stage.AUTHORISED, units=units)


def counted(totals: list[int]) -> ReturnCase:
    """The return after snapshots with these running totals, a minute apart."""
    state = case()
    for minute, total in enumerate(totals):
        state = count_receipt(state, receipt(snapshot(quantity_received=total, restock=total), AT + 60 * minute))
    return state


def received(state: ReturnCase) -> int:
    return sum(unit.reception is Reception.RECEIVED for unit in state.units)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8))
def test_after_any_course_of_totals_as_many_units_are_here_as_the_last_one_says(totals: list[int]) -> None:
    state = counted(totals)
    assert received(state) == totals[-1]
    assert state.unexpected == ()
    assert all(known.conflict is None for known in state.receipts)


def test_the_webhook_on_creation_does_not_look_like_a_parcel() -> None:
    state = counted([0])
    assert (state.receipts, state.first_receipt_at) == ((), None)


def test_units_beyond_the_return_are_kept_apart_and_go_when_the_total_is_corrected() -> None:
    assert [extra.quantity for extra in counted([2, 5]).unexpected] == [2]
    assert counted([5, 3]).unexpected == ()


def test_a_repeat_is_one_fact_and_the_same_totals_in_a_new_message_another_that_changes_nothing() -> None:
    first, repeat, later = (
        told("two_of_three_received", AT + wait, message=message)
        for wait, message in ((0, "m-1"), (5, "m-1"), (9, "m-2"))
    )
    assert first.events[0].key == repeat.events[0].key != later.events[0].key
    assert first.receipt is not None
    assert later.receipt is not None
    once = count_receipt(case(), first.receipt)
    assert count_receipt(once, later.receipt).units == once.units


def test_reading_a_kept_delivery_again_gives_the_same_revision() -> None:
    body = snapshot()
    assert receipt(body, AT + 0.123) == receipt(body, round((AT + 0.123) * 1000) / 1000)
    assert receipt(body, AT + 0.002).revision > receipt(body, AT + 0.001).revision


def test_the_folder_offers_one_warehouse_with_its_secrets_marked() -> None:
    assert (SPEC.name, SPEC.family) == ("shiphero", Family.WAREHOUSE)
    assert set(SPEC.secrets) <= set(SPEC.config.__struct_fields__)
