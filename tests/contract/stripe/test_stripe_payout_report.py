"""The payout reconciliation report: exact amounts, and no row lost without a word (payments sheet §9)."""

from __future__ import annotations

from pathlib import Path

import pytest

from counterfoil.adapterkit.parse import UnreadableError
from counterfoil.gateways.stripe.payout_report import read_payout_report

FIXTURES = Path(__file__).parents[3] / "src/counterfoil/gateways/stripe/fixtures"
GOOD = (FIXTURES / "payout_report.csv").read_bytes()
BAD = (FIXTURES / "payout_report_with_bad_rows.csv").read_bytes()


def test_rows_are_read_to_the_minor_unit_with_their_payout_and_their_refund() -> None:
    report = read_payout_report(GOOD)
    assert report.bad == ()
    charge, refund, in_yen, _ = report.rows
    assert (charge.gross, charge.fee, charge.net, charge.category) == (5000, 95, 4905, "charge")
    assert (refund.gross, refund.source_id, refund.payout_id) == (-2550, "re_3Example0001", "po_1Example0001")
    assert (refund.created, refund.payout_effective_at) == ("2026-03-02T10:15:00Z", "2026-03-04T00:00:00Z")
    assert (in_yen.net, in_yen.customer_facing_amount, in_yen.customer_facing_currency) == (-1348, -2550, "JPY")


def test_refunds_that_came_back_stand_among_the_refunds() -> None:
    assert [(row.row, row.net) for row in read_payout_report(GOOD).refunds] == [(3, -2550), (4, -1348), (5, 2550)]


def test_rows_that_cannot_be_read_or_do_not_add_up_are_told_by_number() -> None:
    report = read_payout_report(BAD)
    assert [row.row for row in report.rows] == [2]
    reasons = {bad.row: bad.message for bad in report.bad}
    assert sorted(reasons) == [3, 4, 5, 6, 7]
    assert reasons[3] == "gross less fee is 49.05, but net is 49.06"
    assert "more decimals than GBP allows" in reasons[4]
    assert reasons[5] == "gross is missing"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "no column balance_transaction_id"),
        (b"created,gross\n1,2\n", "no column balance_transaction_id, currency, fee"),
        (b"\xff\xfe", "not UTF-8"),
        (GOOD.replace(b"fee,", b"gross,", 1), "'gross' appears twice"),
        (GOOD + b'"half a quotation', "not CSV"),
    ],
)
def test_what_is_no_such_report_is_refused_with_a_sentence(body: bytes, words: str) -> None:
    with pytest.raises(UnreadableError, match=words):
        read_payout_report(body)


def test_a_byte_mark_other_line_ends_and_blank_lines_change_nothing() -> None:
    other = b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n") + b"\r\n"
    assert read_payout_report(other) == read_payout_report(GOOD)
