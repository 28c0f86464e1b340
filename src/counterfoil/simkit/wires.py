"""HTTP clients of simulators: over sockets, or through whatever carries messages in a simulation without sockets."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2

IDLE_S = 2.0  # servers hang up after five idle seconds; a request sent at that moment would be lost
_carrier: httpx2.AsyncBaseTransport | None = None


@contextmanager
def carried_by(transport: httpx2.AsyncBaseTransport) -> Iterator[None]:
    """Clients opened inside send their requests through this."""
    global _carrier
    before, _carrier = _carrier, transport
    try:
        yield
    finally:
        _carrier = before


def open_client(timeout_s: float, trust: ssl.SSLContext | None = None) -> httpx2.AsyncClient:
    """A client that reads no proxies from the environment; `trust` is made once where many are opened."""
    return httpx2.AsyncClient(
        timeout=timeout_s,
        trust_env=False,
        verify=trust if trust is not None else True,
        transport=_carrier,
        limits=httpx2.Limits(keepalive_expiry=IDLE_S),
    )
