"""Every item is verified, and only `[accepted]` is answered (payments sheet §10)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path
from typing import Any

import msgspec
import pytest

from counterfoil.gateways.adyen import SPEC
from counterfoil.gateways.adyen.webhooks import HOOK
from counterfoil.ports.translation import Signature
from counterfoil.ports.vendors import Delivery, Family

FIXTURES = Path(__file__).parents[3] / "src/counterfoil/gateways/adyen/fixtures"
KEY = "00112233445566778899AABBCCDDEEFF" * 2
OTHER = "FF" * 32


def fixture(name: str) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode((FIXTURES / f"{name}.json").read_bytes())
    return found


def delivery(name: str | dict[str, Any]) -> Delivery:
    return Delivery(body=msgspec.json.encode(fixture(name) if isinstance(name, str) else name))


def changed(name: str = "refund_sent", **fields: Any) -> Delivery:
    """A notification with fields of its first item changed after signing."""
    notification = fixture(name)
    notification["notificationItems"][0]["NotificationRequestItem"].update(fields)
    return delivery(notification)


def test_a_signature_made_by_another_program_is_valid_though_nothing_is_escaped() -> None:
    named = fixture("reference_with_colon_and_backslash")["notificationItems"][0]["NotificationRequestItem"]
    assert named["additionalData"]["hmacSignature"] == "8dC8aKHMC2bm/fkeIGWWycScxlOeYV1LBjiVFWvi6ZI="
    assert HOOK.verify(delivery("reference_with_colon_and_backslash"), [KEY]) is Signature.VALID


@pytest.mark.parametrize("name", ["refund_sent", "several_items", "refund_with_data", "report_available"])
def test_a_notification_is_valid_when_every_item_is(name: str) -> None:
    assert HOOK.verify(delivery(name), [KEY]) is Signature.VALID
    assert HOOK.verify(delivery(name), [OTHER, KEY.lower()]) is Signature.VALID
    assert HOOK.verify(delivery(name), [OTHER]) is Signature.INVALID


def test_one_forged_item_spoils_the_notification_and_the_notices_say_which() -> None:
    forged = delivery("second_item_tampered")
    assert HOOK.verify(forged, [KEY]) is Signature.INVALID
    assert HOOK.verify_each is not None
    assert HOOK.verify_each(forged, [KEY]) == (Signature.VALID, Signature.INVALID)


@pytest.mark.parametrize("name", ["several_items", "second_item_unreadable", "pending_refund_stopped", "chargeback"])
def test_there_is_one_verdict_for_each_notice_of_a_refund(name: str) -> None:
    given = delivery(name)
    assert HOOK.verify_each is not None
    assert len(HOOK.verify_each(given, [KEY])) == len(SPEC.translate(given).refunds)


@pytest.mark.parametrize(
    "fields",
    [
        {"pspReference": "EXAMPLEREFUND999"},
        {"originalReference": ""},
        {"merchantAccountCode": "Another"},
        {"merchantReference": "#1001 "},
        {"amount": {"value": 2551, "currency": "EUR"}},
        {"amount": {"value": 2550, "currency": "USD"}},
        {"eventCode": "REFUND_FAILED"},
        {"success": "false"},
    ],
)
def test_each_of_the_eight_signed_fields_is_guarded(fields: dict[str, Any]) -> None:
    assert HOOK.verify(changed(**fields), [KEY]) is Signature.INVALID


def test_other_fields_are_not_signed() -> None:
    assert HOOK.verify(changed(reason="anything", eventDate="2030-01-01T00:00:00Z"), [KEY]) is Signature.VALID


def test_a_missing_field_is_signed_as_an_empty_one() -> None:
    text = "EXAMPLEREFUND001::ExampleMerchant:#1001:2550:EUR:REFUND:true"
    signature = base64.b64encode(hmac.new(bytes.fromhex(KEY), text.encode(), hashlib.sha256).digest()).decode()
    given = changed(originalReference=None, additionalData={"hmacSignature": signature})
    assert HOOK.verify(given, [KEY]) is Signature.VALID


def test_a_notification_without_any_signature_has_none_and_a_partly_signed_one_is_invalid() -> None:
    assert HOOK.verify(delivery("unsigned"), [KEY]) is Signature.ABSENT
    mixed = fixture("refund_sent")
    mixed["notificationItems"] += fixture("unsigned")["notificationItems"]
    assert HOOK.verify(delivery(mixed), [KEY]) is Signature.INVALID
    assert HOOK.verify(delivery({"notificationItems": []}), [KEY]) is Signature.ABSENT
    assert HOOK.verify(Delivery(body=b"{"), [KEY]) is Signature.ABSENT


@pytest.mark.parametrize("key", ["", "not hexadecimal", KEY[:-1], "\u00e9\u00e9"])
def test_a_key_that_is_not_hexadecimal_can_sign_nothing(key: str) -> None:
    assert HOOK.verify(delivery("refund_sent"), [key]) is Signature.INVALID
    assert HOOK.verify(delivery("refund_sent"), [key, KEY]) is Signature.VALID


def test_a_repeat_has_the_key_of_the_first_sending_and_other_news_another() -> None:
    first, again = delivery("refund_sent"), changed(eventDate="2026-03-02T11:16:00+01:00")
    assert HOOK.delivery_key(first) == HOOK.delivery_key(again)
    others = [HOOK.delivery_key(delivery(name)) for name in ("refund_failed_later", "refund_refused", "several_items")]
    assert len({HOOK.delivery_key(first), *others}) == 4
    assert HOOK.delivery_key(Delivery(body=b"{")) != HOOK.delivery_key(Delivery(body=b"["))


def test_the_answer_is_the_one_word_adyen_waits_for_also_to_a_repeat() -> None:
    for reply in (HOOK.accepted(delivery("refund_sent")), HOOK.duplicate(delivery("refund_sent"))):
        assert (reply.status, reply.body) == (200, b"[accepted]")


def test_what_is_not_valid_is_refused_but_kept() -> None:
    for signature in (Signature.ABSENT, Signature.INVALID, Signature.NOT_SIGNED):
        reply = HOOK.refuse(delivery("refund_sent"), signature)
        assert reply is not None
        assert (reply.status, b"[accepted]" in reply.body) == (401, False)
    assert HOOK.refuse(delivery("refund_sent"), Signature.VALID) is None
    assert HOOK.keep_refused


def test_the_folder_offers_one_gateway_with_its_keys_marked() -> None:
    assert (SPEC.name, SPEC.family) == ("adyen", Family.GATEWAY)
    assert set(SPEC.secrets) <= set(SPEC.config.__struct_fields__)
