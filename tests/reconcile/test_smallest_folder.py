"""The proof on the smallest useful folder: what ties, what is missing, what cannot be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

REFUNDS = (
    "refund_id,portal,store_id,return_id,order_no,gateway_txn_id,method,currency,base_currency,amount_minor,"
    "items_minor,discount_minor,tax_minor,shipping_minor,n_lines,refund_date,refunded_at\n"
    "R1,loop,S1,T1,1001,G1,original_payment,GBP,GBP,2000,2000,0,333,0,1,2026-09-01,1788220800\n"
    "R2,loop,S1,T2,1002,G2,original_payment,GBP,GBP,1550,1550,0,258,0,1,2026-09-01,1788220800\n"
)
GATEWAY = (
    "gateway_txn_id,store_id,gateway,line_type,payout_id,reference,order_no,tender,currency,amount_minor,"
    "created_date,payout_date\n"
    "G1,S1,card,refund,P1,R1,1001,card,GBP,2000,2026-09-02,2026-09-03\n"
)


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "portal_refunds.csv").write_text(REFUNDS)
    (folder / "gateway_refunds.csv").write_text(GATEWAY)
    (folder / "meta.json").write_text('{"as_of": "2026-10-01"}')
    return folder


def _run(folder: Path, capsys: pytest.CaptureFixture[str], *, strict: bool = False) -> tuple[int, dict[str, Any], str]:
    from counterfoil.cli.reconcile import run

    status = run(folder, None, True, True, strict, None, None, None)
    printed = capsys.readouterr()
    return status, json.loads(printed.out) if printed.out else {}, printed.err


def test_what_ties_is_matched_and_what_does_not_is_open(exports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, summary, _ = _run(exports, capsys)
    assert status == 0
    assert "refund_gateway" in json.dumps(summary)
    classes = (exports / "proof" / "classes.csv").read_text()
    assert "R2" in classes and "missing_right" in classes
    edges = (exports / "proof" / "edges.csv").read_text()
    assert "R1" in edges and "G1" in edges and "key" in edges


def test_strict_fails_while_something_is_open(exports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(exports, capsys, strict=True)[0] == 1


def test_the_same_files_give_the_same_bytes(exports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _run(exports, capsys)
    first = {path.name: path.read_bytes() for path in (exports / "proof").iterdir()}
    _run(exports, capsys)
    assert {path.name: path.read_bytes() for path in (exports / "proof").iterdir()} == first


def test_a_missing_column_is_one_sentence_and_the_rest_is_not_guessed(
    exports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (exports / "gateway_refunds.csv").write_text(GATEWAY.replace("amount_minor", "total"))
    status, _, told = _run(exports, capsys)
    assert status == 2
    assert "gateway_refunds.csv" in told and "amount" in told
    assert "Traceback" not in told
