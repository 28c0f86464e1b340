"""HTTP towards vendors: one pooled client a connection, bounded in time and size, with honest outcomes.

A call that surely never left is `Busy`. A write that may have arrived is `Unknown`, and must be looked up before it
is sent again. A read that failed is `Busy`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx2
import msgspec

from counterfoil.ports.outcomes import Busy, Unknown

ANSWER_LIMIT_BYTES = 64 * 1024 * 1024


_carrier: httpx2.BaseTransport | None = None


@contextmanager
def carried_by(transport: httpx2.BaseTransport) -> Iterator[None]:
    """Clients opened inside send their requests through this instead of sockets: how `simulate` stays in one thread."""
    global _carrier
    before, _carrier = _carrier, transport
    try:
        yield
    finally:
        _carrier = before


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor answered. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def retry_after_s(self) -> float | None:
        """The `Retry-After` header in seconds, when it is a number."""
        value = self.headers.get("retry-after", "")
        return float(value) if value.replace(".", "", 1).isdigit() else None


class Http:
    """A blocking client for one base address; safe for several threads."""

    def __init__(self, base_url: str, headers: Mapping[str, str] | None = None, timeout_s: float = 30.0) -> None:
        self.base_url = base_url.rstrip("/")
        self._client = httpx2.Client(
            headers=dict(headers or {}),
            timeout=httpx2.Timeout(timeout_s, connect=min(10.0, timeout_s)),
            follow_redirects=False,
            trust_env=False,
            transport=_carrier,
        )

    def call(
        self,
        method: str,
        path: str,
        *,
        writes: bool,
        json: Any = None,
        content: bytes | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answered | Busy | Unknown:
        """Send one request. `path` is below the base address, or a whole address. `json` is encoded by msgspec.

        msgspec writes Decimal as a string; callers that owe a JSON number build `content` themselves.
        """
        url = path if path.startswith(("http://", "https://")) else self.base_url + path
        sent_headers = dict(headers or {})
        if json is not None:
            content = msgspec.json.encode(json)
            sent_headers.setdefault("content-type", "application/json")
        try:
            answer = self._client.request(method, url, content=content, params=params or None, headers=sent_headers)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            return Busy(message="The system could not be reached.", detail=f"{method} {path}: {_name(error)}")
        except httpx2.HTTPError as error:
            detail = f"{method} {path}: {_name(error)}"
            if writes:
                return Unknown(message="The system did not answer; what was sent may have arrived.", detail=detail)
            return Busy(message="The system did not answer.", detail=detail)
        if len(answer.content) > ANSWER_LIMIT_BYTES:
            return Unknown(message="The system's answer was too large to read.", detail=f"{method} {path}")
        names = {name.lower(): value for name, value in answer.headers.items()}
        return Answered(status=answer.status_code, headers=names, body=answer.content)

    def close(self) -> None:
        """Release the pool."""
        self._client.close()


def _name(error: Exception) -> str:
    return type(error).__name__
