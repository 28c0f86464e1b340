"""Reveni's webhooks: a secret in their address, thin bodies, and a signature nobody has seen yet (Reveni sheet §3).

Registering takes no secret and the only known receiver checks nothing. So the address carries a secret of ours, and the
body is believed only for the id of the return, which is read again from the API.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from counterfoil.adapterkit.parse import UnreadableError, read_object
from counterfoil.adapterkit.signing import digest, hmac_sha256, matches
from counterfoil.ports.translation import Signature
from counterfoil.ports.vendors import Delivery, Hook, Reply

_NOT_HERE = Reply(status=404, body=b'{"error":{"code":"not_found","message":"no such webhook address"}}')

Signer = Callable[[bytes, bytes], bytes]
"""From secret and raw body to the header's value."""


def hex_hmac_sha256(secret: bytes, body: bytes) -> bytes:
    """The likeliest scheme, should Reveni begin to sign: HMAC-SHA256 of the raw body, in hex (inferred, sheet §3)."""
    return hmac_sha256(secret, body).hex().encode()


def signature_headers(delivery: Delivery) -> list[str]:
    """Names of the headers that could hold a signature; today there are none."""
    return sorted(name for name in delivery.headers if "signature" in name.lower())


def verifier(signer: Signer = hex_hmac_sha256) -> Callable[[Delivery, Sequence[str]], Signature]:
    """A check with a scheme that can be exchanged when the real one is known."""

    def verify(delivery: Delivery, secrets: Sequence[str]) -> Signature:
        """VALID by a signature, NOT_SIGNED by the secret address; INVALID with a wrong address, ABSENT with none.

        A signature that does not fit says nothing while its scheme is unknown: the address still decides.
        """
        for name in signature_headers(delivery):
            expected = [signer(secret.encode(), delivery.body) for secret in secrets]
            if matches(delivery.headers[name].strip(), [*expected, *(b"sha256=" + one for one in expected)]):
                return Signature.VALID
        tail = delivery.path_tail.strip("/")
        if not tail:
            return Signature.ABSENT
        known = matches(tail, [secret.strip("/").encode() for secret in secrets if secret.strip("/")])
        return Signature.NOT_SIGNED if known else Signature.INVALID

    return verify


def delivery_key(delivery: Delivery) -> str:
    """The envelope's id (sheet §3); the content of a body that has none or cannot be read."""
    try:
        envelope_id = read_object(delivery.body).text("id")
    except UnreadableError:
        envelope_id = None
    return f"event:{envelope_id}" if envelope_id else digest(delivery.body)


def refuse(delivery: Delivery, signature: Signature) -> Reply | None:
    """Nothing but the secret address exists, unless the body is signed. What is lost this way, the next poll finds."""
    return None if signature in (Signature.NOT_SIGNED, Signature.VALID) else _NOT_HERE


def _received(delivery: Delivery) -> Reply:
    return Reply(status=200, body=b'{"received":true}')


HOOK = Hook(
    verify=verifier(),
    delivery_key=delivery_key,
    refuse=refuse,
    accepted=_received,
    duplicate=_received,
    limit_bytes=256 * 1024,
    keep_refused=False,
    signed=False,
)
