"""The bytes the simulated shop puts on the wire, their signature, and its way of writing times."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from datetime import datetime
from decimal import Decimal
from typing import Any


def encode(value: Any) -> bytes:
    """Compact UTF-8 JSON. A Decimal becomes a JSON number written digit for digit, without a binary float between."""
    return _text(value).encode()


def _text(value: Any) -> str:
    match value:
        case Decimal():
            return _number(value)
        case dict():
            return "{" + ",".join(f"{json.dumps(str(k))}:{_text(v)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return "[" + ",".join(_text(v) for v in value) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _number(value: Decimal) -> str:
    """As Ruby prints such a number: 195.66, 20.0 (never an exponent)."""
    text = f"{value:f}"
    if "." not in text:
        return text + ".0"
    text = text.rstrip("0")
    return text + "0" if text.endswith(".") else text


def sign(secret: str, body: bytes) -> str:
    """The value of X-Shopify-Hmac-SHA256 (shop sheet §2)."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def stamp(moment: datetime) -> str:
    """RFC 3339 with a numeric offset, whole seconds."""
    return moment.replace(microsecond=0).isoformat()


def moment_of(text: str) -> datetime:
    """The moment an RFC 3339 text names. Raises ValueError."""
    # a plus sign written bare in a query arrives as a space
    moment = datetime.fromisoformat(re.sub(r"(?<=[T:.\d]) (?=\d\d:\d\d$)", "+", text.strip()))
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset")
    return moment


def gid(kind: str, number: Any) -> str:
    """A global id as GraphQL uses it."""
    return f"gid://shopify/{kind}/{number}"
