"""ShipBob's returns: who may send them, and what was done to every unit (warehouse sheet §1, §2.3, §7)."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from counterfoil.core.case import ReturnCase, Unit
from counterfoil.core.commands import CaseRef
from counterfoil.core.count import count_receipt
from counterfoil.core.problems import Owner
from counterfoil.core.receipts import Inspection, Receipt, ReceiptKind
from counterfoil.core.returns import Disposition, Stage
from counterfoil.ports.translation import Kind, Signature, Translation
from counterfoil.ports.vendors import Delivery, Family
from counterfoil.warehouses.shipbob import SPEC
from counterfoil.warehouses.shipbob.webhooks import HOOK

FIXTURES = Path(__file__).parents[3] / "src/counterfoil/warehouses/shipbob/fixtures"
ALL = sorted(path.stem for path in FIXTURES.glob("*.json"))
AT = 1_772_446_500
KEY = "whsec_" + base64.b64encode(b"an invented key for this test...").decode()
PATH = "long-and-random"


def read(name: str = "completed_restock_and_dispose", **changes: Any) -> Any:
    """A fixture with fields changed."""
    body = msgspec.json.decode((FIXTURES / f"{name}.json").read_bytes())
    return body | changes if changes else body


def told(body: Any, status: int | None = None, **headers: str) -> Translation:
    if isinstance(body, str):
        body = read(body)
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return SPEC.translate(Delivery(body=content, headers=names, status=status, arrived_at=AT))


def receipt(body: Any) -> Receipt:
    got = told(body).receipt
    assert got is not None
    return got


def signed(body: bytes = b"{}", key: str = KEY, moment: int = AT, **changes: str) -> Delivery:
    """A delivery signed by the standardwebhooks package, not by our code."""
    signature = Webhook(key).sign("m-1", datetime.fromtimestamp(moment, UTC), body.decode())
    headers = {"webhook-id": "m-1", "webhook-timestamp": str(moment), "webhook-signature": signature, **changes}
    return Delivery(body=body, headers=headers, arrived_at=AT)


# --- who may send


def test_the_secret_path_is_trusted_though_nothing_is_signed() -> None:
    delivery = Delivery(body=b"{}", path_tail=f"{PATH}/", arrived_at=AT)
    assert HOOK.verify(delivery, ["other", PATH, KEY]) is Signature.NOT_SIGNED
    assert HOOK.refuse(delivery, Signature.NOT_SIGNED) is None


@pytest.mark.parametrize("tail", ["wrong", PATH[:-1], "\u00fc", KEY])
def test_another_path_is_not_trusted_and_a_signing_key_is_no_path(tail: str) -> None:
    assert HOOK.verify(Delivery(body=b"{}", path_tail=tail), [PATH, KEY]) is Signature.INVALID


def test_neither_path_nor_signature_is_absent_and_refused() -> None:
    assert HOOK.verify(Delivery(body=b"{}"), [PATH, KEY, ""]) is Signature.ABSENT
    for signature in (Signature.ABSENT, Signature.INVALID):
        reply = HOOK.refuse(Delivery(body=b"{}"), signature)
        assert reply is not None
        assert reply.status == 401


def test_a_signature_that_is_there_decides_even_at_the_secret_path() -> None:
    assert HOOK.verify(signed(), [PATH, KEY]) is Signature.VALID
    forged = msgspec.structs.replace(signed(body=b"{}"), body=b"[]", path_tail=PATH)
    assert HOOK.verify(forged, [PATH, KEY]) is Signature.INVALID


@pytest.mark.parametrize(
    "delivery",
    [
        signed(moment=AT - 301),
        signed(moment=AT + 301),
        signed(**{"webhook-id": "m-2"}),
        signed(**{"webhook-id": ""}),
        signed(**{"webhook-timestamp": "now"}),
        signed(**{"webhook-signature": "v2,AAAA"}),
        signed(key="whsec_" + base64.b64encode(b"somebody else's key ............").decode()),
    ],
)
def test_a_signature_that_is_stale_moved_or_another_s_is_invalid(delivery: Delivery) -> None:
    assert HOOK.verify(delivery, [KEY, "whsec_***"]) is Signature.INVALID


def test_the_message_id_is_the_key_and_without_one_the_bytes_are() -> None:
    assert HOOK.delivery_key(signed()) == "shipbob/m-1"
    assert HOOK.delivery_key(Delivery(body=b"1")) != HOOK.delivery_key(Delivery(body=b"2"))
    assert (HOOK.accepted(signed()).status, HOOK.duplicate(signed()).status) == (200, 200)


# --- what it says


def test_a_completed_return_is_an_inspected_receipt_with_what_was_done() -> None:
    result = told("completed_restock_and_dispose")
    got = receipt("completed_restock_and_dispose")
    assert (result.kind, result.topic, len(result.events)) == (Kind.RECEIPT, "return.completed", 1)
    assert (got.event_type, got.receipt_id, got.revision) == (ReceiptKind.INSPECTED, "884201", 1)
    assert (got.rma_number, got.order_number, got.warehouse_code) == ("RMA-1", "5550001112223", "42")
    assert got.occurred_at == "2026-03-02T10:15:00Z"
    [line] = got.lines
    assert (line.sku, line.received_quantity, line.expected_quantity) == ("TEE-BLK-M", 2, 2)
    kept, gone = line.dispositions
    assert (kept.disposition, gone.disposition) == (Disposition.SELLABLE, Disposition.DISPOSE)
    assert (gone.reason_code, gone.image_urls) == ("Stained", ("https://images.example.com/9001.jpg",))


def test_fewer_and_more_units_than_announced_are_short_and_over() -> None:
    [short] = receipt("completed_one_unit_short").lines
    [over] = receipt("completed_one_unit_over").lines
    assert (short.received_quantity, short.short_quantity, short.oversupply_quantity) == (1, 1, None)
    assert (over.received_quantity, over.short_quantity, over.oversupply_quantity) == (2, None, 1)
    assert (over.dispositions[0].lot_number, over.dispositions[0].expiry_date) == ("L-7", "2027-01-31")


def test_an_action_nobody_explained_leaves_its_line_undecided_and_is_asked_about() -> None:
    result = told("completed_with_unknown_action")
    [problem] = result.problems
    assert (problem.kind, problem.owner, problem.subject) == (
        "unknown_warehouse_word",
        Owner.INTEGRATION,
        "884204/9001",
    )
    waiting, decided = receipt("completed_with_unknown_action").lines
    assert (waiting.inspection_status, waiting.dispositions, waiting.received_quantity) == (Inspection.PENDING, (), 2)
    assert decided.inspection_status is Inspection.PASSED


def test_without_a_sku_the_inventory_id_stands_in_a_form_that_matches_nothing_by_accident() -> None:
    [line] = receipt("completed_without_sku").lines
    assert line.sku == "shipbob:9001"


@pytest.mark.parametrize("name", ["arrived_not_counted", "cancelled"])
def test_before_completion_there_is_nothing_to_count(name: str) -> None:
    result = told(name)
    assert (result.events, result.problems) == ((), ())
    assert result.ignored_because is not None


def test_a_return_that_waits_for_a_decision_is_a_problem_for_operations() -> None:
    [problem] = told("action_required").problems
    assert (problem.kind, problem.owner, problem.subject) == ("warehouse_waits_for_decision", Owner.OPS, "884207")
    assert told("action_required").events == ()


def test_the_return_read_by_api_is_the_fact_the_webhook_told() -> None:
    listed = told("list_answer", 200)
    assert [event.key for event in listed.events] == [told("completed_restock_and_dispose").events[0].key]
    assert told([], 200).ignored_because == "the list is empty"


def test_other_contents_for_the_same_return_show_as_a_conflict() -> None:
    units = tuple(Unit(unit_id=f"u{i}", line_id="l1", order_line_ref="L1", sku="TEE-BLK-M") for i in (1, 2))
    ref = CaseRef(brand="acme", portal="loop", return_id="RMA-1")
    case = ReturnCase(case=ref, currency="GBP", stage=Stage.AUTHORISED, units=units)
    once = count_receipt(case, receipt("completed_restock_and_dispose"))
    assert count_receipt(once, receipt("completed_restock_and_dispose")) == once
    changed = read(inventory=read("completed_one_unit_short")["inventory"])
    assert told(changed).events[0].key != told("completed_restock_and_dispose").events[0].key
    assert count_receipt(once, receipt(changed)).receipts[0].conflict is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"status": None},
        {"status": "Lost"},
        {"completed_date": None},
        {"completed_date": "soon"},
        {"inventory": []},
        {"inventory": [1]},
        {"inventory": [{"id": 1, "action_taken": [{"action": "Restock", "quantity_processed": -1}]}]},
        {"inventory": [{"id": 1, "action_taken": [{"action": "Restock", "quantity_processed": None}]}]},
        {"inventory": [{"id": 1, "action_taken": [{"action": "Restock", "quantity_processed": 1.5}]}]},
        {"inventory": [{"id": 1, "action_taken": [{"action": None, "quantity_processed": 1}]}]},
    ],
)
def test_a_return_that_cannot_be_read_is_kept_for_a_person(changes: dict[str, Any]) -> None:
    result = told(read(**changes))
    assert (result.kind, result.events, [problem.kind for problem in result.problems]) == (
        Kind.UNREADABLE,
        (),
        ["unreadable_delivery"],
    )


@given(st.binary(max_size=200))
def test_no_bytes_raise(body: bytes) -> None:
    for status in (None, 200, 500):
        assert told(body, status).vendor == "shipbob"


def test_an_address_that_is_none_is_left_out() -> None:
    body = read()
    body["inventory"][0]["action_taken"][1]["image_url"] = "http://[broken"
    assert receipt(body).lines[0].dispositions[1].image_urls == ()


def test_other_topics_are_asked_about() -> None:
    assert [problem.kind for problem in told(b"{}", x_webhook_topic="order.shipped").problems] == ["unknown_topic"]


@pytest.mark.parametrize(("status", "result"), [(404, "not_found"), (401, "rejected"), (429, "retry"), (500, "retry")])
def test_a_refusal_of_the_api_says_what_follows(status: int, result: str) -> None:
    answer = told(b"", status).answer
    assert answer is not None
    assert (answer.result, answer.retryable) == (result, result == "retry")


def test_the_folder_offers_one_warehouse_with_its_secrets_marked() -> None:
    assert (SPEC.name, SPEC.family) == ("shipbob", Family.WAREHOUSE)
    assert set(SPEC.secrets) <= set(SPEC.config.__struct_fields__)
