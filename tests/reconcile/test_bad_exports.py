"""What is wrong with an export is one sentence with file, row and cure; the rest is still proven."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from counterfoil.reconcile.run import Outcome, reconcile

Rows = list[dict[str, Any]]


def refunds(count: int = 30) -> Rows:
    return [
        {
            "refund_id": f"LR-{5000 + n}",
            "portal": "loop",
            "store_id": "main",
            "return_id": f"RET{700 + n}",
            "order_no": f"#{1000 + n}",
            "gateway_txn_id": f"gw_{n:04d}",
            "method": "original_payment",
            "currency": "GBP",
            "base_currency": "GBP",
            "amount_minor": 1500 + 7 * n,
            "items_minor": 1500 + 7 * n,
            "discount_minor": 0,
            "tax_minor": 0,
            "shipping_minor": 0,
            "n_lines": 1,
            "refund_date": f"2026-09-{1 + n % 20:02d}",
            "refunded_at": 1_788_220_800 + 86_400 * (n % 20),
        }
        for n in range(count)
    ]


def lines(of: Rows) -> Rows:
    return [
        {
            "gateway_txn_id": row["gateway_txn_id"],
            "store_id": "main",
            "gateway": "card",
            "line_type": "refund",
            "payout_id": "P1",
            "reference": row["refund_id"],
            "order_no": row["order_no"],
            "tender": "card",
            "currency": row["currency"],
            "amount_minor": row["amount_minor"],
            "created_date": row["refund_date"],
            "payout_date": row["refund_date"],
        }
        for row in of
    ]


def notes(of: Rows) -> Rows:
    return [
        {
            "credit_note_id": f"CN{at}",
            "erp": "prima",
            "store_id": "main",
            "external_id": row["refund_id"],
            "order_no": row["order_no"],
            "currency": row["currency"],
            "amount_minor": row["amount_minor"],
            "posted_date": row["refund_date"],
            "period": "2026-09",
        }
        for at, row in enumerate(of)
    ]


def put(folder: Path, name: str, rows: Rows) -> Path:
    path = folder / f"{name}.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    of = refunds()
    put(tmp_path, "portal_refunds", of)
    put(tmp_path, "gateway_refunds", lines(of))
    put(tmp_path, "erp_credit_notes", notes(of))
    (tmp_path / "meta.json").write_text('{"as_of": "2026-10-01"}')
    return tmp_path


def prove(folder: Path) -> tuple[Outcome, list[str]]:
    outcome = reconcile(folder, folder / "proof", threads=1)
    return outcome, [problem["message"] for problem in outcome.summary["problems"]]


def matched(outcome: Outcome, leg: str) -> int:
    return sum(row["matched"]["records"] for row in outcome.summary["legs"][leg]["by_currency"])


def change(folder: Path, name: str, edit: Callable[[Rows], object]) -> None:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    edit(rows)
    put(folder, name, rows)


def test_good_exports_have_no_complaint_and_all_of_them_match(folder: Path) -> None:
    outcome, said = prove(folder)
    assert said == []
    assert (outcome.balanced, outcome.open) == (True, 0)
    assert matched(outcome, "refund_gateway") == matched(outcome, "refund_credit_note") == 30


def test_an_export_without_a_needed_column_stops_its_leg_only(folder: Path) -> None:
    path = folder / "gateway_refunds.csv"
    path.write_text(path.read_text().replace("reference", "refrence", 1))
    outcome, said = prove(folder)
    assert len(said) == 1
    assert said[0].startswith("gateway_refunds.csv has no column reference in row 1")
    assert "mapping file" in said[0]
    assert outcome.unreadable
    assert matched(outcome, "refund_credit_note") == 30
    assert outcome.summary["legs"]["refund_gateway"] == {"proven": False}


def test_two_currencies_without_a_rate_are_named_and_the_others_proven(folder: Path) -> None:
    change(folder, "portal_refunds", lambda rows: rows[4].update(currency="EUR"))
    change(folder, "gateway_refunds", lambda rows: rows[4].update(currency="EUR"))
    outcome, said = prove(folder)
    assert len(said) == 1
    assert said[0] == (
        "portal_refunds.csv is in EUR and erp_credit_notes.csv in GBP for 1 record (first LR-5004), and no rate from EUR "
        "to GBP is given for those days: add fx_rates.csv; they stand aside"
    )
    assert outcome.balanced
    assert matched(outcome, "refund_credit_note") == 29


@pytest.mark.parametrize(
    ("value", "fault", "cure"),
    [
        ("1926-09-04", "is in another century", "correct the year"),
        ("2062-13-04", "is no date", "write dates as YYYY-MM-DD"),
        ("04/09/2026", "is no date", "write dates as YYYY-MM-DD"),
    ],
)
def test_a_date_that_cannot_be_is_set_aside_with_its_row(folder: Path, value: str, fault: str, cure: str) -> None:
    change(folder, "erp_credit_notes", lambda rows: rows[3].update(posted_date=value))
    outcome, said = prove(folder)
    assert said == [f"erp_credit_notes.csv row 5: posted_date {value!r} {fault} (1 such row was set aside); {cure}"]
    assert matched(outcome, "refund_credit_note") == 29


def test_amounts_with_a_comma_are_not_guessed(folder: Path) -> None:
    def decimals(rows: Rows) -> None:
        for at, row in enumerate(rows):
            minor = int(row.pop("amount_minor"))
            row["amount"] = f"{minor // 100}{',' if at < 2 else '.'}{minor % 100:02d}"

    change(folder, "erp_credit_notes", decimals)
    outcome, said = prove(folder)
    assert len(said) == 1
    assert re.match(
        r"erp_credit_notes\.csv row 2: amount '15,00' has a comma \(2 such rows were set aside\); export", said[0]
    )
    assert matched(outcome, "refund_credit_note") == 28


def test_an_id_a_spreadsheet_has_rounded_is_no_id_any_more(folder: Path) -> None:
    change(folder, "portal_refunds", lambda rows: [row.update(refund_id="1.23E+15") for row in rows[6:8]])
    outcome, said = prove(folder)
    assert len(said) == 1
    assert said[0].startswith(
        "portal_refunds.csv row 8: refund_id '1.23E+15' is no id any more (2 such rows were set aside)"
    )
    assert matched(outcome, "refund_gateway") == 28


def test_the_same_in_parquet_is_found_although_its_ranges_are_trusted(folder: Path) -> None:
    change(folder, "portal_refunds", lambda rows: rows[6].update(refund_id="1.23E+15", refund_date="1926-09-04"))
    path = folder / "portal_refunds.csv"
    duckdb.execute(
        f"copy (from read_csv('{path}', types={{'refund_id': 'VARCHAR'}})) to '{path.with_suffix('.parquet')}'"
    )
    path.unlink()
    _, said = prove(folder)
    assert [re.sub(r" \(.*", "", sentence) for sentence in said] == [
        "portal_refunds.parquet row 8: refund_id '1.23E+15' is no id any more",
        "portal_refunds.parquet row 8: refund_date '1926-09-04' is in another century",
    ]


def test_a_file_cut_off_in_the_middle_proves_nothing_of_its_leg(folder: Path) -> None:
    path = folder / "gateway_refunds.csv"
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    outcome, said = prove(folder)
    assert len(said) == 1
    assert re.match(r"gateway_refunds\.csv is cut off in row \d+: .*export it again", said[0])
    assert matched(outcome, "refund_credit_note") == 30


def test_an_export_loaded_twice_counts_each_record_once(folder: Path) -> None:
    change(folder, "gateway_refunds", lambda rows: rows.extend(list(rows)))
    outcome, said = prove(folder)
    assert len(said) == 1
    assert said[0].startswith(
        "gateway_refunds.csv row 2: gateway_txn_id 'gw_0000' is in the file more than once, as are 29"
    )
    assert (matched(outcome, "refund_gateway"), outcome.open) == (30, 0)


def test_a_month_with_nothing_in_it_is_a_note_and_everything_is_missing(folder: Path) -> None:
    path = folder / "gateway_refunds.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    outcome, said = prove(folder)
    assert said == []
    assert any("has no rows" in note for note in outcome.summary["notes"])
    assert outcome.summary["legs"]["refund_gateway"]["by_currency"][0]["classes"]["missing_right"]["records"] == 30


def test_both_sides_empty_is_a_month_that_balances(folder: Path) -> None:
    for path in folder.glob("*.csv"):
        path.write_text(path.read_text().splitlines()[0] + "\n")
    outcome, said = prove(folder)
    assert (said, outcome.balanced, outcome.open) == ([], True, 0)


def test_an_unreadable_meta_file_is_named_and_the_defaults_are_used(folder: Path) -> None:
    (folder / "meta.json").write_text('{"as_of": "soon"}')
    outcome, said = prove(folder)
    assert len(said) == 1 and said[0].startswith("meta.json cannot be read")
    assert json.loads((folder / "proof" / "summary.json").read_bytes())["as_of"] == "2026-09-20"
    assert matched(outcome, "refund_gateway") == 30
