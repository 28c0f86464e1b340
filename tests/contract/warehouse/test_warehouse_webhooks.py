"""The warehouse hook: signatures made by the public package, and the answers of the sheet."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from counterfoil.ports.translation import Signature
from counterfoil.ports.vendors import Delivery, Reply
from counterfoil.warehouses.canonical import SPEC

assert SPEC.hook is not None
HOOK = SPEC.hook
SECRET = "whsec_" + base64.b64encode(b"an invented key of 32 bytes......").decode()
NEXT_SECRET = "whsec_" + base64.b64encode(b"the key that comes after it.....").decode()
NOW = 1_772_445_300

MESSAGE: dict[str, Any] = {
    "event_id": "evt-1",
    "event_type": "return.closed",
    "schema_version": "1",
    "source": "acme-3pl",
    "occurred_at": "2026-03-02T10:15:00Z",
    "warehouse_code": "LEEDS",
    "receipt_id": "GR-88",
    "rma_number": "RMA-1",
}


def changed(headers: dict[str, str]) -> Delivery:
    """A signed delivery with some of its headers changed afterwards."""
    honest = signed()
    return Delivery(body=honest.body, headers={**honest.headers, **headers}, arrived_at=NOW)


def signed(body: bytes | None = None, secret: str = SECRET, at: int = NOW, content_type: str = "") -> Delivery:
    """A delivery signed by the public package's own code."""
    body = json.dumps(MESSAGE).encode() if body is None else body
    signature = Webhook(secret).sign("evt-1", datetime.fromtimestamp(at, UTC), body.decode())
    base = {
        "content-type": content_type or "application/json",
        "webhook-id": "evt-1",
        "webhook-timestamp": str(at),
        "webhook-signature": signature,
    }
    return Delivery(body=body, headers=base, arrived_at=NOW)


def error_of(reply: Reply | None) -> tuple[int, str, str]:
    """Status, code and path of a refusal."""
    assert reply is not None
    error = json.loads(reply.body)["error"]
    assert error["message"]
    return reply.status, error["code"], error["path"]


def test_a_signature_of_the_public_package_is_valid() -> None:
    assert HOOK.verify(signed(), [SECRET]) is Signature.VALID


def test_both_secrets_count_while_one_is_being_replaced() -> None:
    for secret in (SECRET, NEXT_SECRET):
        assert HOOK.verify(signed(secret=secret), [SECRET, NEXT_SECRET]) is Signature.VALID
    assert HOOK.verify(signed(secret=NEXT_SECRET), [SECRET]) is Signature.INVALID


def test_one_fitting_signature_among_several_is_enough() -> None:
    good = signed().headers["webhook-signature"]
    both = changed({"webhook-signature": f"v1,AAAA v1a,xyz {good}"})
    assert HOOK.verify(both, [SECRET]) is Signature.VALID


@pytest.mark.parametrize(("seconds", "fits"), [(-301, False), (-300, True), (300, True), (301, False)])
def test_the_time_of_a_signature_may_be_five_minutes_off_either_way(seconds: int, fits: bool) -> None:
    found = HOOK.verify(signed(at=NOW + seconds), [SECRET])
    assert found is (Signature.VALID if fits else Signature.INVALID)


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-id": "evt-2"},
        {"webhook-id": ""},
        {"webhook-timestamp": str(NOW + 1)},
        {"webhook-timestamp": f"{NOW}.0"},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v2,AAAA"},
        {"webhook-signature": "§"},
    ],
)
def test_anything_changed_makes_the_signature_invalid(headers: dict[str, str]) -> None:
    assert HOOK.verify(changed(headers), [SECRET]) is Signature.INVALID


def test_a_changed_body_makes_the_signature_invalid() -> None:
    honest = signed()
    forged = Delivery(body=honest.body + b" ", headers=honest.headers, arrived_at=NOW)
    assert HOOK.verify(forged, [SECRET]) is Signature.INVALID


def test_without_a_signature_or_a_usable_secret_nothing_is_valid() -> None:
    assert HOOK.verify(Delivery(body=b"{}", arrived_at=NOW), [SECRET]) is Signature.ABSENT
    for secrets in ([], [""], ["whsec_"], ["whsec_not base64!"]):
        assert HOOK.verify(signed(), secrets) is Signature.INVALID


@pytest.mark.parametrize("signature", [Signature.ABSENT, Signature.INVALID])
def test_without_a_valid_signature_the_answer_is_401(signature: Signature) -> None:
    assert error_of(HOOK.refuse(signed(), signature)) == (401, "BAD_SIGNATURE", "webhook-signature")


@pytest.mark.parametrize("content_type", ["text/plain", "text/csv; charset=utf-8", "application/xml"])
def test_another_content_type_is_415(content_type: str) -> None:
    refused = HOOK.refuse(signed(content_type=content_type), Signature.VALID)
    assert error_of(refused) == (415, "UNSUPPORTED_MEDIA_TYPE", "content-type")


def test_a_charset_on_the_content_type_is_fine() -> None:
    assert HOOK.refuse(signed(content_type="application/json; charset=UTF-8"), Signature.VALID) is None


def test_what_is_not_json_is_400() -> None:
    assert error_of(HOOK.refuse(signed(b"{"), Signature.VALID)) == (400, "NOT_JSON", "")


def test_a_breach_of_the_schema_is_400_with_its_path() -> None:
    line = {"line_id": "1", "sku": "A", "received_quantity": 1.5, "inspection_status": "pending"}
    body = json.dumps({**MESSAGE, "lines": [line]}).encode()
    refused = HOOK.refuse(signed(body), Signature.VALID)
    assert error_of(refused) == (400, "BAD_NUMBER", "lines[0].received_quantity")


def test_dispositions_that_do_not_add_up_are_accepted() -> None:
    line = {"line_id": "1", "sku": "A", "received_quantity": 2, "inspection_status": "passed", "dispositions": []}
    body = json.dumps({**MESSAGE, "event_type": "return.inspected", "lines": [line]}).encode()
    assert HOOK.refuse(signed(body), Signature.VALID) is None


def test_the_answers_to_what_is_kept() -> None:
    accepted, duplicate = HOOK.accepted(signed()), HOOK.duplicate(signed())
    assert (accepted.status, json.loads(accepted.body)) == (202, {"status": "accepted", "event_id": "evt-1"})
    assert (duplicate.status, json.loads(duplicate.body)) == (200, {"status": "duplicate"})


def test_a_delivery_is_known_by_its_event_id() -> None:
    assert HOOK.delivery_key(signed()) == HOOK.delivery_key(Delivery(body=json.dumps(MESSAGE).encode()))
    assert HOOK.delivery_key(changed({"webhook-id": "evt-2"})) != HOOK.delivery_key(signed())
    assert HOOK.delivery_key(Delivery(body=b"{")) != HOOK.delivery_key(Delivery(body=b"["))


def test_refusals_can_always_be_written_down() -> None:
    body = b'{"event_type":"\\ud800","\\ud801":1,"\\ud801":2}'
    assert error_of(HOOK.refuse(Delivery(body=body), Signature.VALID))[0] == 400
    HOOK.delivery_key(Delivery(body=b'{"event_id":"\\ud800"}')).encode()
