"""Raw deliveries are kept encrypted, each under a key of its own, which a master key outside the database wraps.

Destroying a delivery's key erases it for good while the log's hash chain, which covers no raw bytes, still verifies.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


class Vault:
    """Seals and opens bytes with AES-GCM under the master key."""

    def __init__(self, master_key: bytes) -> None:
        self._master = AESGCM(master_key)

    def seal(self, clear: bytes) -> tuple[bytes, bytes]:
        """(ciphertext, wrapped key)."""
        key = AESGCM.generate_key(256)
        return _encrypt(AESGCM(key), clear), _encrypt(self._master, key)

    def open(self, sealed: bytes, wrapped_key: bytes) -> bytes:
        """The clear bytes. Raises cryptography's InvalidTag when key or bytes were tampered with."""
        key = _decrypt(self._master, bytes(wrapped_key))
        return _decrypt(AESGCM(key), bytes(sealed))


def _encrypt(cipher: AESGCM, clear: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, clear, None)


def _decrypt(cipher: AESGCM, sealed: bytes) -> bytes:
    return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)


def master_key(path: Path) -> bytes:
    """The key in this file, made on first use and readable by its owner only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{secrets.token_hex(4)}")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(AESGCM.generate_key(256))
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)  # whoever comes first wins; nobody overwrites
        fresh.unlink()
    return path.read_bytes()
