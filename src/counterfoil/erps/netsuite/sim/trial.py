"""A simulated account on loopback with a signed caller beside it: for tests and first experiments.

The caller signs with oauthlib, the account verifies by hand: the two do not share a line.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, Client

from counterfoil.erps.netsuite.sim.app import NetSuiteSimulator
from counterfoil.erps.netsuite.sim.tba import EXAMPLE
from counterfoil.erps.netsuite.sim.values import loads
from counterfoil.simkit.server import Running

RECORDS = "/services/rest/record/v1"
QUERIES = "/services/rest/query/v1/suiteql"
_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. Header names are lower case; numbers in `json` are Decimal."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return loads(self.body)

    @property
    def made_id(self) -> str:
        """The id of the record the answer points to (NetSuite sheet §3: last segment of Location)."""
        return self.headers["location"].rsplit("/", 1)[1]

    @property
    def error(self) -> tuple[int, str, str]:
        """Status, code and sentence of the first error detail."""
        first = self.json["o:errorDetails"][0]
        return self.status, first["o:errorCode"], first["detail"]


class TrialAccount:
    """Runs a simulator in a thread of its own; use it in a `with` block."""

    def __init__(self, world: Mapping[str, Any] | None = None, seed: int = 0) -> None:
        self.simulator = NetSuiteSimulator(world, seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._running = Running(self.simulator)
        self.root = self._running.base_url
        self.credentials = dict(EXAMPLE)
        self._local = threading.local()

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._running.start(), self._loop).result(_TIMEOUT_S)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._running.stop(), self._loop).result(_TIMEOUT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_TIMEOUT_S)
        self._loop.close()

    def reload(self, world: Mapping[str, Any]) -> None:
        """Start again with another world."""
        self.simulator.world = dict(world)
        self.send("POST", "/__sim/reset")

    def send(self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """One request as it is, on this thread's own connection."""
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self._running.port, timeout=_TIMEOUT_S)
            self._local.connection = connection
        try:
            connection.request(method, target, body or None, dict(headers or {}))
            _acknowledge_at_once(connection)
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        except (http.client.HTTPException, OSError):
            self._local.connection = None
            raise

    def signed(self, method: str, target: str, root: str | None = None) -> str:
        """An OAuth 1 header for a request, over the address called or over another one."""
        client = Client(
            self.credentials["consumer_key"],
            client_secret=self.credentials["consumer_secret"],
            resource_owner_key=self.credentials["token"],
            resource_owner_secret=self.credentials["token_secret"],
            signature_method=SIGNATURE_HMAC_SHA256,
            realm=self.simulator.account.number,
        )
        _, headers, _ = client.sign((root or self.root) + target, http_method=method)
        return str(headers["Authorization"])

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """A signed request to the record service; keyword headers take underscores for hyphens."""
        target = path if path.startswith("/services/") else f"{RECORDS}/{path}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        login = {"Authorization": self.signed(method, target), "Content-Type": "application/json"}
        return self.send(method, target, sent, {**login, **named})

    def query(self, text: str, limit: int = 1000, offset: int = 0) -> Answer:
        """A SuiteQL query."""
        return self.call("POST", f"{QUERIES}?limit={limit}&offset={offset}", {"q": text}, Prefer="transient")

    def state(self) -> Any:
        """What `/__sim/state` shows."""
        return self.send("GET", "/__sim/state").json


def _acknowledge_at_once(connection: http.client.HTTPConnection) -> None:
    """Head and body of an answer come as two packets; a delayed acknowledgement between them costs 40 ms (Linux)."""
    option = getattr(socket, "TCP_QUICKACK", None)
    if option is not None and connection.sock is not None:
        connection.sock.setsockopt(socket.IPPROTO_TCP, option, 1)
