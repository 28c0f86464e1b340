"""OAuth 2.0 client credentials with a signed assertion: the token endpoint and bearer tokens (NetSuite sheet §2.1).

The error bodies of the real endpoint are unknown; these follow RFC 6749 §5.2.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from counterfoil.erps.netsuite.sim.account import Account
from counterfoil.erps.netsuite.sim.values import loads
from counterfoil.simkit.http import Request, Response, json_response

TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"
_RSA_ALGORITHMS = frozenset({"PS256", "PS384", "PS512"})
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SCOPES = frozenset({"rest_webservices", "restlets", "suite_analytics"})
_ASSERTION_LIFETIME_S = 3600  # exp must be less than 60 minutes after iat
Key = RSAKey | ECKey


class TokenRefused(Exception):
    """The token endpoint says no: the RFC 6749 error code, and a description for a person."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description

    def response(self) -> Response:
        """400, and 401 for a client that cannot be identified."""
        body = {"error": self.error, "error_description": self.description}
        return json_response(body, 401 if self.error == "invalid_client" else 400, {"cache-control": "no-store"})


@dataclass(frozen=True, slots=True)
class Client:
    """One certificate mapping: integration, certificate id, key, and the algorithms the key can sign."""

    client_id: str
    key_id: str
    key: Key
    algorithms: frozenset[str]
    not_after: datetime | None = None


class TokenService:
    """Issues bearer tokens for the certificate mappings of the account and checks them on every call."""

    def __init__(self, account: Account, settings: Any) -> None:
        self._account = account
        self._clients = [_client(entry, account.preferences.minimum_rsa_bits) for entry in _entries(settings)]
        given = settings.get("audience") if isinstance(settings, Mapping) else None
        self._audiences = {str(a) for a in (given if isinstance(given, list) else [given]) if a}
        self._tokens: dict[str, float] = {}
        self._seen: set[str] = set()

    def issue(self, request: Request, base_url: str) -> Response:
        """Answer a token request."""
        try:
            scopes = self._verified(dict(parse_qsl(request.body.decode("utf-8", "replace"))), base_url)
        except TokenRefused as refused:
            return refused.response()
        lifetime = self._account.preferences.token_lifetime_s
        token = secrets.token_urlsafe(32)
        if "rest_webservices" in scopes:
            self._tokens[token] = time.monotonic() + lifetime
        expires: int | str = int(lifetime)
        if self._account.preferences.expires_in_as_string:
            expires = str(expires)
        body = {"access_token": token, "expires_in": expires, "token_type": "bearer"}
        return json_response(body, 200, {"cache-control": "no-store"})

    def accepts(self, token: str) -> bool:
        """Whether a bearer token is ours, for REST web services, and not expired."""
        return self._tokens.get(token, 0.0) > time.monotonic()

    def expire_all(self) -> None:
        """Forget every token, as after a revocation."""
        self._tokens.clear()

    def _verified(self, form: Mapping[str, str], base_url: str) -> list[str]:
        if form.get("grant_type") != "client_credentials":
            raise TokenRefused("unsupported_grant_type", "grant_type must be client_credentials")
        if form.get("client_assertion_type") != _ASSERTION_TYPE or not form.get("client_assertion"):
            raise TokenRefused("invalid_request", "a client_assertion of type jwt-bearer is required")
        assertion = form["client_assertion"]
        claims = self._claims(assertion)
        self._check_times(claims)
        self._check_audience(claims.get("aud"), base_url)
        self._check_replay(assertion)
        return _scopes(claims.get("scope"))

    def _claims(self, assertion: str) -> dict[str, Any]:
        """Signature, algorithm, certificate and issuer. Raises TokenRefused (invalid_client)."""
        try:
            header = jws.extract_compact(assertion.encode()).headers()
        except (JoseError, ValueError) as error:
            raise TokenRefused("invalid_request", "the client_assertion is not a JWT") from error
        client = next((c for c in self._clients if c.key_id == header.get("kid")), None)
        if client is None:
            raise TokenRefused("invalid_client", "unknown certificate (kid)")
        if header.get("alg") not in client.algorithms or str(header.get("typ", "JWT")).upper() != "JWT":
            raise TokenRefused("invalid_client", "alg must be PS256, PS384, PS512, ES256, ES384 or ES512")
        if client.not_after is not None and client.not_after < datetime.now(UTC):
            raise TokenRefused("invalid_client", "the certificate is expired")
        try:
            claims = loads(jws.deserialize_compact(assertion, client.key, [str(header["alg"])]).payload)
        except (JoseError, ValueError) as error:
            raise TokenRefused("invalid_client", "the signature does not verify") from error
        if not isinstance(claims, dict) or claims.get("iss") != client.client_id:
            raise TokenRefused("invalid_client", "iss is not the client of this certificate")
        return claims

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        issued, expires = claims.get("iat"), claims.get("exp")
        if not _is_number(issued) or not _is_number(expires):
            raise TokenRefused("invalid_grant", "iat and exp are required")
        assert issued is not None
        assert expires is not None
        now, skew = time.time(), self._account.preferences.clock_skew_s
        if issued > now + skew or expires <= now - skew:
            raise TokenRefused("invalid_grant", "the assertion is not valid now")
        if not 0 < expires - issued < _ASSERTION_LIFETIME_S:
            raise TokenRefused("invalid_grant", "exp must be less than 60 minutes after iat")

    def _check_audience(self, given: Any, base_url: str) -> None:
        """The account's real token URL; the world may name others, and `"simulator"` stands for our own."""
        own = f"{base_url}{TOKEN_PATH}"
        allowed = {own if audience == "simulator" else audience for audience in self._audiences}
        allowed = allowed or {f"https://{self._account.host}{TOKEN_PATH}"}
        named = set(given) if isinstance(given, list) else {given}
        if not named & allowed:
            raise TokenRefused("invalid_grant", "aud is not the token URL of this account")

    def _check_replay(self, assertion: str) -> None:
        if self._account.preferences.refuse_replayed_assertions and assertion in self._seen:
            raise TokenRefused("invalid_grant", "the assertion was used before")
        self._seen.add(assertion)


def _is_number(value: Any) -> bool:
    return not isinstance(value, (bool, str)) and value is not None and hasattr(value, "__add__")


def _scopes(given: Any) -> list[str]:
    """A string with commas or blanks, or a list (sheet §2.1). Raises TokenRefused for a scope nobody knows."""
    names = given if isinstance(given, list) else str(given or "").replace(",", " ").split()
    if not names or any(name not in _SCOPES for name in names):
        raise TokenRefused("invalid_scope", f"scope must be among {', '.join(sorted(_SCOPES))}")
    return [str(name) for name in names]


def _entries(settings: Any) -> list[Mapping[str, Any]]:
    """The mappings of the world: a list of clients, an object with `clients`, or one client alone."""
    if isinstance(settings, Mapping):
        inner = settings.get("clients", settings if "client_id" in settings or "clientId" in settings else [])
        return _entries(inner) if not isinstance(inner, Mapping) else [inner]
    return [entry for entry in settings or [] if isinstance(entry, Mapping)]


def _first(entry: Mapping[str, Any], *names: str) -> str:
    return next((str(entry[name]) for name in names if entry.get(name)), "")


def _client(entry: Mapping[str, Any], minimum_rsa_bits: int) -> Client:
    """One mapping of the world. Raises ValueError with a sentence when its key cannot be used."""
    client_id = _first(entry, "client_id", "clientId", "iss")
    key_id = _first(entry, "kid", "certificate_id", "certificateId", "key_id")
    pem = _first(entry, "public_key", "publicKey", "certificate", "public_key_pem", "pem", "cert").encode()
    public, not_after = _public_key(pem)
    text = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    if isinstance(public, EllipticCurvePublicKey):
        algorithm = _CURVES.get(public.curve.name)
        if algorithm is None:
            raise ValueError(f"certificate {key_id}: NetSuite takes the curves P-256, P-384 and P-521")
        return Client(client_id, key_id, ECKey.import_key(text), frozenset({algorithm}), not_after)
    usable = _RSA_ALGORITHMS if public.key_size >= minimum_rsa_bits else frozenset()
    return Client(client_id, key_id, RSAKey.import_key(text), usable, not_after)


def _public_key(pem: bytes) -> tuple[RSAPublicKey | EllipticCurvePublicKey, datetime | None]:
    not_after = None
    if b"BEGIN CERTIFICATE" in pem:
        certificate = x509.load_pem_x509_certificate(pem)
        public, not_after = certificate.public_key(), certificate.not_valid_after_utc
    else:
        public = serialization.load_pem_public_key(pem)  # type: ignore[assignment]
    if not isinstance(public, (RSAPublicKey, EllipticCurvePublicKey)):
        raise ValueError("a certificate mapping needs an RSA or elliptic-curve public key in PEM")
    return public, not_after
