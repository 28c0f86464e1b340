"""Receiving warehouse messages: the Standard-Webhooks signature and the answers of warehouse sheet §2. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

import msgspec

from counterfoil.adapterkit.parse import UnreadableError, read_json
from counterfoil.adapterkit.signing import digest, hmac_base64, matches
from counterfoil.ports.translation import Signature
from counterfoil.ports.vendors import Delivery, Hook, Reply
from counterfoil.warehouses.canonical.schema import SchemaError, read_receipt

TOLERANCE_S = 300
_PREFIX = "whsec_"
_ID, _TIMESTAMP, _SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


def verify(delivery: Delivery, secrets: Sequence[str]) -> Signature:
    """Whether any of the signatures fits under any of the secrets, at a moment within 300 s of the arrival (§2)."""
    given = delivery.headers.get(_SIGNATURE, "").strip()
    if not given:
        return Signature.ABSENT
    sent_id, timestamp = delivery.headers.get(_ID, ""), delivery.headers.get(_TIMESTAMP, "").strip()
    if not sent_id or not timestamp.isascii() or not timestamp.isdecimal() or len(timestamp) > 12:
        return Signature.INVALID
    signed = f"{sent_id}.{timestamp}.".encode("utf-8", "surrogateescape") + delivery.body
    expected = [hmac_base64(key, signed) for key in _keys(secrets)]
    offered = [part.removeprefix("v1,") for part in given.split() if part.startswith("v1,")]
    fits = [matches(one, expected) for one in offered]  # all of them, so that the time taken tells nothing
    fresh = abs(delivery.arrived_at - int(timestamp)) <= TOLERANCE_S
    return Signature.VALID if any(fits) and fresh else Signature.INVALID


def _keys(secrets: Sequence[str]) -> list[bytes]:
    """The raw keys; a secret that is not base64 can sign nothing and is passed over."""
    keys = []
    for secret in secrets:
        text = secret.strip().removeprefix(_PREFIX)
        try:
            key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError):
            continue
        if key:
            keys.append(key)
    return keys


def delivery_key(delivery: Delivery) -> str:
    """The id of the event: the header, else the one in the body, else the bytes themselves (§2.1: they are equal)."""
    sent_id = delivery.headers.get(_ID, "").strip() or _event_id(delivery)
    return f"id:{_printable(sent_id)}" if sent_id else f"sha:{digest(delivery.body)}"


def _event_id(delivery: Delivery) -> str | None:
    try:
        message = read_json(delivery.body)
    except UnreadableError:
        return None
    value = message.get("event_id") if isinstance(message, dict) else None
    return value.strip() or None if isinstance(value, str) else None


def refuse(delivery: Delivery, signature: Signature) -> Reply | None:
    """401, 415 or 400 with what is wrong and where; None to keep it. What is wrong in business is kept (§2)."""
    if signature is not Signature.VALID:
        return _error(401, "BAD_SIGNATURE", _SIGNATURE_TROUBLE[signature], _SIGNATURE)
    content_type = delivery.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if content_type != "application/json":
        return _error(415, "UNSUPPORTED_MEDIA_TYPE", "the content type must be application/json", "content-type")
    try:
        read_receipt(read_json(delivery.body))
    except SchemaError as error:
        return _error(400, error.code, error.message, error.path)
    except UnreadableError as error:
        return _error(400, "NOT_JSON", str(error), "")
    return None


_SIGNATURE_TROUBLE = {
    Signature.ABSENT: "the signature is missing",
    Signature.INVALID: "the signature does not fit, or its time is more than 300 s away",
    Signature.NOT_SIGNED: "the signature is missing",
}


def _error(status: int, code: str, message: str, path: str) -> Reply:
    body = {"error": {"code": code, "message": _printable(message), "path": path}}
    return Reply(status=status, body=msgspec.json.encode(body))


def _printable(text: str) -> str:
    """What is quoted back or kept as a key may hold lone surrogates, which JSON can carry and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def accepted(delivery: Delivery) -> Reply:
    """202 once the bytes are durable."""
    return Reply(status=202, body=msgspec.json.encode({"status": "accepted", "event_id": _event_id(delivery)}))


def duplicate(_delivery: Delivery) -> Reply:
    """200 for a repeat."""
    return Reply(status=200, body=msgspec.json.encode({"status": "duplicate"}))


HOOK = Hook(
    verify=verify,
    delivery_key=delivery_key,
    refuse=refuse,
    accepted=accepted,
    duplicate=duplicate,
)
