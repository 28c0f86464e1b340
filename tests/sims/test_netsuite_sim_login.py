"""The simulated NetSuite's two logins: OAuth 2.0 with a signed assertion, and OAuth 1.0a (NetSuite sheet §2)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from counterfoil.erps.netsuite.sim.example import EXAMPLE_WORLD
from counterfoil.erps.netsuite.sim.trial import RECORDS, Answer, TrialAccount

TOKEN = "/services/rest/auth/oauth2/v1/token"
AUDIENCE = f"https://1234567-sb1.suitetalk.api.netsuite.com{TOKEN}"
ORDER = f"{RECORDS}/salesOrder/3001"
EC_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 3072)
SHORT_RSA_KEY = rsa.generate_private_key(65537, 2048)
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def public_pem(key: PrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def certificate(key: PrivateKey, days: int) -> str:
    """A self-signed certificate that ends `days` from now."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "example")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - timedelta(days=90))
    signed = builder.not_valid_after(now + timedelta(days=days)).sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


OAUTH2: dict[str, Any] = {
    "clients": [
        {"client_id": "client-a", "kid": "ec", "public_key": public_pem(EC_KEY)},
        {"client_id": "client-a", "certificate_id": "rsa", "public_key": public_pem(RSA_KEY)},
        {"client_id": "client-a", "kid": "short", "public_key": public_pem(SHORT_RSA_KEY)},
        {"client_id": "client-a", "kid": "current", "certificate": certificate(EC_KEY, 30)},
        {"client_id": "client-a", "kid": "expired", "certificate": certificate(EC_KEY, -1)},
    ]
}
TBA = {"consumer_key": "ck", "consumer_secret": "cs&%", "token": "tk", "token_secret": "ts"}
WORLD: dict[str, Any] = {**EXAMPLE_WORLD, "oauth2": OAUTH2, "tba": TBA}


@pytest.fixture(scope="module")
def running() -> Iterator[TrialAccount]:
    with TrialAccount(WORLD) as account:
        account.credentials = dict(TBA)
        yield account


@pytest.fixture
def account(running: TrialAccount) -> TrialAccount:
    running.reload(WORLD)
    return running


def with_preferences(**preferences: Any) -> dict[str, Any]:
    return {**WORLD, "preferences": preferences}


def assertion(key: PrivateKey = EC_KEY, alg: str = "ES256", kid: str = "ec", **changes: Any) -> str:
    """A client assertion; `changes` replace claims, a value of None removes one."""
    now = int(time.time())
    claims = {"iss": "client-a", "scope": "rest_webservices", "aud": AUDIENCE, "iat": now, "exp": now + 600, **changes}
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    signer = ECKey.import_key(pem) if isinstance(key, ec.EllipticCurvePrivateKey) else RSAKey.import_key(pem)
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": alg, "typ": "JWT", "kid": kid}, kept, signer, algorithms=[alg])


def ask(account: TrialAccount, token: str, **changes: str) -> Answer:
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    form = {"grant_type": "client_credentials", "client_assertion_type": kind, "client_assertion": token, **changes}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return account.send("POST", TOKEN, urlencode(form).encode(), headers)


def read_order(account: TrialAccount, authorization: str) -> Answer:
    return account.send("GET", ORDER, headers={"Authorization": authorization})


def bearer(account: TrialAccount) -> str:
    return f"Bearer {ask(account, assertion()).json['access_token']}"


# --- OAuth 2.0 ---


@pytest.mark.parametrize(
    ("key", "alg", "kid"),
    [(EC_KEY, "ES256", "ec"), (RSA_KEY, "PS256", "rsa"), (RSA_KEY, "PS512", "rsa"), (EC_KEY, "ES256", "current")],
)
def test_a_signed_assertion_buys_a_token_that_opens_the_account(
    account: TrialAccount, key: PrivateKey, alg: str, kid: str
) -> None:
    answer = ask(account, assertion(key, alg, kid))
    assert answer.status == 200
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("bearer", 3600)
    assert read_order(account, f"Bearer {answer.json['access_token']}").status == 200


def test_scopes_may_come_as_a_list(account: TrialAccount) -> None:
    assert ask(account, assertion(scope=["rest_webservices", "restlets"])).status == 200


def test_rs256_is_refused_although_the_signature_is_right(account: TrialAccount) -> None:
    answer = ask(account, assertion(RSA_KEY, "RS256", "rsa"))
    assert (answer.status, answer.json["error"]) == (401, "invalid_client")


def test_a_2048_bit_rsa_key_is_refused(account: TrialAccount) -> None:
    assert ask(account, assertion(SHORT_RSA_KEY, "PS256", "short")).json["error"] == "invalid_client"


def test_an_expired_certificate_is_refused(account: TrialAccount) -> None:
    assert ask(account, assertion(kid="expired")).json["error"] == "invalid_client"


@pytest.mark.parametrize("kid", ["unknown", "rsa"])
def test_an_unknown_or_mistaken_certificate_id_is_refused(account: TrialAccount, kid: str) -> None:
    assert ask(account, assertion(kid=kid)).json["error"] == "invalid_client"


def test_an_assertion_of_another_client_is_refused(account: TrialAccount) -> None:
    answer = ask(account, assertion(iss="client-b"))
    assert (answer.status, answer.json["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("seconds", [3600, 7200])
def test_an_assertion_must_live_less_than_sixty_minutes(account: TrialAccount, seconds: int) -> None:
    answer = ask(account, assertion(exp=int(time.time()) + seconds))
    assert (answer.status, answer.json["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "changes", [{"exp": 1_000_000_000, "iat": 999_999_000}, {"iat": None}, {"aud": "https://x.test"}]
)
def test_an_old_undated_or_misaddressed_assertion_is_refused(account: TrialAccount, changes: dict[str, Any]) -> None:
    answer = ask(account, assertion(**changes))
    assert (answer.status, answer.json["error"]) == (400, "invalid_grant")


def test_the_simulators_own_address_is_no_audience_unless_the_world_says_so(account: TrialAccount) -> None:
    own = f"{account.root}{TOKEN}"
    assert ask(account, assertion(aud=own)).json["error"] == "invalid_grant"
    account.reload({**WORLD, "oauth2": {**OAUTH2, "audience": "simulator"}})
    assert ask(account, assertion(aud=own)).status == 200


def test_an_unknown_scope_is_refused(account: TrialAccount) -> None:
    answer = ask(account, assertion(scope="everything"))
    assert (answer.status, answer.json["error"]) == (400, "invalid_scope")


def test_another_grant_type_is_refused(account: TrialAccount) -> None:
    assert ask(account, assertion(), grant_type="password").json["error"] == "unsupported_grant_type"


def test_a_request_without_an_assertion_is_refused(account: TrialAccount) -> None:
    assert ask(account, "", client_assertion_type="x").json["error"] == "invalid_request"


def test_a_token_for_another_service_does_not_open_the_records(account: TrialAccount) -> None:
    token = ask(account, assertion(scope="restlets")).json["access_token"]
    assert read_order(account, f"Bearer {token}").error[:2] == (401, "INVALID_LOGIN")


def test_a_token_expires(account: TrialAccount) -> None:
    account.reload({**WORLD, "token_lifetime_s": 0.05})
    header = bearer(account)
    assert read_order(account, header).status == 200
    time.sleep(0.06)
    assert read_order(account, header).error[:2] == (401, "INVALID_LOGIN")


def test_tokens_can_be_ended_by_hand(account: TrialAccount) -> None:
    header = bearer(account)
    account.send("POST", "/__sim/tokens/expire")
    assert read_order(account, header).status == 401


def test_expires_in_may_be_a_string(account: TrialAccount) -> None:
    account.reload(with_preferences(expires_in_as_string=True))
    assert ask(account, assertion()).json["expires_in"] == "3600"


def test_a_replayed_assertion_is_accepted_unless_the_switch_says_otherwise(account: TrialAccount) -> None:
    used = assertion()
    assert [ask(account, used).status for _ in range(2)] == [200, 200]
    account.reload(with_preferences(refuse_replayed_assertions=True))
    assert [ask(account, used).status for _ in range(2)] == [200, 400]


def test_one_client_alone_may_stand_in_the_world_without_a_list(account: TrialAccount) -> None:
    account.reload({**WORLD, "oauth2": {"client_id": "client-a", "kid": "ec", "public_key": public_pem(EC_KEY)}})
    assert ask(account, assertion()).status == 200


# --- OAuth 1.0a ---


def test_a_signature_over_the_address_called_opens_the_account(account: TrialAccount) -> None:
    assert account.call("GET", "salesOrder/3001").status == 200


def test_a_signature_over_the_accounts_real_address_is_accepted_too(account: TrialAccount) -> None:
    real = "https://1234567-sb1.suitetalk.api.netsuite.com"
    assert read_order(account, account.signed("GET", ORDER, real)).status == 200
    assert read_order(account, account.signed("GET", ORDER, "https://other.test")).status == 401


def test_query_parameters_are_part_of_the_signature(account: TrialAccount) -> None:
    target = f"{ORDER}?expandSubResources=true&fields=a%20b%26c"
    header = account.signed("GET", target)
    assert account.send("GET", target, headers={"Authorization": header}).status == 200
    header = account.signed("GET", target)
    changed = target.replace("true", "false")
    assert account.send("GET", changed, headers={"Authorization": header}).status == 401


def test_any_oauth_parameter_in_the_header_is_part_of_the_signature(account: TrialAccount) -> None:
    header = account.signed("GET", ORDER)
    assert read_order(account, header + ', oauth_body_hash="abc"').status == 401


def test_a_nonce_works_once(account: TrialAccount) -> None:
    header = account.signed("GET", ORDER)
    assert [read_order(account, header).status for _ in range(2)] == [200, 401]


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("HMAC-SHA256", "HMAC-SHA1"),
        ("1234567_SB1", "1234567-sb1"),
        ('oauth_consumer_key="ck"', 'oauth_consumer_key="x"'),
        ('oauth_token="tk"', 'oauth_token="x"'),
        ('oauth_signature="', 'oauth_signature="x'),
    ],
)
def test_a_header_with_another_part_is_refused(account: TrialAccount, part: str, other: str) -> None:
    header = account.signed("GET", ORDER)
    assert part in header
    assert read_order(account, header.replace(part, other)).error[:2] == (401, "INVALID_LOGIN")


def test_a_timestamp_outside_the_window_is_refused(account: TrialAccount) -> None:
    account.reload(with_preferences(tba_window_s=-1))
    assert account.call("GET", "salesOrder/3001").status == 401


@pytest.mark.parametrize("header", ["", "Basic abc", "Bearer nonsense", "OAuth nonsense"])
def test_a_request_nobody_signed_is_refused(account: TrialAccount, header: str) -> None:
    answer = account.send("GET", ORDER, headers={"Authorization": header} if header else {})
    status, code, detail = answer.error
    assert (status, code) == (401, "INVALID_LOGIN")
    assert detail.startswith("Invalid login attempt.")


def test_the_probe_with_a_good_login_answers_204_and_without_one_401(account: TrialAccount) -> None:
    assert account.call("OPTIONS", "/services/rest/record/v1/salesOrder").status == 204
    assert account.send("OPTIONS", "/services/rest/record/v1/salesOrder").status == 401
