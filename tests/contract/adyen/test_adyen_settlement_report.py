"""The settlement details report: exact amounts, the final word on a refund, no row lost without a word (§10)."""

from __future__ import annotations

from pathlib import Path

import pytest

from counterfoil.adapterkit.parse import UnreadableError
from counterfoil.gateways.adyen.settlement_report import read_settlement_report, settled_refund

FIXTURES = Path(__file__).parents[3] / "src/counterfoil/gateways/adyen/fixtures"
GOOD = (FIXTURES / "settlement_report.csv").read_bytes()
BAD = (FIXTURES / "settlement_report_with_bad_rows.csv").read_bytes()


def test_debit_and_credit_become_one_signed_amount_in_each_currency() -> None:
    report = read_settlement_report(GOOD)
    assert report.bad == ()
    assert [(row.gross_currency, row.gross, row.net_currency, row.net) for row in report.rows] == [
        ("EUR", 5000, "EUR", 4905),
        ("EUR", -2550, "EUR", -2560),
        ("JPY", -2550, "EUR", -1556),
        ("EUR", 2550, "EUR", 2550),
        (None, None, "EUR", -420),
    ]


def test_a_refunded_row_confirms_its_refund_and_a_reversed_one_takes_it_back() -> None:
    facts = [settled_refund(row) for row in read_settlement_report(GOOD).rows]
    told = [(fact.ref, fact.amount, fact.currency, fact.status) if fact else None for fact in facts]
    assert told == [
        None,
        ("EXAMPLEREFUND001", 2550, "EUR", "confirmed"),
        ("EXAMPLEREFUND006", 2550, "JPY", "confirmed"),
        ("EXAMPLEREFUND001", 2550, "EUR", "reversed"),
        None,
    ]
    first = facts[1]
    assert first is not None
    assert (first.payment_ref, first.order_ref, first.occurred_at) == (
        "EXAMPLEPAYMENT01",
        "#1001",
        "2026-03-03T09:00:00Z",
    )


def test_rows_that_cannot_be_believed_are_told_by_number() -> None:
    report = read_settlement_report(BAD)
    assert report.rows == ()
    reasons = {bad.row: bad.message for bad in report.bad}
    assert sorted(reasons) == [2, 3, 4, 5, 6]
    assert "wrong side" in reasons[2]
    assert "needs a modification reference" in reasons[3]
    assert "'1,025.50' is not a decimal amount" in reasons[4]
    assert reasons[5] == "gross_currency is missing"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "no column psp_reference"),
        (GOOD.replace(b"Modification Reference", b"Reference", 1), "no column modification_reference"),
        (b"\xff\xfe", "not UTF-8"),
        (GOOD.replace(b"Merchant Reference", b"Psp Reference", 1), "'psp_reference' appears twice"),
        (GOOD + b'"half a quotation', "not CSV"),
    ],
)
def test_what_is_no_such_report_is_refused_with_a_sentence(body: bytes, words: str) -> None:
    with pytest.raises(UnreadableError, match=words):
        read_settlement_report(body)


def test_headings_are_found_whatever_their_case_and_whatever_stands_in_brackets() -> None:
    other = GOOD.replace(b"Gross Debit (GC)", b"gross debit").replace(b"Psp Reference", b"PSP REFERENCE")
    assert read_settlement_report(other) == read_settlement_report(GOOD)
