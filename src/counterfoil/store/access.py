"""Tokens for the JSON API, and the answers kept for repeated writes. Of a token only its hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from uuid import uuid4

import msgspec

from counterfoil.store import log
from counterfoil.store.database import Row, Transaction, now_ms

PREFIX = "cfk_"
TOKENS_MAX = 200
USED_EVERY_MS = 3_600_000
ANSWERS_KEPT_MS = 7 * 86_400_000
FORGOTTEN_AT_ONCE = 20
STREAM = "system/access"


def make_token(
    tx: Transaction, *, user_id: int, username: str, name: str, scopes: Iterable[str], expires_ms: int, by: str
) -> tuple[int, str]:
    """A new token: its number, and the token itself, which is never to be read again."""
    token = PREFIX + secrets.token_urlsafe(32)
    granted = ",".join(sorted(set(scopes)))
    row = tx.one(
        "token_put",
        user_id=user_id,
        username=username,
        name=name,
        secret_hash=hashed(token),
        scopes=granted,
        now=now_ms(),
        expires_ms=expires_ms,
    )
    assert row is not None, "a row that was just written has a number"
    number = int(row["id"])
    note(tx, "TokenMade.v1", by, {"token": number, "of": username, "scopes": granted})
    return number, token


def find(tx: Transaction, token: str, now: int) -> Row | None:
    """The token shown, when it is known, has not ended and is not too old."""
    row = tx.one("token_by_hash", secret_hash=hashed(token))
    if row is None or row["ended_ms"] is not None or row["expires_ms"] <= now:
        return None
    return row


def end_token(tx: Transaction, number: int, user_id: int, by: str) -> bool:
    """End one token of a person; False when there is none to end."""
    gone = tx.run("token_end", id=number, user_id=user_id, now=now_ms(), by=by) == 1
    if gone:
        note(tx, "TokenEnded.v1", by, {"token": number})
    return gone


def end_tokens(tx: Transaction, user_id: int, by: str) -> int:
    """End every token of a person; how many there were."""
    ended = tx.run("tokens_end_all", user_id=user_id, now=now_ms(), by=by)
    if ended:
        note(tx, "TokensEnded.v1", by, {"person": user_id, "tokens": ended})
    return ended


def note(tx: Transaction, name: str, by: str, what: dict[str, object]) -> None:
    """A line of the log about who may do what."""
    payload = msgspec.json.encode({"type": name, **what}).decode()
    log.note(tx, stream=STREAM, key=uuid4().hex, name=name, actor=f"person:{by}", payload=payload)


def hashed(token: str) -> str:
    """What is kept of a token. It carries 256 random bits, so a plain hash cannot be searched."""
    return hashlib.sha256(token.encode()).hexdigest()


def claim(tx: Transaction, user_id: int, key: str, fingerprint: str) -> Row | None:
    """Take a key for a write: None when it is ours now, otherwise what it was used for."""
    now = now_ms()
    tx.run("answers_forget", before=now - ANSWERS_KEPT_MS, rows=FORGOTTEN_AT_ONCE)
    if tx.run("answer_claim", user_id=user_id, key=key, fingerprint=fingerprint, now=now) == 1:
        return None
    return tx.one("answer_get", user_id=user_id, key=key)


def keep_answer(tx: Transaction, user_id: int, key: str, status: int, body: str) -> None:
    """Keep what a write was answered, in the transaction that carried it out."""
    tx.run("answer_keep", user_id=user_id, key=key, status=status, body=body)
