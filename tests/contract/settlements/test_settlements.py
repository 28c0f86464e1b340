"""Payout and settlement reports of three gateways become the same rows, and the proof reads them."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from counterfoil.adapterkit.parse import UnreadableError
from counterfoil.catalog import vendor
from counterfoil.cli.settlements import as_csv
from counterfoil.ports.settlements import GatewayRefund, Settlements
from counterfoil.reconcile.columns import CONTRACTS

HOUSE = Path(__file__).parents[3] / "src/counterfoil/gateways"
REPORTS = {
    "stripe": HOUSE / "stripe/fixtures/payout_report.csv",
    "adyen": HOUSE / "adyen/fixtures/settlement_report.csv",
    "shopify": HOUSE / "shopify/fixtures/balance_transactions.csv",
}


def read(name: str) -> Settlements:
    reader = vendor(name).settlements
    assert reader is not None
    return reader(REPORTS[name].read_bytes(), "uk")


def told(name: str) -> list[tuple[str, str, str, int, str | None]]:
    return [(r.gateway_txn_id, r.line_type, r.currency, r.amount_minor, r.payout_id) for r in read(name).rows]


def test_a_refund_is_positive_and_one_that_came_back_negative_at_every_gateway() -> None:
    assert told("adyen") == [
        ("EXAMPLEREFUND001", "refund", "EUR", 2550, "12"),
        ("EXAMPLEREFUND006", "refund", "JPY", 2550, "12"),
        ("EXAMPLEREFUND001/reversed", "refund_reversed", "EUR", -2550, "12"),
    ]
    assert told("shopify") == [
        ("32000000000006", "refund", "GBP", 1200, "81001"),
        ("32000000000006/reversed", "refund_reversed", "GBP", -1200, "81002"),
    ]
    assert ("re_3Example0001", "refund", "GBP", 2550, "po_1Example0001") in told("stripe")


def test_what_is_no_refund_is_passed_over_and_counted() -> None:
    assert {name: read(name).passed_over for name in REPORTS} == {"stripe": 1, "adyen": 2, "shopify": 2}


def test_the_customers_own_currency_counts_where_the_payout_is_in_another() -> None:
    header = REPORTS["stripe"].read_text().splitlines()[0]
    line = "txn_9,2026-03-02 10:15:00,gbp,-21.90,0.00,-21.90,refund,re_9,,ch_9,pi_9,-25.50,eur,po_9,2026-03-04 00:00:00"
    reader = vendor("stripe").settlements
    assert reader is not None
    [row] = reader(f"{header}\n{line}\n".encode(), "uk").rows
    assert (row.currency, row.amount_minor, row.gateway_txn_id, row.order_no) == ("EUR", 2550, "re_9", None)


def test_rows_on_the_wrong_side_or_unreadable_are_told_by_number_and_left_out() -> None:
    refused = {bad.row: bad.message for bad in read("shopify").refused}
    assert sorted(refused) == [6, 7]
    assert "wrong side" in refused[6]
    assert "'1O.00' is not a decimal amount" in refused[7]


@pytest.mark.parametrize("name", REPORTS)
def test_what_is_no_report_is_refused_whole(name: str) -> None:
    reader = vendor(name).settlements
    assert reader is not None
    for body in (b"", b"a;b;c\n1;2;3\n", b"\xff\xfe", REPORTS[name].read_bytes()[:40]):
        with pytest.raises(UnreadableError):
            reader(body, "uk")


def test_the_columns_are_those_the_proof_asks_for() -> None:
    wanted = {column.name for column in CONTRACTS["gateway_refunds"].columns}
    given = {name.removesuffix("_minor") for name in GatewayRefund.__struct_fields__}
    assert wanted == given


def test_a_cell_a_spreadsheet_would_compute_is_defused() -> None:
    row = read("adyen").rows[0]
    page = as_csv(Settlements(rows=(replace(row, order_no='=HYPERLINK("x")'),)))
    [line] = csv.DictReader(io.StringIO(page))
    assert line["order_no"] == '\'=HYPERLINK("x")'


def test_the_command_writes_the_file_and_says_what_it_left_out(tmp_path: Path) -> None:
    out = tmp_path / "gateway_refunds.csv"
    command = [sys.executable, "-m", "counterfoil", "settlements", "shopify", str(REPORTS["shopify"]), "--store", "uk"]
    ran = subprocess.run([*command, "--out", str(out)], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 1
    assert "row 7: amount: '1O.00' is not a decimal amount; the row is left out" in ran.stderr
    rows = list(csv.DictReader(out.open(encoding="utf-8")))
    assert [(row["store_id"], row["amount_minor"]) for row in rows] == [("uk", "1200"), ("uk", "-1200")]


def test_the_proof_ties_a_portals_refund_to_the_gateways_line(tmp_path: Path) -> None:
    (tmp_path / "gateway_refunds.csv").write_text(as_csv(read("adyen")), encoding="utf-8")
    header = (
        "refund_id,portal,store_id,return_id,order_no,gateway_txn_id,method,currency,base_currency,amount,items,"
        "discount,tax,shipping,n_lines,refund_date,refunded_at"
    )
    line = "88,loop,uk,R1,#1001,EXAMPLEREFUND006,original_payment,JPY,JPY,2550,2550,0,0,0,1,2026-03-03,"
    (tmp_path / "portal_refunds.csv").write_text(f"{header}\n{line}\n", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "counterfoil",
        "reconcile",
        "files",
        str(tmp_path),
        "--csv",
        "--as-of",
        "2026-03-10",
    ]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert ran.returncode == 0, ran.stderr
    edges = list(csv.DictReader((tmp_path / "proof" / "edges.csv").open(encoding="utf-8")))
    assert [(edge["left_id"], edge["right_id"], edge["class"]) for edge in edges] == [
        ("88", "EXAMPLEREFUND006", "match")
    ]
