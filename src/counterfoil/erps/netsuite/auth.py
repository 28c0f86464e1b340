"""Logging in: OAuth 2.0 client credentials with a certificate, or the older token based authentication (TBA).

Both answer `authorise` with the header of one request and `renew` with whether trying again is worth it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256
from oauthlib.oauth1 import Client as Signer

from counterfoil.adapterkit.http import Answered, Http
from counterfoil.adapterkit.parse import UnreadableError, read_object
from counterfoil.erps.netsuite.config import NetSuiteConfig
from counterfoil.erps.netsuite.errors import classify, outcome_of
from counterfoil.ports.outcomes import Busy, LockedOut, Outcome

GRANT_PATH = "/services/rest/auth/oauth2/v1/token"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFE_S = 300  # must stay below an hour (NetSuite sheet §2.1)
TOKEN_LIFE_S = 3600.0
ALGORITHMS = frozenset({"PS256", "PS384", "PS512", "ES256", "ES384", "ES512"})


class StoppedError(Exception):
    """A call ended in another way than hoped for; `outcome` says how."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


class Login(Protocol):
    """One way to prove who we are."""

    def authorise(self, method: str, url: str) -> str:
        """The `Authorization` header of one request. Raises StoppedError when there is none to be had."""
        ...

    def renew(self, refused: str) -> bool:
        """After a 401 for this header: whether a new one may do better."""
        ...


class Certificate:
    """OAuth 2.0 client credentials. One token serves every thread and is renewed before it ends (sheet §2.1)."""

    def __init__(self, config: NetSuiteConfig, http: Http, clock: Callable[[], float] = time.time) -> None:
        if config.algorithm not in ALGORITHMS:
            raise ValueError(f"{config.algorithm} is not accepted by NetSuite; one of {', '.join(sorted(ALGORITHMS))}")
        self._config = config
        self._http = http
        self._clock = clock
        self._key = load_key(config.private_key, config.algorithm)  # once: a large key takes a while to parse
        self._lock = threading.Lock()
        self._header = ""
        self._renew_at = 0.0

    def authorise(self, method: str, url: str) -> str:
        """The bearer header, from a token that is still good for a while."""
        with self._lock:
            if self._clock() >= self._renew_at:
                self._fetch()
            return self._header

    def renew(self, refused: str) -> bool:
        """Ask for a new token, unless another thread already did."""
        with self._lock:
            if self._header == refused:
                self._fetch()
            return True

    def assertion(self) -> str:
        """The signed request for a token."""
        now = int(self._clock())
        claims = {
            "iss": self._config.client_id,
            "scope": "rest_webservices",
            "aud": self._config.token_audience,
            "iat": now,
            "exp": now + ASSERTION_LIFE_S,
        }
        header = {"typ": "JWT", "alg": self._config.algorithm, "kid": self._config.certificate_id}
        return jwt.encode(header, claims, self._key, algorithms=[self._config.algorithm])

    def _fetch(self) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(),
        }
        answer = self._http.call(
            "POST",
            GRANT_PATH,
            writes=False,
            content=urlencode(form).encode(),
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
        if not isinstance(answer, Answered):
            raise StoppedError(answer)
        self._header, life_s = _read_token(answer)
        self._renew_at = self._clock() + life_s - min(120.0, life_s / 10)


def _read_token(answer: Answered) -> tuple[str, float]:
    if answer.status != 200:
        outcome = outcome_of(classify(answer.status, answer.headers, answer.body), writes=False)
        if 400 <= answer.status < 500 and answer.status != 429:
            told = "NetSuite gives us no access token: look at the certificate and its mapping."
            outcome = LockedOut(message=told, detail=outcome.detail, code=outcome.code)
        raise StoppedError(outcome)
    try:
        body = read_object(answer.body)
        return f"Bearer {body.need('access_token')}", float(body.whole("expires_in") or TOKEN_LIFE_S)
    except UnreadableError as error:
        raise StoppedError(Busy(message="NetSuite's token answer cannot be read.", detail=str(error))) from error


def load_key(text_or_path: str, algorithm: str) -> RSAKey | ECKey:
    """The private key, from PEM text or the path of a PEM file."""
    pem = text_or_path if "-----BEGIN" in text_or_path else Path(text_or_path).read_text(encoding="utf-8")
    return ECKey.import_key(pem) if algorithm.startswith("ES") else RSAKey.import_key(pem)


class Tokens:
    """TBA: every request is signed by itself with HMAC-SHA256 (sheet §2.2)."""

    def __init__(self, config: NetSuiteConfig) -> None:
        self._config = config

    def authorise(self, method: str, url: str) -> str:
        """The OAuth 1.0 header; the query string is part of what is signed, the JSON body is not."""
        signer = Signer(
            self._config.consumer_key,
            client_secret=self._config.consumer_secret,
            resource_owner_key=self._config.token_id,
            resource_owner_secret=self._config.token_secret,
            signature_method=SIGNATURE_HMAC_SHA256,
            realm=self._config.account,
        )
        _, headers, _ = signer.sign(url, http_method=method)
        return str(headers["Authorization"])

    def renew(self, refused: str) -> bool:
        """There is nothing to renew."""
        return False


def login(config: NetSuiteConfig, http: Http) -> Login:
    """The login the configuration asks for. Raises ValueError with a sentence for an unknown one."""
    if config.auth == "oauth2":
        return Certificate(config, http)
    if config.auth == "tba":
        return Tokens(config)
    raise ValueError(f"auth is {config.auth!r}; it must be oauth2 or tba")
