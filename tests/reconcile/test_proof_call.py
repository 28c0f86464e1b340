"""`prove(sources, settings)` as the nightly run and the workbench call it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from counterfoil.reconcile.problems import UnusableError
from counterfoil.reconcile.proof import Settings, prove

DAY = date(2026, 10, 1)


def refund(number: int, amount: int, **other: Any) -> dict[str, Any]:
    return {
        "refund_id": f"R{number}",
        "store_id": "S1",
        "order_no": f"#{1000 + number}",
        "method": "original_payment",
        "currency": "GBP",
        "base_currency": "GBP",
        "amount_minor": amount,
        "refund_date": date(2026, 9, 1),
        **other,
    }


def note(number: int, amount: int, **other: Any) -> dict[str, Any]:
    return {
        "credit_note_id": f"CN{number}",
        "store_id": "S1",
        "external_id": f"R{number}",
        "order_no": f"#{1000 + number}",
        "currency": "GBP",
        "amount_minor": amount,
        "posted_date": date(2026, 9, 2),
        **other,
    }


def test_rows_are_proven_as_files_are() -> None:
    sources = {
        "portal_refunds": [refund(1, 2000), refund(2, 1550), refund(3, 700)],
        "erp_credit_notes": [note(1, 2000), note(2, 1551)],
    }
    with prove(sources, Settings(as_of=DAY)) as run:
        assert run.legs == ("refund_credit_note",)
        assert run.balanced
        assert [(e.left_id, e.right_id, e.rule, e.class_) for e in run.edges()] == [
            ("R1", "CN1", "key", "match"),
            ("R2", "CN2", "key", "match"),
        ]
        assert [(i.left_id, i.class_, i.reason, i.variance) for i in run.classes()] == [
            ("R2", "variance", "tax_rounding", 1),
            ("R3", "missing_right", None, -700),
        ]


def test_a_run_answers_questions_about_single_records_and_sums() -> None:
    sources = {
        "portal_refunds": [refund(1, 2000), refund(2, 1550)],
        "erp_credit_notes": [note(1, 2000), note(2, 1400)],
    }
    with prove(sources, Settings(as_of=DAY)) as run:
        assert [e.right_id for e in run.edges("refund_credit_note", ["R2"])] == ["CN2"]
        assert run.classes(records=["R1"]) == []
        question = "select class, sum(variance)::bigint from classes where unit = ? group by class"
        assert run.query(question, ["GBP"]) == [("variance", -150)]


def test_the_days_a_leg_allows_come_from_the_settings() -> None:
    sources = {"portal_refunds": [refund(1, 2000)], "erp_credit_notes": [note(2, 90)]}
    with prove(sources, Settings(as_of=DAY, late_after_days={"refund_credit_note": 60})) as run:
        assert [i.class_ for i in run.classes()] == ["in_transit", "missing_left"]


def test_a_run_written_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    sources = {"portal_refunds": [refund(n, 900 + n) for n in range(50)], "erp_credit_notes": [note(7, 907)]}
    for folder in ("a", "b"):
        with prove(sources, Settings(as_of=DAY)) as run:
            run.write(tmp_path / folder)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_a_source_that_no_leg_knows_is_named() -> None:
    with pytest.raises(UnusableError, match="'refunds' is none of the sources portal_refunds"):
        prove({"refunds": []})


def test_neither_the_order_of_rows_nor_threads_nor_memory_change_a_byte(tmp_path: Path) -> None:
    refunds = [refund(n, 900 + n % 40, order_no=f"#{n // 2}") for n in range(300)]
    notes = [note(n, 900 + n % 40 + n % 9 // 8, external_id=f"r{n}" if n % 5 else "", order_no="") for n in range(290)]
    for name, turned, settings in (
        ("a", False, Settings(as_of=DAY)),
        ("b", True, Settings(as_of=DAY, threads=1, memory="300MB")),
    ):
        sources = {"portal_refunds": refunds, "erp_credit_notes": notes}
        if turned:
            sources = {key: rows[::-1] for key, rows in sources.items()}
        with prove(sources, settings) as run:
            run.write(tmp_path / name)
    assert (tmp_path / "a" / "edges.parquet").stat().st_size > 1000
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name
