"""Token-based authentication: OAuth 1.0a signatures with HMAC-SHA256, checked by hand (NetSuite sheet §2.2)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from counterfoil.erps.netsuite.sim.account import Account
from counterfoil.erps.netsuite.sim.errors import bad_login
from counterfoil.erps.netsuite.sim.preferences import snake_case
from counterfoil.simkit.http import Request

# What a world without credentials accepts; a world that names any replaces it.
EXAMPLE = {
    "consumer_key": "example-consumer-key",
    "consumer_secret": "example-consumer-secret",
    "token": "example-token",
    "token_secret": "example-token-secret",
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """One integration record and one token."""

    consumer_key: str
    consumer_secret: str
    token: str
    token_secret: str


def _read(entry: Mapping[str, Any]) -> Credentials:
    """Credentials of a world; `token_id` and camelCase names are understood. Raises ValueError when one is missing."""
    given = {snake_case(name): value for name, value in entry.items()}
    given.setdefault("token", given.get("token_id", given.get("token_key")))
    missing = [name for name in EXAMPLE if not given.get(name)]
    if missing:
        raise ValueError(f"tba credentials without {', '.join(missing)}")
    return Credentials(**{name: str(given[name]) for name in EXAMPLE})


class TokenBasedAuthentication:
    """Verifies `Authorization: OAuth …` headers and remembers nonces."""

    def __init__(self, account: Account, settings: Any) -> None:
        self._account = account
        entries = settings if isinstance(settings, list) else [settings] if settings else []
        self._known = [_read(entry) for entry in entries]
        self._nonces: dict[tuple[str, str, str], float] = {}

    def verify(self, request: Request, roots: list[str]) -> None:
        """Accept a signature over any of these roots (scheme and host). Raises Refusal 401 with a note why."""
        parameters = header_parameters(request.headers.get("authorization", ""))
        credentials = self._credentials(parameters)
        self._check_frame(parameters)
        given = parameters.get("oauth_signature", "")
        signable = [(n, v) for n, v in parameters.items() if n.startswith("oauth_") and n != "oauth_signature"]
        expected = (
            signature(credentials, request.method, root + request.path, [*signable, *request.query]) for root in roots
        )
        if not any(hmac.compare_digest(given, candidate) for candidate in expected):
            raise bad_login("the signature does not match")
        self._check_nonce(parameters)

    def _credentials(self, parameters: Mapping[str, str]) -> Credentials:
        for known in self._known:
            given = (parameters.get("oauth_consumer_key"), parameters.get("oauth_token"))
            if given == (known.consumer_key, known.token):
                return known
        raise bad_login("unknown consumer key or token")

    def _check_frame(self, parameters: Mapping[str, str]) -> None:
        if parameters.get("realm") != self._account.number:
            raise bad_login("the realm is not the account")
        if parameters.get("oauth_signature_method") != "HMAC-SHA256":
            raise bad_login("the signature method must be HMAC-SHA256")
        if parameters.get("oauth_version", "1.0") != "1.0":
            raise bad_login("the version must be 1.0")
        stamp = parameters.get("oauth_timestamp", "")
        if not stamp.isdigit() or abs(time.time() - int(stamp)) > self._account.preferences.tba_window_s:
            raise bad_login("the timestamp is missing or too far from now")

    def _check_nonce(self, parameters: Mapping[str, str]) -> None:
        """A nonce counts once for its token and timestamp; old ones are forgotten with the window."""
        key = (parameters["oauth_token"], parameters["oauth_timestamp"], parameters.get("oauth_nonce", ""))
        if not key[2] or key in self._nonces:
            raise bad_login("the nonce is missing or was used before")
        horizon = time.time() - 2 * self._account.preferences.tba_window_s
        if len(self._nonces) > 10_000:
            self._nonces = {known: at for known, at in self._nonces.items() if at > horizon}
        self._nonces[key] = time.time()


def header_parameters(header: str) -> dict[str, str]:
    """The decoded parameters of an OAuth 1 header, `realm` included. Raises Refusal for another scheme."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "oauth":
        raise bad_login("no OAuth header")
    found: dict[str, str] = {}
    for part in rest.split(","):
        name, separator, value = part.strip().partition("=")
        if not separator or name in found:
            raise bad_login("the OAuth header cannot be read")
        found[unquote(name)] = unquote(value.strip().strip('"'))
    return found


def signature(credentials: Credentials, method: str, url: str, parameters: list[tuple[str, str]]) -> str:
    """The HMAC-SHA256 signature of RFC 5849 §3.4 over method, URL and every parameter; a JSON body is no part of it."""
    pairs = sorted((_escape(name), _escape(value)) for name, value in parameters)
    normalised = "&".join(f"{name}={value}" for name, value in pairs)
    base = "&".join([method.upper(), _escape(url), _escape(normalised)])
    key = f"{_escape(credentials.consumer_secret)}&{_escape(credentials.token_secret)}"
    return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha256).digest()).decode()


def _escape(text: str) -> str:
    return quote(text, safe="-._~")
