"""Decisions laid over rows: what the nightly run makes of them, from a few rows a bookkeeper can read."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from counterfoil.closing import nightly, own_books, read_back
from counterfoil.closing.desk import ProofDesk
from counterfoil.closing.nightly import Proven, run
from counterfoil.closing.own_books import Books
from counterfoil.ports.actions import ActionError
from counterfoil.testing.road import Road

GATEWAY, ARRIVAL, STOCK = "refund_gateway", "line_receipt", "receipt_stock"


def refund(name: str, minor: int, day: str = "2026-10-01", order: str = "") -> dict[str, Any]:
    return {
        "refund_id": name,
        "store_id": "north",
        "return_id": name,
        "order_no": order,
        "method": "original_payment",
        "currency": "GBP",
        "base_currency": "GBP",
        "amount_minor": minor,
        "refund_date": day,
    }


def paid(name: str, minor: int, reference: str = "", day: str = "2026-10-02", **more: Any) -> dict[str, Any]:
    row = {"gateway_txn_id": name, "store_id": "north", "line_type": "refund", "reference": reference}
    return {**row, "currency": "GBP", "amount_minor": minor, "created_date": day, **more}


def line(name: str, sku: str, qty: int) -> dict[str, Any]:
    row = {"return_line_id": name, "return_id": f"RMA-{name}", "store_id": "north", "sku": sku, "qty": qty}
    return {**row, "authorised_date": "2026-10-01"}


def receipt(name: str, sku: str, qty: int, rma: str) -> dict[str, Any]:
    row = {"receipt_id": name, "rma_ref": rma, "store_id": "north", "sku": sku}
    return {**row, "qty_received": qty, "received_date": "2026-10-03"}


def moved(name: str, sku: str, qty: int, receipt_id: str) -> dict[str, Any]:
    row = {"movement_id": name, "external_id": receipt_id, "store_id": "north", "sku": sku}
    return {**row, "movement_type": "return_receipt", "qty": qty, "posted_date": "2026-10-03"}


class Night:
    """A world whose books are these rows; `prove()` is a night."""

    def __init__(self, road: Road) -> None:
        self.road = road
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.desk = ProofDesk(road.world.database)
        self.trouble: list[str] = []

    def prove(self) -> Proven:
        proven = run(self.road.world)
        assert proven.unbalanced == ()
        return proven

    def open(self, leg: str = GATEWAY) -> dict[str, str]:
        sql = "select left_id, right_id, class from proof_items where class <> 'timing' and leg = :leg"
        rows = self.road.rows(sql, leg=leg)
        return {row["left_id"] or row["right_id"]: row["class"] for row in rows}

    def figures(self, leg: str) -> dict[str, tuple[int, int]]:
        sql = "select line, records, minor from proof_figures where leg = :leg and run_id = (select max(id) from proof_runs)"
        return {row["line"]: (row["records"], row["minor"]) for row in self.road.rows(sql, leg=leg)}

    def decision(self) -> dict[str, Any]:
        return self.road.rows("select * from proof_decisions order by id desc")[0]


@pytest.fixture
def night(road: Road, monkeypatch: pytest.MonkeyPatch) -> Night:
    made = Night(road)
    road.world.now = lambda: "2026-11-09T03:00:00Z"

    def books(_: object) -> Books:
        found = Books()
        for name, rows in made.rows.items():
            found.rows[name] = [dict(row) for row in rows]
        return found

    monkeypatch.setattr(own_books, "read", books)
    monkeypatch.setattr(read_back, "read", lambda *_: made.trouble)
    monkeypatch.setattr(nightly, "_since", lambda _: "2026-01-01")
    return made


def test_two_records_matched_by_hand_stay_matched_and_are_said_to_be(night: Night) -> None:
    night.rows = {"portal_refunds": [refund("R-100001", 4000)], "gateway_refunds": [paid("ch_1", 3900, "walk-in")]}
    night.prove()
    assert night.open() == {"R-100001": "missing_right", "ch_1": "missing_left"}
    night.desk.match(GATEWAY, [("R-100001", "ch_1", None)], "robin", "the clerk typed the name instead")
    night.prove()
    assert night.open() == {"R-100001": "variance"}
    got = night.figures(GATEWAY)
    assert (got["opening"], got["matched"], got["by_hand"], got["closing"]) == (
        (2, 7900),
        (1, 7800),
        (1, 7800),
        (1, 100),
    )
    night.prove()
    assert night.open() == {"R-100001": "variance"}, "and so it stays"


def test_one_payment_split_over_two_refunds_leaves_its_rest_open(night: Night) -> None:
    night.rows = {
        "portal_refunds": [refund("R-100001", 4000), refund("R-100002", 1500)],
        "gateway_refunds": [paid("ch_1", 6000, "walk-in")],
    }
    night.prove()
    chosen = [("R-100001", "ch_1", None), ("R-100002", "ch_1", None)]
    with pytest.raises(ActionError, match="ch_1 is 60.00 GBP; more than that"):
        night.desk.match(GATEWAY, [("R-100001", "ch_1", 4000), ("R-100002", "ch_1", 2001)], "robin", "one payment")
    night.desk.match(GATEWAY, chosen, "robin", "one payment for both")
    night.prove()
    assert night.open() == {"ch_1": "missing_left"}
    assert night.figures(GATEWAY)["closing"] == (1, 500)


def test_one_refund_paid_in_two_movements_is_matched_with_both(night: Night) -> None:
    night.rows = {
        "portal_refunds": [refund("R-100001", 4000)],
        "gateway_refunds": [paid("ch_1", 1500, "walk-in"), paid("ch_2", 2500, "till two")],
    }
    night.prove()
    night.desk.match(GATEWAY, [("R-100001", "ch_1", None), ("R-100001", "ch_2", None)], "robin", "two cards")
    night.prove()
    assert night.open() == {}


def proposal(night: Night) -> None:
    """A line without a reference and the only refund of its amount."""
    night.rows = {"portal_refunds": [refund("R-100001", 4321)], "gateway_refunds": [paid("ch_1", 4321)]}
    night.prove()
    (pair,) = night.road.rows("select left_id, right_id, standing from proof_pairs")
    assert list(pair.values()) == ["R-100001", "ch_1", "proposed"]


def test_a_proposal_that_is_rejected_is_open_and_not_proposed_again(night: Night) -> None:
    proposal(night)
    night.desk.reject(GATEWAY, "ch_1", "robin", "that was a gift card")
    with pytest.raises(ActionError, match="Nothing is proposed"):
        night.desk.accept(GATEWAY, "ch_1", "sam")
    for _ in range(2):
        night.prove()
        assert night.open() == {"R-100001": "missing_right", "ch_1": "missing_left"}
    assert night.road.rows("select 1 from proof_pairs") == []


def test_a_proposal_that_is_accepted_is_final(night: Night) -> None:
    proposal(night)
    night.desk.accept(GATEWAY, "ch_1", "robin")
    night.prove()
    assert night.open() == {} and night.road.rows("select 1 from proof_pairs where standing = 'proposed'") == []


def test_a_changed_record_reopens_its_match_and_an_unreadable_system_does_not(night: Night) -> None:
    night.rows = {"portal_refunds": [refund("R-100001", 4000)], "gateway_refunds": [paid("ch_1", 4000, "walk-in")]}
    night.prove()
    night.desk.match(GATEWAY, [("R-100001", "ch_1", None)], "robin", "typed by hand")
    gone, night.rows["gateway_refunds"] = night.rows["gateway_refunds"], []
    night.trouble = ["the gateway could not be read back: no answer"]
    night.prove()
    assert night.decision()["state"] == "in_force"
    night.trouble, night.rows["gateway_refunds"] = [], [{**gone[0], "amount_minor": 3000}]
    night.prove()
    assert night.decision()["state"] == "reopened"
    assert "ch_1 changed since: it was 40.00 GBP and is 30.00 GBP" in night.decision()["ended_because"]
    assert night.open() == {"R-100001": "missing_right", "ch_1": "missing_left"}


def test_a_record_withdrawn_at_its_source_is_told_apart_from_one_that_matched(night: Night) -> None:
    night.rows = {"portal_refunds": [refund("R-100001", 4000)], "gateway_refunds": [paid("ch_1", 300, "walk-in")]}
    night.prove()
    night.rows["gateway_refunds"] = []
    night.prove()
    got = night.figures(GATEWAY)
    assert (got["opening"], got["withdrawn"], got["closing"]) == ((2, 4300), (1, 300), (1, 4000))


ALL_OPEN = (
    "select leg, left_id, right_id, class, reason, difference_minor, amount_minor, why, bucket from proof_items "
    "order by leg, left_id, right_id"
)
Setting = Callable[[Night], tuple[str, str, str]]


def alone_right(night: Night) -> tuple[str, str, str]:
    night.rows = {"portal_refunds": [refund("R-100001", 4000)], "gateway_refunds": [paid("ch_1", 120, "fee back")]}
    night.rows["gateway_refunds"].append(paid("ch_2", 4000, "R-100001"))
    return GATEWAY, "", "ch_1"


def paid_too_much(night: Night) -> tuple[str, str, str]:
    night.rows = {"portal_refunds": [refund("R-100001", 4000)], "gateway_refunds": [paid("ch_1", 4120, "R-100001")]}
    return GATEWAY, "R-100001", ""


def never_paid(night: Night) -> tuple[str, str, str]:
    night.rows = {"portal_refunds": [refund("R-100001", 400)], "gateway_refunds": []}
    return GATEWAY, "R-100001", ""


def one_unit_lost(night: Night) -> tuple[str, str, str]:
    night.rows = {
        "portal_return_lines": [line("L-1", "HAT", 3)],
        "warehouse_receipts": [receipt("GR-1", "HAT", 2, "RMA-L-1")],
        "erp_stock_movements": [moved("IR-1", "HAT", 2, "GR-1")],
    }
    return ARRIVAL, "L-1", ""


def booked_one_short(night: Night) -> tuple[str, str, str]:
    night.rows = {
        "portal_return_lines": [line("L-1", "HAT", 3)],
        "warehouse_receipts": [receipt("GR-1", "HAT", 3, "RMA-L-1")],
        "erp_stock_movements": [moved("IR-1", "HAT", 2, "GR-1")],
    }
    return STOCK, "GR-1", ""


@pytest.mark.parametrize("setting", [alone_right, paid_too_much, never_paid, one_unit_lost, booked_one_short])
def test_what_is_written_off_is_adjusted_and_everything_still_adds_up(night: Night, setting: Setting) -> None:
    leg, left, right = setting(night)
    night.prove()
    (item,) = night.road.rows("select open_minor from proof_items where leg = :leg", leg=leg)
    number = night.desk.write_off(leg, left, right, "Rounding differences", "robin", "agreed with the shop")
    night.desk.approve(number, "sam")
    night.prove()
    assert night.road.rows("select 1 from proof_items where leg = :leg", leg=leg) == []
    assert night.figures(leg)["adjusted"] == (1, item["open_minor"])
    night.desk.undo(number, "sam", "the shop was wrong")
    night.prove()
    assert night.figures(leg)["new"] == (1, item["open_minor"])


def test_a_night_over_the_store_of_the_last_one_finds_row_for_row_what_a_full_one_finds(
    night: Night, tmp_path: Path
) -> None:
    dice = random.Random(52)
    for _ in range(3):
        refunds = [refund(f"R-{100000 + n}", 1000 + 37 * n, order=f"#{1 + n // 2}") for n in range(40)]
        lines = [paid(f"ch_{n}", 1000 + 37 * n, f"R-{100000 + n}") for n in range(40)]
        night.rows["portal_refunds"] = [row for row in refunds if dice.random() < 0.9]
        night.rows["gateway_refunds"] = [
            {**row, "amount_minor": row["amount_minor"] + dice.choice((0, 0, 0, 2, -495))}
            for row in lines
            if dice.random() < 0.9
        ]
        night.road.world.folder = tmp_path
        night.prove()
        kept = night.road.rows(ALL_OPEN)
        night.road.world.folder = None
        night.prove()
        assert kept == night.road.rows(ALL_OPEN) and len(kept) > 5
    assert (tmp_path / nightly.STORE).exists()


def test_a_store_somebody_damaged_costs_time_and_nothing_else(night: Night, tmp_path: Path) -> None:
    night.rows = {"portal_refunds": [refund("R-100001", 4000)], "gateway_refunds": []}
    night.road.world.folder = tmp_path
    (tmp_path / nightly.STORE).write_bytes(b"no database")
    night.prove()
    assert night.open() == {"R-100001": "missing_right"}
