"""Loop's webhooks: the signature (Loop sheet §3.1) and how a delivery is answered (§3.2).

Loop never repeats a delivery that was answered 400, 401, 403, 404 or 405. A wrong secret on our side must not lose the
event, so a delivery with an invalid or absent signature is kept, answered 200 and quarantined by who reads it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from counterfoil.adapterkit.signing import digest, signed_with_any
from counterfoil.ports.translation import Signature
from counterfoil.ports.vendors import Delivery, Hook, Reply

SIGNATURE_HEADER = "x-loop-signature"

# A backslash with the byte after it, a bare slash, or a line break. Pairs come first, so they are never split.
_TOUCHED = re.compile(rb"\\.?|/|[\r\n]", re.DOTALL)


def normalise(body: bytes) -> bytes:
    r"""The body as PHP's `json_encode` writes it by default: a bare `/` becomes `\/`, CR and LF are dropped.

    A backslash and the byte after it are copied as a pair, so `\\/` (an escaped backslash, then a bare slash) is
    read rightly. Nothing else changes: the JSON's meaning stays what it was (Loop sheet §3.1, step 2).
    """
    return _TOUCHED.sub(_as_php_writes, body)


def _as_php_writes(found: re.Match[bytes]) -> bytes:
    part = found.group()
    if part.startswith(b"\\"):
        return part
    return b"\\/" if part == b"/" else b""


def verify(delivery: Delivery, secrets: Sequence[str]) -> Signature:
    """Whether the body was signed with one of the secrets: the raw bytes first, then their normalised form."""
    given = delivery.headers.get(SIGNATURE_HEADER, "")
    if not given:
        return Signature.ABSENT
    if signed_with_any(given, secrets, delivery.body):
        return Signature.VALID
    if signed_with_any(given, secrets, normalise(delivery.body)):
        return Signature.VALID
    return Signature.INVALID


def delivery_key(delivery: Delivery) -> str:
    """The content of the body: Loop gives no event id and no delivery id (Loop sheet §1.1)."""
    return digest(delivery.body)


def keep_always(delivery: Delivery, signature: Signature) -> Reply | None:
    """Refuse nothing: a refusal would lose the event for good (Loop sheet §1.2)."""
    return None


def _received(delivery: Delivery) -> Reply:
    return Reply(status=200, body=b'{"received":true}')


HOOK = Hook(
    verify=verify,
    delivery_key=delivery_key,
    refuse=keep_always,
    accepted=_received,
    duplicate=_received,
    keep_refused=True,
)
