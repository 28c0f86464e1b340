"""Refusals in NetSuite's own shape (NetSuite sheet §8): one exception, and the few sentences used everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from counterfoil.simkit.http import Response, json_response

USER_ERROR = "USER_ERROR"
INVALID_CONTENT = "INVALID_CONTENT"
_PREFIX = "Error while accessing a resource."
_RFC = "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html#sec10"
# The sheet warns never to match on these: a 429 is titled "Bad Request" on the real system.
_TITLES = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed"}
_SECTIONS = {400: "4.1", 401: "4.2", 403: "4.4", 404: "4.5", 405: "4.6", 500: "5.1"}


@dataclass(frozen=True, slots=True)
class Detail:
    """One entry of `o:errorDetails`."""

    text: str
    code: str
    path: str | None = None
    header: str | None = None
    query: str | None = None

    def rendered(self) -> dict[str, str]:
        """The entry with the optional locators that are known."""
        located = {"o:errorPath": self.path, "o:errorHeader": self.header, "o:errorQueryParam": self.query}
        return {
            "detail": self.text,
            "o:errorCode": self.code,
            **{name: value for name, value in located.items() if value is not None},
        }


@dataclass(slots=True)
class Refusal(Exception):
    """A request that is answered with an error; nothing was changed."""

    status: int
    details: tuple[Detail, ...]
    title: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """The answer as NetSuite sends it (NetSuite sheet §8)."""
        default = "Internal Server Error" if self.status >= 500 else "Bad Request"
        body = {
            "type": _RFC + "." + _SECTIONS.get(self.status, "4.1"),
            "title": self.title or _TITLES.get(self.status, default),
            "status": self.status,
            "o:errorDetails": [detail.rendered() for detail in self.details],
        }
        kind = "application/vnd.oracle.resource+json; type=error; charset=UTF-8"
        return json_response(body, self.status, {"content-type": kind, **self.headers})


def refusal(status: int, text: str, code: str, **where: str) -> Refusal:
    """A refusal with one detail; `where` is path, header or query."""
    return Refusal(status, (Detail(text, code, **where),))


def user_error(text: str) -> Refusal:
    """A business refusal: the code is always USER_ERROR and the cause is only in the sentence (sheet §8)."""
    return refusal(400, f"{_PREFIX} {text}", USER_ERROR)


def needs_value(*labels: str) -> Refusal:
    """A required field is empty (sheet §8, USER_ERROR)."""
    return user_error(f"Please enter value(s) for: {', '.join(labels)}")


def bad_value(value: object, name: str, path: str) -> Detail:
    """A value that the field cannot take (sheet §8, INVALID_CONTENT with a path)."""
    text = "Error while accessing resource: You have entered an Invalid Field Value"
    return Detail(f"{text} {value} for the following field: {name}", INVALID_CONTENT, path=path)


def not_found() -> Refusal:
    """No such record, as seen on lists and entities (sheet §8)."""
    text = "The record instance does not exist. Provide a valid record instance ID."
    return refusal(404, text, "NONEXISTENT_ID")


def wrong_transaction_type() -> Refusal:
    """No such transaction, as seen on a live account (sheet §8 and §16.8)."""
    return user_error("Transaction type specified is incorrect.")


def no_permission(what: str) -> Refusal:
    """The role may not do this (sheet §8)."""
    text = f"Permission Violation: You need the '{what}' permission to access this page."
    return refusal(403, text, "INSUFFICIENT_PERMISSION")


def bad_login(reason: str = "") -> Refusal:
    """A request nobody signed, or signed wrongly (sheet §8). The reason is for the audit trail, not for the caller."""
    text = "Invalid login attempt. For more details, see the Login Audit Trail in the NetSuite UI."
    answer = refusal(401, text, "INVALID_LOGIN")
    answer.headers = {"www-authenticate": "Bearer"}
    answer.add_note(reason)
    return answer


def too_many_requests() -> Refusal:
    """The account's concurrency limit is used up (sheet §8: no Retry-After header, title "Bad Request")."""
    text = "Concurrent request limit exceeded. Request blocked."
    return refusal(429, text, "CONCURRENCY_LIMIT_EXCEEDED")


def over_frequency() -> Refusal:
    """The limit of requests in a time window is used up (sheet §8: 429 with USER_ERROR)."""
    return refusal(429, "Request limit for the time window exceeded. Try again later.", USER_ERROR)


def unexpected() -> Refusal:
    """An internal failure of the vendor (sheet §8)."""
    return refusal(500, "An unexpected error occurred. Error ID: simulated", "UNEXPECTED_ERROR")


def maintenance_page() -> Response:
    """What a gateway in front of the account says: HTML, not JSON (sheet §8)."""
    page = b"<html><head><title>Service Unavailable</title></head><body>Service Unavailable</body></html>"
    return Response(503, page, {"content-type": "text/html; charset=utf-8"})
