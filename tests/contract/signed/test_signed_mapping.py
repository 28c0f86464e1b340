"""A portal described by a mapping file alone: other names, words, amounts and signatures, and files that are wrong."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from counterfoil.bootstrap import spec_for
from counterfoil.core.events import RefundReported, ReturnAuthorised, ReturnProcessed
from counterfoil.portals.signed import SPEC
from counterfoil.portals.signed.config import SignedConfig
from counterfoil.ports.translation import Kind, Signature, Translation
from counterfoil.ports.vendors import Delivery, VendorSpec
from counterfoil.settings import SettingsError

MAPPING = """
topics = ["rma.changed"]
money = "comma"

[signing]
scheme = "hmac"
header = "x-acme-signature"
prefix = "sha256="
encoding = "hex"
text = "{timestamp}.{body}"
timestamp_header = "x-acme-time"

[paths]
event_id = "uid"
topic = "topic"
return_id = "rma.number"
state = "rma.status"
edited_at = "rma.touched"
order_ref = "rma.order"
currency = "rma.money.currency"
refund = "rma.money.back"
lines = "rma.items"
refunds = "rma.paid"

[line]
id = "item"
sku = "article"
quantity = "pieces"
worth = "price.total"
reason = "why"

[refund_row]
ref = "shop_number"
amount = "sum"
gateway = "by"

[states]
OPEN = "authorised"
PAID = "processed"

[reasons]
"R1" = "Too small"
"""
AT = 1_772_446_500.0
RMA: dict[str, Any] = {
    "number": 77,
    "status": "OPEN",
    "touched": "2026-03-01T10:00:00+01:00",
    "order": "4500000001",
    "money": {"currency": "EUR", "back": "1.234,50"},
    "items": [{"item": 1, "article": "COAT", "pieces": "2", "price": {"total": "1.234,50"}, "why": "R1"}],
    "paid": [],
}


@pytest.fixture
def spec(tmp_path: Path) -> VendorSpec:
    path = tmp_path / "acme.toml"
    path.write_text(MAPPING)
    return spec_for(SPEC, SignedConfig(mapping=str(path)), "acme")


def body(topic: str = "rma.changed", **changes: Any) -> bytes:
    return json.dumps({"uid": "u-1", "topic": topic, "rma": RMA | changes}).encode()


def read(spec: VendorSpec, content: bytes) -> Translation:
    return spec.translate(Delivery(body=content, arrived_at=AT))


def test_other_names_words_and_amounts_give_the_same_return(spec: VendorSpec) -> None:
    [fact] = read(spec, body()).events
    assert isinstance(fact, ReturnAuthorised)
    shown = fact.portal_return
    assert (shown.return_id, shown.state, shown.currency, shown.tenders.refund) == ("77", "open", "EUR", 123450)
    [line] = shown.lines
    assert (line.line_id, line.sku, line.qty, line.line_value, line.reason) == ("1", "COAT", 2, 123450, "Too small")
    assert shown.edited_at == "2026-03-01T09:00:00Z"


def test_money_the_portal_says_it_paid_is_reported_with_the_shops_number(spec: VendorSpec) -> None:
    paid = [{"shop_number": "880001", "by": "card", "sum": "1234,50"}]
    processed, reported = read(spec, body(status="PAID", paid=paid)).events
    assert isinstance(processed, ReturnProcessed)
    assert isinstance(reported, RefundReported)
    assert (reported.ref, reported.gateway, reported.amount, reported.currency) == ("880001", "card", 123450, "EUR")


@pytest.mark.parametrize("written", ["1,234.50", "12.34,5", "1.23.450,00", "12,345", "-1,00", "free", "١٢"])
def test_an_amount_written_otherwise_is_refused_and_never_guessed(spec: VendorSpec, written: str) -> None:
    found = read(spec, body(money={"currency": "EUR", "back": written}))
    assert (found.kind, found.events) == (Kind.UNREADABLE, ())


def test_a_state_the_mapping_lacks_keeps_the_delivery_for_a_person(spec: VendorSpec) -> None:
    found = read(spec, body(status="LIMBO"))
    assert found.kind is Kind.UNREADABLE
    assert [problem.kind for problem in found.problems] == ["unknown_portal_word"]
    assert "'LIMBO'" in found.problems[0].message


def test_a_reason_the_mapping_lacks_is_told_and_passed_on(spec: VendorSpec) -> None:
    items = [{**RMA["items"][0], "why": "R9"}]
    found = read(spec, body(items=items))
    assert found.portal_return is not None
    assert found.portal_return.lines[0].reason == "R9"
    assert [problem.subject for problem in found.problems] == ["R9"]


def test_a_topic_the_mapping_does_not_list_is_put_aside_with_the_reason(spec: VendorSpec) -> None:
    found = read(spec, body(topic="customer.changed"))
    assert (found.kind, found.events) == (Kind.OTHER, ())
    assert found.ignored_because == "the mapping does not list the topic customer.changed"


def signed(content: bytes, secret: str = "shared", moment: str = "1772446500", **headers: str) -> Delivery:
    written = hmac.new(secret.encode(), f"{moment}.".encode() + content, hashlib.sha256).hexdigest()
    names = {"x-acme-signature": f"sha256={written}", "x-acme-time": moment, **headers}
    return Delivery(body=content, headers=names, arrived_at=AT)


@pytest.mark.parametrize(
    ("delivery", "expected"),
    [
        (signed(body()), Signature.VALID),
        (signed(body(), secret="other"), Signature.INVALID),
        (signed(body(), moment="1772440000"), Signature.INVALID),
        (signed(body(), **{"x-acme-time": "1772446501"}), Signature.INVALID),
        (signed(body(), **{"x-acme-signature": "0" * 64}), Signature.INVALID),
        (Delivery(body=body(), arrived_at=AT), Signature.ABSENT),
    ],
)
def test_a_plain_hmac_is_checked_as_the_mapping_describes_it(
    spec: VendorSpec, delivery: Delivery, expected: Signature
) -> None:
    assert spec.hook is not None
    assert spec.hook.verify(delivery, ["next", "shared"]) is expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[paths]\nreturn = 'x'", "unknown field `return`"),
        ("[states]\nOPEN = 'nearly'", "Invalid enum value"),
        ("money = 'cents'", "Invalid enum value"),
        ("[paths]\nstate = 'a..b'", "at `$.paths.state`"),
        ("money =", "Invalid value"),
    ],
)
def test_a_mapping_file_that_is_wrong_names_file_and_place(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "acme.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as error:
        spec_for(SPEC, SignedConfig(mapping=str(path)), "acme-uk")
    assert str(error.value).startswith(f"connection acme-uk: the mapping file {path} cannot be used: ")
    assert told in str(error.value)


def test_a_mapping_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        spec_for(SPEC, SignedConfig(mapping=str(tmp_path / "gone.toml")), "acme-uk")
