"""Who sent a ShipBob webhook: a signature if there is one, else a secret path (warehouse sheet §1, §7). Pure.

The sheet could not confirm how ShipBob signs. A page of a third party says: by the Standard-Webhooks scheme. So a
signature that is there is checked and decides; without one the delivery must come to an address that ends in a secret.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from counterfoil.adapterkit.signing import digest, hmac_base64, matches
from counterfoil.ports.translation import Signature
from counterfoil.ports.vendors import Delivery, Hook, Reply

TOLERANCE_S = 300
SIGNATURE, TIMESTAMP, MESSAGE = "webhook-signature", "webhook-timestamp", "webhook-id"
TOPIC = "x-webhook-topic"
_KEY_PREFIX = "whsec_"


def verify(delivery: Delivery, secrets: Sequence[str]) -> Signature:
    """VALID or INVALID for a signature; NOT_SIGNED, which is to be trusted, for the right secret path; else ABSENT."""
    if delivery.headers.get(SIGNATURE, "").strip():
        return _signature(delivery, [secret for secret in secrets if secret.startswith(_KEY_PREFIX)])
    given = delivery.path_tail.strip("/")
    if not given:
        return Signature.ABSENT
    paths = [secret.encode() for secret in secrets if secret and not secret.startswith(_KEY_PREFIX)]
    return Signature.NOT_SIGNED if matches(given, paths) else Signature.INVALID


def _signature(delivery: Delivery, secrets: Sequence[str]) -> Signature:
    sent_id, moment = delivery.headers.get(MESSAGE, ""), delivery.headers.get(TIMESTAMP, "").strip()
    if not sent_id or not moment.isascii() or not moment.isdecimal() or len(moment) > 12:
        return Signature.INVALID
    signed = f"{sent_id}.{moment}.".encode("utf-8", "surrogateescape") + delivery.body
    expected = [hmac_base64(key, signed) for key in _keys(secrets)]
    offered = [part.removeprefix("v1,") for part in delivery.headers[SIGNATURE].split() if part.startswith("v1,")]
    fits = [matches(one, expected) for one in offered]  # all of them, so that the time taken tells nothing
    fresh = abs(delivery.arrived_at - int(moment)) <= TOLERANCE_S
    return Signature.VALID if any(fits) and fresh else Signature.INVALID


def _keys(secrets: Sequence[str]) -> list[bytes]:
    """The raw keys; a secret that is not base64 can sign nothing and is passed over."""
    keys = []
    for secret in secrets:
        text = secret.strip().removeprefix(_KEY_PREFIX)
        try:
            key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError):
            continue
        if key:
            keys.append(key)
    return keys


def delivery_key(delivery: Delivery) -> str:
    """The message's id where there is one, else the bytes: a return is completed once."""
    sent_id = delivery.headers.get(MESSAGE, "").strip()
    return f"shipbob/{sent_id}" if sent_id else f"shipbob/sha:{digest(delivery.body)}"


def refuse(_delivery: Delivery, signature: Signature) -> Reply | None:
    """Signed, or at the secret address. Anything but a 2xx is tried again, which is time to mend a wrong secret."""
    if signature in (Signature.VALID, Signature.NOT_SIGNED):
        return None
    return Reply(status=401, body=b'{"error":"the signature or the secret part of the address is wrong"}')


def accepted(_delivery: Delivery) -> Reply:
    """Any 2xx is enough."""
    return Reply(status=200, body=b'{"ok":true}')


HOOK = Hook(verify=verify, delivery_key=delivery_key, refuse=refuse, accepted=accepted, duplicate=accepted)
