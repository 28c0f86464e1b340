"""Reveni's webhooks: the secret in their address, what identifies them, how they are answered (Reveni sheet §3)."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.adapterkit.signing import hmac_base64
from counterfoil.portals.reveni.webhooks import HOOK, verifier
from counterfoil.ports.translation import Signature
from counterfoil.ports.vendors import Delivery

OLD, NEW = ("an-old-secret-word-1c9e", "a-new-secret-word-77af")
BODY = b'{"id":"e1","event":"return.updated","created":1793610901,"data":{"resource_id":"7c","status":"in_progress"}}'


def came(tail: str, headers: dict[str, str] | None = None, body: bytes = BODY) -> Delivery:
    return Delivery(body=body, headers=headers or {}, path_tail=tail)


@pytest.mark.parametrize("tail", [OLD, NEW, f"/{NEW}", f"{NEW}/"])
def test_either_secret_in_the_address_is_good(tail: str) -> None:
    assert HOOK.verify(came(tail), (OLD, NEW)) is Signature.NOT_SIGNED


@pytest.mark.parametrize("tail", ["wrong", OLD + "x", f"{OLD}/{NEW}", "\u00e9"])
def test_another_word_in_the_address_is_invalid(tail: str) -> None:
    assert HOOK.verify(came(tail), (OLD, NEW)) is Signature.INVALID


def test_an_address_without_a_word_is_absent_even_when_no_secret_is_set() -> None:
    assert HOOK.verify(came(""), (OLD,)) is Signature.ABSENT
    assert HOOK.verify(came(""), ()) is Signature.ABSENT
    assert HOOK.verify(came("anything"), ()) is Signature.INVALID


@pytest.mark.parametrize("prefix", ["", "sha256="])
def test_a_signature_by_the_likeliest_scheme_is_valid_whatever_the_address(prefix: str) -> None:
    given_ = prefix + hmac.new(NEW.encode(), BODY, hashlib.sha256).hexdigest()
    assert HOOK.verify(came("", {"x-reveni-signature": given_}), (OLD, NEW)) is Signature.VALID


def test_a_signature_of_another_body_leaves_it_to_the_address() -> None:
    given_ = hmac.new(NEW.encode(), BODY + b" ", hashlib.sha256).hexdigest()
    assert HOOK.verify(came(NEW, {"x-reveni-signature": given_}), (NEW,)) is Signature.NOT_SIGNED
    assert HOOK.verify(came("wrong", {"x-reveni-signature": given_}), (NEW,)) is Signature.INVALID


def test_the_scheme_can_be_exchanged() -> None:
    given_ = hmac_base64(NEW.encode(), BODY).decode()
    delivery = came("", {"x-reveni-signature": given_})
    assert verifier(hmac_base64)(delivery, (NEW,)) is Signature.VALID
    assert HOOK.verify(delivery, (NEW,)) is Signature.ABSENT


def test_a_repeat_has_the_same_key_whatever_else_changed() -> None:
    again = BODY.replace(b"1793610901", b"1793610999")
    assert HOOK.delivery_key(came(NEW)) == HOOK.delivery_key(came(NEW, body=again))
    assert HOOK.delivery_key(came(NEW)) != HOOK.delivery_key(came(NEW, body=BODY.replace(b'"e1"', b'"e2"')))


def test_a_number_and_a_word_are_one_id() -> None:
    assert HOOK.delivery_key(came(NEW, body=b'{"id":7}')) == HOOK.delivery_key(came(NEW, body=b'{"id":"7"}'))


@given(st.binary(max_size=40))
def test_any_body_has_a_key_of_its_content(raw: bytes) -> None:
    assert HOOK.delivery_key(came(NEW, body=raw)) == HOOK.delivery_key(came(NEW, body=raw))


@pytest.mark.parametrize("signature", [Signature.ABSENT, Signature.INVALID])
def test_nothing_but_the_secret_address_exists(signature: Signature) -> None:
    reply = HOOK.refuse(came("wrong"), signature)
    assert reply is not None and reply.status == 404
    assert not HOOK.keep_refused


@pytest.mark.parametrize("signature", [Signature.NOT_SIGNED, Signature.VALID])
def test_what_came_to_the_secret_address_or_is_signed_is_kept(signature: Signature) -> None:
    assert HOOK.refuse(came(NEW), signature) is None


def test_an_empty_secret_opens_nothing() -> None:
    assert HOOK.verify(came("x"), ("", "/")) is Signature.INVALID
    assert HOOK.verify(came("/"), ("", "/")) is Signature.ABSENT


def test_a_delivery_and_its_repeat_are_answered_200() -> None:
    assert (HOOK.accepted(came(NEW)).status, HOOK.duplicate(came(NEW)).status) == (200, 200)
