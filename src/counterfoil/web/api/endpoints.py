"""What an endpoint is, and how a call becomes an answer.

A write runs in one transaction with the answer kept for its idempotency key: whoever repeats a call whose answer was
lost gets that answer, and nothing is done twice, wherever the process stopped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt

from counterfoil.adapterkit.parse import UnreadableError, read_json
from counterfoil.ports.actions import ActionError
from counterfoil.store import access as stored
from counterfoil.store.database import Row
from counterfoil.web.access import PERMISSIONS, PUBLIC, SIGNED_IN, may, who_may
from counterfoil.web.filters import FilterError
from counterfoil.web.refusals import Refusal, body
from counterfoil.web.system import current

BODY_MAX = 1_000_000
KEY_MAX = 200
ROWS_MAX = 500
ROWS_USUAL = 50


@dataclass(frozen=True, slots=True)
class Call:
    """One call, its parts read and checked."""

    request: HttpRequest
    query: dict[str, str]
    parts: dict[str, Any]
    body: Any = None

    @property
    def who(self) -> str:
        """The user name that goes into the log."""
        return str(self.request.user.get_username())

    @property
    def rows(self) -> int:
        """How many rows the caller wants. Raises Refusal."""
        text = self.query.get("rows", str(ROWS_USUAL))
        if not text.isdigit() or not 1 <= int(text[:9]) <= ROWS_MAX:
            raise Refusal(422, "bad-query", f"“rows” is a number from 1 to {ROWS_MAX}.")
        return int(text)

    def allow(self, permission: str, about: Row) -> None:
        """Ask for a permission about one thing, after the gate asked for the endpoint. Raises Refusal."""
        if not may(self.request, permission, about):
            raise Refusal(403, "not-allowed", f"Only {who_may(permission)} may do this.")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address and method. `query` is each parameter's name and meaning; `body` and `answer` are types."""

    method: str
    path: str
    name: str
    permission: str
    summary: str
    work: Callable[[Call], Any]
    answer: Any
    body: Any = None
    query: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.permission in PERMISSIONS or self.permission in (PUBLIC, SIGNED_IN), self.permission
        assert (self.method == "POST") == (self.body is not None), self.name

    def route(self) -> URLPattern:
        """Its address for Django, under the name `api_…`."""
        return path(self.path, view_of(self), name=f"api_{self.name}")


def view_of(endpoint: Endpoint) -> Callable[..., HttpResponse]:
    """The view of an endpoint; the gate reads what it declares. Only tokens open it, so no cookie can be abused."""

    def view(request: HttpRequest, **parts: Any) -> HttpResponse:
        try:
            if request.method != endpoint.method:
                raise Refusal(405, "wrong-method", f"Use {endpoint.method} here.", Allow=endpoint.method)
            return _read(endpoint, request, parts) if endpoint.method == "GET" else _once(endpoint, request, parts)
        except Refusal as refusal:
            return refusal.answer()
        except FilterError as error:
            return Refusal(422, "bad-query", str(error)).answer()
        except ActionError as error:
            return Refusal(409, "not-possible", str(error)).answer()

    view.permission = endpoint.permission  # type: ignore[attr-defined]
    view.by_token = True  # type: ignore[attr-defined]
    return csrf_exempt(view)


def _read(endpoint: Endpoint, request: HttpRequest, parts: dict[str, Any]) -> HttpResponse:
    query = request.GET.dict()
    unknown = sorted(set(query) - set(endpoint.query))
    if unknown:
        known = ", ".join(sorted(endpoint.query)) or "none"
        raise Refusal(422, "bad-query", f"There is no parameter “{unknown[0]}” here; known: {known}.")
    return answered(200, encoded(endpoint.work(Call(request, query, parts))))


def _once(endpoint: Endpoint, request: HttpRequest, parts: dict[str, Any]) -> HttpResponse:
    """Carry out a write, or give the answer it got before."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key or len(key) > KEY_MAX or not key.isprintable():
        text = f"Send an Idempotency-Key of 1 to {KEY_MAX} signs, new for each thing you want done."
        raise Refusal(400, "key-missing", text)
    given = _body(request)
    call = Call(request, {}, parts, _typed(endpoint, given))
    fingerprint = hashlib.sha256(f"{request.method}\0{request.get_full_path()}\0".encode() + given).hexdigest()
    owner = int(request.user.pk or 0)
    with current().database.whole() as tx:
        earlier = stored.claim(tx, owner, key, fingerprint)
        if earlier is not None:
            return _again(earlier, fingerprint)
        status, text = _carried_out(endpoint, call)
        stored.keep_answer(tx, owner, key, status, text)
    return answered(status, text)


def _carried_out(endpoint: Endpoint, call: Call) -> tuple[int, str]:
    """What was done, or why it could not be: both are kept. A refusal of the call itself leaves the key free."""
    try:
        with current().database.write():
            return 200, encoded(endpoint.work(call))
    except ActionError as error:
        return 409, body(409, "not-possible", str(error))


def _again(earlier: Row, fingerprint: str) -> HttpResponse:
    if earlier["fingerprint"] != fingerprint:
        raise Refusal(409, "key-reused", "This Idempotency-Key was used for another call; choose a new one.")
    answer = answered(earlier["status"], earlier["body"])
    answer["Idempotent-Replayed"] = "true"
    return answer


def _body(request: HttpRequest) -> bytes:
    if request.content_type != "application/json":
        raise Refusal(415, "not-json", "Send the body as application/json.")
    length = request.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > BODY_MAX:
        raise Refusal(413, "too-large", f"A body has at most {BODY_MAX:,} bytes.")
    given = bytes(request.body)
    if len(given) > BODY_MAX:
        raise Refusal(413, "too-large", f"A body has at most {BODY_MAX:,} bytes.")
    return given


def _typed(endpoint: Endpoint, given: bytes) -> Any:
    try:
        return msgspec.convert(read_json(given), endpoint.body)
    except (UnreadableError, msgspec.ValidationError) as error:
        raise Refusal(422, "bad-body", f"The body cannot be used: {error}.") from error


def encoded(value: Any) -> str:
    """An answer's text."""
    return msgspec.json.encode(value).decode()


def answered(status: int, text: str) -> HttpResponse:
    """An answer; kept by no cache."""
    kind = "application/json" if status < 400 else "application/problem+json"
    answer = HttpResponse(text, status=status, content_type=kind)
    answer["Cache-Control"] = "no-store"
    return answer
