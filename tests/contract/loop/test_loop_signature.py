"""Loop's webhook signature, with the vector computed for the sheet (Loop sheet §3.1)."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.adapterkit.parse import read_json
from counterfoil.adapterkit.signing import hmac_base64
from counterfoil.portals.loop import SPEC
from counterfoil.portals.loop.webhooks import HOOK, normalise
from counterfoil.ports.translation import Signature
from counterfoil.ports.vendors import Delivery

SECRET = "loop-example-secret-7b1f"
HEADER = "pnRQP6P6PuSYbXuxGzYqqBvb1qJqLWEpz2HtFHmtWjM="
BODY = (
    rb'{"topic":"return","trigger":"return.closed","shop_id":12345,"id":"1673","state":"closed","customer_detail":'
    rb'{"first_name":"Zo\u00eb","last_name":"O' + rb"'" + rb'Neil"},"refund":"47.50","status_page_url":'
    rb'"https:\/\/example.loopreturns.com\/#\/return\/b3e4764e-7adf-4b8c-802a-553305b6db49"}'
)


def check(body: bytes, header: str | None = HEADER, secrets: tuple[str, ...] = (SECRET,)) -> Signature:
    headers = {} if header is None else {"x-loop-signature": header}
    return HOOK.verify(Delivery(body=body, headers=headers), secrets)


def test_the_sheets_vector_is_the_one_tested_here() -> None:
    assert (len(BODY), hashlib.sha256(BODY).hexdigest()[:16]) == (274, "34c9abc276fe67e0")


def test_the_raw_bytes_verify() -> None:
    assert check(BODY) is Signature.VALID


def test_a_body_that_was_reflowed_on_the_way_verifies_after_normalising() -> None:
    reflowed = BODY.replace(b',"', b',\n"').replace(b"\\/", b"/")
    assert reflowed != BODY
    assert check(reflowed) is Signature.VALID


def test_a_body_encoded_anew_does_not_verify() -> None:
    javascript = BODY.replace(rb"\u00eb", "ë".encode()).replace(b"\\/", b"/")
    assert len(javascript) == 265
    assert check(javascript) is Signature.INVALID


def test_either_of_two_secrets_verifies() -> None:
    assert check(BODY, secrets=("the-new-one", SECRET)) is Signature.VALID
    assert check(BODY, secrets=(SECRET, "the-new-one")) is Signature.VALID
    assert check(BODY, secrets=("the-new-one",)) is Signature.INVALID


def test_without_any_secret_nothing_verifies() -> None:
    assert check(BODY, secrets=()) is Signature.INVALID


@pytest.mark.parametrize("header", [None, ""])
def test_a_missing_header_is_absent(header: str | None) -> None:
    assert check(BODY, header) is Signature.ABSENT


@pytest.mark.parametrize("header", ["ü", "\udcff", HEADER + " ", HEADER[:-1], "=" * 4000])
def test_a_strange_header_is_invalid_and_never_an_exception(header: str) -> None:
    assert check(BODY, header) is Signature.INVALID


def test_one_changed_byte_is_invalid() -> None:
    assert check(BODY.replace(b"47.50", b"47.51")) is Signature.INVALID
    assert check(BODY + b" ") is Signature.INVALID


def test_an_escaped_backslash_before_a_bare_slash_is_read_as_a_pair() -> None:
    assert normalise(rb'{"a":"\\/b"}') == rb'{"a":"\\\/b"}'
    assert normalise(rb'{"a":"\/b"}') == rb'{"a":"\/b"}'
    assert normalise(b"{\r\n}\\") == b"{}\\"


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_normalising_never_changes_what_the_json_means_and_is_stable(value: object) -> None:

    pretty = json.dumps(value, indent=1).encode()
    normal = normalise(pretty)
    assert read_json(normal) == read_json(pretty)
    assert normalise(normal) == normal


@pytest.mark.parametrize("header", [HEADER, "wrong", None])
def test_every_delivery_is_kept_and_answered_200(header: str | None) -> None:
    delivery = Delivery(body=BODY, headers={} if header is None else {"x-loop-signature": header})
    assert SPEC.hook is not None
    assert SPEC.hook.refuse(delivery, check(BODY, header)) is None
    assert SPEC.hook.keep_refused is True
    assert SPEC.hook.accepted(delivery).status == 200
    assert SPEC.hook.duplicate(delivery).status == 200


def test_the_same_bytes_are_one_delivery_whatever_their_headers() -> None:
    again = Delivery(body=BODY, headers={"x-loop-signature": "other"}, arrived_at=9.0)
    assert HOOK.delivery_key(Delivery(body=BODY)) == HOOK.delivery_key(again)
    assert HOOK.delivery_key(Delivery(body=BODY)) != HOOK.delivery_key(Delivery(body=BODY + b" "))


def test_the_signature_is_over_utf8_secrets() -> None:
    header = hmac_base64("schlüssel".encode(), BODY).decode()
    assert check(BODY, header, ("schlüssel",)) is Signature.VALID
