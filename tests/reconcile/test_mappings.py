"""A vendor's export is read through a mapping: the shipped ones by their name, others from a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from counterfoil.reconcile.mapping import read_mapping, shipped
from counterfoil.reconcile.problems import UnusableError
from counterfoil.reconcile.proof import Settings, prove
from counterfoil.reconcile.run import reconcile

PORTAL = {
    "refund_id": "R1",
    "store_id": "main",
    "order_no": "#1001",
    "method": "original_payment",
    "currency": "GBP",
    "base_currency": "GBP",
    "amount_minor": 2000,
    "gateway_txn_id": "re_1",
    "refund_date": "2026-09-01",
}
STRIPE = (
    "balance_transaction_id,source_id,created,currency,gross,fee,net,reporting_category,description,automatic_payout_id,"
    "automatic_payout_effective_at\n"
    "txn_1,re_1,2026-09-02 10:00:00,gbp,-20.00,0.00,-20.00,refund,REFUND FOR CHARGE,po_1,2026-09-04 00:00:00\n"
    "txn_2,ch_1,2026-09-02 11:00:00,gbp,55.00,1.00,54.00,charge,An order,po_1,2026-09-04 00:00:00\n"
)
ADYEN = (
    "Psp Reference,Merchant Reference,Payment Method,Creation Date,Type,Modification Reference,Gross Currency,"
    "Gross Debit (GC),Gross Credit (GC),Batch Number\n"
    "8831,R1,visa,2026-09-02 10:00:00,Refunded,8841,GBP,20.00,,12\n"
    "8831,R1,visa,2026-09-01 10:00:00,Settled,8830,GBP,,55.00,12\n"
)


@pytest.mark.parametrize(("vendor", "export", "rule"), [("stripe", STRIPE, "gateway_id"), ("adyen", ADYEN, "key")])
def test_a_gateway_export_as_the_vendor_writes_it_is_proven(
    vendor: str, export: str, rule: str, tmp_path: Path
) -> None:
    path = tmp_path / "gateway_refunds.csv"
    path.write_text(export)
    settings = Settings(mappings=read_mapping(Path(vendor)), threads=1)
    with prove({"portal_refunds": [PORTAL], "gateway_refunds": path}, settings) as run:
        assert [c.sentence for c in run.findings.complaints] == []
        assert [(e.left_id, e.rule, e.allocated) for e in run.edges()] == [("R1", rule, 2000)]
        assert run.classes() == []


def test_every_shipped_mapping_names_columns_of_the_contract() -> None:
    assert shipped() == ["adyen", "loop", "shopify", "stripe"]
    for name in shipped():
        assert read_mapping(Path(name))


def test_a_mapping_of_ones_own_names_file_headings_and_constants(tmp_path: Path) -> None:
    (tmp_path / "portal_refunds.csv").write_text(
        ",".join(PORTAL) + "\n" + ",".join(str(v) for v in PORTAL.values()) + "\n"
    )
    (tmp_path / "payouts.csv").write_text("Transaction,Ours,Amount,Currency,Day\nG7,R1,20.00,GBP,2026-09-02\n")
    mapping = tmp_path / "ours.json"
    columns = {
        "gateway_txn_id": "Transaction",
        "reference": "Ours",
        "amount": "Amount",
        "currency": "Currency",
        "created_date": "Day",
    }
    mapping.write_text(
        json.dumps({"gateway_refunds": {"file": "payouts.csv", "columns": columns, "constants": {"store_id": "main"}}})
    )
    outcome = reconcile(tmp_path, tmp_path / "proof", mapping=mapping, threads=1)
    assert outcome.open == 0
    assert outcome.summary["files"]["gateway_refunds"]["file"] == "payouts.csv"


def test_a_mapping_that_is_not_there_is_said_with_those_we_have() -> None:
    with pytest.raises(UnusableError, match="nor one of ours: adyen, loop, shopify, stripe"):
        read_mapping(Path("magento"))


def test_a_refund_that_failed_and_came_back_stands_with_the_other_sign(tmp_path: Path) -> None:
    path = tmp_path / "gateway_refunds.csv"
    back = "txn_3,re_9,2026-09-02 12:00:00,gbp,7.00,0.00,7.00,refund_failure,REFUND FAILURE,po_1,2026-09-04 00:00:00\n"
    twice = "txn_4,re_2,2026-09-02 12:30:00,gbp,-9.00,0.00,-9.00,refund,REFUND FOR CHARGE,po_1,2026-09-04 00:00:00\n"
    path.write_text(STRIPE + back + twice)
    with prove(
        {"portal_refunds": [PORTAL], "gateway_refunds": path},
        Settings(mappings=read_mapping(Path("stripe")), threads=1),
    ) as run:
        assert [e.allocated for e in run.edges()] == [2000]
        assert [(i.right_id, i.class_, i.variance) for i in run.classes()] == [
            ("re_2", "missing_left", 900),
            ("re_9", "missing_left", -700),
        ]
