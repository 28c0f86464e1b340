"""Receipts whose reference is lost or mistyped find their line while nothing else could be meant."""

from __future__ import annotations

from datetime import date
from typing import Any

from counterfoil.reconcile.proof import Run, Settings, prove

DAY = date(2026, 10, 1)
Row = dict[str, Any]


def line(number: int, qty: int, sku: str = "TEE", day: int = 1) -> Row:
    return {
        "return_line_id": f"RL{number}",
        "return_id": f"RET{5000 + number}",
        "order_no": f"#{number}",
        "store_id": "S1",
        "sku": sku,
        "qty": qty,
        "currency": "GBP",
        "authorised_date": date(2026, 9, day),
    }


def receipt(number: int, reference: str, qty: int, sku: str = "TEE", day: int = 6) -> Row:
    return {
        "receipt_id": f"RC{number}",
        "rma_ref": reference,
        "store_id": "S1",
        "sku": sku,
        "qty_received": qty,
        "received_date": date(2026, 9, day),
    }


def proven(lines: list[Row], receipts: list[Row]) -> Run:
    run = prove({"portal_return_lines": lines, "warehouse_receipts": receipts}, Settings(as_of=DAY))
    assert run.balanced, run.unbalanced
    return run


def pairs(run: Run) -> list[tuple[str, str, str]]:
    return [(edge.left_id, edge.right_id, edge.class_) for edge in run.edges()]


def test_two_nameless_parcels_of_one_sku_make_its_only_open_line() -> None:
    with proven([line(1, 3), line(2, 1, "CAP")], [receipt(1, "", 1), receipt(2, "", 2, day=8)]) as run:
        assert pairs(run) == [("RL1", "RC1", "match"), ("RL1", "RC2", "match")]
        assert {edge.standing for edge in run.edges()} == {"proposed"}


def test_nameless_parcels_stay_open_when_two_lines_could_be_meant() -> None:
    with proven([line(1, 3), line(2, 3)], [receipt(1, "", 1), receipt(2, "", 2, day=8)]) as run:
        assert pairs(run) == []


def test_a_second_nameless_receipt_alike_is_a_repeat_of_the_first() -> None:
    with proven([line(1, 1)], [receipt(2, "", 1, day=9), receipt(1, "", 1)]) as run:
        assert pairs(run) == [("RL1", "RC1", "match"), ("RL1", "RC2", "duplicate")]


def test_the_rest_of_a_line_under_another_slip_is_its_second_parcel_and_no_repeat() -> None:
    with proven([line(1, 2)], [receipt(1, "RET50O1", 1), receipt(2, "RET5O01", 1, day=8)]) as run:
        assert pairs(run) == [("RL1", "RC1", "match"), ("RL1", "RC2", "match")]


def test_of_two_repeats_of_one_day_the_lower_number_is_the_match() -> None:
    with proven([line(1, 1)], [receipt(10, "RET5001", 1), receipt(9, "RET5001", 1)]) as run:
        assert pairs(run) == [("RL1", "RC10", "duplicate"), ("RL1", "RC9", "match")]
