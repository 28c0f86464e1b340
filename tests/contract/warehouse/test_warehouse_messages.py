"""The canonical warehouse message: what is read, what is refused and where, and what does not add up."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.core.events import WarehouseReported
from counterfoil.core.problems import Owner
from counterfoil.core.receipts import Inspection, ReceiptKind
from counterfoil.core.returns import Disposition
from counterfoil.ports.translation import Kind, Translation
from counterfoil.ports.vendors import Delivery
from counterfoil.warehouses.canonical import SPEC
from counterfoil.warehouses.canonical.schema import SchemaError, read_receipt

FIXTURES = Path(SPEC.translate.__code__.co_filename).parent / "fixtures"


def message(**changes: Any) -> dict[str, Any]:
    """An inspected receipt of two units, one to sell and one damaged, with some fields changed."""
    units = [
        {"quantity": 1, "condition": "new", "grade": "A", "disposition": "sellable", "location_code": "A-01"},
        {"quantity": 1, "condition": "damaged", "disposition": "damaged", "reason_code": "STAIN"},
    ]
    line = {
        "line_id": "1",
        "sku": "TEE-BLK-M",
        "expected_quantity": 2,
        "received_quantity": 2,
        "inspection_status": "passed",
        "dispositions": units,
    }
    base = {
        "event_id": "evt-1",
        "event_type": "return.inspected",
        "schema_version": "1",
        "source": "acme-3pl",
        "occurred_at": "2026-03-02T10:15:00Z",
        "warehouse_code": "LEEDS",
        "receipt_id": "GR-88",
        "rma_number": "RMA-1",
        "lines": [line],
    }
    return {**base, **changes}


def with_line(**changes: Any) -> dict[str, Any]:
    """The message with its line changed."""
    base = message()
    return {**base, "lines": [{**base["lines"][0], **changes}]}


def with_units(**changes: Any) -> dict[str, Any]:
    """The message with its first disposition changed."""
    base = message()
    line = base["lines"][0]
    return with_line(dispositions=[{**line["dispositions"][0], **changes}, line["dispositions"][1]])


def read(value: Any) -> Translation:
    """The message as its sender would send it, translated."""
    return SPEC.translate(Delivery(body=json.dumps(value).encode()))


def key_of(value: Any) -> str:
    """The key of the one event a message makes."""
    [event] = read(value).events
    return event.key


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.json")), ids=lambda path: path.stem)
def test_every_fixture_becomes_a_receipt_and_an_event_or_a_stated_breach(path: Path) -> None:
    found = SPEC.translate(Delivery(body=path.read_bytes()))
    assert path.name in (FIXTURES / "PROVENANCE.md").read_text()
    if path.stem.startswith("refused_"):
        assert found.kind is Kind.UNREADABLE
        assert [finding.kind for finding in found.problems] == ["unreadable_delivery"]
    else:
        assert found.kind is Kind.RECEIPT
        assert found.receipt is not None
        assert [event.occurred_at for event in found.events] == [found.receipt.occurred_at]


def test_a_message_is_read_field_by_field() -> None:
    found = read(message(inspected_by="Robin Example", received_at="2026-03-02T08:00:00+01:00"))
    receipt = found.receipt
    assert receipt is not None
    assert found.topic == "return.inspected"
    assert receipt.event_type is ReceiptKind.INSPECTED
    assert (receipt.source, receipt.receipt_id, receipt.revision) == ("acme-3pl", "GR-88", 1)
    assert receipt.received_at == "2026-03-02T07:00:00Z"
    [line] = receipt.lines
    assert (line.received_quantity, line.rejected_quantity, line.short_quantity) == (2, 0, None)
    assert line.inspection_status is Inspection.PASSED
    assert [found.disposition for found in line.dispositions] == [Disposition.SELLABLE, Disposition.DAMAGED]
    [event] = found.events
    assert isinstance(event, WarehouseReported)
    assert event.receipt == receipt
    assert found.problems == ()


def test_the_same_receipt_again_has_the_same_key_whatever_its_event_id() -> None:
    again = copy.deepcopy(message(event_id="evt-2"))
    assert key_of(again) == key_of(message())
    assert key_of(dict(reversed(list(message().items())))) == key_of(message())


@pytest.mark.parametrize(
    "other", [message(revision=2), message(receipt_id="GR-89"), message(source="b"), with_line(received_quantity=3)]
)
def test_another_receipt_revision_or_content_has_another_key(other: dict[str, Any]) -> None:
    assert key_of(other) != key_of(message())


def test_fields_nobody_knows_are_tolerated() -> None:
    assert key_of(message(colour="blue")) == key_of(message())


@pytest.mark.parametrize(
    ("value", "code", "path"),
    [
        ([], "BAD_TYPE", ""),
        (message(event_id=None), "MISSING_VALUE", "event_id"),
        (message(event_id=7), "BAD_TYPE", "event_id"),
        (message(event_id="x" * 65), "TOO_LONG", "event_id"),
        (message(event_type="return.lost"), "BAD_ENUM", "event_type"),
        (message(occurred_at=""), "MISSING_VALUE", "occurred_at"),
        (message(occurred_at="yesterday"), "BAD_DATE", "occurred_at"),
        (message(occurred_at="2026-03-02T10:15:00"), "BAD_DATE", "occurred_at"),
        (message(occurred_at="2026-02-30T10:15:00Z"), "BAD_DATE", "occurred_at"),
        (message(schema_version="2"), "BAD_ENUM", "schema_version"),
        (message(schema_version=1), "BAD_TYPE", "schema_version"),
        (message(source=" "), "MISSING_VALUE", "source"),
        (message(warehouse_code=None), "MISSING_VALUE", "warehouse_code"),
        (message(receipt_id="x" * 65), "TOO_LONG", "receipt_id"),
        (message(receipt_id="a\x00b"), "BAD_TEXT", "receipt_id"),
        (message(revision=0), "BAD_NUMBER", "revision"),
        (message(revision=True), "BAD_NUMBER", "revision"),
        (message(event_type="return.receipt_reversed"), "MISSING_VALUE", "reverses_receipt_id"),
        (message(rma_number=None), "NO_REFERENCE", "rma_number"),
        (message(lines=[]), "MISSING_VALUE", "lines"),
        (message(lines={}), "BAD_TYPE", "lines"),
        (message(lines=["x"]), "BAD_TYPE", "lines[0]"),
        (message(lines=message()["lines"] * 2), "DUPLICATE_LINE", "lines[1].line_id"),
        (with_line(line_id=None), "MISSING_VALUE", "lines[0].line_id"),
        (with_line(sku=None), "MISSING_VALUE", "lines[0].sku"),
        (with_line(received_quantity=None), "MISSING_VALUE", "lines[0].received_quantity"),
        (with_line(received_quantity=-1), "BAD_NUMBER", "lines[0].received_quantity"),
        (with_line(received_quantity=2.0), "BAD_NUMBER", "lines[0].received_quantity"),
        (with_line(received_quantity="2"), "BAD_NUMBER", "lines[0].received_quantity"),
        (with_line(received_quantity=10**30), "BAD_NUMBER", "lines[0].received_quantity"),
        (with_line(rejected_quantity=-1), "BAD_NUMBER", "lines[0].rejected_quantity"),
        (with_line(inspection_status="maybe"), "BAD_ENUM", "lines[0].inspection_status"),
        (with_line(inspection_status=None), "MISSING_VALUE", "lines[0].inspection_status"),
        (with_units(quantity=0), "BAD_NUMBER", "lines[0].dispositions[0].quantity"),
        (with_units(condition=None), "MISSING_VALUE", "lines[0].dispositions[0].condition"),
        (with_units(condition="fine"), "BAD_ENUM", "lines[0].dispositions[0].condition"),
        (with_units(grade="E"), "BAD_ENUM", "lines[0].dispositions[0].grade"),
        (with_units(disposition="Sellable"), "BAD_ENUM", "lines[0].dispositions[0].disposition"),
        (with_units(expiry_date="2026-13-01"), "BAD_DATE", "lines[0].dispositions[0].expiry_date"),
        (with_units(serial_numbers=[1]), "BAD_TYPE", "lines[0].dispositions[0].serial_numbers[0]"),
        (with_units(notes="x" * 2001), "TOO_LONG", "lines[0].dispositions[0].notes"),
        (with_units(image_urls=["javascript:x"]), "BAD_URL", "lines[0].dispositions[0].image_urls[0]"),
        (with_units(image_urls=["http://i.test"] * 11), "TOO_LONG", "lines[0].dispositions[0].image_urls"),
    ],
)
def test_a_breach_of_the_schema_names_its_code_and_its_place(value: Any, code: str, path: str) -> None:
    with pytest.raises(SchemaError) as caught:
        read_receipt(value)
    assert (caught.value.code, caught.value.path) == (code, path)
    found = read(value)
    assert found.kind is Kind.UNREADABLE
    assert found.problems[0].subject == path


def test_any_one_reference_is_enough() -> None:
    for name in ("rma_number", "order_number", "tracking_number", "bag_barcode"):
        assert read({**message(rma_number=None), name: "X"}).kind is Kind.RECEIPT


def test_a_closing_message_needs_no_lines() -> None:
    assert read(message(event_type="return.closed", lines=None)).kind is Kind.RECEIPT


def test_a_barcode_stands_in_for_a_sku() -> None:
    assert read(with_line(sku=None, barcode="5012345678900")).kind is Kind.RECEIPT


@pytest.mark.parametrize(
    "value",
    [
        with_line(received_quantity=3),
        with_line(rejected_quantity=1),
        with_line(dispositions=[]),
        with_line(received_quantity=1, rejected_quantity=2, dispositions=[]),
        message(event_type="return.received", lines=with_line(received_quantity=1)["lines"]),
    ],
)
def test_dispositions_that_do_not_add_up_are_kept_and_shown_to_operations(value: dict[str, Any]) -> None:
    found = read(value)
    assert found.kind is Kind.RECEIPT
    assert len(found.events) == 1
    [finding] = found.problems
    assert (finding.kind, finding.owner, finding.subject) == ("disposition_sum", Owner.OPS, "GR-88/1")


@pytest.mark.parametrize(
    "value",
    [
        with_line(received_quantity=3, rejected_quantity=1),
        with_line(inspection_status="pending", dispositions=[]),
        with_line(received_quantity=0, dispositions=[], short_quantity=2),
        message(event_type="return.received", lines=with_line(dispositions=[])["lines"]),
    ],
)
def test_what_adds_up_or_is_not_inspected_yet_raises_nothing(value: dict[str, Any]) -> None:
    assert read(value).problems == ()


def test_serial_numbers_must_be_as_many_as_the_units() -> None:
    two = {"quantity": 2, "condition": "new", "disposition": "sellable"}
    for serials in (["S1"], ["S1", "S1"], ["S1", "S2", "S3"]):
        [finding] = read(with_line(dispositions=[{**two, "serial_numbers": serials}])).problems
        assert finding.kind == "serial_mismatch"
    assert read(with_line(dispositions=[{**two, "serial_numbers": ["S1", "S2"]}])).problems == ()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[]", b"\xff", b'{"a":NaN}', b'{"a":1,"a":2}', b"[" * 99_999, b'{"source":"\\ud800"}']
)
def test_what_is_not_a_message_is_unreadable_and_never_raises(body: bytes) -> None:
    found = SPEC.translate(Delivery(body=body))
    assert found.kind is Kind.UNREADABLE
    found.problems[0].message.encode()


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(message())), _json)
def test_any_value_in_any_field_is_either_read_or_refused(name: str, value: Any) -> None:
    assert read(message(**{name: value})).kind in (Kind.RECEIPT, Kind.UNREADABLE)


@given(st.sampled_from(sorted(message()["lines"][0])), _json)
def test_any_value_in_any_field_of_a_line_is_either_read_or_refused(name: str, value: Any) -> None:
    assert read(with_line(**{name: value})).kind in (Kind.RECEIPT, Kind.UNREADABLE)
