"""Signatures: computed over raw bytes, compared in constant time, with several secrets valid at once."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Sequence


def hmac_sha256(secret: bytes, message: bytes) -> bytes:
    """HMAC-SHA256, raw."""
    return hmac.new(secret, message, hashlib.sha256).digest()


def hmac_base64(secret: bytes, message: bytes) -> bytes:
    """HMAC-SHA256 in standard base64 with padding, as ASCII bytes."""
    return base64.b64encode(hmac_sha256(secret, message))


def matches(given: str, expected: Iterable[bytes]) -> bool:
    """Whether a header equals any of the expected values. Looks at every one, so timing tells nothing.

    A header with non-ASCII characters is simply unequal, never an exception.
    """
    offered = given.encode("utf-8", "surrogateescape")
    found = False
    for value in expected:
        found |= hmac.compare_digest(offered, value)
    return found


def signed_with_any(given: str, secrets: Sequence[str], message: bytes) -> bool:
    """Whether a base64 HMAC-SHA256 header fits the message under any of the secrets (UTF-8 bytes as keys)."""
    return matches(given, [hmac_base64(secret.encode(), message) for secret in secrets])


def digest(*parts: bytes | str) -> str:
    """A SHA-256 over parts that cannot run into each other, as hex: content identities for keys."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "big"))
        total.update(data)
    return total.hexdigest()
