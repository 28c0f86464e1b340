r"""JSON as PHP writes it, and the signature over it (Loop sheet §3.1).

One line, slashes escaped, everything outside ASCII as lower-case `\uXXXX`. A Decimal becomes a JSON number with the
digits it has: older Loop payloads carry some amounts as numbers.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from decimal import Decimal
from typing import Any


def encode(value: Any) -> bytes:
    """The bytes PHP's default encoder would make of this value."""
    return _text(value).encode("ascii")


def _text(value: Any) -> str:
    match value:
        case Decimal():
            return _number(value)
        case str():
            return json.dumps(value).replace("/", "\\/")
        case dict():
            return "{" + ",".join(f"{_text(str(k))}:{_text(v)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return "[" + ",".join(_text(v) for v in value) + "]"
        case _:
            return json.dumps(value)


def _number(value: Decimal) -> str:
    """As PHP prints a float: no trailing zeros, but at least one digit after the point."""
    text = f"{value:f}"
    whole, _, digits = text.partition(".")
    return f"{whole}.{digits.rstrip('0') or '0'}"


def sign(secret: str, body: bytes) -> str:
    """The value of X-Loop-Signature."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode("ascii")


def reflow(body: bytes) -> bytes:
    """The same JSON as a careless proxy passes it on: broken into lines, slashes no longer escaped."""
    return body.replace(b',"', b',\n"').replace(b"\\/", b"/")
