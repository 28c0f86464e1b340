"""What a delivery shows of people: nothing."""

from __future__ import annotations

import json

from counterfoil.web.masking import COVER, masked_body, masked_headers


def test_fields_about_people_are_covered_and_figures_stay_exact() -> None:
    body = {
        "id": 123456789012345678901,
        "total": "10.10",
        "amount": 1.10,
        "customer": {"id": 7, "note": "Robin likes tea", "tags": ["vip"]},
        "shippingAddress": {"line": "1 Example Road"},
        "email": "robin@example.com",
        "lines": [{"sku": "A", "firstName": "Robin", "note": "write to robin@example.com"}],
    }
    shown = masked_body(json.dumps(body).encode())
    assert "Robin" not in shown and "robin@" not in shown and "Example Road" not in shown and "vip" not in shown
    assert "123456789012345678901" in shown and '"10.10"' in shown and '"sku": "A"' in shown and '"1.1"' in shown


def test_xml_and_text_are_covered_too() -> None:
    shown = masked_body(b"<order><Email>robin@example.com</Email><Postcode>LS1 1AA</Postcode><sku>A</sku></order>")
    assert shown == f"<order><Email>{COVER}</Email><Postcode>{COVER}</Postcode><sku>A</sku></order>"


def test_what_is_no_text_and_what_never_ends_is_shown_in_part() -> None:
    assert masked_body(b"\xff\xfe") == "2 bytes that are not UTF-8 text."
    assert masked_body(b"[" * 100_000).endswith("signs more")


def test_what_proves_or_opens_something_is_covered() -> None:
    headers = {"X-Shop-Hmac-Sha256": "abc", "Authorization": "Bearer x", "Content-Type": "application/json"}
    assert masked_headers(headers) == {
        "X-Shop-Hmac-Sha256": COVER,
        "Authorization": COVER,
        "Content-Type": "application/json",
    }
