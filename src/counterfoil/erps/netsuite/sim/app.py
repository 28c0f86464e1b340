"""The simulator itself: login, traffic limits and routing in front of one account (NetSuite sheet §1, §2, §9)."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, deque
from copy import deepcopy
from typing import Any, ClassVar
from urllib.parse import unquote

from counterfoil.erps.netsuite.sim import rendering
from counterfoil.erps.netsuite.sim.bodies import parse
from counterfoil.erps.netsuite.sim.errors import (
    INVALID_CONTENT,
    Refusal,
    bad_login,
    maintenance_page,
    no_permission,
    over_frequency,
    refusal,
    too_many_requests,
    unexpected,
)
from counterfoil.erps.netsuite.sim.example import EXAMPLE_WORLD
from counterfoil.erps.netsuite.sim.jobs import Jobs
from counterfoil.erps.netsuite.sim.oauth2 import TOKEN_PATH, TokenService
from counterfoil.erps.netsuite.sim.preferences import read_preferences
from counterfoil.erps.netsuite.sim.rendering import View
from counterfoil.erps.netsuite.sim.schema import KINDS
from counterfoil.erps.netsuite.sim.service import RecordService, answer_json, page_of
from counterfoil.erps.netsuite.sim.suiteql import ROW_LIMIT, SuiteQL
from counterfoil.erps.netsuite.sim.tba import EXAMPLE, TokenBasedAuthentication
from counterfoil.erps.netsuite.sim.values import dumps
from counterfoil.erps.netsuite.sim.worldload import load_account
from counterfoil.simkit.http import Request, Response, json_response
from counterfoil.simkit.server import Simulator

_RECORDS = "/services/rest/record/v1"
_QUERIES = "/services/rest/query/v1/suiteql"
_JOBS = "/services/rest/async/v1/job"
_LIMITS = "/services/rest/system/v1/governanceLimits"
_WRITES = frozenset({"POST", "PATCH", "PUT", "DELETE"})


class NetSuiteSimulator(Simulator):
    """A NetSuite account that answers SuiteTalk REST."""

    vendor: ClassVar[str] = "netsuite"

    def load(self, world: dict[str, Any]) -> None:
        """Take this world, or the example when it is empty. Raises ValueError with a sentence when it is unusable."""
        world = world or deepcopy(EXAMPLE_WORLD)
        self.account, self._unknown_preferences = load_account(world)
        nobody = not world.get("tba") and not world.get("oauth2")
        self._tba = TokenBasedAuthentication(self.account, EXAMPLE if nobody else world.get("tba"))
        self._tokens = TokenService(self.account, world.get("oauth2"))
        self._records = RecordService(self.account)
        self._queries = SuiteQL(self.account)
        self._jobs = Jobs(self.account)
        self._counts: Counter[str] = Counter()
        self._in_flight = 0
        self._max_in_flight = 0
        self._recent: deque[float] = deque()

    async def handle(self, request: Request) -> Response:
        """Answer one request as the account would."""
        self._counts[_counted_as(request)] += 1
        if request.path == TOKEN_PATH:
            return self._tokens.issue(request, self.base_url)
        try:
            return await self._admitted(request)
        except Refusal as refused:
            self._counts[f"answered {refused.status}"] += 1
            return refused.response()

    async def _admitted(self, request: Request) -> Response:
        """Log in, take a place among the running requests, wait as the world says, answer."""
        preferences = self.account.preferences
        self._authenticate(request)
        if preferences.force_429 or self._in_flight >= preferences.concurrency_limit:
            raise too_many_requests()
        self._check_frequency()
        self._in_flight += 1
        self._max_in_flight = max(self._max_in_flight, self._in_flight)
        try:
            versions = self._records.versions_at_start(_segments(request.path, _RECORDS))
            if preferences.latency_s > 0:
                await asyncio.sleep(preferences.latency_s)
            return self._answer(request, versions)
        finally:
            self._in_flight -= 1

    def _check_frequency(self) -> None:
        """The limit of requests in a window, when the world sets one (sheet §8)."""
        preferences, now = self.account.preferences, time.monotonic()
        if preferences.frequency_limit <= 0:
            return
        while self._recent and self._recent[0] <= now - preferences.frequency_window_s:
            self._recent.popleft()
        if len(self._recent) >= preferences.frequency_limit:
            raise over_frequency()
        self._recent.append(now)

    # --- login ---

    def _authenticate(self, request: Request) -> None:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            if not self._tokens.accepts(value.strip()):
                raise bad_login("the token is unknown or expired")
        elif scheme.lower() == "oauth":
            self._tba.verify(request, self._roots(request))
        else:
            raise bad_login("no Authorization header")

    def _roots(self, request: Request) -> list[str]:
        """The addresses a signature may be made over: the one called, and the account's real one."""
        called = f"http://{request.headers.get('host', '')}"
        return [called, self.base_url, f"https://{self.account.host}"]

    # --- routing ---

    def _answer(self, request: Request, versions: dict[str, int]) -> Response:
        root = f"http://{request.headers.get('host') or self.base_url.removeprefix('http://')}"
        if " " in unquote(request.path):
            raise refusal(400, "Invalid url. Spaces are not allowed in the URL", INVALID_CONTENT)
        if request.method == "OPTIONS" and request.path.startswith("/services/rest/"):
            return Response(204, b"", {"allow": "GET, POST, PATCH, PUT, DELETE, OPTIONS"})
        if request.path.startswith(_RECORDS):
            return self._record_answer(request, root, versions)
        if request.path == _QUERIES and request.method == "POST":
            return self._query_answer(request, root)
        if request.path.startswith(_JOBS) and request.method == "GET":
            return self._jobs.read(_segments(request.path, _JOBS), root)
        if request.path == _LIMITS and request.method == "GET":
            return self._limits()
        raise refusal(404, "The requested resource does not exist.", "NOT_FOUND")

    def _record_answer(self, request: Request, root: str, versions: dict[str, int]) -> Response:
        path = _segments(request.path, _RECORDS)

        def work() -> Response:
            return self._records.answer(request, path, root, versions)

        if request.method in _WRITES and "respond-async" in request.headers.get("prefer", ""):
            return self._jobs.submit(request, root, work)
        return work()

    def _query_answer(self, request: Request, root: str) -> Response:
        strict = self.account.preferences.suiteql_without_prefer != "accepted"
        if strict and "transient" not in request.headers.get("prefer", "").lower():
            text = "The header Prefer must have the value transient."
            raise refusal(400, text, "INVALID_HEADER", header="Prefer")
        query = parse(request.body).get("q")
        if not isinstance(query, str) or not query.strip():
            raise refusal(400, "The request body must contain the query in 'q'.", INVALID_CONTENT, path="q")
        limit, offset = page_of(request, self.account)
        if offset + limit > ROW_LIMIT:
            raise refusal(400, f"A query reaches at most {ROW_LIMIT} rows.", "INVALID_PARAMETER", query="offset")
        rows = self._queries.run(query)
        items: list[Any] = [{"links": [], **row} for row in rows[offset : offset + limit]]
        page = rendering.page_json(items, len(rows), offset, limit, f"{root}{_QUERIES}?limit={limit}&offset={offset}")
        return answer_json(page, "application/vnd.oracle.resource+json; type=collection; charset=UTF-8")

    def _limits(self) -> Response:
        if not self.account.role.administrator:
            raise no_permission("Administrator")
        limit = self.account.preferences.concurrency_limit
        return json_response(
            {"accountConcurrencyLimit": limit, "accountUnallocatedConcurrencyLimit": limit, "integrations": []}
        )

    # --- for tests and demos ---

    def refusal(self, kind: str) -> Response:
        """A scheduled fault in NetSuite's words; a 503 comes from the gateway and is HTML (sheet §8)."""
        if kind == "503":
            return maintenance_page()
        made = {"401": bad_login, "429": too_many_requests, "500": unexpected}[kind]
        return made().response()

    def state(self) -> dict[str, Any]:
        """Every document made since the world was loaded, how many requests came, and the peak of running ones."""
        root = View(self.base_url, expand=True)
        documents = {
            kind: [rendering.record_json(self.account, record, root) for record in self.account.book.all(kind)
                   if record.made]
            for kind in KINDS
        }  # fmt: skip
        stock = [
            {
                "item": item,
                "location": location,
                "binNumber": shelf,
                "inventoryStatus": status,
                "quantityOnHand": on_hand,
            }
            for (item, location, shelf, status), on_hand in sorted(self.account.stock.items())
        ]
        found = {
            "documents": {kind: made for kind, made in documents.items() if made or KINDS[kind].is_transaction},
            "requests": {"total": sum(n for name, n in self._counts.items() if not name.startswith("answered")),
                         **self._counts},
            "max_in_flight": self._max_in_flight,
            "stock": stock,
            "payments_sent": self.account.payments,
            "unknown_preferences": self._unknown_preferences,
        }  # fmt: skip
        plain: dict[str, Any] = json.loads(dumps(found))
        return plain

    async def control(self, request: Request) -> Response | None:
        """`POST /__sim/preferences` changes switches; `POST /__sim/tokens/expire` ends every session."""
        match request.method, request.path:
            case "POST", "/__sim/preferences":
                given, unknown = read_preferences({"preferences": request.json()}, self.account.preferences)
                self.account.preferences = given
                return json_response({"changed": True, "unknown": unknown})
            case "POST", "/__sim/tokens/expire":
                self._tokens.expire_all()
                return json_response({"expired": True})
        return None


def _segments(path: str, prefix: str) -> list[str]:
    """The decoded parts of a path below a prefix; empty when it lies elsewhere."""
    if not path.startswith(prefix):
        return []
    return [unquote(part) for part in path[len(prefix) :].split("/") if part]


def _counted_as(request: Request) -> str:
    """A short name for the kind of request, for `/__sim/state`."""
    if request.path == TOKEN_PATH:
        return "token"
    if request.path == _QUERIES:
        return "suiteql"
    parts = _segments(request.path, _RECORDS)
    if "!transform" in parts:
        return f"transform {parts[0]} to {parts[-1]}"
    return f"{request.method} {parts[0]}" if parts else f"{request.method} other"
