"""How Stripe signs its events, and what it wants to hear (payments sheet §9). Pure."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.adapterkit.parse import UnreadableError, read_object
from counterfoil.adapterkit.signing import digest, hmac_sha256, matches
from counterfoil.ports.translation import Signature
from counterfoil.ports.vendors import Delivery, Hook, Reply

SIGNATURE = "stripe-signature"
TOLERANCE_S = 300


def verify(delivery: Delivery, secrets: Sequence[str]) -> Signature:
    """Whether any `v1` fits under any secret, signed within 300 s of the arrival. Other schemes are ignored.

    The secret is the key as it stands, `whsec_` included. During a roll-over there are several `v1` (§9).
    """
    given = delivery.headers.get(SIGNATURE, "").strip()
    if not given:
        return Signature.ABSENT
    moment, offered = _parts(given)
    if moment is None:
        return Signature.INVALID
    signed = f"{moment}.".encode() + delivery.body
    expected = [hmac_sha256(secret.strip().encode(), signed).hex().encode() for secret in secrets if secret.strip()]
    fits = [matches(one, expected) for one in offered]  # all of them, so that the time taken tells nothing
    fresh = abs(delivery.arrived_at - int(moment)) <= TOLERANCE_S
    return Signature.VALID if any(fits) and fresh else Signature.INVALID


def _parts(header: str) -> tuple[str | None, list[str]]:
    """The moment as written and every `v1`. A header with no moment, or with two, says nothing certain."""
    pairs = [part.strip().partition("=") for part in header.split(",")]
    moments = [value for name, _, value in pairs if name == "t"]
    good = len(moments) == 1 and moments[0].isascii() and moments[0].isdecimal() and len(moments[0]) <= 12
    return (moments[0] if good else None), [value for name, _, value in pairs if name == "v1"]


def delivery_key(delivery: Delivery) -> str:
    """The event's id, which every attempt to deliver it carries; without one, the bytes (§9)."""
    try:
        event_id = read_object(delivery.body).text("id")
    except UnreadableError:
        event_id = None
    return f"stripe/{event_id}" if event_id else f"stripe/sha:{digest(delivery.body)}"


def refuse(_delivery: Delivery, signature: Signature) -> Reply | None:
    """Only valid deliveries are taken; the others come again, which is time to mend a wrong secret."""
    if signature is Signature.VALID:
        return None
    word = "missing" if signature is Signature.ABSENT else "wrong or too old"
    return Reply(status=401, body=f'{{"error":"the signature is {word}"}}'.encode())


def accepted(_delivery: Delivery) -> Reply:
    """Any 2xx is enough."""
    return Reply(status=200, body=b'{"received":true}')


HOOK = Hook(verify=verify, delivery_key=delivery_key, refuse=refuse, accepted=accepted, duplicate=accepted)
