"""How ShipHero signs its webhooks, and the answer it documents (warehouse sheet §1). Pure."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.adapterkit.signing import digest, signed_with_any
from counterfoil.ports.translation import Signature
from counterfoil.ports.vendors import Delivery, Hook, Reply

SIGNATURE = "x-shiphero-hmac-sha256"
MESSAGE = "x-shiphero-message-id"


def message_id(delivery: Delivery) -> str | None:
    """The id of the message, which repeats of it share; None when the header is missing."""
    return delivery.headers.get(MESSAGE, "").strip() or None


def verify(delivery: Delivery, secrets: Sequence[str]) -> Signature:
    """The base64 HMAC over the raw body, under any secret that is valid now."""
    given = delivery.headers.get(SIGNATURE, "").strip()
    if not given:
        return Signature.ABSENT
    valid = signed_with_any(given, [secret for secret in secrets if secret], delivery.body)
    return Signature.VALID if valid else Signature.INVALID


def delivery_key(delivery: Delivery) -> str:
    """The message's id; without one, the bytes."""
    return f"shiphero/{message_id(delivery) or 'sha:' + digest(delivery.body)}"


def refuse(_delivery: Delivery, signature: Signature) -> Reply | None:
    """Only valid deliveries are taken."""
    if signature is Signature.VALID:
        return None
    word = "missing" if signature is Signature.ABSENT else "wrong"
    return Reply(status=401, body=f'{{"code":"401","Message":"the signature is {word}"}}'.encode())


def accepted(_delivery: Delivery) -> Reply:
    """The answer the vendor's page shows, spelling included."""
    return Reply(status=200, body=b'{"code":"200","Message":"Success"}')


HOOK = Hook(verify=verify, delivery_key=delivery_key, refuse=refuse, accepted=accepted, duplicate=accepted)
