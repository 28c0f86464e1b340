"""ReturnGO's webhooks: no signature, so the address is the secret (ReturnGO sheet §5).

The last part of the address is compared in constant time; what comes to any other address is answered 404 and not
kept. A delivery that came to the right address is still unsigned, and believed for its ids only.
"""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.adapterkit.signing import digest, matches
from counterfoil.ports.translation import Signature
from counterfoil.ports.vendors import Delivery, Hook, Reply

_NOT_HERE = Reply(status=404, body=b'{"error":{"code":"not_found","message":"no such webhook address"}}')
_HOUR_S = 3600


def verify(delivery: Delivery, secrets: Sequence[str]) -> Signature:
    """Whether the delivery came to a secret address: NOT_SIGNED is the best that can be said of it."""
    tail = delivery.path_tail.strip("/")
    if not tail:
        return Signature.ABSENT
    known = [secret.strip("/").encode() for secret in secrets if secret.strip("/")]
    return Signature.NOT_SIGNED if matches(tail, known) else Signature.INVALID


def delivery_key(delivery: Delivery) -> str:
    """The content of the body, and its hour where the body bears no date: the same words may be news again later.

    There is no delivery id. A return that is approved, reopened and approved says the same twice; to take a repeat for
    news costs one call, to take news for a repeat costs the event.
    """
    hour = "" if b"eventDate" in delivery.body else str(int(delivery.arrived_at // _HOUR_S))
    return digest(delivery.body, hour)


def refuse(delivery: Delivery, signature: Signature) -> Reply | None:
    """Nothing but the secret address exists."""
    return None if signature is Signature.NOT_SIGNED else _NOT_HERE


def _received(delivery: Delivery) -> Reply:
    return Reply(status=200, body=b'{"received":true}')


HOOK = Hook(
    signed=False,
    verify=verify,
    delivery_key=delivery_key,
    refuse=refuse,
    accepted=_received,
    duplicate=_received,
    limit_bytes=256 * 1024,
    keep_refused=False,
)
