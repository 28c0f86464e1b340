"""Who may call the REST profile: an API key, or OAuth2 client credentials where the world asks for them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote_plus

from counterfoil.erps.prima.sim.refusals import Refusal
from counterfoil.simkit.http import Request, Response, json_response


class Access:
    """The keys and tokens that are good. A world without any credentials takes every key, but wants one."""

    def __init__(self, world: Mapping[str, Any]) -> None:
        self._key = str(world.get("api_key") or "")
        self._read_only = {str(key) for key in world.get("read_only_keys") or []}
        self._oauth2: Mapping[str, Any] = world.get("oauth2") or {}
        self._tokens: dict[str, float] = {}

    def check(self, request: Request) -> None:
        """Raise UNAUTHORISED (401) without a good key or token, FORBIDDEN (403) for a write with a reading key."""
        key = request.headers.get("x-api-key", "")
        if key in self._read_only:
            if request.method != "GET":
                raise Refusal("FORBIDDEN", "this key may only read")
            return
        if self._good_token(request.headers.get("authorization", "")):
            return
        wanted = self._key if self._key or self._oauth2 else key
        if not key or not wanted or not hmac.compare_digest(key.encode(), wanted.encode()):
            raise Refusal("UNAUTHORISED", "no valid X-Api-Key or bearer token", "X-Api-Key")

    def _good_token(self, header: str) -> bool:
        scheme, _, token = header.partition(" ")
        return scheme.lower() == "bearer" and self._tokens.get(token, 0.0) > time.monotonic()

    def token(self, request: Request) -> Response:
        """The token endpoint (`/oauth/token`): grant `client_credentials`, by Basic header or form (RFC 6749)."""
        form = {name: values[0] for name, values in parse_qs(request.body.decode("latin-1")).items()}
        if form.get("grant_type") != "client_credentials":
            return json_response({"error": "unsupported_grant_type"}, 400)
        client, secret = _basic(request) or (form.get("client_id", ""), form.get("client_secret", ""))
        known = str(self._oauth2.get("client_id", "")), str(self._oauth2.get("client_secret", ""))
        if not client or (client, secret) != known:
            return json_response({"error": "invalid_client"}, 401)
        lifetime_s = float(self._oauth2.get("token_ttl_s", 3600))
        token = hashlib.sha256(f"{client}:{len(self._tokens) + 1}".encode()).hexdigest()[:40]
        self._tokens[token] = time.monotonic() + lifetime_s
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": int(lifetime_s)}
        return json_response(answer, headers={"cache-control": "no-store"})


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, packed = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client, _, secret = base64.b64decode(packed, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        return "", ""
    return unquote_plus(client), unquote_plus(secret)
