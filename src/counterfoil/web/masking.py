"""Personal data covered before a delivery is shown: by the names of fields, and by what looks like an address of a person.

The bytes themselves stay encrypted and whole; only what the page shows is covered.
"""

from __future__ import annotations

import json
import re
from typing import Any

COVER = "•••"
SHOWN_MAX = 60_000

_PERSONAL = re.compile(
    r"(?:^|_)(?:e_?mail|phone|mobile|first_?name|last_?name|full_?name|customer_?name|name_?on|address\d?|street|city|zip|"
    r"post_?code|postal_?code|province|company|latitude|longitude|ip|birth\w*|iban|card\w*|account_?holder)(?:_|$)",
    re.IGNORECASE,
)
_PEOPLE = re.compile(
    r"^(?:customer|shipping_?address|billing_?address|recipient|sender|shopper|contact)$", re.IGNORECASE
)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_SECRET = re.compile(r"sign|hmac|secret|token|auth|cookie|key", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ELEMENT = re.compile(r"<(?P<name>[\w:.-]+)(?P<rest>[^>]*)>(?P<text>[^<]+)</")


def masked_body(body: bytes) -> str:
    """A delivery's body for a page: JSON laid out, personal fields covered; anything else as text."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return f"{len(body)} bytes that are not UTF-8 text."
    try:
        shown = json.dumps(covered(json.loads(text, parse_float=str, parse_int=str)), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        shown = _MAIL.sub(COVER, _ELEMENT.sub(_element, text))
    return shown if len(shown) <= SHOWN_MAX else f"{shown[:SHOWN_MAX]}\n… and {len(shown) - SHOWN_MAX:,} signs more"


def masked_headers(headers: dict[str, str]) -> dict[str, str]:
    """Headers for a page; what proves or opens something is covered."""
    return {name: COVER if _SECRET.search(name) else _MAIL.sub(COVER, value) for name, value in headers.items()}


def covered(value: Any, *, inside_person: bool = False) -> Any:
    """The same value with personal fields covered; within a person every text is."""
    if isinstance(value, dict):
        return {
            name: COVER
            if _is_personal(str(name)) and not isinstance(part, dict | list)
            else covered(part, inside_person=inside_person or bool(_PEOPLE.match(_snake(str(name)))))
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [covered(part, inside_person=inside_person) for part in value]
    if isinstance(value, str):
        return COVER if inside_person else _MAIL.sub(COVER, value)
    return value


def _element(found: re.Match[str]) -> str:
    text = COVER if _is_personal(found["name"].rpartition(":")[2]) else found["text"]
    return f"<{found['name']}{found['rest']}>{text}</"


def _is_personal(name: str) -> bool:
    return bool(_PERSONAL.search(_snake(name)))


def _snake(name: str) -> str:
    return _CAMEL.sub("_", name)
