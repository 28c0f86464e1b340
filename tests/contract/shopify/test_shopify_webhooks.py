"""Signatures, delivery keys and answers of the shop's webhooks (shop sheet §2)."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from counterfoil.gateways.shopify import SPEC
from counterfoil.gateways.shopify.webhooks import HOOK
from counterfoil.ports.translation import Signature
from counterfoil.ports.vendors import Delivery, Family

BODY = b'{"id":1,"note":"caf\xc3\xa9"}'


def sign(secret: str, body: bytes = BODY) -> str:
    """The header as the sheet describes it, written without the adapter's own code."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def delivery(body: bytes = BODY, **headers: str) -> Delivery:
    return Delivery(body=body, headers={f"x-shopify-{name.replace('_', '-')}": v for name, v in headers.items()})


def test_a_known_signature_is_reproduced() -> None:
    given = delivery(b'{"id":1}', hmac_sha256="UkUx5xUgbE1mZtNvzMqP/UoPHjWVcjUfSphHLwSIbqU=")
    assert sign("example-secret", b'{"id":1}') == given.headers["x-shopify-hmac-sha256"]
    assert HOOK.verify(given, ["example-secret"]) is Signature.VALID


@pytest.mark.parametrize("secret", ["old", "new"])
def test_during_a_rotation_either_secret_is_good(secret: str) -> None:
    assert HOOK.verify(delivery(hmac_sha256=sign(secret)), ["new", "old"]) is Signature.VALID


@pytest.mark.parametrize(
    ("given", "secrets"),
    [
        (delivery(hmac_sha256=sign("wrong")), ["right"]),
        (delivery(BODY + b" ", hmac_sha256=sign("right")), ["right"]),
        (delivery(hmac_sha256=sign("right")[:-1]), ["right"]),
        (delivery(hmac_sha256="\u00fc"), ["right"]),
        (delivery(hmac_sha256=sign("")), []),
    ],
)
def test_any_other_signature_is_invalid(given: Delivery, secrets: list[str]) -> None:
    assert HOOK.verify(given, secrets) is Signature.INVALID


def test_a_blank_or_missing_header_is_no_signature() -> None:
    assert HOOK.verify(delivery(), ["s"]) is Signature.ABSENT
    assert HOOK.verify(delivery(hmac_sha256=" "), ["s"]) is Signature.ABSENT


def test_header_names_are_read_in_any_case_and_in_the_coming_form() -> None:
    upper = Delivery(body=BODY, headers={"X-Shopify-Hmac-SHA256": sign("s")})
    coming = Delivery(body=BODY, headers={"shopify-hmac-sha256": sign("s"), "shopify-webhook-id": "w1"})
    assert HOOK.verify(upper, ["s"]) is HOOK.verify(coming, ["s"]) is Signature.VALID
    assert HOOK.delivery_key(coming) == "shopify/w1"


def test_a_retry_has_the_key_of_the_first_attempt() -> None:
    first, again = delivery(webhook_id="abc"), delivery(b"other bytes", webhook_id="abc")
    assert HOOK.delivery_key(first) == HOOK.delivery_key(again) == "shopify/abc"


def test_without_an_id_topic_and_content_are_the_key() -> None:
    assert HOOK.delivery_key(delivery(topic="a")) == HOOK.delivery_key(delivery(topic="a"))
    assert HOOK.delivery_key(delivery(topic="a")) != HOOK.delivery_key(delivery(topic="b"))
    assert HOOK.delivery_key(delivery(b"1", topic="a")) != HOOK.delivery_key(delivery(b"2", topic="a"))


@pytest.mark.parametrize("signature", [Signature.INVALID, Signature.ABSENT])
def test_a_delivery_we_cannot_trust_is_refused_but_kept(signature: Signature) -> None:
    reply = HOOK.refuse(delivery(), signature)
    assert reply is not None
    assert (reply.status, HOOK.keep_refused) == (401, True)


def test_a_good_delivery_and_its_repeat_are_answered_with_success() -> None:
    assert HOOK.refuse(delivery(), Signature.VALID) is None
    assert (HOOK.accepted(delivery()).status, HOOK.duplicate(delivery()).status) == (200, 200)


def test_the_folder_offers_one_shop_vendor_with_its_secrets_marked() -> None:
    assert (SPEC.name, SPEC.family) == ("shopify", Family.GATEWAY)
    fields = set(SPEC.config.__struct_fields__)
    assert set(SPEC.secrets) <= fields
