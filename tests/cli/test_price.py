"""`counterfoil price` on files as the shop sends them (outputs §2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from counterfoil.adapterkit.parse import UnreadableError
from counterfoil.cli.price import price, run

FIXTURES = Path(__file__).parents[2] / "src/counterfoil/gateways/shopify/fixtures"
ONE = "order_one_currency_tax_included.json"
TWO = "order_two_currencies_tax_on_top.json"


def priced(order: str, *refunds: str) -> dict[str, Any]:
    return price(FIXTURES / order, [FIXTURES / f"{name}.json" for name in refunds])


def outcomes(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(row["refund_id"][-2:], row["outcome"]) for row in document["refunds"]]


def changed(tmp_path: Path, name: str, **fields: Any) -> Path:
    """A fixture with some of its fields replaced."""
    body = msgspec.json.decode((FIXTURES / name).read_bytes())
    path = tmp_path / name
    path.write_bytes(msgspec.json.encode({**body, **fields}))
    return path


def test_an_order_alone_is_split_into_its_units() -> None:
    document = priced(ONE)
    line = document["lines"]["shop"][0]
    assert (line["gross"], line["discount"], line["net"], line["line_value"]) == ("12.00", "2.00", "10.00", "10.00")
    assert line["units"][0] == {"unit": 1, "net": "3.34", "tax_lines": ["0.56"]}
    assert line["units"][2] == {"unit": 3, "net": "3.33", "tax_lines": ["0.55"]}
    assert document["refunds"] == []


def test_an_order_without_sets_has_two_equal_books() -> None:
    document = priced(ONE)
    assert document["books"] == {"shop": "GBP", "presentment": "GBP"}
    assert document["lines"]["shop"] == document["lines"]["presentment"]


@pytest.mark.parametrize("body", ["refund_shipping_in_lines_of_its_own", "refund_shipping_as_adjustment"])
def test_both_versions_of_a_refund_come_to_the_same(body: str) -> None:
    row = priced(ONE, body)["refunds"][0]
    assert row["shipping"]["shop"] == {"gross": "4.95", "tax": "0.83"}
    assert (row["attributable_total"]["shop"], row["money_success"], row["outcome"]) == ("8.29", "8.29", "match")
    assert row["shop_figures_balance"] is True


def test_two_currencies_with_tax_on_top_duties_and_shipping() -> None:
    row = priced(TWO, "refund_two_currencies_with_duties")["refunds"][0]
    assert row["lines"]["presentment"][0]["tax_lines"] == ["3.90", "0.20"]
    assert row["shipping"] == {
        "shop": {"gross": "6.00", "tax": "1.00"},
        "presentment": {"gross": "7.02", "tax": "1.17"},
    }
    assert row["duties"] == "2.34"
    assert row["attributable_total"] == {"shop": "28.18", "presentment": "32.97"}
    assert (row["by_gateway"], row["outcome"]) == ({"adyen": "32.97"}, "match")


def test_a_restocking_fee_and_a_goodwill_refund_show_in_the_running_difference() -> None:
    document = priced(ONE, "refund_with_restocking_fee", "refund_of_goodwill_without_lines")
    assert outcomes(document) == [("02", "under_refund"), ("07", "unattributed")]
    assert [row["running"]["difference"] for row in document["refunds"]] == ["-5.00", "-3.00"]


def test_a_pending_refund_has_no_money_until_its_transaction_succeeds() -> None:
    document = priced(ONE, "transaction_refund_succeeded", "refund_with_pending_transaction")
    assert outcomes(document) == [("04", "no_money"), ("04", "match")]
    assert [row["money_success"] for row in document["refunds"]] == ["0.00", "3.34"]


def test_a_gift_card_is_one_gateway_among_others() -> None:
    row = priced(ONE, "refund_split_over_gift_card_and_card")["refunds"][0]
    assert (row["by_gateway"], row["outcome"]) == ({"gift_card": "8.00", "shopify_payments": "12.00"}, "match")


def test_a_refund_without_any_transaction_has_no_money() -> None:
    row = priced(ONE, "refund_without_transaction")["refunds"][0]
    assert (row["outcome"], row["shop_figures_balance"]) == ("no_money", None)


def test_figures_that_do_not_add_up_are_said_and_priced_all_the_same() -> None:
    document = priced(ONE, "refund_that_does_not_balance")
    assert document["refunds"][0]["shop_figures_balance"] is False
    assert document["refunds"][0]["outcome"] == "over_refund"
    assert any("do not add up" in step for step in document["explanation"])


def test_the_same_refund_in_two_files_counts_once() -> None:
    document = priced(ONE, "refund_with_restocking_fee", "refund_with_restocking_fee")
    assert len(document["refunds"]) == 1


def test_a_sale_is_no_refund() -> None:
    assert priced(ONE, "transaction_sale")["refunds"] == []


def test_yen_has_no_decimals_and_a_free_gift_is_worth_nothing() -> None:
    lines = priced("order_jpy_with_free_gift.json")["lines"]["shop"]
    assert (lines[0]["net"], lines[0]["units"][6]) == ("1001", {"unit": 7, "net": "143", "tax_lines": ["13"]})
    assert [unit["net"] for unit in lines[1]["units"]] == ["0", "0"]


def test_dinars_have_three_decimals() -> None:
    line = priced("order_kwd_three_digits.json")["lines"]["shop"][0]
    assert [unit["net"] for unit in line["units"]] == ["10.001", "10.001", "10.000"]


def test_refunds_inside_the_order_count_once_with_those_in_files(tmp_path: Path) -> None:
    fee = msgspec.json.decode((FIXTURES / "refund_with_restocking_fee.json").read_bytes())
    order = changed(tmp_path, ONE, refunds=[fee])
    assert len(price(order, [FIXTURES / "refund_with_restocking_fee.json"])["refunds"]) == 1


def test_a_rest_answer_is_read_like_a_webhook(tmp_path: Path) -> None:
    wrapped = tmp_path / "wrapped.json"
    wrapped.write_bytes(b'{"refund":' + (FIXTURES / "refund_with_restocking_fee.json").read_bytes() + b"}")
    assert len(price(FIXTURES / ONE, [wrapped])["refunds"]) == 1


def test_shipping_without_tax_in_a_tax_included_shop_is_found_by_the_identity(tmp_path: Path) -> None:
    lines = [{"id": 1, "shipping_line_id": 21000000000001, "subtotal_amount_set": {"shop_money": {"amount": "4.12"}}}]
    path = changed(tmp_path, "refund_shipping_in_lines_of_its_own.json", refund_shipping_lines=lines)
    document = price(FIXTURES / ONE, [path])
    assert document["refunds"][0]["shipping"]["shop"] == {"gross": "4.95", "tax": "0.83"}
    assert any("without its tax" in step for step in document["explanation"])


def test_the_document_is_printed_and_the_status_is_zero_whatever_the_outcome(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = run(FIXTURES / ONE, [FIXTURES / "refund_that_does_not_balance.json"])
    printed = msgspec.json.decode(capsys.readouterr().out)
    assert (status, printed["order_name"]) == (0, "#1001")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "the body is empty"),
        (b"{", "not JSON"),
        (b"[]", "not the body of one order"),
        (b'{"id": 1}', "not the body of one order"),
        (b'{"id": 1, "currency": "GBP", "line_items": []}', "taxes_included is missing"),
        (b'{"id": 1, "currency": "ZZZ", "taxes_included": true, "line_items": []}', "not an ISO 4217"),
        (
            b'{"id":1,"currency":"GBP","taxes_included":true,"line_items":[{"id":2,"quantity":1,"price":"1.005"}]}',
            "line_items[0].price",
        ),
        (
            b'{"id":1,"currency":"GBP","presentment_currency":"EUR","taxes_included":true,"line_items":[ONE]}'.replace(
                b"ONE", b'{"id":2,"quantity":1,"price":"1.00"}'
            ),
            "only given in GBP, not in EUR",
        ),
        (b'{"id":1,"id":2}', "appears twice"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence_and_status_one(
    content: bytes, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "order.json"
    path.write_bytes(content)
    assert run(path, []) == 1
    printed = capsys.readouterr()
    assert complaint in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""


def test_a_file_that_is_not_there_is_one_sentence_and_status_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(FIXTURES / ONE, [tmp_path / "gone.json"]) == 1
    assert "gone.json cannot be read" in capsys.readouterr().err


def test_a_refund_of_another_order_is_refused() -> None:
    with pytest.raises(UnreadableError, match="belongs to order 5500000000002"):
        priced(ONE, "refund_two_currencies_with_duties")


def test_a_tender_is_not_taken_for_a_refund() -> None:
    with pytest.raises(UnreadableError, match="neither a refund nor an order transaction"):
        priced(ONE, "tender_refund")
