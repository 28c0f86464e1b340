"""Signatures, delivery keys and answers of Stripe's webhooks (payments sheet §9)."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from counterfoil.gateways.stripe import SPEC
from counterfoil.gateways.stripe.webhooks import HOOK
from counterfoil.ports.translation import Signature
from counterfoil.ports.vendors import Delivery, Family

NOW = 1_772_446_500
BODY = b'{"id":"evt_1"}'
SECRET = "whsec_example"


def v1(secret: str = SECRET, body: bytes = BODY, moment: int = NOW) -> str:
    """The signature as the sheet describes it, written without the adapter's own code."""
    return hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()


def check(header: str | None, *secrets: str, body: bytes = BODY, at: float = NOW) -> Signature:
    headers = {} if header is None else {"stripe-signature": header}
    return HOOK.verify(Delivery(body=body, headers=headers, arrived_at=at), secrets or (SECRET,))


def test_a_signature_made_by_another_program_is_valid() -> None:
    made_by_openssl = "dbd29e1ff68316b56942feda6419dc9d499822979e6c39a66fd50c21103e177a"
    assert check(f"t={NOW},v1={made_by_openssl}") is Signature.VALID
    assert v1() == made_by_openssl


def test_the_prefix_of_the_secret_is_part_of_the_key() -> None:
    assert check(f"t={NOW},v1={v1('example')}") is Signature.INVALID


def test_any_of_several_signatures_under_any_of_several_secrets_is_enough() -> None:
    header = f"t={NOW},v1={v1('whsec_gone')},v1={v1()},v0=ignored"
    assert check(header, "whsec_next", SECRET) is Signature.VALID
    assert check(f" t={NOW} , v1={v1()} ") is Signature.VALID


@pytest.mark.parametrize(
    "header",
    [
        f"t={NOW},v0={v1()}",
        f"t={NOW}",
        f"v1={v1()}",
        f"t={NOW},t={NOW},v1={v1()}",
        f"t=soon,v1={v1()}",
        f"t=-{NOW},v1={v1()}",
        f"t={NOW},v1={v1().upper()}",
        f"t={NOW},v1={v1(body=BODY + b' ')}",
        f"t={NOW},v1=",
        "\u0661,v1=\u00fc",
        f"t={NOW + 1},v1={v1()}",
    ],
)
def test_any_other_header_is_invalid(header: str) -> None:
    assert check(header) is Signature.INVALID


@pytest.mark.parametrize(("late", "expected"), [(300, "valid"), (-300, "valid"), (301, "invalid"), (-301, "invalid")])
def test_a_signature_is_good_for_five_minutes_either_way(late: int, expected: str) -> None:
    assert check(f"t={NOW},v1={v1()}", at=NOW + late) == expected


def test_without_secrets_nothing_is_valid_not_even_an_empty_key() -> None:
    delivery = Delivery(body=BODY, headers={"stripe-signature": f"t={NOW},v1={v1('')}"}, arrived_at=NOW)
    assert HOOK.verify(delivery, []) is Signature.INVALID
    assert HOOK.verify(delivery, ["", " "]) is Signature.INVALID


def test_no_header_is_no_signature() -> None:
    assert check(None) is Signature.ABSENT
    assert check("  ") is Signature.ABSENT


def test_attempts_at_one_event_share_a_key_and_unreadable_bytes_have_their_own() -> None:
    first, again = Delivery(body=BODY), Delivery(body=b'{"id": "evt_1", "created": 2}')
    assert HOOK.delivery_key(first) == HOOK.delivery_key(again) == "stripe/evt_1"
    assert HOOK.delivery_key(Delivery(body=b"{")) != HOOK.delivery_key(Delivery(body=b"["))


def test_what_is_not_valid_is_refused_but_kept_and_the_rest_answered_with_success() -> None:
    for signature in (Signature.ABSENT, Signature.INVALID, Signature.NOT_SIGNED):
        reply = HOOK.refuse(Delivery(body=BODY), signature)
        assert reply is not None
        assert reply.status == 401
    assert HOOK.keep_refused
    assert HOOK.refuse(Delivery(body=BODY), Signature.VALID) is None
    assert (HOOK.accepted(Delivery(body=BODY)).status, HOOK.duplicate(Delivery(body=BODY)).status) == (200, 200)


def test_the_folder_offers_one_gateway_with_its_secrets_marked() -> None:
    assert (SPEC.name, SPEC.family) == ("stripe", Family.GATEWAY)
    assert set(SPEC.secrets) <= set(SPEC.config.__struct_fields__)
    assert SPEC.document_url is not None
    links = [SPEC.document_url(SPEC.config(live=live), "payment", "pi_1") for live in (True, False)]
    assert links == ["https://dashboard.stripe.com/payments/pi_1", "https://dashboard.stripe.com/test/payments/pi_1"]
    assert SPEC.document_url(SPEC.config(), "order", "1") is None
